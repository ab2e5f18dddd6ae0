/*
 * Tables and metadata-only forms.
 */
#include "apiserver/output.h"

#include "apiserver/colpath.h"
#include "base/time.h"
#include "kube/object.h"

/* The object in the kind's version: itself when it is already. */
static json_t *in_version(const struct kind *k, const json_t *object)
{
    if (str_eq(kobj_api_version(object), k->api_version))
        return json_incref((json_t *)object);
    json_t *copy = json_copy((json_t *)object);
    json_set_str(copy, "apiVersion", k->api_version);
    return copy;
}

const char *output_age(int64_t us, char dst[32])
{
    long long s = us / TIME_US_PER_S;
    long long m = s / 60, h = m / 60, d = h / 24, y = d / 365;

    if (s < 0)
        snprintf(dst, 32, s < -1 ? "<invalid>" : "0s");
    else if (s < 120)
        snprintf(dst, 32, "%llds", s);
    else if (m < 10)
        snprintf(dst, 32, s % 60 ? "%lldm%llds" : "%lldm", m, s % 60);
    else if (m < 180)
        snprintf(dst, 32, "%lldm", m);
    else if (h < 8)
        snprintf(dst, 32, m % 60 ? "%lldh%lldm" : "%lldh", h, m % 60);
    else if (h < 48)
        snprintf(dst, 32, "%lldh", h);
    else if (d < 8)
        snprintf(dst, 32, h % 24 ? "%lldd%lldh" : "%lldd", d, h % 24);
    else if (y < 2)
        snprintf(dst, 32, "%lldd", d);
    else if (y < 8)
        snprintf(dst, 32, d % 365 ? "%lldy%lldd" : "%lldy", y, d % 365);
    else
        snprintf(dst, 32, "%lldy", y);
    return dst;
}

json_t *output_age_of(struct str time, int64_t wall_us)
{
    char text[32];
    int64_t then;

    if (time_parse(time, &then) < 0)
        return json_string("<unknown>");
    return json_string(output_age(wall_us - then, text));
}

/* A value as a string cell shows it. */
static json_t *string_cell(const json_t *v)
{
    struct buf text CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);

    if (json_is_string(v))
        return json_incref((json_t *)v);
    json_format(v, &text);
    return json_from_str(buf_str(&text));
}

static json_t *path_cell(const struct kind_column *c, const json_t *object, int64_t wall_us)
{
    const json_t *v = colpath_get(object, str_c(c->json_path));
    struct str type = str_c(c->type);

    if (!v || json_is_null(v))
        return json_null();
    if (str_eq(type, STR("date")))
        return output_age_of(json_str_of(v), wall_us);
    if (str_eq(type, STR("integer")))
        return json_is_integer(v) ? json_incref((json_t *)v) : json_null();
    if (str_eq(type, STR("number")))
        return json_is_number(v) ? json_incref((json_t *)v) : json_null();
    if (str_eq(type, STR("boolean")))
        return json_is_boolean(v) ? json_incref((json_t *)v) : json_null();
    return string_cell(v);
}

static const struct kind_column NAME_AND_AGE[] = {
    {.name = "Name", .type = "string", .format = "name", .json_path = ".metadata.name"},
    {.name = "Age", .type = "date", .json_path = ".metadata.creationTimestamp"},
};

/* Custom kinds get the column Name in front of theirs, and Age when they define none. */
static json_t *row_cells(const struct kind *k, const json_t *object, int64_t wall_us)
{
    json_t *cells = json_array();

    if (k->is_custom || !k->column_count)
        json_array_append_new(cells, path_cell(&NAME_AND_AGE[0], object, wall_us));
    for (size_t i = 0; i < k->column_count; i++) {
        const struct kind_column *c = &k->columns[i];
        json_array_append_new(cells,
                              c->cell ? c->cell(object, wall_us) : path_cell(c, object, wall_us));
    }
    if (!k->column_count)
        json_array_append_new(cells, path_cell(&NAME_AND_AGE[1], object, wall_us));
    return cells;
}

