/*
 * API and proxy are two sides of the same form: an address, perhaps behind a Service, and a connection attempt.
 */
#include "controller/classes.h"

#include "base/time.h"
#include "controller/condition.h"

#define CONFLICT_RETRY_US (50 * TIME_US_PER_MS)
#define ABSENT_RETRY_US (15 * TIME_US_PER_S)

enum { SIDE_API, SIDE_PROXY, SIDES };

/* What the two sides are called. */
static const struct {
    const char *condition;
    const char *none; /* reason of a class without it */
} SIDE[SIDES] = {
    [SIDE_API] = {"APIReady", "NonAPI"},
    [SIDE_PROXY] = {"ProxyReady", "NonProxy"},
};

struct look {
    const struct plane *plane;
    struct kube_key key;
    struct arena *arena;
    json_t *now; /* the object, changed */
    const struct connector_class *cls;
    struct plan_address addresses[SIDES];
    bool is_absent[SIDES]; /* its Service does not exist */
};

static const struct class_service *service_of(const struct look *k, int side)
{
    return side == SIDE_API ? &k->cls->api : &k->cls->proxy;
}

/* Whether an address is one that the operator gave us, not the class. */
static bool is_own(const struct look *k, int side)
{
    return side == SIDE_PROXY && k->plane->site.proxy_address.n > 0 &&
           class_uses_builtin_proxy(k->cls, k->plane->site.system_ns);
}

/* Resolves one side, and looks whether the Service behind it exists. */
static int resolve(struct look *k, int side, struct err *err)
{
    const struct class_service *service = service_of(k, side);
    struct plan_address *address = &k->addresses[side];
    struct str ns = service->ns.n ? service->ns : k->plane->site.system_ns;
    int rc;

    address->url = address_of_service(k->arena, &k->plane->site, service);
    address->is_own = is_own(k, side);
    if (!service->present || address->is_own || service->name.n == 0)
        return 0;
    rc = kube_get(k->plane->client, &KUBE_SERVICES, ns, service->name, NULL, err);
    if (rc == -ERR_NOTFOUND) {
        k->is_absent[side] = true;
        return 0;
    }
    return rc;
}

static void set_absent(struct look *k, int side)
{
    const struct class_service *service = service_of(k, side);

    condition_set_false(
        k->now, SIDE[side].condition, "ServiceNotFound",
        arena_fmt(k->arena, "Service '%" STR_FMT "' does not exist in namespace '%" STR_FMT "'",
                  STR_ARG(service->name),
                  STR_ARG(service->ns.n ? service->ns : k->plane->site.system_ns)));
}

/* Addresses into the status. */
static void set_addresses(struct look *k)
{
    json_t *status = json_object_at(k->now, "status");

    json_del(status, "api");
    json_del(status, "proxy");
    if (k->addresses[SIDE_API].url.n)
        json_set_str(json_object_at(json_object_at(status, "api"), "address"), "url",
                     k->addresses[SIDE_API].url);
    if (k->addresses[SIDE_PROXY].url.n)
        json_set_str(json_object_at(json_object_at(status, "proxy"), "httpAddress"), "url",
                     k->addresses[SIDE_PROXY].url);
}

/* Without a verdict of this plan, what an earlier process found stands, unless the class is another one now. */
static bool is_still_known(const struct look *k, int side, bool is_first)
{
    const json_t *condition = kobj_condition(k->now, SIDE[side].condition);

    return is_first && json_str(condition, "lastProbeTime").n &&
           !str_eq_c(json_str(condition, "status"), "Unknown") &&
           !condition_has_reason(k->now, SIDE[side].condition, SIDE[side].none) &&
           json_int(json_at(k->now, "status", NULL), "observedGeneration", -1) ==
               k->cls->generation;
}

static int connect_sides(struct look *k, struct err *err)
{
    struct plan_address wanted[SIDES] = {k->addresses[SIDE_API], k->addresses[SIDE_PROXY]};
    struct probe_verdict verdicts[PLAN_REQUESTS];
    struct plan *plan CLEANUP(plan_unrefp) = NULL;
    enum prober_state state;
    struct str fingerprint;
    bool is_first;
    int rc;

    for (int side = 0; side < SIDES; side++)
        if (k->is_absent[side])
            wanted[side].url = STR_NONE;
    fingerprint = arena_fmt(k->arena, "%" STR_FMT "/%" STR_FMT "|%" STR_FMT, STR_ARG(k->cls->uid),
                            STR_ARG(wanted[SIDE_API].url), STR_ARG(wanted[SIDE_PROXY].url));
    state = prober_find(k->plane->prober, k->key, fingerprint, verdicts, &is_first);
    if (state == PROBER_OTHER) {
        rc = plan_for_class(fingerprint, wanted, &plan, err);
        if (rc < 0)
            return rc;
        prober_set(k->plane->prober, k->key, plan);
    }
    for (int side = 0; side < SIDES; side++) {
        if (!service_of(k, side)->present)
            condition_set_true(k->now, SIDE[side].condition, SIDE[side].none);
        else if (k->is_absent[side])
            set_absent(k, side);
        else if (state == PROBER_KNOWN)
            condition_set_verdict(k->now, SIDE[side].condition, &verdicts[side]);
        else if (!is_still_known(k, side, is_first))
            condition_set_unknown(k->now, SIDE[side].condition, "Probing");
    }
    return 0;
}

static void set_invalid(struct look *k, struct str why)
{
    for (int side = 0; side < SIDES; side++)
        condition_set_unknown(k->now, SIDE[side].condition, "InvalidSpec");
    condition_set_false(k->now, "Ready", "InvalidSpec", why);
    prober_remove(k->plane->prober, k->key);
}

/* Everything but writing it. */
static int observe(struct look *k, const json_t *object, struct err *err)
{
    struct connector_class *cls CLEANUP(class_unrefp) = NULL;
    struct err why;
    int rc = 0;

    if (class_parse(object, &cls, &why) < 0) {
        set_invalid(k, str_c(why.msg));
    } else {
        k->cls = cls;
        for (int side = 0; rc == 0 && side < SIDES; side++)
            rc = resolve(k, side, err);
        if (rc < 0)
            return rc;
        if (connect_sides(k, &why) < 0) {
            set_invalid(k, str_c(why.msg));
        } else {
            set_addresses(k);
            kobj_set_ready(k->now, time_wall_us());
        }
        k->cls = NULL;
    }
    json_set(json_object_at(k->now, "status"), "observedGeneration",
             json_integer(kobj_generation(object)));
    return 0;
}

int classes_reconcile(void *cookie, struct kube_key key, struct arena *a,
                      struct reconcile_result *ret, struct err *err)
{
    const struct plane *p = cookie;
    json_t *object JSON_OWNED = inventory_class(p->inventory, key.name);
    json_t *now JSON_OWNED = NULL;
    struct look look = {.plane = p, .key = key, .arena = a};
    int rc;

    if (!object || kobj_is_deleting(object)) {
        prober_remove(p->prober, key);
        return 0;
    }
    now = look.now = json_clone(object);
    rc = observe(&look, object, err);
    if (rc == 0)
        rc = condition_write(p, &KUBE_CONNECTORCLASSES, object, now, err);
    if (rc == -ERR_CONFLICT) {
        ret->requeue_after_us = CONFLICT_RETRY_US;
        return 0;
    }
    if (look.is_absent[SIDE_API] || look.is_absent[SIDE_PROXY])
        ret->requeue_after_us = ABSENT_RETRY_US;
    return MIN(rc, 0);
}
