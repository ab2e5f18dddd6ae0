/*
 * Secrets: only those that a Connector refers to keep their data.
 *
 * When a Connector appears that refers to one whose data was dropped, the Secret is read once by GET; the next
 * event of the watch, which then keeps the data, takes its place.
 */
#include "proxy/view_priv.h"

#include "base/log.h"
#include "base/time.h"
#include "codec/base64.h"
#include "core/secretkeep.h"
#include "crypto/hash.h"
#include "kube/object.h"

#define RETRY_US (1 * TIME_US_PER_S)
#define CA_MAX_BYTES (1024 * 1024)
#define PEM_HEADER STR("-----BEGIN CERTIFICATE-----")

struct fetch {
    struct view *view;
    struct str ns, name, key;
    struct kube_call *call;
    struct loop_timer retry;
    bool has_failed;
    struct arena *arena;
};

void view_secret_trim(void *cookie, json_t *object)
{
    struct view *v = cookie;
    struct arena *a CLEANUP(arena_freep) = arena_new();

    secretkeep_trim(object, index_get(v->by_secret, kobj_key(a, object)) != NULL);
}

static void fetch_free(struct fetch *f)
{
    if (f->call)
        kube_call_cancel(f->call);
    loop_timer_cancel(kube_client_loop(f->view->client), &f->retry);
    arena_free(f->arena);
}

/* What was read by GET is out of date, or not needed any more. */
static void forget_fetched(struct view *v, struct str key)
{
    struct fetch *f = map_del(v->fetching, key);

    json_decref(map_del(v->fetched, key));
    if (f)
        fetch_free(f);
}

void view_secret_on_change(void *cookie, const json_t *old, const json_t *now)
{
    struct view *v = cookie;
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct str key = kobj_key(a, now ? now : old);

    forget_fetched(v, key);
    view_resolve_secret(v, key);
}

static void fetch_start(void *cookie);

static void on_fetched(void *cookie, int rc, json_t *answer, const struct err *err)
{
    struct fetch *f = cookie;
    struct view *v = f->view;

    f->call = NULL;
    if (rc < 0) {
        /* One that is gone now will be reported by the watch. */
        if (rc != -ERR_NOTFOUND)
            log_warn("Cannot read Secret; trying again", LOG_S("secret", f->key), LOG_ERR(err));
        loop_timer_start(kube_client_loop(v->client), &f->retry, RETRY_US, fetch_start, f);
        f->has_failed = true;
        view_resolve_secret(v, f->key);
        return;
    }
    map_del(v->fetching, f->key);
    json_decref(map_put(v->fetched, f->key, json_incref(answer)));
    view_resolve_secret(v, f->key);
    fetch_free(f);
}

static void fetch_start(void *cookie)
{
    struct fetch *f = cookie;
    struct buf path = BUF_INIT(2048);
    struct kube_request request = {.method = "GET"};

    kube_path(&path, &KUBE_SECRETS, f->ns, f->name, STR_NONE);
    request.path = buf_str(&path);
    f->call = kube_call_start(f->view->client, &request, on_fetched, f);
    buf_fini(&path);
}

static enum view_secret fetch(struct view *v, struct str ns, struct str name, struct str key)
{
    struct fetch *f = map_get(v->fetching, key);
    struct arena *a;

    if (f)
        return f->has_failed ? VIEW_SECRET_FAILED : VIEW_SECRET_AWAITED;
    a = arena_new();
    f = ARENA_NEW(a, struct fetch);
    f->arena = a;
    f->view = v;
    f->ns = arena_str(a, ns);
    f->name = arena_str(a, name);
    f->key = arena_str(a, key);
    map_put(v->fetching, key, f);
    fetch_start(f);
    return VIEW_SECRET_AWAITED;
}

enum view_secret view_secret_find(struct view *v, struct str ns, struct str name,
                                  const json_t **ret_secret)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    const json_t *secret = reflector_get(v->secrets, ns, name);
    struct str key;

    if (!secret)
        return VIEW_SECRET_ABSENT;
    if (secretkeep_is_trimmed(secret)) {
        key = arena_fmt(a, "%" STR_FMT "/%" STR_FMT, STR_ARG(ns), STR_ARG(name));
        secret = map_get(v->fetched, key);
        if (!secret)
            return fetch(v, ns, name, key);
    }
    *ret_secret = secret;
    return VIEW_SECRET_KNOWN;
}

void view_secret_fini(struct view *v)
{
    struct map_iter it = {0};
    struct fetch *f;
    json_t *secret;

    while ((f = map_next(v->fetching, &it))) {
        map_del(v->fetching, it.key);
        fetch_free(f);
    }
    it = (struct map_iter){0};
    while ((secret = map_next(v->fetched, &it))) {
        map_del(v->fetched, it.key);
        json_decref(secret);
    }
    map_free(v->fetching);
    map_free(v->fetched);
}

/* --- CA certificates */

/* Appends the certificates of a Secret: values that have a PEM header, of keys of any name. */
static void collect_pem(const json_t *secret, struct buf *out)
{
    struct buf value = BUF_INIT(CA_MAX_BYTES);
    const char *key;
    json_t *encoded;

    json_object_foreach(json_at(secret, "data", NULL), key, encoded)
    {
        (void)key;
        buf_reset(&value);
        if (base64_decode(&value, json_str_of(encoded)) < 0 ||
            str_find(buf_str(&value), PEM_HEADER) < 0)
            continue;
        buf_add_str(out, buf_str(&value));
        buf_add_char(out, '\n');
    }
    buf_wipe(&value);
}

static struct tls_client *client_with(struct str pem, struct err *err)
{
    struct tls_trust *trust;
    struct tls_client *client = NULL;

    if (tls_trust_new(true, pem, &trust, err) < 0)
        return NULL;
    if (tls_client_new(trust, STR_NONE, NULL, &client, err) < 0)
        client = NULL;
    tls_trust_unref(trust);
    return client;
}

struct tls_client *view_secret_trust(struct view *v, struct arena *a, const json_t *secret,
                                     struct str *ret_trust)
{
    struct buf pem = BUF_INIT(CA_MAX_BYTES);
    uint8_t digest[HASH_SHA256_BYTES];
    struct tls_client *client;
    struct str key, text;
    struct err err;

    *ret_trust = STR("system");
    collect_pem(secret, &pem);
    if (pem.len == 0 || buf_error(&pem) < 0) {
        buf_fini(&pem);
        return v->roots;
    }
    text = buf_str(&pem);
    hash_sha256(&text, 1, digest);
    key = str_n(digest, sizeof(digest));
    client = lru_get(v->tls_clients, key);
    if (!client) {
        client = client_with(text, &err);
        if (client)
            lru_put(v->tls_clients, key, client);
        else
            log_warn("Cannot use CA certificates", LOG_S("secret", kobj_key(a, secret)),
                     LOG_ERR(&err));
    }
    buf_fini(&pem);
    if (!client)
        return v->roots;
    *ret_trust = arena_fmt(a, "system+%" STR_FMT "/%" STR_FMT, STR_ARG(kobj_uid(secret)),
                           STR_ARG(kobj_rv(secret)));
    return client;
}
