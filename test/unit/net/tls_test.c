/*
 * TLS between our own two sides over real sockets: what is believed, what is refused, and how bytes end.
 */
#include "net/tls.h"

#include <pthread.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"
#include "fixtures.h"
#include "net/addr.h"
#include "rig.h"
#include "unit.h"

#define HOUR_US (3600 * TIME_US_PER_S)

/* A CA, a server it vouches for, and a client that trusts it. */
struct bench {
    struct loop *loop;
    struct rig_ca ca;
    struct rig_identity id;
    struct tls_trust *trust;
    struct tls_server *server;
    struct tls_client *client;
    bool small;
    size_t drip;
};

static void bench_init_leaf(struct bench *b, struct x509_leaf leaf, int64_t wall_us)
{
    *b = (struct bench){.loop = loop_new(NULL)};
    rig_ca_init(&b->ca);
    rig_identity_init(&b->id, &b->ca, leaf, wall_us);
    CHECK_OK(tls_trust_new(false, buf_str(&b->ca.pem), &b->trust, NULL));
    CHECK_OK(tls_server_new(buf_str(&b->id.chain), b->id.key, b->trust, &b->server, NULL));
    CHECK_OK(tls_client_new(b->trust, STR(""), NULL, &b->client, NULL));
}

static void bench_init(struct bench *b, struct str name)
{
    bench_init_leaf(b, rig_server_leaf(&name), 0);
}

static void bench_fini(struct bench *b)
{
    tls_client_unref(b->client);
    tls_server_unref(b->server);
    tls_trust_unref(b->trust);
    rig_identity_fini(&b->id);
    rig_ca_fini(&b->ca);
    loop_free(b->loop);
}

/* Connects two ends; neither side is driven to its end yet. */
static void connect_ends(struct bench *b, struct str name, struct rig_end *client,
                         struct rig_end *server)
{
    struct stream *c, *s;

    rig_pair(b->loop, b->small, &c, &s);
    if (b->drip) {
        c = rig_drip(c, b->drip);
        s = rig_drip(s, b->drip);
    }
    rig_end_start(server, tls_accept(b->server, s));
    rig_end_start(client, tls_connect(b->client, name, c));
}

static void check_exchange(struct bench *b, struct str name, size_t bytes)
{
    struct rig_end client = {.will_shutdown = true}, server = {.will_shutdown = true};
    struct buf want = BUF_INIT(BUF_NO_LIMIT);

    rig_pattern(&want, bytes);
    client.out = server.out = BUF_INIT(BUF_NO_LIMIT);
    buf_add_str(&client.out, buf_str(&want));
    buf_add_str(&server.out, buf_str(&want));
    connect_ends(b, name, &client, &server);
    CHECK(rig_until_done(b->loop, &client, &server));
    CHECK_STR(client.err.msg, "");
    CHECK_STR(server.err.msg, "");
    CHECK_ERR(client.rc, ERR_EOF);
    CHECK_ERR(server.rc, ERR_EOF);
    CHECK(str_eq(buf_str(&client.in), buf_str(&want)));
    CHECK(str_eq(buf_str(&server.in), buf_str(&want)));
    rig_end_fini(&client);
    rig_end_fini(&server);
    buf_fini(&want);
}

/* The client must refuse the server; returns its message. */
static struct err refusal(struct bench *b, struct str name)
{
    struct rig_end client = {.will_shutdown = true}, server = {.will_shutdown = true};
    struct err err;

    connect_ends(b, name, &client, &server);
    CHECK(rig_until(b->loop, &client.is_done));
    CHECK_ERR(client.shaken, ERR_TLS);
    CHECK_INT(client.err.code, ERR_TLS);
    err = client.err;
    stream_close(TAKE(client.s));
    CHECK(rig_until(b->loop, &server.is_done));
    CHECK(server.rc < 0 && server.rc != -ERR_EOF);
    rig_end_fini(&client);
    rig_end_fini(&server);
    return err;
}

static void check_refused(struct bench *b, struct str name, const char *message)
{
    CHECK_STR(refusal(b, name).msg, message);
}

