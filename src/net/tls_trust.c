/*
 * Pools of CA certificates.
 *
 * The system's roots are parsed once per process and shared by all pools.  Any certificate of a pool is
 * an anchor, also an intermediate or a server's own one, as operators expect of a CA bundle.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "base/fd.h"
#include "crypto/evp.h"
#include "net/tls_priv.h"

#define TLS_TRUST_FILE "/etc/ssl/certs/ca-certificates.crt"
#define TLS_TRUST_FILE_MAX (8 * 1024 * 1024)

struct tls_trust {
    atomic_uint refs;
    X509_STORE *store;
};

static pthread_mutex_t tls_trust_lock = PTHREAD_MUTEX_INITIALIZER;
static STACK_OF(X509) * tls_trust_system; /* NULL until read; never freed */

static int tls_trust_read_system(struct err *err)
{
    const char *env = getenv("SSL_CERT_FILE");
    const char *path = env && *env ? env : TLS_TRUST_FILE;
    struct buf pem = BUF_INIT(TLS_TRUST_FILE_MAX);
    STACK_OF(X509) *certs = NULL;
    int rc = fd_read_file(path, &pem, err);

    if (rc == 0 && evp_read_certs(buf_str(&pem), &certs, NULL) == 0) {
        evp_certs_free(certs);
        rc = err_set(err, ERR_INVALID, "'%s' holds no certificate", path);
    }
    buf_fini(&pem);
    if (rc < 0)
        return err_wrap(err, rc, "read the system's CA certificates");
    tls_trust_system = certs;
    return 0;
}

static void tls_trust_add_all(X509_STORE *store, const STACK_OF(X509) * certs)
{
    for (size_t i = 0; i < sk_X509_num(certs); i++)
        ASSERT(X509_STORE_add_cert(store, sk_X509_value(certs, i)));
}

static int tls_trust_add_system(X509_STORE *store, struct err *err)
{
    int rc = 0;

    pthread_mutex_lock(&tls_trust_lock);
    if (!tls_trust_system)
        rc = tls_trust_read_system(err);
    pthread_mutex_unlock(&tls_trust_lock);
    if (rc == 0)
        tls_trust_add_all(store, tls_trust_system);
    return rc;
}

static int tls_trust_add_pem(X509_STORE *store, struct str pem, struct err *err)
{
    STACK_OF(X509) * certs CLEANUP(evp_certs_freep) = NULL;

    if (str_is_empty(pem))
        return 0;
    if (evp_read_certs(pem, &certs, NULL) == 0)
        return err_set(err, ERR_INVALID, "CA bundle holds no certificate that parses");
    tls_trust_add_all(store, certs);
    return 0;
}

int tls_trust_new(bool system_roots, struct str pem, struct tls_trust **ret_trust, struct err *err)
{
    X509_STORE *store = X509_STORE_new();
    struct tls_trust *t;
    int rc;

    ASSERT(store &&
           X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST));
    rc = tls_trust_add_pem(store, pem, err);
    if (rc == 0 && system_roots)
        rc = tls_trust_add_system(store, err);
    if (rc < 0) {
        X509_STORE_free(store);
        return rc;
    }
    t = NEW(struct tls_trust);
    atomic_init(&t->refs, 1);
    t->store = store;
    *ret_trust = t;
    return 0;
}

struct tls_trust *tls_trust_ref(struct tls_trust *t)
{
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void tls_trust_unref(struct tls_trust *t)
{
    if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
        return;
    X509_STORE_free(t->store);
    free(t);
}

X509_STORE *tls_trust_store(const struct tls_trust *t)
{
    return t->store;
}
