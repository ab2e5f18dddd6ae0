/*
 * The verbs, on a whole server without HTTP.
 */
#include "apiserver/registry.h"

#include <unistd.h>

#include "apiserver/list.h"
#include "apiserver/server.h"
#include "base/fd.h"
#include "base/time.h"
#include "kube/object.h"
#include "unit.h"

struct fixture {
    char dir[64];
    char database[80];
    struct loop *loop;
    struct apiserver_conf conf;
    struct apiserver *server;
    bool is_ready;
    /* the last result */
    bool is_done;
    int rc;
    bool created;
    json_t *status, *object, *warnings;
};

static void on_ready(void *cookie)
{
    struct fixture *f = cookie;

    f->is_ready = true;
}

static void on_failure(void *cookie, const struct err *err)
{
    (void)cookie;
    CHECK_STR(err->msg, "");
}

static void run_until(struct fixture *f, const bool *flag)
{
    int64_t end = time_mono_us() + 10 * TIME_US_PER_S;

    while (!*flag && time_mono_us() < end)
        loop_step(f->loop, 50 * TIME_US_PER_MS);
    CHECK(*flag);
}

static void open_server(struct fixture *f)
{
    struct err err = {0};

    f->is_ready = false;
    if (!CHECK_OK(server_new(f->loop, &f->conf, &f->server, &err)))
        fprintf(stderr, "  %s\n", err.msg);
    run_until(f, &f->is_ready);
}

static void setup(struct fixture *f)
{
    static const char KEY[32] = "0123456789abcdef0123456789abcde";

    *f = (struct fixture){0};
    snprintf(f->dir, sizeof(f->dir), "/tmp/unit-registry-XXXXXX");
    CHECK(mkdtemp(f->dir) != NULL);
    snprintf(f->database, sizeof(f->database), "%s/state.db", f->dir);
    f->loop = loop_new(NULL);
    f->conf = (struct apiserver_conf){
        .database = f->database,
        .seal_key = secret_new(str_n(KEY, sizeof(KEY))),
        .token_key = key_new_p256(),
        .token_issuer = "https://issuer",
        .token_max_lifetime_s = 3600,
        .history_events = 1000,
        .history_bytes = 8 << 20,
        .event_ttl_us = 3600 * TIME_US_PER_S,
        .on_ready = on_ready,
        .on_failure = on_failure,
        .cookie = f,
    };
    open_server(f);
}

static void forget(struct fixture *f)
{
    json_decref(f->status);
    json_decref(f->object);
    json_decref(f->warnings);
    f->status = f->object = f->warnings = NULL;
    f->is_done = false;
}

static void teardown(struct fixture *f)
{
    forget(f);
    server_free(f->server);
    loop_free(f->loop);
    secret_unref((struct secret *)f->conf.seal_key);
    key_unref(f->conf.token_key);
    CHECK_OK(fd_remove_tree(f->dir, NULL));
}

static void on_done(void *cookie, const struct registry_result *r)
{
    struct fixture *f = cookie;

    forget(f);
    f->is_done = true;
    f->rc = r->rc;
    f->created = r->created;
    f->status = json_incref((json_t *)r->status);
    f->object = json_incref((json_t *)r->object);
    f->warnings = json_incref((json_t *)r->warnings);
}

static const struct kind *kind_named(struct fixture *f, const char *plural)
{
    return kinds_find(f->server->kinds, STR(""), STR("v1"), str_c(plural));
}

static struct registry_request request(struct fixture *f, const char *plural, const char *name)
{
    return (struct registry_request){
        .kind = kind_named(f, plural), .ns = STR("default"), .name = str_c(name)};
}

static int create_with(struct fixture *f, const struct registry_request *req, const char *text)
{
    json_t *o = NULL;

    CHECK_OK(json_parse(str_c(text), &o, NULL));
    forget(f);
    registry_create(f->server->registry, req, o, on_done, f);
    run_until(f, &f->is_done);
    return f->rc;
}

static int create(struct fixture *f, const char *text)
{
    struct registry_request req = request(f, "configmaps", NULL);

    return create_with(f, &req, text);
}

