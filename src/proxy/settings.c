/*
 * The option table.
 */
#include "proxy/settings.h"

#include "base/log.h"
#include "core/labels.h"
#include "core/setting.h"

static const char *const AUDIT_CHOICES[] = {"refuse", "log", NULL};

#define ROW(field, ...) OPTION_ROW(struct settings, field, __VA_ARGS__)

/* clang-format off */
static const struct option ROWS[] = {
    ROW(kubeconfig, .name = "kubeconfig", .type = OPTION_STRING, .arg = "FILE",
        .help = "How to reach the API server; else $KUBECONFIG, in-cluster, the data directory's."),
    ROW(listen, .name = "listen", .type = OPTION_STRING, .dflt = "127.0.0.1:8480", .arg = "IP:PORT",
        .check = setting_check_listen, .help = "Where clients connect; port 0 chooses a free one."),
    ROW(metrics_listen, .name = "metrics-listen", .type = OPTION_STRING, .dflt = "127.0.0.1:8490",
        .arg = "IP:PORT", .check = setting_check_listen,
        .help = "Where /healthz, /readyz and /metrics are served; port 0 chooses a free one."),
    ROW(address_file, .name = "address-file", .type = OPTION_STRING, .arg = "FILE",
        .help = "Written when ready: JSON with the URLs of both listeners."),
    ROW(threads, .name = "threads", .type = OPTION_UINT, .min = 0, .max = 256, .dflt = "0", .arg = "N",
        .help = "Threads that serve clients; 0 is one for each core."),
    ROW(audience, .name = "audience", .type = OPTION_STRING, .dflt = PROXY_AUDIENCE, .arg = "NAME",
        .help = "Audience that tokens for this proxy are issued for."),
    ROW(accept_apiserver_audience, .name = "accept-apiserver-audience", .type = OPTION_BOOL,
        .dflt = "true", .help = "Accept tokens that were issued for the API server, too."),
    ROW(proxy_address, .name = "proxy-address", .type = OPTION_STRING, .arg = "URL", .check = setting_check_url,
        .help = "The proxy's own address as clients see it; for installations without cluster DNS."),
    ROW(cluster_domain, .name = "cluster-domain", .type = OPTION_STRING, .dflt = "cluster.local",
        .arg = "DOMAIN", .help = "DNS domain of the cluster's Services."),
    ROW(allow_destinations, .name = "allow-destination", .type = OPTION_LIST, .arg = "CIDR[:PORT]",
        .check = setting_check_range, .help = "Addresses that may be dialled although they are refused by default."),
    ROW(audit_log, .name = "audit-log", .type = OPTION_STRING, .arg = "FILE",
        .help = "Append one JSON line for each request to this file."),
    ROW(audit_on_error, .name = "audit-on-error", .type = OPTION_ENUM, .choices = AUDIT_CHOICES,
        .dflt = "refuse", .help = "What happens to requests whose audit record cannot be written."),
    ROW(drain_timeout_us, .name = "drain-timeout", .type = OPTION_DURATION_US, .dflt = "30s",
        .arg = "DURATION", .help = "How long streams may take to finish after SIGTERM."),
    ROW(settle_us, .name = "settle", .type = OPTION_DURATION_US, .dflt = "2s", .arg = "DURATION",
        .help = "How long after a change of permissions the API server's answers are not kept."),
    ROW(header_bytes, .name = "max-header-size", .type = OPTION_SIZE, .dflt = "64Ki", .arg = "SIZE",
        .help = "Longest header block of a request."),
    ROW(header_count, .name = "max-headers", .type = OPTION_UINT, .min = 10, .max = 10000, .dflt = "200",
        .arg = "N", .help = "Most headers of a request."),
    ROW(uri_bytes, .name = "max-uri-size", .type = OPTION_SIZE, .dflt = "16Ki", .arg = "SIZE",
        .help = "Longest request target."),
    ROW(max_connections, .name = "max-connections", .type = OPTION_UINT, .min = 1, .max = 10000000,
        .dflt = "65536", .arg = "N", .help = "Most client connections at once."),
    ROW(max_requests, .name = "max-requests-per-subject", .type = OPTION_UINT, .min = 1,
        .max = 10000000, .dflt = "1024", .arg = "N", .help = "Most requests of one subject at once."),
    ROW(header_timeout_us, .name = "header-timeout", .type = OPTION_DURATION_US, .dflt = "15s",
        .arg = "DURATION", .help = "Time a client has to send a request's header block."),
    ROW(idle_timeout_us, .name = "idle-timeout", .type = OPTION_DURATION_US, .dflt = "75s",
        .arg = "DURATION", .help = "How long a client connection may stay idle."),
    ROW(stream_timeout_us, .name = "stream-timeout", .type = OPTION_DURATION_US, .dflt = "10m",
        .arg = "DURATION", .help = "How long a body may make no progress."),
    ROW(connect_timeout_us, .name = "connect-timeout", .type = OPTION_DURATION_US, .dflt = "10s",
        .arg = "DURATION", .help = "Time to resolve and connect to a tool."),
    ROW(tls_timeout_us, .name = "tls-timeout", .type = OPTION_DURATION_US, .dflt = "10s",
        .arg = "DURATION", .help = "Time for a TLS handshake."),
    ROW(response_timeout_us, .name = "response-timeout", .type = OPTION_DURATION_US, .dflt = "10m",
        .arg = "DURATION", .help = "Time a tool has until the header block of its response."),
    ROW(log_level, .name = "log-level", .type = OPTION_ENUM, .choices = LOG_LEVEL_NAMES, .dflt = "info",
        .help = "Most verbose level of the log on stderr."),
};
/* clang-format on */

static const struct option_set OPTIONS = {
    .command = "connectors proxy",
    .summary = "Serve clients: authenticate, authorize, add the credential, forward.",
    .rows = ROWS,
    .count = ARRAY_LEN(ROWS),
};

int settings_parse(int argc, char **argv, struct settings *ret_settings, struct err *err)
{
    int rc = option_parse(&OPTIONS, argc, argv, ret_settings, err);

    return rc < 0 ? rc : 0;
}

void settings_fini(struct settings *s)
{
    option_fini(&OPTIONS, s);
}
