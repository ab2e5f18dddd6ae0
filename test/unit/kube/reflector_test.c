/*
 * The reflector against a collection whose server fails in every way we know.
 */
#include "kube/reflector.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/log.h"
#include "base/time.h"
#include "kube/object.h"
#include "model.h"
#include "unit.h"

/* A reflector and the mirror its handler keeps from the differences it is told. */
struct mirror {
    struct model m;
    struct reflector *r;
    struct reflector_spec spec;
    struct map *seen; /* name → json_t */
    unsigned added, changed, deleted, synced;
    bool stop_on_change;
};

static void on_change(void *cookie, const json_t *old, const json_t *now)
{
    struct mirror *x = cookie;
    struct str name = kobj_name(now ? now : old);
    json_t *had;

    x->added += !old;
    x->changed += old && now;
    x->deleted += !now;
    had = now ? map_put(x->seen, name, json_incref((json_t *)now)) : map_del(x->seen, name);
    /* What the handler is told follows from what it was told before. */
    CHECK(!!had == !!old);
    if (had && old)
        CHECK(json_equal(had, old));
    json_decref(had);
    CHECK(reflector_get(x->r, kobj_ns(now ? now : old), name) == now);
    if (x->stop_on_change)
        reflector_stop(TAKE(x->r));
}

static void on_synced(void *cookie)
{
    ((struct mirror *)cookie)->synced++;
}

static void mirror_prepare(struct mirror *x, uint64_t seed)
{
    log_set_level(LOG_ERROR);
    *x = (struct mirror){.seen = map_new()};
    model_init(&x->m, seed);
    x->spec = (struct reflector_spec){
        .resource = &KUBE_SECRETS,
        .on_change = on_change,
        .on_synced = on_synced,
        .cookie = x,
    };
}

static void mirror_start(struct mirror *x)
{
    x->r = reflector_start(x->m.f->client, &x->spec);
    CHECK(!reflector_is_synced(x->r));
    fake_settle(x->m.f);
}

static void object_free(void *value)
{
    json_decref(value);
}

static void mirror_fini(struct mirror *x)
{
    reflector_stop(x->r);
    model_fini(&x->m);
    map_free_with(x->seen, object_free);
}

static bool has_all(struct mirror *x, const struct map *got_from_handler)
{
    struct map_iter it = {0};
    const json_t *want;

    if (map_len(got_from_handler) != map_len(x->m.objects))
        return false;
    while ((want = map_next(x->m.objects, &it))) {
        const json_t *stored = reflector_get(x->r, STR("ns"), it.key);
        const json_t *told = map_get(got_from_handler, it.key);

        if (!stored || stored != told || !str_eq(kobj_rv(stored), kobj_rv(want)) ||
            json_int(json_object_get(stored, "data"), "v", -1) !=
                json_int(json_object_get(want, "data"), "v", -2))
            return false;
    }
    return true;
}

/* Whether store and mirror hold exactly what the server has. */
static bool is_equal(void *cookie)
{
    struct mirror *x = cookie;
    struct map_iter it = {0};
    size_t n = 0;

    if (!reflector_is_synced(x->r))
        return false;
    while (reflector_next(x->r, &it))
        n++;
    return n == map_len(x->m.objects) && has_all(x, x->seen);
}

static bool converges(struct mirror *x, int64_t limit_us)
{
    return fake_run(x->m.f, is_equal, x, limit_us);
}

static bool has_watch(void *cookie)
{
    struct mirror *x = cookie;

    return x->m.watch && x->m.watch->x;
}

static void wait_watch(struct mirror *x)
{
    CHECK(fake_run(x->m.f, has_watch, x, 120 * TIME_US_PER_S));
}

static void put_many(struct model *m, int n)
{
    char name[16];

    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "o%03d", i);
        model_put(m, name, i);
    }
}

