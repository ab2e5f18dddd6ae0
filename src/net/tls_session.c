/*
 * Sessions a client may resume, by server name, shared by the threads that use one configuration.
 *
 * The lock is taken once or twice per handshake, never on the way of data.  A full cache forgets any one
 * entry: resumption is a saving, not a promise.
 */
#include <pthread.h>

#include "base/map.h"
#include "net/tls_priv.h"

struct tls_session_cache {
    pthread_mutex_t lock;
    struct map *by_name;
};

static void tls_session_value_free(void *value)
{
    SSL_SESSION_free(value);
}

struct tls_session_cache *tls_session_cache_new(void)
{
    struct tls_session_cache *c = NEW(struct tls_session_cache);

    ASSERT(pthread_mutex_init(&c->lock, NULL) == 0);
    c->by_name = map_new();
    return c;
}

void tls_session_cache_free(struct tls_session_cache *c)
{
    map_free_with(c->by_name, tls_session_value_free);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

void tls_session_put(struct tls_session_cache *c, struct str name, SSL_SESSION *session)
{
    struct map_iter it = {0};
    SSL_SESSION *old;

    pthread_mutex_lock(&c->lock);
    if (map_len(c->by_name) >= TLS_SESSION_MAX_NAMES && !map_get(c->by_name, name) &&
        map_next(c->by_name, &it))
        SSL_SESSION_free(map_del(c->by_name, it.key));
    old = map_put(c->by_name, name, session);
    pthread_mutex_unlock(&c->lock);
    SSL_SESSION_free(old);
}

SSL_SESSION *tls_session_get(struct tls_session_cache *c, struct str name)
{
    SSL_SESSION *session;

    pthread_mutex_lock(&c->lock);
    session = map_get(c->by_name, name);
    if (session)
        SSL_SESSION_up_ref(session);
    pthread_mutex_unlock(&c->lock);
    return session;
}

void tls_session_drop(struct tls_session_cache *c, struct str name)
{
    SSL_SESSION *old;

    pthread_mutex_lock(&c->lock);
    old = map_del(c->by_name, name);
    pthread_mutex_unlock(&c->lock);
    SSL_SESSION_free(old);
}
