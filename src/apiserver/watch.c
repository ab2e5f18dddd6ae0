/*
 * Watch streams: JSON lines of events, in revision order, for as long as the client reads.
 *
 *   start: state as of now (or history since a revision) ─> queue ─┐
 *   cache: each event that passes the selectors ──────────> queue ─┴─> one line each, while there is room
 *
 * A client that reads too slowly ends its own stream: it continues from its last revision.  An object
 * that begins or ceases to match a selector is shown as ADDED or DELETED.
 */
#include "apiserver/cache.h"
#include "apiserver/rest_priv.h"
#include "base/list.h"
#include "base/time.h"
#include "base/vec.h"
#include "crypto/random.h"
#include "kube/object.h"

#define WATCH_QUEUE_MAX 2000 /* live events that wait for a slow client */
#define BOOKMARK_EVERY_US (10 * TIME_US_PER_S)
#define TIMEOUT_MIN_S 1800 /* when the client names none: up to twice as long */

enum item_type { ITEM_ADDED, ITEM_MODIFIED, ITEM_DELETED, ITEM_BOOKMARK, ITEM_INITIAL_END };

struct watch_item {
    enum item_type type;
    struct cache_event *event; /* referenced; NULL when `object` is all there is */
    json_t *object;            /* referenced */
};

struct watch {
    struct list link;
    struct call *call;
    struct cache_watcher watcher;
    struct output out;
    struct str prefix; /* of the keys that are watched */
    struct VEC(struct watch_item) queue;
    size_t head;     /* next of the queue */
    size_t initial;  /* items queued at the start: not counted against the maximum */
    bool is_blocked; /* wait for on_drain */
    bool is_ended;
    bool has_columns; /* a Table with column definitions was sent */
    struct loop_timer bookmark_timer;
    struct loop_timer end_timer;
};

static struct loop *loop_of(const struct watch *w)
{
    return w->call->rest->server->loop;
}

/* --- writing */

static const char *type_name(enum item_type type)
{
    static const char *const NAMES[] = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "BOOKMARK"};

    return NAMES[type];
}

/* The object of a bookmark: nothing but a revision, all events up to which were sent. */
static json_t *bookmark_object(const struct watch *w, bool initial_end)
{
    const struct kind *k = w->call->kind;
    json_t *o = json_object();
    json_t *meta = json_object_at(o, "metadata");
    char rv[24];

    json_set_str(o, "kind", k->kind);
    json_set_str(o, "apiVersion", k->api_version);
    snprintf(rv, sizeof(rv), "%llu", (unsigned long long)cache_rev(w->call->rest->server->cache));
    json_set_str(meta, "resourceVersion", str_c(rv));
    json_set(meta, "creationTimestamp", json_null());
    if (initial_end)
        kobj_set_annotation(o, "k8s.io/initial-events-end", STR("true"));
    return o;
}

/* Appends the object of a line; the encoding of an event is shared by all watchers that want it plain. */
static void add_object(struct watch *w, const struct watch_item *item, struct buf *line)
{
    bool plain = w->out.form.as == NEGOTIATE_PLAIN;

    if (plain && item->event && item->object == item->event->object &&
        str_eq(kobj_api_version(item->object), w->call->kind->api_version)) {
        buf_add_str(line, cache_event_body(item->event));
        return;
    }
    json_t *o JSON_OWNED = output_object(&w->out, item->object, !w->has_columns);
    w->has_columns = true;
    json_format(o, line);
}

static void write_item(struct watch *w, const struct watch_item *item)
{
    struct buf line CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);

    buf_addf(&line, "{\"type\":\"%s\",\"object\":", type_name(item->type));
    add_object(w, item, &line);
    buf_add_c(&line, "}\n");
    w->is_blocked = !http_exchange_write(w->call->x, buf_str(&line));
}

static void free_item(struct watch_item *item)
{
    if (item->event)
        cache_event_unref(item->event);
    json_decref(item->object);
}

