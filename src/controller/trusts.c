/*
 * A bounded table of TLS configurations by the hash of their certificates.
 */
#include "controller/trusts.h"

#include <pthread.h>

#include "codec/base64.h"
#include "core/lru.h"
#include "crypto/hash.h"
#include "crypto/x509.h"

#define CLIENTS_MAX ((size_t)256)
#define VALUE_MAX_BYTES ((size_t)1024 * 1024)
#define PEM_HEADER STR("-----BEGIN CERTIFICATE-----")

struct trusts {
    pthread_mutex_t lock;
    struct lru *clients;
};

static void release(void *value)
{
    tls_client_unref(value);
}

struct trusts *trusts_new(void)
{
    struct trusts *t = NEW(struct trusts);

    pthread_mutex_init(&t->lock, NULL);
    t->clients = lru_new(CLIENTS_MAX, release);
    return t;
}

void trusts_free(struct trusts *t)
{
    if (!t)
        return;
    lru_free(t->clients);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

int trusts_collect(const json_t *secret, struct buf *out, struct err *err)
{
    const char *key;
    json_t *encoded;
    int rc = 0;

    json_object_foreach(json_at(secret, "data", NULL), key, encoded)
    {
        struct buf value = BUF_INIT(VALUE_MAX_BYTES);

        /* Other values of the Secret may be private keys. */
        if (base64_decode(&value, json_str_of(encoded)) == 0 &&
            str_find(buf_str(&value), PEM_HEADER) >= 0) {
            if (x509_inspect(buf_str(&value), NULL) <= 0)
                rc = err_set(err, ERR_INVALID, "key '%s' has a certificate that does not parse",
                             key);
            buf_add_str(out, buf_str(&value));
            buf_add_char(out, '\n');
        }
        buf_wipe(&value);
        if (rc < 0)
            return rc;
    }
    if (out->len == 0)
        return err_set(err, ERR_INVALID, "no key holds a PEM certificate");
    if (buf_error(out) < 0)
        return err_set(err, ERR_TOOBIG, "the certificates are larger than %zu bytes", out->max);
    return 0;
}

static int make(struct str pem, struct tls_client **ret_client, struct err *err)
{
    struct tls_trust *trust;
    int rc = tls_trust_new(true, pem, &trust, err);

    if (rc < 0)
        return rc;
    rc = tls_client_new(trust, STR_NONE, NULL, ret_client, err);
    tls_trust_unref(trust);
    return rc;
}

int trusts_get(struct trusts *t, struct str pem, struct tls_client **ret_client, struct err *err)
{
    uint8_t digest[HASH_SHA256_BYTES];
    struct tls_client *client;
    struct str key;
    int rc = 0;

    hash_sha256(&pem, 1, digest);
    key = str_n(digest, sizeof(digest));
    pthread_mutex_lock(&t->lock);
    client = lru_get(t->clients, key);
    if (!client) {
        rc = make(pem, &client, err);
        if (rc == 0)
            lru_put(t->clients, key, client);
    }
    if (rc == 0)
        *ret_client = tls_client_ref(client);
    pthread_mutex_unlock(&t->lock);
    return rc;
}
