/*
 * Metadata: what the server sets, and the shape clients may send.
 */
#include "apiserver/meta.h"

#include "apiserver/status.h"
#include "base/time.h"
#include "crypto/random.h"
#include "kube/object.h"

enum shape {
    SHAPE_STRING,
    SHAPE_INT,
    SHAPE_STRING_MAP,
    SHAPE_STRING_LIST,
    SHAPE_OWNERS,
    SHAPE_ANY
};

static const struct {
    const char *name;
    enum shape shape;
    const char *go_type; /* for the error text */
} MEMBERS[] = {
    {"name", SHAPE_STRING, "string"},
    {"generateName", SHAPE_STRING, "string"},
    {"namespace", SHAPE_STRING, "string"},
    {"selfLink", SHAPE_STRING, "string"},
    {"uid", SHAPE_STRING, "types.UID"},
    {"resourceVersion", SHAPE_STRING, "string"},
    {"generation", SHAPE_INT, "int64"},
    {"creationTimestamp", SHAPE_STRING, "time.Time"},
    {"deletionTimestamp", SHAPE_STRING, "time.Time"},
    {"deletionGracePeriodSeconds", SHAPE_INT, "int64"},
    {"labels", SHAPE_STRING_MAP, "map[string]string"},
    {"annotations", SHAPE_STRING_MAP, "map[string]string"},
    {"finalizers", SHAPE_STRING_LIST, "[]string"},
    {"ownerReferences", SHAPE_OWNERS, "[]v1.OwnerReference"},
    {"managedFields", SHAPE_ANY, ""},
};

static const struct {
    const char *name;
    json_type type;
} OWNER_MEMBERS[] = {
    {"apiVersion", JSON_STRING}, {"kind", JSON_STRING},     {"name", JSON_STRING},
    {"uid", JSON_STRING},        {"controller", JSON_TRUE}, {"blockOwnerDeletion", JSON_TRUE},
};

static bool is_string_map(const json_t *v)
{
    const char *key;
    json_t *item;

    if (!json_is_object(v))
        return false;
    json_object_foreach((json_t *)v, key, item)
    {
        if (!json_is_string(item))
            return false;
    }
    return true;
}

static bool is_string_list(const json_t *v)
{
    size_t i;
    json_t *item;

    if (!json_is_array(v))
        return false;
    json_array_foreach(v, i, item)
    {
        if (!json_is_string(item))
            return false;
    }
    return true;
}

static bool is_owner_list(const json_t *v)
{
    size_t i;
    json_t *item;

    if (!json_is_array(v))
        return false;
    json_array_foreach(v, i, item)
    {
        if (!json_is_object(item))
            return false;
        for (size_t m = 0; m < ARRAY_LEN(OWNER_MEMBERS); m++) {
            json_t *x = json_object_get(item, OWNER_MEMBERS[m].name);
            if (x && !json_is_null(x) && json_typeof(x) != OWNER_MEMBERS[m].type &&
                !(OWNER_MEMBERS[m].type == JSON_TRUE && json_is_false(x)))
                return false;
        }
    }
    return true;
}

static bool has_shape(const json_t *v, enum shape shape)
{
    switch (shape) {
    case SHAPE_STRING:
        return json_is_string(v);
    case SHAPE_INT:
        return json_is_integer(v);
    case SHAPE_STRING_MAP:
        return is_string_map(v);
    case SHAPE_STRING_LIST:
        return is_string_list(v);
    case SHAPE_OWNERS:
        return is_owner_list(v);
    case SHAPE_ANY:
        break;
    }
    return true;
}

static int find_member(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(MEMBERS); i++)
        if (str_eq_c(str_c(MEMBERS[i].name), name))
            return (int)i;
    return -1;
}

static void note_unknown(json_t *unknown, const char *name)
{
    struct buf path CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);

    if (!unknown || json_array_size(unknown) >= FIELD_MAX_ERRORS)
        return;
    buf_addf(&path, "metadata.%s", name);
    json_array_append_new(unknown, json_from_str(buf_str(&path)));
}

