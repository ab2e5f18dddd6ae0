/*
 * ServiceAccount tokens: making and verifying JWTs with the claims of Kubernetes (pkg/serviceaccount).
 *
 * A token holds as long as its ServiceAccount and the object it is bound to exist with the same uid, which is looked
 * up at every use.  That a signature was good is remembered by an HMAC of the token, so that a client
 * pays for it once; everything else is checked again each time.
 */
#include "apiserver/tokens.h"

#include "apiserver/registry.h"
#include "apiserver/server.h"
#include "base/log.h"
#include "base/map.h"
#include "base/time.h"
#include "codec/jwt.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "kube/object.h"

#define GOOD_MAX 4096 /* signatures remembered */
#define MIN_LIFETIME_S 600
#define MAX_LIFETIME_S (INT64_C(1) << 32)
#define CLAIM "kubernetes.io"
#define EXTRA_PREFIX "authentication.kubernetes.io/"

struct tokens {
    struct apiserver *server;
    struct str key_id;
    struct buf key_id_text;
    struct map *good; /* HMACs of tokens whose signature, header and issuer were right */
    uint8_t mac_key[HASH_SHA256_BYTES];
};

struct tokens *tokens_new(struct apiserver *server)
{
    struct tokens *t = NEW(struct tokens);

    t->server = server;
    t->good = map_new();
    buf_init(&t->key_id_text, BUF_NO_LIMIT);
    key_id(server->conf.token_key, &t->key_id_text);
    t->key_id = buf_str(&t->key_id_text);
    random_bytes(t->mac_key, sizeof(t->mac_key));
    return t;
}

void tokens_free(struct tokens *t)
{
    if (!t)
        return;
    map_free(t->good);
    buf_fini(&t->key_id_text);
    mem_wipe(t->mac_key, sizeof(t->mac_key));
    free(t);
}

static struct str issuer(const struct tokens *t)
{
    return str_c(t->server->conf.token_issuer);
}

/* --- verifying */

/* Signature and header.  The algorithm is the key's, never the token's choice. */
static int check_signature(struct tokens *t, const struct jwt *jwt, struct str mac, struct err *err)
{
    struct key *key = t->server->conf.token_key;
    struct str type = json_str(jwt->header, "typ");

    if (!str_eq_c(json_str(jwt->header, "alg"), key_jws_alg(key)))
        return err_set(err, ERR_UNAUTH, "the token's algorithm is not %s", key_jws_alg(key));
    if (!str_eq(json_str(jwt->header, "kid"), t->key_id))
        return err_set(err, ERR_UNAUTH, "the token is not signed with this server's key");
    if (json_object_get(jwt->header, "crit"))
        return err_set(err, ERR_UNAUTH, "the token has critical headers");
    if (type.n && !str_eq_nocase(type, STR("JWT")))
        return err_set(err, ERR_UNAUTH, "the token's type is not JWT");
    if (map_get(t->good, mac))
        return 0;
    if (!key_verify(key, jwt->signed_part, buf_str(&jwt->signature)))
        return err_set(err, ERR_UNAUTH, "the token's signature is wrong");
    if (map_len(t->good) >= GOOD_MAX) {
        map_free(t->good);
        t->good = map_new();
    }
    map_put(t->good, mac, t);
    return 0;
}

static int check_times(const struct tokens *t, const json_t *claims, struct err *err)
{
    int64_t now = loop_wall_us(t->server->loop) / TIME_US_PER_S;
    const json_t *nbf = json_object_get(claims, "nbf");
    const json_t *exp = json_object_get(claims, "exp");

    if (!json_is_integer(exp))
        return err_set(err, ERR_UNAUTH, "the token has no expiry");
    if (now >= json_integer_value(exp))
        return err_set(err, ERR_UNAUTH, "the token has expired");
    if (nbf && (!json_is_integer(nbf) || now < json_integer_value(nbf)))
        return err_set(err, ERR_UNAUTH, "the token is not valid yet");
    return 0;
}

