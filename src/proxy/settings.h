/*
 * The options of `connectors proxy`, read once and then frozen.
 */
#ifndef PROXY_SETTINGS_H
#define PROXY_SETTINGS_H

#include "base/option.h"

enum settings_audit_on_error { AUDIT_REFUSE, AUDIT_LOG };

struct settings {
    const char *kubeconfig;
    const char *listen;
    const char *metrics_listen;
    const char *address_file;
    uint64_t threads; /* 0: one for each core */
    const char *audience;
    bool accept_apiserver_audience;
    const char *proxy_address;
    const char *cluster_domain;
    struct option_list allow_destinations;
    const char *audit_log;
    int audit_on_error; /* enum settings_audit_on_error */
    int log_level;      /* enum log_level */
    int64_t drain_timeout_us;
    int64_t settle_us;
    uint64_t header_bytes, header_count, uri_bytes, max_connections, max_requests;
    int64_t header_timeout_us, idle_timeout_us, stream_timeout_us;
    int64_t connect_timeout_us, tls_timeout_us, response_timeout_us;
};

/* Fills `ret_settings`; returns 0, or as option_parse. */
int settings_parse(int argc, char **argv, struct settings *ret_settings, struct err *err) MUST_USE;

/* Frees what settings_parse filled. */
void settings_fini(struct settings *s);

#endif
