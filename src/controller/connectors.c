/*
 * The order of things: labels, then what can be known without a network, then probes and proxy, then one write.
 */
#include "controller/connectors.h"

#include "base/time.h"
#include "controller/look.h"
#include "core/labels.h"

#define CONFLICT_RETRY_US (50 * TIME_US_PER_MS)

/* Keeps the labels that index Connectors by class; *object becomes what the server answers. */
static int keep_labels(const struct plane *p, json_t **object, struct err *err)
{
    static const char *const labels[] = {LABEL_CLASS, LABEL_CLASS_ALT};
    struct str class_name = json_str_at(*object, "spec", "connectorClassName", NULL);
    json_t *patch JSON_OWNED = json_object();
    json_t *answer = NULL;
    bool is_kept = true;
    int rc;

    for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
        if (str_eq(kobj_label(*object, labels[i]), class_name))
            continue;
        kobj_set_label(patch, labels[i], class_name);
        is_kept = false;
    }
    if (is_kept)
        return 0;
    rc = kube_patch(p->client, &KUBE_CONNECTORS, kobj_ns(*object), kobj_name(*object), STR_NONE,
                    KUBE_PATCH_MERGE, patch, &answer, err);
    if (rc < 0)
        return rc;
    json_decref(*object);
    *object = answer;
    return 0;
}

static int observe(struct look *k, struct err *err)
{
    json_t *status;
    int rc;

    look_class(k);
    rc = look_secret(k, err);
    if (rc == 0)
        rc = look_ca(k, err);
    if (rc < 0)
        return rc;
    look_probes(k);
    rc = look_proxy(k, err);
    if (rc < 0)
        return rc;
    kobj_set_ready(k->now, time_wall_us());
    status = json_object_at(k->now, "status");
    json_set_str(json_object_at(status, "api"), "path",
                 address_of_api(k->arena, k->key.ns, k->key.name));
    json_set(status, "observedGeneration", json_integer(kobj_generation(k->old)));
    return 0;
}

int connectors_reconcile(void *cookie, struct kube_key key, struct arena *a,
                         struct reconcile_result *ret, struct err *err)
{
    const struct plane *p = cookie;
    json_t *object JSON_OWNED = inventory_connector(p->inventory, key);
    json_t *now JSON_OWNED = NULL;
    struct look look = {.plane = p, .key = key, .arena = a};
    int rc;

    if (!object || kobj_is_deleting(object)) {
        prober_remove(p->prober, key);
        return 0;
    }
    rc = keep_labels(p, &object, err);
    if (rc == -ERR_NOTFOUND)
        return 0;
    if (rc == 0) {
        look.old = object;
        look.now = now = json_clone(object);
        rc = observe(&look, err);
        if (rc == 0)
            rc = condition_write(p, &KUBE_CONNECTORS, object, now, err);
        look_fini(&look);
    }
    if (rc == -ERR_CONFLICT) {
        /* Computed from an object that is out of date; the store has the newer one in a moment. */
        ret->requeue_after_us = CONFLICT_RETRY_US;
        return 0;
    }
    ret->requeue_after_us = look.requeue_us;
    return MIN(rc, 0);
}
