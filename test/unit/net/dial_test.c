/*
 * Dialling: order of addresses, checks, time-outs, cancellation, TLS.
 */
#include "net/dial.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/time.h"
#include "nameserver.h"
#include "rig.h"
#include "unit.h"

#define MAX_BACKLOG_FILLERS 16

struct bench {
    struct loop *loop;
    struct nameserver *ns;
    struct dns *dns;
    struct tcp_listener *tl;
    struct addr at;
    struct stream *accepted[8];
    size_t accepted_count;
    struct tls_server *tls; /* accept with it, when set */
    struct rig_end server;

    bool is_done;
    struct stream *s;
    struct addr peer;
    struct err err;
    size_t checked;
};

static void on_accept(void *cookie, struct stream *s, const struct addr *peer UNUSED)
{
    struct bench *b = cookie;

    if (b->tls) {
        rig_end_start(&b->server, tls_accept(b->tls, s));
        return;
    }
    ASSERT(b->accepted_count < ARRAY_LEN(b->accepted));
    b->accepted[b->accepted_count++] = s;
}

static void on_dialled(void *cookie, struct stream *s, const struct addr *peer,
                       const struct err *err)
{
    struct bench *b = cookie;

    CHECK(!b->is_done);
    b->is_done = true;
    b->s = s;
    if (s)
        b->peer = *peer;
    else
        b->err = *err;
}

static void bench_init(struct bench *b)
{
    int fd = -1;

    *b = (struct bench){.loop = loop_new(NULL)};
    b->ns = nameserver_new(b->loop);
    b->dns = nameserver_resolver(b->ns);
    ASSERT(addr_parse_ip(STR("127.0.0.1"), 0, &b->at) == 0);
    ASSERT(tcp_listen(&b->at, false, &fd, NULL) == 0 && tcp_local_addr(fd, &b->at) == 0);
    b->tl = tcp_listener_new(b->loop, fd, on_accept, b);
}

static void bench_fini(struct bench *b)
{
    stream_close(b->s);
    for (size_t i = 0; i < b->accepted_count; i++)
        stream_close(b->accepted[i]);
    rig_end_fini(&b->server);
    tcp_listener_free(b->tl);
    dns_free(b->dns);
    nameserver_free(b->ns);
    loop_free(b->loop);
}

static struct dial_target target(const struct bench *b, const char *host)
{
    return (struct dial_target){.host = str_c(host),
                                .port = addr_port(&b->at),
                                .connect_timeout_us = 10 * TIME_US_PER_S,
                                .tls_timeout_us = 10 * TIME_US_PER_S};
}

static void dial(struct bench *b, const struct dial_target *t)
{
    b->is_done = false;
    CHECK(dial_start(b->loop, b->dns, t, on_dialled, b) != NULL);
    CHECK(!b->is_done);
    CHECK(rig_until(b->loop, &b->is_done));
}

TEST(dials_a_name)
{
    struct dial_target t;
    struct bench b;

    bench_init(&b);
    t = target(&b, "one.test.");
    dial(&b, &t);
    CHECK(b.s != NULL);
    CHECK(addr_eq(&b.peer, &b.at));
    bench_fini(&b);
}

TEST(goes_on_to_the_next_address)
{
    struct dial_target t;
    struct bench b;

    /* 127.0.0.2 refuses, 127.0.0.1 listens. */
    bench_init(&b);
    t = target(&b, "two.test.");
    dial(&b, &t);
    CHECK(b.s != NULL);
    CHECK(addr_eq(&b.peer, &b.at));
    bench_fini(&b);
}

TEST(refused_and_unknown)
{
    char want[128], text[ADDR_TEXT_BYTES];
    struct dial_target t;
    struct bench b;

    bench_init(&b);
    tcp_listener_free(TAKE(b.tl));
    t = target(&b, "one.test.");
    dial(&b, &t);
    CHECK_INT(b.err.code, ERR_REFUSED);
    snprintf(want, sizeof(want), "connect to %s: connection refused", addr_format(&b.at, text));
    CHECK_STR(b.err.msg, want);
    t = target(&b, "missing.test.");
    dial(&b, &t);
    CHECK_INT(b.err.code, ERR_NOTFOUND);
    CHECK_STR(b.err.msg, "resolve 'missing.test.': no such host");
    bench_fini(&b);
}

