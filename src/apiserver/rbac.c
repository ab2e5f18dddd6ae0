/*
 * RBAC rules: matching and covering.
 *
 * Covering breaks the wanted rules into parts of one group, resource, name and verb each and looks for a held
 * rule that allows each part, as Kubernetes does: exact for what people write, never too generous.
 */
#include "apiserver/rbac.h"

#define ANY STR("*")
#define MISSING_MAX 200 /* parts that an answer names */

static const json_t *member(const json_t *rule, const char *name)
{
    return json_object_get(rule, name);
}

static bool list_has(const json_t *list, struct str value)
{
    size_t i;
    json_t *v;

    json_array_foreach((json_t *)list, i, v)
    {
        if (str_eq(json_str_of(v), value))
            return true;
    }
    return false;
}

static bool list_has_or_any(const json_t *list, struct str value)
{
    return list_has(list, ANY) || list_has(list, value);
}

/* "a", "a/b", "*", and of subresources also any resource's: a rule that says star, slash, "b". */
static bool resource_matches(const json_t *list, struct str resource, struct str subresource)
{
    char text[512];
    size_t i;
    json_t *v;

    int n = snprintf(text, sizeof(text), "%" STR_FMT "%s%" STR_FMT, STR_ARG(resource),
                     subresource.n ? "/" : "", STR_ARG(subresource));
    if (n < 0 || (size_t)n >= sizeof(text))
        return list_has(list, ANY);
    if (list_has_or_any(list, str_n(text, (size_t)n)))
        return true;
    json_array_foreach((json_t *)list, i, v)
    {
        struct str r = json_str_of(v);
        if (subresource.n && str_starts(r, STR("*/")) && str_eq(str_skip(r, 2), subresource))
            return true;
    }
    return false;
}

static bool path_matches(const json_t *list, struct str path)
{
    size_t i;
    json_t *v;

    json_array_foreach((json_t *)list, i, v)
    {
        struct str r = json_str_of(v);
        if (str_eq(r, ANY) || str_eq(r, path))
            return true;
        if (str_ends(r, ANY)) {
            while (str_ends(r, ANY))
                r.n--;
            if (str_starts(path, r))
                return true;
        }
    }
    return false;
}

bool rbac_rule_allows(const json_t *rule, const struct authz_attributes *at)
{
    if (!list_has_or_any(member(rule, "verbs"), at->verb))
        return false;
    if (at->path.n)
        return path_matches(member(rule, "nonResourceURLs"), at->path);
    const json_t *names = member(rule, "resourceNames");
    return list_has_or_any(member(rule, "apiGroups"), at->group) &&
           resource_matches(member(rule, "resources"), at->resource, at->subresource) &&
           (!json_array_size(names) || list_has(names, at->name));
}

/* One part of a wanted rule. */
struct part {
    struct str group, resource, name, url, verb;
    bool has_name;
};

static bool resource_covered(const json_t *list, struct str resource)
{
    struct str sub = resource;
    struct str base = str_cut(&sub, '/');

    return resource_matches(list, base, sub);
}

/* Whether one held rule allows a part; a star that is asked for must be held as a star. */
static bool rule_covers(const json_t *rule, const struct part *p)
{
    const json_t *names = member(rule, "resourceNames");

    if (!list_has_or_any(member(rule, "verbs"), p->verb))
        return false;
    if (p->url.n)
        return path_matches(member(rule, "nonResourceURLs"), p->url);
    if (json_array_size(names) && (!p->has_name || !list_has(names, p->name)))
        return false;
    return list_has_or_any(member(rule, "apiGroups"), p->group) &&
           resource_covered(member(rule, "resources"), p->resource);
}

static bool is_covered(const json_t *held, const struct part *p)
{
    size_t i;
    json_t *rule;

    json_array_foreach((json_t *)held, i, rule)
    {
        if (rule_covers(rule, p))
            return true;
    }
    return false;
}

static void set_list(json_t *rule, const char *name, struct str only)
{
    json_t *list = json_array();

    json_array_append_new(list, json_from_str(only));
    json_set(rule, name, list);
}

static bool is_same_target(const json_t *rule, const struct part *p)
{
    const json_t *names = member(rule, "resourceNames");

    if (p->url.n)
        return list_has(member(rule, "nonResourceURLs"), p->url);
    return list_has(member(rule, "apiGroups"), p->group) &&
           list_has(member(rule, "resources"), p->resource) &&
           (p->has_name ? list_has(names, p->name) : !names);
}

static void add_missing(json_t *missing, const struct part *p)
{
    size_t i;
    json_t *rule;

    if (!missing)
        return;
    json_array_foreach(missing, i, rule)
    {
        if (is_same_target(rule, p)) {
            json_array_append_new(json_object_get(rule, "verbs"), json_from_str(p->verb));
            return;
        }
    }
    if (json_array_size(missing) >= MISSING_MAX)
        return;
    rule = json_object();
    if (p->url.n) {
        set_list(rule, "nonResourceURLs", p->url);
    } else {
        set_list(rule, "apiGroups", p->group);
        set_list(rule, "resources", p->resource);
        if (p->has_name)
            set_list(rule, "resourceNames", p->name);
    }
    set_list(rule, "verbs", p->verb);
    json_array_append_new(missing, rule);
}

static bool cover_part(const json_t *held, const struct part *p, json_t *missing)
{
    if (is_covered(held, p))
        return true;
    add_missing(missing, p);
    return false;
}

