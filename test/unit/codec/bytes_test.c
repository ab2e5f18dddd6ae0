/*
 * Base64, hexadecimal and PEM.
 */
#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/pem.h"

#include "unit.h"

TEST(base64_vectors)
{
    /* RFC 4648, 10 */
    static const char *const cases[][3] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
        {"\xfb\xff\xfe", "+//+", "-__-"},
    };
    struct buf b = BUF_INIT(100);

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buf_reset(&b);
        base64_encode(&b, str_c(cases[i][0]));
        CHECK_STR(buf_str(&b), cases[i][1]);
        buf_reset(&b);
        base64_url_encode(&b, str_c(cases[i][0]));
        CHECK_STR(buf_str(&b), cases[i][2]);
        buf_reset(&b);
        CHECK_OK(base64_decode(&b, str_c(cases[i][1])));
        CHECK_STR(buf_str(&b), cases[i][0]);
        buf_reset(&b);
        CHECK_OK(base64_url_decode(&b, str_c(cases[i][2])));
        CHECK_STR(buf_str(&b), cases[i][0]);
    }
    buf_fini(&b);
}

TEST(base64_refuses)
{
    static const struct str std[] = {
        STR_INIT("Z"),    STR_INIT("Zg"),       STR_INIT("Zg="),     STR_INIT("Zg==="),
        STR_INIT("===="), STR_INIT("="),        STR_INIT("Z==="),    STR_INIT("Zh=="),
        STR_INIT("Zm9="), STR_INIT("Zg==Zg=="), STR_INIT("Zm 9v"),   STR_INIT("Zm9v\n"),
        STR_INIT("-__-"), STR_INIT("Zm9\0"),    STR_INIT("Zm9\xc3"), STR_INIT("Z=g="),
    };
    static const struct str url[] = {
        STR_INIT("Z"),    STR_INIT("Zg=="), STR_INIT("Zh"),    STR_INIT("Zm9"),
        STR_INIT("+//+"), STR_INIT("Zm.9"), STR_INIT("Zm9vY"),
    };
    struct buf b = BUF_INIT(100);

    buf_add_c(&b, "kept");
    for (size_t i = 0; i < ARRAY_LEN(std); i++)
        if (!CHECK_ERR(base64_decode(&b, std[i]), ERR_INVALID))
            CHECK_STR(std[i], "");
    for (size_t i = 0; i < ARRAY_LEN(url); i++)
        if (!CHECK_ERR(base64_url_decode(&b, url[i]), ERR_INVALID))
            CHECK_STR(url[i], "");
    CHECK_STR(buf_str(&b), "kept");
    buf_fini(&b);
}

TEST(base64_keeps_to_the_limit_of_its_buffer)
{
    struct buf b = BUF_INIT(3);

    CHECK_OK(base64_decode(&b, STR("Zm9v")));
    CHECK_ERR(base64_decode(&b, STR("Zg==")), ERR_TOOBIG);
    CHECK_STR(buf_str(&b), "foo");
    buf_fini(&b);
}

TEST(hex_both_ways)
{
    struct buf b = BUF_INIT(100);

    hex_encode(&b, STR("\0\xab\xff"));
    CHECK_STR(buf_str(&b), "00abff");
    buf_reset(&b);
    CHECK_OK(hex_decode(&b, STR("00aBFf")));
    CHECK_STR(buf_str(&b), STR("\0\xab\xff"));
    CHECK_ERR(hex_decode(&b, STR("0")), ERR_INVALID);
    CHECK_ERR(hex_decode(&b, STR("0g")), ERR_INVALID);
    CHECK_ERR(hex_decode(&b, STR("0x00")), ERR_INVALID);
    CHECK_ERR(hex_decode(&b, STR("0 ")), ERR_INVALID);
    CHECK_INT(b.len, 3);
    CHECK_INT(hex_digit('f'), 15);
    CHECK_INT(hex_digit('g'), -1);
    CHECK_INT(hex_digit('\xff'), -1);
    buf_fini(&b);
}

TEST(pem_blocks)
{
    struct str rest = STR("some text\n-----BEGIN A B-----\r\nZm9v\r\nYmFy\r\n-----END A B-----\r\n"
                          "between\n-----BEGIN C-----\n-----END C-----");
    struct pem_block block;
    struct buf b = BUF_INIT(100);

    CHECK_INT(pem_next(&rest, &block), 1);
    CHECK_STR(block.label, "A B");
    CHECK(str_starts(block.text, STR("-----BEGIN A B-----\r\n")));
    CHECK(str_ends(block.text, STR("-----END A B-----\r\n")));
    CHECK_OK(pem_decode(&block, &b));
    CHECK_STR(buf_str(&b), "foobar");
    CHECK_INT(pem_next(&rest, &block), 1);
    CHECK_STR(block.label, "C");
    CHECK_STR(block.text, "-----BEGIN C-----\n-----END C-----");
    CHECK_INT(pem_next(&rest, &block), 0);
    CHECK_INT(pem_next(&rest, &block), 0);
    rest = STR("no block here");
    CHECK_INT(pem_next(&rest, &block), 0);
    buf_fini(&b);
}

TEST(pem_round_trip)
{
    struct buf b = BUF_INIT(10000), back = BUF_INIT(10000);
    char bytes[200];

    for (size_t n = 0; n < sizeof(bytes); n++) {
        struct pem_block block;
        struct str rest;

        bytes[n] = (char)(n * 7);
        buf_reset(&b);
        buf_reset(&back);
        pem_encode(&b, STR("CERTIFICATE"), str_n(bytes, n));
        rest = buf_str(&b);
        CHECK_INT(pem_next(&rest, &block), 1);
        CHECK_OK(pem_decode(&block, &back));
        CHECK_STR(buf_str(&back), str_n(bytes, n));
        CHECK_INT(rest.n, 0);
    }
    buf_fini(&b);
    buf_fini(&back);
}

TEST(pem_refuses)
{
    static const char *const cases[] = {
        "-----BEGIN A-----\nZm9v\n",
        "-----BEGIN A-----",
        "-----BEGIN A-----\nZm9v\n-----END B-----\n",
        "-----BEGIN A-----\nZm9v\n-----BEGIN A-----\nZm9v\n-----END A-----\n",
        "-----BEGIN A-----\nZm9\n-----END A-----\n",
        "-----BEGIN A-----\nZm 9v\n-----END A-----\n",
        "-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nZm9v\n-----END A-----\n",
        "-----BEGIN A-----\nZm9v-----END A-----\n",
        "-----BEGIN A-----\nZg==\nZg==\n-----END A-----\n",
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str rest = str_c(cases[i]);
        struct pem_block block;

        if (!CHECK_ERR(pem_next(&rest, &block), ERR_INVALID))
            CHECK_STR(cases[i], "");
        CHECK_INT(rest.n, strlen(cases[i]));
    }
}
