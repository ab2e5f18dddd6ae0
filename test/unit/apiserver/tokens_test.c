/*
 * ServiceAccount tokens: what is in them, and every way in which one is refused.
 */
#include "apiserver/tokens.h"

#include "base/time.h"
#include "codec/base64.h"
#include "codec/jwt.h"
#include "kube/object.h"
#include "unit.h"
#include "world.h"

#define POD                                                                                                     \
    "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: default}, spec: {nodeName: node1, containers: " \
    "[{name: c, image: i}]}}"

static const struct str PROXY = STR_INIT("connectors-proxy");

/* Asks for a token as the subresource does. */
static int request_token(struct world *w, const char *account, const char *spec,
                         json_t **ret_answer)
{
    json_t *body JSON_OWNED = NULL;
    json_t *status = NULL;
    struct err err = {0};
    struct kind_request r = {
        .server = w->server,
        .kind = kinds_find(w->server->kinds, STR(""), STR("v1"), STR("serviceaccounts")),
        .ns = STR("default"),
        .name = str_c(account),
        .subresource = STR("token"),
        .arena = w->arena,
        .wall_us = w->wall_us,
    };
    struct str text = arena_fmt(w->arena, "{\"spec\": %s}", spec);

    CHECK_OK(json_parse(text, &body, &err));
    json_decref(w->status);
    w->status = NULL;
    int rc = tokens_answer(&r, body, ret_answer, &status);
    w->status = status;
    return rc;
}

static struct str get_token(struct world *w, const char *spec)
{
    json_t *answer JSON_OWNED = NULL;

    if (!CHECK_OK(request_token(w, "default", spec, &answer)))
        return STR_NONE;
    return arena_str(w->arena, json_str_at(answer, "status", "token", NULL));
}

static int verify(struct world *w, struct str token, struct str audience,
                  struct tokens_identity *ret_who, struct err *err)
{
    struct tokens_audiences audiences = {&audience, audience.n ? 1 : 0};

    return tokens_verify(w->server->tokens, token, &audiences, w->arena, ret_who, err);
}

static void check_refused(struct world *w, struct str token, struct str audience, const char *why)
{
    struct tokens_identity who;
    struct err err = {0};

    if (CHECK_ERR(verify(w, token, audience, &who, &err), ERR_UNAUTH))
        CHECK_STR(err.msg, why);
}

/* Signs header and claims with a key, whatever they say. */
static struct str forge(struct world *w, const struct key *key, const json_t *header,
                        const json_t *claims)
{
    struct buf token CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);
    struct buf signature CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);

    jwt_format_unsigned(header, claims, &token);
    if (key)
        key_sign(key, buf_str(&token), &signature);
    jwt_add_signature(&token, buf_str(&signature));
    return arena_str(w->arena, buf_str(&token));
}

/* Header and claims of a good token, to be spoilt. */
static void take_apart(struct world *w, struct str token, json_t **ret_header, json_t **ret_claims)
{
    struct jwt jwt = {0};

    CHECK_OK(jwt_parse(token, &jwt, NULL));
    *ret_header = json_clone(jwt.header);
    *ret_claims = json_clone(jwt.claims);
    jwt_fini(&jwt);
}

