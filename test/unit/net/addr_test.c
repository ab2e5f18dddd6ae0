/*
 * Text forms, canonical forms, classes at their boundaries, ranges.
 */
#include "net/addr.h"

#include "unit.h"

static struct addr ip(const char *text)
{
    struct addr a = {0};

    if (!CHECK_OK(addr_parse_ip(str_c(text), 80, &a)))
        printf("  '%s'\n", text);
    return a;
}

TEST(parse_ip_accepts_literals)
{
    static const char *const ROWS[][2] = {
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"[::1]", "::1"},
        {"2001:DB8:0:0::1", "2001:db8::1"},
        {"::ffff:10.0.0.1", "::ffff:10.0.0.1"},
    };
    char text[ADDR_TEXT_BYTES];

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct addr a = ip(ROWS[i][0]);

        CHECK_STR(addr_format_ip(&a, text), ROWS[i][1]);
        CHECK_INT(addr_port(&a), 80);
    }
}

TEST(parse_ip_refuses)
{
    static const char *const ROWS[] = {
        "",           "1",          "1.2.3",
        "1.2.3.4.5",  "256.0.0.1",  "01.2.3.4",
        "0x7f.0.0.1", "127.1",      "1.2.3.4 ",
        " 1.2.3.4",   "1.2.3.4\n",  "[1.2.3.4]",
        "[::1",       "::1]",       "[]",
        "[[::1]]",    ":::",        "::1%lo",
        "fe80::1%1",  "g::1",       "1:2:3:4:5:6:7:8:9",
        "localhost",  "2130706433", "::1.2.3",
        "1.2.3.4:80", "12345::",    "0000:0000:0000:0000:0000:ffff:0000:0000:00000000000001",
    };
    struct addr a;

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        if (!CHECK_ERR(addr_parse_ip(str_c(ROWS[i]), 0, &a), ERR_INVALID))
            printf("  '%s'\n", ROWS[i]);
    }
    CHECK_ERR(addr_parse_ip(STR("1.2.3.4\0"), 0, &a), ERR_INVALID);
}

TEST(parse_with_port)
{
    static const char *const ROWS[][2] = {
        {"127.0.0.1:80", "127.0.0.1:80"},
        {"[::1]:65535", "[::1]:65535"},
        {":443", "[::]:443"},
        {"8080", "[::]:8080"},
        {"0.0.0.0:0", "0.0.0.0:0"},
        {"[fe80::1]:1", "[fe80::1]:1"},
    };
    char text[ADDR_TEXT_BYTES];
    struct addr a;

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        CHECK_OK(addr_parse(str_c(ROWS[i][0]), &a));
        CHECK_STR(addr_format(&a, text), ROWS[i][1]);
    }
}

TEST(parse_with_port_refuses)
{
    static const char *const ROWS[] = {
        "",
        ":",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:+1",
        "::1",
        "::1:80",
        "[::1]",
        "[::1]80",
        "[::1]:",
        "host:80",
        "127.0.0.1:080000",
        "1.2.3.4:80:80",
        "[::1]:80 ",
        "65536",
        "[]:80",
        "[1.2.3.4]:80",
        "2001:db8::1:443",
    };
    struct addr a;

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        if (!CHECK_ERR(addr_parse(str_c(ROWS[i]), &a), ERR_INVALID))
            printf("  '%s'\n", ROWS[i]);
    }
}

TEST(canonical_unwraps)
{
    static const char *const ROWS[][2] = {
        {"1.2.3.4", "1.2.3.4"},
        {"::ffff:1.2.3.4", "1.2.3.4"},
        {"0:0:0:0:0:ffff:7f00:1", "127.0.0.1"},
        {"64:ff9b::169.254.169.254", "169.254.169.254"},
        {"64:ff9b::a00:1", "10.0.0.1"},
        {"64:ff9b:1::a00:1", "64:ff9b:1::a00:1"},
        {"::fffe:1.2.3.4", "::fffe:102:304"},
        {"::1", "::1"},
    };
    char text[ADDR_TEXT_BYTES];

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct addr a = ip(ROWS[i][0]), c = addr_canonical(&a);

        CHECK_STR(addr_format_ip(&c, text), ROWS[i][1]);
        CHECK_INT(addr_port(&c), 80);
        CHECK(addr_eq(&a, &c));
    }
}

