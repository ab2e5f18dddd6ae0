/*
 * Resolving: the order of the checks is the order of the conditions in resources.md.
 */
#include "proxy/target.h"

#include <stdatomic.h>

#include "core/secretrule.h"

struct target_owned {
    struct target view; /* first: target_unref converts back */
    struct arena *arena;
    struct tls_client *tls;
    atomic_uint refs;
};

static void not_ready(struct target_owned *o, const char *condition, const char *reason,
                      struct str message)
{
    o->view.condition = condition;
    o->view.reason = str_c(reason);
    o->view.message = arena_str(o->arena, message);
}

static bool has_https(const struct connector *c)
{
    if (c->address.https)
        return true;
    for (size_t i = 0; i < c->extension_count; i++)
        if (c->extensions[i].https)
            return true;
    return false;
}

/* Applies the Secret's rules and makes the credential.  Returns whether the target may be used. */
static bool resolve_credential(struct target_owned *o, const struct target_parts *p)
{
    const struct class_auth *auth = class_auth_find(p->class, p->connector->auth_name);
    struct secretrule_result result;
    struct err err;

    if (p->is_secret_awaited) {
        not_ready(o, "SecretReady", "Reading", STR("the Secret is being read; try again"));
        return false;
    }
    secretrule_check(o->arena, p->connector, auth, p->secret, &result);
    if (!result.ok) {
        not_ready(o, "SecretReady", result.reason, result.message);
        return false;
    }
    if (str_is_empty(p->connector->secret_name))
        return true;
    if (credential_new(p->secret, auth, &o->view.credential, &err) < 0) {
        not_ready(o, "SecretReady", "SecretUnusable",
                  arena_fmt(o->arena, "Secret '%" STR_FMT "': %s",
                            STR_ARG(p->connector->secret_name), err.msg));
        return false;
    }
    return true;
}

static void make_bindings(struct target_owned *o, const struct target_parts *p)
{
    const struct connector *c = p->connector;
    struct binding_parts parts = {
        .connector = c,
        .credential_version =
            o->view.credential ? credential_version(o->view.credential) : STR_NONE,
        .trust = arena_str(o->arena, p->trust),
        .tls = o->tls,
    };

    o->view.binding_count = 1 + c->extension_count;
    o->view.bindings = ARENA_ARRAY(o->arena, struct binding, o->view.binding_count);
    binding_make(o->arena, &c->address, &parts, &o->view.bindings[0]);
    for (size_t i = 0; i < c->extension_count; i++)
        binding_make(o->arena, &c->extensions[i], &parts, &o->view.bindings[1 + i]);
}

static void resolve(struct target_owned *o, const struct target_parts *p)
{
    if (!p->connector) {
        not_ready(o, "ConnectorClassReady", "InvalidSpec", str_c(p->error->msg));
        return;
    }
    if (!p->class) {
        if (p->error)
            not_ready(o, "ConnectorClassReady", "InvalidSpec", str_c(p->error->msg));
        else
            not_ready(o, "ConnectorClassReady", "ConnectorClassNotFound",
                      arena_fmt(o->arena, "ConnectorClass '%" STR_FMT "' does not exist",
                                STR_ARG(p->connector->class_name)));
        return;
    }
    if (!resolve_credential(o, p))
        return;
    if (!p->tls && has_https(p->connector)) {
        not_ready(o, "CACertReady", "NoRoots", STR("no CA certificates could be loaded"));
        return;
    }
    make_bindings(o, p);
}

struct target *target_new(const struct target_parts *p)
{
    struct arena *a = arena_new();
    struct target_owned *o = ARENA_NEW(a, struct target_owned);

    o->arena = a;
    atomic_init(&o->refs, 1);
    o->view.key = arena_str(a, p->key);
    o->view.uid = arena_str(a, p->uid);
    o->view.connector = p->connector ? connector_ref(p->connector) : NULL;
    o->view.counters = counters_connector_ref(p->counters);
    o->tls = p->tls ? tls_client_ref(p->tls) : NULL;
    resolve(o, p);
    return &o->view;
}

struct target *target_ref(struct target *t)
{
    struct target_owned *o = CONTAINER_OF(t, struct target_owned, view);

    atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
    return t;
}

void target_unref(struct target *t)
{
    struct target_owned *o;

    if (!t)
        return;
    o = CONTAINER_OF(t, struct target_owned, view);
    if (atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) != 1)
        return;
    connector_unref(t->connector);
    credential_unref(t->credential);
    counters_connector_unref(t->counters);
    tls_client_unref(o->tls);
    arena_free(o->arena);
}
