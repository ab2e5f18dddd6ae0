/*
 * The query of lists and watches, and what its selectors match.
 */
#include "apiserver/list.h"

#include "apiserver/status.h"
#include "codec/url.h"
#include "kube/object.h"

#define FIELDS_MAX 32
#define TIMEOUT_MAX_S (24 * 3600)

static int invalid_option(json_t **ret_status, const char *field, const char *why)
{
    return status_set(ret_status, ERR_INVALID, "ListOptions.meta.k8s.io \"\" is invalid: %s: %s",
                      field, why);
}

static int parse_bool(struct str s, bool *ret_value)
{
    if (str_eq(s, STR("true")) || str_eq(s, STR("1")) || str_eq(s, STR("t")))
        *ret_value = true;
    else if (str_eq(s, STR("false")) || str_eq(s, STR("0")) || str_eq(s, STR("f")) || !s.n)
        *ret_value = false;
    else
        return -ERR_INVALID;
    return 0;
}

static int parse_labels(struct str text, struct list_options *o, json_t **ret_status)
{
    struct err err = {0};

    if (!text.n)
        return 0;
    selector_free(o->labels);
    o->labels = NULL;
    if (selector_parse_labels(text, &o->labels, &err) < 0)
        return status_set(ret_status, ERR_BADREQUEST, "unable to parse requirement: %s", err.msg);
    return 0;
}

static int parse_fields(const struct kind *k, struct str text, struct list_options *o,
                        json_t **ret_status)
{
    const char *names[FIELDS_MAX] = {"metadata.name", "metadata.namespace"};
    struct err err = {0};
    int rc;

    if (!text.n)
        return 0;
    for (size_t i = 0; i < k->field_count && i < FIELDS_MAX - 3; i++)
        names[i + 2] = k->fields[i].name;
    selector_free(o->fields);
    o->fields = NULL;
    rc = selector_parse_fields(text, &o->fields, &err);
    if (rc == 0)
        rc = selector_check_fields(o->fields, names, &err);
    return rc < 0 ? status_set(ret_status, ERR_BADREQUEST, "%s", err.msg) : 0;
}

static int parse_match(struct str value, struct list_options *o, json_t **ret_status)
{
    if (str_eq(value, STR("Exact")))
        o->match = LIST_MATCH_EXACT;
    else if (str_eq(value, STR("NotOlderThan")))
        o->match = LIST_MATCH_NOT_OLDER_THAN;
    else if (value.n)
        return invalid_option(ret_status, "resourceVersionMatch", "Unsupported value");
    return 0;
}

static int parse_number(const char *name, struct str value, uint64_t max, uint64_t *field,
                        json_t **ret_status)
{
    if (value.n && str_to_u64(value, max, field) < 0)
        return status_set(ret_status, ERR_BADREQUEST, "%s: \"%" STR_FMT "\" is not a valid number",
                          name, STR_ARG(str_head(value, 64)));
    return 0;
}

/* One name=value of the query; names that lists do not know are ignored, as Kubernetes does. */
static int parse_option(const struct kind *k, struct str name, struct str value,
                        struct list_options *o, json_t **ret_status)
{
    int rc = 0;

    if (str_eq(name, STR("labelSelector")))
        return parse_labels(value, o, ret_status);
    if (str_eq(name, STR("fieldSelector")))
        return parse_fields(k, value, o, ret_status);
    if (str_eq(name, STR("limit")))
        return parse_number("limit", value, INT64_MAX, &o->limit, ret_status);
    if (str_eq(name, STR("timeoutSeconds")))
        return parse_number("timeoutSeconds", value, INT64_MAX, &o->timeout_s, ret_status);
    if (str_eq(name, STR("resourceVersionMatch")))
        return parse_match(value, o, ret_status);
    if (str_eq(name, STR("resourceVersion"))) {
        o->has_rv = value.n > 0;
        return parse_number("resourceVersion", value, INT64_MAX, &o->rv, ret_status);
    }
    if (str_eq(name, STR("continue"))) {
        o->token = value;
    } else if (str_eq(name, STR("watch"))) {
        rc = parse_bool(value, &o->watch);
    } else if (str_eq(name, STR("allowWatchBookmarks"))) {
        rc = parse_bool(value, &o->bookmarks);
    } else if (str_eq(name, STR("sendInitialEvents"))) {
        o->has_initial_events = true;
        rc = parse_bool(value, &o->initial_events);
    }
    return rc < 0 ? status_set(ret_status, ERR_BADREQUEST, "%" STR_FMT ": not a boolean",
                               STR_ARG(name))
                  : 0;
}