TEST(reflector_lists_and_watches)
{
    struct mirror x;

    mirror_prepare(&x, 1);
    put_many(&x.m, 3);
    mirror_start(&x);
    wait_watch(&x);
    CHECK_INT(x.synced, 1);
    CHECK_INT(x.added, 3);
    CHECK_INT(x.m.watch_from, x.m.rv);
    CHECK(x.m.watch_timeout_s >= 300 && x.m.watch_timeout_s <= 600);
    CHECK(str_find(str_c(x.m.last_list), STR("resourceVersion")) < 0);
    model_put(&x.m, "o001", 7);
    model_put(&x.m, "new", 8);
    model_del(&x.m, "o000");
    model_flush(&x.m);
    fake_settle(x.m.f);
    CHECK(is_equal(&x));
    CHECK_INT(x.changed, 1);
    CHECK_INT(x.deleted, 1);
    CHECK_INT(x.synced, 1);
    CHECK_INT(x.m.lists, 1);
    mirror_fini(&x);
}

TEST(reflector_empty_collection_syncs)
{
    struct mirror x;

    mirror_prepare(&x, 1);
    mirror_start(&x);
    CHECK_INT(x.synced, 1);
    CHECK(reflector_is_synced(x.r));
    mirror_fini(&x);
}

TEST(reflector_completes_and_trims_items)
{
    struct mirror x;
    const json_t *o;

    mirror_prepare(&x, 1);
    model_put(&x.m, "a", 1);
    mirror_start(&x);
    o = reflector_get(x.r, STR("ns"), STR("a"));
    CHECK_STR(kobj_kind(o), "Secret");
    CHECK_STR(kobj_api_version(o), "v1");
    CHECK(!json_at(o, "metadata", "managedFields", NULL));
    CHECK(!reflector_get(x.r, STR("other"), STR("a")));
    CHECK(!reflector_get(x.r, STR("ns"), STR("")));
    mirror_fini(&x);
}

static void trim_value(void *cookie, json_t *object)
{
    json_del(object, "data");
}

TEST(reflector_trim_of_the_caller)
{
    struct mirror x;

    mirror_prepare(&x, 1);
    x.spec.trim = trim_value;
    model_put(&x.m, "a", 1);
    mirror_start(&x);
    CHECK(!json_object_get(reflector_get(x.r, STR("ns"), STR("a")), "data"));
    CHECK(json_at(reflector_get(x.r, STR("ns"), STR("a")), "metadata", "managedFields", NULL));
    mirror_fini(&x);
}

