/*
 * JSON Patch (RFC 6902) over JSON Pointer (RFC 6901).
 *
 * Operations work in place on a clone of the target, which is dropped at the first failure.  What the
 * operations can make grow is bounded: their number, the bytes all copies add, and the nesting.
 */
#include "codec/jsonpatch.h"

#include "codec/jsonpatch_priv.h"

#define NODE_BYTES 16 /* what a value costs besides its text */

struct patch {
    json_t *root;
    size_t copy_left; /* bytes that copies may still add */
    size_t index;     /* of the operation */
    struct str op;
    struct str path;
    struct err *err;
};

/* A place in the document: a member or an item of `parent`, or (parent NULL) the root. */
struct place {
    json_t *parent;
    struct buf name; /* of the member; "-" or digits for an item */
    size_t index;    /* of the item; the size of the array for "-" */
    unsigned depth;  /* collections around it */
};

static int fail(struct patch *p, enum err_code code, const char *reason)
{
    return err_set(p->err, code, "operation %zu (%" STR_FMT " '%" STR_FMT "'): %s", p->index,
                   STR_ARG(p->op), STR_ARG(p->path), reason);
}

bool jsonpatch_equal(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *value;

    if (json_is_number(a) && json_is_number(b)) {
        if (json_is_integer(a) && json_is_integer(b))
            return json_integer_value(a) == json_integer_value(b);
        return json_number_value(a) == json_number_value(b);
    }
    if (!a || !b || json_typeof(a) != json_typeof(b))
        return false;
    if (json_is_object(a)) {
        if (json_object_size(a) != json_object_size(b))
            return false;
        json_object_foreach(
            (json_t *)a, key,
            value) if (!jsonpatch_equal(value, json_object_get(b, key))) return false;
        return true;
    }
    if (json_is_array(a)) {
        if (json_array_size(a) != json_array_size(b))
            return false;
        for (size_t i = 0; i < json_array_size(a); i++)
            if (!jsonpatch_equal(json_array_get(a, i), json_array_get(b, i)))
                return false;
        return true;
    }
    return json_equal(a, b);
}

/* Decodes the next reference token of a pointer; `*rest` begins with '/'. */
static int take_token(struct patch *p, struct str *rest, struct buf *token)
{
    struct str raw;

    *rest = str_skip(*rest, 1);
    raw = str_cut(rest, '/');
    if (rest->p)
        *rest = str_n(rest->p - 1, rest->n + 1);
    buf_reset(token);
    for (size_t i = 0; i < raw.n; i++) {
        char c = raw.p[i];

        if (c == '~') {
            c = ++i < raw.n ? raw.p[i] : '\0';
            if (c != '0' && c != '1')
                return fail(p, ERR_BADREQUEST, "bad escape in a pointer");
            c = c == '0' ? '~' : '/';
        }
        buf_add_char(token, c);
    }
    return 0;
}

/* Reads an array index; "-" is the one behind the last item. */
static int read_index(struct patch *p, const json_t *array, struct str token, size_t *ret_index)
{
    uint64_t n = json_array_size(array);

    if (!str_eq(token, STR("-")) &&
        (str_to_u64(token, SIZE_MAX, &n) < 0 || (token.n > 1 && token.p[0] == '0')))
        return fail(p, ERR_INVALID, "bad array index");
    *ret_index = n;
    return 0;
}

static json_t *place_get(const struct patch *p, struct place *at)
{
    if (!at->parent)
        return p->root;
    if (json_is_object(at->parent))
        return json_object_get(at->parent, buf_c(&at->name));
    return json_array_get(at->parent, at->index);
}

