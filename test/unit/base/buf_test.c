/*
 * The byte buffer: growth, the limit and its sticky error, dropping from the front, text forms.
 */
#include "unit.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"

TEST(buf_empty_owns_nothing)
{
    struct buf b = BUF_INIT(10);

    CHECK_INT(buf_str(&b).n, 0);
    CHECK(buf_str(&b).p == NULL);
    CHECK_STR(buf_c(&b), "");
    CHECK(b.p == NULL);
    CHECK_OK(buf_error(&b));
    buf_add(&b, NULL, 0);
    buf_add_str(&b, STR_NONE);
    buf_add_c(&b, NULL);
    buf_skip(&b, 0);
    buf_commit(&b, 0);
    CHECK(b.p == NULL);
    buf_fini(&b);
}

TEST(buf_takes_exactly_its_maximum)
{
    struct buf b = BUF_INIT(4);

    buf_add(&b, "abcd", 4);
    CHECK_OK(buf_error(&b));
    CHECK_STR(buf_c(&b), "abcd");
    buf_add_char(&b, 'e');
    CHECK_ERR(buf_error(&b), ERR_TOOBIG);
    CHECK_STR(buf_str(&b), "abcd");
    buf_fini(&b);

    buf_init(&b, 4);
    buf_add(&b, "abcde", 5);
    CHECK_ERR(buf_error(&b), ERR_TOOBIG);
    CHECK_INT(b.len, 0);
    buf_fini(&b);

    buf_init(&b, 0);
    buf_add(&b, "", 0);
    CHECK_OK(buf_error(&b));
    buf_add_char(&b, 'x');
    CHECK_ERR(buf_error(&b), ERR_TOOBIG);
    buf_fini(&b);
}

TEST(buf_error_is_sticky_until_reset)
{
    struct buf b = BUF_INIT(4);

    buf_add_c(&b, "abc");
    buf_add_c(&b, "de");
    buf_add_c(&b, "f");
    CHECK_STR(buf_str(&b), "abc");
    buf_addf(&b, "%d", 1);
    CHECK(buf_reserve(&b, 1) == NULL);
    CHECK_STR(buf_str(&b), "abc");
    buf_reset(&b);
    CHECK_OK(buf_error(&b));
    CHECK_INT(b.len, 0);
    buf_add_c(&b, "wxyz");
    CHECK_STR(buf_str(&b), "wxyz");
    buf_fini(&b);
    CHECK_INT(b.max, 4);
}

TEST(buf_max_counts_what_is_held_not_what_passed)
{
    struct buf b = BUF_INIT(4);

    for (int i = 0; i < 1000; i++) {
        buf_add_c(&b, "ab");
        buf_add_c(&b, "cd");
        buf_skip(&b, 2);
        CHECK_STR(buf_c(&b), "cd");
        buf_skip(&b, 2);
    }
    CHECK_OK(buf_error(&b));
    buf_fini(&b);
}

TEST(buf_keeps_content_while_sliding_and_growing)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    unsigned char next_in = 0, next_out = 0;
    bool is_same = true;

    /* In: 0 to 96 bytes, out: 0 to 63, so the buffer slides, compacts and grows. */
    for (unsigned step = 0; step < 5000; step++) {
        size_t in = (step * 7919) % 97, out = (step * 104729) % 64;

        for (size_t i = 0; i < in; i++)
            buf_add_char(&b, (char)next_in++);
        out = MIN(out, b.len);
        for (size_t i = 0; i < out; i++)
            is_same &= (unsigned char)buf_str(&b).p[i] == next_out++;
        buf_skip(&b, out);
        is_same &= !b.p || b.off + b.len < b.cap;
    }
    CHECK(is_same);
    CHECK(b.cap <= 4 * (b.len + 1));
    buf_fini(&b);
}

TEST(buf_memory_stays_small_when_drained)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);

    for (int i = 0; i < 100000; i++) {
        buf_add_c(&b, "0123456789");
        if (b.len > 100)
            buf_skip(&b, 10);
    }
    CHECK(b.cap <= 512);
    buf_fini(&b);
}

static void skip_too_much(void *cookie)
{
    struct buf *b = cookie;

    buf_skip(b, b->len + 1);
}

static void commit_too_much(void *cookie)
{
    struct buf *b = cookie;

    buf_commit(b, b->cap);
}

TEST(buf_misuse_ends_the_process)
{
    struct buf b = BUF_INIT(10);

    buf_add_c(&b, "abc");
    CHECK_DIES(skip_too_much, &b);
    CHECK_DIES(commit_too_much, &b);
    buf_fini(&b);
}

TEST(buf_reserve_and_commit)
{
    struct buf b = BUF_INIT(8);
    char *p = buf_reserve(&b, 8);

    if (!CHECK(p))
        return;
    memcpy(p, "12345678", 8);
    buf_commit(&b, 5);
    CHECK_STR(buf_str(&b), "12345");
    CHECK(buf_reserve(&b, 3) != NULL);
    CHECK(buf_reserve(&b, 4) == NULL);
    CHECK_ERR(buf_error(&b), ERR_TOOBIG);
    CHECK_STR(buf_str(&b), "12345");
    buf_reset(&b);
    CHECK(buf_reserve(&b, SIZE_MAX) == NULL);
    buf_fini(&b);
}

