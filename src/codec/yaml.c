/*
 * YAML documents to JSON values: libyaml's events, our limits and resolution.
 *
 * The reader descends with the events; depth, produced nodes (long scalars count for more) and what an
 * alias expands to are bounded, so that a small text cannot become a large value.  An alias is a copy of
 * what was anchored, never a second reference into the same tree.
 */
#include "codec/yaml.h"

#include <yaml.h>

#include "base/map.h"
#include "codec/base64.h"
#include "codec/yaml_priv.h"

#define SCALAR_BYTES_PER_NODE 64
#define TAG_PREFIX "tag:yaml.org,2002:"

struct anchor {
    json_t *value;
    size_t nodes;
};

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the one looked at */
    struct map *anchors;
    size_t nodes;
    struct err *err;
};

static void anchor_free(void *p)
{
    struct anchor *a = p;

    json_decref(a->value);
    free(a);
}

static int refuse_at(struct reader *r, const yaml_mark_t *at, const char *reason)
{
    return err_set(r->err, ERR_BADREQUEST, "%zu:%zu: %s", at->line + 1, at->column + 1, reason);
}

/* The failure at the event looked at. */
static int refuse(struct reader *r, const char *reason)
{
    return refuse_at(r, &r->event.start_mark, reason);
}

static int next(struct reader *r)
{
    yaml_event_delete(&r->event);
    if (yaml_parser_parse(&r->parser, &r->event))
        return 0;
    memset(&r->event, 0, sizeof(r->event));
    return refuse_at(
        r, r->parser.error == YAML_READER_ERROR ? &r->parser.mark : &r->parser.problem_mark,
        r->parser.problem ? r->parser.problem : "malformed");
}

static int count_nodes(struct reader *r, size_t n)
{
    if (n > YAML_MAX_NODES - r->nodes)
        return refuse(r, "too many nodes");
    r->nodes += n;
    return 0;
}

/* The event's tag without the prefix of YAML's own ones; STR_NONE when it has none. */
static struct str tag_of(const yaml_char_t *tag)
{
    struct str s = str_c((const char *)tag);

    return str_starts(s, STR(TAG_PREFIX)) ? str_skip(s, sizeof(TAG_PREFIX) - 1) : s;
}

static int check_collection_tag(struct reader *r, const yaml_char_t *tag, struct str wanted)
{
    struct str s = tag_of(tag);

    if (s.p && !str_eq(s, STR("!")) && !str_eq(s, wanted))
        return refuse(r, "unknown tag");
    return 0;
}

static int resolve_tagged(struct reader *r, struct str text, struct str tag,
                          struct yaml_scalar *ret_scalar)
{
    struct yaml_scalar v = yaml_scalar_resolve(text);

    if (str_eq(tag, STR("float")) && v.kind == YAML_KIND_INT)
        v = (struct yaml_scalar){.kind = YAML_KIND_FLOAT, .real = (double)v.integer};
    if ((str_eq(tag, STR("null")) && v.kind == YAML_KIND_NULL) ||
        (str_eq(tag, STR("bool")) && v.kind == YAML_KIND_BOOL) ||
        (str_eq(tag, STR("int")) && v.kind == YAML_KIND_INT) ||
        (str_eq(tag, STR("float")) && v.kind == YAML_KIND_FLOAT) ||
        (str_eq(tag, STR("timestamp")) && v.kind == YAML_KIND_TIMESTAMP)) {
        *ret_scalar = v;
        return 0;
    }
    if (str_eq(tag, STR("null")) || str_eq(tag, STR("bool")) || str_eq(tag, STR("int")) ||
        str_eq(tag, STR("float")) || str_eq(tag, STR("timestamp")))
        return refuse(r, "value does not fit its tag");
    return refuse(r, "unknown tag");
}

/* What the scalar event stands for; strings are YAML_KIND_STR whatever they hold. */
static int resolve(struct reader *r, struct yaml_scalar *ret_scalar)
{
    struct str text = str_n(r->event.data.scalar.value, r->event.data.scalar.length);
    struct str tag = tag_of(r->event.data.scalar.tag);

    if (memchr(text.p, '\0', text.n))
        return refuse(r, "NUL in a string");
    if (str_eq(tag, STR("merge")) && str_eq(text, STR("<<")))
        *ret_scalar = (struct yaml_scalar){.kind = YAML_KIND_MERGE};
    else if (r->event.data.scalar.plain_implicit && !tag.p)
        *ret_scalar = yaml_scalar_resolve(text);
    else if (!tag.p || str_eq(tag, STR("!")) || str_eq(tag, STR("str")) ||
             str_eq(tag, STR("binary")))
        *ret_scalar = (struct yaml_scalar){.kind = YAML_KIND_STR};
    else
        return resolve_tagged(r, text, tag, ret_scalar);
    return 0;
}

