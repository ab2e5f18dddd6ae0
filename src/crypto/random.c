/*
 * getrandom(2), and nothing on top: the kernel's generator is fast enough for what we draw, and it is
 * right after a fork.
 */
#include "crypto/random.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#define RANDOM_PIECE_BYTES 256 /* up to here getrandom is never cut short by a signal */

void random_bytes(void *p, size_t n)
{
    uint8_t *at = p;

    while (n > 0) {
        ssize_t got = getrandom(at, MIN(n, (size_t)RANDOM_PIECE_BYTES), 0);

        ASSERT(got > 0 || errno == EINTR);
        if (got > 0) {
            at += got;
            n -= (size_t)got;
        }
    }
}

uint64_t random_below(uint64_t bound)
{
    uint64_t v, reject;

    ASSERT(bound > 0);
    /* 2^64 mod bound: values below it would make the small results more likely. */
    reject = (0 - bound) % bound;
    do
        random_bytes(&v, sizeof(v));
    while (v < reject);
    return v % bound;
}

const char *random_uuid(char dst[RANDOM_UUID_BYTES])
{
    uint8_t b[16];

    random_bytes(b, sizeof(b));
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(dst, RANDOM_UUID_BYTES,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
    return dst;
}
