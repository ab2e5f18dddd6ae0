/*
 * Rings and the writer thread.
 *
 * A ring is written by one thread and read by the writer; the two meet in two atomic counters.  A record lies
 * in it as a 4-byte length and its bytes, wrapping at the end.  The writer sleeps on an eventfd; a producer
 * wakes it only when it said that it would sleep, and the writer waits some milliseconds before it looks, so
 * that under load one wake-up serves many records.
 */
#include "core/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/hex.h"
#include "crypto/hash.h"

#define LINE_MAX_BYTES (AUDIT_RECORD_BYTES + 256)
#define BATCH_BYTES ((size_t)256 * 1024)
#define TAIL_BYTES (4 * LINE_MAX_BYTES)
#define LINGER_NS 5000000  /* between the wake-up and the reading */
#define RETRY_NS 500000000 /* after a failed write */

struct audit_ring {
    struct audit *audit;
    _Alignas(64) atomic_size_t head; /* bytes ever put; the producer's */
    _Alignas(64) atomic_size_t tail; /* bytes ever taken; the writer's */
    _Alignas(64) atomic_uint_fast64_t dropped;
    struct buf scratch; /* the producer's */
    char p[AUDIT_RING_BYTES];
};

struct audit {
    char *path;
    int fd;
    int wake_fd;
    pthread_t thread;
    _Atomic(struct audit_ring *) rings[AUDIT_MAX_RINGS];
    atomic_uint ring_count;
    atomic_bool is_asleep;
    atomic_bool is_reopening;
    atomic_bool is_stopping;
    atomic_bool is_failing; /* the last write failed */
    /* The writer's own. */
    uint64_t seq; /* of the last line */
    uint8_t prev[HASH_SHA256_BYTES];
    struct buf batch; /* lines not yet written */
    struct buf line;
    bool is_cut; /* the last write ended inside a line */
};

/* --- the producer */

struct audit_ring *audit_ring_new(struct audit *a)
{
    struct audit_ring *r = aligned_alloc(64, sizeof(*r));
    unsigned i;

    ASSERT(r);
    memset(r, 0, offsetof(struct audit_ring, p)); /* memory comes with use */
    r->audit = a;
    buf_init(&r->scratch, AUDIT_RECORD_BYTES);
    i = atomic_load(&a->ring_count);
    ASSERT(i < AUDIT_MAX_RINGS);
    atomic_store(&a->rings[i], r);
    atomic_store(&a->ring_count, i + 1);
    return r;
}

/* The ring of that number, or NULL behind the last. */
static struct audit_ring *ring_at(const struct audit *a, unsigned i)
{
    return i < atomic_load(&a->ring_count) ? atomic_load(&a->rings[i]) : NULL;
}

static size_t ring_used(const struct audit_ring *r)
{
    return atomic_load_explicit(&r->head, memory_order_acquire) -
           atomic_load_explicit(&r->tail, memory_order_acquire);
}

static void ring_copy_in(struct audit_ring *r, size_t at, const void *p, size_t n)
{
    size_t from = at % AUDIT_RING_BYTES, first = MIN(n, AUDIT_RING_BYTES - from);

    memcpy(r->p + from, p, first);
    memcpy(r->p, (const char *)p + first, n - first);
}

static void ring_copy_out(const struct audit_ring *r, size_t at, void *p, size_t n)
{
    size_t from = at % AUDIT_RING_BYTES, first = MIN(n, AUDIT_RING_BYTES - from);

    memcpy(p, r->p + from, first);
    memcpy((char *)p + first, r->p, n - first);
}

static void audit_wake(struct audit *a)
{
    uint64_t one = 1;
    ssize_t n;

    if (!atomic_exchange_explicit(&a->is_asleep, false, memory_order_acq_rel))
        return;
    do
        n = write(a->wake_fd, &one, sizeof(one));
    while (n < 0 && errno == EINTR);
}

bool audit_put(struct audit_ring *r, const struct audit_record *record)
{
    size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    uint32_t n;

    buf_reset(&r->scratch);
    audit_format(record, &r->scratch);
    n = (uint32_t)r->scratch.len;
    if (buf_error(&r->scratch) < 0 || ring_used(r) + sizeof(n) + n > AUDIT_RING_BYTES) {
        atomic_fetch_add_explicit(&r->dropped, 1, memory_order_relaxed);
        return false;
    }
    ring_copy_in(r, head, &n, sizeof(n));
    ring_copy_in(r, head + sizeof(n), buf_str(&r->scratch).p, n);
    atomic_store_explicit(&r->head, head + sizeof(n) + n, memory_order_seq_cst);
    if (atomic_load_explicit(&r->audit->is_asleep, memory_order_seq_cst))
        audit_wake(r->audit);
    return true;
}

