/*
 * OpenAPI v3: the index, and one document for each group and version, made from the schemas of the
 * resource table.
 *
 * What clients use it for: `kubectl explain` reads schemas and finds kinds by path; `kubectl apply` looks whether PATCH takes
 * fieldValidation.  Operations carry no more than that needs.
 */
#include "apiserver/rest_priv.h"
#include "apiserver/schema.h"

#define META_REF "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

/* --- schemas */

static const struct {
    const char *name, *type, *description;
} META_FIELDS[] = {
    {"name", "string", "Name must be unique within a namespace."},
    {"generateName", "string", "Prefix of the name the server makes when name is empty."},
    {"namespace", "string", "Namespace defines the space within which the name must be unique."},
    {"uid", "string", "Unique in time and space; set by the server."},
    {"resourceVersion", "string", "Opaque version of this object; changes with every write."},
    {"generation", "integer", "Counts changes of the desired state."},
    {"creationTimestamp", "string", "Time of creation, set by the server."},
    {"deletionTimestamp", "string", "Time at which deletion was asked for."},
    {"deletionGracePeriodSeconds", "integer", "Seconds allowed for a graceful deletion."},
    {"labels", "map", "Keys and values by which objects are organized and selected."},
    {"annotations", "map", "Arbitrary metadata that is not queryable."},
    {"finalizers", "list", "Must be empty before the object is removed."},
    {"ownerReferences", "owners",
     "Objects depended by this object; it goes when all of them are gone."},
};

static json_t *typed(const char *type)
{
    json_t *s = json_object();

    json_set_str(s, "type", str_c(type));
    return s;
}

static json_t *owner_schema(void)
{
    static const char *const FIELDS[] = {"apiVersion", "kind", "name", "uid"};
    json_t *s = typed("object");
    json_t *p = json_object_at(s, "properties");

    for (size_t i = 0; i < ARRAY_LEN(FIELDS); i++)
        json_set(p, FIELDS[i], typed("string"));
    json_set(p, "controller", typed("boolean"));
    json_set(p, "blockOwnerDeletion", typed("boolean"));
    return s;
}

static json_t *meta_field(struct str type)
{
    json_t *s;

    if (str_eq(type, STR("map"))) {
        s = typed("object");
        json_set(s, "additionalProperties", typed("string"));
    } else if (str_eq(type, STR("list")) || str_eq(type, STR("owners"))) {
        s = typed("array");
        json_set(s, "items", str_eq(type, STR("list")) ? typed("string") : owner_schema());
    } else {
        s = typed(type.p);
    }
    return s;
}

static json_t *meta_schema(void)
{
    json_t *s = typed("object");
    json_t *p = json_object_at(s, "properties");

    json_set_str(s, "description",
                 STR("ObjectMeta is metadata that all persisted resources must have."));
    for (size_t i = 0; i < ARRAY_LEN(META_FIELDS); i++) {
        json_t *f = meta_field(str_c(META_FIELDS[i].type));
        json_set_str(f, "description", str_c(META_FIELDS[i].description));
        json_set(p, META_FIELDS[i].name, f);
    }
    return s;
}

/* The extension by which clients find a kind: {group, version, kind}. */
static json_t *gvk(const struct kind *k)
{
    json_t *o = json_object();

    json_set_str(o, "group", k->group);
    json_set_str(o, "version", k->version);
    json_set_str(o, "kind", k->kind);
    return o;
}

/* "io.k8s.api.core.v1.Secret"; other groups: labels reversed, version, kind. */
static const char *component_name(struct arena *a, const struct kind *k)
{
    struct buf b CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);
    struct str rest = k->group;

    if (!rest.n)
        buf_add_c(&b, "io.k8s.api.core.");
    while (rest.n) {
        ptrdiff_t dot = str_rindex(rest, '.');
        buf_add_str(&b, str_skip(rest, (size_t)(dot + 1)));
        buf_add_char(&b, '.');
        rest = str_head(rest, dot < 0 ? 0 : (size_t)dot);
    }
    buf_add_str(&b, k->version);
    buf_add_char(&b, '.');
    buf_add_str(&b, k->kind);
    return arena_cstr(a, buf_str(&b));
}

static void describe(json_t *properties, const char *name, const char *description)
{
    json_t *s = typed("string");

    json_set_str(s, "description", str_c(description));
    json_set(properties, name, s);
}

static json_t *kind_schema(const struct kind *k)
{
    json_t *s = k->schema ? json_copy((json_t *)schema_source(k->schema)) : typed("object");
    json_t *p = json_object_get(s, "properties");
    json_t *meta = json_object();
    json_t *ref = json_object();
    json_t *list = json_array();

    /* The source is shared; what is changed here is copied first. */
    p = p ? json_copy(p) : json_object();
    describe(p, "apiVersion",
             "APIVersion defines the versioned schema of this representation of an object.");
    describe(p, "kind",
             "Kind is a string value representing the REST resource this object represents.");
    json_set_str(ref, "$ref", STR("#/components/schemas/" META_REF));
    json_array_append_new(list, ref);
    json_set(meta, "allOf", list);
    json_set_str(meta, "description", STR("Standard object's metadata."));
    json_set(p, "metadata", meta);
    json_set(s, "properties", p);
    list = json_array();
    json_array_append_new(list, gvk(k));
    json_set(s, "x-kubernetes-group-version-kind", list);
    return s;
}

/* --- paths */

