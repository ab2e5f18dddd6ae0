/*
 * Identities: the one question asked, what counts as a yes, and everything that ends one.
 */
#include "../kube/fake.h"
#include "base/time.h"
#include "codec/base64.h"
#include "core/identity.h"
#include "unit.h"

#define S TIME_US_PER_S

/* A world with one API server and one service. */
struct world {
    struct fake *f;
    struct review_lane *lane;
    struct identity_service *s;
    bool is_pod_live;
    /* what the server answers */
    const char *review; /* status of a TokenReview; NULL: the request stays open */
    int review_status;  /* HTTP; 0: 201 */
    const char *pod;    /* NULL: 404 */
    unsigned reviews, pods;
    char audiences[128]; /* of the last review */
    struct fake_request *open;
    /* what came back */
    unsigned answers;
    int rc;
    struct identity *id;
};

static void handle(void *cookie, struct fake_request *r)
{
    struct world *w = cookie;
    char body[2048];

    if (str_ends(r->path, STR("/tokenreviews"))) {
        struct str audience =
            json_str_of(json_array_get(json_at(r->body, "spec", "audiences", NULL), 0));

        w->reviews++;
        snprintf(w->audiences, sizeof(w->audiences), "%" STR_FMT, STR_ARG(audience));
        w->open = r;
        if (w->review_status) {
            fake_status(r, w->review_status, "InternalError", "broken");
        } else if (w->review) {
            snprintf(body, sizeof(body), "{\"status\":%s}", w->review);
            fake_answer(r, 201, body);
        }
        return;
    }
    w->pods++;
    if (w->pod)
        fake_answer(r, 200, w->pod);
    else
        fake_status(r, 404, "NotFound", "pods \"p\" not found");
}

static bool pod_live(void *cookie, struct str ns, struct str name, struct str uid)
{
    (void)ns, (void)name, (void)uid;
    return ((struct world *)cookie)->is_pod_live;
}

static void world_init(struct world *w, bool accept)
{
    *w = (struct world){.is_pod_live = true};
    w->f = fake_new(handle, w);
    w->lane = review_lane_new(w->f->client, &(struct review_limits){4, 4, 3 * S});
    w->s = identity_service_new(w->f->loop, w->lane,
                                &(struct identity_rules){
                                    .audience = STR("connectors-proxy"),
                                    .accept_apiserver_audience = accept,
                                    .keep_us = 60 * S,
                                    .max_entries = 4,
                                    .is_pod_live = pod_live,
                                    .cookie = w,
                                });
}

static void world_fini(struct world *w)
{
    review_lane_free(w->lane);
    identity_service_free(w->s);
    identity_unref(w->id);
    fake_free(w->f);
}

static void on_done(void *cookie, int rc, struct identity *id, const struct err *err)
{
    struct world *w = cookie;

    w->answers++;
    w->rc = rc;
    (void)err;
    identity_unref(w->id);
    w->id = id ? identity_ref(id) : NULL;
}

static void ask_only(struct world *w, const char *token)
{
    struct secret *secret = secret_new(str_c(token));
    uint8_t mac[IDENTITY_MAC_BYTES];

    identity_mac(w->s, str_c(token), mac);
    identity_ask(w->s, mac, secret, on_done, w);
    secret_unref(secret);
}

static bool answered(void *cookie)
{
    return ((struct world *)cookie)->answers > 0;
}

static int ask(struct world *w, const char *token)
{
    w->answers = 0;
    ask_only(w, token);
    fake_run(w->f, answered, w, 10 * S);
    return w->answers == 1 ? w->rc : 1;
}

/* An unsigned token with these claims; the fake does not look at signatures. */
static const char *token_of(const char *claims)
{
    static char text[1024];
    struct buf b = BUF_INIT(sizeof(text) - 1);

    base64_url_encode(&b, STR("{\"alg\":\"ES256\"}"));
    buf_add_char(&b, '.');
    base64_url_encode(&b, str_c(claims));
    buf_add_c(&b, ".c2ln");
    snprintf(text, sizeof(text), "%s", buf_c(&b));
    buf_fini(&b);
    return text;
}

