/*
 * Heads of HTTP/1.1 messages, in one pass and without copying.
 *
 * A cursor walks the start line and then header line after header line.  Names and targets are checked
 * by a class table, values eight bytes at a time; each header is looked at once more by length and
 * first letter for the facts the proxy acts on, so that nobody searches the headers again.  A step
 * answers STEP_DONE, STEP_MORE (the bytes end inside it) or STEP_BAD (reason and status are set).
 * Chunked bodies are h1_chunked.c.
 */
#include "codec/h1.h"

enum step { STEP_BAD = -1, STEP_MORE, STEP_DONE };

enum {
    CLASS_TOKEN = 1,  /* RFC 9110, 5.6.2 */
    CLASS_TARGET = 2, /* VCHAR */
    CLASS_VALUE = 4,  /* HTAB, SP, VCHAR, obs-text */
};

#define CLASS_V CLASS_VALUE
#define CLASS_GV (CLASS_TARGET | CLASS_VALUE)
#define CLASS_ALL (CLASS_TOKEN | CLASS_TARGET | CLASS_VALUE)

static const uint8_t CLASS[256] = {
    ['\t'] = CLASS_V,           [' '] = CLASS_V,
    ['!'] = CLASS_ALL,          ['"'] = CLASS_GV,
    ['#' ... '\''] = CLASS_ALL, ['(' ... ')'] = CLASS_GV,
    ['*' ... '+'] = CLASS_ALL,  [','] = CLASS_GV,
    ['-' ... '.'] = CLASS_ALL,  ['/'] = CLASS_GV,
    ['0' ... '9'] = CLASS_ALL,  [':' ... '@'] = CLASS_GV,
    ['A' ... 'Z'] = CLASS_ALL,  ['[' ... ']'] = CLASS_GV,
    ['^' ... 'z'] = CLASS_ALL,  ['{'] = CLASS_GV,
    ['|'] = CLASS_ALL,          ['}'] = CLASS_GV,
    ['~'] = CLASS_ALL,          [0x80 ... 0xff] = CLASS_V,
};

/* Facts that more than one header line adds to. */
enum {
    FACT_HOST = 1 << 0,
    FACT_LENGTH = 1 << 1,
    FACT_CODING = 1 << 2,
    FACT_UPGRADE = 1 << 3,
    FACT_CONN_CLOSE = 1 << 4,
    FACT_CONN_KEEP = 1 << 5,
    FACT_CONN_UPGRADE = 1 << 6,
};

struct cursor {
    const char *p;
    const char *end;
    struct h1_head *head;
    const struct h1_limits *limits;
    size_t header_max;
    unsigned facts;
    int rc; /* with STEP_BAD */
    int status;
    const char *reason;
};

static inline bool is_class(char c, uint8_t class)
{
    return (CLASS[(uint8_t)c] & class) != 0;
}

static enum step refuse(struct cursor *c, int status, const char *reason)
{
    c->rc = status == 414 || status == 431 ? -ERR_TOOBIG : -ERR_BADREQUEST;
    c->status = status;
    c->reason = reason;
    return STEP_BAD;
}

/* The first byte that may not stand in a field value (CR among them), or `end`. */
static inline const char *skip_value(const char *p, const char *end)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones * 0x80;

    /* Bit 7 of a byte of `hit` is set for bytes below SP and for DEL; the lowest one is exact. */
    while (end - p >= 8) {
        uint64_t v, del, hit;

        memcpy(&v, p, sizeof(v));
        del = v ^ (ones * 0x7f);
        hit = (((v - ones * 0x20) & ~v) | ((del - ones) & ~del)) & tops;
        if (hit) {
            p += __builtin_ctzll(hit) >> 3;
            if (*p != '\t')
                return p;
            p++;
            continue;
        }
        p += 8;
    }
#endif
    while (p < end && is_class(*p, CLASS_VALUE))
        p++;
    return p;
}

/* Takes CR LF; `bad` is the complaint about anything else. */
static inline enum step take_crlf(struct cursor *c, int status, const char *bad)
{
    if (c->p == c->end)
        return STEP_MORE;
    if (*c->p != '\r')
        return refuse(c, status, bad);
    if (c->end - c->p < 2)
        return STEP_MORE;
    if (c->p[1] != '\n')
        return refuse(c, status, "CR without LF");
    c->p += 2;
    return STEP_DONE;
}

/* Whether `name`, as long as `lower`, is that lower-case token with ASCII case ignored. */
static inline bool name_is(const char *name, const char *lower, size_t n)
{
    /* Setting bit 5 folds letters and keeps '-'; what it maps onto '-' besides is no token byte. */
    for (size_t i = 0; i < n; i++)
        if ((name[i] | 0x20) != lower[i])
            return false;
    return true;
}

#define NAME_IS(name, lower) name_is((name), (lower), sizeof(lower) - 1)

