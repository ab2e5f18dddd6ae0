/*
 * Enough of RFC 1035 for one question with one name; see nameserver.h for the names it knows.
 */
#include "nameserver.h"

#include <netinet/in.h>
#include <unistd.h>

#include "rig.h"
#include "unit.h"

#define NAMESERVER_MAX_BYTES 1024
#define NAMESERVER_CONNECTIONS 8
#define TYPE_A 1
#define TYPE_AAAA 28
#define RCODE_SERVFAIL 2
#define RCODE_NXDOMAIN 3
#define FLAG_TRUNCATED 0x0200

struct ns_connection {
    struct nameserver *server;
    struct stream *s;
    struct buf in, out;
};

struct nameserver {
    struct loop *loop;
    struct loop_io udp;
    struct tcp_listener *tcp;
    struct addr at;
    size_t count;
    struct ns_connection connections[NAMESERVER_CONNECTIONS];
    size_t connection_count;
};

static void put_u16(struct buf *b, unsigned v)
{
    buf_add_char(b, (char)(v >> 8));
    buf_add_char(b, (char)v);
}

static void put_address(struct buf *b, int type, const char *ip)
{
    struct addr a;

    ASSERT(addr_parse_ip(str_c(ip), 0, &a) == 0);
    put_u16(b, 0xc00c);
    put_u16(b, (unsigned)type);
    put_u16(b, 1);
    put_u16(b, 0);
    put_u16(b, 60);
    if (type == TYPE_A) {
        put_u16(b, 4);
        buf_add(b, &((struct sockaddr_in *)&a.ss)->sin_addr, 4);
    } else {
        put_u16(b, 16);
        buf_add(b, &((struct sockaddr_in6 *)&a.ss)->sin6_addr, 16);
    }
}

/* The name of the question with dots, and what follows it. */
static bool read_name(struct str message, struct buf *name, struct str *ret_rest)
{
    struct str rest = str_skip(message, 12);

    while (rest.n > 0 && rest.p[0] != 0) {
        size_t n = (uint8_t)rest.p[0];

        if (n > 63 || rest.n < n + 1)
            return false;
        if (name->len > 0)
            buf_add_char(name, '.');
        buf_add(name, rest.p + 1, n);
        rest = str_skip(rest, n + 1);
    }
    *ret_rest = str_skip(rest, 1);
    return rest.n >= 5;
}

struct ns_answer {
    unsigned flags, count;
    struct buf records;
    bool is_silent;
};

static void answer_name(struct ns_answer *a, struct str name, int type, bool is_tcp)
{
    static const struct {
        struct str name;
        int type;
        const char *ip;
    } ROWS[] = {
        {STR_INIT("one.test"), TYPE_A, "127.0.0.1"},
        {STR_INIT("two.test"), TYPE_A, "127.0.0.2"},
        {STR_INIT("two.test"), TYPE_A, "127.0.0.1"},
        {STR_INIT("six.test"), TYPE_AAAA, "::1"},
        {STR_INIT("metadata.test"), TYPE_A, "169.254.169.254"},
        {STR_INIT("empty.test"), 0, NULL},
        {STR_INIT("many.test"), 0, NULL},
        {STR_INIT("fail.test"), 0, NULL},
        {STR_INIT("silent.test"), 0, NULL},
    };
    bool is_known = false;
    char ip[32];

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        if (!str_eq_nocase(ROWS[i].name, name))
            continue;
        is_known = true;
        if (ROWS[i].type == type) {
            put_address(&a->records, type, ROWS[i].ip);
            a->count++;
        }
    }
    if (!is_known)
        a->flags |= RCODE_NXDOMAIN;
    if (str_eq(name, STR("fail.test")))
        a->flags |= RCODE_SERVFAIL;
    a->is_silent = str_eq(name, STR("silent.test"));
    if (!str_eq(name, STR("many.test")) || type != TYPE_A)
        return;
    if (!is_tcp)
        a->flags |= FLAG_TRUNCATED;
    for (int i = 0; is_tcp && i < 40; i++) {
        snprintf(ip, sizeof(ip), "127.0.1.%d", i);
        put_address(&a->records, TYPE_A, ip);
        a->count++;
    }
}

