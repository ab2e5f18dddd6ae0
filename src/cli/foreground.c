/*
 * The foreground command: fork, exec, and a loop of sigtimedwait(2).
 */
#include "cli/foreground.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"

static const int FORWARDED[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH};

static void signal_set(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < ARRAY_LEN(FORWARDED); i++)
        sigaddset(set, FORWARDED[i]);
    sigaddset(set, SIGCHLD);
}

void foreground_prepare(void)
{
    sigset_t set;

    signal_set(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

int foreground_pending(void)
{
    static const int fatal[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
    sigset_t set;

    sigpending(&set);
    for (size_t i = 0; i < ARRAY_LEN(fatal); i++)
        if (sigismember(&set, fatal[i]))
            return fatal[i];
    return 0;
}

/* The child's side: reports the error number through the pipe when exec fails. */
NORETURN static void exec_command(char **argv, int pipe_fd, pid_t parent)
{
    sigset_t none;
    int errnum;

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(1);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    execvp(argv[0], argv);
    errnum = errno;
    (void)!write(pipe_fd, &errnum, sizeof(errnum));
    _exit(errnum == ENOENT ? 127 : 126);
}

static int start(const struct foreground *f, pid_t *ret_pid, int *ret_errnum, struct err *err)
{
    int ends[2], errnum = 0;
    pid_t parent = getpid(), pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_errno(err, errno, "make a pipe");
    pid = fork();
    if (pid == 0)
        exec_command(f->argv, ends[1], parent);
    close(ends[1]);
    if (pid < 0 || read(ends[0], &errnum, sizeof(errnum)) != (ssize_t)sizeof(errnum))
        errnum = pid < 0 ? errno : 0;
    close(ends[0]);
    if (pid < 0)
        return err_errno(err, errnum, "start '%s'", f->argv[0]);
    *ret_pid = pid;
    *ret_errnum = errnum;
    return 0;
}

/* Waits for the next signal or the next interval; returns whether the child ended. */
static bool wait_step(const struct foreground *f, pid_t pid, int64_t *next_us, int *ret_status)
{
    int64_t left = MAX(*next_us - time_mono_us(), INT64_C(0));
    struct timespec ts = {.tv_sec = left / TIME_US_PER_S, .tv_nsec = left % TIME_US_PER_S * 1000};
    siginfo_t info;
    sigset_t set;
    int signo;

    signal_set(&set);
    signo = sigtimedwait(&set, &info, &ts);
    if (time_mono_us() >= *next_us)
        *next_us = time_mono_us() + f->on_interval(f->cookie);
    /* The terminal sends its signals to the whole foreground group itself (si_code SI_KERNEL). */
    if (signo > 0 && signo != SIGCHLD && info.si_code != SI_KERNEL)
        kill(pid, signo);
    return waitpid(pid, ret_status, WNOHANG) == pid;
}

int foreground_run(const struct foreground *f, struct err *err)
{
    int64_t next_us = time_mono_us() + f->interval_us;
    int status = 0, errnum = 0;
    pid_t pid = 0;
    int rc = start(f, &pid, &errnum, err);

    if (rc < 0)
        return rc;
    while (!wait_step(f, pid, &next_us, &status))
        continue;
    if (errnum)
        fprintf(stderr, "connectors: cannot run '%s': %s\n", f->argv[0], strerrordesc_np(errnum));
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