TEST(tokens_carry_the_claims_of_kubernetes)
{
    struct world w;
    struct tokens_identity who;
    struct err err = {0};
    json_t *header JSON_OWNED = NULL;
    json_t *claims JSON_OWNED = NULL;

    world_init(&w);
    CHECK_OK(world_create(&w, NULL, POD));
    struct str token = get_token(
        &w, "{\"audiences\": [\"connectors-proxy\", \"b\"], \"expirationSeconds\": 600, "
            "\"boundObjectRef\": {\"kind\": \"Pod\", \"apiVersion\": \"v1\", \"name\": \"p\"}}");
    take_apart(&w, token, &header, &claims);
    CHECK_STR(json_str(header, "alg"), "ES256");
    CHECK(json_str(header, "kid").n > 20);
    CHECK_STR(json_str(claims, "iss"), "https://issuer");
    CHECK_STR(json_str(claims, "sub"), "system:serviceaccount:default:default");
    CHECK_INT(json_int(claims, "iat", 0), 1800000000);
    CHECK_INT(json_int(claims, "nbf", 0), 1800000000);
    CHECK_INT(json_int(claims, "exp", 0), 1800000600);
    CHECK_STR(json_str_at(claims, "kubernetes.io", "namespace", NULL), "default");
    CHECK_STR(json_str_at(claims, "kubernetes.io", "node", "name", NULL), "node1");
    CHECK_STR(json_str_at(claims, "kubernetes.io", "pod", "name", NULL), "p");
    CHECK_STR(json_str_at(claims, "kubernetes.io", "pod", "uid", NULL),
              kobj_uid(world_get(&w, "v1", "Pod", "default", "p")));
    CHECK_OK(verify(&w, token, PROXY, &who, &err));
    CHECK_STR(who.user.name, "system:serviceaccount:default:default");
    CHECK_STR(who.user.uid, kobj_uid(world_get(&w, "v1", "ServiceAccount", "default", "default")));
    CHECK_INT(who.user.group_count, 3);
    CHECK_STR(who.user.groups[1], "system:serviceaccounts:default");
    CHECK(authn_in_group(&who.user, STR("system:authenticated")));
    CHECK_INT(json_array_size(who.audiences), 1);
    CHECK_STR(json_str_of(json_array_get(
                  json_object_get(who.user.extra, "authentication.kubernetes.io/pod-name"), 0)),
              "p");
    CHECK_STR(json_str_of(json_array_get(
                  json_object_get(who.user.extra, "authentication.kubernetes.io/node-name"), 0)),
              "node1");
    CHECK(json_object_get(who.user.extra, "authentication.kubernetes.io/credential-id") != NULL);
    world_fini(&w);
}

TEST(tokens_are_for_the_issuer_by_default)
{
    struct world w;
    struct tokens_identity who;

    world_init(&w);
    struct str token = get_token(&w, "{}");
    CHECK_OK(verify(&w, token, STR_NONE, &who, NULL));
    CHECK_STR(json_str_of(json_array_get(who.audiences, 0)), "https://issuer");
    check_refused(&w, token, PROXY, "the token is for another audience");
    check_refused(&w, get_token(&w, "{\"audiences\": [\"connectors-proxy\"]}"), STR_NONE,
                  "the token is for another audience");
    world_fini(&w);
}

TEST(tokens_end)
{
    struct world w;
    struct tokens_identity who;

    world_init(&w);
    struct str token = get_token(&w, "{\"expirationSeconds\": 600}");
    CHECK_OK(verify(&w, token, STR_NONE, &who, NULL));
    w.wall_us += 599 * TIME_US_PER_S;
    CHECK_OK(verify(&w, token, STR_NONE, &who, NULL));
    w.wall_us += 1 * TIME_US_PER_S;
    check_refused(&w, token, STR_NONE, "the token has expired");
    w.wall_us -= 601 * TIME_US_PER_S;
    check_refused(&w, token, STR_NONE, "the token is not valid yet");
    world_fini(&w);
}

/* Spoils header, claims or the key in the way of row `i`. */
static const struct key *spoil(size_t i, json_t *h, json_t *c, const struct key *own,
                               const struct key *other)
{
    json_t *k = json_object_get(c, "kubernetes.io");
    const struct key *key = own;

    switch (i) {
    case 0:
        json_set_str(h, "alg", STR("none"));
        break;
    case 1:
        json_set_str(h, "alg", STR("HS256"));
        break;
    case 2:
        json_del(h, "alg");
        break;
    case 3:
        key = other;
        break;
    case 4:
        key = other;
        json_set_str(h, "kid", STR("x"));
        break;
    case 5:
        json_del(h, "kid");
        break;
    case 6:
        json_set(h, "crit", json_pack("[s]", "exp"));
        break;
    case 7:
        key = NULL;
        break;
    case 8:
        json_set_str(c, "iss", STR("https://issuer/"));
        break;
    case 9:
        json_set_str(c, "sub", STR("system:serviceaccount:kube-system:default"));
        break;
    case 10:
        json_del(c, "kubernetes.io");
        break;
    case 11:
        json_del(c, "exp");
        break;
    case 12:
        json_set_str(c, "exp", STR("9999999999"));
        break;
    case 13:
        json_set_str(c, "nbf", STR("0"));
        break;
    case 14:
        json_set_str(json_object_get(k, "serviceaccount"), "uid", STR("x"));
        break;
    case 15:
        json_del(json_object_get(k, "serviceaccount"), "uid");
        break;
    case 16:
        json_set(k, "pod", json_pack("{s:s,s:s}", "name", "p", "uid", "u"));
        break;
    case 17:
        json_set(k, "secret", json_pack("{s:s,s:s}", "name", "p", "uid", "u"));
        break;
    default:
        json_set(k, "pod", json_string("p"));
        break;
    }
    return key;
}

