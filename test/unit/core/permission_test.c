/*
 * Permissions: how long a verdict holds, what voids it, and the time after a change in which answers are not
 * trusted.
 */
#include "../kube/fake.h"
#include "base/time.h"
#include "core/identity_priv.h"
#include "core/permission.h"
#include "unit.h"

#define S TIME_US_PER_S
#define MS TIME_US_PER_MS

struct world {
    struct fake *f;
    struct review_lane *lane;
    struct permission_service *s;
    struct identity *id;
    bool allowed;
    bool is_silent; /* keep the request */
    int status;     /* HTTP of a failure; 0: none */
    unsigned reviews;
    struct fake_request *open;
    json_t *spec; /* of the last review */
    unsigned answers;
    int rc;
    struct permission_verdict *v;
};

static void handle(void *cookie, struct fake_request *r)
{
    struct world *w = cookie;

    w->reviews++;
    json_decref(w->spec);
    w->spec = json_incref(json_at(r->body, "spec", NULL));
    w->open = r;
    if (w->is_silent)
        return;
    if (w->status)
        fake_status(r, w->status, "InternalError", "broken");
    else
        fake_answer(r, 201,
                    w->allowed ? "{\"status\":{\"allowed\":true,\"reason\":\"RBAC: because\"}}"
                               : "{\"status\":{\"allowed\":false}}");
}

static struct identity *make_identity(const char *review)
{
    struct secret *token = secret_new(STR("token"));
    struct identity *id = NULL;
    json_t *answer = NULL;

    CHECK_OK(json_parse(str_c(review), &answer, NULL));
    CHECK_OK(identity_review_read(answer, STR_NONE, token, &id, NULL));
    json_decref(answer);
    secret_unref(token);
    return id;
}

static void world_init(struct world *w)
{
    *w = (struct world){.allowed = true};
    w->f = fake_new(handle, w);
    w->lane = review_lane_new(w->f->client, &(struct review_limits){4, 4, 3 * S});
    w->s = permission_service_new(w->f->loop, w->lane, &PERMISSION_RULES_DEFAULT);
    w->id = make_identity("{\"status\":{\"authenticated\":true,\"user\":{\"username\":\"alice\","
                          "\"groups\":[\"devs\"],\"extra\":{\"key\":[\"value\"]}}}}");
}

static void world_fini(struct world *w)
{
    review_lane_free(w->lane);
    permission_service_free(w->s);
    permission_unref(w->v);
    json_decref(w->spec);
    identity_unref(w->id);
    fake_free(w->f);
}

static void on_done(void *cookie, int rc, struct permission_verdict *v, const struct err *err)
{
    struct world *w = cookie;

    (void)err;
    w->answers++;
    w->rc = rc;
    permission_unref(w->v);
    w->v = v ? permission_ref(v) : NULL;
}

static const struct permission_action GET = {
    .verb = STR_INIT("get"),
    .group = STR_INIT("connectors.alauda.io"),
    .resource = STR_INIT("connectors"),
    .ns = STR_INIT("team"),
    .name = STR_INIT("tool"),
};

static void ask_only(struct world *w, const struct permission_action *action)
{
    permission_ask(w->s, w->id, action, on_done, w);
}

static bool answered(void *cookie)
{
    return ((struct world *)cookie)->answers > 0;
}

static int ask(struct world *w)
{
    w->answers = 0;
    ask_only(w, &GET);
    fake_run(w->f, answered, w, 10 * S);
    return w->answers == 1 ? w->rc : 1;
}

static bool is_current(struct world *w)
{
    return w->v && permission_is_current(w->s, w->v, loop_now_us(w->f->loop));
}

TEST(permission_asks_for_the_subject_as_reviewed)
{
    struct world w;

    world_init(&w);
    CHECK_OK(ask(&w));
    CHECK(w.v && w.v->allowed);
    CHECK_STR(w.v->reason, "RBAC: because");
    CHECK_STR(json_str(w.spec, "user"), "alice");
    CHECK_STR(json_str_of(json_array_get(json_at(w.spec, "groups", NULL), 0)), "devs");
    CHECK_STR(json_str_of(json_array_get(json_at(w.spec, "extra", "key", NULL), 0)), "value");
    CHECK_STR(json_str_at(w.spec, "resourceAttributes", "verb", NULL), "get");
    CHECK_STR(json_str_at(w.spec, "resourceAttributes", "group", NULL), "connectors.alauda.io");
    CHECK_STR(json_str_at(w.spec, "resourceAttributes", "resource", NULL), "connectors");
    CHECK_STR(json_str_at(w.spec, "resourceAttributes", "namespace", NULL), "team");
    CHECK_STR(json_str_at(w.spec, "resourceAttributes", "name", NULL), "tool");
    CHECK(!json_at(w.spec, "resourceAttributes", "subresource", NULL));
    world_fini(&w);
}

