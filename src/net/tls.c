/*
 * TLS as a filter: AWS-LC between two streams, joined to the one below by a BIO of our own.
 *
 * Reading: the BIO reads from the stream below straight into the library's record buffer, decryption goes
 * straight into the user's.  Writing: small pieces are gathered so that head and body share a record; a
 * sealed record goes straight to the stream below, and what that cannot take now waits in `unsent` (one
 * record at most, freed when empty).  So a write is either not begun or accepted, never to be repeated with
 * the same bytes, and the library never sees a blocked write; `unsent` is flushed from on_below whether or
 * not the user writes again.
 */
#include "net/tls.h"

#include <pthread.h>

#include <openssl/bio.h>
#include <openssl/err.h>

#include "base/buf.h"
#include "crypto/evp.h"
#include "net/tls_priv.h"

#define TLS_RECORD_BYTES 16384
#define TLS_UNSENT_MAX (256 * 1024)

struct tls {
    struct stream stream;
    SSL *ssl;
    struct tls_client *client; /* NULL on the server's side */
    char *name;                /* of the server: key of its sessions */
    struct buf unsent;         /* sealed, not yet taken by the stream below */
    int read_rc, write_rc;     /* how the stream below ended, 0 while it has not */
    bool is_established;
    bool is_name_bad;
    bool is_notify_sent;
    int verify_error;
    enum err_code failed_code; /* ERR_OK: ask the stream below */
    const char *failed_what, *failed_reason;
    bool is_reason_library; /* reads "WRONG_VERSION_NUMBER" */
};

static struct tls *tls_of(const struct stream *s)
{
    return CONTAINER_OF((struct stream *)(uintptr_t)s, struct tls, stream);
}

/* --- the BIO */