/* --- bytes */

TEST(tls_bytes_go_both_ways)
{
    struct bench b;

    bench_init(&b, STR("a.example"));
    check_exchange(&b, STR("a.example"), 1 << 20);
    check_exchange(&b, STR("A.Example."), 0);
    bench_fini(&b);
}

TEST(tls_over_tiny_socket_buffers)
{
    struct bench b;

    bench_init(&b, STR("a.example"));
    b.small = true;
    check_exchange(&b, STR("a.example"), 500000);
    bench_fini(&b);
}

TEST(tls_byte_by_byte)
{
    struct bench b;

    bench_init(&b, STR("a.example"));
    b.drip = 1;
    check_exchange(&b, STR("a.example"), 20000);
    bench_fini(&b);
}

TEST(tls_in_odd_pieces)
{
    struct bench b;

    bench_init(&b, STR("a.example"));
    b.drip = 4099;
    check_exchange(&b, STR("a.example"), 300000);
    bench_fini(&b);
}

/* What one stream_writev of many pieces sends arrives in their order. */
TEST(pieces_are_joined_in_order)
{
    struct rig_end client = {0}, server = {0};
    struct iovec iov[64];
    struct bench b;
    struct buf want = BUF_INIT(BUF_NO_LIMIT), big = BUF_INIT(BUF_NO_LIMIT);
    ssize_t n;

    bench_init(&b, STR("a.example"));
    connect_ends(&b, STR("a.example"), &client, &server);
    rig_settle(b.loop, 50000);
    CHECK_INT(client.shaken, 1);
    rig_pattern(&big, 40000);
    for (size_t i = 0; i < ARRAY_LEN(iov); i++) {
        size_t len = i == 20 ? big.len : i == 30 ? 16384 : i % 7;

        iov[i] = (struct iovec){.iov_base = big.p, .iov_len = len};
        buf_add(&want, big.p, len);
    }
    n = stream_writev(client.s, iov, ARRAY_LEN(iov));
    CHECK_INT(n, want.len);
    CHECK_INT(stream_writev(client.s, iov, 0), 0);
    CHECK_INT(stream_write(client.s, "", 0), 0);
    client.will_shutdown = true;
    rig_end_run(&client);
    CHECK(rig_until(b.loop, &server.is_done));
    CHECK(str_eq(buf_str(&server.in), buf_str(&want)));
    rig_end_fini(&client);
    rig_end_fini(&server);
    buf_fini(&want);
    buf_fini(&big);
    bench_fini(&b);
}

/* A user who stops reading early finds the rest without a new event. */
TEST(reading_may_stop_and_go_on)
{
    struct rig_end server = {.will_shutdown = true};
    struct stream *c, *s;
    struct bench b;
    char piece[10];
    size_t total = 0;
    ssize_t n = 0;

    bench_init(&b, STR("a.example"));
    rig_pair(b.loop, false, &c, &s);
    server.out = BUF_INIT(BUF_NO_LIMIT);
    rig_pattern(&server.out, 1000);
    c = tls_connect(b.client, STR("a.example"), c);
    rig_end_start(&server, tls_accept(b.server, s));
    for (int i = 0; i < 1000 && stream_handshake(c) == 0; i++)
        loop_step(b.loop, 1000);
    CHECK_INT(stream_handshake(c), 1);
    rig_settle(b.loop, 50000);
    while ((n = stream_read(c, piece, sizeof(piece))) > 0)
        total += (size_t)n;
    CHECK_INT(total, 1000);
    CHECK_ERR(n, ERR_EOF);
    CHECK_ERR(stream_read(c, piece, sizeof(piece)), ERR_EOF);
    stream_close(c);
    rig_end_fini(&server);
    bench_fini(&b);
}