int meta_shape(json_t *object, json_t *unknown, json_t **ret_status)
{
    json_t *meta = json_object_get(object, "metadata");
    const char *name;
    json_t *v;
    void *tmp;

    if (!meta || json_is_null(meta)) {
        json_object_at(object, "metadata");
        return 0;
    }
    if (!json_is_object(meta))
        return status_set(ret_status, ERR_BADREQUEST, "metadata must be an object");
    json_object_foreach_safe(meta, tmp, name, v)
    {
        int m = find_member(name);
        if (m < 0)
            note_unknown(unknown, name);
        if (m < 0 || json_is_null(v))
            json_object_del(meta, name);
        else if (!has_shape(v, MEMBERS[m].shape))
            return status_set(ret_status, ERR_BADREQUEST,
                              "metadata.%s: cannot be read as a value of type %s", MEMBERS[m].name,
                              MEMBERS[m].go_type);
    }
    json_object_del(meta, "managedFields");
    json_object_del(meta, "selfLink");
    return 0;
}

struct str meta_make_name(struct arena *a, struct str base)
{
    /* As k8s.io/apiserver/pkg/storage/names: no vowels, nothing that looks like another letter. */
    static const char LETTERS[] = "bcdfghjklmnpqrstvwxz2456789";
    char suffix[6] = {0};

    for (size_t i = 0; i < sizeof(suffix) - 1; i++)
        suffix[i] = LETTERS[random_below(sizeof(LETTERS) - 1)];
    return arena_fmt(a, "%" STR_FMT "%s", STR_ARG(str_head(base, META_GENERATE_NAME_MAX)), suffix);
}

void meta_prepare_create(const struct kind_request *r, json_t *object)
{
    char time[TIME_RFC3339_BYTES];
    char uid[RANDOM_UUID_BYTES];
    json_t *meta = json_object_at(object, "metadata");

    json_del(meta, "resourceVersion");
    json_del(meta, "deletionTimestamp");
    json_del(meta, "deletionGracePeriodSeconds");
    json_del(meta, "generation");
    json_set_str(meta, "uid", str_c(random_uuid(uid)));
    json_set_str(meta, "creationTimestamp", str_c(time_format_s(r->wall_us, time)));
    if (r->kind->has_generation)
        json_set(meta, "generation", json_integer(1));
    if (r->kind->namespaced)
        json_set_str(meta, "namespace", r->ns);
    else
        json_del(meta, "namespace");
}

/* Makes a metadata member as it is in the old object. */
static void keep(json_t *meta, const json_t *old_meta, const char *name)
{
    json_t *v = json_object_get(old_meta, name);

    if (v)
        json_object_set(meta, name, v);
    else
        json_object_del(meta, name);
}

void meta_prepare_update(const struct kind_request *r, json_t *object, const json_t *old)
{
    static const char *const KEPT[] = {
        "name",       "namespace",         "generateName",      "uid",
        "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
    };
    json_t *meta = json_object_at(object, "metadata");
    const json_t *old_meta = json_object_get(old, "metadata");

    for (size_t i = 0; i < ARRAY_LEN(KEPT); i++)
        keep(meta, old_meta, KEPT[i]);
}

/* Whether the objects differ in a member other than metadata and status. */
static bool differs_in_spec(const json_t *a, const json_t *b)
{
    const char *name;
    json_t *v;

    json_object_foreach((json_t *)a, name, v)
    {
        struct str n = str_c(name);
        if (str_eq(n, STR("metadata")) || str_eq(n, STR("status")) ||
            str_eq(n, STR("apiVersion")) || str_eq(n, STR("kind")))
            continue;
        const json_t *w = json_object_get(b, name);
        if (!w || !json_equal(v, w))
            return true;
    }
    return false;
}

void meta_bump_generation(const struct kind *k, json_t *object, const json_t *old)
{
    if (!k->has_generation || (!differs_in_spec(object, old) && !differs_in_spec(old, object)))
        return;
    json_set(json_object_at(object, "metadata"), "generation",
             json_integer(kobj_generation(old) + 1));
}

void meta_mark_deleted(json_t *object, int64_t wall_us)
{
    char time[TIME_RFC3339_BYTES];
    json_t *meta = json_object_at(object, "metadata");
    int64_t generation = json_int(meta, "generation", 0);

    json_set_str(meta, "deletionTimestamp", str_c(time_format_s(wall_us, time)));
    json_set(meta, "deletionGracePeriodSeconds", json_integer(0));
    if (generation > 0)
        json_set(meta, "generation", json_integer(generation + 1));
}
