/*
 * The audit log: one JSON line for each request at its end, chained by SHA-256.
 *
 *   worker ──bytes──> ring of its own ──> writer thread: seq, prev, write(2) ──> file
 *
 * A line is `{"seq":N,"prev":"<hash of the line before>",…}`; the hash covers the bytes of the line without
 * its end.  Only the writer thread assigns `seq` and `prev`; a file that is opened again is gone on with.
 * Paths are cut at 2 KiB, the values of a query and what looks like a token are replaced.  When a ring is
 * full or the last write failed, audit_is_refusing says so and the caller serves no credential.
 */
#ifndef CORE_AUDIT_H
#define CORE_AUDIT_H

#include "base/buf.h"
#include "base/err.h"

#define AUDIT_PATH_BYTES 2048   /* of a path in a record */
#define AUDIT_RECORD_BYTES 8192 /* of a record */
#define AUDIT_RING_BYTES ((size_t)4 * 1024 * 1024)
#define AUDIT_MAX_RINGS 512u

/* Strings may be empty; they are then left out. */
struct audit_record {
    int64_t wall_us;
    struct str id, trace;
    struct str subject;
    struct str pod_ns, pod_name, pod_uid;
    struct str connector_ns, connector_name, connector_uid;
    struct str credential_id, secret_version;
    struct str grant;
    const char *mode;
    struct str method, host, path; /* as sent; redacted by audit_put */
    int status;
    const char *reason; /* NULL: none of ours */
    uint64_t bytes_in, bytes_out;
    int64_t total_us, upstream_us;
};

struct audit;
struct audit_ring;

/* Opens `path` for appending (mode 0600) and starts the writer thread.  Errors: IO, FORBIDDEN, NOTFOUND. */
int audit_open(const char *path, struct audit **ret_audit, struct err *err) MUST_USE;

/* Writes what is queued, ends the thread and closes.  No ring may be used any more.  NULL is allowed. */
void audit_close(struct audit *a);

/* Opens the file again under its name (after it was moved away).  Thread-safe; done by the writer. */
void audit_reopen(struct audit *a);

/* Returns a ring for one producing thread; it lives as long as `a`.  Context: one thread calls this. */
struct audit_ring *audit_ring_new(struct audit *a);

/* Queues a record.  Returns false when it had to be dropped.  Context: the ring's thread. */
bool audit_put(struct audit_ring *r, const struct audit_record *record);

/* Whether a record might be lost now: the ring is nearly full or the last write failed. */
bool audit_is_refusing(const struct audit_ring *r);

/* Records dropped so far, over all rings.  Thread-safe. */
uint64_t audit_dropped(const struct audit *a);

/* Appends the members of a record, `"ts":…` and so on, without braces, seq and prev. */
void audit_format(const struct audit_record *record, struct buf *out);

/* Appends `path` as records have it: cut, query values and what looks like a token replaced. */
void audit_redact_path(struct str path, struct buf *out);

#endif
