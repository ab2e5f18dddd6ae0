/*
 * The end of the process after a broken invariant.
 *
 * Only write(2) and abort(3): the state is already wrong, so nothing here may allocate, lock or format
 * through stdio streams.
 */
#include "base/cc.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void cc_assert_failed(const char *expr, const char *file, int line)
{
    char msg[512];
    int n = snprintf(msg, sizeof(msg), "%s:%d: assertion failed: %s\n", file, line, expr);

    if (n > 0) {
        size_t len = (size_t)n < sizeof(msg) ? (size_t)n : sizeof(msg) - 1;
        ssize_t written UNUSED = write(STDERR_FILENO, msg, len);
    }
    abort();
}
