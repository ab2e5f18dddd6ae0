/*
 * Where the API server is and who we are: kubeconfig files and the in-cluster form.
 *
 * Order: explicit path, $KUBECONFIG (first file that exists), in-cluster, `data_dir`/kubeconfig,
 * ~/.kube/config.  Supported credentials: client certificate (file or inline), token, tokenFile (re-read when
 * it changes); exec plug-ins and basic auth are refused with a message.
 */
#ifndef KUBE_CONFIG_H
#define KUBE_CONFIG_H

#include "base/arena.h"
#include "base/secret.h"
#include "codec/url.h"
#include "net/tls.h"

struct kube_config {
    struct arena *arena;
    struct str source; /* file name or "in-cluster", for messages */
    struct str server; /* URL text */
    struct url url;
    struct str tls_name; /* tls-server-name, or empty */
    struct str ns;       /* default namespace, "default" when none is given */
    struct str ca_pem;   /* empty: system roots */
    struct str cert_pem; /* client certificate, or empty */
    struct secret *key_pem;
    struct secret *token;
    struct str token_file;
};

struct kube_config_where {
    const char *path;     /* --kubeconfig, or NULL */
    const char *data_dir; /* of `connectors run`, or NULL for its default */
    const char *user;     /* --as: impersonation is not supported; kept NULL */
};

/* Finds and loads the configuration.  Errors: NOTFOUND (lists where it looked), BADREQUEST, FORBIDDEN. */
int kube_config_load(const struct kube_config_where *where, struct kube_config **ret_config,
                     struct err *err) MUST_USE;

/* Loads one file.  Errors as above. */
int kube_config_load_file(const char *path, struct kube_config **ret_config,
                          struct err *err) MUST_USE;

/* NULL is allowed. */
void kube_config_free(struct kube_config *c);

/* What kube_config_write puts into a file. */
struct kube_config_out {
    struct str server, ca_pem, cert_pem, token_file, ns;
    const struct secret *key_pem; /* NULL with token_file */
};

/* Writes a kubeconfig with everything inline, mode 0600, atomically. */
int kube_config_write(const char *path, const struct kube_config_out *c, struct err *err) MUST_USE;

/* The data directory in use: `given`, else $XDG_STATE_HOME/connectors, else ~/.local/state/connectors. */
struct str kube_data_dir(struct arena *a, const char *given);

DEFINE_CLEANUP(kube_config_freep, struct kube_config *, kube_config_free)

#endif
