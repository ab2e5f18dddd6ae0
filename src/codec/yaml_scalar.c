/*
 * Resolution of plain scalars: null, booleans, numbers, timestamps, else strings.
 *
 * The words are looked up in a table; numbers and timestamps are read by hand, as Go's strconv and time
 * read them for sigs.k8s.io/yaml: underscores in numbers are dropped, "017" and "0o17" are octal, "08"
 * is a float, and what is out of a float's range is a string.
 */
#include "codec/yaml_priv.h"

#include <math.h>

#define NUMBER_BYTES 400 /* longer texts are strings */

static const struct {
    const char *text;
    struct yaml_scalar value;
} WORDS[] = {
    {"", {.kind = YAML_KIND_NULL}},
    {"~", {.kind = YAML_KIND_NULL}},
    {"null", {.kind = YAML_KIND_NULL}},
    {"Null", {.kind = YAML_KIND_NULL}},
    {"NULL", {.kind = YAML_KIND_NULL}},
    {"y", {.kind = YAML_KIND_BOOL, .truth = true}},
    {"Y", {.kind = YAML_KIND_BOOL, .truth = true}},
    {"yes", {.kind = YAML_KIND_BOOL, .truth = true}},
    {"Yes", {.kind = YAML_KIND_BOOL, .truth = true}},
    {"YES", {.kind = YAML_KIND_BOOL, .truth = true}},
    {"true", {.kind = YAML_KIND_BOOL, .truth = true}},
    {"True", {.kind = YAML_KIND_BOOL, .truth = true}},
    {"TRUE", {.kind = YAML_KIND_BOOL, .truth = true}},
    {"on", {.kind = YAML_KIND_BOOL, .truth = true}},
    {"On", {.kind = YAML_KIND_BOOL, .truth = true}},
    {"ON", {.kind = YAML_KIND_BOOL, .truth = true}},
    {"n", {.kind = YAML_KIND_BOOL}},
    {"N", {.kind = YAML_KIND_BOOL}},
    {"no", {.kind = YAML_KIND_BOOL}},
    {"No", {.kind = YAML_KIND_BOOL}},
    {"NO", {.kind = YAML_KIND_BOOL}},
    {"false", {.kind = YAML_KIND_BOOL}},
    {"False", {.kind = YAML_KIND_BOOL}},
    {"FALSE", {.kind = YAML_KIND_BOOL}},
    {"off", {.kind = YAML_KIND_BOOL}},
    {"Off", {.kind = YAML_KIND_BOOL}},
    {"OFF", {.kind = YAML_KIND_BOOL}},
    {".nan", {.kind = YAML_KIND_NONFINITE}},
    {".NaN", {.kind = YAML_KIND_NONFINITE}},
    {".NAN", {.kind = YAML_KIND_NONFINITE}},
    {".inf", {.kind = YAML_KIND_NONFINITE}},
    {".Inf", {.kind = YAML_KIND_NONFINITE}},
    {".INF", {.kind = YAML_KIND_NONFINITE}},
    {"+.inf", {.kind = YAML_KIND_NONFINITE}},
    {"+.Inf", {.kind = YAML_KIND_NONFINITE}},
    {"+.INF", {.kind = YAML_KIND_NONFINITE}},
    {"-.inf", {.kind = YAML_KIND_NONFINITE}},
    {"-.Inf", {.kind = YAML_KIND_NONFINITE}},
    {"-.INF", {.kind = YAML_KIND_NONFINITE}},
    {"<<", {.kind = YAML_KIND_MERGE}},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes up to `max` decimal digits; returns how many, and their value. */
static size_t take_digits(struct str *s, size_t max, unsigned *ret_value)
{
    size_t n = 0;

    *ret_value = 0;
    while (n < s->n && n < max && is_digit(s->p[n]))
        *ret_value = *ret_value * 10 + (unsigned)(s->p[n++] - '0');
    *s = str_skip(*s, n);
    return n;
}

static bool take_char(struct str *s, const char *any)
{
    if (s->n == 0 || s->p[0] == '\0' || !strchr(any, s->p[0]))
        return false;
    *s = str_skip(*s, 1);
    return true;
}

/* Skips decimal digits; returns whether there was one. */
static bool skip_digits(struct str *s)
{
    size_t n = 0;

    while (n < s->n && is_digit(s->p[n]))
        n++;
    *s = str_skip(*s, n);
    return n > 0;
}

/* The base of a number and its prefix, as strconv.ParseInt(s, 0, 64) sees them. */
static unsigned take_base(struct str *s)
{
    unsigned base = 8;

    if (s->n < 2 || s->p[0] != '0')
        return 10;
    *s = str_skip(*s, 1);
    if (take_char(s, "xX"))
        base = 16;
    else if (take_char(s, "bB"))
        base = 2;
    else
        (void)take_char(s, "oO");
    return base;
}

static unsigned digit_value(char c)
{
    if (is_digit(c))
        return (unsigned)(c - '0');
    c = str_lower_char(c);
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

/* Reads an integer of any base; one beyond int64_t becomes a float (a decimal one by read_float). */
static bool read_integer(struct str s, struct yaml_scalar *out)
{
    bool negative = s.n > 0 && s.p[0] == '-', fits = true;
    uint64_t limit, n = 0;
    double real = 0;
    unsigned base;

    (void)take_char(&s, "+-");
    base = take_base(&s);
    limit = (uint64_t)INT64_MAX + negative;
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned digit = digit_value(s.p[i]);

        if (digit >= base)
            return false;
        real = real * base + digit;
        fits = fits && n <= (limit - digit) / base;
        n = fits ? n * base + digit : n;
    }
    if (!fits && base == 10)
        return false;
    if (fits)
        *out =
            (struct yaml_scalar){.kind = YAML_KIND_INT, .integer = (int64_t)(negative ? 0 - n : n)};
    else
        *out = (struct yaml_scalar){.kind = YAML_KIND_FLOAT, .real = negative ? -real : real};
    return true;
}

/* [-+]? ( .digits | digits [.digits?] ) [ (e|E) [-+]? digits ] */
static bool is_float(struct str s)
{
    (void)take_char(&s, "+-");
    if (take_char(&s, ".")) {
        if (!skip_digits(&s))
            return false;
    } else {
        if (!skip_digits(&s))
            return false;
        if (take_char(&s, "."))
            (void)skip_digits(&s);
    }
    if (take_char(&s, "eE")) {
        (void)take_char(&s, "+-");
        if (!skip_digits(&s))
            return false;
    }
    return s.n == 0;
}

/* Reads a float from a C string; a whole one becomes an integer, as it does on its way through JSON. */
static bool read_float(const char *text, struct yaml_scalar *out)
{
    double d;

    if (!is_float(str_c(text)))
        return false;
    d = strtod(text, NULL);
    if (!isfinite(d))
        return false;
    if (d == trunc(d) && d >= -0x1p63 && d < 0x1p63)
        *out = (struct yaml_scalar){.kind = YAML_KIND_INT, .integer = (int64_t)d};
    else
        *out = (struct yaml_scalar){.kind = YAML_KIND_FLOAT, .real = d};
    return true;
}

static bool read_number(struct str s, struct yaml_scalar *out)
{
    char plain[NUMBER_BYTES];
    bool drop = s.p[0] != '.';
    size_t n = 0;

    if (s.n >= sizeof(plain))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\0')
            return false;
        if (s.p[i] != '_' || !drop)
            plain[n++] = s.p[i];
    }
    plain[n] = '\0';
    return read_integer(str_n(plain, n), out) || read_float(plain, out);
}