static int merge(void *cookie, const json_t *old, json_t **ret_updated, json_t **ret_status)
{
    (void)ret_status;
    *ret_updated = jsonpatch_merge(old, cookie);
    return 0;
}

static int update_with(struct fixture *f, const struct registry_request *req, const char *patch)
{
    json_t *p JSON_OWNED = NULL;

    CHECK_OK(json_parse(str_c(patch), &p, NULL));
    forget(f);
    registry_update(f->server->registry, req, &(struct registry_change){.fn = merge, .cookie = p},
                    on_done, f);
    run_until(f, &f->is_done);
    return f->rc;
}

static int update(struct fixture *f, const char *name, const char *patch)
{
    struct registry_request req = request(f, "configmaps", name);

    return update_with(f, &req, patch);
}

static int delete (struct fixture *f, const char *name, struct registry_deletion d)
{
    struct registry_request req = request(f, "configmaps", name);

    forget(f);
    registry_delete(f->server->registry, &req, &d, on_done, f);
    run_until(f, &f->is_done);
    return f->rc;
}

static const json_t *get(struct fixture *f, const char *name)
{
    return registry_get(f->server->registry, kind_named(f, "configmaps"), STR("default"),
                        str_c(name));
}

static struct str message(const struct fixture *f)
{
    return json_str(f->status, "message");
}

TEST(registry_creates_once)
{
    struct fixture f;

    setup(&f);
    CHECK_OK(create(&f, "{\"metadata\":{\"name\":\"a\",\"uid\":\"mine\"},\"data\":{\"k\":\"v\"}}"));
    CHECK(f.created);
    CHECK_STR(kobj_kind(f.object), "ConfigMap");
    CHECK_STR(kobj_ns(f.object), "default");
    CHECK(kobj_uid(f.object).n == 36);
    CHECK(kobj_rv(f.object).n > 0);
    CHECK(json_str_at(f.object, "metadata", "creationTimestamp", NULL).n == 20);
    CHECK_ERR(create(&f, "{\"metadata\":{\"name\":\"a\"}}"), ERR_EXISTS);
    CHECK_STR(message(&f), "configmaps \"a\" already exists");
    teardown(&f);
}

TEST(registry_refuses_bad_metadata)
{
    static const struct {
        const char *object;
        int code;
        const char *message;
    } ROWS[] = {
        {"{\"metadata\":{}}", ERR_INVALID,
         "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is "
         "required"},
        {"{\"metadata\":{\"name\":\"A_b\"}}", ERR_INVALID, NULL},
        {"{\"metadata\":{\"name\":\"a/b\"}}", ERR_INVALID, NULL},
        {"{\"metadata\":{\"name\":\"..\"}}", ERR_INVALID, NULL},
        {"{\"metadata\":{\"name\":5}}", ERR_BADREQUEST, NULL},
        {"{\"metadata\":[]}", ERR_BADREQUEST, NULL},
        {"{\"metadata\":{\"name\":\"a\",\"namespace\":\"other\"}}", ERR_BADREQUEST,
         "the namespace of the provided object does not match the namespace sent on the request"},
        {"{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"1\"}}", ERR_BADREQUEST,
         "resourceVersion should not be set on objects to be created"},
        {"{\"metadata\":{\"name\":\"a\",\"labels\":{\"-\":\"x\"}}}", ERR_INVALID, NULL},
        {"{\"metadata\":{\"name\":\"a\",\"labels\":{\"a\":\"x y\"}}}", ERR_INVALID, NULL},
        {"{\"metadata\":{\"name\":\"a\",\"labels\":{\"a\":1}}}", ERR_BADREQUEST, NULL},
        {"{\"metadata\":{\"name\":\"a\",\"finalizers\":[\"no spaces\"]}}", ERR_INVALID, NULL},
        {"{\"metadata\":{\"name\":\"a\",\"ownerReferences\":[{\"kind\":\"x\"}]}}", ERR_INVALID,
         NULL},
        {"{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":1}}", ERR_INVALID, NULL},
    };
    struct fixture f;

    setup(&f);
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        CHECK_ERR(create(&f, ROWS[i].object), ROWS[i].code);
        if (ROWS[i].message)
            CHECK_STR(message(&f), ROWS[i].message);
    }
    CHECK(get(&f, "a") == NULL);
    teardown(&f);
}

