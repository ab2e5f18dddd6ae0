/*
 * TokenReview: the question, and the identity that its answer names.
 */
#include "core/identity_priv.h"

#include "base/time.h"
#include "codec/jwt.h"
#include "crypto/hash.h"
#include "kube/object.h"

#define SPEC_MAX_BYTES (256 * 1024)
#define POD_NAME_KEY "authentication.kubernetes.io/pod-name"
#define POD_UID_KEY "authentication.kubernetes.io/pod-uid"
#define CREDENTIAL_KEY "authentication.kubernetes.io/credential-id"
#define ACCOUNT_PREFIX STR("system:serviceaccount:")

struct identity_owned {
    struct identity view; /* first: identity_unref converts back */
    struct arena *arena;
    struct secret *token;
    atomic_uint refs;
};

void identity_claims_read(struct arena *a, struct str token, struct str audience,
                          struct identity_claims *ret_claims)
{
    struct jwt jwt;
    int64_t exp;

    *ret_claims = (struct identity_claims){0};
    if (jwt_parse(token, &jwt, NULL) < 0)
        return;
    exp = json_int(jwt.claims, "exp", 0);
    ret_claims->own_audience = jwt_has_audience(jwt.claims, audience);
    ret_claims->pod_uid =
        arena_str(a, json_str_at(jwt.claims, "kubernetes.io", "pod", "uid", NULL));
    if (exp > 0 && exp < INT64_MAX / TIME_US_PER_S)
        ret_claims->expires_wall_us = exp * TIME_US_PER_S;
    jwt_fini(&jwt);
}

json_t *identity_review_new(struct str token, struct str audience)
{
    json_t *review = kobj_new(&KUBE_TOKENREVIEWS, STR_NONE, STR_NONE);
    json_t *spec = json_object_at(review, "spec");

    json_set_str(spec, "token", token);
    if (audience.n) {
        json_t *list = json_array();

        json_array_append_new(list, json_from_str(audience));
        json_set(spec, "audiences", list);
    }
    return review;
}

static bool has_string(const json_t *list, struct str wanted)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        if (str_eq(json_str_of(item), wanted))
            return true;
    }
    return false;
}

/* The first value of user.extra[key]. */
static struct str extra_of(const json_t *user, const char *key)
{
    return json_str_of(json_array_get(json_at(user, "extra", key, NULL), 0));
}

/* The subject as a SubjectAccessReview takes it, and its fingerprint. */
static void fill_spec(struct identity *id, const json_t *user)
{
    struct buf text = BUF_INIT(SPEC_MAX_BYTES);
    uint8_t digest[HASH_SHA256_BYTES];

    id->spec = json_object();
    json_set_str(id->spec, "user", id->user);
    if (id->uid.n)
        json_set_str(id->spec, "uid", id->uid);
    if (json_object_get(user, "groups"))
        json_set(id->spec, "groups", json_clone(json_object_get(user, "groups")));
    if (json_object_get(user, "extra"))
        json_set(id->spec, "extra", json_clone(json_object_get(user, "extra")));

    json_format_canonical(id->spec, &text);
    hash_sha256((struct str[]){buf_str(&text)}, 1, digest);
    memcpy(id->print, digest, sizeof(id->print));
    buf_fini(&text);
}

static int read_user(struct arena *a, const json_t *user, struct identity *id, struct err *err)
{
    struct str rest;

    id->user = arena_str(a, json_str(user, "username"));
    id->uid = arena_str(a, json_str(user, "uid"));
    id->pod_name = arena_str(a, extra_of(user, POD_NAME_KEY));
    id->pod_uid = arena_str(a, extra_of(user, POD_UID_KEY));
    id->credential_id = arena_str(a, extra_of(user, CREDENTIAL_KEY));
    if (str_is_empty(id->user))
        return err_set(err, ERR_UNAUTH, "the API server names no user for this token");
    if (str_is_empty(id->pod_uid))
        return 0;

    if (!str_starts(id->user, ACCOUNT_PREFIX))
        return err_set(err, ERR_UNAUTH, "a token bound to a Pod must be a ServiceAccount's");
    rest = str_skip(id->user, ACCOUNT_PREFIX.n);
    id->pod_ns = str_cut(&rest, ':');
    return 0;
}

int identity_review_read(const json_t *answer, struct str audience, struct secret *token,
                         struct identity **ret_identity, struct err *err)
{
    const json_t *status = json_at(answer, "status", NULL);
    const json_t *user = json_at(status, "user", NULL);
    struct arena *a;
    struct identity_owned *o;
    int rc;

    if (!json_bool(status, "authenticated", false))
        return err_set(err, ERR_UNAUTH, "the API server does not accept this token");
    if (audience.n && !has_string(json_at(status, "audiences", NULL), audience))
        return err_set(err, ERR_UNAUTH, "the token was not issued for audience '%" STR_FMT "'",
                       STR_ARG(audience));

    a = arena_new();
    o = ARENA_NEW(a, struct identity_owned);
    rc = read_user(a, user, &o->view, err);
    if (rc < 0) {
        arena_free(a);
        return rc;
    }
    o->view.user_hash = (uint32_t)str_hash(o->view.user);
    fill_spec(&o->view, user);
    o->view.own_audience = audience.n > 0;
    o->arena = a;
    o->token = secret_ref(token);
    o->view.token = o->token;
    atomic_init(&o->refs, 1);
    atomic_init(&o->view.ended, false);
    *ret_identity = &o->view;
    return 0;
}

struct identity *identity_ref(struct identity *id)
{
    struct identity_owned *o = CONTAINER_OF(id, struct identity_owned, view);

    atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
    return id;
}

void identity_unref(struct identity *id)
{
    struct identity_owned *o;

    if (!id)
        return;
    o = CONTAINER_OF(id, struct identity_owned, view);
    if (atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) != 1)
        return;
    json_decref(id->spec);
    secret_unref(o->token);
    arena_free(o->arena);
}
