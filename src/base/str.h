/*
 * A borrowed run of bytes, passed by value in two registers.
 *
 * A `struct str` owns nothing and is not NUL-terminated; whoever hands one out says how long the bytes
 * live.  `p` may be NULL only when `n` is 0.  Bytes are compared as unsigned octets; the `_nocase`
 * forms fold ASCII letters only, as HTTP and DNS names want it.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <string.h>

#include "base/cc.h"

struct str {
    const char *p;
    size_t n;
};

#define STR(lit) ((struct str){"" lit, sizeof(lit) - 1})
#define STR_INIT(lit)                                                                              \
    {                                                                                              \
        "" lit, sizeof(lit) - 1                                                                    \
    }
#define STR_NONE ((struct str){NULL, 0})
/* For printf: "%" STR_FMT with STR_ARG(s) prints the bytes of `s` up to the first NUL. */
#define STR_FMT ".*s"
#define STR_ARG(s) (int)MIN((s).n, (size_t)INT32_MAX), (s).p ? (s).p : ""

static inline struct str str_n(const void *p, size_t n)
{
    return (struct str){p, n};
}

/* The bytes of a C string; NULL gives the empty string. */
static inline struct str str_c(const char *s)
{
    return (struct str){s, s ? strlen(s) : 0};
}

static inline bool str_is_empty(struct str s)
{
    return s.n == 0;
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_eq_c(struct str a, const char *b)
{
    return str_eq(a, str_c(b));
}

static inline bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n &&
           (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

/* Without the first `n` bytes (all of them gone when `n` is larger). */
static inline struct str str_skip(struct str s, size_t n)
{
    n = MIN(n, s.n);
    return (struct str){s.p ? s.p + n : NULL, s.n - n};
}

/* The first `n` bytes at most. */
static inline struct str str_head(struct str s, size_t n)
{
    return (struct str){s.p, MIN(n, s.n)};
}

/* Lower-cases one ASCII letter; every other octet passes. */
static inline char str_lower_char(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Compares with ASCII letters folded. */
bool str_eq_nocase(struct str a, struct str b);

/* As str_starts, with ASCII letters folded. */
bool str_starts_nocase(struct str s, struct str prefix);

/* Orders as memcmp does, the shorter first when one is a prefix: <0, 0, >0. */
int str_cmp(struct str a, struct str b);

/* Returns the index of the first `c`, or -1. */
ptrdiff_t str_index(struct str s, char c);

/* Returns the index of the last `c`, or -1. */
ptrdiff_t str_rindex(struct str s, char c);

/* Returns the index of the first occurrence of `needle`, or -1; an empty needle is found at 0. */
ptrdiff_t str_find(struct str s, struct str needle);

/*
 * Cuts `*s` at the first `sep`: returns what precedes it and leaves what follows in `*s`.
 *
 * Without a `sep` the whole string is returned and `*s` becomes STR_NONE (p == NULL), so that
 * `while (s.p)` walks all fields, empty ones included.
 */
struct str str_cut(struct str *s, char sep);

/* Without leading and trailing SP and HTAB. */
struct str str_trim(struct str s);

/* Without leading and trailing ASCII white space (SP, HTAB, CR, LF, VT, FF). */
struct str str_trim_space(struct str s);

/*
 * Reads the whole of `s` as an unsigned decimal number.
 *
 * Returns 0, or -ERR_INVALID when `s` is empty, holds anything but digits, or exceeds `max`;
 * no sign, no white space, no leading "+".
 */
int str_to_u64(struct str s, uint64_t max, uint64_t *ret_value) MUST_USE;

/* As str_to_u64, with an optional leading "-". */
int str_to_i64(struct str s, int64_t *ret_value) MUST_USE;

/* A keyed hash (SipHash-1-3 with a per-process random key), safe for tables a peer can fill. */
uint64_t str_hash(struct str s);

/* Compares two equally long runs in a time that depends on the length only. */
bool str_eq_secret(struct str a, struct str b);

/* Returns a heap copy with a NUL behind it.  The caller frees it. */
char *str_dup(struct str s);

/*
 * Copies `s` and a NUL into `dst` of `cap` bytes.
 *
 * Returns 0, or -ERR_TOOBIG when it does not fit and -ERR_INVALID when `s` holds a NUL; `dst` is then
 * the empty string.
 */
int str_copy(struct str s, char *dst, size_t cap) MUST_USE;

#endif