TEST(reflector_asks_for_what_the_spec_says)
{
    struct mirror x;

    mirror_prepare(&x, 1);
    x.spec.ns = STR("team");
    x.spec.field_selector = STR("type!=a,b=c");
    x.spec.label_selector = STR("x in (y)");
    x.spec.metadata_only = true;
    x.spec.page_size = 7;
    mirror_start(&x);
    CHECK_STR(x.m.last_list,
              "fieldSelector=type%21%3Da%2Cb%3Dc&labelSelector=x%20in%20%28y%29&limit=7");
    CHECK_STR(x.m.last_accept, "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
    mirror_fini(&x);
}

TEST(reflector_pages)
{
    struct mirror x;

    mirror_prepare(&x, 1);
    x.spec.page_size = 4;
    put_many(&x.m, 10);
    mirror_start(&x);
    CHECK(is_equal(&x));
    CHECK_INT(x.m.lists, 1);
    CHECK_INT(x.m.pages, 3);
    CHECK_INT(x.synced, 1);
    mirror_fini(&x);
}

TEST(reflector_expired_page_restarts_without_continue)
{
    struct mirror x;

    mirror_prepare(&x, 1);
    x.spec.page_size = 4;
    x.m.expire_pages = 1;
    put_many(&x.m, 10);
    mirror_start(&x);
    /* No back-off: that would take 100 ms at least. */
    CHECK(converges(&x, 50 * TIME_US_PER_MS));
    CHECK_INT(x.m.lists, 2);
    CHECK_INT(x.added, 10);
    mirror_fini(&x);
}

TEST(reflector_pages_that_go_on_expiring_back_off)
{
    struct mirror x;

    mirror_prepare(&x, 1);
    x.spec.page_size = 4;
    x.m.expire_pages = 5;
    put_many(&x.m, 10);
    mirror_start(&x);
    CHECK_INT(x.m.lists, 2);
    CHECK(converges(&x, 60 * TIME_US_PER_S));
    CHECK_INT(x.m.lists, 6);
    mirror_fini(&x);
}

TEST(reflector_list_failures_back_off)
{
    static const int STATUSES[] = {429, 500, 503, 403};

    for (size_t i = 0; i < ARRAY_LEN(STATUSES); i++) {
        struct mirror x;

        mirror_prepare(&x, 1);
        x.m.fail_lists = 4;
        x.m.fail_status = STATUSES[i];
        put_many(&x.m, 3);
        mirror_start(&x);
        CHECK_INT(x.m.lists, 1);
        CHECK(!reflector_is_synced(x.r));
        CHECK(converges(&x, 10 * TIME_US_PER_S));
        CHECK_INT(x.m.lists, 5);
        mirror_fini(&x);
    }
}

TEST(reflector_watch_from_the_last_version_after_an_orderly_end)
{
    struct mirror x;

    mirror_prepare(&x, 1);
    put_many(&x.m, 2);
    mirror_start(&x);
    wait_watch(&x);
    model_put(&x.m, "o000", 5);
    model_flush(&x.m);
    fake_pass(x.m.f, 2 * TIME_US_PER_S);
    fake_end(TAKE(x.m.watch));
    fake_settle(x.m.f);
    CHECK_INT(x.m.watches, 2);
    CHECK_INT(x.m.watch_from, x.m.rv);
    CHECK_INT(x.m.lists, 1);
    mirror_fini(&x);
}

TEST(reflector_missed_deletion_is_reported_after_410)
{
    struct mirror x;

    mirror_prepare(&x, 1);
    put_many(&x.m, 4);
    mirror_start(&x);
    wait_watch(&x);
    fake_cut(TAKE(x.m.watch));
    model_del(&x.m, "o001");
    model_put(&x.m, "o002", 9);
    model_put(&x.m, "new", 1);
    x.m.compacted = x.m.rv;
    CHECK(converges(&x, 10 * TIME_US_PER_S));
    CHECK_INT(x.deleted, 1);
    CHECK_INT(x.changed, 1);
    CHECK_INT(x.added, 5);
    CHECK_INT(x.m.lists, 2);
    CHECK_INT(x.synced, 1);
    mirror_fini(&x);
}

TEST(reflector_410_as_http_status)
{
    struct mirror x;

    mirror_prepare(&x, 1);
    put_many(&x.m, 2);
    x.m.fail_watches = 1;
    x.m.fail_status = 410;
    mirror_start(&x);
    wait_watch(&x);
    CHECK_INT(x.m.lists, 2);
    CHECK(is_equal(&x));
    mirror_fini(&x);
}

TEST(reflector_410_for_ever_does_not_hammer)
{
    struct mirror x;

    mirror_prepare(&x, 1);
    x.m.fail_watches = 100000;
    x.m.fail_status = 410;
    mirror_start(&x);
    fake_pass(x.m.f, 60 * TIME_US_PER_S);
    CHECK(x.m.lists >= 4 && x.m.lists <= 20);
    mirror_fini(&x);
}

TEST(reflector_refused_watches_list_again)
{
    struct mirror x;

    mirror_prepare(&x, 1);
    x.m.fail_watches = 3;
    x.m.fail_status = 400;
    mirror_start(&x);
    wait_watch(&x);
    CHECK_INT(x.m.lists, 2);
    CHECK_INT(x.m.watches, 4);
    mirror_fini(&x);
}

TEST(reflector_busy_server_is_not_listed_again)
{
    struct mirror x;

    mirror_prepare(&x, 1);
    x.m.fail_watches = 6;
    x.m.fail_status = 429;
    mirror_start(&x);
    wait_watch(&x);
    CHECK_INT(x.m.lists, 1);
    CHECK_INT(x.m.watches, 7);
    mirror_fini(&x);
}

TEST(reflector_watch_that_ends_at_once_does_not_spin)
{
    struct mirror x;
    unsigned ended = 0;

    mirror_prepare(&x, 1);
    mirror_start(&x);
    for (int i = 0; i < 100; i++) {
        if (has_watch(&x)) {
            fake_end(TAKE(x.m.watch));
            ended++;
        }
        fake_pass(x.m.f, 100 * TIME_US_PER_MS);
    }
    CHECK(ended >= 3 && ended <= 12);
    mirror_fini(&x);
}

TEST(reflector_silence_probes_and_reconnects)
{
    struct mirror x;

    mirror_prepare(&x, 1);
    put_many(&x.m, 1);
    mirror_start(&x);
    wait_watch(&x);
    fake_pass(x.m.f, 59 * TIME_US_PER_S);
    CHECK_INT(x.m.watches, 1);
    /* What this watch will never be told: */
    model_put(&x.m, "o000", 5);
    fake_pass(x.m.f, 2 * TIME_US_PER_S);
    CHECK_INT(x.m.probes, 1);
    CHECK_INT(x.m.watches, 2);
    CHECK_INT(x.m.lists, 1);
    model_flush(&x.m);
    CHECK(converges(&x, TIME_US_PER_S));
    fake_pass(x.m.f, 300 * TIME_US_PER_S);
    CHECK(x.m.probes >= 5 && x.m.probes <= 6);
    mirror_fini(&x);
}

struct age {
    struct reflector *r;
    int64_t us;
};

static void read_age(void *cookie)
{
    struct age *a = cookie;

    a->us = reflector_age_us(a->r);
}

static int64_t age_us(struct mirror *x)
{
    struct age a = {.r = x->r};
    struct loop_task task = {0};

    loop_defer(x->m.f->loop, &task, read_age, &a);
    loop_step(x->m.f->loop, 0);
    return a.us;
}

TEST(reflector_age)
{
    struct mirror x;

    mirror_prepare(&x, 1);
    mirror_start(&x);
    wait_watch(&x);
    fake_pass(x.m.f, 40 * TIME_US_PER_S);
    CHECK(age_us(&x) >= 40 * TIME_US_PER_S);
    model_bookmark(&x.m);
    fake_settle(x.m.f);
    CHECK(age_us(&x) < TIME_US_PER_S);
    fake_pass(x.m.f, 55 * TIME_US_PER_S);
    CHECK(age_us(&x) >= 55 * TIME_US_PER_S);
    fake_pass(x.m.f, 10 * TIME_US_PER_S);
    CHECK(age_us(&x) < 10 * TIME_US_PER_S);
    mirror_fini(&x);
}

TEST(reflector_silence_of_a_failing_server)
{
    struct mirror x;

    mirror_prepare(&x, 1);
    mirror_start(&x);
    wait_watch(&x);
    x.m.fail_probes = 5;
    fake_pass(x.m.f, 61 * TIME_US_PER_S);
    CHECK_INT(x.m.watches, 1);
    fake_pass(x.m.f, 20 * TIME_US_PER_S);
    CHECK_INT(x.m.probes, 6);
    CHECK_INT(x.m.watches, 2);
    mirror_fini(&x);
}

TEST(reflector_bookmarks_move_the_version_and_keep_the_watch)
{
    struct mirror x;

    mirror_prepare(&x, 1);
    mirror_start(&x);
    wait_watch(&x);
    for (int i = 0; i < 5; i++) {
        fake_pass(x.m.f, 40 * TIME_US_PER_S);
        x.m.rv += 10;
        model_bookmark(&x.m);
        fake_settle(x.m.f);
    }
    CHECK_INT(x.m.watches, 1);
    x.m.compacted = x.m.rv;
    fake_end(TAKE(x.m.watch));
    fake_settle(x.m.f);
    CHECK_INT(x.m.watch_from, x.m.rv);
    CHECK_INT(x.m.lists, 1);
    mirror_fini(&x);
}

TEST(reflector_watch_that_never_opens)
{
    struct mirror x;

    mirror_prepare(&x, 1);
    x.m.silent_watches = 1;
    put_many(&x.m, 1);
    mirror_start(&x);
    model_put(&x.m, "o000", 3);
    fake_pass(x.m.f, 35 * TIME_US_PER_S);
    wait_watch(&x);
    model_flush(&x.m);
    CHECK(converges(&x, TIME_US_PER_S));
    CHECK_INT(x.m.lists, 1);
    mirror_fini(&x);
}

TEST(reflector_old_news_is_dropped)
{
    struct mirror x;

    mirror_prepare(&x, 1);
    mirror_start(&x);
    wait_watch(&x);
    model_put(&x.m, "a", 1);
    model_put(&x.m, "a", 2);
    model_del(&x.m, "a");
    model_put(&x.m, "b", 1);
    model_flush(&x.m);
    fake_settle(x.m.f);
    /* The creation and deletion of `a` once more, and the creation of `b`. */
    x.m.watch_sent = 0;
    model_flush(&x.m);
    fake_settle(x.m.f);
    CHECK(is_equal(&x));
    CHECK_INT(x.added, 2);
    CHECK_INT(x.changed, 1);
    CHECK_INT(x.deleted, 1);
    mirror_fini(&x);
}

static const char *const BAD_LINES[] = {
    "nonsense\n",
    "{}\n",
    "[]\n",
    "{\"type\":\"ADDED\"}\n",
    "{\"type\":\"ADDED\",\"object\":{}}\n",
    "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":\"900\"}}}\n",
    "{\"type\":\"DELETED\",\"object\":{\"metadata\":{\"resourceVersion\":\"900\"}}}\n",
    "{\"type\":\"WHAT\",\"object\":{\"metadata\":{\"resourceVersion\":\"900\",\"name\":\"n\"}}}\n",
    "{\"type\":\"ERROR\"}\n",
    "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":500,\"message\":\"m\"}}\n",
};

TEST(reflector_bad_events_reconnect)
{
    for (size_t i = 0; i < ARRAY_LEN(BAD_LINES); i++) {
        struct mirror x;

        mirror_prepare(&x, 1);
        put_many(&x.m, 2);
        mirror_start(&x);
        wait_watch(&x);
        fake_send(TAKE(x.m.watch), str_c(BAD_LINES[i]));
        fake_settle(x.m.f);
        CHECK_INT(x.m.watches, 1);
        wait_watch(&x);
        CHECK_INT(x.m.watches, 2);
        CHECK_INT(x.m.watch_from, x.m.rv);
        model_put(&x.m, "later", 1);
        model_flush(&x.m);
        CHECK(converges(&x, TIME_US_PER_S));
        CHECK_INT(x.m.lists, 1);
        mirror_fini(&x);
    }
}

static const char *bad_list;
static unsigned bad_lists;

static void answer_bad_list(void *cookie, struct fake_request *r)
{
    bad_lists++;
    fake_answer(r, 200, bad_list);
}

TEST(reflector_bad_lists_never_sync)
{
    static const char *const LISTS[] = {
        "{}",
        "[]",
        "",
        "{\"items\":[]}",
        "{\"metadata\":{\"resourceVersion\":\"1\"}}",
        "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":{}}",
        "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[{}]}",
        "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[1]}",
        "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[{\"metadata\":{\"name\":\"a\"}}]}",
    };
    struct reflector_spec spec = {.resource = &KUBE_SECRETS};

    log_set_level(LOG_ERROR);
    for (size_t i = 0; i < ARRAY_LEN(LISTS); i++) {
        struct fake *f = fake_new(answer_bad_list, NULL);
        struct reflector *r;

        bad_list = LISTS[i];
        bad_lists = 0;
        r = reflector_start(f->client, &spec);
        fake_pass(f, TIME_US_PER_S);
        CHECK(!reflector_is_synced(r));
        CHECK(bad_lists >= 2 && bad_lists <= 8);
        reflector_stop(r);
        fake_free(f);
    }
}

