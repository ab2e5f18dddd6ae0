/*
 * PATCH: the three patch forms on an object as it is at the moment of the write.
 */
#include "apiserver/rest_priv.h"
#include "codec/jsonpatch.h"
#include "codec/yaml.h"
#include "kube/object.h"

enum patch_form { PATCH_JSON, PATCH_MERGE, PATCH_STRATEGIC };

/* What a PATCH asks; outlives the call, whose client may go away. */
struct patch {
    enum patch_form form;
    json_t *document;
    const struct kind *kind;
};

static const struct {
    struct str type;
    enum patch_form form;
} FORMS[] = {
    {STR_INIT("application/json-patch+json"), PATCH_JSON},
    {STR_INIT("application/merge-patch+json"), PATCH_MERGE},
    {STR_INIT("application/strategic-merge-patch+json"), PATCH_STRATEGIC},
};

static void free_patch(void *cookie)
{
    struct patch *p = cookie;

    json_decref(p->document);
    kind_unref(p->kind);
    free(p);
}

static int apply(const struct patch *p, const json_t *old, json_t **ret_object, struct err *err)
{
    switch (p->form) {
    case PATCH_JSON:
        return jsonpatch_apply(old, p->document, ret_object, err);
    case PATCH_MERGE:
        *ret_object = jsonpatch_merge(old, p->document);
        return 0;
    case PATCH_STRATEGIC:
        break;
    }
    return jsonpatch_strategic(old, p->document, p->kind->merge, p->kind->merge_count, ret_object,
                               err);
}

/* registry_change_fn */
static int change(void *cookie, const json_t *old, json_t **ret_updated, json_t **ret_status)
{
    const struct patch *p = cookie;
    struct err err = {0};
    json_t *object = NULL;
    int rc = apply(p, old, &object, &err);

    if (rc < 0)
        return status_from_err(ret_status, &err);
    if (!json_is_object(object)) {
        json_decref(object);
        return status_set(ret_status, ERR_BADREQUEST, "the patch does not make an object");
    }
    if (!str_eq(kobj_kind(object), kobj_kind(old))) {
        json_decref(object);
        return status_set(ret_status, ERR_BADREQUEST, "a patch may not change the kind");
    }
    *ret_updated = object;
    return 0;
}

static int unknown_form(struct call *c, json_t **ret_status)
{
    static const char LIST[] =
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json%s";

    return status_set(ret_status, ERR_MEDIATYPE, LIST,
                      c->kind->is_custom ? "" : ", application/strategic-merge-patch+json");
}

static int parse_patch(struct call *c, struct patch **ret_patch, json_t **ret_status)
{
    struct str type =
        negotiate_media_type(http_headers_get(&c->request->headers, STR("content-type")));
    struct err err = {0};
    json_t *document = NULL;
    size_t f = 0;

    if (str_starts(type, STR("application/apply-patch")))
        return status_set(ret_status, ERR_MEDIATYPE,
                          "server-side apply is not supported by this server: use client-side "
                          "apply (kubectl apply --server-side=false)");
    while (f < ARRAY_LEN(FORMS) && !str_eq_nocase(FORMS[f].type, type))
        f++;
    if (f == ARRAY_LEN(FORMS) || (FORMS[f].form == PATCH_STRATEGIC && c->kind->is_custom))
        return unknown_form(c, ret_status);
    if (json_parse(buf_str(&c->body), &document, &err) < 0)
        return status_from_err(ret_status, &err);
    if (FORMS[f].form != PATCH_JSON && !json_is_object(document)) {
        json_decref(document);
        return status_set(ret_status, ERR_BADREQUEST, "the patch is not an object");
    }
    struct patch *p = NEW(struct patch);
    *p = (struct patch){FORMS[f].form, document, kind_ref(c->kind)};
    *ret_patch = p;
    return 0;
}

void patch_run(struct call *c)
{
    struct registry_request req;
    struct registry_change ch = {.fn = change, .free = free_patch};
    struct patch *p = NULL;
    json_t *status = NULL;

    if (verb_request(c, &req, &status) < 0 || parse_patch(c, &p, &status) < 0) {
        call_fail(c, status);
        return;
    }
    ch.cookie = p;
    c->op = registry_update(c->rest->server->registry, &req, &ch, verb_done, c);
}
