/*
 * A private place for files that hold a token: a tmpfs in an own mount namespace, which nobody else sees and
 * which ends with the last process in it.
 *
 * Where mount namespaces are refused, a 0700 directory below $XDG_RUNTIME_DIR if that is a tmpfs; else it fails:
 * a token is never written to disk.
 */
#ifndef CLI_MOUNT_H
#define CLI_MOUNT_H

#include "base/arena.h"
#include "base/err.h"

struct mount_dir {
    const char *path;
    bool is_tmpfs; /* mounted by us */
};

/*
 * Makes the place.  Must run before any thread starts: it may put the process into a user namespace.
 * Errors: FORBIDDEN with what to do, IO.
 */
int mount_open(struct mount_dir *m, struct arena *a, struct err *err) MUST_USE;

/* Removes it with all that is in it.  A zeroed one is fine. */
void mount_close(struct mount_dir *m);

#endif
