/*
 * Files and descriptors, in the safe forms.
 *
 * Everything is opened O_CLOEXEC.  Writing a file is atomic: a temporary name in the same directory,
 * fsync, rename, fsync of the directory; a reader sees the old content or the new, also after a crash.
 */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <sys/types.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"

/* For CLEANUP: closes the descriptor a variable holds, if any. */
static inline void fd_closep(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* Reads a whole file of at most out->max bytes into `out`.  Errors: NOTFOUND, TOOBIG, IO, FORBIDDEN. */
int fd_read_file(const char *path, struct buf *out, struct err *err) MUST_USE;

/* Writes `content` to `path` atomically with the given mode.  Errors: IO, FORBIDDEN, NOTFOUND. */
int fd_write_file(const char *path, struct str content, mode_t mode, struct err *err) MUST_USE;

/* Writes all of `s`, waiting as needed (for blocking descriptors).  Errors: IO. */
int fd_write_all(int fd, struct str s, struct err *err) MUST_USE;

/* Makes a directory and its parents with the given mode; an existing directory is fine. */
int fd_mkdirs(const char *path, mode_t mode, struct err *err) MUST_USE;

/* Removes a tree below `path`, `path` included, without following links.  A missing one is fine. */
int fd_remove_tree(const char *path, struct err *err) MUST_USE;

#endif
