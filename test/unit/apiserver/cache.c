/*
 * The watch cache: order, history, watchers.
 */
#include "apiserver/cache.h"

#include "unit.h"

#define PREFIX "/registry/core/configmaps/"

static struct cache_event *apply(struct cache *c, const char *name, uint64_t rev, bool del)
{
    char key[64];
    json_t *o = json_pack("{s:{s:s}}", "metadata", "name", name);

    snprintf(key, sizeof(key), PREFIX "%s", name);
    return cache_apply(c, str_c(key), rev, del, o, 100);
}

static void put(struct cache *c, const char *name, uint64_t rev)
{
    cache_event_unref(apply(c, name, rev, false));
}

TEST(cache_orders_keys_and_finds_them)
{
    struct cache *c = cache_new(1000, 1 << 20);
    struct cache_shelf *s = cache_shelf(c, STR(PREFIX));
    char name[64];

    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "n/%04u", i * 7919 % 1000);
        put(c, name, i + 1);
    }
    CHECK_INT(cache_shelf_len(s), 1000);
    const struct cache_entry *e = cache_seek(s, STR(PREFIX));
    unsigned n = 0;
    for (; e; e = cache_next(e), n++) {
        snprintf(name, sizeof(name), PREFIX "n/%04u", n);
        if (!CHECK_STR(e->key, name))
            break;
    }
    CHECK_INT(n, 1000);
    CHECK(cache_find(s, STR(PREFIX "n/0500")) != NULL);
    CHECK(cache_find(s, STR(PREFIX "n/05")) == NULL);
    CHECK_STR(cache_seek(s, STR(PREFIX "n/05"))->key, PREFIX "n/0500");
    CHECK(cache_seek(s, STR(PREFIX "o")) == NULL);
    cache_free(c);
}

TEST(cache_sets_resource_version_and_types)
{
    struct cache *c = cache_new(10, 1 << 20);
    struct cache_event *e = apply(c, "n/a", 5, false);

    CHECK_INT(e->type, CACHE_ADDED);
    CHECK(e->old == NULL);
    CHECK_STR(json_str_at(e->object, "metadata", "resourceVersion", NULL), "5");
    cache_event_unref(e);
    e = apply(c, "n/a", 6, false);
    CHECK_INT(e->type, CACHE_MODIFIED);
    CHECK_STR(json_str_at(e->old, "metadata", "resourceVersion", NULL), "5");
    cache_event_unref(e);
    e = apply(c, "n/a", 7, true);
    CHECK_INT(e->type, CACHE_DELETED);
    CHECK_STR(json_str_at(e->object, "metadata", "resourceVersion", NULL), "7");
    cache_event_unref(e);
    CHECK(apply(c, "n/a", 8, true) == NULL);
    CHECK_INT(cache_rev(c), 8);
    CHECK_INT(cache_shelf_rev(cache_shelf(c, STR(PREFIX))), 7);
    cache_free(c);
}

static void count(void *cookie, struct cache_event *e)
{
    uint64_t *last = cookie;

    CHECK(e->rev > *last);
    *last = e->rev;
}

TEST(cache_history_is_bounded_by_count_and_bytes)
{
    struct cache *c = cache_new(5, 1 << 20);
    struct cache_shelf *s = cache_shelf(c, STR(PREFIX));
    uint64_t last = 4;

    for (uint64_t rev = 1; rev <= 9; rev++)
        put(c, "n/a", rev);
    CHECK_INT(cache_floor(c), 4);
    CHECK_OK(cache_replay(c, s, 4, count, &last));
    CHECK_INT(last, 9);
    CHECK_ERR(cache_replay(c, s, 3, count, &last), ERR_GONE);
    last = 9;
    CHECK_OK(cache_replay(c, s, 9, count, &last));
    CHECK_INT(last, 9);
    cache_free(c);

    c = cache_new(1000, 3000); /* three events of 100 bytes text */
    for (uint64_t rev = 1; rev <= 9; rev++)
        put(c, "n/a", rev);
    CHECK_INT(cache_floor(c), 6);
    cache_free(c);
}

TEST(cache_history_starts_behind_the_floor)
{
    struct cache *c = cache_new(100, 1 << 20);
    uint64_t last = 0;

    cache_set_floor(c, 10);
    put(c, "n/a", 3);
    put(c, "n/b", 10);
    put(c, "n/c", 11);
    CHECK_ERR(cache_replay(c, cache_shelf(c, STR(PREFIX)), 9, count, &last), ERR_GONE);
    CHECK_OK(cache_replay(c, cache_shelf(c, STR(PREFIX)), 10, count, &last));
    CHECK_INT(last, 11);
    cache_free(c);
}

struct leaver {
    struct cache_watcher w;
    int seen;
};

static void on_event(void *cookie, struct cache_event *e)
{
    struct leaver *l = cookie;

    (void)e;
    l->seen++;
    cache_unwatch(&l->w);
}

TEST(cache_watcher_may_leave_while_told)
{
    struct cache *c = cache_new(100, 1 << 20);
    struct leaver a = {.w = {.on_event = on_event, .cookie = &a}};
    struct leaver b = {.w = {.on_event = on_event, .cookie = &b}};
    struct cache_shelf *s = cache_shelf(c, STR(PREFIX));

    cache_watch(s, &a.w);
    cache_watch(s, &b.w);
    for (uint64_t rev = 1; rev <= 2; rev++) {
        struct cache_event *e = apply(c, "n/a", rev, false);
        cache_publish(c, e);
        cache_event_unref(e);
    }
    CHECK_INT(a.seen, 1);
    CHECK_INT(b.seen, 1);
    cache_free(c);
}

TEST(cache_event_outlives_the_ring)
{
    struct cache *c = cache_new(1, 1 << 20);
    struct cache_event *e = apply(c, "n/a", 1, false);

    put(c, "n/a", 2);
    put(c, "n/a", 3);
    CHECK_STR(cache_event_body(e), "{\"metadata\":{\"name\":\"n/a\",\"resourceVersion\":\"1\"}}");
    cache_event_unref(e);
    cache_free(c);
}