/* A !!binary scalar: base64 with any white space; bytes that are no UTF-8 are replaced. */
static int read_binary(struct reader *r, struct str text, json_t **ret_value)
{
    struct buf base64 = BUF_INIT(text.n), bytes = BUF_INIT(text.n);
    int rc;

    for (size_t i = 0; i < text.n; i++)
        if (!strchr(" \t\r\n", text.p[i]))
            buf_add_char(&base64, text.p[i]);
    rc = base64_decode(&bytes, buf_str(&base64));
    if (rc < 0)
        rc = refuse(r, "bad base64");
    else if (memchr(buf_c(&bytes), '\0', bytes.len))
        rc = refuse(r, "NUL in a string");
    else
        *ret_value = json_from_str(buf_str(&bytes));
    buf_fini(&base64);
    buf_fini(&bytes);
    return rc;
}

static int read_scalar(struct reader *r, json_t **ret_value)
{
    struct str text = str_n(r->event.data.scalar.value, r->event.data.scalar.length);
    struct yaml_scalar v;
    int rc = resolve(r, &v);

    if (rc == 0)
        rc = count_nodes(r, 1 + text.n / SCALAR_BYTES_PER_NODE);
    if (rc < 0)
        return rc;
    switch (v.kind) {
    case YAML_KIND_NULL:
        *ret_value = json_null();
        break;
    case YAML_KIND_BOOL:
        *ret_value = json_boolean(v.truth);
        break;
    case YAML_KIND_INT:
        *ret_value = json_integer(v.integer);
        break;
    case YAML_KIND_FLOAT:
        *ret_value = json_real(v.real);
        break;
    case YAML_KIND_NONFINITE:
        return refuse(r, "number has no JSON form");
    case YAML_KIND_STR:
    case YAML_KIND_TIMESTAMP:
    case YAML_KIND_MERGE:
        if (str_eq(tag_of(r->event.data.scalar.tag), STR("binary")))
            return read_binary(r, text, ret_value);
        *ret_value = json_from_str(text);
        break;
    }
    return 0;
}

static int read_alias(struct reader *r, json_t **ret_value)
{
    struct str name = str_c((const char *)r->event.data.alias.anchor);
    const struct anchor *a = map_get(r->anchors, name);
    int rc;

    if (!a)
        return refuse(r, "unknown alias, or one inside its own anchor");
    rc = count_nodes(r, a->nodes);
    if (rc < 0)
        return rc;
    *ret_value = json_clone(a->value);
    return 0;
}

static int read_node(struct reader *r, unsigned depth, json_t **ret_value);

static int read_sequence(struct reader *r, unsigned depth, json_t **ret_value)
{
    json_t *list JSON_OWNED = json_array();
    int rc = check_collection_tag(r, r->event.data.sequence_start.tag, STR("seq"));

    while (rc == 0) {
        json_t *item;

        rc = next(r);
        if (rc < 0 || r->event.type == YAML_SEQUENCE_END_EVENT)
            break;
        rc = read_node(r, depth, &item);
        if (rc == 0)
            (void)json_array_append_new(list, item);
    }
    if (rc == 0)
        *ret_value = TAKE(list);
    return rc;
}

/* Reads the key of a pair as the text JSON has for it; `*ret_merge` says that it is "<<". */
static int read_key(struct reader *r, struct buf *key, bool *ret_merge)
{
    struct yaml_scalar v;
    json_t *value JSON_OWNED = NULL;
    int rc = 0;

    if (r->event.type == YAML_ALIAS_EVENT) {
        rc = read_alias(r, &value);
    } else if (r->event.type != YAML_SCALAR_EVENT) {
        return refuse(r, "a key must be a scalar");
    } else {
        rc = resolve(r, &v);
        if (rc == 0 && v.kind == YAML_KIND_MERGE) {
            *ret_merge = true;
            return 0;
        }
        if (rc == 0)
            rc = read_scalar(r, &value);
    }
    if (rc < 0)
        return rc;
    if (json_is_object(value) || json_is_array(value) || json_is_null(value))
        return refuse(r, "a key must be a string, a number or a boolean");
    if (json_is_string(value))
        buf_add_str(key, json_str_of(value));
    else
        json_format(value, key);
    if (memchr(buf_c(key), '\0', key->len))
        return refuse(r, "NUL in a string");
    return 0;
}

/* Adds to `object` the members of `from` that it has not. */
static void merge_missing(json_t *object, json_t *from)
{
    const char *key;
    json_t *value;

    json_object_foreach(from, key, value) if (!json_object_get(object, key))
        json_set(object, key, json_incref(value));
}

/* Reads the value of "<<": an object or a list of them; appends them to `merges`. */
static int read_merge(struct reader *r, unsigned depth, json_t *merges)
{
    yaml_mark_t at;
    json_t *value JSON_OWNED = NULL;
    int rc = next(r);

    if (rc < 0)
        return rc;
    at = r->event.start_mark;
    if (json_array_size(merges) > 0)
        return refuse(r, "duplicate merge key");
    rc = read_node(r, depth, &value);
    if (rc < 0)
        return rc;
    if (json_is_object(value)) {
        (void)json_array_append(merges, value);
        return 0;
    }
    if (!json_is_array(value))
        return refuse_at(r, &at, "a merge needs a mapping or a list of them");
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!json_is_object(json_array_get(value, i)))
            return refuse_at(r, &at, "a merge needs a mapping or a list of them");
    (void)json_array_extend(merges, value);
    return 0;
}

