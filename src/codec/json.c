/*
 * JSON on jansson: limits before parsing, our own writer, and paths.
 *
 * The nesting limit is checked by a scan of the text, so that jansson never recurses deeper than we
 * allow.  Writing does not go through jansson: numbers get their shortest exact form (jansson prints
 * 0.1 as 0.10000000000000001) and bytes go straight into the buffer.
 */
#include "codec/json.h"

#include <math.h>
#include <stdio.h>

#define REAL_DIGITS_MIN 15 /* always exact in decimal */
#define REAL_DIGITS_MAX 17 /* always exact in binary */
#define REAL_BYTES 40

/* Returns where brackets nest deeper than JSON_MAX_DEPTH, or NULL. */
static const char *find_too_deep(struct str text)
{
    const char *end = text.p + text.n;
    unsigned depth = 0;
    bool quoted = false;

    for (const char *p = text.p; p < end; p++) {
        switch (*p) {
        case '"':
            quoted = !quoted;
            break;
        case '\\':
            if (quoted)
                p++;
            break;
        case '[':
        case '{':
            if (!quoted && ++depth > JSON_MAX_DEPTH)
                return p;
            break;
        case ']':
        case '}':
            if (!quoted && depth > 0)
                depth--;
            break;
        }
    }
    return NULL;
}

static int too_deep(struct str text, const char *at, struct err *err)
{
    int line = 1, column = 1;

    for (const char *p = text.p; p < at; p++) {
        column = *p == '\n' ? 1 : column + 1;
        line += *p == '\n';
    }
    return err_set(err, ERR_BADREQUEST, "JSON line %d column %d: nested deeper than %d", line,
                   column, JSON_MAX_DEPTH);
}

/* What is wrong without the piece of the text that jansson quotes: it may be a secret. */
static struct str without_quote(struct str why)
{
    ptrdiff_t at = str_find(why, STR(" near '"));

    return at < 0 ? why : str_head(why, (size_t)at);
}

int json_parse(struct str text, json_t **ret_value, struct err *err)
{
    const char *deep = find_too_deep(text);
    json_error_t why;
    json_t *v;

    if (deep)
        return too_deep(text, deep, err);
    v = json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (!v)
        return err_set(err, ERR_BADREQUEST, "JSON line %d column %d: %" STR_FMT, MAX(why.line, 1),
                       MAX(why.column, 1), STR_ARG(without_quote(str_c(why.text))));
    *ret_value = v;
    return 0;
}

/* Writes the shortest decimal text that reads back as `d`, recognizable as a real number. */
static void format_real(double d, struct buf *out)
{
    char text[REAL_BYTES];

    if (!isfinite(d)) {
        buf_add_c(out, "null");
        return;
    }
    for (int digits = REAL_DIGITS_MIN; digits <= REAL_DIGITS_MAX; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, d);
        if (strtod(text, NULL) == d)
            break;
    }
    buf_add_c(out, text);
    if (!strpbrk(text, ".e"))
        buf_add_c(out, ".0");
}

static void format_string(struct str s, struct buf *out)
{
    buf_add_char(out, '"');
    buf_add_json(out, s);
    buf_add_char(out, '"');
}

static void format_value(const json_t *v, bool sorted, struct buf *out);

static void format_array(const json_t *v, bool sorted, struct buf *out)
{
    for (size_t i = 0; i < json_array_size(v); i++) {
        buf_add_char(out, i == 0 ? '[' : ',');
        format_value(json_array_get(v, i), sorted, out);
    }
    buf_add_c(out, json_array_size(v) == 0 ? "[]" : "]");
}

struct member {
    const char *key;
    size_t key_n;
    const json_t *value;
};

static int compare_members(const void *a, const void *b)
{
    const struct member *ma = a, *mb = b;

    return str_cmp(str_n(ma->key, ma->key_n), str_n(mb->key, mb->key_n));
}

static void format_member(struct str key, const json_t *value, bool sorted, struct buf *out)
{
    format_string(key, out);
    buf_add_char(out, ':');
    format_value(value, sorted, out);
}

static void format_sorted_object(const json_t *v, struct buf *out)
{
    struct member *members CLEANUP(freep) = xcalloc(json_object_size(v), sizeof(*members));
    size_t n = 0;

    for (void *it = json_object_iter((json_t *)v); it; it = json_object_iter_next((json_t *)v, it))
        members[n++] = (struct member){json_object_iter_key(it), json_object_iter_key_len(it),
                                       json_object_iter_value(it)};
    qsort(members, n, sizeof(*members), compare_members);
    for (size_t i = 0; i < n; i++) {
        buf_add_char(out, i == 0 ? '{' : ',');
        format_member(str_n(members[i].key, members[i].key_n), members[i].value, true, out);
    }
    buf_add_char(out, '}');
}

