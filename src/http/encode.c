/*
 * Encoding in two passes: an upper bound of the size, then plain copying.
 */
#include "http/encode.h"

#include "codec/h1.h"
#include "http/field.h"

#define LINE_OVERHEAD 4 /* ": " and CR LF */
#define FIXED_BYTES 256 /* status line, framing headers and their values */
#define DECIMAL_BYTES 20

static inline char *put(char *p, struct str s)
{
    if (LIKELY(s.n))
        memcpy(p, s.p, s.n);
    return p + s.n;
}

static inline char *put_header(char *p, struct str name, struct str value)
{
    p = put(p, name);
    *p++ = ':';
    *p++ = ' ';
    p = put(p, value);
    *p++ = '\r';
    *p++ = '\n';
    return p;
}

static char *put_decimal(char *p, uint64_t v)
{
    char text[DECIMAL_BYTES], *at = text + sizeof(text);

    do {
        *--at = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    return put(p, str_n(at, (size_t)(text + sizeof(text) - at)));
}

static size_t headers_bytes(const struct http_headers *h)
{
    size_t n = 0;

    for (size_t i = 0; i < h->n; i++)
        n += h->p[i].name.n + h->p[i].value.n + LINE_OVERHEAD;
    return n;
}

static char *put_framing(char *p, enum body_framing framing, int64_t length)
{
    if (framing == BODY_CHUNKED)
        return put(p, STR("Transfer-Encoding: chunked\r\n"));
    if (length < 0)
        return p;
    p = put_decimal(put(p, STR("Content-Length: ")), (uint64_t)length);
    return put(p, STR("\r\n"));
}

/* Number of bytes below SP. */
static size_t count_controls(const char *p, size_t n)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones * 0x80;
    size_t count = 0;

    for (; n >= 8; p += 8, n -= 8) {
        uint64_t v;

        memcpy(&v, p, sizeof(v));
        /* Per byte: the low seven bits plus 0x60 reach bit 7 unless the byte, its own bit 7 aside, is
         * below 0x20. */
        v = (((v & ~tops) + ones * 0x60) | v) & tops;
        count += 8 - (size_t)((v >> 7) * ones >> 56);
    }
    for (; n; p++, n--)
        count += (unsigned char)*p < 0x20;
    return count;
}

static size_t count_tabs(struct str s)
{
    size_t count = 0;

    for (size_t i = 0; i < s.n; i++)
        count += s.p[i] == '\t';
    return count;
}

/* Whether the head has `lines` line ends and no other control byte but HTAB. */
static bool is_sound(struct str head, size_t lines)
{
    size_t controls = count_controls(head.p, head.n);

    return controls == 2 * lines || controls == 2 * lines + count_tabs(head);
}

static char *put_status_line(char *p, int status)
{
    p = put(p, STR("HTTP/1.1 "));
    *p++ = (char)('0' + status / 100 % 10);
    *p++ = (char)('0' + status / 10 % 10);
    *p++ = (char)('0' + status % 10);
    *p++ = ' ';
    p = put(p, str_c(h1_reason_phrase(status)));
    return put(p, STR("\r\n"));
}

int encode_response(struct arena *a, const struct http_response *r,
                    const struct encode_reply *reply, struct str *ret_head)
{
    char *start = arena_alloc(a, headers_bytes(&r->headers) + FIXED_BYTES);
    char *p = put_status_line(start, r->status);
    bool has_date = reply->date.n == 0;
    size_t lines = 2;
    struct str head;

    for (size_t i = 0; i < r->headers.n; i++) {
        const struct http_header *h = &r->headers.p[i];
        unsigned kind = field_kind(h->name);

        if (kind & FIELD_FRAMING)
            continue;
        has_date |= (kind & FIELD_DATE) != 0;
        p = put_header(p, h->name, h->value);
        lines++;
    }
    if (!has_date) {
        p = put_header(p, STR("Date"), reply->date);
        lines++;
    }
    lines += reply->framing == BODY_CHUNKED || reply->length >= 0;
    p = put_framing(p, reply->framing, reply->length);
    lines += reply->is_closing || reply->is_kept;
    if (reply->is_closing)
        p = put(p, STR("Connection: close\r\n"));
    else if (reply->is_kept)
        p = put(p, STR("Connection: keep-alive\r\n"));
    p = put(p, STR("\r\n"));

    head = str_n(start, (size_t)(p - start));
    if (r->status < 100 || r->status > 999 || !is_sound(head, lines))
        return -ERR_INVALID;
    *ret_head = head;
    return 0;
}

/* Methods whose requests state the length even of an empty body (RFC 9110, 8.6). */
static bool has_body_by_nature(struct str method)
{
    return str_eq(method, STR("POST")) || str_eq(method, STR("PUT")) ||
           str_eq(method, STR("PATCH"));
}

enum body_framing encode_request_framing(const struct http_request *r)
{
    if (r->body_length == 0)
        return BODY_ABSENT;
    return r->body_length == HTTP_BODY_UNKNOWN ? BODY_CHUNKED : BODY_LENGTH;
}

static bool is_target(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
            return false;
    return s.n > 0;
}

int encode_request(struct arena *a, const struct http_request *r, struct str *ret_head)
{
    enum body_framing framing = encode_request_framing(r);
    bool has_length = framing != BODY_ABSENT || has_body_by_nature(r->method);
    size_t cap =
        r->method.n + r->target.n + r->authority.n + headers_bytes(&r->headers) + FIXED_BYTES;
    size_t lines = 3 + has_length + r->expect_continue;
    char *start, *p;
    struct str head;

    if (!h1_is_token(r->method) || !is_target(r->target) || !is_target(r->authority) ||
        r->body_length < 0)
        return -ERR_INVALID;
    start = arena_alloc(a, cap);
    p = put(start, r->method);
    *p++ = ' ';
    p = put(p, r->target);
    p = put(p, STR(" HTTP/1.1\r\n"));
    p = put_header(p, STR("Host"), r->authority);
    for (size_t i = 0; i < r->headers.n; i++) {
        const struct http_header *h = &r->headers.p[i];

        if (field_kind(h->name) & (FIELD_FRAMING | FIELD_REQUEST_LINE))
            continue;
        p = put_header(p, h->name, h->value);
        lines++;
    }
    if (has_length)
        p = put_framing(p, framing, r->body_length);
    if (r->expect_continue)
        p = put(p, STR("Expect: 100-continue\r\n"));
    p = put(p, STR("\r\n"));

    head = str_n(start, (size_t)(p - start));
    if (!is_sound(head, lines))
        return -ERR_INVALID;
    *ret_head = head;
    return 0;
}
