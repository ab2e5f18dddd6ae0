/*
 * Borrowed strings: comparing, searching, cutting, numbers, the hash, bounded copies.
 */
#include "unit.h"

#include <stdlib.h>

#include "base/err.h"

TEST(str_eq_compares_length_and_bytes)
{
    CHECK(str_eq(STR("abc"), STR("abc")));
    CHECK(!str_eq(STR("abc"), STR("abd")));
    CHECK(!str_eq(STR("abc"), STR("ab")));
    CHECK(str_eq(STR("a\0b"), STR("a\0b")));
    CHECK(!str_eq(STR("a\0b"), STR("a\0c")));
    CHECK(str_eq(STR_NONE, STR("")));
    CHECK(str_eq_c(STR("abc"), "abc"));
    CHECK(str_eq_c(STR_NONE, NULL));
}

TEST(str_nocase_folds_ascii_letters_only)
{
    CHECK(str_eq_nocase(STR("Content-Length"), STR("content-LENGTH")));
    CHECK(!str_eq_nocase(STR("a"), STR("b")));
    CHECK(!str_eq_nocase(STR("ab"), STR("a")));
    /* '@' and '[' stand beside the letters; the bytes of an umlaut differ by 0x20. */
    CHECK(!str_eq_nocase(STR("@"), STR("`")));
    CHECK(!str_eq_nocase(STR("["), STR("{")));
    CHECK(!str_eq_nocase(STR("\xc3\x84"), STR("\xc3\xa4")));
    CHECK(str_starts_nocase(STR("Bearer x"), STR("bearer ")));
    CHECK(!str_starts_nocase(STR("Bear"), STR("bearer ")));
}

TEST(str_starts_and_ends_stay_within_the_string)
{
    CHECK(str_starts(STR("abc"), STR("ab")));
    CHECK(str_starts(STR("abc"), STR_NONE));
    CHECK(str_starts(STR_NONE, STR_NONE));
    CHECK(!str_starts(STR("ab"), STR("abc")));
    CHECK(str_ends(STR("abc"), STR("bc")));
    CHECK(str_ends(STR_NONE, STR("")));
    CHECK(!str_ends(STR("bc"), STR("abc")));
    CHECK(!str_ends(STR("abc"), STR("ab")));
}

TEST(str_cmp_orders_octets_then_length)
{
    CHECK(str_cmp(STR("a"), STR("b")) < 0);
    CHECK(str_cmp(STR("b"), STR("a")) > 0);
    CHECK(str_cmp(STR("a"), STR("aa")) < 0);
    CHECK(str_cmp(STR("aa"), STR("a")) > 0);
    CHECK(str_cmp(STR("\x7f"), STR("\x80")) < 0);
    CHECK_INT(str_cmp(STR_NONE, STR("")), 0);
    CHECK(str_cmp(STR_NONE, STR("a")) < 0);
}

TEST(str_searches_find_first_last_and_nothing)
{
    CHECK_INT(str_index(STR("abcabc"), 'b'), 1);
    CHECK_INT(str_rindex(STR("abcabc"), 'b'), 4);
    CHECK_INT(str_index(STR("abc"), 'x'), -1);
    CHECK_INT(str_rindex(STR_NONE, 'x'), -1);
    CHECK_INT(str_index(STR("a\0b"), 'b'), 2);
    CHECK_INT(str_find(STR("abcabd"), STR("abd")), 3);
    CHECK_INT(str_find(STR("abc"), STR("")), 0);
    CHECK_INT(str_find(STR_NONE, STR("")), 0);
    CHECK_INT(str_find(STR("ab"), STR("abc")), -1);
    CHECK_INT(str_find(STR("aab"), STR("ac")), -1);
}

TEST(str_skip_and_head_clamp)
{
    CHECK_STR(str_skip(STR("abc"), 1), "bc");
    CHECK_STR(str_skip(STR("abc"), 3), "");
    CHECK_STR(str_skip(STR("abc"), 4), "");
    CHECK(str_skip(STR_NONE, 1).p == NULL);
    CHECK_STR(str_head(STR("abc"), 2), "ab");
    CHECK_STR(str_head(STR("abc"), 4), "abc");
}

TEST(str_cut_walks_all_fields)
{
    struct str s = STR(",b,");

    CHECK_STR(str_cut(&s, ','), "");
    CHECK_STR(str_cut(&s, ','), "b");
    CHECK(s.p != NULL);
    CHECK_STR(str_cut(&s, ','), "");
    CHECK(s.p == NULL);
    CHECK_STR(str_cut(&s, ','), "");
    s = STR("whole");
    CHECK_STR(str_cut(&s, ','), "whole");
    CHECK(s.p == NULL);
}

TEST(str_trim_removes_blanks_or_all_white_space)
{
    CHECK_STR(str_trim(STR(" \ta b\t ")), "a b");
    CHECK_STR(str_trim(STR("\na\r")), "\na\r");
    CHECK_STR(str_trim(STR(" \t ")), "");
    CHECK_STR(str_trim(STR_NONE), "");
    CHECK_STR(str_trim_space(STR("\r\n\v\f\t a\n")), "a");
    CHECK_STR(str_trim_space(STR("\xa0"
                                 "a")),
              "\xa0"
              "a");
}