TEST(input_goes_on_after_close_notify)
{
    struct rig_end client = {.will_shutdown = true}, server = {0};
    struct bench b;

    bench_init(&b, STR("a.example"));
    connect_ends(&b, STR("a.example"), &client, &server);
    CHECK(rig_until(b.loop, &server.is_ended));
    CHECK_ERR(server.rc, ERR_EOF);
    CHECK(!client.is_ended);
    buf_add_c(&server.out, "late");
    server.is_done = false;
    server.will_shutdown = true;
    rig_end_run(&server);
    CHECK(rig_until(b.loop, &client.is_done));
    CHECK_ERR(client.rc, ERR_EOF);
    CHECK_STR(buf_str(&client.in), "late");
    rig_end_fini(&client);
    rig_end_fini(&server);
    bench_fini(&b);
}

TEST(input_cut_off_is_not_an_end)
{
    struct rig_end client = {0}, server = {0};
    struct bench b;

    bench_init(&b, STR("a.example"));
    connect_ends(&b, STR("a.example"), &client, &server);
    client.out = BUF_INIT(1024);
    buf_add_c(&client.out, "half a mess");
    rig_settle(b.loop, 50000);
    rig_end_run(&client);
    rig_settle(b.loop, 50000);
    CHECK_INT(stream_shutdown(client.s->below), 1); /* FIN without close_notify */
    CHECK(rig_until(b.loop, &server.is_done));
    CHECK_STR(buf_str(&server.in), "half a mess");
    CHECK_ERR(server.rc, ERR_CLOSED);
    CHECK_INT(server.err.code, ERR_CLOSED);
    CHECK_STR(server.err.msg, "connection closed: end of input without close_notify");
    rig_end_fini(&client);
    rig_end_fini(&server);
    bench_fini(&b);
}

TEST(a_handshake_cut_off_fails)
{
    struct rig_end server = {0};
    struct stream *c, *s;
    struct bench b;

    bench_init(&b, STR("a.example"));
    rig_pair(b.loop, false, &c, &s);
    rig_end_start(&server, tls_accept(b.server, s));
    CHECK_INT(stream_write(c, "\x16\x03\x01", 3), 3);
    rig_settle(b.loop, 20000);
    stream_close(c);
    CHECK(rig_until(b.loop, &server.is_done));
    CHECK_ERR(server.shaken, ERR_CLOSED);
    CHECK_STR(server.err.msg, "connection closed: end of input during the TLS handshake");
    rig_end_fini(&server);
    bench_fini(&b);
}

TEST(who_does_not_speak_tls_is_refused)
{
    struct rig_end server = {0}, client = {0}, web = {0};
    struct stream *c, *s;
    struct bench b;

    bench_init(&b, STR("a.example"));
    rig_pair(b.loop, false, &c, &s);
    rig_end_start(&server, tls_accept(b.server, s));
    CHECK(stream_write(c, "GET / HTTP/1.1\r\n\r\n", 18) == 18);
    CHECK(rig_until(b.loop, &server.is_done));
    CHECK_ERR(server.shaken, ERR_TLS);
    CHECK_STR(server.err.msg, "TLS failure: http request");
    stream_close(c);
    rig_end_fini(&server);

    rig_pair(b.loop, false, &c, &s);
    rig_end_start(&web, s);
    buf_add_c(&web.out, "HTTP/1.1 400 Bad Request\r\n\r\n");
    rig_end_run(&web);
    rig_end_start(&client, tls_connect(b.client, STR("a.example"), c));
    CHECK(rig_until(b.loop, &client.is_done));
    CHECK_ERR(client.shaken, ERR_TLS);
    CHECK_STR(client.err.msg, "TLS failure: wrong version number");
    rig_end_fini(&client);
    rig_end_fini(&web);
    bench_fini(&b);
}

TEST(a_changed_record_is_refused)
{
    struct rig_end client = {0}, server = {0};
    struct bench b;
    static const char FORGED[] = "\x17\x03\x03\x00\x20"
                                 "0123456789abcdef0123456789abcdef";

    bench_init(&b, STR("a.example"));
    connect_ends(&b, STR("a.example"), &client, &server);
    rig_settle(b.loop, 50000);
    CHECK_INT(server.shaken, 1);
    CHECK(stream_write(client.s->below, FORGED, sizeof(FORGED) - 1) > 0);
    CHECK(rig_until(b.loop, &server.is_done));
    CHECK_ERR(server.rc, ERR_TLS);
    CHECK_INT(server.in.len, 0);
    rig_end_fini(&client);
    rig_end_fini(&server);
    bench_fini(&b);
}

