/*
 * Allocation that does not fail, and the macros of cc.h.
 */
#include "unit.h"

#include "base/mem.h"
#include "base/vec.h"

static void alloc_too_much(void *cookie UNUSED)
{
    free(xmalloc((size_t)PTRDIFF_MAX + 1));
}

static void calloc_overflow(void *cookie UNUSED)
{
    free(xcalloc(SIZE_MAX / 2, 3));
}

static void reallocarray_overflow(void *cookie UNUSED)
{
    free(xreallocarray(NULL, SIZE_MAX / 2, 4));
}

TEST(mem_impossible_sizes_end_the_process)
{
    CHECK_DIES(alloc_too_much, NULL);
    CHECK_DIES(calloc_overflow, NULL);
    CHECK_DIES(reallocarray_overflow, NULL);
}

TEST(mem_product_saturates)
{
    CHECK(mem_product(3, 4) == 12);
    CHECK(mem_product(SIZE_MAX, 1) == SIZE_MAX);
    CHECK(mem_product(SIZE_MAX / 2 + 1, 2) == SIZE_MAX);
    CHECK(mem_product(0, SIZE_MAX) == 0);
}

TEST(mem_zero_bytes_is_an_allocation)
{
    void *p = xmalloc(0);

    CHECK(p != NULL);
    p = xrealloc(p, 0);
    CHECK(p != NULL);
    free(p);
    p = xcalloc(0, 8);
    CHECK(p != NULL);
    free(p);
}

TEST(mem_strdup_passes_null)
{
    char *s CLEANUP(freep) = xstrdup("abc");

    CHECK_STR(s, "abc");
    CHECK(xstrdup(NULL) == NULL);
}

TEST(mem_wipe_clears)
{
    char p[8];

    memset(p, 'x', sizeof(p));
    mem_wipe(p, 4);
    CHECK(memcmp(p, "\0\0\0\0xxxx", 8) == 0);
    mem_wipe(NULL, 0);
}

TEST(mem_take_leaves_null)
{
    char *p = xmalloc(1);
    char *q CLEANUP(freep) = TAKE(p);
    int fd = 3;

    CHECK(p == NULL && q != NULL);
    CHECK_INT(TAKE_FD(fd), 3);
    CHECK_INT(fd, -1);
}

struct tagged {
    uint32_t magic;
    int value;
};

static void cast_to_tagged(void *p)
{
    CAST(struct tagged, p, 42)->value++;
}

TEST(mem_cast_checks_the_tag)
{
    struct tagged t = {.magic = 42};

    cast_to_tagged(&t);
    CHECK_INT(t.value, 1);
    t.magic = 43;
    CHECK_DIES(cast_to_tagged, &t);
    CHECK_DIES(cast_to_tagged, NULL);
}

TEST(mem_vec_grows_and_walks)
{
    struct VEC(int) v = {0};
    int sum = 0;

    VEC_EACH(&v, it) sum += *it;
    CHECK_INT(sum, 0);
    for (int i = 0; i < 100; i++)
        VEC_PUSH(&v, i);
    VEC_EACH(&v, it) sum += *it;
    CHECK_INT(sum, 4950);
    CHECK_INT(v.n, 100);
    VEC_FINI(&v);
    CHECK(v.p == NULL && v.n == 0 && v.cap == 0);
}
