/*
 * The SQLite side of the storage: tables, replay, group commit, compaction.
 *
 * log(rev, key, create_rev, prev_rev, deleted, value) is append-only; `rev` is the revision.  The
 * statements are prepared once.  The map `index` holds the current revision of each key that exists, so
 * a conflict check is a lookup; it is changed only after the commit that makes it true, except within one batch,
 * whose changes are taken back when its commit fails.
 */
#include "apiserver/storage_priv.h"

#include <sys/stat.h>

#include "base/mem.h"

struct index_entry {
    uint64_t rev;
    uint64_t create_rev;
};

static const char *const SQL[STMT_COUNT] = {
    [STMT_BEGIN] = "BEGIN IMMEDIATE",
    [STMT_COMMIT] = "COMMIT",
    [STMT_ROLLBACK] = "ROLLBACK",
    [STMT_INSERT] = "INSERT INTO log(key, create_rev, prev_rev, deleted, value) VALUES(?,?,?,?,?)",
    [STMT_META_SET] = "INSERT OR REPLACE INTO meta(name, value) VALUES(?,?)",
    /* A row goes when it is superseded or a deletion itself, and its successor lies outside the window. */
    [STMT_COMPACT] =
        ("DELETE FROM log WHERE rev > ?1 AND rev <= ?2 AND (deleted = 1 OR EXISTS "
         "(SELECT 1 FROM log n WHERE n.key = log.key AND n.rev > log.rev AND n.rev <= ?3))"),
};

static const char SCHEMA[] =
    "CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS log("
    " rev INTEGER PRIMARY KEY AUTOINCREMENT,"
    " key TEXT NOT NULL,"
    " create_rev INTEGER NOT NULL,"
    " prev_rev INTEGER NOT NULL,"
    " deleted INTEGER NOT NULL,"
    " value BLOB NOT NULL) STRICT;"
    "CREATE INDEX IF NOT EXISTS log_key ON log(key, rev);";

static int db_error(const struct storage_db *db, struct err *err, const char *what)
{
    int code = sqlite3_errcode(db->sql);

    if (code == SQLITE_BUSY)
        return err_set(err, ERR_BUSY, "%s: another process has the database open", what);
    if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT)
        return err_set(err, ERR_INVALID, "%s: %s", what, sqlite3_errmsg(db->sql));
    if (code == SQLITE_FULL)
        return err_set(err, ERR_UNAVAILABLE, "%s: the disk is full", what);
    return err_set(err, ERR_IO, "%s: %s", what, sqlite3_errmsg(db->sql));
}

static int db_exec(struct storage_db *db, const char *sql, struct err *err)
{
    return sqlite3_exec(db->sql, sql, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : db_error(db, err, "prepare the database");
}

/* Runs a prepared statement that returns no row. */
static int db_run(struct storage_db *db, enum storage_stmt which, struct err *err)
{
    sqlite3_stmt *st = db->stmts[which];
    int code = sqlite3_step(st);

    /* sqlite3_reset reports the same failure again; the text is taken before it. */
    int rc = code == SQLITE_DONE ? 0 : db_error(db, err, SQL[which]);
    sqlite3_reset(st);
    return rc;
}

static int db_meta_get(struct storage_db *db, const char *name, uint64_t *value, struct err *err)
{
    sqlite3_stmt *st = NULL;

    if (sqlite3_prepare_v2(db->sql, "SELECT value FROM meta WHERE name = ?", -1, &st, NULL) !=
        SQLITE_OK)
        return db_error(db, err, "read the meta table");
    sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
    if (sqlite3_step(st) == SQLITE_ROW)
        *value = (uint64_t)sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return 0;
}

static int db_meta_set(struct storage_db *db, const char *name, uint64_t value, struct err *err)
{
    sqlite3_stmt *st = db->stmts[STMT_META_SET];

    sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 2, (sqlite3_int64)value);
    return db_run(db, STMT_META_SET, err);
}

static int db_prepare(struct storage_db *db, struct err *err)
{
    for (int i = 0; i < STMT_COUNT; i++)
        if (sqlite3_prepare_v3(db->sql, SQL[i], -1, SQLITE_PREPARE_PERSISTENT, &db->stmts[i],
                               NULL) != SQLITE_OK)
            return db_error(db, err, "prepare a statement");
    return 0;
}

