/*
 * URLs, authorities, hosts in the form they are compared in, escapes and queries.
 */
#include "codec/url.h"

#include "unit.h"

TEST(url_parts)
{
    struct url u;

    CHECK_OK(url_parse(STR("HTTPS://Tool.Example:8443/a/b%20c?q=1&r"), &u, NULL));
    CHECK_STR(u.scheme, "https");
    CHECK_STR(u.host, "Tool.Example");
    CHECK(!u.host_is_ip6);
    CHECK_INT(u.port, 8443);
    CHECK(u.has_port);
    CHECK_STR(u.path, "/a/b%20c");
    CHECK_STR(u.query, "q=1&r");
    CHECK(!u.userinfo.p);

    CHECK_OK(url_parse(STR("http://h"), &u, NULL));
    CHECK_INT(u.port, 80);
    CHECK(!u.has_port);
    CHECK_STR(u.path, "");
    CHECK(!u.query.p);
    CHECK_OK(url_parse(STR("https://h?"), &u, NULL));
    CHECK_INT(u.port, 443);
    CHECK(u.query.p && u.query.n == 0);
    CHECK_OK(url_parse(STR("http://h/a@b:c?d@e"), &u, NULL));
    CHECK_STR(u.host, "h");
    CHECK_OK(url_parse(STR("http://[::1]:8080/"), &u, NULL));
    CHECK_STR(u.host, "::1");
    CHECK(u.host_is_ip6 && u.has_port);
    CHECK_INT(u.port, 8080);
    CHECK_OK(url_parse(STR("http://[::1]"), &u, NULL));
    CHECK(u.host_is_ip6 && !u.has_port);
    CHECK_OK(url_parse(STR("http://h/a[0]|{x}?f[a]=^`"), &u, NULL));
}

TEST(url_refuses)
{
    static const struct str cases[] = {
        STR_INIT(""),
        STR_INIT("h"),
        STR_INIT("//h/"),
        STR_INIT("/path"),
        STR_INIT("ftp://h/"),
        STR_INIT("http:/h"),
        STR_INIT("http:h"),
        STR_INIT("http//h"),
        STR_INIT(" http://h"),
        STR_INIT("http://h "),
        STR_INIT("http://"),
        STR_INIT("http:///path"),
        STR_INIT("http://:80/"),
        STR_INIT("http://h:/"),
        STR_INIT("http://h:0/"),
        STR_INIT("http://h:65536/"),
        STR_INIT("http://h:000080/"),
        STR_INIT("http://h:+80/"),
        STR_INIT("http://h:8 0/"),
        STR_INIT("http://h:80:80/"),
        STR_INIT("http://u@h/"),
        STR_INIT("http://u:p@h/"),
        STR_INIT("http://@h/"),
        STR_INIT("http://h#f"),
        STR_INIT("http://h/#"),
        STR_INIT("http://h/?q#f"),
        STR_INIT("http://h\\@evil/"),
        STR_INIT("http://h/\\evil"),
        STR_INIT("http://h%2eexample/"),
        STR_INIT("http://h\xc3\xa4/"),
        STR_INIT("http://h\0/"),
        STR_INIT("http://a,b/"),
        STR_INIT("http://a b/"),
        STR_INIT("http://a;b/"),
        STR_INIT("http://[::1/"),
        STR_INIT("http://[::1]x/"),
        STR_INIT("http://[::1]:/"),
        STR_INIT("http://[]/"),
        STR_INIT("http://[:::1]/"),
        STR_INIT("http://[fe80::1%25eth0]/"),
        STR_INIT("http://[fe80::1%eth0]/"),
        STR_INIT("http://[1.2.3.4]/"),
        STR_INIT("http://::1/"),
        STR_INIT("http://h/%"),
        STR_INIT("http://h/%2"),
        STR_INIT("http://h/%zz"),
        STR_INIT("http://h/?%g0"),
        STR_INIT("http://h/a b"),
        STR_INIT("http://h/\t"),
        STR_INIT("http://h/\x7f"),
        STR_INIT("http://h/\xc3\xa4"),
        STR_INIT("http://h/<>"),
        STR_INIT("http://h/\""),
        STR_INIT("http://h/a\r\nb"),
    };
    struct url u;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (!CHECK_ERR(url_parse(cases[i], &u, &err), ERR_INVALID))
            CHECK_STR(cases[i], "");
}

