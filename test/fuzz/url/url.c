/*
 * URLs: an accepted one written from its parts is parsed the same again, normal hosts are fixed points, and
 * encoding is undone by decoding.
 */
#include "codec/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check_same(const struct url *a, const struct url *b)
{
    ASSERT(str_eq(a->scheme, b->scheme) && str_eq(a->userinfo, b->userinfo));
    ASSERT(str_eq(a->host, b->host) && a->host_is_ip6 == b->host_is_ip6 && a->port == b->port);
    ASSERT(str_eq(a->path, b->path) && str_eq(a->query, b->query));
}

static void check_rewritten(const struct url *u)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    struct url again;
    int rc;

    buf_addf(&b, "%" STR_FMT "://", STR_ARG(u->scheme));
    if (u->userinfo.p)
        buf_addf(&b, "%" STR_FMT "@", STR_ARG(u->userinfo));
    buf_addf(&b, u->host_is_ip6 ? "[%" STR_FMT "]:%u" : "%" STR_FMT ":%u", STR_ARG(u->host),
             u->port);
    buf_add_str(&b, u->path);
    if (u->query.p) {
        buf_add_char(&b, '?');
        buf_add_str(&b, u->query);
    }
    rc = url_parse_userinfo(buf_str(&b), &again, NULL);
    ASSERT(rc == 0);
    check_same(u, &again);
    buf_fini(&b);
}

static void check_host(struct str host)
{
    char dst[URL_MAX_HOST_BYTES + 1], twice[URL_MAX_HOST_BYTES + 1];
    struct str normal, again;
    int rc;

    if (url_normalize_host(host, dst, &normal) < 0)
        return;
    ASSERT(normal.n > 0 && normal.n <= URL_MAX_HOST_BYTES && dst[normal.n] == '\0');
    rc = url_normalize_host(normal, twice, &again);
    ASSERT(rc == 0 && str_eq(normal, again));
}

static void check_escapes(struct str in)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    struct str back, name, value, query = in;

    url_encode(&b, in, "/");
    if (in.n == 0 || !memchr(in.p, '\0', in.n)) {
        int rc = url_decode(a, buf_str(&b), &back);

        ASSERT(rc == 0 && str_eq(in, back));
    }
    while (url_query_next(a, &query, &name, &value) > 0)
        ASSERT(value.p && (name.n + value.n <= in.n));
    buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct str in = {(const char *)bytes, n}, host;
    struct url plain, with_user;
    struct err err;
    uint16_t port;
    bool ip6;
    int plain_rc = url_parse(in, &plain, &err);

    if (url_parse_userinfo(in, &with_user, &err) == 0) {
        ASSERT((plain_rc == 0) == !with_user.userinfo.p);
        check_rewritten(&with_user);
        check_host(with_user.host);
    } else {
        ASSERT(plain_rc < 0);
    }
    if (url_parse_authority(in, 443, &host, &ip6, &port) == 0)
        ASSERT(host.n > 0 && port > 0 && host.p >= in.p && host.p + host.n <= in.p + in.n);
    check_host(in);
    check_escapes(in);
    return 0;
}