TEST(permission_yes_holds_ten_seconds_and_no_two)
{
    struct world w;

    world_init(&w);
    CHECK_OK(ask(&w));
    fake_pass(w.f, 9900 * MS);
    CHECK(is_current(&w));
    CHECK_OK(ask(&w));
    CHECK_INT(w.reviews, 1);
    fake_pass(w.f, 200 * MS);
    CHECK(!is_current(&w));

    w.allowed = false;
    CHECK_OK(ask(&w));
    CHECK_INT(w.reviews, 2);
    CHECK(!w.v->allowed);
    fake_pass(w.f, 1900 * MS);
    CHECK(is_current(&w));
    fake_pass(w.f, 200 * MS);
    CHECK(!is_current(&w));
    world_fini(&w);
}

TEST(permission_denied_wins_over_allowed)
{
    struct world w;

    world_init(&w);
    w.is_silent = true;
    ask_only(&w, &GET);
    fake_settle(w.f);
    fake_answer(w.open, 201, "{\"status\":{\"allowed\":true,\"denied\":true}}");
    fake_settle(w.f);
    CHECK(w.v && !w.v->allowed);
    world_fini(&w);
}

TEST(permission_odd_answers_are_a_no)
{
    static const char *const answers[] = {
        "{}",
        "{\"status\":{}}",
        "{\"status\":{\"allowed\":\"true\"}}",
        "{\"status\":{\"allowed\":1}}",
        "{\"status\":null}",
        "{\"allowed\":true}",
    };

    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct world w;

        world_init(&w);
        w.is_silent = true;
        ask_only(&w, &GET);
        fake_settle(w.f);
        fake_answer(w.open, 201, answers[i]);
        fake_settle(w.f);
        CHECK_INT(w.answers, 1);
        CHECK(w.v && !w.v->allowed);
        world_fini(&w);
    }
}

TEST(permission_errors_are_never_kept_and_never_a_yes)
{
    struct world w;

    world_init(&w);
    w.status = 500;
    CHECK_ERR(ask(&w), ERR_UNAVAILABLE);
    CHECK(!w.v);
    w.status = 403;
    CHECK_ERR(ask(&w), ERR_UNAVAILABLE);
    w.status = 0;
    w.is_silent = true;
    CHECK_ERR(ask(&w), ERR_UNAVAILABLE); /* after three seconds */
    w.is_silent = false;
    CHECK_OK(ask(&w));
    CHECK_INT(w.reviews, 4);
    world_fini(&w);
}

TEST(permission_change_in_the_namespace_voids_at_once)
{
    struct world w;

    world_init(&w);
    CHECK_OK(ask(&w));
    permission_touch(w.s, STR("elsewhere"));
    CHECK(is_current(&w));
    permission_touch(w.s, STR("team"));
    CHECK(!is_current(&w));
    CHECK_OK(ask(&w));
    CHECK_INT(w.reviews, 2);
    permission_touch(w.s, STR_NONE);
    CHECK(!is_current(&w));
    world_fini(&w);
}

TEST(permission_answers_after_a_change_are_kept_a_moment)
{
    struct world w;

    world_init(&w);
    permission_touch(w.s, STR("team"));
    fake_pass(w.f, 1900 * MS);
    CHECK_OK(ask(&w)); /* within the settle time */
    CHECK(is_current(&w));
    fake_pass(w.f, 120 * MS);
    CHECK(!is_current(&w));
    CHECK_OK(ask(&w)); /* behind it */
    fake_pass(w.f, 9 * S);
    CHECK(is_current(&w));
    world_fini(&w);
}