TEST(url_userinfo)
{
    struct url u;

    CHECK_OK(url_parse_userinfo(STR("https://git:to%20ken@h/r"), &u, NULL));
    CHECK_STR(u.userinfo, "git:to%20ken");
    CHECK_STR(u.host, "h");
    CHECK_OK(url_parse_userinfo(STR("https://@h/r"), &u, NULL));
    CHECK(u.userinfo.p && u.userinfo.n == 0);
    CHECK_OK(url_parse_userinfo(STR("https://h/r"), &u, NULL));
    CHECK(!u.userinfo.p);
    CHECK_ERR(url_parse_userinfo(STR("https://a@b@h/r"), &u, NULL), ERR_INVALID);
    CHECK_ERR(url_parse_userinfo(STR("https://a%@h/r"), &u, NULL), ERR_INVALID);
    CHECK_ERR(url_parse_userinfo(STR("https://a\\@h/r"), &u, NULL), ERR_INVALID);
    CHECK_ERR(url_parse_userinfo(STR("https://a b@h/r"), &u, NULL), ERR_INVALID);
    CHECK_ERR(url_parse_userinfo(STR("https://u@/r"), &u, NULL), ERR_INVALID);
}

TEST(url_authorities)
{
    struct str host = STR("before");
    uint16_t port = 1;
    bool ip6 = false;

    CHECK_OK(url_parse_authority(STR("h"), 443, &host, &ip6, &port));
    CHECK_INT(port, 443);
    CHECK_OK(url_parse_authority(STR("h:1"), 443, &host, &ip6, &port));
    CHECK_INT(port, 1);
    CHECK_OK(url_parse_authority(STR("h:65535"), 443, &host, &ip6, &port));
    CHECK_INT(port, 65535);
    CHECK_OK(url_parse_authority(STR("[2001:db8::1]:8443"), 443, &host, &ip6, &port));
    CHECK_STR(host, "2001:db8::1");
    CHECK(ip6);
    CHECK_ERR(url_parse_authority(STR(""), 443, &host, &ip6, &port), ERR_INVALID);
    CHECK_ERR(url_parse_authority(STR(":1"), 443, &host, &ip6, &port), ERR_INVALID);
    CHECK_ERR(url_parse_authority(STR("h:"), 443, &host, &ip6, &port), ERR_INVALID);
    CHECK_ERR(url_parse_authority(STR("u@h"), 443, &host, &ip6, &port), ERR_INVALID);
    CHECK_ERR(url_parse_authority(STR("h/"), 443, &host, &ip6, &port), ERR_INVALID);
    CHECK_ERR(url_parse_authority(STR("h:65536"), 443, &host, &ip6, &port), ERR_INVALID);
    CHECK_ERR(url_parse_authority(STR("a, b"), 443, &host, &ip6, &port), ERR_INVALID);
    CHECK_STR(host, "2001:db8::1");
    CHECK_INT(port, 8443);
}

TEST(url_normalized_hosts)
{
    static const struct {
        const char *host;
        const char *wanted;
    } cases[] = {
        {"Tool.EXAMPLE", "tool.example"},
        {"a_b-c.d", "a_b-c.d"},
        {"127.0.0.1", "127.0.0.1"},
        {"1.2.3.4.example", "1.2.3.4.example"},
        {"0x7f.example", "0x7f.example"},
        {"1a", "1a"},
        {"0xg", "0xg"},
        {"::1", "::1"},
        {"0:0:0:0:0:0:0:1", "::1"},
        {"2001:DB8:0:0::1", "2001:db8::1"},
        {"::FFFF:1.2.3.4", "::ffff:1.2.3.4"},
        {"::ffff:102:304", "::ffff:1.2.3.4"},
    };
    char dst[URL_MAX_HOST_BYTES + 1];
    struct str host;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CHECK_OK(url_normalize_host(str_c(cases[i].host), dst, &host));
        CHECK_STR(host, cases[i].wanted);
    }
}

