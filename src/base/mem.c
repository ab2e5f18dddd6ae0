/*
 * Allocation that ends the process instead of failing.
 *
 * A size above PTRDIFF_MAX is a wrapped computation, not a wish for memory; it ends the process too.
 */
#include "base/mem.h"

#include <string.h>

static NORETURN void mem_exhausted(void)
{
    cc_assert_failed("out of memory", __FILE__, __LINE__);
}

static void *mem_check(void *p)
{
    if (UNLIKELY(!p))
        mem_exhausted();
    return p;
}

void *xmalloc(size_t n)
{
    if (UNLIKELY(n > PTRDIFF_MAX))
        mem_exhausted();
    return mem_check(malloc(n ? n : 1));
}

void *xcalloc(size_t count, size_t size)
{
    size_t n = mem_product(count, size);

    if (UNLIKELY(n > PTRDIFF_MAX))
        mem_exhausted();
    return mem_check(calloc(1, n ? n : 1));
}

void *xrealloc(void *p, size_t n)
{
    if (UNLIKELY(n > PTRDIFF_MAX))
        mem_exhausted();
    return mem_check(realloc(p, n ? n : 1));
}

void *xreallocarray(void *p, size_t count, size_t size)
{
    return xrealloc(p, mem_product(count, size));
}

char *xstrdup(const char *s)
{
    size_t n;
    char *copy;

    if (!s)
        return NULL;
    n = strlen(s) + 1;
    copy = xmalloc(n);
    memcpy(copy, s, n);
    return copy;
}

void mem_wipe(void *p, size_t n)
{
    if (n > 0)
        explicit_bzero(p, n);
}