TEST(registry_makes_names)
{
    struct fixture f;

    setup(&f);
    CHECK_OK(create(&f, "{\"metadata\":{\"generateName\":\"x-\"}}"));
    CHECK(str_starts(kobj_name(f.object), STR("x-")));
    CHECK_INT(kobj_name(f.object).n, 7);
    char *first = str_dup(kobj_name(f.object));
    CHECK_OK(create(&f, "{\"metadata\":{\"generateName\":\"x-\"}}"));
    CHECK(!str_eq_c(kobj_name(f.object), first));
    free(first);
    teardown(&f);
}

TEST(registry_update_conflicts_on_a_stale_version_only)
{
    struct fixture f;
    char patch[128];

    setup(&f);
    CHECK_OK(create(&f, "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"1\"}}"));
    char *rv = str_dup(kobj_rv(f.object));
    CHECK_OK(update(&f, "a", "{\"data\":{\"k\":\"2\"}}"));
    CHECK(!str_eq_c(kobj_rv(f.object), rv));
    snprintf(patch, sizeof(patch), "{\"metadata\":{\"resourceVersion\":\"%s\"}}", rv);
    CHECK_ERR(update(&f, "a", patch), ERR_CONFLICT);
    CHECK_STR(message(&f),
              "Operation cannot be fulfilled on configmaps \"a\": the object has been "
              "modified; please apply your changes to the latest version and try again");
    CHECK_ERR(update(&f, "a", "{\"metadata\":{\"uid\":\"other\"}}"), ERR_CONFLICT);
    CHECK_ERR(update(&f, "none", "{}"), ERR_NOTFOUND);
    CHECK_STR(json_str_at(get(&f, "a"), "data", "k", NULL), "2");
    free(rv);
    teardown(&f);
}

TEST(registry_update_without_a_change_writes_nothing)
{
    struct fixture f;

    setup(&f);
    CHECK_OK(create(&f, "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"1\"}}"));
    char *rv = str_dup(kobj_rv(f.object));
    CHECK_OK(update(&f, "a", "{\"data\":{\"k\":\"1\"}}"));
    CHECK_STR(kobj_rv(f.object), rv);
    CHECK_OK(update(&f, "a", "{\"metadata\":{\"creationTimestamp\":null,\"uid\":null}}"));
    CHECK_STR(kobj_rv(f.object), rv);
    free(rv);
    teardown(&f);
}

/* Two changes that start from the same state: the second is made again on the first one's result. */
TEST(registry_retries_unpinned_updates)
{
    struct fixture f;
    json_t *a JSON_OWNED = json_pack("{s:{s:s}}", "data", "a", "1");
    json_t *b JSON_OWNED = json_pack("{s:{s:s}}", "data", "b", "1");

    setup(&f);
    CHECK_OK(create(&f, "{\"metadata\":{\"name\":\"a\"}}"));
    struct registry_request req = request(&f, "configmaps", "a");
    forget(&f);
    registry_abandon(registry_update(f.server->registry, &req,
                                     &(struct registry_change){.fn = merge, .cookie = a}, on_done,
                                     &f));
    registry_update(f.server->registry, &req, &(struct registry_change){.fn = merge, .cookie = b},
                    on_done, &f);
    run_until(&f, &f.is_done);
    CHECK_OK(f.rc);
    CHECK_INT(json_object_size(json_object_get(get(&f, "a"), "data")), 2);
    teardown(&f);
}