/* The audiences that were asked for and that the token has. */
static int check_audiences(const struct tokens *t, const json_t *claims,
                           const struct tokens_audiences *audiences, json_t *ret_both,
                           struct err *err)
{
    struct str own = issuer(t);
    struct tokens_audiences dflt = {&own, 1};

    if (!audiences || !audiences->n)
        audiences = &dflt;
    for (size_t i = 0; i < audiences->n; i++) {
        if (jwt_has_audience(claims, audiences->p[i]))
            json_array_append_new(ret_both, json_from_str(audiences->p[i]));
    }
    if (!json_array_size(ret_both))
        return err_set(err, ERR_UNAUTH, "the token is for another audience");
    return 0;
}

/* An object that a claim names must exist with the claim's uid and not be gone by its deletion time. */
static int check_object(const struct tokens *t, struct str plural, struct str ns,
                        const json_t *claim, struct err *err)
{
    const struct kind *k = kinds_find(t->server->kinds, STR_NONE, STR("v1"), plural);
    const json_t *o = k ? registry_get(t->server->registry, k, ns, json_str(claim, "name")) : NULL;
    struct str deleted = json_str_at(o, "metadata", "deletionTimestamp", NULL);
    int64_t deleted_us = 0;

    if (!o || !kobj_uid(o).n || !str_eq(kobj_uid(o), json_str(claim, "uid")))
        return err_set(err, ERR_UNAUTH,
                       "the object in %" STR_FMT " that the token is bound to is gone",
                       STR_ARG(plural));
    if (deleted.n &&
        (time_parse(deleted, &deleted_us) < 0 || deleted_us <= loop_wall_us(t->server->loop)))
        return err_set(err, ERR_UNAUTH,
                       "the object in %" STR_FMT " that the token is bound to is being deleted",
                       STR_ARG(plural));
    return 0;
}

static int check_bindings(const struct tokens *t, const json_t *claims, struct err *err)
{
    const json_t *own = json_object_get(claims, CLAIM);
    const json_t *pod = json_object_get(own, "pod");
    const json_t *secret = json_object_get(own, "secret");
    struct str ns = json_str(own, "namespace");
    int rc =
        check_object(t, STR("serviceaccounts"), ns, json_object_get(own, "serviceaccount"), err);

    if (rc == 0 && pod)
        rc = check_object(t, STR("pods"), ns, pod, err);
    if (rc == 0 && secret)
        rc = check_object(t, STR("secrets"), ns, secret, err);
    return rc;
}

static void set_extra(json_t *extra, const char *name, struct str value)
{
    json_t *values;

    if (!value.n)
        return;
    values = json_array();
    json_array_append_new(values, json_from_str(value));
    json_set(extra, name, values);
}

static void drop_json(void *cookie)
{
    json_decref(cookie);
}

static const json_t *make_extra(struct arena *arena, const json_t *claims)
{
    json_t *extra = json_object();
    struct str jti = json_str(claims, "jti");

    if (jti.n)
        set_extra(extra, EXTRA_PREFIX "credential-id",
                  arena_fmt(arena, "JTI=%" STR_FMT, STR_ARG(jti)));
    set_extra(extra, EXTRA_PREFIX "pod-name", json_str_at(claims, CLAIM, "pod", "name", NULL));
    set_extra(extra, EXTRA_PREFIX "pod-uid", json_str_at(claims, CLAIM, "pod", "uid", NULL));
    set_extra(extra, EXTRA_PREFIX "node-name", json_str_at(claims, CLAIM, "node", "name", NULL));
    set_extra(extra, EXTRA_PREFIX "node-uid", json_str_at(claims, CLAIM, "node", "uid", NULL));
    arena_on_free(arena, drop_json, extra);
    return extra;
}

