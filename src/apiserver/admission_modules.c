/*
 * NamespaceLifecycle, CustomResourceLifecycle and ServiceAccount, as kube-apiserver has them.
 */
#include "apiserver/admission_modules.h"

#include "apiserver/crd_priv.h"
#include "apiserver/registry.h"
#include "apiserver/server.h"
#include "kube/object.h"

static const struct kind *core_kind(const struct admission_request *r, struct str plural)
{
    return kinds_find(r->req.server->kinds, STR_NONE, STR("v1"), plural);
}

static bool is_core(const struct admission_request *r, struct str plural)
{
    return !r->req.kind->group.n && str_eq(r->req.kind->plural, plural);
}

static int check_namespace_delete(struct admission_request *r)
{
    static const struct str KEPT[] = {STR_INIT("default"), STR_INIT("kube-system"),
                                      STR_INIT("kube-public")};

    for (size_t i = 0; i < ARRAY_LEN(KEPT); i++) {
        if (str_eq(r->req.name, KEPT[i]))
            return status_forbidden(&r->status, r->req.kind, r->req.name,
                                    STR("this namespace may not be deleted"));
    }
    return 0;
}

/* The cause by which clients see that trying again is of no use. */
static void add_cause(json_t *status, struct str ns)
{
    json_t *causes = json_array();
    json_t *cause = json_object();
    char text[320];

    snprintf(text, sizeof(text), "namespace %" STR_FMT " is being terminated", STR_ARG(ns));
    json_set_str(cause, "reason", STR("NamespaceTerminating"));
    json_set_str(cause, "message", str_c(text));
    json_set_str(cause, "field", STR("metadata.namespace"));
    json_array_append_new(causes, cause);
    json_set(json_object_at(status, "details"), "causes", causes);
}

int admission_modules_namespace(struct admission_request *r)
{
    const struct kind *namespaces = core_kind(r, STR("namespaces"));

    if (r->verb == ADMISSION_DELETE)
        return is_core(r, STR("namespaces")) ? check_namespace_delete(r) : 0;
    if (!r->req.kind->namespaced)
        return 0;
    const json_t *ns = registry_get(r->req.server->registry, namespaces, STR_NONE, r->req.ns);
    if (!ns)
        return status_not_found(&r->status, namespaces, r->req.ns);
    if (!kobj_is_deleting(ns))
        return 0;
    struct str why = arena_fmt(r->req.arena,
                               "unable to create new content in namespace %" STR_FMT
                               " because it is being terminated",
                               STR_ARG(r->req.ns));
    int rc = status_forbidden(&r->status, r->req.kind, r->req.name, why);
    add_cause(r->status, r->req.ns);
    return rc;
}

int admission_modules_custom(struct admission_request *r)
{
    const struct kind *k = r->req.kind;

    if (!k->is_custom)
        return 0;
    struct str name =
        arena_fmt(r->req.arena, "%" STR_FMT ".%" STR_FMT, STR_ARG(k->plural), STR_ARG(k->group));
    const json_t *crd =
        registry_get(r->req.server->registry, crd_kind(r->req.server), STR_NONE, name);
    if (crd && !kobj_is_deleting(crd))
        return 0;
    return status_set(&r->status, ERR_METHOD,
                      "create not allowed while custom resource definition is terminating");
}

int admission_modules_set_account(struct admission_request *r)
{
    if (!is_core(r, STR("pods")))
        return 0;
    json_t *spec = json_object_at(r->object, "spec");
    struct str name = json_str(spec, "serviceAccountName");
    if (!name.n)
        name = json_str(spec, "serviceAccount");
    if (!name.n)
        name = STR("default");
    name = arena_str(r->req.arena, name);
    json_set_str(spec, "serviceAccountName", name);
    json_set_str(spec, "serviceAccount", name);
    return 0;
}

int admission_modules_check_account(struct admission_request *r)
{
    struct str name = json_str_at(r->object, "spec", "serviceAccountName", NULL);

    if (!is_core(r, STR("pods")) ||
        registry_get(r->req.server->registry, core_kind(r, STR("serviceaccounts")), r->req.ns,
                     name))
        return 0;
    struct str why = arena_fmt(r->req.arena,
                               "error looking up service account %" STR_FMT "/%" STR_FMT
                               ": serviceaccount \"%" STR_FMT "\" not found",
                               STR_ARG(r->req.ns), STR_ARG(name), STR_ARG(name));
    return status_forbidden(&r->status, r->req.kind, kobj_name(r->object), why);
}
