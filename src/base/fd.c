/*
 * Whole files, directories and trees.
 *
 * Everything walks by descriptor where a name could be swapped underneath: removal never follows a link
 * out of the tree, and its depth is bounded because a workload may have made the tree.
 */
#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/mem.h"

enum { FD_READ_BYTES = 16384, FD_TREE_DEPTH = 128 };

static ssize_t fd_read_some(int fd, void *p, size_t n)
{
    ssize_t got;

    do
        got = read(fd, p, n);
    while (got < 0 && errno == EINTR);
    return got;
}

/* Room to read into: the rest of a regular file at once, so that what is read is not copied around. */
static size_t fd_expected_bytes(int fd)
{
    struct stat st;

    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
        return (size_t)st.st_size;
    return FD_READ_BYTES;
}

static int fd_read_rest(int fd, const char *path, struct buf *out, struct err *err)
{
    size_t want = fd_expected_bytes(fd);
    ssize_t got;
    char probe;

    for (;;) {
        size_t room = out->max > out->len ? out->max - out->len : 0;
        size_t n = MIN(want, room);

        /* With no room left only the end of the file is good news. */
        got = fd_read_some(fd, n ? buf_reserve(out, n) : &probe, n ? n : 1);
        if (got < 0)
            return err_errno(err, errno, "read '%s'", path);
        if (got == 0)
            return 0;
        if (n == 0)
            return err_set(err, ERR_TOOBIG, "read '%s': more than %zu bytes", path, out->max);
        buf_commit(out, (size_t)got);
        want = FD_READ_BYTES;
    }
}

int fd_read_file(const char *path, struct buf *out, struct err *err)
{
    int fd CLEANUP(fd_closep) = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return err_errno(err, errno, "open '%s'", path);
    return fd_read_rest(fd, path, out, err);
}

int fd_write_all(int fd, struct str s, struct err *err)
{
    while (s.n > 0) {
        ssize_t n = write(fd, s.p, s.n);

        if (n >= 0) {
            s = str_skip(s, (size_t)n);
        } else if (errno == EAGAIN) {
            struct pollfd p = {.fd = fd, .events = POLLOUT};

            poll(&p, 1, -1);
        } else if (errno != EINTR) {
            err_errno(err, errno, "write");
            if (err)
                err->code = ERR_IO;
            return -ERR_IO;
        }
    }
    return 0;
}

/* The directory part of `path`: "a/b" gives "a", "b" gives ".", "/b" gives "/". */
static void fd_parent(const char *path, struct buf *ret_dir)
{
    struct str s = str_c(path);
    ptrdiff_t slash = str_rindex(s, '/');

    if (slash < 0)
        buf_add_c(ret_dir, ".");
    else
        buf_add_str(ret_dir, str_head(s, slash == 0 ? 1 : (size_t)slash));
}

