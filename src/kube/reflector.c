/*
 * The reflector: a state machine over list and watch calls (picture in the header).
 *
 *      LIST ─> PAGE ─> LISTED ─> WATCH ─> WATCHED ─┬─> WATCH (ended in order)
 *       ^       └─> BACKOFF ─> LIST                ├─> LIST (410)
 *       └───────────────────────────── BACKOFF <───┤
 *                               PROBE ─> PROBED <──┘ (silence) ─> WATCH
 *
 * Lists ask for consistent reads (no resourceVersion), so nothing older than the store ever comes in by a
 * list; pages go into the store as they arrive and what no page named is removed at the end.  Events whose
 * resourceVersion lies before the last one are old news of a confused server and are dropped.
 *
 * kube-apiserver sends a bookmark only when its version is newer than the watch's start, so a quiet
 * collection may be silent for ever.  After a silence of `stale_us` the server is therefore asked for one
 * object, by a consistent read: its answer proves that the server and its storage are alive, and the new
 * watch that follows delivers whatever the old one may have missed.
 */
#include "kube/reflector.h"

#include <stdatomic.h>

#include "base/log.h"
#include "base/time.h"
#include "crypto/random.h"
#include "kube/kube_priv.h"
#include "kube/object.h"
#include "kube/store.h"

#define REFLECTOR_MAGIC 0x7265666cu
#define ACCEPT_METADATA "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
#define ACCEPT_METADATA_LIST "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
#define LIST_TIMEOUT_US (60 * TIME_US_PER_S)
#define BACKOFF_FIRST_US (200 * TIME_US_PER_MS)
#define BACKOFF_MAX_US (30 * TIME_US_PER_S)
#define STALE_US (60 * TIME_US_PER_S)
#define WATCH_SHORT_US (1 * TIME_US_PER_S) /* an end before that, without an event, is no success */

enum {
    PAGE_SIZE = 500,
    PATH_MAX_BYTES = 32 * 1024,
    RV_MAX_BYTES = 1024,
    CONTINUE_MAX_BYTES = 4096,
    WATCH_MIN_S = 300,
    WATCH_SPREAD_S = 300,
    WATCH_TRIES = 3, /* watches the server refuses before the collection is listed again */
};

enum step { STEP_MORE, STEP_WAIT };
typedef enum step reflector_step_fn(struct reflector *r);

struct reflector_state {
    const char *name;
    reflector_step_fn *fn;
};

struct reflector {
    uint32_t magic;
    struct kube_client *client;
    struct loop *loop;
    struct arena *arena; /* of the copied spec */
    struct kube_resource resource;
    struct str api_version;
    struct reflector_spec spec;
    struct store *store;

    const struct reflector_state *state;
    const struct reflector_state *resume; /* after BACKOFF */
    struct kube_call *call;
    struct loop_timer timer; /* BACKOFF */
    struct loop_timer stale;
    struct loop_task start;
    unsigned callbacks; /* entered and not yet left */
    bool is_stopped;    /* inside one of them */

    int rc; /* how the last call ended */
    struct err err;
    const json_t *page; /* the last list answer, during ANSWER */
    struct buf rv;      /* resourceVersion to watch from */
    struct buf next;    /* continue token of the list */
    unsigned page_size;
    uint64_t list;     /* number of the current list */
    bool is_restarted; /* this list began again after a 410 */
    unsigned failures; /* in a row */
    unsigned refusals; /* watches in a row that the server answered with an error */
    int64_t opened_us; /* when the watch was begun */
    bool is_heard;     /* something arrived on this watch */

    atomic_bool is_synced;
    _Atomic int64_t heard_us;
};

static reflector_step_fn list_begin, list_page, list_answer, list_done, watch_open, watch_done,
    probe, probe_done, backoff;
static const struct reflector_state LIST = {"list", list_begin};
static const struct reflector_state PAGE = {"page", list_page};
static const struct reflector_state ANSWER = {"answer", list_answer};
static const struct reflector_state LISTED = {"listed", list_done};
static const struct reflector_state WATCH = {"watch", watch_open};
static const struct reflector_state WATCHED = {"watched", watch_done};
static const struct reflector_state PROBE = {"probe", probe};
static const struct reflector_state PROBED = {"probed", probe_done};
static const struct reflector_state BACKOFF = {"backoff", backoff};

static void reflector_free(struct reflector *r)
{
    store_free(r->store);
    buf_fini(&r->rv);
    buf_fini(&r->next);
    arena_free(r->arena);
    r->magic = 0;
    free(r);
}

