/*
 * Event recording: series, limits, and recorders that go away.
 */
#include "kube/event.h"

#include <pthread.h>
#include <stdio.h>

#include "base/time.h"
#include "fake.h"
#include "kube/object.h"
#include "unit.h"

struct tape {
    struct fake *f;
    struct event_recorder *r;
    json_t *object;
    unsigned posts, patches;
    json_t *posted; /* the last ones */
    json_t *patched;
    char path[256];
    int fail_status;
};

static void handle(void *cookie, struct fake_request *r)
{
    struct tape *t = cookie;

    snprintf(t->path, sizeof(t->path), "%" STR_FMT, STR_ARG(r->path));
    if (str_eq_c(r->method, "POST")) {
        t->posts++;
        json_decref(t->posted);
        t->posted = json_incref(r->body);
    } else {
        CHECK_STR(r->method, "PATCH");
        CHECK_STR(r->content_type, "application/merge-patch+json");
        t->patches++;
        json_decref(t->patched);
        t->patched = json_incref(r->body);
    }
    if (t->fail_status)
        fake_status(r, t->fail_status, "", "no");
    else
        fake_answer_json(r, 200, json_incref(r->body));
}

static void tape_init(struct tape *t)
{
    *t = (struct tape){0};
    t->f = fake_new(handle, t);
    t->r = event_recorder_new(t->f->client, "connectors-controller");
    t->object = kobj_new(&KUBE_CONNECTORS, STR("team"), STR("git"));
    json_set_str(json_object_get(t->object, "metadata"), "uid", STR("u-1"));
}

static void tape_fini(struct tape *t)
{
    event_recorder_free(t->r);
    fake_free(t->f);
    json_decref(t->object);
    json_decref(t->posted);
    json_decref(t->patched);
}

TEST(event_is_created_with_what_people_need)
{
    struct tape t;

    tape_init(&t);
    event_record(t.r, t.object, "Warning", "InvalidCACert", "secret %s holds %d certificates", "x",
                 0);
    fake_settle(t.f);
    CHECK_INT(t.posts, 1);
    CHECK_STR(t.path, "/base/api/v1/namespaces/team/events");
    CHECK_STR(json_str(t.posted, "kind"), "Event");
    CHECK_STR(json_str(t.posted, "type"), "Warning");
    CHECK_STR(json_str(t.posted, "reason"), "InvalidCACert");
    CHECK_STR(json_str(t.posted, "message"), "secret x holds 0 certificates");
    CHECK_INT(json_int(t.posted, "count", 0), 1);
    CHECK_STR(json_str(t.posted, "firstTimestamp"), "2026-01-02T03:04:05Z");
    CHECK_STR(json_str_at(t.posted, "involvedObject", "kind", NULL), "Connector");
    CHECK_STR(json_str_at(t.posted, "involvedObject", "uid", NULL), "u-1");
    CHECK_STR(json_str_at(t.posted, "source", "component", NULL), "connectors-controller");
    CHECK_STR(kobj_ns(t.posted), "team");
    CHECK(str_starts(kobj_name(t.posted), STR("git.")));
    tape_fini(&t);
}

TEST(event_of_a_cluster_scoped_object)
{
    struct tape t;
    json_t *class JSON_OWNED = kobj_new(&KUBE_CONNECTORCLASSES, STR_NONE, STR("git"));

    tape_init(&t);
    event_record(t.r, class, "Normal", "R", "m");
    fake_settle(t.f);
    CHECK_STR(t.path, "/base/api/v1/namespaces/default/events");
    tape_fini(&t);
}

TEST(event_again_raises_the_count)
{
    struct tape t;

    tape_init(&t);
    for (int i = 0; i < 3; i++) {
        event_record(t.r, t.object, "Normal", "R", "same");
        fake_pass(t.f, TIME_US_PER_S);
    }
    CHECK_INT(t.posts, 1);
    CHECK_INT(t.patches, 2);
    CHECK_INT(json_int(t.patched, "count", 0), 3);
    CHECK(str_ends(str_c(t.path), kobj_name(t.posted)));
    event_record(t.r, t.object, "Normal", "R", "other");
    event_record(t.r, t.object, "Warning", "R", "same");
    fake_settle(t.f);
    CHECK_INT(t.posts, 3);
    tape_fini(&t);
}