/* A list whose continue token or version has `n` bytes. */
struct long_list {
    size_t token_n, rv_n;
    unsigned pages, watches;
};

static void answer_long_list(void *cookie, struct fake_request *r)
{
    struct long_list *l = cookie;
    char *text = xcalloc(1, 8192);
    json_t *list;

    if (fake_param(r, "watch").n) {
        l->watches++;
        fake_stream(r);
        free(text);
        return;
    }
    l->pages++;
    list = json_pack("{s:{},s:[]}", "metadata", "items");
    memset(text, '1', l->rv_n);
    json_set_str(json_object_get(list, "metadata"), "resourceVersion", str_c(text));
    memset(text, 't', 4097);
    if (l->pages == 1 && l->token_n)
        json_set_str(json_object_get(list, "metadata"), "continue", str_n(text, l->token_n));
    else if (l->token_n)
        CHECK_INT(fake_param(r, "continue").n, l->token_n);
    fake_answer_json(r, 200, list);
    free(text);
}

static bool long_list_syncs(struct long_list l)
{
    struct reflector_spec spec = {.resource = &KUBE_SECRETS};
    struct fake *f = fake_new(answer_long_list, &l);
    struct reflector *r = reflector_start(f->client, &spec);
    bool ok;

    log_set_level(LOG_ERROR);
    fake_settle(f);
    ok = reflector_is_synced(r);
    reflector_stop(r);
    fake_free(f);
    return ok;
}

