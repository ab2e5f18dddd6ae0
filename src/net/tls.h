/*
 * TLS as a stream filter, on AWS-LC.  Only net/tls*.c and crypto/ include the library's headers.
 *
 * TLS 1.2 floor, 1.3 preferred; no renegotiation, no early data; one session ticket per handshake, which
 * travels with the server's first bytes.  Peer keys under RSA 2048 / P-256 and signatures over SHA-1 are
 * refused.  Server names are checked by RFC 6125 without partial wildcards; IP addresses only against
 * iPAddress SANs.  A missing close_notify before the end of input is -ERR_CLOSED, not -ERR_EOF, so that
 * truncation is seen.  Configurations are immutable, reference-counted and shared between threads.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/arena.h"
#include "base/secret.h"
#include "net/stream.h"

struct tls_trust; /* a pool of CA certificates */

/* Returns a pool of the system's roots (when asked for) and the PEM certificates in `pem` (may be empty).
 * Errors: INVALID when `pem` holds none that parses although it is not empty. */
int tls_trust_new(bool system_roots, struct str pem, struct tls_trust **ret_trust,
                  struct err *err) MUST_USE;
struct tls_trust *tls_trust_ref(struct tls_trust *t);
void tls_trust_unref(struct tls_trust *t);

struct tls_server; /* what a listener presents */

/*
 * `client_ca` (may be NULL): client certificates are asked for, not required, and verified against it.
 * `key_pem` is a PKCS#8 or SEC1 private key.  Errors: INVALID when chain and key do not parse or match.
 */
int tls_server_new(struct str chain_pem, const struct secret *key_pem, struct tls_trust *client_ca,
                   struct tls_server **ret_server, struct err *err) MUST_USE;
struct tls_server *tls_server_ref(struct tls_server *s);
void tls_server_unref(struct tls_server *s);

struct tls_client; /* how a client verifies and presents itself */

/* `chain_pem` empty and `key_pem` NULL: no client certificate.  Borrows nothing after return. */
int tls_client_new(struct tls_trust *trust, struct str chain_pem, const struct secret *key_pem,
                   struct tls_client **ret_client, struct err *err) MUST_USE;
struct tls_client *tls_client_ref(struct tls_client *c);
void tls_client_unref(struct tls_client *c);

/* Puts a server-side filter on `below` (taken).  stream_handshake drives it. */
struct stream *tls_accept(struct tls_server *server, struct stream *below);

/* Puts a client-side filter on `below` (taken); `name` is a DNS name (SNI and SAN) or an IP literal. */
struct stream *tls_connect(struct tls_client *client, struct str name, struct stream *below);

/* Whether the top filter of `s` is TLS. */
bool tls_is_stream(const struct stream *s);

/* Whether the handshake of `s` resumed an earlier session. */
bool tls_is_resumed(const struct stream *s);

/* Subject of a verified client certificate. */
struct tls_peer {
    struct str common_name;
    struct str *organizations;
    size_t organization_count;
};

/* Reads the peer's verified subject into `a`.  Returns 0, or -ERR_NOTFOUND when there is none. */
int tls_peer_get(const struct stream *s, struct arena *a, struct tls_peer *ret_peer) MUST_USE;

#endif
