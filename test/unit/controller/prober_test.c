/*
 * Many probes at once: nobody waits for one that hangs, limits hold, changes and ends take effect.
 */
#include "controller/prober.h"

#include <stdio.h>

#include "base/time.h"
#include "rig.h"
#include "unit.h"

#define MANY 1000
#define HANGING 100
#define PER_HOST 16

struct watch {
    struct rig rig;
    struct prober *prober;
    unsigned results;
    unsigned wanted;
};

static void on_result(void *cookie, struct kube_key key)
{
    struct watch *w = cookie;

    CHECK_STR(key.ns, "ns");
    w->results++;
}

static void watch_init(struct watch *w)
{
    *w = (struct watch){0};
    rig_init(&w->rig);
    w->prober = prober_new(&w->rig.site, &(struct prober_rules){
                                             .per_host = PER_HOST,
                                             .total = 256,
                                             .interval_us = 60 * TIME_US_PER_S,
                                             .max_interval_us = 300 * TIME_US_PER_S,
                                             .on_result = on_result,
                                             .cookie = w,
                                         });
    prober_enable(w->prober, true);
}

static void watch_fini(struct watch *w)
{
    prober_free(w->prober);
    rig_fini(&w->rig);
}

static bool has_results(void *cookie)
{
    const struct watch *w = cookie;

    return w->results >= w->wanted;
}

static bool wait_results(struct watch *w, unsigned wanted)
{
    w->wanted = wanted;
    return rig_until(&w->rig, has_results, w);
}

static struct kube_key key_of(char name[16], unsigned i)
{
    snprintf(name, 16, "c%u", i);
    return (struct kube_key){.ns = STR("ns"), .name = str_c(name)};
}

/* Sets the plan of Connector `i` at 127.0.0.`octet`. */
static void set(struct watch *w, unsigned i, unsigned octet, struct connector_class *cls,
                const char *fingerprint)
{
    char name[16];
    struct kube_key key = key_of(name, i);
    struct connector *c = rig_connector(&w->rig, name, octet);
    struct plan *plan = rig_plan(&w->rig, c, cls, fingerprint);

    prober_set(w->prober, key, plan);
    plan_unref(plan);
    connector_unref(c);
}

/* State and reason of Connector `i`'s liveness. */
static const char *reason_of(struct watch *w, unsigned i, const char *fingerprint)
{
    struct probe_verdict verdicts[PLAN_REQUESTS];
    char name[16];
    bool is_first;

    switch (prober_find(w->prober, key_of(name, i), str_c(fingerprint), verdicts, &is_first)) {
    case PROBER_KNOWN:
        return verdicts[0].reason;
    case PROBER_ASKING:
        return "asking";
    default:
        return "other";
    }
}

/* 1,000 Connectors of which 100 hang, each on a host of its own: the others are known at once, the hanging
 * ones one time-out later. */
TEST(hanging_tools_delay_nobody)
{
    struct connector_class *good = rig_class("\"path\":\"/200\"", "\"path\":\"/basic\"");
    struct connector_class *hanging = rig_class("\"path\":\"/hang\"", "\"path\":\"/basic\"");
    unsigned ok = 0, failed = 0;
    struct watch w;

    watch_init(&w);
    for (unsigned i = 0; i < MANY; i++) {
        bool hangs = i % (MANY / HANGING) == 0;

        set(&w, i, hangs ? 10 + i / (MANY / HANGING) : 1, hangs ? hanging : good, "f");
    }
    CHECK(wait_results(&w, MANY - HANGING));
    CHECK_INT(w.results, MANY - HANGING);
    for (unsigned i = 0; i < MANY; i++)
        ok += str_eq_c(STR("ProbeSucceeded"), reason_of(&w, i, "f"));
    CHECK_INT(ok, MANY - HANGING);
    CHECK_INT(w.rig.open, HANGING);

    rig_pass(&w.rig, w.rig.site.timeout_us);
    CHECK(wait_results(&w, MANY));
    for (unsigned i = 0; i < MANY; i++)
        failed += str_eq_c(STR("ConnectionFailed"), reason_of(&w, i, "f"));
    CHECK_INT(failed, HANGING);
    class_unref(good);
    class_unref(hanging);
    watch_fini(&w);
}

TEST(a_host_has_a_limited_number_of_probes)
{
    struct connector_class *hanging = rig_class("\"path\":\"/hang\"", NULL);
    struct connector_class *good = rig_class("\"path\":\"/200\"", NULL);
    unsigned rounds = 0;
    struct watch w;

    watch_init(&w);
    for (unsigned i = 0; i < 3 * PER_HOST; i++)
        set(&w, i, 1, hanging, "f");
    set(&w, MANY, 2, good, "f");
    CHECK(wait_results(&w, 1));
    while (w.results < 1 + 3 * PER_HOST && rounds++ < 3) {
        CHECK_INT(prober_count(w.prober).running, PER_HOST);
        w.wanted = w.results + PER_HOST;
        rig_pass(&w.rig, w.rig.site.timeout_us);
        CHECK(rig_until(&w.rig, has_results, &w));
    }
    CHECK_INT(rounds, 3);
    class_unref(hanging);
    class_unref(good);
    watch_fini(&w);
}