static int refuse_all(void *cookie, const struct addr *a, struct err *err)
{
    struct bench *b = cookie;

    b->checked++;
    return err_set(err, ERR_DENIED_DEST, "address is %s", addr_class_name(addr_classify(a)));
}

static int refuse_second(void *cookie, const struct addr *a, struct err *err)
{
    struct addr second;

    ASSERT(addr_parse_ip(STR("127.0.0.2"), addr_port(a), &second) == 0);
    return addr_eq(a, &second) ? refuse_all(cookie, a, err) : 0;
}

TEST(a_refused_address_is_never_dialled)
{
    struct dial_target t;
    struct bench b;

    bench_init(&b);
    t = target(&b, "one.test.");
    t.check = refuse_all;
    t.check_cookie = &b;
    dial(&b, &t);
    CHECK(b.s == NULL);
    CHECK_INT(b.err.code, ERR_DENIED_DEST);
    CHECK(str_starts(str_c(b.err.msg), STR("connect to one.test. (127.0.0.1:")));
    CHECK(str_ends(str_c(b.err.msg), STR("): address is loopback")));
    CHECK_INT(b.checked, 1);
    t.host = STR("127.0.0.1");
    dial(&b, &t);
    CHECK_INT(b.err.code, ERR_DENIED_DEST);
    t.host = STR("metadata.test.");
    dial(&b, &t);
    CHECK(str_ends(str_c(b.err.msg), STR("): address is cloud metadata")));
    rig_settle(b.loop, 50000);
    CHECK_INT(b.accepted_count, 0);
    bench_fini(&b);
}

TEST(each_address_of_a_name_is_checked)
{
    struct dial_target t;
    struct bench b;

    bench_init(&b);
    t = target(&b, "two.test.");
    t.check = refuse_all;
    t.check_cookie = &b;
    dial(&b, &t);
    CHECK_INT(b.checked, 2);
    CHECK_INT(b.err.code, ERR_DENIED_DEST);

    b.checked = 0;
    t.check = refuse_second;
    dial(&b, &t);
    CHECK_INT(b.checked, 1);
    CHECK(b.s != NULL);
    CHECK(addr_eq(&b.peer, &b.at));
    bench_fini(&b);
}

/* A listener whose backlog is full answers no SYN. */
static size_t fill_backlog(struct addr *at, int fds[MAX_BACKLOG_FILLERS])
{
    size_t n = 0;

    fds[n] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(addr_parse_ip(STR("127.0.0.1"), 0, at) == 0);
    ASSERT(bind(fds[n], (struct sockaddr *)&at->ss, at->len) == 0 && listen(fds[n], 0) == 0);
    ASSERT(tcp_local_addr(fds[n], at) == 0);
    for (n = 1; n < MAX_BACKLOG_FILLERS; n++) {
        fds[n] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)!connect(fds[n], (struct sockaddr *)&at->ss, at->len);
    }
    return n;
}

TEST(connecting_is_given_up_in_time)
{
    int fds[MAX_BACKLOG_FILLERS];
    struct dial_target t;
    int64_t start_us;
    struct addr at;
    struct bench b;
    size_t n;

    bench_init(&b);
    n = fill_backlog(&at, fds);
    t = target(&b, "127.0.0.1");
    t.port = addr_port(&at);
    t.connect_timeout_us = 200000;
    start_us = time_mono_us();
    dial(&b, &t);
    CHECK(b.s == NULL);
    CHECK_INT(b.err.code, ERR_TIMEOUT);
    CHECK(str_ends(str_c(b.err.msg), STR(": timed out")));
    CHECK(time_mono_us() - start_us >= 200000);
    CHECK(time_mono_us() - start_us < 5 * TIME_US_PER_S);
    while (n > 0)
        close(fds[--n]);
    bench_fini(&b);
}

TEST(resolving_is_given_up_in_time)
{
    struct dial_target t;
    struct bench b;

    bench_init(&b);
    t = target(&b, "silent.test.");
    t.connect_timeout_us = 100000;
    dial(&b, &t);
    CHECK_INT(b.err.code, ERR_TIMEOUT);
    CHECK_STR(b.err.msg, "resolve 'silent.test.': timed out");
    bench_fini(&b);
}

