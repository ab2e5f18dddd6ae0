/*
 * The program around the server: options, keys, listener, signals, and an orderly end.
 */
#include "apiserver/apiserver.h"

#include <signal.h>

#include "apiserver/pki.h"
#include "apiserver/rest.h"
#include "apiserver/server.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/option.h"
#include "base/time.h"
#include "codec/json.h"
#include "core/setting.h"
#include "ev/signals.h"
#include "http/server.h"
#include "kube/config.h"

#define DRAIN_LIMIT_US (10 * TIME_US_PER_S)
#define DRAIN_POLL_US (20 * TIME_US_PER_MS)
#define LISTEN_BACKLOG_CONNECTIONS 16384

struct settings {
    const char *listen;
    const char *data_dir;
    const char *cert_file;
    const char *key_file;
    const char *client_ca_file;
    const char *encryption_key_file;
    const char *issuer;
    const char *address_file;
    uint64_t history_events;
    uint64_t history_bytes;
    int64_t event_ttl_us;
    int64_t token_max_us;
    int log_level;
};

#define ROW(field, ...) OPTION_ROW(struct settings, field, __VA_ARGS__)
/* clang-format off */
static const struct option ROWS[] = {
    ROW(listen, .name = "listen", .type = OPTION_STRING, .dflt = "127.0.0.1:6443", .arg = "IP:PORT",
        .help = "Where to serve HTTPS; port 0 chooses a free one.", .check = setting_check_listen),
    ROW(data_dir, .name = "data-dir", .type = OPTION_STRING, .arg = "DIR",
        .help = "Database, keys and kubeconfig; default $XDG_STATE_HOME/connectors."),
    ROW(cert_file, .name = "tls-cert-file", .type = OPTION_STRING, .arg = "FILE",
        .help = "Certificate chain of the listener (PEM); default: one signed by the own CA."),
    ROW(key_file, .name = "tls-key-file", .type = OPTION_STRING, .arg = "FILE",
        .help = "Private key of --tls-cert-file (PEM)."),
    ROW(client_ca_file, .name = "client-ca-file", .type = OPTION_STRING, .arg = "FILE",
        .help = "CA certificates that verify client certificates; default: the own CA."),
    ROW(encryption_key_file, .name = "encryption-key-file", .type = OPTION_STRING, .arg = "FILE",
        .help = "Key (32 bytes, base64) that seals Secrets at rest, made when absent; default DIR/pki/encryption.key."),
    ROW(issuer, .name = "service-account-issuer", .type = OPTION_STRING,
        .dflt = "https://kubernetes.default.svc.cluster.local", .arg = "URL",
        .help = "Issuer and default audience of ServiceAccount tokens."),
    ROW(token_max_us, .name = "service-account-max-token-expiration", .type = OPTION_DURATION_US,
        .dflt = "24h", .min = 600 * TIME_US_PER_S, .max = INT64_C(8760) * 3600 * TIME_US_PER_S, .arg = "DURATION",
        .help = "Longest life of a ServiceAccount token."),
    ROW(event_ttl_us, .name = "event-ttl", .type = OPTION_DURATION_US, .dflt = "1h",
        .min = TIME_US_PER_S, .max = INT64_C(8760) * 3600 * TIME_US_PER_S, .arg = "DURATION",
        .help = "How long Events are kept."),
    ROW(history_events, .name = "history-events", .type = OPTION_UINT, .dflt = "20000", .min = 100, .max = 1000000,
        .arg = "N", .help = "Changes kept for watches that resume; older ones answer 410."),
    ROW(history_bytes, .name = "history-bytes", .type = OPTION_SIZE, .dflt = "32Mi", .arg = "SIZE",
        .help = "Memory those changes may take."),
    ROW(address_file, .name = "address-file", .type = OPTION_STRING, .arg = "FILE",
        .help = "Written when ready: {\"apiserver\": URL}."),
    ROW(log_level, .name = "log-level", .type = OPTION_ENUM, .choices = LOG_LEVEL_NAMES, .dflt = "info",
        .help = "Most verbose level of the log on stderr."),
};
/* clang-format on */

static const struct option_set OPTIONS = {
    .command = "connectors apiserver",
    .summary = "Serves the Kubernetes API from one SQLite database.",
    .rows = ROWS,
    .count = ARRAY_LEN(ROWS),
};

