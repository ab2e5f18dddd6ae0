/*
 * `connectors exec`: run a command as a workload that may use Connectors.
 *
 *   private mount ─> client ─> Connectors ─> Pod record ─> token ─> files, environment ─> command ─> delete Pod
 *
 * Each step undoes what came before it when it fails.  Exit codes of our own failures are 120 + the table's.
 */
#include <stdio.h>

#include "base/secret.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/environment.h"
#include "cli/foreground.h"
#include "cli/mount.h"
#include "cli/workload.h"

#define OWN_FAILURE 120  /* added to the exit code of our own failures */
#define REFRESH_TENTHS 8 /* of a token's life */
#define REFRESH_RETRY_US (10 * TIME_US_PER_S)

struct exec_options {
    struct session_options shared;
    struct option_list connectors;
    struct option_list configs;
    const char *account;
    int64_t ttl_us;
};

static const struct option ROWS[] = {
    SESSION_ROWS(struct exec_options),
    OPTION_ROW(struct exec_options, connectors, .name = "connector", .letter = 'c',
               .type = OPTION_LIST, .arg = "[NS/]NAME",
               .help = "Connectors the command may use, separated by commas; may be repeated."),
    OPTION_ROW(struct exec_options, configs, .name = "config", .type = OPTION_LIST, .arg = "NAME",
               .help = "Configuration files to mount: gitconfig (default), or none."),
    OPTION_ROW(struct exec_options, account, .name = "sa", .type = OPTION_STRING, .dflt = "default",
               .arg = "NAME", .help = "The ServiceAccount the command runs as."),
    OPTION_ROW(struct exec_options, ttl_us, .name = "token-ttl", .type = OPTION_DURATION_US,
               .dflt = "1h", .min = 600 * INT64_C(1000000), .max = 24 * 3600 * INT64_C(1000000),
               .arg = "DURATION",
               .help = "Life of the token, 10m to 24h; files are refreshed at 80 % of it."),
};

static const struct option_set OPTIONS = {
    .command = "connectors exec",
    .summary =
        "Runs a command as a workload that may use Connectors.\n\n"
        "Exit code: the command's own (128 + n when signal n ended it), 127 or 126 when it cannot\n"
        "be started; 121 failed, 122 usage, 123 denied, 124 not found, 125 timed out or waiting.",
    .operands = "-- COMMAND [ARG...]",
    .rows = ROWS,
    .count = ARRAY_LEN(ROWS),
};

struct execution {
    struct exec_options *options;
    struct session session;
    struct mount_dir mount;
    struct environment environment;
    struct workload workload;
    bool is_stale; /* the last refresh failed, and that was said */
};

static int check_options(const struct exec_options *o, int operands, bool *ret_gitconfig,
                         struct err *err)
{
    *ret_gitconfig = o->configs.n == 0;
    if (o->connectors.n == 0)
        return err_set(err, ERR_USAGE, "exec needs a Connector: -c [NAMESPACE/]NAME");
    if (operands == 0)
        return err_set(err, ERR_USAGE, "exec needs a command behind --");
    VEC_EACH(&o->configs, name)
    {
        if (str_eq_c(str_c(*name), "gitconfig"))
            *ret_gitconfig = true;
        else if (!str_eq_c(str_c(*name), "none") || o->configs.n > 1)
            return err_set(err, ERR_USAGE, "--config: '%s' is not gitconfig or none", *name);
    }
    return 0;
}

/* Another token for the files before the old one ends; the environment keeps the first.  Returns when next. */
static int64_t refresh(void *cookie)
{
    struct execution *x = cookie;
    struct secret *token CLEANUP(secret_unrefp) = NULL;
    struct err err = {0};
    int rc = workload_token(&x->workload, &token, &err);

    if (rc == 0)
        rc = environment_write_files(&x->environment, token, &err);
    if (rc == 0)
        rc = workload_extend(&x->workload, &err);
    x->is_stale &= rc < 0;
    if (rc == 0)
        return x->workload.life_us / 10 * REFRESH_TENTHS;
    if (!x->is_stale)
        fprintf(stderr, "connectors: cannot refresh the token yet: %s\n", err.msg);
    x->is_stale = true;
    return REFRESH_RETRY_US;
}

static int prepare(struct execution *x, struct err *err)
{
    struct secret *token CLEANUP(secret_unrefp) = NULL;
    int rc = session_open(&x->session, &x->options->shared, err);

    if (rc == 0)
        rc = environment_load(&x->environment, &x->session, &x->options->connectors, err);
    if (rc == 0)
        rc = workload_create(&x->workload, err);
    if (rc == 0)
        rc = workload_token(&x->workload, &token, err);
    if (rc == 0)
        rc = environment_write_files(&x->environment, token, err);
    if (rc == 0)
        environment_export(&x->environment, token, x->session.config->url.host);
    return rc;
}

/* Returns the command's exit code, or a failure. */
static int execute(struct execution *x, char **argv, struct err *err)
{
    struct err late = {0};
    int code = prepare(x, err);

    if (code == 0 && foreground_pending())
        code = err_set(err, ERR_CANCELLED, "interrupted");
    if (code == 0)
        code = foreground_run(
            &(struct foreground){
                .argv = argv,
                .interval_us = x->workload.life_us / 10 * REFRESH_TENTHS,
                .on_interval = refresh,
                .cookie = x,
            },
            err);
    if (x->session.client && workload_delete(&x->workload, &late) < 0)
        fprintf(stderr, "connectors: cannot delete the Pod record: %s\n", late.msg);
    return code;
}

/* The exit code when the command did not run. */
static int own_code(const struct execution *x, int rc, bool parsed, const struct err *err)
{
    if (rc == -ERR_CANCELLED)
        return parsed ? 128 + foreground_pending() : 0;
    return OWN_FAILURE + session_exit(&x->session, &x->options->shared, rc, err);
}

int cli_exec_main(int argc, char **argv)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct exec_options o = {0};
    struct execution x = {
        .options = &o,
        .environment = {.arena = a},
        .workload = {.arena = a},
    };
    struct err err = {0};
    int at = option_parse(&OPTIONS, argc, argv, &o, &err), rc = at, code;

    foreground_prepare();
    if (rc >= 0)
        rc = check_options(&o, argc - at, &x.environment.gitconfig, &err);
    if (rc >= 0)
        rc = mount_open(&x.mount, a, &err);
    /* Only now: the files by which a user namespace is set up belong to root in a hardened process. */
    secret_harden_memory();
    if (rc >= 0) {
        x.environment.dir = x.mount.path;
        x.workload = (struct workload){
            .session = &x.session, .arena = a, .account = o.account, .ttl_us = o.ttl_us};
        rc = execute(&x, argv + at, &err);
    }
    code = rc >= 0 ? rc : own_code(&x, rc, at >= 0, &err);
    session_close(&x.session);
    mount_close(&x.mount);
    environment_fini(&x.environment);
    option_fini(&OPTIONS, &o);
    return code;
}
