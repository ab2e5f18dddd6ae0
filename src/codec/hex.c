/*
 * Hexadecimal text: one table lookup a digit.
 */
#include "codec/hex.h"

#define DIGIT_NONE 0

/* Value + 1, so that every other byte is DIGIT_NONE. */
static const uint8_t DIGITS[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

int hex_digit(char c)
{
    return DIGITS[(uint8_t)c] - 1;
}

void hex_encode(struct buf *out, struct str bytes)
{
    static const char digits[] = "0123456789abcdef";
    char *p = buf_reserve(out, bytes.n * 2);

    if (!p)
        return;
    for (size_t i = 0; i < bytes.n; i++) {
        *p++ = digits[(uint8_t)bytes.p[i] >> 4];
        *p++ = digits[(uint8_t)bytes.p[i] & 15];
    }
    buf_commit(out, bytes.n * 2);
}

int hex_decode(struct buf *out, struct str text)
{
    char *p;

    if (text.n % 2 != 0)
        return -ERR_INVALID;
    for (size_t i = 0; i < text.n; i++)
        if (DIGITS[(uint8_t)text.p[i]] == DIGIT_NONE)
            return -ERR_INVALID;
    p = buf_reserve(out, text.n / 2);
    if (!p)
        return -ERR_TOOBIG;
    for (size_t i = 0; i < text.n; i += 2)
        *p++ = (char)(hex_digit(text.p[i]) << 4 | hex_digit(text.p[i + 1]));
    buf_commit(out, text.n / 2);
    return 0;
}