struct program {
    struct settings settings;
    struct arena *arena;
    const char *data_dir;
    struct loop *loop;
    struct signals *signals;
    struct pki pki;
    struct apiserver *server;
    struct http_server *http;
    struct tls_server *tls;
    int listen_fd;
    struct str url;
    struct loop_timer drain_timer;
    int64_t drain_end_us;
    bool is_draining;
    int rc;
};

static const char *in_data_dir(struct program *p, const char *name)
{
    return arena_fmt(p->arena, "%s/%s", p->data_dir, name).p;
}

/* --- start */

static int prepare_settings(struct program *p, struct err *err)
{
    const struct settings *s = &p->settings;

    if ((s->cert_file == NULL) != (s->key_file == NULL))
        return err_set(err, ERR_USAGE, "--tls-cert-file and --tls-key-file go together");
    p->data_dir = arena_cstr(p->arena, kube_data_dir(p->arena, s->data_dir));
    return fd_mkdirs(p->data_dir, 0700, err);
}

/* Binds the listener, so that the address is known; nothing is accepted yet. */
static int open_listener(struct program *p, struct err *err)
{
    struct addr at, bound;
    char text[ADDR_TEXT_BYTES];
    int rc;

    if (addr_parse(str_c(p->settings.listen), &at) < 0)
        return err_set(err, ERR_USAGE, "--listen '%s': not an address", p->settings.listen);
    rc = tcp_listen(&at, false, &p->listen_fd, err);
    if (rc < 0)
        return rc;
    rc = tcp_local_addr(p->listen_fd, &bound);
    if (rc < 0)
        return err_set(err, ERR_IO, "read the listening address");
    p->url = arena_fmt(p->arena, "https://%s", addr_format_local(&bound, text));
    return 0;
}

static int load_keys(struct program *p, struct err *err)
{
    struct addr at;
    char ip[ADDR_TEXT_BYTES] = "";

    if (addr_parse(str_c(p->settings.listen), &at) == 0 && addr_classify(&at) != ADDR_UNSPECIFIED)
        addr_format_ip(&at, ip);
    struct pki_conf conf = {
        .dir = in_data_dir(p, "pki"),
        .encryption_key_file = p->settings.encryption_key_file,
        .cert_file = p->settings.cert_file,
        .key_file = p->settings.key_file,
        .client_ca_file = p->settings.client_ca_file,
        .listen_ip = str_c(ip),
        .wall_us = time_wall_us(),
    };
    return pki_load(&conf, p->arena, &p->pki, err);
}

static int make_tls(struct program *p, struct err *err)
{
    struct tls_trust *trust = NULL;
    int rc = tls_trust_new(false, p->pki.client_ca_pem, &trust, err);

    if (rc == 0)
        rc = tls_server_new(p->pki.server_pem, p->pki.server_key, trust, &p->tls, err);
    tls_trust_unref(trust);
    return rc;
}

/* The administrator's kubeconfig; its server is where we listen now. */
static int write_kubeconfig(struct program *p, struct err *err)
{
    struct kube_config_out out = {
        .server = p->url,
        .ca_pem = p->pki.ca_pem,
        .cert_pem = p->pki.admin_pem,
        .key_pem = p->pki.admin_key,
        .ns = STR("default"),
    };

    if (!p->pki.admin_key)
        return 0;
    return kube_config_write(in_data_dir(p, "kubeconfig"), &out, err);
}

static void stop(struct program *p, int rc)
{
    if (p->rc == 0)
        p->rc = rc;
    loop_stop(p->loop);
}

static void on_failure(void *cookie, const struct err *err)
{
    struct program *p = cookie;

    log_error("Storage failed; the server stops", LOG_ERR(err));
    stop(p, -(int)err->code);
}

static int write_address(struct program *p, struct err *err)
{
    json_t *o JSON_OWNED = json_object();
    struct buf text CLEANUP(buf_fini) = BUF_INIT(4096);

    if (!p->settings.address_file)
        return 0;
    json_set_str(o, "apiserver", p->url);
    json_format(o, &text);
    buf_add_char(&text, '\n');
    return fd_write_file(p->settings.address_file, buf_str(&text), 0600, err);
}