/* --- names */

TEST(ip_addresses_match_ip_names_only)
{
    const struct str dns = STR("127.0.0.1");
    struct x509_leaf leaf = {
        .common_name = STR("127.0.0.1"), .dns_names = &dns, .dns_name_count = 1, .server = true};
    struct bench b;

    bench_init(&b, STR("127.0.0.1"));
    check_exchange(&b, STR("127.0.0.1"), 100);
    check_exchange(&b, STR("::ffff:127.0.0.1"), 100);
    check_refused(&b, STR("127.0.0.2"), "certificate verify failed: IP address mismatch");
    check_refused(&b, STR("localhost"), "certificate verify failed: Hostname mismatch");
    bench_fini(&b);

    bench_init(&b, STR("2001:db8::1"));
    check_exchange(&b, STR("2001:db8::1"), 100);
    check_exchange(&b, STR("[2001:db8:0::1]"), 100);
    bench_fini(&b);

    bench_init_leaf(&b, leaf, 0);
    check_refused(&b, STR("127.0.0.1"), "certificate verify failed: IP address mismatch");
    bench_fini(&b);
}

TEST(names_match_whole)
{
    static const char *const WRONG[] = {"b.example", "example", "x.a.example", "a.example.org",
                                        "aa.example"};
    struct bench b;

    bench_init(&b, STR("a.example"));
    for (size_t i = 0; i < ARRAY_LEN(WRONG); i++)
        check_refused(&b, str_c(WRONG[i]), "certificate verify failed: Hostname mismatch");
    bench_fini(&b);
}

TEST(a_wildcard_stands_for_one_label)
{
    static const char *const WRONG[] = {"a.b.c.example", "c.example", "a.d.example"};
    struct bench b;

    bench_init(&b, STR("*.c.example"));
    check_exchange(&b, STR("a.c.example"), 1);
    for (size_t i = 0; i < ARRAY_LEN(WRONG); i++)
        check_refused(&b, str_c(WRONG[i]), "certificate verify failed: Hostname mismatch");
    bench_fini(&b);
}

TEST(the_common_name_counts_for_nothing)
{
    struct x509_leaf leaf = {.common_name = STR("a.example"), .server = true};
    struct bench b;

    bench_init_leaf(&b, leaf, 0);
    check_refused(&b, STR("a.example"), "certificate verify failed: Hostname mismatch");
    bench_fini(&b);
}