static bool fact_once(struct cursor *c, unsigned fact)
{
    bool first = !(c->facts & fact);

    c->facts |= fact;
    return first;
}

static enum step fact_length(struct cursor *c, struct str value)
{
    uint64_t n = 0;

    if (!fact_once(c, FACT_LENGTH))
        return refuse(c, 400, "more than one Content-Length");
    if (value.n == 0)
        return refuse(c, 400, "Content-Length is no number");
    for (size_t i = 0; i < value.n; i++) {
        unsigned digit = (unsigned)(uint8_t)value.p[i] - '0';

        if (digit > 9)
            return refuse(c, 400, "Content-Length is no number");
        if (n > ((uint64_t)INT64_MAX - digit) / 10)
            return refuse(c, 400, "Content-Length is out of range");
        n = n * 10 + digit;
    }
    c->head->content_length = n;
    return STEP_DONE;
}

static enum step fact_coding(struct cursor *c, struct str value)
{
    ptrdiff_t comma = str_rindex(value, ',');
    struct str last = str_trim(str_skip(value, (size_t)(comma + 1)));

    if (!fact_once(c, FACT_CODING))
        return refuse(c, 400, "more than one Transfer-Encoding");
    if (c->head->minor == 0)
        return refuse(c, 400, "Transfer-Encoding in an HTTP/1.0 message");
    if (!str_eq_nocase(last, STR("chunked")))
        return refuse(c, 400, "the final transfer coding is not chunked");
    if (comma < 0)
        return STEP_DONE;
    if (h1_has_token(str_head(value, (size_t)comma), STR("chunked")))
        return refuse(c, 400, "chunked twice in Transfer-Encoding");
    return refuse(c, 501, "transfer coding is not supported");
}

static void fact_connection(struct cursor *c, struct str value)
{
    do {
        struct str token = str_trim(str_cut(&value, ','));

        if (str_eq_nocase(token, STR("close")))
            c->facts |= FACT_CONN_CLOSE;
        else if (str_eq_nocase(token, STR("keep-alive")))
            c->facts |= FACT_CONN_KEEP;
        else if (str_eq_nocase(token, STR("upgrade")))
            c->facts |= FACT_CONN_UPGRADE;
    } while (value.p);
}

static enum step fact_host(struct cursor *c, struct str value)
{
    if (!fact_once(c, FACT_HOST))
        return refuse(c, 400, "more than one Host");
    if (value.n == 0)
        return refuse(c, 400, "empty Host");
    c->head->host = value;
    return STEP_DONE;
}

/* Draws the facts from one header; most names leave by their length. */
static inline enum step header_facts(struct cursor *c, const struct h1_header *h)
{
    const char *name = h->name.p;

    switch (h->name.n) {
    case 4:
        if (NAME_IS(name, "host"))
            return fact_host(c, h->value);
        break;
    case 6:
        if (NAME_IS(name, "expect") && str_eq_nocase(h->value, STR("100-continue")))
            c->head->expect_continue = true;
        break;
    case 7:
        if (NAME_IS(name, "upgrade"))
            c->facts |= FACT_UPGRADE;
        break;
    case 10:
        if (NAME_IS(name, "connection"))
            fact_connection(c, h->value);
        break;
    case 14:
        if (NAME_IS(name, "content-length"))
            return fact_length(c, h->value);
        break;
    case 17:
        if (NAME_IS(name, "transfer-encoding"))
            return fact_coding(c, h->value);
        break;
    }
    return STEP_DONE;
}

/* Says why the byte at c->p cannot stand in or behind a header's name. */
static enum step refuse_name(struct cursor *c, const char *name)
{
    if (*c->p == ':')
        return refuse(c, 400, "empty header name");
    if (*c->p != ' ' && *c->p != '\t')
        return refuse(c, 400, "bad byte in a header name");
    if (c->p == name)
        return refuse(c, 400, "folded header or white space before the first one");
    return refuse(c, 400, "white space in or after a header name");
}

static inline enum step header_line(struct cursor *c)
{
    const char *name = c->p, *colon, *value, *value_end;
    struct h1_header *h;
    enum step step;

    while (c->p < c->end && is_class(*c->p, CLASS_TOKEN))
        c->p++;
    if (c->p == c->end)
        return STEP_MORE;
    if (UNLIKELY(*c->p != ':' || c->p == name))
        return refuse_name(c, name);
    colon = c->p++;
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
        c->p++;
    value = c->p;
    c->p = value_end = skip_value(value, c->end);
    step = take_crlf(c, 400,
                     value_end < c->end && *value_end == '\n' ? "bare LF"
                                                              : "control byte in a header value");
    if (step != STEP_DONE)
        return step;
    while (value_end > value && (value_end[-1] == ' ' || value_end[-1] == '\t'))
        value_end--;

    if (c->head->header_count == c->header_max)
        return refuse(c, 431, "too many headers");
    h = &c->head->headers[c->head->header_count++];
    h->name = str_n(name, (size_t)(colon - name));
    h->value = str_n(value, (size_t)(value_end - value));
    return header_facts(c, h);
}

