/*
 * Checks of metadata, with the texts of k8s.io/apimachinery/pkg/api/validation.
 */
#include "apiserver/meta.h"

#include "kube/object.h"
#include "lang/selector.h"

#define SUBDOMAIN_TEXT                                                                             \
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "   \
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "  \
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
#define LABEL_TEXT                                                                                 \
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "   \
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex "     \
    "used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
#define LABEL_1035_TEXT                                                                            \
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "   \
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or "           \
    "'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_lower_or_digit(char c)
{
    return is_lower(c) || (c >= '0' && c <= '9');
}

static bool is_label(struct str s)
{
    if (!s.n || !is_lower_or_digit(s.p[0]) || !is_lower_or_digit(s.p[s.n - 1]))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!is_lower_or_digit(s.p[i]) && s.p[i] != '-')
            return false;
    return true;
}

static bool is_subdomain(struct str s)
{
    if (!s.n)
        return false;
    while (s.p)
        if (!is_label(str_cut(&s, '.')))
            return false;
    return true;
}

static void check_path_segment(struct str path, struct str name, struct field_errors *errors)
{
    if (str_eq(name, STR(".")) || str_eq(name, STR("..")))
        field_errors_add_str(errors, FIELD_INVALID, path, name, "may not be '%" STR_FMT "'",
                             STR_ARG(name));
    if (str_index(name, '/') >= 0)
        field_errors_add_str(errors, FIELD_INVALID, path, name, "may not contain '/'");
    if (str_index(name, '%') >= 0)
        field_errors_add_str(errors, FIELD_INVALID, path, name, "may not contain '%%'");
}

void meta_validate_name(enum kind_name_rule rule, struct str path, struct str name,
                        struct field_errors *errors)
{
    static const struct {
        size_t max;
        bool (*is_valid)(struct str s);
        const char *text;
    } RULES[] = {
        [KIND_NAME_SUBDOMAIN] = {253, is_subdomain, SUBDOMAIN_TEXT},
        [KIND_NAME_LABEL] = {63, is_label, LABEL_TEXT},
        [KIND_NAME_LABEL_1035] = {63, is_label, LABEL_1035_TEXT},
    };

    if (rule == KIND_NAME_PATH_SEGMENT) {
        check_path_segment(path, name, errors);
        return;
    }
    if (!RULES[rule].is_valid(name) || (rule == KIND_NAME_LABEL_1035 && !is_lower(name.p[0])))
        field_errors_add_str(errors, FIELD_INVALID, path, name, "%s", RULES[rule].text);
    if (name.n > RULES[rule].max)
        field_errors_add_str(errors, FIELD_INVALID, path, name,
                             "must be no more than %zu characters", RULES[rule].max);
}

static void check_labels(const json_t *labels, struct field_errors *errors)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)labels, key, v)
    {
        struct buf why CLEANUP(buf_fini) = BUF_INIT(4096);
        if (!selector_key_check(str_c(key), &why))
            field_errors_add_str(errors, FIELD_INVALID, STR("metadata.labels"), str_c(key), "%s",
                                 buf_c(&why));
        buf_reset(&why);
        if (!selector_value_check(json_str_of(v), &why))
            field_errors_add(errors, FIELD_INVALID, STR("metadata.labels"), v, "%s", buf_c(&why));
    }
}

/* Annotation keys are qualified names as well, but case does not matter. */
static void check_annotations(const json_t *annotations, struct field_errors *errors)
{
    const char *key;
    json_t *v;
    size_t total = 0;

    json_object_foreach((json_t *)annotations, key, v)
    {
        struct buf why CLEANUP(buf_fini) = BUF_INIT(4096);
        struct buf lower CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);
        struct str k = str_c(key);
        for (size_t i = 0; i < k.n; i++)
            buf_add_char(&lower, str_lower_char(k.p[i]));
        if (!selector_key_check(buf_str(&lower), &why))
            field_errors_add_str(errors, FIELD_INVALID, STR("metadata.annotations"), k, "%s",
                                 buf_c(&why));
        total += k.n + json_string_length(v);
    }
    if (total > META_ANNOTATIONS_MAX_BYTES)
        field_errors_add(errors, FIELD_TOO_LONG, STR("metadata.annotations"), NULL,
                         "may not be more than %d bytes", META_ANNOTATIONS_MAX_BYTES);
}

static void check_finalizers(const json_t *finalizers, const json_t *old,
                             struct field_errors *errors)
{
    size_t i;
    json_t *v;

    json_array_foreach(finalizers, i, v)
    {
        struct buf why CLEANUP(buf_fini) = BUF_INIT(4096);
        struct str name = json_str_of(v);
        char *text CLEANUP(freep) = str_dup(name);
        if (!selector_key_check(name, &why))
            field_errors_add(errors, FIELD_INVALID, STR("metadata.finalizers"), v, "%s",
                             buf_c(&why));
        if (old && kobj_is_deleting(old) && !kobj_has_finalizer(old, text))
            field_errors_add(errors, FIELD_FORBIDDEN, STR("metadata.finalizers"), NULL,
                             "no new finalizers can be added if the object is being deleted, found "
                             "new finalizers []string{\"%s\"}",
                             text);
    }
}

static void check_owner(const json_t *owner, struct str path, struct arena *a,
                        struct field_errors *errors)
{
    static const char *const REQUIRED[] = {"apiVersion", "kind", "name", "uid"};

    for (size_t i = 0; i < ARRAY_LEN(REQUIRED); i++)
        if (!json_str(owner, REQUIRED[i]).n)
            field_errors_add(errors, FIELD_INVALID,
                             arena_fmt(a, "%" STR_FMT ".%s", STR_ARG(path), REQUIRED[i]),
                             json_object_get(owner, REQUIRED[i]), "must not be empty");
}

static void check_owners(const json_t *owners, struct arena *a, struct field_errors *errors)
{
    size_t i;
    size_t controllers = 0;
    json_t *v;

    json_array_foreach(owners, i, v)
    {
        check_owner(v, arena_fmt(a, "metadata.ownerReferences[%zu]", i), a, errors);
        controllers += json_bool(v, "controller", false);
    }
    if (controllers > 1)
        field_errors_add(errors, FIELD_INVALID, STR("metadata.ownerReferences"), owners,
                         "Only one reference can have Controller set to true. Found \"true\" in "
                         "%zu references",
                         controllers);
}

void meta_validate(const struct kind_request *r, const json_t *object, const json_t *old,
                   struct field_errors *errors)
{
    const json_t *meta = json_object_get(object, "metadata");
    struct str name = json_str(meta, "name");

    if (!name.n)
        field_errors_add(errors, FIELD_REQUIRED, STR("metadata.name"), NULL,
                         "name or generateName is required");
    else if (!old)
        meta_validate_name(r->kind->name_rule, STR("metadata.name"), name, errors);
    if (!old && r->kind->namespaced)
        meta_validate_name(KIND_NAME_LABEL, STR("metadata.namespace"), r->ns, errors);
    check_labels(json_object_get(meta, "labels"), errors);
    check_annotations(json_object_get(meta, "annotations"), errors);
    check_finalizers(json_object_get(meta, "finalizers"), old, errors);
    check_owners(json_object_get(meta, "ownerReferences"), r->arena, errors);
}
