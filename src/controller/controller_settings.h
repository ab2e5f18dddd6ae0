/*
 * The options of `connectors controller`.
 */
#ifndef CONTROLLER_CONTROLLER_SETTINGS_H
#define CONTROLLER_CONTROLLER_SETTINGS_H

#include "base/option.h"

struct settings {
    const char *kubeconfig;
    const char *proxy_address; /* empty on clusters */
    const char *cluster_domain;
    const char *system_ns;
    const char *metrics_listen;
    const char *address_file;
    struct option_list allow_destinations;
    int64_t probe_interval_us;
    int64_t probe_timeout_us;
    uint64_t workers;
    bool leader_elect;
    int log_level;
};

/* Reads the command line.  Returns 0; errors as option_parse. */
int controller_settings_parse(int argc, char **argv, struct settings *ret_settings,
                              struct err *err) MUST_USE;

/* Frees what controller_settings_parse allocated, also when it failed. */
void controller_settings_fini(struct settings *s);

#endif