#define OURS "{\"aud\":[\"connectors-proxy\"]}"
#define YES                                                                                        \
    "{\"authenticated\":true,\"audiences\":[\"connectors-proxy\"],\"user\":{\"username\":"         \
    "\"system:serviceaccount:team:wl\",\"uid\":\"sa-1\",\"groups\":[\"g\"],\"extra\":"             \
    "{\"authentication.kubernetes.io/credential-id\":[\"JTI=1\"]}}}"
#define EVE                                                                                        \
    "{\"authenticated\":true,\"audiences\":[\"connectors-proxy\"],\"user\":{\"username\":\"eve\"," \
    "\"extra\":{\"authentication.kubernetes.io/pod-uid\":[\"u\"]}}}"
#define YES_POD                                                                                    \
    "{\"authenticated\":true,\"audiences\":[\"connectors-proxy\"],\"user\":{\"username\":"         \
    "\"system:serviceaccount:team:wl\",\"uid\":\"sa-1\",\"extra\":"                                \
    "{\"authentication.kubernetes.io/pod-name\":[\"p\"],"                                          \
    "\"authentication.kubernetes.io/pod-uid\":[\"pod-1\"]}}}"

TEST(identity_yes_is_cached_for_a_minute)
{
    struct world w;

    world_init(&w, true);
    w.review = YES;
    CHECK_OK(ask(&w, token_of(OURS)));
    if (CHECK(w.id)) {
        CHECK_STR(w.id->user, "system:serviceaccount:team:wl");
        CHECK_STR(w.id->credential_id, "JTI=1");
        CHECK(w.id->own_audience);
    }
    CHECK_STR(w.audiences, "connectors-proxy");
    fake_pass(w.f, 59 * S);
    CHECK_OK(ask(&w, token_of(OURS)));
    CHECK_INT(w.reviews, 1);
    fake_pass(w.f, 2 * S);
    CHECK(!identity_is_current(w.id, loop_now_us(w.f->loop)));
    CHECK_OK(ask(&w, token_of(OURS)));
    CHECK_INT(w.reviews, 2);
    world_fini(&w);
}

TEST(identity_is_kept_no_longer_than_its_token)
{
    struct world w;
    char claims[128];

    world_init(&w, true);
    w.review = YES;
    snprintf(claims, sizeof(claims), "{\"aud\":\"connectors-proxy\",\"exp\":%lld}",
             (long long)(loop_wall_us(w.f->loop) / S + 10));
    CHECK_OK(ask(&w, token_of(claims)));
    fake_pass(w.f, 11 * S);
    CHECK(!identity_is_current(w.id, loop_now_us(w.f->loop)));
    CHECK_ERR(ask(&w, token_of(claims)), ERR_UNAUTH); /* also when the server still says yes */
    world_fini(&w);
}

TEST(identity_needs_authenticated_and_our_audience)
{
    static const char *const noes[] = {
        "{}",
        "null",
        "{\"authenticated\":false,\"audiences\":[\"connectors-proxy\"],\"user\":{\"username\":\"a\"}}",
        "{\"authenticated\":\"true\",\"audiences\":[\"connectors-proxy\"],\"user\":{\"username\":\"a\"}}",
        "{\"authenticated\":true,\"user\":{\"username\":\"a\"}}",
        "{\"authenticated\":true,\"audiences\":[],\"user\":{\"username\":\"a\"}}",
        "{\"authenticated\":true,\"audiences\":[\"other\"],\"user\":{\"username\":\"a\"}}",
        "{\"authenticated\":true,\"audiences\":\"connectors-proxy\",\"user\":{\"username\":\"a\"}}",
        "{\"authenticated\":true,\"audiences\":[\"connectors-proxy\"],\"user\":{\"username\":\"\"}}",
        "{\"authenticated\":true,\"audiences\":[\"connectors-proxy\"]}",
        /* bound to a Pod, but of no ServiceAccount */
        EVE,
    };

    for (size_t i = 0; i < ARRAY_LEN(noes); i++) {
        struct world w;

        world_init(&w, true);
        w.review = noes[i];
        CHECK_ERR(ask(&w, token_of(OURS)), ERR_UNAUTH);
        CHECK(!w.id);
        world_fini(&w);
    }
}

