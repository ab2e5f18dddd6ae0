/*
 * /proc/net/tcp and tcp6 give the inodes of listening sockets, /proc/PID/fd who holds them.
 *
 * At most TCP_OWNER_MAX sockets are looked at; more listeners on one address do not change the answer.
 */
#include "net/tcp_owner.h"

#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"

#define TCP_OWNER_MAX 64
#define TCP_OWNER_FILE_MAX (16 * 1024 * 1024)
#define TCP_STATE_LISTEN "0A"

struct tcp_inodes {
    uint64_t inode[TCP_OWNER_MAX];
    size_t count;
};

static struct str tcp_owner_field(struct str *line)
{
    struct str f = STR("");

    while (line->p && str_is_empty(f))
        f = str_cut(line, ' ');
    return f;
}

static int tcp_owner_hex(struct str s, uint32_t *ret_value)
{
    uint32_t v = 0;

    if (s.n == 0 || s.n > 8)
        return -ERR_INVALID;
    for (size_t i = 0; i < s.n; i++) {
        char c = str_lower_char(s.p[i]);

        if (c >= '0' && c <= '9')
            v = v << 4 | (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (uint32_t)(c - 'a' + 10);
        else
            return -ERR_INVALID;
    }
    *ret_value = v;
    return 0;
}

/* Reads the kernel's "0100007F:1F90" (words in host order). */
static int tcp_owner_local(struct str s, struct addr *ret_addr)
{
    struct str ip = str_cut(&s, ':');
    uint32_t words[4] = {0}, port;
    struct addr a = {0};

    if ((ip.n != 8 && ip.n != 32) || tcp_owner_hex(s, &port) < 0)
        return -ERR_INVALID;
    for (size_t i = 0; i < ip.n / 8; i++) {
        if (tcp_owner_hex(str_n(ip.p + i * 8, 8), &words[i]) < 0)
            return -ERR_INVALID;
    }
    if (ip.n == 8) {
        struct sockaddr_in *in = (struct sockaddr_in *)&a.ss;

        *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        memcpy(&in->sin_addr, words, 4);
    } else {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a.ss;

        *in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
        memcpy(&in6->sin6_addr, words, 16);
    }
    *ret_addr = a;
    return 0;
}

static bool tcp_owner_collides(const struct addr *at, const struct addr *other)
{
    if (addr_port(at) != addr_port(other))
        return false;
    return addr_eq(at, other) || addr_classify(at) == ADDR_UNSPECIFIED ||
           addr_classify(other) == ADDR_UNSPECIFIED;
}

/* One line: "sl local remote state queues timer retransmits uid timeout inode …". */
static void tcp_owner_line(struct str line, const struct addr *at, struct tcp_inodes *found)
{
    struct str local, state;
    struct addr other;
    uint64_t inode;

    tcp_owner_field(&line);
    local = tcp_owner_field(&line);
    tcp_owner_field(&line);
    state = tcp_owner_field(&line);
    if (!str_eq(state, STR(TCP_STATE_LISTEN)) || tcp_owner_local(local, &other) < 0 ||
        !tcp_owner_collides(at, &other))
        return;
    for (int i = 0; i < 5; i++)
        tcp_owner_field(&line);
    if (str_to_u64(tcp_owner_field(&line), UINT64_MAX, &inode) == 0 && found->count < TCP_OWNER_MAX)
        found->inode[found->count++] = inode;
}

static void tcp_owner_scan(const char *path, const struct addr *at, struct tcp_inodes *found)
{
    struct buf text = BUF_INIT(TCP_OWNER_FILE_MAX);
    struct str rest;

    if (fd_read_file(path, &text, NULL) == 0) {
        rest = buf_str(&text);
        while (rest.p)
            tcp_owner_line(str_cut(&rest, '\n'), at, found);
    }
    buf_fini(&text);
}

/* The inode of "socket:[123]", or 0. */
static uint64_t tcp_owner_socket(int dir_fd, const char *name)
{
    char link[64];
    ssize_t n = readlinkat(dir_fd, name, link, sizeof(link));
    struct str s = str_n(link, n > 0 ? (size_t)n : 0);
    uint64_t inode;

    if (!str_starts(s, STR("socket:[")) || !str_ends(s, STR("]")))
        return 0;
    s = str_n(s.p + 8, s.n - 9);
    return str_to_u64(s, UINT64_MAX, &inode) == 0 ? inode : 0;
}

/* Takes out of `found` what the process holds; returns how many that were. */
static size_t tcp_owner_held(const char *pid, struct tcp_inodes *found)
{
    char path[64];
    struct dirent *e;
    size_t held = 0;
    DIR *dir;

    snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
    dir = opendir(path);
    if (!dir)
        return 0;
    while ((e = readdir(dir))) {
        uint64_t inode = tcp_owner_socket(dirfd(dir), e->d_name);

        for (size_t i = 0; inode && i < found->count; i++) {
            if (found->inode[i] != inode)
                continue;
            found->inode[i] = found->inode[--found->count];
            held++;
            break;
        }
    }
    closedir(dir);
    return held;
}

static void tcp_owner_name(const char *pid, struct tcp_owner *o)
{
    struct buf text = BUF_INIT(sizeof(o->program) - 1);
    char path[64];
    struct str name;

    snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
    if (fd_read_file(path, &text, NULL) == 0) {
        name = str_trim_space(buf_str(&text));
        for (size_t i = 0; i < name.n; i++)
            o->program[i] = name.p[i] >= 0x20 && name.p[i] < 0x7f ? name.p[i] : '?';
        o->program[name.n] = '\0';
    }
    buf_fini(&text);
}

static void tcp_owner_search(struct tcp_inodes *found, struct tcp_owner *o)
{
    DIR *proc = opendir("/proc");
    struct dirent *e;
    uint64_t pid;

    if (!proc)
        return;
    while (o->pid == 0 && (e = readdir(proc))) {
        if (str_to_u64(str_c(e->d_name), INT32_MAX, &pid) < 0 || !tcp_owner_held(e->d_name, found))
            continue;
        o->pid = (int)pid;
        tcp_owner_name(e->d_name, o);
    }
    closedir(proc);
}

void tcp_owner_find(const struct addr *at, struct tcp_owner *ret_owner)
{
    struct tcp_inodes found = {.count = 0};

    *ret_owner = (struct tcp_owner){0};
    tcp_owner_scan("/proc/net/tcp", at, &found);
    tcp_owner_scan("/proc/net/tcp6", at, &found);
    tcp_owner_held("self", &found);
    ret_owner->is_foreign = found.count > 0;
    if (ret_owner->is_foreign)
        tcp_owner_search(&found, ret_owner);
}
