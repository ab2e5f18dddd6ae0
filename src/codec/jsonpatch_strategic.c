/*
 * Strategic merge patch, with the semantics of k8s.io/apimachinery (pkg/util/strategicpatch).
 *
 * Maps merge member by member in place on a clone of the target.  Which lists merge, and by which key,
 * the caller's table says by path; others are replaced.  Items are found through maps from the text of
 * their key to their position, so that no list makes the work quadratic.  Values that are taken over
 * from the patch lose their nulls and directives.
 */
#include "codec/jsonpatch.h"

#include "base/map.h"
#include "base/vec.h"

#define PATH_BYTES 4096
#define MARK "$patch"
#define RETAIN "$retainKeys"
#define DELETE_LIST "$deleteFromPrimitiveList/"
#define ORDER_LIST "$setElementOrder/"

struct merge {
    const struct jsonpatch_list *lists;
    size_t count;
    struct buf path; /* of the map being merged */
    struct err *err;
};

static int merge_map(struct merge *m, json_t *target, const json_t *patch);

static bool is_directive(const char *key)
{
    return strcmp(key, MARK) == 0 || strcmp(key, RETAIN) == 0 ||
           str_starts(str_c(key), STR(DELETE_LIST)) || str_starts(str_c(key), STR(ORDER_LIST));
}

/* Goes down to a member; returns what leave() needs to come back. */
static size_t enter(struct merge *m, const char *key)
{
    size_t was = m->path.len;

    if (was > 0)
        buf_add_char(&m->path, '.');
    buf_add_c(&m->path, key);
    return was;
}

static void leave(struct merge *m, size_t was)
{
    m->path.len = was;
    m->path.overflow = false;
}

/* The row of the list at the path, or NULL. */
static const struct jsonpatch_list *list_row(const struct merge *m)
{
    for (size_t i = 0; i < m->count; i++)
        if (str_eq_c(buf_str(&m->path), m->lists[i].path))
            return &m->lists[i];
    return NULL;
}

static int refuse(struct merge *m, enum err_code code, const char *reason)
{
    return err_set(m->err, code, "%" STR_FMT ": %s",
                   STR_ARG(m->path.len > 0 ? buf_str(&m->path) : STR("patch")), reason);
}

/* A copy without nulls in maps and without directives; NULL when `v` is itself a directive. */
static json_t *clean(const json_t *v)
{
    const char *key;
    json_t *item, *copy, *result;
    size_t i;

    if (json_is_array(v)) {
        result = json_array();
        json_array_foreach(v, i, item)
        {
            copy = clean(item);
            if (copy)
                (void)json_array_append_new(result, copy);
        }
        return result;
    }
    if (!json_is_object(v))
        return json_clone(v);
    if (json_object_get(v, MARK))
        return NULL;
    result = json_object();
    json_object_foreach((json_t *)v, key, item)
    {
        copy = json_is_null(item) || is_directive(key) ? NULL : clean(item);
        if (copy)
            json_set(result, key, copy);
    }
    return result;
}

/* Sets a member to the clean form of a patch's value; removes it when that is a directive. */
static void take_over(json_t *target, const char *key, const json_t *value)
{
    json_t *copy = clean(value);

    if (copy)
        json_set(target, key, copy);
    else
        json_del(target, key);
}

/*
 * Appends the text that tells items apart: an item's key value, or the item itself when `key` is NULL.
 * Returns false when a map lacks the key, or the item is no map although there is a key.
 */
static bool item_text(const json_t *item, const char *key, struct buf *text)
{
    const json_t *v = key ? json_object_get(item, key) : item;

    buf_reset(text);
    if (!v)
        return false;
    json_format_canonical(v, text);
    return true;
}

/* Positions (+ 1) of the items of a list by their text; the first of equal ones counts. */
static struct map *positions(const json_t *list, const char *key)
{
    struct map *at = map_new();
    struct buf text = BUF_INIT(BUF_NO_LIMIT);