/* Every way into the reflector is between enter and leave, so that a handler may stop it. */
static struct reflector *enter(void *cookie)
{
    struct reflector *r = CAST(struct reflector, cookie, REFLECTOR_MAGIC);

    r->callbacks++;
    return r;
}

static void leave(struct reflector *r)
{
    if (--r->callbacks == 0 && r->is_stopped)
        reflector_free(r);
}

static void reflector_run(struct reflector *r)
{
    enum step step = STEP_MORE;

    while (step == STEP_MORE && !r->is_stopped) {
        log_trace("Reflector", LOG_S("resource", r->resource.plural),
                  LOG_C("state", r->state->name));
        step = r->state->fn(r);
    }
}

static enum step go(struct reflector *r, const struct reflector_state *state)
{
    r->state = state;
    return STEP_MORE;
}

static enum step back_off(struct reflector *r, const struct reflector_state *resume)
{
    r->resume = resume;
    return go(r, &BACKOFF);
}

/* --- what was heard */

static void on_stale(void *cookie)
{
    struct reflector *r = enter(cookie);

    if (r->call)
        kube_call_cancel(TAKE(r->call));
    r->state = &PROBE;
    reflector_run(r);
    leave(r);
}

static void heard(struct reflector *r)
{
    atomic_store_explicit(&r->heard_us, loop_now_us(r->loop), memory_order_relaxed);
    r->refusals = 0;
}

/* Keeps a server's token, which is useless when it is cut.  Returns 0 or -ERR_TOOBIG. */
static int set_text(struct buf *b, struct str s)
{
    buf_reset(b);
    buf_add_str(b, s);
    return buf_error(b);
}

/* Whether version `a` is known to lie before `b`: both are numbers, as API servers in practice have it. */
static bool rv_is_before(struct str a, struct str b)
{
    uint64_t x, y;

    return str_to_u64(a, UINT64_MAX, &x) == 0 && str_to_u64(b, UINT64_MAX, &y) == 0 && x < y;
}

static void tell(struct reflector *r, const json_t *old, const json_t *now)
{
    if (!r->is_stopped && r->spec.on_change)
        r->spec.on_change(r->spec.cookie, old, now);
}

static void trim(struct reflector *r, json_t *object)
{
    if (r->spec.trim)
        r->spec.trim(r->spec.cookie, object);
    else
        json_del(json_object_get(object, "metadata"), "managedFields");
}

/* List items of built-in kinds come without these. */
static void complete(struct reflector *r, json_t *object)
{
    if (!kobj_kind(object).n)
        json_set_str(object, "kind", r->resource.kind);
    if (!kobj_api_version(object).n)
        json_set_str(object, "apiVersion", r->api_version);
}

/* Stores an object that is new or changed.  Returns 0, or -ERR_PROTO when it is none. */
static int take_object(struct reflector *r, json_t *object)
{
    struct str ns = kobj_ns(object);
    struct str name = kobj_name(object);
    struct str rv = kobj_rv(object);
    struct store_entry *e;
    json_t *old JSON_OWNED = NULL;

    if (!store_is_key(ns, name) || !rv.n)
        return -ERR_PROTO;
    e = store_find(r->store, ns, name);
    if (e && str_eq(kobj_rv(e->object), rv) && str_eq(kobj_uid(e->object), kobj_uid(object))) {
        e->seen = r->list;
        return 0;
    }
    complete(r, object);
    trim(r, object);
    old = store_put(r->store, ns, name, json_incref(object), r->list);
    tell(r, old, object);
    return 0;
}

static int drop_object(struct reflector *r, const json_t *object)
{
    json_t *old JSON_OWNED = NULL;

    if (!kobj_name(object).n)
        return -ERR_PROTO;
    old = store_del(r->store, kobj_ns(object), kobj_name(object));
    if (old)
        tell(r, old, NULL);
    return 0;
}

/* --- paths */

static void add_query(struct buf *b, const char *name, struct str value)
{
    if (!value.n)
        return;
    buf_addf(b, "%s%s=", str_index(buf_str(b), '?') < 0 ? "?" : "&", name);
    url_encode(b, value, "");
}

static void collection_path(const struct reflector *r, struct buf *b)
{
    kube_path(b, &r->resource, r->spec.ns, STR_NONE, STR_NONE);
    add_query(b, "fieldSelector", r->spec.field_selector);
    add_query(b, "labelSelector", r->spec.label_selector);
}

static void add_number(struct buf *b, const char *name, uint64_t n)
{
    buf_addf(b, "%s%s=%llu", str_index(buf_str(b), '?') < 0 ? "?" : "&", name,
             (unsigned long long)n);
}