TEST(registry_status_and_spec_are_apart)
{
    struct fixture f;

    setup(&f);
    struct registry_request req = request(&f, "pods", NULL);
    CHECK_OK(create_with(&f, &req,
                         "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{\"name\":\"c\","
                         "\"image\":\"i\"}]},\"status\":{\"phase\":\"Running\"}}"));
    CHECK_STR(json_str_at(f.object, "status", "phase", NULL), "Pending");
    req = request(&f, "pods", "p");
    req.subresource = STR("status");
    CHECK_OK(update_with(&f, &req,
                         "{\"metadata\":{\"labels\":{\"x\":\"y\"}},\"status\":{\"phase\":"
                         "\"Running\"}}"));
    CHECK_STR(json_str_at(f.object, "status", "phase", NULL), "Running");
    CHECK(kobj_label(f.object, "x").p == NULL);
    CHECK_INT(kobj_generation(f.object), 1);
    req.subresource = STR("");
    CHECK_OK(update_with(&f, &req, "{\"metadata\":{\"labels\":{\"x\":\"y\"}},\"status\":null}"));
    CHECK_STR(json_str_at(f.object, "status", "phase", NULL), "Running");
    CHECK_STR(kobj_label(f.object, "x"), "y");
    teardown(&f);
}

TEST(registry_finalizers_hold_a_deleted_object)
{
    struct fixture f;

    setup(&f);
    CHECK_OK(create(&f, "{\"metadata\":{\"name\":\"a\",\"finalizers\":[\"t.io/x\"]}}"));
    CHECK_OK(delete (&f, "a", (struct registry_deletion){0}));
    CHECK(f.status == NULL && kobj_is_deleting(f.object));
    CHECK_ERR(update(&f, "a", "{\"metadata\":{\"finalizers\":[\"t.io/x\",\"t.io/y\"]}}"),
              ERR_INVALID);
    CHECK_OK(update(&f, "a", "{\"metadata\":{\"deletionTimestamp\":null}}"));
    CHECK(kobj_is_deleting(get(&f, "a")));
    CHECK_OK(update(&f, "a", "{\"metadata\":{\"finalizers\":null}}"));
    CHECK(get(&f, "a") == NULL);
    CHECK_ERR(delete (&f, "a", (struct registry_deletion){0}), ERR_NOTFOUND);
    teardown(&f);
}

TEST(registry_delete_has_preconditions)
{
    struct fixture f;

    setup(&f);
    CHECK_OK(create(&f, "{\"metadata\":{\"name\":\"a\"}}"));
    CHECK_ERR(delete (&f, "a", (struct registry_deletion){.uid = STR("x")}), ERR_CONFLICT);
    CHECK_ERR(delete (&f, "a", (struct registry_deletion){.resource_version = STR("1")}),
              ERR_CONFLICT);
    CHECK(get(&f, "a") != NULL);
    CHECK_OK(delete (&f, "a", (struct registry_deletion){.uid = kobj_uid(get(&f, "a"))}));
    CHECK_STR(json_str(f.status, "status"), "Success");
    CHECK_STR(json_str_at(f.status, "details", "name", NULL), "a");
    teardown(&f);
}

TEST(registry_dry_run_stores_nothing)
{
    struct fixture f;

    setup(&f);
    struct registry_request req = request(&f, "configmaps", NULL);
    req.dry_run = true;
    CHECK_OK(create_with(&f, &req, "{\"metadata\":{\"name\":\"a\"}}"));
    CHECK(f.created && kobj_uid(f.object).n == 36);
    CHECK(get(&f, "a") == NULL);
    CHECK_ERR(create_with(&f, &req, "{\"metadata\":{\"name\":\"A\"}}"), ERR_INVALID);
    teardown(&f);
}

TEST(registry_judges_unknown_fields)
{
    static const char OBJECT[] = "{\"metadata\":{\"name\":\"a\",\"foo\":1},\"dat\":{}}";
    struct fixture f;

    setup(&f);
    struct registry_request req = request(&f, "configmaps", NULL);
    req.fields = REGISTRY_FIELDS_STRICT;
    CHECK_ERR(create_with(&f, &req, OBJECT), ERR_BADREQUEST);
    CHECK_STR(message(&f), "strict decoding error: unknown field \"metadata.foo\", unknown field "
                           "\"dat\"");
    req.fields = REGISTRY_FIELDS_WARN;
    CHECK_OK(create_with(&f, &req, OBJECT));
    CHECK_INT(json_array_size(f.warnings), 2);
    CHECK(json_object_get(f.object, "dat") == NULL);
    teardown(&f);
}

