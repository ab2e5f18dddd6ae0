/*
 * Base64, four characters at a time through one table for both alphabets.
 *
 * The table maps a character to its value, with a bit that says which alphabet has it; what either
 * alphabet lacks fails the whole text before anything is written.
 */
#include "codec/base64.h"

enum { BASE64_STD = 0x40, BASE64_URL = 0x80, BASE64_BOTH = 0xc0, BASE64_VALUE = 0x3f };

static const char STD_DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char URL_DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The value of a character with the bit of its alphabet, or 0 when the alphabet has it not. */
static unsigned value_of(char c, unsigned alphabet)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A') | BASE64_BOTH;
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a' + 26) | BASE64_BOTH;
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0' + 52) | BASE64_BOTH;
    if (c == '+' || c == '/')
        return alphabet == BASE64_STD ? (c == '+' ? 62 : 63) | BASE64_STD : 0;
    if (c == '-' || c == '_')
        return alphabet == BASE64_URL ? (c == '-' ? 62 : 63) | BASE64_URL : 0;
    return 0;
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
static bool decode_to(char *p, struct str text, unsigned alphabet)
{
    unsigned bits = 0, count = 0;

    for (size_t i = 0; i < text.n; i++) {
        unsigned v = value_of(text.p[i], alphabet);

        if (v == 0)
            return false;
        bits = bits << 6 | (v & BASE64_VALUE);
        count += 6;
        if (count >= 8) {
            count -= 8;
            *p++ = (char)(bits >> count);
            bits &= (1u << count) - 1;
        }
    }
    /* 6 bits over: a lone character; otherwise the bits over must be zero. */
    return count < 6 && bits == 0;
}

static int decode(struct buf *out, struct str text, unsigned alphabet)
{
    size_t n = text.n / 4 * 3 + (text.n % 4 > 1 ? text.n % 4 - 1 : 0);
    char *p = buf_reserve(out, n);

    if (!p || !decode_to(p, text, alphabet))
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
    return decode(out, text, BASE64_STD);
}

int base64_url_decode(struct buf *out, struct str text)
{
    return decode(out, text, BASE64_URL);
}
