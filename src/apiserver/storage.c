/*
 * The loop's half of the storage, and the writer thread that drives storage_db.c.
 *
 * The writer takes the whole queue at once (up to a batch), so the longer a commit takes the more
 * transactions share the next one.  Results go back as one posted chain, applied in commit order.
 */
#include "apiserver/storage.h"

#include <errno.h>

#include "apiserver/storage_priv.h"
#include "base/log.h"
#include "base/mem.h"

/* A batch on its way back to the loop. */
struct storage_report {
    struct loop_task task;
    struct storage *storage;
    struct storage_txn *batch;
    uint64_t compact_rev; /* 0: unchanged */
    struct err err;       /* code OK unless the disk failed */
};

static void report_batch(struct storage *s, struct storage_txn *batch)
{
    while (batch) {
        struct storage_txn *t = batch;
        batch = t->next;
        s->in_flight--;
        if (t->rc == 0)
            s->rev = t->rev;
        t->on_commit(t, t->rc, t->rev);
    }
}

static void on_report(void *cookie)
{
    struct storage_report *r = cookie;
    struct storage *s = r->storage;

    if (r->compact_rev) {
        s->compact_rev = r->compact_rev;
        s->conf.on_compact(s->conf.cookie, r->compact_rev);
    }
    report_batch(s, r->batch);
    if (r->err.code != ERR_OK)
        s->conf.on_failure(s->conf.cookie, &r->err);
    free(r);
}

static void post_report(struct storage *s, struct storage_txn *batch, uint64_t compact_rev,
                        const struct err *err)
{
    struct storage_report *r = NEW(struct storage_report);

    r->storage = s;
    r->batch = batch;
    r->compact_rev = compact_rev;
    if (err)
        r->err = *err;
    loop_post(s->conf.loop, &r->task, on_report, r);
}

/* Cuts at most a batch from the queue; the lock is held. */
static struct storage_txn *take_batch(struct storage *s)
{
    struct storage_txn *batch = s->queue;
    struct storage_txn *last = batch;

    for (int n = 1; n < STORAGE_BATCH_MAX && last && last->next; n++)
        last = last->next;
    if (last) {
        s->queue = last->next;
        last->next = NULL;
        if (!s->queue)
            s->queue_tail = &s->queue;
    }
    return batch;
}

static void writer_fail(struct storage *s, struct storage_txn *batch, const struct err *err)
{
    pthread_mutex_lock(&s->lock);
    s->failed = true;
    pthread_mutex_unlock(&s->lock);
    post_report(s, batch, 0, err);
}

static void refuse_batch(struct storage *s, struct storage_txn *batch)
{
    for (struct storage_txn *t = batch; t; t = t->next)
        t->rc = -ERR_IO;
    post_report(s, batch, 0, NULL);
}

/* A full disk ends nothing: its batches are refused until there is room again.  Says so once each. */
static void note_room(struct storage *s, bool is_full)
{
    if (is_full == s->full)
        return;
    s->full = is_full;
    if (is_full)
        log_error("Disk is full, writes are refused", LOG_C("database", s->conf.path));
    else
        log_info("Disk has room again", LOG_C("database", s->conf.path));
}

static void writer_commit(struct storage *s, struct storage_txn *batch)
{
    uint64_t before = s->db.rev;
    struct err err = {0};
    int rc;

    if (s->failed) {
        refuse_batch(s, batch);
        return;
    }
    rc = storage_db_commit(&s->db, batch, &err);
    if (rc < 0 && rc != -ERR_UNAVAILABLE) {
        writer_fail(s, batch, &err);
        return;
    }
    if (rc < 0 || s->db.rev > before) /* a batch of conflicts says nothing about room */
        note_room(s, rc < 0);
    post_report(s, batch, 0, NULL);
}

/* Starts or continues the compaction between two batches. */
static void writer_compact(struct storage *s)
{
    struct err err = {0};
    int rc = 0;

    if (s->failed)
        return;
    if (!s->compacting && s->db.rev >= s->next_compaction) {
        s->next_compaction = s->db.rev + s->conf.compact_every;
        if (s->db.rev <= s->conf.keep_revisions)
            return;
        rc = storage_db_compact_start(&s->db, s->db.rev - s->conf.keep_revisions, &err);
        s->compacting = rc == 0;
        if (rc == 0)
            post_report(s, NULL, s->db.compact_rev, NULL);
    } else if (s->compacting) {
        rc = storage_db_compact_step(&s->db, &err);
        s->compacting = rc > 0;
    }
    if (rc < 0 && rc != -ERR_UNAVAILABLE) /* without room it is tried again with the next one due */
        writer_fail(s, NULL, &err);
}

static bool writer_is_idle(const struct storage *s)
{
    return !s->queue && !s->stopping && !s->compacting;
}

static void *writer_main(void *cookie)
{
    struct storage *s = cookie;
    bool done = false;

    pthread_setname_np(pthread_self(), "storage");
    while (!done) {
        pthread_mutex_lock(&s->lock);
        while (writer_is_idle(s))
            pthread_cond_wait(&s->wake, &s->lock);
        struct storage_txn *batch = take_batch(s);
        done = s->stopping && !batch;
        pthread_mutex_unlock(&s->lock);
        if (batch)
            writer_commit(s, batch);
        if (!done)
            writer_compact(s);
    }
    return NULL;
}

static int start_writer(struct storage *s, struct err *err)
{
    int rc = pthread_create(&s->writer, NULL, writer_main, s);

    return rc == 0 ? 0 : err_errno(err, rc, "start the storage thread");
}

int storage_open(const struct storage_conf *conf, struct storage **ret_storage, struct err *err)
{
    struct storage *s = NEW(struct storage);
    int rc;

    s->conf = *conf;
    s->queue_tail = &s->queue;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->wake, NULL);
    rc = storage_db_open(&s->db, conf->path, err);
    if (rc == 0) {
        conf->on_compact(conf->cookie, s->db.compact_rev);
        rc = storage_db_replay(&s->db, conf, err);
    }
    s->rev = s->db.rev;
    s->compact_rev = s->db.compact_rev;
    s->next_compaction = s->db.compact_rev + conf->keep_revisions + conf->compact_every;
    if (rc == 0)
        rc = start_writer(s, err);
    if (rc < 0) {
        storage_db_close(&s->db);
        free(s);
        return err_wrap(err, rc, "open '%s'", conf->path);
    }
    *ret_storage = s;
    return 0;
}

void storage_close(struct storage *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->writer, NULL);
    /* All reports are posted by now, the one of a finished compaction included. */
    do
        loop_step(s->conf.loop, 0);
    while (s->in_flight > 0);
    storage_db_close(&s->db);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

void storage_submit(struct storage *s, struct storage_txn *t)
{
    t->next = NULL;
    s->in_flight++;
    if (s->stopping) { /* only inside storage_close, when the writer is gone */
        t->rc = -ERR_IO;
        post_report(s, t, 0, NULL);
        return;
    }
    pthread_mutex_lock(&s->lock);
    *s->queue_tail = t;
    s->queue_tail = &t->next;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
}

uint64_t storage_rev(const struct storage *s)
{
    return s->rev;
}

uint64_t storage_compact_rev(const struct storage *s)
{
    return s->compact_rev;
}
