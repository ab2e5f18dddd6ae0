/*
 * A supervised child process: one component of this binary, restarted with back-off when it ends.
 *
 *     STOPPED ──start──> STARTING ──(address file)──> RUNNING ──(exit)──> BACKOFF ──> STARTING
 *                            └──(exit before it was ever ready)──> FAILED (first start only)
 *
 * The child runs /proc/self/exe with a subcommand, stderr appended to its own log file, and dies with the
 * supervisor (PR_SET_PDEATHSIG).  It says that it is ready, and where it listens, by an address file (JSON
 * object of URLs) written atomically into the run directory.
 */
#ifndef SUPERVISOR_CHILD_H
#define SUPERVISOR_CHILD_H

#include <sys/types.h>

#include "codec/json.h"
#include "ev/loop.h"

struct child;

struct child_spec {
    const char *name;         /* subcommand, log file and address file */
    const char *const *argv;  /* options behind the subcommand, NULL-terminated; borrowed */
    const char *log_path;     /* borrowed */
    const char *address_path; /* borrowed */
    int64_t stop_timeout_us;  /* SIGKILL after that */
    /* The address file appeared, at the first start and after each restart. */
    void (*on_ready)(void *cookie, struct child *c, const json_t *addresses);
    /* It ended before it was ever ready; `why` is the last line of its log. */
    void (*on_failed)(void *cookie, struct child *c, const char *why);
    /* child_stop is complete. */
    void (*on_stopped)(void *cookie, struct child *c);
    void *cookie;
};

/* Returns a stopped child; copies the spec. */
struct child *child_new(struct loop *l, const struct child_spec *spec);

/* Frees a child that is not running.  NULL is allowed. */
void child_free(struct child *c);

/* Starts it.  Errors: IO. */
int child_start(struct child *c, struct err *err) MUST_USE;

/* Ends it by SIGTERM, after the time-out by SIGKILL; on_stopped follows (also when it is not running). */
void child_stop(struct child *c);

/* To be called for every pid that waitpid reported; returns whether it was this child. */
bool child_reap(struct child *c, pid_t pid, int status);

/* To be called when a file appeared in the run directory. */
void child_check_address(struct child *c);

/* Forwards a signal when running. */
void child_signal(struct child *c, int signo);

bool child_is_ready(const struct child *c);
const char *child_name(const struct child *c);

/* The process id, or 0 when it is not running. */
pid_t child_pid(const struct child *c);

#endif
