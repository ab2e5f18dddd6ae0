/*
 * Signals as loop events (signalfd).
 *
 * signals_block must run before any thread starts, so that all of them inherit the mask.
 */
#ifndef EV_SIGNALS_H
#define EV_SIGNALS_H

#include "ev/loop.h"

struct signals;

typedef void signals_fn(void *cookie, int signo);

/* Blocks SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1 and ignores SIGPIPE for the whole process. */
void signals_block(void);

/* Undoes signals_block in a child, between fork and exec.  Async-signal-safe. */
void signals_unblock_child(void);

/* Calls on_signal on the loop for each of the blocked signals that arrives. */
struct signals *signals_new(struct loop *l, signals_fn *on_signal, void *cookie);

/* Stops listening.  NULL is allowed. */
void signals_free(struct signals *s);

#endif
