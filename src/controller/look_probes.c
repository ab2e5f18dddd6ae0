/*
 * Probes of a Connector.
 *
 * While the first round of a new plan runs, a condition is Unknown/Probing; only after a start of the controller
 * does what an earlier process found stand until there is news, so that a restart does not flap every Connector.
 */
#include "controller/look.h"

#include "base/log.h"

/* Conditions that no probe is needed for, per request of a plan. */
struct aspect {
    const char *type;
    bool is_probed;
};

enum { LIVENESS, AUTH };

static void decide_liveness(struct look *k, struct aspect *aspect)
{
    if (!k->cls->has_liveness)
        condition_set_true(k->now, aspect->type, "NonLivenessProbe");
    else if (k->cls->liveness.needs_expression)
        condition_set_unknown(k->now, aspect->type, "ExpressionUnsupported");
    else
        aspect->is_probed = true;
}

/* Whether the probe brings its own credential, so that none must be injected. */
static bool has_own_credential(const struct class_probe *probe)
{
    for (size_t i = 0; i < probe->header_count; i++)
        if (str_eq_nocase(probe->headers[i].name, STR("Authorization")))
            return true;
    return false;
}

static void decide_auth(struct look *k, struct aspect *aspect, struct credential **ret_credential)
{
    const struct class_probe *probe = k->auth ? class_auth_probe_find(k->cls, k->auth->name) : NULL;
    struct err why;
    int rc = 0;

    if (!probe) {
        condition_set_true(k->now, aspect->type, "NonAuthProbe");
        return;
    }
    if (!k->is_secret_ready) {
        condition_set_unknown(k->now, aspect->type, "SecretNotReady");
        return;
    }
    if (!k->has_secret) {
        condition_set_true(k->now, aspect->type, "SecretOptional");
        return;
    }
    if (!probe->needs_expression && !probe->is_api && !has_own_credential(probe))
        rc = credential_new(k->secret, k->auth, ret_credential, &why);
    if (probe->needs_expression || rc == -ERR_METHOD)
        condition_set_unknown(k->now, aspect->type, "ExpressionUnsupported");
    else if (rc < 0)
        condition_set_false(k->now, aspect->type, "InvalidCredential",
                            arena_str(k->arena, str_c(why.msg)));
    else
        aspect->is_probed = true;
}

static struct str fingerprint_of(struct look *k, const struct credential *credential)
{
    const struct connector *c = k->connector;

    return arena_fmt(
        k->arena, "%" STR_FMT "/%lld|%" STR_FMT "/%lld|%" STR_FMT "|%" STR_FMT "|%" STR_FMT,
        STR_ARG(c->uid), (long long)c->generation, STR_ARG(k->cls->uid),
        (long long)k->cls->generation,
        STR_ARG(credential ? credential_version(credential) : STR_NONE),
        STR_ARG(k->has_secret ? kobj_rv(k->secret) : STR_NONE), STR_ARG(k->ca_version));
}

/* Hands the prober a new plan.  Returns 0, or <0 with the reason why there is none. */
static int replan(struct look *k, struct str fingerprint, bool has_auth,
                  struct credential *credential, struct err *err)
{
    struct plan *plan CLEANUP(plan_unrefp) = NULL;
    struct tls_client *tls = NULL;
    struct err why;
    int rc;

    if (trusts_get(k->plane->trusts, buf_str(&k->ca_pem), &tls, &why) < 0)
        log_warn("Cannot prepare TLS for probes", LOG_S("connector", k->connector->key),
                 LOG_ERR(&why));
    rc = plan_for_connector(
        &(struct plan_parts){
            .fingerprint = fingerprint,
            .connector = k->connector,
            .cls = k->cls,
            .auth = k->auth,
            .credential = credential,
            .tls = tls,
            .api_url = address_of_service(k->arena, &k->plane->site, &k->cls->api),
            .has_auth = has_auth,
        },
        &plan, err);
    tls_client_unref(tls);
    if (rc == 0)
        prober_set(k->plane->prober, k->key, plan);
    return rc;
}

/* Whether the condition rests on a probe of this generation. */
static bool is_still_known(const struct look *k, const char *type)
{
    const json_t *condition = kobj_condition(k->now, type);
    struct str status = json_str(condition, "status");
    bool is_probed =
        str_eq_c(status, "False") || condition_has_reason(k->now, type, "ProbeSucceeded");

    return is_probed && json_str(condition, "lastProbeTime").n &&
           json_int(json_at(k->old, "status", NULL), "observedGeneration", -1) ==
               k->connector->generation;
}

static void ask(struct look *k, const struct aspect aspects[PLAN_REQUESTS],
                struct credential *credential)
{
    struct str fingerprint = fingerprint_of(k, credential);
    struct probe_verdict verdicts[PLAN_REQUESTS];
    enum prober_state state;
    struct err why;
    bool is_first;
    int rc = 0;

    state = prober_find(k->plane->prober, k->key, fingerprint, verdicts, &is_first);
    if (state == PROBER_OTHER) {
        rc = replan(k, fingerprint, aspects[AUTH].is_probed, credential, &why);
        if (rc < 0)
            prober_remove(k->plane->prober, k->key);
    }
    for (size_t i = 0; i < PLAN_REQUESTS; i++) {
        if (!aspects[i].is_probed)
            continue;
        if (rc < 0)
            condition_set_false(k->now, aspects[i].type, "InvalidProbe",
                                arena_str(k->arena, str_c(why.msg)));
        else if (state == PROBER_KNOWN)
            condition_set_verdict(k->now, aspects[i].type, &verdicts[i]);
        else if (!is_first || !is_still_known(k, aspects[i].type))
            condition_set_unknown(k->now, aspects[i].type, "Probing");
    }
}

void look_probes(struct look *k)
{
    struct credential *credential CLEANUP(credential_unrefp) = NULL;
    struct aspect aspects[PLAN_REQUESTS] = {
        [LIVENESS] = {.type = "LivenessReady"},
        [AUTH] = {.type = "AuthReady"},
    };

    for (size_t i = 0; i < PLAN_REQUESTS; i++)
        if (k->blocked || !kobj_condition(k->now, aspects[i].type))
            condition_set_unknown(k->now, aspects[i].type, k->blocked ? k->blocked : "Probing");
    if (!k->blocked) {
        decide_liveness(k, &aspects[LIVENESS]);
        decide_auth(k, &aspects[AUTH], &credential);
    }
    if (aspects[LIVENESS].is_probed || aspects[AUTH].is_probed)
        ask(k, aspects, credential);
    else
        prober_remove(k->plane->prober, k->key);
}
