/*
 * Events about objects, aggregated before they are sent.
 *
 * Recording threads only leave a note in a bounded inbox; everything else happens on the loop.  Equal notes
 * form a series: the first one creates an Event, later ones raise its count.  What cannot be sent is
 * forgotten: an Event is a courtesy, and the next one of its series carries the full count.
 */
#include "kube/event.h"

#include <pthread.h>
#include <stdarg.h>

#include "base/map.h"
#include "base/time.h"
#include "crypto/random.h"
#include "kube/kube_priv.h"
#include "kube/object.h"

#define SERIES_LIFE_US (600 * TIME_US_PER_S)
#define WINDOW_US (60 * TIME_US_PER_S)

enum {
    EVENT_MESSAGE_BYTES = 1024, /* the API's limit */
    EVENT_NAME_BYTES = 253,
    EVENT_PATH_BYTES = 4096,
    WINDOW_EVENTS = 25, /* an object's, in WINDOW_US */
    INBOX_MAX = 1024,
    SERIES_MAX = 4096,
    WINDOWS_MAX = 4096,
    CALLS_MAX = 8,
};

struct note {
    struct list link;
    json_t *event; /* involvedObject, type, reason, message */
};

struct series {
    struct event_recorder *recorder;
    struct list link; /* to be sent */
    json_t *event;
    struct kube_call *call;
    int64_t last_us;
    int64_t count;
    bool is_created;
    bool is_dirty; /* raised while a call was open */
};

struct window {
    int64_t start_us;
    unsigned sent;
};

struct event_recorder {
    struct kube_client *client;
    struct loop *loop;
    char *component;
    pthread_mutex_t lock;
    /* Under the lock: */
    struct list inbox;
    unsigned inbox_len;
    bool is_posted;
    bool is_closed;
    struct loop_task task;
    /* On the loop: */
    struct map *series;
    struct map *windows;
    struct list queue;
    unsigned calls;
    int64_t swept_us;
};

static void on_inbox(void *cookie);

struct event_recorder *event_recorder_new(struct kube_client *c, const char *component)
{
    struct event_recorder *r = NEW(struct event_recorder);

    r->client = c;
    r->loop = kube_client_loop(c);
    r->component = xstrdup(component);
    pthread_mutex_init(&r->lock, NULL);
    list_init(&r->inbox);
    list_init(&r->queue);
    r->series = map_new();
    r->windows = map_new();
    return r;
}

/* --- any thread */

/* `s` without a cut character at its end. */
static struct str whole_utf8(struct str s)
{
    size_t n = s.n;

    while (n > 0 && ((unsigned char)s.p[n - 1] & 0xc0) == 0x80)
        n--;
    /* n - 1 is the first byte of the last character; it is whole when the length fits. */
    if (n > 0 && (unsigned char)s.p[n - 1] >= 0xc0) {
        unsigned char lead = (unsigned char)s.p[n - 1];
        size_t need = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;

        return n - 1 + need <= s.n ? s : str_head(s, n - 1);
    }
    return s;
}

static json_t *involved_object(const json_t *object)
{
    json_t *o = json_object();

    json_set_str(o, "apiVersion", kobj_api_version(object));
    json_set_str(o, "kind", kobj_kind(object));
    json_set_str(o, "name", kobj_name(object));
    if (kobj_ns(object).n)
        json_set_str(o, "namespace", kobj_ns(object));
    if (kobj_uid(object).n)
        json_set_str(o, "uid", kobj_uid(object));
    if (kobj_rv(object).n)
        json_set_str(o, "resourceVersion", kobj_rv(object));
    return o;
}

static struct note *note_new(const json_t *object, const char *type, const char *reason,
                             struct str message)
{
    struct note *n = NEW(struct note);

    n->event = json_object();
    json_set(n->event, "involvedObject", involved_object(object));
    json_set_str(n->event, "type", str_c(type));
    json_set_str(n->event, "reason", str_c(reason));
    json_set_str(n->event, "message", whole_utf8(message));
    return n;
}

static void note_free(struct note *n)
{
    json_decref(n->event);
    free(n);
}

