/*
 * Searching, comparing, cutting and hashing borrowed bytes.
 *
 * The hash is SipHash-1-3 (Aumasson and Bernstein; the variant with one compression and three final
 * rounds) under a key drawn once per process, so that nobody outside can predict which keys of a table
 * collide.
 */
#include "base/str.h"

#include <sys/random.h>

#include "base/err.h"
#include "base/mem.h"

static uint64_t hash_key[2];

/* Before every other constructor: some of them fill tables. */
__attribute__((constructor(101))) static void str_draw_hash_key(void)
{
    ASSERT(getrandom(hash_key, sizeof(hash_key), 0) == (ssize_t)sizeof(hash_key));
}

bool str_starts_nocase(struct str s, struct str prefix)
{
    if (s.n < prefix.n)
        return false;
    for (size_t i = 0; i < prefix.n; i++) {
        if (str_lower_char(s.p[i]) != str_lower_char(prefix.p[i]))
            return false;
    }
    return true;
}

bool str_eq_nocase(struct str a, struct str b)
{
    return a.n == b.n && str_starts_nocase(a, b);
}

int str_cmp(struct str a, struct str b)
{
    size_t n = MIN(a.n, b.n);
    int order = n ? memcmp(a.p, b.p, n) : 0;

    if (order != 0)
        return order;
    return (a.n > b.n) - (a.n < b.n);
}

ptrdiff_t str_index(struct str s, char c)
{
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;

    return at ? at - s.p : -1;
}

ptrdiff_t str_rindex(struct str s, char c)
{
    const char *at = s.n ? memrchr(s.p, c, s.n) : NULL;

    return at ? at - s.p : -1;
}

ptrdiff_t str_find(struct str s, struct str needle)
{
    const char *at;

    if (needle.n == 0)
        return 0;
    if (s.n < needle.n)
        return -1;
    at = memmem(s.p, s.n, needle.p, needle.n);
    return at ? at - s.p : -1;
}

struct str str_cut(struct str *s, char sep)
{
    struct str whole = *s;
    ptrdiff_t at = str_index(whole, sep);

    if (at < 0) {
        *s = STR_NONE;
        return whole;
    }
    *s = str_skip(whole, (size_t)at + 1);
    return str_head(whole, (size_t)at);
}

static bool str_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool str_is_white(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct str str_trim_with(struct str s, bool (*is_trimmed)(char c))
{
    while (s.n > 0 && is_trimmed(s.p[0]))
        s = str_skip(s, 1);
    while (s.n > 0 && is_trimmed(s.p[s.n - 1]))
        s.n--;
    return s;
}

struct str str_trim(struct str s)
{
    return str_trim_with(s, str_is_blank);
}

struct str str_trim_space(struct str s)
{
    return str_trim_with(s, str_is_white);
}

int str_to_u64(struct str s, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (s.n == 0)
        return -ERR_INVALID;
    for (size_t i = 0; i < s.n; i++) {
        unsigned digit = (unsigned char)s.p[i] - (unsigned)'0';

        if (digit > 9)
            return -ERR_INVALID;
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, digit, &value) || value > max)
            return -ERR_INVALID;
    }
    *ret_value = value;
    return 0;
}

int str_to_i64(struct str s, int64_t *ret_value)
{
    bool is_negative = s.n > 0 && s.p[0] == '-';
    uint64_t limit = (uint64_t)INT64_MAX + is_negative;
    uint64_t value;

    if (str_to_u64(str_skip(s, is_negative), limit, &value) < 0)
        return -ERR_INVALID;
    *ret_value = is_negative ? (int64_t)(0 - value) : (int64_t)value;
    return 0;
}

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t sip_rotate(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = sip_rotate(s->v1, 13) ^ s->v0;
    s->v0 = sip_rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = sip_rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = sip_rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = sip_rotate(s->v1, 17) ^ s->v2;
    s->v2 = sip_rotate(s->v2, 32);
}

static inline void sip_absorb(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

/* The 0 to 7 bytes behind the last whole word, little-endian. */
static inline uint64_t sip_tail(const char *p, size_t n)
{
    uint32_t word = 0;
    uint16_t half = 0;
    uint64_t tail = 0;

    if (n & 4) {
        memcpy(&word, p, 4);
        tail = word;
        p += 4;
    }
    if (n & 2) {
        memcpy(&half, p, 2);
        tail |= (uint64_t)half << ((n & 4) * 8);
        p += 2;
    }
    if (n & 1)
        tail |= (uint64_t)(unsigned char)*p << ((n & 6) * 8);
    return tail;
}

uint64_t str_hash(struct str s)
{
    struct sip sip = {
        .v0 = hash_key[0] ^ UINT64_C(0x736f6d6570736575),
        .v1 = hash_key[1] ^ UINT64_C(0x646f72616e646f6d),
        .v2 = hash_key[0] ^ UINT64_C(0x6c7967656e657261),
        .v3 = hash_key[1] ^ UINT64_C(0x7465646279746573),
    };
    size_t whole = s.n & ~(size_t)7;
    uint64_t word;

    /* Byte order matters to nobody outside this process, so words are read as they lie. */
    for (size_t i = 0; i < whole; i += 8) {
        memcpy(&word, s.p + i, 8);
        sip_absorb(&sip, word);
    }
    word = s.n & 7 ? sip_tail(s.p + whole, s.n & 7) : 0;
    sip_absorb(&sip, word | (uint64_t)s.n << 56);
    sip.v2 ^= 0xff;
    sip_round(&sip);
    sip_round(&sip);
    sip_round(&sip);
    return sip.v0 ^ sip.v1 ^ sip.v2 ^ sip.v3;
}

bool str_eq_secret(struct str a, struct str b)
{
    unsigned char diff = 0;

    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++) {
        diff |= (unsigned char)(a.p[i] ^ b.p[i]);
        /* Hides the value from the optimiser, which could otherwise leave the loop early. */
        __asm__ volatile("" : "+r"(diff));
    }
    return diff == 0;
}

char *str_dup(struct str s)
{
    char *copy = xmalloc(s.n + 1);

    if (s.n)
        memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return copy;
}

int str_copy(struct str s, char *dst, size_t cap)
{
    int rc = 0;

    if (s.n >= cap)
        rc = -ERR_TOOBIG;
    else if (str_index(s, '\0') >= 0)
        rc = -ERR_INVALID;
    if (rc < 0)
        s = STR_NONE;
    if (s.n)
        memcpy(dst, s.p, s.n);
    if (cap > 0)
        dst[s.n] = '\0';
    return rc;
}
