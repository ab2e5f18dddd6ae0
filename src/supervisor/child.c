/*
 * Child processes of the supervisor.
 *
 * Back-off doubles from 100 ms to 10 s and starts over once a child has run for a minute.  Between fork and
 * exec only async-signal-safe calls are made.
 */
#include "supervisor/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "base/vec.h"

#define CHILD_MAGIC 0x57e34b01u
#define BACKOFF_MIN_US (100 * TIME_US_PER_MS)
#define BACKOFF_MAX_US (10 * TIME_US_PER_S)
#define STEADY_US (60 * TIME_US_PER_S)
#define LOG_TAIL_BYTES 8192
#define ADDRESS_MAX_BYTES 4096

enum child_state { CHILD_STOPPED, CHILD_STARTING, CHILD_RUNNING, CHILD_BACKOFF, CHILD_STOPPING };

struct child {
    uint32_t magic;
    struct loop *loop;
    struct child_spec spec;
    enum child_state state;
    bool was_ready; /* ever */
    pid_t pid;
    int64_t started_us;
    int64_t backoff_us;
    struct loop_timer timer; /* back-off, or the stop time-out */
    struct loop_task stopped;
};

struct child *child_new(struct loop *l, const struct child_spec *spec)
{
    struct child *c = NEW(struct child);

    c->magic = CHILD_MAGIC;
    c->loop = l;
    c->spec = *spec;
    c->backoff_us = BACKOFF_MIN_US;
    return c;
}

void child_free(struct child *c)
{
    if (!c)
        return;
    ASSERT(c->magic == CHILD_MAGIC && c->pid == 0);
    loop_timer_cancel(c->loop, &c->timer);
    loop_defer_cancel(c->loop, &c->stopped);
    c->magic = 0;
    free(c);
}

/* The child's side of fork: never returns. */
NORETURN static void exec_child(char *const *argv, int log_fd, pid_t parent)
{
    sigset_t none;
    int null_fd = open("/dev/null", O_RDWR);

    /* A group of its own: Ctrl-C of the terminal is for the supervisor, which ends its children in order. */
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent || null_fd < 0)
        _exit(1);
    dup2(null_fd, STDIN_FILENO);
    dup2(null_fd, STDOUT_FILENO);
    dup2(log_fd, STDERR_FILENO);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv("/proc/self/exe", argv);
    _exit(127);
}

int child_start(struct child *c, struct err *err)
{
    struct VEC(char *) argv = {0};
    int log_fd CLEANUP(fd_closep) = -1;
    pid_t parent = getpid(), pid;

    ASSERT(c->pid == 0);
    log_fd = open(c->spec.log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0)
        return err_errno(err, errno, "open '%s'", c->spec.log_path);
    unlink(c->spec.address_path);

    VEC_PUSH(&argv, (char *)"connectors");
    VEC_PUSH(&argv, (char *)c->spec.name);
    for (const char *const *a = c->spec.argv; *a; a++)
        VEC_PUSH(&argv, (char *)*a);
    VEC_PUSH(&argv, NULL);
    pid = fork();
    if (pid == 0)
        exec_child(argv.p, log_fd, parent);
    VEC_FINI(&argv);
    if (pid < 0)
        return err_errno(err, errno, "start '%s'", c->spec.name);

    c->pid = pid;
    c->state = CHILD_STARTING;
    c->started_us = loop_now_us(c->loop);
    return 0;
}

static void restart(void *cookie)
{
    struct child *c = CAST(struct child, cookie, CHILD_MAGIC);
    struct err err;

    if (child_start(c, &err) == 0)
        return;
    log_error("Failed to restart component", LOG_C("name", c->spec.name), LOG_ERR(&err));
    loop_timer_start(c->loop, &c->timer, BACKOFF_MAX_US, restart, c);
}

static void kill_now(void *cookie)
{
    struct child *c = CAST(struct child, cookie, CHILD_MAGIC);

    log_warn("Killed component that did not stop", LOG_C("name", c->spec.name));
    child_signal(c, SIGKILL);
}

static void tell_stopped(void *cookie)
{
    struct child *c = CAST(struct child, cookie, CHILD_MAGIC);

    c->spec.on_stopped(c->spec.cookie, c);
}