static void pump(struct watch *w)
{
    w->out.wall_us = loop_wall_us(loop_of(w));
    while (!w->is_blocked && !w->is_ended && w->head < w->queue.n) {
        struct watch_item item = w->queue.p[w->head++];
        if (w->initial)
            w->initial--;
        write_item(w, &item);
        free_item(&item);
    }
    if (w->head == w->queue.n)
        w->head = w->queue.n = 0;
}

static void push(struct watch *w, enum item_type type, struct cache_event *event, json_t *object)
{
    struct watch_item item = {
        .type = type,
        .event = event ? cache_event_ref(event) : NULL,
        .object = json_incref(object),
    };

    VEC_PUSH(&w->queue, item);
}

static void push_bookmark(struct watch *w, enum item_type type)
{
    json_t *o JSON_OWNED = bookmark_object(w, type == ITEM_INITIAL_END);

    push(w, type, NULL, o);
}

/* --- events */

/* The last matching state of an object that ceased to match, with the revision at which it did. */
static void push_left(struct watch *w, struct cache_event *e)
{
    json_t *o JSON_OWNED = json_copy(e->old);
    json_t *meta JSON_OWNED = json_copy(json_object_get(e->old, "metadata"));

    json_set_str(meta, "resourceVersion", kobj_rv(e->object));
    json_object_set(o, "metadata", meta);
    push(w, ITEM_DELETED, NULL, o);
}

static void filter_event(void *cookie, struct cache_event *e)
{
    struct watch *w = cookie;
    const struct list_options *o = &w->call->options;
    const struct kind *k = w->call->kind;

    if (!str_starts(e->key, w->prefix))
        return;
    bool now = e->type != CACHE_DELETED && list_matches(o, k, e->object);
    bool before = e->old && list_matches(o, k, e->old);
    if (e->type == CACHE_DELETED && before)
        push(w, ITEM_DELETED, e, e->object);
    else if (now)
        push(w, before ? ITEM_MODIFIED : ITEM_ADDED, e, e->object);
    else if (before)
        push_left(w, e);
}

static void on_event(void *cookie, struct cache_event *e)
{
    struct watch *w = cookie;

    filter_event(w, e);
    pump(w);
    if (w->queue.n - w->head > WATCH_QUEUE_MAX + w->initial)
        watch_end(w);
}

static void on_bookmark(void *cookie)
{
    struct watch *w = cookie;

    loop_timer_start(loop_of(w), &w->bookmark_timer, BOOKMARK_EVERY_US, on_bookmark, w);
    if (w->is_blocked || w->head < w->queue.n)
        return;
    push_bookmark(w, ITEM_BOOKMARK);
    pump(w);
}

static void on_timeout(void *cookie)
{
    struct watch *w = cookie;

    if (w->call->options.bookmarks && !w->is_blocked && w->head == w->queue.n) {
        push_bookmark(w, ITEM_BOOKMARK);
        pump(w);
    }
    watch_end(w);
}

/* --- start and end */

static void push_present(struct watch *w)
{
    const struct cache_shelf *s = cache_shelf(w->call->rest->server->cache, w->call->kind->prefix);
    const struct cache_entry *e = cache_seek(s, w->prefix);

    for (; e && str_starts(e->key, w->prefix); e = cache_next(e))
        if (list_matches(&w->call->options, w->call->kind, e->object))
            push(w, ITEM_ADDED, NULL, e->object);
}

/* Queues what a stream begins with.  Errors: GONE. */
static int push_start(struct watch *w)
{
    const struct list_options *o = &w->call->options;
    struct cache *c = w->call->rest->server->cache;

    if (o->initial_events || ((!o->has_rv || o->rv == 0) && !o->has_initial_events)) {
        push_present(w);
        if (o->initial_events && o->bookmarks)
            push_bookmark(w, ITEM_INITIAL_END);
        return 0;
    }
    if (!o->has_rv || o->rv == 0)
        return 0;
    return cache_replay(c, cache_shelf(c, w->call->kind->prefix), o->rv, filter_event, w);
}

