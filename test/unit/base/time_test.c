/*
 * RFC 3339 both ways, against known instants and against libc's calendar.
 */
#include "unit.h"

#include <time.h>

#include "base/err.h"
#include "base/time.h"

TEST(time_clocks_advance)
{
    int64_t mono = time_mono_us(), wall = time_wall_us();

    CHECK(time_mono_us() >= mono);
    CHECK(wall > INT64_C(1700000000) * TIME_US_PER_S);
}

TEST(time_formats_known_instants)
{
    char dst[TIME_RFC3339_BYTES];

    CHECK_STR(time_format_s(0, dst), "1970-01-01T00:00:00Z");
    CHECK_STR(time_format_s(INT64_C(1767323045000006), dst), "2026-01-02T03:04:05Z");
    CHECK_STR(time_format_us(INT64_C(1767323045000006), dst), "2026-01-02T03:04:05.000006Z");
    CHECK_STR(time_format_us(-1, dst), "1969-12-31T23:59:59.999999Z");
    CHECK_STR(time_format_s(-1, dst), "1969-12-31T23:59:59Z");
    CHECK_STR(time_format_s(INT64_C(951782400) * TIME_US_PER_S, dst), "2000-02-29T00:00:00Z");
    CHECK_STR(time_format_s(INT64_MAX, dst), "9999-12-31T23:59:59Z");
    CHECK_STR(time_format_us(INT64_MIN, dst), "0001-01-01T00:00:00.000000Z");
}

TEST(time_calendar_agrees_with_libc)
{
    char dst[TIME_RFC3339_BYTES], want[64];

    /* Steps of about 11 days and an odd number of seconds, year 1 to 9999. */
    for (int64_t s = INT64_C(-62135596800); s < INT64_C(253402300800); s += 987653) {
        time_t t = (time_t)s;
        int64_t us = 0;
        struct tm tm;

        gmtime_r(&t, &tm);
        strftime(want + 3, sizeof(want) - 3, "%Y-%m-%dT%H:%M:%SZ", &tm);
        /* %Y does not pad. */
        memset(want, '0', 3);
        time_format_s(s * TIME_US_PER_S, dst);
        if (!CHECK_STR(dst, want + strlen(want) - 20) || !CHECK_OK(time_parse(str_c(dst), &us)) ||
            !CHECK(us == s * TIME_US_PER_S))
            return;
    }
}

TEST(time_parses_offsets_and_fractions)
{
    int64_t us = 7;

    CHECK_OK(time_parse(STR("1970-01-01T00:00:00Z"), &us));
    CHECK_INT(us, 0);
    CHECK_OK(time_parse(STR("1970-01-01T01:00:00+01:00"), &us));
    CHECK_INT(us, 0);
    CHECK_OK(time_parse(STR("1969-12-31T18:29:00-05:31"), &us));
    CHECK_INT(us, 0);
    CHECK_OK(time_parse(STR("1970-01-01T00:00:00-00:00"), &us));
    CHECK_INT(us, 0);
    CHECK_OK(time_parse(STR("1970-01-01T00:00:00.5Z"), &us));
    CHECK_INT(us, 500000);
    CHECK_OK(time_parse(STR("1970-01-01T00:00:00.000001Z"), &us));
    CHECK_INT(us, 1);
    CHECK_OK(time_parse(STR("1970-01-01T00:00:00.123456789Z"), &us));
    CHECK_INT(us, 123456);
    CHECK_OK(time_parse(STR("2024-02-29T23:59:59Z"), &us));
    CHECK_OK(time_parse(STR("0000-02-29T00:00:00Z"), &us));
}

TEST(time_refuses_everything_else)
{
    static const struct str BAD[] = {
        STR_INIT(""),
        STR_INIT("1970-01-01"),
        STR_INIT("1970-01-01T00:00:00"),
        STR_INIT("1970-01-01 00:00:00Z"),
        STR_INIT("1970-01-01t00:00:00Z"),
        STR_INIT("1970-01-01T00:00:00z"),
        STR_INIT("1970-01-01T00:00:00ZZ"),
        STR_INIT(" 1970-01-01T00:00:00Z"),
        STR_INIT("1970-01-01T00:00:00Z "),
        STR_INIT("1970-1-01T00:00:00Z"),
        STR_INIT("70-01-01T00:00:00Z"),
        STR_INIT("10000-01-01T00:00:00Z"),
        STR_INIT("1970-00-01T00:00:00Z"),
        STR_INIT("1970-13-01T00:00:00Z"),
        STR_INIT("1970-01-00T00:00:00Z"),
        STR_INIT("1970-01-32T00:00:00Z"),
        STR_INIT("1970-04-31T00:00:00Z"),
        STR_INIT("1970-02-29T00:00:00Z"),
        STR_INIT("1900-02-29T00:00:00Z"),
        STR_INIT("2024-02-30T00:00:00Z"),
        STR_INIT("1970-01-01T24:00:00Z"),
        STR_INIT("1970-01-01T00:60:00Z"),
        STR_INIT("1970-01-01T00:00:60Z"),
        STR_INIT("1970-01-01T00:00Z"),
        STR_INIT("1970-01-01T00:00:0Z"),
        STR_INIT("1970-01-01T00:00:00.Z"),
        STR_INIT("1970-01-01T00:00:00,5Z"),
        STR_INIT("1970-01-01T00:00:00.1234567890Z"),
        STR_INIT("1970-01-01T00:00:00.5"),
        STR_INIT("1970-01-01T00:00:00+0100"),
        STR_INIT("1970-01-01T00:00:00+01"),
        STR_INIT("1970-01-01T00:00:00+24:00"),
        STR_INIT("1970-01-01T00:00:00+00:60"),
        STR_INIT("1970-01-01T00:00:00*00:00"),
        STR_INIT("-970-01-01T00:00:00Z"),
        STR_INIT("+970-01-01T00:00:00Z"),
        STR_INIT("1970-01-01T00:00:00Z\0"),
    };
    int64_t us = 7;

    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        CHECK_ERR(time_parse(BAD[i], &us), ERR_INVALID);
    CHECK_ERR(time_parse(STR_NONE, &us), ERR_INVALID);
    CHECK_INT(us, 7);
}
