/*
 * AES-256-GCM: published vectors (McGrew and Viega, cases 13, 14 and 16), round trips, and forgeries of every
 * bit.
 */
#include "crypto/aead.h"

#include "unit.h"
#include "vector.h"

static struct secret *secret_hex(const char *hex)
{
    struct buf b = BUF_INIT(64);
    struct secret *s;

    vector_hex(&b, hex);
    s = secret_new(buf_str(&b));
    buf_fini(&b);
    return s;
}

#define ZERO_16 "00000000000000000000000000000000"

TEST(open_vectors)
{
    static const struct {
        const char *key, *ad, *sealed, *plain;
    } ROWS[] = {
        {ZERO_16 ZERO_16, "", "000000000000000000000000 530f8afbc74536b9a963b4f1c4cb738b", ""},
        {ZERO_16 ZERO_16, "",
         "000000000000000000000000 cea7403d4d606b6e074ec5d3baf39d18 d0d1c8a799996bf0265b98b5d48ab919",
         ZERO_16},
        {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
         "feedfacedeadbeeffeedfacedeadbeefabaddad2",
         "cafebabefacedbaddecaf888 "
         "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
         "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662 "
         "76fc6ece0f4e1768cddf8853bb2d551b",
         "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
         "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"},
    };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct buf ad = BUF_INIT(256), sealed = BUF_INIT(256), plain = BUF_INIT(256),
                   out = BUF_INIT(256);
        struct secret *key = secret_hex(ROWS[i].key);

        vector_hex(&ad, ROWS[i].ad);
        vector_hex(&sealed, ROWS[i].sealed);
        vector_hex(&plain, ROWS[i].plain);
        CHECK_OK(aead_open(key, buf_str(&ad), buf_str(&sealed), &out));
        CHECK_STR(buf_str(&out), buf_str(&plain));
        secret_unref(key);
        buf_fini(&ad);
        buf_fini(&sealed);
        buf_fini(&plain);
        buf_fini(&out);
    }
}

TEST(seal_then_open)
{
    struct secret *key = secret_hex(ZERO_16 ZERO_16);
    struct buf sealed = BUF_INIT(1024), again = BUF_INIT(1024), out = BUF_INIT(1024);

    buf_add_c(&out, "before:");
    aead_seal(key, STR("secrets/a"), STR("hunter2"), &sealed);
    aead_seal(key, STR("secrets/a"), STR("hunter2"), &again);
    CHECK_INT(sealed.len, 7 + AEAD_OVERHEAD_BYTES);
    CHECK(!str_eq(buf_str(&sealed), buf_str(&again)));
    CHECK_OK(aead_open(key, STR("secrets/a"), buf_str(&sealed), &out));
    CHECK_STR(buf_str(&out), "before:hunter2");
    buf_fini(&sealed);
    buf_fini(&again);
    buf_fini(&out);
    secret_unref(key);
}

TEST(every_changed_bit_is_refused)
{
    struct secret *key = secret_hex(ZERO_16 ZERO_16);
    struct buf sealed = BUF_INIT(1024), out = BUF_INIT(1024);

    aead_seal(key, STR("ad"), STR("plain"), &sealed);
    for (size_t bit = 0; bit < sealed.len * 8; bit++) {
        sealed.p[sealed.off + bit / 8] ^= (char)(1 << bit % 8);
        CHECK_ERR(aead_open(key, STR("ad"), buf_str(&sealed), &out), ERR_INVALID);
        sealed.p[sealed.off + bit / 8] ^= (char)(1 << bit % 8);
    }
    CHECK_INT(out.len, 0);
    CHECK_OK(aead_open(key, STR("ad"), buf_str(&sealed), &out));
    buf_fini(&sealed);
    buf_fini(&out);
    secret_unref(key);
}

TEST(wrong_place_key_or_length_is_refused)
{
    struct secret *key = secret_hex(ZERO_16 ZERO_16);
    struct secret *other = secret_hex(ZERO_16 "00000000000000000000000000000001");
    struct buf sealed = BUF_INIT(1024), out = BUF_INIT(1024);
    struct str s;

    aead_seal(key, STR("ns/a"), STR("plain"), &sealed);
    s = buf_str(&sealed);
    CHECK_ERR(aead_open(key, STR("ns/b"), s, &out), ERR_INVALID);
    CHECK_ERR(aead_open(key, STR(""), s, &out), ERR_INVALID);
    CHECK_ERR(aead_open(other, STR("ns/a"), s, &out), ERR_INVALID);
    for (size_t n = 0; n < s.n; n++)
        CHECK_ERR(aead_open(key, STR("ns/a"), str_head(s, n), &out), ERR_INVALID);
    CHECK_INT(out.len, 0);
    buf_fini(&sealed);
    buf_fini(&out);
    secret_unref(key);
    secret_unref(other);
}

TEST(no_room_is_an_error)
{
    struct secret *key = secret_hex(ZERO_16 ZERO_16);
    struct buf fits = BUF_INIT(AEAD_OVERHEAD_BYTES + 5), small = BUF_INIT(AEAD_OVERHEAD_BYTES + 4);

    aead_seal(key, STR(""), STR("plain"), &fits);
    CHECK_OK(buf_error(&fits));
    aead_seal(key, STR(""), STR("plain"), &small);
    CHECK_ERR(buf_error(&small), ERR_TOOBIG);
    CHECK_INT(small.len, 0);
    buf_fini(&fits);
    buf_fini(&small);
    secret_unref(key);
}

static void seal_with_short_key(void *cookie UNUSED)
{
    struct secret *key = secret_hex(ZERO_16);
    struct buf out = BUF_INIT(1024);

    aead_seal(key, STR(""), STR(""), &out);
}

TEST(a_key_of_another_size_is_a_defect)
{
    CHECK_DIES(seal_with_short_key, NULL);
}