TEST(identity_other_tokens_are_asked_without_audience_only_when_accepted)
{
    struct world w;

    world_init(&w, true);
    w.review = "{\"authenticated\":true,\"user\":{\"username\":\"alice\"}}";
    CHECK_OK(ask(&w, token_of("{\"aud\":[\"https://kubernetes\"]}")));
    CHECK_STR(w.audiences, "");
    CHECK(w.id && !w.id->own_audience);
    CHECK_OK(ask(&w, "opaque-token"));
    CHECK_STR(w.audiences, "");
    world_fini(&w);

    world_init(&w, false);
    w.review = YES;
    CHECK_ERR(ask(&w, token_of("{\"aud\":[\"https://kubernetes\"]}")), ERR_UNAUTH);
    CHECK_ERR(ask(&w, "opaque-token"), ERR_UNAUTH);
    CHECK_ERR(ask(&w, token_of("{\"aud\":[\"connectors-proxy-2\"]}")), ERR_UNAUTH);
    CHECK_INT(w.reviews, 0);
    CHECK_OK(ask(&w, token_of(OURS)));
    world_fini(&w);
}

TEST(identity_refusals_are_kept_a_second)
{
    struct world w;

    world_init(&w, true);
    w.review = "{\"authenticated\":false}";
    CHECK_ERR(ask(&w, "bad"), ERR_UNAUTH);
    CHECK_ERR(ask(&w, "bad"), ERR_UNAUTH);
    CHECK_INT(w.reviews, 1);
    fake_pass(w.f, S + S / 10);
    w.review = "{\"authenticated\":true,\"user\":{\"username\":\"alice\"}}";
    CHECK_OK(ask(&w, "bad"));
    CHECK_INT(w.reviews, 2);
    world_fini(&w);
}

TEST(identity_errors_are_never_kept)
{
    struct world w;

    world_init(&w, true);
    w.review_status = 500;
    CHECK_ERR(ask(&w, token_of(OURS)), ERR_UNAVAILABLE);
    w.review_status = 403; /* we may not review: no fault of the client's */
    CHECK_ERR(ask(&w, token_of(OURS)), ERR_UNAVAILABLE);
    w.review_status = 401;
    CHECK_ERR(ask(&w, token_of(OURS)), ERR_UNAVAILABLE);
    w.review_status = 0;
    w.review = YES;
    CHECK_OK(ask(&w, token_of(OURS)));
    CHECK_INT(w.reviews, 4);
    world_fini(&w);
}

TEST(identity_waits_three_seconds_for_an_answer)
{
    struct world w;

    world_init(&w, true);
    ask_only(&w, token_of(OURS));
    fake_pass(w.f, 2900000);
    CHECK_INT(w.answers, 0);
    fake_pass(w.f, 200000);
    CHECK_INT(w.answers, 1);
    CHECK_ERR(w.rc, ERR_UNAVAILABLE);
    world_fini(&w);
}

TEST(identity_collapses_equal_questions)
{
    struct world w;

    world_init(&w, true);
    for (unsigned i = 0; i < 5; i++)
        ask_only(&w, token_of(OURS));
    fake_settle(w.f);
    CHECK_INT(w.reviews, 1);
    CHECK_INT(w.answers, 0);
    fake_answer(w.open, 201, "{\"status\":" YES "}");
    fake_settle(w.f);
    CHECK_INT(w.answers, 5);
    CHECK_OK(w.rc);
    world_fini(&w);
}

TEST(identity_refused_uid_ends_what_rests_on_it)
{
    static const char *const uids[] = {"pod-1", "sa-1"};

    for (size_t i = 0; i < ARRAY_LEN(uids); i++) {
        struct world w;

        world_init(&w, true);
        w.review = YES_POD;
        CHECK_OK(ask(&w, token_of(OURS)));
        CHECK(identity_is_current(w.id, loop_now_us(w.f->loop)));
        identity_refuse(w.s, STR("pod-2"));
        CHECK(identity_is_current(w.id, loop_now_us(w.f->loop)));
        identity_refuse(w.s, str_c(uids[i]));
        CHECK(!identity_is_current(w.id, loop_now_us(w.f->loop)));
        /* whatever the server goes on saying */
        CHECK_ERR(ask(&w, token_of(OURS)), ERR_UNAUTH);
        fake_pass(w.f, 2 * S);
        CHECK_ERR(ask(&w, token_of(OURS)), ERR_UNAUTH);
        world_fini(&w);
    }
}

