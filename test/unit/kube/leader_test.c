/*
 * Leader election: several candidates on one Lease, in simulated time.
 */
#include "kube/leader.h"

#include <stdio.h>

#include "base/log.h"
#include "base/time.h"
#include "fake.h"
#include "kube/object.h"
#include "unit.h"

enum { CANDIDATES = 3 };

struct candidate {
    struct race *race;
    struct kube_client *client;
    struct leader *leader;
    bool leads;
    unsigned changes;
    bool is_stopped;
};

/* The Lease and who competes for it. */
struct race {
    struct fake *f;
    json_t *lease;
    unsigned rv;
    bool is_down;   /* answers 503 */
    bool is_silent; /* does not answer */
    unsigned writes, refused;
    struct candidate c[CANDIDATES];
    int64_t lease_until; /* when the holder's lease ends for everybody */
};

static void stamp(struct race *race)
{
    char rv[16];

    snprintf(rv, sizeof(rv), "%u", ++race->rv);
    json_set_str(json_object_get(race->lease, "metadata"), "resourceVersion", str_c(rv));
}

static void write_lease(struct race *race, struct fake_request *r)
{
    race->writes++;
    json_decref(race->lease);
    race->lease = json_clone(r->body);
    stamp(race);
    fake_answer_json(r, 200, json_incref(race->lease));
}

static void handle(void *cookie, struct fake_request *r)
{
    struct race *race = cookie;

    if (race->is_silent)
        return;
    if (race->is_down) {
        fake_status(r, 503, "", "down");
        return;
    }
    if (str_eq_c(r->method, "GET")) {
        if (race->lease)
            fake_answer_json(r, 200, json_incref(race->lease));
        else
            fake_status(r, 404, "NotFound", "no lease");
        return;
    }
    if (str_eq_c(r->method, "POST")
            ? race->lease != NULL
            : !race->lease || !str_eq(kobj_rv(r->body), kobj_rv(race->lease))) {
        race->refused++;
        fake_status(r, 409, "Conflict", "changed");
        return;
    }
    write_lease(race, r);
}

static unsigned leaders(const struct race *race)
{
    unsigned n = 0;

    for (int i = 0; i < CANDIDATES; i++)
        n += race->c[i].leads;
    return n;
}

static void on_change(void *cookie, bool leading)
{
    struct candidate *c = cookie;

    CHECK(c->leads != leading);
    c->leads = leading;
    c->changes++;
    /* Never two at once. */
    CHECK(leaders(c->race) <= 1);
}

static void on_stopped(void *cookie)
{
    struct candidate *c = cookie;

    c->is_stopped = true;
    c->leader = NULL;
}

static void start(struct race *race, int i)
{
    static const char *const NAMES[CANDIDATES] = {"one", "two", "three"};
    struct candidate *c = &race->c[i];
    struct leader_spec spec = {
        .ns = STR("sys"),
        .name = STR("controller"),
        .identity = str_c(NAMES[i]),
        .on_change = on_change,
        .cookie = c,
    };

    *c = (struct candidate){.race = race, .client = race->f->client};
    c->leader = leader_start(c->client, &spec);
}

static void stop(struct race *race, int i)
{
    struct candidate *c = &race->c[i];

    c->leads = false;
    c->is_stopped = false;
    leader_stop(c->leader, on_stopped, c);
    fake_pass(race->f, 1500 * TIME_US_PER_MS);
    CHECK(c->is_stopped);
}

static void race_init(struct race *race)
{
    log_set_level(LOG_ERROR);
    *race = (struct race){0};
    race->f = fake_new(handle, race);
}

static void race_fini(struct race *race)
{
    for (int i = 0; i < CANDIDATES; i++) {
        if (race->c[i].leader)
            stop(race, i);
    }
    fake_free(race->f);
    json_decref(race->lease);
}

static struct str holder(const struct race *race)
{
    return json_str_at(race->lease, "spec", "holderIdentity", NULL);
}

TEST(leader_first_candidate_creates_the_lease)
{
    struct race race;

    race_init(&race);
    start(&race, 0);
    CHECK_INT(race.c[0].changes, 0);
    fake_pass(race.f, 100 * TIME_US_PER_MS);
    CHECK(race.c[0].leads);
    CHECK(leader_is_leading(race.c[0].leader));
    CHECK_STR(holder(&race), "one");
    CHECK_INT(json_int(json_object_get(race.lease, "spec"), "leaseDurationSeconds", 0), 15);
    CHECK_INT(json_int(json_object_get(race.lease, "spec"), "leaseTransitions", -1), 0);
    CHECK(str_ends(json_str_at(race.lease, "spec", "renewTime", NULL), STR("Z")));
    CHECK(json_str_at(race.lease, "spec", "renewTime", NULL).n == 27);
    race_fini(&race);
}

TEST(leader_renews_every_two_seconds)
{
    struct race race;
    unsigned before;

    race_init(&race);
    start(&race, 0);
    start(&race, 1);
    fake_pass(race.f, 5 * TIME_US_PER_S);
    before = race.writes;
    fake_pass(race.f, 60 * TIME_US_PER_S);
    CHECK(race.writes - before >= 25 && race.writes - before <= 32);
    CHECK_INT(race.c[0].changes + race.c[1].changes, 1);
    race_fini(&race);
}

