/*
 * Growth, limits and text of the byte buffer.
 *
 * Invariant: a buffer that owns memory has room for one byte behind its content (off + len < cap), so
 * the C string form never has to grow.  After the first refused append nothing more is accepted until
 * buf_reset: content with a hole in it would be worse than too little.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"

enum { BUF_FIRST_BYTES = 128 };

void buf_init(struct buf *b, size_t max_bytes)
{
    *b = BUF_INIT(max_bytes);
}

void buf_fini(struct buf *b)
{
    free(b->p);
    *b = BUF_INIT(b->max);
}

void buf_reset(struct buf *b)
{
    b->off = 0;
    b->len = 0;
    b->overflow = false;
}

void buf_wipe(struct buf *b)
{
    mem_wipe(b->p, b->cap);
    buf_fini(b);
}

int buf_error(const struct buf *b)
{
    return b->overflow ? -ERR_TOOBIG : 0;
}

/* Moves the content to the front, or to a larger allocation, so that `n` bytes and a NUL fit. */
static void buf_make_room(struct buf *b, size_t n)
{
    size_t need = b->len + n + 1;
    size_t cap = b->cap ? b->cap : BUF_FIRST_BYTES;
    char *p;

    ASSERT(n < PTRDIFF_MAX - b->len);
    /* Moving at most as many bytes as were skipped keeps appending O(1) amortised. */
    if (need <= b->cap && b->off >= b->len) {
        memcpy(b->p, b->p + b->off, b->len);
        b->off = 0;
        return;
    }
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    if (cap == b->cap && need > cap / 2)
        cap *= 2;
    if (cap - 1 > b->max)
        cap = b->max + 1;
    p = xmalloc(cap);
    if (b->len)
        memcpy(p, b->p + b->off, b->len);
    free(b->p);
    b->p = p;
    b->off = 0;
    b->cap = cap;
}

/* Whether `n` bytes may be appended; makes room for them. */
static inline bool buf_admit(struct buf *b, size_t n)
{
    if (UNLIKELY(b->overflow || b->len > b->max || n > b->max - b->len)) {
        b->overflow = true;
        return false;
    }
    if (UNLIKELY(n >= b->cap - b->off - b->len))
        buf_make_room(b, n);
    return true;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    if (n == 0 || !buf_admit(b, n))
        return;
    memcpy(b->p + b->off + b->len, p, n);
    b->len += n;
}

void buf_add_str(struct buf *b, struct str s)
{
    buf_add(b, s.p, s.n);
}

void buf_add_c(struct buf *b, const char *s)
{
    buf_add(b, s, s ? strlen(s) : 0);
}

void buf_add_char(struct buf *b, char c)
{
    if (buf_admit(b, 1))
        b->p[b->off + b->len++] = c;
}

static PRINTF_LIKE(2, 0) size_t buf_print(struct buf *b, const char *fmt, va_list ap)
{
    size_t room = b->cap - b->off - b->len;
    int n = vsnprintf(b->p ? b->p + b->off + b->len : NULL, room, fmt, ap);

    ASSERT(n >= 0);
    return (size_t)n;
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    size_t room = b->cap - b->off - b->len;
    size_t n;

    va_start(ap, fmt);
    n = buf_print(b, fmt, ap);
    va_end(ap);
    if (n == 0 || !buf_admit(b, n))
        return;
    if (n >= room) {
        va_start(ap, fmt);
        buf_print(b, fmt, ap);
        va_end(ap);
    }
    b->len += n;
}

/*
 * Length of the well-formed UTF-8 sequence at the start of `s` (Unicode, table 3-7), or 0.
 * ASCII is the caller's.
 */
static size_t utf8_sequence(struct str s)
{
    unsigned char lead = (unsigned char)s.p[0];
    size_t n = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    unsigned char second, low = 0x80, high = 0xbf;

    if (lead < 0xc2 || lead > 0xf4 || s.n < n)
        return 0;
    if (lead == 0xe0)
        low = 0xa0;
    else if (lead == 0xed)
        high = 0x9f;
    else if (lead == 0xf0)
        low = 0x90;
    else if (lead == 0xf4)
        high = 0x8f;
    second = (unsigned char)s.p[1];
    if (second < low || second > high)
        return 0;
    for (size_t i = 2; i < n; i++) {
        if (((unsigned char)s.p[i] & 0xc0) != 0x80)
            return 0;
    }
    return n;
}

static bool json_is_plain(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x7f && c != '"' && c != '\\';
}

/* One character that is not plain; returns how many bytes of `s` it took. */
static size_t buf_add_json_special(struct buf *b, struct str s)
{
    static const char SHORT[] = "b\bf\fn\nr\rt\t\"\"\\\\";
    unsigned char c = (unsigned char)s.p[0];
    size_t n;

    if (c >= 0x80) {
        n = utf8_sequence(s);
        if (n == 0)
            buf_add(b, "\xef\xbf\xbd", 3);
        else if (c == 0xc2 && (unsigned char)s.p[1] < 0xa0)
            /* C1 controls steer terminals as ESC does. */
            buf_addf(b, "\\u00%02x", (unsigned char)s.p[1]);
        else
            buf_add(b, s.p, n);
        return n ? n : 1;
    }
    for (size_t i = 0; i + 1 < sizeof(SHORT); i += 2) {
        if (SHORT[i + 1] == (char)c) {
            buf_add(b, (char[]){'\\', SHORT[i]}, 2);
            return 1;
        }
    }
    buf_addf(b, "\\u%04x", c);
    return 1;
}

void buf_add_json(struct buf *b, struct str s)
{
    while (s.n > 0) {
        size_t n = 0;

        while (n < s.n && json_is_plain(s.p[n]))
            n++;
        buf_add(b, s.p, n);
        s = str_skip(s, n);
        if (s.n > 0)
            s = str_skip(s, buf_add_json_special(b, s));
    }
}

char *buf_reserve(struct buf *b, size_t n)
{
    if (!buf_admit(b, n))
        return NULL;
    return b->p + b->off + b->len;
}

void buf_commit(struct buf *b, size_t n)
{
    ASSERT(n == 0 || n < b->cap - b->off - b->len);
    b->len += n;
}

void buf_skip(struct buf *b, size_t n)
{
    ASSERT(n <= b->len);
    b->len -= n;
    b->off = b->len ? b->off + n : 0;
}

const char *buf_c(struct buf *b)
{
    if (!b->p)
        return "";
    b->p[b->off + b->len] = '\0';
    return b->p + b->off;
}

char *buf_take_c(struct buf *b, size_t *ret_len)
{
    char *content = b->p;

    if (ret_len)
        *ret_len = b->len;
    if (!content)
        return str_dup(STR_NONE);
    memmove(content, content + b->off, b->len);
    content[b->len] = '\0';
    *b = BUF_INIT(b->max);
    return content;
}
