/*
 * Allocation that does not fail.
 *
 * Running out of memory ends the process (a supervisor restarts it); what a peer can make grow sits in
 * containers with a maximum instead, and reaching that maximum is an ordinary error.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdlib.h>

#include "base/cc.h"

/* Returns `n` bytes of undefined content. */
void *xmalloc(size_t n) MUST_USE;

/* Returns `count * size` zero bytes; an overflowing product ends the process. */
void *xcalloc(size_t count, size_t size) MUST_USE;

/* Resizes `p` to `n` bytes. */
void *xrealloc(void *p, size_t n) MUST_USE;

/* Resizes `p` to `count * size` bytes; an overflowing product ends the process. */
void *xreallocarray(void *p, size_t count, size_t size) MUST_USE;

/* Returns a heap copy of the C string `s` (NULL gives NULL). */
char *xstrdup(const char *s) MUST_USE;

/* `count * size`, or SIZE_MAX (which no allocation grants) when the product overflows. */
static inline size_t mem_product(size_t count, size_t size)
{
    size_t n;

    return __builtin_mul_overflow(count, size, &n) ? SIZE_MAX : n;
}

/* A zeroed object of the given type. */
#define NEW(type) ((type *)xcalloc(1, sizeof(type)))

/* Overwrites `n` bytes in a way the compiler keeps. */
void mem_wipe(void *p, size_t n);

/* For CLEANUP: frees what a `char *` or `void *` variable holds. */
static inline void freep(void *pp)
{
    free(*(void **)pp);
}

/* Defines `name`, a cleanup function that calls `fn` on the pointer variable it guards. */
#define DEFINE_CLEANUP(name, type, fn)                                                             \
    static inline void name(type *pp)                                                              \
    {                                                                                              \
        if (*pp)                                                                                   \
            fn(*pp);                                                                               \
    }

#endif