TEST(reflector_tokens_at_and_past_the_limit)
{
    CHECK(long_list_syncs((struct long_list){.token_n = 4096, .rv_n = 1024}));
    CHECK(!long_list_syncs((struct long_list){.token_n = 4097, .rv_n = 1}));
    CHECK(!long_list_syncs((struct long_list){.token_n = 0, .rv_n = 1025}));
}

static void answer_big_pages(void *cookie, struct fake_request *r)
{
    unsigned *pages = cookie;
    size_t n = 65 * 1024 * 1024;
    char *big;

    if (fake_param(r, "watch").n) {
        fake_stream(r);
        return;
    }
    (*pages)++;
    if (str_eq_c(fake_param(r, "limit"), "1")) {
        fake_answer(r, 200, "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[]}");
        return;
    }
    big = xmalloc(n + 1);
    memset(big, ' ', n);
    big[n] = '\0';
    fake_answer(r, 200, big);
    free(big);
}

static bool is_synced(void *cookie)
{
    return reflector_is_synced(cookie);
}

TEST(reflector_asks_for_smaller_pages)
{
    unsigned pages = 0;
    struct fake *f = fake_new(answer_big_pages, &pages);
    struct reflector_spec spec = {.resource = &KUBE_SECRETS, .page_size = 4};
    struct reflector *r = reflector_start(f->client, &spec);

    CHECK(fake_run(f, is_synced, r, 20 * TIME_US_PER_S));
    CHECK_INT(pages, 3);
    reflector_stop(r);
    fake_free(f);
}

