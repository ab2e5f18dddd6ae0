/*
 * YAML as kubectl prints it: libyaml's emitter with the choices of sigs.k8s.io/yaml.
 *
 * Keys come in natural order ("a2" before "a10"); a string is plain unless it would be read as something
 * else, then double-quoted; one with line feeds is a literal block where the emitter can.
 */
#include <yaml.h>

#include "codec/yaml.h"
#include "codec/yaml_priv.h"

struct member {
    const char *key;
    const json_t *value;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Letters of every script count: bytes of UTF-8 sequences are taken for them. */
static bool is_letter(char c)
{
    return (uint8_t)c >= 0x80 || (str_lower_char(c) >= 'a' && str_lower_char(c) <= 'z');
}

/* Orders two runs of digits by value, then by length; 0 when neither is one or they are equal. */
static int compare_numbers(const char *a, const char *b)
{
    size_t zeros_a = strspn(a, "0"), zeros_b = strspn(b, "0");
    size_t n_a = strspn(a, "0123456789"), n_b = strspn(b, "0123456789");
    size_t len_a = n_a - zeros_a, len_b = n_b - zeros_b;
    int order;

    if (len_a != len_b)
        return len_a < len_b ? -1 : 1;
    order = memcmp(a + zeros_a, b + zeros_b, len_a);
    if (order != 0)
        return order;
    return n_a == n_b ? 0 : n_a < n_b ? -1 : 1;
}

/* Natural order: letters after everything else, runs of digits by value. */
static int compare_keys(const char *a, const char *b)
{
    size_t i = 0, start;
    int order;

    while (a[i] != '\0' && a[i] == b[i])
        i++;
    if (a[i] == '\0' || b[i] == '\0')
        return a[i] == b[i] ? 0 : a[i] == '\0' ? -1 : 1;
    if (is_letter(a[i]) && is_letter(b[i]))
        return (uint8_t)a[i] < (uint8_t)b[i] ? -1 : 1;
    if (is_letter(a[i]) || is_letter(b[i]))
        return is_letter(b[i]) ? -1 : 1;
    /* The numbers begin where their common digits do. */
    for (start = i; start > 0 && is_digit(a[start - 1]);)
        start--;
    order = is_digit(a[i]) || is_digit(b[i]) ? compare_numbers(a + start, b + start) : 0;
    return order != 0 ? order : (uint8_t)a[i] < (uint8_t)b[i] ? -1 : 1;
}

static int compare_members(const void *a, const void *b)
{
    return compare_keys(((const struct member *)a)->key, ((const struct member *)b)->key);
}

static int write_to_buf(void *cookie, unsigned char *bytes, size_t n)
{
    buf_add(cookie, bytes, n);
    return 1;
}

/* Emits an event; the emitter takes it.  What can fail is memory, and that ends the process. */
static void emit(yaml_emitter_t *e, yaml_event_t *event)
{
    int ok = yaml_emitter_emit(e, event);

    ASSERT(ok);
}

static void emit_scalar(yaml_emitter_t *e, struct str text, yaml_scalar_style_t style)
{
    yaml_event_t event;
    int ok = yaml_scalar_event_initialize(
        &event, NULL, NULL, (const yaml_char_t *)(text.p ? text.p : ""), (int)text.n, 1, 1, style);

    ASSERT(ok);
    emit(e, &event);
}

/* Whether `s` has a line separator that a reader of YAML 1.1 folds: U+2028, U+2029. */
static bool has_separator(struct str s)
{
    return str_find(s, STR("\xe2\x80\xa8")) >= 0 || str_find(s, STR("\xe2\x80\xa9")) >= 0;
}

static void emit_string(yaml_emitter_t *e, struct str s)
{
    yaml_scalar_style_t style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;

    if (has_separator(s)) {
        emit_scalar(e, s, style);
        return;
    }
    if (str_index(s, '\n') >= 0)
        style = YAML_LITERAL_SCALAR_STYLE;
    else if (yaml_scalar_resolve(s).kind == YAML_KIND_STR && !yaml_scalar_is_base60(s))
        style = YAML_PLAIN_SCALAR_STYLE;
    emit_scalar(e, s, style);
}

static void emit_value(yaml_emitter_t *e, const json_t *v);

static void emit_array(yaml_emitter_t *e, const json_t *v)
{
    yaml_event_t event;

    (void)yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE);
    emit(e, &event);
    for (size_t i = 0; i < json_array_size(v); i++)
        emit_value(e, json_array_get(v, i));
    (void)yaml_sequence_end_event_initialize(&event);
    emit(e, &event);
}

static void emit_object(yaml_emitter_t *e, const json_t *v)
{
    struct member *members CLEANUP(freep) = xcalloc(json_object_size(v) + 1, sizeof(*members));
    yaml_event_t event;
    const char *key;
    json_t *value;
    size_t n = 0;

    json_object_foreach((json_t *)v, key, value) members[n++] = (struct member){key, value};
    qsort(members, n, sizeof(*members), compare_members);
    (void)yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE);
    emit(e, &event);
    for (size_t i = 0; i < n; i++) {
        emit_string(e, str_c(members[i].key));
        emit_value(e, members[i].value);
    }
    (void)yaml_mapping_end_event_initialize(&event);
    emit(e, &event);
}

static void emit_value(yaml_emitter_t *e, const json_t *v)
{
    struct buf text = BUF_INIT(BUF_NO_LIMIT);

    switch (json_typeof(v)) {
    case JSON_OBJECT:
        emit_object(e, v);
        return;
    case JSON_ARRAY:
        emit_array(e, v);
        return;
    case JSON_STRING:
        emit_string(e, json_str_of(v));
        return;
    default:
        json_format(v, &text);
        emit_scalar(e, buf_str(&text), YAML_PLAIN_SCALAR_STYLE);
        buf_fini(&text);
    }
}

void yaml_format(const json_t *v, struct buf *out)
{
    yaml_emitter_t e;
    yaml_event_t event;
    int ok = yaml_emitter_initialize(&e);

    ASSERT(ok);
    yaml_emitter_set_output(&e, write_to_buf, out);
    yaml_emitter_set_unicode(&e, 1);
    (void)yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING);
    emit(&e, &event);
    (void)yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1);
    emit(&e, &event);
    emit_value(&e, v);
    (void)yaml_document_end_event_initialize(&event, 1);
    emit(&e, &event);
    (void)yaml_stream_end_event_initialize(&event);
    emit(&e, &event);
    yaml_emitter_delete(&e);
}
