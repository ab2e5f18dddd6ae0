/*
 * Who a verified certificate says the peer is.
 *
 * Text that is empty or holds a NUL makes the whole subject unusable: no user is recognized by half a name.
 */
#include <openssl/err.h>

#include "base/time.h"
#include "net/tls_priv.h"

#define TLS_PEER_MAX_ORGANIZATIONS 64

static int tls_peer_text(const ASN1_STRING *value, struct arena *a, struct str *ret_text)
{
    uint8_t *utf8 = NULL;
    int n = ASN1_STRING_to_UTF8(&utf8, value);
    bool is_text = n > 0 && !memchr(utf8, 0, (size_t)n);

    if (is_text)
        *ret_text = arena_str(a, str_n(utf8, (size_t)n));
    OPENSSL_free(utf8);
    ERR_clear_error();
    return is_text ? 0 : -ERR_NOTFOUND;
}

static int tls_peer_read(const X509_NAME *name, struct arena *a, struct tls_peer *peer)
{
    int count = X509_NAME_entry_count(name), rc = 0;

    for (int i = 0; i < count && rc == 0; i++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
        const ASN1_STRING *value = X509_NAME_ENTRY_get_data(entry);
        int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));

        if (nid == NID_commonName)
            rc = tls_peer_text(value, a, &peer->common_name);
        else if (nid == NID_organizationName &&
                 peer->organization_count == TLS_PEER_MAX_ORGANIZATIONS)
            rc = -ERR_NOTFOUND;
        else if (nid == NID_organizationName)
            rc = tls_peer_text(value, a, &peer->organizations[peer->organization_count++]);
    }
    return rc;
}

int tls_peer_get(const struct stream *s, struct arena *a, struct tls_peer *ret_peer)
{
    SSL *ssl = tls_ssl(s);
    X509 *x = ssl ? SSL_get0_peer_certificate(ssl) : NULL;
    struct tls_peer peer = {0};
    int64_t not_after_s;

    if (!x || SSL_get_verify_result(ssl) != X509_V_OK)
        return -ERR_NOTFOUND;
    /* A resumed or long-lived connection may outlast what was verified. */
    if (!ASN1_TIME_to_posix(X509_get0_notAfter(x), &not_after_s) ||
        loop_wall_us(s->loop) > not_after_s * TIME_US_PER_S)
        return -ERR_NOTFOUND;
    peer.organizations = ARENA_ARRAY(a, struct str, TLS_PEER_MAX_ORGANIZATIONS);
    if (tls_peer_read(X509_get_subject_name(x), a, &peer) < 0)
        return -ERR_NOTFOUND;
    *ret_peer = peer;
    return 0;
}