TEST(reflector_names_past_the_limit)
{
    struct mirror x;
    char name[255];

    mirror_prepare(&x, 1);
    memset(name, 'n', 254);
    name[253] = '\0';
    model_put(&x.m, name, 1);
    mirror_start(&x);
    CHECK(is_equal(&x));
    wait_watch(&x);
    name[253] = 'n';
    name[254] = '\0';
    model_put(&x.m, name, 1);
    model_flush(&x.m);
    fake_settle(x.m.f);
    CHECK_INT(x.added, 1);
    CHECK(!reflector_get(x.r, STR("ns"), str_c(name)));
    mirror_fini(&x);
}

TEST(reflector_stopped_inside_its_handler)
{
    struct mirror x;

    mirror_prepare(&x, 1);
    x.stop_on_change = true;
    put_many(&x.m, 3);
    x.r = reflector_start(x.m.f->client, &x.spec);
    fake_pass(x.m.f, TIME_US_PER_S);
    CHECK_INT(x.added, 1);
    CHECK_INT(x.synced, 0);
    CHECK(x.r == NULL);
    mirror_fini(&x);
}

TEST(reflector_stopped_in_its_handler_of_an_event)
{
    struct mirror x;

    mirror_prepare(&x, 1);
    mirror_start(&x);
    wait_watch(&x);
    x.stop_on_change = true;
    put_many(&x.m, 3);
    model_flush(&x.m);
    fake_pass(x.m.f, TIME_US_PER_S);
    CHECK_INT(x.added, 1);
    mirror_fini(&x);
}

TEST(reflector_stopped_at_once)
{
    struct mirror x;

    mirror_prepare(&x, 1);
    x.r = reflector_start(x.m.f->client, &x.spec);
    reflector_stop(TAKE(x.r));
    fake_pass(x.m.f, TIME_US_PER_S);
    CHECK_INT(x.m.lists, 0);
    mirror_fini(&x);
}