TEST(equality_is_of_canonical_ip_and_port)
{
    struct addr a = ip("10.0.0.1"), mapped = ip("::ffff:10.0.0.1"), other = ip("10.0.0.2"),
                v6 = ip("::1"), port;

    CHECK(addr_eq(&a, &mapped));
    CHECK(!addr_eq(&a, &other));
    CHECK(!addr_eq(&a, &v6));
    CHECK_OK(addr_parse_ip(STR("10.0.0.1"), 81, &port));
    CHECK(!addr_eq(&a, &port));
}

static const struct {
    const char *ip;
    enum addr_class cls;
} CLASS_ROWS[] = {
    {"0.0.0.0", ADDR_UNSPECIFIED},
    {"0.255.255.255", ADDR_UNSPECIFIED},
    {"1.0.0.0", ADDR_PUBLIC},
    {"9.255.255.255", ADDR_PUBLIC},
    {"10.0.0.0", ADDR_PRIVATE},
    {"10.255.255.255", ADDR_PRIVATE},
    {"11.0.0.0", ADDR_PUBLIC},
    {"100.63.255.255", ADDR_PUBLIC},
    {"100.64.0.0", ADDR_PRIVATE},
    {"100.100.100.199", ADDR_PRIVATE},
    {"100.100.100.200", ADDR_METADATA},
    {"100.100.100.201", ADDR_PRIVATE},
    {"100.127.255.255", ADDR_PRIVATE},
    {"100.128.0.0", ADDR_PUBLIC},
    {"126.255.255.255", ADDR_PUBLIC},
    {"127.0.0.0", ADDR_LOOPBACK},
    {"127.0.0.1", ADDR_LOOPBACK},
    {"127.255.255.255", ADDR_LOOPBACK},
    {"128.0.0.0", ADDR_PUBLIC},
    {"168.63.129.15", ADDR_PUBLIC},
    {"168.63.129.16", ADDR_METADATA},
    {"168.63.129.17", ADDR_PUBLIC},
    {"169.253.255.255", ADDR_PUBLIC},
    {"169.254.0.0", ADDR_LINK_LOCAL},
    {"169.254.0.23", ADDR_METADATA},
    {"169.254.42.42", ADDR_METADATA},
    {"169.254.169.253", ADDR_LINK_LOCAL},
    {"169.254.169.254", ADDR_METADATA},
    {"169.254.169.255", ADDR_LINK_LOCAL},
    {"169.254.170.2", ADDR_METADATA},
    {"169.254.170.23", ADDR_METADATA},
    {"169.254.255.255", ADDR_LINK_LOCAL},
    {"169.255.0.0", ADDR_PUBLIC},
    {"172.15.255.255", ADDR_PUBLIC},
    {"172.16.0.0", ADDR_PRIVATE},
    {"172.31.255.255", ADDR_PRIVATE},
    {"172.32.0.0", ADDR_PUBLIC},
    {"191.255.255.255", ADDR_PUBLIC},
    {"192.0.0.0", ADDR_PRIVATE},
    {"192.0.0.192", ADDR_METADATA},
    {"192.0.1.0", ADDR_PUBLIC},
    {"192.0.2.0", ADDR_PRIVATE},
    {"192.0.3.0", ADDR_PUBLIC},
    {"192.88.99.1", ADDR_PRIVATE},
    {"192.167.255.255", ADDR_PUBLIC},
    {"192.168.0.0", ADDR_PRIVATE},
    {"192.168.255.255", ADDR_PRIVATE},
    {"192.169.0.0", ADDR_PUBLIC},
    {"198.17.255.255", ADDR_PUBLIC},
    {"198.18.0.0", ADDR_PRIVATE},
    {"198.19.255.255", ADDR_PRIVATE},
    {"198.20.0.0", ADDR_PUBLIC},
    {"198.51.100.7", ADDR_PRIVATE},
    {"203.0.113.7", ADDR_PRIVATE},
    {"223.255.255.255", ADDR_PUBLIC},
    {"224.0.0.0", ADDR_MULTICAST},
    {"239.255.255.255", ADDR_MULTICAST},
    {"240.0.0.0", ADDR_PRIVATE},
    {"255.255.255.254", ADDR_PRIVATE},
    {"255.255.255.255", ADDR_MULTICAST},
    {"::", ADDR_UNSPECIFIED},
    {"::1", ADDR_LOOPBACK},
    {"::2", ADDR_UNSPECIFIED}, /* IPv4-compatible 0.0.0.2 */
    {"::7f00:1", ADDR_LOOPBACK},
    {"100::1", ADDR_PRIVATE},
    {"1fff:ffff::", ADDR_PRIVATE},
    {"2000::", ADDR_PUBLIC},
    {"2001:0:4136:e378:8000:63bf:80ff:fffe", ADDR_LOOPBACK}, /* Teredo of 127.0.0.1 */
    {"2001:1ff::", ADDR_PRIVATE},
    {"2001:200::", ADDR_PUBLIC},
    {"2001:db7:ffff::", ADDR_PUBLIC},
    {"2001:db8::", ADDR_PRIVATE},
    {"2001:db9::", ADDR_PUBLIC},
    {"2002:7f00:1::", ADDR_LOOPBACK},
    {"2002:a9fe:a9fe::1", ADDR_METADATA},
    {"2002:a00:1::1", ADDR_PRIVATE},
    {"2002:808:808::1", ADDR_PUBLIC},
    {"2606:4700:4700::1111", ADDR_PUBLIC},
    {"3ffe:ffff::", ADDR_PUBLIC},
    {"3fff::1", ADDR_PRIVATE},
    {"3fff:1000::", ADDR_PUBLIC},
    {"4000::", ADDR_PRIVATE},
    {"64:ff9b:1::7f00:1", ADDR_LOOPBACK},
    {"64:ff9b:1::808:808", ADDR_PRIVATE},
    {"fc00::", ADDR_PRIVATE},
    {"fd00:ec2::254", ADDR_METADATA},
    {"fd00:ec2::253", ADDR_PRIVATE},
    {"fd00:ec2::23", ADDR_METADATA},
    {"fd20:ce::254", ADDR_METADATA},
    {"fd00:42::42", ADDR_METADATA},
    {"fdff:ffff::", ADDR_PRIVATE},
    {"fe7f:ffff::", ADDR_PRIVATE},
    {"fe80::", ADDR_LINK_LOCAL},
    {"febf:ffff::", ADDR_LINK_LOCAL},
    {"fec0::", ADDR_PRIVATE},
    {"feff::", ADDR_PRIVATE},
    {"ff00::", ADDR_MULTICAST},
    {"ff02::1", ADDR_MULTICAST},
};

