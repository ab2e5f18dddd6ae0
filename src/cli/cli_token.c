/*
 * `connectors token`: a short-lived ServiceAccount token by TokenRequest.
 */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/session.h"
#include "core/labels.h"
#include "kube/object.h"

struct token_options {
    struct session_options shared;
    const char *account;
    const char *audience;
    int64_t ttl_us;
};

static const struct option ROWS[] = {
    SESSION_ROWS(struct token_options),
    OPTION_ROW(struct token_options, account, .name = "sa", .type = OPTION_STRING,
               .dflt = "default", .arg = "NAME", .help = "The ServiceAccount."),
    OPTION_ROW(struct token_options, audience, .name = "audience", .type = OPTION_STRING,
               .dflt = PROXY_AUDIENCE, .arg = "NAME",
               .help = "Who shall accept the token; empty for the API server."),
    OPTION_ROW(struct token_options, ttl_us, .name = "ttl", .type = OPTION_DURATION_US,
               .dflt = "1h", .min = 600 * INT64_C(1000000), .max = 24 * 3600 * INT64_C(1000000),
               .arg = "DURATION", .help = "Life of the token, 10m to 24h."),
};

static const struct option_set OPTIONS = {
    .command = "connectors token",
    .summary =
        "Prints a short-lived token with which a workload authenticates to the proxy." SESSION_EXIT_CODES,
    .rows = ROWS,
    .count = ARRAY_LEN(ROWS),
};

static int print_token(struct session *s, const struct token_options *o, struct err *err)
{
    struct buf path = BUF_INIT(4096);
    json_t *request JSON_OWNED =
        json_pack("{s:s, s:s, s:{s:I}}", "apiVersion", "authentication.k8s.io/v1", "kind",
                  "TokenRequest", "spec", "expirationSeconds", (json_int_t)(o->ttl_us / 1000000));
    json_t *answer JSON_OWNED = NULL;
    int rc;

    if (o->audience[0])
        json_set(json_object_at(request, "spec"), "audiences", json_pack("[s]", o->audience));
    kube_path(&path, &KUBE_SERVICEACCOUNTS, s->ns, str_c(o->account), STR("token"));
    rc = kube_do(s->client,
                 &(struct kube_request){.method = "POST", .path = buf_str(&path), .body = request},
                 &answer, err);
    buf_fini(&path);
    if (rc < 0)
        return rc;
    printf("%" STR_FMT "\n", STR_ARG(json_str_at(answer, "status", "token", NULL)));
    return 0;
}

int cli_token_main(int argc, char **argv)
{
    struct token_options o = {0};
    struct session s = {0};
    struct err err = {0};
    int rc = option_parse(&OPTIONS, argc, argv, &o, &err), code;

    if (rc >= 0)
        rc = session_open(&s, &o.shared, &err);
    if (rc >= 0)
        rc = print_token(&s, &o, &err);
    code = session_exit(&s, &o.shared, rc, &err);
    session_close(&s);
    return code;
}