/* --- LIST */

static enum step list_begin(struct reflector *r)
{
    r->list++;
    buf_reset(&r->next);
    return go(r, &PAGE);
}

static void on_page(void *cookie, int rc, json_t *answer, const struct err *err)
{
    struct reflector *r = enter(cookie);

    r->call = NULL;
    r->rc = rc;
    if (rc < 0)
        r->err = *err;
    r->page = answer;
    reflector_run(r);
    r->page = NULL;
    leave(r);
}

static enum step list_page(struct reflector *r)
{
    struct buf path = BUF_INIT(PATH_MAX_BYTES);
    struct kube_request request = {
        .method = "GET",
        .accept = r->spec.metadata_only ? ACCEPT_METADATA_LIST : NULL,
        .timeout_us = LIST_TIMEOUT_US,
    };

    collection_path(r, &path);
    add_number(&path, "limit", r->page_size);
    add_query(&path, "continue", buf_str(&r->next));
    ASSERT(buf_error(&path) == 0);
    request.path = buf_str(&path);
    r->call = kube_call_start(r->client, &request, on_page, r);
    buf_fini(&path);
    r->state = &ANSWER;
    return STEP_WAIT;
}

static enum step list_failed(struct reflector *r)
{
    bool is_paging = r->next.len > 0;

    /* A continue token that is too old: once more from the start, at once. */
    if (r->rc == -ERR_GONE && is_paging && !r->is_restarted) {
        r->is_restarted = true;
        return go(r, &LIST);
    }
    if (r->rc == -ERR_TOOBIG && r->page_size > 1) {
        r->page_size /= 2;
        return go(r, &LIST);
    }
    r->is_restarted = false;
    log_warn("List failed", LOG_S("resource", r->resource.plural), LOG_ERR(&r->err));
    return back_off(r, &LIST);
}

/* Takes a page into the store.  Returns 0, or -ERR_PROTO when it is no list. */
static int take_page(struct reflector *r)
{
    const json_t *items = json_object_get(r->page, "items");
    struct str rv = json_str_at(r->page, "metadata", "resourceVersion", NULL);
    json_t *item;
    size_t i;

    /* Go servers write an empty list as null. */
    if (!rv.n || (!json_is_array(items) && !json_is_null(items)))
        return err_set(&r->err, ERR_PROTO, "the answer is no list");
    json_array_foreach(items, i, item)
    {
        if (r->is_stopped)
            return 0;
        if (take_object(r, item) < 0)
            return err_set(&r->err, ERR_PROTO, "the list holds something that is no object");
    }
    /* All pages are of one moment; with a server that does not keep to that, the first is the safe one. */
    if (!r->next.len && set_text(&r->rv, rv) < 0)
        return err_set(&r->err, ERR_PROTO, "the list's resourceVersion is too long");
    if (set_text(&r->next, json_str_at(r->page, "metadata", "continue", NULL)) < 0)
        return err_set(&r->err, ERR_PROTO, "the list's continue token is too long");
    return 0;
}

static enum step list_answer(struct reflector *r)
{
    if (r->rc == 0)
        r->rc = take_page(r);
    if (r->rc < 0)
        return list_failed(r);
    return go(r, r->next.len ? &PAGE : &LISTED);
}

static enum step list_done(struct reflector *r)
{
    struct map_iter it = {0};
    json_t *gone;

    while (!r->is_stopped && (gone = store_sweep_next(r->store, &it, r->list))) {
        tell(r, gone, NULL);
        json_decref(gone);
    }
    r->is_restarted = false;
    heard(r);
    if (!atomic_exchange_explicit(&r->is_synced, true, memory_order_acq_rel) && r->spec.on_synced &&
        !r->is_stopped)
        r->spec.on_synced(r->spec.cookie);
    return go(r, &WATCH);
}

/* --- WATCH */

/* The stream's part is done; why is in r->rc and r->err. */
static void end_watch(struct reflector *r)
{
    if (r->call)
        kube_call_cancel(TAKE(r->call));
    loop_timer_cancel(r->loop, &r->stale);
    reflector_run(r);
}

static void on_watch_closed(void *cookie, int rc, const struct err *err)
{
    struct reflector *r = enter(cookie);

    r->call = NULL;
    r->rc = rc;
    if (rc < 0)
        r->err = *err;
    end_watch(r);
    leave(r);
}