/* Takes all header lines and the empty one. */
static enum step header_lines(struct cursor *c)
{
    enum step step = STEP_DONE;

    while (step == STEP_DONE) {
        if (c->p == c->end)
            return STEP_MORE;
        if (*c->p == '\r')
            return take_crlf(c, 400, "CR without LF");
        if (*c->p == '\n')
            return refuse(c, 400, "bare LF");
        step = header_line(c);
    }
    return step;
}

/* Takes "HTTP/1.0" or "HTTP/1.1". */
static inline enum step version(struct cursor *c)
{
    static const char form[] = "HTTP/1.";
    size_t have = (size_t)(c->end - c->p);
    size_t n = MIN(have, sizeof(form) - 1);

    if (memcmp(c->p, form, n) != 0) {
        if (have >= 8 && memcmp(c->p, "HTTP/", 5) == 0 && c->p[5] >= '0' && c->p[5] <= '9' &&
            c->p[6] == '.' && c->p[7] >= '0' && c->p[7] <= '9')
            return refuse(c, 505, "HTTP version is not supported");
        /* "HTTP/2" may still become a version. */
        if (have < 8 && memcmp(c->p, form, MIN(n, (size_t)5)) == 0)
            return STEP_MORE;
        return refuse(c, 400, "bad HTTP version");
    }
    if (have < 8)
        return STEP_MORE;
    if (c->p[7] != '0' && c->p[7] != '1') {
        if (c->p[7] >= '2' && c->p[7] <= '9')
            return refuse(c, 505, "HTTP version is not supported");
        return refuse(c, 400, "bad HTTP version");
    }
    c->head->minor = c->p[7] - '0';
    c->p += 8;
    return STEP_DONE;
}

static inline enum step request_target(struct cursor *c)
{
    const char *target = c->p;
    size_t have = (size_t)(c->end - target);
    const char *stop = target + MIN(have, c->limits->target_bytes);

    while (c->p < stop && is_class(*c->p, CLASS_TARGET))
        c->p++;
    if (c->p == c->end)
        return STEP_MORE;
    if (*c->p != ' ') {
        if (c->p == stop && is_class(*c->p, CLASS_TARGET))
            return refuse(c, 414, "request target is too long");
        return refuse(c, 400, "bad byte in the request target");
    }
    if (c->p == target)
        return refuse(c, 400, "empty request target");
    c->head->target = str_n(target, (size_t)(c->p - target));
    c->p++;
    return STEP_DONE;
}

static enum step request_line(struct cursor *c)
{
    const char *method = c->p;
    enum step step;

    while (c->p < c->end && is_class(*c->p, CLASS_TOKEN))
        c->p++;
    if (c->p == c->end)
        return STEP_MORE;
    if (*c->p != ' ' || c->p == method)
        return refuse(c, 400, "bad byte in the method");
    c->head->method = str_n(method, (size_t)(c->p - method));
    c->p++;

    step = request_target(c);
    if (step == STEP_DONE)
        step = version(c);
    if (step == STEP_DONE)
        step = take_crlf(c, 400, "bad byte after the HTTP version");
    return step;
}

static enum step status_line(struct cursor *c)
{
    const char *reason;
    enum step step = version(c);
    int status = 0;

    if (step != STEP_DONE)
        return step;
    for (int i = 0; i < 4; i++, c->p++) {
        if (c->p == c->end)
            return STEP_MORE;
        if (i == 0 ? *c->p != ' ' : *c->p < '0' || *c->p > '9')
            return refuse(c, 400, "bad status code");
        if (i > 0)
            status = status * 10 + (*c->p - '0');
    }
    if (status < 100)
        return refuse(c, 400, "bad status code");
    if (c->p == c->end)
        return STEP_MORE;
    /* The space is due even before an empty reason, but many servers leave it out. */
    if (*c->p == ' ')
        c->p++;
    else if (*c->p != '\r')
        return refuse(c, 400, "bad status code");
    reason = c->p;
    c->p = skip_value(c->p, c->end);
    c->head->status = status;
    c->head->reason = str_n(reason, (size_t)(c->p - reason));
    return take_crlf(c, 400, "control byte in the reason phrase");
}

static void connection_facts(const struct cursor *c)
{
    bool closes = c->facts & FACT_CONN_CLOSE;

    c->head->keep_alive = !closes && (c->head->minor == 1 || (c->facts & FACT_CONN_KEEP));
    c->head->upgrade =
        c->head->minor == 1 && (c->facts & FACT_UPGRADE) && (c->facts & FACT_CONN_UPGRADE);
    if (c->head->minor == 0)
        c->head->expect_continue = false;
}

