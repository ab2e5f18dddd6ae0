/*
 * Real sockets on the loopback: bytes, ends, failures, listeners.
 */
#include "net/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "rig.h"
#include "unit.h"

static struct addr loopback(uint16_t port)
{
    struct addr a;

    ASSERT(addr_parse_ip(STR("127.0.0.1"), port, &a) == 0);
    return a;
}

static void check_exchange(bool small, size_t drip, size_t bytes)
{
    struct loop *l = loop_new(NULL);
    struct rig_end a = {.will_shutdown = true}, b = {.will_shutdown = true};
    struct buf want = BUF_INIT(BUF_NO_LIMIT);
    struct stream *client, *server;

    rig_pair(l, small, &client, &server);
    if (drip) {
        client = rig_drip(client, drip);
        server = rig_drip(server, drip);
    }
    a.out = b.out = BUF_INIT(BUF_NO_LIMIT);
    rig_pattern(&want, bytes);
    buf_add_str(&a.out, buf_str(&want));
    buf_add_str(&b.out, buf_str(&want));
    rig_end_start(&a, client);
    rig_end_start(&b, server);
    CHECK(rig_until_done(l, &a, &b));
    CHECK_ERR(a.rc, ERR_EOF);
    CHECK_ERR(b.rc, ERR_EOF);
    CHECK(str_eq(buf_str(&a.in), buf_str(&want)));
    CHECK(str_eq(buf_str(&b.in), buf_str(&want)));
    rig_end_fini(&a);
    rig_end_fini(&b);
    buf_fini(&want);
    loop_free(l);
}

TEST(bytes_go_both_ways)
{
    check_exchange(false, 0, 1 << 20);
}

TEST(tiny_socket_buffers)
{
    check_exchange(true, 0, 300000);
}

TEST(byte_by_byte)
{
    check_exchange(false, 1, 3000);
}

TEST(input_goes_on_after_our_shutdown)
{
    struct loop *l = loop_new(NULL);
    struct rig_end a = {.will_shutdown = true}, b = {0};
    struct stream *client, *server;

    rig_pair(l, false, &client, &server);
    rig_end_start(&a, client);
    rig_end_start(&b, server);
    CHECK(rig_until(l, &b.is_ended));
    CHECK(!a.is_ended);
    buf_add_c(&b.out, "late");
    b.is_done = false;
    b.will_shutdown = true;
    rig_end_run(&b);
    CHECK(rig_until(l, &a.is_done));
    CHECK_STR(buf_str(&a.in), "late");
    rig_end_fini(&a);
    rig_end_fini(&b);
    loop_free(l);
}

TEST(a_reset_is_not_an_end)
{
    struct linger none = {.l_onoff = 1};
    struct loop *l = loop_new(NULL);
    struct rig_end a = {0};
    struct stream *client, *server;

    rig_pair(l, false, &client, &server);
    CHECK_OK(setsockopt(stream_fd(server), SOL_SOCKET, SO_LINGER, &none, sizeof(none)));
    rig_end_start(&a, client);
    CHECK_INT(a.shaken, 1);
    stream_close(server);
    CHECK(rig_until(l, &a.is_done));
    CHECK_ERR(a.rc, ERR_CLOSED);
    CHECK_INT(a.err.code, ERR_CLOSED);
    CHECK(str_starts(str_c(a.err.msg), STR("read from 127.0.0.1:")));
    CHECK(str_ends(str_c(a.err.msg), STR(": connection reset by peer")));
    rig_end_fini(&a);
    loop_free(l);
}

TEST(close_inside_on_ready)
{
    struct loop *l = loop_new(NULL);
    struct rig_end a = {.is_closing_on_end = true}, b = {.will_shutdown = true};
    struct stream *client, *server;

    rig_pair(l, false, &client, &server);
    rig_end_start(&a, rig_drip(client, 1));
    rig_end_start(&b, server);
    CHECK(rig_until(l, &a.is_done));
    CHECK(a.s == NULL);
    CHECK(rig_until(l, &b.is_done));
    rig_end_fini(&a);
    rig_end_fini(&b);
    loop_free(l);
}

