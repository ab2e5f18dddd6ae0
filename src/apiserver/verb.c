/*
 * get, list, create, update, delete of one object.
 */
#include "apiserver/cache.h"
#include "apiserver/rest_priv.h"
#include "codec/url.h"
#include "kube/object.h"

void verb_get(struct call *c)
{
    json_t *status = NULL;
    const json_t *object =
        registry_get(c->rest->server->registry, c->kind, c->path.ns, c->path.name);

    if (!object) {
        status_not_found(&status, c->kind, c->path.name);
        call_fail(c, status);
        return;
    }
    struct output o = call_output(c);
    json_t *answer JSON_OWNED = output_object(&o, object, true);
    call_answer(c, 200, answer, NULL);
}

void verb_list(struct call *c)
{
    struct list_page page;
    json_t *status = NULL;

    if (list_read(c->rest->server->cache, c->kind, c->path.ns, &c->options, &page, &status) < 0) {
        call_fail(c, status);
        return;
    }
    struct output o = call_output(c);
    json_t *answer JSON_OWNED = output_list(&o, page.items, page.meta);
    json_decref(page.items);
    call_answer(c, 200, answer, NULL);
}

static int parse_dry_run(struct call *c, bool *ret_dry_run, json_t **ret_status)
{
    struct str query = c->path.query;
    struct str name, value;

    while (url_query_next(c->arena, &query, &name, &value) > 0) {
        if (!str_eq(name, STR("dryRun")) || !value.n)
            continue;
        if (!str_eq(value, STR("All")))
            return status_set(ret_status, ERR_INVALID,
                              "dryRun: Unsupported value: \"%" STR_FMT
                              "\": supported values: \"All\"",
                              STR_ARG(str_head(value, 64)));
        *ret_dry_run = true;
    }
    return 0;
}

static int parse_field_validation(struct call *c, enum registry_fields *ret_fields,
                                  json_t **ret_status)
{
    struct str v = url_query_get(c->arena, c->path.query, STR("fieldValidation"));

    if (!v.n || str_eq(v, STR("Warn")))
        *ret_fields = REGISTRY_FIELDS_WARN;
    else if (str_eq(v, STR("Strict")))
        *ret_fields = REGISTRY_FIELDS_STRICT;
    else if (str_eq(v, STR("Ignore")))
        *ret_fields = REGISTRY_FIELDS_IGNORE;
    else
        return status_set(ret_status, ERR_INVALID,
                          "fieldValidation: Unsupported value: \"%" STR_FMT
                          "\": supported values: \"Ignore\", \"Warn\", \"Strict\"",
                          STR_ARG(str_head(v, 64)));
    return 0;
}

int verb_request(struct call *c, struct registry_request *ret_req, json_t **ret_status)
{
    struct registry_request req = {
        .kind = c->kind,
        .ns = c->path.ns,
        .name = c->path.name,
        .subresource = c->path.subresource,
        .user = &c->user,
    };
    int rc = parse_dry_run(c, &req.dry_run, ret_status);

    if (rc == 0)
        rc = parse_field_validation(c, &req.fields, ret_status);
    if (rc == 0)
        *ret_req = req;
    return rc;
}

void verb_done(void *cookie, const struct registry_result *result)
{
    struct call *c = cookie;

    c->op = NULL;
    if (result->rc < 0) {
        call_fail(c, json_incref((json_t *)result->status));
        return;
    }
    if (result->status) {
        call_answer(c, 200, result->status, result->warnings);
        return;
    }
    struct output o = call_output(c);
    json_t *answer JSON_OWNED = output_object(&o, result->object, true);
    call_answer(c, result->created ? 201 : 200, answer, result->warnings);
}

/* Checks apiVersion and kind of a body. */
static int check_type(struct call *c, const json_t *object, json_t **ret_status)
{
    const struct kind *k = c->kind;
    struct str api_version = kobj_api_version(object);
    struct str kind = kobj_kind(object);

    if (k->is_custom && (!kind.n || !api_version.n))
        return status_set(ret_status, ERR_BADREQUEST,
                          "Object '%s' is missing in the body of the request",
                          kind.n ? "apiVersion" : "Kind");
    if (api_version.n && !str_eq(api_version, k->api_version))
        return status_set(ret_status, ERR_BADREQUEST,
                          "the API version in the data (%" STR_FMT
                          ") does not match the expected API version (%" STR_FMT ")",
                          STR_ARG(str_head(api_version, 256)), STR_ARG(k->api_version));
    if (kind.n && !str_eq(kind, k->kind))
        return status_set(ret_status, ERR_BADREQUEST,
                          "%" STR_FMT " in version \"%" STR_FMT
                          "\" cannot be handled as a %" STR_FMT,
                          STR_ARG(str_head(kind, 256)), STR_ARG(k->version), STR_ARG(k->kind));
    return 0;
}

/* Parses the body as an object of the call's kind. */
static int parse_object(struct call *c, json_t **ret_object, json_t **ret_status)
{
    struct err err = {0};
    json_t *object = NULL;
    struct str type = http_headers_get(&c->request->headers, STR("content-type"));

    if (negotiate_parse(type, buf_str(&c->body), &object, &err) < 0)
        return status_from_err(ret_status, &err);
    int rc = check_type(c, object, ret_status);
    if (rc < 0)
        json_decref(object);
    else
        *ret_object = object;
    return rc;
}

