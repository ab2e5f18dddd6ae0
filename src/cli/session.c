/*
 * Start and end of commands.
 */
#include "cli/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"
#include "cli/plain.h"
#include "codec/json.h"

const char *const SESSION_OUTPUTS[] = {"table", "wide", "yaml", "json", "name", NULL};

int session_open(struct session *s, const struct session_options *o, struct err *err)
{
    int rc = kube_config_load(
        &(struct kube_config_where){.path = o->kubeconfig, .data_dir = o->data_dir}, &s->config,
        err);

    if (rc < 0)
        return rc;
    if (o->verbose)
        fprintf(stderr, "connectors: using %" STR_FMT " from %" STR_FMT "\n",
                STR_ARG(s->config->server), STR_ARG(s->config->source));
    s->ns = o->ns ? str_c(o->ns) : s->config->ns;
    rc = kube_thread_start(s->config, "connectors-cli", &s->thread, err);
    if (rc == 0)
        s->client = kube_thread_client(s->thread);
    return rc;
}

void session_close(struct session *s)
{
    kube_thread_stop(s->thread);
    kube_config_free(s->config);
    *s = (struct session){0};
}

static void print_status(int rc, const struct err *err)
{
    json_t *status JSON_OWNED =
        json_pack("{s:s, s:s, s:s}", "kind", "Status", "apiVersion", "v1", "status", "Failure");

    json_set_str(status, "message", str_c(err->msg));
    json_set_str(status, "reason", str_c(err_reason(rc)));
    json_set(status, "code", json_integer(err_http_status(rc)));
    json_dumpf(status, stdout, JSON_INDENT(2));
    putchar('\n');
}

int session_exit(const struct session *s, const struct session_options *o, int rc,
                 const struct err *err)
{
    char text[ERR_MSG_BYTES];
    int n;

    if (rc >= 0 || rc == -ERR_CANCELLED)
        return 0;
    if (o->output == SESSION_JSON)
        print_status(rc, err);
    n = snprintf(text, sizeof(text), "%s", err->msg[0] ? err->msg : err_text(rc));
    plain_clean(text, (size_t)n);
    fprintf(stderr, "connectors: %s", text);
    if (rc == -ERR_REFUSED)
        fputs("; `connectors run` starts one on this machine", stderr);
    if (s->config && rc != -ERR_USAGE && str_find(str_c(text), s->config->server) < 0)
        fprintf(stderr, " (API server %" STR_FMT ")", STR_ARG(s->config->server));
    fputc('\n', stderr);
    return err_exit_code(rc);
}

void session_patience_tell(struct session_patience *p, const char *fmt, ...)
{
    char text[ERR_MSG_BYTES];
    va_list ap;
    int n;

    if (p->since_us == 0)
        p->since_us = time_mono_us();
    if (p->is_told || time_mono_us() - p->since_us < TIME_US_PER_S || !isatty(STDERR_FILENO))
        return;
    p->is_told = true;
    va_start(ap, fmt);
    n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    plain_clean(text, MIN((size_t)MAX(n, 0), sizeof(text) - 1));
    fprintf(stderr, "connectors: %s\n", text);
}