/* The rename is on disk only when the directory is. */
static int fd_sync_parent(const char *path, struct err *err)
{
    struct buf dir CLEANUP(buf_fini) = BUF_INIT(PATH_MAX);
    int fd CLEANUP(fd_closep) = -1;

    fd_parent(path, &dir);
    fd = open(buf_c(&dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno, "open directory '%s'", buf_c(&dir));
    if (fsync(fd) != 0)
        return err_errno(err, errno, "sync directory '%s'", buf_c(&dir));
    return 0;
}

static int fd_fill_file(int fd, const char *path, struct str content, mode_t mode, struct err *err)
{
    int rc = fd_write_all(fd, content, err);

    if (rc < 0)
        return err_wrap(err, rc, "'%s'", path);
    /* Not left to open(2), whose mode the umask cuts. */
    if (fchmod(fd, mode) != 0)
        return err_errno(err, errno, "chmod '%s'", path);
    if (fsync(fd) != 0)
        return err_errno(err, errno, "sync '%s'", path);
    return 0;
}

int fd_write_file(const char *path, struct str content, mode_t mode, struct err *err)
{
    struct buf tmp CLEANUP(buf_fini) = BUF_INIT(PATH_MAX - 1);
    int fd CLEANUP(fd_closep) = -1;
    uint64_t unique;
    int rc;

    ASSERT(getrandom(&unique, sizeof(unique), 0) == (ssize_t)sizeof(unique));
    buf_addf(&tmp, "%s.%016llx.tmp", path, (unsigned long long)unique);
    if (buf_error(&tmp) < 0)
        return err_errno(err, ENAMETOOLONG, "write '%s'", path);
    fd = open(buf_c(&tmp), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, errno, "create '%s'", buf_c(&tmp));
    rc = fd_fill_file(fd, path, content, mode, err);
    if (rc == 0 && rename(buf_c(&tmp), path) != 0)
        rc = err_errno(err, errno, "rename to '%s'", path);
    if (rc < 0) {
        unlink(buf_c(&tmp));
        return rc;
    }
    return fd_sync_parent(path, err);
}

static int fd_mkdir(const char *path, mode_t mode, struct err *err)
{
    struct stat st;

    if (mkdir(path, mode) == 0)
        return 0;
    if (errno != EEXIST)
        return err_errno(err, errno, "make directory '%s'", path);
    if (stat(path, &st) != 0)
        return err_errno(err, errno, "make directory '%s'", path);
    if (!S_ISDIR(st.st_mode))
        return err_set(err, ERR_EXISTS, "make directory '%s': there is a file of this name", path);
    return 0;
}

int fd_mkdirs(const char *path, mode_t mode, struct err *err)
{
    struct buf whole CLEANUP(buf_fini) = BUF_INIT(PATH_MAX - 1);
    char *p;
    int rc;

    buf_add_c(&whole, path);
    if (buf_error(&whole) < 0)
        return err_errno(err, ENAMETOOLONG, "make directory '%s'", path);
    buf_c(&whole);
    /* Each prefix that ends before a slash, the root excepted. */
    for (p = whole.p; p && *p; p++) {
        if (*p != '/' || p == whole.p)
            continue;
        *p = '\0';
        rc = fd_mkdir(whole.p, mode, err);
        *p = '/';
        if (rc < 0)
            return rc;
    }
    return fd_mkdir(path, mode, err);
}

struct fd_tree {
    DIR *dirs[FD_TREE_DEPTH]; /* from the root of the tree down to where we are */
    char names[FD_TREE_DEPTH][NAME_MAX + 1];
    int depth;
    const char *path;
    struct err *err;
};

static int fd_tree_fail(const struct fd_tree *t, const char *name)
{
    return err_errno(t->err, errno, "remove '%s' below '%s'", name, t->path);
}

static int fd_tree_enter(struct fd_tree *t, int parent, const char *name)
{
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
    int fd;

    if (t->depth == FD_TREE_DEPTH)
        return err_set(t->err, ERR_TOOBIG, "remove '%s': more than %d directories deep", t->path,
                       FD_TREE_DEPTH);
    fd = openat(parent, name, flags);
    if (fd < 0)
        return fd_tree_fail(t, name);
    t->dirs[t->depth] = fdopendir(fd);
    if (!t->dirs[t->depth]) {
        close(fd);
        return fd_tree_fail(t, name);
    }
    snprintf(t->names[t->depth], sizeof(t->names[0]), "%s", name);
    t->depth++;
    return 0;
}

/* The innermost directory is empty: closes it and removes it from its parent. */
static int fd_tree_leave(struct fd_tree *t)
{
    closedir(t->dirs[--t->depth]);
    if (t->depth == 0)
        return 0;
    if (unlinkat(dirfd(t->dirs[t->depth - 1]), t->names[t->depth], AT_REMOVEDIR) != 0)
        return fd_tree_fail(t, t->names[t->depth]);
    return 0;
}

/* Handles the next entry of the innermost directory. */
static int fd_tree_step(struct fd_tree *t)
{
    DIR *dir = t->dirs[t->depth - 1];
    struct dirent *e;

    errno = 0;
    e = readdir(dir);
    if (!e)
        return errno ? fd_tree_fail(t, t->names[t->depth - 1]) : fd_tree_leave(t);
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
        return 0;
    if (unlinkat(dirfd(dir), e->d_name, 0) == 0 || errno == ENOENT)
        return 0;
    /* What Linux says for a directory. */
    if (errno != EISDIR)
        return fd_tree_fail(t, e->d_name);
    return fd_tree_enter(t, dirfd(dir), e->d_name);
}

int fd_remove_tree(const char *path, struct err *err)
{
    struct fd_tree *t;
    int rc;

    if (unlink(path) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR)
        return err_errno(err, errno, "remove '%s'", path);
    t = NEW(struct fd_tree);
    t->path = path;
    t->err = err;
    rc = fd_tree_enter(t, AT_FDCWD, path);
    while (rc == 0 && t->depth > 0)
        rc = fd_tree_step(t);
    while (t->depth > 0)
        closedir(t->dirs[--t->depth]);
    free(t);
    if (rc == 0 && rmdir(path) != 0)
        rc = err_errno(err, errno, "remove '%s'", path);
    return rc;
}
