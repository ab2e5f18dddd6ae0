/*
 * The log: every change of every object, in one order, on disk (SQLite, WAL, synchronous=FULL).
 *
 * Modelled on etcd as kine maps it to SQL: a change is a row whose id is the store's revision.  A
 * transaction names a key, the revision the writer believes current (0: the key must not exist) and a
 * new value or a deletion.  One writer thread takes all transactions that wait, runs them in one SQLite
 * transaction, commits, and posts the results to the loop: a group commit.  Nothing is reported before
 * its commit; nothing that was reported is lost.  A key-to-revision index in the writer's memory makes a
 * conflict check cost no query.
 *
 *   loop: storage_submit ─queue─> writer: BEGIN, checks + INSERTs, COMMIT ─post─> loop: on_commit*
 *
 * Compaction deletes superseded rows older than the kept window in small slices between batches.
 * Context: all functions on the loop thread; on_commit and on_load are called there.
 */
#ifndef APISERVER_STORAGE_H
#define APISERVER_STORAGE_H

#include "base/arena.h"
#include "base/err.h"
#include "ev/loop.h"

struct storage;

/* One queued change; the memory belongs to the caller and must stay until on_commit. */
struct storage_txn {
    struct storage_txn *next; /* private */
    struct str key;
    uint64_t expect_rev; /* current revision of the key; 0: must not exist */
    bool is_delete;
    struct str
        value; /* stored bytes; for a delete the last state, kept for watchers after a restart */
    /*
     * rc 0: committed as revision `rev`.  -ERR_CONFLICT: the key's revision is another one; `rev` is it
     * (0: it does not exist).  -ERR_UNAVAILABLE: the disk is full; nothing was written, a later try may work.
     * -ERR_IO: nothing was written (the server then stops).
     */
    void (*on_commit)(struct storage_txn *t, int rc, uint64_t rev);
    int rc;                   /* private */
    uint64_t rev;             /* private */
    uint64_t prev_create_rev; /* private: of the key before this change */
};

/* A row of the log as storage_open replays it. */
struct storage_row {
    uint64_t rev;
    uint64_t create_rev;
    struct str key;
    bool is_delete;
    struct str value;
};

struct storage_conf {
    const char *path;
    struct loop *loop;
    uint64_t keep_revisions; /* window that compaction leaves whole */
    uint64_t compact_every;  /* revisions between compactions */
    void (*on_load)(void *cookie,
                    const struct storage_row *row); /* during storage_open, rising revisions */
    void (*on_compact)(void *cookie,
                       uint64_t rev); /* history up to `rev` may be gone; also at open */
    void (*on_failure)(void *cookie,
                       const struct err *err); /* the disk failed; the server must stop */
    void *cookie;
};

/*
 * Opens or creates the database, replays it through on_load, and starts the writer.
 * Errors: IO, INVALID (not our database, or of a later format), BUSY (another process has it).
 */
int storage_open(const struct storage_conf *conf, struct storage **ret_storage,
                 struct err *err) MUST_USE;

/* Commits what is queued, ends the writer and closes.  Results still to be reported are reported from
 * inside.  NULL is allowed. */
void storage_close(struct storage *s);

/* Queues a change.  on_commit comes later from the loop, in commit order. */
void storage_submit(struct storage *s, struct storage_txn *t);

/* Revision of the last commit that was reported (or loaded). */
uint64_t storage_rev(const struct storage *s);

/* Revision up to which history may be gone. */
uint64_t storage_compact_rev(const struct storage *s);

#endif
