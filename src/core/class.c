/*
 * ConnectorClass view.  All strings live in one arena that the view owns.
 */
#include "core/class.h"

#include <stdatomic.h>

#include "core/labels.h"
#include "kube/object.h"

struct class_owned {
    struct connector_class view; /* first: class_unref converts back */
    struct arena *arena;
    atomic_uint refs;
};

static void parse_auth(struct arena *a, const json_t *type, struct class_auth *out)
{
    const json_t *params = json_at(type, "params", NULL);
    const json_t *param;
    size_t i;

    out->name = arena_str(a, json_str(type, "name"));
    out->secret_type = arena_str(a, json_str(type, "secretType"));
    out->optional = json_bool(type, "optional", false);
    out->keys = ARENA_ARRAY(a, struct str, json_array_size(params));
    json_array_foreach(params, i, param)
    {
        if (!json_object_get(param, "default"))
            out->keys[out->key_count++] = arena_str(a, json_str(param, "name"));
    }
}

static bool has_template(struct str s)
{
    return str_find(s, STR("{{")) >= 0;
}

static void parse_http_probe(struct arena *a, const json_t *http, struct class_probe *out)
{
    const json_t *headers = json_at(http, "httpHeaders", NULL);
    const json_t *header;
    size_t i;

    out->path = arena_str(a, json_str(http, "path"));
    out->method = arena_str(a, json_str(http, "method"));
    if (str_is_empty(out->method))
        out->method = STR("GET");
    out->host = arena_str(a, json_str(http, "host"));
    out->scheme = arena_str(a, json_str(http, "scheme"));
    out->disable_redirect = json_bool(http, "disableRedirect", false);
    out->needs_expression =
        has_template(out->path) || json_str_at(http, "response", "cel", NULL).n > 0;
    out->headers = ARENA_ARRAY(a, struct class_header, json_array_size(headers));
    json_array_foreach(headers, i, header)
    {
        struct class_header *h = &out->headers[out->header_count++];

        h->name = arena_str(a, json_str(header, "name"));
        h->value = arena_str(a, json_str(header, "value"));
        out->needs_expression = out->needs_expression || has_template(h->value);
    }
}

static int parse_probe(struct arena *a, const char *field, const json_t *probe,
                       struct class_probe *out, struct err *err)
{
    const json_t *http = json_at(probe, "http", NULL);
    const json_t *api = json_at(probe, "api", NULL);

    if (!http == !api)
        return err_set(err, ERR_INVALID, "%s: exactly one of http and api must be set", field);
    if (api) {
        out->is_api = true;
        out->path = arena_str(a, json_str(api, "path"));
        out->method = STR("GET");
        out->needs_expression = has_template(out->path);
        return 0;
    }
    parse_http_probe(a, http, out);
    if (!str_starts(out->path, STR("/")) && !out->needs_expression)
        return err_set(err, ERR_INVALID, "%s.http.path: must start with '/'", field);
    return 0;
}

static void parse_ref(struct arena *a, const json_t *side, struct class_service *out)
{
    const json_t *ref = json_at(side, "ref", NULL);

    out->name = arena_str(a, json_str(ref, "name"));
    out->ns = arena_str(a, json_str(ref, "namespace"));
    out->kind = arena_str(a, json_str(ref, "kind"));
    out->uri = arena_str(a, json_str(side, "uri"));
    out->scheme = STR("http");
    out->present = out->name.n > 0 || out->uri.n > 0;
}

static int parse_auths(struct arena *a, const json_t *spec, struct connector_class *c,
                       struct err *err)
{
    const json_t *types = json_at(spec, "auth", "types", NULL);
    const json_t *probes = json_at(spec, "authProbes", NULL);
    const json_t *item;
    size_t i;

    c->auths = ARENA_ARRAY(a, struct class_auth, json_array_size(types));
    json_array_foreach(types, i, item) parse_auth(a, item, &c->auths[c->auth_count++]);