TEST(names_that_are_none_are_refused)
{
    const struct str rows[] = {STR(""),          STR("."),           STR(".example"),
                               STR("a example"), STR("a.example\0"), STR("a.example\0.evil"),
                               STR("*.example"), STR("a/b"),         STR("a:443")};
    struct bench b;

    bench_init(&b, STR("a.example"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_refused(&b, rows[i],
                      "TLS failure: server name is neither a DNS name nor an IP address");
    bench_fini(&b);
}

/* --- trust */

TEST(expired_and_future_certificates)
{
    const struct str name = STR("a.example");
    struct bench b;

    bench_init_leaf(&b, rig_server_leaf(&name), time_wall_us() - 2 * HOUR_US);
    check_refused(&b, name, "certificate verify failed: certificate has expired");
    bench_fini(&b);
    bench_init_leaf(&b, rig_server_leaf(&name), time_wall_us() + HOUR_US / 2);
    check_refused(&b, name, "certificate verify failed: certificate is not yet valid");
    bench_fini(&b);
}

TEST(an_unknown_ca_is_not_believed)
{
    struct tls_trust *trust;
    struct rig_ca other;
    struct bench b;

    bench_init(&b, STR("a.example"));
    rig_ca_init(&other);
    CHECK_OK(tls_trust_new(false, buf_str(&other.pem), &trust, NULL));
    tls_client_unref(b.client);
    CHECK_OK(tls_client_new(trust, STR(""), NULL, &b.client, NULL));
    CHECK(str_starts(str_c(refusal(&b, STR("a.example")).msg), STR("certificate verify failed: ")));
    tls_trust_unref(trust);
    rig_ca_fini(&other);
    bench_fini(&b);
}

/* Makes the client trust just `pem`, and the server present `chain`. */
static void reconfigure(struct bench *b, struct str pem, struct str chain, const struct secret *key)
{
    struct tls_trust *trust = NULL;

    CHECK_OK(tls_trust_new(false, pem, &trust, NULL));
    tls_client_unref(b->client);
    CHECK_OK(tls_client_new(trust, STR(""), NULL, &b->client, NULL));
    tls_server_unref(b->server);
    CHECK_OK(tls_server_new(chain, key, NULL, &b->server, NULL));
    tls_trust_unref(trust);
}

TEST(a_self_signed_certificate_is_not_believed)
{
    struct secret *key = secret_new(str_c(SELF_KEY));
    struct bench b;

    bench_init(&b, STR("a.example"));
    tls_server_unref(b.server);
    CHECK_OK(tls_server_new(str_c(SELF_CHAIN), key, NULL, &b.server, NULL));
    check_refused(&b, STR("self.test"), "certificate verify failed: self signed certificate");
    secret_unref(key);
    bench_fini(&b);
}

TEST(a_certificate_for_clients_is_no_server)
{
    const struct str name = STR("a.example");
    struct x509_leaf leaf = rig_server_leaf(&name);
    struct bench b;

    leaf.server = false;
    leaf.client = true;
    bench_init_leaf(&b, leaf, 0);
    CHECK(str_starts(str_c(refusal(&b, name).msg), STR("certificate verify failed: ")));
    bench_fini(&b);
}

TEST(a_weak_key_is_refused_even_when_trusted)
{
    struct secret *key = secret_new(str_c(WEAK_KEY));
    struct bench b;

    bench_init(&b, STR("a.example"));
    reconfigure(&b, str_c(WEAK_CHAIN), str_c(WEAK_CHAIN), key);
    check_refused(&b, STR("weak.test"),
                  "certificate verify failed: key of the certificate is too weak");
    secret_unref(key);
    bench_fini(&b);
}

/* Operators put a server's own certificate into a CA bundle. */
TEST(a_pinned_leaf_is_believed_for_its_name)
{
    struct bench b;

    bench_init(&b, STR("a.example"));
    reconfigure(&b, buf_str(&b.id.chain), buf_str(&b.id.chain), b.id.key);
    check_exchange(&b, STR("a.example"), 10);
    check_refused(&b, STR("b.example"), "certificate verify failed: Hostname mismatch");
    bench_fini(&b);
}

TEST(trust_needs_something_that_parses)
{
    struct tls_trust *trust = NULL;
    struct buf pem = BUF_INIT(65536);
    struct rig_ca ca;
    struct err err = {0};

    rig_ca_init(&ca);
    CHECK_ERR(tls_trust_new(false, STR("x"), &trust, &err), ERR_INVALID);
    CHECK_ERR(tls_trust_new(false,
                            STR("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
                            &trust, &err),
              ERR_INVALID);
    CHECK(trust == NULL);
    buf_add_c(&pem, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    buf_add_str(&pem, buf_str(&ca.pem));
    buf_add_str(&pem, buf_str(&ca.pem));
    CHECK_OK(tls_trust_new(false, buf_str(&pem), &trust, &err));
    tls_trust_unref(trust);
    CHECK_OK(tls_trust_new(false, STR(""), &trust, &err));
    tls_trust_unref(trust);
    tls_trust_unref(NULL);
    buf_fini(&pem);
    rig_ca_fini(&ca);
}

TEST(system_roots_come_from_the_named_file)
{
    char path[] = "/tmp/unit-net-roots-XXXXXX";
    struct tls_trust *trust = NULL;
    struct err err = {0};
    struct bench b;
    int fd = mkstemp(path);

    bench_init(&b, STR("a.example"));
    setenv("SSL_CERT_FILE", "/nonexistent/roots.pem", 1);
    CHECK_ERR(tls_trust_new(true, STR(""), &trust, &err), ERR_NOTFOUND);
    setenv("SSL_CERT_FILE", path, 1);
    CHECK_ERR(tls_trust_new(true, STR(""), &trust, &err), ERR_INVALID);
    CHECK_OK(fd_write_all(fd, buf_str(&b.ca.pem), NULL));
    close(fd);
    CHECK_OK(tls_trust_new(true, STR(""), &trust, &err));
    unlink(path); /* read once, shared from now on */
    tls_trust_unref(trust);
    CHECK_OK(tls_trust_new(true, STR(""), &trust, &err));
    tls_client_unref(b.client);
    CHECK_OK(tls_client_new(trust, STR(""), NULL, &b.client, NULL));
    check_exchange(&b, STR("a.example"), 10);
    tls_trust_unref(trust);
    unsetenv("SSL_CERT_FILE");
    bench_fini(&b);
}

TEST(identities_refused)
{
    struct rig_identity other;
    struct x509_leaf leaf = {.common_name = STR("x")};
    struct secret *none = secret_new(STR("")), *garbage = secret_new(STR("canary-51c9"));
    struct tls_server *server = NULL;
    struct tls_client *client = NULL;
    struct err err = {0};
    struct bench b;

    bench_init(&b, STR("a.example"));
    rig_identity_init(&other, &b.ca, leaf, 0);
    CHECK_ERR(tls_server_new(buf_str(&b.id.chain), other.key, NULL, &server, &err), ERR_INVALID);
    CHECK_STR(err.msg, "TLS server certificate: certificate and private key do not match");
    CHECK_ERR(tls_server_new(STR(""), b.id.key, NULL, &server, &err), ERR_INVALID);
    CHECK_ERR(tls_server_new(STR("x"), b.id.key, NULL, &server, &err), ERR_INVALID);
    CHECK_ERR(tls_server_new(buf_str(&b.id.chain), none, NULL, &server, &err), ERR_INVALID);
    CHECK_ERR(tls_server_new(buf_str(&b.id.chain), garbage, NULL, &server, &err), ERR_INVALID);
    CHECK(str_find(str_c(err.msg), STR("canary")) < 0);
    CHECK_ERR(tls_client_new(b.trust, buf_str(&b.id.chain), NULL, &client, &err), ERR_INVALID);
    CHECK_ERR(tls_client_new(b.trust, STR(""), b.id.key, &client, &err), ERR_INVALID);
    CHECK_ERR(tls_client_new(b.trust, buf_str(&b.id.chain), other.key, &client, &err), ERR_INVALID);
    CHECK(server == NULL && client == NULL);
    tls_server_unref(NULL);
    tls_client_unref(NULL);
    secret_unref(none);
    secret_unref(garbage);
    rig_identity_fini(&other);
    bench_fini(&b);
}

/* --- clients with certificates */

static void present(struct bench *b, const struct rig_identity *id)
{
    tls_client_unref(b->client);
    CHECK_OK(tls_client_new(b->trust, buf_str(&id->chain), id->key, &b->client, NULL));
}

/* Connects and reads the client's subject on the server's side. */
static int subject(struct bench *b, struct arena *a, struct tls_peer *ret_peer, bool *ret_resumed)
{
    struct rig_end client = {0}, server = {0};
    int rc;

    server.out = BUF_INIT(16);
    buf_add_c(&server.out, "hello"); /* the ticket travels with it */
    connect_ends(b, STR("a.example"), &client, &server);
    rig_settle(b->loop, 30000);
    CHECK_INT(client.shaken, 1);
    CHECK_INT(server.shaken, 1);
    rc = tls_peer_get(server.s, a, ret_peer);
    *ret_resumed = tls_is_resumed(server.s);
    CHECK_INT(tls_is_resumed(client.s), *ret_resumed);
    client.will_shutdown = server.will_shutdown = true;
    rig_end_run(&client);
    rig_end_run(&server);
    CHECK(rig_until_done(b->loop, &client, &server));
    rig_end_fini(&client);
    rig_end_fini(&server);
    return rc;
}

TEST(the_subject_of_a_client_is_known_also_when_resumed)
{
    const struct str orgs[] = {STR("system:masters"), STR("team b")};
    struct x509_leaf leaf = {.common_name = STR("system:admin"),
                             .organizations = orgs,
                             .organization_count = 2,
                             .client = true};
    struct arena *a = arena_new();
    struct rig_identity id;
    struct tls_peer peer;
    struct bench b;
    bool resumed;

    bench_init(&b, STR("a.example"));
    rig_identity_init(&id, &b.ca, leaf, 0);
    present(&b, &id);
    for (int i = 0; i < 3; i++) {
        peer = (struct tls_peer){0};
        CHECK_OK(subject(&b, a, &peer, &resumed));
        CHECK_INT(resumed, i > 0);
        CHECK_STR(peer.common_name, "system:admin");
        if (CHECK_INT(peer.organization_count, 2)) {
            CHECK_STR(peer.organizations[0], "system:masters");
            CHECK_STR(peer.organizations[1], "team b");
        }
    }
    rig_identity_fini(&id);
    arena_free(a);
    bench_fini(&b);
}

TEST(a_client_without_certificate_has_no_subject)
{
    struct arena *a = arena_new();
    struct stream *c, *s;
    struct tls_peer peer;
    struct bench b;
    bool resumed;

    bench_init(&b, STR("a.example"));
    CHECK_ERR(subject(&b, a, &peer, &resumed), ERR_NOTFOUND);
    rig_pair(b.loop, false, &c, &s);
    CHECK(!tls_is_stream(c));
    CHECK(!tls_is_resumed(c));
    CHECK_ERR(tls_peer_get(c, a, &peer), ERR_NOTFOUND);
    s = tls_accept(b.server, s);
    CHECK(tls_is_stream(s));
    CHECK_ERR(tls_peer_get(s, a, &peer), ERR_NOTFOUND);
    stream_close(c);
    stream_close(s);
    arena_free(a);
    bench_fini(&b);
}

/* The server must refuse this client's certificate. */
static void check_client_refused(struct bench *b, const struct rig_identity *id)
{
    struct rig_end client = {0}, server = {0};

    present(b, id);
    connect_ends(b, STR("a.example"), &client, &server);
    CHECK(rig_until_done(b->loop, &client, &server));
    CHECK_ERR(server.shaken, ERR_TLS);
    CHECK(str_starts(str_c(server.err.msg), STR("certificate verify failed: ")));
    CHECK_ERR(client.rc, ERR_TLS);
    rig_end_fini(&client);
    rig_end_fini(&server);
}

TEST(client_certificates_refused)
{
    struct x509_leaf good = {.common_name = STR("c"), .client = true};
    struct x509_leaf server_only = {.common_name = STR("c"), .server = true};
    struct rig_identity id;
    struct rig_ca other;
    struct bench b;

    bench_init(&b, STR("a.example"));
    rig_ca_init(&other);
    rig_identity_init(&id, &other, good, 0);
    check_client_refused(&b, &id);
    rig_identity_fini(&id);
    rig_identity_init(&id, &b.ca, good, time_wall_us() - 2 * HOUR_US);
    check_client_refused(&b, &id);
    rig_identity_fini(&id);
    rig_identity_init(&id, &b.ca, server_only, 0);
    check_client_refused(&b, &id);
    rig_identity_fini(&id);
    rig_ca_fini(&other);
    bench_fini(&b);
}

struct skewed {
    int64_t offset_us;
};

static int64_t skewed_mono(void *cookie UNUSED)
{
    return time_mono_us();
}

static int64_t skewed_wall(void *cookie)
{
    return time_wall_us() + ((struct skewed *)cookie)->offset_us;
}

TEST(a_subject_ends_with_its_certificate)
{
    struct skewed skew = {0};
    struct loop_clock clock = {.mono_us = skewed_mono, .wall_us = skewed_wall, .cookie = &skew};
    struct x509_leaf leaf = {.common_name = STR("c"), .client = true};
    struct rig_end client = {0}, server = {0};
    struct arena *a = arena_new();
    struct rig_identity id;
    struct tls_peer peer;
    struct bench b;

    bench_init(&b, STR("a.example"));
    loop_free(b.loop);
    b.loop = loop_new(&clock);
    rig_identity_init(&id, &b.ca, leaf, 0);
    present(&b, &id);
    connect_ends(&b, STR("a.example"), &client, &server);
    rig_settle(b.loop, 30000);
    CHECK_OK(tls_peer_get(server.s, a, &peer));
    skew.offset_us = HOUR_US + TIME_US_PER_S;
    loop_step(b.loop, 0);
    CHECK_ERR(tls_peer_get(server.s, a, &peer), ERR_NOTFOUND);
    rig_end_fini(&client);
    rig_end_fini(&server);
    rig_identity_fini(&id);
    arena_free(a);
    bench_fini(&b);
}

/* --- sessions */

TEST(sessions_are_of_one_client_and_name)
{
    const struct str names[] = {STR("a.example"), STR("b.example")};
    struct x509_leaf leaf = {.dns_names = names, .dns_name_count = 2, .server = true};
    struct rig_end client, server;
    struct tls_client *first;
    struct bench b;

    bench_init_leaf(&b, leaf, 0);
    first = b.client;
    for (int i = 0; i < 5; i++) {
        bool want = i == 1 || i == 3;

        if (i == 4) { /* another client shares nothing with the first */
            CHECK_OK(tls_client_new(b.trust, STR(""), NULL, &b.client, NULL));
        }
        client = (struct rig_end){0};
        server = (struct rig_end){0};
        connect_ends(&b, names[i == 2 || i == 3], &client, &server);
        /* The ticket travels with the server's first bytes; who has shut down takes none any more. */
        server.out = BUF_INIT(16);
        buf_add_c(&server.out, "hello");
        rig_end_run(&server);
        rig_settle(b.loop, 20000);
        client.will_shutdown = server.will_shutdown = true;
        rig_end_run(&client);
        rig_end_run(&server);
        CHECK(rig_until_done(b.loop, &client, &server));
        CHECK_INT(tls_is_resumed(client.s), want);
        CHECK_INT(tls_is_resumed(server.s), want);
        rig_end_fini(&client);
        rig_end_fini(&server);
    }
    tls_client_unref(first);
    bench_fini(&b);
}

struct worker {
    pthread_t thread;
    struct bench *shared;
    int failures, resumed;
};

static void *worker_run(void *cookie)
{
    struct worker *w = cookie;
    struct bench mine = *w->shared;

    mine.loop = loop_new(NULL);
    for (int i = 0; i < 20; i++) {
        struct rig_end client = {0}, server = {.will_shutdown = true};

        server.out = BUF_INIT(16);
        buf_add_c(&server.out, "hello");
        connect_ends(&mine, STR("a.example"), &client, &server);
        if (!rig_until(mine.loop, &client.is_done) || client.rc != -ERR_EOF)
            w->failures++;
        w->resumed += tls_is_resumed(client.s);
        rig_end_fini(&client);
        rig_end_fini(&server);
    }
    loop_free(mine.loop);
    return NULL;
}

TEST(configurations_are_shared_by_threads)
{
    struct worker workers[3];
    struct bench b;

    bench_init(&b, STR("a.example"));
    for (size_t i = 0; i < ARRAY_LEN(workers); i++) {
        workers[i] = (struct worker){.shared = &b};
        CHECK_OK(pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(workers); i++) {
        pthread_join(workers[i].thread, NULL);
        CHECK_INT(workers[i].failures, 0);
        CHECK(workers[i].resumed >= 19);
    }
    bench_fini(&b);
}
