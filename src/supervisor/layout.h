/*
 * The data directory of `connectors run`: names of the files in it (standalone.md, "Fixed facts"), the lock
 * that says it is in use, and the tables of components.
 */
#ifndef SUPERVISOR_LAYOUT_H
#define SUPERVISOR_LAYOUT_H

#include "base/arena.h"
#include "base/err.h"

struct layout {
    struct str dir;
    const char *kubeconfig; /* administrator */
    const char *endpoints;  /* endpoints.json */
    const char *pki;
    const char *log;
    const char *run; /* address files of components, emptied at start */
    const char *lock;
    const char *audit;
};

/* Names everything below `dir`, absolute; strings belong to `a`. */
void layout_init(struct layout *l, struct arena *a, struct str dir);

/* Makes the directories, mode 0700 also when they are there already.  Errors: IO, FORBIDDEN. */
int layout_make(const struct layout *l, struct err *err) MUST_USE;

/*
 * Takes the lock of the directory for this process and writes its id into it; held until the descriptor is
 * closed.  Errors: BUSY, naming the process that holds it.
 */
int layout_lock(const struct layout *l, int *ret_fd, struct err *err) MUST_USE;

/* The process that holds the lock, or 0. */
pid_t layout_owner(const struct layout *l);

/* `dir`/`name`, as a C string in `a`. */
const char *layout_path(struct arena *a, const char *dir, const char *name);

#endif