static void make_user(struct arena *arena, const json_t *claims, struct user *ret_user)
{
    struct str ns = json_str_at(claims, CLAIM, "namespace", NULL);
    struct str *groups = ARENA_ARRAY(arena, struct str, 3);

    groups[0] = STR("system:serviceaccounts");
    groups[1] = arena_fmt(arena, "system:serviceaccounts:%" STR_FMT, STR_ARG(ns));
    groups[2] = STR("system:authenticated");
    *ret_user = (struct user){
        .name = arena_str(arena, json_str(claims, "sub")),
        .uid = arena_str(arena, json_str_at(claims, CLAIM, "serviceaccount", "uid", NULL)),
        .groups = groups,
        .group_count = 3,
        .extra = make_extra(arena, claims),
    };
}

static int check_subject(const struct tokens *t, const json_t *claims, struct err *err)
{
    struct str ns = json_str_at(claims, CLAIM, "namespace", NULL);
    struct str name = json_str_at(claims, CLAIM, "serviceaccount", "name", NULL);
    char subject[512];
    int n = snprintf(subject, sizeof(subject), "system:serviceaccount:%" STR_FMT ":%" STR_FMT,
                     STR_ARG(ns), STR_ARG(name));

    if (!str_eq(json_str(claims, "iss"), issuer(t)))
        return err_set(err, ERR_UNAUTH, "the token is of another issuer");
    if (!ns.n || !name.n || n < 0 || (size_t)n >= sizeof(subject) ||
        !str_eq(json_str(claims, "sub"), str_n(subject, (size_t)n)))
        return err_set(err, ERR_UNAUTH, "the token's subject is not its ServiceAccount");
    return 0;
}

static int check_token(struct tokens *t, const struct jwt *jwt, struct str mac, struct err *err)
{
    int rc = check_signature(t, jwt, mac, err);

    if (rc == 0)
        rc = check_subject(t, jwt->claims, err);
    if (rc == 0)
        rc = check_times(t, jwt->claims, err);
    if (rc == 0)
        rc = check_bindings(t, jwt->claims, err);
    return rc;
}

int tokens_verify(struct tokens *t, struct str token, const struct tokens_audiences *audiences,
                  struct arena *arena, struct tokens_identity *ret_identity, struct err *err)
{
    json_t *both JSON_OWNED = json_array();
    uint8_t mac[HASH_SHA256_BYTES];
    struct jwt jwt = {0};

    if (jwt_parse(token, &jwt, NULL) < 0)
        return err_set(err, ERR_UNAUTH, "the token is not a JSON Web Token");
    hash_hmac_sha256(str_n(t->mac_key, sizeof(t->mac_key)), token, mac);
    int rc = check_token(t, &jwt, str_n(mac, sizeof(mac)), err);
    if (rc == 0)
        rc = check_audiences(t, jwt.claims, audiences, both, err);
    if (rc == 0) {
        make_user(arena, jwt.claims, &ret_identity->user);
        ret_identity->audiences = json_incref(both);
        arena_on_free(arena, drop_json, both);
    }
    jwt_fini(&jwt);
    return rc;
}

/* --- making */

/* A TokenRequest while it is answered. */
struct request {
    const struct kind_request *r;
    const struct tokens *tokens;
    const json_t *account;
    const json_t *bound; /* Pod or Secret, or NULL */
    bool bound_is_pod;
    const json_t *audiences; /* array, or NULL for the default */
    int64_t lifetime_s;
    json_t **ret_status;
};

static int read_lifetime(struct request *q, const json_t *spec)
{
    struct field_errors errors;
    const json_t *v = json_object_get(spec, "expirationSeconds");
    int64_t s = json_int(spec, "expirationSeconds", 3600);
    const struct kind k = {.group = STR("authentication.k8s.io"), .kind = STR("TokenRequest")};
    struct str path = STR("spec.expirationSeconds");
    int rc = 0;

    field_errors_init(&errors, q->r->arena);
    if (s < MIN_LIFETIME_S)
        field_errors_add(&errors, FIELD_INVALID, path, v,
                         "may not specify a duration less than 10 minutes");
    if (s > MAX_LIFETIME_S)
        field_errors_add(&errors, FIELD_INVALID, path, v,
                         "may not specify a duration larger than 2^32 seconds");
    if (errors.items.n)
        rc = status_invalid(q->ret_status, &k, STR_NONE, &errors);
    field_errors_fini(&errors);
    q->lifetime_s = MIN(s, (int64_t)q->r->server->conf.token_max_lifetime_s);
    return rc;
}

