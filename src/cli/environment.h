/*
 * What a command run by `exec` finds: which Connectors it may use and where, its files, its environment.
 */
#ifndef CLI_ENVIRONMENT_H
#define CLI_ENVIRONMENT_H

#include "base/secret.h"
#include "base/vec.h"
#include "cli/session.h"
#include "core/connector.h"

/* One Connector of -c. */
struct environment_connector {
    struct connector *view;
    struct str proxy_url;
};

struct environment {
    struct arena *arena;
    struct VEC(struct environment_connector) connectors;
    bool gitconfig; /* write .gitconfig */
    const char *dir;
};

/*
 * Looks up the Connectors of "-c [ns/]name[,…]"; waits up to 10 s for the proxy address of one that was just
 * made.
 * Errors: NOTFOUND, FORBIDDEN, TIMEOUT (with the Connector's condition), INVALID (class without proxy), CANCELLED
 * (foreground_pending).
 */
int environment_load(struct environment *e, struct session *s, const struct option_list *names,
                     struct err *err) MUST_USE;

void environment_fini(struct environment *e);

/* Writes the files for this token into e->dir, each atomically.  Errors: IO. */
int environment_write_files(const struct environment *e, const struct secret *token,
                            struct err *err) MUST_USE;

/* Sets the variables of this process, to be inherited by the command; `api_host` goes into no_proxy. */
void environment_export(const struct environment *e, const struct secret *token,
                        struct str api_host);

/* The list for no_proxy, without the entries that would match a host of these Connectors; into the arena. */
struct str environment_no_proxy(const struct environment *e, struct str api_host);

#endif
