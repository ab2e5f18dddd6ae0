/*
 * JSON Merge Patch (RFC 7386): applying one, and computing the one of a three-way apply.
 */
#include "codec/jsonpatch.h"

#include "codec/jsonpatch_priv.h"

/* Merges `patch` into an object of our own. */
static void merge_into(json_t *target, const json_t *patch)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)patch, key, value)
    {
        if (json_is_null(value))
            json_del(target, key);
        else if (json_is_object(value))
            merge_into(json_object_at(target, key), value);
        else
            json_set(target, key, json_clone(value));
    }
}

json_t *jsonpatch_merge(const json_t *target, const json_t *patch)
{
    json_t *result;

    if (!json_is_object(patch))
        return json_clone(patch);
    result = json_is_object(target) ? json_clone(target) : json_object();
    merge_into(result, patch);
    return result;
}

/* Adds to `patch` what makes the member `key` of `live` be `wanted`. */
static void diff_member(json_t *patch, const char *key, const json_t *last, const json_t *wanted,
                        const json_t *live)
{
    json_t *inner;

    if (!live) {
        if (!json_is_null(wanted))
            json_set(patch, key, json_clone(wanted));
        return;
    }
    if (!json_is_object(wanted) || !json_is_object(live)) {
        if (!jsonpatch_equal(wanted, live))
            json_set(patch, key, json_clone(wanted));
        return;
    }
    inner = jsonpatch_three_way(last, wanted, live);
    if (json_object_size(inner) > 0)
        json_set(patch, key, inner);
    else
        json_decref(inner);
}

json_t *jsonpatch_three_way(const json_t *last, const json_t *modified, const json_t *live)
{
    json_t *patch = json_object();
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)modified, key, value)
        diff_member(patch, key, json_object_get(last, key), value, json_object_get(live, key));
    json_object_foreach((json_t *)last, key,
                        value) if (!json_object_get(modified, key) && json_object_get(live, key))
        json_set(patch, key, json_null());
    return patch;
}
