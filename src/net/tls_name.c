/*
 * The name a client wants to reach: what it asks for (SNI) and what the certificate must say.
 *
 * The library's own host check also takes an address for a name, so the two are told apart here: an
 * address matches iPAddress names only and is never sent as SNI (RFC 6066, 3).  The subject's common name
 * counts for nothing (RFC 6125, 6.4.4).
 */
#include <netinet/in.h>

#include "net/addr.h"
#include "net/tls_priv.h"

#define TLS_NAME_MAX 253

static bool tls_name_is_dns(struct str name)
{
    if (name.n == 0 || name.n > TLS_NAME_MAX || name.p[0] == '.')
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = str_lower_char(name.p[i]);

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'))
            return false;
    }
    return true;
}

/* The address bytes as iPAddress names hold them. */
static size_t tls_name_ip(const struct addr *a, uint8_t dst[16])
{
    struct addr c = addr_canonical(a);

    if (c.ss.ss_family == AF_INET) {
        memcpy(dst, &((const struct sockaddr_in *)&c.ss)->sin_addr, 4);
        return 4;
    }
    memcpy(dst, &((const struct sockaddr_in6 *)&c.ss)->sin6_addr, 16);
    return 16;
}

bool tls_name_set(SSL *ssl, const char *name)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    struct str s = str_c(name);
    uint8_t ip[16];
    struct addr a;

    if (addr_parse_ip(s, 0, &a) == 0)
        return X509_VERIFY_PARAM_set1_ip(param, ip, tls_name_ip(&a, ip)) == 1;
    if (!tls_name_is_dns(s))
        return false;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                                               X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(param, s.p, s.n) == 1 &&
           SSL_set_tlsext_host_name(ssl, name) == 1;
}
