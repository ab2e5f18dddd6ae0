/*
 * A whole server without HTTP for tests.
 */
#include "world.h"

#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"
#include "codec/jsonpatch.h"
#include "codec/yaml.h"
#include "kube/object.h"
#include "unit.h"

static int64_t shifted_mono(void *cookie)
{
    return time_mono_us() + ((struct world *)cookie)->mono_ahead_us;
}

static int64_t fake_wall(void *cookie)
{
    return ((struct world *)cookie)->wall_us;
}

static void on_ready(void *cookie)
{
    ((struct world *)cookie)->is_ready = true;
}

static void on_failure(void *cookie, const struct err *err)
{
    CHECK_STR(err->msg, "");
}

static void open_server(struct world *w)
{
    struct err err = {0};
    int64_t end = time_mono_us() + 10 * TIME_US_PER_S;

    w->is_ready = false;
    if (!CHECK_OK(server_new(w->loop, &w->conf, &w->server, &err)))
        fprintf(stderr, "  %s\n", err.msg);
    while (!w->is_ready && time_mono_us() < end)
        loop_step(w->loop, 50 * TIME_US_PER_MS);
    CHECK(w->is_ready);
}

void world_init(struct world *w)
{
    static const char KEY[32] = "0123456789abcdef0123456789abcde";

    *w = (struct world){.wall_us = INT64_C(1800000000) * TIME_US_PER_S};
    snprintf(w->dir, sizeof(w->dir), "/tmp/unit-apiserver-XXXXXX");
    CHECK(mkdtemp(w->dir) != NULL);
    snprintf(w->database, sizeof(w->database), "%s/state.db", w->dir);
    w->clock = (struct loop_clock){.mono_us = shifted_mono, .wall_us = fake_wall, .cookie = w};
    w->loop = loop_new(&w->clock);
    w->arena = arena_new();
    w->conf = (struct apiserver_conf){
        .database = w->database,
        .seal_key = secret_new(str_n(KEY, sizeof(KEY))),
        .token_key = key_new_p256(),
        .token_issuer = "https://issuer",
        .token_max_lifetime_s = 86400,
        .history_events = 1000,
        .history_bytes = 8 << 20,
        .ca_pem = STR("the CA"),
        .event_ttl_us = 3600 * TIME_US_PER_S,
        .on_ready = on_ready,
        .on_failure = on_failure,
        .cookie = w,
    };
    open_server(w);
}

void world_reopen(struct world *w)
{
    server_free(w->server);
    w->server = NULL;
    open_server(w);
}

static void forget(struct world *w)
{
    json_decref(w->status);
    json_decref(w->object);
    w->status = w->object = NULL;
    w->is_done = false;
}

void world_fini(struct world *w)
{
    forget(w);
    server_free(w->server);
    loop_free(w->loop);
    arena_free(w->arena);
    secret_unref((struct secret *)w->conf.seal_key);
    key_unref(w->conf.token_key);
    CHECK_OK(fd_remove_tree(w->dir, NULL));
}

static void on_done(void *cookie, const struct registry_result *r)
{
    struct world *w = cookie;

    forget(w);
    w->is_done = true;
    w->rc = r->rc;
    w->status = json_incref((json_t *)r->status);
    w->object = json_incref((json_t *)r->object);
}

static int finish(struct world *w)
{
    int64_t end = time_mono_us() + 10 * TIME_US_PER_S;

    while (!w->is_done && time_mono_us() < end)
        loop_step(w->loop, 50 * TIME_US_PER_MS);
    CHECK(w->is_done);
    return w->rc;
}

static json_t *parse(const char *yaml)
{
    struct err err = {0};
    json_t *v = NULL;

    if (!CHECK_OK(yaml_parse(str_c(yaml), &v, &err)))
        fprintf(stderr, "  %s in %s\n", err.msg, yaml);
    return v;
}

static struct registry_request request_for(struct world *w, const struct user *user,
                                           const json_t *o)
{
    const struct kind *k =
        kinds_find_kind(w->server->kinds, json_str(o, "apiVersion"), json_str(o, "kind"));

    CHECK(k != NULL);
    return (struct registry_request){
        .kind = k, .ns = kobj_ns(o), .name = kobj_name(o), .user = user};
}

