/*
 * Reading pages of a shelf, now or as of a past revision.
 */
#include "apiserver/list.h"

#include "apiserver/cache.h"
#include "apiserver/status.h"
#include "base/map.h"
#include "codec/base64.h"
#include "codec/url.h"
#include "kube/object.h"

#define TOKEN_MAX_BYTES 2048

/* What a continue token says. */
struct position {
    uint64_t rv;      /* 0: none yet; NOW: continue from the present */
    struct str start; /* key, relative to the prefix */
};
#define POSITION_NOW UINT64_MAX

int list_too_large(json_t **ret_status, uint64_t rv, uint64_t current)
{
    int rc = status_set(ret_status, ERR_TIMEOUT, "Too large resource version: %llu, current: %llu",
                        (unsigned long long)rv, (unsigned long long)current);
    if (ret_status) {
        json_t *details = json_object_at(*ret_status, "details");
        json_t *causes = json_array();
        json_t *cause = json_object();
        json_set_str(cause, "reason", STR("ResourceVersionTooLarge"));
        json_set_str(cause, "message", STR("Too large resource version"));
        json_array_append_new(causes, cause);
        json_set(details, "causes", causes);
        json_set(details, "retryAfterSeconds", json_integer(1));
    }
    return rc;
}

/* --- continue tokens */

static struct str format_token(struct arena *a, struct position p)
{
    struct buf json CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);
    struct buf text CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);

    buf_addf(&json, "{\"v\":\"meta.k8s.io/v1\",\"rv\":%lld,\"start\":\"",
             p.rv == POSITION_NOW ? -1LL : (long long)p.rv);
    buf_add_json(&json, p.start);
    buf_add_c(&json, "\"}");
    base64_url_encode(&text, buf_str(&json));
    return arena_str(a, buf_str(&text));
}

static int parse_token(struct arena *a, struct str token, struct position *ret_position,
                       json_t **ret_status)
{
    struct buf json CLEANUP(buf_fini) = BUF_INIT(TOKEN_MAX_BYTES);
    json_t *v JSON_OWNED = NULL;

    if (token.n > TOKEN_MAX_BYTES || base64_url_decode(&json, token) < 0 ||
        json_parse(buf_str(&json), &v, NULL) < 0 ||
        !str_eq(json_str(v, "v"), STR("meta.k8s.io/v1")) || !json_str(v, "start").p)
        return status_set(ret_status, ERR_BADREQUEST,
                          "continue key is not valid: it is not a token of this server");
    int64_t rv = json_int(v, "rv", 0);
    ret_position->rv = rv < 0 ? POSITION_NOW : (uint64_t)rv;
    ret_position->start = arena_str(a, json_str(v, "start"));
    return 0;
}

static int expired_token(struct arena *a, struct position p, json_t **ret_status)
{
    int rc = status_set(
        ret_status, ERR_GONE,
        "The provided continue parameter is too old to display a consistent list result. You can "
        "start a new list without the continue parameter, or use the continue token in this "
        "response to retrieve the remainder of the results. Continuing with the provided token "
        "results in an inconsistent list - objects that were created, modified, or deleted between "
        "the time the first chunk was returned and now may show up in the list.");

    p.rv = POSITION_NOW;
    if (ret_status)
        json_set_str(json_object_at(*ret_status, "metadata"), "continue", format_token(a, p));
    return rc;
}

/* --- the walk: the present, or the present with some keys as they were */

struct past {
    struct map *changed; /* key -> first event after the revision; NULL: the present is wanted */
    struct cache_event **gone; /* those whose object existed then, in key order */
    size_t count;
};

static void note_change(void *cookie, struct cache_event *e)
{
    struct map *changed = cookie;

    if (!map_get(changed, e->key))
        map_put(changed, e->key, e);
}

static int compare_events(const void *a, const void *b)
{
    const struct cache_event *const *x = a;
    const struct cache_event *const *y = b;

    return str_cmp((*x)->key, (*y)->key);
}

static int past_open(struct past *p, const struct cache *c, const struct cache_shelf *s,
                     uint64_t rv)
{
    struct map *changed = map_new();
    struct map_iter it = {0};
    struct cache_event *e;

    if (cache_replay(c, s, rv, note_change, changed) < 0) {
        map_free(changed);
        return -ERR_GONE;
    }
    p->changed = changed;
    p->gone = xcalloc(map_len(changed) + 1, sizeof(struct cache_event *));
    while ((e = map_next(changed, &it)))
        if (e->old)
            p->gone[p->count++] = e;
    qsort(p->gone, p->count, sizeof(struct cache_event *), compare_events);
    return 0;
}

static void past_close(struct past *p)
{
    map_free(p->changed);
    free(p->gone);
}

