/*
 * Pod: a record, since there is no node that would run it.
 *
 * What matters to our components is kept exact: ServiceAccount, scheduling gates, phase, and that the
 * specification of a Pod does not change after it was created.
 */
#include "apiserver/hooks.h"

#include "apiserver/meta.h"
#include "base/map.h"
#include "base/time.h"
#include "kube/object.h"

static const char IMMUTABLE[] =
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/* The condition of a Pod that waits for its gates. */
static json_t *gated_condition(int64_t wall_us)
{
    json_t *c = json_object();
    char now[TIME_RFC3339_BYTES];

    json_set_str(c, "type", STR("PodScheduled"));
    json_set_str(c, "status", STR("False"));
    json_set_str(c, "lastTransitionTime", str_c(time_format_s(wall_us, now)));
    json_set_str(c, "reason", STR("SchedulingGated"));
    json_set_str(c, "message", STR("Scheduling is blocked due to non-empty scheduling gates"));
    return c;
}

/* Guaranteed and Burstable need resources, which records do not use: any request or limit makes Burstable. */
static struct str qos_class(const json_t *object)
{
    size_t i;
    json_t *c;

    json_array_foreach(json_at(object, "spec", "containers", NULL), i, c)
    {
        if (json_object_size(json_at(c, "resources", "requests", NULL)) ||
            json_object_size(json_at(c, "resources", "limits", NULL)))
            return STR("Burstable");
    }
    return STR("BestEffort");
}

static void pod_create(const struct kind_request *r, json_t *object)
{
    json_t *status = json_object();

    json_set_str(status, "phase", STR("Pending"));
    if (json_array_size(json_at(object, "spec", "schedulingGates", NULL))) {
        json_t *conditions = json_array();
        json_array_append_new(conditions, gated_condition(r->wall_us));
        json_set(status, "conditions", conditions);
    }
    json_set_str(status, "qosClass", qos_class(object));
    json_set(object, "status", status);
}

static void check_containers(const struct kind_request *r, const json_t *list, const char *path,
                             struct map *names, struct field_errors *errors)
{
    size_t i;
    json_t *c;

    json_array_foreach((json_t *)list, i, c)
    {
        struct str name = json_str(c, "name");
        struct str at = arena_fmt(r->arena, "%s[%zu].name", path, i);
        if (!name.n)
            field_errors_add(errors, FIELD_REQUIRED, at, NULL, NULL);
        else
            meta_validate_name(KIND_NAME_LABEL, at, name, errors);
        if (name.n && map_put(names, name, c))
            field_errors_add_str(errors, FIELD_DUPLICATE, at, name, NULL);
        if (!json_str(c, "image").n)
            field_errors_add(errors, FIELD_REQUIRED, arena_fmt(r->arena, "%s[%zu].image", path, i),
                             NULL, NULL);
    }
}

/* A specification without what an update may change. */
static json_t *fixed_part(const json_t *object)
{
    static const char *const LISTS[] = {"containers", "initContainers"};
    static const char *const CHANGEABLE[] = {"activeDeadlineSeconds", "tolerations",
                                             "terminationGracePeriodSeconds", "schedulingGates"};
    json_t *spec = json_clone(json_object_get(object, "spec"));
    size_t i;
    json_t *c;

    for (size_t k = 0; k < ARRAY_LEN(CHANGEABLE); k++)
        json_del(spec, CHANGEABLE[k]);
    for (size_t k = 0; k < ARRAY_LEN(LISTS); k++)
        json_array_foreach(json_object_get(spec, LISTS[k]), i, c) json_del(c, "image");
    /* Where a gated Pod may run can still be narrowed; a record runs nowhere. */
    if (json_array_size(json_at(object, "spec", "schedulingGates", NULL)))
        json_del(spec, "nodeSelector");
    return spec;
}

static bool has_gate(const json_t *gates, struct str name)
{
    size_t i;
    json_t *g;

    json_array_foreach((json_t *)gates, i, g)
    {
        if (str_eq(json_str(g, "name"), name))
            return true;
    }
    return false;
}

static void check_gates(const struct kind_request *r, const json_t *gates, const json_t *old,
                        struct field_errors *errors)
{
    size_t i;
    json_t *g;

    json_array_foreach((json_t *)gates, i, g)
    {
        struct str name = json_str(g, "name");
        if (!has_gate(old, name))
            field_errors_add(
                errors, FIELD_FORBIDDEN, arena_fmt(r->arena, "spec.schedulingGates[%zu].name", i),
                NULL, "only deletion is allowed, but found new scheduling gate '%" STR_FMT "'",
                STR_ARG(name));
    }
}

static void check_tolerations(const json_t *now, const json_t *old, struct field_errors *errors)
{
    size_t i, j;
    json_t *was, *is;

    json_array_foreach((json_t *)old, i, was)
    {
        bool kept = false;
        json_array_foreach((json_t *)now, j, is) kept |= json_equal(was, is);
        if (!kept) {
            field_errors_add(
                errors, FIELD_FORBIDDEN, STR("spec.tolerations"), NULL,
                "existing toleration can not be modified except its tolerationSeconds");
            return;
        }
    }
}

static void check_update(const struct kind_request *r, const json_t *object, const json_t *old,
                         struct field_errors *errors)
{
    json_t *now JSON_OWNED = fixed_part(object);
    json_t *was JSON_OWNED = fixed_part(old);

    if (!json_equal(now, was))
        field_errors_add(errors, FIELD_FORBIDDEN, STR("spec"), NULL, "%s", IMMUTABLE);
    check_gates(r, json_at(object, "spec", "schedulingGates", NULL),
                json_at(old, "spec", "schedulingGates", NULL), errors);
    check_tolerations(json_at(object, "spec", "tolerations", NULL),
                      json_at(old, "spec", "tolerations", NULL), errors);
}

static void pod_validate(const struct kind_request *r, const json_t *object, const json_t *old,
                         struct field_errors *errors)
{
    struct map *names CLEANUP(map_freep) = map_new();
    const json_t *spec = json_object_get(object, "spec");
    const json_t *containers = json_object_get(spec, "containers");

    if (!json_array_size(containers))
        field_errors_add(errors, FIELD_REQUIRED, STR("spec.containers"), NULL, NULL);
    check_containers(r, containers, "spec.containers", names, errors);
    check_containers(r, json_object_get(spec, "initContainers"), "spec.initContainers", names,
                     errors);
    if (json_str(spec, "nodeName").n && json_array_size(json_object_get(spec, "schedulingGates")))
        field_errors_add(errors, FIELD_FORBIDDEN, STR("spec.nodeName"), NULL,
                         "cannot be set until all schedulingGates have been cleared");
    if (old)
        check_update(r, object, old, errors);
}

const struct kind_hooks hooks_pod = {.prepare_create = pod_create, .validate = pod_validate};