TEST(tokens_that_are_forged_are_refused)
{
    static const struct {
        const char *what, *why;
    } ROWS[] = {
        {"alg none", "the token's algorithm is not ES256"},
        {"alg HS256 of the public key", "the token's algorithm is not ES256"},
        {"alg missing", "the token's algorithm is not ES256"},
        {"another key, our kid", "the token's signature is wrong"},
        {"another key and kid", "the token is not signed with this server's key"},
        {"no kid", "the token is not signed with this server's key"},
        {"crit", "the token has critical headers"},
        {"empty signature", "the token is not a JSON Web Token"},
        {"another issuer", "the token is of another issuer"},
        {"another subject", "the token's subject is not its ServiceAccount"},
        {"no kubernetes.io", "the token's subject is not its ServiceAccount"},
        {"no exp", "the token has no expiry"},
        {"exp as text", "the token has no expiry"},
        {"nbf as text", "the token is not valid yet"},
        {"another uid", "the object in serviceaccounts that the token is bound to is gone"},
        {"no uid", "the object in serviceaccounts that the token is bound to is gone"},
        {"pod that is not", "the object in pods that the token is bound to is gone"},
        {"secret that is not", "the object in secrets that the token is bound to is gone"},
        {"pod of odd type", "the object in pods that the token is bound to is gone"},
    };
    struct world w;

    world_init(&w);
    struct str good = get_token(&w, "{}");
    struct key *other = key_new_p256();
    struct key *own = w.conf.token_key;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        json_t *h JSON_OWNED = NULL;
        json_t *c JSON_OWNED = NULL;
        take_apart(&w, good, &h, &c);
        const struct key *key = spoil(i, h, c, own, other);
        check_refused(&w, forge(&w, key, h, c), STR_NONE, ROWS[i].why);
    }
    check_refused(&w, STR("abc"), STR_NONE, "the token is not a JSON Web Token");
    check_refused(&w, STR(""), STR_NONE, "the token is not a JSON Web Token");
    check_refused(&w, STR("a.b.c"), STR_NONE, "the token is not a JSON Web Token");
    key_unref(other);
    world_fini(&w);
}

TEST(tokens_that_were_good_are_checked_again)
{
    struct world w;
    struct tokens_identity who;
    json_t *h JSON_OWNED = NULL;
    json_t *c JSON_OWNED = NULL;

    world_init(&w);
    struct str token = get_token(&w, "{}");
    CHECK_OK(verify(&w, token, STR_NONE, &who, NULL));
    CHECK_OK(verify(&w, token, STR_NONE, &who, NULL));
    /* Same header and claims, another signature: not the token that was remembered. */
    take_apart(&w, token, &h, &c);
    struct key *other = key_new_p256();
    check_refused(&w, forge(&w, other, h, c), STR_NONE, "the token's signature is wrong");
    key_unref(other);
    /* A ServiceAccount of the same name is another one. */
    CHECK_OK(world_delete(&w, "v1", "ServiceAccount", "default", "default",
                          REGISTRY_PROPAGATE_BACKGROUND));
    CHECK(world_wait(&w, "v1", "ServiceAccount", "default", "default", true));
    check_refused(&w, token, STR_NONE,
                  "the object in serviceaccounts that the token is bound to is gone");
    world_fini(&w);
}

