/*
 * Memory for one unit of work (a request, a reconcile, a parse, a command): many small allocations, one
 * release.
 *
 * Bump allocation in chunks that double up to 64 KiB; larger requests get a chunk of their own.
 * Clean-up functions run in reverse order at release.  Under AddressSanitizer each allocation is its own
 * heap block, so that overruns are seen.  Not thread-safe; an arena belongs to one loop or worker.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>

#include "base/mem.h"
#include "base/str.h"

struct arena;

/* Returns a new arena; it allocates nothing until first used. */
struct arena *arena_new(void);

/* As arena_new, for work known to need about `first_bytes`: the size of the first chunk, which a reset keeps. */
struct arena *arena_new_sized(size_t first_bytes);

/* Runs the clean-ups in reverse order and frees everything.  NULL is allowed. */
void arena_free(struct arena *a);

/* As arena_free, but keeps the arena and its first chunk for reuse. */
void arena_reset(struct arena *a);

/* Returns `n` bytes, aligned for any type, undefined content, valid until the arena is reset. */
void *arena_alloc(struct arena *a, size_t n) MUST_USE;

/* As arena_alloc, zeroed. */
void *arena_calloc(struct arena *a, size_t n) MUST_USE;

#define ARENA_NEW(a, type) ((type *)arena_calloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, count)                                                                \
    ((type *)arena_calloc((a), mem_product((size_t)(count), sizeof(type))))

/* Copies `s`; a NUL stands behind the copy but is not counted. */
struct str arena_str(struct arena *a, struct str s);

/* Copies `s` as a C string. */
char *arena_cstr(struct arena *a, struct str s);

/* Formats into the arena; a NUL stands behind the text but is not counted. */
struct str arena_fmt(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Calls `fn(cookie)` at release, before the memory goes. */
void arena_on_free(struct arena *a, void (*fn)(void *cookie), void *cookie);

/* Bytes handed out since the last reset. */
size_t arena_used(const struct arena *a);

DEFINE_CLEANUP(arena_freep, struct arena *, arena_free)

#endif
