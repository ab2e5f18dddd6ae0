/*
 * What the two halves of the storage share: the queue between loop and writer, and the database handle.
 *
 * storage.c is the loop's half (submit, report), storage_db.c everything that touches SQLite.  Fields are
 * grouped by who may touch them; `lock` guards the queue only.
 */
#ifndef APISERVER_STORAGE_PRIV_H
#define APISERVER_STORAGE_PRIV_H

#include <pthread.h>
#include <sqlite3.h>

#include "apiserver/storage.h"
#include "base/map.h"

#define STORAGE_FORMAT 1           /* of the tables; in meta.format */
#define STORAGE_BATCH_MAX 1024     /* transactions per commit */
#define STORAGE_COMPACT_SLICE 1000 /* rows looked at between two batches */

enum storage_stmt {
    STMT_BEGIN,
    STMT_COMMIT,
    STMT_ROLLBACK,
    STMT_INSERT,
    STMT_META_SET,
    STMT_COMPACT,
    STMT_COUNT
};

/* The database: used by the opening thread until the writer starts, by the writer alone after that. */
struct storage_db {
    sqlite3 *sql;
    sqlite3_stmt *stmts[STMT_COUNT];
    struct map *index;       /* key -> struct index_entry: keys that exist */
    uint64_t rev;            /* last committed */
    uint64_t compact_rev;    /* history up to here may be gone */
    uint64_t compact_cursor; /* rows up to here were looked at in the running compaction */
};

/* Opens, makes or checks the tables, and reads the meta rows. */
int storage_db_open(struct storage_db *db, const char *path, struct err *err) MUST_USE;

/* Closes and clears. */
void storage_db_close(struct storage_db *db);

/* Calls on_load for every row in order and fills the index. */
int storage_db_replay(struct storage_db *db, const struct storage_conf *conf,
                      struct err *err) MUST_USE;

/*
 * Runs a chain of transactions in one commit; fills rc and rev of each.
 * Errors: UNAVAILABLE when the disk is full: all is as before, and a later commit may work; IO for good.
 */
int storage_db_commit(struct storage_db *db, struct storage_txn *batch, struct err *err) MUST_USE;

/* Records that history up to `rev` may go. */
int storage_db_compact_start(struct storage_db *db, uint64_t rev, struct err *err) MUST_USE;

/* Deletes superseded rows of one slice.  Returns 1 when more is left, 0 when done. */
int storage_db_compact_step(struct storage_db *db, struct err *err) MUST_USE;

struct storage {
    struct storage_conf conf;
    /* loop */
    uint64_t rev;         /* last reported */
    uint64_t compact_rev; /* last reported */
    size_t in_flight;     /* submitted, not reported */
    /* shared under `lock` */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct storage_txn *queue;
    struct storage_txn **queue_tail;
    bool stopping;
    bool failed; /* the disk failed: every later transaction is refused */
    /* writer */
    struct storage_db db;
    pthread_t writer;
    uint64_t next_compaction;
    bool compacting;
    bool full; /* the last commit found the disk full */
};

#endif
