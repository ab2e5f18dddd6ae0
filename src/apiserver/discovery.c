/*
 * Discovery: /api, /apis, /apis/GROUP, /api/v1, /apis/GROUP/VERSION, and the aggregated form of the
 * first two.  Everything is made from the resource table on each request; clients cache it.
 */
#include "apiserver/rest_priv.h"

static const struct {
    unsigned bit;
    const char *name;
} VERBS[] = {
    {KIND_CREATE, "create"}, {KIND_DELETE, "delete"}, {KIND_DELETE_COLLECTION, "deletecollection"},
    {KIND_GET, "get"},       {KIND_LIST, "list"},     {KIND_PATCH, "patch"},
    {KIND_UPDATE, "update"}, {KIND_WATCH, "watch"},
};

#define STATUS_VERBS (KIND_GET | KIND_PATCH | KIND_UPDATE)

static json_t *verb_list_of(unsigned verbs)
{
    json_t *list = json_array();

    for (size_t i = 0; i < ARRAY_LEN(VERBS); i++)
        if (verbs & VERBS[i].bit)
            json_array_append_new(list, json_string(VERBS[i].name));
    return list;
}

static json_t *strings(const struct str *p, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_from_str(p[i]));
    return list;
}

static json_t *new_object(const char *kind, const char *api_version)
{
    json_t *o = json_object();

    json_set_str(o, "kind", str_c(kind));
    json_set_str(o, "apiVersion", str_c(api_version));
    return o;
}

/* --- APIResourceList */

static json_t *resource(struct str name, const struct kind *k, struct str kind, unsigned verbs)
{
    json_t *r = json_object();

    json_set_str(r, "name", name);
    json_set_str(r, "singularName", str_index(name, '/') < 0 ? k->singular : STR(""));
    json_set(r, "namespaced", json_boolean(k->namespaced));
    json_set_str(r, "kind", kind);
    json_set(r, "verbs", verb_list_of(verbs));
    return r;
}

static void add_kind(struct call *c, json_t *list, const struct kind *k)
{
    json_t *r = resource(k->plural, k, k->kind, k->verbs);

    if (k->short_name_count)
        json_set(r, "shortNames", strings(k->short_names, k->short_name_count));
    if (k->category_count)
        json_set(r, "categories", strings(k->categories, k->category_count));
    json_array_append_new(list, r);
    for (size_t i = 0; i < k->subresource_count; i++) {
        const struct kind_subresource *s = &k->subresources[i];
        struct str name =
            arena_fmt(c->arena, "%" STR_FMT "/%" STR_FMT, STR_ARG(k->plural), STR_ARG(s->name));
        r = resource(name, k, s->kind, KIND_CREATE);
        json_set_str(r, "group", s->group);
        json_set_str(r, "version", s->version);
        json_array_append_new(list, r);
    }
    if (k->has_status)
        json_array_append_new(
            list, resource(arena_fmt(c->arena, "%" STR_FMT "/status", STR_ARG(k->plural)), k,
                           k->kind, STATUS_VERBS));
}

/* Resources of one group and version; NULL when there is none. */
static json_t *resource_list(struct call *c, struct str group, struct str version)
{
    json_t *list = json_array();
    const struct kind *k;

    for (size_t i = 0; (k = kinds_at(c->rest->server->kinds, i)); i++)
        if (str_eq(k->group, group) && str_eq(k->version, version))
            add_kind(c, list, k);
    if (!json_array_size(list)) {
        json_decref(list);
        return NULL;
    }
    json_t *o = new_object("APIResourceList", "v1");
    json_set_str(o, "groupVersion", kind_gv(c->arena, group, version));
    json_set(o, "resources", list);
    return o;
}

/* --- APIGroup */

static json_t *group_version(struct call *c, struct str group, struct str version)
{
    json_t *v = json_object();

    json_set_str(v, "groupVersion", kind_gv(c->arena, group, version));
    json_set_str(v, "version", version);
    return v;
}

/* Whether a row begins a new version of its group in table order. */
static bool is_new_version(const struct kind *before, const struct kind *k)
{
    return !before || !str_eq(before->group, k->group) || !str_eq(before->version, k->version);
}

static json_t *api_group(struct call *c, struct str group)
{
    json_t *versions = json_array();
    const struct kind *before = NULL, *k;
    struct str preferred = STR_NONE;

    for (size_t i = 0; (k = kinds_at(c->rest->server->kinds, i)); i++) {
        if (str_eq(k->group, group) && is_new_version(before, k)) {
            json_array_append_new(versions, group_version(c, group, k->version));
            if (!preferred.p)
                preferred = k->version;
        }
        before = k;
    }
    if (!preferred.p) {
        json_decref(versions);
        return NULL;
    }
    json_t *g = json_object();
    json_set_str(g, "name", group);
    json_set(g, "versions", versions);
    json_set(g, "preferredVersion", group_version(c, group, preferred));
    return g;
}

static json_t *group_list(struct call *c)
{
    json_t *o = new_object("APIGroupList", "v1");
    json_t *groups = json_array();
    struct str last = STR_NONE;
    const struct kind *k;

    for (size_t i = 0; (k = kinds_at(c->rest->server->kinds, i)); i++) {
        if (!k->group.n || str_eq(k->group, last))
            continue;
        last = k->group;
        json_array_append_new(groups, api_group(c, last));
    }
    json_set(o, "groups", groups);
    return o;
}

