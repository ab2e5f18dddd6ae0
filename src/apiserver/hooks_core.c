/*
 * Namespace, ServiceAccount, Service, Event and Lease: what their schemas cannot say.
 */
#include "apiserver/hooks.h"

#include "kube/object.h"

/* --- Namespace: stays until its finalizer "kubernetes" is taken off by the namespace controller */

#define NAME_LABEL "kubernetes.io/metadata.name"

static void set_phase(json_t *object, struct str phase)
{
    json_set_str(json_object_at(object, "status"), "phase", phase);
}

static void namespace_create(const struct kind_request *r, json_t *object)
{
    json_t *spec = json_object_at(object, "spec");
    json_t *finalizers = json_array();

    json_array_append_new(finalizers, json_string("kubernetes"));
    json_set(spec, "finalizers", finalizers);
    set_phase(object, STR("Active"));
    if (kobj_name(object).n)
        kobj_set_label(object, NAME_LABEL, kobj_name(object));
}

static void namespace_update(const struct kind_request *r, json_t *object, const json_t *old)
{
    json_t *spec = json_object_at(object, "spec");
    json_t *finalizers = json_at(old, "spec", "finalizers", NULL);

    kobj_set_label(object, NAME_LABEL, kobj_name(old));
    if (str_eq(r->subresource, STR("finalize")))
        return;
    if (finalizers)
        json_set(spec, "finalizers", json_clone(finalizers));
    else
        json_del(spec, "finalizers");
}

static void namespace_delete(const struct kind_request *r, json_t *object)
{
    set_phase(object, STR("Terminating"));
}

static bool namespace_holds(const json_t *object)
{
    return json_array_size(json_at(object, "spec", "finalizers", NULL)) > 0;
}

const struct kind_hooks hooks_namespace = {
    .prepare_create = namespace_create,
    .prepare_update = namespace_update,
    .prepare_delete = namespace_delete,
    .holds = namespace_holds,
};

const struct kind_hooks hooks_serviceaccount = {0};

/* --- Service: a record; nothing here routes to an address of its own, so none is made up */

static void service_defaults(json_t *object)
{
    json_t *spec = json_object_at(object, "spec");
    struct str type = json_str(spec, "type");
    size_t i;
    json_t *port;

    if ((!type.n || str_eq(type, STR("ClusterIP"))) && !json_str(spec, "clusterIP").n) {
        json_t *ips = json_array();
        json_array_append_new(ips, json_string("None"));
        json_set_str(spec, "clusterIP", STR("None"));
        json_set(spec, "clusterIPs", ips);
    }
    json_array_foreach(json_object_get(spec, "ports"), i, port)
    {
        if (json_is_object(port) && !json_object_get(port, "targetPort") &&
            json_object_get(port, "port"))
            json_set(port, "targetPort", json_clone(json_object_get(port, "port")));
    }
}

static void service_create(const struct kind_request *r, json_t *object)
{
    service_defaults(object);
    json_set(object, "status", json_object());
    json_set(json_object_get(object, "status"), "loadBalancer", json_object());
}

static void service_update(const struct kind_request *r, json_t *object, const json_t *old)
{
    struct str ip = json_str_at(old, "spec", "clusterIP", NULL);

    if (ip.n && !json_str_at(object, "spec", "clusterIP", NULL).n)
        json_set_str(json_object_at(object, "spec"), "clusterIP", ip);
    service_defaults(object);
}

static void service_validate(const struct kind_request *r, const json_t *object, const json_t *old,
                             struct field_errors *errors)
{
    const json_t *spec = json_object_get(object, "spec");
    const json_t *ports = json_object_get(spec, "ports");
    struct str type = json_str(spec, "type");
    bool headless = str_eq(json_str(spec, "clusterIP"), STR("None"));
    size_t i;
    json_t *port;

    if (str_eq(type, STR("ExternalName")) && !json_str(spec, "externalName").n)
        field_errors_add(errors, FIELD_REQUIRED, STR("spec.externalName"), NULL, NULL);
    if (!str_eq(type, STR("ExternalName")) && !headless && !json_array_size(ports))
        field_errors_add(errors, FIELD_REQUIRED, STR("spec.ports"), NULL, NULL);
    json_array_foreach((json_t *)ports, i, port)
    {
        int64_t n = json_int(port, "port", 0);
        struct str path = arena_fmt(r->arena, "spec.ports[%zu]", i);
        if (n < 1 || n > 65535)
            field_errors_add(
                errors, FIELD_INVALID, arena_fmt(r->arena, "%" STR_FMT ".port", STR_ARG(path)),
                json_object_get(port, "port"), "must be between 1 and 65535, inclusive");
        if (json_array_size(ports) > 1 && !json_str(port, "name").n)
            field_errors_add(errors, FIELD_REQUIRED,
                             arena_fmt(r->arena, "%" STR_FMT ".name", STR_ARG(path)), NULL, NULL);
    }
}

const struct kind_hooks hooks_service = {
    .prepare_create = service_create,
    .prepare_update = service_update,
    .validate = service_validate,
};

/* --- Event: lives in the namespace of what it is about */

static void event_validate(const struct kind_request *r, const json_t *object, const json_t *old,
                           struct field_errors *errors)
{
    struct str about = json_str_at(object, "involvedObject", "namespace", NULL);
    struct str ns = r->ns;

    if (about.n ? !str_eq(about, ns)
                : !str_eq(ns, STR("default")) && !str_eq(ns, STR("kube-system")))
        field_errors_add_str(errors, FIELD_INVALID, STR("involvedObject.namespace"), about,
                             "does not match event.namespace");
}

const struct kind_hooks hooks_event = {.validate = event_validate};

/* --- Lease */

static void lease_validate(const struct kind_request *r, const json_t *object, const json_t *old,
                           struct field_errors *errors)
{
    const json_t *spec = json_object_get(object, "spec");

    if (json_int(spec, "leaseDurationSeconds", 1) <= 0)
        field_errors_add(errors, FIELD_INVALID, STR("spec.leaseDurationSeconds"),
                         json_object_get(spec, "leaseDurationSeconds"), "must be greater than 0");
    if (json_int(spec, "leaseTransitions", 0) < 0)
        field_errors_add(errors, FIELD_INVALID, STR("spec.leaseTransitions"),
                         json_object_get(spec, "leaseTransitions"),
                         "must be greater than or equal to 0");
}

const struct kind_hooks hooks_lease = {.validate = lease_validate};
