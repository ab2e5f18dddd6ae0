/*
 * Printing.  Whatever an API object holds is shown without bytes that a terminal would act on.
 */
#include "cli/print.h"

#include <ctype.h>

#include "cli/plain.h"
#include "codec/yaml.h"
#include "kube/object.h"

/* A cell as text, control bytes replaced. */
static struct str cell_text(struct arena *a, const json_t *v)
{
    struct str s;
    char *p;

    if (json_is_string(v))
        s = json_str_of(v);
    else if (json_is_integer(v))
        s = arena_fmt(a, "%lld", (long long)json_integer_value(v));
    else if (json_is_boolean(v))
        s = json_is_true(v) ? STR("true") : STR("false");
    else if (json_is_real(v))
        s = arena_fmt(a, "%g", json_real_value(v));
    else
        s = STR("<none>");
    p = arena_cstr(a, s);
    plain_clean(p, s.n);
    return str_n(p, s.n);
}

struct grid {
    struct arena *arena;
    size_t rows, columns;
    struct str *cells;
    size_t *widths;
};

static void grid_set(struct grid *g, size_t row, size_t column, struct str s)
{
    g->cells[row * g->columns + column] = s;
    g->widths[column] = MAX(g->widths[column], plain_width(s));
}

static void grid_print(FILE *to, const struct grid *g)
{
    for (size_t r = 0; r < g->rows; r++) {
        for (size_t c = 0; c < g->columns; c++) {
            struct str s = g->cells[r * g->columns + c];

            fwrite(s.p, 1, s.n, to);
            if (c + 1 < g->columns)
                fprintf(to, "%*s", (int)(g->widths[c] - plain_width(s)) + 3, "");
        }
        fputc('\n', to);
    }
}

static struct str upper(struct arena *a, struct str s)
{
    char *p = arena_cstr(a, s);

    for (size_t i = 0; i < s.n; i++)
        p[i] = (char)toupper((unsigned char)p[i]);
    return str_n(p, s.n);
}

void print_table(FILE *to, const json_t *table, bool wide, bool with_ns)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    const json_t *defs = json_at(table, "columnDefinitions", NULL),
                 *rows = json_at(table, "rows", NULL);
    size_t def_count = json_array_size(defs), extra = with_ns ? 1 : 0;
    size_t *shown = ARENA_ARRAY(a, size_t, def_count + 1), columns = 0;
    struct grid g = {.arena = a, .rows = json_array_size(rows) + 1};

    for (size_t i = 0; i < def_count; i++)
        if (wide || json_int(json_array_get(defs, i), "priority", 0) == 0)
            shown[columns++] = i;
    g.columns = columns + extra;
    g.cells = ARENA_ARRAY(a, struct str, g.rows * g.columns + 1);
    g.widths = ARENA_ARRAY(a, size_t, g.columns + 1);

    if (with_ns)
        grid_set(&g, 0, 0, STR("NAMESPACE"));
    for (size_t c = 0; c < columns; c++)
        grid_set(&g, 0, c + extra, upper(a, json_str(json_array_get(defs, shown[c]), "name")));
    for (size_t r = 1; r < g.rows; r++) {
        const json_t *row = json_array_get(rows, r - 1), *cells = json_at(row, "cells", NULL);

        if (with_ns)
            grid_set(&g, r, 0, kobj_ns(json_at(row, "object", NULL)));
        for (size_t c = 0; c < columns; c++)
            grid_set(&g, r, c + extra, cell_text(a, json_array_get(cells, shown[c])));
    }
    grid_print(to, &g);
}

struct str print_name(struct arena *a, const json_t *object)
{
    struct str kind = kobj_kind(object), group = kobj_api_version(object);
    char *p = arena_cstr(a, kind);
    ptrdiff_t slash = str_index(group, '/');

    for (size_t i = 0; i < kind.n; i++)
        p[i] = str_lower_char(p[i]);
    if (slash < 0)
        return arena_fmt(a, "%s/%" STR_FMT, p, STR_ARG(kobj_name(object)));
    return arena_fmt(a, "%s.%" STR_FMT "/%" STR_FMT, p, STR_ARG(str_head(group, (size_t)slash)),
                     STR_ARG(kobj_name(object)));
}

static void print_names(FILE *to, const json_t *object)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    const json_t *items = json_at(object, "items", NULL);

    if (!items) {
        fprintf(to, "%" STR_FMT "\n", STR_ARG(print_name(a, object)));
        return;
    }
    for (size_t i = 0; i < json_array_size(items); i++)
        fprintf(to, "%" STR_FMT "\n", STR_ARG(print_name(a, json_array_get(items, i))));
}

void print_object(FILE *to, const json_t *object, enum session_output form)
{
    struct buf text = BUF_INIT(BUF_NO_LIMIT);

    if (form == SESSION_NAME) {
        print_names(to, object);
        return;
    }
    if (form == SESSION_JSON) {
        json_dumpf(object, to, JSON_INDENT(4) | JSON_SORT_KEYS);
        fputc('\n', to);
        return;
    }
    yaml_format(object, &text);
    fwrite(buf_str(&text).p, 1, buf_str(&text).n, to);
    buf_fini(&text);
}