static json_t *core_versions(struct call *c)
{
    json_t *o = new_object("APIVersions", "v1");
    json_t *addresses = json_array();
    json_t *address = json_object();

    (void)c;
    json_set(o, "versions", json_pack("[s]", "v1"));
    json_set_str(address, "clientCIDR", STR("0.0.0.0/0"));
    json_set_str(address, "serverAddress", STR(""));
    json_array_append_new(addresses, address);
    json_set(o, "serverAddressByClientCIDRs", addresses);
    return o;
}

/* --- the aggregated form (apidiscovery.k8s.io) */

static json_t *response_kind(struct str group, struct str version, struct str kind)
{
    json_t *o = json_object();

    json_set_str(o, "group", group);
    json_set_str(o, "version", version);
    json_set_str(o, "kind", kind);
    return o;
}

static json_t *aggregated_sub(struct str name, json_t *kind, unsigned verbs)
{
    json_t *s = json_object();

    json_set_str(s, "subresource", name);
    json_set(s, "responseKind", kind);
    json_set(s, "verbs", verb_list_of(verbs));
    return s;
}

static json_t *aggregated_subs(const struct kind *k)
{
    json_t *subs = json_array();

    for (size_t i = 0; i < k->subresource_count; i++) {
        const struct kind_subresource *s = &k->subresources[i];
        json_array_append_new(
            subs,
            aggregated_sub(s->name, response_kind(s->group, s->version, s->kind), KIND_CREATE));
    }
    if (k->has_status)
        json_array_append_new(subs, aggregated_sub(STR("status"),
                                                   response_kind(k->group, k->version, k->kind),
                                                   STATUS_VERBS));
    return subs;
}

static json_t *aggregated_resource(const struct kind *k)
{
    json_t *r = json_object();
    json_t *subs = aggregated_subs(k);

    json_set_str(r, "resource", k->plural);
    json_set(r, "responseKind", response_kind(k->group, k->version, k->kind));
    json_set_str(r, "scope", k->namespaced ? STR("Namespaced") : STR("Cluster"));
    json_set_str(r, "singularResource", k->singular);
    json_set(r, "verbs", verb_list_of(k->verbs));
    if (k->short_name_count)
        json_set(r, "shortNames", strings(k->short_names, k->short_name_count));
    if (k->category_count)
        json_set(r, "categories", strings(k->categories, k->category_count));
    if (json_array_size(subs))
        json_set(r, "subresources", subs);
    else
        json_decref(subs);
    return r;
}

/* Appends a row to the last version of the last group of `items`, making both as needed. */
static void aggregate(json_t *items, const struct kind *before, const struct kind *k)
{
    if (!before || !str_eq(before->group, k->group)) {
        json_t *g = json_object();
        json_set_str(json_object_at(g, "metadata"), "name", k->group);
        json_set(json_object_get(g, "metadata"), "creationTimestamp", json_null());
        json_set(g, "versions", json_array());
        json_array_append_new(items, g);
    }
    json_t *g = json_array_get(items, json_array_size(items) - 1);
    json_t *versions = json_object_get(g, "versions");
    if (is_new_version(before, k)) {
        json_t *v = json_object();
        json_set_str(v, "version", k->version);
        json_set(v, "resources", json_array());
        json_set_str(v, "freshness", STR("Current"));
        json_array_append_new(versions, v);
    }
    json_t *v = json_array_get(versions, json_array_size(versions) - 1);
    json_array_append_new(json_object_get(v, "resources"), aggregated_resource(k));
}

static void answer_aggregated(struct call *c)
{
    const struct kind *before = NULL, *k;
    struct str api =
        arena_fmt(c->arena, "apidiscovery.k8s.io/%" STR_FMT, STR_ARG(c->form.as_version));
    json_t *o JSON_OWNED = new_object("APIGroupDiscoveryList", api.p);
    json_t *items = json_array();
    struct buf body CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);

    for (size_t i = 0; (k = kinds_at(c->rest->server->kinds, i)); i++) {
        if (c->path.is_core != (k->group.n == 0))
            continue;
        aggregate(items, before, k);
        before = k;
    }
    json_set(o, "metadata", json_object());
    json_set(o, "items", items);
    json_format(o, &body);
    call_answer_bytes(c,
                      arena_fmt(c->arena,
                                "application/json;g=apidiscovery.k8s.io;v=%" STR_FMT
                                ";as=APIGroupDiscoveryList",
                                STR_ARG(c->form.as_version)),
                      buf_str(&body));
}

static json_t *document(struct call *c)
{
    if (c->path.version.n)
        return resource_list(c, c->path.group, c->path.version);
    if (c->path.is_core)
        return core_versions(c);
    if (!c->path.group.n)
        return group_list(c);
    json_t *g = api_group(c, c->path.group);
    if (g) {
        json_set_str(g, "kind", STR("APIGroup"));
        json_set_str(g, "apiVersion", STR("v1"));
    }
    return g;
}

void discovery_run(struct call *c)
{
    json_t *status = NULL;

    if (c->form.as == NEGOTIATE_AGGREGATED && !c->path.version.n && !c->path.group.n) {
        answer_aggregated(c);
        return;
    }
    json_t *o JSON_OWNED = document(c);
    if (!o) {
        status_set(&status, ERR_NOTFOUND, "the server could not find the requested resource");
        call_fail(c, status);
        return;
    }
    call_answer(c, 200, o, NULL);
}