/* Combinations that make no sense (k8s.io/apimachinery ValidateListOptions). */
static int check_combination(const struct list_options *o, json_t **ret_status)
{
    if (o->has_initial_events && !o->watch)
        return invalid_option(ret_status, "sendInitialEvents",
                              "Forbidden: sendInitialEvents is forbidden for list");
    if (o->has_initial_events && o->match != LIST_MATCH_NOT_OLDER_THAN)
        return invalid_option(ret_status, "resourceVersionMatch",
                              "Forbidden: sendInitialEvents requires setting resourceVersionMatch "
                              "to NotOlderThan");
    if (o->match == LIST_MATCH_UNSET)
        return 0;
    if (o->watch)
        return o->has_initial_events
                   ? 0
                   : invalid_option(ret_status, "resourceVersionMatch",
                                    "Forbidden: resourceVersionMatch is forbidden for watch unless "
                                    "sendInitialEvents is provided");
    if (o->token.n)
        return invalid_option(ret_status, "resourceVersionMatch",
                              "Forbidden: resourceVersionMatch is forbidden with continue");
    if (!o->has_rv)
        return invalid_option(ret_status, "resourceVersionMatch",
                              "Forbidden: resourceVersionMatch is forbidden unless resourceVersion "
                              "is provided");
    if (o->match == LIST_MATCH_EXACT && o->rv == 0)
        return invalid_option(ret_status, "resourceVersionMatch",
                              "Forbidden: resourceVersionMatch \"Exact\" is forbidden for "
                              "resourceVersion \"0\"");
    return 0;
}

int list_options_parse(struct arena *a, const struct kind *k, struct str query,
                       struct list_options *ret_options, json_t **ret_status)
{
    struct list_options o = {0};
    struct str name, value;
    int rc;

    while ((rc = url_query_next(a, &query, &name, &value)) > 0) {
        rc = parse_option(k, name, value, &o, ret_status);
        if (rc < 0)
            break;
    }
    if (rc == -ERR_INVALID && ret_status && !*ret_status)
        rc = status_set(ret_status, ERR_BADREQUEST, "the query is not valid");
    if (rc == 0)
        rc = check_combination(&o, ret_status);
    if (rc == 0 && o.token.n && o.has_rv && o.rv != 0)
        rc = status_set(ret_status, ERR_BADREQUEST,
                        "specifying resource version is not allowed when using continue");
    if (rc < 0) {
        list_options_fini(&o);
        return rc;
    }
    o.timeout_s = MIN(o.timeout_s, (uint64_t)TIMEOUT_MAX_S);
    *ret_options = o;
    return 0;
}

void list_options_fini(struct list_options *o)
{
    selector_free(o->labels);
    selector_free(o->fields);
    o->labels = o->fields = NULL;
}

/* --- matching */

struct subject {
    const struct kind *kind;
    const json_t *object;
};

/* The string at a dotted path of members. */
static struct str value_at(const json_t *v, struct str path)
{
    char name[64];

    while (path.p && v) {
        if (str_copy(str_cut(&path, '.'), name, sizeof(name)) < 0)
            return STR_NONE;
        v = json_object_get(v, name);
    }
    return json_str_of(v);
}

static bool get_field(void *cookie, struct str name, struct str *ret_value)
{
    const struct subject *s = cookie;

    if (str_eq(name, STR("metadata.name"))) {
        *ret_value = kobj_name(s->object);
        return true;
    }
    if (str_eq(name, STR("metadata.namespace"))) {
        *ret_value = kobj_ns(s->object);
        return true;
    }
    for (size_t i = 0; i < s->kind->field_count; i++) {
        const struct kind_field *f = &s->kind->fields[i];
        if (str_eq_c(name, f->name)) {
            *ret_value = value_at(s->object, str_c(f->path ? f->path : f->name));
            return ret_value->p != NULL;
        }
    }
    return false;
}

struct str list_prefix(struct arena *a, const struct kind *k, struct str ns,
                       const struct list_options *o)
{
    struct str name = STR("");

    if (k->namespaced && !ns.n)
        return k->prefix;
    if (o->fields)
        (void)selector_requires(o->fields, STR("metadata.name"), &name);
    return kind_key(a, k, ns, name);
}

bool list_matches(const struct list_options *o, const struct kind *k, const json_t *object)
{
    struct subject s = {k, object};

    if (o->labels && !selector_match_labels(o->labels, json_at(object, "metadata", "labels", NULL)))
        return false;
    return !o->fields || selector_match(o->fields, get_field, &s);
}
