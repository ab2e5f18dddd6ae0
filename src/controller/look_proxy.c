/*
 * The proxy address of a Connector and what makes it reachable.
 */
#include "controller/look.h"

#include "base/time.h"
#include "controller/service.h"
#include "core/labels.h"

#define CONDITION "ProxyServiceReady"
#define CONFLICT_RETRY_US (30 * TIME_US_PER_S) /* a foreign Service is not watched */

/* The audience a token for this proxy must have; empty when the class does not say. */
static struct str audience_of(const struct look *k)
{
    struct str own = json_str_at(k->class_object, "spec", "proxy", "audience", NULL);

    if (own.n == 0 && class_uses_builtin_proxy(k->cls, k->plane->site.system_ns))
        return STR(PROXY_AUDIENCE);
    return own;
}

static void set_address(struct look *k, struct str url)
{
    json_t *address =
        json_object_at(json_object_at(json_object_at(k->now, "status"), "proxy"), "httpAddress");
    struct str audience = audience_of(k);
    struct str certs = json_str_at(k->class_object, "spec", "proxy", "CACerts", NULL);

    json_object_clear(address);
    json_set_str(address, "url", url);
    if (audience.n)
        json_set_str(address, "audience", audience);
    if (certs.n)
        json_set_str(address, "CACerts", certs);
}

/* What the class's own ProxyReady means for its Connectors. */
static void set_from_class(struct look *k)
{
    const json_t *ready = kobj_condition(k->class_object, "ProxyReady");
    struct str status = json_str(ready, "status");
    struct str message = json_str(ready, "message");

    if (str_eq_c(status, "True"))
        condition_set_true(k->now, CONDITION, "AddressAllocated");
    else if (!str_eq_c(status, "False"))
        condition_set_unknown(k->now, CONDITION, "Checking");
    else if (condition_has_reason(k->class_object, "ProxyReady", "ServiceNotFound"))
        condition_set_false(k->now, CONDITION, "ProxyServiceNotFound", message);
    else
        condition_set_false(k->now, CONDITION, "ProxyNotReady", message);
}

/* The event that goes with a conflict, once. */
static void tell_conflict(struct look *k, const struct service_result *result)
{
    if (!condition_has_reason(k->old, CONDITION, result->reason))
        event_record(k->plane->events, k->old, "Warning", result->reason, "%" STR_FMT,
                     STR_ARG(result->message));
}

static int keep_service(struct look *k, struct str target, struct service_result *ret_result,
                        struct err *err)
{
    *ret_result = (struct service_result){.is_ok = true};
    if (target.n == 0)
        return service_remove(k->plane, k->arena, k->old, err);
    return service_ensure(k->plane, k->arena, k->old, target, ret_result, err);
}

int look_proxy(struct look *k, struct err *err)
{
    struct service_result result;
    struct str url, target;
    int rc;

    if (k->blocked) {
        json_del(json_object_at(k->now, "status"), "proxy");
        condition_set_unknown(k->now, CONDITION, k->blocked);
        return 0;
    }
    target = service_target(k->arena, &k->plane->site, k->cls);
    rc = keep_service(k, target, &result, err);
    if (rc < 0)
        return rc;
    url = address_of_proxy(k->arena, &k->plane->site, k->cls, k->key.ns, k->key.name);
    if (url.n == 0) {
        json_del(json_object_at(k->now, "status"), "proxy");
        condition_set_true(k->now, CONDITION, "NonProxy");
        return 0;
    }
    if (!result.is_ok) {
        json_del(json_object_at(k->now, "status"), "proxy");
        tell_conflict(k, &result);
        condition_set_false(k->now, CONDITION, result.reason, result.message);
        k->requeue_us = CONFLICT_RETRY_US;
        return 0;
    }
    set_address(k, url);
    set_from_class(k);
    return 0;
}
