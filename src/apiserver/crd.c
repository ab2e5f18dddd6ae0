/*
 * CustomResourceDefinitions as rows of the resource table.
 *
 * The table follows what is committed: the rows of a definition exist while its condition Established is
 * True and it exists itself, also while it is being deleted, so that its objects can be released.  A change of the
 * specification replaces the rows; operations in flight keep the row they began with.
 */
#include "apiserver/crd.h"

#include "apiserver/crd_priv.h"
#include "apiserver/schema.h"
#include "apiserver/server.h"
#include "kube/object.h"

const struct kind *crd_kind(const struct apiserver *server)
{
    return kinds_find(server->kinds, STR(CRD_GROUP), STR("v1"), STR("customresourcedefinitions"));
}

struct crds *crd_new(struct apiserver *server)
{
    struct crds *c = NEW(struct crds);

    c->server = server;
    c->pending = map_new();
    crd_status_start(c);
    return c;
}

void crd_free(struct crds *c)
{
    if (!c)
        return;
    crd_status_stop(c);
    map_free(c->pending);
    free(c);
}

bool crd_is_true(const json_t *crd, const char *condition)
{
    return str_eq(json_str(kobj_condition(crd, condition), "status"), STR("True"));
}

/* --- hooks */

static void lower(struct str s, struct buf *out)
{
    for (size_t i = 0; i < s.n; i++)
        buf_add_char(out, str_lower_char(s.p[i]));
}

static void set_defaults(json_t *object)
{
    struct buf text CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);
    json_t *names = json_at(object, "spec", "names", NULL);
    struct str kind = json_str(names, "kind");

    if (!json_is_object(names) || !kind.n)
        return;
    if (!json_str(names, "singular").n) {
        lower(kind, &text);
        json_set_str(names, "singular", buf_str(&text));
    }
    if (!json_str(names, "listKind").n) {
        buf_reset(&text);
        buf_add_str(&text, kind);
        buf_add_c(&text, "List");
        json_set_str(names, "listKind", buf_str(&text));
    }
}

static struct str storage_version(const json_t *object)
{
    size_t i;
    json_t *v;

    json_array_foreach(json_at(object, "spec", "versions", NULL), i, v)
    {
        if (json_bool(v, "storage", false))
            return json_str(v, "name");
    }
    return STR_NONE;
}

static bool has_string(const json_t *list, struct str s)
{
    size_t i;
    json_t *v;

    json_array_foreach((json_t *)list, i, v)
    {
        if (str_eq(json_str_of(v), s))
            return true;
    }
    return false;
}

/* Adds the storage version to status.storedVersions. */
static void note_stored(json_t *object)
{
    json_t *status = json_object_at(object, "status");
    struct str version = storage_version(object);

    if (!json_is_array(json_object_get(status, "storedVersions")))
        json_set(status, "storedVersions", json_array());
    json_t *list = json_object_get(status, "storedVersions");
    if (version.n && !has_string(list, version))
        json_array_append_new(list, json_from_str(version));
}

static void prepare_create(const struct kind_request *r, json_t *object)
{
    json_t *status = json_object();
    json_t *accepted = json_object();

    set_defaults(object);
    json_set_str(accepted, "plural", STR(""));
    json_set_str(accepted, "kind", STR(""));
    json_set(status, "acceptedNames", accepted);
    json_set(status, "conditions", json_array());
    json_set(object, "status", status);
    note_stored(object);
}

static void prepare_update(const struct kind_request *r, json_t *object, const json_t *old)
{
    set_defaults(object);
    if (!r->subresource.n)
        note_stored(object);
}

/* The objects of the definition go first. */
static void prepare_delete(const struct kind_request *r, json_t *object)
{
    json_t *meta = json_object_at(object, "metadata");
    struct kube_condition terminating = {.type = "Terminating",
                                         .status = "True",
                                         .reason = STR("InstanceDeletionPending"),
                                         .message =
                                             STR("CustomResourceDefinition marked for deletion; "
                                                 "CustomResource deletion will begin soon")};

    if (!json_is_array(json_object_get(meta, "finalizers")))
        json_set(meta, "finalizers", json_array());
    if (!kobj_has_finalizer(object, CRD_FINALIZER))
        json_array_append_new(json_object_get(meta, "finalizers"), json_string(CRD_FINALIZER));
    kobj_set_condition(object, &terminating, r->wall_us);
}

/* --- rows */

static const struct str *copy_names(struct arena *a, const json_t *list, size_t *ret_count)
{
    size_t n = json_array_size(list);
    struct str *names = ARENA_ARRAY(a, struct str, n);

    for (size_t i = 0; i < n; i++)
        names[i] = arena_str(a, json_str_of(json_array_get(list, i)));
    *ret_count = n;
    return names;
}

