/*
 * What a CustomResourceDefinition may say (apiextensions-apiserver/pkg/apis/apiextensions/validation).
 *
 * What this server does not do (conversion by webhook, the scale subresource, selectable fields) is refused by
 * name instead of being ignored.
 */
#include "apiserver/colpath.h"
#include "apiserver/crd_priv.h"
#include "apiserver/meta.h"
#include "apiserver/schema.h"
#include "kube/object.h"

#define VERSIONS_MAX 32

struct check {
    const struct kind_request *r;
    const json_t *crd;
    struct field_errors *errors;
};

static void require(const struct check *c, struct str path, const char *why)
{
    if (why)
        field_errors_add(c->errors, FIELD_REQUIRED, path, NULL, "%s", why);
    else
        field_errors_add(c->errors, FIELD_REQUIRED, path, NULL, NULL);
}

static void refuse(const struct check *c, struct str path, const json_t *value, const char *why)
{
    field_errors_add(c->errors, FIELD_INVALID, path, value, "%s", why);
}

static void forbid(const struct check *c, struct str path, const char *why)
{
    field_errors_add(c->errors, FIELD_FORBIDDEN, path, NULL, "%s", why);
}

static struct str join(const struct check *c, struct str path, const char *member)
{
    return arena_fmt(c->r->arena, "%" STR_FMT ".%s", STR_ARG(path), member);
}

/* A name that must be a DNS label when its case is folded. */
static void check_label(const struct check *c, struct str path, struct str name)
{
    char *text = arena_cstr(c->r->arena, name);

    for (char *p = text; *p; p++)
        *p = str_lower_char(*p);
    if (!name.n)
        require(c, path, NULL);
    else
        meta_validate_name(KIND_NAME_LABEL_1035, path, str_c(text), c->errors);
}

static void check_list(const struct check *c, const json_t *list, const char *path)
{
    size_t i;
    json_t *v;

    json_array_foreach((json_t *)list, i, v)
        meta_validate_name(KIND_NAME_LABEL_1035, arena_fmt(c->r->arena, "%s[%zu]", path, i),
                           json_str_of(v), c->errors);
}

static void check_names(const struct check *c)
{
    const json_t *names = json_at(c->crd, "spec", "names", NULL);
    struct str plural = json_str(names, "plural");
    struct str group = json_str_at(c->crd, "spec", "group", NULL);
    struct str full =
        arena_fmt(c->r->arena, "%" STR_FMT ".%" STR_FMT, STR_ARG(plural), STR_ARG(group));

    if (!str_eq(kobj_name(c->crd), full))
        field_errors_add_str(c->errors, FIELD_INVALID, STR("metadata.name"), kobj_name(c->crd),
                             "must be spec.names.plural+\".\"+spec.group");
    if (!plural.n)
        require(c, STR("spec.names.plural"), NULL);
    else
        meta_validate_name(KIND_NAME_LABEL_1035, STR("spec.names.plural"), plural, c->errors);
    check_label(c, STR("spec.names.singular"), json_str(names, "singular"));
    check_label(c, STR("spec.names.kind"), json_str(names, "kind"));
    check_label(c, STR("spec.names.listKind"), json_str(names, "listKind"));
    if (json_str(names, "kind").n && str_eq(json_str(names, "kind"), json_str(names, "listKind")))
        refuse(c, STR("spec.names.listKind"), json_object_get(names, "listKind"),
               "kind and listKind may not be the same");
    check_list(c, json_object_get(names, "shortNames"), "spec.names.shortNames");
    check_list(c, json_object_get(names, "categories"), "spec.names.categories");
}

static bool is_protected(struct str group)
{
    return str_eq(group, STR("k8s.io")) || str_eq(group, STR("kubernetes.io")) ||
           str_ends(group, STR(".k8s.io")) || str_ends(group, STR(".kubernetes.io"));
}

static void check_group(const struct check *c)
{
    struct str group = json_str_at(c->crd, "spec", "group", NULL);
    struct str path = STR("spec.group");

    if (!group.n) {
        require(c, path, NULL);
        return;
    }
    meta_validate_name(KIND_NAME_SUBDOMAIN, path, group, c->errors);
    if (str_index(group, '.') < 0)
        field_errors_add_str(c->errors, FIELD_INVALID, path, group,
                             "should be a domain with at least one dot");
    if (is_protected(group) && !kobj_annotation(c->crd, "api-approved.kubernetes.io").n)
        require(
            c, STR("metadata.annotations[api-approved.kubernetes.io]"),
            "protected groups must have approval annotation \"api-approved.kubernetes.io\", see "
            "https://github.com/kubernetes/enhancements/pull/1111");
}

static void check_scope(const struct check *c)
{
    static const char *const SCOPES[] = {"Cluster", "Namespaced", NULL};
    struct str scope = json_str_at(c->crd, "spec", "scope", NULL);

    if (!scope.n)
        require(c, STR("spec.scope"), NULL);
    else if (!str_eq(scope, STR("Cluster")) && !str_eq(scope, STR("Namespaced")))
        field_errors_unsupported(c->errors, STR("spec.scope"), scope, SCOPES);
}

static void check_column(const struct check *c, const json_t *column, struct str path)
{
    static const char TYPES[] = "must be one of boolean,date,integer,number,string";
    static const char *const KNOWN[] = {"boolean", "date", "integer", "number", "string"};
    struct str type = json_str(column, "type");
    struct str json_path = json_str(column, "jsonPath");
    bool known = false;

    for (size_t i = 0; i < ARRAY_LEN(KNOWN); i++)
        known |= str_eq_c(type, KNOWN[i]);
    if (!json_str(column, "name").n)
        require(c, join(c, path, "name"), NULL);
    if (!type.n)
        require(c, join(c, path, "type"), TYPES);
    else if (!known)
        refuse(c, join(c, path, "type"), json_object_get(column, "type"), TYPES);
    if (!json_path.n)
        require(c, join(c, path, "JSONPath"), NULL);
    else if (!colpath_is_valid(json_path))
        refuse(c, join(c, path, "JSONPath"), json_object_get(column, "jsonPath"),
               "is not a simple json path");
}

