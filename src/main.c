/*
 * The subcommand table, and nothing else.
 *
 * A component or command is one row; every entry point has the form of main() with argv[0] being its own name
 * and returns an exit code (see base/err.tbl.h).
 */
#include <pthread.h>
#include <stdio.h>

#include "apiserver/apiserver.h"
#include "base/str.h"
#include "cli/cli.h"
#include "controller/controller_main.h"
#include "proxy/proxy.h"
#include "supervisor/supervisor.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
};

static const struct command COMMANDS[] = {
    {"run", supervisor_run_main, "start everything on this machine"},
    {"stop", supervisor_stop_main, "end what `run` started"},
    {"wait", supervisor_wait_main, "wait until `run` is ready"},
    {"exec", cli_exec_main, "run a command as a workload that may use Connectors"},
    {"token", cli_token_main, "print a short-lived token for the proxy"},
    {"apply", cli_apply_main, "create or update objects from manifests"},
    {"get", cli_get_main, "list objects"},
    {"describe", cli_describe_main, "show objects with their conditions and events"},
    {"delete", cli_delete_main, "delete objects"},
    {"apiserver", apiserver_main, "the embedded API server"},
    {"controller", controller_main, "the reconcilers"},
    {"proxy", proxy_main, "the data plane"},
};

static void print_usage(FILE *to)
{
    fputs("Usage: connectors COMMAND [OPTION]...\n\n", to);
    for (size_t i = 0; i < ARRAY_LEN(COMMANDS); i++)
        fprintf(to, "  %-12s%s\n", COMMANDS[i].name, COMMANDS[i].summary);
    fputs("\n`connectors COMMAND --help` lists the options of a command.\n", to);
}

int main(int argc, char **argv)
{
    /* `run` starts its children as /proc/self/exe, which is no name for ps. */
    pthread_setname_np(pthread_self(), "connectors");
    if (argc < 2) {
        print_usage(stderr);
        return 2;
    }
    struct str name = str_c(argv[1]);
    if (str_eq(name, STR("help")) || str_eq(name, STR("--help")) || str_eq(name, STR("-h"))) {
        print_usage(stdout);
        return 0;
    }
    if (str_eq(name, STR("version")) || str_eq(name, STR("--version"))) {
        puts("connectors " CONNECTORS_VERSION);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(COMMANDS); i++)
        if (str_eq_c(name, COMMANDS[i].name))
            return COMMANDS[i].run(argc - 1, argv + 1);
    fprintf(stderr, "connectors: unknown command '%s'; `connectors help` lists them\n", argv[1]);
    return 2;
}