static const struct kind_column *copy_columns(struct arena *a, const json_t *list,
                                              size_t *ret_count)
{
    size_t n = json_array_size(list);
    struct kind_column *columns = ARENA_ARRAY(a, struct kind_column, n);

    for (size_t i = 0; i < n; i++) {
        const json_t *c = json_array_get(list, i);
        columns[i] = (struct kind_column){
            .name = arena_cstr(a, json_str(c, "name")),
            .type = arena_cstr(a, json_str(c, "type")),
            .format = arena_cstr(a, json_str(c, "format")),
            .description = arena_cstr(a, json_str(c, "description")),
            .priority = (int)json_int(c, "priority", 0),
            .json_path = arena_cstr(a, json_str(c, "jsonPath")),
        };
    }
    *ret_count = n;
    return columns;
}

/* The schema of a version; NULL (everything is kept) when it does not compile, which validation prevents. */
static struct schema *compile_schema(struct arena *a, const json_t *version)
{
    struct field_errors errors CLEANUP(field_errors_fini);
    const json_t *openapi = json_at(version, "schema", "openAPIV3Schema", NULL);
    struct schema *s = NULL;

    field_errors_init(&errors, a);
    if (!openapi || schema_compile(openapi, STR("schema"), &errors, &s) < 0)
        return NULL;
    return s;
}

static void add_row(struct apiserver *server, const json_t *crd, const json_t *version)
{
    const json_t *spec = json_object_get(crd, "spec");
    const json_t *names = json_object_get(spec, "names");
    struct arena *a = arena_new();
    struct kind row = {
        .group = arena_str(a, json_str(spec, "group")),
        .version = arena_str(a, json_str(version, "name")),
        .plural = arena_str(a, json_str(names, "plural")),
        .singular = arena_str(a, json_str(names, "singular")),
        .kind = arena_str(a, json_str(names, "kind")),
        .list_kind = arena_str(a, json_str(names, "listKind")),
        .namespaced = str_eq(json_str(spec, "scope"), STR("Namespaced")),
        .is_custom = true,
        .has_status = json_is_object(json_at(version, "subresources", "status", NULL)),
        .has_generation = true,
        .verbs = KIND_VERBS_ALL,
        .schema = compile_schema(a, version),
        .arena = a,
    };

    row.short_names = copy_names(a, json_object_get(names, "shortNames"), &row.short_name_count);
    row.categories = copy_names(a, json_object_get(names, "categories"), &row.category_count);
    row.columns =
        copy_columns(a, json_object_get(version, "additionalPrinterColumns"), &row.column_count);
    kinds_add(server->kinds, &row);
}

static bool is_served(const json_t *crd)
{
    return crd && crd_is_true(crd, "Established");
}

static bool serves_version(const json_t *crd, struct str name)
{
    size_t i;
    json_t *v;

    json_array_foreach(json_at(crd, "spec", "versions", NULL), i, v)
    {
        if (str_eq(json_str(v, "name"), name))
            return json_bool(v, "served", false);
    }
    return false;
}

/* Removes the rows of `old` that `now` (may be NULL) has no longer. */
static void remove_rows(struct apiserver *server, const json_t *old, const json_t *now)
{
    struct str group = json_str_at(old, "spec", "group", NULL);
    struct str plural = json_str_at(old, "spec", "names", "plural", NULL);
    size_t i;
    json_t *v;

    json_array_foreach(json_at(old, "spec", "versions", NULL), i, v)
    {
        struct str name = json_str(v, "name");
        if (!now || !serves_version(now, name))
            kinds_remove(server->kinds, group, name, plural);
    }
}

static void add_rows(struct apiserver *server, const json_t *crd)
{
    size_t i;
    json_t *v;

    json_array_foreach(json_at(crd, "spec", "versions", NULL), i, v)
    {
        if (json_bool(v, "served", false))
            add_row(server, crd, v);
    }
}

static bool is_same_spec(const json_t *a, const json_t *b)
{
    return json_equal(json_object_get(a, "spec"), json_object_get(b, "spec"));
}

static void after_commit(struct apiserver *server, const json_t *old, const json_t *now)
{
    struct crds *c = server->crds;
    bool was = is_served(old), is = is_served(now);

    if (was && !(is && is_same_spec(old, now)))
        remove_rows(server, old, is ? now : NULL);
    if (is && !(was && is_same_spec(old, now)))
        add_rows(server, now);
    if (!old || !kobj_is_deleting(old))
        c->deleting += now && kobj_is_deleting(now);
    else
        c->deleting -= !now;
    crd_status_enqueue(c, kobj_name(now ? now : old));
}

const struct kind_hooks crd_hooks = {
    .prepare_create = prepare_create,
    .prepare_update = prepare_update,
    .prepare_delete = prepare_delete,
    .validate = crd_validate,
    .after_commit = after_commit,
};