/* An error after the head: one line of type ERROR, then the end. */
static void write_error(struct watch *w, json_t *status)
{
    struct buf line CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);

    buf_add_c(&line, "{\"type\":\"ERROR\",\"object\":");
    json_format(status, &line);
    buf_add_c(&line, "}\n");
    (void)http_exchange_write(w->call->x, buf_str(&line));
    json_decref(status);
    watch_end(w);
}

static void respond(struct call *c)
{
    struct http_response r = {
        .status = 200, .headers.arena = c->arena, .body_length = HTTP_BODY_UNKNOWN};

    c->answered = true;
    http_headers_add(&r.headers, STR("Content-Type"), STR("application/json"));
    http_headers_add(&r.headers, STR("Cache-Control"), STR("no-cache, private"));
    http_exchange_respond(c->x, &r);
}

static struct watch *new_watch(struct call *c)
{
    struct watch *w = NEW(struct watch);

    w->call = c;
    w->out = call_output(c);
    w->prefix = list_prefix(c->arena, c->kind, c->path.ns, &c->options);
    w->watcher = (struct cache_watcher){.on_event = on_event, .cookie = w};
    list_append(&c->rest->watches, &w->link);
    c->watch = w;
    return w;
}

static void start_timers(struct watch *w)
{
    uint64_t timeout_s = w->call->options.timeout_s;

    if (!timeout_s)
        timeout_s = TIMEOUT_MIN_S + random_below(TIMEOUT_MIN_S);
    loop_timer_start(loop_of(w), &w->end_timer, (int64_t)timeout_s * TIME_US_PER_S, on_timeout, w);
    if (w->call->options.bookmarks)
        loop_timer_start(loop_of(w), &w->bookmark_timer, BOOKMARK_EVERY_US, on_bookmark, w);
}

void watch_start(struct call *c)
{
    struct cache *cache = c->rest->server->cache;
    json_t *status = NULL;

    c->form.yaml = false; /* a stream is JSON lines */
    if (c->options.has_rv && c->options.rv > cache_rev(cache)) {
        list_too_large(&status, c->options.rv, cache_rev(cache));
        call_fail(c, status);
        return;
    }
    struct watch *w = new_watch(c);
    respond(c);
    if (push_start(w) < 0) {
        status_set(&status, ERR_GONE, "too old resource version: %llu (%llu)",
                   (unsigned long long)c->options.rv, (unsigned long long)cache_floor(cache));
        write_error(w, status);
        return;
    }
    w->initial = w->queue.n;
    cache_watch(cache_shelf(cache, c->kind->prefix), &w->watcher);
    start_timers(w);
    pump(w);
}

void watch_drain(struct watch *w)
{
    if (w->is_ended)
        return;
    w->is_blocked = false;
    pump(w);
}

static void detach(struct watch *w)
{
    cache_unwatch(&w->watcher);
    list_remove(&w->link);
    loop_timer_cancel(loop_of(w), &w->bookmark_timer);
    loop_timer_cancel(loop_of(w), &w->end_timer);
}

void watch_end(struct watch *w)
{
    if (w->is_ended)
        return;
    w->is_ended = true;
    detach(w);
    http_exchange_end(w->call->x);
}

void watch_free(struct watch *w)
{
    if (!w)
        return;
    detach(w);
    while (w->head < w->queue.n)
        free_item(&w->queue.p[w->head++]);
    VEC_FINI(&w->queue);
    free(w);
}

void watch_end_all(struct rest *r, bool stale)
{
    LIST_EACH(it, &r->watches)
    {
        struct watch *w = LIST_ENTRY(it, struct watch, link);
        const struct kind *k = w->call->kind;
        if (!stale || kinds_find(r->server->kinds, k->group, k->version, k->plural) != k)
            watch_end(w);
    }
}
