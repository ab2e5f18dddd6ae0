/*
 * c-ares inside the loop.
 *
 * c-ares was written for level-triggered readiness and may leave data in a socket; our loop is
 * edge-triggered.  So edges only wake a pump, a deferred task that asks poll(2) which sockets are ready
 * for what c-ares wants of them, serves those, and comes again while any is ready.  c-ares may answer from
 * inside the question; answers are therefore kept in the query and delivered by a deferred task.  c-ares
 * cannot take one question back: a cancelled query stays until its answer arrives and is dropped then.
 */
#include "net/dns.h"

#include <ares.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/time.h>

#define DNS_MAX_SOCKETS 64
#define DNS_MAX_NAME_BYTES 254 /* RFC 1035, with the final dot */

struct dns_socket {
    struct list link;
    struct dns *dns;
    struct loop_io io;
    short events; /* what c-ares waits for: POLLIN, POLLOUT */
};

struct dns {
    struct loop *loop;
    ares_channel channel;
    struct list sockets;
    struct loop_timer timer;
    struct loop_task pump;
    size_t open_queries; /* not yet answered by c-ares */
    size_t users;        /* started, neither delivered nor cancelled */
};

struct dns_query {
    struct dns *dns;
    dns_fn *fn; /* NULL once cancelled */
    void *cookie;
    struct loop_task deliver;
    bool is_open; /* c-ares still holds it */
    uint16_t port;
    int rc;
    size_t count;
    struct addr addrs[DNS_MAX_ADDRS];
};

static void dns_pump(void *cookie);
static void dns_on_timer(void *cookie);

/* --- driving c-ares */

/* Starts the timer c-ares wants next. */
static void dns_arm(struct dns *d)
{
    struct timeval tv, *wait = ares_timeout(d->channel, NULL, &tv);

    if (wait)
        loop_timer_start(d->loop, &d->timer, wait->tv_sec * INT64_C(1000000) + wait->tv_usec,
                         dns_on_timer, d);
    else
        loop_timer_cancel(d->loop, &d->timer);
}

static void dns_on_timer(void *cookie)
{
    struct dns *d = cookie;

    ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    dns_arm(d);
}

static void dns_pump(void *cookie)
{
    struct dns *d = cookie;
    struct pollfd fds[DNS_MAX_SOCKETS];
    nfds_t count = 0;

    LIST_EACH(it, &d->sockets)
    {
        struct dns_socket *s = LIST_ENTRY(it, struct dns_socket, link);

        if (count < DNS_MAX_SOCKETS)
            fds[count++] = (struct pollfd){.fd = s->io.fd, .events = s->events};
    }
    if (count == 0 || poll(fds, count, 0) <= 0)
        return;
    for (nfds_t i = 0; i < count; i++) {
        short failed = fds[i].revents & (POLLERR | POLLHUP | POLLNVAL);
        ares_socket_t in = fds[i].revents & POLLIN || failed ? fds[i].fd : ARES_SOCKET_BAD;
        ares_socket_t out = fds[i].revents & POLLOUT ? fds[i].fd : ARES_SOCKET_BAD;

        if (fds[i].revents)
            ares_process_fd(d->channel, in, out);
    }
    dns_arm(d);
    loop_defer(d->loop, &d->pump, dns_pump, d);
}

static void dns_on_io(void *cookie, unsigned events UNUSED)
{
    struct dns_socket *s = cookie;

    loop_defer(s->dns->loop, &s->dns->pump, dns_pump, s->dns);
}

static struct dns_socket *dns_socket_find(struct dns *d, int fd)
{
    LIST_EACH(it, &d->sockets)
    {
        struct dns_socket *s = LIST_ENTRY(it, struct dns_socket, link);

        if (s->io.fd == fd)
            return s;
    }
    return NULL;
}

static void dns_socket_free(struct dns_socket *s)
{
    loop_io_remove(s->dns->loop, &s->io);
    list_remove(&s->link);
    free(s);
}

