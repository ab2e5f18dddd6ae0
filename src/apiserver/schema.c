/*
 * Compiled schemas: lifetime, pruning and defaulting.
 *
 * Both walks follow schema and value together, as k8s.io/apiextensions-apiserver/pkg/apiserver/schema does in
 * pruning/ and defaulting/: value validations (allOf, …) take no part in them.
 */
#include "apiserver/schema.h"

#include "apiserver/schema_priv.h"

static const struct str ROOT_MEMBERS[] = {STR_INIT("apiVersion"), STR_INIT("kind"),
                                          STR_INIT("metadata")};

struct schema *schema_ref(const struct schema *s)
{
    struct schema *own = (struct schema *)s;

    own->refs++;
    return own;
}

void schema_unref(const struct schema *s)
{
    struct schema *own = (struct schema *)s;

    if (!own || --own->refs > 0)
        return;
    json_decref(own->source);
    arena_free(own->arena);
    free(own);
}

const json_t *schema_source(const struct schema *s)
{
    return s->source;
}

static void add_path(struct buf *out, const struct schema_path *path)
{
    const struct schema_path *steps[2 * JSON_MAX_DEPTH];
    size_t n = 0;

    for (; path && n < ARRAY_LEN(steps); path = path->up)
        steps[n++] = path;
    while (n-- > 0) {
        if (!steps[n]->name.p)
            buf_addf(out, "[%zu]", steps[n]->index);
        else
            buf_addf(out, "%s%" STR_FMT, out->len ? "." : "", STR_ARG(steps[n]->name));
    }
}

struct str schema_path_format(struct arena *a, const struct schema_path *path)
{
    struct buf text CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);

    add_path(&text, path);
    return arena_str(a, buf_str(&text));
}

struct schema_node *schema_property_find(const struct schema_node *n, struct str name)
{
    size_t lo = 0, hi = n->property_count;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int c = str_cmp(n->properties[mid].name, name);
        if (c == 0)
            return n->properties[mid].node;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

static bool is_root_member(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(ROOT_MEMBERS); i++) {
        if (str_eq(ROOT_MEMBERS[i], name))
            return true;
    }
    return false;
}

static void report_unknown(json_t *unknown, const struct schema_path *path)
{
    struct buf text CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);

    if (!unknown || json_array_size(unknown) >= FIELD_MAX_ERRORS)
        return;
    add_path(&text, path);
    json_array_append_new(unknown, json_from_str(buf_str(&text)));
}

static void prune(const struct schema_node *n, json_t *value, bool is_resource,
                  const struct schema_path *path, json_t *unknown);

static void prune_object(const struct schema_node *n, json_t *object, bool is_resource,
                         const struct schema_path *path, json_t *unknown)
{
    const char *key;
    json_t *v;
    void *tmp;

    json_object_foreach_safe(object, tmp, key, v)
    {
        struct schema_path here = {.up = path, .name = str_c(key)};
        const struct schema_node *p = schema_property_find(n, here.name);
        if (is_resource && is_root_member(here.name))
            continue;
        if (!p)
            p = n->additional;
        if (p && json_is_null(v) && !p->nullable && !p->dflt) {
            json_object_del(object, key);
        } else if (p) {
            prune(p, v, p->embedded, &here, unknown);
        } else if (!n->preserve_unknown && !n->additional_any) {
            report_unknown(unknown, &here);
            json_object_del(object, key);
        }
    }
}

static void prune(const struct schema_node *n, json_t *value, bool is_resource,
                  const struct schema_path *path, json_t *unknown)
{
    if (json_is_object(value)) {
        prune_object(n, value, is_resource, path, unknown);
    } else if (json_is_array(value) && n->items) {
        size_t i;
        json_t *v;
        json_array_foreach(value, i, v)
        {
            struct schema_path here = {.up = path, .index = i};
            prune(n->items, v, n->items->embedded, &here, unknown);
        }
    }
}

void schema_prune(const struct schema *s, json_t *object, json_t *unknown)
{
    prune(s->root, object, true, NULL, unknown);
}

void schema_prune_node(const struct schema_node *node, json_t *value, json_t *unknown)
{
    prune(node, value, node->embedded, NULL, unknown);
}

static void fill(const struct schema_node *n, json_t *value);

static void fill_object(const struct schema_node *n, json_t *object)
{
    for (size_t i = 0; i < n->property_count; i++) {
        const struct schema_property *p = &n->properties[i];
        const json_t *v = json_object_getn(object, p->name.p, p->name.n);
        bool wrong_null = json_is_null(v) && !p->node->nullable;
        if (p->node->dflt && (!v || wrong_null))
            json_object_setn_new(object, p->name.p, p->name.n, json_clone(p->node->dflt));
    }
    const char *key;
    json_t *v;
    json_object_foreach(object, key, v)
    {
        const struct schema_node *p = schema_property_find(n, str_c(key));
        if (!p)
            p = n->additional;
        if (p)
            fill(p, v);
    }
}

static void fill(const struct schema_node *n, json_t *value)
{
    size_t i;
    json_t *v;

    if (json_is_object(value))
        fill_object(n, value);
    else if (json_is_array(value) && n->items)
        json_array_foreach(value, i, v) fill(n->items, v);
}

void schema_default(const struct schema *s, json_t *object)
{
    fill(s->root, object);
}
