/*
 * Growable arrays of any element type, as macros over {p, n, cap}.
 *
 *     struct VEC(struct str) names = {0};
 *     VEC_PUSH(&names, STR("a"));
 *     VEC_FINI(&names);
 *
 * Growth doubles; there is no maximum here: the caller bounds what a peer can make grow.
 */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include "base/mem.h"

#define VEC(type)                                                                                  \
    {                                                                                              \
        type *p;                                                                                   \
        size_t n;                                                                                  \
        size_t cap;                                                                                \
    }

#define VEC_PUSH(v, item)                                                                          \
    do {                                                                                           \
        if ((v)->n == (v)->cap) {                                                                  \
            (v)->cap = (v)->cap ? (v)->cap * 2 : 8;                                                \
            (v)->p = xreallocarray((v)->p, (v)->cap, sizeof(*(v)->p));                             \
        }                                                                                          \
        (v)->p[(v)->n++] = (item);                                                                 \
    } while (0)

#define VEC_FINI(v)                                                                                \
    do {                                                                                           \
        free((v)->p);                                                                              \
        (v)->p = NULL;                                                                             \
        (v)->n = (v)->cap = 0;                                                                     \
    } while (0)

#define VEC_EACH(v, it) for (__typeof__((v)->p + 0) it = (v)->p; it && it < (v)->p + (v)->n; it++)

#endif