/* POST …/name/<subresource>. */
static void create_subresource(struct call *c)
{
    const struct kind_subresource *sub = NULL;
    struct err err = {0};
    json_t *status = NULL;
    json_t *object JSON_OWNED = NULL;
    json_t *answer JSON_OWNED = NULL;
    json_t *warnings JSON_OWNED = json_array();
    struct str type = http_headers_get(&c->request->headers, STR("content-type"));

    for (size_t i = 0; i < c->kind->subresource_count; i++)
        if (str_eq(c->kind->subresources[i].name, c->path.subresource))
            sub = &c->kind->subresources[i];
    if (negotiate_parse(type, buf_str(&c->body), &object, &err) < 0) {
        status_from_err(&status, &err);
        call_fail(c, status);
        return;
    }
    struct kind_request req = {
        .server = c->rest->server,
        .kind = c->kind,
        .ns = c->path.ns,
        .name = c->path.name,
        .subresource = c->path.subresource,
        .user = &c->user,
        .arena = c->arena,
        .warnings = warnings,
        .wall_us = loop_wall_us(c->rest->server->loop),
    };
    if (sub->answer(&req, object, &answer, &status) < 0)
        call_fail(c, status);
    else
        call_answer(c, 201, answer, warnings);
}

void verb_create(struct call *c)
{
    struct registry_request req;
    json_t *status = NULL;
    json_t *object = NULL;

    if (c->path.subresource.n) {
        create_subresource(c);
        return;
    }
    if (c->kind->namespaced && !c->path.has_ns) {
        status_method(&status, c->kind);
        call_fail(c, status);
        return;
    }
    if (verb_request(c, &req, &status) < 0 || parse_object(c, &object, &status) < 0) {
        call_fail(c, status);
        return;
    }
    c->op = registry_create(c->rest->server->registry, &req, object, verb_done, c);
}

/* registry_change_fn of PUT: what the client sent, whatever is there. */
static int replace(void *cookie, const json_t *old, json_t **ret_updated, json_t **ret_status)
{
    (void)old;
    (void)ret_status;
    *ret_updated = json_clone(cookie);
    return 0;
}

static void free_object(void *cookie)
{
    json_decref(cookie);
}

void verb_update(struct call *c)
{
    struct registry_request req;
    struct registry_change change = {.fn = replace, .free = free_object};
    json_t *status = NULL;
    json_t *object = NULL;

    if (verb_request(c, &req, &status) < 0 || parse_object(c, &object, &status) < 0) {
        call_fail(c, status);
        return;
    }
    change.cookie = object;
    c->op = registry_update(c->rest->server->registry, &req, &change, verb_done, c);
}

static int parse_propagation(struct str value, struct registry_deletion *d, json_t **ret_status)
{
    if (str_eq(value, STR("Foreground")))
        d->propagation = REGISTRY_PROPAGATE_FOREGROUND;
    else if (str_eq(value, STR("Orphan")))
        d->propagation = REGISTRY_PROPAGATE_ORPHAN;
    else if (value.n && !str_eq(value, STR("Background")))
        return status_set(ret_status, ERR_INVALID,
                          "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: "
                          "Unsupported value: \"%" STR_FMT
                          "\": supported values: \"Foreground\", \"Background\", \"Orphan\", "
                          "\"nil\"",
                          STR_ARG(str_head(value, 64)));
    return 0;
}

static int read_delete_options(struct call *c, const json_t *options, struct registry_request *req,
                               struct registry_deletion *d, json_t **ret_status)
{
    size_t i;
    json_t *v;

    d->uid = arena_str(c->arena, json_str_at(options, "preconditions", "uid", NULL));
    d->resource_version =
        arena_str(c->arena, json_str_at(options, "preconditions", "resourceVersion", NULL));
    json_array_foreach(json_object_get(options, "dryRun"), i, v)
    {
        if (!str_eq(json_str_of(v), STR("All")))
            return status_set(ret_status, ERR_INVALID,
                              "dryRun: Unsupported value: supported values: \"All\"");
        req->dry_run = true;
    }
    if (json_bool(options, "orphanDependents", false))
        d->propagation = REGISTRY_PROPAGATE_ORPHAN;
    return parse_propagation(json_str(options, "propagationPolicy"), d, ret_status);
}

int verb_deletion(struct call *c, struct registry_request *req,
                  struct registry_deletion *ret_deletion, json_t **ret_status)
{
    struct registry_deletion d = {0};
    struct err err = {0};
    json_t *options JSON_OWNED = NULL;
    struct str type = http_headers_get(&c->request->headers, STR("content-type"));
    int rc = verb_request(c, req, ret_status);

    if (rc == 0)
        rc = parse_propagation(url_query_get(c->arena, c->path.query, STR("propagationPolicy")), &d,
                               ret_status);
    if (rc < 0)
        return rc;
    if (c->body.len) {
        if (negotiate_parse(type, buf_str(&c->body), &options, &err) < 0)
            return status_from_err(ret_status, &err);
        rc = read_delete_options(c, options, req, &d, ret_status);
    }
    if (rc == 0)
        *ret_deletion = d;
    return rc;
}

void verb_delete(struct call *c)
{
    struct registry_request req;
    struct registry_deletion d;
    json_t *status = NULL;

    if (verb_deletion(c, &req, &d, &status) < 0) {
        call_fail(c, status);
        return;
    }
    c->op = registry_delete(c->rest->server->registry, &req, &d, verb_done, c);
}
