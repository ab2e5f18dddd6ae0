/*
 * Sealing of stored values.
 */
#include "apiserver/seal.h"

#include "base/mem.h"
#include "crypto/aead.h"

#define SEAL_PREFIX STR("k8s:enc:aesgcm:v1:key1:")
#define SEAL_ANY_PREFIX STR("k8s:enc:")

struct seal {
    struct secret *key;
};

struct seal *seal_new(const struct secret *key)
{
    struct seal *s = NEW(struct seal);

    ASSERT(secret_len(key) == AEAD_KEY_BYTES);
    s->key = secret_ref((struct secret *)key);
    return s;
}

void seal_free(struct seal *s)
{
    if (!s)
        return;
    secret_unref(s->key);
    free(s);
}

void seal_encode(const struct seal *s, struct str key, struct str plain, struct buf *out)
{
    buf_add_str(out, SEAL_PREFIX);
    aead_seal(s->key, key, plain, out);
}

int seal_decode(const struct seal *s, struct str key, struct str stored, struct buf *out,
                struct err *err)
{
    if (!str_starts(stored, SEAL_ANY_PREFIX)) {
        buf_add_str(out, stored);
        return 0;
    }
    if (!str_starts(stored, SEAL_PREFIX) ||
        aead_open(s->key, key, str_skip(stored, SEAL_PREFIX.n), out) < 0)
        return err_set(err, ERR_INVALID, "decrypt %" STR_FMT ": not sealed with this key",
                       STR_ARG(key));
    return 0;
}
