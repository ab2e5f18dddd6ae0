/*
 * The selector as a program: building, matching, and its text form.
 *
 * A requirement's values are sorted, so that a set of any size is searched in O(log n).
 */
#include "lang/selector.h"

#include "lang/selector_priv.h"

struct selector *selector_new(bool fields)
{
    struct selector *s = NEW(struct selector);

    s->arena = arena_new();
    s->fields = fields;
    return s;
}

void selector_free(struct selector *s)
{
    if (!s)
        return;
    VEC_FINI(&s->all);
    arena_free(s->arena);
    free(s);
}

static int compare_values(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static int compare_requirements(const void *a, const void *b)
{
    const struct selector_requirement *ra = a, *rb = b;

    return strcmp(ra->name, rb->name);
}

void selector_add(struct selector *s, enum selector_op op, struct str name,
                  const struct selector_values *values)
{
    struct selector_requirement r = {.op = op, .name_n = name.n};

    r.name = arena_cstr(s->arena, name);
    if (values->n > 0)
        r.values = ARENA_ARRAY(s->arena, struct str, values->n);
    for (size_t i = 0; i < values->n; i++)
        r.values[i] = arena_str(s->arena, values->p[i]);
    if (values->n > 1)
        qsort(r.values, values->n, sizeof(*r.values), compare_values);
    for (size_t i = 0; i < values->n; i++)
        if (i == 0 || !str_eq(r.values[i], r.values[r.value_count - 1]))
            r.values[r.value_count++] = r.values[i];
    if (op == SELECTOR_OP_GREATER || op == SELECTOR_OP_LESS) {
        int rc = str_to_i64(r.values[0], &r.number);

        ASSERT(rc == 0);
    }
    VEC_PUSH(&s->all, r);
}

void selector_sort(struct selector *s)
{
    if (s->all.n > 1)
        qsort(s->all.p, s->all.n, sizeof(*s->all.p), compare_requirements);
}

bool selector_is_everything(const struct selector *s)
{
    return s->all.n == 0 && !s->nothing;
}

int selector_check_fields(const struct selector *s, const char *const *supported, struct err *err)
{
    VEC_EACH(&s->all, r)
    {
        const char *const *field = supported;

        while (*field && strcmp(*field, r->name) != 0)
            field++;
        if (!*field)
            return err_set(err, ERR_BADREQUEST, "field label not supported: %s", r->name);
    }
    return 0;
}

static bool has_value(const struct selector_requirement *r, struct str value)
{
    return r->value_count > 0 &&
           bsearch(&value, r->values, r->value_count, sizeof(*r->values), compare_values);
}

static bool requirement_match(const struct selector_requirement *r, bool found, struct str value)
{
    int64_t number;

    switch (r->op) {
    case SELECTOR_OP_EQUALS:
    case SELECTOR_OP_IN:
        return found && has_value(r, value);
    case SELECTOR_OP_NOT_EQUALS:
    case SELECTOR_OP_NOT_IN:
        return !found || !has_value(r, value);
    case SELECTOR_OP_EXISTS:
        return found;
    case SELECTOR_OP_NOT_EXISTS:
        return !found;
    case SELECTOR_OP_GREATER:
    case SELECTOR_OP_LESS:
        if (!found || str_to_i64(value, &number) < 0)
            return false;
        return r->op == SELECTOR_OP_GREATER ? number > r->number : number < r->number;
    }
    return false;
}

bool selector_match(const struct selector *s, selector_get_fn *get, void *cookie)
{
    if (s->nothing)
        return false;
    VEC_EACH(&s->all, r)
    {
        struct str value = STR_NONE;
        bool found = get(cookie, str_n(r->name, r->name_n), &value);

        if (!requirement_match(r, found || s->fields, value))
            return false;
    }
    return true;
}

bool selector_match_labels(const struct selector *s, const json_t *labels)
{
    if (s->nothing)
        return false;
    VEC_EACH(&s->all, r)
    {
        const json_t *label = json_object_getn(labels, r->name, r->name_n);

        if (!requirement_match(r, json_is_string(label), json_str_of(label)))
            return false;
    }
    return true;
}

bool selector_requires(const struct selector *s, struct str name, struct str *ret_value)
{
    VEC_EACH(&s->all, r)
    {
        if ((r->op == SELECTOR_OP_EQUALS || r->op == SELECTOR_OP_IN) && r->value_count == 1 &&
            str_eq(name, str_n(r->name, r->name_n))) {
            *ret_value = r->values[0];
            return true;
        }
    }
    return false;
}

/* The operator as text forms have it. */
static const char *op_text(enum selector_op op)
{
    static const char *const texts[] = {
        [SELECTOR_OP_EQUALS] = "=",       [SELECTOR_OP_NOT_EQUALS] = "!=",
        [SELECTOR_OP_IN] = " in ",        [SELECTOR_OP_EXISTS] = "",
        [SELECTOR_OP_NOT_IN] = " notin ", [SELECTOR_OP_NOT_EXISTS] = "!",
        [SELECTOR_OP_GREATER] = ">",      [SELECTOR_OP_LESS] = "<",
    };

    return texts[op];
}

/* Appends a value; in field selectors with its escapes. */
static void format_value(struct str value, bool escaped, struct buf *out)
{
    for (size_t i = 0; i < value.n; i++) {
        if (escaped && (value.p[i] == '\\' || value.p[i] == ',' || value.p[i] == '='))
            buf_add_char(out, '\\');
        buf_add_char(out, value.p[i]);
    }
}

static void format_requirement(const struct selector_requirement *r, bool fields, struct buf *out)
{
    bool set = r->op == SELECTOR_OP_IN || r->op == SELECTOR_OP_NOT_IN;

    if (r->op == SELECTOR_OP_NOT_EXISTS)
        buf_add_c(out, op_text(r->op));
    buf_add(out, r->name, r->name_n);
    if (r->op == SELECTOR_OP_NOT_EXISTS)
        return;
    buf_add_c(out, op_text(r->op));
    if (set)
        buf_add_char(out, '(');
    for (size_t i = 0; i < r->value_count; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        format_value(r->values[i], fields, out);
    }
    if (set)
        buf_add_char(out, ')');
}

void selector_format(const struct selector *s, struct buf *out)
{
    for (size_t i = 0; i < s->all.n; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        format_requirement(&s->all.p[i], s->fields, out);
    }
}
