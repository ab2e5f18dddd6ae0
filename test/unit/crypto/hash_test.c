/*
 * Published vectors: the examples of FIPS 180-4 and those of RFC 4231.
 */
#include "crypto/hash.h"

#include "unit.h"
#include "vector.h"

static void check_bytes(const uint8_t *got, size_t n, const char *hex)
{
    struct buf want = BUF_INIT(256);

    vector_hex(&want, hex);
    CHECK_STR(str_n(got, n), buf_str(&want));
    buf_fini(&want);
}

TEST(sha256_vectors)
{
    static const struct {
        const char *message, *digest;
    } ROWS[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    uint8_t digest[HASH_SHA256_BYTES];

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct str s = str_c(ROWS[i].message);

        hash_sha256(&s, 1, digest);
        check_bytes(digest, sizeof(digest), ROWS[i].digest);
    }
}

TEST(sha256_of_parts_is_that_of_their_concatenation)
{
    struct str parts[] = {STR("a"), STR(""), STR_NONE, STR("bc")};
    uint8_t digest[HASH_SHA256_BYTES];

    hash_sha256(parts, ARRAY_LEN(parts), digest);
    check_bytes(digest, sizeof(digest),
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hash_sha256(NULL, 0, digest);
    check_bytes(digest, sizeof(digest),
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void check_hmac(const char *key_hex, const char *message_hex, const char *mac_hex)
{
    struct buf key = BUF_INIT(512), message = BUF_INIT(512);
    uint8_t mac[HASH_SHA256_BYTES];

    vector_hex(&key, key_hex);
    vector_hex(&message, message_hex);
    hash_hmac_sha256(buf_str(&key), buf_str(&message), mac);
    check_bytes(mac, sizeof(mac), mac_hex);
    buf_fini(&key);
    buf_fini(&message);
}

#define HEX_10(b) b b b b b b b b b b
#define HEX_50(b) HEX_10(b) HEX_10(b) HEX_10(b) HEX_10(b) HEX_10(b)
#define HEX_131(b) HEX_50(b) HEX_50(b) HEX_10(b) HEX_10(b) HEX_10(b) b

TEST(hmac_rfc4231)
{
    check_hmac(HEX_10("0b") HEX_10("0b"), "4869205468657265",
               "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    check_hmac("4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    check_hmac(HEX_10("aa") HEX_10("aa"), HEX_50("dd"),
               "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    check_hmac("0102030405060708090a0b0c0d0e0f10111213141516171819", HEX_50("cd"),
               "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
    check_hmac(
        HEX_131("aa"),
        "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b"
        "6579204669727374",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(hmac_with_an_empty_key_does_not_reuse_the_last_one)
{
    check_hmac("4a656665", "", "923598ca6d64af2a5dba79dcd021a8a0fe5c5f557519adaaf0ad532d4506dd30");
    check_hmac("", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}
