/*
 * Operands to resources.
 */
#include "cli/target.h"

#include "kube/object.h"

static int unknown_kind(struct err *err, struct str kind)
{
    return err_set(err, ERR_NOTFOUND, "the API server has no resource type '%" STR_FMT "'",
                   STR_ARG(kind));
}

int target_parse(const struct session *s, const struct discovery *d,
                 const struct target_operands *o, struct target *t, struct err *err)
{
    struct str first, kind;

    *t = (struct target){0};
    if (o->count < 1)
        return err_set(err, ERR_USAGE, "name a resource type, e.g. `connectors get connectors`");
    first = str_c(o->words[0]);
    kind = str_cut(&first, '/');
    t->resource = discovery_by_name(d, kind);
    if (!t->resource)
        return unknown_kind(err, kind);
    if (first.p) {
        if (o->count > 1)
            return err_set(err, ERR_USAGE, "use KIND/NAME or KIND NAME..., not both");
        VEC_PUSH(&t->names, first);
    }
    for (int i = 1; i < o->count; i++)
        VEC_PUSH(&t->names, str_c(o->words[i]));
    if (t->names.n && o->all_namespaces) {
        target_fini(t);
        return err_set(err, ERR_USAGE, "a resource cannot be named across all namespaces");
    }
    t->ns = t->resource->namespaced && !o->all_namespaces ? s->ns : STR_NONE;
    return 0;
}

void target_fini(struct target *t)
{
    VEC_FINI(&t->names);
}

int target_of_object(const struct session *s, const struct discovery *d, json_t *object,
                     const struct kube_resource **ret_resource, struct err *err)
{
    const struct kube_resource *r =
        discovery_by_kind(d, kobj_api_version(object), kobj_kind(object));
    json_t *meta = json_object_at(object, "metadata");

    if (!r)
        return err_set(err, ERR_NOTFOUND,
                       "the API server serves no kind '%" STR_FMT "' of '%" STR_FMT "'",
                       STR_ARG(kobj_kind(object)), STR_ARG(kobj_api_version(object)));
    if (str_is_empty(kobj_name(object)) && str_is_empty(json_str(meta, "generateName")))
        return err_set(err, ERR_INVALID, "%" STR_FMT ": metadata.name: Required value",
                       STR_ARG(kobj_kind(object)));
    if (!r->namespaced)
        json_del(meta, "namespace");
    else if (str_is_empty(kobj_ns(object)))
        json_set_str(meta, "namespace", s->ns);
    *ret_resource = r;
    return 0;
}
