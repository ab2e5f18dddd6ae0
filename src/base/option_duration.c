/*
 * Go's duration syntax (time.ParseDuration), kept in microseconds.
 *
 * A sign, then numbers with optional fraction and mandatory unit, added up: "-1.5h", "2h45m", "300ms";
 * "0" alone needs no unit.  The range is Go's too: an int64_t of nanoseconds.
 */
#include <stdio.h>

#include "base/option.h"

struct duration_unit {
    struct str name;
    uint64_t ns;
};

static const struct duration_unit UNITS[] = {
    {STR_INIT("ns"), 1},
    {STR_INIT("us"), 1000},
    {STR_INIT("\xc2\xb5s"), 1000}, /* U+00B5 */
    {STR_INIT("\xce\xbcs"), 1000}, /* U+03BC */
    {STR_INIT("ms"), 1000000},
    {STR_INIT("s"), UINT64_C(1000000000)},
    {STR_INIT("m"), UINT64_C(60000000000)},
    {STR_INIT("h"), UINT64_C(3600000000000)},
};

static bool duration_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Cuts the longest run of digits (or of what is no part of a number) off the front of `*s`. */
static struct str duration_take(struct str *s, bool want_digits)
{
    struct str run = *s;
    size_t n = 0;

    while (n < s->n && duration_is_digit(s->p[n]) == want_digits && (want_digits || s->p[n] != '.'))
        n++;
    *s = str_skip(*s, n);
    return str_head(run, n);
}

static uint64_t duration_unit_ns(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(UNITS); i++) {
        if (str_eq(UNITS[i].name, name))
            return UNITS[i].ns;
    }
    return 0;
}

/* Fraction digits times the unit; what is finer than a nanosecond is cut off. */
static uint64_t duration_fraction_ns(struct str digits, uint64_t unit_ns)
{
    uint64_t ns = 0;

    for (size_t i = 0; i < digits.n && unit_ns > 0; i++) {
        unit_ns /= 10;
        ns += (uint64_t)(digits.p[i] - '0') * unit_ns;
    }
    return ns;
}

/* Takes one "number unit" off the front of `*s` and adds it to `*sum_ns`. */
static bool duration_add_part(struct str *s, uint64_t *sum_ns)
{
    struct str whole = duration_take(s, true);
    struct str fraction = STR_NONE;
    uint64_t count = 0, unit_ns, ns;

    if (s->n > 0 && s->p[0] == '.') {
        *s = str_skip(*s, 1);
        fraction = duration_take(s, true);
    }
    if (whole.n + fraction.n == 0)
        return false;
    if (whole.n > 0 && str_to_u64(whole, INT64_MAX, &count) < 0)
        return false;
    unit_ns = duration_unit_ns(duration_take(s, false));
    if (unit_ns == 0 || __builtin_mul_overflow(count, unit_ns, &ns) ||
        __builtin_add_overflow(ns, duration_fraction_ns(fraction, unit_ns), &ns) ||
        __builtin_add_overflow(ns, *sum_ns, sum_ns))
        return false;
    return *sum_ns <= INT64_MAX;
}

int option_duration_parse(struct str s, int64_t *ret_us)
{
    bool is_negative = str_starts(s, STR("-"));
    uint64_t ns = 0;
    int64_t us;

    if (is_negative || str_starts(s, STR("+")))
        s = str_skip(s, 1);
    if (s.n == 0)
        return -ERR_INVALID;
    if (str_eq(s, STR("0"))) {
        *ret_us = 0;
        return 0;
    }
    while (s.n > 0) {
        if (!duration_add_part(&s, &ns))
            return -ERR_INVALID;
    }
    us = (int64_t)(ns / 1000);
    *ret_us = is_negative ? -us : us;
    return 0;
}

const char *option_duration_format(int64_t us, char dst[OPTION_DURATION_BYTES])
{
    static const struct {
        const char *name;
        uint64_t us;
    } PARTS[] = {
        {"h", UINT64_C(3600000000)}, {"m", 60000000}, {"s", 1000000}, {"ms", 1000}, {"us", 1}};
    uint64_t rest = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;
    size_t n = 0;

    if (us == 0) {
        snprintf(dst, OPTION_DURATION_BYTES, "0s");
        return dst;
    }
    if (us < 0)
        dst[n++] = '-';
    for (size_t i = 0; i < ARRAY_LEN(PARTS); i++) {
        uint64_t count = rest / PARTS[i].us;

        rest %= PARTS[i].us;
        if (count > 0)
            n += (size_t)snprintf(dst + n, OPTION_DURATION_BYTES - n, "%llu%s",
                                  (unsigned long long)count, PARTS[i].name);
    }
    return dst;
}