/* "15:4:5.999" behind the date and its separator. */
static bool take_clock(struct str *s)
{
    unsigned hour, minute, second;

    if (!take_digits(s, 2, &hour) || hour > 23 || !take_char(s, ":"))
        return false;
    if (!take_digits(s, 2, &minute) || minute > 59 || !take_char(s, ":"))
        return false;
    if (!take_digits(s, 2, &second) || second > 59)
        return false;
    return !take_char(s, ".") || skip_digits(s);
}

static bool take_zone(struct str *s)
{
    unsigned hours, minutes;

    if (take_char(s, "Z"))
        return true;
    return take_char(s, "+-") && take_digits(s, 2, &hours) == 2 && hours <= 24 &&
           take_char(s, ":") && take_digits(s, 2, &minutes) == 2 && minutes < 60;
}

static bool is_timestamp(struct str s)
{
    unsigned year, month, day;

    if (take_digits(&s, 4, &year) != 4 || !take_char(&s, "-"))
        return false;
    if (!take_digits(&s, 2, &month) || month < 1 || month > 12 || !take_char(&s, "-"))
        return false;
    if (!take_digits(&s, 2, &day) || day < 1 || day > 31)
        return false;
    if (s.n == 0)
        return true;
    if (take_char(&s, " "))
        return take_clock(&s) && s.n == 0;
    return take_char(&s, "Tt") && take_clock(&s) && take_zone(&s) && s.n == 0;
}

struct yaml_scalar yaml_scalar_resolve(struct str text)
{
    struct yaml_scalar v = {.kind = YAML_KIND_STR};

    for (size_t i = 0; i < ARRAY_LEN(WORDS); i++)
        if (str_eq_c(text, WORDS[i].text))
            return WORDS[i].value;
    if (!is_digit(text.p[0]) && text.p[0] != '+' && text.p[0] != '-' && text.p[0] != '.')
        return v;
    if (is_timestamp(text))
        v.kind = YAML_KIND_TIMESTAMP;
    else
        (void)read_number(text, &v);
    return v;
}

bool yaml_scalar_is_base60(struct str s)
{
    unsigned group;
    bool groups = false;

    (void)take_char(&s, "+-");
    if (!skip_digits(&s))
        return false;
    while (skip_digits(&s) || take_char(&s, "_"))
        ;
    while (take_char(&s, ":")) {
        size_t n = take_digits(&s, 2, &group);

        if (n == 0 || group > 59)
            return false;
        groups = true;
    }
    if (take_char(&s, "."))
        while (skip_digits(&s) || take_char(&s, "_"))
            ;
    return groups && s.n == 0;
}