/* Appends the answer; nothing when there shall be none. */
static void answer(struct nameserver *ns, struct str message, bool is_tcp, struct buf *out)
{
    struct ns_answer a = {.flags = 0x8180, .records = BUF_INIT(NAMESERVER_MAX_BYTES)};
    struct buf name = BUF_INIT(256);
    struct str rest, question;

    ns->count++;
    if (message.n > 12 && read_name(message, &name, &rest)) {
        question = str_n(message.p + 12, (size_t)(rest.p + 4 - message.p - 12));
        answer_name(&a, buf_str(&name), (uint8_t)rest.p[1], is_tcp);
        if (!a.is_silent) {
            buf_add(out, message.p, 2);
            put_u16(out, a.flags);
            put_u16(out, 1);
            put_u16(out, a.count);
            put_u16(out, 0);
            put_u16(out, 0);
            buf_add_str(out, question);
            buf_add_str(out, buf_str(&a.records));
        }
    }
    buf_fini(&name);
    buf_fini(&a.records);
}

static void on_udp(void *cookie, unsigned events UNUSED)
{
    struct nameserver *ns = cookie;
    char message[512];
    struct addr from = {.len = sizeof(from.ss)};
    ssize_t n;

    while ((n = recvfrom(ns->udp.fd, message, sizeof(message), 0, (struct sockaddr *)&from.ss,
                         &from.len)) > 0) {
        struct buf out = BUF_INIT(NAMESERVER_MAX_BYTES);

        answer(ns, str_n(message, (size_t)n), false, &out);
        if (out.len > 0)
            CHECK(sendto(ns->udp.fd, out.p, out.len, 0, (struct sockaddr *)&from.ss, from.len) > 0);
        buf_fini(&out);
        from.len = sizeof(from.ss);
    }
}

static void on_tcp(void *cookie, unsigned events UNUSED)
{
    struct ns_connection *c = cookie;
    struct nameserver *ns = c->server;
    char piece[512];
    struct str in;
    ssize_t n;

    while ((n = stream_read(c->s, piece, sizeof(piece))) > 0)
        buf_add(&c->in, piece, (size_t)n);
    while ((in = buf_str(&c->in)).n >= 2) {
        size_t size = (size_t)(uint8_t)in.p[0] << 8 | (uint8_t)in.p[1];
        struct buf out = BUF_INIT(NAMESERVER_MAX_BYTES);

        if (in.n < 2 + size)
            break;
        answer(ns, str_n(in.p + 2, size), true, &out);
        put_u16(&c->out, (unsigned)out.len);
        buf_add_str(&c->out, buf_str(&out));
        buf_skip(&c->in, 2 + size);
        buf_fini(&out);
    }
    while (c->out.len > 0 && (n = stream_write(c->s, c->out.p + c->out.off, c->out.len)) > 0)
        buf_skip(&c->out, (size_t)n);
}

static void on_accept(void *cookie, struct stream *s, const struct addr *peer UNUSED)
{
    struct nameserver *ns = cookie;
    struct ns_connection *c = &ns->connections[ns->connection_count];

    ASSERT(ns->connection_count < NAMESERVER_CONNECTIONS);
    c->s = rig_drip(s, 7);
    c->server = ns;
    c->in = BUF_INIT(64 * NAMESERVER_MAX_BYTES);
    c->out = BUF_INIT(64 * NAMESERVER_MAX_BYTES);
    ns->connection_count++;
    stream_on_ready(c->s, on_tcp, c);
    on_tcp(c, 0);
}

struct nameserver *nameserver_new(struct loop *l)
{
    struct nameserver *ns = NEW(struct nameserver);
    int tcp = -1, udp;

    ns->loop = l;
    ASSERT(addr_parse_ip(STR("127.0.0.1"), 0, &ns->at) == 0);
    ASSERT(tcp_listen(&ns->at, false, &tcp, NULL) == 0 && tcp_local_addr(tcp, &ns->at) == 0);
    udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ASSERT(udp >= 0 && bind(udp, (struct sockaddr *)&ns->at.ss, ns->at.len) == 0);
    ns->tcp = tcp_listener_new(l, tcp, on_accept, ns);
    ASSERT(loop_io_add(l, &ns->udp, udp, on_udp, ns) == 0);
    return ns;
}

void nameserver_free(struct nameserver *ns)
{
    for (size_t i = 0; i < ns->connection_count; i++) {
        stream_close(ns->connections[i].s);
        buf_fini(&ns->connections[i].in);
        buf_fini(&ns->connections[i].out);
    }
    tcp_listener_free(ns->tcp);
    loop_io_remove(ns->loop, &ns->udp);
    close(ns->udp.fd);
    free(ns);
}

size_t nameserver_count(const struct nameserver *ns)
{
    return ns->count;
}

struct dns *nameserver_resolver(struct nameserver *ns)
{
    char text[ADDR_TEXT_BYTES];
    struct dns *d = NULL;

    ASSERT(dns_new(ns->loop, &d, NULL) == 0);
    ASSERT(dns_set_servers(d, addr_format(&ns->at, text), NULL) == 0);
    return d;
}
