/*
 * Addresses as values: parsing, formatting, canonical forms and classes.
 *
 * Classification is one ordered table per family; the first range that holds the address decides, so the
 * single addresses (metadata services) stand before the ranges around them.  Forms of IPv6 that carry an
 * IPv4 address of their own (6to4, Teredo, local NAT64) take the class of that address unless it is
 * public: such an address must not be a back door to what the plain one is refused for.
 */
#include "net/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#define ADDR_IP_TEXT_MAX 45 /* longest IPv6 text with a dotted quad */

struct addr_row {
    const char *ip;
    unsigned prefix_bits;
    enum addr_class cls;
};

static const struct addr_row ADDR_V4_ROWS[] = {
    {"169.254.169.254", 32, ADDR_METADATA}, /* AWS, Google, Azure, OpenStack, Oracle, … */
    {"169.254.170.2", 32, ADDR_METADATA},   /* AWS ECS task credentials */
    {"169.254.170.23", 32, ADDR_METADATA},  /* AWS EKS Pod identity */
    {"169.254.0.23", 32, ADDR_METADATA},    /* Tencent */
    {"169.254.42.42", 32, ADDR_METADATA},   /* Scaleway */
    {"100.100.100.200", 32, ADDR_METADATA}, /* Alibaba */
    {"168.63.129.16", 32, ADDR_METADATA},   /* Azure wire server */
    {"192.0.0.192", 32, ADDR_METADATA},     /* Oracle, classic */
    {"0.0.0.0", 8, ADDR_UNSPECIFIED},
    {"127.0.0.0", 8, ADDR_LOOPBACK},
    {"169.254.0.0", 16, ADDR_LINK_LOCAL},
    {"255.255.255.255", 32, ADDR_MULTICAST},
    {"224.0.0.0", 4, ADDR_MULTICAST},
    {"10.0.0.0", 8, ADDR_PRIVATE},
    {"172.16.0.0", 12, ADDR_PRIVATE},
    {"192.168.0.0", 16, ADDR_PRIVATE},
    {"100.64.0.0", 10, ADDR_PRIVATE},
    {"192.0.0.0", 24, ADDR_PRIVATE},
    {"192.0.2.0", 24, ADDR_PRIVATE},
    {"192.88.99.0", 24, ADDR_PRIVATE},
    {"198.18.0.0", 15, ADDR_PRIVATE},
    {"198.51.100.0", 24, ADDR_PRIVATE},
    {"203.0.113.0", 24, ADDR_PRIVATE},
    {"240.0.0.0", 4, ADDR_PRIVATE},
    {"0.0.0.0", 0, ADDR_PUBLIC},
};

static const struct addr_row ADDR_V6_ROWS[] = {
    {"fd00:ec2::254", 128, ADDR_METADATA}, /* AWS */
    {"fd00:ec2::23", 128, ADDR_METADATA},  /* AWS EKS Pod identity */
    {"fd20:ce::254", 128, ADDR_METADATA},  /* Google */
    {"fd00:42::42", 128, ADDR_METADATA},   /* Scaleway */
    {"::", 128, ADDR_UNSPECIFIED},
    {"::1", 128, ADDR_LOOPBACK},
    {"fe80::", 10, ADDR_LINK_LOCAL},
    {"ff00::", 8, ADDR_MULTICAST},
    {"2001:db8::", 32, ADDR_PRIVATE},
    {"2001::", 23, ADDR_PRIVATE},
    {"3fff::", 20, ADDR_PRIVATE},
    {"2000::", 3, ADDR_PUBLIC},
    {"::", 0, ADDR_PRIVATE}, /* fc00::/7, fec0::/10, 100::/64 and all that is reserved */
};

static const char *const ADDR_CLASS_NAMES[] = {
    [ADDR_PUBLIC] = "public",           [ADDR_PRIVATE] = "private",
    [ADDR_LOOPBACK] = "loopback",       [ADDR_UNSPECIFIED] = "unspecified",
    [ADDR_LINK_LOCAL] = "link-local",   [ADDR_MULTICAST] = "multicast",
    [ADDR_METADATA] = "cloud metadata",
};

static const struct sockaddr_in *addr_v4(const struct addr *a)
{
    return (const struct sockaddr_in *)&a->ss;
}

static const struct sockaddr_in6 *addr_v6(const struct addr *a)
{
    return (const struct sockaddr_in6 *)&a->ss;
}

/* The address bytes, 4 or 16 of them. */
static const uint8_t *addr_bytes(const struct addr *a, unsigned *ret_bits)
{
    if (a->ss.ss_family == AF_INET) {
        *ret_bits = 32;
        return (const uint8_t *)&addr_v4(a)->sin_addr;
    }
    *ret_bits = 128;
    return addr_v6(a)->sin6_addr.s6_addr;
}

