/*
 * The resolver against a name server of our own, over UDP and TCP.
 */
#include "net/dns.h"

#include "nameserver.h"
#include "rig.h"
#include "unit.h"

struct answer {
    bool is_done;
    int rc;
    size_t count;
    struct addr addrs[DNS_MAX_ADDRS];
};

static void on_addrs(void *cookie, int rc, const struct addr *addrs, size_t count)
{
    struct answer *a = cookie;

    CHECK(!a->is_done);
    a->is_done = true;
    a->rc = rc;
    a->count = count;
    memcpy(a->addrs, addrs, count * sizeof(*addrs));
}

struct bench {
    struct loop *loop;
    struct nameserver *ns;
    struct dns *dns;
};

static void bench_init(struct bench *b)
{
    b->loop = loop_new(NULL);
    b->ns = nameserver_new(b->loop);
    b->dns = nameserver_resolver(b->ns);
}

static void bench_fini(struct bench *b)
{
    dns_free(b->dns);
    nameserver_free(b->ns);
    loop_free(b->loop);
}

static struct answer ask(struct bench *b, struct str host)
{
    struct answer a = {0};

    CHECK(dns_start(b->dns, host, 443, on_addrs, &a) != NULL);
    CHECK(!a.is_done);
    CHECK(rig_until(b->loop, &a.is_done));
    return a;
}

static void check_addr(const struct addr *a, const char *want)
{
    char text[ADDR_TEXT_BYTES];

    CHECK_STR(addr_format(a, text), want);
}

TEST(literals_are_answered_without_asking)
{
    struct bench b;
    struct answer a;

    bench_init(&b);
    a = ask(&b, STR("192.0.2.7"));
    CHECK_INT(a.rc, 0);
    CHECK_INT(a.count, 1);
    check_addr(&a.addrs[0], "192.0.2.7:443");
    a = ask(&b, STR("[2001:db8::1]"));
    check_addr(&a.addrs[0], "[2001:db8::1]:443");
    a = ask(&b, STR("2001:db8::1"));
    check_addr(&a.addrs[0], "[2001:db8::1]:443");
    CHECK_INT(nameserver_count(b.ns), 0);
    bench_fini(&b);
}

TEST(names_of_both_families)
{
    struct bench b;
    struct answer a;

    bench_init(&b);
    a = ask(&b, STR("one.test"));
    CHECK_INT(a.rc, 0);
    CHECK_INT(a.count, 1);
    check_addr(&a.addrs[0], "127.0.0.1:443");
    a = ask(&b, STR("six.test"));
    CHECK_INT(a.count, 1);
    check_addr(&a.addrs[0], "[::1]:443");
    a = ask(&b, STR("two.test."));
    CHECK_INT(a.count, 2);
    bench_fini(&b);
}

TEST(hosts_file_is_read)
{
    struct bench b;
    struct answer a;

    bench_init(&b);
    a = ask(&b, STR("localhost"));
    CHECK_INT(a.rc, 0);
    CHECK(a.count >= 1);
    CHECK_INT(addr_classify(&a.addrs[0]), ADDR_LOOPBACK);
    CHECK_INT(nameserver_count(b.ns), 0);
    bench_fini(&b);
}

TEST(failures_have_their_codes)
{
    struct bench b;

    bench_init(&b);
    CHECK_ERR(ask(&b, STR("missing.test.")).rc, ERR_NOTFOUND);
    CHECK_ERR(ask(&b, STR("missing.test")).rc, ERR_NOTFOUND);
    CHECK_ERR(ask(&b, STR("empty.test.")).rc, ERR_NOTFOUND);
    CHECK_ERR(ask(&b, STR("fail.test.")).rc, ERR_IO);
    bench_fini(&b);
}

TEST(impossible_names_are_not_asked)
{
    static char longest[300];
    struct bench b;

    memset(longest, 'a', sizeof(longest));
    bench_init(&b);
    CHECK_ERR(ask(&b, STR("")).rc, ERR_NOTFOUND);
    CHECK_ERR(ask(&b, STR("one.test\0.evil")).rc, ERR_NOTFOUND);
    CHECK_ERR(ask(&b, str_n(longest, 255)).rc, ERR_NOTFOUND);
    CHECK_ERR(ask(&b, str_n(longest, 64)).rc, ERR_NOTFOUND);
    CHECK_ERR(ask(&b, STR("a..b.")).rc, ERR_NOTFOUND);
    CHECK_INT(nameserver_count(b.ns), 0);
    bench_fini(&b);
}

/* Over TCP, in pieces that arrive one by one: the pump must come back for each. */
TEST(a_truncated_answer_is_fetched_over_tcp_and_cut_to_the_limit)
{
    struct bench b;
    struct answer a;

    bench_init(&b);
    a = ask(&b, STR("many.test."));
    CHECK_INT(a.rc, 0);
    CHECK_INT(a.count, DNS_MAX_ADDRS);
    bench_fini(&b);
}

TEST(many_questions_at_once)
{
    enum { COUNT = 100 };
    static const char *const NAMES[] = {"one.test.", "missing.test.", "six.test.", "192.0.2.1",
                                        "many.test."};
    struct answer answers[COUNT] = {0};
    struct bench b;

    bench_init(&b);
    for (size_t i = 0; i < COUNT; i++)
        dns_start(b.dns, str_c(NAMES[i % ARRAY_LEN(NAMES)]), 1, on_addrs, &answers[i]);
    for (size_t i = 0; i < COUNT; i++) {
        CHECK(rig_until(b.loop, &answers[i].is_done));
        CHECK_INT(answers[i].rc, i % ARRAY_LEN(NAMES) == 1 ? -ERR_NOTFOUND : 0);
    }
    bench_fini(&b);
}

TEST(cancelled_questions_are_not_answered)
{
    struct answer literal = {0}, sent = {0}, silent = {0}, other;
    struct dns_query *q1, *q2, *q3;
    struct bench b;

    bench_init(&b);
    q1 = dns_start(b.dns, STR("192.0.2.1"), 1, on_addrs, &literal);
    q2 = dns_start(b.dns, STR("one.test."), 1, on_addrs, &sent);
    q3 = dns_start(b.dns, STR("silent.test."), 1, on_addrs, &silent);
    dns_cancel(q1);
    dns_cancel(q2);
    other = ask(&b, STR("six.test."));
    CHECK_INT(other.rc, 0);
    dns_cancel(q3);
    CHECK(!literal.is_done && !sent.is_done && !silent.is_done);
    bench_fini(&b); /* with one question still inside c-ares */
}

TEST(bad_servers_are_refused)
{
    struct loop *l = loop_new(NULL);
    struct dns *d = NULL;
    struct err err = {0};

    CHECK_OK(dns_new(l, &d, NULL));
    CHECK_ERR(dns_set_servers(d, "no address", &err), ERR_INVALID);
    dns_free(d);
    dns_free(NULL);
    loop_free(l);
}
