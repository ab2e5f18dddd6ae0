/*
 * Signals read from a signalfd.
 *
 * Blocking them for the whole process and reading them as data removes every handler, and with it the
 * question of what a handler may call.
 */
#include "ev/signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/mem.h"

struct signals {
    struct loop *loop;
    struct loop_io io;
    signals_fn *on_signal;
    void *cookie;
    bool *ret_freed; /* set while on_signal runs, which may free this object */
};

static const int BLOCKED[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1};

static sigset_t signals_mask(void)
{
    sigset_t mask;

    sigemptyset(&mask);
    for (size_t i = 0; i < ARRAY_LEN(BLOCKED); i++)
        sigaddset(&mask, BLOCKED[i]);
    return mask;
}

void signals_block(void)
{
    sigset_t mask = signals_mask();

    ASSERT(pthread_sigmask(SIG_BLOCK, &mask, NULL) == 0);
    ASSERT(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
}

void signals_unblock_child(void)
{
    sigset_t mask = signals_mask();

    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &mask, NULL);
}

static void signals_on_io(void *cookie, unsigned events UNUSED)
{
    struct signals *s = cookie;
    struct signalfd_siginfo got;
    bool is_freed = false;

    s->ret_freed = &is_freed;
    while (read(s->io.fd, &got, sizeof(got)) == (ssize_t)sizeof(got)) {
        s->on_signal(s->cookie, (int)got.ssi_signo);
        if (is_freed)
            return;
    }
    s->ret_freed = NULL;
}

struct signals *signals_new(struct loop *l, signals_fn *on_signal, void *cookie)
{
    struct signals *s = NEW(struct signals);
    sigset_t mask = signals_mask();
    int fd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);

    ASSERT(fd >= 0);
    s->loop = l;
    s->on_signal = on_signal;
    s->cookie = cookie;
    ASSERT(loop_io_add(l, &s->io, fd, signals_on_io, s) == 0);
    return s;
}

void signals_free(struct signals *s)
{
    if (!s)
        return;
    if (s->ret_freed)
        *s->ret_freed = true;
    loop_io_remove(s->loop, &s->io);
    close(s->io.fd);
    free(s);
}