static int tls_bio_read(BIO *bio, char *p, int n)
{
    struct tls *t = BIO_get_data(bio);
    ssize_t got;

    BIO_clear_retry_flags(bio);
    if (n <= 0)
        return 0;
    got = stream_read(t->stream.below, p, (size_t)n);
    if (got > 0)
        return (int)got;
    if (got == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    t->read_rc = (int)got;
    return got == -ERR_EOF ? 0 : -1;
}

/* 1 nothing waits, 0 the stream below is full, <0 it failed. */
static int tls_flush(struct tls *t)
{
    struct str rest = buf_str(&t->unsent);
    ssize_t sent;

    if (t->write_rc < 0)
        return t->write_rc;
    while (rest.n > 0) {
        sent = stream_write(t->stream.below, rest.p, rest.n);
        if (sent == 0)
            return 0;
        if (sent < 0) {
            t->write_rc = (int)sent;
            return t->write_rc;
        }
        buf_skip(&t->unsent, (size_t)sent);
        rest = buf_str(&t->unsent);
    }
    if (t->unsent.p)
        buf_fini(&t->unsent);
    return 1;
}

/* Takes all of it: what the stream below cannot take waits in `unsent`. */
static int tls_bio_write(BIO *bio, const char *p, int n)
{
    struct tls *t = BIO_get_data(bio);
    int rc = tls_flush(t), taken = 0;
    ssize_t sent;

    BIO_clear_retry_flags(bio);
    while (rc > 0 && taken < n) {
        sent = stream_write(t->stream.below, p + taken, (size_t)(n - taken));
        if (sent > 0)
            taken += (int)sent;
        else
            rc = (int)sent;
    }
    if (rc == 0) {
        buf_add(&t->unsent, p + taken, (size_t)(n - taken));
        rc = buf_error(&t->unsent);
    }
    if (rc < 0) {
        t->write_rc = rc;
        return -1;
    }
    return n;
}

static long tls_bio_ctrl(BIO *bio UNUSED, int command, long number UNUSED, void *p UNUSED)
{
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *tls_bio_method;

static void tls_bio_init(void)
{
    tls_bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
    ASSERT(tls_bio_method && BIO_meth_set_read(tls_bio_method, tls_bio_read) &&
           BIO_meth_set_write(tls_bio_method, tls_bio_write) &&
           BIO_meth_set_ctrl(tls_bio_method, tls_bio_ctrl));
}

static BIO *tls_bio_new(struct tls *t)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    BIO *bio;

    pthread_once(&once, tls_bio_init);
    bio = BIO_new(tls_bio_method);
    ASSERT(bio);
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    return bio;
}

/* --- failures */

static int tls_fail(struct tls *t, enum err_code code, const char *what, const char *reason)
{
    t->failed_code = code;
    t->failed_what = what;
    t->failed_reason = reason;
    t->is_reason_library = false;
    ERR_clear_error();
    return -(int)code;
}

static int tls_fail_library(struct tls *t)
{
    int rc = tls_fail(t, ERR_TLS, "TLS failure", evp_reason());

    t->is_reason_library = true;
    return rc;
}

static int tls_fail_below(struct tls *t, int rc)
{
    t->failed_code = ERR_OK;
    ERR_clear_error();
    return rc;
}

/* What the last call's failure means; 0 when it is none: the call would block. */
static int tls_result(struct tls *t, int ret)
{
    int error = SSL_get_error(t->ssl, ret);

    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return 0;
    if (error == SSL_ERROR_ZERO_RETURN)
        return -ERR_EOF;
    if (t->verify_error != X509_V_OK)
        return tls_fail(t, ERR_TLS, "certificate verify failed", tls_verify_text(t->verify_error));
    if (t->read_rc == -ERR_EOF)
        return tls_fail(t, ERR_CLOSED, "connection closed",
                        t->is_established ? "end of input without close_notify"
                                          : "end of input during the TLS handshake");
    if (t->read_rc < 0 || t->write_rc < 0)
        return tls_fail_below(t, t->read_rc < 0 ? t->read_rc : t->write_rc);
    return tls_fail_library(t);
}

static void tls_failure(const struct stream *s, struct err *err)
{
    const struct tls *t = tls_of(s);
    char reason[128];
    size_t n = 0;

    if (t->failed_code == ERR_OK) {
        stream_failure(s->below, err);
        return;
    }
    for (; t->failed_reason[n] && n < sizeof(reason) - 1; n++) {
        char c = t->failed_reason[n];

        reason[n] = !t->is_reason_library ? c : c == '_' ? ' ' : str_lower_char(c);
    }
    reason[n] = '\0';
    (void)err_set(err, t->failed_code, "%s: %s", t->failed_what, reason);
}

void tls_set_verify_error(SSL *ssl, int x509_error)
{
    struct tls *t = SSL_get_app_data(ssl);

    t->verify_error = x509_error;
}

/* --- the filter */

static int tls_handshake(struct stream *s)
{
    struct tls *t = tls_of(s);
    int rc;

    if (t->is_established)
        return 1;
    if (t->is_name_bad)
        return tls_fail(t, ERR_TLS, "TLS failure",
                        "server name is neither a DNS name nor an IP address");
    rc = stream_handshake(s->below);
    if (rc <= 0)
        return rc < 0 ? tls_fail_below(t, rc) : 0;
    ERR_clear_error();
    rc = SSL_do_handshake(t->ssl);
    if (rc == 1) {
        t->is_established = true;
        return 1;
    }
    rc = tls_result(t, rc);
    if (rc == -ERR_EOF) /* close_notify instead of a handshake */
        rc = tls_fail(t, ERR_CLOSED, "connection closed", "during the TLS handshake");
    if (rc < 0 && t->client)
        tls_session_drop(tls_client_sessions(t->client), str_c(t->name));
    return rc;
}

static ssize_t tls_read(struct stream *s, void *p, size_t n)
{
    struct tls *t = tls_of(s);
    size_t total = 0;
    int rc = tls_handshake(s);

    if (rc <= 0)
        return rc;
    while (total < n) {
        ERR_clear_error();
        rc = SSL_read(t->ssl, (char *)p + total, (int)MIN(n - total, (size_t)INT32_MAX));
        if (rc <= 0)
            break;
        total += (size_t)rc;
    }
    if (total == 0 && n > 0)
        return tls_result(t, rc);
    s->is_drained = rc <= 0 && SSL_get_error(t->ssl, rc) == SSL_ERROR_WANT_READ;
    ERR_clear_error(); /* a failure behind data is found again, the same, by the next call */
    return (ssize_t)total;
}

/* A place in an array of pieces. */
struct tls_source {
    const struct iovec *iov;
    int count;
    size_t off; /* in iov[0] */
};

static void tls_source_skip(struct tls_source *src, size_t n)
{
    src->off += n;
    while (src->count > 0 && src->off >= src->iov->iov_len) {
        src->off -= src->iov->iov_len;
        src->iov++;
        src->count--;
    }
}

/* Copies what fits a record, without moving the place; returns the bytes copied. */
static size_t tls_source_gather(struct tls_source src, char *dst, size_t cap)
{
    size_t n = 0;

    while (src.count > 0 && n < cap) {
        size_t piece = MIN(src.iov->iov_len - src.off, cap - n);

        memcpy(dst + n, (const char *)src.iov->iov_base + src.off, piece);
        n += piece;
        tls_source_skip(&src, piece);
    }
    return n;
}

/* Seals one record from the front of `src`; returns the plain bytes in it, or what SSL_write says. */
static int tls_write_record(struct tls *t, struct tls_source *src)
{
    size_t n = MIN(src->iov->iov_len - src->off, (size_t)TLS_RECORD_BYTES);
    char record[TLS_RECORD_BYTES];
    int rc;

    if (n == TLS_RECORD_BYTES || src->count == 1) {
        rc = SSL_write(t->ssl, (const char *)src->iov->iov_base + src->off, (int)n);
    } else {
        n = tls_source_gather(*src, record, sizeof(record));
        rc = SSL_write(t->ssl, record, (int)n);
        mem_wipe(record, n); /* heads carry credentials */
    }
    if (rc > 0)
        tls_source_skip(src, (size_t)rc);
    return rc;
}

static ssize_t tls_writev(struct stream *s, const struct iovec *iov, int count)
{
    struct tls *t = tls_of(s);
    struct tls_source src = {.iov = iov, .count = count};
    size_t total = 0;
    int rc = tls_handshake(s);

    if (rc <= 0)
        return rc;
    tls_source_skip(&src, 0);
    while (src.count > 0) {
        rc = tls_flush(t);
        if (rc < 0)
            rc = tls_fail_below(t, rc);
        if (rc <= 0)
            return total > 0 ? (ssize_t)total : rc;
        ERR_clear_error();
        rc = tls_write_record(t, &src);
        if (rc <= 0)
            return total > 0 ? (ssize_t)total : tls_result(t, rc);
        total += (size_t)rc;
    }
    return (ssize_t)total;
}

static int tls_shutdown(struct stream *s)
{
    struct tls *t = tls_of(s);
    int rc;

    if (t->is_established && !t->is_notify_sent) {
        ERR_clear_error();
        rc = SSL_shutdown(t->ssl);
        if (rc < 0 && t->write_rc >= 0)
            return tls_result(t, rc);
        t->is_notify_sent = true;
    }
    rc = tls_flush(t);
    if (rc == 0)
        return 0;
    return rc < 0 ? tls_fail_below(t, rc) : stream_shutdown(s->below);
}

static void tls_on_below(struct stream *s, unsigned events)
{
    struct tls *t = tls_of(s);

    if (t->unsent.len > 0 && (events & LOOP_WRITABLE))
        (void)!tls_flush(t); /* a failure stays in write_rc for the next call */
    stream_notify(s, events);
}

static void tls_free(struct stream *s)
{
    struct tls *t = tls_of(s);

    SSL_free(t->ssl);
    buf_fini(&t->unsent);
    tls_client_unref(t->client);
    free(t->name);
    free(t);
}

static const struct stream_ops TLS_OPS = {
    .name = "tls",
    .handshake = tls_handshake,
    .read = tls_read,
    .writev = tls_writev,
    .shutdown = tls_shutdown,
    .on_below = tls_on_below,
    .failure = tls_failure,
    .free = tls_free,
};

static struct tls *tls_new(SSL_CTX *conf, struct stream *below)
{
    struct tls *t = NEW(struct tls);
    BIO *bio = tls_bio_new(t);

    stream_init(&t->stream, &TLS_OPS, below->loop, below);
    buf_init(&t->unsent, TLS_UNSENT_MAX);
    t->ssl = SSL_new(conf);
    ASSERT(t->ssl);
    SSL_set_bio(t->ssl, bio, bio);
    SSL_set_app_data(t->ssl, t);
    SSL_set_shed_handshake_config(t->ssl, 1);
    return t;
}

struct stream *tls_accept(struct tls_server *server, struct stream *below)
{
    struct tls *t = tls_new(tls_server_conf(server), below);

    SSL_set_accept_state(t->ssl);
    return &t->stream;
}

/* --- the client's side */

struct stream *tls_connect(struct tls_client *client, struct str name, struct stream *below)
{
    struct tls *t = tls_new(tls_client_conf(client), below);
    SSL_SESSION *session;

    if (name.n > 1 && name.p[name.n - 1] == '.')
        name.n--;
    t->client = tls_client_ref(client);
    t->name = str_dup(name);
    t->is_name_bad = strlen(t->name) != name.n || !tls_name_set(t->ssl, t->name);
    ERR_clear_error();
    SSL_set_connect_state(t->ssl);
    session = tls_session_get(tls_client_sessions(client), name);
    if (session) {
        SSL_set_session(t->ssl, session);
        SSL_SESSION_free(session);
    }
    return &t->stream;
}

/* The library offers a session to keep; returns 1 when it is taken. */
static int tls_on_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls *t = SSL_get_app_data(ssl);

    tls_session_put(tls_client_sessions(t->client), str_c(t->name), session);
    return 1;
}

void tls_set_client_sessions(SSL_CTX *conf)
{
    SSL_CTX_set_session_cache_mode(conf, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(conf, tls_on_session);
}

/* --- what is known of it */

bool tls_is_stream(const struct stream *s)
{
    return s->ops == &TLS_OPS;
}

bool tls_is_resumed(const struct stream *s)
{
    return tls_is_stream(s) && SSL_session_reused(tls_of(s)->ssl);
}

SSL *tls_ssl(const struct stream *s)
{
    return tls_is_stream(s) && tls_of(s)->is_established ? tls_of(s)->ssl : NULL;
}