static json_t *parameter(const char *name, const char *in)
{
    json_t *p = json_object();

    json_set_str(p, "name", str_c(name));
    json_set_str(p, "in", str_c(in));
    json_set(p, "schema", typed("string"));
    if (str_eq(str_c(in), STR("path")))
        json_set(p, "required", json_true());
    return p;
}

static json_t *operation(const struct kind *k, const char *action, bool writes)
{
    json_t *op = json_object();
    json_t *parameters = json_array();
    json_t *responses = json_object();

    json_set_str(json_object_at(responses, "200"), "description", STR("OK"));
    if (writes) {
        json_array_append_new(parameters, parameter("dryRun", "query"));
        json_array_append_new(parameters, parameter("fieldManager", "query"));
        json_array_append_new(parameters, parameter("fieldValidation", "query"));
    }
    json_set(op, "parameters", parameters);
    json_set(op, "responses", responses);
    json_set_str(op, "x-kubernetes-action", str_c(action));
    json_set(op, "x-kubernetes-group-version-kind", gvk(k));
    return op;
}

static json_t *body_of(const char *const *types, const char *component)
{
    json_t *body = json_object();
    json_t *content = json_object_at(body, "content");
    struct buf ref CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);

    buf_addf(&ref, "#/components/schemas/%s", component);
    for (; *types; types++) {
        json_t *schema = json_object_at(json_object_at(content, *types), "schema");
        json_set_str(schema, "$ref", buf_str(&ref));
    }
    return body;
}

static void add_paths(struct arena *a, json_t *paths, const struct kind *k, const char *component)
{
    static const char *const JSON[] = {"application/json", "application/yaml", NULL};
    static const char *const PATCH[] = {"application/json-patch+json",
                                        "application/merge-patch+json", NULL};
    const char *prefix = k->group.n ? "/apis" : "/api";
    struct str collection =
        arena_fmt(a, "%s/%" STR_FMT "%s/%" STR_FMT, prefix, STR_ARG(k->api_version),
                  k->namespaced ? "/namespaces/{namespace}" : "", STR_ARG(k->plural));
    struct str object = arena_fmt(a, "%" STR_FMT "/{name}", STR_ARG(collection));
    json_t *item = json_object();

    if (k->verbs & KIND_LIST)
        json_set(item, "get", operation(k, "list", false));
    json_set(item, "post", operation(k, "post", true));
    json_set(json_object_get(item, "post"), "requestBody", body_of(JSON, component));
    json_set(paths, collection.p, item);
    if (!(k->verbs & KIND_GET))
        return;
    item = json_object();
    json_set(item, "get", operation(k, "get", false));
    json_set(item, "put", operation(k, "put", true));
    json_set(json_object_get(item, "put"), "requestBody", body_of(JSON, component));
    json_set(item, "patch", operation(k, "patch", true));
    json_set(json_object_get(item, "patch"), "requestBody", body_of(PATCH, component));
    json_set(item, "delete", operation(k, "delete", true));
    json_set(paths, object.p, item);
}

/* --- documents */

static void answer_index(struct call *c)
{
    json_t *o JSON_OWNED = json_object();
    json_t *paths = json_object_at(o, "paths");
    const struct kind *k;

    for (size_t i = 0; (k = kinds_at(c->rest->server->kinds, i)); i++) {
        struct str name = arena_fmt(c->arena, "%s/%" STR_FMT, k->group.n ? "apis" : "api",
                                    STR_ARG(k->api_version));
        struct str url = arena_fmt(c->arena, "/openapi/v3/%" STR_FMT "?hash=%llu", STR_ARG(name),
                                   (unsigned long long)kinds_revision(c->rest->server->kinds));
        json_set_str(json_object_at(paths, name.p), "serverRelativeURL", url);
    }
    call_answer(c, 200, o, NULL);
}

/* The document of an apiVersion, or NULL. */
static json_t *make_document(struct call *c, struct str api_version, bool is_core)
{
    json_t *o = json_object();
    json_t *info = json_object_at(o, "info");
    json_t *paths = json_object_at(o, "paths");
    json_t *schemas = json_object_at(json_object_at(o, "components"), "schemas");
    const struct kind *k;
    bool any = false;

    json_set_str(o, "openapi", STR("3.0.0"));
    json_set_str(info, "title", STR("Kubernetes"));
    json_set_str(info, "version", STR("v1.34.0"));
    json_set(schemas, META_REF, meta_schema());
    for (size_t i = 0; (k = kinds_at(c->rest->server->kinds, i)); i++) {
        if (!str_eq(k->api_version, api_version) || is_core != (k->group.n == 0))
            continue;
        const char *component = component_name(c->arena, k);
        any = true;
        json_set(schemas, component, kind_schema(k));
        add_paths(c->arena, paths, k, component);
    }
    if (any)
        return o;
    json_decref(o);
    return NULL;
}

void openapi_run(struct call *c)
{
    json_t *status = NULL;
    struct str rest = c->path.raw;

    c->form = (struct negotiate_form){0};
    if (str_eq(rest, STR("/openapi/v3"))) {
        answer_index(c);
        return;
    }
    bool is_core = str_starts(rest, STR("/openapi/v3/api/"));
    json_t *o JSON_OWNED = NULL;
    if (is_core)
        o = make_document(c, str_skip(rest, sizeof("/openapi/v3/api/") - 1), true);
    else if (str_starts(rest, STR("/openapi/v3/apis/")))
        o = make_document(c, str_skip(rest, sizeof("/openapi/v3/apis/") - 1), false);
    if (!o) {
        status_set(&status, ERR_NOTFOUND, "the server could not find the requested resource");
        call_fail(c, status);
        return;
    }
    call_answer(c, 200, o, NULL);
}
