/*
 * Random bytes from the kernel's generator.
 */
#ifndef CRYPTO_RANDOM_H
#define CRYPTO_RANDOM_H

#include "base/str.h"

/* Fills `n` bytes; cannot fail (a missing generator ends the process). */
void random_bytes(void *p, size_t n);

/* A uniformly distributed number below `bound` (> 0). */
uint64_t random_below(uint64_t bound);

#define RANDOM_UUID_BYTES 37

/* A version 4 UUID (RFC 9562) in lower-case text; returns `dst`. */
const char *random_uuid(char dst[RANDOM_UUID_BYTES]);

#endif