/* Reads one pair; the key is the event looked at. */
static int read_pair(struct reader *r, unsigned depth, json_t *object, json_t *merges)
{
    struct buf key = BUF_INIT(BUF_NO_LIMIT);
    bool merge = false;
    json_t *value;
    int rc = read_key(r, &key, &merge);

    if (rc == 0 && merge) {
        rc = read_merge(r, depth, merges);
    } else if (rc == 0) {
        if (json_object_get(object, buf_c(&key)))
            rc = refuse(r, "duplicate key");
        if (rc == 0)
            rc = next(r);
        if (rc == 0)
            rc = read_node(r, depth, &value);
        if (rc == 0)
            json_set(object, buf_c(&key), value);
    }
    buf_fini(&key);
    return rc;
}

static int read_mapping(struct reader *r, unsigned depth, json_t **ret_value)
{
    json_t *object JSON_OWNED = json_object();
    json_t *merges JSON_OWNED = json_array();
    int rc = check_collection_tag(r, r->event.data.mapping_start.tag, STR("map"));

    while (rc == 0) {
        rc = next(r);
        if (rc < 0 || r->event.type == YAML_MAPPING_END_EVENT)
            break;
        rc = read_pair(r, depth, object, merges);
    }
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < json_array_size(merges); i++)
        merge_missing(object, json_array_get(merges, i));
    *ret_value = TAKE(object);
    return 0;
}

/* The anchor of the event, or NULL. */
static const yaml_char_t *anchor_of(const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        return e->data.scalar.anchor;
    case YAML_SEQUENCE_START_EVENT:
        return e->data.sequence_start.anchor;
    case YAML_MAPPING_START_EVENT:
        return e->data.mapping_start.anchor;
    default:
        return NULL;
    }
}

static void put_anchor(struct reader *r, struct str name, json_t *value, size_t nodes)
{
    struct anchor *a = NEW(struct anchor), *old;

    a->value = json_incref(value);
    a->nodes = nodes;
    old = map_put(r->anchors, name, a);
    if (old)
        anchor_free(old);
}

/* Reads the node whose first event is looked at; `depth` collections are around it. */
static int read_node(struct reader *r, unsigned depth, json_t **ret_value)
{
    char *anchor CLEANUP(freep) = xstrdup((const char *)anchor_of(&r->event));
    size_t before = r->nodes;
    int rc;

    if (r->event.type == YAML_SCALAR_EVENT) {
        rc = read_scalar(r, ret_value);
    } else if (r->event.type == YAML_ALIAS_EVENT) {
        rc = read_alias(r, ret_value);
    } else {
        if (depth == JSON_MAX_DEPTH)
            return refuse(r, "nested too deep");
        rc = count_nodes(r, 1);
        if (rc < 0)
            return rc;
        rc = r->event.type == YAML_SEQUENCE_START_EVENT ? read_sequence(r, depth + 1, ret_value)
                                                        : read_mapping(r, depth + 1, ret_value);
    }
    if (rc == 0 && anchor)
        put_anchor(r, str_c(anchor), *ret_value, r->nodes - before);
    return rc;
}

/* Reads the document whose start is looked at, up to its end. */
static int read_document(struct reader *r, json_t *documents)
{
    json_t *value;
    int rc = next(r);

    map_free_with(r->anchors, anchor_free);
    r->anchors = map_new();
    if (rc == 0)
        rc = read_node(r, 0, &value);
    if (rc < 0)
        return rc;
    if (json_is_null(value))
        json_decref(value);
    else
        (void)json_array_append_new(documents, value);
    return next(r);
}

static int read_stream(struct reader *r, json_t *documents)
{
    int rc = next(r);

    while (rc == 0) {
        rc = next(r);
        if (rc < 0 || r->event.type == YAML_STREAM_END_EVENT)
            break;
        rc = read_document(r, documents);
    }
    return rc;
}

int yaml_parse_all(struct str text, json_t **ret_array, struct err *err)
{
    json_t *documents JSON_OWNED = json_array();
    struct reader r = {.anchors = map_new(), .err = err};
    int rc;

    rc = yaml_parser_initialize(&r.parser);
    ASSERT(rc);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text.p ? text.p : ""), text.n);
    rc = read_stream(&r, documents);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    map_free_with(r.anchors, anchor_free);
    if (rc == 0)
        *ret_array = TAKE(documents);
    return rc;
}

int yaml_parse(struct str text, json_t **ret_value, struct err *err)
{
    json_t *documents JSON_OWNED = NULL;
    int rc = yaml_parse_all(text, &documents, err);

    if (rc < 0)
        return rc;
    if (json_array_size(documents) != 1)
        return err_set(err, ERR_BADREQUEST, "1:1: %zu documents where one is needed",
                       json_array_size(documents));
    *ret_value = json_incref(json_array_get(documents, 0));
    return 0;
}
