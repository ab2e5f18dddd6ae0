/*
 * Files and trees in a temporary directory: limits, atomic writes, links, depth.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/mem.h"

/* A directory of its own for each test; its path in `dir`. */
static void dir_make(struct buf *dir)
{
    buf_init(dir, 200);
    buf_addf(dir, "%s/fd-test-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    buf_c(dir);
    CHECK(mkdtemp(dir->p) != NULL);
}

static void dir_drop(struct buf *dir)
{
    struct err err = {0};

    CHECK_OK(fd_remove_tree(buf_c(dir), &err));
    CHECK(access(buf_c(dir), F_OK) != 0);
    buf_fini(dir);
}

/* "dir/name", in one of a few rotating buffers. */
static const char *in_dir(struct buf *dir, const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, 512, "%s/%s", buf_c(dir), name);
    return path;
}

static int count_entries(const char *path)
{
    struct buf command CLEANUP(buf_fini) = BUF_INIT(600);
    FILE *f;
    int n = 0;

    buf_addf(&command, "ls -A '%s'", path);
    f = popen(buf_c(&command), "r");
    for (int c; (c = fgetc(f)) != EOF;)
        n += c == '\n';
    pclose(f);
    return n;
}

TEST(fd_file_is_written_and_read)
{
    struct buf dir, got = BUF_INIT(100);
    struct err err = {0};
    struct stat st;
    mode_t old = umask(0077);

    dir_make(&dir);
    CHECK_OK(fd_write_file(in_dir(&dir, "f"), STR("a\0b"), 0644, &err));
    CHECK_OK(fd_read_file(in_dir(&dir, "f"), &got, &err));
    CHECK_STR(buf_str(&got), STR("a\0b"));
    CHECK(stat(in_dir(&dir, "f"), &st) == 0);
    CHECK_INT(st.st_mode & 07777, 0644);

    CHECK_OK(fd_write_file(in_dir(&dir, "f"), STR("new"), 0600, &err));
    buf_reset(&got);
    CHECK_OK(fd_read_file(in_dir(&dir, "f"), &got, &err));
    CHECK_STR(buf_str(&got), "new");
    CHECK(stat(in_dir(&dir, "f"), &st) == 0);
    CHECK_INT(st.st_mode & 07777, 0600);
    CHECK_INT(count_entries(buf_c(&dir)), 1);
    umask(old);
    buf_fini(&got);
    dir_drop(&dir);
}

TEST(fd_read_respects_the_maximum)
{
    struct buf dir, got = BUF_INIT(5);
    struct err err = {0};

    dir_make(&dir);
    CHECK_OK(fd_write_file(in_dir(&dir, "5"), STR("12345"), 0600, &err));
    CHECK_OK(fd_write_file(in_dir(&dir, "6"), STR("123456"), 0600, &err));
    CHECK_OK(fd_write_file(in_dir(&dir, "0"), STR(""), 0600, &err));
    CHECK_OK(fd_read_file(in_dir(&dir, "5"), &got, &err));
    CHECK_STR(buf_str(&got), "12345");
    CHECK_OK(fd_read_file(in_dir(&dir, "0"), &got, &err));
    buf_reset(&got);
    CHECK_ERR(fd_read_file(in_dir(&dir, "6"), &got, &err), ERR_TOOBIG);
    CHECK_INT(err.code, ERR_TOOBIG);
    CHECK(str_find(str_c(err.msg), STR("more than 5 bytes")) >= 0);
    buf_fini(&got);
    buf_init(&got, 0);
    CHECK_OK(fd_read_file(in_dir(&dir, "0"), &got, &err));
    CHECK_ERR(fd_read_file(in_dir(&dir, "5"), &got, NULL), ERR_TOOBIG);
    buf_fini(&got);
    dir_drop(&dir);
}

TEST(fd_read_of_files_without_a_size)
{
    struct buf got = BUF_INIT(1 << 20);

    CHECK_OK(fd_read_file("/proc/self/status", &got, NULL));
    CHECK(str_starts(buf_str(&got), STR("Name:")));
    buf_fini(&got);
}

TEST(fd_failures_name_the_path)
{
    struct buf dir, got = BUF_INIT(5);
    struct err err = {0};

    dir_make(&dir);
    CHECK_ERR(fd_read_file(in_dir(&dir, "none"), &got, &err), ERR_NOTFOUND);
    CHECK(str_find(str_c(err.msg), STR("/none': No such file")) > 0);
    CHECK_ERR(fd_read_file(buf_c(&dir), &got, &err), ERR_IO);
    CHECK_ERR(fd_write_file(in_dir(&dir, "none/f"), STR("x"), 0600, &err), ERR_NOTFOUND);
    CHECK_ERR(fd_write_file(buf_c(&dir), STR("x"), 0600, &err), ERR_IO);
    CHECK(str_find(str_c(err.msg), STR("rename")) >= 0);
    CHECK_ERR(fd_write_all(-1, STR("x"), &err), ERR_IO);
    CHECK_INT(err.code, ERR_IO);
    CHECK_INT(count_entries(buf_c(&dir)), 0);
    buf_fini(&got);
    dir_drop(&dir);
}

TEST(fd_a_path_that_is_too_long_is_refused)
{
    char path[5000];

    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    CHECK_ERR(fd_write_file(path, STR("x"), 0600, NULL), ERR_INVALID);
    CHECK_ERR(fd_mkdirs(path, 0700, NULL), ERR_INVALID);
}

