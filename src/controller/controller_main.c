/*
 * The command: options, hardening, and the exit code.
 */
#include "controller/controller_main.h"

#include <stdio.h>

#include "base/log.h"
#include "base/secret.h"
#include "controller/controller_run.h"
#include "ev/signals.h"

int controller_main(int argc, char **argv)
{
    struct settings settings = {0};
    struct err err;
    int rc;

    secret_harden_process();
    rc = controller_settings_parse(argc, argv, &settings, &err);
    if (rc == -ERR_CANCELLED)
        return 0;
    if (rc == 0) {
        log_init("controller", (enum log_level)settings.log_level);
        signals_block();
        rc = controller_run(&settings, &err);
    }
    controller_settings_fini(&settings);
    if (rc < 0)
        fprintf(stderr, "connectors controller: %s\n", err.msg);
    return rc < 0 ? err_exit_code(rc) : 0;
}
