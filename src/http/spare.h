/*
 * Free lists for what every exchange needs for a moment: input blocks and arenas.
 *
 * Last in, first out, so that the memory at hand is warm in the caches; bounded, so that a peak does not
 * stay.  One set belongs to one server or client and its loop.  Under AddressSanitizer nothing is kept,
 * so that a use after release is seen.
 */
#ifndef HTTP_SPARE_H
#define HTTP_SPARE_H

#include "base/arena.h"

#define SPARE_BLOCK_BYTES ((size_t)32 * 1024)
#define SPARE_BLOCKS 64
#define SPARE_ARENAS 64

/* A run of bytes: `len` of them used, from `off` on. */
struct spare_block {
    struct spare_block *next;
    size_t off, len, cap;
    char p[];
};

struct spare {
    struct spare_block *blocks;
    unsigned block_count;
    unsigned arena_count;
    struct arena *arenas[SPARE_ARENAS];
};

/* Frees what is kept. */
void spare_fini(struct spare *s);

/* Returns an empty block of at least `cap` bytes; up to SPARE_BLOCK_BYTES it comes from the list. */
struct spare_block *spare_block_take(struct spare *s, size_t cap);

/* Returns an empty block of exactly `cap` bytes, outside the list. */
struct spare_block *spare_block_new(size_t cap);

/* Gives a block of either kind back.  NULL is allowed. */
void spare_block_give(struct spare *s, struct spare_block *b);

/* Returns an empty arena. */
struct arena *spare_arena_take(struct spare *s);

/* Releases what is in the arena and keeps it, or frees it.  NULL is allowed. */
void spare_arena_give(struct spare *s, struct arena *a);

#endif
