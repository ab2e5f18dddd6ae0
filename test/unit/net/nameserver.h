/*
 * A name server for tests, on the loop, over UDP and TCP.
 *
 *     one.test     A 127.0.0.1           two.test      A 127.0.0.2, 127.0.0.1
 *     six.test     AAAA ::1              empty.test    exists, has no address
 *     many.test    40 × A; truncated over UDP, and over TCP sent in small pieces
 *     fail.test    SERVFAIL              silent.test   never answered
 *     metadata.test  A 169.254.169.254   everything else does not exist
 */
#ifndef TEST_NET_NAMESERVER_H
#define TEST_NET_NAMESERVER_H

#include "net/dns.h"

struct nameserver;

struct nameserver *nameserver_new(struct loop *l);
void nameserver_free(struct nameserver *ns);

/* Questions received so far. */
size_t nameserver_count(const struct nameserver *ns);

/* A resolver that asks it. */
struct dns *nameserver_resolver(struct nameserver *ns);

#endif
