/*
 * A status is written whole, with the resourceVersion it was computed from: what is out of date is refused by
 * the server instead of undoing a newer one.
 */
#include "controller/condition.h"

#include "base/time.h"

void condition_set(json_t *object, const struct kube_condition *c)
{
    kobj_set_condition(object, c, time_wall_us());
}

void condition_set_verdict(json_t *object, const char *type, const struct probe_verdict *v)
{
    condition_set(object, &(struct kube_condition){
                              .type = type,
                              .status = v->is_ok ? "True" : "False",
                              .reason = str_c(v->reason),
                              .message = str_c(v->message),
                              .probe_wall_us = v->wall_us,
                          });
}

void condition_set_unknown(json_t *object, const char *type, const char *reason)
{
    condition_set(object, &(struct kube_condition){
                              .type = type,
                              .status = "Unknown",
                              .reason = str_c(reason),
                          });
}

void condition_set_true(json_t *object, const char *type, const char *reason)
{
    condition_set(object, &(struct kube_condition){
                              .type = type,
                              .status = "True",
                              .reason = str_c(reason),
                          });
}

void condition_set_false(json_t *object, const char *type, const char *reason, struct str message)
{
    condition_set(object, &(struct kube_condition){
                              .type = type,
                              .status = "False",
                              .reason = str_c(reason),
                              .message = message,
                          });
}

bool condition_has_reason(const json_t *object, const char *type, const char *reason)
{
    return str_eq_c(json_str(kobj_condition(object, type), "reason"), reason);
}

static void tell_ready(const struct plane *p, const json_t *old, const json_t *now)
{
    const json_t *was = kobj_condition(old, "Ready"), *is = kobj_condition(now, "Ready");
    struct str status = json_str(is, "status"), reason = json_str(is, "reason");
    struct str message = json_str(is, "message");
    char reason_c[128];

    if (str_eq_c(status, "True") && !str_eq_c(json_str(was, "status"), "True"))
        event_record(p->events, now, "Normal", "Ready", "Everything is in place");
    if (!str_eq_c(status, "False") || str_copy(reason, reason_c, sizeof(reason_c)) < 0)
        return;
    if (!str_eq_c(json_str(was, "status"), "False") || !str_eq(json_str(was, "reason"), reason))
        event_record(p->events, now, "Warning", reason_c, "%" STR_FMT,
                     STR_ARG(message.n ? message : STR("Not ready")));
}

int condition_write(const struct plane *p, const struct kube_resource *r, const json_t *old,
                    const json_t *now, struct err *err)
{
    int rc;

    if (json_equal(json_object_get(old, "status"), json_object_get(now, "status")))
        return 0;
    rc = kube_update(p->client, r, now, STR("status"), NULL, err);
    if (rc == -ERR_NOTFOUND)
        return 0;
    if (rc < 0)
        return rc;
    tell_ready(p, old, now);
    return 1;
}
