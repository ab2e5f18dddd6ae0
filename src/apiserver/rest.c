/*
 * Exchanges: who asks, what for, may he, and the answer's form.
 */
#include "apiserver/rest.h"

#include "apiserver/rest_priv.h"

static void on_crd_change(void *cookie, const struct kind *k, const json_t *old, const json_t *now)
{
    struct rest *r = cookie;

    (void)k;
    if (old)
        watch_end_all(r, true);
    (void)now;
}

struct rest *rest_new(struct apiserver *server)
{
    struct rest *r = NEW(struct rest);

    r->server = server;
    list_init(&r->watches);
    r->crd_listener = (struct registry_listener){
        .group = STR("apiextensions.k8s.io"),
        .plural = STR("customresourcedefinitions"),
        .on_change = on_crd_change,
        .cookie = r,
    };
    registry_listen(server->registry, &r->crd_listener);
    return r;
}

void rest_free(struct rest *r)
{
    if (!r)
        return;
    registry_unlisten(r->server->registry, &r->crd_listener);
    free(r);
}

void rest_set_ready(struct rest *r, bool ready)
{
    r->ready = ready;
}

void rest_drain(struct rest *r)
{
    r->ready = false;
    watch_end_all(r, false);
}

/* --- what is asked */

static const struct {
    struct str method;
    bool on_object; /* a name is in the path */
    const char *verb;
    unsigned bit;
    void (*run)(struct call *c);
} METHODS[] = {
    {STR_INIT("GET"), true, "get", KIND_GET, verb_get},
    {STR_INIT("GET"), false, "list", KIND_LIST, verb_list},
    {STR_INIT("HEAD"), true, "get", KIND_GET, verb_get},
    {STR_INIT("HEAD"), false, "list", KIND_LIST, verb_list},
    {STR_INIT("POST"), false, "create", KIND_CREATE, verb_create},
    {STR_INIT("PUT"), true, "update", KIND_UPDATE, verb_update},
    {STR_INIT("PATCH"), true, "patch", KIND_PATCH, patch_run},
    {STR_INIT("DELETE"), true, "delete", KIND_DELETE, verb_delete},
    {STR_INIT("DELETE"), false, "deletecollection", KIND_DELETE_COLLECTION, collection_delete},
};

/* Whether the path fits the kind's scope and the subresource exists. */
static bool path_fits(const struct call *c)
{
    const struct kind *k = c->kind;

    if (!k || (c->path.has_ns && !k->namespaced))
        return false;
    if (k->namespaced && !c->path.has_ns && c->path.name.n)
        return false;
    if (!c->path.subresource.n || (k->has_status && str_eq(c->path.subresource, STR("status"))))
        return true;
    for (size_t i = 0; i < k->subresource_count; i++)
        if (str_eq(k->subresources[i].name, c->path.subresource))
            return true;
    return false;
}

/* POST names an object only for a subresource (…/token). */
static bool method_fits(const struct call *c, size_t m)
{
    bool is_post = str_eq(METHODS[m].method, STR("POST"));
    bool on_object = is_post && c->path.subresource.n ? false : c->path.name.n > 0;

    return str_eq(c->request->method, METHODS[m].method) && METHODS[m].on_object == on_object;
}

/* Finds the verb.  Returns its bit, or 0. */
static unsigned choose_verb(struct call *c)
{
    for (size_t m = 0; m < ARRAY_LEN(METHODS); m++) {
        if (!method_fits(c, m))
            continue;
        c->verb = METHODS[m].verb;
        c->run = METHODS[m].run;
        return METHODS[m].bit;
    }
    return 0;
}

static bool supports(const struct call *c, unsigned bit)
{
    struct str sub = c->path.subresource;

    if (!sub.n)
        return (c->kind->verbs & bit) != 0;
    if (str_eq(sub, STR("status")))
        return (bit & (KIND_GET | KIND_UPDATE | KIND_PATCH)) != 0;
    return bit == KIND_CREATE;
}

static int authorize(struct call *c, json_t **ret_status)
{
    struct authz_attributes at = {.verb = str_c(c->verb)};
    struct str why = STR_NONE;

    if (c->path.is_resource) {
        at.group = c->path.group;
        at.version = c->path.version;
        at.resource = c->path.plural;
        at.subresource = c->path.subresource;
        at.ns = c->path.ns;
        at.name = c->path.name;
        if (!at.group.n && str_eq(at.resource, STR("namespaces")))
            at.ns = at.name;
        if (c->options.fields && !at.name.n)
            (void)selector_requires(c->options.fields, STR("metadata.name"), &at.name);
    } else {
        at.path = c->path.raw;
    }
    if (authz_allows(c->rest->server->authz, &c->user, &at, c->arena, &why))
        return 0;
    struct str denial = authz_denial(c->arena, &c->user, &at);
    if (c->kind)
        return status_forbidden(ret_status, c->kind, c->path.name, denial);
    return status_set(ret_status, ERR_FORBIDDEN, "forbidden: %" STR_FMT, STR_ARG(denial));
}

static int not_found(struct call *c, json_t **ret_status)
{
    (void)c;
    return status_set(ret_status, ERR_NOTFOUND, "the server could not find the requested resource");
}

