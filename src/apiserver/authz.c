/*
 * RBAC decisions.
 *
 * Bindings are indexed by subject, fed by the registry in commit order: a decision looks at the bindings of one user
 * and his groups only, however many there are.  Roles are read when they are needed, so that a changed role counts
 * with the next request.
 *
 *   "\nU<user>"   ClusterRoleBindings of a user (ServiceAccounts by their user name), "\nG<group>" of a group
 *   "<ns>\nU…"    RoleBindings of a namespace
 */
#include "apiserver/authz.h"

#include "apiserver/authz_priv.h"
#include "apiserver/rbac.h"
#include "apiserver/registry.h"
#include "apiserver/server.h"
#include "base/map.h"
#include "kube/object.h"

struct bindings VEC(json_t *);

struct authz {
    struct apiserver *server;
    struct map *by_subject; /* of struct bindings */
    struct registry_listener roles, cluster;
};

static struct str subject_key(struct buf *out, struct str ns, char kind, struct str name)
{
    buf_reset(out);
    buf_add_str(out, ns);
    buf_addf(out, "\n%c", kind);
    buf_add_str(out, name);
    return buf_str(out);
}

static void index_put(struct authz *z, struct str key, json_t *binding)
{
    struct bindings *b = map_get(z->by_subject, key);

    if (!b) {
        b = NEW(struct bindings);
        map_put(z->by_subject, key, b);
    }
    VEC_EACH(b, it)
    {
        if (*it == binding)
            return;
    }
    VEC_PUSH(b, json_incref(binding));
}

static void index_drop(struct authz *z, struct str key, const json_t *binding)
{
    struct bindings *b = map_get(z->by_subject, key);
    struct str uid = kobj_uid(binding);

    for (size_t i = 0; b && i < b->n; i++) {
        if (!str_eq(kobj_uid(b->p[i]), uid))
            continue;
        json_decref(b->p[i]);
        b->p[i] = b->p[--b->n];
        break;
    }
    if (b && b->n == 0) {
        map_del(z->by_subject, key);
        VEC_FINI(b);
        free(b);
    }
}

static void index_binding(struct authz *z, const json_t *binding, bool add)
{
    struct buf key CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct str ns = kobj_ns(binding);
    size_t i;
    json_t *s;

    json_array_foreach(json_object_get(binding, "subjects"), i, s)
    {
        bool group = str_eq(json_str(s, "kind"), STR("Group"));
        struct str name = rbac_subject_user(a, s, ns);
        struct str at = subject_key(&key, ns, group ? 'G' : 'U', name);
        if (add)
            index_put(z, at, (json_t *)binding);
        else
            index_drop(z, at, binding);
    }
}

static void on_binding(void *cookie, const struct kind *k, const json_t *old, const json_t *now)
{
    struct authz *z = cookie;

    if (old)
        index_binding(z, old, false);
    if (now)
        index_binding(z, now, true);
}

static void listen_to(struct authz *z, struct registry_listener *l, struct str plural)
{
    l->group = STR(RBAC_GROUP);
    l->plural = plural;
    l->on_change = on_binding;
    l->cookie = z;
    registry_listen(z->server->registry, l);
}

struct authz *authz_new(struct apiserver *server)
{
    struct authz *z = NEW(struct authz);

    z->server = server;
    z->by_subject = map_new();
    listen_to(z, &z->roles, STR("rolebindings"));
    listen_to(z, &z->cluster, STR("clusterrolebindings"));
    return z;
}

static void free_bindings(void *value)
{
    struct bindings *b = value;

    VEC_EACH(b, it)
    json_decref(*it);
    VEC_FINI(b);
    free(b);
}

void authz_free(struct authz *z)
{
    if (!z)
        return;
    registry_unlisten(z->server->registry, &z->roles);
    registry_unlisten(z->server->registry, &z->cluster);
    map_free_with(z->by_subject, free_bindings);
    free(z);
}

const json_t *authz_role_rules(const struct authz *z, const json_t *role_ref, struct str ns)
{
    bool cluster = str_eq(json_str(role_ref, "kind"), STR("ClusterRole"));
    const struct kind *k = kinds_find(z->server->kinds, STR(RBAC_GROUP), STR("v1"),
                                      cluster ? STR("clusterroles") : STR("roles"));
    const json_t *role = k ? registry_get(z->server->registry, k, cluster ? STR_NONE : ns,
                                          json_str(role_ref, "name"))
                           : NULL;

    return role ? json_object_get(role, "rules") : NULL;
}

struct walk {
    const struct authz *z;
    const struct user *user;
    authz_rule_fn *fn;
    void *cookie;
    bool stopped;
};

static void walk_rules(struct walk *w, const struct authz_source *source)
{
    const json_t *rules =
        authz_role_rules(w->z, json_object_get(source->binding, "roleRef"), source->ns);
    size_t i;
    json_t *rule;

    json_array_foreach((json_t *)rules, i, rule)
    {
        if (!w->fn(w->cookie, rule, source)) {
            w->stopped = true;
            return;
        }
    }
}