TEST(url_refuses_hosts_that_resolvers_read_in_their_own_way)
{
    static const struct str cases[] = {
        STR_INIT(""),
        STR_INIT("."),
        STR_INIT("a."),
        STR_INIT("a.."),
        STR_INIT(".a"),
        STR_INIT("a..b"),
        STR_INIT("127.1"),
        STR_INIT("127.0.1"),
        STR_INIT("2130706433"),
        STR_INIT("0x7f000001"),
        STR_INIT("0X7F.0.0.1"),
        STR_INIT("0x7f.1"),
        STR_INIT("127.0.0.0x1"),
        STR_INIT("0x"),
        STR_INIT("0"),
        STR_INIT("017700000001"),
        STR_INIT("0177.0.0.1"),
        STR_INIT("127.0.0.01"),
        STR_INIT("256.0.0.1"),
        STR_INIT("1.2.3.4.5"),
        STR_INIT("example.1"),
        STR_INIT("a b"),
        STR_INIT("a\0b"),
        STR_INIT("a%00b"),
        STR_INIT("[::1]"),
        STR_INIT("::1%lo"),
        STR_INIT(":"),
        STR_INIT("1:2"),
        STR_INIT("\xc3\xa4.de"),
        STR_INIT("a/b"),
    };
    char dst[URL_MAX_HOST_BYTES + 1];
    struct str host;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (!CHECK_ERR(url_normalize_host(cases[i], dst, &host), ERR_INVALID))
            CHECK_STR(cases[i], "");
}

TEST(url_host_limits)
{
    char dst[URL_MAX_HOST_BYTES + 1], long_host[300];
    struct str host;

    memset(long_host, 'a', sizeof(long_host));
    CHECK_OK(url_normalize_host(str_n(long_host, 63), dst, &host));
    CHECK_ERR(url_normalize_host(str_n(long_host, 64), dst, &host), ERR_INVALID);
    for (size_t i = 50; i < sizeof(long_host); i += 51)
        long_host[i] = '.';
    CHECK_OK(url_normalize_host(str_n(long_host, 253), dst, &host));
    CHECK_ERR(url_normalize_host(str_n(long_host, 254), dst, &host), ERR_INVALID);
}

TEST(url_escapes)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct buf out = BUF_INIT(100);
    struct str s = STR("before");

    CHECK_OK(url_decode(a, STR("a%2Fb%2f+%C3%A4"), &s));
    CHECK_STR(s, "a/b/+\xc3\xa4");
    CHECK_ERR(url_decode(a, STR("a%"), &s), ERR_INVALID);
    CHECK_ERR(url_decode(a, STR("a%4"), &s), ERR_INVALID);
    CHECK_ERR(url_decode(a, STR("a%4x"), &s), ERR_INVALID);
    CHECK_ERR(url_decode(a, STR("a%00"), &s), ERR_INVALID);
    CHECK_ERR(url_decode(a, STR("a\0b"), &s), ERR_INVALID);
    CHECK_STR(s, "a/b/+\xc3\xa4");
    url_encode(&out, STR("a-._~/ %\0\xc3"), "/");
    CHECK_STR(buf_str(&out), "a-._~/%20%25%00%C3");
    buf_reset(&out);
    url_encode(&out, STR("a/b"), NULL);
    CHECK_STR(buf_str(&out), "a%2Fb");
    buf_fini(&out);
}

TEST(url_queries)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct str q = STR("&a=1&&b&c=x+y%26=z&"), name, value;

    CHECK_INT(url_query_next(a, &q, &name, &value), 1);
    CHECK_STR(name, "a");
    CHECK_STR(value, "1");
    CHECK_INT(url_query_next(a, &q, &name, &value), 1);
    CHECK_STR(name, "b");
    CHECK_STR(value, "");
    CHECK_INT(url_query_next(a, &q, &name, &value), 1);
    CHECK_STR(value, "x y&=z");
    CHECK_INT(url_query_next(a, &q, &name, &value), 0);
    CHECK_INT(url_query_next(a, &q, &name, &value), 0);
    q = STR_NONE;
    CHECK_INT(url_query_next(a, &q, &name, &value), 0);
    q = STR("a=%0");
    CHECK_ERR(url_query_next(a, &q, &name, &value), ERR_INVALID);
    q = STR("%00=a");
    CHECK_ERR(url_query_next(a, &q, &name, &value), ERR_INVALID);
    CHECK_STR(url_query_get(a, STR("x=1&watch=true&watch=false"), STR("watch")), "true");
    CHECK(!url_query_get(a, STR("x=1"), STR("watch")).p);
    CHECK(!url_query_get(a, STR("x=%&watch=1"), STR("watch")).p);
    CHECK(!url_query_get(a, STR_NONE, STR("watch")).p);
}
