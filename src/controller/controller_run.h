/*
 * One run of the controller: from the API server's address to the end of the last worker.
 */
#ifndef CONTROLLER_CONTROLLER_RUN_H
#define CONTROLLER_CONTROLLER_RUN_H

#include "controller/controller_settings.h"

/* Runs until SIGTERM or SIGINT.  Returns 0, or why it could not start. */
int controller_run(const struct settings *settings, struct err *err) MUST_USE;

#endif