    for (size_t i = 0; i < json_array_size(list); i++)
        if (item_text(json_array_get(list, i), key, &text) && !map_get(at, buf_str(&text)))
            (void)map_put(at, buf_str(&text), (void *)(i + 1));
    buf_fini(&text);
    return at;
}

struct placed {
    json_t *item;     /* borrowed */
    size_t patch_at;  /* position + 1 in the patch's order, 0 when absent */
    size_t server_at; /* the same in the server's order */
    size_t merged_at; /* keeps the sort stable */
};

struct placed_list VEC(struct placed);

static int compare_placed(const void *a, const void *b)
{
    const struct placed *pa = a, *pb = b;
    size_t ka = pa->patch_at ? pa->patch_at : pa->server_at;
    size_t kb = pb->patch_at ? pb->patch_at : pb->server_at;

    if (ka != kb)
        return ka < kb ? -1 : 1;
    return pa->merged_at < pb->merged_at ? -1 : pa->merged_at > pb->merged_at;
}

/*
 * Merges two sorted runs: the server's own items go before the first of the patch's items that the
 * server has behind them.
 */
static json_t *interleave(const struct placed_list *own, const struct placed_list *patched)
{
    json_t *all = json_array();
    size_t i = 0, j = 0;

    while (i < own->n || j < patched->n) {
        const struct placed *a = i < own->n ? &own->p[i] : NULL;
        const struct placed *b = j < patched->n ? &patched->p[j] : NULL;
        bool own_first = !b || (a && a->server_at && b->server_at && a->server_at < b->server_at);

        (void)json_array_append(all, own_first ? a->item : b->item);
        i += own_first;
        j += !own_first;
    }
    return all;
}

/* Orders `merged`: as in `patch_order`, with items only the server has as in `server_order`. */
static int reorder(struct merge *m, const json_t *merged, const json_t *patch_order,
                   const json_t *server_order, const char *key, json_t **ret_list)
{
    struct map *in_patch CLEANUP(map_freep) = positions(patch_order, key);
    struct map *in_server CLEANUP(map_freep) = positions(server_order, key);
    struct placed_list own = {0}, patched = {0};
    struct buf text = BUF_INIT(BUF_NO_LIMIT);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < json_array_size(merged); i++) {
        struct placed one = {.item = json_array_get(merged, i), .merged_at = i};

        if (!item_text(one.item, key, &text)) {
            rc = refuse(m, ERR_INVALID, "an item does not contain the declared merge key");
            break;
        }
        one.patch_at = (size_t)map_get(in_patch, buf_str(&text));
        one.server_at = (size_t)map_get(in_server, buf_str(&text));
        if (one.patch_at)
            VEC_PUSH(&patched, one);
        else
            VEC_PUSH(&own, one);
    }
    if (own.n > 0)
        qsort(own.p, own.n, sizeof(*own.p), compare_placed);
    if (patched.n > 0)
        qsort(patched.p, patched.n, sizeof(*patched.p), compare_placed);
    if (rc == 0)
        *ret_list = interleave(&own, &patched);
    VEC_FINI(&own);
    VEC_FINI(&patched);
    buf_fini(&text);
    return rc;
}

/* Whether all items of both lists are maps (1) or all are primitives of one type (0). */
static int items_are_maps(struct merge *m, const json_t *a, const json_t *b)
{
    const json_t *lists[] = {a, b}, *first = NULL;

    for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
        for (size_t i = 0; i < json_array_size(lists[l]); i++) {
            const json_t *item = json_array_get(lists[l], i);

            if (json_is_array(item))
                return refuse(m, ERR_INVALID, "lists of lists are not supported");
            if (!first)
                first = item;
            if (json_typeof(item) != json_typeof(first) &&
                !(json_is_boolean(item) && json_is_boolean(first)))
                return refuse(m, ERR_INVALID, "list element types are not identical");
        }
    }
    return json_is_object(first);
}

