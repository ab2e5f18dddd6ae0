/*
 * Making and loading keys and certificates.
 */
#include "apiserver/pki.h"

#include "base/fd.h"
#include "base/time.h"
#include "codec/base64.h"
#include "crypto/aead.h"
#include "crypto/random.h"

#define FILE_MAX_BYTES (256 * 1024)
#define DAY_S (24 * 3600)
#define CA_LIFETIME_S (INT64_C(3650) * DAY_S)
#define LEAF_LIFETIME_S (INT64_C(365) * DAY_S)
#define RENEW_BEFORE_US (INT64_C(30) * DAY_S * TIME_US_PER_S)

static void wipep(struct buf *b)
{
    buf_wipe(b);
}

static const char *in_dir(struct arena *a, const struct pki_conf *c, const char *name)
{
    return arena_fmt(a, "%s/%s", c->dir, name).p;
}

static int read_text(struct arena *a, const char *path, struct str *ret_text, struct err *err)
{
    struct buf b CLEANUP(buf_fini) = BUF_INIT(FILE_MAX_BYTES);
    int rc = fd_read_file(path, &b, err);

    if (rc == 0)
        *ret_text = arena_str(a, buf_str(&b));
    return rc;
}

static int read_secret(const char *path, struct secret **ret_secret, struct err *err)
{
    struct buf b CLEANUP(wipep) = BUF_INIT(FILE_MAX_BYTES);
    int rc = fd_read_file(path, &b, err);

    if (rc == 0)
        *ret_secret = secret_new(buf_str(&b));
    return rc;
}

static int write_key(const char *path, const struct key *key, struct err *err)
{
    struct secret *pem CLEANUP(secret_unrefp) = key_format_private(key);

    return fd_write_file(path, secret_expose(pem), 0600, err);
}

/* Loads a private key, or makes one when the file is absent. */
static int load_key(const char *path, struct key **ret_key, bool *ret_made, struct err *err)
{
    struct secret *pem CLEANUP(secret_unrefp) = NULL;
    struct err read_err = {0};
    int rc = read_secret(path, &pem, &read_err);

    *ret_made = rc == -ERR_NOTFOUND;
    if (rc == 0) {
        rc = key_parse_private(pem, ret_key, err);
        return rc < 0 ? err_wrap(err, rc, "read '%s'", path) : 0;
    }
    if (rc != -ERR_NOTFOUND) {
        if (err)
            *err = read_err;
        return rc;
    }
    struct key *key CLEANUP(key_unrefp) = key_new_p256();
    rc = write_key(path, key, err);
    if (rc == 0)
        *ret_key = TAKE(key);
    return rc;
}

/* --- the CA and its leaves */

struct authority {
    struct key *key;
    struct str pem;
};

static int load_ca(const struct pki_conf *c, struct arena *a, struct authority *ca, struct err *err)
{
    struct buf pem CLEANUP(buf_fini) = BUF_INIT(FILE_MAX_BYTES);
    const char *path = in_dir(a, c, "ca.crt");
    bool made;
    int rc = load_key(in_dir(a, c, "ca.key"), &ca->key, &made, err);

    if (rc < 0)
        return rc;
    if (!made && access(path, F_OK) == 0)
        return read_text(a, path, &ca->pem, err);
    rc = x509_make_ca(ca->key, STR("connectors-ca"), c->wall_us, CA_LIFETIME_S, &pem, err);
    if (rc == 0)
        rc = fd_write_file(path, buf_str(&pem), 0644, err);
    if (rc == 0)
        ca->pem = arena_str(a, buf_str(&pem));
    return rc;
}

struct leaf_file {
    const char *cert, *key; /* file names in the directory */
    struct x509_leaf facts;
    bool always;     /* made anew at each start: its names may have changed */
    struct str *pem; /* where the two go */
    struct secret **secret;
};

/* Whether a certificate exists and is good for a while. */
static bool is_fresh(const struct pki_conf *c, struct arena *a, const char *path, struct str *pem)
{
    struct x509_facts facts;

    return read_text(a, path, pem, NULL) == 0 && x509_inspect(*pem, &facts) > 0 &&
           facts.not_after_us - RENEW_BEFORE_US > c->wall_us;
}

static int load_leaf(const struct pki_conf *c, struct arena *a, const struct authority *ca,
                     const struct leaf_file *f, struct err *err)
{
    struct buf pem CLEANUP(buf_fini) = BUF_INIT(FILE_MAX_BYTES);
    struct key *key CLEANUP(key_unrefp) = NULL;
    const char *path = in_dir(a, c, f->cert);
    bool made;
    int rc = load_key(in_dir(a, c, f->key), &key, &made, err);

    if (rc < 0)
        return rc;
    if (made || f->always || !is_fresh(c, a, path, f->pem)) {
        rc = x509_make_leaf(ca->pem, ca->key, key, &f->facts, c->wall_us, &pem, err);
        if (rc == 0)
            rc = fd_write_file(path, buf_str(&pem), 0644, err);
        if (rc < 0)
            return rc;
        *f->pem = arena_str(a, buf_str(&pem));
    }
    *f->secret = key_format_private(key);
    return 0;
}

