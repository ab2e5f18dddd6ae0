/*
 * What the tests of net/ stand on: a loop with a deadline, connected loopback pairs, an end that drives a
 * stream the way its users do, a filter that lets bytes through one by one, and a small PKI.
 */
#ifndef TEST_NET_RIG_H
#define TEST_NET_RIG_H

#include "base/buf.h"
#include "crypto/x509.h"
#include "net/tcp.h"
#include "net/tls.h"

#define RIG_DEADLINE_US INT64_C(20000000)

/* Steps the loop until *done; false when the deadline passes first. */
bool rig_until(struct loop *l, const bool *done);

/* Steps the loop until nothing has happened for `quiet_us`. */
void rig_settle(struct loop *l, int64_t quiet_us);

/* A connected pair over 127.0.0.1.  With `small`, socket buffers are as small as the kernel allows. */
void rig_pair(struct loop *l, bool small, struct stream **ret_client, struct stream **ret_server);

/* Puts a filter on `below` (taken) that moves at most `most` bytes per call and blocks after each. */
struct stream *rig_drip(struct stream *below, size_t most);

/* One end of a connection: writes `out`, collects `in`, and shuts down once `out` is gone if asked to. */
struct rig_end {
    struct stream *s;
    struct buf in, out;
    bool will_shutdown;
    bool is_closing_on_end; /* closes the stream from inside on_ready when the input ends */
    int shaken;             /* last answer of stream_handshake */
    bool is_shut;
    bool is_ended; /* input ended or failed: see rc */
    int rc;
    struct err err;
    bool is_done; /* ended, and shut when asked to; or the handshake failed */
};

/* Takes `s` and starts driving it. */
void rig_end_start(struct rig_end *e, struct stream *s);

/* Tries everything that may be possible now. */
void rig_end_run(struct rig_end *e);
void rig_end_fini(struct rig_end *e);

/* Steps until both are done; false when the deadline passes first. */
bool rig_until_done(struct loop *l, struct rig_end *a, struct rig_end *b);

/* A CA, and a certificate with its key as files would hold them. */
struct rig_ca {
    struct key *key;
    struct buf pem;
};
struct rig_identity {
    struct buf chain;
    struct secret *key;
};

void rig_ca_init(struct rig_ca *ca);
void rig_ca_fini(struct rig_ca *ca);

/* Makes an identity; `leaf->lifetime_s` 0 means a day, `wall_us` 0 means now. */
void rig_identity_init(struct rig_identity *id, const struct rig_ca *ca, struct x509_leaf leaf,
                       int64_t wall_us);
void rig_identity_fini(struct rig_identity *id);

/* A leaf of one DNS name (or, when it parses as one, one IP address) for servers. */
struct x509_leaf rig_server_leaf(const struct str *name);

/* Fills with a pattern of `n` bytes. */
void rig_pattern(struct buf *b, size_t n);

#endif