/* Appends the items of `from` whose text is not in `seen` yet; adds it there. */
static void append_unique(json_t *to, const json_t *from, struct map *seen)
{
    struct buf text = BUF_INIT(BUF_NO_LIMIT);

    for (size_t i = 0; i < json_array_size(from); i++) {
        (void)item_text(json_array_get(from, i), NULL, &text);
        if (map_get(seen, buf_str(&text)))
            continue;
        (void)map_put(seen, buf_str(&text), seen);
        (void)json_array_append(to, json_array_get(from, i));
    }
    buf_fini(&text);
}

static int merge_primitives(struct merge *m, const json_t *target, const json_t *patch,
                            json_t **ret_list)
{
    struct map *seen CLEANUP(map_freep) = map_new();
    json_t *merged JSON_OWNED = json_array();

    append_unique(merged, target, seen);
    append_unique(merged, patch, seen);
    return reorder(m, merged, patch, target, NULL, ret_list);
}

/* The items of `list` that are not in `gone`, both seen through `key`. */
static json_t *without(const json_t *list, const json_t *gone, const char *key)
{
    struct map *at CLEANUP(map_freep) = positions(gone, key);
    struct buf text = BUF_INIT(BUF_NO_LIMIT);
    json_t *rest = json_array();

    for (size_t i = 0; i < json_array_size(list); i++)
        if (!item_text(json_array_get(list, i), key, &text) || !map_get(at, buf_str(&text)))
            (void)json_array_append(rest, json_array_get(list, i));
    buf_fini(&text);
    return rest;
}

/* Splits a patch list: ordinary items to `items`, those to delete to `gone`; finds "$patch: replace". */
static int split_items(struct merge *m, const json_t *patch, const char *key, json_t *items,
                       json_t *gone, bool *ret_replace)
{
    for (size_t i = 0; i < json_array_size(patch); i++) {
        json_t *item = json_array_get(patch, i);
        const json_t *mark = json_object_get(item, MARK);
        struct str what = json_str_of(mark);

        if (!mark || str_eq(what, STR("delete"))) {
            if (!json_object_get(item, key))
                return refuse(m, ERR_INVALID, "an item does not contain the declared merge key");
            (void)json_array_append(mark ? gone : items, item);
        } else if (str_eq(what, STR("replace"))) {
            *ret_replace = true;
        } else if (str_eq(what, STR("merge"))) {
            return refuse(m, ERR_INVALID, "merging lists cannot yet be specified in the patch");
        } else {
            return refuse(m, ERR_INVALID, "unknown patch type");
        }
    }
    return 0;
}

/* Merges each of `items` into the item of `merged` that has its key, or appends it. */
static int merge_items(struct merge *m, json_t *merged, const json_t *items, const char *key)
{
    struct map *at CLEANUP(map_freep) = positions(merged, key);
    struct buf text = BUF_INIT(BUF_NO_LIMIT);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        size_t pos;

        (void)item_text(item, key, &text);
        pos = (size_t)map_get(at, buf_str(&text));
        if (pos > 0) {
            rc = merge_map(m, json_array_get(merged, pos - 1), item);
        } else {
            (void)json_array_append_new(merged, clean(item));
            (void)map_put(at, buf_str(&text), (void *)json_array_size(merged));
        }
    }
    buf_fini(&text);
    return rc;
}

static int merge_map_lists(struct merge *m, const json_t *target, const json_t *patch,
                           const char *key, json_t **ret_list)
{
    json_t *items JSON_OWNED = json_array();
    json_t *gone JSON_OWNED = json_array();
    json_t *kept JSON_OWNED = NULL;
    json_t *merged JSON_OWNED = NULL;
    bool replace = false;
    int rc = split_items(m, patch, key, items, gone, &replace);

    if (rc < 0)
        return rc;
    if (replace) {
        *ret_list = clean(items);
        return 0;
    }
    kept = without(target, gone, key);
    merged = json_copy(kept);
    rc = merge_items(m, merged, items, key);
    if (rc < 0)
        return rc;
    return reorder(m, merged, items, kept, key, ret_list);
}