TEST(event_burst_is_one_event_with_the_full_count)
{
    struct tape t;

    tape_init(&t);
    for (int i = 0; i < 10; i++)
        event_record(t.r, t.object, "Normal", "R", "same");
    fake_settle(t.f);
    CHECK_INT(t.posts, 1);
    CHECK_INT(json_int(t.posted, "count", 0), 10);
    tape_fini(&t);
}

TEST(event_series_ends_after_ten_minutes)
{
    struct tape t;

    tape_init(&t);
    event_record(t.r, t.object, "Normal", "R", "same");
    fake_pass(t.f, 599 * TIME_US_PER_S);
    event_record(t.r, t.object, "Normal", "R", "same");
    fake_pass(t.f, 600 * TIME_US_PER_S);
    CHECK_INT(t.posts, 1);
    CHECK_INT(t.patches, 1);
    event_record(t.r, t.object, "Normal", "R", "same");
    fake_settle(t.f);
    CHECK_INT(t.posts, 2);
    CHECK_INT(json_int(t.posted, "count", 0), 1);
    tape_fini(&t);
}

TEST(event_limit_per_object_and_minute)
{
    struct tape t;
    json_t *other JSON_OWNED = kobj_new(&KUBE_CONNECTORS, STR("team"), STR("other"));

    tape_init(&t);
    for (int i = 0; i < 26; i++) {
        event_record(t.r, t.object, "Normal", "R", "number %d", i);
        fake_settle(t.f);
    }
    CHECK_INT(t.posts, 25);
    event_record(t.r, other, "Normal", "R", "m");
    fake_settle(t.f);
    CHECK_INT(t.posts, 26);
    fake_pass(t.f, 60 * TIME_US_PER_S);
    event_record(t.r, t.object, "Normal", "R", "later");
    fake_settle(t.f);
    CHECK_INT(t.posts, 27);
    tape_fini(&t);
}

TEST(event_long_message_is_cut_at_a_character)
{
    struct tape t;
    char text[2048];

    tape_init(&t);
    memset(text, 'a', 1023);
    snprintf(text + 1023, 16,
             "\xc3\xa4"
             "bc");
    event_record(t.r, t.object, "Normal", "R", "%s", text);
    fake_settle(t.f);
    CHECK_INT(json_str(t.posted, "message").n, 1023);
    snprintf(text + 1022, 16,
             "\xc3\xa4"
             "bc");
    event_record(t.r, t.object, "Normal", "R", "%s", text);
    fake_settle(t.f);
    CHECK_INT(json_str(t.posted, "message").n, 1024);
    tape_fini(&t);
}

TEST(event_failures_are_forgotten)
{
    struct tape t;

    tape_init(&t);
    t.fail_status = 503;
    event_record(t.r, t.object, "Normal", "R", "same");
    fake_settle(t.f);
    t.fail_status = 0;
    event_record(t.r, t.object, "Normal", "R", "same");
    fake_settle(t.f);
    CHECK_INT(t.posts, 2);
    CHECK_INT(json_int(t.posted, "count", 0), 2);
    t.fail_status = 404;
    event_record(t.r, t.object, "Normal", "R", "same");
    fake_settle(t.f);
    t.fail_status = 0;
    event_record(t.r, t.object, "Normal", "R", "same");
    fake_settle(t.f);
    CHECK_INT(t.posts, 3);
    tape_fini(&t);
}

TEST(event_recorder_freed_with_notes_and_calls_open)
{
    struct tape t;

    tape_init(&t);
    event_record(t.r, t.object, "Normal", "R", "one");
    loop_step(t.f->loop, 0);
    event_record(t.r, t.object, "Normal", "R", "two");
    tape_fini(&t);
}

static void *record_many(void *cookie)
{
    struct tape *t = cookie;

    for (int i = 0; i < 500; i++)
        event_record(t->r, t->object, "Normal", "R", "number %d", i % 5);
    return NULL;
}

TEST(event_recorded_from_threads)
{
    struct tape t;
    pthread_t threads[3];
    unsigned total;

    tape_init(&t);
    for (int i = 0; i < 3; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, record_many, &t), 0);
    for (int i = 0; i < 20; i++)
        loop_step(t.f->loop, TIME_US_PER_MS);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    fake_settle(t.f);
    total = t.posts + t.patches;
    CHECK_INT(t.posts, 5);
    CHECK(total <= 25);
    tape_fini(&t);
}