static int load_server_leaf(const struct pki_conf *c, struct arena *a, const struct authority *ca,
                            struct pki *p, struct err *err)
{
    static const struct str names[] = {
        STR_INIT("localhost"), STR_INIT("kubernetes"), STR_INIT("kubernetes.default"),
        STR_INIT("kubernetes.default.svc"), STR_INIT("kubernetes.default.svc.cluster.local")};
    const struct str ips[] = {STR("127.0.0.1"), STR("::1"), c->listen_ip};
    bool more = c->listen_ip.n && !str_eq(c->listen_ip, ips[0]) && !str_eq(c->listen_ip, ips[1]);
    struct leaf_file f = {
        .cert = "apiserver.crt",
        .key = "apiserver.key",
        .always = true,
        .pem = &p->server_pem,
        .secret = &p->server_key,
        .facts = {.common_name = STR("connectors-apiserver"),
                  .dns_names = names,
                  .dns_name_count = ARRAY_LEN(names),
                  .ips = ips,
                  .ip_count = more ? 3 : 2,
                  .server = true,
                  .lifetime_s = LEAF_LIFETIME_S},
    };

    return load_leaf(c, a, ca, &f, err);
}

static int load_admin_leaf(const struct pki_conf *c, struct arena *a, const struct authority *ca,
                           struct pki *p, struct err *err)
{
    static const struct str groups[] = {STR_INIT("system:masters")};
    struct leaf_file f = {
        .cert = "admin.crt",
        .key = "admin.key",
        .pem = &p->admin_pem,
        .secret = &p->admin_key,
        .facts = {.common_name = STR("connectors-admin"),
                  .organizations = groups,
                  .organization_count = 1,
                  .client = true,
                  .lifetime_s = LEAF_LIFETIME_S},
    };

    return load_leaf(c, a, ca, &f, err);
}

/* Own CA unless both the certificate and the client CA are given. */
static int load_certificates(const struct pki_conf *c, struct arena *a, struct pki *p,
                             struct err *err)
{
    struct authority ca = {0};
    int rc = load_ca(c, a, &ca, err);

    p->ca_pem = p->client_ca_pem = ca.pem;
    if (rc == 0 && c->cert_file) {
        rc = read_text(a, c->cert_file, &p->server_pem, err);
        if (rc == 0)
            rc = read_secret(c->key_file, &p->server_key, err);
        p->ca_pem = p->server_pem;
    } else if (rc == 0) {
        rc = load_server_leaf(c, a, &ca, p, err);
    }
    if (rc == 0 && c->client_ca_file)
        rc = read_text(a, c->client_ca_file, &p->client_ca_pem, err);
    else if (rc == 0)
        rc = load_admin_leaf(c, a, &ca, p, err);
    key_unref(ca.key);
    return rc;
}

/* --- other keys */

static int load_token_key(const struct pki_conf *c, struct arena *a, struct pki *p, struct err *err)
{
    struct buf pem CLEANUP(buf_fini) = BUF_INIT(FILE_MAX_BYTES);
    bool made;
    int rc = load_key(in_dir(a, c, "sa.key"), &p->token_key, &made, err);

    if (rc < 0 || !made)
        return rc;
    key_format_public(p->token_key, &pem);
    return fd_write_file(in_dir(a, c, "sa.pub"), buf_str(&pem), 0644, err);
}

static int make_seal_key(const char *path, struct secret **ret_key, struct err *err)
{
    struct buf text CLEANUP(wipep) = BUF_INIT(FILE_MAX_BYTES);
    uint8_t bytes[AEAD_KEY_BYTES];

    random_bytes(bytes, sizeof(bytes));
    base64_encode(&text, str_n(bytes, sizeof(bytes)));
    buf_add_char(&text, '\n');
    int rc = fd_write_file(path, buf_str(&text), 0600, err);
    if (rc == 0)
        *ret_key = secret_take(bytes, sizeof(bytes));
    mem_wipe(bytes, sizeof(bytes));
    return rc;
}

static int load_seal_key(const struct pki_conf *c, struct arena *a, struct pki *p, struct err *err)
{
    const char *path =
        c->encryption_key_file ? c->encryption_key_file : in_dir(a, c, "encryption.key");
    struct buf text CLEANUP(wipep) = BUF_INIT(FILE_MAX_BYTES);
    struct buf bytes CLEANUP(wipep) = BUF_INIT(FILE_MAX_BYTES);
    struct err read_err = {0};
    int rc = fd_read_file(path, &text, &read_err);

    if (rc == -ERR_NOTFOUND)
        return make_seal_key(path, &p->seal_key, err);
    if (rc < 0) {
        if (err)
            *err = read_err;
        return rc;
    }
    if (base64_decode(&bytes, str_trim_space(buf_str(&text))) < 0 || bytes.len != AEAD_KEY_BYTES)
        return err_set(err, ERR_INVALID, "'%s' does not hold %d bytes in base64", path,
                       AEAD_KEY_BYTES);
    p->seal_key = secret_new(buf_str(&bytes));
    return 0;
}

int pki_load(const struct pki_conf *conf, struct arena *a, struct pki *ret_pki, struct err *err)
{
    struct pki p = {0};
    int rc = fd_mkdirs(conf->dir, 0700, err);

    if (rc == 0)
        rc = load_certificates(conf, a, &p, err);
    if (rc == 0)
        rc = load_token_key(conf, a, &p, err);
    if (rc == 0)
        rc = load_seal_key(conf, a, &p, err);
    if (rc < 0) {
        pki_fini(&p);
        return rc;
    }
    *ret_pki = p;
    return 0;
}

void pki_fini(struct pki *p)
{
    secret_unref(p->server_key);
    secret_unref(p->admin_key);
    secret_unref(p->seal_key);
    key_unref(p->token_key);
    *p = (struct pki){0};
}
