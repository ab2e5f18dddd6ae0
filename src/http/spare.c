/*
 * Free lists of blocks and arenas.
 *
 * Only blocks of the standard size are kept; a block that had to be larger (a long head) or smaller (the
 * start of a head from a slow peer) goes back to the allocator.
 */
#include "http/spare.h"

#define SPARE_KEEPS (!CC_ASAN)
#define SPARE_ARENA_BYTES 8192 /* most exchanges need no second chunk */

struct spare_block *spare_block_new(size_t cap)
{
    struct spare_block *b = xmalloc(sizeof(*b) + cap);

    *b = (struct spare_block){.cap = cap};
    return b;
}

struct spare_block *spare_block_take(struct spare *s, size_t cap)
{
    struct spare_block *b = s->blocks;

    if (UNLIKELY(cap > SPARE_BLOCK_BYTES))
        return spare_block_new(cap);
    if (!b)
        return spare_block_new(SPARE_BLOCK_BYTES);
    s->blocks = b->next;
    s->block_count--;
    b->next = NULL;
    b->off = b->len = 0;
    return b;
}

void spare_block_give(struct spare *s, struct spare_block *b)
{
    if (!b)
        return;
    if (!SPARE_KEEPS || b->cap != SPARE_BLOCK_BYTES || s->block_count == SPARE_BLOCKS) {
        free(b);
        return;
    }
    b->next = s->blocks;
    s->blocks = b;
    s->block_count++;
}

struct arena *spare_arena_take(struct spare *s)
{
    return s->arena_count ? s->arenas[--s->arena_count] : arena_new_sized(SPARE_ARENA_BYTES);
}

void spare_arena_give(struct spare *s, struct arena *a)
{
    if (!a)
        return;
    if (!SPARE_KEEPS || s->arena_count == SPARE_ARENAS) {
        arena_free(a);
        return;
    }
    arena_reset(a);
    s->arenas[s->arena_count++] = a;
}

void spare_fini(struct spare *s)
{
    while (s->blocks) {
        struct spare_block *b = s->blocks;

        s->blocks = b->next;
        free(b);
    }
    while (s->arena_count)
        arena_free(s->arenas[--s->arena_count]);
    *s = (struct spare){0};
}
