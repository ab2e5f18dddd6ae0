/*
 * The view against a scripted API server: what is resolved when, and what is kept of Secrets.
 */
#include "proxy/view.h"

#include "../kube/fake.h"
#include "base/time.h"
#include "unit.h"

#define S TIME_US_PER_S

enum { CONNECTORS, CLASSES, SECRETS, COLLECTIONS };

static const char *const PATHS[COLLECTIONS] = {
    "/connectors",
    "/connectorclasses",
    "/secrets",
};

struct world {
    struct fake *f;
    struct view *v;
    const char *lists[COLLECTIONS]; /* items */
    struct fake_request *watches[COLLECTIONS];
    bool secret_listed_early; /* Secrets were asked for before the Connectors were known */
    bool connectors_listed;
    const char *get; /* answer to a GET of one Secret; NULL: 500 */
    unsigned gets;
    /* what the view said */
    unsigned targets, synced;
    struct target *last;
    bool is_gone;
    unsigned rv;
};

static void answer_list(struct world *w, struct fake_request *r, unsigned i)
{
    char text[4096];

    if (i == CONNECTORS)
        w->connectors_listed = true;
    if (i == SECRETS && !w->connectors_listed)
        w->secret_listed_early = true;
    snprintf(text, sizeof(text), "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[%s]}",
             w->lists[i] ? w->lists[i] : "");
    fake_answer(r, 200, text);
}

static void handle(void *cookie, struct fake_request *r)
{
    struct world *w = cookie;

    for (unsigned i = 0; i < COLLECTIONS; i++) {
        if (!str_ends(r->path, str_c(PATHS[i])))
            continue;
        if (fake_param(r, "watch").p) {
            w->watches[i] = r;
            fake_stream(r);
        } else {
            answer_list(w, r, i);
        }
        return;
    }
    w->gets++;
    if (w->get)
        fake_answer(r, 200, w->get);
    else
        fake_status(r, 500, "InternalError", "broken");
}

static void on_target(void *cookie, struct str key, struct target *t)
{
    struct world *w = cookie;

    CHECK_STR(key, "team/tool");
    w->targets++;
    w->is_gone = !t;
    target_unref(w->last);
    w->last = t ? target_ref(t) : NULL;
}

static void on_synced(void *cookie)
{
    ((struct world *)cookie)->synced++;
}

static const struct view_ops OPS = {on_target, on_synced};

static bool is_synced(void *cookie)
{
    struct world *w = cookie;

    return w->synced > 0 && w->watches[CONNECTORS] && w->watches[CLASSES] && w->watches[SECRETS];
}

static void world_init(struct world *w)
{
    w->f = fake_new(handle, w);
    w->rv = 100;
    w->v = view_new(w->f->client, 1, &OPS, w);
    CHECK(!view_is_synced(w->v));
    CHECK(fake_run(w->f, is_synced, w, 5 * S));
    CHECK(view_is_synced(w->v));
    CHECK(!w->secret_listed_early);
    CHECK_INT(w->synced, 1);
}

static void world_fini(struct world *w)
{
    view_free(w->v);
    target_unref(w->last);
    fake_free(w->f);
}

/* Sends a watch event; `%u` in the object is the next resourceVersion. */
static void event(struct world *w, unsigned collection, const char *type, const char *object)
{
    char text[4096];
    int n = snprintf(text, sizeof(text), "{\"type\":\"%s\",\"object\":", type);
    json_t *v = json_loads(object, 0, NULL);
    char rv[16];
    struct buf out = BUF_INIT(4096);

    ASSERT(v && n > 0);
    snprintf(rv, sizeof(rv), "%u", w->rv++);
    json_set_str(json_object_at(v, "metadata"), "resourceVersion", str_c(rv));
    buf_add_c(&out, text);
    json_format(v, &out);
    buf_add_c(&out, "}\n");
    fake_send(w->watches[collection], buf_str(&out));
    fake_settle(w->f);
    buf_fini(&out);
    json_decref(v);
}

#define CONNECTOR(generation, secret)                                                              \
    "{\"metadata\":{\"name\":\"tool\",\"namespace\":\"team\",\"uid\":\"c\",\"resourceVersion\":"   \
    "\"1\",\"generation\":" #generation "},\"spec\":{\"connectorClassName\":\"git\",\"address\":"  \
    "\"http://h\",\"auth\":{\"name\":\"basic\",\"secretRef\":{\"name\":\"" secret "\"}}}}"
#define CLASS(generation, type)                                                                           \
    "{\"metadata\":{\"name\":\"git\",\"uid\":\"k\",\"resourceVersion\":\"1\",\"generation\":" #generation \
    "},\"spec\":{\"auth\":{\"types\":[{\"name\":\"basic\",\"secretType\":\"" type "\"}]}}}"
#define SECRET(name, password)                                                                     \
    "{\"type\":\"kubernetes.io/basic-auth\",\"metadata\":{\"name\":\"" name "\",\"namespace\":"    \
    "\"team\",\"uid\":\"s-" name "\",\"resourceVersion\":\"1\"},\"data\":{\"username\":\"dQ==\","  \
    "\"password\":\"" password "\"}}"
#define BASIC "kubernetes.io/basic-auth"

static bool is_ready(const struct world *w)
{
    return w->last && !w->last->condition && w->last->credential;
}

TEST(view_resolves_when_all_is_known)
{
    struct world w = {
        .lists = {CONNECTOR(1, "a"), CLASS(1, BASIC), SECRET("a", "cA==")},
    };

    world_init(&w);
    CHECK_INT(w.targets, 1);
    CHECK(is_ready(&w));
    CHECK_INT(w.gets, 0); /* the list had it */
    CHECK_INT(view_count(w.v), 1);
    world_fini(&w);
}

