/*
 * Bytes for the tests of crypto/, which stand below the codecs: hexadecimal text, and the inside of PEM.
 */
#ifndef TEST_CRYPTO_VECTOR_H
#define TEST_CRYPTO_VECTOR_H

#include "base/buf.h"

static inline int vector_digit(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* Appends what lower-case hexadecimal text stands for; blanks are skipped. */
static inline void vector_hex(struct buf *out, const char *hex)
{
    while (*hex) {
        if (*hex == ' ') {
            hex++;
            continue;
        }
        buf_add_char(out, (char)(vector_digit(hex[0]) << 4 | vector_digit(hex[1])));
        hex += 2;
    }
}

/* Whether `bytes` holds what `hex` stands for. */
static inline bool vector_has(struct str bytes, const char *hex)
{
    struct buf want = BUF_INIT(4096);
    bool has;

    vector_hex(&want, hex);
    has = str_find(bytes, buf_str(&want)) >= 0;
    buf_fini(&want);
    return has;
}

static inline int vector_base64(char c)
{
    static const char ALPHABET[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = strchr(ALPHABET, c);

    return c && at ? (int)(at - ALPHABET) : -1;
}

/* Appends the DER bytes of the first block of a PEM text. */
static inline void vector_pem(struct buf *out, struct str pem)
{
    struct str line = str_cut(&pem, '\n');
    unsigned bits = 0, count = 0;

    while (pem.p && !str_starts(line = str_cut(&pem, '\n'), STR("-----"))) {
        for (size_t i = 0; i < line.n; i++) {
            int v = vector_base64(line.p[i]);

            if (v < 0)
                continue;
            bits = bits << 6 | (unsigned)v;
            count += 6;
            if (count >= 8) {
                count -= 8;
                buf_add_char(out, (char)(bits >> count & 0xff));
            }
        }
    }
}

#endif
