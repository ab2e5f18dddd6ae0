/*
 * The work queue: dirty, processing, delays.
 */
#include "kube/workqueue.h"

#include "unit.h"

#define KEY(n) ((struct kube_key){STR("ns"), STR(n)})

static struct workqueue_item *get(struct workqueue *q, const char *name)
{
    struct workqueue_item *item = workqueue_get(q);

    if (!item) {
        CHECK(name == NULL);
        return NULL;
    }
    CHECK_STR(item->key.ns, "ns");
    CHECK_STR(item->key.name, name ? name : "(none)");
    return item;
}

TEST(workqueue_orders_and_collapses)
{
    struct workqueue *q = workqueue_new();

    workqueue_add(q, KEY("a"));
    workqueue_add(q, KEY("b"));
    workqueue_add(q, KEY("a"));
    CHECK_INT(workqueue_ready(q), 2);
    workqueue_done(q, get(q, "a"));
    workqueue_done(q, get(q, "b"));
    get(q, NULL);
    workqueue_free(q);
}

TEST(workqueue_runs_again_what_was_added_in_work)
{
    struct workqueue *q = workqueue_new();
    struct workqueue_item *a;

    workqueue_add(q, KEY("a"));
    a = get(q, "a");
    workqueue_add(q, KEY("a"));
    workqueue_add(q, KEY("a"));
    get(q, NULL);
    CHECK_INT(workqueue_processing(q), 1);
    workqueue_done(q, a);
    workqueue_done(q, get(q, "a"));
    get(q, NULL);
    CHECK_INT(workqueue_processing(q), 0);
    workqueue_free(q);
}

TEST(workqueue_delay_earliest_wins)
{
    struct workqueue *q = workqueue_new();

    workqueue_add_after(q, KEY("a"), 500);
    workqueue_add_after(q, KEY("a"), 300);
    workqueue_add_after(q, KEY("a"), 400);
    CHECK(workqueue_has_wishes(q));
    CHECK_INT(workqueue_settle(q, 1000), 1300);
    CHECK(!workqueue_has_wishes(q));
    workqueue_add_after(q, KEY("a"), 900);
    CHECK_INT(workqueue_settle(q, 1001), 1300);
    workqueue_add_after(q, KEY("a"), 100);
    CHECK_INT(workqueue_settle(q, 1002), 1102);
    get(q, NULL);
    CHECK(workqueue_settle(q, 1101) == 1102);
    get(q, NULL);
    CHECK(workqueue_settle(q, 1102) == INT64_MAX);
    workqueue_done(q, get(q, "a"));
    CHECK(workqueue_settle(q, 5000) == INT64_MAX);
    get(q, NULL);
    workqueue_free(q);
}

TEST(workqueue_run_fulfils_delays)
{
    struct workqueue *q = workqueue_new();

    workqueue_add_after(q, KEY("a"), 100);
    workqueue_settle(q, 0);
    workqueue_add_after(q, KEY("a"), 50);
    workqueue_add(q, KEY("a"));
    workqueue_done(q, get(q, "a"));
    CHECK(workqueue_settle(q, 1000) == INT64_MAX);
    get(q, NULL);
    workqueue_free(q);
}

TEST(workqueue_delay_wished_in_work_survives)
{
    struct workqueue *q = workqueue_new();
    struct workqueue_item *a;

    workqueue_add(q, KEY("a"));
    a = get(q, "a");
    workqueue_add_after(q, KEY("a"), 10);
    a->failures = 3;
    workqueue_done(q, a);
    CHECK_INT(workqueue_settle(q, 0), 10);
    CHECK(workqueue_settle(q, 10) == INT64_MAX);
    a = get(q, "a");
    CHECK_INT(a->failures, 3);
    workqueue_done(q, a);
    workqueue_free(q);
}

TEST(workqueue_due_in_work_waits)
{
    struct workqueue *q = workqueue_new();
    struct workqueue_item *a;

    workqueue_add(q, KEY("a"));
    a = get(q, "a");
    workqueue_add_after(q, KEY("a"), 10);
    workqueue_settle(q, 0);
    workqueue_settle(q, 100);
    get(q, NULL);
    workqueue_done(q, a);
    workqueue_done(q, get(q, "a"));
    workqueue_free(q);
}

TEST(workqueue_zero_and_huge_delay)
{
    struct workqueue *q = workqueue_new();

    workqueue_add_after(q, KEY("a"), 0);
    workqueue_done(q, get(q, "a"));
    workqueue_add_after(q, KEY("b"), INT64_MAX);
    CHECK(workqueue_settle(q, 1000) > 1000);
    get(q, NULL);
    workqueue_free(q);
}

TEST(workqueue_keys_are_apart)
{
    struct workqueue *q = workqueue_new();

    workqueue_add(q, (struct kube_key){STR("a"), STR("b")});
    workqueue_add(q, (struct kube_key){STR_NONE, STR("a")});
    workqueue_add(q, (struct kube_key){STR("a"), STR_NONE});
    CHECK_INT(workqueue_ready(q), 3);
    workqueue_free(q);
}
