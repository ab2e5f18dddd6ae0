/*
 * The floor of the socket API: a relay that moves bytes and looks at none of them.
 *
 *     relay LISTEN_PORT UPSTREAM_PORT
 *
 * One thread, one epoll instance, one upstream connection for each client connection; a readable side is read
 * once and written to the other at once.  Not a proxy: no parsing, no pooling, no back-pressure.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_FDS 65536

static int peer_of[MAX_FDS];

static struct sockaddr_in loopback(const char *digits)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    unsigned port = 0;

    for (; *digits >= '0' && *digits <= '9'; digits++)
        port = port * 10 + (unsigned)(*digits - '0');
    a.sin_port = htons((uint16_t)port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

static void watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    int one = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void accept_pair(int epoll, int listener, const struct sockaddr_in *upstream)
{
    int client = accept(listener, NULL, NULL);
    int server = socket(AF_INET, SOCK_STREAM, 0);

    if (client < 0 || server < 0 || client >= MAX_FDS || server >= MAX_FDS ||
        connect(server, (const struct sockaddr *)upstream, sizeof(*upstream)) < 0)
        exit(1);
    peer_of[client] = server;
    peer_of[server] = client;
    watch(epoll, client);
    watch(epoll, server);
}

static void relay(int from)
{
    static char bytes[32768];
    ssize_t n = recv(from, bytes, sizeof(bytes), 0);
    int to = peer_of[from];

    if (n > 0 && send(to, bytes, (size_t)n, MSG_NOSIGNAL) == n)
        return;
    close(from);
    close(to);
}

int main(int argc, char **argv)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0), one = 1;
    struct epoll_event events[256];
    struct sockaddr_in at, upstream;

    if (argc != 3)
        return 2;
    at = loopback(argv[1]);
    upstream = loopback(argv[2]);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(listener, 1024) < 0)
        return 1;
    watch(epoll, listener);
    for (;;) {
        int n = epoll_wait(epoll, events, 256, -1);

        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listener)
                accept_pair(epoll, listener, &upstream);
            else
                relay(events[i].data.fd);
        }
    }
}
