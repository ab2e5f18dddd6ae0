/*
 * Bootstrap objects: first the namespaces, then what kinds/bootstrap.yaml lists, each stage at once.
 */
#include "apiserver/bootstrap.h"

#include "apiserver/builtin.h"
#include "apiserver/rbac.h"
#include "apiserver/registry.h"
#include "apiserver/server.h"
#include "apiserver/todo.h"
#include "codec/yaml.h"
#include "kube/object.h"

#define AUTOUPDATE "rbac.authorization.kubernetes.io/autoupdate"

static const struct str NAMESPACES[] = {STR_INIT("default"), STR_INIT("kube-system"),
                                        STR_INIT("kube-public"), STR_INIT("connectors-system")};

#define KEY STR("bootstrap") /* the one thing to look at */

struct bootstrap {
    struct apiserver *server;
    void (*on_done)(void *cookie); /* NULL: was called */
    void *cookie;
    json_t *objects; /* of the second stage */
    struct todo todo;
};

static void create(struct bootstrap *b, const struct kind *k, json_t *object)
{
    struct registry_request req = {.kind = k, .name = kobj_name(object)};
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct todo_write *w = todo_track(&b->todo, KEY, kind_key(a, k, STR_NONE, req.name));

    w->op = registry_create(b->server->registry, &req, object, todo_on_written, w);
}

/* Adds the rules that a role of an earlier version lacks. */
static int add_rules(void *cookie, const json_t *old, json_t **ret_updated, json_t **ret_status)
{
    json_t *now = json_clone(old);
    json_t *rules = json_object_get(now, "rules");
    size_t i;
    json_t *rule;

    if (!json_is_array(rules)) {
        rules = json_array();
        json_set(now, "rules", rules);
    }
    json_array_foreach(json_object_get(cookie, "rules"), i, rule)
    {
        json_t *one JSON_OWNED = json_array();
        json_array_append(one, rule);
        if (!rbac_rules_cover(rules, one, NULL))
            json_array_append_new(rules, json_clone(rule));
    }
    *ret_updated = now;
    return 0;
}

static void update(struct bootstrap *b, const struct kind *k, const json_t *old, json_t *wanted)
{
    struct registry_request req = {.kind = k, .name = kobj_name(wanted)};
    struct registry_change change = {.fn = add_rules, .cookie = wanted};

    if (str_eq(kobj_annotation(old, AUTOUPDATE), STR("false")) ||
        rbac_rules_cover(json_object_get(old, "rules"), json_object_get(wanted, "rules"), NULL))
        return;
    struct todo_write *w = todo_track(&b->todo, KEY, kobj_uid(old));
    w->op = registry_update(b->server->registry, &req, &change, todo_on_written, w);
}

static void ensure(struct bootstrap *b, json_t *wanted)
{
    const struct kind *k =
        kinds_find_kind(b->server->kinds, json_str(wanted, "apiVersion"), json_str(wanted, "kind"));
    const json_t *old = registry_get(b->server->registry, k, STR_NONE, kobj_name(wanted));

    if (old) {
        update(b, k, old, wanted);
        return;
    }
    json_t *object = json_clone(wanted);
    kobj_set_label(object, "kubernetes.io/bootstrapping", STR("rbac-defaults"));
    kobj_set_annotation(object, AUTOUPDATE, STR("true"));
    create(b, k, object);
}

static void make_namespaces(struct bootstrap *b)
{
    const struct kind *k = kinds_find(b->server->kinds, STR_NONE, STR("v1"), STR("namespaces"));

    for (size_t i = 0; i < ARRAY_LEN(NAMESPACES); i++) {
        if (!registry_get(b->server->registry, k, STR_NONE, NAMESPACES[i]))
            create(b, k, kobj_new(&KUBE_NAMESPACES, STR_NONE, NAMESPACES[i]));
    }
}

static void make_roles(struct bootstrap *b)
{
    size_t i;
    json_t *o;

    json_array_foreach(b->objects, i, o) ensure(b, o);
}

/* Looks at one stage after the other; a stage that had to write comes again when all is written. */
static void look(void *cookie, struct str key)
{
    struct bootstrap *b = cookie;

    if (todo_writes(&b->todo) || !b->on_done)
        return;
    make_namespaces(b);
    if (!todo_writes(&b->todo))
        make_roles(b);
    if (todo_writes(&b->todo))
        return;
    TAKE(b->on_done)(b->cookie);
}

static json_t *read_objects(void)
{
    const struct embed_file *f = KIND_FILES;
    json_t *objects = NULL;

    while (f->path && !str_eq(str_c(f->path), STR("bootstrap.yaml")))
        f++;
    ASSERT(f->path && yaml_parse_all(f->body, &objects, NULL) == 0);
    return objects;
}

struct bootstrap *bootstrap_start(struct apiserver *server, void (*on_done)(void *cookie),
                                  void *cookie)
{
    struct bootstrap *b = NEW(struct bootstrap);

    b->server = server;
    b->on_done = on_done;
    b->cookie = cookie;
    b->objects = read_objects();
    todo_init(&b->todo, server->loop, look, b);
    todo_add(&b->todo, KEY);
    return b;
}

void bootstrap_free(struct bootstrap *b)
{
    if (!b)
        return;
    todo_fini(&b->todo);
    json_decref(b->objects);
    free(b);
}