static int route_resource(struct call *c, json_t **ret_status)
{
    json_t *bad_options = NULL;
    unsigned bit = choose_verb(c);
    int bad = 0;
    const struct kind *k =
        kinds_find(c->rest->server->kinds, c->path.group, c->path.version, c->path.plural);

    if (!bit)
        return status_method(ret_status, k);
    if (k)
        c->kind = kind_ref(k);
    if (k && (bit & (KIND_LIST | KIND_DELETE_COLLECTION)))
        bad = list_options_parse(c->arena, k, c->path.query, &c->options, &bad_options);
    if (bit == KIND_LIST && c->options.watch) {
        bit = KIND_WATCH;
        c->verb = "watch";
        c->run = watch_start;
    }
    int rc = authorize(c, ret_status);
    if (rc == 0 && !path_fits(c))
        rc = not_found(c, ret_status);
    if (rc == 0 && !supports(c, bit))
        rc = status_method(ret_status, k);
    if (rc == 0 && bad < 0) {
        *ret_status = json_incref(bad_options);
        rc = bad;
    }
    json_decref(bad_options);
    return rc;
}

static int route_other(struct call *c, json_t **ret_status)
{
    if (!str_eq(c->request->method, STR("GET")) && !str_eq(c->request->method, STR("HEAD")))
        return status_method(ret_status, NULL);
    c->verb = "get";
    if (c->path.is_discovery)
        c->run = discovery_run;
    else if (str_starts(c->path.raw, STR("/openapi")))
        c->run = openapi_run;
    else
        c->run = rootpath_run;
    return authorize(c, ret_status);
}

static int identify(struct call *c, json_t **ret_status)
{
    struct authn *a = c->rest->server->authn;

    if (authn_identify(a, c->x, c->arena, &c->user) < 0)
        return status_set(ret_status, ERR_UNAUTH, "Unauthorized");
    return authn_impersonate(a, c->x, c->arena, &c->user, ret_status);
}

/* 406 has no code of its own. */
static int not_acceptable(json_t **ret_status)
{
    int rc = status_set(ret_status, ERR_MEDIATYPE,
                        "only the following media types are accepted: application/json, "
                        "application/yaml");

    json_set_str(*ret_status, "reason", STR("NotAcceptable"));
    json_set(*ret_status, "code", json_integer(406));
    return rc;
}

/* Everything that is decided from the request head. */
static int route(struct call *c, json_t **ret_status)
{
    int rc = path_parse(c->arena, c->request->target, &c->path);

    if (rc == -ERR_BADREQUEST)
        return status_set(ret_status, ERR_BADREQUEST, "the request target is not valid");
    if (rc < 0)
        return not_found(c, ret_status);
    if (rootpath_is_public(c)) {
        c->run = rootpath_run;
        return 0;
    }
    enum negotiate_what what = c->path.is_resource ? NEGOTIATE_OBJECT : NEGOTIATE_DISCOVERY;
    rc = negotiate_accept(&c->request->headers, what, &c->form);
    if (rc < 0 && !str_starts(c->path.raw, STR("/openapi")))
        return not_acceptable(ret_status);
    rc = identify(c, ret_status);
    if (rc < 0)
        return rc;
    return c->path.is_resource ? route_resource(c, ret_status) : route_other(c, ret_status);
}

/* --- callbacks of the exchange */

static void on_body(void *cookie, struct str bytes)
{
    struct call *c = cookie;
    json_t *status = NULL;

    if (c->answered)
        return;
    buf_add_str(&c->body, bytes);
    if (buf_error(&c->body) == 0)
        return;
    http_exchange_close_after(c->x);
    status_set(&status, ERR_TOOBIG, "Request entity too large: limit is %d", REST_BODY_BYTES);
    call_fail(c, status);
}

static void on_body_end(void *cookie)
{
    struct call *c = cookie;

    if (!c->answered && c->run && c->request->body_length != 0)
        c->run(c);
}

static void on_drain(void *cookie)
{
    struct call *c = cookie;

    if (c->watch)
        watch_drain(c->watch);
}

static void on_close(void *cookie, int rc)
{
    struct call *c = cookie;

    (void)rc;
    if (c->op)
        registry_abandon(c->op);
    if (c->deletes)
        collection_abandon(c);
    watch_free(c->watch);
    list_options_fini(&c->options);
    buf_wipe(&c->body);
    if (c->kind)
        kind_unref(c->kind);
}

static const struct http_exchange_ops EXCHANGE_OPS = {
    .on_body = on_body,
    .on_body_end = on_body_end,
    .on_drain = on_drain,
    .on_close = on_close,
};

static void on_request(void *cookie, struct http_exchange *x)
{
    struct call *c = ARENA_NEW(http_exchange_arena(x), struct call);
    json_t *status = NULL;

    c->rest = cookie;
    c->x = x;
    c->arena = http_exchange_arena(x);
    c->request = http_exchange_request(x);
    c->body = BUF_INIT(REST_BODY_BYTES);
    http_exchange_handle(x, &EXCHANGE_OPS, c);
    if (route(c, &status) < 0) {
        call_fail(c, status);
        return;
    }
    if (c->request->body_length == 0)
        c->run(c);
}

static struct str on_refuse(void *cookie, struct arena *a, int status, const char *reason,
                            struct str *ret_content_type)
{
    (void)cookie;
    *ret_content_type = STR("application/json");
    return arena_fmt(a,
                     "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":"
                     "\"Failure\",\"message\":\"%s\",\"reason\":\"BadRequest\",\"code\":%d}\n",
                     reason, status);
}

const struct http_server_ops rest_server_ops = {
    .on_request = on_request,
    .on_refuse = on_refuse,
};
