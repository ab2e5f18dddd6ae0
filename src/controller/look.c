/*
 * Class, Secret and CA certificates of a Connector.
 */
#include "controller/look.h"

#include "core/labels.h"

#define CA_MAX_BYTES ((size_t)1024 * 1024)

void look_fini(struct look *k)
{
    connector_unref(k->connector);
    class_unref(k->cls);
    json_decref(k->class_object);
    json_decref(k->secret);
    buf_fini(&k->ca_pem);
}

/* --- ConnectorClassReady */

static void block(struct look *k, const char *reason, struct str message)
{
    k->blocked = reason;
    condition_set_false(k->now, "ConnectorClassReady", reason, message);
}

static bool has_extension(const struct connector *c, struct str name)
{
    for (size_t i = 0; i < c->extension_count; i++)
        if (str_eq(c->extensions[i].name, name))
            return true;
    return false;
}

/* The first rule of the class that the Connector breaks, as a message; STR_NONE when none. */
static struct str broken_rule(struct look *k)
{
    const struct connector *c = k->connector;
    const struct connector_class *cls = k->cls;
    bool may_omit = cls->auth_count <= 1;

    for (size_t i = 0; i < cls->required_extension_count; i++)
        if (!has_extension(c, cls->required_extensions[i]))
            return arena_fmt(k->arena,
                             "spec.addressExtensions: class '%" STR_FMT "' requires '%" STR_FMT "'",
                             STR_ARG(cls->name), STR_ARG(cls->required_extensions[i]));
    if (c->auth_name.n && !class_auth_find(cls, c->auth_name))
        return arena_fmt(k->arena,
                         "spec.auth.name: class '%" STR_FMT "' has no auth type '%" STR_FMT "'",
                         STR_ARG(cls->name), STR_ARG(c->auth_name));
    for (size_t i = 0; i < cls->auth_count; i++)
        may_omit = may_omit || cls->auths[i].optional;
    if (!c->auth_name.n && !may_omit)
        return arena_fmt(k->arena,
                         "spec.auth.name: class '%" STR_FMT "' has several auth types; name one",
                         STR_ARG(cls->name));
    return STR_NONE;
}

void look_class(struct look *k)
{
    struct str name = json_str_at(k->old, "spec", "connectorClassName", NULL), rule;
    struct err why;

    if (connector_parse(k->old, &k->connector, &why) < 0) {
        block(k, "InvalidSpec", arena_str(k->arena, str_c(why.msg)));
        return;
    }
    k->class_object = inventory_class(k->plane->inventory, name);
    if (!k->class_object) {
        block(k, "ConnectorClassNotFound",
              arena_fmt(k->arena, "ConnectorClass '%" STR_FMT "' does not exist", STR_ARG(name)));
        return;
    }
    if (class_parse(k->class_object, &k->cls, &why) < 0) {
        block(k, "InvalidSpec",
              arena_fmt(k->arena, "ConnectorClass '%" STR_FMT "': %s", STR_ARG(name), why.msg));
        return;
    }
    rule = broken_rule(k);
    if (rule.n) {
        block(k, "InvalidSpec", rule);
        return;
    }
    k->auth = class_auth_find(k->cls, k->connector->auth_name);
    condition_set_true(k->now, "ConnectorClassReady", "ConnectorClassFound");
}

/* --- SecretReady */

int look_secret(struct look *k, struct err *err)
{
    const struct connector *c = k->connector;
    struct secretrule_result result;
    int rc;

    if (k->blocked) {
        condition_set_unknown(k->now, "SecretReady", k->blocked);
        return 0;
    }
    /* What the rule refuses whatever it holds is not even read. */
    if (c->secret_name.n && k->auth && str_eq(c->secret_ns, c->ns)) {
        rc = inventory_secret(k->plane->inventory,
                              (struct kube_key){.ns = c->secret_ns, .name = c->secret_name},
                              &k->secret, err);
        if (rc < 0 && rc != -ERR_NOTFOUND)
            return rc;
    }
    secretrule_check(k->arena, c, k->auth, k->secret, &result);
    k->is_secret_ready = result.ok;
    k->has_secret = result.ok && k->secret;
    if (result.ok)
        condition_set_true(k->now, "SecretReady", result.reason);
    else
        condition_set_false(k->now, "SecretReady", result.reason, result.message);
    return 0;
}

/* --- CACertReady */

static void set_ca(struct look *k, const char *status, const char *reason, struct str message)
{
    condition_set(k->now, &(struct kube_condition){
                              .type = "CACertReady",
                              .status = status,
                              .reason = str_c(reason),
                              .message = message,
                              .severity = "Info",
                          });
}

/* The event that goes with a CA problem, once for each. */
static void tell_ca(struct look *k, const char *reason, const char *event, struct str message)
{
    if (!condition_has_reason(k->old, "CACertReady", reason))
        event_record(k->plane->events, k->old, "Warning", event, "%" STR_FMT, STR_ARG(message));
    set_ca(k, "False", reason, message);
}

int look_ca(struct look *k, struct err *err)
{
    struct str name = json_str_at(k->old, "spec", "caCertSecretRef", "name", NULL), message;
    struct kube_key key = {.ns = k->key.ns, .name = name};
    json_t *secret JSON_OWNED = NULL;
    struct err why;
    int rc;

    buf_init(&k->ca_pem, CA_MAX_BYTES);
    if (name.n == 0) {
        set_ca(k, "True", "NoCACert", STR_NONE);
        return 0;
    }
    rc = inventory_secret(k->plane->inventory, key, &secret, err);
    if (rc < 0 && rc != -ERR_NOTFOUND)
        return rc;
    if (!secret || secretrule_is_refused_type(json_str(secret, "type"))) {
        message = arena_fmt(k->arena, "Secret '%" STR_FMT "' with CA certificates does not exist",
                            STR_ARG(name));
        tell_ca(k, "SecretNotFound", "CACertSecretNotFound", message);
        return 0;
    }
    if (trusts_collect(secret, &k->ca_pem, &why) < 0) {
        buf_reset(&k->ca_pem);
        message = arena_fmt(k->arena, "Secret '%" STR_FMT "': %s", STR_ARG(name), why.msg);
        tell_ca(k, "InvalidPEM", "InvalidCACert", message);
        return 0;
    }
    k->ca_version = arena_fmt(k->arena, "%" STR_FMT "/%" STR_FMT, STR_ARG(kobj_uid(secret)),
                              STR_ARG(kobj_rv(secret)));
    set_ca(k, "True", "Valid", STR_NONE);
    return 0;
}