static void check_schema(const struct check *c, const json_t *version, struct str path)
{
    const json_t *openapi = json_at(version, "schema", "openAPIV3Schema", NULL);
    struct schema *s = NULL;
    struct str at = join(c, path, "schema.openAPIV3Schema");

    if (!json_is_object(openapi)) {
        require(c, at, "schemas are required");
        return;
    }
    if (schema_compile(openapi, at, c->errors, &s) == 0)
        schema_unref(s);
}

static void check_version(const struct check *c, const json_t *version, struct str path)
{
    size_t i;
    json_t *column;

    meta_validate_name(KIND_NAME_LABEL_1035, join(c, path, "name"), json_str(version, "name"),
                       c->errors);
    check_schema(c, version, path);
    json_array_foreach(json_object_get(version, "additionalPrinterColumns"), i, column)
        check_column(
            c, column,
            arena_fmt(c->r->arena, "%" STR_FMT ".additionalPrinterColumns[%zu]", STR_ARG(path), i));
    if (json_is_object(json_at(version, "subresources", "scale", NULL)))
        forbid(c, join(c, path, "subresources.scale"),
               "this server does not support the scale subresource");
    if (json_array_size(json_object_get(version, "selectableFields")))
        forbid(c, join(c, path, "selectableFields"),
               "this server does not support selectable fields");
}

static bool is_repeated(const json_t *versions, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(json_str(json_array_get(versions, i), "name"),
                   json_str(json_array_get(versions, n), "name")))
            return true;
    }
    return false;
}

static void check_versions(const struct check *c)
{
    const json_t *versions = json_at(c->crd, "spec", "versions", NULL);
    size_t stored = 0, i;
    bool unique = true;
    json_t *v;

    if (json_array_size(versions) > VERSIONS_MAX) {
        field_errors_add(c->errors, FIELD_TOO_MANY, STR("spec.versions"), NULL,
                         "must have at most %d items", VERSIONS_MAX);
        return;
    }
    json_array_foreach((json_t *)versions, i, v)
    {
        stored += json_bool(v, "storage", false);
        unique &= !is_repeated(versions, i);
        check_version(c, v, arena_fmt(c->r->arena, "spec.versions[%zu]", i));
    }
    if (!unique)
        refuse(c, STR("spec.versions"), versions, "must contain unique version names");
    if (stored != 1)
        refuse(c, STR("spec.versions"), versions,
               "must have exactly one version marked as storage version");
}

static void check_rest(const struct check *c)
{
    static const char *const STRATEGIES[] = {"None", NULL};
    const json_t *spec = json_object_get(c->crd, "spec");
    struct str strategy = json_str_at(spec, "conversion", "strategy", NULL);

    if (json_bool(spec, "preserveUnknownFields", false))
        refuse(c, STR("spec.preserveUnknownFields"), json_object_get(spec, "preserveUnknownFields"),
               "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in "
               "spec.versions[*].schema instead");
    if (!strategy.n)
        require(c, STR("spec.conversion.strategy"), NULL);
    else if (!str_eq(strategy, STR("None")))
        field_errors_unsupported(c->errors, STR("spec.conversion.strategy"), strategy, STRATEGIES);
}

/* Every version in which objects were stored must still be there. */
static void check_stored(const struct check *c)
{
    size_t i, j;
    json_t *stored, *v;

    json_array_foreach(json_at(c->crd, "status", "storedVersions", NULL), i, stored)
    {
        bool found = false;
        json_array_foreach(json_at(c->crd, "spec", "versions", NULL), j, v) found |=
            str_eq(json_str(v, "name"), json_str_of(stored));
        if (!found)
            field_errors_add(
                c->errors, FIELD_INVALID, arena_fmt(c->r->arena, "status.storedVersions[%zu]", i),
                stored,
                "missing from spec.versions; %" STR_FMT
                " was previously a storage version, and must remain in spec.versions until a "
                "storage migration ensures no data remains persisted in %" STR_FMT
                " and removes %" STR_FMT " from status.storedVersions",
                STR_ARG(json_str_of(stored)), STR_ARG(json_str_of(stored)),
                STR_ARG(json_str_of(stored)));
    }
}

static void check_fixed(const struct check *c, const json_t *old, const char *path, const char *a,
                        const char *b)
{
    const json_t *was = json_at(old, "spec", a, b, NULL);
    const json_t *is = json_at(c->crd, "spec", a, b, NULL);

    if (was && !(is && json_equal(was, is)))
        refuse(c, str_c(path), is, "field is immutable");
}

void crd_validate(const struct kind_request *r, const json_t *object, const json_t *old,
                  struct field_errors *errors)
{
    struct check c = {.r = r, .crd = object, .errors = errors};

    check_names(&c);
    check_group(&c);
    check_scope(&c);
    check_versions(&c);
    check_rest(&c);
    if (!old)
        return;
    check_stored(&c);
    check_fixed(&c, old, "spec.group", "group", NULL);
    check_fixed(&c, old, "spec.names.plural", "names", "plural");
    if (crd_is_true(old, "Established")) {
        check_fixed(&c, old, "spec.scope", "scope", NULL);
        check_fixed(&c, old, "spec.names.kind", "names", "kind");
    }
}
