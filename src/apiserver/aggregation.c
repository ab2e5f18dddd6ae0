/*
 * The ClusterRole aggregation controller.
 *
 * Any change of a ClusterRole makes every aggregated one be looked at; there are few.  Rules come in the order of
 * the roles' names, each once, so that looking again changes nothing.
 */
#include "apiserver/aggregation.h"

#include "apiserver/rbac.h"
#include "apiserver/registry.h"
#include "apiserver/server.h"
#include "apiserver/todo.h"
#include "kube/object.h"
#include "lang/selector.h"

struct aggregation {
    struct apiserver *server;
    struct registry_listener listener;
    struct todo todo; /* of one key: all of them */
};

static const struct kind *cluster_roles(const struct aggregation *a)
{
    return kinds_find(a->server->kinds, STR(RBAC_GROUP), STR("v1"), STR("clusterroles"));
}

static void on_change(void *cookie, const struct kind *k, const json_t *old, const json_t *now)
{
    struct aggregation *a = cookie;

    todo_add(&a->todo, STR("*"));
}

struct collection {
    const json_t *selectors;
    const json_t *target;
    json_t *rules;
};

static bool selects(const json_t *selectors, const json_t *role)
{
    const json_t *labels = json_at(role, "metadata", "labels", NULL);
    size_t i;
    json_t *v;

    json_array_foreach((json_t *)selectors, i, v)
    {
        struct selector *s CLEANUP(selector_freep) = NULL;
        if (selector_from_json(v, &s, NULL) == 0 && selector_match_labels(s, labels))
            return true;
    }
    return false;
}

static bool has_rule(const json_t *rules, const json_t *rule)
{
    size_t i;
    json_t *v;

    json_array_foreach((json_t *)rules, i, v)
    {
        if (json_equal(v, rule))
            return true;
    }
    return false;
}

static bool collect(void *cookie, const json_t *role)
{
    struct collection *c = cookie;
    size_t i;
    json_t *rule;

    if (str_eq(kobj_name(role), kobj_name(c->target)) || !selects(c->selectors, role))
        return true;
    json_array_foreach(json_object_get(role, "rules"), i, rule)
    {
        if (!has_rule(c->rules, rule))
            json_array_append_new(c->rules, json_clone(rule));
    }
    return true;
}

/* The rules that the role should have. */
static json_t *collect_rules(const struct aggregation *a, const json_t *role)
{
    struct collection c = {.selectors =
                               json_at(role, "aggregationRule", "clusterRoleSelectors", NULL),
                           .target = role,
                           .rules = json_array()};

    registry_each(a->server->registry, cluster_roles(a), STR_NONE, collect, &c);
    return c.rules;
}

static int set_rules(void *cookie, const json_t *old, json_t **ret_updated, json_t **ret_status)
{
    *ret_updated = json_clone(old);
    json_set(*ret_updated, "rules", collect_rules(cookie, old));
    return 0;
}

static bool look_at_role(void *cookie, const json_t *role)
{
    struct aggregation *a = cookie;
    struct registry_request req = {.kind = cluster_roles(a), .name = kobj_name(role)};
    struct registry_change change = {.fn = set_rules, .cookie = a};

    if (!json_is_object(json_object_get(role, "aggregationRule")) ||
        todo_is_busy(&a->todo, req.name))
        return true;
    json_t *rules JSON_OWNED = collect_rules(a, role);
    const json_t *now = json_object_get(role, "rules");
    if (now ? json_equal(rules, now) : !json_array_size(rules))
        return true;
    struct todo_write *w = todo_track(&a->todo, STR("*"), req.name);
    w->op = registry_update(a->server->registry, &req, &change, todo_on_written, w);
    return true;
}

static void look(void *cookie, struct str key)
{
    struct aggregation *a = cookie;

    registry_each(a->server->registry, cluster_roles(a), STR_NONE, look_at_role, a);
}

struct aggregation *aggregation_new(struct apiserver *server)
{
    struct aggregation *a = NEW(struct aggregation);

    a->server = server;
    todo_init(&a->todo, server->loop, look, a);
    a->listener.group = STR(RBAC_GROUP);
    a->listener.plural = STR("clusterroles");
    a->listener.on_change = on_change;
    a->listener.cookie = a;
    registry_listen(server->registry, &a->listener);
    return a;
}

void aggregation_free(struct aggregation *a)
{
    if (!a)
        return;
    registry_unlisten(a->server->registry, &a->listener);
    todo_fini(&a->todo);
    free(a);
}
