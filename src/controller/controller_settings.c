/*
 * The option table.
 */
#include "controller/controller_settings.h"

#include "base/log.h"
#include "core/labels.h"
#include "core/setting.h"

#define ROW(field, ...) OPTION_ROW(struct settings, field, __VA_ARGS__)

/* clang-format off */
static const struct option ROWS[] = {
    ROW(kubeconfig, .name = "kubeconfig", .type = OPTION_STRING, .arg = "FILE",
        .help = "How to reach the API server; else $KUBECONFIG, in-cluster, the data directory's."),
    ROW(proxy_address, .name = "proxy-address", .type = OPTION_STRING, .arg = "URL", .check = setting_check_url,
        .help = "The proxy's address as clients see it; Connectors then get path addresses and no Service."),
    ROW(cluster_domain, .name = "cluster-domain", .type = OPTION_STRING, .dflt = "cluster.local",
        .arg = "DOMAIN", .help = "DNS domain of the cluster's Services."),
    ROW(system_ns, .name = "system-namespace", .type = OPTION_STRING, .dflt = SYSTEM_NAMESPACE,
        .arg = "NAMESPACE", .help = "Namespace of the installation: its proxy Service and the lease."),
    ROW(metrics_listen, .name = "metrics-listen", .type = OPTION_STRING, .dflt = "127.0.0.1:8491",
        .arg = "IP:PORT", .check = setting_check_listen,
        .help = "Where /healthz, /readyz and /metrics are served; port 0 chooses a free one."),
    ROW(address_file, .name = "address-file", .type = OPTION_STRING, .arg = "FILE",
        .help = "Written when ready: JSON with the URL of that listener."),
    ROW(allow_destinations, .name = "allow-destination", .type = OPTION_LIST, .arg = "CIDR[:PORT]",
        .check = setting_check_range, .help = "Addresses that may be probed although they are refused by default."),
    ROW(probe_interval_us, .name = "probe-interval", .type = OPTION_DURATION_US, .dflt = "1m",
        .min = 100000, .max = INT64_C(86400000000), .arg = "DURATION",
        .help = "Time between two probes of a Connector; longer while they fail."),
    ROW(probe_timeout_us, .name = "probe-timeout", .type = OPTION_DURATION_US, .dflt = "10s",
        .min = 100000, .max = INT64_C(600000000), .arg = "DURATION",
        .help = "Time a probe may take, redirects included."),
    ROW(workers, .name = "workers", .type = OPTION_UINT, .min = 1, .max = 64, .dflt = "4", .arg = "N",
        .help = "Objects that are reconciled at once."),
    ROW(leader_elect, .name = "leader-elect", .type = OPTION_BOOL, .dflt = "true",
        .help = "Act only while holding the lease, so that several may run."),
    ROW(log_level, .name = "log-level", .type = OPTION_ENUM, .choices = LOG_LEVEL_NAMES, .dflt = "info",
        .help = "Most verbose level of the log on stderr."),
};
/* clang-format on */

static const struct option_set OPTIONS = {
    .command = "connectors controller",
    .summary = "Keep Connectors and their classes as they should be: status, addresses, probes.",
    .rows = ROWS,
    .count = ARRAY_LEN(ROWS),
};

int controller_settings_parse(int argc, char **argv, struct settings *ret_settings, struct err *err)
{
    int rc = option_parse(&OPTIONS, argc, argv, ret_settings, err);

    return rc < 0 ? rc : 0;
}

void controller_settings_fini(struct settings *s)
{
    option_fini(&OPTIONS, s);
}
