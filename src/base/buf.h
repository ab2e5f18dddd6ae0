/*
 * A growable byte buffer with a mandatory maximum.
 *
 * Appending never fails at once: past the maximum the buffer keeps what it had and sets a sticky error
 * that the owner asks for once, at the end (buf_error).  `buf_skip` drops bytes from the front in O(1);
 * the space is reclaimed when the buffer must grow.  The zero value with `max` set is a valid empty
 * buffer that owns no memory.  Not thread-safe.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/str.h"

struct buf {
    char *p;       /* start of the allocation */
    size_t off;    /* first used byte */
    size_t len;    /* used bytes */
    size_t cap;    /* size of the allocation */
    size_t max;    /* largest len */
    bool overflow; /* sticky: an append did not fit */
};

#define BUF_INIT(max_bytes) ((struct buf){.max = (max_bytes)})
#define BUF_NO_LIMIT ((size_t)PTRDIFF_MAX)

/* Starts an empty buffer that may hold `max_bytes`. */
void buf_init(struct buf *b, size_t max_bytes);

/* Frees the memory; the buffer is then empty with the same maximum. */
void buf_fini(struct buf *b);

/* Empties the buffer, keeps its memory and clears the sticky error. */
void buf_reset(struct buf *b);

/*
 * Overwrites all memory of the buffer, then buf_fini: for what held a secret.  Memory that growth gave back is
 * out of reach, so such a buffer reserves all it needs first.
 */
void buf_wipe(struct buf *b);

/* 0, or -ERR_TOOBIG once an append did not fit. */
int buf_error(const struct buf *b) MUST_USE;

static inline struct str buf_str(const struct buf *b)
{
    return (struct str){b->p ? b->p + b->off : NULL, b->len};
}

/* Appends bytes. */
void buf_add(struct buf *b, const void *p, size_t n);

/* Appends a string. */
void buf_add_str(struct buf *b, struct str s);

/* Appends a C string. */
void buf_add_c(struct buf *b, const char *s);

/* Appends one byte. */
void buf_add_char(struct buf *b, char c);

/* Appends formatted text. */
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Appends `s` as the inside of a JSON string: quotes, backslash and control bytes escaped, invalid UTF-8
 * replaced by U+FFFD. */
void buf_add_json(struct buf *b, struct str s);

/*
 * Makes room for `n` more bytes at the end and returns where to write them, or NULL (and the sticky
 * error) when the maximum forbids it.  Valid until the next call; buf_commit says how many were written.
 */
char *buf_reserve(struct buf *b, size_t n);

/* Adds `n` bytes that were written after buf_reserve. */
void buf_commit(struct buf *b, size_t n);

/* Drops `n` bytes from the front. */
void buf_skip(struct buf *b, size_t n);

/* The content as a C string inside the buffer: a NUL stands behind it but is not counted. */
const char *buf_c(struct buf *b);

/* Moves the content out as a heap C string and leaves the buffer empty.  The caller frees it. */
char *buf_take_c(struct buf *b, size_t *ret_len);

#endif
