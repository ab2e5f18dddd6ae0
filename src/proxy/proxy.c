/*
 * The command: options, hardening, and the exit code.
 */
#include "proxy/proxy.h"

#include <stdio.h>

#include "base/log.h"
#include "base/secret.h"
#include "ev/signals.h"
#include "proxy/control.h"

int proxy_main(int argc, char **argv)
{
    struct settings settings = {0};
    struct err err;
    int rc;

    secret_harden_process();
    rc = settings_parse(argc, argv, &settings, &err);
    if (rc == -ERR_CANCELLED)
        return 0;
    if (rc == 0) {
        log_init("proxy", (enum log_level)settings.log_level);
        signals_block();
        rc = control_run(&settings, &err);
    }
    settings_fini(&settings);
    if (rc < 0)
        fprintf(stderr, "connectors proxy: %s\n", err.msg);
    return rc < 0 ? err_exit_code(rc) : 0;
}
