/*
 * Reads come from the store of labelled Services; the server is asked only when a creation says that another
 * one is there, or one of ours lost its label.
 */
#include "controller/service.h"

#include "core/labels.h"
#include "kube/object.h"

#define SERVICE_PORT 80

struct str service_target(struct arena *a, const struct address_site *site,
                          const struct connector_class *cls)
{
    const struct class_service *proxy = &cls->proxy;
    struct addr ip;
    struct url url;

    if (!proxy->present || site->proxy_address.n)
        return STR_NONE;
    if (proxy->name.n)
        return arena_fmt(a, "%" STR_FMT ".%" STR_FMT ".svc.%" STR_FMT, STR_ARG(proxy->name),
                         STR_ARG(proxy->ns.n ? proxy->ns : site->system_ns),
                         STR_ARG(site->cluster_domain));
    /* The path form leads straight to the URI. */
    if (cls->resolver_path || url_parse(proxy->uri, &url, NULL) < 0 ||
        addr_parse_ip(url.host, 0, &ip) == 0)
        return STR_NONE;
    return arena_str(a, url.host);
}

bool service_is_owned(const json_t *service, const json_t *connector)
{
    const json_t *owners = json_at(service, "metadata", "ownerReferences", NULL);
    const json_t *owner;
    size_t i;

    json_array_foreach(owners, i, owner)
    {
        if (kobj_uid(connector).n && str_eq(json_str(owner, "uid"), kobj_uid(connector)))
            return true;
    }
    return false;
}

static struct kube_key key_of(struct arena *a, const json_t *connector)
{
    return (struct kube_key){
        .ns = kobj_ns(connector),
        .name = arena_fmt(a, "c-%" STR_FMT, STR_ARG(kobj_name(connector))),
    };
}

/* Puts our part into a Service; returns whether that changed it. */
static bool shape(json_t *service, const json_t *connector, struct str target)
{
    json_t *before JSON_OWNED = json_clone(service);
    json_t *spec = json_object_at(service, "spec");
    json_t *port = json_object();
    json_t *ports = json_array();
    json_t *owners;

    kobj_set_label(service, LABEL_MANAGED_BY, STR(MANAGED_BY_VALUE));
    if (!service_is_owned(service, connector)) {
        owners = json_array();
        json_array_append_new(owners, kobj_owner_ref(connector));
        json_set(json_object_at(service, "metadata"), "ownerReferences", owners);
    }
    json_set_str(spec, "type", STR("ExternalName"));
    json_set_str(spec, "externalName", target);
    json_set_str(port, "name", STR("http"));
    json_set_str(port, "protocol", STR("TCP"));
    json_set(port, "port", json_integer(SERVICE_PORT));
    json_set(port, "targetPort", json_integer(SERVICE_PORT));
    json_array_append_new(ports, port);
    json_set(spec, "ports", ports);
    json_del(spec, "selector");
    json_del(spec, "clusterIP");
    json_del(spec, "clusterIPs");
    return !json_equal(before, service);
}

json_t *service_make(struct arena *a, const json_t *connector, struct str target)
{
    struct kube_key key = key_of(a, connector);
    json_t *service = kobj_new(&KUBE_SERVICES, key.ns, key.name);

    shape(service, connector, target);
    return service;
}

/* What the server has under that name, whatever its labels; NULL when nothing. */
static int read_service(const struct plane *p, struct kube_key key, json_t **ret_service,
                        struct err *err)
{
    int rc = kube_get(p->client, &KUBE_SERVICES, key.ns, key.name, ret_service, err);

    if (rc != -ERR_NOTFOUND)
        return rc;
    *ret_service = NULL;
    return 0;
}

static void set_result(struct service_result *r, const char *reason, struct str message)
{
    *r = (struct service_result){.reason = reason, .message = message};
}

/* Repairs the Connector's Service. */
static int repair(const struct plane *p, const json_t *connector, const json_t *service,
                  struct str target, struct err *err)
{
    json_t *wanted JSON_OWNED = json_clone(service);

    if (!shape(wanted, connector, target))
        return 0;
    return kube_update(p->client, &KUBE_SERVICES, wanted, STR_NONE, NULL, err);
}

static void set_conflict(struct arena *a, struct str name, struct service_result *r)
{
    set_result(r, "ServiceConflict",
               arena_fmt(a,
                         "Service '%" STR_FMT
                         "' exists and is not this Connector's; delete or rename one of them",
                         STR_ARG(name)));
}

static int create(const struct plane *p, struct arena *a, const json_t *connector,
                  struct str target, struct service_result *ret_result, struct err *err)
{
    json_t *wanted JSON_OWNED = service_make(a, connector, target);
    struct err why = {0};
    int rc = kube_create(p->client, &KUBE_SERVICES, wanted, NULL, &why);

    if (rc == -ERR_INVALID || rc == -ERR_FORBIDDEN) {
        set_result(ret_result, "ServiceError", arena_str(a, str_c(why.msg)));
        return 0;
    }
    if (rc < 0)
        return err_set(err, why.code, "%s", why.msg);
    *ret_result = (struct service_result){.is_ok = true};
    return 0;
}

int service_ensure(const struct plane *p, struct arena *a, const json_t *connector,
                   struct str target, struct service_result *ret_result, struct err *err)
{
    struct kube_key key = key_of(a, connector);
    json_t *present JSON_OWNED = inventory_service(p->inventory, key);
    int rc;

    if (!present) {
        rc = create(p, a, connector, target, ret_result, err);
        if (rc != -ERR_EXISTS)
            return rc;
        rc = read_service(p, key, &present, err);
        if (rc < 0)
            return rc;
    }
    if (!present)
        return err_set(err, ERR_CONFLICT, "Service '%" STR_FMT "' is being deleted",
                       STR_ARG(key.name));
    if (!service_is_owned(present, connector)) {
        set_conflict(a, key.name, ret_result);
        return 0;
    }
    *ret_result = (struct service_result){.is_ok = true};
    return repair(p, connector, present, target, err);
}

int service_remove(const struct plane *p, struct arena *a, const json_t *connector, struct err *err)
{
    struct kube_key key = key_of(a, connector);
    json_t *known JSON_OWNED = inventory_service(p->inventory, key);
    json_t *options JSON_OWNED = json_object();
    int rc;

    if (!known || !service_is_owned(known, connector))
        return 0;
    json_set_str(json_object_at(options, "preconditions"), "uid", kobj_uid(known));
    rc = kube_delete(p->client, &KUBE_SERVICES, key.ns, key.name, options, err);
    return rc == -ERR_NOTFOUND ? 0 : rc;
}