static int db_check_format(struct storage_db *db, struct err *err)
{
    uint64_t format = 0;
    int rc = db_meta_get(db, "format", &format, err);

    if (rc < 0)
        return rc;
    if (format == 0)
        return db_meta_set(db, "format", STORAGE_FORMAT, err);
    if (format != STORAGE_FORMAT)
        return err_set(err, ERR_INVALID,
                       "the database has format %llu, this program knows format %d",
                       (unsigned long long)format, STORAGE_FORMAT);
    return db_meta_get(db, "compact_rev", &db->compact_rev, err);
}

int storage_db_open(struct storage_db *db, const char *path, struct err *err)
{
    mode_t mask = umask(077);
    int code = sqlite3_open_v2(path, &db->sql,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                                   SQLITE_OPEN_EXRESCODE,
                               NULL);
    int rc;

    umask(mask);
    if (code != SQLITE_OK)
        return db_error(db, err, "open the database");
    sqlite3_extended_result_codes(db->sql, 0);
    /* Exclusive locking keeps a second process out and needs no shared-memory file. */
    rc =
        db_exec(db,
                "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                "PRAGMA cache_size=-2048; PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=1000;"
                "PRAGMA journal_size_limit=8388608;",
                err);
    if (rc == 0)
        rc = db_exec(db, SCHEMA, err);
    if (rc == 0)
        rc = db_prepare(db, err);
    if (rc == 0)
        rc = db_check_format(db, err);
    if (rc == 0)
        db->index = map_new();
    return rc;
}

void storage_db_close(struct storage_db *db)
{
    for (int i = 0; i < STMT_COUNT; i++)
        sqlite3_finalize(db->stmts[i]);
    sqlite3_close(db->sql);
    map_free_with(db->index, free);
    *db = (struct storage_db){0};
}

/* Makes the index true for a row that is now the newest of its key. */
static void index_apply(struct storage_db *db, struct str key, bool deleted, struct index_entry now)
{
    if (deleted) {
        free(map_del(db->index, key));
        return;
    }
    struct index_entry *e = map_get(db->index, key);
    if (!e) {
        e = NEW(struct index_entry);
        map_put(db->index, key, e);
    }
    *e = now;
}

static struct str column_bytes(sqlite3_stmt *st, int column)
{
    const void *p = sqlite3_column_blob(st, column);

    return str_n(p, (size_t)sqlite3_column_bytes(st, column));
}

int storage_db_replay(struct storage_db *db, const struct storage_conf *conf, struct err *err)
{
    sqlite3_stmt *st = NULL;
    int code;

    if (sqlite3_prepare_v2(db->sql,
                           "SELECT rev, key, create_rev, deleted, value FROM log ORDER BY rev", -1,
                           &st, NULL) != SQLITE_OK)
        return db_error(db, err, "read the log");
    while ((code = sqlite3_step(st)) == SQLITE_ROW) {
        struct storage_row row = {
            .rev = (uint64_t)sqlite3_column_int64(st, 0),
            .key = column_bytes(st, 1),
            .create_rev = (uint64_t)sqlite3_column_int64(st, 2),
            .is_delete = sqlite3_column_int(st, 3) != 0,
            .value = column_bytes(st, 4),
        };
        index_apply(db, row.key, row.is_delete, (struct index_entry){row.rev, row.create_rev});
        db->rev = row.rev;
        conf->on_load(conf->cookie, &row);
    }
    int rc = code == SQLITE_DONE ? 0 : db_error(db, err, "read the log");
    sqlite3_finalize(st);
    /* The newest row may have been a compacted deletion: the counter of AUTOINCREMENT still knows it. */
    uint64_t seq = 0;
    if (rc == 0 && sqlite3_prepare_v2(db->sql, "SELECT seq FROM sqlite_sequence WHERE name='log'",
                                      -1, &st, NULL) == SQLITE_OK) {
        if (sqlite3_step(st) == SQLITE_ROW)
            seq = (uint64_t)sqlite3_column_int64(st, 0);
        sqlite3_finalize(st);
    }
    db->rev = MAX(db->rev, seq);
    return rc;
}

static int insert_row(struct storage_db *db, struct storage_txn *t, uint64_t create_rev,
                      struct err *err)
{
    sqlite3_stmt *st = db->stmts[STMT_INSERT];
    int rc;

