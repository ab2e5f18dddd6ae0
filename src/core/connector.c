/*
 * Connector view.  All strings live in one arena that the view owns.
 */
#include "core/connector.h"

#include <stdatomic.h>

#include "kube/object.h"

struct connector_owned {
    struct connector view; /* first: connector_unref converts back */
    struct arena *arena;
    atomic_uint refs;
};

int connector_address_parse(struct arena *a, const char *field, struct str text,
                            struct connector_address *ret_address, struct err *err)
{
    char host[URL_MAX_HOST_BYTES + 1];
    struct url url;
    struct err why;
    struct str normal;

    if (url_parse(text, &url, &why) < 0)
        return err_set(err, ERR_INVALID, "%s: must be an absolute http or https URL: %s", field,
                       why.msg);
    if (url.query.p)
        return err_set(err, ERR_INVALID, "%s: must not have a query", field);
    if (url_normalize_host(url.host, host, &normal) < 0)
        return err_set(err, ERR_INVALID, "%s: host is not a valid DNS name or IP address", field);

    struct str path = url.path;
    while (str_ends(path, STR("/")))
        path.n--;
    *ret_address = (struct connector_address){
        .text = arena_str(a, text),
        .https = str_eq(url.scheme, STR("https")),
        .host = arena_str(a, normal),
        .host_is_ip6 = url.host_is_ip6,
        .port = url.port,
        .path = arena_str(a, path),
    };
    return 0;
}

static int parse_extensions(struct arena *a, const json_t *list, struct connector *c,
                            struct err *err)
{
    size_t n = json_array_size(list);

    c->extensions = ARENA_ARRAY(a, struct connector_address, n);
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, i);
        char field[64];
        int rc;

        snprintf(field, sizeof(field), "spec.addressExtensions[%zu].value", i);
        rc = connector_address_parse(a, field, json_str(item, "value"), &c->extensions[i], err);
        if (rc < 0)
            return rc;
        c->extensions[i].name = arena_str(a, json_str(item, "name"));
    }
    c->extension_count = n;
    return 0;
}

int connector_parse(const json_t *object, struct connector **ret_connector, struct err *err)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct connector_owned *o = ARENA_NEW(a, struct connector_owned);
    struct connector *c = &o->view;
    const json_t *spec = json_at(object, "spec", NULL);
    struct str secret_ns;
    int rc;

    rc = connector_address_parse(a, "spec.address", json_str(spec, "address"), &c->address, err);
    if (rc < 0)
        return rc;
    rc = parse_extensions(a, json_at(spec, "addressExtensions", NULL), c, err);
    if (rc < 0)
        return rc;

    c->ns = arena_str(a, kobj_ns(object));
    c->name = arena_str(a, kobj_name(object));
    c->uid = arena_str(a, kobj_uid(object));
    c->rv = arena_str(a, kobj_rv(object));
    c->key = arena_fmt(a, "%" STR_FMT "/%" STR_FMT, STR_ARG(c->ns), STR_ARG(c->name));
    c->generation = kobj_generation(object);
    c->class_name = arena_str(a, json_str(spec, "connectorClassName"));
    c->auth_name = arena_str(a, json_str_at(spec, "auth", "name", NULL));
    c->secret_name = arena_str(a, json_str_at(spec, "auth", "secretRef", "name", NULL));
    secret_ns = json_str_at(spec, "auth", "secretRef", "namespace", NULL);
    c->secret_ns = secret_ns.n ? arena_str(a, secret_ns) : c->ns;
    c->ca_secret_name = arena_str(a, json_str_at(spec, "caCertSecretRef", "name", NULL));

    atomic_init(&o->refs, 1);
    o->arena = TAKE(a);
    *ret_connector = c;
    return 0;
}

struct connector *connector_ref(struct connector *c)
{
    struct connector_owned *o = CONTAINER_OF(c, struct connector_owned, view);

    atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
    return c;
}

void connector_unref(struct connector *c)
{
    struct connector_owned *o;

    if (!c)
        return;
    o = CONTAINER_OF(c, struct connector_owned, view);
    if (atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) == 1)
        arena_free(o->arena);
}