TEST(leader_stop_hands_over_at_once)
{
    struct race race;
    int first;

    race_init(&race);
    start(&race, 0);
    start(&race, 1);
    fake_pass(race.f, 5 * TIME_US_PER_S);
    first = race.c[0].leads ? 0 : 1;
    stop(&race, first);
    CHECK(str_is_empty(holder(&race)) || !race.c[first].leads);
    fake_pass(race.f, 4 * TIME_US_PER_S);
    CHECK(race.c[1 - first].leads);
    CHECK_INT(json_int(json_object_get(race.lease, "spec"), "leaseTransitions", -1), 1);
    race_fini(&race);
}

TEST(leader_stop_with_a_silent_server_is_bounded)
{
    struct race race;

    race_init(&race);
    start(&race, 0);
    fake_pass(race.f, TIME_US_PER_S);
    race.is_silent = true;
    stop(&race, 0);
    race_fini(&race);
}

TEST(leader_stop_of_a_candidate)
{
    struct race race;

    race_init(&race);
    race.is_silent = true;
    start(&race, 0);
    stop(&race, 0);
    CHECK_INT(race.c[0].changes, 0);
    race_fini(&race);
}

TEST(leader_that_cannot_renew_steps_down_in_time)
{
    for (int silent = 0; silent < 2; silent++) {
        struct race race;

        race_init(&race);
        start(&race, 0);
        fake_pass(race.f, 5 * TIME_US_PER_S);
        CHECK(race.c[0].leads);
        race.is_down = !silent;
        race.is_silent = silent;
        fake_pass(race.f, 7 * TIME_US_PER_S);
        CHECK(race.c[0].leads);
        fake_pass(race.f, 4 * TIME_US_PER_S);
        CHECK(!race.c[0].leads);
        CHECK(!leader_is_leading(race.c[0].leader));
        race.is_down = race.is_silent = false;
        fake_pass(race.f, 10 * TIME_US_PER_S);
        CHECK(race.c[0].leads);
        race_fini(&race);
    }
}

TEST(leader_dead_holder_is_succeeded_after_its_lease)
{
    struct race race;

    race_init(&race);
    /* A holder whose clock is far ahead: its renewTime says nothing, only that it does not change. */
    race.lease = json_pack("{s:{s:s},s:{s:s,s:i,s:s,s:i}}", "metadata", "name", "controller",
                           "spec", "holderIdentity", "dead", "leaseDurationSeconds", 15,
                           "renewTime", "2036-01-01T00:00:00.000000Z", "leaseTransitions", 4);
    stamp(&race);
    start(&race, 0);
    fake_pass(race.f, 14 * TIME_US_PER_S);
    CHECK(!race.c[0].leads);
    fake_pass(race.f, 6 * TIME_US_PER_S);
    CHECK(race.c[0].leads);
    CHECK_INT(json_int(json_object_get(race.lease, "spec"), "leaseTransitions", -1), 5);
    race_fini(&race);
}

TEST(leader_living_holder_is_not_succeeded)
{
    struct race race;
    char text[TIME_RFC3339_BYTES];

    race_init(&race);
    race.lease = json_pack("{s:{s:s},s:{s:s,s:i}}", "metadata", "name", "controller", "spec",
                           "holderIdentity", "alive", "leaseDurationSeconds", 15);
    stamp(&race);
    start(&race, 0);
    start(&race, 1);
    for (int i = 0; i < 20; i++) {
        fake_pass(race.f, 10 * TIME_US_PER_S);
        /* Its clock stands: what counts is that the record changes. */
        json_set_str(json_object_get(race.lease, "spec"), "renewTime",
                     str_c(time_format_us(i * TIME_US_PER_S, text)));
        stamp(&race);
    }
    CHECK_INT(race.c[0].changes + race.c[1].changes, 0);
    CHECK_INT(race.writes, 0);
    race_fini(&race);
}

TEST(leader_deposed_by_an_edited_lease)
{
    struct race race;

    race_init(&race);
    start(&race, 0);
    fake_pass(race.f, 3 * TIME_US_PER_S);
    CHECK(race.c[0].leads);
    json_set_str(json_object_get(race.lease, "spec"), "holderIdentity", STR("usurper"));
    stamp(&race);
    fake_pass(race.f, 6 * TIME_US_PER_S);
    CHECK(!race.c[0].leads);
    CHECK_STR(holder(&race), "usurper");
    race_fini(&race);
}

TEST(leader_lease_deleted_is_made_again)
{
    struct race race;

    race_init(&race);
    start(&race, 0);
    fake_pass(race.f, 3 * TIME_US_PER_S);
    json_decref(TAKE(race.lease));
    fake_pass(race.f, 6 * TIME_US_PER_S);
    CHECK(race.c[0].leads);
    CHECK_INT(race.c[0].changes, 1);
    CHECK_STR(holder(&race), "one");
    race_fini(&race);
}

TEST(leader_never_two_at_once)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct race race;
        uint64_t s = seed * 7919;

        race_init(&race);
        for (int i = 0; i < CANDIDATES; i++)
            start(&race, i);
        for (int i = 0; i < 15; i++) {
            s = s * 6364136223846793005u + 1442695040888963407u;
            race.is_down = (s >> 33) % 4 == 0;
            race.is_silent = (s >> 35) % 5 == 0;
            fake_pass(race.f, (int64_t)((s >> 40) % 15) * TIME_US_PER_S);
        }
        race.is_down = race.is_silent = false;
        fake_pass(race.f, 40 * TIME_US_PER_S);
        CHECK_INT(leaders(&race), 1);
        race_fini(&race);
    }
}
