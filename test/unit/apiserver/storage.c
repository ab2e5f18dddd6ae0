/*
 * The log: order, conflicts, replay, compaction, and what a kill -9 leaves behind.
 */
#include "apiserver/storage.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apiserver/storage_priv.h"
#include "base/fd.h"
#include "base/map.h"
#include "base/time.h"
#include "unit.h"

#define CRASH_ROUNDS 6

struct fixture {
    char dir[64];
    char path[80];
    struct loop *loop;
    struct storage *storage;
    struct map *loaded; /* key -> revision as a number */
    uint64_t last_rev;
    size_t rows;
    bool is_ordered;
    uint64_t compacted;
    struct err failure;
};

static void on_load(void *cookie, const struct storage_row *row)
{
    struct fixture *f = cookie;

    f->is_ordered = f->is_ordered && row->rev > f->last_rev;
    f->last_rev = row->rev;
    f->rows++;
    if (row->is_delete)
        map_del(f->loaded, row->key);
    else
        map_put(f->loaded, row->key, (void *)(uintptr_t)row->rev);
}

static void on_compact(void *cookie, uint64_t rev)
{
    struct fixture *f = cookie;

    f->compacted = rev;
}

static void on_failure(void *cookie, const struct err *err)
{
    struct fixture *f = cookie;

    f->failure = *err;
}

static int reopen(struct fixture *f, uint64_t keep, struct err *err)
{
    struct storage_conf conf = {
        .path = f->path,
        .loop = f->loop,
        .keep_revisions = keep,
        .compact_every = 10,
        .on_load = on_load,
        .on_compact = on_compact,
        .on_failure = on_failure,
        .cookie = f,
    };

    map_free(f->loaded);
    f->loaded = map_new();
    f->last_rev = 0;
    f->rows = 0;
    f->is_ordered = true;
    return storage_open(&conf, &f->storage, err);
}

static void setup(struct fixture *f)
{
    *f = (struct fixture){0};
    snprintf(f->dir, sizeof(f->dir), "/tmp/unit-storage-XXXXXX");
    CHECK(mkdtemp(f->dir) != NULL);
    snprintf(f->path, sizeof(f->path), "%s/state.db", f->dir);
    f->loop = loop_new(NULL);
}

static void teardown(struct fixture *f)
{
    storage_close(f->storage);
    map_free(f->loaded);
    loop_free(f->loop);
    CHECK_OK(fd_remove_tree(f->dir, NULL));
}

struct write {
    struct storage_txn txn;
    bool done;
    int rc;
    uint64_t rev;
};

static void on_commit(struct storage_txn *t, int rc, uint64_t rev)
{
    struct write *w = CONTAINER_OF(t, struct write, txn);

    w->done = true;
    w->rc = rc;
    w->rev = rev;
}

static void submit(struct fixture *f, struct write *w, struct str key, uint64_t expect, bool del)
{
    *w = (struct write){.txn = {.key = key,
                                .expect_rev = expect,
                                .is_delete = del,
                                .value = STR("{}"),
                                .on_commit = on_commit}};
    storage_submit(f->storage, &w->txn);
}

static void wait_for(struct fixture *f, struct write *w)
{
    int64_t end = time_mono_us() + 10 * TIME_US_PER_S;

    while (!w->done && time_mono_us() < end)
        loop_step(f->loop, 100 * TIME_US_PER_MS);
    CHECK(w->done);
}

static struct write put(struct fixture *f, struct str key, uint64_t expect)
{
    struct write w;

    submit(f, &w, key, expect, false);
    wait_for(f, &w);
    return w;
}

static struct write del(struct fixture *f, struct str key, uint64_t expect)
{
    struct write w;

    submit(f, &w, key, expect, true);
    wait_for(f, &w);
    return w;
}

TEST(storage_commits_in_order_and_replays)
{
    struct fixture f;

    setup(&f);
    CHECK_OK(reopen(&f, 100, NULL));
    struct write a = put(&f, STR("/a"), 0);
    struct write b = put(&f, STR("/b"), 0);
    struct write a2 = put(&f, STR("/a"), a.rev);
    CHECK_OK(a.rc);
    CHECK(b.rev > a.rev && a2.rev > b.rev);
    CHECK_INT(storage_rev(f.storage), a2.rev);
    CHECK_OK(del(&f, STR("/b"), b.rev).rc);
    storage_close(f.storage);
    CHECK_OK(reopen(&f, 100, NULL));
    CHECK(f.is_ordered);
    CHECK_INT(f.rows, 4);
    CHECK_INT((uintptr_t)map_get(f.loaded, STR("/a")), a2.rev);
    CHECK(!map_get(f.loaded, STR("/b")));
    teardown(&f);
}

