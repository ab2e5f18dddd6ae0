/*
 * Running one command in the foreground: it inherits terminal, files and environment; signals meant for us
 * reach it; a callback runs now and then meanwhile.
 */
#ifndef CLI_FOREGROUND_H
#define CLI_FOREGROUND_H

#include "base/err.h"

struct foreground {
    char **argv;                          /* NULL-terminated */
    int64_t interval_us;                  /* until the first call of on_interval */
    int64_t (*on_interval)(void *cookie); /* returns the time until the next call */
    void *cookie;
};

/* Makes the signals that are forwarded wait for foreground_run.  Before any thread starts. */
void foreground_prepare(void);

/* The signal that arrived since foreground_prepare and waits, or 0: a reason to give up. */
int foreground_pending(void);

/*
 * Runs the command and waits for it.
 *
 * Returns its exit code (128 + n when signal n ended it); 127 or 126, with a message, when it cannot be started
 * (not found, not executable); or -ERR_IO.  SIGINT and SIGQUIT of the terminal reach the command by themselves
 * and are not sent twice.
 */
int foreground_run(const struct foreground *f, struct err *err) MUST_USE;

#endif
