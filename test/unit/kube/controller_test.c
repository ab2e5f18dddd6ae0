/*
 * Controllers: one worker per key, retries, delays, enabling, closing.
 */
#include "kube/controller.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/log.h"
#include "base/time.h"
#include "fake.h"
#include "unit.h"

enum { KEYS = 8 };

struct rig {
    struct loop_clock clock;
    int64_t now_us;
    struct loop *loop;
    struct pool *pool;
    struct controller *c;
    atomic_int runs[KEYS];
    atomic_int running[KEYS];
    atomic_int together;    /* reconciles at once, now */
    atomic_int most;        /* and at most */
    atomic_bool overlapped; /* one key by two workers */
    atomic_int failures;    /* runs that shall fail */
    atomic_int hold;        /* runs wait while this is set */
    _Atomic int64_t requeue_us;
};

static int64_t rig_now(void *cookie)
{
    return ((struct rig *)cookie)->now_us;
}

static int reconcile(void *cookie, struct kube_key key, struct arena *a,
                     struct reconcile_result *ret, struct err *err)
{
    struct rig *g = cookie;
    uint64_t k = 0;
    int n;

    CHECK_STR(key.ns, "ns");
    CHECK_OK(str_to_u64(key.name, KEYS - 1, &k));
    if (atomic_fetch_add(&g->running[k], 1) > 0)
        atomic_store(&g->overlapped, true);
    n = atomic_fetch_add(&g->together, 1) + 1;
    if (n > atomic_load(&g->most))
        atomic_store(&g->most, n);
    CHECK(arena_alloc(a, 10) != NULL);
    while (atomic_load(&g->hold))
        sched_yield();
    ret->requeue_after_us = atomic_load(&g->requeue_us);
    atomic_fetch_sub(&g->together, 1);
    atomic_fetch_sub(&g->running[k], 1);
    atomic_fetch_add(&g->runs[k], 1);
    if (atomic_load(&g->failures) > 0) {
        atomic_fetch_sub(&g->failures, 1);
        return err_set(err, ERR_CONFLICT, "try again");
    }
    return 0;
}

static void rig_init(struct rig *g, unsigned workers)
{
    struct controller_spec spec = {
        .name = "test", .reconcile = reconcile, .cookie = g, .workers = workers};

    log_set_level(LOG_ERROR);
    memset(g, 0, sizeof(*g));
    g->now_us = TIME_US_PER_S;
    g->clock = (struct loop_clock){rig_now, rig_now, g};
    g->loop = loop_new(&g->clock);
    g->pool = pool_new("test", 4);
    g->c = controller_new(g->loop, g->pool, &spec);
}

static void rig_fini(struct rig *g)
{
    controller_free(g->c);
    pool_free(g->pool);
    loop_free(g->loop);
    CHECK(!atomic_load(&g->overlapped));
}

static struct kube_key key(int k)
{
    static const char *const NAMES[KEYS] = {"0", "1", "2", "3", "4", "5", "6", "7"};

    return (struct kube_key){STR("ns"), str_c(NAMES[k])};
}

/* Lets `us` pass in steps; between them, jobs end. */
static void pass(struct rig *g, int64_t us, int64_t step_us)
{
    for (int64_t at = 0; at <= us; at += step_us) {
        loop_step(g->loop, 0);
        while (controller_depth(g->c) && !atomic_load(&g->hold))
            loop_step(g->loop, TIME_US_PER_MS);
        loop_step(g->loop, 0);
        g->now_us += step_us;
    }
}

static void wait_runs(struct rig *g, int k, int n)
{
    while (atomic_load(&g->runs[k]) < n)
        loop_step(g->loop, TIME_US_PER_MS);
}

TEST(controller_is_idle_until_enabled)
{
    struct rig g;

    rig_init(&g, 2);
    controller_add(g.c, key(0));
    controller_add(g.c, key(1));
    controller_add(g.c, key(0));
    loop_step(g.loop, 10 * TIME_US_PER_MS);
    CHECK_INT(controller_depth(g.c), 2);
    CHECK_INT(atomic_load(&g.runs[0]), 0);
    controller_enable(g.c, true);
    wait_runs(&g, 0, 1);
    wait_runs(&g, 1, 1);
    rig_fini(&g);
    CHECK_INT(atomic_load(&g.runs[0]), 1);
}