/* c-ares says what it waits for on a socket; nothing at all means that it closes it now. */
static void dns_on_socket(void *cookie, ares_socket_t fd, int readable, int writable)
{
    struct dns *d = cookie;
    struct dns_socket *s = dns_socket_find(d, fd);

    if (!readable && !writable) {
        if (s)
            dns_socket_free(s);
        return;
    }
    if (!s) {
        s = NEW(struct dns_socket);
        s->dns = d;
        if (loop_io_add(d->loop, &s->io, fd, dns_on_io, s) < 0) {
            free(s); /* the question then ends by its time-out */
            return;
        }
        list_append(&d->sockets, &s->link);
    }
    s->events = (short)((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
    loop_defer(d->loop, &d->pump, dns_pump, d);
}

/* --- resolver */

static int dns_library_rc;

static void dns_library_init(void)
{
    dns_library_rc = ares_library_init(ARES_LIB_INIT_ALL);
}

int dns_new(struct loop *l, struct dns **ret_dns, struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct ares_options options = {.sock_state_cb = dns_on_socket};
    struct dns *d;
    int rc;

    pthread_once(&once, dns_library_init);
    d = NEW(struct dns);
    d->loop = l;
    list_init(&d->sockets);
    options.sock_state_cb_data = d;
    rc = dns_library_rc;
    if (rc == ARES_SUCCESS)
        rc = ares_init_options(&d->channel, &options, ARES_OPT_SOCK_STATE_CB);
    if (rc != ARES_SUCCESS) {
        free(d);
        return err_set(err, ERR_IO, "start name resolver: %s", ares_strerror(rc));
    }
    *ret_dns = d;
    return 0;
}

int dns_set_servers(struct dns *d, const char *servers, struct err *err)
{
    int rc = ares_set_servers_ports_csv(d->channel, servers);

    return rc == ARES_SUCCESS ? 0
                              : err_set(err, ERR_INVALID, "name servers: %s", ares_strerror(rc));
}

void dns_free(struct dns *d)
{
    if (!d)
        return;
    ASSERT(d->users == 0);
    ares_destroy(d->channel);
    ASSERT(d->open_queries == 0 && list_is_empty(&d->sockets));
    loop_timer_cancel(d->loop, &d->timer);
    loop_defer_cancel(d->loop, &d->pump);
    free(d);
}

/* --- questions */

static void dns_deliver(void *cookie)
{
    struct dns_query *q = cookie;

    q->dns->users--;
    q->fn(q->cookie, q->rc, q->addrs, q->count);
    free(q);
}

static int dns_rc(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return 0;
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_EBADNAME:
    case ARES_ENONAME:
        return -ERR_NOTFOUND;
    case ARES_ETIMEOUT:
        return -ERR_TIMEOUT;
    default:
        return -ERR_IO;
    }
}

static void dns_query_fill(struct dns_query *q, const struct ares_addrinfo *answer)
{
    for (const struct ares_addrinfo_node *n = answer->nodes; n && q->count < DNS_MAX_ADDRS;
         n = n->ai_next) {
        struct addr *a = &q->addrs[q->count];

        if ((n->ai_family != AF_INET && n->ai_family != AF_INET6) || n->ai_addrlen > sizeof(a->ss))
            continue;
        memcpy(&a->ss, n->ai_addr, n->ai_addrlen);
        a->len = n->ai_addrlen;
        if (n->ai_family == AF_INET)
            ((struct sockaddr_in *)&a->ss)->sin_port = htons(q->port);
        else
            ((struct sockaddr_in6 *)&a->ss)->sin6_port = htons(q->port);
        q->count++;
    }
}

static void dns_on_answer(void *cookie, int status, int timeouts UNUSED,
                          struct ares_addrinfo *answer)
{
    struct dns_query *q = cookie;

    q->is_open = false;
    q->dns->open_queries--;
    if (q->fn) {
        q->rc = dns_rc(status);
        if (q->rc == 0 && answer)
            dns_query_fill(q, answer);
        if (q->rc == 0 && q->count == 0)
            q->rc = -ERR_NOTFOUND;
        loop_defer(q->dns->loop, &q->deliver, dns_deliver, q);
    } else {
        free(q);
    }
    if (answer)
        ares_freeaddrinfo(answer);
}

struct dns_query *dns_start(struct dns *d, struct str host, uint16_t port, dns_fn *fn, void *cookie)
{
    struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct dns_query *q = NEW(struct dns_query);
    char name[DNS_MAX_NAME_BYTES + 1];

    q->dns = d;
    q->fn = fn;
    q->cookie = cookie;
    q->port = port;
    d->users++;
    if (addr_parse_ip(host, port, &q->addrs[0]) == 0) {
        q->count = 1;
    } else if (str_is_empty(host) || str_copy(host, name, sizeof(name)) < 0) {
        q->rc = -ERR_NOTFOUND;
    } else {
        q->is_open = true;
        d->open_queries++;
        ares_getaddrinfo(d->channel, name, NULL, &hints, dns_on_answer, q);
        dns_arm(d);
        return q;
    }
    loop_defer(d->loop, &q->deliver, dns_deliver, q);
    return q;
}

void dns_cancel(struct dns_query *q)
{
    q->dns->users--;
    q->fn = NULL;
    if (q->is_open)
        return;
    loop_defer_cancel(q->dns->loop, &q->deliver);
    free(q);
}