/* Finds the place `path` points to; all but the last step must exist.  The caller frees at->name. */
static int locate(struct patch *p, struct str path, struct place *at)
{
    json_t *v = p->root;
    int rc;

    *at = (struct place){.name = BUF_INIT(BUF_NO_LIMIT)};
    if (path.n > 0 && path.p[0] != '/')
        return fail(p, ERR_BADREQUEST, "a pointer begins with '/'");
    while (path.n > 0) {
        if (!json_is_object(v) && !json_is_array(v))
            return fail(p, ERR_INVALID, "the path does not exist");
        rc = take_token(p, &path, &at->name);
        if (rc == 0 && json_is_array(v))
            rc = read_index(p, v, buf_str(&at->name), &at->index);
        if (rc < 0)
            return rc;
        at->parent = v;
        at->depth++;
        v = place_get(p, at);
    }
    return 0;
}

/* Adds the nesting of `v` to `depth`; stops at the limit. */
static unsigned depth_with(const json_t *v, unsigned depth)
{
    unsigned deepest = depth;
    const char *key;
    json_t *item;
    size_t i;

    if (!json_is_object(v) && !json_is_array(v))
        return depth;
    deepest = ++depth;
    if (depth > JSON_MAX_DEPTH)
        return depth;
    json_object_foreach((json_t *)v, key, item) deepest = MAX(deepest, depth_with(item, depth));
    json_array_foreach(v, i, item) deepest = MAX(deepest, depth_with(item, depth));
    return deepest;
}

/* Subtracts what `v` costs from `left`; stops at 0. */
static size_t cost_from(const json_t *v, size_t left)
{
    const char *key;
    json_t *item;
    size_t i;

    left -= MIN(left, NODE_BYTES + json_string_length(v));
    json_object_foreach((json_t *)v, key, item)
    {
        if (left == 0)
            return 0;
        left = cost_from(item, left - MIN(left, strlen(key)));
    }
    json_array_foreach(v, i, item)
    {
        if (left == 0)
            return 0;
        left = cost_from(item, left);
    }
    return left;
}

/* Puts `value` (taken) at a place; an item is inserted. */
static int put(struct patch *p, struct place *at, json_t *value)
{
    json_t *v JSON_OWNED = value;

    if (depth_with(v, at->depth) > JSON_MAX_DEPTH)
        return fail(p, ERR_INVALID, "nested too deep");
    if (!at->parent) {
        json_decref(p->root);
        p->root = TAKE(v);
    } else if (json_is_object(at->parent)) {
        json_set(at->parent, buf_c(&at->name), TAKE(v));
    } else if (at->index > json_array_size(at->parent)) {
        return fail(p, ERR_INVALID, "array index is out of range");
    } else {
        (void)json_array_insert_new(at->parent, at->index, TAKE(v));
    }
    return 0;
}

static int take_out(struct patch *p, struct place *at)
{
    if (!place_get(p, at))
        return fail(p, ERR_INVALID, "the path does not exist");
    if (!at->parent)
        return fail(p, ERR_INVALID, "the whole document cannot be removed");
    if (json_is_object(at->parent))
        json_del(at->parent, buf_c(&at->name));
    else
        (void)json_array_remove(at->parent, at->index);
    return 0;
}

static int apply_add(struct patch *p, struct place *at, const json_t *op)
{
    return put(p, at, json_clone(json_object_get(op, "value")));
}

static int apply_remove(struct patch *p, struct place *at, const json_t *op)
{
    return take_out(p, at);
}

static int apply_replace(struct patch *p, struct place *at, const json_t *op)
{
    int rc = 0;

    if (!place_get(p, at))
        return fail(p, ERR_INVALID, "the path does not exist");
    if (json_is_array(at->parent))
        rc = take_out(p, at);
    return rc < 0 ? rc : apply_add(p, at, op);
}

static int apply_test(struct patch *p, struct place *at, const json_t *op)
{
    const json_t *v = place_get(p, at);

    if (!v)
        return fail(p, ERR_INVALID, "the path does not exist");
    if (!jsonpatch_equal(v, json_object_get(op, "value")))
        return fail(p, ERR_INVALID, "the value is another one");
    return 0;
}