/* The list that results from a list of the target and the patch's list of the same name. */
static int merge_list(struct merge *m, const json_t *target, const json_t *patch, json_t **ret_list)
{
    const struct jsonpatch_list *row = list_row(m);
    int maps;

    if (!row) {
        *ret_list = clean(patch);
        return 0;
    }
    maps = items_are_maps(m, target, patch);
    if (maps < 0)
        return maps;
    if (!maps)
        return merge_primitives(m, target, patch, ret_list);
    if (!row->key)
        return refuse(m, ERR_INVALID, "cannot merge lists without merge key");
    return merge_map_lists(m, target, patch, row->key, ret_list);
}

/* $retainKeys: drops the target's members that are not listed. */
static int retain_keys(struct merge *m, json_t *target, const json_t *patch)
{
    const json_t *retain = json_object_get(patch, RETAIN);
    struct map *kept CLEANUP(map_freep) = NULL;
    const char *key;
    json_t *value;
    void *tmp;

    if (!retain)
        return 0;
    kept = map_new();
    for (size_t i = 0; i < json_array_size(retain); i++)
        (void)map_put(kept, json_str_of(json_array_get(retain, i)), kept);
    json_object_foreach(
        (json_t *)patch, key,
        value) if (!json_is_null(value) && !is_directive(key) &&
                   !map_get(kept, str_c(key))) return refuse(m, ERR_BADREQUEST,
                                                             "invalid patch format of retainKeys");
    if (!json_is_array(retain))
        return refuse(m, ERR_BADREQUEST, "invalid patch format of retainKeys");
    json_object_foreach_safe(target, tmp, key, value) if (!map_get(kept, str_c(key)))
        json_del(target, key);
    return 0;
}

/* The items of a patch list must stand in the element order, in the same relative order. */
static int check_order(struct merge *m, const json_t *items, const json_t *order, const char *key)
{
    struct buf text = BUF_INIT(BUF_NO_LIMIT), wanted = BUF_INIT(BUF_NO_LIMIT);
    size_t o = 0;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < json_array_size(items) && json_array_size(order) > 0; i++) {
        const json_t *item = json_array_get(items, i);
        bool found = false;

        if (json_object_get(item, MARK))
            continue;
        if (!item_text(item, key, &text))
            rc = refuse(m, ERR_INVALID, "an item does not contain the declared merge key");
        while (rc == 0 && !found && o < json_array_size(order)) {
            if (!item_text(json_array_get(order, o++), key, &wanted))
                rc = refuse(m, ERR_INVALID, "an item does not contain the declared merge key");
            found = str_eq(buf_str(&text), buf_str(&wanted));
        }
        if (rc == 0 && !found)
            rc = refuse(m, ERR_INVALID,
                        "the order in the patch list does not match the $setElementOrder list");
    }
    buf_fini(&text);
    buf_fini(&wanted);
    return rc;
}

/* One $setElementOrder: merges the list it names, if any, and puts the result into that order. */
static int order_list(struct merge *m, json_t *target, const json_t *patch, const char *key,
                      const json_t *order)
{
    const struct jsonpatch_list *row = list_row(m);
    json_t *had = json_object_get(target, key), *add = json_object_get(patch, key);
    json_t *merged JSON_OWNED = NULL;
    json_t *ordered = NULL;
    int rc;

    if (!json_is_array(order))
        return refuse(m, ERR_BADREQUEST, "invalid patch format of setElementOrder list");
    if ((had && !json_is_array(had)) || (add && !json_is_array(add)))
        return refuse(m, ERR_INVALID, "expected a list");
    if (!had && !add)
        return 0;
    rc = check_order(m, add, order, row ? row->key : NULL);
    if (rc == 0 && had && add)
        rc = merge_list(m, had, add, &merged);
    else if (rc == 0)
        merged = add ? clean(add) : json_incref(had);
    if (rc == 0)
        rc = reorder(m, merged, order, had, row ? row->key : NULL, &ordered);
    if (rc == 0)
        json_set(target, key, ordered);
    return rc;
}

