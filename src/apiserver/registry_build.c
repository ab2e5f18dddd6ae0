/*
 * From what the client sent to the object that will be stored.
 *
 * The order is that of kube-apiserver: shape and unknown fields, what the server owns, defaults, then
 * validation, which therefore sees the final object.
 */
#include "apiserver/meta.h"
#include "apiserver/registry_priv.h"
#include "apiserver/schema.h"
#include "kube/object.h"

static const char MODIFIED[] = "the object has been modified; please apply your changes to the "
                               "latest version and try again";

static const struct kind_hooks NO_HOOKS = {0};

static const struct kind_hooks *hooks_of(const struct registry_op *op)
{
    return op->req.kind->hooks ? op->req.kind->hooks : &NO_HOOKS;
}

/* Turns unknown fields into a refusal or warnings, as the request asked. */
static int judge_unknown(struct registry_op *op, const json_t *unknown)
{
    struct buf text CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);
    size_t i;
    json_t *v;

    if (!json_array_size(unknown) || op->fields == REGISTRY_FIELDS_IGNORE)
        return 0;
    json_array_foreach(unknown, i, v)
    {
        struct str line =
            arena_fmt(op->arena, "unknown field \"%" STR_FMT "\"", STR_ARG(json_str_of(v)));
        if (op->fields == REGISTRY_FIELDS_WARN)
            json_array_append_new(op->req.warnings, json_from_str(line));
        buf_addf(&text, "%s%" STR_FMT, i ? ", " : "", STR_ARG(line));
    }
    if (op->fields == REGISTRY_FIELDS_WARN)
        return 0;
    return status_set(&op->status, ERR_BADREQUEST, "strict decoding error: %s", buf_c(&text));
}

static int shape(struct registry_op *op)
{
    json_t *unknown JSON_OWNED = json_array();
    int rc = meta_shape(op->object, unknown, &op->status);

    if (rc < 0)
        return rc;
    json_set_str(op->object, "apiVersion", op->req.kind->api_version);
    json_set_str(op->object, "kind", op->req.kind->kind);
    if (op->req.kind->schema)
        schema_prune(op->req.kind->schema, op->object, unknown);
    return judge_unknown(op, unknown);
}

static int validate(struct registry_op *op, const json_t *old)
{
    struct field_errors errors CLEANUP(field_errors_fini);
    const struct kind_hooks *hooks = hooks_of(op);
    json_t *status = NULL;

    field_errors_init(&errors, op->arena);
    meta_validate(&op->req, op->object, old, &errors);
    if (op->req.kind->schema)
        schema_validate(op->req.kind->schema, op->object, old, &errors);
    if (hooks->validate)
        hooks->validate(&op->req, op->object, old, &errors);
    if (errors.items.n)
        return status_invalid(&op->status, op->req.kind, kobj_name(op->object), &errors);
    if (!hooks->check)
        return 0;
    int rc = hooks->check(&op->req, op->object, old, &status);
    if (rc < 0)
        op->status = status;
    return rc;
}

static int check_names(struct registry_op *op)
{
    json_t *meta = json_object_get(op->object, "metadata");
    struct str ns = json_str(meta, "namespace");
    struct str name = json_str(meta, "name");

    if (op->req.kind->namespaced && ns.n && !str_eq(ns, op->req.ns))
        return status_set(&op->status, ERR_BADREQUEST,
                          "the namespace of the provided object does not match the namespace sent "
                          "on the request");
    if (op->req.name.n && name.n && !str_eq(name, op->req.name))
        return status_set(&op->status, ERR_BADREQUEST,
                          "the name of the object (%" STR_FMT ") does not match the name on the "
                          "URL (%" STR_FMT ")",
                          STR_ARG(name), STR_ARG(op->req.name));
    if (op->req.name.n)
        json_set_str(meta, "name", op->req.name);
    return 0;
}

/* A new object from op->object. */
static int build_new(struct registry_op *op)
{
    const struct kind_hooks *hooks = hooks_of(op);
    int rc = shape(op);

    if (rc == 0)
        rc = check_names(op);
    if (rc < 0)
        return rc;
    if (kobj_rv(op->object).n && op->verb == REGISTRY_CREATE)
        return status_set(&op->status, ERR_BADREQUEST,
                          "resourceVersion should not be set on objects to be created");
    if (op->req.kind->has_status)
        json_del(op->object, "status");
    meta_prepare_create(&op->req, op->object);
    if (hooks->prepare_create)
        hooks->prepare_create(&op->req, op->object);
    if (op->req.kind->schema)
        schema_default(op->req.kind->schema, op->object);
    op->created = true;
    return validate(op, NULL);
}

static int build_create(struct registry_op *op)
{
    op->object = json_clone(op->input);
    int rc = build_new(op);
    /* What is wrong with the object is said before that there is one already. */
    if (rc == 0 && op->old)
        rc = status_exists(&op->status, op->req.kind, op->req.name);
    return rc;
}

/* Compares what the client believes with what is. */
static int check_expected(struct registry_op *op)
{
    struct str uid = kobj_uid(op->object);
    struct str rv = kobj_rv(op->object);
    struct str name = kobj_name(op->old);

    if (uid.n && !str_eq(uid, kobj_uid(op->old))) {
        struct str why = arena_fmt(op->arena,
                                   "Precondition failed: UID in precondition: %" STR_FMT
                                   ", UID in object meta: %" STR_FMT,
                                   STR_ARG(uid), STR_ARG(kobj_uid(op->old)));
        return status_conflict(&op->status, op->req.kind, name, why.p);
    }
    if (!rv.n && op->req.kind->is_custom && op->req.user) {
        struct field_errors errors CLEANUP(field_errors_fini);
        field_errors_init(&errors, op->arena);
        json_t *zero JSON_OWNED = json_integer(0);
        field_errors_add(&errors, FIELD_INVALID, STR("metadata.resourceVersion"), zero,
                         "must be specified for an update");
        return status_invalid(&op->status, op->req.kind, name, &errors);
    }
    if (rv.n && !str_eq(rv, STR("0")) && !str_eq(rv, kobj_rv(op->old))) {
        return status_conflict(&op->status, op->req.kind, name, MODIFIED);
    }
    return 0;
}

