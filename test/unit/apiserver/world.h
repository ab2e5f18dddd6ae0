/*
 * A whole server without HTTP for tests: its own store, clocks that the test moves, objects from YAML.
 */
#ifndef TEST_APISERVER_WORLD_H
#define TEST_APISERVER_WORLD_H

#include "apiserver/authz.h"
#include "apiserver/registry.h"
#include "apiserver/server.h"
#include "apiserver/tokens.h"

struct world {
    char dir[64];
    char database[96];
    struct loop_clock clock;
    int64_t wall_us;
    int64_t mono_ahead_us; /* how far the monotonic clock is ahead of the real one */
    struct loop *loop;
    struct apiserver_conf conf;
    struct apiserver *server;
    struct arena *arena;
    bool is_ready;
    /* the last write */
    bool is_done;
    int rc;
    json_t *status, *object;
};

void world_init(struct world *w);
void world_fini(struct world *w);

/* Ends the server and opens it again on the same store. */
void world_reopen(struct world *w);

/* Creates an object from YAML as `user` (NULL: the server itself); returns the code. */
int world_create(struct world *w, const struct user *user, const char *yaml);

/* Replaces an object by YAML. */
int world_update(struct world *w, const struct user *user, const char *yaml);

/* Applies a merge patch. */
int world_patch(struct world *w, const char *api_version, const char *kind, const char *ns,
                const char *name, const char *yaml);

int world_delete(struct world *w, const char *api_version, const char *kind, const char *ns,
                 const char *name, enum registry_propagation propagation);

/* The object, borrowed until the next step, or NULL. */
const json_t *world_get(struct world *w, const char *api_version, const char *kind, const char *ns,
                        const char *name);

/* Message of the last failed write. */
struct str world_message(const struct world *w);

/* Runs the loop until the object exists (or not); false after ten seconds. */
bool world_wait(struct world *w, const char *api_version, const char *kind, const char *ns,
                const char *name, bool exists);

/* Runs the loop until nothing is left to do at once. */
void world_settle(struct world *w);

/* Runs the answer of a create-only kind, or of a subresource; 0 or a negative code. */
int world_answer(struct world *w, const struct user *user, const char *yaml);

/* A user with one group beside system:authenticated. */
const struct user *world_user(struct world *w, const char *name, const char *group);

#endif