TEST(fd_write_replaces_a_link_not_its_target)
{
    struct buf dir, got = BUF_INIT(100);
    struct stat st;

    dir_make(&dir);
    CHECK_OK(fd_write_file(in_dir(&dir, "target"), STR("old"), 0600, NULL));
    CHECK(symlink("target", in_dir(&dir, "link")) == 0);
    CHECK_OK(fd_write_file(in_dir(&dir, "link"), STR("new"), 0600, NULL));
    CHECK_OK(fd_read_file(in_dir(&dir, "target"), &got, NULL));
    CHECK_STR(buf_str(&got), "old");
    CHECK(lstat(in_dir(&dir, "link"), &st) == 0 && S_ISREG(st.st_mode));
    buf_fini(&got);
    dir_drop(&dir);
}

static void *read_slowly(void *cookie)
{
    static char sink[1 << 16];
    size_t total = 0;
    ssize_t n;

    while ((n = read(*(int *)cookie, sink, sizeof(sink))) > 0)
        total += (size_t)n;
    return (void *)total;
}

TEST(fd_write_all_waits_for_a_full_pipe)
{
    size_t n = 1 << 20;
    char *bytes = xcalloc(1, n);
    pthread_t reader;
    void *total;
    int fds[2];

    CHECK(pipe2(fds, O_CLOEXEC) == 0);
    CHECK(fcntl(fds[1], F_SETFL, O_NONBLOCK) == 0);
    pthread_create(&reader, NULL, read_slowly, &fds[0]);
    CHECK_OK(fd_write_all(fds[1], str_n(bytes, n), NULL));
    close(fds[1]);
    pthread_join(reader, &total);
    CHECK_INT((size_t)total, n);
    close(fds[0]);
    free(bytes);
}

TEST(fd_mkdirs_makes_parents)
{
    struct buf dir;
    struct err err = {0};
    struct stat st;

    dir_make(&dir);
    CHECK_OK(fd_mkdirs(in_dir(&dir, "a/b/c"), 0700, &err));
    CHECK(stat(in_dir(&dir, "a/b/c"), &st) == 0 && S_ISDIR(st.st_mode));
    CHECK_INT(st.st_mode & 07777, 0700);
    CHECK_OK(fd_mkdirs(in_dir(&dir, "a/b/c"), 0700, &err));
    CHECK_OK(fd_mkdirs(in_dir(&dir, "a//b/d/"), 0700, &err));
    CHECK_OK(fd_mkdirs("/", 0700, &err));
    CHECK_OK(fd_mkdirs(".", 0700, &err));
    CHECK_ERR(fd_mkdirs("", 0700, &err), ERR_NOTFOUND);
    CHECK_OK(fd_write_file(in_dir(&dir, "file"), STR("x"), 0600, &err));
    CHECK_ERR(fd_mkdirs(in_dir(&dir, "file"), 0700, &err), ERR_EXISTS);
    CHECK_ERR(fd_mkdirs(in_dir(&dir, "file/x"), 0700, &err), ERR_EXISTS);
    dir_drop(&dir);
}

TEST(fd_remove_tree_does_not_follow_links)
{
    struct buf dir, got = BUF_INIT(100);

    dir_make(&dir);
    CHECK_OK(fd_mkdirs(in_dir(&dir, "keep/sub"), 0700, NULL));
    CHECK_OK(fd_write_file(in_dir(&dir, "keep/f"), STR("x"), 0600, NULL));
    CHECK_OK(fd_mkdirs(in_dir(&dir, "tree/a/b"), 0700, NULL));
    CHECK_OK(fd_write_file(in_dir(&dir, "tree/a/f"), STR("x"), 0600, NULL));
    CHECK(symlink("../keep", in_dir(&dir, "tree/link")) == 0);
    CHECK(symlink("../../keep/f", in_dir(&dir, "tree/a/link")) == 0);
    CHECK_OK(fd_remove_tree(in_dir(&dir, "tree"), NULL));
    CHECK(access(in_dir(&dir, "tree"), F_OK) != 0);
    CHECK_OK(fd_read_file(in_dir(&dir, "keep/f"), &got, NULL));
    CHECK(access(in_dir(&dir, "keep/sub"), F_OK) == 0);

    CHECK(symlink("keep", in_dir(&dir, "link")) == 0);
    CHECK_OK(fd_remove_tree(in_dir(&dir, "link"), NULL));
    CHECK(access(in_dir(&dir, "keep/f"), F_OK) == 0);
    CHECK_OK(fd_remove_tree(in_dir(&dir, "none"), NULL));
    buf_fini(&got);
    dir_drop(&dir);
}

TEST(fd_remove_tree_has_a_depth_limit)
{
    struct buf dir, path = BUF_INIT(2000);
    struct err err = {0};

    dir_make(&dir);
    buf_add_str(&path, buf_str(&dir));
    /* The directory itself is one; 128 are allowed. */
    for (int i = 1; i < 128; i++)
        buf_add_c(&path, "/d");
    CHECK_OK(fd_mkdirs(buf_c(&path), 0700, &err));
    CHECK_OK(fd_remove_tree(buf_c(&dir), &err));

    CHECK_OK(fd_mkdirs(buf_c(&path), 0700, &err));
    buf_add_c(&path, "/d");
    CHECK_OK(fd_mkdirs(buf_c(&path), 0700, &err));
    CHECK_ERR(fd_remove_tree(buf_c(&dir), &err), ERR_TOOBIG);
    CHECK(access(buf_c(&path), F_OK) == 0);
    CHECK(rmdir(buf_c(&path)) == 0);
    buf_fini(&path);
    dir_drop(&dir);
}