int world_create(struct world *w, const struct user *user, const char *yaml)
{
    json_t *o = parse(yaml);
    struct registry_request req = request_for(w, user, o);

    forget(w);
    registry_create(w->server->registry, &req, o, on_done, w);
    return finish(w);
}

int world_answer(struct world *w, const struct user *user, const char *yaml)
{
    return world_create(w, user, yaml);
}

static int replace(void *cookie, const json_t *old, json_t **ret_updated, json_t **ret_status)
{
    *ret_updated = json_clone(cookie);
    return 0;
}

int world_update(struct world *w, const struct user *user, const char *yaml)
{
    json_t *o JSON_OWNED = parse(yaml);
    struct registry_request req = request_for(w, user, o);
    struct registry_change change = {.fn = replace, .cookie = o};

    forget(w);
    registry_update(w->server->registry, &req, &change, on_done, w);
    return finish(w);
}

static int merge(void *cookie, const json_t *old, json_t **ret_updated, json_t **ret_status)
{
    *ret_updated = jsonpatch_merge(old, cookie);
    return 0;
}

static struct registry_request request_named(struct world *w, const char *api_version,
                                             const char *kind, const char *ns, const char *name)
{
    const struct kind *k = kinds_find_kind(w->server->kinds, str_c(api_version), str_c(kind));

    CHECK(k != NULL);
    return (struct registry_request){.kind = k, .ns = str_c(ns), .name = str_c(name)};
}

int world_patch(struct world *w, const char *api_version, const char *kind, const char *ns,
                const char *name, const char *yaml)
{
    json_t *o JSON_OWNED = parse(yaml);
    struct registry_request req = request_named(w, api_version, kind, ns, name);
    struct registry_change change = {.fn = merge, .cookie = o};

    forget(w);
    registry_update(w->server->registry, &req, &change, on_done, w);
    return finish(w);
}

int world_delete(struct world *w, const char *api_version, const char *kind, const char *ns,
                 const char *name, enum registry_propagation propagation)
{
    struct registry_request req = request_named(w, api_version, kind, ns, name);
    struct registry_deletion deletion = {.propagation = propagation};

    forget(w);
    registry_delete(w->server->registry, &req, &deletion, on_done, w);
    return finish(w);
}

const json_t *world_get(struct world *w, const char *api_version, const char *kind, const char *ns,
                        const char *name)
{
    const struct kind *k = kinds_find_kind(w->server->kinds, str_c(api_version), str_c(kind));

    return k ? registry_get(w->server->registry, k, str_c(ns), str_c(name)) : NULL;
}

struct str world_message(const struct world *w)
{
    return json_str(w->status, "message");
}

bool world_wait(struct world *w, const char *api_version, const char *kind, const char *ns,
                const char *name, bool exists)
{
    int64_t end = time_mono_us() + 10 * TIME_US_PER_S;

    while (!!world_get(w, api_version, kind, ns, name) != exists && time_mono_us() < end)
        loop_step(w->loop, 20 * TIME_US_PER_MS);
    return !!world_get(w, api_version, kind, ns, name) == exists;
}

void world_settle(struct world *w)
{
    /* A write that goes through the queues behind everything that was asked before it, a few times over. */
    for (int i = 0; i < 5; i++) {
        char text[128];
        snprintf(text, sizeof(text), "{metadata: {annotations: {n: 'r%d-%lld'}}}", i,
                 (long long)time_mono_us());
        CHECK_OK(world_patch(w, "v1", "Namespace", "", "default", text));
    }
}

const struct user *world_user(struct world *w, const char *name, const char *group)
{
    struct user *u = ARENA_NEW(w->arena, struct user);
    struct str *groups = ARENA_ARRAY(w->arena, struct str, 2);

    groups[0] = str_c(group);
    groups[1] = STR("system:authenticated");
    *u = (struct user){.name = str_c(name), .groups = groups, .group_count = 2};
    return u;
}
