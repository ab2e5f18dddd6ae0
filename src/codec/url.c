/*
 * URLs and hosts, strictly.
 *
 * Parsing slices and checks; url_normalize_host gives the one form under which hosts are compared, and
 * refuses whatever a resolver or another parser might take for a different host.  Path and query may
 * hold the visible bytes that clients send unescaped in practice ("[", "|", …), but no backslash, quote,
 * angle bracket or fragment, and only complete escapes.
 */
#include "codec/url.h"

#include <arpa/inet.h>

#include "codec/hex.h"

#define PORT_DIGITS 5
#define LABEL_BYTES 63

/* Bytes of a registered name as DNS and container networks use them. */
static bool is_host_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

static bool is_unreserved(char c)
{
    return is_host_byte(c) || c == '~';
}

static bool is_escape(struct str s, size_t i)
{
    return s.n - i >= 3 && hex_digit(s.p[i + 1]) >= 0 && hex_digit(s.p[i + 2]) >= 0;
}

static int ip6_read(struct str s, struct in6_addr *ret_addr)
{
    char text[INET6_ADDRSTRLEN];

    if (str_copy(s, text, sizeof(text)) < 0 || inet_pton(AF_INET6, text, ret_addr) != 1)
        return -ERR_INVALID;
    return 0;
}

static int parse_port(struct str s, uint16_t *ret_port)
{
    uint64_t n;

    if (s.n > PORT_DIGITS || str_to_u64(s, UINT16_MAX, &n) < 0 || n == 0)
        return -ERR_INVALID;
    *ret_port = (uint16_t)n;
    return 0;
}

/* Splits an authority without userinfo; `*ret_port` is what follows the host, colon included. */
static int split_host(struct str s, struct str *ret_host, bool *ret_ip6, struct str *ret_port)
{
    struct in6_addr addr;
    ptrdiff_t end;

    if (s.n > 0 && s.p[0] == '[') {
        end = str_index(s, ']');
        if (end < 0 || ip6_read(str_n(s.p + 1, (size_t)end - 1), &addr) < 0)
            return -ERR_INVALID;
        *ret_host = str_n(s.p + 1, (size_t)end - 1);
        *ret_ip6 = true;
        *ret_port = str_skip(s, (size_t)end + 1);
        return 0;
    }
    end = str_index(s, ':');
    *ret_host = end < 0 ? s : str_head(s, (size_t)end);
    *ret_ip6 = false;
    *ret_port = str_skip(s, ret_host->n);
    if (ret_host->n == 0 || ret_host->n > URL_MAX_HOST_BYTES)
        return -ERR_INVALID;
    for (size_t i = 0; i < ret_host->n; i++)
        if (!is_host_byte(ret_host->p[i]))
            return -ERR_INVALID;
    return 0;
}

int url_parse_authority(struct str s, uint16_t dflt_port, struct str *ret_host, bool *ret_ip6,
                        uint16_t *ret_port)
{
    struct str host, tail;
    uint16_t port = dflt_port;
    bool ip6;

    if (split_host(s, &host, &ip6, &tail) < 0)
        return -ERR_INVALID;
    if (tail.n > 0 && (tail.p[0] != ':' || parse_port(str_skip(tail, 1), &port) < 0))
        return -ERR_INVALID;
    *ret_host = host;
    *ret_ip6 = ip6;
    *ret_port = port;
    return 0;
}

/* Takes "http://" or "https://" from *s. */
static int take_scheme(struct str *s, struct url *url)
{
    if (str_starts_nocase(*s, STR("http://"))) {
        url->scheme = STR("http");
        url->port = 80;
    } else if (str_starts_nocase(*s, STR("https://"))) {
        url->scheme = STR("https");
        url->port = 443;
    } else {
        return -ERR_INVALID;
    }
    *s = str_skip(*s, url->scheme.n + 3);
    return 0;
}

/* Takes what precedes the path, the query or the end. */
static struct str take_authority(struct str *s)
{
    struct str authority;
    size_t n = 0;

    while (n < s->n && s->p[n] != '/' && s->p[n] != '?' && s->p[n] != '#')
        n++;
    authority = str_head(*s, n);
    *s = str_skip(*s, n);
    return authority;
}

static const char *check_userinfo(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '%' ? !is_escape(s, i) : s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '\\')
            return "bad byte or escape in the userinfo";
        if (s.p[i] == '@')
            return "more than one '@'";
    }
    return NULL;
}

static const char *check_path_and_query(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (c == '#')
            return "a fragment is not allowed";
        if (c <= ' ' || c >= 0x7f || c == '\\' || c == '"' || c == '<' || c == '>')
            return "bad byte in the path or query";
        if (c == '%' && !is_escape(s, i))
            return "bad escape in the path or query";
    }
    return NULL;
}

