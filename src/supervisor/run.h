/*
 * The supervisor's run: components in their order, from an empty data directory to ready, and back.
 *
 *   APISERVER ──> INSTALL ──> COMPONENTS ──> READY ──> STOPPING
 *
 * APISERVER waits for its address file; INSTALL puts the embedded objects in and makes the identities (on a
 * worker thread); COMPONENTS starts controller and proxy together; READY writes endpoints.json.  Stopping ends
 * them in reverse order, the API server last.
 */
#ifndef SUPERVISOR_RUN_H
#define SUPERVISOR_RUN_H

#include "base/log.h"
#include "base/option.h"
#include "supervisor/layout.h"

#define RUN_MAX_DESTINATIONS 64

struct run_options {
    const char *data_dir;
    const char *apiserver_listen;
    const char *proxy_listen;
    struct option_list allow_destinations; /* at most RUN_MAX_DESTINATIONS */
    bool detach;
    int log_level;
};

/*
 * Runs until SIGTERM or SIGINT, or until a component cannot be started.  `on_ready` is called once, when
 * endpoints.json is written.  Returns 0 or a failure.
 */
int run_supervise(const struct run_options *o, const struct layout *layout,
                  void (*on_ready)(void *cookie), void *cookie, struct err *err) MUST_USE;

#endif