TEST(identity_refused_pod_is_not_even_asked_about)
{
    struct world w;

    world_init(&w, true);
    w.review = YES_POD;
    identity_refuse(w.s, STR("pod-1"));
    CHECK_ERR(ask(&w, token_of("{\"aud\":[\"connectors-proxy\"],\"kubernetes.io\":{\"pod\":"
                               "{\"uid\":\"pod-1\"}}}")),
              ERR_UNAUTH);
    CHECK_INT(w.reviews, 0);
    world_fini(&w);
}

TEST(identity_refused_while_the_review_is_under_way)
{
    struct world w;

    world_init(&w, true);
    ask_only(&w, token_of(OURS));
    fake_settle(w.f);
    identity_refuse(w.s, STR("sa-1"));
    fake_answer(w.open, 201, "{\"status\":" YES "}");
    fake_settle(w.f);
    CHECK_INT(w.answers, 1);
    CHECK_ERR(w.rc, ERR_UNAUTH);
    world_fini(&w);
}

TEST(identity_unknown_pod_is_looked_up)
{
    static const struct {
        const char *pod;
        int rc;
    } cases[] = {
        {"{\"metadata\":{\"uid\":\"pod-1\"},\"status\":{\"phase\":\"Running\"}}", 0},
        {"{\"metadata\":{\"uid\":\"pod-1\"}}", 0},
        {"{\"metadata\":{\"uid\":\"pod-2\"},\"status\":{\"phase\":\"Running\"}}", -ERR_UNAUTH},
        {"{\"metadata\":{\"uid\":\"pod-1\"},\"status\":{\"phase\":\"Succeeded\"}}", -ERR_UNAUTH},
        {"{\"metadata\":{\"uid\":\"pod-1\"},\"status\":{\"phase\":\"Failed\"}}", -ERR_UNAUTH},
        {"{}", -ERR_UNAUTH},
        {NULL, -ERR_UNAUTH},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world w;

        world_init(&w, true);
        w.is_pod_live = false;
        w.review = YES_POD;
        w.pod = cases[i].pod;
        CHECK_INT(ask(&w, token_of(OURS)), cases[i].rc);
        CHECK_INT(w.pods, 1);
        world_fini(&w);
    }
}

TEST(identity_that_is_evicted_is_ended)
{
    struct world w;
    struct identity *first;
    char token[] = "token-0";

    world_init(&w, true);
    w.review = "{\"authenticated\":true,\"user\":{\"username\":\"alice\",\"uid\":\"u\"}}";
    CHECK_OK(ask(&w, token));
    first = identity_ref(w.id);
    for (unsigned i = 1; i <= 4; i++) { /* the table holds four */
        CHECK(identity_is_current(first, loop_now_us(w.f->loop)));
        token[6] = (char)('0' + i);
        CHECK_OK(ask(&w, token));
    }
    CHECK(!identity_is_current(first, loop_now_us(w.f->loop)));
    CHECK_INT(identity_count(w.s), 4);
    identity_unref(first);
    world_fini(&w);
}

TEST(identity_prints_differ_when_the_subject_does)
{
    struct world w;
    uint8_t print[IDENTITY_PRINT_BYTES];

    world_init(&w, true);
    w.review = "{\"authenticated\":true,\"user\":{\"username\":\"alice\",\"groups\":[\"a\"]}}";
    CHECK_OK(ask(&w, "one"));
    memcpy(print, w.id->print, sizeof(print));
    CHECK_OK(ask(&w, "two"));
    CHECK(memcmp(print, w.id->print, sizeof(print)) == 0);
    w.review = "{\"authenticated\":true,\"user\":{\"username\":\"alice\",\"groups\":[\"b\"]}}";
    CHECK_OK(ask(&w, "three"));
    CHECK(memcmp(print, w.id->print, sizeof(print)) != 0);
    world_fini(&w);
}

TEST(identity_free_answers_who_waits)
{
    struct world w;

    world_init(&w, true);
    ask_only(&w, token_of(OURS));
    fake_settle(w.f);
    review_lane_free(TAKE(w.lane));
    identity_service_free(TAKE(w.s));
    CHECK_INT(w.answers, 1);
    CHECK_ERR(w.rc, ERR_CANCELLED);
    world_fini(&w);
}
