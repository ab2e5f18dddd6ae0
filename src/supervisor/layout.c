/*
 * Files of the data directory.  The lock is an open file description lock, so it ends with the process whatever
 * happens to it.
 */
#include "supervisor/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/fd.h"

const char *layout_path(struct arena *a, const char *dir, const char *name)
{
    return arena_fmt(a, "%s/%s", dir, name).p;
}

/* Names printed for people are used in other directories too. */
static const char *absolute(struct arena *a, struct str dir)
{
    char here[PATH_MAX];

    if (str_starts(dir, STR("/")) || !getcwd(here, sizeof(here)))
        return arena_cstr(a, dir);
    return arena_fmt(a, "%s/%" STR_FMT, here, STR_ARG(dir)).p;
}

void layout_init(struct layout *l, struct arena *a, struct str dir)
{
    const char *d = absolute(a, dir);

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

/*
 * Keeps others out of a directory that was there before.  One that belongs to somebody else, or that many
 * share (/tmp), was named by mistake.
 */
static int close_to_others(const char *dir, struct err *err)
{
    struct stat st;

    if (stat(dir, &st) < 0)
        return err_errno(err, errno, "look at '%s'", dir);
    if ((st.st_mode & 077) == 0 && st.st_uid == geteuid())
        return 0;
    if (st.st_uid != geteuid() || (st.st_mode & S_ISVTX))
        return err_set(err, ERR_FORBIDDEN,
                       "data directory '%s' is shared or not yours; name another by --data-dir",
                       dir);
    if (chmod(dir, 0700) < 0)
        return err_errno(err, errno, "close '%s' to others", dir);
    return 0;
}

int layout_make(const struct layout *l, struct err *err)
{
    const char *const dirs[] = {l->dir.p, l->pki, l->log, l->run};

    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        int rc = fd_mkdirs(dirs[i], 0700, err);

        if (rc == 0)
            rc = close_to_others(dirs[i], err);
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
        return err_set(
            err, ERR_BUSY,
            "data directory '%s' is in use by process %d; `connectors stop --data-dir %s` ends it",
            l->dir.p, (int)layout_owner(l), l->dir.p);
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