TEST(classes_and_their_boundaries)
{
    for (size_t i = 0; i < ARRAY_LEN(CLASS_ROWS); i++) {
        struct addr a = ip(CLASS_ROWS[i].ip);

        if (!CHECK_STR(addr_class_name(addr_classify(&a)), addr_class_name(CLASS_ROWS[i].cls)))
            printf("  %s\n", CLASS_ROWS[i].ip);
    }
}

TEST(mapped_and_nat64_forms_have_the_class_of_their_ipv4)
{
    static const char *const PLAIN[] = {"127.0.0.1", "169.254.169.254", "0.0.0.0",    "10.1.2.3",
                                        "8.8.8.8",   "224.0.0.1",       "169.254.1.1"};
    static const char *const PREFIXES[] = {"::ffff:", "64:ff9b::", "0:0:0:0:0:FFFF:"};
    char text[64];

    for (size_t i = 0; i < ARRAY_LEN(PLAIN); i++) {
        struct addr plain = ip(PLAIN[i]);

        for (size_t j = 0; j < ARRAY_LEN(PREFIXES); j++) {
            struct addr a;

            snprintf(text, sizeof(text), "%s%s", PREFIXES[j], PLAIN[i]);
            a = ip(text);
            CHECK_STR(addr_class_name(addr_classify(&a)), addr_class_name(addr_classify(&plain)));
        }
    }
}

