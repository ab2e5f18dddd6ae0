/*
 * Discovery in the plain form every API server has: /api/v1, /apis, and each preferred group version.
 *
 * A group that cannot be read (an aggregated API that is down) is left out: commands about other kinds must
 * work all the same.
 */
#include "kube/discovery.h"

#include "base/log.h"
#include "base/vec.h"

enum { GROUPS_MAX = 1000, RESOURCES_MAX = 20000 };

struct row {
    struct kube_resource resource;
    struct str api_version;
    struct str singular;
    struct str *short_names;
    size_t short_name_count;
};

struct discovery {
    struct arena *arena;
    struct VEC(struct row) rows;
};

static struct str copy(struct discovery *d, const json_t *o, const char *member)
{
    return arena_str(d->arena, json_str(o, member));
}

static void add_short_names(struct discovery *d, struct row *row, const json_t *names)
{
    const json_t *name;
    size_t i;

    if (!json_array_size(names))
        return;
    row->short_names = ARENA_ARRAY(d->arena, struct str, json_array_size(names));
    json_array_foreach(names, i, name)
    {
        row->short_names[i] = arena_str(d->arena, json_str_of(name));
    }
    row->short_name_count = json_array_size(names);
}

static void add_resource(struct discovery *d, struct str group, struct str version, const json_t *o)
{
    struct str name = json_str(o, "name");
    struct row row = {.singular = copy(d, o, "singularName")};

    /* "pods/log" is a part of another resource. */
    if (!name.n || str_index(name, '/') >= 0 || d->rows.n >= RESOURCES_MAX)
        return;
    row.resource = (struct kube_resource){
        .group = group,
        .version = version,
        .plural = arena_str(d->arena, name),
        .kind = copy(d, o, "kind"),
        .namespaced = json_bool(o, "namespaced", false),
    };
    row.api_version = kube_api_version(d->arena, &row.resource);
    add_short_names(d, &row, json_object_get(o, "shortNames"));
    VEC_PUSH(&d->rows, row);
}

static int load_version(struct kube_client *c, struct discovery *d, struct str path,
                        struct str group, struct str version, struct err *err)
{
    struct kube_request r = {.method = "GET", .path = path};
    json_t *list JSON_OWNED = NULL;
    const json_t *o;
    size_t i;
    int rc;

    rc = kube_do(c, &r, &list, err);
    if (rc < 0)
        return rc;
    json_array_foreach(json_object_get(list, "resources"), i, o)
    {
        add_resource(d, group, version, o);
    }
    return 0;
}

static void load_group(struct kube_client *c, struct discovery *d, const json_t *o)
{
    struct str group = copy(d, o, "name");
    struct str version = arena_str(d->arena, json_str_at(o, "preferredVersion", "version", NULL));
    struct buf path = BUF_INIT(1024);
    struct err err;

    if (!group.n || !version.n)
        return;
    buf_add_c(&path, "/apis/");
    url_encode(&path, group, "");
    buf_add_char(&path, '/');
    url_encode(&path, version, "");
    if (load_version(c, d, buf_str(&path), group, version, &err) < 0)
        log_warn("API group not readable", LOG_S("group", group), LOG_ERR(&err));
    buf_fini(&path);
}

int discovery_load(struct kube_client *c, struct discovery **ret_discovery, struct err *err)
{
    struct discovery *d CLEANUP(discovery_freep) = NEW(struct discovery);
    struct kube_request r = {.method = "GET", .path = STR("/apis")};
    json_t *groups JSON_OWNED = NULL;
    const json_t *group;
    size_t i;
    int rc;

    d->arena = arena_new();
    rc = load_version(c, d, STR("/api/v1"), STR(""), STR("v1"), err);
    if (rc == 0)
        rc = kube_do(c, &r, &groups, err);
    if (rc < 0)
        return err_wrap(err, rc, "read the API server's resources");
    json_array_foreach(json_object_get(groups, "groups"), i, group)
    {
        if (i < GROUPS_MAX)
            load_group(c, d, group);
    }
    *ret_discovery = TAKE(d);
    return 0;
}

void discovery_free(struct discovery *d)
{
    if (!d)
        return;
    VEC_FINI(&d->rows);
    arena_free(d->arena);
    free(d);
}

const struct kube_resource *discovery_by_kind(const struct discovery *d, struct str api_version,
                                              struct str kind)
{
    VEC_EACH(&d->rows, row)
    {
        if (str_eq(row->resource.kind, kind) && str_eq(row->api_version, api_version))
            return &row->resource;
    }
    return NULL;
}

static bool is_plural(const struct row *row, struct str name)
{
    return str_eq_nocase(row->resource.plural, name);
}

static bool is_singular(const struct row *row, struct str name)
{
    return str_eq_nocase(row->resource.kind, name) ||
           (row->singular.n && str_eq_nocase(row->singular, name));
}

static bool is_short(const struct row *row, struct str name)
{
    for (size_t i = 0; i < row->short_name_count; i++) {
        if (str_eq_nocase(row->short_names[i], name))
            return true;
    }
    return false;
}

/* "group" or "version.group"; `any` when none was typed. */
static bool is_group(const struct row *row, struct str group, bool any)
{
    struct str version;

    if (any || str_eq_nocase(row->resource.group, group))
        return true;
    version = str_cut(&group, '.');
    return str_eq_nocase(row->resource.version, version) &&
           str_eq_nocase(row->resource.group, group);
}

const struct kube_resource *discovery_by_name(const struct discovery *d, struct str name)
{
    static bool (*const MATCHES[])(const struct row *row, struct str name) = {
        is_plural,
        is_singular,
        is_short,
    };
    struct str group = name;
    struct str wanted = str_cut(&group, '.');
    bool any_group = group.p == NULL;

    if (!wanted.n)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(MATCHES); i++) {
        VEC_EACH(&d->rows, row)
        {
            if (MATCHES[i](row, wanted) && is_group(row, group, any_group))
                return &row->resource;
        }
    }
    return NULL;
}
