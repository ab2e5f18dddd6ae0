/*
 * One connection attempt as a sequence: resolve → connect (one address after the other) → TLS handshake.
 *
 * The connect time-out covers resolving and all addresses; each address gets an equal share of what is
 * left, so that one that never answers does not keep the others from being tried.  An address that `check`
 * refuses is passed over; the failure reported is that of the last address that was really dialled, or the
 * refusal when there was none.  A failed TLS handshake is final: the peer was reached.
 */
#include "net/dial.h"

#include "net/tcp.h"

#define DIAL_MIN_SHARE_US 1000000

struct dial {
    struct loop *loop;
    struct dial_target target; /* strings are our copies */
    char *host;
    char *tls_name;
    dial_fn *fn;
    void *cookie;

    struct dns_query *query;
    struct addr addrs[DNS_MAX_ADDRS];
    size_t addr_count;
    size_t next; /* address to try next; the current one is next - 1 */
    struct stream *stream;
    int64_t deadline_us; /* of resolving and connecting */
    struct loop_timer timer;
    struct err err;
    bool is_dialled; /* `err` stems from an address that was dialled */
};

static void dial_next(struct dial *d);

static void dial_free(struct dial *d)
{
    if (d->query)
        dns_cancel(d->query);
    loop_timer_cancel(d->loop, &d->timer);
    stream_close(d->stream);
    tls_client_unref(d->target.tls);
    free(d->host);
    free(d->tls_name);
    free(d);
}

/* Ends with what `err` says. */
static void dial_failed(struct dial *d)
{
    struct err err = d->err;
    dial_fn *fn = d->fn;
    void *cookie = d->cookie;

    dial_free(d);
    fn(cookie, NULL, NULL, &err);
}

static void dial_succeeded(struct dial *d)
{
    struct stream *s = TAKE(d->stream);
    struct addr peer = d->addrs[d->next - 1];
    dial_fn *fn = d->fn;
    void *cookie = d->cookie;

    stream_on_ready(s, NULL, NULL);
    dial_free(d);
    fn(cookie, s, &peer, NULL);
}

/* --- TLS */

static void dial_tls_run(struct dial *d)
{
    int rc = stream_handshake(d->stream);
    char peer[ADDR_TEXT_BYTES];

    if (rc == 0)
        return;
    if (rc > 0) {
        dial_succeeded(d);
        return;
    }
    stream_failure(d->stream, &d->err);
    if (d->err.code != ERR_TLS && d->err.code != ERR_TIMEOUT)
        d->err.code = ERR_IO;
    (void)err_wrap(&d->err, rc, "TLS handshake with %s (%s)", d->host,
                   addr_format(&d->addrs[d->next - 1], peer));
    dial_failed(d);
}

static void dial_on_tls_ready(void *cookie, unsigned events UNUSED)
{
    dial_tls_run(cookie);
}

static void dial_on_tls_timeout(void *cookie)
{
    struct dial *d = cookie;
    char peer[ADDR_TEXT_BYTES];

    (void)err_set(&d->err, ERR_TIMEOUT, "TLS handshake with %s (%s): timed out", d->host,
                  addr_format(&d->addrs[d->next - 1], peer));
    dial_failed(d);
}

static void dial_connected(struct dial *d)
{
    struct str name = d->target.tls_name;

    if (!d->target.tls) {
        dial_succeeded(d);
        return;
    }
    stream_on_ready(d->stream, NULL, NULL);
    d->stream = tls_connect(d->target.tls, str_is_empty(name) ? d->target.host : name, d->stream);
    stream_on_ready(d->stream, dial_on_tls_ready, d);
    loop_timer_start(d->loop, &d->timer, d->target.tls_timeout_us, dial_on_tls_timeout, d);
    dial_tls_run(d);
}

/* --- connecting */

static void dial_connect_run(struct dial *d)
{
    int rc = stream_handshake(d->stream);

    if (rc == 0)
        return;
    if (rc > 0) {
        dial_connected(d);
        return;
    }
    stream_failure(d->stream, &d->err);
    if (d->err.code != ERR_REFUSED && d->err.code != ERR_TIMEOUT)
        d->err.code = ERR_IO;
    dial_next(d);
}

