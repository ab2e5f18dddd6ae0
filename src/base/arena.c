/*
 * Bump allocation with one release.
 *
 * Two lists of blocks: chunks that are filled from front to back, each twice the size of the one before
 * it, and blocks of their own for what is large against a chunk.  The first chunk survives a reset, so
 * that a connection which serves request after request does not go back to malloc.  Under
 * AddressSanitizer everything takes the second way.
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <string.h>

enum { ARENA_FIRST_BYTES = 2048, ARENA_MOST_BYTES = 65536, ARENA_ALIGN = alignof(max_align_t) };

struct arena_block {
    struct arena_block *next;
    size_t cap;
    alignas(max_align_t) char bytes[];
};

struct arena_cleanup {
    struct arena_cleanup *next;
    void (*fn)(void *cookie);
    void *cookie;
};

struct arena {
    char *at, *end;             /* free part of the newest chunk */
    struct arena_block *chunks; /* newest first */
    struct arena_block *large;
    struct arena_cleanup *cleanups; /* newest first */
    size_t used;
    size_t first_bytes;
};

struct arena *arena_new(void)
{
    return arena_new_sized(ARENA_FIRST_BYTES);
}

struct arena *arena_new_sized(size_t first_bytes)
{
    struct arena *a = NEW(struct arena);

    a->first_bytes = first_bytes;
    return a;
}

static void arena_run_cleanups(struct arena *a)
{
    /* A clean-up may register another one, so the head is read anew each time. */
    while (a->cleanups) {
        struct arena_cleanup *c = a->cleanups;

        a->cleanups = c->next;
        c->fn(c->cookie);
    }
}

static void arena_free_blocks(struct arena_block *b)
{
    while (b) {
        struct arena_block *next = b->next;

        free(b);
        b = next;
    }
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    arena_run_cleanups(a);
    arena_free_blocks(a->large);
    arena_free_blocks(a->chunks);
    free(a);
}

void arena_reset(struct arena *a)
{
    arena_run_cleanups(a);
    arena_free_blocks(a->large);
    a->large = NULL;
    a->used = 0;
    while (a->chunks && a->chunks->next) {
        struct arena_block *newest = a->chunks;

        a->chunks = newest->next;
        free(newest);
    }
    if (a->chunks) {
        a->at = a->chunks->bytes;
        a->end = a->at + a->chunks->cap;
    }
}

static char *arena_add_block(struct arena_block **list, size_t cap)
{
    struct arena_block *b = xmalloc(sizeof(*b) + cap);

    b->cap = cap;
    b->next = *list;
    *list = b;
    return b->bytes;
}

static void *arena_alloc_slow(struct arena *a, size_t n)
{
    size_t cap = a->first_bytes;
    char *p;

    if (a->chunks)
        cap = MAX(MIN(a->chunks->cap * 2, (size_t)ARENA_MOST_BYTES), a->first_bytes);
    /* A quarter of a chunk at most is then lost when a chunk is left. */
    if (CC_ASAN || n > cap / 4)
        return arena_add_block(&a->large, n);
    p = arena_add_block(&a->chunks, cap);
    a->at = p + n;
    a->end = p + cap;
    return p;
}

void *arena_alloc(struct arena *a, size_t n)
{
    size_t padded = (n + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    char *p = a->at;

    ASSERT(n < PTRDIFF_MAX - sizeof(struct arena_block));
    a->used += n;
    if (CC_ASAN)
        return arena_alloc_slow(a, n);
    if (UNLIKELY(padded > (size_t)(a->end - p)))
        return arena_alloc_slow(a, padded);
    a->at = p + padded;
    return p;
}

void *arena_calloc(struct arena *a, size_t n)
{
    return memset(arena_alloc(a, n), 0, n);
}

char *arena_cstr(struct arena *a, struct str s)
{
    char *copy = arena_alloc(a, s.n + 1);

    if (s.n)
        memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return copy;
}

struct str arena_str(struct arena *a, struct str s)
{
    return str_n(arena_cstr(a, s), s.n);
}

struct str arena_fmt(struct arena *a, const char *fmt, ...)
{
    char small[256];
    va_list ap;
    char *p;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(small, sizeof(small), fmt, ap);
    va_end(ap);
    ASSERT(n >= 0);
    if ((size_t)n < sizeof(small))
        return arena_str(a, str_n(small, (size_t)n));

    p = arena_alloc(a, (size_t)n + 1);
    va_start(ap, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return str_n(p, (size_t)n);
}

void arena_on_free(struct arena *a, void (*fn)(void *cookie), void *cookie)
{
    struct arena_cleanup *c = arena_alloc(a, sizeof(*c));

    *c = (struct arena_cleanup){.next = a->cleanups, .fn = fn, .cookie = cookie};
    a->cleanups = c;
}

size_t arena_used(const struct arena *a)
{
    return a->used;
}
