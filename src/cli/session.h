/*
 * What every command does first: options that all share, the kubeconfig, a client on its own thread; and how
 * every command ends: one line of error and the exit code.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "base/option.h"
#include "kube/client.h"

enum session_output {
    SESSION_TABLE,
    SESSION_WIDE,
    SESSION_YAML,
    SESSION_JSON,
    SESSION_NAME,
};

/* First member `shared` of the option struct of a command. */
struct session_options {
    const char *kubeconfig;
    const char *data_dir;
    const char *ns;
    int output;
    bool verbose;
};

extern const char *const SESSION_OUTPUTS[];

/* Rows for the options above, to be put into the table of a command whose struct is `strct`. */
#define SESSION_ROWS(strct)                                                                        \
    OPTION_ROW(strct, shared.kubeconfig, .name = "kubeconfig", .type = OPTION_STRING,              \
               .arg = "FILE",                                                                      \
               .help = "Which API server; default $KUBECONFIG, in-cluster, DATA-DIR/kubeconfig, "  \
                       "~/.kube/config."),                                                         \
        OPTION_ROW(strct, shared.data_dir, .name = "data-dir", .type = OPTION_STRING,              \
                   .arg = "DIR", .help = "The data directory of `connectors run`."),               \
        OPTION_ROW(strct, shared.ns, .name = "namespace", .letter = 'n', .type = OPTION_STRING,    \
                   .arg = "NS", .help = "Namespace; default the kubeconfig's."),                   \
        OPTION_ROW(strct, shared.verbose, .name = "verbose", .letter = 'v', .type = OPTION_BOOL,   \
                   .help = "Say which API server is used.")

/* Last words of the help of a command. */
#define SESSION_EXIT_CODES                                                                         \
    "\n\nExit codes: 0 done, 1 failed, 2 usage, 3 denied, 4 not found, 5 timed out or still waiting."

/* The row of -o, for commands that print objects. */
#define SESSION_OUTPUT_ROW(strct)                                                                  \
    OPTION_ROW(strct, shared.output, .name = "output", .letter = 'o', .type = OPTION_ENUM,         \
               .dflt = "table", .choices = SESSION_OUTPUTS, .help = "Form of the output.")

struct session {
    struct kube_config *config;
    struct kube_thread *thread;
    struct kube_client *client;
    struct str ns;
};

/* Finds the API server and starts the client.  Errors: what kube_config_load reports. */
int session_open(struct session *s, const struct session_options *o, struct err *err) MUST_USE;

/* Stops the client.  A zeroed session is fine. */
void session_close(struct session *s);

/*
 * Prints the error of a command (one line on stderr, without control characters; a metav1.Status on stdout
 * with -o json) and returns the exit code.  rc >= 0 and -ERR_CANCELLED (`--help`) are success.
 */
int session_exit(const struct session *s, const struct session_options *o, int rc,
                 const struct err *err);

/* What a person at a terminal is told when something takes longer than a second; zeroed at its start. */
struct session_patience {
    int64_t since_us;
    bool is_told;
};

/* To be called each time round a waiting loop: prints the line once, when it is time and stderr is a terminal. */
void session_patience_tell(struct session_patience *p, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