TEST(controller_disabled_keeps_keys)
{
    struct rig g;

    rig_init(&g, 2);
    controller_enable(g.c, true);
    controller_add(g.c, key(0));
    wait_runs(&g, 0, 1);
    controller_enable(g.c, false);
    controller_add(g.c, key(0));
    loop_step(g.loop, 10 * TIME_US_PER_MS);
    CHECK_INT(atomic_load(&g.runs[0]), 1);
    controller_enable(g.c, true);
    wait_runs(&g, 0, 2);
    rig_fini(&g);
}

TEST(controller_workers_are_bounded)
{
    struct rig g;

    rig_init(&g, 2);
    atomic_store(&g.hold, 1);
    controller_enable(g.c, true);
    for (int k = 0; k < KEYS; k++)
        controller_add(g.c, key(k));
    while (atomic_load(&g.together) < 2)
        sched_yield();
    loop_step(g.loop, 5 * TIME_US_PER_MS);
    CHECK_INT(atomic_load(&g.together), 2);
    CHECK_INT(controller_depth(g.c), KEYS);
    atomic_store(&g.hold, 0);
    for (int k = 0; k < KEYS; k++)
        wait_runs(&g, k, 1);
    CHECK_INT(atomic_load(&g.most), 2);
    rig_fini(&g);
}

TEST(controller_runs_again_what_changed_in_work)
{
    struct rig g;

    rig_init(&g, 4);
    atomic_store(&g.hold, 1);
    controller_enable(g.c, true);
    controller_add(g.c, key(0));
    while (atomic_load(&g.together) < 1)
        sched_yield();
    for (int i = 0; i < 5; i++)
        controller_add(g.c, key(0));
    atomic_store(&g.hold, 0);
    wait_runs(&g, 0, 2);
    pass(&g, TIME_US_PER_S, 100 * TIME_US_PER_MS);
    CHECK_INT(atomic_load(&g.runs[0]), 2);
    rig_fini(&g);
}

TEST(controller_failures_back_off)
{
    struct rig g;

    rig_init(&g, 1);
    atomic_store(&g.failures, 4);
    controller_enable(g.c, true);
    controller_add(g.c, key(0));
    wait_runs(&g, 0, 1);
    /* Time stands still: no second run. */
    loop_step(g.loop, 5 * TIME_US_PER_MS);
    CHECK_INT(atomic_load(&g.runs[0]), 1);
    pass(&g, 80 * TIME_US_PER_MS, TIME_US_PER_MS);
    CHECK_INT(atomic_load(&g.runs[0]), 5);
    pass(&g, 400 * TIME_US_PER_S, 10 * TIME_US_PER_S);
    CHECK_INT(atomic_load(&g.runs[0]), 5);
    rig_fini(&g);
}

TEST(controller_back_off_has_a_ceiling)
{
    struct rig g;
    int before;

    rig_init(&g, 1);
    atomic_store(&g.failures, 1000);
    controller_enable(g.c, true);
    controller_add(g.c, key(0));
    pass(&g, 2000 * TIME_US_PER_S, TIME_US_PER_S);
    before = atomic_load(&g.runs[0]);
    CHECK(before >= 17 && before <= 30);
    pass(&g, 3000 * TIME_US_PER_S, TIME_US_PER_S);
    CHECK(atomic_load(&g.runs[0]) - before >= 9);
    CHECK(atomic_load(&g.runs[0]) - before <= 15);
    rig_fini(&g);
}

TEST(controller_requeue_after)
{
    struct rig g;

    rig_init(&g, 1);
    atomic_store(&g.requeue_us, 60 * TIME_US_PER_S);
    controller_enable(g.c, true);
    controller_add(g.c, key(0));
    wait_runs(&g, 0, 1);
    pass(&g, 59 * TIME_US_PER_S, TIME_US_PER_S);
    CHECK_INT(atomic_load(&g.runs[0]), 1);
    atomic_store(&g.requeue_us, 0);
    pass(&g, 3 * TIME_US_PER_S, TIME_US_PER_S);
    CHECK_INT(atomic_load(&g.runs[0]), 2);
    pass(&g, 200 * TIME_US_PER_S, TIME_US_PER_S);
    CHECK_INT(atomic_load(&g.runs[0]), 2);
    rig_fini(&g);
}