static enum step framing(struct cursor *c)
{
    if ((c->facts & FACT_LENGTH) && (c->facts & FACT_CODING))
        return refuse(c, 400, "both Content-Length and Transfer-Encoding");
    if (c->facts & FACT_CODING)
        c->head->body = H1_BODY_CHUNKED;
    else if (c->facts & FACT_LENGTH)
        c->head->body = H1_BODY_LENGTH;
    return STEP_DONE;
}

static void cursor_init(struct cursor *c, struct str in, const struct h1_limits *limits,
                        struct h1_head *head)
{
    *c = (struct cursor){
        .p = in.p,
        .end = in.p + MIN(in.n, limits->head_bytes),
        .head = head,
        .limits = limits,
        .header_max = MIN(limits->header_count, head->header_cap),
    };
    *head = (struct h1_head){
        .headers = head->headers, .header_cap = head->header_cap, .seen = head->seen};
}

/* Whether nothing that `head` has not seen yet could end a line, and the head still fits. */
static inline bool is_still_open(struct h1_head *head, struct str in,
                                 const struct h1_limits *limits)
{
    size_t seen = head->seen;

    if (seen == 0 || seen > in.n || in.n >= limits->head_bytes)
        return false;
    if (seen < in.n && memchr(in.p + seen, '\n', in.n - seen))
        return false;
    head->seen = in.n;
    return true;
}

/* Turns the last step into the answer of the two parsers. */
static ssize_t finish(struct cursor *c, enum step step, struct str in)
{
    if (step == STEP_MORE && in.n >= c->limits->head_bytes)
        step = refuse(c, 431, "message head is too large");
    c->head->seen = step == STEP_MORE ? in.n : 0;
    if (step == STEP_DONE)
        return c->p - in.p;
    return step == STEP_MORE ? 0 : c->rc;
}

ssize_t h1_parse_request(struct str in, const struct h1_limits *limits, struct h1_head *head,
                         int *ret_status, const char **ret_reason)
{
    struct cursor c;
    enum step step;
    ssize_t rc;

    if (in.n == 0 || is_still_open(head, in, limits))
        return 0;
    cursor_init(&c, in, limits, head);
    step = request_line(&c);
    if (step == STEP_DONE)
        step = header_lines(&c);
    if (step == STEP_DONE)
        step = framing(&c);
    if (step == STEP_DONE && head->minor == 1 && !(c.facts & FACT_HOST))
        step = refuse(&c, 400, "no Host");

    rc = finish(&c, step, in);
    if (rc > 0) {
        connection_facts(&c);
    } else if (rc < 0) {
        *ret_status = c.status;
        *ret_reason = c.reason;
    }
    return rc;
}

/* RFC 9112, 6.3: which responses have a body whatever their headers say. */
static void response_body(struct h1_head *head, struct str method)
{
    int status = head->status;

    if (status < 200 || status == 204 || status == 304 || str_eq(method, STR("HEAD")) ||
        (status < 300 && str_eq(method, STR("CONNECT"))))
        head->body = H1_BODY_NONE;
    else if (head->body == H1_BODY_NONE)
        head->body = H1_BODY_UNTIL_CLOSE;
}

ssize_t h1_parse_response(struct str in, const struct h1_limits *limits, struct str method,
                          struct h1_head *head, const char **ret_reason)
{
    struct cursor c;
    enum step step;
    ssize_t rc;

    if (in.n == 0 || is_still_open(head, in, limits))
        return 0;
    cursor_init(&c, in, limits, head);
    step = status_line(&c);
    if (step == STEP_DONE)
        step = header_lines(&c);
    if (step == STEP_DONE)
        step = framing(&c);

    rc = finish(&c, step, in);
    if (rc > 0) {
        connection_facts(&c);
        response_body(head, method);
        if (head->body == H1_BODY_UNTIL_CLOSE)
            head->keep_alive = false;
    } else if (rc < 0) {
        *ret_reason = c.reason;
    }
    return rc;
}

struct str h1_header_get(const struct h1_head *head, struct str name)
{
    for (size_t i = 0; i < head->header_count; i++)
        if (head->headers[i].name.n == name.n && str_eq_nocase(head->headers[i].name, name))
            return head->headers[i].value;
    return STR_NONE;
}

bool h1_has_token(struct str value, struct str token)
{
    do {
        if (str_eq_nocase(str_trim(str_cut(&value, ',')), token))
            return true;
    } while (value.p);
    return false;
}

bool h1_is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_class(s.p[i], CLASS_TOKEN))
            return false;
    return s.n > 0;
}

bool h1_is_field_value(struct str s)
{
    return s.n == 0 || skip_value(s.p, s.p + s.n) == s.p + s.n;
}