static struct addr addr_from_v4(const void *ip, uint16_t port)
{
    struct addr a = {.len = sizeof(struct sockaddr_in)};
    struct sockaddr_in *in = (struct sockaddr_in *)&a.ss;

    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    memcpy(&in->sin_addr, ip, sizeof(in->sin_addr));
    return a;
}

static struct addr addr_from_v6(const void *ip, uint16_t port)
{
    struct addr a = {.len = sizeof(struct sockaddr_in6)};
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a.ss;

    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    memcpy(&in6->sin6_addr, ip, sizeof(in6->sin6_addr));
    return a;
}

static struct str addr_unbracket(struct str s)
{
    return s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']' ? str_n(s.p + 1, s.n - 2) : s;
}

int addr_parse_ip(struct str ip, uint16_t port, struct addr *ret_addr)
{
    struct str bare = addr_unbracket(ip);
    char text[ADDR_IP_TEXT_MAX + 1];
    struct in6_addr v6;
    struct in_addr v4;

    if (str_copy(bare, text, sizeof(text)) < 0)
        return -ERR_INVALID;
    if (bare.n == ip.n && inet_pton(AF_INET, text, &v4) == 1) {
        *ret_addr = addr_from_v4(&v4, port);
        return 0;
    }
    if (inet_pton(AF_INET6, text, &v6) != 1)
        return -ERR_INVALID;
    *ret_addr = addr_from_v6(&v6, port);
    return 0;
}

static int addr_parse_port(struct str s, uint16_t *ret_port)
{
    uint64_t port;

    if (s.n > 5 || str_to_u64(s, UINT16_MAX, &port) < 0)
        return -ERR_INVALID;
    *ret_port = (uint16_t)port;
    return 0;
}

int addr_parse(struct str s, struct addr *ret_addr)
{
    ptrdiff_t colon = str_rindex(s, ':');
    struct str host = colon < 0 ? STR("") : str_head(s, (size_t)colon);
    uint16_t port;

    if (addr_parse_port(str_skip(s, (size_t)(colon + 1)), &port) < 0)
        return -ERR_INVALID;
    if (str_is_empty(host)) {
        *ret_addr = addr_from_v6(&in6addr_any, port);
        return 0;
    }
    if (str_index(host, ':') >= 0 && host.p[0] != '[')
        return -ERR_INVALID;
    return addr_parse_ip(host, port, ret_addr);
}

const char *addr_format_ip(const struct addr *a, char dst[ADDR_TEXT_BYTES])
{
    unsigned bits;
    const uint8_t *ip = addr_bytes(a, &bits);

    if (!inet_ntop(bits == 32 ? AF_INET : AF_INET6, ip, dst, ADDR_TEXT_BYTES))
        dst[0] = '\0';
    return dst;
}

const char *addr_format(const struct addr *a, char dst[ADDR_TEXT_BYTES])
{
    char ip[ADDR_TEXT_BYTES];
    bool is_v4 = a->ss.ss_family == AF_INET;

    addr_format_ip(a, ip);
    snprintf(dst, ADDR_TEXT_BYTES, is_v4 ? "%.45s:%u" : "[%.45s]:%u", ip, addr_port(a));
    return dst;
}

const char *addr_format_local(const struct addr *a, char dst[ADDR_TEXT_BYTES])
{
    if (addr_classify(a) != ADDR_UNSPECIFIED)
        return addr_format(a, dst);
    snprintf(dst, ADDR_TEXT_BYTES, "127.0.0.1:%u", (unsigned)addr_port(a));
    return dst;
}

uint16_t addr_port(const struct addr *a)
{
    return ntohs(a->ss.ss_family == AF_INET ? addr_v4(a)->sin_port : addr_v6(a)->sin6_port);
}

