/*
 * The client's pool: keys, idle connections and their limits.
 *
 * An idle connection is watched: whatever the peer sends without being asked ends it, so that nothing can
 * be mistaken for the answer to the next request.
 */
#include "http/client.h"

#include "http/client_priv.h"

const struct http_client_limits HTTP_CLIENT_LIMITS_DEFAULT = {
    .head_bytes = (size_t)256 * 1024,
    .header_count = 500,
    .response_timeout_us = 600 * INT64_C(1000000),
    .stream_timeout_us = 600 * INT64_C(1000000),
    .idle_timeout_us = 60 * INT64_C(1000000),
    .write_queue_bytes = (size_t)256 * 1024,
    .max_idle_per_key = 64,
    .max_idle = 4096,
};

struct http_client *http_client_new(struct loop *l, struct dns *dns,
                                    const struct http_client_limits *limits)
{
    struct http_client *c = NEW(struct http_client);

    c->loop = l;
    c->dns = dns;
    c->limits = *limits;
    if (c->limits.max_idle == 0)
        c->limits.max_idle = HTTP_CLIENT_LIMITS_DEFAULT.max_idle;
    c->keys = map_new();
    c->scratch = xcalloc(limits->header_count, sizeof(*c->scratch));
    list_init(&c->calls);
    list_init(&c->idle);
    return c;
}

static void client_destroy(struct http_client *c)
{
    map_free(c->keys);
    spare_fini(&c->spare);
    free(c->scratch);
    free(c);
}

void http_client_free(struct http_client *c)
{
    struct list *it;

    if (!c)
        return;
    ASSERT(list_is_empty(&c->calls));
    while ((it = list_first(&c->idle)))
        client_conn_free(LIST_ENTRY(it, struct client_conn, all_link));
    c->is_dying = true;
    if (c->depth == 0)
        client_destroy(c);
}

void client_enter(struct http_client *c)
{
    c->depth++;
}

void client_leave(struct http_client *c)
{
    if (--c->depth == 0 && c->is_dying)
        client_destroy(c);
}

size_t http_client_idle(const struct http_client *c)
{
    return c->idle_count;
}

void http_client_forget(struct http_client *c, struct str prefix)
{
    struct map_iter it = {0};
    struct client_key *k;

    while ((k = map_next(c->keys, &it))) {
        struct list *first;

        if (!str_starts(it.key, prefix))
            continue;
        k->generation++;
        k->refs++;
        while ((first = list_first(&k->idle)))
            client_conn_free(LIST_ENTRY(first, struct client_conn, link));
        client_key_unref(k);
    }
}

/* --- keys */

struct client_key *client_key_ref(struct http_client *c, const struct http_endpoint *e)
{
    struct client_key *k = map_get(c->keys, e->key);

    if (k) {
        k->refs++;
        return k;
    }
    k = NEW(struct client_key);
    k->client = c;
    k->key = str_dup(e->key);
    k->key_bytes = e->key.n;
    k->refs = 1;
    list_init(&k->idle);
    k->host = str_dup(e->target.host);
    k->tls_name = str_dup(e->target.tls_name);
    k->port = e->target.port;
    k->tls = e->target.tls ? tls_client_ref(e->target.tls) : NULL;
    map_put(c->keys, e->key, k);
    return k;
}

void client_key_unref(struct client_key *k)
{
    if (--k->refs > 0)
        return;
    map_del(k->client->keys, str_n(k->key, k->key_bytes));
    if (k->tls)
        tls_client_unref(k->tls);
    free(k->key);
    free(k->host);
    free(k->tls_name);
    free(k);
}

/* --- connections */

static bool conn_is_idle(const struct client_conn *conn)
{
    return !list_is_empty(&conn->link);
}

static void conn_leave_pool(struct client_conn *conn)
{
    list_remove(&conn->link);
    list_remove(&conn->all_link);
    conn->key->idle_count--;
    conn->client->idle_count--;
}

/* Anything but silence (or what a filter keeps to itself) ends an idle connection. */
static bool conn_is_quiet(struct client_conn *conn)
{
    return wire_fill(&conn->wire, SPARE_BLOCK_BYTES) == 0 && !conn->wire.has_hangup;
}

static void conn_on_ready(void *cookie, unsigned events)
{
    struct client_conn *conn = CAST(struct client_conn, cookie, CLIENT_CONN_MAGIC);

    wire_ready(&conn->wire, events);
    if (conn->call)
        call_run(conn->call);
    else if (!conn_is_quiet(conn))
        client_conn_free(conn);
}

static void conn_on_deadline(void *cookie)
{
    struct client_conn *conn = CAST(struct client_conn, cookie, CLIENT_CONN_MAGIC);
    int64_t at;

    if (!conn->call) {
        client_conn_free(conn);
        return;
    }
    at = call_deadline_us(conn->call);
    if (at > loop_now_us(conn->client->loop)) {
        deadline_set(&conn->deadline, at);
        return;
    }
    conn->call->is_timed_out = true;
    call_run(conn->call);
}

struct client_conn *client_conn_new(struct client_key *k)
{
    struct client_conn *conn = NEW(struct client_conn);

    conn->magic = CLIENT_CONN_MAGIC;
    conn->client = k->client;
    conn->key = k;
    k->refs++;
    conn->generation = k->generation;
    wire_init(&conn->wire, &k->client->spare);
    conn->wire.is_secret = true;
    deadline_init(&conn->deadline, k->client->loop, conn_on_deadline, conn);
    return conn;
}

struct client_conn *client_conn_take(struct client_key *k)
{
    struct list *first = list_first(&k->idle);
    struct client_conn *conn;

    if (!first)
        return NULL;
    conn = LIST_ENTRY(first, struct client_conn, link);
    conn_leave_pool(conn);
    return conn;
}

void client_conn_attach(struct client_conn *conn, struct stream *s, const struct addr *peer)
{
    conn->peer = *peer;
    wire_attach(&conn->wire, s, conn_on_ready, conn);
}

static void pool_make_room(struct http_client *c, struct client_key *k)
{
    if (k->idle_count > c->limits.max_idle_per_key)
        client_conn_free(LIST_ENTRY(k->idle.prev, struct client_conn, link));
    else if (c->idle_count > c->limits.max_idle)
        client_conn_free(LIST_ENTRY(c->idle.prev, struct client_conn, all_link));
}

void client_conn_give(struct client_conn *conn)
{
    struct http_client *c = conn->client;
    struct client_key *k = conn->key;

    conn->call = NULL;
    if (conn->generation != k->generation || wire_in(&conn->wire).n || !conn_is_quiet(conn)) {
        client_conn_free(conn);
        return;
    }
    list_prepend(&k->idle, &conn->link);
    list_prepend(&c->idle, &conn->all_link);
    k->idle_count++;
    c->idle_count++;
    deadline_set(&conn->deadline, loop_now_us(c->loop) + c->limits.idle_timeout_us);
    pool_make_room(c, k);
}

void client_conn_free(struct client_conn *conn)
{
    if (!conn)
        return;
    if (conn_is_idle(conn))
        conn_leave_pool(conn);
    deadline_fini(&conn->deadline);
    wire_fini(&conn->wire);
    client_key_unref(conn->key);
    conn->magic = 0;
    free(conn);
}
