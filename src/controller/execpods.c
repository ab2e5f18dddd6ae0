/*
 * One that has no expiry, or one that cannot be read, was not made by us and is left alone.
 */
#include "controller/execpods.h"

#include "base/log.h"
#include "base/time.h"
#include "controller/plane.h"
#include "core/labels.h"
#include "kube/object.h"

#define LOOK_AGAIN_US (600 * TIME_US_PER_S) /* the wall clock may be set */

int execpods_reconcile(void *cookie, struct kube_key key, struct arena *a,
                       struct reconcile_result *ret, struct err *err)
{
    const struct plane *p = cookie;
    json_t *pod JSON_OWNED = inventory_exec_pod(p->inventory, key);
    json_t *options JSON_OWNED = json_object();
    int64_t expires_us, left_us;
    int rc;

    (void)a;
    if (!pod || kobj_is_deleting(pod) ||
        time_parse(kobj_annotation(pod, ANNOTATION_EXEC_EXPIRES), &expires_us) < 0)
        return 0;
    left_us = expires_us - time_wall_us();
    if (left_us > 0) {
        ret->requeue_after_us = MIN(left_us, LOOK_AGAIN_US);
        return 0;
    }
    json_set_str(json_object_at(options, "preconditions"), "uid", kobj_uid(pod));
    rc = kube_delete(p->client, &KUBE_PODS, key.ns, key.name, options, err);
    if (rc == -ERR_NOTFOUND)
        return 0;
    if (rc == 0)
        log_info("Deleted an expired Pod record", LOG_S("namespace", key.ns),
                 LOG_S("name", key.name));
    return rc;
}