struct walk {
    const struct cache_entry *now;
    const struct past *past;
    size_t gone; /* next of past->gone */
    struct str prefix;
};

static struct walk walk_start(const struct cache_shelf *s, const struct past *past,
                              struct str prefix, struct str from)
{
    struct walk w = {.now = cache_seek(s, from), .past = past, .prefix = prefix};

    while (w.gone < past->count && str_cmp(past->gone[w.gone]->key, from) < 0)
        w.gone++;
    return w;
}

/* The next object and its key in order, or NULL at the end of the prefix. */
static const json_t *walk_next(struct walk *w, struct str *ret_key)
{
    const struct past *p = w->past;

    while (w->now && p->changed && map_get(p->changed, w->now->key))
        w->now = cache_next(w->now);
    const struct cache_entry *now = w->now;
    if (now && !str_starts(now->key, w->prefix))
        now = NULL;
    const struct cache_event *gone = w->gone < p->count ? p->gone[w->gone] : NULL;
    if (gone && !str_starts(gone->key, w->prefix))
        gone = NULL;
    if (gone && (!now || str_cmp(gone->key, now->key) < 0)) {
        w->gone++;
        *ret_key = gone->key;
        return gone->old;
    }
    if (!now)
        return NULL;
    *ret_key = now->key;
    w->now = cache_next(now);
    return now->object;
}

/* --- pages */

static void set_rv(json_t *meta, uint64_t rv)
{
    char text[24];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)rv);
    json_set_str(meta, "resourceVersion", str_c(text));
}

/* Says where the next page starts and, when no selector makes it a guess, how much is left. */
static void set_continue(struct arena *a, json_t *meta, const struct list_options *o,
                         struct position next, struct walk *rest)
{
    struct str key;
    int64_t left = 1; /* the object the next page begins with */

    json_set_str(meta, "continue", format_token(a, next));
    if (o->labels || o->fields)
        return;
    while (walk_next(rest, &key))
        left++;
    json_set(meta, "remainingItemCount", json_integer(left));
}

static void read_page(struct arena *a, const struct kind *k, const struct list_options *o,
                      struct walk *w, struct position at, struct list_page *page)
{
    const json_t *object;
    struct str key;

    while ((object = walk_next(w, &key))) {
        if (!list_matches(o, k, object))
            continue;
        if (o->limit && json_array_size(page->items) >= o->limit) {
            struct position next = {.rv = at.rv, .start = str_skip(key, k->prefix.n)};
            set_continue(a, page->meta, o, next, w);
            return;
        }
        json_array_append(page->items, (json_t *)object);
    }
}

/* The revision a list is of, from its options and the token. */
static int choose_revision(const struct cache *c, const struct list_options *o, struct position *at,
                           json_t **ret_status)
{
    uint64_t current = cache_rev(c);

    if (o->token.n) {
        if (at->rv == POSITION_NOW)
            at->rv = current;
        return at->rv > current ? list_too_large(ret_status, at->rv, current) : 0;
    }
    at->rv = current;
    if (!o->has_rv || o->rv == 0)
        return 0;
    if (o->rv > current)
        return list_too_large(ret_status, o->rv, current);
    if (o->match == LIST_MATCH_EXACT || (o->match == LIST_MATCH_UNSET && o->limit))
        at->rv = o->rv;
    return 0;
}

int list_read(const struct cache *c, const struct kind *k, struct str ns,
              const struct list_options *o, struct list_page *ret_page, json_t **ret_status)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    const struct cache_shelf *s = cache_shelf((struct cache *)c, k->prefix);
    struct position at = {0};
    struct past past = {0};
    int rc = o->token.n ? parse_token(a, o->token, &at, ret_status) : 0;

    if (rc == 0)
        rc = choose_revision(c, o, &at, ret_status);
    if (rc < 0)
        return rc;
    struct str prefix = list_prefix(a, k, ns, o);
    struct str from = arena_fmt(a, "%" STR_FMT "%" STR_FMT, STR_ARG(k->prefix), STR_ARG(at.start));
    if (str_cmp(from, prefix) < 0)
        from = prefix;
    if (at.rv < cache_shelf_rev(s) && past_open(&past, c, s, at.rv) < 0) {
        if (o->token.n)
            return expired_token(a, at, ret_status);
        return status_set(ret_status, ERR_GONE,
                          "The provided resource version is too old: %llu (%llu)",
                          (unsigned long long)at.rv, (unsigned long long)cache_floor(c));
    }
    struct walk w = walk_start(s, &past, prefix, from);
    struct list_page page = {json_array(), json_object()};
    set_rv(page.meta, at.rv);
    read_page(a, k, o, &w, at, &page);
    past_close(&past);
    *ret_page = page;
    return 0;
}