TEST(view_changes_make_new_targets)
{
    struct world w = {
        .lists = {CONNECTOR(1, "a"), CLASS(1, BASIC), SECRET("a", "cA==")},
    };
    struct credential *before;

    world_init(&w);
    before = credential_ref(w.last->credential);
    event(&w, SECRETS, "MODIFIED", SECRET("a", "cDI="));
    CHECK_INT(w.targets, 2);
    CHECK(is_ready(&w) &&
          !str_eq(credential_version(before), credential_version(w.last->credential)));
    event(&w, SECRETS, "DELETED", SECRET("a", "cDI="));
    CHECK_INT(w.targets, 3);
    CHECK_STR(w.last->reason, "SecretNotFound");
    event(&w, SECRETS, "ADDED", SECRET("a", "cDM="));
    CHECK(is_ready(&w));
    event(&w, CLASSES, "MODIFIED", CLASS(2, "Opaque"));
    CHECK_STR(w.last->reason, "SecretTypeMismatch");
    event(&w, CLASSES, "DELETED", CLASS(2, "Opaque"));
    CHECK_STR(w.last->reason, "ConnectorClassNotFound");
    event(&w, CLASSES, "ADDED", CLASS(1, BASIC));
    CHECK(is_ready(&w));
    event(&w, CONNECTORS, "DELETED", CONNECTOR(1, "a"));
    CHECK(w.is_gone);
    CHECK_INT(view_count(w.v), 0);
    credential_unref(before);
    world_fini(&w);
}

TEST(view_status_updates_change_nothing)
{
    struct world w = {
        .lists = {CONNECTOR(1, "a"), CLASS(1, BASIC), SECRET("a", "cA==")},
    };

    world_init(&w);
    event(&w, CONNECTORS, "MODIFIED", CONNECTOR(1, "a"));
    event(&w, CLASSES, "MODIFIED", CLASS(1, BASIC));
    event(&w, SECRETS, "ADDED", SECRET("unrelated", "cA=="));
    CHECK_INT(w.targets, 1);
    event(&w, CONNECTORS, "MODIFIED", CONNECTOR(2, "a"));
    CHECK_INT(w.targets, 2);
    world_fini(&w);
}

TEST(view_invalid_objects_are_said)
{
    struct world w = {
        .lists =
            {"{\"metadata\":{\"name\":\"tool\",\"namespace\":\"team\",\"uid\":\"c\",\"resourceVersion\":\"1\",\"generation\":1},"
             "\"spec\":{\"address\":\"no\"}}",
             NULL, NULL},
    };

    world_init(&w);
    CHECK_STR(w.last->reason, "InvalidSpec");
    event(&w, CONNECTORS, "MODIFIED", CONNECTOR(2, "a"));
    CHECK_STR(w.last->reason, "ConnectorClassNotFound");
    event(&w, CLASSES, "ADDED",
          "{\"metadata\":{\"name\":\"git\"},\"spec\":{\"livenessProbe\":{}}}");
    CHECK_STR(w.last->reason, "InvalidSpec");
    world_fini(&w);
}

TEST(view_reads_a_secret_whose_data_was_dropped)
{
    struct world w = {
        .lists = {NULL, CLASS(1, BASIC), SECRET("a", "cA==")},
        .get = SECRET("a", "cA=="),
    };

    world_init(&w);
    event(&w, CONNECTORS, "ADDED", CONNECTOR(1, "a"));
    fake_pass(w.f, S);
    CHECK_INT(w.gets, 1);
    CHECK(is_ready(&w));
    /* Events from now on bring the data. */
    event(&w, SECRETS, "MODIFIED", SECRET("a", "cDI="));
    CHECK_INT(w.gets, 1);
    CHECK(is_ready(&w));
    world_fini(&w);
}

TEST(view_old_target_stays_while_another_secret_is_read)
{
    struct world w = {
        .lists = {CONNECTOR(1, "a"), CLASS(1, BASIC), SECRET("a", "cA==") "," SECRET("b", "cA==")},
        .get = SECRET("b", "cA=="),
    };

    world_init(&w);
    CHECK(is_ready(&w));
    event(&w, CONNECTORS, "MODIFIED", CONNECTOR(2, "b"));
    fake_pass(w.f, S);
    CHECK_INT(w.targets, 2); /* from one usable target to the next */
    CHECK(is_ready(&w));
    CHECK(str_starts(credential_version(w.last->credential), STR("s-b/")));
    world_fini(&w);
}

TEST(view_secret_that_cannot_be_read_is_said_and_tried_again)
{
    struct world w = {
        .lists = {CONNECTOR(1, "a"), CLASS(1, BASIC), SECRET("a", "cA==") "," SECRET("b", "cA==")},
    };

    world_init(&w);
    event(&w, CONNECTORS, "MODIFIED", CONNECTOR(2, "b"));
    fake_pass(w.f, S / 2);
    CHECK_STR(w.last->reason, "Reading");
    w.get = SECRET("b", "cA==");
    fake_pass(w.f, 2 * S);
    CHECK_INT(w.gets, 2);
    CHECK(is_ready(&w));
    /* Reading that is under way ends with its Connector's view. */
    w.get = NULL;
    event(&w, SECRETS, "ADDED", SECRET("c", "cA=="));
    event(&w, CONNECTORS, "MODIFIED", CONNECTOR(3, "c"));
    world_fini(&w);
}