    c->auth_probes = ARENA_ARRAY(a, struct class_auth_probe, json_array_size(probes));
    json_array_foreach(probes, i, item)
    {
        struct class_auth_probe *p = &c->auth_probes[c->auth_probe_count++];
        char field[64];
        int rc;

        snprintf(field, sizeof(field), "spec.authProbes[%zu].probe", i);
        p->auth_name = arena_str(a, json_str(item, "authName"));
        if (!class_auth_find(c, p->auth_name))
            return err_set(err, ERR_INVALID,
                           "spec.authProbes[%zu].authName: no auth type is named '%" STR_FMT "'", i,
                           STR_ARG(p->auth_name));
        rc = parse_probe(a, field, json_at(item, "probe", NULL), &p->probe, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void parse_extension_names(struct arena *a, const json_t *spec, struct connector_class *c)
{
    const json_t *list = json_at(spec, "addressExtensions", NULL);
    const json_t *item;
    size_t i;

    c->required_extensions = ARENA_ARRAY(a, struct str, json_array_size(list));
    json_array_foreach(list, i, item)
    {
        if (!json_object_get(item, "default"))
            c->required_extensions[c->required_extension_count++] =
                arena_str(a, json_str(item, "name"));
    }
}

int class_parse(const json_t *object, struct connector_class **ret_class, struct err *err)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct class_owned *o = ARENA_NEW(a, struct class_owned);
    struct connector_class *c = &o->view;
    const json_t *spec = json_at(object, "spec", NULL);
    const json_t *liveness = json_at(spec, "livenessProbe", NULL);
    int rc;

    c->name = arena_str(a, kobj_name(object));
    c->uid = arena_str(a, kobj_uid(object));
    c->rv = arena_str(a, kobj_rv(object));
    c->generation = kobj_generation(object);
    c->resolver_path = str_eq(kobj_annotation(object, ANNOTATION_RESOLVER), STR("path"));
    parse_ref(a, json_at(spec, "proxy", NULL), &c->proxy);
    parse_ref(a, json_at(spec, "api", NULL), &c->api);
    parse_extension_names(a, spec, c);
    rc = parse_auths(a, spec, c, err);
    if (rc < 0)
        return rc;
    if (liveness && !json_is_null(liveness)) {
        rc = parse_probe(a, "spec.livenessProbe", liveness, &c->liveness, err);
        if (rc < 0)
            return rc;
        c->has_liveness = true;
    }

    atomic_init(&o->refs, 1);
    o->arena = TAKE(a);
    *ret_class = c;
    return 0;
}

struct connector_class *class_ref(struct connector_class *c)
{
    struct class_owned *o = CONTAINER_OF(c, struct class_owned, view);

    atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
    return c;
}

void class_unref(struct connector_class *c)
{
    struct class_owned *o;

    if (!c)
        return;
    o = CONTAINER_OF(c, struct class_owned, view);
    if (atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) == 1)
        arena_free(o->arena);
}

const struct class_auth *class_auth_find(const struct connector_class *c, struct str name)
{
    if (str_is_empty(name))
        return c->auth_count == 1 ? &c->auths[0] : NULL;
    for (size_t i = 0; i < c->auth_count; i++)
        if (str_eq(c->auths[i].name, name))
            return &c->auths[i];
    return NULL;
}

const struct class_probe *class_auth_probe_find(const struct connector_class *c,
                                                struct str auth_name)
{
    for (size_t i = 0; i < c->auth_probe_count; i++)
        if (str_eq(c->auth_probes[i].auth_name, auth_name))
            return &c->auth_probes[i].probe;
    return NULL;
}

bool class_uses_builtin_proxy(const struct connector_class *c, struct str system_ns)
{
    return c->proxy.present && str_eq(c->proxy.name, STR(PROXY_SERVICE)) &&
           (str_is_empty(c->proxy.ns) || str_eq(c->proxy.ns, system_ns));
}