static void dial_on_connect_ready(void *cookie, unsigned events UNUSED)
{
    dial_connect_run(cookie);
}

static void dial_on_connect_timeout(void *cookie)
{
    struct dial *d = cookie;
    char peer[ADDR_TEXT_BYTES];

    (void)err_set(&d->err, ERR_TIMEOUT, "connect to %s: timed out",
                  addr_format(&d->addrs[d->next - 1], peer));
    dial_next(d);
}

/* Whether the address may be dialled; a refusal is remembered unless something better is known. */
static bool dial_is_allowed(struct dial *d, const struct addr *a)
{
    struct err err = {0};
    char text[ADDR_TEXT_BYTES];
    int rc = d->target.check ? d->target.check(d->target.check_cookie, a, &err) : 0;

    if (rc >= 0)
        return true;
    if (!d->is_dialled) {
        d->err = err;
        (void)err_wrap(&d->err, rc, "connect to %s (%s)", d->host, addr_format(a, text));
    }
    return false;
}

/* Time for one address: an equal share of what is left, but not too little of it. */
static int64_t dial_share_us(const struct dial *d)
{
    int64_t left_us = d->deadline_us - loop_now_us(d->loop);
    int64_t share_us = left_us / (int64_t)(d->addr_count - d->next + 1);

    return MIN(MAX(share_us, DIAL_MIN_SHARE_US), left_us);
}

/* Tries the next address that is allowed, or ends. */
static void dial_next(struct dial *d)
{
    stream_close(TAKE(d->stream));
    while (d->next < d->addr_count && loop_now_us(d->loop) < d->deadline_us) {
        const struct addr *a = &d->addrs[d->next++];

        if (!dial_is_allowed(d, a))
            continue;
        d->is_dialled = true;
        if (tcp_connect(d->loop, a, &d->stream, &d->err) < 0)
            continue;
        stream_on_ready(d->stream, dial_on_connect_ready, d);
        loop_timer_start(d->loop, &d->timer, dial_share_us(d), dial_on_connect_timeout, d);
        dial_connect_run(d);
        return;
    }
    dial_failed(d);
}

/* --- resolving */

static void dial_on_addrs(void *cookie, int rc, const struct addr *addrs, size_t count)
{
    struct dial *d = cookie;

    d->query = NULL;
    if (rc < 0) {
        (void)err_set(&d->err, (enum err_code) - rc, "resolve '%s': %s", d->host,
                      rc == -ERR_NOTFOUND ? "no such host" : err_text(rc));
        dial_failed(d);
        return;
    }
    memcpy(d->addrs, addrs, count * sizeof(*addrs));
    d->addr_count = count;
    loop_timer_cancel(d->loop, &d->timer);
    (void)err_set(&d->err, ERR_TIMEOUT, "connect to '%s': timed out", d->host);
    dial_next(d);
}

static void dial_on_resolve_timeout(void *cookie)
{
    struct dial *d = cookie;

    (void)err_set(&d->err, ERR_TIMEOUT, "resolve '%s': timed out", d->host);
    dial_failed(d);
}

struct dial *dial_start(struct loop *l, struct dns *dns, const struct dial_target *target,
                        dial_fn *fn, void *cookie)
{
    struct dial *d = NEW(struct dial);

    d->loop = l;
    d->target = *target;
    d->host = str_dup(target->host);
    d->tls_name = str_dup(target->tls_name);
    d->target.host = str_n(d->host, target->host.n);
    d->target.tls_name = str_n(d->tls_name, target->tls_name.n);
    if (target->tls)
        d->target.tls = tls_client_ref(target->tls);
    d->fn = fn;
    d->cookie = cookie;
    d->deadline_us = loop_now_us(l) + target->connect_timeout_us;
    d->query = dns_start(dns, d->target.host, target->port, dial_on_addrs, d);
    loop_timer_start(l, &d->timer, target->connect_timeout_us, dial_on_resolve_timeout, d);
    return d;
}

void dial_cancel(struct dial *d)
{
    dial_free(d);
}
