/*
 * The data directory: names, modes, the lock.
 */
#include "unit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "supervisor/layout.h"

struct place {
    struct arena *arena;
    char dir[64];
    struct layout layout;
};

static void place_make(struct place *p)
{
    *p = (struct place){.arena = arena_new(), .dir = "/tmp/layout-test-XXXXXX"};
    CHECK(mkdtemp(p->dir) != NULL);
    layout_init(&p->layout, p->arena, str_c(p->dir));
}

static void place_drop(struct place *p)
{
    CHECK_OK(fd_remove_tree(p->dir, NULL));
    arena_free(p->arena);
}

static int mode_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? (int)(st.st_mode & 07777) : -1;
}

TEST(layout_names_are_absolute)
{
    struct arena *a = arena_new();
    struct layout l;

    layout_init(&l, a, STR("/d"));
    CHECK_STR(l.kubeconfig, "/d/kubeconfig");
    CHECK_STR(l.endpoints, "/d/endpoints.json");
    CHECK_STR(l.audit, "/d/audit.jsonl");
    layout_init(&l, a, STR("some/where"));
    CHECK(str_starts(l.dir, STR("/")));
    CHECK(str_ends(l.dir, STR("/some/where")));
    arena_free(a);
}

TEST(layout_directories_are_private)
{
    struct place p;

    place_make(&p);
    CHECK(chmod(p.dir, 0755) == 0);
    CHECK_OK(layout_make(&p.layout, NULL));
    CHECK_INT(mode_of(p.dir), 0700);
    CHECK_INT(mode_of(p.layout.pki), 0700);
    CHECK_INT(mode_of(p.layout.log), 0700);
    CHECK_OK(layout_make(&p.layout, NULL));
    place_drop(&p);
}

TEST(layout_refuses_what_others_share)
{
    struct err err = {0};
    struct place p;

    place_make(&p);
    CHECK(chmod(p.dir, 01777) == 0);
    CHECK_ERR(layout_make(&p.layout, &err), ERR_FORBIDDEN);
    CHECK(str_find(str_c(err.msg), str_c(p.dir)) >= 0);
    CHECK_INT(mode_of(p.dir), 01777);
    CHECK(access(p.layout.pki, F_OK) != 0);
    place_drop(&p);
}

TEST(layout_refuses_a_file)
{
    struct arena *a = arena_new();
    struct layout l;

    layout_init(&l, a, STR("/dev/null/d"));
    CHECK(layout_make(&l, NULL) < 0);
    arena_free(a);
}

/* What another process gets: 0, or the error code. */
static int lock_elsewhere(const struct layout *l, char *msg, size_t cap)
{
    int ends[2], status = 0;
    ssize_t n;
    pid_t pid;

    CHECK(pipe(ends) == 0);
    pid = fork();
    if (pid == 0) {
        struct err err = {0};
        int fd, rc = layout_lock(l, &fd, &err);

        (void)!write(ends[1], err.msg, strlen(err.msg));
        _exit(rc < 0 ? -rc : 0);
    }
    close(ends[1]);
    n = read(ends[0], msg, cap - 1);
    msg[n > 0 ? n : 0] = '\0';
    close(ends[0]);
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

TEST(layout_lock_names_its_owner)
{
    char msg[ERR_MSG_BYTES], pid[32];
    struct place p;
    int fd = -1;

    place_make(&p);
    CHECK_OK(layout_make(&p.layout, NULL));
    CHECK_INT(layout_owner(&p.layout), 0);
    CHECK_INT(lock_elsewhere(&p.layout, msg, sizeof(msg)), 0);
    CHECK_INT(layout_owner(&p.layout), 0);
    CHECK_OK(layout_lock(&p.layout, &fd, NULL));
    CHECK_INT(layout_owner(&p.layout), getpid());
    CHECK_INT(lock_elsewhere(&p.layout, msg, sizeof(msg)), ERR_BUSY);
    snprintf(pid, sizeof(pid), "process %d;", (int)getpid());
    CHECK(str_find(str_c(msg), str_c(pid)) >= 0);
    close(fd);
    CHECK_INT(layout_owner(&p.layout), 0);
    place_drop(&p);
}

TEST(layout_lock_with_a_strange_file)
{
    struct place p;
    int fd = -1;

    place_make(&p);
    CHECK_OK(fd_write_file(p.layout.lock, STR("no number\n"), 0600, NULL));
    CHECK_INT(layout_owner(&p.layout), 0);
    CHECK_OK(layout_lock(&p.layout, &fd, NULL));
    CHECK_INT(layout_owner(&p.layout), getpid());
    CHECK(ftruncate(fd, 0) == 0);
    CHECK_INT(layout_owner(&p.layout), 0);
    close(fd);
    place_drop(&p);
}
