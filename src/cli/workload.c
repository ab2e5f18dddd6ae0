/*
 * Pod records of `exec`.
 *
 * The Pod has a scheduling gate that nobody removes, so that on a real cluster no node ever runs it.
 */
#include "cli/workload.h"

#include "base/time.h"
#include "core/labels.h"
#include "kube/object.h"

#define SCHEDULING_GATE "connectors.alauda.io/exec"

static void set_expiry(json_t *object, int64_t ttl_us)
{
    char text[TIME_RFC3339_BYTES];

    kobj_set_annotation(object, ANNOTATION_EXEC_EXPIRES,
                        str_c(time_format_s(time_wall_us() + 2 * ttl_us, text)));
}

/* The smallest Pod that every API server and the restricted Pod security standard accept. */
static json_t *new_pod(const struct workload *w)
{
    json_t *pod = kobj_new(&KUBE_PODS, w->session->ns, STR_NONE);
    json_t *meta = json_object_at(pod, "metadata");
    json_t *container =
        json_pack("{s:s, s:s, s:{s:b, s:{s:[s]}}}", "name", "exec", "image", "connectors/exec:none",
                  "securityContext", "allowPrivilegeEscalation", 0, "capabilities", "drop", "ALL");

    json_del(meta, "name");
    json_set_str(meta, "generateName", STR("connectors-exec-"));
    kobj_set_label(pod, LABEL_EXEC, STR("true"));
    set_expiry(pod, w->ttl_us);
    json_set(pod, "spec",
             json_pack("{s:s, s:b, s:s, s:[{s:s}], s:{s:b, s:{s:s}}, s:[o]}", "serviceAccountName",
                       w->account, "automountServiceAccountToken", 0, "restartPolicy", "Never",
                       "schedulingGates", "name", SCHEDULING_GATE, "securityContext",
                       "runAsNonRoot", 1, "seccompProfile", "type", "RuntimeDefault", "containers",
                       container));
    return pod;
}

int workload_create(struct workload *w, struct err *err)
{
    json_t *pod JSON_OWNED = new_pod(w), *made JSON_OWNED = NULL;
    int rc = kube_create(w->session->client, &KUBE_PODS, pod, &made, err);

    if (rc < 0)
        return err_wrap(err, rc, "make the Pod record");
    w->pod_name = arena_str(w->arena, kobj_name(made));
    w->pod_uid = arena_str(w->arena, kobj_uid(made));
    return 0;
}

/* What is left until `expires`, or what was asked for when that says nothing sensible. */
static int64_t token_life(const struct workload *w, struct str expires)
{
    int64_t at_us;

    if (time_parse(expires, &at_us) < 0 || at_us <= time_wall_us())
        return w->ttl_us;
    return MIN(at_us - time_wall_us(), w->ttl_us);
}

int workload_token(struct workload *w, struct secret **ret_token, struct err *err)
{
    json_t *request JSON_OWNED =
        json_pack("{s:s, s:s, s:{s:I, s:[s], s:{s:s, s:s}}}", "apiVersion",
                  "authentication.k8s.io/v1", "kind", "TokenRequest", "spec", "expirationSeconds",
                  (json_int_t)(w->ttl_us / TIME_US_PER_S), "audiences", PROXY_AUDIENCE,
                  "boundObjectRef", "apiVersion", "v1", "kind", "Pod");
    json_t *bound = json_at(request, "spec", "boundObjectRef", NULL), *answer JSON_OWNED = NULL;
    struct buf path = BUF_INIT(4096);
    struct str token;
    int rc;

    json_set_str(bound, "name", w->pod_name);
    json_set_str(bound, "uid", w->pod_uid);
    kube_path(&path, &KUBE_SERVICEACCOUNTS, w->session->ns, str_c(w->account), STR("token"));
    rc = kube_do(w->session->client,
                 &(struct kube_request){.method = "POST", .path = buf_str(&path), .body = request},
                 &answer, err);
    buf_fini(&path);
    if (rc < 0)
        return err_wrap(err, rc, "get a token of ServiceAccount '%s'", w->account);
    token = json_str_at(answer, "status", "token", NULL);
    if (str_is_empty(token) || token.n > SECRET_MAX_BYTES)
        return err_set(err, ERR_PROTO, "the API server returned no token");
    w->life_us = token_life(w, json_str_at(answer, "status", "expirationTimestamp", NULL));
    *ret_token = secret_take((void *)token.p, token.n);
    return 0;
}

int workload_extend(struct workload *w, struct err *err)
{
    json_t *patch JSON_OWNED = json_object();

    set_expiry(patch, w->ttl_us);
    return kube_patch(w->session->client, &KUBE_PODS, w->session->ns, w->pod_name, STR_NONE,
                      KUBE_PATCH_MERGE, patch, NULL, err);
}

int workload_delete(struct workload *w, struct err *err)
{
    json_t *options JSON_OWNED =
        json_pack("{s:s, s:s, s:i, s:{s:s}}", "apiVersion", "v1", "kind", "DeleteOptions",
                  "gracePeriodSeconds", 0, "preconditions", "uid", w->pod_uid.p);
    int rc;

    if (str_is_empty(w->pod_name))
        return 0;
    rc = kube_delete(w->session->client, &KUBE_PODS, w->session->ns, w->pod_name, options, err);
    w->pod_name = STR_NONE;
    return rc == -ERR_NOTFOUND ? 0 : rc;
}