    sqlite3_bind_text(st, 1, t->key.p, (int)t->key.n, SQLITE_STATIC);
    sqlite3_bind_int64(st, 2, (sqlite3_int64)create_rev);
    sqlite3_bind_int64(st, 3, (sqlite3_int64)t->expect_rev);
    sqlite3_bind_int(st, 4, t->is_delete);
    sqlite3_bind_blob(st, 5, t->value.p ? t->value.p : "", (int)t->value.n, SQLITE_STATIC);
    rc = db_run(db, STMT_INSERT, err);
    if (rc == 0)
        t->rev = (uint64_t)sqlite3_last_insert_rowid(db->sql);
    return rc;
}

/* Checks and writes one transaction inside the open commit. */
static int run_txn(struct storage_db *db, struct storage_txn *t, struct err *err)
{
    const struct index_entry *e = map_get(db->index, t->key);
    uint64_t current = e ? e->rev : 0;

    if (current != t->expect_rev || (t->is_delete && !e)) {
        t->rc = -ERR_CONFLICT;
        t->rev = current;
        return 0;
    }
    t->prev_create_rev = e ? e->create_rev : 0;
    uint64_t create_rev = e ? e->create_rev : db->rev + 1;
    int rc = insert_row(db, t, create_rev, err);
    if (rc < 0)
        return rc;
    t->rc = 0;
    db->rev = t->rev;
    index_apply(db, t->key, t->is_delete, (struct index_entry){t->rev, create_rev});
    return 0;
}

/* Turns the chain around; returns its new head. */
static struct storage_txn *reverse(struct storage_txn *batch)
{
    struct storage_txn *turned = NULL;

    while (batch) {
        struct storage_txn *t = batch;

        batch = t->next;
        t->next = turned;
        turned = t;
    }
    return turned;
}

/* Makes the index true again for what stands without the batch; all of it is answered `rc`. */
static void take_back(struct storage_db *db, struct storage_txn *batch, int rc)
{
    struct storage_txn *last = reverse(batch);

    for (struct storage_txn *t = last; t; t = t->next) {
        if (t->rc == 0 && t->rev)
            index_apply(db, t->key, t->expect_rev == 0,
                        (struct index_entry){t->expect_rev, t->prev_create_rev});
        t->rc = rc;
        t->rev = 0;
    }
    (void)reverse(last);
}

int storage_db_commit(struct storage_db *db, struct storage_txn *batch, struct err *err)
{
    uint64_t rev = db->rev;
    int rc;

    for (struct storage_txn *t = batch; t; t = t->next)
        t->rev = 0;
    rc = db_run(db, STMT_BEGIN, err);
    for (struct storage_txn *t = batch; t && rc == 0; t = t->next)
        rc = run_txn(db, t, err);
    if (rc == 0)
        rc = db_run(db, STMT_COMMIT, err);
    if (rc == 0)
        return 0;
    /* SQLite may have rolled back itself; only what is still open must not stay so. */
    if (!sqlite3_get_autocommit(db->sql) && db_run(db, STMT_ROLLBACK, NULL) < 0)
        rc = -ERR_IO;
    if (rc != -ERR_UNAVAILABLE)
        rc = -ERR_IO;
    take_back(db, batch, rc);
    db->rev = rev;
    return rc;
}

int storage_db_compact_start(struct storage_db *db, uint64_t rev, struct err *err)
{
    int rc = db_meta_set(db, "compact_rev", rev, err);

    if (rc < 0)
        return rc;
    db->compact_rev = rev;
    db->compact_cursor = 0;
    return 0;
}

int storage_db_compact_step(struct storage_db *db, struct err *err)
{
    sqlite3_stmt *st = db->stmts[STMT_COMPACT];
    uint64_t end = MIN(db->compact_cursor + STORAGE_COMPACT_SLICE, db->compact_rev);

    sqlite3_bind_int64(st, 1, (sqlite3_int64)db->compact_cursor);
    sqlite3_bind_int64(st, 2, (sqlite3_int64)end);
    sqlite3_bind_int64(st, 3, (sqlite3_int64)db->compact_rev);
    int rc = db_run(db, STMT_COMPACT, err);
    if (rc < 0)
        return rc;
    db->compact_cursor = end;
    return end < db->compact_rev;
}
