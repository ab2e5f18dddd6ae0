/*
 * The keys and certificates of one installation, in D/pki.
 *
 *   ca.crt ca.key                   signs the two below and, for the supervisor, components' client certificates
 *   apiserver.crt apiserver.key     what the listener presents: 127.0.0.1, ::1, localhost, the listening address
 *   admin.crt admin.key             group system:masters; goes into the kubeconfig
 *   sa.key sa.pub                   signs ServiceAccount tokens
 *   encryption.key                  32 bytes in base64, seals Secrets at rest
 *
 * What is missing is made; leaf certificates are made anew when less than 30 days are left.  Private files have mode
 * 0600.
 */
#ifndef APISERVER_PKI_H
#define APISERVER_PKI_H

#include "base/arena.h"
#include "crypto/x509.h"

struct pki_conf {
    const char *dir;                 /* D/pki */
    const char *encryption_key_file; /* NULL: D/pki/encryption.key */
    const char *cert_file;           /* NULL: own certificate */
    const char *key_file;            /* with cert_file */
    const char *client_ca_file;      /* NULL: own CA */
    struct str listen_ip;            /* further address of the server certificate, or empty */
    int64_t wall_us;
};

struct pki {
    struct str ca_pem;        /* what verifies the server certificate */
    struct str client_ca_pem; /* what client certificates are verified with */
    struct str server_pem;
    struct secret *server_key;
    struct str admin_pem; /* empty when client certificates are somebody else's */
    struct secret *admin_key;
    struct key *token_key;
    struct secret *seal_key;
};

/* Loads or makes everything; texts live in `a`.  Errors: IO, FORBIDDEN, INVALID. */
int pki_load(const struct pki_conf *conf, struct arena *a, struct pki *ret_pki,
             struct err *err) MUST_USE;

/* Drops keys. */
void pki_fini(struct pki *p);

#endif