TEST(a_cancelled_dial_calls_nobody)
{
    static const char *const HOSTS[] = {"127.0.0.1", "one.test.", "silent.test."};
    struct dial_target t;
    struct bench b;
    struct dial *d;

    bench_init(&b);
    for (size_t i = 0; i < ARRAY_LEN(HOSTS); i++) {
        for (int steps = 0; steps < 3; steps++) {
            t = target(&b, HOSTS[i]);
            d = dial_start(b.loop, b.dns, &t, on_dialled, &b);
            for (int k = 0; k < steps && !b.is_done; k++)
                loop_step(b.loop, 0);
            if (!b.is_done)
                dial_cancel(d);
            stream_close(TAKE(b.s));
            b.is_done = false;
        }
    }
    rig_settle(b.loop, 20000);
    CHECK(!b.is_done);
    bench_fini(&b);
}

/* --- TLS */

struct pki {
    struct rig_ca ca;
    struct rig_identity id;
    struct tls_trust *trust;
    struct tls_client *client;
    struct tls_server *server;
};

static void pki_init(struct pki *p, struct str name)
{
    rig_ca_init(&p->ca);
    rig_identity_init(&p->id, &p->ca, rig_server_leaf(&name), 0);
    ASSERT(tls_trust_new(false, buf_str(&p->ca.pem), &p->trust, NULL) == 0);
    ASSERT(tls_client_new(p->trust, STR(""), NULL, &p->client, NULL) == 0);
    ASSERT(tls_server_new(buf_str(&p->id.chain), p->id.key, NULL, &p->server, NULL) == 0);
}

static void pki_fini(struct pki *p)
{
    tls_server_unref(p->server);
    tls_client_unref(p->client);
    tls_trust_unref(p->trust);
    rig_identity_fini(&p->id);
    rig_ca_fini(&p->ca);
}

TEST(tls_is_complete_when_the_stream_is_handed_over)
{
    struct rig_end client = {.will_shutdown = true};
    struct dial_target t;
    struct bench b;
    struct pki p;

    pki_init(&p, STR("one.test"));
    bench_init(&b);
    b.tls = p.server;
    b.server.will_shutdown = true;
    t = target(&b, "one.test");
    t.tls = p.client;
    dial(&b, &t);
    if (CHECK(b.s != NULL)) {
        CHECK(tls_is_stream(b.s));
        CHECK_INT(stream_handshake(b.s), 1);
        rig_end_start(&client, TAKE(b.s));
        CHECK(rig_until_done(b.loop, &client, &b.server));
        CHECK_ERR(client.rc, ERR_EOF);
        rig_end_fini(&client);
    }
    bench_fini(&b);
    pki_fini(&p);
}

TEST(tls_name_may_differ_from_the_host)
{
    struct dial_target t;
    struct bench b;
    struct pki p;

    pki_init(&p, STR("git.example"));
    bench_init(&b);
    b.tls = p.server;
    t = target(&b, "127.0.0.1");
    t.tls = p.client;
    t.tls_name = STR("git.example");
    dial(&b, &t);
    CHECK(b.s != NULL);
    bench_fini(&b);
    pki_fini(&p);
}

TEST(tls_failure_is_final_and_says_why)
{
    struct dial_target t;
    struct bench b;
    struct pki p;

    pki_init(&p, STR("other.example"));
    bench_init(&b);
    b.tls = p.server;
    t = target(&b, "one.test");
    t.tls = p.client;
    dial(&b, &t);
    CHECK(b.s == NULL);
    CHECK_INT(b.err.code, ERR_TLS);
    CHECK(str_starts(str_c(b.err.msg), STR("TLS handshake with one.test (127.0.0.1:")));
    CHECK(str_find(str_c(b.err.msg), STR("certificate verify failed: ")) > 0);
    bench_fini(&b);
    pki_fini(&p);
}

TEST(a_silent_tls_server_is_given_up)
{
    struct dial_target t;
    struct bench b;
    struct pki p;

    pki_init(&p, STR("one.test"));
    bench_init(&b);
    t = target(&b, "one.test");
    t.tls = p.client;
    t.tls_timeout_us = 100000;
    dial(&b, &t);
    CHECK_INT(b.err.code, ERR_TIMEOUT);
    CHECK(str_starts(str_c(b.err.msg), STR("TLS handshake with one.test (127.0.0.1:")));
    CHECK(str_ends(str_c(b.err.msg), STR("): timed out")));
    bench_fini(&b);
    pki_fini(&p);
}