/* Finds the value at "from"; `source` is its place, whose name the caller frees. */
static int find_source(struct patch *p, const json_t *op, struct place *source, json_t **ret_value)
{
    int rc = locate(p, json_str(op, "from"), source);

    if (rc < 0)
        return rc;
    *ret_value = place_get(p, source);
    if (!*ret_value)
        return fail(p, ERR_INVALID, "'from' does not exist");
    return 0;
}

static int apply_copy(struct patch *p, struct place *at, const json_t *op)
{
    struct place source;
    json_t *value;
    int rc = find_source(p, op, &source, &value);

    if (rc == 0) {
        p->copy_left = cost_from(value, p->copy_left);
        rc = p->copy_left > 0 ? put(p, at, json_clone(value))
                              : fail(p, ERR_TOOBIG, "copies add too much");
    }
    buf_fini(&source.name);
    return rc;
}

/* Moves; `at` is located again because removing shifts items. */
static int apply_move(struct patch *p, struct place *at, const json_t *op)
{
    struct str from = json_str(op, "from");
    struct place source;
    json_t *value JSON_OWNED = NULL;
    json_t *found;
    int rc = find_source(p, op, &source, &found);

    if (rc == 0 && str_eq(from, p->path))
        goto out;
    if (rc == 0 && str_starts(p->path, from) && p->path.p[from.n] == '/')
        rc = fail(p, ERR_INVALID, "a value cannot move into itself");
    if (rc < 0)
        goto out;
    value = json_incref(found);
    rc = take_out(p, &source);
    if (rc == 0) {
        buf_fini(&at->name);
        rc = locate(p, p->path, at);
    }
    if (rc == 0)
        rc = put(p, at, TAKE(value));
out:
    buf_fini(&source.name);
    return rc;
}

static const struct {
    const char *name;
    int (*apply)(struct patch *p, struct place *at, const json_t *op);
    bool has_value;
    bool has_from;
} OPS[] = {
    {"add", apply_add, true, false},         {"remove", apply_remove, false, false},
    {"replace", apply_replace, true, false}, {"move", apply_move, false, true},
    {"copy", apply_copy, false, true},       {"test", apply_test, true, false},
};

static int apply_op(struct patch *p, const json_t *op)
{
    struct place at;
    size_t i = 0;
    int rc;

    p->op = json_str(op, "op");
    p->path = json_str(op, "path");
    while (i < ARRAY_LEN(OPS) && !str_eq_c(p->op, OPS[i].name))
        i++;
    if (i == ARRAY_LEN(OPS))
        return fail(p, ERR_BADREQUEST, "unknown or missing \"op\"");
    if (!p->path.p)
        return fail(p, ERR_BADREQUEST, "\"path\" is missing or no string");
    if (OPS[i].has_value && !json_object_get(op, "value"))
        return fail(p, ERR_BADREQUEST, "\"value\" is missing");
    if (OPS[i].has_from && !json_str(op, "from").p)
        return fail(p, ERR_BADREQUEST, "\"from\" is missing or no string");

    rc = locate(p, p->path, &at);
    if (rc == 0)
        rc = OPS[i].apply(p, &at, op);
    buf_fini(&at.name);
    return rc;
}

int jsonpatch_apply(const json_t *target, const json_t *patch, json_t **ret_value, struct err *err)
{
    struct patch p = {.copy_left = JSONPATCH_MAX_COPY_BYTES, .err = err};
    int rc = 0;

    if (!json_is_array(patch))
        return err_set(err, ERR_BADREQUEST, "a JSON patch is a list of operations");
    if (json_array_size(patch) > JSONPATCH_MAX_OPS)
        return err_set(err, ERR_TOOBIG,
                       "the allowed maximum operations in a JSON patch is %d, got %zu",
                       JSONPATCH_MAX_OPS, json_array_size(patch));
    p.root = json_clone(target);
    for (p.index = 0; rc == 0 && p.index < json_array_size(patch); p.index++)
        rc = apply_op(&p, json_array_get(patch, p.index));
    if (rc < 0)
        json_decref(p.root);
    else
        *ret_value = p.root;
    return rc;
}
