/*
 * Supervised children.  A child is this test program again, which as its argument takes the name of the test to
 * run: the stubs below, which do their work only when they are started that way.
 */
#include "unit.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/arena.h"
#include "base/fd.h"
#include "base/time.h"
#include "ev/signals.h"
#include "supervisor/child.h"

#define ADDRESS_VARIABLE "CHILD_TEST_ADDRESS"
#define DEADLINE_US (20 * TIME_US_PER_S)

/* Says that it is ready, and waits for its end. */
TEST(stub_serves)
{
    const char *path = getenv(ADDRESS_VARIABLE);

    if (!path)
        return;
    CHECK_OK(fd_write_file(path, STR("{\"stub\":\"http://x\"}"), 0600, NULL));
    pause();
}

TEST(stub_is_stubborn)
{
    const char *path = getenv(ADDRESS_VARIABLE);

    if (!path)
        return;
    signal(SIGTERM, SIG_IGN);
    CHECK_OK(fd_write_file(path, STR("{}"), 0600, NULL));
    for (;;)
        pause();
}

TEST(stub_fails)
{
    if (!getenv(ADDRESS_VARIABLE))
        return;
    fprintf(stderr, "{\"level\":\"info\",\"msg\":\"Starting\"}\n"
                    "{\"level\":\"error\",\"msg\":\"Failed\",\"error\":\"the port is busy\"}\n");
    _exit(3);
}

/* One child under a loop that ends when the wanted number of events came, or at the deadline. */
struct rig {
    struct arena *arena;
    char dir[64];
    struct loop *loop;
    struct signals *signals;
    struct loop_timer poll, deadline;
    struct child *child;
    int ready, stopped, wanted_ready;
    bool is_late;
    char why[ERR_MSG_BYTES];
};

static void on_ready(void *cookie, struct child *c, const json_t *addresses)
{
    struct rig *r = cookie;

    CHECK(json_is_object(addresses));
    if (++r->ready == r->wanted_ready)
        loop_stop(r->loop);
}

static void on_failed(void *cookie, struct child *c, const char *why)
{
    struct rig *r = cookie;

    snprintf(r->why, sizeof(r->why), "%s", why);
    loop_stop(r->loop);
}

static void on_stopped(void *cookie, struct child *c)
{
    struct rig *r = cookie;

    r->stopped++;
    loop_stop(r->loop);
}

static void on_signal(void *cookie, int signo)
{
    struct rig *r = cookie;
    int status;
    pid_t pid;

    while (signo == SIGCHLD && (pid = waitpid(-1, &status, WNOHANG)) > 0)
        CHECK(child_reap(r->child, pid, status));
}

static void on_poll(void *cookie)
{
    struct rig *r = cookie;

    child_check_address(r->child);
    loop_timer_start(r->loop, &r->poll, 2000, on_poll, r);
}

static void on_deadline(void *cookie)
{
    struct rig *r = cookie;

    r->is_late = true;
    loop_stop(r->loop);
}

static void rig_make(struct rig *r, const char *stub, int64_t stop_timeout_us)
{
    static const char *const none[] = {NULL};
    const char *address;

    *r = (struct rig){.arena = arena_new(), .dir = "/tmp/child-test-XXXXXX", .wanted_ready = 1};
    CHECK(mkdtemp(r->dir) != NULL);
    address = arena_fmt(r->arena, "%s/address", r->dir).p;
    setenv(ADDRESS_VARIABLE, address, 1);
    signals_block();
    r->loop = loop_new(NULL);
    r->signals = signals_new(r->loop, on_signal, r);
    r->child =
        child_new(r->loop, &(struct child_spec){.name = stub,
                                                .argv = none,
                                                .log_path = arena_fmt(r->arena, "%s/log", r->dir).p,
                                                .address_path = address,
                                                .stop_timeout_us = stop_timeout_us,
                                                .on_ready = on_ready,
                                                .on_failed = on_failed,
                                                .on_stopped = on_stopped,
                                                .cookie = r});
    on_poll(r);
    loop_timer_start(r->loop, &r->deadline, DEADLINE_US, on_deadline, r);
}

static void rig_drop(struct rig *r)
{
    CHECK(!r->is_late);
    unsetenv(ADDRESS_VARIABLE);
    child_free(r->child);
    loop_timer_cancel(r->loop, &r->poll);
    loop_timer_cancel(r->loop, &r->deadline);
    signals_free(r->signals);
    loop_free(r->loop);
    CHECK_OK(fd_remove_tree(r->dir, NULL));
    arena_free(r->arena);
}

static void stop(struct rig *r)
{
    child_stop(r->child);
    loop_run(r->loop);
    CHECK_INT(r->stopped, 1);
    CHECK_INT(child_pid(r->child), 0);
}

TEST(child_starts_restarts_and_stops)
{
    struct rig r;
    pid_t first;

    rig_make(&r, "stub_serves", DEADLINE_US);
    CHECK_OK(child_start(r.child, NULL));
    loop_run(r.loop);
    CHECK(child_is_ready(r.child));
    first = child_pid(r.child);
    CHECK_INT(getpgid(first), first);

    r.wanted_ready = 2;
    child_signal(r.child, SIGKILL);
    loop_run(r.loop);
    CHECK_INT(r.ready, 2);
    CHECK(child_pid(r.child) != first);
    stop(&r);
    CHECK(!child_is_ready(r.child));
    rig_drop(&r);
}

TEST(child_that_never_was_ready_says_why)
{
    struct rig r;

    rig_make(&r, "stub_fails", DEADLINE_US);
    CHECK_OK(child_start(r.child, NULL));
    loop_run(r.loop);
    CHECK_INT(r.ready, 0);
    CHECK_STR(r.why, "the port is busy");
    stop(&r);
    rig_drop(&r);
}

TEST(child_that_does_not_stop_is_killed)
{
    struct rig r;

    rig_make(&r, "stub_is_stubborn", 50 * TIME_US_PER_MS);
    CHECK_OK(child_start(r.child, NULL));
    loop_run(r.loop);
    stop(&r);
    rig_drop(&r);
}

TEST(child_stopped_while_it_waits_to_be_restarted)
{
    struct rig r;

    rig_make(&r, "stub_serves", DEADLINE_US);
    CHECK_OK(child_start(r.child, NULL));
    loop_run(r.loop);
    child_signal(r.child, SIGKILL);
    while (child_pid(r.child) != 0 && !r.is_late)
        loop_step(r.loop, 10 * TIME_US_PER_MS);
    stop(&r);
    CHECK_INT(r.ready, 1);
    rig_drop(&r);
}
