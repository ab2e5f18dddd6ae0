/*
 * Files of the data directory.  The lock is an open file description lock, so it ends with the process whatever
 * happens to it.
 */
#include "supervisor/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/fd.h"

const char *layout_path(struct arena *a, const char *dir, const char *name)
{
    return arena_fmt(a, "%s/%s", dir, name).p;
}

void layout_init(struct layout *l, struct arena *a, struct str dir)
{
    const char *d = arena_cstr(a, dir);

    *l = (struct layout){
        .dir = str_c(d),
        .kubeconfig = layout_path(a, d, "kubeconfig"),
        .endpoints = layout_path(a, d, "endpoints.json"),
        .pki = layout_path(a, d, "pki"),
        .log = layout_path(a, d, "log"),
        .run = layout_path(a, d, "run"),
        .lock = layout_path(a, d, "run.lock"),
        .audit = layout_path(a, d, "audit.jsonl"),
    };
}

int layout_make(const struct layout *l, struct err *err)
{
    const char *const dirs[] = {l->dir.p, l->pki, l->log, l->run};

    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        int rc = fd_mkdirs(dirs[i], 0700, err);

        if (rc < 0)
            return rc;
    }
    return 0;
}

int layout_lock(const struct layout *l, int *ret_fd, struct err *err)
{
    int fd CLEANUP(fd_closep) = open(l->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    char text[32];

    if (fd < 0)
        return err_errno(err, errno, "open '%s'", l->lock);
    if (fcntl(fd, F_OFD_SETLK, &(struct flock){.l_type = F_WRLCK}) < 0)
        return err_set(err, ERR_BUSY,
                       "data directory '%s' is in use by process %d; `connectors stop` ends it",
                       l->dir.p, (int)layout_owner(l));
    int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n)
        return err_errno(err, errno, "write '%s'", l->lock);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

pid_t layout_owner(const struct layout *l)
{
    int fd CLEANUP(fd_closep) = open(l->lock, O_RDONLY | O_CLOEXEC);
    struct flock lock = {.l_type = F_RDLCK};
    char text[32];
    uint64_t pid;
    ssize_t n;

    if (fd < 0 || fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
        return 0;
    n = pread(fd, text, sizeof(text), 0);
    if (n <= 0 || str_to_u64(str_trim_space(str_n(text, (size_t)n)), INT32_MAX, &pid) < 0)
        return 0;
    return (pid_t)pid;
}
