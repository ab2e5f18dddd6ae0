/*
 * Formats of string values, the part of go-openapi/strfmt that API servers check.
 *
 * A table of {name, check}.  A name that is not in it is no error: it documents and is not checked.
 */
#include "apiserver/schema_priv.h"

#include <arpa/inet.h>

#include "base/time.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/url.h"

struct schema_format {
    struct str name;
    bool (*check)(struct str value);
};

static bool is_digits(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    }
    return s.n > 0;
}

static bool is_byte(struct str s)
{
    struct buf out CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);

    return base64_decode(&out, s) == 0;
}

static bool is_date_time(struct str s)
{
    int64_t us;

    return time_parse(s, &us) == 0;
}

static bool is_date(struct str s)
{
    char text[32];
    int n = snprintf(text, sizeof(text), "%" STR_FMT "T00:00:00Z", STR_ARG(s));

    return s.n == 10 && is_date_time(str_n(text, (size_t)n));
}

/* One "1.5h" of a Go duration; takes it from *s. */
static bool take_duration_part(struct str *s)
{
    static const struct str UNITS[] = {STR_INIT("ns"), STR_INIT("us"), STR_INIT("µs"),
                                       STR_INIT("ms"), STR_INIT("s"),  STR_INIT("m"),
                                       STR_INIT("h"),  STR_INIT("d"),  STR_INIT("w")};
    size_t n = 0, dots = 0;

    while (n < s->n && ((s->p[n] >= '0' && s->p[n] <= '9') || (s->p[n] == '.' && dots++ == 0)))
        n++;
    if (n == 0 || n == dots)
        return false;
    *s = str_skip(*s, n);
    for (size_t i = 0; i < ARRAY_LEN(UNITS); i++) {
        struct str next = str_skip(*s, UNITS[i].n);
        bool ends = !next.n || (next.p[0] >= '0' && next.p[0] <= '9') || next.p[0] == '.';
        if (str_starts(*s, UNITS[i]) && ends) {
            *s = next;
            return true;
        }
    }
    return false;
}

static bool is_duration(struct str s)
{
    if (str_starts(s, STR("-")) || str_starts(s, STR("+")))
        s = str_skip(s, 1);
    if (str_eq(s, STR("0")))
        return true;
    if (!s.n)
        return false;
    while (s.n) {
        if (!take_duration_part(&s))
            return false;
    }
    return true;
}

static bool is_address(int family, struct str s)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char bytes[sizeof(struct in6_addr)];

    return str_copy(s, text, sizeof(text)) == 0 && inet_pton(family, text, bytes) == 1;
}

static bool is_ipv4(struct str s)
{
    return is_address(AF_INET, s);
}

static bool is_ipv6(struct str s)
{
    return is_address(AF_INET6, s);
}

static bool is_ip(struct str s)
{
    return is_ipv4(s) || is_ipv6(s);
}

static bool is_cidr(struct str s)
{
    struct str address = str_cut(&s, '/');
    uint64_t bits;

    if (is_ipv4(address))
        return str_to_u64(s, 32, &bits) == 0;
    return is_ipv6(address) && str_to_u64(s, 128, &bits) == 0;
}

static bool is_mac(struct str s)
{
    char separator = s.n > 2 ? s.p[2] : ':';

    if (s.n != 17 || (separator != ':' && separator != '-'))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (i % 3 == 2 ? s.p[i] != separator : hex_digit(s.p[i]) < 0)
            return false;
    }
    return true;
}

static bool is_uuid(struct str s)
{
    size_t digits = 0;

    for (size_t i = 0; i < s.n; i++) {
        bool dash = s.p[i] == '-' && (digits == 8 || digits == 12 || digits == 16 || digits == 20);
        if (!dash && hex_digit(s.p[i]) < 0)
            return false;
        digits += !dash;
    }
    return digits == 32 && s.n <= 36;
}

static bool is_uri(struct str s)
{
    ptrdiff_t colon = str_index(s, ':');

    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
            return false;
    }
    if (str_starts(s, STR("/")))
        return true;
    return colon > 0 && ((s.p[0] | 0x20) >= 'a' && (s.p[0] | 0x20) <= 'z');
}

static bool is_hostname(struct str s)
{
    char normal[URL_MAX_HOST_BYTES + 1];
    struct str host;

    return s.n > 0 && url_normalize_host(s, normal, &host) == 0;
}

static bool is_email(struct str s)
{
    ptrdiff_t at = str_rindex(s, '@');

    return at > 0 && str_index(s, ' ') < 0 && is_hostname(str_skip(s, (size_t)at + 1));
}

static bool is_color(struct str s)
{
    if (!str_starts(s, STR("#")) || (s.n != 4 && s.n != 7))
        return false;
    for (size_t i = 1; i < s.n; i++) {
        if (hex_digit(s.p[i]) < 0)
            return false;
    }
    return true;
}

static bool is_isbn(struct str s)
{
    return (s.n == 13 && is_digits(s)) || (s.n == 10 && is_digits(str_head(s, 9)));
}

static const struct schema_format FORMATS[] = {
    {STR_INIT("byte"), is_byte},
    {STR_INIT("date"), is_date},
    {STR_INIT("date-time"), is_date_time},
    {STR_INIT("datetime"), is_date_time},
    {STR_INIT("duration"), is_duration},
    {STR_INIT("email"), is_email},
    {STR_INIT("hostname"), is_hostname},
    {STR_INIT("ipv4"), is_ipv4},
    {STR_INIT("ipv6"), is_ipv6},
    {STR_INIT("ip"), is_ip},
    {STR_INIT("cidr"), is_cidr},
    {STR_INIT("mac"), is_mac},
    {STR_INIT("uuid"), is_uuid},
    {STR_INIT("uuid3"), is_uuid},
    {STR_INIT("uuid4"), is_uuid},
    {STR_INIT("uuid5"), is_uuid},
    {STR_INIT("uri"), is_uri},
    {STR_INIT("hexcolor"), is_color},
    {STR_INIT("isbn"), is_isbn},
};

const struct schema_format *schema_format_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(FORMATS); i++) {
        if (str_eq(FORMATS[i].name, name))
            return &FORMATS[i];
    }
    return NULL;
}

bool schema_format_check(const struct schema_format *f, struct str value)
{
    return f->check(value);
}

const char *schema_format_name(const struct schema_format *f)
{
    return f->name.p;
}