static bool has(const char *range, const char *at)
{
    struct addr_range r;
    struct addr a;

    if (!CHECK_OK(addr_range_parse(str_c(range), &r)) || !CHECK_OK(addr_parse(str_c(at), &a))) {
        printf("  '%s' '%s'\n", range, at);
        return false;
    }
    return addr_range_has(&r, &a);
}

TEST(ranges)
{
    CHECK(has("10.0.0.0/8", "10.255.255.255:1"));
    CHECK(!has("10.0.0.0/8", "11.0.0.0:1"));
    CHECK(!has("10.0.0.0/8", "9.255.255.255:1"));
    CHECK(has("10.20.30.40/8", "10.0.0.1:1"));
    CHECK(has("127.0.0.1", "127.0.0.1:9"));
    CHECK(!has("127.0.0.1", "127.0.0.2:9"));
    CHECK(has("127.0.0.1:443", "127.0.0.1:443"));
    CHECK(!has("127.0.0.1:443", "127.0.0.1:444"));
    CHECK(has("10.0.0.0/31:80", "10.0.0.1:80"));
    CHECK(!has("10.0.0.0/31:80", "10.0.0.2:80"));
    CHECK(has("0.0.0.0/0", "8.8.8.8:1"));
    CHECK(!has("0.0.0.0/0", "[2000::]:1"));
    CHECK(has("::/0", "[2000::]:1"));
    CHECK(!has("::/0", "8.8.8.8:1"));
    CHECK(has("2001:db8::/33", "[2001:db8:7fff::]:1"));
    CHECK(!has("2001:db8::/33", "[2001:db8:8000::]:1"));
    CHECK(has("[2001:db8::]/32:443", "[2001:db8::5]:443"));
    CHECK(!has("[2001:db8::]/32:443", "[2001:db8::5]:80"));
    CHECK(has("::1", "[::1]:7"));
    CHECK(has("[::1]", "[::1]:7"));
    CHECK(has("[::1]:7", "[::1]:7"));
    CHECK(!has("[::1]:7", "[::1]:8"));
}

TEST(ranges_know_no_other_spelling)
{
    CHECK(has("10.0.0.0/8", "[::ffff:10.1.2.3]:1"));
    CHECK(has("10.0.0.0/8", "[64:ff9b::10.1.2.3]:1"));
    CHECK(has("::ffff:10.0.0.0/104", "10.1.2.3:1"));
    CHECK(has("::ffff:10.0.0.1", "10.0.0.1:1"));
    CHECK(!has("::ffff:10.0.0.0/104", "11.1.2.3:1"));
}

TEST(ranges_refused)
{
    static const char *const ROWS[] = {
        "",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/8/8",
        "10.0.0.0/8:",
        "10.0.0.0/8:0",
        "10.0.0.0/8:65536",
        "10.0.0.0/8:x",
        "::/129",
        "[::]/129",
        "[::1",
        "::1]",
        "[::1]443",
        "host",
        "host/8",
        "10.0.0/8",
        "10.0.0.0/08x",
        "*",
        "2001:db8::/32:443",
        "[10.0.0.1]:80",
        "10.0.0.0 /8",
    };
    struct addr_range r;

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        if (!CHECK_ERR(addr_range_parse(str_c(ROWS[i]), &r), ERR_INVALID))
            printf("  '%s'\n", ROWS[i]);
    }
}

TEST(format_local)
{
    static const char *const ROWS[][2] = {
        {"0.0.0.0:8480", "127.0.0.1:8480"},
        {"[::]:8480", "127.0.0.1:8480"},
        {":0", "127.0.0.1:0"},
        {"[::ffff:0.0.0.0]:1", "127.0.0.1:1"},
        {"192.0.2.7:80", "192.0.2.7:80"},
        {"127.0.0.2:80", "127.0.0.2:80"},
        {"[::1]:65535", "[::1]:65535"},
    };
    char text[ADDR_TEXT_BYTES];
    struct addr a;

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        CHECK_OK(addr_parse(str_c(ROWS[i][0]), &a));
        CHECK_STR(addr_format_local(&a, text), ROWS[i][1]);
    }
}