/* Fills `url` from `s`; returns NULL or what is wrong. */
static const char *parse(struct str s, bool with_userinfo, struct url *url)
{
    struct str authority;
    const char *wrong;
    ptrdiff_t at, mark;

    if (take_scheme(&s, url) < 0)
        return "must begin with http:// or https://";
    authority = take_authority(&s);
    at = str_rindex(authority, '@');
    if (at >= 0) {
        if (!with_userinfo)
            return "must not hold a user or password";
        url->userinfo = str_head(authority, (size_t)at);
        wrong = check_userinfo(url->userinfo);
        if (wrong)
            return wrong;
        authority = str_skip(authority, (size_t)at + 1);
    }
    url->has_port =
        authority.n > 0 && authority.p[authority.n - 1] != ']' && str_rindex(authority, ':') >= 0;
    if (url_parse_authority(authority, url->port, &url->host, &url->host_is_ip6, &url->port) < 0)
        return "bad host or port";

    wrong = check_path_and_query(s);
    if (wrong)
        return wrong;
    mark = str_index(s, '?');
    url->path = mark < 0 ? s : str_head(s, (size_t)mark);
    url->query = mark < 0 ? STR_NONE : str_skip(s, (size_t)mark + 1);
    return NULL;
}

static int parse_into(struct str s, bool with_userinfo, struct url *ret_url, struct err *err)
{
    struct url url = {0};
    const char *wrong = parse(s, with_userinfo, &url);

    if (wrong)
        return err_set(err, ERR_INVALID, "URL: %s", wrong);
    *ret_url = url;
    return 0;
}

int url_parse(struct str s, struct url *ret_url, struct err *err)
{
    return parse_into(s, false, ret_url, err);
}

int url_parse_userinfo(struct str s, struct url *ret_url, struct err *err)
{
    return parse_into(s, true, ret_url, err);
}

/* Whether a resolver would read a name with this last label as a number ("1", "0x7f", "0X"). */
static bool is_numeric_label(struct str label)
{
    bool hex = label.n >= 2 && label.p[0] == '0' && label.p[1] == 'x';

    for (size_t i = hex ? 2 : 0; i < label.n; i++)
        if (hex ? hex_digit(label.p[i]) < 0 : label.p[i] < '0' || label.p[i] > '9')
            return false;
    return true;
}

/* Checks the labels of a lower-case name; a numeric last one makes it an IPv4 address or nothing. */
static int check_name(const char *name, struct str s)
{
    struct in_addr addr;
    struct str label = STR_NONE;

    while (s.p) {
        label = str_cut(&s, '.');
        if (label.n == 0 || label.n > LABEL_BYTES)
            return -ERR_INVALID;
    }
    if (is_numeric_label(label) && inet_pton(AF_INET, name, &addr) != 1)
        return -ERR_INVALID;
    return 0;
}

int url_normalize_host(struct str host, char *dst, struct str *ret_host)
{
    struct in6_addr addr;

    if (str_index(host, ':') >= 0) {
        if (ip6_read(host, &addr) < 0)
            return -ERR_INVALID;
        if (!inet_ntop(AF_INET6, &addr, dst, URL_MAX_HOST_BYTES + 1))
            return -ERR_INVALID;
        *ret_host = str_c(dst);
        return 0;
    }
    if (host.n == 0 || host.n > URL_MAX_HOST_BYTES)
        return -ERR_INVALID;
    for (size_t i = 0; i < host.n; i++) {
        if (!is_host_byte(host.p[i]))
            return -ERR_INVALID;
        dst[i] = str_lower_char(host.p[i]);
    }
    dst[host.n] = '\0';
    if (check_name(dst, str_n(dst, host.n)) < 0)
        return -ERR_INVALID;
    *ret_host = str_n(dst, host.n);
    return 0;
}

/* Decodes escapes, and '+' as a space when `plus`. */
static int decode(struct arena *a, struct str s, bool plus, struct str *ret_s)
{
    char *dst = arena_alloc(a, s.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (c == '%') {
            if (!is_escape(s, i))
                return -ERR_INVALID;
            c = (char)(hex_digit(s.p[i + 1]) << 4 | hex_digit(s.p[i + 2]));
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        if (c == '\0')
            return -ERR_INVALID;
        dst[n++] = c;
    }
    dst[n] = '\0';
    *ret_s = str_n(dst, n);
    return 0;
}

int url_decode(struct arena *a, struct str s, struct str *ret_s)
{
    return decode(a, s, false, ret_s);
}

void url_encode(struct buf *out, struct str s, const char *keep)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = (uint8_t)s.p[i];

        if (is_unreserved((char)c) || (keep && c != '\0' && strchr(keep, c))) {
            buf_add_char(out, (char)c);
        } else {
            buf_add_char(out, '%');
            buf_add_char(out, digits[c >> 4]);
            buf_add_char(out, digits[c & 15]);
        }
    }
}

int url_query_next(struct arena *a, struct str *query, struct str *ret_name, struct str *ret_value)
{
    struct str pair = STR_NONE, name, value;

    while (query->p && pair.n == 0)
        pair = str_cut(query, '&');
    if (pair.n == 0)
        return 0;
    name = str_cut(&pair, '=');
    if (decode(a, name, true, &name) < 0 || decode(a, pair, true, &value) < 0)
        return -ERR_INVALID;
    *ret_name = name;
    *ret_value = value;
    return 1;
}

struct str url_query_get(struct arena *a, struct str query, struct str name)
{
    struct str n, v;

    while (url_query_next(a, &query, &n, &v) > 0)
        if (str_eq(n, name))
            return v;
    return STR_NONE;
}
