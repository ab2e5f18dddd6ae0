/*
 * Secret rules; a pure function of the three objects.
 */
#include "core/secretrule.h"

#include "core/labels.h"
#include "kube/object.h"

/* Standard types and the keys they need (resources.md). */
static const struct {
    const char *type;
    const char *keys[2];
} STANDARD_TYPES[] = {
    {SECRET_TYPE_BASIC, {"username", "password"}}, {SECRET_TYPE_SSH, {"ssh-privatekey", NULL}},
    {SECRET_TYPE_BEARER, {"token", NULL}},         {SECRET_TYPE_REGISTRY, {"username", "password"}},
    {SECRET_TYPE_GITLAB, {"token", NULL}},
};

bool secretrule_is_refused_type(struct str type)
{
    return str_eq(type, STR(SECRET_TYPE_SA_TOKEN)) || str_starts(type, STR("bootstrap."));
}

static void fail(struct secretrule_result *r, const char *reason, struct str message)
{
    *r = (struct secretrule_result){.ok = false, .reason = reason, .message = message};
}

static bool has_key(const json_t *secret, struct arena *a, struct str key)
{
    return json_at(secret, "data", arena_cstr(a, key), NULL) != NULL;
}

/* The first key the Secret lacks, or STR_NONE. */
static struct str missing_key(struct arena *a, const struct class_auth *auth, const json_t *secret)
{
    for (size_t i = 0; i < ARRAY_LEN(STANDARD_TYPES); i++) {
        if (!str_eq_c(auth->secret_type, STANDARD_TYPES[i].type))
            continue;
        for (size_t k = 0; k < 2 && STANDARD_TYPES[i].keys[k]; k++)
            if (!has_key(secret, a, str_c(STANDARD_TYPES[i].keys[k])))
                return str_c(STANDARD_TYPES[i].keys[k]);
        return STR_NONE;
    }
    for (size_t k = 0; k < auth->key_count; k++)
        if (!has_key(secret, a, auth->keys[k]))
            return auth->keys[k];
    return STR_NONE;
}

static void check_present(struct arena *a, const struct connector *c, const struct class_auth *auth,
                          const json_t *secret, struct secretrule_result *r)
{
    struct str type = json_str(secret, "type"), key;

    if (secretrule_is_refused_type(type)) {
        fail(r, "SecretForbidden",
             arena_fmt(a,
                       "Secrets of type '%" STR_FMT
                       "' are never used; create one of type '%" STR_FMT "'",
                       STR_ARG(type), STR_ARG(auth->secret_type)));
        return;
    }
    if (auth->secret_type.n && !str_eq(type, auth->secret_type)) {
        fail(r, "SecretTypeMismatch",
             arena_fmt(a,
                       "Secret '%" STR_FMT "' has type '%" STR_FMT "', auth '%" STR_FMT
                       "' needs '%" STR_FMT "'",
                       STR_ARG(c->secret_name), STR_ARG(type), STR_ARG(auth->name),
                       STR_ARG(auth->secret_type)));
        return;
    }
    key = missing_key(a, auth, secret);
    if (key.p) {
        fail(r, "SecretKeyMissing",
             arena_fmt(a, "Secret '%" STR_FMT "' has no key '%" STR_FMT "'",
                       STR_ARG(c->secret_name), STR_ARG(key)));
        return;
    }
    *r = (struct secretrule_result){.ok = true, .reason = "SecretValid", .message = STR_NONE};
}

void secretrule_check(struct arena *a, const struct connector *c, const struct class_auth *auth,
                      const json_t *secret, struct secretrule_result *r)
{
    if (str_is_empty(c->secret_name)) {
        if (!auth || auth->optional)
            *r = (struct secretrule_result){.ok = true, .reason = "SecretOptional"};
        else
            fail(
                r, "SecretRequired",
                arena_fmt(a, "auth '%" STR_FMT "' needs spec.auth.secretRef", STR_ARG(auth->name)));
        return;
    }
    if (!str_eq(c->secret_ns, c->ns)) {
        fail(r, "SecretForbidden",
             arena_fmt(a,
                       "spec.auth.secretRef.namespace: Secrets of another namespace ('%" STR_FMT
                       "') are not allowed",
                       STR_ARG(c->secret_ns)));
        return;
    }
    if (!auth) {
        fail(r, "InvalidSpec",
             arena_fmt(a, "spec.auth.name: class '%" STR_FMT "' has no auth type '%" STR_FMT "'",
                       STR_ARG(c->class_name), STR_ARG(c->auth_name)));
        return;
    }
    if (!secret) {
        fail(r, "SecretNotFound",
             arena_fmt(a, "Secret '%" STR_FMT "' does not exist in namespace '%" STR_FMT "'",
                       STR_ARG(c->secret_name), STR_ARG(c->secret_ns)));
        return;
    }
    check_present(a, c, auth, secret, r);
}