TEST(storage_refuses_what_is_not_current)
{
    struct fixture f;

    setup(&f);
    CHECK_OK(reopen(&f, 100, NULL));
    struct write a = put(&f, STR("/a"), 0);
    struct write again = put(&f, STR("/a"), 0);
    CHECK_ERR(again.rc, ERR_CONFLICT);
    CHECK_INT(again.rev, a.rev);
    CHECK_ERR(put(&f, STR("/a"), a.rev + 1).rc, ERR_CONFLICT);
    CHECK_ERR(put(&f, STR("/none"), 5).rc, ERR_CONFLICT);
    CHECK_INT(put(&f, STR("/none"), 5).rev, 0);
    CHECK_ERR(del(&f, STR("/none"), 0).rc, ERR_CONFLICT);
    CHECK_ERR(del(&f, STR("/a"), a.rev + 7).rc, ERR_CONFLICT);
    CHECK_INT(storage_rev(f.storage), a.rev);
    teardown(&f);
}

TEST(storage_lets_one_of_a_batch_win)
{
    struct fixture f;
    struct write w[8];
    int won = 0;

    setup(&f);
    CHECK_OK(reopen(&f, 100, NULL));
    for (size_t i = 0; i < ARRAY_LEN(w); i++)
        submit(&f, &w[i], STR("/same"), 0, false);
    for (size_t i = 0; i < ARRAY_LEN(w); i++) {
        wait_for(&f, &w[i]);
        won += w[i].rc == 0;
    }
    CHECK_INT(won, 1);
    CHECK_OK(w[0].rc);
    teardown(&f);
}

TEST(storage_revisions_do_not_go_back_after_a_deleted_key_was_compacted)
{
    struct fixture f;
    uint64_t last = 0;

    setup(&f);
    CHECK_OK(reopen(&f, 1, NULL));
    for (int i = 0; i < 40; i++) {
        struct write w = put(&f, STR("/k"), 0);
        last = del(&f, STR("/k"), w.rev).rev;
    }
    storage_close(f.storage);
    CHECK_OK(reopen(&f, 1, NULL));
    CHECK(f.compacted > 0);
    CHECK_INT(storage_rev(f.storage), last);
    CHECK(put(&f, STR("/k"), 0).rev > last);
    teardown(&f);
}

TEST(storage_compaction_keeps_live_rows_and_the_window)
{
    struct fixture f;
    struct write once, w = {0};
    uint64_t rev = 0;

    setup(&f);
    CHECK_OK(reopen(&f, 5, NULL));
    once = put(&f, STR("/once"), 0);
    for (int i = 0; i < 100; i++) {
        w = put(&f, STR("/often"), rev);
        rev = w.rev;
    }
    storage_close(f.storage);
    CHECK_OK(reopen(&f, 5, NULL));
    CHECK(f.rows < 60);
    CHECK_INT((uintptr_t)map_get(f.loaded, STR("/once")), once.rev);
    CHECK_INT((uintptr_t)map_get(f.loaded, STR("/often")), rev);
    CHECK(storage_compact_rev(f.storage) > 0);
    CHECK(storage_compact_rev(f.storage) <= rev - 5);
    /* What lies behind the compaction is whole: each revision once. */
    CHECK(f.rows >= rev - storage_compact_rev(f.storage));
    teardown(&f);
}

/* The writer is idle: nobody else uses the handle. */
static void limit_pages(struct fixture *f, const char *pragma)
{
    CHECK_INT(sqlite3_exec(f->storage->db.sql, pragma, NULL, NULL, NULL), SQLITE_OK);
}

TEST(storage_survives_a_full_disk)
{
    struct fixture f;
    struct storage_txn batch[3];
    static char large[100000];
    struct err err;
    struct write w;
    uint64_t kept;
    char key[32];
    int n = 0;

    setup(&f);
    CHECK_OK(reopen(&f, 1000, NULL));
    kept = put(&f, STR("kept"), 0).rev;
    limit_pages(&f, "PRAGMA max_page_count=1"); /* as many as there are */
    do {
        snprintf(key, sizeof(key), "key-%d", n++);
        w = put(&f, str_c(key), 0);
    } while (w.rc == 0 && n < 10000);
    CHECK_INT(w.rc, -ERR_UNAVAILABLE);
    CHECK_INT(f.failure.code, ERR_OK);

    /* Nothing of a refused batch stands: neither what came before the write that did not fit nor that. */
    batch[0] = (struct storage_txn){
        .next = &batch[1], .key = STR("kept"), .expect_rev = kept, .is_delete = true};
    batch[1] = (struct storage_txn){.next = &batch[2], .key = STR("kept"), .value = STR("{}")};
    batch[2] = (struct storage_txn){.key = str_c(key), .value = str_n(large, sizeof(large))};
    CHECK_INT(storage_db_commit(&f.storage->db, batch, &err), -ERR_UNAVAILABLE);
    for (size_t i = 0; i < ARRAY_LEN(batch); i++)
        CHECK_INT(batch[i].rc, -ERR_UNAVAILABLE);
    CHECK(batch[0].next == &batch[1] && batch[1].next == &batch[2] && !batch[2].next);

    limit_pages(&f, "PRAGMA max_page_count=1000000");
    CHECK_OK(put(&f, str_c(key), 0).rc);
    CHECK_INT(put(&f, STR("kept"), 0).rc, -ERR_CONFLICT);
    CHECK_OK(put(&f, STR("kept"), kept).rc);
    storage_close(TAKE(f.storage));
    CHECK_OK(reopen(&f, 1000, NULL));
    CHECK(map_get(f.loaded, str_c(key)) != NULL);
    CHECK(f.is_ordered);
    teardown(&f);
}

