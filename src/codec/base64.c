/*
 * Base64: both alphabets over one encoder and one decoder of six-bit values.
 *
 * The decoder's bit count at the end tells a lone character, its leftover bits tell a text that no
 * encoder writes; either fails the whole text.
 */
#include "codec/base64.h"

static const char STD_DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char URL_DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The value of a character, or -1; `c62` and `c63` are the last two of the alphabet. */
static int value_of(char c, char c62, char c63)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == c62 ? 62 : c == c63 ? 63 : -1;
}

static void encode(struct buf *out, struct str bytes, const char *digits, bool pad)
{
    const uint8_t *in = (const uint8_t *)bytes.p;
    size_t n = bytes.n, rest = n % 3;
    char *p = buf_reserve(out, (n + 2) / 3 * 4), *start = p;

    if (!p)
        return;
    for (; n >= 3; n -= 3, in += 3) {
        *p++ = digits[in[0] >> 2];
        *p++ = digits[(in[0] & 3) << 4 | in[1] >> 4];
        *p++ = digits[(in[1] & 15) << 2 | in[2] >> 6];
        *p++ = digits[in[2] & 63];
    }
    if (rest > 0) {
        uint8_t second = rest == 2 ? in[1] : 0;

        *p++ = digits[in[0] >> 2];
        *p++ = digits[(in[0] & 3) << 4 | second >> 4];
        if (rest == 2)
            *p++ = digits[(second & 15) << 2];
        for (size_t i = rest; pad && i < 3; i++)
            *p++ = '=';
    }
    buf_commit(out, (size_t)(p - start));
}

/* Writes the bytes of unpadded `text` to `p`; returns whether it is well-formed. */
static bool decode_to(char *p, struct str text, const char *digits)
{
    unsigned bits = 0, count = 0;

    for (size_t i = 0; i < text.n; i++) {
        int v = value_of(text.p[i], digits[62], digits[63]);

        if (v < 0)
            return false;
        bits = bits << 6 | (unsigned)v;
        count += 6;
        if (count >= 8) {
            count -= 8;
            *p++ = (char)(bits >> count);
            bits &= (1u << count) - 1;
        }
    }
    return count < 6 && bits == 0;
}

static int decode(struct buf *out, struct str text, const char *digits)
{
    size_t n = text.n / 4 * 3 + (text.n % 4 > 1 ? text.n % 4 - 1 : 0);
    char *p = buf_reserve(out, n);

    if (!p)
        return -ERR_TOOBIG;
    if (!decode_to(p, text, digits))
        return -ERR_INVALID;
    buf_commit(out, n);
    return 0;
}

void base64_encode(struct buf *out, struct str bytes)
{
    encode(out, bytes, STD_DIGITS, true);
}

void base64_url_encode(struct buf *out, struct str bytes)
{
    encode(out, bytes, URL_DIGITS, false);
}

int base64_decode(struct buf *out, struct str text)
{
    if (text.n % 4 != 0)
        return -ERR_INVALID;
    for (int pad = 0; pad < 2 && text.n > 0 && text.p[text.n - 1] == '='; pad++)
        text.n--;
    return decode(out, text, STD_DIGITS);
}

int base64_url_decode(struct buf *out, struct str text)
{
    return decode(out, text, URL_DIGITS);
}
