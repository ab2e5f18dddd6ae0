/*
 * Who is asking: a verified client certificate, else a bearer token; and impersonation.
 *
 * A certificate wins over a token, as in kube-apiserver.  What is wrong with a credential is not told to whom
 * presents it.
 */
#include "apiserver/authn.h"

#include "apiserver/authz.h"
#include "apiserver/server.h"
#include "apiserver/status.h"
#include "apiserver/tokens.h"
#include "base/log.h"
#include "base/vec.h"
#include "codec/url.h"

#define AUTHENTICATED STR("system:authenticated")
#define IMPERSONATE_MAX 64 /* groups and extra values that one request may name */

struct authn {
    struct apiserver *server;
};

struct authn *authn_new(struct apiserver *server)
{
    struct authn *a = NEW(struct authn);

    a->server = server;
    return a;
}

void authn_free(struct authn *a)
{
    free(a);
}

bool authn_in_group(const struct user *u, struct str group)
{
    for (size_t i = 0; i < u->group_count; i++) {
        if (str_eq(u->groups[i], group))
            return true;
    }
    return false;
}

static void drop_json(void *cookie)
{
    json_decref(cookie);
}

struct user *authn_user_copy(struct arena *arena, const struct user *u)
{
    struct user *copy = ARENA_NEW(arena, struct user);
    struct str *groups = ARENA_ARRAY(arena, struct str, u->group_count);

    for (size_t i = 0; i < u->group_count; i++)
        groups[i] = arena_str(arena, u->groups[i]);
    *copy = (struct user){
        .name = arena_str(arena, u->name),
        .uid = arena_str(arena, u->uid),
        .groups = groups,
        .group_count = u->group_count,
    };
    if (u->extra) {
        copy->extra = json_incref((json_t *)u->extra);
        arena_on_free(arena, drop_json, (void *)copy->extra);
    }
    return copy;
}

json_t *authn_user_json(const struct user *u)
{
    json_t *v = json_object();
    json_t *groups = json_array();

    json_set_str(v, "username", u->name);
    if (u->uid.n)
        json_set_str(v, "uid", u->uid);
    for (size_t i = 0; i < u->group_count; i++)
        json_array_append_new(groups, json_from_str(u->groups[i]));
    json_set(v, "groups", groups);
    if (json_object_size(u->extra))
        json_set(v, "extra", json_clone(u->extra));
    return v;
}

/* The user of a verified certificate: common name and organizations. */
static int identify_certificate(struct http_exchange *x, struct arena *arena, struct user *ret_user)
{
    struct tls_peer peer = {0};

    if (tls_peer_get(http_exchange_stream(x), arena, &peer) < 0 || !peer.common_name.n)
        return -ERR_UNAUTH;
    struct str *groups = ARENA_ARRAY(arena, struct str, peer.organization_count + 1);
    memcpy(groups, peer.organizations, peer.organization_count * sizeof(*groups));
    *ret_user = (struct user){.name = peer.common_name, .groups = groups};
    ret_user->group_count = peer.organization_count;
    if (!authn_in_group(ret_user, AUTHENTICATED))
        groups[ret_user->group_count++] = AUTHENTICATED;
    return 0;
}

/* The token of "Authorization: Bearer <token>"; empty when there is none. */
static struct str bearer_token(const struct http_headers *h)
{
    struct str value = str_trim(http_headers_get(h, STR("authorization")));
    struct str scheme = str_cut(&value, ' ');

    if (http_headers_count(h, STR("authorization")) != 1 || !str_eq_nocase(scheme, STR("bearer")))
        return STR_NONE;
    return str_trim(value);
}

int authn_identify(struct authn *a, struct http_exchange *x, struct arena *arena,
                   struct user *ret_user)
{
    struct tokens_identity who;
    struct err err = {0};

    if (identify_certificate(x, arena, ret_user) == 0)
        return 0;
    struct str token = bearer_token(&http_exchange_request(x)->headers);
    if (!token.n)
        return -ERR_UNAUTH;
    int rc = tokens_verify(a->server->tokens, token, NULL, arena, &who, &err);
    if (rc < 0)
        log_debug("Refused a token", LOG_ERR(&err));
    else
        *ret_user = who.user;
    return rc < 0 ? -ERR_UNAUTH : 0;
}

/* What the Impersonate-* headers ask for. */
struct impersonation {
    struct str user, uid;
    struct VEC(struct str) groups;
    json_t *extra;
    size_t extra_count;
    bool asked;
};

static void add_extra(struct impersonation *im, struct arena *arena, struct str key,
                      struct str value)
{
    struct str name;

    if (url_decode(arena, key, &name) < 0 || !name.n || im->extra_count++ >= IMPERSONATE_MAX)
        return;
    char *lower = arena_cstr(arena, name);
    for (char *p = lower; *p; p++)
        *p = str_lower_char(*p);
    if (!im->extra)
        im->extra = json_object();
    json_t *values = json_object_get(im->extra, lower);
    if (!values) {
        values = json_array();
        json_set(im->extra, lower, values);
    }
    json_array_append_new(values, json_from_str(value));
}

