/*
 * Forms and bounds; the quality of the bytes is the kernel's.
 */
#include "crypto/random.h"

#include "unit.h"

TEST(bytes_differ)
{
    uint8_t a[600], b[600];

    random_bytes(a, sizeof(a));
    random_bytes(b, sizeof(b));
    CHECK(memcmp(a, b, sizeof(a)) != 0);
    CHECK(memcmp(a, a + 300, 300) != 0);
    random_bytes(NULL, 0);
}

TEST(below_stays_below_and_reaches_all)
{
    unsigned seen[6] = {0};

    for (int i = 0; i < 6000; i++) {
        uint64_t v = random_below(6);

        if (!CHECK(v < 6))
            return;
        seen[v]++;
    }
    for (size_t i = 0; i < ARRAY_LEN(seen); i++)
        CHECK(seen[i] > 700 && seen[i] < 1300);
    CHECK_INT(random_below(1), 0);
    CHECK(random_below(UINT64_MAX) < UINT64_MAX);
    CHECK(random_below((UINT64_C(1) << 63) + 1) <= UINT64_C(1) << 63);
}

static void below_zero(void *cookie UNUSED)
{
    (void)random_below(0);
}

TEST(below_zero_is_a_defect)
{
    CHECK_DIES(below_zero, NULL);
}

TEST(uuid_has_the_form_of_version_4)
{
    char a[RANDOM_UUID_BYTES], b[RANDOM_UUID_BYTES];

    CHECK(random_uuid(a) == a);
    random_uuid(b);
    CHECK(strcmp(a, b) != 0);
    CHECK_INT(strlen(a), 36);
    for (int i = 0; i < 36; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

        CHECK(is_dash ? a[i] == '-' : (a[i] >= '0' && a[i] <= '9') || (a[i] >= 'a' && a[i] <= 'f'));
    }
    CHECK_INT(a[14], '4');
    CHECK(strchr("89ab", a[19]) != NULL);
}