static int check_bound_uid(struct request *q, const json_t *ref)
{
    struct str uid = json_str(ref, "uid");

    if (!uid.n || str_eq(uid, kobj_uid(q->bound)))
        return 0;
    return status_set(
        q->ret_status, ERR_CONFLICT,
        "Operation cannot be fulfilled on %" STR_FMT " \"%" STR_FMT
        "\": the UID in the bound object reference (%" STR_FMT
        ") does not match the UID in record. The object might have been deleted and then recreated",
        STR_ARG(json_str(ref, "kind")), STR_ARG(json_str(ref, "name")), STR_ARG(uid));
}

/* Finds the object that the token shall be bound to. */
static int read_bound_object(struct request *q, const json_t *ref)
{
    const struct apiserver *s = q->r->server;
    struct str kind = json_str(ref, "kind");
    struct str version = json_str(ref, "apiVersion");
    bool known = str_eq(kind, STR("Pod")) || str_eq(kind, STR("Secret"));

    if (!json_is_object(ref))
        return 0;
    if (!known || (version.n && !str_eq(version, STR("v1"))))
        return status_set(q->ret_status, ERR_BADREQUEST,
                          "cannot bind token to object of type %" STR_FMT, STR_ARG(kind));
    q->bound_is_pod = str_eq(kind, STR("Pod"));
    const struct kind *k =
        kinds_find(s->kinds, STR_NONE, STR("v1"), q->bound_is_pod ? STR("pods") : STR("secrets"));
    q->bound = registry_get(s->registry, k, q->r->ns, json_str(ref, "name"));
    if (!q->bound)
        return status_not_found(q->ret_status, k, json_str(ref, "name"));
    if (q->bound_is_pod &&
        !str_eq(json_str_at(q->bound, "spec", "serviceAccountName", NULL), kobj_name(q->account)))
        return status_set(q->ret_status, ERR_BADREQUEST,
                          "cannot bind token for serviceaccount \"%" STR_FMT
                          "\" to pod running with different serviceaccount name.",
                          STR_ARG(kobj_name(q->account)));
    return check_bound_uid(q, ref);
}

static json_t *name_and_uid(const json_t *o)
{
    json_t *v = json_object();

    json_set_str(v, "name", kobj_name(o));
    json_set_str(v, "uid", kobj_uid(o));
    return v;
}

static json_t *make_claims(const struct request *q, int64_t now_s)
{
    json_t *claims = json_object();
    json_t *own = json_object();
    char jti[RANDOM_UUID_BYTES];
    struct str node = json_str_at(q->bound, "spec", "nodeName", NULL);
    struct str subject = arena_fmt(q->r->arena, "system:serviceaccount:%" STR_FMT ":%" STR_FMT,
                                   STR_ARG(kobj_ns(q->account)), STR_ARG(kobj_name(q->account)));

    json_set(claims, "aud", json_clone(q->audiences));
    json_set(claims, "exp", json_integer(now_s + q->lifetime_s));
    json_set(claims, "iat", json_integer(now_s));
    json_set_str(claims, "iss", issuer(q->tokens));
    json_set_str(claims, "jti", str_c(random_uuid(jti)));
    json_set_str(own, "namespace", kobj_ns(q->account));
    if (q->bound_is_pod && node.n)
        json_set_str(json_object_at(own, "node"), "name", node);
    if (q->bound)
        json_set(own, q->bound_is_pod ? "pod" : "secret", name_and_uid(q->bound));
    json_set(own, "serviceaccount", name_and_uid(q->account));
    json_set(claims, CLAIM, own);
    json_set(claims, "nbf", json_integer(now_s));
    json_set_str(claims, "sub", subject);
    return claims;
}