TEST(storage_refuses_a_second_process_and_foreign_files)
{
    struct fixture f;
    struct err err = {0};

    setup(&f);
    CHECK_OK(fd_write_file(f.path,
                           STR("this is not a database, but long enough to be read as one: "
                               "....................................................."),
                           0600, NULL));
    CHECK_ERR(reopen(&f, 5, &err), ERR_INVALID);
    CHECK_OK(fd_remove_tree(f.path, NULL));
    CHECK_OK(reopen(&f, 5, NULL));
    put(&f, STR("/a"), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct fixture other = f;
        other.storage = NULL;
        other.loaded = NULL;
        other.loop = loop_new(NULL);
        _exit(reopen(&other, 5, NULL) == -ERR_BUSY ? 0 : 1);
    }
    int status = 1;
    waitpid(pid, &status, 0);
    CHECK_INT(status, 0);
    teardown(&f);
}

/* --- kill -9 */

/* Writes keys as fast as it can, tells each acknowledged one through the pipe, until it is killed. */
static void crash_child(struct fixture *f, int round, int out)
{
    struct write w[16];
    char keys[16][32];
    int n = 0;

    if (reopen(f, 100000, NULL) < 0)
        _exit(1);
    for (;;) {
        for (size_t i = 0; i < ARRAY_LEN(w); i++) {
            snprintf(keys[i], sizeof(keys[i]), "/%d/%d", round, n++);
            submit(f, &w[i], str_c(keys[i]), 0, false);
        }
        for (size_t i = 0; i < ARRAY_LEN(w); i++) {
            while (!w[i].done)
                loop_step(f->loop, TIME_US_PER_S);
            char line[64];
            int len =
                snprintf(line, sizeof(line), "%s %llu\n", keys[i], (unsigned long long)w[i].rev);
            if (w[i].rc != 0 || write(out, line, (size_t)len) != len)
                _exit(1);
        }
    }
}

/* Every acknowledged line is in the replayed log with its revision; returns how many. */
static size_t check_acknowledged(struct fixture *f, struct str text, uint64_t *max_rev)
{
    size_t n = 0;

    while (text.n) {
        if (str_index(text, '\n') < 0)
            break;
        struct str line = str_cut(&text, '\n');
        struct str key = str_cut(&line, ' ');
        uint64_t rev = 0;
        CHECK_OK(str_to_u64(line, UINT64_MAX, &rev));
        if (!CHECK_INT((uintptr_t)map_get(f->loaded, key), rev))
            break;
        *max_rev = MAX(*max_rev, rev);
        n++;
    }
    return n;
}

static void read_until(int fd, struct buf *b, size_t bytes)
{
    ssize_t n = 1;

    while (b->len < bytes && n > 0) {
        char *p = buf_reserve(b, 4096);
        n = read(fd, p, 4096);
        if (n > 0)
            buf_commit(b, (size_t)n);
    }
}

TEST(storage_loses_nothing_acknowledged_when_killed)
{
    struct fixture f;
    uint64_t max_rev = 0;

    setup(&f);
    for (int round = 0; round < CRASH_ROUNDS; round++) {
        struct buf acked CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);
        int fds[2];
        int status;
        CHECK_OK(pipe(fds));
        pid_t pid = fork();
        if (pid == 0) {
            close(fds[0]);
            f.loop = loop_new(NULL);
            crash_child(&f, round, fds[1]);
        }
        close(fds[1]);
        read_until(fds[0], &acked, (size_t)(2000 + 700 * round));
        kill(pid, SIGKILL);
        read_until(fds[0], &acked, SIZE_MAX);
        close(fds[0]);
        waitpid(pid, &status, 0);
        CHECK(WIFSIGNALED(status));
        CHECK_OK(reopen(&f, 100000, NULL));
        CHECK(f.is_ordered);
        CHECK(check_acknowledged(&f, buf_str(&acked), &max_rev) > 50);
        CHECK(storage_rev(f.storage) >= max_rev);
        CHECK(put(&f, STR("/probe"), (uintptr_t)map_get(f.loaded, STR("/probe"))).rev > max_rev);
        storage_close(f.storage);
        f.storage = NULL;
    }
    teardown(&f);
}