void child_stop(struct child *c)
{
    loop_timer_cancel(c->loop, &c->timer);
    if (c->pid == 0) {
        c->state = CHILD_STOPPED;
        loop_defer(c->loop, &c->stopped, tell_stopped, c);
        return;
    }
    c->state = CHILD_STOPPING;
    child_signal(c, SIGTERM);
    loop_timer_start(c->loop, &c->timer, c->spec.stop_timeout_us, kill_now, c);
}

/* The last line of the log, for a message; JSON lines give their error or message. */
static void last_words(const struct child *c, char *dst, size_t cap)
{
    struct buf text = BUF_INIT(LOG_TAIL_BYTES);
    json_t *line JSON_OWNED = NULL;
    struct str s, said;
    ptrdiff_t at;
    int fd CLEANUP(fd_closep) = open(c->spec.log_path, O_RDONLY | O_CLOEXEC);
    char *room = buf_reserve(&text, LOG_TAIL_BYTES);
    ssize_t n;

    if (fd >= 0 && lseek(fd, -LOG_TAIL_BYTES, SEEK_END) < 0)
        lseek(fd, 0, SEEK_SET);
    n = fd >= 0 ? read(fd, room, LOG_TAIL_BYTES) : 0;
    s = str_trim_space(str_n(room, n > 0 ? (size_t)n : 0));
    at = str_rindex(s, '\n');
    said = at >= 0 ? str_skip(s, (size_t)at + 1) : s;
    if (str_starts(said, STR("{")) && json_parse(said, &line, NULL) == 0) {
        said = json_str(line, "error");
        if (str_is_empty(said))
            said = json_str(line, "msg");
    }
    if (str_is_empty(said))
        said = STR("it ended without a word");
    snprintf(dst, cap, "%" STR_FMT, STR_ARG(said));
    buf_fini(&text);
}

static void on_exit_before_ready(struct child *c)
{
    char why[ERR_MSG_BYTES];

    c->state = CHILD_STOPPED;
    last_words(c, why, sizeof(why));
    c->spec.on_failed(c->spec.cookie, c, why);
}

bool child_reap(struct child *c, pid_t pid, int status)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);

    if (pid != c->pid)
        return false;
    c->pid = 0;
    loop_timer_cancel(c->loop, &c->timer);
    if (c->state == CHILD_STOPPING) {
        c->state = CHILD_STOPPED;
        loop_defer(c->loop, &c->stopped, tell_stopped, c);
        return true;
    }
    if (!c->was_ready) {
        on_exit_before_ready(c);
        return true;
    }
    if (loop_now_us(c->loop) - c->started_us > STEADY_US)
        c->backoff_us = BACKOFF_MIN_US;
    log_warn("Component ended, restarting", LOG_C("name", c->spec.name), LOG_I("code", code),
             LOG_I("after_ms", c->backoff_us / TIME_US_PER_MS));
    c->state = CHILD_BACKOFF;
    loop_timer_start(c->loop, &c->timer, c->backoff_us, restart, c);
    c->backoff_us = MIN(c->backoff_us * 2, BACKOFF_MAX_US);
    return true;
}

void child_check_address(struct child *c)
{
    struct buf text = BUF_INIT(ADDRESS_MAX_BYTES);
    json_t *addresses JSON_OWNED = NULL;

    if (c->state != CHILD_STARTING)
        return;
    if (fd_read_file(c->spec.address_path, &text, NULL) == 0 &&
        json_parse(buf_str(&text), &addresses, NULL) == 0) {
        c->state = CHILD_RUNNING;
        c->was_ready = true;
        c->spec.on_ready(c->spec.cookie, c, addresses);
    }
    buf_fini(&text);
}

void child_signal(struct child *c, int signo)
{
    if (c->pid > 0)
        kill(c->pid, signo);
}

bool child_is_ready(const struct child *c)
{
    return c->state == CHILD_RUNNING;
}

const char *child_name(const struct child *c)
{
    return c->spec.name;
}

pid_t child_pid(const struct child *c)
{
    return c->pid;
}
