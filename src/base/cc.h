/*
 * Compiler attributes and the few macros every file uses.
 *
 * Nothing here has a run-time meaning of its own except ASSERT, which stays on in production: a broken
 * invariant ends the process instead of serving from a state nobody designed.  What a peer sends never
 * reaches an ASSERT.
 */
#ifndef BASE_CC_H
#define BASE_CC_H

#include <stddef.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define UNUSED __attribute__((unused))
#define NORETURN __attribute__((noreturn))
#define CONSTRUCTOR __attribute__((constructor))
#define LIKELY(e) __builtin_expect(!!(e), 1)
#define UNLIKELY(e) __builtin_expect(!!(e), 0)

/* Whether AddressSanitizer watches this build (gcc and clang say it differently). */
#if defined(__SANITIZE_ADDRESS__)
#define CC_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CC_ASAN 1
#endif
#endif
#ifndef CC_ASAN
#define CC_ASAN 0
#endif

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)                                                                                  \
    ({                                                                                             \
        __auto_type min_a = (a);                                                                   \
        __auto_type min_b = (b);                                                                   \
        min_a < min_b ? min_a : min_b;                                                             \
    })
#define MAX(a, b)                                                                                  \
    ({                                                                                             \
        __auto_type max_a = (a);                                                                   \
        __auto_type max_b = (b);                                                                   \
        max_a > max_b ? max_a : max_b;                                                             \
    })

/* The struct of type `type` whose member `member` is at `ptr`. */
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Moves a pointer out of its variable and leaves NULL behind. */
#define TAKE(p)                                                                                    \
    ({                                                                                             \
        __auto_type take_p = (p);                                                                  \
        (p) = NULL;                                                                                \
        take_p;                                                                                    \
    })

/* As TAKE, for file descriptors: leaves -1 behind. */
#define TAKE_FD(fd)                                                                                \
    ({                                                                                             \
        int take_fd = (fd);                                                                        \
        (fd) = -1;                                                                                 \
        take_fd;                                                                                   \
    })

/* Ends the process with a message that names the expression and its place. */
NORETURN void cc_assert_failed(const char *expr, const char *file, int line);

#define ASSERT(e) ((e) ? (void)0 : cc_assert_failed(#e, __FILE__, __LINE__))

/*
 * Type tags for objects that travel through `void *`: the first member is `uint32_t magic`, set to a
 * constant by the constructor, checked by CAST and cleared by the destructor.
 */
#define CAST(type, ptr, magic_value)                                                               \
    ({                                                                                             \
        type *cast_p = (ptr);                                                                      \
        ASSERT(cast_p && cast_p->magic == (magic_value));                                          \
        cast_p;                                                                                    \
    })

#endif