static void sign(const struct request *q, int64_t now_s, struct buf *out)
{
    struct key *key = q->r->server->conf.token_key;
    json_t *header JSON_OWNED = json_object();
    json_t *claims JSON_OWNED = make_claims(q, now_s);
    struct buf signature CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);

    json_set_str(header, "alg", str_c(key_jws_alg(key)));
    json_set_str(header, "kid", q->tokens->key_id);
    jwt_format_unsigned(header, claims, out);
    key_sign(key, buf_str(out), &signature);
    jwt_add_signature(out, buf_str(&signature));
}

static json_t *make_answer(const struct request *q, const json_t *object)
{
    struct buf token = BUF_INIT(BUF_NO_LIMIT);
    int64_t now_s = q->r->wall_us / TIME_US_PER_S;
    char time[TIME_RFC3339_BYTES];
    json_t *o = json_clone(object);
    json_t *metadata = json_object();
    json_t *status = json_object();

    sign(q, now_s, &token);
    json_set_str(o, "kind", STR("TokenRequest"));
    json_set_str(o, "apiVersion", STR("authentication.k8s.io/v1"));
    json_set_str(metadata, "name", kobj_name(q->account));
    json_set_str(metadata, "namespace", kobj_ns(q->account));
    json_set_str(metadata, "creationTimestamp", str_c(time_format_s(q->r->wall_us, time)));
    json_set(o, "metadata", metadata);
    json_t *spec = json_object_at(o, "spec");
    json_set(spec, "audiences", json_clone(q->audiences));
    json_set(spec, "expirationSeconds", json_integer(q->lifetime_s));
    json_set_str(status, "token", buf_str(&token));
    json_set_str(status, "expirationTimestamp",
                 str_c(time_format_s((now_s + q->lifetime_s) * TIME_US_PER_S, time)));
    json_set(o, "status", status);
    buf_wipe(&token);
    return o;
}

/* A name or namespace in the body must be the path's. */
static int check_names(const struct request *q, const json_t *object)
{
    struct str name = kobj_name(object), ns = kobj_ns(object);

    if (name.n && !str_eq(name, q->r->name))
        return status_set(q->ret_status, ERR_BADREQUEST,
                          "metadata.name: Invalid value: \"%" STR_FMT
                          "\": must match the service account name",
                          STR_ARG(name));
    if (ns.n && !str_eq(ns, q->r->ns))
        return status_set(
            q->ret_status, ERR_BADREQUEST,
            "the namespace of the provided object does not match the namespace sent on the request");
    return 0;
}

int tokens_answer(const struct kind_request *r, const json_t *object, json_t **ret_object,
                  json_t **ret_status)
{
    json_t *dflt JSON_OWNED = json_array();
    const json_t *spec = json_object_get(object, "spec");
    const struct kind *accounts =
        kinds_find(r->server->kinds, STR_NONE, STR("v1"), STR("serviceaccounts"));
    struct request q = {.r = r, .tokens = r->server->tokens, .ret_status = ret_status};
    int rc;

    q.account = registry_get(r->server->registry, accounts, r->ns, r->name);
    if (!q.account)
        return status_not_found(ret_status, accounts, r->name);
    json_array_append_new(dflt, json_from_str(issuer(q.tokens)));
    q.audiences = json_object_get(spec, "audiences");
    if (!json_array_size(q.audiences))
        q.audiences = dflt;
    rc = check_names(&q, object);
    if (rc == 0)
        rc = read_lifetime(&q, spec);
    if (rc == 0)
        rc = read_bound_object(&q, json_object_get(spec, "boundObjectRef"));
    if (rc == 0)
        *ret_object = make_answer(&q, object);
    return rc;
}
