/*
 * Socket addresses as values: text forms, ports, and the classes of address that destination rules need.
 *
 * IPv4-mapped (::ffff:0:0/96) and NAT64 (64:ff9b::/96, RFC 6052) forms are unwrapped before any
 * classification or comparison, so a rule cannot be dodged by another spelling.
 */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include <sys/socket.h>

#include "base/err.h"
#include "base/str.h"

struct addr {
    struct sockaddr_storage ss;
    socklen_t len;
};

#define ADDR_TEXT_BYTES 64

/* Reads an IP literal, IPv6 with or without brackets.  Returns 0 or -ERR_INVALID. */
int addr_parse_ip(struct str ip, uint16_t port, struct addr *ret_addr) MUST_USE;

/* Reads "ip:port", "[ip6]:port", ":port" (any address) or "port".  Returns 0 or -ERR_INVALID. */
int addr_parse(struct str s, struct addr *ret_addr) MUST_USE;

/* Formats as "ip:port" or "[ip6]:port"; returns `dst`. */
const char *addr_format(const struct addr *a, char dst[ADDR_TEXT_BYTES]);

/* As addr_format for a client on this machine: 127.0.0.1 stands for an unspecified IP. */
const char *addr_format_local(const struct addr *a, char dst[ADDR_TEXT_BYTES]);

/* Formats the IP only; returns `dst`. */
const char *addr_format_ip(const struct addr *a, char dst[ADDR_TEXT_BYTES]);

uint16_t addr_port(const struct addr *a);

/* Unwraps IPv4-mapped and NAT64 forms. */
struct addr addr_canonical(const struct addr *a);

/* Same IP (canonical) and port. */
bool addr_eq(const struct addr *a, const struct addr *b);

/* The class a canonical address belongs to; PUBLIC means globally routable. */
enum addr_class {
    ADDR_PUBLIC,
    ADDR_PRIVATE, /* RFC 1918, RFC 4193, RFC 6598, benchmarking, documentation, reserved */
    ADDR_LOOPBACK,
    ADDR_UNSPECIFIED,
    ADDR_LINK_LOCAL,
    ADDR_MULTICAST, /* and broadcast */
    ADDR_METADATA, /* cloud metadata services: 169.254.169.254, fd00:ec2::254, 100.100.100.200, … */
};
enum addr_class addr_classify(const struct addr *a);

/* Text for messages, e.g. "loopback". */
const char *addr_class_name(enum addr_class c);

/* An address range with an optional port (0: any). */
struct addr_range {
    struct addr base;
    unsigned prefix_bits;
    uint16_t port;
};

/* Reads "CIDR[:port]" or "IP[:port]" (IPv6 with a port in brackets: "[2001:db8::]/32:443", "[::1]:443"). */
int addr_range_parse(struct str s, struct addr_range *ret_range) MUST_USE;

/* Whether the canonical address and its port lie in the range. */
bool addr_range_has(const struct addr_range *r, const struct addr *a);

#endif
