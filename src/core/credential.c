/*
 * Credentials from Secrets.  Decoded bytes pass through buffers that are wiped before they are freed.
 */
#include "core/credential.h"

#include <stdatomic.h>

#include "codec/base64.h"
#include "core/labels.h"
#include "kube/object.h"

#define VALUE_MAX_BYTES (64 * 1024) /* a header block is not larger */
#define RECOGNIZABLE_BYTES 6        /* shorter ones stand in texts by chance */

struct credential {
    atomic_uint refs;
    const char *method;
    struct secret *value; /* whole header value */
    struct secret *bare;  /* the password or token itself */
    struct str version;
};

static void wipep(struct buf *b)
{
    buf_wipe(b);
}

/* Decodes data[key] of a Secret.  Errors: INVALID naming the key. */
static int decode_key(const json_t *secret, const char *key, struct buf *out, struct err *err)
{
    const json_t *value = json_at(secret, "data", key, NULL);

    if (!value)
        return err_set(err, ERR_INVALID, "key '%s' is missing", key);
    if (base64_decode(out, json_str_of(value)) < 0)
        return err_set(err, ERR_INVALID, "key '%s' is not valid base64 or over %d bytes", key,
                       VALUE_MAX_BYTES);
    return 0;
}

static int basic_value(const json_t *secret, struct credential *c, struct err *err)
{
    struct buf user CLEANUP(wipep) = BUF_INIT(VALUE_MAX_BYTES);
    struct buf password CLEANUP(wipep) = BUF_INIT(VALUE_MAX_BYTES);
    struct buf pair CLEANUP(wipep) = BUF_INIT(2 * VALUE_MAX_BYTES + 1);
    struct buf text CLEANUP(wipep) = BUF_INIT(3 * VALUE_MAX_BYTES);
    int rc;

    rc = decode_key(secret, "username", &user, err);
    if (rc == 0)
        rc = decode_key(secret, "password", &password, err);
    if (rc < 0)
        return rc;
    if (str_index(buf_str(&user), ':') >= 0)
        return err_set(err, ERR_INVALID, "key 'username' must not contain ':'");

    buf_add_str(&pair, buf_str(&user));
    buf_add_char(&pair, ':');
    buf_add_str(&pair, buf_str(&password));
    buf_add_c(&text, "Basic ");
    base64_encode(&text, buf_str(&pair));
    if (buf_error(&text) < 0)
        return err_set(err, ERR_INVALID, "username and password are too long for a header");
    c->value = secret_new(buf_str(&text));
    c->bare = secret_new(buf_str(&password));
    c->method = "basic";
    return 0;
}

static int bearer_value(const json_t *secret, struct credential *c, struct err *err)
{
    struct buf token CLEANUP(wipep) = BUF_INIT(VALUE_MAX_BYTES);
    struct str t;
    int rc;

    rc = decode_key(secret, "token", &token, err);
    if (rc < 0)
        return rc;
    t = buf_str(&token);
    if (t.n == 0)
        return err_set(err, ERR_INVALID, "key 'token' is empty");
    for (size_t i = 0; i < t.n; i++)
        if (t.p[i] <= ' ' || t.p[i] >= 0x7f)
            return err_set(err, ERR_INVALID,
                           "key 'token' holds white space or bytes that no header may carry");
    c->value = secret_join((struct str[]){STR("Bearer "), t}, 2);
    c->bare = secret_new(t);
    c->method = "bearer";
    return 0;
}

int credential_new(const json_t *secret, const struct class_auth *auth,
                   struct credential **ret_credential, struct err *err)
{
    struct credential *c CLEANUP(credential_unrefp) = NEW(struct credential);
    struct str uid = kobj_uid(secret), rv = kobj_rv(secret);
    struct buf version = BUF_INIT(1024);
    size_t n;
    int rc;

    atomic_init(&c->refs, 1);
    if (str_eq(auth->secret_type, STR(SECRET_TYPE_BASIC)))
        rc = basic_value(secret, c, err);
    else if (str_eq(auth->secret_type, STR(SECRET_TYPE_BEARER)))
        rc = bearer_value(secret, c, err);
    else
        rc = err_set(err, ERR_METHOD, "Secrets of type '%" STR_FMT "' need an injection rule",
                     STR_ARG(auth->secret_type));
    if (rc < 0)
        return rc;

    buf_addf(&version, "%" STR_FMT "/%" STR_FMT, STR_ARG(uid), STR_ARG(rv));
    c->version.p = buf_take_c(&version, &n);
    c->version.n = n;
    *ret_credential = TAKE(c);
    return 0;
}

struct credential *credential_ref(struct credential *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void credential_unref(struct credential *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    secret_unref(c->value);
    secret_unref(c->bare);
    free((void *)c->version.p);
    free(c);
}

struct str credential_version(const struct credential *c)
{
    return c->version;
}

const char *credential_method(const struct credential *c)
{
    return c->method;
}

void credential_expose(const struct credential *c, struct str *ret_name, struct str *ret_value)
{
    *ret_name = STR("Authorization");
    *ret_value = secret_expose(c->value);
}

bool credential_is_in(const struct credential *c, struct str text)
{
    struct str value = secret_expose(c->value), bare = secret_expose(c->bare);

    /* "Basic " or "Bearer " is no secret: what stands behind it is. */
    value = str_skip(value, (size_t)(str_index(value, ' ') + 1));
    if (value.n >= RECOGNIZABLE_BYTES && str_find(text, value) >= 0)
        return true;
    return bare.n >= RECOGNIZABLE_BYTES && str_find(text, bare) >= 0;
}