/* A status request changes nothing but status; any other leaves status alone. */
static void keep_other_part(struct registry_op *op)
{
    if (!op->req.kind->has_status)
        return;
    if (str_eq(op->req.subresource, STR("status"))) {
        json_t *status = json_incref(json_object_get(op->object, "status"));
        json_decref(op->object);
        op->object = json_clone(op->old);
        if (status)
            json_set(op->object, "status", status);
        else
            json_del(op->object, "status");
        return;
    }
    json_t *status = json_object_get(op->old, "status");
    if (status)
        json_set(op->object, "status", json_clone(status));
    else
        json_del(op->object, "status");
}

/* Whether nothing holds a deleted object any more. */
static bool is_released(const struct registry_op *op, const json_t *object)
{
    const struct kind_hooks *hooks = hooks_of(op);

    return kobj_is_deleting(object) &&
           json_array_size(json_at(object, "metadata", "finalizers", NULL)) == 0 &&
           !(hooks->holds && hooks->holds(object));
}

static int build_update(struct registry_op *op)
{
    const struct kind_hooks *hooks = hooks_of(op);
    json_t *status = NULL;

    if (!op->old && !op->change.may_create)
        return status_not_found(&op->status, op->req.kind, op->req.name);
    int rc = op->change.fn(op->change.cookie, op->old, &op->object, &status);
    if (rc < 0) {
        op->status = status;
        return rc;
    }
    if (!op->old)
        return build_new(op);
    rc = shape(op);
    if (rc == 0)
        rc = check_names(op);
    if (rc == 0)
        rc = check_expected(op);
    if (rc < 0)
        return rc;
    keep_other_part(op);
    meta_prepare_update(&op->req, op->object, op->old);
    if (hooks->prepare_update)
        hooks->prepare_update(&op->req, op->object, op->old);
    if (op->req.kind->schema)
        schema_default(op->req.kind->schema, op->object);
    return validate(op, op->old);
}

/* Sets or clears the finalizer of a propagation policy; returns whether the list changed. */
static bool set_finalizer(json_t *object, const char *name, bool wanted)
{
    json_t *meta = json_object_at(object, "metadata");
    json_t *list = json_object_get(meta, "finalizers");
    size_t i;
    json_t *v;

    if (kobj_has_finalizer(object, name) == wanted)
        return false;
    if (wanted) {
        if (!json_is_array(list)) {
            list = json_array();
            json_set(meta, "finalizers", list);
        }
        json_array_append_new(list, json_string(name));
        return true;
    }
    json_array_foreach(list, i, v)
    {
        if (str_eq_c(json_str_of(v), name)) {
            json_array_remove(list, i);
            break;
        }
    }
    if (json_array_size(list) == 0)
        json_del(meta, "finalizers");
    return true;
}

static int check_deletion(struct registry_op *op)
{
    struct str uid = op->deletion.uid;
    struct str rv = op->deletion.resource_version;
    const char *what = NULL;
    struct str want = STR_NONE, is = STR_NONE;

    if (uid.n && !str_eq(uid, kobj_uid(op->old))) {
        what = "UID";
        want = uid;
        is = kobj_uid(op->old);
    } else if (rv.n && !str_eq(rv, kobj_rv(op->old))) {
        what = "ResourceVersion";
        want = rv;
        is = kobj_rv(op->old);
    }
    if (!what)
        return 0;
    struct str why = arena_fmt(op->arena,
                               "Precondition failed: %s in precondition: %" STR_FMT
                               ", %s in object meta: %" STR_FMT,
                               what, STR_ARG(want), what, STR_ARG(is));
    return status_conflict(&op->status, op->req.kind, kobj_name(op->old), why.p);
}

static int build_delete(struct registry_op *op)
{
    const struct kind_hooks *hooks = hooks_of(op);
    enum registry_propagation p = op->deletion.propagation;
    int rc;

    if (!op->old)
        return status_not_found(&op->status, op->req.kind, op->req.name);
    rc = check_deletion(op);
    if (rc < 0)
        return rc;
    op->object = json_clone(op->old);
    if (p != REGISTRY_PROPAGATE_BACKGROUND) {
        set_finalizer(op->object, "foregroundDeletion", p == REGISTRY_PROPAGATE_FOREGROUND);
        set_finalizer(op->object, "orphan", p == REGISTRY_PROPAGATE_ORPHAN);
    }
    if (!kobj_is_deleting(op->object)) {
        meta_mark_deleted(op->object, op->req.wall_us);
        if (hooks->prepare_delete)
            hooks->prepare_delete(&op->req, op->object);
    }
    op->removes = is_released(op, op->object);
    return 0;
}

int registry_build(struct registry_op *op)
{
    switch (op->verb) {
    case REGISTRY_CREATE:
        return build_create(op);
    case REGISTRY_UPDATE:
        return build_update(op);
    case REGISTRY_DELETE:
        break;
    }
    return build_delete(op);
}

void registry_settle(struct registry_op *op)
{
    if (op->verb != REGISTRY_UPDATE || !op->old)
        return;
    meta_bump_generation(op->req.kind, op->object, op->old);
    op->removes = is_released(op, op->object);
}