TEST(tokens_end_with_their_pod)
{
    static const char SPEC[] =
        "{\"boundObjectRef\": {\"kind\": \"Pod\", \"apiVersion\": \"v1\", \"name\": \"p\"}}";
    struct world w;
    struct tokens_identity who;

    world_init(&w);
    CHECK_OK(world_create(&w, NULL, POD));
    struct str token = get_token(&w, SPEC);
    CHECK_OK(verify(&w, token, STR_NONE, &who, NULL));
    CHECK_OK(world_delete(&w, "v1", "Pod", "default", "p", REGISTRY_PROPAGATE_BACKGROUND));
    check_refused(&w, token, STR_NONE, "the object in pods that the token is bound to is gone");
    CHECK_OK(world_create(&w, NULL, POD));
    check_refused(&w, token, STR_NONE, "the object in pods that the token is bound to is gone");
    token = get_token(&w, SPEC);
    CHECK_OK(world_patch(&w, "v1", "Pod", "default", "p", "{metadata: {finalizers: [a/b]}}"));
    CHECK_OK(verify(&w, token, STR_NONE, &who, NULL));
    CHECK_OK(world_delete(&w, "v1", "Pod", "default", "p", REGISTRY_PROPAGATE_BACKGROUND));
    CHECK(world_get(&w, "v1", "Pod", "default", "p") != NULL);
    check_refused(&w, token, STR_NONE,
                  "the object in pods that the token is bound to is being deleted");
    world_fini(&w);
}

TEST(tokens_end_with_their_secret)
{
    struct world w;
    struct tokens_identity who;

    world_init(&w);
    CHECK_OK(world_create(
        &w, NULL, "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: default}}"));
    struct str token = get_token(
        &w,
        "{\"boundObjectRef\": {\"kind\": \"Secret\", \"apiVersion\": \"v1\", \"name\": \"s\"}}");
    CHECK_OK(verify(&w, token, STR_NONE, &who, NULL));
    CHECK_OK(world_delete(&w, "v1", "Secret", "default", "s", REGISTRY_PROPAGATE_BACKGROUND));
    check_refused(&w, token, STR_NONE, "the object in secrets that the token is bound to is gone");
    world_fini(&w);
}

TEST(tokens_are_not_made_for_everything)
{
    static const struct {
        const char *account, *spec;
        enum err_code code;
        const char *why;
    } ROWS[] = {
        {"default", "{\"expirationSeconds\": 599}", ERR_INVALID,
         "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: 599: may not specify a "
         "duration less than 10 minutes"},
        {"default", "{\"expirationSeconds\": 4294967297}", ERR_INVALID,
         "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: 4294967297: may not "
         "specify a duration larger than 2^32 seconds"},
        {"nobody", "{}", ERR_NOTFOUND, "serviceaccounts \"nobody\" not found"},
        {"default",
         "{\"boundObjectRef\": {\"kind\": \"Node\", \"apiVersion\": \"v1\", \"name\": \"n\"}}",
         ERR_BADREQUEST, "cannot bind token to object of type Node"},
        {"default",
         "{\"boundObjectRef\": {\"kind\": \"Pod\", \"apiVersion\": \"v2\", \"name\": \"p\"}}",
         ERR_BADREQUEST, "cannot bind token to object of type Pod"},
        {"default",
         "{\"boundObjectRef\": {\"kind\": \"Pod\", \"apiVersion\": \"v1\", \"name\": \"q\"}}",
         ERR_NOTFOUND, "pods \"q\" not found"},
        {"default",
         "{\"boundObjectRef\": {\"kind\": \"Pod\", \"apiVersion\": \"v1\", \"name\": \"p\", \"uid\": \"x\"}}",
         ERR_CONFLICT,
         "Operation cannot be fulfilled on Pod \"p\": the UID in the bound object reference (x) does not match the UID in "
         "record. The object might have been deleted and then recreated"},
        {"bob",
         "{\"boundObjectRef\": {\"kind\": \"Pod\", \"apiVersion\": \"v1\", \"name\": \"p\"}}",
         ERR_BADREQUEST,
         "cannot bind token for serviceaccount \"bob\" to pod running with different serviceaccount name."},
    };
    struct world w;

    world_init(&w);
    CHECK_OK(world_create(&w, NULL, POD));
    CHECK_OK(world_create(
        &w, NULL,
        "{apiVersion: v1, kind: ServiceAccount, metadata: {name: bob, namespace: default}}"));
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        json_t *answer JSON_OWNED = NULL;
        CHECK_ERR(request_token(&w, ROWS[i].account, ROWS[i].spec, &answer), ROWS[i].code);
        CHECK_STR(world_message(&w), ROWS[i].why);
    }
    json_t *answer JSON_OWNED = NULL;
    CHECK_OK(request_token(&w, "default", "{\"expirationSeconds\": 4294967296}", &answer));
    CHECK_INT(json_int(json_object_get(answer, "spec"), "expirationSeconds", 0), 86400);
    world_fini(&w);
}
