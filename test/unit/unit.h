/*
 * The unit test framework: one program for each directory of src/, tests that register themselves.
 *
 *     TEST(cut_keeps_empty_fields)
 *     {
 *         struct str s = STR(",b");
 *         CHECK_STR(str_cut(&s, ','), "");
 *         CHECK_INT(s.n, 1);
 *     }
 *
 * A failed check prints file, line and both values, marks the test failed and lets it go on; every
 * check is an expression that is true when it held, so `if (!CHECK(p)) return;` guards what follows.
 * A test that runs longer than UNIT_TEST_LIMIT_S ends the program with a message.
 *
 * The program takes one optional argument: only tests whose name contains it are run.
 */
#ifndef TEST_UNIT_H
#define TEST_UNIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define UNIT_TEST_LIMIT_S 60

struct unit_test {
    const char *name;
    const char *file;
    void (*fn)(void);
    struct unit_test *next;
};

/* Adds a test to the program; TEST calls it before main(). */
void unit_register(struct unit_test *t);

/* The functions behind the macros below; each prints a failure and returns whether the check held. */
bool unit_check(bool ok, const char *expr, const char *file, int line);
bool unit_check_int(long long a, long long b, const char *expr, const char *file, int line);
bool unit_check_str(struct str a, struct str b, const char *expr, const char *file, int line);
bool unit_check_err(long long rc, int code, const char *expr, const char *file, int line);
bool unit_check_dies(void (*fn)(void *), void *cookie, const char *expr, const char *file,
                     int line);

static inline struct str unit_str(struct str s)
{
    return s;
}

#define TEST(test_name)                                                                            \
    static void test_##test_name(void);                                                            \
    __attribute__((constructor)) static void register_##test_name(void)                            \
    {                                                                                              \
        static struct unit_test t = {#test_name, __FILE__, test_##test_name, NULL};                \
        unit_register(&t);                                                                         \
    }                                                                                              \
    static void test_##test_name(void)

/* The expression is true. */
#define CHECK(e) unit_check(!!(e), #e, __FILE__, __LINE__)
/* Two integers are equal; the first is what was got, the second what is wanted. */
#define CHECK_INT(a, b) unit_check_int((long long)(a), (long long)(b), #a, __FILE__, __LINE__)
/* A struct str or C string holds the bytes of another one. */
#define CHECK_STR(a, b) unit_check_str(UNIT_STR(a), UNIT_STR(b), #a, __FILE__, __LINE__)
/* The call returned -(code): CHECK_ERR(url_parse(…), ERR_INVALID). */
#define CHECK_ERR(rc, code) unit_check_err((long long)(rc), (int)(code), #rc, __FILE__, __LINE__)
/* The call returned 0 or a count. */
#define CHECK_OK(rc) unit_check_err((long long)(rc), 0, #rc, __FILE__, __LINE__)
/* `fn(cookie)` ends the process by a failed ASSERT (it is run in a child). */
#define CHECK_DIES(fn, cookie) unit_check_dies(fn, cookie, #fn, __FILE__, __LINE__)

#define UNIT_STR(s) _Generic((s), struct str : unit_str, char * : str_c, const char * : str_c)(s)

#endif