static json_t *column_definition(const struct kind_column *c)
{
    json_t *d = json_object();

    json_set_str(d, "name", str_c(c->name));
    json_set_str(d, "type", str_c(c->type));
    json_set_str(d, "format", str_c(c->format));
    json_set_str(d, "description", str_c(c->description));
    json_set(d, "priority", json_integer(c->priority));
    return d;
}

static json_t *column_definitions(const struct kind *k)
{
    json_t *list = json_array();

    if (k->is_custom || !k->column_count)
        json_array_append_new(list, column_definition(&NAME_AND_AGE[0]));
    for (size_t i = 0; i < k->column_count; i++)
        json_array_append_new(list, column_definition(&k->columns[i]));
    if (!k->column_count)
        json_array_append_new(list, column_definition(&NAME_AND_AGE[1]));
    return list;
}

/* apiVersion of the meta group in the version the client asked for. */
static struct str meta_version(const struct negotiate_form *form)
{
    return str_eq(form->as_version, STR("v1beta1")) ? STR("meta.k8s.io/v1beta1")
                                                    : STR("meta.k8s.io/v1");
}

static json_t *partial_metadata(const struct output *o, const json_t *object)
{
    json_t *p = json_object();
    json_t *meta = json_object_get(object, "metadata");

    json_set_str(p, "kind", STR("PartialObjectMetadata"));
    json_set_str(p, "apiVersion", meta_version(&o->form));
    if (meta)
        json_object_set(p, "metadata", meta);
    return p;
}

static json_t *table_row(const struct output *o, const json_t *object)
{
    json_t *row = json_object();

    json_set(row, "cells", row_cells(o->kind, object, o->wall_us));
    if (o->include == OUTPUT_INCLUDE_OBJECT)
        json_set(row, "object", in_version(o->kind, object));
    else if (o->include == OUTPUT_INCLUDE_METADATA)
        json_set(row, "object", partial_metadata(o, object));
    return row;
}

static json_t *new_table(const struct output *o, json_t *meta, json_t *rows, bool with_columns)
{
    json_t *t = json_object();

    json_set_str(t, "kind", STR("Table"));
    json_set_str(t, "apiVersion", meta_version(&o->form));
    json_set(t, "metadata", meta);
    json_set(t, "columnDefinitions", with_columns ? column_definitions(o->kind) : json_array());
    json_set(t, "rows", rows);
    return t;
}

json_t *output_object(const struct output *o, const json_t *object, bool with_columns)
{
    if (o->form.as == NEGOTIATE_METADATA)
        return partial_metadata(o, object);
    if (o->form.as != NEGOTIATE_TABLE)
        return in_version(o->kind, object);
    json_t *meta = json_object();
    json_t *rows = json_array();
    json_set_str(meta, "resourceVersion", kobj_rv(object));
    json_array_append_new(rows, table_row(o, object));
    return new_table(o, meta, rows, with_columns);
}

json_t *output_list(const struct output *o, const json_t *items, json_t *meta)
{
    json_t *out = json_array();
    size_t i;
    json_t *v;

    json_array_foreach(items, i, v)
    {
        if (o->form.as == NEGOTIATE_TABLE)
            json_array_append_new(out, table_row(o, v));
        else
            json_array_append_new(out, output_object(o, v, false));
    }
    if (o->form.as == NEGOTIATE_TABLE)
        return new_table(o, meta, out, true);
    json_t *list = json_object();
    bool partial = o->form.as == NEGOTIATE_METADATA;
    json_set_str(list, "kind", partial ? STR("PartialObjectMetadataList") : o->kind->list_kind);
    json_set_str(list, "apiVersion", partial ? meta_version(&o->form) : o->kind->api_version);
    json_set(list, "metadata", meta);
    json_set(list, "items", out);
    return list;
}