TEST(reflector_server_away_for_a_while)
{
    struct mirror x;

    mirror_prepare(&x, 1);
    put_many(&x.m, 3);
    mirror_start(&x);
    wait_watch(&x);
    x.m.fail_watches = 12;
    fake_cut(TAKE(x.m.watch));
    model_del(&x.m, "o001");
    fake_pass(x.m.f, 30 * TIME_US_PER_S);
    CHECK(reflector_age_us(x.r) >= 0);
    CHECK(reflector_is_synced(x.r));
    while (x.m.fail_watches)
        fake_pass(x.m.f, 10 * TIME_US_PER_S);
    wait_watch(&x);
    model_flush(&x.m);
    CHECK(converges(&x, 60 * TIME_US_PER_S));
    CHECK_INT(x.m.lists, 1);
    mirror_fini(&x);
}

/* One random schedule: changes, broken watches, failing answers; at the end everything is equal. */
static bool schedule(uint64_t seed)
{
    struct mirror x;
    bool ok;

    mirror_prepare(&x, seed);
    x.spec.page_size = 1 + (unsigned)model_draw(&x.m, 8);
    x.m.chaos = true;
    put_many(&x.m, (int)model_draw(&x.m, 20));
    mirror_start(&x);
    for (int i = 0; i < 60; i++) {
        char name[16];

        snprintf(name, sizeof(name), "o%03d", (int)model_draw(&x.m, 12));
        if (model_draw(&x.m, 3) == 0)
            model_del(&x.m, name);
        else
            model_put(&x.m, name, i);
        if (model_draw(&x.m, 25) == 0)
            x.m.fail_lists = (unsigned)model_draw(&x.m, 3);
        if (model_draw(&x.m, 25) == 0)
            x.m.fail_watches = (unsigned)model_draw(&x.m, 4);
        if (model_draw(&x.m, 25) == 0)
            x.m.expire_pages = 1;
        x.m.fail_status = (int[]){429, 500, 503, 410}[model_draw(&x.m, 4)];
        if (model_draw(&x.m, 3) == 0) {
            model_flush(&x.m);
            fake_settle(x.m.f);
        }
        if (model_draw(&x.m, 10) == 0)
            fake_pass(x.m.f, (int64_t)model_draw(&x.m, 400) * TIME_US_PER_MS);
    }
    x.m.chaos = false;
    x.m.fail_lists = x.m.fail_watches = x.m.expire_pages = 0;
    ok = false;
    for (int i = 0; i < 200 && !ok; i++) {
        fake_pass(x.m.f, 500 * TIME_US_PER_MS);
        model_flush(&x.m);
        fake_settle(x.m.f);
        ok = is_equal(&x);
    }
    mirror_fini(&x);
    return ok;
}

TEST(reflector_random_schedules)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        if (!CHECK(schedule(seed)))
            fprintf(stderr, "    seed %llu\n", (unsigned long long)seed);
    }
}

/* --- readers of other threads */

struct reader {
    pthread_t thread;
    struct reflector *r;
    atomic_bool stop;
    unsigned found;
};

static void *reader_main(void *cookie)
{
    struct reader *rd = cookie;

    while (!atomic_load(&rd->stop)) {
        json_t *one JSON_OWNED = reflector_get_ref(rd->r, STR("ns"), STR("o001"));
        json_t *all JSON_OWNED = reflector_snapshot(rd->r);

        if (one && kobj_name(one).n && reflector_is_synced(rd->r))
            rd->found++;
        if (json_array_size(all) > 1000 || reflector_age_us(rd->r) == INT64_MIN)
            return NULL;
    }
    return NULL;
}

TEST(reflector_read_from_threads)
{
    struct mirror x;
    struct reader readers[2] = {0};

    mirror_prepare(&x, 1);
    put_many(&x.m, 5);
    mirror_start(&x);
    wait_watch(&x);
    for (int i = 0; i < 2; i++) {
        readers[i].r = x.r;
        CHECK_INT(pthread_create(&readers[i].thread, NULL, reader_main, &readers[i]), 0);
    }
    for (int i = 0; i < 100; i++) {
        model_put(&x.m, "o001", i);
        model_del(&x.m, "o002");
        model_put(&x.m, "o002", i);
        model_flush(&x.m);
        fake_settle(x.m.f);
    }
    for (int i = 0; i < 2; i++) {
        atomic_store(&readers[i].stop, true);
        pthread_join(readers[i].thread, NULL);
        CHECK(readers[i].found > 0);
    }
    CHECK(is_equal(&x));
    mirror_fini(&x);
}