static void on_ready(void *cookie)
{
    struct program *p = cookie;
    struct err err = {0};
    int rc = write_kubeconfig(p, &err);

    if (rc == 0)
        rc = write_address(p, &err);
    if (rc < 0) {
        log_error("Start failed", LOG_ERR(&err));
        stop(p, rc);
        return;
    }
    log_info("Ready", LOG_S("url", p->url), LOG_C("dataDir", p->data_dir));
}

static int make_server(struct program *p, struct err *err)
{
    struct apiserver_conf conf = {
        .database = in_data_dir(p, "state.db"),
        .seal_key = p->pki.seal_key,
        .token_key = p->pki.token_key,
        .token_issuer = p->settings.issuer,
        .token_max_lifetime_s = (uint64_t)(p->settings.token_max_us / TIME_US_PER_S),
        .history_events = p->settings.history_events,
        .history_bytes = p->settings.history_bytes,
        .ca_pem = p->pki.ca_pem,
        .event_ttl_us = (uint64_t)p->settings.event_ttl_us,
        .on_ready = on_ready,
        .on_failure = on_failure,
        .cookie = p,
    };
    struct http_limits limits = HTTP_LIMITS_DEFAULT;
    int rc = server_new(p->loop, &conf, &p->server, err);

    if (rc < 0)
        return rc;
    limits.max_connections = LISTEN_BACKLOG_CONNECTIONS;
    p->http = http_server_new(p->loop, &limits, &rest_server_ops, p->server->rest);
    http_server_listen(p->http, TAKE_FD(p->listen_fd), p->tls);
    return 0;
}

/* --- end */

static void on_drain_poll(void *cookie)
{
    struct program *p = cookie;

    if (http_server_connections(p->http) == 0 || loop_now_us(p->loop) >= p->drain_end_us) {
        stop(p, 0);
        return;
    }
    loop_timer_start(p->loop, &p->drain_timer, DRAIN_POLL_US, on_drain_poll, p);
}

static void on_signal(void *cookie, int signo)
{
    struct program *p = cookie;

    if ((signo != SIGTERM && signo != SIGINT) || p->is_draining)
        return;
    log_info("Stopping", LOG_I("connections", http_server_connections(p->http)));
    p->is_draining = true;
    p->drain_end_us = loop_now_us(p->loop) + DRAIN_LIMIT_US;
    http_server_drain(p->http);
    rest_drain(p->server->rest);
    on_drain_poll(p);
}

static void program_fini(struct program *p)
{
    if (p->loop)
        loop_timer_cancel(p->loop, &p->drain_timer);
    http_server_free(p->http);
    server_free(p->server);
    tls_server_unref(p->tls);
    pki_fini(&p->pki);
    signals_free(p->signals);
    loop_free(p->loop);
    fd_closep(&p->listen_fd);
    arena_free(p->arena);
}

static int start(struct program *p, struct err *err)
{
    int rc = prepare_settings(p, err);

    if (rc == 0)
        rc = open_listener(p, err);
    if (rc == 0)
        rc = load_keys(p, err);
    if (rc == 0)
        rc = make_tls(p, err);
    if (rc < 0)
        return rc;
    p->loop = loop_new(NULL);
    p->signals = signals_new(p->loop, on_signal, p);
    return make_server(p, err);
}

int apiserver_main(int argc, char **argv)
{
    struct program p = {.listen_fd = -1, .arena = arena_new()};
    struct err err = {0};
    int rc;

    secret_harden_process();
    signals_block();
    rc = option_parse(&OPTIONS, argc, argv, &p.settings, &err);
    if (rc < 0) {
        if (rc != -ERR_CANCELLED)
            fprintf(stderr, "connectors apiserver: %s\n", err.msg);
        program_fini(&p);
        return rc == -ERR_CANCELLED ? 0 : 2;
    }
    log_init("apiserver", (enum log_level)p.settings.log_level);
    rc = start(&p, &err);
    if (rc < 0) {
        log_error("Start failed", LOG_ERR(&err));
    } else {
        loop_run(p.loop);
        rc = p.rc;
    }
    option_fini(&OPTIONS, &p.settings);
    program_fini(&p);
    return rc < 0 ? err_exit_code(rc) : 0;
}