TEST(connect_refused_says_where)
{
    struct loop *l = loop_new(NULL);
    struct addr at = loopback(0);
    struct rig_end a = {0};
    char text[ADDR_TEXT_BYTES], want[128];
    struct stream *s = NULL;
    int fd = -1;

    /* A port that was free a moment ago. */
    CHECK_OK(tcp_listen(&at, false, &fd, NULL));
    CHECK_OK(tcp_local_addr(fd, &at));
    close(fd);
    CHECK_OK(tcp_connect(l, &at, &s, NULL));
    rig_end_start(&a, s);
    CHECK(rig_until(l, &a.is_done));
    CHECK_ERR(a.rc, ERR_REFUSED);
    snprintf(want, sizeof(want), "connect to %s: connection refused", addr_format(&at, text));
    CHECK_STR(a.err.msg, want);
    rig_end_fini(&a);
    loop_free(l);
}

TEST(connect_without_a_route_fails_at_once)
{
    struct loop *l = loop_new(NULL);
    struct stream *s = NULL;
    struct err err = {0};
    struct addr at;

    ASSERT(addr_parse_ip(STR("255.255.255.255"), 9, &at) == 0);
    CHECK_ERR(tcp_connect(l, &at, &s, &err), ERR_IO);
    CHECK(str_starts(str_c(err.msg), STR("connect to 255.255.255.255:9: ")));
    CHECK(s == NULL);
    loop_free(l);
}

TEST(from_fd_takes_connected_sockets_only)
{
    struct loop *l = loop_new(NULL);
    struct stream *s = NULL;
    struct err err = {0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    CHECK_ERR(tcp_from_fd(l, fd, &s, &err), ERR_CLOSED);
    CHECK_INT(fcntl(fd, F_GETFD), -1);
    CHECK(s == NULL);
    loop_free(l);
}

TEST(options_are_on)
{
    struct loop *l = loop_new(NULL);
    struct stream *pair[2];
    socklen_t len = sizeof(int);
    int value;

    rig_pair(l, false, &pair[0], &pair[1]);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(getsockopt(stream_fd(pair[i]), IPPROTO_TCP, TCP_NODELAY, &value, &len));
        CHECK(value != 0);
        CHECK_OK(getsockopt(stream_fd(pair[i]), SOL_SOCKET, SO_KEEPALIVE, &value, &len));
        CHECK(value != 0);
        CHECK(fcntl(stream_fd(pair[i]), F_GETFD) & FD_CLOEXEC);
        CHECK(fcntl(stream_fd(pair[i]), F_GETFL) & O_NONBLOCK);
        stream_close(pair[i]);
    }
    loop_free(l);
}

/* --- listeners */

struct counter {
    struct tcp_listener *tl;
    size_t count, stop_at;
    bool is_done;
};

static void on_accept(void *cookie, struct stream *s, const struct addr *peer)
{
    struct counter *c = cookie;

    CHECK_INT(addr_classify(peer), ADDR_LOOPBACK);
    CHECK_INT(peer->ss.ss_family, AF_INET);
    stream_close(s);
    if (++c->count != c->stop_at)
        return;
    c->is_done = true;
    tcp_listener_free(TAKE(c->tl));
}

