/*
 * Authorize: `get` on the Connector, always; and only who may `get` it learns whether it exists.
 */
#include "proxy/connection.h"
#include "proxy/request.h"

#include "core/labels.h"

static enum phase_result judge(struct request *r)
{
    if (!r->verdict->allowed)
        return request_refuse(r, REFUSAL_CONNECTOR_FORBIDDEN,
                              "'%" STR_FMT "' may not use Connector '%" STR_FMT
                              "': it needs 'get' on connectors." CORE_GROUP
                              ", for instance by ClusterRole connectors-user",
                              STR_ARG(r->identity->user), STR_ARG(r->key));
    if (!r->target)
        return request_refuse(r, REFUSAL_CONNECTOR_NOT_FOUND,
                              "Connector '%" STR_FMT "' does not exist", STR_ARG(r->key));
    return PHASE_NEXT;
}

static enum phase_result admit(struct request *r, struct permission_verdict *v)
{
    r->verdict = permission_ref(v);
    connection_keep_verdict(r->x, v, r->key);
    return judge(r);
}

static void on_answer(void *cookie, int rc, struct permission_verdict *v, const struct err *err)
{
    struct request *r = CAST(struct request, cookie, REQUEST_MAGIC);

    r->ask = NULL;
    if (rc == 0) {
        lru_put(r->worker->verdicts, v->key, permission_ref(v));
        request_resume(r, admit(r, v));
        return;
    }
    request_resume(r, request_refuse(r, REFUSAL_AUTH_UNAVAILABLE,
                                     "permission on Connector '%" STR_FMT
                                     "' could not be checked: %s; try again",
                                     STR_ARG(r->key), err->msg));
}

enum phase_result authorize_run(struct request *r)
{
    struct worker *w = r->worker;
    const struct permission_service *service = w->site->permissions;
    int64_t now_us = loop_now_us(w->loop);
    struct permission_action action = {
        .verb = STR("get"),
        .group = STR(CORE_GROUP),
        .resource = STR("connectors"),
        .ns = r->ns,
        .name = r->name,
    };
    struct permission_verdict *v = connection_verdict(r->x, r->key);

    if (v && permission_is_current(service, v, now_us)) {
        counters_add(&w->counters->plain[COUNT_PERMISSION_HITS], 1);
        r->verdict = permission_ref(v);
        return judge(r);
    }
    v = lru_get(w->verdicts, permission_key(r->arena, r->identity, &action));
    if (v && permission_is_current(service, v, now_us)) {
        counters_add(&w->counters->plain[COUNT_PERMISSION_HITS], 1);
        return admit(r, v);
    }
    counters_add(&w->counters->plain[COUNT_PERMISSION_MISSES], 1);
    r->ask = ask_permission(w, r->identity, &action, on_answer, r);
    return PHASE_WAIT;
}