TEST(registry_seals_secrets_at_rest)
{
    struct fixture f;
    struct buf db CLEANUP(buf_fini) = BUF_INIT(64 << 20);
    char wal[96];

    setup(&f);
    struct registry_request req = request(&f, "secrets", NULL);
    CHECK_OK(create_with(&f, &req,
                         "{\"metadata\":{\"name\":\"s\",\"annotations\":{\"a\":\"canary-note\"}},"
                         "\"stringData\":{\"k\":\"canary-value\"}}"));
    CHECK_STR(json_str_at(f.object, "data", "k", NULL), "Y2FuYXJ5LXZhbHVl");
    server_free(f.server);
    CHECK_OK(fd_read_file(f.database, &db, NULL));
    snprintf(wal, sizeof(wal), "%s-wal", f.database);
    if (access(wal, F_OK) == 0)
        CHECK_OK(fd_read_file(wal, &db, NULL));
    CHECK(str_find(buf_str(&db), STR("k8s:enc:aesgcm:v1:key1:")) >= 0);
    CHECK_INT(str_find(buf_str(&db), STR("canary")), -1);
    CHECK_INT(str_find(buf_str(&db), STR("Y2FuYXJ5LXZhbHVl")), -1);
    open_server(&f);
    const json_t *s =
        registry_get(f.server->registry, kind_named(&f, "secrets"), STR("default"), STR("s"));
    CHECK_STR(json_str_at(s, "data", "k", NULL), "Y2FuYXJ5LXZhbHVl");
    teardown(&f);
}

TEST(registry_refuses_to_start_with_another_key)
{
    struct fixture f;
    struct err err = {0};
    struct apiserver *server = NULL;

    setup(&f);
    struct registry_request req = request(&f, "secrets", NULL);
    CHECK_OK(create_with(&f, &req, "{\"metadata\":{\"name\":\"s\"}}"));
    server_free(f.server);
    f.server = NULL;
    struct apiserver_conf conf = f.conf;
    struct secret *other = secret_new(STR("another key, thirty-two bytes !!"));
    conf.seal_key = other;
    CHECK_ERR(server_new(f.loop, &conf, &server, &err), ERR_INVALID);
    secret_unref(other);
    teardown(&f);
}

/* --- lists */

static void make_many(struct fixture *f, int n)
{
    char text[96];

    for (int i = 0; i < n; i++) {
        snprintf(text, sizeof(text),
                 "{\"metadata\":{\"name\":\"m%03d\",\"labels\":{\"odd\":\"%d\"}}}", i, i % 2);
        CHECK_OK(create(f, text));
    }
}

static struct list_page list(struct fixture *f, const char *query, int code)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct list_options o;
    struct list_page page = {0};
    json_t *status = NULL;
    const struct kind *k = kind_named(f, "configmaps");
    int rc = list_options_parse(a, k, str_c(query), &o, &status);

    if (rc == 0) {
        rc = list_read(f->server->cache, k, STR("default"), &o, &page, &status);
        list_options_fini(&o);
    }
    if (code)
        CHECK_ERR(rc, code);
    else
        CHECK_OK(rc);
    json_decref(f->status);
    f->status = status;
    return page;
}

static void drop(struct list_page *p)
{
    json_decref(p->items);
    json_decref(p->meta);
}