void event_record(struct event_recorder *r, const json_t *object, const char *type,
                  const char *reason, const char *fmt, ...)
{
    char message[EVENT_MESSAGE_BYTES + 1];
    struct note *note;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    note = note_new(object, type, reason, str_c(message));
    pthread_mutex_lock(&r->lock);
    if (r->inbox_len < INBOX_MAX && !r->is_closed) {
        list_append(&r->inbox, &note->link);
        r->inbox_len++;
        note = NULL;
    }
    if (!r->is_posted && !r->is_closed) {
        r->is_posted = true;
        loop_post(r->loop, &r->task, on_inbox, r);
    }
    pthread_mutex_unlock(&r->lock);
    if (note)
        note_free(note);
}

/* --- the loop */

static void series_free(void *value)
{
    struct series *s = value;

    if (s->call)
        kube_call_cancel(s->call);
    list_remove(&s->link);
    json_decref(s->event);
    free(s);
}

static void add_part(struct buf *b, const json_t *o, const char *member)
{
    buf_add_str(b, json_str(o, member));
    buf_add_char(b, '\n');
}

static void object_key(struct buf *b, const json_t *event)
{
    const json_t *o = json_object_get(event, "involvedObject");

    add_part(b, o, "kind");
    add_part(b, o, "namespace");
    add_part(b, o, "name");
    add_part(b, o, "uid");
}

/* Whether the object may have one more event sent in this minute. */
static bool admit(struct event_recorder *r, const json_t *event)
{
    struct buf key = BUF_INIT(4096);
    struct window *w;
    int64_t now = loop_now_us(r->loop);
    bool ok = false;

    object_key(&key, event);
    w = map_get(r->windows, buf_str(&key));
    if (!w && map_len(r->windows) < WINDOWS_MAX) {
        w = NEW(struct window);
        w->start_us = now;
        map_put(r->windows, buf_str(&key), w);
    }
    if (w && now - w->start_us >= WINDOW_US)
        *w = (struct window){.start_us = now};
    if (w && w->sent < WINDOW_EVENTS) {
        w->sent++;
        ok = true;
    }
    buf_fini(&key);
    return ok;
}

/* The event's own name and namespace, and what does not change over the series. */
static void complete(struct event_recorder *r, json_t *event)
{
    const json_t *o = json_object_get(event, "involvedObject");
    json_t *meta = json_object_at(event, "metadata");
    struct str ns = json_str(o, "namespace");
    struct buf name = BUF_INIT(EVENT_NAME_BYTES);
    char now[TIME_RFC3339_BYTES];
    uint64_t unique;

    random_bytes(&unique, sizeof(unique));
    buf_add_str(&name, str_head(json_str(o, "name"), EVENT_NAME_BYTES - 17));
    buf_addf(&name, ".%016llx", (unsigned long long)unique);
    json_set_str(event, "apiVersion", STR("v1"));
    json_set_str(event, "kind", STR("Event"));
    json_set_str(meta, "name", buf_str(&name));
    json_set_str(meta, "namespace", ns.n ? ns : STR("default"));
    json_set_str(json_object_at(event, "source"), "component", str_c(r->component));
    json_set_str(event, "reportingComponent", str_c(r->component));
    json_set_str(event, "reportingInstance", STR(""));
    json_set_str(event, "firstTimestamp", str_c(time_format_s(loop_wall_us(r->loop), now)));
    buf_fini(&name);
}

static void set_count(const struct series *s, json_t *o)
{
    char now[TIME_RFC3339_BYTES];

    json_set(o, "count", json_integer(s->count));
    json_set_str(o, "lastTimestamp", str_c(time_format_s(loop_wall_us(s->recorder->loop), now)));
}

static void pump(struct event_recorder *r);

static void on_sent(void *cookie, int rc, json_t *answer, const struct err *err)
{
    struct series *s = cookie;
    struct event_recorder *r = s->recorder;

    s->call = NULL;
    r->calls--;
    if (rc == 0)
        s->is_created = true;
    else if (rc == -ERR_NOTFOUND)
        s->is_created = false; /* it expired, or the namespace is gone */
    if (s->is_dirty && rc == 0) {
        s->is_dirty = false;
        list_append(&r->queue, &s->link);
    }
    pump(r);
}

