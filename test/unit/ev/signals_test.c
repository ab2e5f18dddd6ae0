/*
 * Signals as loop events.  Each test runs in a child, so that the mask of the test program stays.
 */
#include "unit.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ev/signals.h"

struct seen {
    struct loop *loop;
    struct signals *signals;
    int log; /* signal numbers, two digits each */
    bool frees;
};

static void on_signal(void *cookie, int signo)
{
    struct seen *s = cookie;

    s->log = s->log * 100 + signo;
    if (s->frees) {
        signals_free(s->signals);
        s->signals = NULL;
    }
}

static void seen_init(struct seen *s)
{
    signals_block();
    *s = (struct seen){.loop = loop_new(NULL)};
    s->signals = signals_new(s->loop, on_signal, s);
}

static int seen_fini(struct seen *s)
{
    int log = s->log;

    signals_free(s->signals);
    loop_free(s->loop);
    return log;
}

/* Exit status of `fn` in a child; -1 when it was ended by a signal. */
static int run_in_child(int (*fn)(void))
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(fn());
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int raise_and_see(void)
{
    struct seen s;

    seen_init(&s);
    raise(SIGHUP);
    loop_step(s.loop, INT64_MAX);
    raise(SIGTERM);
    raise(SIGUSR1);
    raise(SIGPIPE);
    loop_step(s.loop, INT64_MAX);
    /* Of the two pending ones the lower number comes first. */
    return seen_fini(&s) == SIGHUP * 10000 + SIGUSR1 * 100 + SIGTERM ? 0 : 1;
}

TEST(signals_arrive_on_the_loop)
{
    CHECK_INT(run_in_child(raise_and_see), 0);
}

static int see_child_end(void)
{
    struct seen s;
    pid_t pid;

    seen_init(&s);
    pid = fork();
    if (pid == 0)
        _exit(7);
    while (s.log == 0)
        loop_step(s.loop, INT64_MAX);
    waitpid(pid, NULL, 0);
    return seen_fini(&s) == SIGCHLD ? 0 : 1;
}

TEST(signals_tell_of_ended_children)
{
    CHECK_INT(run_in_child(see_child_end), 0);
}

static int free_in_callback(void)
{
    struct seen s;

    seen_init(&s);
    s.frees = true;
    raise(SIGHUP);
    raise(SIGUSR1);
    loop_step(s.loop, INT64_MAX);
    loop_step(s.loop, 0);
    return seen_fini(&s) == SIGHUP ? 0 : 1;
}

TEST(signals_may_be_freed_in_the_callback)
{
    CHECK_INT(run_in_child(free_in_callback), 0);
}

static int unblocked_child_dies(void)
{
    signals_block();
    signals_unblock_child();
    raise(SIGTERM);
    return 0;
}

static int unblocked_child_dies_of_pipe(void)
{
    signals_block();
    signals_unblock_child();
    raise(SIGPIPE);
    return 0;
}

TEST(signals_unblock_child_restores_the_defaults)
{
    CHECK_INT(run_in_child(unblocked_child_dies), -1);
    CHECK_INT(run_in_child(unblocked_child_dies_of_pipe), -1);
}

TEST(signals_free_accepts_null)
{
    signals_free(NULL);
}
