/*
 * Clock readings and RFC 3339 text.
 *
 * Calendar arithmetic is done here on days since 1970 (Howard Hinnant, "chrono-Compatible Low-Level Date
 * Algorithms") rather than through struct tm: no locale, no time zone, and every int64_t has an answer.
 */
#include "base/time.h"

#include <stdio.h>
#include <time.h>

#include "base/err.h"

#define TIME_S_PER_DAY INT64_C(86400)
/* 0001-01-01T00:00:00Z (the zero value of Go's time.Time) and 9999-12-31T23:59:59.999999Z. */
#define TIME_MIN_US (INT64_C(-62135596800) * TIME_US_PER_S)
#define TIME_MAX_US (INT64_C(253402300800) * TIME_US_PER_S - 1)

static int64_t time_read_us(clockid_t clock)
{
    struct timespec ts;

    ASSERT(clock_gettime(clock, &ts) == 0);
    return (int64_t)ts.tv_sec * TIME_US_PER_S + ts.tv_nsec / 1000;
}

int64_t time_mono_us(void)
{
    return time_read_us(CLOCK_MONOTONIC);
}

int64_t time_wall_us(void)
{
    return time_read_us(CLOCK_REALTIME);
}

struct civil {
    int year, month, day;
};

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar, year 0 or later. */
static int64_t civil_to_days(struct civil c)
{
    /* The year starts in March here, so that the leap day is its last. */
    int64_t year = c.year - (c.month <= 2) + 400;
    int64_t era = year / 400;
    int64_t year_of_era = year % 400;
    int64_t day_of_year = (153 * (c.month + (c.month > 2 ? -3 : 9)) + 2) / 5 + c.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return (era - 1) * 146097 + day_of_era - 719468;
}

static struct civil civil_from_days(int64_t days)
{
    int64_t z = days + 719468 + 146097;
    int64_t era = z / 146097;
    int64_t doe = z % 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int month = (int)(mp < 10 ? mp + 3 : mp - 9);

    return (struct civil){
        .year = (int)(yoe + (era - 1) * 400 + (month <= 2)),
        .month = month,
        .day = (int)(doy - (153 * mp + 2) / 5 + 1),
    };
}

static char *time_put(char *p, int value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        p[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return p + digits;
}

/* Writes "2026-01-02T03:04:05" and returns where the text goes on. */
static char *time_put_seconds(char *p, int64_t wall_us)
{
    /* Floor division, for times before 1970. */
    int64_t s = (wall_us - TIME_MIN_US) / TIME_US_PER_S + TIME_MIN_US / TIME_US_PER_S;
    int64_t days = (s - TIME_MIN_US / TIME_US_PER_S) / TIME_S_PER_DAY +
                   TIME_MIN_US / TIME_US_PER_S / TIME_S_PER_DAY;
    int of_day = (int)(s - days * TIME_S_PER_DAY);
    struct civil c = civil_from_days(days);

    p = time_put(p, c.year, 4);
    *p++ = '-';
    p = time_put(p, c.month, 2);
    *p++ = '-';
    p = time_put(p, c.day, 2);
    *p++ = 'T';
    p = time_put(p, of_day / 3600, 2);
    *p++ = ':';
    p = time_put(p, of_day / 60 % 60, 2);
    *p++ = ':';
    return time_put(p, of_day % 60, 2);
}

static int64_t time_clamp(int64_t wall_us)
{
    return MAX(TIME_MIN_US, MIN(wall_us, TIME_MAX_US));
}

const char *time_format_s(int64_t wall_us, char dst[TIME_RFC3339_BYTES])
{
    char *p = time_put_seconds(dst, time_clamp(wall_us));

    *p++ = 'Z';
    *p = '\0';
    return dst;
}

const char *time_format_us(int64_t wall_us, char dst[TIME_RFC3339_BYTES])
{
    int64_t us = time_clamp(wall_us);
    char *p = time_put_seconds(dst, us);

    *p++ = '.';
    p = time_put(p, (int)((us - TIME_MIN_US) % TIME_US_PER_S), 6);
    *p++ = 'Z';
    *p = '\0';
    return dst;
}

/* Reads exactly `digits` digits from the front of `*s`; the value must be within [min, max]. */
static bool time_take(struct str *s, size_t digits, int min, int max, int *ret_value)
{
    uint64_t value;

    if (s->n < digits || str_to_u64(str_head(*s, digits), (uint64_t)max, &value) < 0)
        return false;
    *s = str_skip(*s, digits);
    *ret_value = (int)value;
    return *ret_value >= min;
}

static bool time_take_char(struct str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = str_skip(*s, 1);
    return true;
}

static int civil_month_days(int year, int month)
{
    static const char DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return month == 2 && is_leap ? 29 : DAYS[month - 1];
}

static bool time_take_date(struct str *s, int64_t *ret_days)
{
    struct civil c;

    if (!time_take(s, 4, 0, 9999, &c.year) || !time_take_char(s, '-') ||
        !time_take(s, 2, 1, 12, &c.month) || !time_take_char(s, '-') ||
        !time_take(s, 2, 1, civil_month_days(c.year, c.month), &c.day))
        return false;
    *ret_days = civil_to_days(c);
    return true;
}

/* Without leap seconds, which Go's parser refuses as well. */
static bool time_take_clock(struct str *s, int *ret_seconds)
{
    int hour, minute, second;

    if (!time_take(s, 2, 0, 23, &hour) || !time_take_char(s, ':') ||
        !time_take(s, 2, 0, 59, &minute) || !time_take_char(s, ':') ||
        !time_take(s, 2, 0, 59, &second))
        return false;
    *ret_seconds = hour * 3600 + minute * 60 + second;
    return true;
}

/* An optional ".digits"; what is finer than a microsecond is cut off. */
static bool time_take_fraction(struct str *s, int *ret_us)
{
    int us = 0;
    size_t n = 0;

    *ret_us = 0;
    if (!time_take_char(s, '.'))
        return true;
    while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
        n++;
    if (n == 0 || n > 9)
        return false;
    for (size_t i = 0; i < 6; i++)
        us = us * 10 + (i < n ? s->p[i] - '0' : 0);
    *s = str_skip(*s, n);
    *ret_us = us;
    return true;
}

static bool time_take_offset(struct str *s, int *ret_seconds)
{
    int hour, minute, sign = 1;

    if (time_take_char(s, 'Z')) {
        *ret_seconds = 0;
        return true;
    }
    if (time_take_char(s, '-'))
        sign = -1;
    else if (!time_take_char(s, '+'))
        return false;
    if (!time_take(s, 2, 0, 23, &hour) || !time_take_char(s, ':') ||
        !time_take(s, 2, 0, 59, &minute))
        return false;
    *ret_seconds = sign * (hour * 3600 + minute * 60);
    return true;
}

int time_parse(struct str s, int64_t *ret_wall_us)
{
    int64_t days;
    int of_day, us, offset;

    if (!time_take_date(&s, &days) || !time_take_char(&s, 'T') || !time_take_clock(&s, &of_day) ||
        !time_take_fraction(&s, &us) || !time_take_offset(&s, &offset) || s.n > 0)
        return -ERR_INVALID;
    *ret_wall_us = (days * TIME_S_PER_DAY + of_day - offset) * TIME_US_PER_S + us;
    return 0;
}