static void send_series(struct event_recorder *r, struct series *s)
{
    struct buf path = BUF_INIT(EVENT_PATH_BYTES);
    json_t *patch = json_object();
    struct str ns = kobj_ns(s->event);
    struct str name = s->is_created ? kobj_name(s->event) : STR_NONE;
    struct kube_request request = {
        .method = s->is_created ? "PATCH" : "POST",
        .body = s->is_created ? patch : s->event,
        .patch = KUBE_PATCH_MERGE,
    };

    kube_path(&path, &KUBE_EVENTS, ns, name, STR_NONE);
    set_count(s, s->is_created ? patch : s->event);
    request.path = buf_str(&path);
    r->calls++;
    s->call = kube_call_start(r->client, &request, on_sent, s);
    json_decref(patch);
    buf_fini(&path);
}

static void pump(struct event_recorder *r)
{
    struct list *first;

    while (r->calls < CALLS_MAX && (first = list_first(&r->queue))) {
        list_remove(first);
        send_series(r, LIST_ENTRY(first, struct series, link));
    }
}

/* Forgets what is too old to be counted further. */
static void sweep(struct event_recorder *r)
{
    int64_t now = loop_now_us(r->loop);
    struct map_iter it = {0};
    struct series *s;
    struct window *w;

    if (now - r->swept_us < WINDOW_US)
        return;
    r->swept_us = now;
    while ((s = map_next(r->series, &it))) {
        if (s->call || !list_is_empty(&s->link) || now - s->last_us < SERIES_LIFE_US)
            continue;
        map_del(r->series, it.key);
        series_free(s);
    }
    it = (struct map_iter){0};
    while ((w = map_next(r->windows, &it))) {
        if (now - w->start_us < WINDOW_US)
            continue;
        map_del(r->windows, it.key);
        free(w);
    }
}

/* The series a note belongs to, made as needed; NULL when there are too many. */
static struct series *series_of(struct event_recorder *r, struct note *n)
{
    struct buf key = BUF_INIT(8192);
    struct series *s;

    object_key(&key, n->event);
    add_part(&key, n->event, "type");
    add_part(&key, n->event, "reason");
    add_part(&key, n->event, "message");
    s = map_get(r->series, buf_str(&key));
    if (s && !s->call && list_is_empty(&s->link) &&
        loop_now_us(r->loop) - s->last_us >= SERIES_LIFE_US) {
        map_del(r->series, buf_str(&key));
        series_free(TAKE(s));
    }
    if (!s && map_len(r->series) < SERIES_MAX) {
        s = NEW(struct series);
        s->recorder = r;
        s->event = TAKE(n->event);
        list_init(&s->link);
        complete(r, s->event);
        map_put(r->series, buf_str(&key), s);
    }
    buf_fini(&key);
    return s;
}

static void take_note(struct event_recorder *r, struct note *n)
{
    struct series *s = series_of(r, n);

    if (!s)
        return;
    s->count++;
    s->last_us = loop_now_us(r->loop);
    if (!list_is_empty(&s->link) || !admit(r, s->event))
        return;
    if (s->call)
        s->is_dirty = true;
    else
        list_append(&r->queue, &s->link);
}

static void recorder_free(struct event_recorder *r)
{
    LIST_EACH(it, &r->inbox)
    {
        note_free(LIST_ENTRY(it, struct note, link));
    }
    pthread_mutex_destroy(&r->lock);
    free(r->component);
    free(r);
}

static void on_inbox(void *cookie)
{
    struct event_recorder *r = cookie;
    struct list *first;
    struct list notes;
    bool is_closed;

    list_init(&notes);
    pthread_mutex_lock(&r->lock);
    while ((first = list_first(&r->inbox))) {
        list_remove(first);
        list_append(&notes, first);
    }
    r->inbox_len = 0;
    r->is_posted = false;
    is_closed = r->is_closed;
    pthread_mutex_unlock(&r->lock);
    if (!is_closed)
        sweep(r);
    LIST_EACH(it, &notes)
    {
        struct note *n = LIST_ENTRY(it, struct note, link);

        if (!is_closed)
            take_note(r, n);
        note_free(n);
    }
    if (is_closed)
        recorder_free(r);
    else
        pump(r);
}

void event_recorder_free(struct event_recorder *r)
{
    bool is_posted;

    if (!r)
        return;
    map_free_with(r->series, series_free);
    map_free_with(r->windows, free);
    pthread_mutex_lock(&r->lock);
    r->is_closed = true;
    is_posted = r->is_posted;
    pthread_mutex_unlock(&r->lock);
    /* A posted task cannot be taken back: it frees the rest. */
    if (!is_posted)
        recorder_free(r);
    else if (!loop_is_current(r->loop))
        loop_step(r->loop, 0);
}