static void read_header(struct impersonation *im, struct arena *arena, const struct http_header *h)
{
    struct str prefix = STR("impersonate-");
    struct str extra = STR("impersonate-extra-");

    if (!str_starts_nocase(h->name, prefix))
        return;
    im->asked = true;
    if (str_eq_nocase(h->name, STR("impersonate-user")))
        im->user = h->value;
    else if (str_eq_nocase(h->name, STR("impersonate-uid")))
        im->uid = h->value;
    else if (str_eq_nocase(h->name, STR("impersonate-group")))
        VEC_PUSH(&im->groups, h->value);
    else if (str_starts_nocase(h->name, extra))
        add_extra(im, arena, str_skip(h->name, extra.n), h->value);
}

struct impersonate_check {
    struct authn *a;
    const struct user *user;
    struct arena *arena;
    json_t **ret_status;
};

static int may_impersonate(const struct impersonate_check *c, const struct authz_attributes *what)
{
    struct authz_attributes at = *what;

    at.verb = STR("impersonate");
    at.version = STR("v1");
    if (authz_allows(c->a->server->authz, c->user, &at, c->arena, NULL))
        return 0;
    struct str why = authz_denial(c->arena, c->user, &at);
    return status_set(c->ret_status, ERR_FORBIDDEN,
                      "%" STR_FMT " \"%" STR_FMT "\" is forbidden: %" STR_FMT, STR_ARG(at.resource),
                      STR_ARG(at.name), STR_ARG(why));
}

/* "system:serviceaccount:ns:name" in its parts; false for other users. */
static bool split_service_account(struct str user, struct str *ret_ns, struct str *ret_name)
{
    struct str prefix = STR("system:serviceaccount:");

    if (!str_starts(user, prefix))
        return false;
    user = str_skip(user, prefix.n);
    *ret_ns = str_cut(&user, ':');
    *ret_name = user;
    return ret_ns->n && ret_name->n && str_index(*ret_name, ':') < 0;
}

static int check_extra(const struct impersonate_check *c, const json_t *extra)
{
    const char *key;
    json_t *values, *v;
    size_t i;

    json_object_foreach((json_t *)extra, key, values)
    {
        json_array_foreach(values, i, v)
        {
            struct authz_attributes at = {.group = STR("authentication.k8s.io"),
                                          .resource = STR("userextras"),
                                          .subresource = str_c(key),
                                          .name = json_str_of(v)};
            int rc = may_impersonate(c, &at);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

static int check_impersonation(const struct impersonate_check *c, const struct impersonation *im)
{
    struct authz_attributes who = {.resource = STR("users"), .name = im->user};
    struct str ns, name;
    int rc;

    if (split_service_account(im->user, &ns, &name))
        who = (struct authz_attributes){.resource = STR("serviceaccounts"), .ns = ns, .name = name};
    rc = may_impersonate(c, &who);
    for (size_t i = 0; rc == 0 && i < im->groups.n; i++) {
        struct authz_attributes group = {.resource = STR("groups"), .name = im->groups.p[i]};
        rc = may_impersonate(c, &group);
    }
    if (rc == 0 && im->uid.n) {
        struct authz_attributes uid = {
            .group = STR("authentication.k8s.io"), .resource = STR("uids"), .name = im->uid};
        rc = may_impersonate(c, &uid);
    }
    return rc == 0 ? check_extra(c, im->extra) : rc;
}

/* The user that the headers describe, with the groups that every such user has. */
static void become(const struct impersonation *im, struct arena *arena, struct user *user)
{
    struct str *groups = ARENA_ARRAY(arena, struct str, im->groups.n + 3);
    struct user now = {
        .name = arena_str(arena, im->user), .uid = arena_str(arena, im->uid), .groups = groups};
    struct str ns, name;

    for (size_t i = 0; i < im->groups.n; i++)
        groups[now.group_count++] = arena_str(arena, im->groups.p[i]);
    if (!im->groups.n && split_service_account(im->user, &ns, &name)) {
        groups[now.group_count++] = STR("system:serviceaccounts");
        groups[now.group_count++] =
            arena_fmt(arena, "system:serviceaccounts:%" STR_FMT, STR_ARG(ns));
    }
    if (!authn_in_group(&now, AUTHENTICATED))
        groups[now.group_count++] = AUTHENTICATED;
    if (im->extra) {
        now.extra = json_incref(im->extra);
        arena_on_free(arena, drop_json, im->extra);
    }
    *user = now;
}

int authn_impersonate(struct authn *a, struct http_exchange *x, struct arena *arena,
                      struct user *user, json_t **ret_status)
{
    const struct http_headers *h = &http_exchange_request(x)->headers;
    struct impersonate_check c = {.a = a, .user = user, .arena = arena, .ret_status = ret_status};
    struct impersonation im = {0};
    int rc = 0;

    for (size_t i = 0; i < h->n; i++)
        read_header(&im, arena, &h->p[i]);
    if (im.asked && !im.user.n)
        rc = status_set(ret_status, ERR_BADREQUEST,
                        "impersonation headers without Impersonate-User");
    else if (im.groups.n > IMPERSONATE_MAX || im.extra_count > IMPERSONATE_MAX)
        rc = status_set(ret_status, ERR_BADREQUEST,
                        "more than %d groups or extra values to impersonate", IMPERSONATE_MAX);
    else if (im.asked)
        rc = check_impersonation(&c, &im);
    if (rc == 0 && im.asked)
        become(&im, arena, user);
    VEC_FINI(&im.groups);
    json_decref(im.extra);
    return rc;
}