TEST(controller_add_after_earliest_wins)
{
    struct rig g;

    rig_init(&g, 1);
    controller_enable(g.c, true);
    controller_add_after(g.c, key(0), 10 * TIME_US_PER_S);
    controller_add_after(g.c, key(0), 2 * TIME_US_PER_S);
    controller_add_after(g.c, key(0), 5 * TIME_US_PER_S);
    CHECK_INT(controller_depth(g.c), 0);
    pass(&g, TIME_US_PER_S, TIME_US_PER_S);
    CHECK_INT(atomic_load(&g.runs[0]), 0);
    pass(&g, 2 * TIME_US_PER_S, TIME_US_PER_S);
    CHECK_INT(atomic_load(&g.runs[0]), 1);
    pass(&g, 20 * TIME_US_PER_S, TIME_US_PER_S);
    CHECK_INT(atomic_load(&g.runs[0]), 1);
    rig_fini(&g);
}

TEST(controller_delays_are_kept_while_disabled)
{
    struct rig g;

    rig_init(&g, 1);
    controller_add_after(g.c, key(0), TIME_US_PER_S);
    for (int i = 0; i < 5; i++) {
        loop_step(g.loop, 0);
        g.now_us += TIME_US_PER_S;
    }
    CHECK_INT(controller_depth(g.c), 1);
    controller_enable(g.c, true);
    wait_runs(&g, 0, 1);
    rig_fini(&g);
}

TEST(controller_freed_with_work_left)
{
    struct rig g;

    rig_init(&g, 2);
    controller_enable(g.c, true);
    for (int k = 0; k < KEYS; k++) {
        controller_add(g.c, key(k));
        controller_add_after(g.c, key(k), TIME_US_PER_S);
    }
    rig_fini(&g);
}

static void *adder(void *cookie)
{
    struct rig *g = cookie;

    for (int i = 0; i < 2000; i++) {
        controller_add(g->c, key(i % KEYS));
        if (i % 7 == 0)
            controller_add_after(g->c, key(i % KEYS), i % 3);
    }
    return NULL;
}

TEST(controller_many_threads)
{
    struct rig g;
    pthread_t threads[3];

    rig_init(&g, 3);
    controller_enable(g.c, true);
    for (int i = 0; i < 3; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, adder, &g), 0);
    for (int i = 0; i < 50; i++) {
        g.now_us += 10;
        loop_step(g.loop, TIME_US_PER_MS);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    for (int k = 0; k < KEYS; k++)
        CHECK(atomic_load(&g.runs[k]) > 0);
    pass(&g, 100, 10);
    CHECK_INT(controller_depth(g.c), 0);
    CHECK(atomic_load(&g.most) <= 3);
    rig_fini(&g);
}

/* A reconcile that waits for the API server on the loop that closes the controller. */
struct asking {
    struct fake *f;
    atomic_int rc;
};

static int reconcile_asking(void *cookie, struct kube_key k, struct arena *a,
                            struct reconcile_result *ret, struct err *err)
{
    struct asking *s = cookie;
    struct kube_request r = {.method = "GET", .path = STR("/x")};
    int rc = kube_do(s->f->client, &r, NULL, err);

    atomic_store(&s->rc, rc == 0 ? 1 : -1);
    return 0;
}

static void answer_ok(void *cookie, struct fake_request *r)
{
    fake_answer(r, 200, "{}");
}

TEST(controller_free_serves_the_loop)
{
    struct asking s = {.f = fake_new(answer_ok, NULL)};
    struct controller_spec spec = {
        .name = "asking", .reconcile = reconcile_asking, .cookie = &s, .workers = 1};
    struct pool *pool = pool_new("test", 1);
    struct controller *c = controller_new(s.f->loop, pool, &spec);

    controller_enable(c, true);
    controller_add(c, (struct kube_key){STR("a"), STR("b")});
    while (controller_depth(c) == 0)
        sched_yield();
    controller_free(c);
    CHECK(atomic_load(&s.rc) >= 0);
    pool_free(pool);
    fake_free(s.f);
}