static int order_lists(struct merge *m, json_t *target, const json_t *patch)
{
    const char *key;
    json_t *order;
    int rc = 0;

    json_object_foreach((json_t *)patch, key, order)
    {
        const char *name = key + sizeof(ORDER_LIST) - 1;
        size_t was;

        if (!str_starts(str_c(key), STR(ORDER_LIST)))
            continue;
        was = enter(m, name);
        rc = order_list(m, target, patch, name, order);
        leave(m, was);
        if (rc < 0)
            break;
    }
    return rc;
}

/* $deleteFromPrimitiveList: the target's list without the items named. */
static int delete_from_list(struct merge *m, json_t *target, const char *key, const json_t *gone)
{
    const json_t *list = json_object_get(target, key);

    if (!json_is_array(gone))
        return refuse(m, ERR_BADREQUEST, "invalid patch format of primitive list");
    if (json_is_array(list))
        json_set(target, key, without(list, gone, NULL));
    return 0;
}

/* Merges one member that is no directive. */
static int merge_member(struct merge *m, json_t *target, const char *key, const json_t *value)
{
    json_t *had = json_object_get(target, key);
    json_t *list;
    int rc;

    if (json_is_null(value)) {
        json_del(target, key);
        return 0;
    }
    if (json_is_object(had) && json_is_object(value))
        return merge_map(m, had, value);
    if (json_is_array(had) && json_is_array(value)) {
        rc = merge_list(m, had, value, &list);
        if (rc == 0)
            json_set(target, key, list);
        return rc;
    }
    take_over(target, key, value);
    return 0;
}

/* Whether a $setElementOrder of the patch has dealt with the list already. */
static bool is_ordered(const json_t *patch, const char *key)
{
    struct buf name = BUF_INIT(BUF_NO_LIMIT);
    bool found;

    buf_add_c(&name, ORDER_LIST);
    buf_add_c(&name, key);
    found = json_object_get(patch, buf_c(&name)) != NULL;
    buf_fini(&name);
    return found;
}

static int merge_members(struct merge *m, json_t *target, const json_t *patch)
{
    const char *key;
    json_t *value;
    int rc = 0;

    json_object_foreach((json_t *)patch, key, value)
    {
        bool gone = str_starts(str_c(key), STR(DELETE_LIST));
        const char *name = gone ? key + sizeof(DELETE_LIST) - 1 : key;
        size_t was;

        if (!gone && (is_directive(key) || is_ordered(patch, key)))
            continue;
        was = enter(m, name);
        rc = gone ? delete_from_list(m, target, name, value) : merge_member(m, target, name, value);
        leave(m, was);
        if (rc < 0)
            break;
    }
    return rc;
}

/* Merges a map of the patch into one of ours. */
static int merge_map(struct merge *m, json_t *target, const json_t *patch)
{
    const json_t *mark = json_object_get(patch, MARK);
    const char *key;
    json_t *value;
    int rc;

    if (mark) {
        bool replace = str_eq(json_str_of(mark), STR("replace"));

        if (!replace && !str_eq(json_str_of(mark), STR("delete")))
            return refuse(m, ERR_INVALID, "unknown patch type");
        (void)json_object_clear(target);
        json_object_foreach((json_t *)patch, key,
                            value) if (replace && !is_directive(key) && !json_is_null(value))
            take_over(target, key, value);
        return 0;
    }
    rc = retain_keys(m, target, patch);
    if (rc == 0)
        rc = order_lists(m, target, patch);
    return rc < 0 ? rc : merge_members(m, target, patch);
}

int jsonpatch_strategic(const json_t *target, const json_t *patch,
                        const struct jsonpatch_list *lists, size_t count, json_t **ret_value,
                        struct err *err)
{
    struct merge m = {.lists = lists, .count = count, .path = BUF_INIT(PATH_BYTES), .err = err};
    json_t *result JSON_OWNED = NULL;
    int rc;

    if (!json_is_object(target) || !json_is_object(patch))
        return err_set(err, ERR_BADREQUEST, "a strategic merge patch and its target are objects");
    result = json_clone(target);
    rc = merge_map(&m, result, patch);
    buf_fini(&m.path);
    if (rc == 0)
        *ret_value = TAKE(result);
    return rc;
}
