/*
 * Making and inspecting X.509 certificates (RFC 5280): a CA, leaves signed by it, and what a pool of CA
 * certificates holds.
 *
 * Keys are ECDSA P-256.  Serial numbers are 128 random bits; SKI and AKI are always set; validity starts
 * five minutes before now to tolerate clock skew.
 */
#ifndef CRYPTO_X509_H
#define CRYPTO_X509_H

#include "crypto/key.h"

/* What a leaf is for. */
struct x509_leaf {
    struct str common_name;
    const struct str *organizations;
    size_t organization_count;
    const struct str *dns_names; /* SANs */
    size_t dns_name_count;
    const struct str *ips; /* SANs, IP literals */
    size_t ip_count;
    bool server; /* extendedKeyUsage serverAuth */
    bool client; /* extendedKeyUsage clientAuth */
    int64_t lifetime_s;
};

/* Appends a self-signed CA certificate (pathlen 0) as PEM. */
int x509_make_ca(const struct key *ca_key, struct str common_name, int64_t wall_us,
                 int64_t lifetime_s, struct buf *ret_pem, struct err *err) MUST_USE;

/* Appends a leaf for `leaf_key`, signed by the CA, as PEM.  Errors: INVALID. */
int x509_make_leaf(struct str ca_pem, const struct key *ca_key, const struct key *leaf_key,
                   const struct x509_leaf *leaf, int64_t wall_us, struct buf *ret_pem,
                   struct err *err) MUST_USE;

/* What x509_inspect reports of the first certificate. */
struct x509_facts {
    int64_t not_before_us, not_after_us; /* wall clock */
    bool is_ca;
};

/*
 * Counts the CERTIFICATE blocks of a PEM text that parse.
 * Returns the count (0 when there is none) or -ERR_INVALID when a block does not parse; `ret_first` may be
 * NULL.
 */
int x509_inspect(struct str pem, struct x509_facts *ret_first) MUST_USE;

#endif
