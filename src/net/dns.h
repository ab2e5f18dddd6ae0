/*
 * Names to addresses in the event loop (c-ares): /etc/hosts, search domains, both families.
 *
 * One resolver per loop.  Identical questions in flight are not collapsed here.
 */
#ifndef NET_DNS_H
#define NET_DNS_H

#include "ev/loop.h"
#include "net/addr.h"

struct dns;
struct dns_query;

#define DNS_MAX_ADDRS 16

/* `addrs` is valid during the call only; rc is 0, -ERR_NOTFOUND, -ERR_TIMEOUT or -ERR_IO. */
typedef void dns_fn(void *cookie, int rc, const struct addr *addrs, size_t count);

/* Starts a resolver on `l` that reads resolv.conf and hosts.  Errors: IO. */
int dns_new(struct loop *l, struct dns **ret_dns, struct err *err) MUST_USE;

/* Asks these servers ("127.0.0.1:5353,[::1]:53") instead of those of resolv.conf.  Errors: INVALID. */
int dns_set_servers(struct dns *d, const char *servers, struct err *err) MUST_USE;

/* No query may be open.  NULL is allowed. */
void dns_free(struct dns *d);

/* Asks for `host` (an IP literal is answered too); the answer always comes later, from the loop. */
struct dns_query *dns_start(struct dns *d, struct str host, uint16_t port, dns_fn *fn,
                            void *cookie);

/* Takes a question back: fn is not called. */
void dns_cancel(struct dns_query *q);

#endif