TEST(list_pages_are_one_consistent_list)
{
    struct fixture f;
    char query[512];

    setup(&f);
    make_many(&f, 10);
    struct list_page p = list(&f, "limit=4", 0);
    CHECK_INT(json_array_size(p.items), 4);
    CHECK_INT(json_int(p.meta, "remainingItemCount", 0), 6);
    char *rv = str_dup(json_str(p.meta, "resourceVersion"));
    snprintf(query, sizeof(query), "limit=100&continue=%s",
             json_string_value(json_object_get(p.meta, "continue")));
    drop(&p);
    /* Changes between the pages do not show. */
    CHECK_OK(delete (&f, "m009", (struct registry_deletion){0}));
    CHECK_OK(create(&f, "{\"metadata\":{\"name\":\"m005a\"}}"));
    CHECK_OK(update(&f, "m007", "{\"data\":{\"new\":\"x\"}}"));
    p = list(&f, query, 0);
    CHECK_INT(json_array_size(p.items), 6);
    CHECK_STR(json_str(p.meta, "resourceVersion"), rv);
    CHECK(json_object_get(p.meta, "continue") == NULL);
    CHECK_STR(kobj_name(json_array_get(p.items, 0)), "m004");
    CHECK_STR(kobj_name(json_array_get(p.items, 5)), "m009");
    CHECK(json_object_get(json_array_get(p.items, 3), "data") == NULL);
    drop(&p);
    snprintf(query, sizeof(query), "resourceVersion=%s&resourceVersionMatch=Exact", rv);
    p = list(&f, query, 0);
    CHECK_INT(json_array_size(p.items), 10);
    drop(&p);
    p = list(&f, "", 0);
    CHECK_INT(json_array_size(p.items), 10);
    CHECK_STR(kobj_name(json_array_get(p.items, 6)), "m005a");
    drop(&p);
    free(rv);
    teardown(&f);
}

TEST(list_selects)
{
    struct fixture f;

    setup(&f);
    make_many(&f, 6);
    struct list_page p = list(&f, "labelSelector=odd%3D1", 0);
    CHECK_INT(json_array_size(p.items), 3);
    drop(&p);
    p = list(&f, "fieldSelector=metadata.name%3Dm003", 0);
    CHECK_INT(json_array_size(p.items), 1);
    drop(&p);
    p = list(&f, "fieldSelector=metadata.name%3Dm00", 0);
    CHECK_INT(json_array_size(p.items), 0);
    drop(&p);
    p = list(&f, "fieldSelector=metadata.name!%3Dm003,metadata.namespace%3Ddefault", 0);
    CHECK_INT(json_array_size(p.items), 5);
    drop(&p);
    p = list(&f, "labelSelector=odd%20in%20(0)&limit=2", 0);
    CHECK_INT(json_array_size(p.items), 2);
    CHECK(json_object_get(p.meta, "remainingItemCount") == NULL);
    drop(&p);
    teardown(&f);
}

TEST(list_refuses_bad_options)
{
    static const struct {
        const char *query;
        int code;
    } ROWS[] = {
        {"limit=x", ERR_BADREQUEST},
        {"labelSelector=a%3D%3D%3D", ERR_BADREQUEST},
        {"fieldSelector=spec.x%3Dy", ERR_BADREQUEST},
        {"continue=nonsense", ERR_BADREQUEST},
        {"resourceVersion=abc", ERR_BADREQUEST},
        {"resourceVersion=99999999", ERR_TIMEOUT},
        {"resourceVersionMatch=Exact", ERR_INVALID},
        {"resourceVersionMatch=Exact&resourceVersion=0", ERR_INVALID},
        {"resourceVersionMatch=Other&resourceVersion=1", ERR_INVALID},
        {"sendInitialEvents=true", ERR_INVALID},
        {"watch=maybe", ERR_BADREQUEST},
        {"a=%zz", ERR_BADREQUEST},
    };
    struct fixture f;

    setup(&f);
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        list(&f, ROWS[i].query, ROWS[i].code);
    teardown(&f);
}

TEST(list_tells_when_history_is_gone)
{
    struct fixture f;
    char query[512];

    setup(&f);
    make_many(&f, 3);
    struct list_page p = list(&f, "limit=1", 0);
    snprintf(query, sizeof(query), "limit=100&continue=%s",
             json_string_value(json_object_get(p.meta, "continue")));
    drop(&p);
    for (int i = 0; i < 1100; i++)
        CHECK_OK(
            update(&f, "m001", i % 2 ? "{\"data\":{\"a\":\"1\"}}" : "{\"data\":{\"a\":\"2\"}}"));
    list(&f, query, ERR_GONE);
    snprintf(query, sizeof(query), "continue=%s",
             json_string_value(json_at(f.status, "metadata", "continue", NULL)));
    p = list(&f, query, 0);
    CHECK_INT(json_array_size(p.items), 2);
    drop(&p);
    list(&f, "resourceVersion=1&resourceVersionMatch=Exact", ERR_GONE);
    teardown(&f);
}
