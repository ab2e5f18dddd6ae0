/*
 * The list of validation errors; texts as k8s.io/apimachinery/pkg/util/validation/field prints them.
 */
#include "apiserver/field.h"

#include "base/buf.h"

#define VALUE_SHOWN_BYTES 120

static const struct {
    const char *text;
    const char *reason;
    bool shows_value;
} TYPES[] = {
    [FIELD_REQUIRED] = {"Required value", "FieldValueRequired", false},
    [FIELD_INVALID] = {"Invalid value", "FieldValueInvalid", true},
    [FIELD_TYPE_INVALID] = {"Invalid value", "FieldValueTypeInvalid", true},
    [FIELD_DUPLICATE] = {"Duplicate value", "FieldValueDuplicate", true},
    [FIELD_NOT_SUPPORTED] = {"Unsupported value", "FieldValueNotSupported", true},
    [FIELD_NOT_FOUND] = {"Not found", "FieldValueNotFound", true},
    [FIELD_FORBIDDEN] = {"Forbidden", "FieldValueForbidden", false},
    [FIELD_TOO_LONG] = {"Too long", "FieldValueTooLong", false},
    [FIELD_TOO_MANY] = {"Too many", "FieldValueTooMany", false},
};

void field_errors_init(struct field_errors *e, struct arena *a)
{
    *e = (struct field_errors){.arena = a};
}

void field_errors_fini(struct field_errors *e)
{
    VEC_FINI(&e->items);
}

/* Appends a value as an error shows it, cut at a length a person can read. */
static void add_value(struct buf *out, const json_t *value)
{
    struct buf text CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);

    if (json_is_string(value)) {
        buf_add_char(&text, '"');
        buf_add_json(&text, json_str_of(value));
        buf_add_char(&text, '"');
    } else {
        json_format(value, &text);
    }
    struct str s = buf_str(&text);
    buf_add_str(out, str_head(s, VALUE_SHOWN_BYTES));
    if (s.n > VALUE_SHOWN_BYTES)
        buf_add_c(out, "...");
}

static void add_error(struct field_errors *e, enum field_error_type type, struct str path,
                      const json_t *value, struct str detail)
{
    if (e->items.n >= FIELD_MAX_ERRORS) {
        e->dropped++;
        return;
    }
    struct buf text CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);
    buf_add_c(&text, TYPES[type].text);
    if (value && TYPES[type].shows_value) {
        buf_add_c(&text, ": ");
        add_value(&text, value);
    }
    if (detail.n) {
        buf_add_c(&text, ": ");
        buf_add_str(&text, detail);
    }
    struct field_error item = {
        .type = type,
        .path = path.n ? arena_str(e->arena, path) : STR("<nil>"),
        .message = arena_str(e->arena, buf_str(&text)),
    };
    VEC_PUSH(&e->items, item);
}

PRINTF_LIKE(2, 0)
static struct str format_detail(struct arena *a, const char *fmt, va_list ap)
{
    char text[1024];

    if (!fmt)
        return STR_NONE;
    vsnprintf(text, sizeof(text), fmt, ap);
    return arena_str(a, str_c(text));
}

void field_errors_add(struct field_errors *e, enum field_error_type type, struct str path,
                      const json_t *value, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    struct str detail = format_detail(e->arena, fmt, ap);
    va_end(ap);
    add_error(e, type, path, value, detail);
}

void field_errors_add_str(struct field_errors *e, enum field_error_type type, struct str path,
                          struct str value, const char *fmt, ...)
{
    json_t *v JSON_OWNED = json_from_str(value);
    va_list ap;

    va_start(ap, fmt);
    struct str detail = format_detail(e->arena, fmt, ap);
    va_end(ap);
    add_error(e, type, path, v, detail);
}

void field_errors_unsupported(struct field_errors *e, struct str path, struct str value,
                              const char *const *allowed)
{
    json_t *v JSON_OWNED = json_from_str(value);
    struct buf text CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);

    buf_add_c(&text, "supported values: ");
    for (size_t i = 0; allowed[i]; i++)
        buf_addf(&text, "%s\"%s\"", i ? ", " : "", allowed[i]);
    add_error(e, FIELD_NOT_SUPPORTED, path, v, buf_str(&text));
}

const char *field_error_reason(enum field_error_type type)
{
    return TYPES[type].reason;
}
