/*
 * A verdict belongs to the identity beside it: a new identity drops it.
 */
#include "proxy/connection.h"

#define KEY_BYTES 128 /* two DNS labels and a slash */

struct connection {
    struct identity *identity;
    struct permission_verdict *verdict;
    size_t key_bytes;
    char key[KEY_BYTES]; /* of the Connector the verdict is about */
};

static void connection_free(void *value)
{
    struct connection *c = value;

    identity_unref(c->identity);
    permission_unref(c->verdict);
    free(c);
}

static struct connection *connection_of(struct http_exchange *x)
{
    struct connection *c = http_exchange_kept(x);

    if (!c) {
        c = NEW(struct connection);
        http_exchange_keep(x, c, connection_free);
    }
    return c;
}

struct identity *connection_identity(const struct http_exchange *x)
{
    const struct connection *c = http_exchange_kept(x);

    return c ? c->identity : NULL;
}

struct permission_verdict *connection_verdict(const struct http_exchange *x, struct str connector)
{
    const struct connection *c = http_exchange_kept(x);

    if (!c || !c->verdict || !str_eq(str_n(c->key, c->key_bytes), connector))
        return NULL;
    return c->verdict;
}

void connection_keep_identity(struct http_exchange *x, struct identity *id)
{
    struct connection *c = connection_of(x);

    permission_unref(TAKE(c->verdict));
    identity_unref(c->identity);
    c->identity = identity_ref(id);
}

void connection_keep_verdict(struct http_exchange *x, struct permission_verdict *v,
                             struct str connector)
{
    struct connection *c = connection_of(x);

    permission_unref(TAKE(c->verdict));
    if (connector.n > KEY_BYTES)
        return;
    memcpy(c->key, connector.p, connector.n);
    c->key_bytes = connector.n;
    c->verdict = permission_ref(v);
}