static int blocking_connect(const struct addr *at)
{
    int fd = socket(at->ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ASSERT(fd >= 0 && connect(fd, (const struct sockaddr *)&at->ss, at->len) == 0);
    return fd;
}

TEST(accepts_all_that_wait_and_stops_inside_the_callback)
{
    enum { CLIENTS = 150 };
    struct loop *l = loop_new(NULL);
    struct counter c = {.stop_at = CLIENTS};
    struct addr at = loopback(0);
    int fd = -1, clients[CLIENTS];

    CHECK_OK(tcp_listen(&at, false, &fd, NULL));
    CHECK_OK(tcp_local_addr(fd, &at));
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = blocking_connect(&at);
    c.tl = tcp_listener_new(l, fd, on_accept, &c);
    CHECK(rig_until(l, &c.is_done));
    CHECK_INT(c.count, CLIENTS);
    for (int i = 0; i < CLIENTS; i++)
        close(clients[i]);
    loop_free(l);
}

TEST(any_address_takes_ipv4_and_names_the_peer_so)
{
    struct loop *l = loop_new(NULL);
    struct counter c = {.stop_at = 1};
    struct addr at, to = loopback(0);
    int fd = -1, client;

    CHECK_OK(addr_parse(STR(":0"), &at));
    CHECK_OK(tcp_listen(&at, false, &fd, NULL));
    CHECK_OK(tcp_local_addr(fd, &at));
    to = loopback(addr_port(&at));
    c.tl = tcp_listener_new(l, fd, on_accept, &c);
    client = blocking_connect(&to);
    CHECK(rig_until(l, &c.is_done));
    close(client);
    loop_free(l);
}

TEST(accepting_goes_on_after_descriptors_ran_out)
{
    struct loop *l = loop_new(NULL);
    struct counter c = {.stop_at = 1};
    struct addr at = loopback(0);
    struct rlimit old, low;
    int fd = -1, client, spare;

    CHECK_OK(tcp_listen(&at, false, &fd, NULL));
    CHECK_OK(tcp_local_addr(fd, &at));
    c.tl = tcp_listener_new(l, fd, on_accept, &c);
    client = blocking_connect(&at);
    spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK_OK(getrlimit(RLIMIT_NOFILE, &old));
    low = old;
    low.rlim_cur = (rlim_t)spare + 1;
    CHECK_OK(setrlimit(RLIMIT_NOFILE, &low));
    rig_settle(l, 250000);
    CHECK_INT(c.count, 0);
    close(spare);
    CHECK(rig_until(l, &c.is_done));
    CHECK_OK(setrlimit(RLIMIT_NOFILE, &old));
    close(client);
    loop_free(l);
}

TEST(loops_share_an_address_with_reuse_port)
{
    struct addr at = loopback(0);
    struct err err = {0};
    int a = -1, b = -1, c = -1;

    CHECK_OK(tcp_listen(&at, true, &a, NULL));
    CHECK_OK(tcp_local_addr(a, &at));
    CHECK_OK(tcp_listen(&at, true, &b, &err));
    CHECK_ERR(tcp_listen(&at, false, &c, &err), ERR_BUSY);
    CHECK(str_ends(str_c(err.msg), STR("address is in use by this process")));
    close(a);
    close(b);
}

/* Starts a process that listens as told and reports its address; it ends when the returned pipe closes. */
static pid_t start_listener(bool reuse_port, struct addr *ret_at, int *ret_pipe)
{
    int to_child[2], from_child[2], fd;
    char c;
    pid_t pid;

    ASSERT(pipe(to_child) == 0 && pipe(from_child) == 0);
    pid = fork();
    ASSERT(pid >= 0);
    if (pid == 0) {
        struct addr at = loopback(0);

        close(to_child[1]);
        if (tcp_listen(&at, reuse_port, &fd, NULL) < 0 || tcp_local_addr(fd, &at) < 0 ||
            write(from_child[1], &at, sizeof(at)) != (ssize_t)sizeof(at))
            _exit(1);
        _exit(read(to_child[0], &c, 1) == 0 ? 0 : 1);
    }
    close(to_child[0]);
    close(from_child[1]);
    ASSERT(read(from_child[0], ret_at, sizeof(*ret_at)) == (ssize_t)sizeof(*ret_at));
    close(from_child[0]);
    *ret_pipe = to_child[1];
    return pid;
}

TEST(busy_names_the_owner)
{
    char text[ADDR_TEXT_BYTES], want[200];
    int pipe_fd, fd = -1, status;
    struct err err = {0};
    struct addr at;
    pid_t pid = start_listener(false, &at, &pipe_fd);

    CHECK_ERR(tcp_listen(&at, false, &fd, &err), ERR_BUSY);
    snprintf(want, sizeof(want), "listen on %s: address is in use by %s (pid %d)",
             addr_format(&at, text), program_invocation_short_name, (int)pid);
    CHECK_STR(err.msg, want);
    CHECK_INT(fd, -1);
    close(pipe_fd);
    waitpid(pid, &status, 0);
    CHECK_OK(tcp_listen(&at, false, &fd, &err));
    close(fd);
}

TEST(reuse_port_does_not_share_with_strangers)
{
    int pipe_fd, fd = -1, status;
    struct err err = {0};
    struct addr at, any;
    pid_t pid = start_listener(true, &at, &pipe_fd);

    CHECK_ERR(tcp_listen(&at, true, &fd, &err), ERR_BUSY);
    CHECK(str_find(str_c(err.msg), STR(" (pid ")) > 0);
    ASSERT(addr_parse_ip(STR("0.0.0.0"), addr_port(&at), &any) == 0);
    CHECK_ERR(tcp_listen(&any, true, &fd, &err), ERR_BUSY);
    close(pipe_fd);
    waitpid(pid, &status, 0);
}

TEST(listen_on_a_foreign_address_fails)
{
    struct err err = {0};
    struct addr at;
    int fd = -1;

    ASSERT(addr_parse_ip(STR("192.0.2.1"), 0, &at) == 0);
    CHECK_ERR(tcp_listen(&at, false, &fd, &err), ERR_IO);
    CHECK(str_starts(str_c(err.msg), STR("listen on 192.0.2.1:0: ")));
}
