/*
 * What all threads of one proxy share: decided at the start, then read without locks.
 *
 * The services belong to the control loop; workers use only their thread-safe functions (identity_mac,
 * permission_is_current) and ask the rest by message (proxy/ask.h).
 */
#ifndef PROXY_SITE_H
#define PROXY_SITE_H

#include "core/audit.h"
#include "core/destination.h"
#include "core/permission.h"
#include "proxy/settings.h"

#define SITE_SUBJECTS 65536u

struct site {
    const struct settings *settings;
    struct loop *control;
    struct identity_service *identities;
    struct permission_service *permissions;
    struct destination_policy *policy;
    struct audit *audit; /* NULL: none */
    struct str via;      /* "1.1 connectors-<instance>" */
    struct str instance; /* "connectors-<instance>", our name in Via */
    struct str own_host; /* of --proxy-address, normalized; empty: none */
    uint16_t own_port;
    struct str proxy_base; /* --proxy-address without a final '/', or empty */
    unsigned worker_count;
    /* Requests under way by subject, over all workers; subjects share a place by keyed hash, seldom. */
    atomic_uint *active;  /* SITE_SUBJECTS */
    atomic_bool is_stale; /* credentials were not confirmed for too long: none is used */
};

#endif
