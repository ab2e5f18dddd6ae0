/*
 * Patches: the input is a JSON list [target, patch, third].  Every patch form is applied; none may change
 * its inputs, results keep the nesting limit, and the three-way patch from an object to another, merged
 * into the first, gives the second.
 */
#include "codec/jsonpatch.h"

#include "codec/jsonpatch_priv.h"

static const struct jsonpatch_list LISTS[] = {
    {"l", "name"}, {"l.l", "name"}, {"set", NULL}, {"m.l", "k"}, {"m.set", NULL},
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static bool has_null(const json_t *v)
{
    const char *key;
    json_t *item;
    size_t i;

    if (json_is_null(v))
        return true;
    json_object_foreach((json_t *)v, key, item) if (has_null(item)) return true;
    json_array_foreach(v, i, item) if (has_null(item)) return true;
    return false;
}

/* A value that is written is read the same, and drops the reference. */
static void check_result(json_t *v)
{
    json_t *again = NULL;
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    struct err err;
    int rc;

    json_format(v, &b);
    rc = json_parse(buf_str(&b), &again, &err);
    ASSERT(rc == 0 && json_equal(v, again));
    json_decref(again);
    json_decref(v);
    buf_fini(&b);
}

static void check_three_way(const json_t *from, const json_t *to)
{
    json_t *patch, *result;

    if (!json_is_object(from) || !json_is_object(to) || has_null(to))
        return;
    patch = jsonpatch_three_way(from, to, from);
    result = jsonpatch_merge(from, patch);
    ASSERT(jsonpatch_equal(result, to));
    json_decref(result);
    json_decref(patch);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    json_t *all JSON_OWNED = NULL;
    json_t *before JSON_OWNED = NULL;
    const json_t *target, *patch;
    json_t *result;
    struct err err;

    if (json_parse(str_n(bytes, n), &all, &err) < 0 || json_array_size(all) < 2)
        return 0;
    before = json_clone(all);
    target = json_array_get(all, 0);
    patch = json_array_get(all, 1);
    if (jsonpatch_apply(target, patch, &result, &err) == 0)
        check_result(result);
    if (jsonpatch_strategic(target, patch, LISTS, ARRAY_LEN(LISTS), &result, &err) == 0)
        check_result(result);
    check_result(jsonpatch_merge(target, patch));
    check_result(jsonpatch_three_way(json_array_get(all, 2), patch, target));
    check_three_way(target, patch);
    ASSERT(json_equal(all, before));
    return 0;
}