static void format_object(const json_t *v, bool sorted, struct buf *out)
{
    char before = '{';

    if (json_object_size(v) == 0) {
        buf_add_c(out, "{}");
        return;
    }
    if (sorted) {
        format_sorted_object(v, out);
        return;
    }
    for (void *it = json_object_iter((json_t *)v); it;
         it = json_object_iter_next((json_t *)v, it)) {
        buf_add_char(out, before);
        format_member(str_n(json_object_iter_key(it), json_object_iter_key_len(it)),
                      json_object_iter_value(it), false, out);
        before = ',';
    }
    buf_add_char(out, '}');
}

static void format_value(const json_t *v, bool sorted, struct buf *out)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        format_object(v, sorted, out);
        break;
    case JSON_ARRAY:
        format_array(v, sorted, out);
        break;
    case JSON_STRING:
        format_string(json_str_of(v), out);
        break;
    case JSON_INTEGER:
        buf_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
        break;
    case JSON_REAL:
        format_real(json_real_value(v), out);
        break;
    case JSON_TRUE:
        buf_add_c(out, "true");
        break;
    case JSON_FALSE:
        buf_add_c(out, "false");
        break;
    case JSON_NULL:
        buf_add_c(out, "null");
        break;
    }
}

void json_format(const json_t *v, struct buf *out)
{
    format_value(v, false, out);
}

void json_format_canonical(const json_t *v, struct buf *out)
{
    format_value(v, true, out);
}

static json_t *walk(const json_t *v, va_list members)
{
    const char *member;

    while (v && (member = va_arg(members, const char *)))
        v = json_object_get(v, member);
    return (json_t *)v;
}

json_t *json_at(const json_t *v, ...)
{
    va_list members;
    json_t *found;

    va_start(members, v);
    found = walk(v, members);
    va_end(members);
    return found;
}

struct str json_str_at(const json_t *v, ...)
{
    va_list members;
    struct str s;

    va_start(members, v);
    s = json_str_of(walk(v, members));
    va_end(members);
    return s;
}

struct str json_str_of(const json_t *v)
{
    if (!json_is_string(v))
        return STR_NONE;
    return str_n(json_string_value(v), json_string_length(v));
}

struct str json_str(const json_t *object, const char *member)
{
    return json_str_of(json_object_get(object, member));
}

int64_t json_int(const json_t *object, const char *member, int64_t dflt)
{
    const json_t *v = json_object_get(object, member);

    return json_is_integer(v) ? json_integer_value(v) : dflt;
}

bool json_bool(const json_t *object, const char *member, bool dflt)
{
    const json_t *v = json_object_get(object, member);

    return json_is_boolean(v) ? json_is_true(v) : dflt;
}

/* Length of the UTF-8 sequence at the start of `s`, or 0 when there is none. */
static size_t utf8_len(struct str s)
{
    const uint8_t *p = (const uint8_t *)s.p;
    size_t n = p[0] < 0x80   ? 1
               : p[0] < 0xc2 ? 0
               : p[0] < 0xe0 ? 2
               : p[0] < 0xf0 ? 3
               : p[0] < 0xf5 ? 4
                             : 0;

    if (n > s.n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    /* Overlong forms, surrogates, beyond U+10FFFF. */
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

json_t *json_from_str(struct str s)
{
    json_t *v = json_stringn(s.p ? s.p : "", s.n);
    struct buf clean = BUF_INIT(BUF_NO_LIMIT);

    if (v)
        return v;
    while (s.n > 0) {
        size_t n = utf8_len(s);

        if (n > 0)
            buf_add(&clean, s.p, n);
        else
            buf_add_str(&clean, STR("\xef\xbf\xbd"));
        s = str_skip(s, MAX(n, (size_t)1));
    }
    v = json_stringn_nocheck(buf_c(&clean), clean.len);
    buf_fini(&clean);
    ASSERT(v);
    return v;
}

void json_set_str(json_t *object, const char *member, struct str value)
{
    json_set(object, member, json_from_str(value));
}

void json_set(json_t *object, const char *member, json_t *value)
{
    int rc = json_object_set_new(object, member, value);

    ASSERT(rc == 0);
}

json_t *json_object_at(json_t *object, const char *member)
{
    json_t *v = json_object_get(object, member);

    if (!json_is_object(v)) {
        v = json_object();
        json_set(object, member, v);
    }
    return v;
}

json_t *json_clone(const json_t *v)
{
    json_t *clone = json_deep_copy(v);

    ASSERT(clone);
    return clone;
}

void json_del(json_t *object, const char *member)
{
    (void)json_object_del(object, member);
}