bool audit_is_refusing(const struct audit_ring *r)
{
    return atomic_load_explicit(&r->audit->is_failing, memory_order_relaxed) ||
           ring_used(r) > AUDIT_RING_BYTES / 4 * 3;
}

uint64_t audit_dropped(const struct audit *a)
{
    struct audit_ring *r;
    uint64_t n = 0;

    for (unsigned i = 0; (r = ring_at(a, i)); i++)
        n += atomic_load_explicit(&r->dropped, memory_order_relaxed);
    return n;
}

/* --- the writer */

/* Reads the number behind `"seq":` in a line; 0 when there is none. */
static uint64_t seq_of(struct str line)
{
    static const struct str mark = STR_INIT("{\"seq\":");
    uint64_t seq = 0;
    size_t n = 0;

    if (!str_starts(line, mark))
        return 0;
    line = str_skip(line, mark.n);
    while (n < line.n && line.p[n] >= '0' && line.p[n] <= '9')
        n++;
    return str_to_u64(str_head(line, n), UINT64_MAX, &seq) == 0 ? seq : 0;
}

/* Takes seq and prev from the last line of an existing file, and ends a line that a crash cut. */
static int chain_resume(struct audit *a, struct err *err)
{
    struct buf tail = BUF_INIT(TAIL_BYTES);
    struct stat st;
    struct str text, line;
    ptrdiff_t at;
    ssize_t n;

    if (fstat(a->fd, &st) < 0)
        return err_errno(err, errno, "read '%s'", a->path);
    if (st.st_size == 0)
        return 0;
    n = pread(a->fd, buf_reserve(&tail, TAIL_BYTES), TAIL_BYTES,
              MAX((off_t)0, st.st_size - (off_t)TAIL_BYTES));
    if (n <= 0) {
        buf_fini(&tail);
        return err_errno(err, errno, "read '%s'", a->path);
    }
    text = str_n(tail.p, (size_t)n);
    a->is_cut = text.p[text.n - 1] != '\n';
    if (!a->is_cut)
        text.n--;
    at = str_rindex(text, '\n');
    line = str_skip(text, (size_t)(at + 1));
    hash_sha256(&line, 1, a->prev);
    a->seq = MAX(a->seq, seq_of(line));
    buf_fini(&tail);
    return 0;
}

static int file_open(struct audit *a, struct err *err)
{
    int fd = open(a->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return err_errno(err, errno, "open audit log '%s'", a->path);
    if (a->fd >= 0)
        close(a->fd);
    a->fd = fd;
    return chain_resume(a, err);
}

/* Makes the line of a record and takes it into the chain. */
static void line_add(struct audit *a, struct str record)
{
    char number[24];
    struct str text;

    buf_reset(&a->line);
    snprintf(number, sizeof(number), "%llu", (unsigned long long)++a->seq);
    buf_add_c(&a->line, "{\"seq\":");
    buf_add_c(&a->line, number);
    buf_add_c(&a->line, ",\"prev\":\"");
    hex_encode(&a->line, str_n(a->prev, sizeof(a->prev)));
    buf_add_c(&a->line, "\",");
    buf_add_str(&a->line, record);
    buf_add_char(&a->line, '}');

    text = buf_str(&a->line);
    hash_sha256(&text, 1, a->prev);
    buf_add_str(&a->batch, text);
    buf_add_char(&a->batch, '\n');
}

/* Moves records of one ring into the batch, as far as it has room. */
static void ring_take(struct audit *a, struct audit_ring *r)
{
    size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    size_t head = atomic_load_explicit(&r->head, memory_order_acquire);
    char record[AUDIT_RECORD_BYTES];

    while (tail != head && a->batch.len + LINE_MAX_BYTES <= BATCH_BYTES) {
        uint32_t n;

        ring_copy_out(r, tail, &n, sizeof(n));
        ring_copy_out(r, tail + sizeof(n), record, n);
        tail += sizeof(n) + n;
        line_add(a, str_n(record, n));
    }
    atomic_store_explicit(&r->tail, tail, memory_order_release);
}

/* Writes what it can of the batch.  Returns whether nothing is left. */
static bool batch_write(struct audit *a)
{
    struct err err;

    while (a->batch.len) {
        struct str text = buf_str(&a->batch);
        ssize_t n = write(a->fd, text.p, text.n);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            if (!atomic_exchange(&a->is_failing, true)) {
                err_errno(&err, errno, "write audit log '%s'", a->path);
                log_error("Cannot write audit log", LOG_ERR(&err));
            }
            return false;
        }
        buf_skip(&a->batch, (size_t)n);
    }
    if (atomic_exchange(&a->is_failing, false))
        log_info("Audit log is written again", LOG_C("path", a->path));
    return true;
}