struct addr addr_canonical(const struct addr *a)
{
    static const uint8_t MAPPED[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t NAT64[12] = {0x00, 0x64, 0xff, 0x9b};
    const uint8_t *ip;

    if (a->ss.ss_family != AF_INET6)
        return *a;
    ip = addr_v6(a)->sin6_addr.s6_addr;
    if (memcmp(ip, MAPPED, 12) == 0 || memcmp(ip, NAT64, 12) == 0)
        return addr_from_v4(ip + 12, addr_port(a));
    return *a;
}

/* Whether the first `bits` bits are the same. */
static bool addr_prefix_eq(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
    struct addr ca = addr_canonical(a), cb = addr_canonical(b);
    unsigned bits_a, bits_b;
    const uint8_t *ip_a = addr_bytes(&ca, &bits_a), *ip_b = addr_bytes(&cb, &bits_b);

    return bits_a == bits_b && addr_prefix_eq(ip_a, ip_b, bits_a) && addr_port(a) == addr_port(b);
}

static enum addr_class addr_class_in(const struct addr_row *rows, size_t count, int family,
                                     const uint8_t *ip)
{
    uint8_t base[16];

    for (size_t i = 0; i < count; i++) {
        if (inet_pton(family, rows[i].ip, base) == 1 &&
            addr_prefix_eq(ip, base, rows[i].prefix_bits))
            return rows[i].cls;
    }
    return ADDR_PRIVATE;
}

static enum addr_class addr_class_v4(const uint8_t *ip)
{
    return addr_class_in(ADDR_V4_ROWS, ARRAY_LEN(ADDR_V4_ROWS), AF_INET, ip);
}

/* The IPv4 address a transition form carries: 6to4 (RFC 3056), Teredo (RFC 4380), NAT64 (RFC 8215). */
static bool addr_embedded_v4(const uint8_t *ip, uint8_t ret_v4[4])
{
    static const uint8_t TEREDO[4] = {0x20, 0x01};
    static const uint8_t NAT64_LOCAL[6] = {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01};
    static const uint8_t COMPATIBLE[12] = {0};

    if (ip[0] == 0x20 && ip[1] == 0x02) {
        memcpy(ret_v4, ip + 2, 4);
        return true;
    }
    if (memcmp(ip, TEREDO, 4) == 0) {
        for (int i = 0; i < 4; i++)
            ret_v4[i] = ip[12 + i] ^ 0xff;
        return true;
    }
    if (memcmp(ip, NAT64_LOCAL, 6) == 0 || memcmp(ip, COMPATIBLE, 12) == 0) {
        memcpy(ret_v4, ip + 12, 4);
        return true;
    }
    return false;
}

enum addr_class addr_classify(const struct addr *a)
{
    struct addr c = addr_canonical(a);
    enum addr_class cls, inner;
    unsigned bits;
    const uint8_t *ip = addr_bytes(&c, &bits);
    uint8_t v4[4];

    if (bits == 32)
        return addr_class_v4(ip);
    cls = addr_class_in(ADDR_V6_ROWS, ARRAY_LEN(ADDR_V6_ROWS), AF_INET6, ip);
    if (cls != ADDR_PUBLIC && cls != ADDR_PRIVATE)
        return cls;
    if (!addr_embedded_v4(ip, v4))
        return cls;
    inner = addr_class_v4(v4);
    return inner == ADDR_PUBLIC ? cls : inner;
}

const char *addr_class_name(enum addr_class c)
{
    return ADDR_CLASS_NAMES[c];
}

/* Clears the bits behind the prefix and brings a mapped range to its IPv4 form. */
static void addr_range_normalize(struct addr_range *r)
{
    struct addr base = addr_canonical(&r->base);
    unsigned bits;
    uint8_t *ip;

    if (base.ss.ss_family != r->base.ss.ss_family && r->prefix_bits >= 96) {
        r->base = base;
        r->prefix_bits -= 96;
    }
    ip = (uint8_t *)(uintptr_t)addr_bytes(&r->base, &bits);
    for (unsigned i = r->prefix_bits; i < bits; i++)
        ip[i / 8] &= (uint8_t) ~(0x80u >> (i % 8));
}

/* Cuts ":port" off the end; an IPv6 address without brackets has none. */
static int addr_range_cut_port(struct str *s, uint16_t *ret_port)
{
    ptrdiff_t colon = str_rindex(*s, ':');
    ptrdiff_t bracket = str_rindex(*s, ']');
    bool is_bare_v6 = bracket < 0 && colon >= 0 && str_index(*s, ':') != colon;
    uint16_t port;

    if (colon < 0 || colon < bracket || is_bare_v6)
        return 0;
    if (addr_parse_port(str_skip(*s, (size_t)colon + 1), &port) < 0 || port == 0)
        return -ERR_INVALID;
    *s = str_head(*s, (size_t)colon);
    *ret_port = port;
    return 0;
}

int addr_range_parse(struct str s, struct addr_range *ret_range)
{
    struct addr_range r = {0};
    struct str ip;
    uint64_t prefix;
    unsigned bits;

    if (addr_range_cut_port(&s, &r.port) < 0)
        return -ERR_INVALID;
    ip = str_cut(&s, '/');
    if (addr_parse_ip(ip, 0, &r.base) < 0)
        return -ERR_INVALID;
    addr_bytes(&r.base, &bits);
    r.prefix_bits = bits;
    if (s.p) {
        if (s.n > 3 || str_to_u64(s, bits, &prefix) < 0)
            return -ERR_INVALID;
        r.prefix_bits = (unsigned)prefix;
    }
    addr_range_normalize(&r);
    *ret_range = r;
    return 0;
}

bool addr_range_has(const struct addr_range *r, const struct addr *a)
{
    struct addr c = addr_canonical(a);
    unsigned bits_r, bits_a;
    const uint8_t *base = addr_bytes(&r->base, &bits_r), *ip = addr_bytes(&c, &bits_a);

    if (r->port != 0 && r->port != addr_port(a))
        return false;
    return bits_r == bits_a && addr_prefix_eq(base, ip, r->prefix_bits);
}
