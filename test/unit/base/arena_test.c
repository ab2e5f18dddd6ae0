/*
 * Arenas: alignment, sizes around the chunk limits, clean-ups, reuse.
 */
#include "unit.h"

#include <stdalign.h>

#include "base/arena.h"
#include "base/buf.h"

TEST(arena_memory_is_aligned_and_apart)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    char *p[200];

    for (size_t i = 0; i < 200; i++) {
        p[i] = arena_alloc(a, i);
        CHECK((uintptr_t)p[i] % alignof(max_align_t) == 0);
        memset(p[i], (int)i, i);
    }
    for (size_t i = 1; i < 200; i++) {
        CHECK((unsigned char)p[i][0] == i);
        CHECK((unsigned char)p[i][i - 1] == i);
    }
}

TEST(arena_calloc_is_zero_after_reuse)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();

    for (int round = 0; round < 3; round++) {
        char *p = arena_calloc(a, 500);
        bool is_zero = true;

        for (size_t i = 0; i < 500; i++)
            is_zero &= p[i] == 0;
        CHECK(is_zero);
        memset(p, 'x', 500);
        arena_reset(a);
    }
}

TEST(arena_large_and_many)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    size_t sizes[] = {1, 511, 512, 513, 2048, 4096, 16384, 16385, 65536, 1 << 20};

    for (int round = 0; round < 50; round++) {
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
            memset(arena_alloc(a, sizes[i]), round, sizes[i]);
    }
    CHECK(arena_used(a) > 50 << 20);
    arena_reset(a);
    CHECK_INT(arena_used(a), 0);
    memset(arena_alloc(a, 100), 1, 100);
    CHECK_INT(arena_used(a), 100);
}

static void alloc_impossible(void *cookie)
{
    memset(arena_alloc(cookie, SIZE_MAX - 8), 0, 1);
}

static void array_overflow(void *cookie)
{
    memset(ARENA_ARRAY(cookie, uint64_t, SIZE_MAX / 4), 0, 1);
}

TEST(arena_impossible_sizes_end_the_process)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();

    CHECK_DIES(alloc_impossible, a);
    CHECK_DIES(array_overflow, a);
}

TEST(arena_strings_are_copies)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    char source[] = "a\0b";
    struct str s = arena_str(a, str_n(source, 3));

    source[0] = 'x';
    CHECK_STR(s, STR("a\0b"));
    CHECK_INT(s.p[3], 0);
    CHECK_STR(arena_str(a, STR_NONE), "");
    CHECK_STR(arena_cstr(a, STR("abc")), "abc");
    CHECK_STR(arena_cstr(a, STR_NONE), "");
}

TEST(arena_fmt_short_and_long)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();

    CHECK_STR(arena_fmt(a, "%s/%d", "x", 7), "x/7");
    CHECK_STR(arena_fmt(a, "%s", ""), "");
    for (int n = 254; n < 259; n++) {
        struct str s = arena_fmt(a, "%0*d", n, 1);

        CHECK_INT(s.n, n);
        CHECK_INT(s.p[n - 1], '1');
        CHECK_INT(s.p[n], 0);
    }
}

struct note {
    struct buf *out;
    struct arena *again;
    char c;
};

static void on_free(void *cookie)
{
    struct note *n = cookie;

    buf_add_char(n->out, n->c);
    if (n->again) {
        struct arena *a = n->again;

        n->again = NULL;
        arena_on_free(a, on_free, n);
    }
}

TEST(arena_cleanups_run_in_reverse_and_once)
{
    struct buf out = BUF_INIT(100);
    struct arena *a = arena_new();
    struct note n1 = {&out, NULL, '1'}, n2 = {&out, a, '2'}, n3 = {&out, NULL, '3'};

    arena_on_free(a, on_free, &n1);
    arena_on_free(a, on_free, &n2);
    arena_on_free(a, on_free, &n3);
    arena_reset(a);
    CHECK_STR(buf_str(&out), "3221");
    arena_reset(a);
    CHECK_STR(buf_str(&out), "3221");
    arena_on_free(a, on_free, &n1);
    arena_free(a);
    CHECK_STR(buf_str(&out), "32211");
    arena_free(NULL);
    buf_fini(&out);
}