/* Whether an event tells what the stream, or a page listed after its revision, has told already. */
static bool is_old_news(const struct reflector *r, const json_t *object)
{
    const struct store_entry *e = store_find(r->store, kobj_ns(object), kobj_name(object));
    struct str rv = kobj_rv(object);

    return rv_is_before(rv, buf_str(&r->rv)) || (e && rv_is_before(rv, kobj_rv(e->object)));
}

/* Applies one event.  Returns 0 or why the watch is of no more use. */
static int take_event(struct reflector *r, const json_t *event)
{
    struct str type = json_str(event, "type");
    json_t *object = json_object_get(event, "object");
    struct str rv = kobj_rv(object);
    int rc;

    if (str_eq_c(type, "ERROR"))
        return kube_status_from_object(500, object, &r->err);
    if (!rv.n)
        return err_set(&r->err, ERR_PROTO, "an event without object");
    if (is_old_news(r, object))
        return 0;
    if (str_eq_c(type, "BOOKMARK"))
        rc = 0;
    else if (str_eq_c(type, "ADDED") || str_eq_c(type, "MODIFIED"))
        rc = take_object(r, object);
    else if (str_eq_c(type, "DELETED"))
        rc = drop_object(r, object);
    else
        return err_set(&r->err, ERR_PROTO, "an event of unknown type");
    if (rc < 0)
        return err_set(&r->err, ERR_PROTO, "an event whose object has no name");
    if (set_text(&r->rv, rv) < 0)
        return err_set(&r->err, ERR_PROTO, "an event's resourceVersion is too long");
    return 0;
}

static void on_event(void *cookie, json_t *event)
{
    struct reflector *r = enter(cookie);

    r->rc = take_event(r, event);
    if (r->is_stopped) {
        leave(r);
        return;
    }
    if (r->rc < 0) {
        end_watch(r);
    } else {
        r->is_heard = true;
        r->failures = 0;
        heard(r);
        loop_timer_start(r->loop, &r->stale, r->spec.stale_us, on_stale, r);
    }
    leave(r);
}

static enum step watch_open(struct reflector *r)
{
    struct buf path = BUF_INIT(PATH_MAX_BYTES);
    struct kube_stream_ops ops = {
        .on_line = on_event,
        .on_close = on_watch_closed,
        .accept = r->spec.metadata_only ? ACCEPT_METADATA : NULL,
    };

    collection_path(r, &path);
    add_query(&path, "watch", STR("true"));
    add_query(&path, "allowWatchBookmarks", STR("true"));
    add_query(&path, "resourceVersion", buf_str(&r->rv));
    add_number(&path, "timeoutSeconds", WATCH_MIN_S + random_below(WATCH_SPREAD_S + 1));
    ASSERT(buf_error(&path) == 0);
    r->is_heard = false;
    r->opened_us = loop_now_us(r->loop);
    r->call = kube_stream_start(r->client, buf_str(&path), &ops, r);
    buf_fini(&path);
    loop_timer_start(r->loop, &r->stale, r->spec.stale_us, on_stale, r);
    r->state = &WATCHED;
    return STEP_WAIT;
}

/* Whether the server itself refused, rather than not being reached or being busy. */
static bool is_refusal(int rc)
{
    switch ((enum err_code) - rc) {
    case ERR_REFUSED:
    case ERR_CLOSED:
    case ERR_EOF:
    case ERR_IO:
    case ERR_TLS:
    case ERR_THROTTLED:
    case ERR_UNAVAILABLE:
        return false;
    default:
        return true;
    }
}

static enum step watch_done(struct reflector *r)
{
    bool is_short = !r->is_heard && loop_now_us(r->loop) - r->opened_us < WATCH_SHORT_US;

    /* A list alone is no success: a server that refuses every watch would be asked for lists only. */
    if (!is_short)
        r->failures = 0;
    if (r->rc == 0)
        return is_short ? back_off(r, &WATCH) : go(r, &WATCH);
    if (r->rc == -ERR_GONE) {
        log_debug("Watch expired", LOG_S("resource", r->resource.plural));
        return is_short ? back_off(r, &LIST) : go(r, &LIST);
    }
    log_warn("Watch failed", LOG_S("resource", r->resource.plural), LOG_ERR(&r->err));
    if (is_refusal(r->rc) && ++r->refusals >= WATCH_TRIES) {
        r->refusals = 0;
        return back_off(r, &LIST);
    }
    return back_off(r, &WATCH);
}

/* --- PROBE */

static enum step probe(struct reflector *r)
{
    struct buf path = BUF_INIT(PATH_MAX_BYTES);
    struct kube_request request = {.method = "GET", .accept = ACCEPT_METADATA_LIST};