TEST(a_new_plan_is_asked_at_once)
{
    struct connector_class *good = rig_class("\"path\":\"/200\"", NULL);
    struct connector_class *bad = rig_class("\"path\":\"/500\"", NULL);
    struct probe_verdict verdicts[PLAN_REQUESTS];
    char name[16];
    bool is_first;
    struct watch w;

    watch_init(&w);
    CHECK_STR(reason_of(&w, 1, "f"), "other");
    set(&w, 1, 1, good, "f");
    CHECK_STR(reason_of(&w, 1, "f"), "asking");
    CHECK(wait_results(&w, 1));
    CHECK_INT(prober_find(w.prober, key_of(name, 1), STR("f"), verdicts, &is_first), PROBER_KNOWN);
    CHECK(is_first);

    set(&w, 1, 1, bad, "g");
    CHECK_STR(reason_of(&w, 1, "f"), "other");
    CHECK_STR(reason_of(&w, 1, "g"), "asking");
    CHECK(wait_results(&w, 2));
    CHECK_STR(reason_of(&w, 1, "g"), "UnexpectedResponse");
    CHECK_INT(prober_find(w.prober, key_of(name, 1), STR("g"), verdicts, &is_first), PROBER_KNOWN);
    CHECK(!is_first);
    class_unref(good);
    class_unref(bad);
    watch_fini(&w);
}

TEST(a_plan_replaced_while_it_hangs_gives_no_result)
{
    struct connector_class *hanging = rig_class("\"path\":\"/hang\"", NULL);
    struct connector_class *good = rig_class("\"path\":\"/200\"", NULL);
    struct watch w;

    watch_init(&w);
    set(&w, 1, 1, hanging, "f");
    rig_pass(&w.rig, TIME_US_PER_S);
    set(&w, 1, 1, good, "g");
    CHECK(wait_results(&w, 1));
    CHECK_STR(reason_of(&w, 1, "g"), "ProbeSucceeded");
    rig_pass(&w.rig, w.rig.site.timeout_us);
    CHECK_INT(w.results, 1);
    class_unref(hanging);
    class_unref(good);
    watch_fini(&w);
}

TEST(removed_and_disabled_keys_end)
{
    struct connector_class *hanging = rig_class("\"path\":\"/hang\"", NULL);
    char name[16];
    struct watch w;

    watch_init(&w);
    for (unsigned i = 0; i < 2 * PER_HOST; i++)
        set(&w, i, 1, hanging, "f");
    rig_pass(&w.rig, TIME_US_PER_S);
    for (unsigned i = 0; i < PER_HOST; i++)
        prober_remove(w.prober, key_of(name, i));
    rig_pass(&w.rig, TIME_US_PER_S);
    CHECK_INT(prober_count(w.prober).slots, PER_HOST);
    CHECK_INT(prober_count(w.prober).running, PER_HOST);
    CHECK_INT(prober_count(w.prober).waiting, 0);
    prober_enable(w.prober, false);
    CHECK_INT(prober_count(w.prober).slots, 0);
    CHECK_INT(prober_count(w.prober).running, 0);
    set(&w, 1, 1, hanging, "f");
    CHECK_STR(reason_of(&w, 1, "f"), "other");
    CHECK_INT(w.results, 0);
    class_unref(hanging);
    watch_fini(&w);
}

/* Lets `us` pass and says whether another round ended. */
static bool is_asked_after(struct watch *w, int64_t us)
{
    unsigned before = w->results;

    rig_pass(&w->rig, us);
    if (prober_count(w->prober).running + prober_count(w->prober).waiting > 0)
        wait_results(w, before + 1);
    return w->results > before;
}

TEST(success_is_repeated_and_failure_backs_off)
{
    struct connector_class *good = rig_class("\"path\":\"/200\"", NULL);
    struct connector_class *bad = rig_class("\"path\":\"/500\"", NULL);
    static const int64_t pauses_s[] = {60, 120, 240, 300, 300};
    struct watch w;

    watch_init(&w);
    set(&w, 1, 1, good, "f");
    CHECK(wait_results(&w, 1));
    for (int i = 0; i < 3; i++) {
        CHECK(!is_asked_after(&w, 53 * TIME_US_PER_S));
        CHECK(is_asked_after(&w, 14 * TIME_US_PER_S));
    }
    set(&w, 1, 1, bad, "g");
    CHECK(wait_results(&w, 5));
    for (size_t i = 0; i < ARRAY_LEN(pauses_s); i++) {
        int64_t pause_us = pauses_s[i] * TIME_US_PER_S;

        CHECK(!is_asked_after(&w, pause_us * 89 / 100));
        CHECK(is_asked_after(&w, pause_us * 23 / 100));
    }
    class_unref(good);
    class_unref(bad);
    watch_fini(&w);
}

TEST(a_tool_out_of_reach_is_asked_once_a_round)
{
    struct connector_class *cls = rig_class("\"path\":\"/hang\"", "\"path\":\"/basic\"");
    struct probe_verdict verdicts[PLAN_REQUESTS];
    char name[16];
    bool is_first;
    struct watch w;

    watch_init(&w);
    set(&w, 1, 1, cls, "f");
    rig_pass(&w.rig, 1);
    CHECK_INT(prober_count(w.prober).running, 1);
    while (w.rig.open == 0)
        loop_step(w.rig.loop, TIME_US_PER_MS);
    rig_pass(&w.rig, w.rig.site.timeout_us);
    CHECK(wait_results(&w, 1));
    CHECK_INT(prober_find(w.prober, key_of(name, 1), STR("f"), verdicts, &is_first), PROBER_KNOWN);
    CHECK_STR(verdicts[0].reason, "ConnectionFailed");
    CHECK_STR(verdicts[1].reason, "ConnectionFailed");
    CHECK_STR(buf_str(&w.rig.seen), "GET /hang -\n");
    class_unref(cls);
    watch_fini(&w);
}