TEST(permission_change_while_a_review_is_open_asks_again)
{
    struct world w;

    world_init(&w);
    w.is_silent = true;
    ask_only(&w, &GET);
    fake_settle(w.f);
    permission_touch(w.s, STR("team"));
    ask_only(&w, &GET); /* joins the open review */
    fake_pass(w.f, 150 * MS);
    w.is_silent = false;
    w.allowed = false;
    fake_answer(w.open, 201, "{\"status\":{\"allowed\":true}}"); /* what was true before */
    fake_settle(w.f);
    CHECK_INT(w.reviews, 2);
    CHECK_INT(w.answers, 2);
    CHECK(w.v && !w.v->allowed);
    world_fini(&w);
}

TEST(permission_answer_just_after_a_change_is_used_once_more)
{
    struct world w;

    world_init(&w);
    w.is_silent = true;
    ask_only(&w, &GET);
    fake_settle(w.f);
    permission_touch(w.s, STR("team"));
    fake_pass(w.f, 50 * MS);
    fake_answer(w.open, 201, "{\"status\":{\"allowed\":true}}");
    fake_settle(w.f);
    CHECK_INT(w.answers, 1);
    CHECK(is_current(&w)); /* until 100 ms after the event, not after the answer */
    fake_pass(w.f, 60 * MS);
    CHECK(!is_current(&w));
    world_fini(&w);
}

TEST(permission_gives_up_when_changes_never_end)
{
    struct world w;

    world_init(&w);
    w.is_silent = true;
    ask_only(&w, &GET);
    for (unsigned i = 0; i < 3; i++) {
        fake_settle(w.f);
        permission_touch(w.s, STR("team"));
        fake_pass(w.f, 150 * MS);
        fake_answer(w.open, 201, "{\"status\":{\"allowed\":true}}");
        fake_settle(w.f);
    }
    CHECK_INT(w.answers, 1);
    CHECK_ERR(w.rc, ERR_UNAVAILABLE);
    world_fini(&w);
}

TEST(permission_collapses_equal_questions_only)
{
    struct world w;
    struct permission_action other = GET;

    world_init(&w);
    w.is_silent = true;
    ask_only(&w, &GET);
    ask_only(&w, &GET);
    other.name = STR("tool2");
    ask_only(&w, &other);
    fake_settle(w.f);
    CHECK_INT(w.reviews, 2);
    world_fini(&w);
}

TEST(permission_keys_separate_their_fields)
{
    struct arena *a = arena_new();
    struct identity id = {0}, other = {.print = {1}};
    struct permission_action x = GET, y = GET;

    CHECK(str_eq(permission_key(a, &id, &x), permission_key(a, &id, &y)));
    CHECK(!str_eq(permission_key(a, &id, &x), permission_key(a, &other, &x)));
    y.ns = STR("teamt");
    y.name = STR("ool");
    CHECK(!str_eq(permission_key(a, &id, &x), permission_key(a, &id, &y)));
    y = GET;
    y.verb = STR("list");
    CHECK(!str_eq(permission_key(a, &id, &x), permission_key(a, &id, &y)));
    y = GET;
    y.subresource = STR("proxy");
    CHECK(!str_eq(permission_key(a, &id, &x), permission_key(a, &id, &y)));
    arena_free(a);
}

TEST(review_lane_bounds_what_is_open)
{
    struct world w;
    struct permission_action action = GET;
    char name[] = "tool-0";

    world_init(&w);
    w.is_silent = true;
    for (unsigned i = 0; i < 8; i++) { /* four at once and four that wait */
        name[5] = (char)('0' + i);
        action.name = str_c(name);
        ask_only(&w, &action);
        fake_settle(w.f);
    }
    CHECK_INT(w.reviews, 4);
    CHECK_INT(w.answers, 0);
    action.name = STR("one-too-many");
    ask_only(&w, &action);
    CHECK_INT(w.answers, 0); /* never from inside */
    fake_settle(w.f);
    CHECK_INT(w.answers, 1);
    CHECK_ERR(w.rc, ERR_UNAVAILABLE);
    fake_answer(w.open, 201, "{\"status\":{\"allowed\":true}}");
    fake_settle(w.f);
    CHECK_INT(w.answers, 2);
    CHECK_INT(w.reviews, 5);
    fake_pass(w.f, 3100 * MS); /* also what never was sent fails in time */
    CHECK_INT(w.answers, 9);
    CHECK_ERR(w.rc, ERR_UNAVAILABLE);
    CHECK_INT(review_counts(w.lane).failed, 8);
    world_fini(&w);
}
