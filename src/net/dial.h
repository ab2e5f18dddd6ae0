/*
 * Opening a connection to a named destination: resolve, check, connect, handshake.
 *
 * Every resolved address passes `check` before it is dialled, and the address that was checked is the
 * address that is dialled.  Addresses are tried in order until one connects.
 */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include "net/dns.h"
#include "net/tls.h"

/* Returns 0 to allow `a`, or a negative code (ERR_DENIED_DEST) and a message. */
typedef int dial_check_fn(void *cookie, const struct addr *a, struct err *err);

struct dial_target {
    struct str host; /* DNS name or IP literal */
    uint16_t port;
    struct tls_client *tls; /* NULL: plain */
    struct str tls_name;    /* empty: host */
    dial_check_fn *check;   /* NULL: any address */
    void *check_cookie;
    int64_t connect_timeout_us; /* resolving and connecting together */
    int64_t tls_timeout_us;
};

struct dial;

/* On success takes place once with a stream (taken by the callee) whose handshake is complete; on failure
 * `s` is NULL and `err` says why: DENIED_DEST, NOTFOUND (name), REFUSED, TIMEOUT, TLS, IO. */
typedef void dial_fn(void *cookie, struct stream *s, const struct addr *peer,
                     const struct err *err);

/* Starts dialling; copies `target` and its strings.  fn is never called from inside. */
struct dial *dial_start(struct loop *l, struct dns *dns, const struct dial_target *target,
                        dial_fn *fn, void *cookie);

/* Stops; fn is not called. */
void dial_cancel(struct dial *d);

#endif
