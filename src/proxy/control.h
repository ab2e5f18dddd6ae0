/*
 * The control loop: everything that is not on a request's path.
 *
 *   API server ──reflectors──> view ──targets──> workers
 *   workers ──questions──> identity and permission services ──> workers
 *
 * It also owns the administration listener, the signals, and the order of start and end.
 */
#ifndef PROXY_CONTROL_H
#define PROXY_CONTROL_H

#include "proxy/settings.h"

/* Runs the proxy until SIGTERM or SIGINT.  Returns 0, or a failure of the start.  Context: main thread. */
int control_run(const struct settings *settings, struct err *err) MUST_USE;

#endif
