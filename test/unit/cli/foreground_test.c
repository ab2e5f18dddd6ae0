/*
 * Commands in the foreground: codes, signals, intervals; real processes.
 */
#include "unit.h"

#include <signal.h>
#include <unistd.h>

#include "base/time.h"
#include "cli/foreground.h"

static int64_t never(void *cookie)
{
    return TIME_US_PER_S * 3600;
}

static int run(char **argv)
{
    return foreground_run(&(struct foreground){.argv = argv,
                                               .interval_us = TIME_US_PER_S * 3600,
                                               .on_interval = never},
                          NULL);
}

static int run_shell(const char *script)
{
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};

    return run(argv);
}

TEST(foreground_passes_exit_codes_on)
{
    char *missing[] = {(char *)"/nonexistent/command", NULL};
    char *forbidden[] = {(char *)"/dev/null", NULL};

    foreground_prepare();
    CHECK_INT(run_shell("exit 0"), 0);
    CHECK_INT(run_shell("exit 7"), 7);
    CHECK_INT(run_shell("kill -KILL $$"), 128 + SIGKILL);
    CHECK_INT(run_shell("kill -TERM $$"), 128 + SIGTERM);
    CHECK_INT(run(missing), 127);
    CHECK_INT(run(forbidden), 126);
}

TEST(foreground_command_starts_with_default_signals)
{
    foreground_prepare();
    CHECK_INT(run_shell("grep -qE '^SigBlk:\\s0+$' /proc/self/status"), 0);
    CHECK_INT(run_shell("yes | true; kill -PIPE $$"), 128 + SIGPIPE);
}

TEST(foreground_forwards_signals_that_came_before)
{
    const int wanted[] = {SIGTERM, SIGHUP, SIGUSR1};

    foreground_prepare();
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        CHECK_INT(foreground_pending(), 0);
        kill(getpid(), wanted[i]);
        CHECK_INT(foreground_pending(), wanted[i] == SIGUSR1 ? 0 : wanted[i]);
        CHECK_INT(run_shell("exec sleep 30"), 128 + wanted[i]);
    }
}

struct ticks {
    int count;
};

static int64_t tick(void *cookie)
{
    struct ticks *t = cookie;

    if (++t->count == 3)
        kill(getpid(), SIGTERM);
    return t->count < 3 ? 1000 : TIME_US_PER_S * 3600;
}

TEST(foreground_calls_at_the_intervals_asked_for)
{
    char *argv[] = {(char *)"sleep", (char *)"30", NULL};
    struct ticks t = {0};

    foreground_prepare();
    CHECK_INT(foreground_run(
                  &(struct foreground){
                      .argv = argv, .interval_us = 1000, .on_interval = tick, .cookie = &t},
                  NULL),
              128 + SIGTERM);
    CHECK_INT(t.count, 3);
}