/* All names of one group, resource and verb. */
static bool cover_names(const json_t *held, const json_t *names, struct part *p, json_t *missing)
{
    bool ok = true;
    size_t i;
    json_t *v;

    p->has_name = json_array_size(names) > 0;
    if (!p->has_name)
        return cover_part(held, p, missing);
    json_array_foreach((json_t *)names, i, v)
    {
        p->name = json_str_of(v);
        ok &= cover_part(held, p, missing);
    }
    return ok;
}

static bool cover_resources(const json_t *held, const json_t *rule, struct str verb,
                            json_t *missing)
{
    bool ok = true;
    size_t i, j;
    json_t *g, *r;

    json_array_foreach(member(rule, "apiGroups"), i, g)
    {
        json_array_foreach(member(rule, "resources"), j, r)
        {
            struct part p = {.group = json_str_of(g), .resource = json_str_of(r), .verb = verb};
            ok &= cover_names(held, member(rule, "resourceNames"), &p, missing);
        }
    }
    return ok;
}

static bool cover_rule(const json_t *held, const json_t *rule, json_t *missing)
{
    bool ok = true;
    size_t i, j;
    json_t *v, *u;

    json_array_foreach(member(rule, "verbs"), i, v)
    {
        struct str verb = json_str_of(v);
        ok &= cover_resources(held, rule, verb, missing);
        json_array_foreach(member(rule, "nonResourceURLs"), j, u)
        {
            struct part p = {.url = json_str_of(u), .verb = verb};
            ok &= cover_part(held, &p, missing);
        }
    }
    return ok;
}

/* a × b, or SIZE_MAX. */
static size_t times(size_t a, size_t b)
{
    size_t product;

    return __builtin_mul_overflow(a, b, &product) ? SIZE_MAX : product;
}

static size_t count_parts(const json_t *rule)
{
    size_t names = MAX(json_array_size(member(rule, "resourceNames")), (size_t)1);
    size_t groups = json_array_size(member(rule, "apiGroups"));
    size_t targets = times(times(groups, json_array_size(member(rule, "resources"))), names);
    size_t urls = json_array_size(member(rule, "nonResourceURLs"));

    return times(json_array_size(member(rule, "verbs")), MAX(targets, urls));
}

static size_t count_entries(const json_t *rule)
{
    return 1 + json_array_size(member(rule, "apiGroups")) +
           json_array_size(member(rule, "resources")) +
           json_array_size(member(rule, "resourceNames")) +
           json_array_size(member(rule, "nonResourceURLs")) +
           json_array_size(member(rule, "verbs"));
}

bool rbac_rules_too_many(const json_t *held, const json_t *wanted)
{
    size_t parts = 0, entries = MISSING_MAX, i;
    json_t *rule;

    json_array_foreach((json_t *)held, i, rule) entries += count_entries(rule);
    json_array_foreach((json_t *)wanted, i, rule)
    {
        parts += MIN(count_parts(rule), (size_t)RBAC_COVER_STEPS);
        if (times(parts, entries) > RBAC_COVER_STEPS)
            return true;
    }
    return false;
}

bool rbac_rules_cover(const json_t *held, const json_t *wanted, json_t *ret_missing)
{
    bool ok = true;
    size_t i;
    json_t *rule;

    json_array_foreach((json_t *)wanted, i, rule) ok &= cover_rule(held, rule, ret_missing);
    return ok;
}

void rbac_rule_format(const json_t *rule, struct buf *out)
{
    static const struct {
        const char *name, *title;
    } MEMBERS[] = {{"apiGroups", "APIGroups"},
                   {"resources", "Resources"},
                   {"resourceNames", "ResourceNames"},
                   {"nonResourceURLs", "NonResourceURLs"},
                   {"verbs", "Verbs"}};
    const char *separator = "";

    buf_add_char(out, '{');
    for (size_t i = 0; i < ARRAY_LEN(MEMBERS); i++) {
        const json_t *list = member(rule, MEMBERS[i].name);
        size_t j;
        json_t *v;
        if (!json_array_size(list))
            continue;
        buf_addf(out, "%s%s:[", separator, MEMBERS[i].title);
        separator = ", ";
        json_array_foreach((json_t *)list, j, v)
            buf_addf(out, "%s\"%" STR_FMT "\"", j ? " " : "", STR_ARG(json_str_of(v)));
        buf_add_char(out, ']');
    }
    buf_add_char(out, '}');
}

struct str rbac_subject_user(struct arena *a, const json_t *subject, struct str ns)
{
    struct str own = json_str(subject, "namespace");

    if (!str_eq(json_str(subject, "kind"), STR("ServiceAccount")))
        return json_str(subject, "name");
    return arena_fmt(a, "system:serviceaccount:%" STR_FMT ":%" STR_FMT, STR_ARG(own.n ? own : ns),
                     STR_ARG(json_str(subject, "name")));
}

static bool is_service_account(struct str user, struct str ns, struct str name)
{
    struct str prefix = STR("system:serviceaccount:");

    if (!ns.n || !str_starts(user, prefix))
        return false;
    user = str_skip(user, prefix.n);
    return str_eq(str_cut(&user, ':'), ns) && str_eq(user, name);
}

bool rbac_subject_matches(const json_t *subject, struct str ns, const struct user *u)
{
    struct str kind = json_str(subject, "kind");
    struct str name = json_str(subject, "name");
    struct str own = json_str(subject, "namespace");

    if (str_eq(kind, STR("User")))
        return str_eq(name, u->name);
    if (str_eq(kind, STR("Group")))
        return authn_in_group(u, name);
    return str_eq(kind, STR("ServiceAccount")) &&
           is_service_account(u->name, own.n ? own : ns, name);
}