TEST(buf_addf_formats_into_old_and_new_memory)
{
    struct buf b = BUF_INIT(1000);

    buf_addf(&b, "%d-%s", 7, "x");
    CHECK_STR(buf_str(&b), "7-x");
    buf_addf(&b, "%s", "");
    CHECK_STR(buf_str(&b), "7-x");
    buf_reset(&b);
    buf_addf(&b, "%0500d", 1);
    buf_addf(&b, "%0499d", 2);
    CHECK_INT(b.len, 999);
    CHECK_INT(buf_str(&b).p[998], '2');
    buf_addf(&b, "%d", 12);
    CHECK_ERR(buf_error(&b), ERR_TOOBIG);
    CHECK_INT(b.len, 999);
    buf_fini(&b);
}

TEST(buf_addf_stops_at_the_limit_although_memory_is_there)
{
    struct buf b = BUF_INIT(100);

    /* The allocation is as large as the limit; content moved to its front leaves room behind it. */
    buf_addf(&b, "%0100d", 1);
    CHECK_OK(buf_error(&b));
    buf_addf(&b, "%d", 1);
    CHECK_ERR(buf_error(&b), ERR_TOOBIG);
    CHECK_INT(b.len, 100);
    buf_fini(&b);
}

static struct str json_of(struct buf *b, struct str s)
{
    buf_reset(b);
    buf_add_json(b, s);
    return buf_str(b);
}

TEST(buf_add_json_escapes)
{
    struct buf b = BUF_INIT(1000);

    CHECK_STR(json_of(&b, STR("plain text /")), "plain text /");
    CHECK_STR(json_of(&b, STR("a\"b\\c")), "a\\\"b\\\\c");
    CHECK_STR(json_of(&b, STR("\b\f\n\r\t")), "\\b\\f\\n\\r\\t");
    CHECK_STR(json_of(&b, STR("\0\x01\x1f\x7f")), "\\u0000\\u0001\\u001f\\u007f");
    CHECK_STR(json_of(&b, STR("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80")),
              "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    CHECK_STR(json_of(&b, STR("\xc2\x9b\xc2\xa0")), "\\u009b\xc2\xa0");
    CHECK_STR(json_of(&b, STR_NONE), "");
    buf_fini(&b);
}

TEST(buf_add_json_replaces_invalid_utf8)
{
    static const struct str BAD[] = {
        STR_INIT("\x80"),             /* continuation alone */
        STR_INIT("\xc0\xaf"),         /* overlong */
        STR_INIT("\xc1\xbf"),         /* overlong */
        STR_INIT("\xe0\x9f\xbf"),     /* overlong */
        STR_INIT("\xf0\x8f\xbf\xbf"), /* overlong */
        STR_INIT("\xed\xa0\x80"),     /* surrogate */
        STR_INIT("\xf4\x90\x80\x80"), /* above U+10FFFF */
        STR_INIT("\xf5\x80\x80\x80"), /* above U+10FFFF */
        STR_INIT("\xc3"),             /* cut off */
        STR_INIT("\xe2\x82"),         /* cut off */
        STR_INIT("\xf0\x9f\x98"),     /* cut off */
        STR_INIT("\xff\xfe"),
    };
    struct buf b = BUF_INIT(1000), want = BUF_INIT(1000);

    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        buf_reset(&want);
        for (size_t j = 0; j < BAD[i].n; j++)
            buf_add_c(&want, "\xef\xbf\xbd");
        CHECK_STR(json_of(&b, BAD[i]), buf_str(&want));
    }
    CHECK_STR(json_of(&b, STR("a\xc3(b")), "a\xef\xbf\xbd(b");
    CHECK_STR(json_of(&b, STR("\xe2\x82\"x")), "\xef\xbf\xbd\xef\xbf\xbd\\\"x");
    buf_fini(&b);
    buf_fini(&want);
}

TEST(buf_take_c_moves_the_content)
{
    struct buf b = BUF_INIT(10);
    size_t len = 7;
    char *s = buf_take_c(&b, &len);

    CHECK_STR(s, "");
    CHECK_INT(len, 0);
    free(s);
    buf_add_c(&b, "xxabc");
    buf_skip(&b, 2);
    s = buf_take_c(&b, &len);
    CHECK_STR(s, "abc");
    CHECK_INT(len, 3);
    CHECK(b.p == NULL && b.len == 0 && b.max == 10);
    free(s);
    buf_add_c(&b, "abc");
    s = buf_take_c(&b, NULL);
    CHECK_STR(s, "abc");
    free(s);
}

TEST(buf_wipe_empties)
{
    struct buf b = BUF_INIT(10);

    buf_wipe(&b);
    buf_add_c(&b, "secret");
    buf_wipe(&b);
    CHECK(b.p == NULL && b.len == 0);
}