    collection_path(r, &path);
    add_number(&path, "limit", 1);
    ASSERT(buf_error(&path) == 0);
    request.path = buf_str(&path);
    r->call = kube_call_start(r->client, &request, on_page, r);
    buf_fini(&path);
    r->state = &PROBED;
    return STEP_WAIT;
}

static enum step probe_done(struct reflector *r)
{
    if (r->rc < 0) {
        log_warn("Probe of a silent watch failed", LOG_S("resource", r->resource.plural),
                 LOG_ERR(&r->err));
        return back_off(r, &PROBE);
    }
    heard(r);
    return go(r, &WATCH);
}

/* --- BACKOFF */

static void on_backoff(void *cookie)
{
    struct reflector *r = enter(cookie);

    r->state = r->resume;
    reflector_run(r);
    leave(r);
}

static enum step backoff(struct reflector *r)
{
    int64_t delay = BACKOFF_FIRST_US << MIN(r->failures, 16u);

    delay = MIN(delay, BACKOFF_MAX_US);
    /* Half of it is random, so that the clients of a server that comes back do not come as one. */
    delay = delay / 2 + (int64_t)random_below((uint64_t)delay / 2 + 1);
    r->failures++;
    loop_timer_start(r->loop, &r->timer, delay, on_backoff, r);
    return STEP_WAIT;
}

/* --- the outside */

static void on_start(void *cookie)
{
    struct reflector *r = enter(cookie);

    reflector_run(r);
    leave(r);
}

static void copy_spec(struct reflector *r, const struct reflector_spec *spec)
{
    struct arena *a = r->arena;

    r->spec = *spec;
    r->resource = (struct kube_resource){
        .group = arena_str(a, spec->resource->group),
        .version = arena_str(a, spec->resource->version),
        .plural = arena_str(a, spec->resource->plural),
        .kind = arena_str(a, spec->resource->kind),
        .namespaced = spec->resource->namespaced,
    };
    r->spec.resource = &r->resource;
    r->api_version = kube_api_version(a, &r->resource);
    r->spec.ns = arena_str(a, spec->ns);
    r->spec.field_selector = arena_str(a, spec->field_selector);
    r->spec.label_selector = arena_str(a, spec->label_selector);
    r->page_size = spec->page_size ? spec->page_size : PAGE_SIZE;
    if (!spec->stale_us)
        r->spec.stale_us = STALE_US;
}

struct reflector *reflector_start(struct kube_client *c, const struct reflector_spec *spec)
{
    struct reflector *r = NEW(struct reflector);

    r->magic = REFLECTOR_MAGIC;
    r->client = c;
    r->loop = kube_client_loop(c);
    r->arena = arena_new();
    r->store = store_new();
    buf_init(&r->rv, RV_MAX_BYTES);
    buf_init(&r->next, CONTINUE_MAX_BYTES);
    copy_spec(r, spec);
    atomic_init(&r->is_synced, false);
    atomic_init(&r->heard_us, loop_now_us(r->loop));
    r->state = &LIST;
    loop_defer(r->loop, &r->start, on_start, r);
    return r;
}

void reflector_stop(struct reflector *r)
{
    if (!r || r->is_stopped)
        return;
    r->is_stopped = true;
    loop_defer_cancel(r->loop, &r->start);
    loop_timer_cancel(r->loop, &r->timer);
    loop_timer_cancel(r->loop, &r->stale);
    if (r->call)
        kube_call_cancel(TAKE(r->call));
    if (!r->callbacks)
        reflector_free(r);
}

bool reflector_is_synced(const struct reflector *r)
{
    return atomic_load_explicit(&r->is_synced, memory_order_acquire);
}

int64_t reflector_age_us(const struct reflector *r)
{
    /* Another thread cannot ask the loop for its time, which may be standing still. */
    int64_t now = loop_is_current(r->loop) ? loop_now_us(r->loop) : time_mono_us();

    return now - atomic_load_explicit(&r->heard_us, memory_order_relaxed);
}

const json_t *reflector_get(const struct reflector *r, struct str ns, struct str name)
{
    const struct store_entry *e = store_find(r->store, ns, name);

    return e ? e->object : NULL;
}

json_t *reflector_get_ref(struct reflector *r, struct str ns, struct str name)
{
    return store_get_ref(r->store, ns, name);
}

const json_t *reflector_next(const struct reflector *r, struct map_iter *it)
{
    return store_next(r->store, it);
}

json_t *reflector_snapshot(struct reflector *r)
{
    return store_snapshot(r->store);
}