/* Goes on in the file that has the name now; the chain goes on too. */
static void file_reopen(struct audit *a)
{
    uint8_t prev[HASH_SHA256_BYTES];
    uint64_t seq = a->seq;
    struct stat before, now;
    struct err err;

    memcpy(prev, a->prev, sizeof(prev));
    if (fstat(a->fd, &before) < 0)
        before.st_ino = 0;
    if (file_open(a, &err) < 0) {
        log_error("Cannot open audit log again; the old file is still written", LOG_ERR(&err));
        return;
    }
    /* Our own chain, unless somebody else's lines stand in a file that was put in place of ours. */
    if (fstat(a->fd, &now) < 0 || now.st_size == 0 || now.st_ino == before.st_ino) {
        memcpy(a->prev, prev, sizeof(prev));
        a->seq = seq;
    }
    log_info("Opened audit log again", LOG_C("path", a->path));
}

static bool has_records(struct audit *a)
{
    struct audit_ring *r;

    for (unsigned i = 0; (r = ring_at(a, i)); i++)
        if (ring_used(r) > 0)
            return true;
    return false;
}

static void pause_ns(long ns)
{
    struct timespec t = {.tv_nsec = ns};

    nanosleep(&t, NULL);
}

/* Waits until there is something to do. */
static void writer_sleep(struct audit *a)
{
    uint64_t n;

    atomic_store_explicit(&a->is_asleep, true, memory_order_seq_cst);
    if (has_records(a) || atomic_load(&a->is_stopping) || atomic_load(&a->is_reopening)) {
        atomic_store_explicit(&a->is_asleep, false, memory_order_seq_cst);
        return;
    }
    while (read(a->wake_fd, &n, sizeof(n)) < 0 && errno == EINTR)
        ;
    atomic_store_explicit(&a->is_asleep, false, memory_order_seq_cst);
    if (!atomic_load(&a->is_stopping))
        pause_ns(LINGER_NS);
}

static void *writer_run(void *cookie)
{
    struct audit *a = cookie;
    struct audit_ring *r;

    for (;;) {
        bool is_stopping = atomic_load(&a->is_stopping);

        if (a->is_cut && a->batch.len == 0) {
            buf_add_char(&a->batch, '\n');
            a->is_cut = false;
        }
        for (unsigned i = 0; (r = ring_at(a, i)); i++)
            ring_take(a, r);
        if (!batch_write(a) && !is_stopping) {
            pause_ns(RETRY_NS);
            continue;
        }
        if (atomic_exchange(&a->is_reopening, false))
            file_reopen(a);
        if (is_stopping && (!has_records(a) || atomic_load(&a->is_failing)))
            return NULL;
        writer_sleep(a);
    }
}

int audit_open(const char *path, struct audit **ret_audit, struct err *err)
{
    struct audit *a = NEW(struct audit);
    int rc;

    a->path = xstrdup(path);
    a->fd = -1;
    a->wake_fd = eventfd(0, EFD_CLOEXEC);
    buf_init(&a->batch, BATCH_BYTES);
    buf_init(&a->line, LINE_MAX_BYTES);
    ASSERT(a->wake_fd >= 0);
    rc = file_open(a, err);
    if (rc < 0) {
        close(a->wake_fd);
        free(a->path);
        free(a);
        return rc;
    }
    ASSERT(pthread_create(&a->thread, NULL, writer_run, a) == 0);
    *ret_audit = a;
    return 0;
}

void audit_reopen(struct audit *a)
{
    atomic_store(&a->is_reopening, true);
    audit_wake(a);
}

void audit_close(struct audit *a)
{
    struct audit_ring *r;

    if (!a)
        return;
    atomic_store(&a->is_stopping, true);
    audit_wake(a);
    pthread_join(a->thread, NULL);
    for (unsigned i = 0; (r = ring_at(a, i)); i++) {
        buf_fini(&r->scratch);
        free(r);
    }
    buf_fini(&a->batch);
    buf_fini(&a->line);
    close(a->fd);
    close(a->wake_fd);
    free(a->path);
    free(a);
}