TEST(str_to_u64_reads_up_to_the_maximum)
{
    uint64_t n = 7;

    CHECK_OK(str_to_u64(STR("0"), 0, &n));
    CHECK_INT(n, 0);
    CHECK_OK(str_to_u64(STR("007"), 7, &n));
    CHECK_INT(n, 7);
    CHECK_OK(str_to_u64(STR("65535"), 65535, &n));
    CHECK_ERR(str_to_u64(STR("65536"), 65535, &n), ERR_INVALID);
    CHECK_INT(n, 65535);
    CHECK_OK(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &n));
    CHECK(n == UINT64_MAX);
    CHECK_ERR(str_to_u64(STR("18446744073709551616"), UINT64_MAX, &n), ERR_INVALID);
    CHECK_ERR(str_to_u64(STR("99999999999999999999999"), UINT64_MAX, &n), ERR_INVALID);
}

TEST(str_to_u64_refuses_what_is_not_digits)
{
    static const struct str BAD[] = {
        STR_INIT(""),    STR_INIT("+1"), STR_INIT("-1"),   STR_INIT(" 1"),  STR_INIT("1 "),
        STR_INIT("0x1"), STR_INIT("1a"), STR_INIT("1\0"),  STR_INIT("1_0"), STR_INIT("1.0"),
        STR_INIT("/"),   STR_INIT(":"),  STR_INIT("\xb2"), STR_INIT("1e3"), STR_INIT("\0"),
    };
    uint64_t n = 7;

    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        CHECK_ERR(str_to_u64(BAD[i], UINT64_MAX, &n), ERR_INVALID);
    CHECK_ERR(str_to_u64(STR_NONE, UINT64_MAX, &n), ERR_INVALID);
    CHECK_INT(n, 7);
}

TEST(str_to_i64_reads_the_whole_range)
{
    int64_t n = 7;

    CHECK_OK(str_to_i64(STR("9223372036854775807"), &n));
    CHECK(n == INT64_MAX);
    CHECK_OK(str_to_i64(STR("-9223372036854775808"), &n));
    CHECK(n == INT64_MIN);
    CHECK_OK(str_to_i64(STR("-0"), &n));
    CHECK_INT(n, 0);
    CHECK_ERR(str_to_i64(STR("9223372036854775808"), &n), ERR_INVALID);
    CHECK_ERR(str_to_i64(STR("-9223372036854775809"), &n), ERR_INVALID);
    CHECK_ERR(str_to_i64(STR("-"), &n), ERR_INVALID);
    CHECK_ERR(str_to_i64(STR("--1"), &n), ERR_INVALID);
    CHECK_ERR(str_to_i64(STR("+1"), &n), ERR_INVALID);
    CHECK_ERR(str_to_i64(STR_NONE, &n), ERR_INVALID);
}

TEST(str_hash_depends_on_every_byte_and_the_length)
{
    char bytes[40] = {0};

    for (size_t n = 0; n < sizeof(bytes); n++) {
        uint64_t hash = str_hash(str_n(bytes, n));

        CHECK(hash == str_hash(str_n(bytes, n)));
        CHECK(hash != str_hash(str_n(bytes, n + 1)));
        for (size_t i = 0; i < n; i++) {
            bytes[i] = 1;
            CHECK(hash != str_hash(str_n(bytes, n)));
            bytes[i] = 0;
        }
    }
    CHECK(str_hash(STR_NONE) == str_hash(STR("")));
}

TEST(str_hash_spreads_over_low_bits)
{
    unsigned buckets[64] = {0};

    for (uint32_t i = 0; i < 6400; i++)
        buckets[str_hash(str_n(&i, sizeof(i))) % 64]++;
    for (size_t i = 0; i < 64; i++)
        CHECK(buckets[i] > 40 && buckets[i] < 180);
}

TEST(str_eq_secret_compares_every_byte)
{
    char a[33], b[33];

    memset(a, 'x', sizeof(a));
    memset(b, 'x', sizeof(b));
    CHECK(str_eq_secret(str_n(a, 33), str_n(b, 33)));
    for (size_t i = 0; i < sizeof(a); i++) {
        b[i] ^= 0x40;
        CHECK(!str_eq_secret(str_n(a, 33), str_n(b, 33)));
        b[i] ^= 0x40;
    }
    CHECK(!str_eq_secret(str_n(a, 33), str_n(b, 32)));
    CHECK(str_eq_secret(STR_NONE, STR("")));
}

TEST(str_dup_ends_with_a_nul)
{
    char *copy = str_dup(STR("a\0b"));

    CHECK(memcmp(copy, "a\0b", 4) == 0);
    free(copy);
    copy = str_dup(STR_NONE);
    CHECK_STR(copy, "");
    free(copy);
}

TEST(str_copy_fills_or_refuses)
{
    char dst[4] = "xyz";

    CHECK_OK(str_copy(STR("abc"), dst, sizeof(dst)));
    CHECK_STR(dst, "abc");
    CHECK_ERR(str_copy(STR("abcd"), dst, sizeof(dst)), ERR_TOOBIG);
    CHECK_STR(dst, "");
    dst[0] = 'x';
    CHECK_ERR(str_copy(STR("a\0b"), dst, sizeof(dst)), ERR_INVALID);
    CHECK_STR(dst, "");
    CHECK_ERR(str_copy(STR(""), dst, 0), ERR_TOOBIG);
    CHECK_OK(str_copy(STR_NONE, dst, 1));
}