/* The subject by which the binding was found. */
static const json_t *matching_subject(const json_t *binding, struct str ns, const struct user *u)
{
    size_t i;
    json_t *s;

    json_array_foreach(json_object_get(binding, "subjects"), i, s)
    {
        if (rbac_subject_matches(s, ns, u))
            return s;
    }
    return NULL;
}

static void walk_key(struct walk *w, struct str ns, struct str key)
{
    const struct bindings *b = map_get(w->z->by_subject, key);

    if (!b)
        return;
    for (size_t i = 0; i < b->n && !w->stopped; i++) {
        struct authz_source source = {
            .binding = b->p[i], .subject = matching_subject(b->p[i], ns, w->user), .ns = ns};
        if (source.subject)
            walk_rules(w, &source);
    }
}

static void walk_namespace(struct walk *w, struct str ns)
{
    struct buf key CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);

    walk_key(w, ns, subject_key(&key, ns, 'U', w->user->name));
    for (size_t i = 0; i < w->user->group_count && !w->stopped; i++)
        walk_key(w, ns, subject_key(&key, ns, 'G', w->user->groups[i]));
}

void authz_each_rule(const struct authz *z, const struct user *u, struct str ns, authz_rule_fn *fn,
                     void *cookie)
{
    struct walk w = {.z = z, .user = u, .fn = fn, .cookie = cookie};

    walk_namespace(&w, STR_NONE);
    if (ns.n && !w.stopped)
        walk_namespace(&w, ns);
}

static bool collect(void *cookie, const json_t *rule, const struct authz_source *source)
{
    json_array_append(cookie, (json_t *)rule);
    return true;
}

json_t *authz_rules(const struct authz *z, const struct user *u, struct str ns)
{
    json_t *rules = json_array();

    authz_each_rule(z, u, ns, collect, rules);
    return rules;
}

bool authz_is_master(const struct user *u)
{
    return authn_in_group(u, STR("system:masters"));
}

struct decision {
    const struct authz_attributes *at;
    struct arena *arena;
    struct str reason;
    bool allowed;
};

static struct str format_reason(struct arena *a, const struct authz_source *s)
{
    struct str kind = json_str(s->subject, "kind");
    struct str subject = json_str(s->subject, "name");
    struct str name = kobj_name(s->binding);
    const json_t *ref = json_object_get(s->binding, "roleRef");

    if (str_eq(kind, STR("ServiceAccount"))) {
        struct str ns = json_str(s->subject, "namespace");
        subject =
            arena_fmt(a, "%" STR_FMT "/%" STR_FMT, STR_ARG(subject), STR_ARG(ns.n ? ns : s->ns));
    }
    if (s->ns.n)
        name = arena_fmt(a, "%" STR_FMT "/%" STR_FMT, STR_ARG(name), STR_ARG(s->ns));
    return arena_fmt(a,
                     "RBAC: allowed by %s \"%" STR_FMT "\" of %" STR_FMT " \"%" STR_FMT
                     "\" to %" STR_FMT " \"%" STR_FMT "\"",
                     s->ns.n ? "RoleBinding" : "ClusterRoleBinding", STR_ARG(name),
                     STR_ARG(json_str(ref, "kind")), STR_ARG(json_str(ref, "name")), STR_ARG(kind),
                     STR_ARG(subject));
}

static bool decide(void *cookie, const json_t *rule, const struct authz_source *source)
{
    struct decision *d = cookie;

    if (!rbac_rule_allows(rule, d->at))
        return true;
    d->allowed = true;
    if (d->arena)
        d->reason = format_reason(d->arena, source);
    return false;
}

bool authz_allows(struct authz *z, const struct user *u, const struct authz_attributes *at,
                  struct arena *arena, struct str *ret_reason)
{
    struct decision d = {
        .at = at, .arena = ret_reason ? arena : NULL, .allowed = authz_is_master(u)};

    if (!d.allowed)
        authz_each_rule(z, u, at->ns, decide, &d);
    if (ret_reason)
        *ret_reason = d.reason;
    return d.allowed;
}

struct str authz_denial(struct arena *arena, const struct user *u,
                        const struct authz_attributes *at)
{
    if (at->path.n)
        return arena_fmt(arena, "User \"%" STR_FMT "\" cannot %" STR_FMT " path \"%" STR_FMT "\"",
                         STR_ARG(u->name), STR_ARG(at->verb), STR_ARG(at->path));
    struct str who =
        arena_fmt(arena,
                  "User \"%" STR_FMT "\" cannot %" STR_FMT " resource \"%" STR_FMT "%s%" STR_FMT
                  "\" in API group \"%" STR_FMT "\"",
                  STR_ARG(u->name), STR_ARG(at->verb), STR_ARG(at->resource),
                  at->subresource.n ? "/" : "", STR_ARG(at->subresource), STR_ARG(at->group));
    if (!at->ns.n)
        return arena_fmt(arena, "%" STR_FMT " at the cluster scope", STR_ARG(who));
    return arena_fmt(arena, "%" STR_FMT " in the namespace \"%" STR_FMT "\"", STR_ARG(who),
                     STR_ARG(at->ns));
}
