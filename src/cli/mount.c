/*
 * The private mount.  unshare(2), mount_namespaces(7), user_namespaces(7).
 */
#include "cli/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/fd.h"

static bool write_text(const char *path, const char *text)
{
    int fd CLEANUP(fd_closep) = open(path, O_WRONLY | O_CLOEXEC);

    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* Enters a user namespace in which this user is the same user, with the right to mount. */
static bool enter_user_namespace(struct arena *a)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();

    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return false;
    return write_text("/proc/self/setgroups", "deny") &&
           write_text("/proc/self/uid_map", arena_fmt(a, "%d %d 1", (int)uid, (int)uid).p) &&
           write_text("/proc/self/gid_map", arena_fmt(a, "%d %d 1", (int)gid, (int)gid).p);
}

static bool mount_tmpfs(struct mount_dir *m, struct arena *a)
{
    if (unshare(CLONE_NEWNS) < 0 && !enter_user_namespace(a))
        return false;
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
        return false;
    return mount("tmpfs", m->path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                 "size=4m,mode=0700") == 0;
}

static bool is_on_tmpfs(const char *dir)
{
    struct statfs fs;

    return statfs(dir, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

int mount_open(struct mount_dir *m, struct arena *a, struct err *err)
{
    const char *runtime = secure_getenv("XDG_RUNTIME_DIR");
    const char *parent = runtime && access(runtime, W_OK) == 0 ? runtime : "/tmp";
    char *path = arena_cstr(a, arena_fmt(a, "%s/connectors-exec-XXXXXX", parent));

    if (!mkdtemp(path))
        return err_errno(err, errno, "make a directory in '%s'", parent);
    m->path = path;
    if (mount_tmpfs(m, a)) {
        m->is_tmpfs = true;
        return 0;
    }
    if (parent == runtime && is_on_tmpfs(path))
        return 0;
    rmdir(path);
    m->path = NULL;
    return err_set(
        err, ERR_FORBIDDEN,
        "this system allows no private mount and $XDG_RUNTIME_DIR is no tmpfs; allow user "
        "namespaces or set $XDG_RUNTIME_DIR to a directory on a tmpfs");
}

void mount_close(struct mount_dir *m)
{
    if (!m->path)
        return;
    if (m->is_tmpfs)
        umount2(m->path, MNT_DETACH);
    (void)!fd_remove_tree(m->path, NULL);
    m->path = NULL;
}
