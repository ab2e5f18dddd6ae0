/*
 * RBAC rules: what they allow, and what covers what.
 */
#include "apiserver/rbac.h"

#include "codec/yaml.h"
#include "unit.h"

static json_t *yaml(const char *text)
{
    json_t *v = NULL;

    if (!CHECK_OK(yaml_parse(str_c(text), &v, NULL)))
        fprintf(stderr, "  %s\n", text);
    return v;
}

TEST(rbac_matches_requests)
{
    static const struct {
        const char *rule;
        struct authz_attributes at;
        bool allowed;
    } ROWS[] = {
        {"{apiGroups: [''], resources: [pods], verbs: [get]}",
         {.verb = STR_INIT("get"), .resource = STR_INIT("pods"), .name = STR_INIT("x")},
         true},
        {"{apiGroups: [''], resources: [pods], verbs: [get]}",
         {.verb = STR_INIT("list"), .resource = STR_INIT("pods")},
         false},
        {"{apiGroups: [''], resources: [pods], verbs: [get]}",
         {.verb = STR_INIT("get"), .group = STR_INIT("apps"), .resource = STR_INIT("pods")},
         false},
        {"{apiGroups: [''], resources: [pods], verbs: [get]}",
         {.verb = STR_INIT("get"), .resource = STR_INIT("pod")},
         false},
        {"{apiGroups: [''], resources: [pods], verbs: [get]}",
         {.verb = STR_INIT("get"), .resource = STR_INIT("pods"), .subresource = STR_INIT("log")},
         false},
        {"{apiGroups: [''], resources: [pods/log], verbs: [get]}",
         {.verb = STR_INIT("get"), .resource = STR_INIT("pods"), .subresource = STR_INIT("log")},
         true},
        {"{apiGroups: [''], resources: [pods/log], verbs: [get]}",
         {.verb = STR_INIT("get"), .resource = STR_INIT("pods")},
         false},
        {"{apiGroups: [''], resources: ['*/log'], verbs: [get]}",
         {.verb = STR_INIT("get"), .resource = STR_INIT("pods"), .subresource = STR_INIT("log")},
         true},
        {"{apiGroups: [''], resources: ['*/log'], verbs: [get]}",
         {.verb = STR_INIT("get"),
          .resource = STR_INIT("pods"),
          .subresource = STR_INIT("catalog")},
         false},
        {"{apiGroups: [''], resources: ['pods/*'], verbs: [get]}",
         {.verb = STR_INIT("get"), .resource = STR_INIT("pods"), .subresource = STR_INIT("log")},
         false},
        {"{apiGroups: ['*'], resources: ['*'], verbs: ['*']}",
         {.verb = STR_INIT("x"),
          .group = STR_INIT("g"),
          .resource = STR_INIT("r"),
          .subresource = STR_INIT("s")},
         true},
        {"{apiGroups: ['*'], resources: ['*'], verbs: ['*']}",
         {.verb = STR_INIT("get"), .path = STR_INIT("/healthz")},
         false},
        {"{apiGroups: [''], resources: [secrets], resourceNames: [a], verbs: [get, list]}",
         {.verb = STR_INIT("get"), .resource = STR_INIT("secrets"), .name = STR_INIT("a")},
         true},
        {"{apiGroups: [''], resources: [secrets], resourceNames: [a], verbs: [get, list]}",
         {.verb = STR_INIT("get"), .resource = STR_INIT("secrets"), .name = STR_INIT("b")},
         false},
        {"{apiGroups: [''], resources: [secrets], resourceNames: [a], verbs: [get, list]}",
         {.verb = STR_INIT("list"), .resource = STR_INIT("secrets")},
         false},
        {"{apiGroups: [''], resources: [secrets], resourceNames: ['*'], verbs: [get]}",
         {.verb = STR_INIT("get"), .resource = STR_INIT("secrets"), .name = STR_INIT("a")},
         false},
        {"{apiGroups: [''], resources: [secrets], resourceNames: [], verbs: [get]}",
         {.verb = STR_INIT("get"), .resource = STR_INIT("secrets"), .name = STR_INIT("a")},
         true},
        {"{nonResourceURLs: [/api/*], verbs: [get]}",
         {.verb = STR_INIT("get"), .path = STR_INIT("/api/v1")},
         true},
        {"{nonResourceURLs: [/api/*], verbs: [get]}",
         {.verb = STR_INIT("get"), .path = STR_INIT("/api")},
         false},
        {"{nonResourceURLs: [/api/*], verbs: [get]}",
         {.verb = STR_INIT("post"), .path = STR_INIT("/api/v1")},
         false},
        {"{nonResourceURLs: [/a*b], verbs: [get]}",
         {.verb = STR_INIT("get"), .path = STR_INIT("/aXb")},
         false},
        {"{nonResourceURLs: ['*'], verbs: [get]}",
         {.verb = STR_INIT("get"), .path = STR_INIT("/x")},
         true},
        {"{nonResourceURLs: ['*'], verbs: [get]}",
         {.verb = STR_INIT("get"), .resource = STR_INIT("pods")},
         false},
        {"{verbs: [get]}", {.verb = STR_INIT("get"), .resource = STR_INIT("pods")}, false},
        {"{}", {.verb = STR_INIT("get"), .resource = STR_INIT("pods")}, false},
        {"{apiGroups: '', resources: '*', verbs: '*'}",
         {.verb = STR_INIT("get"), .resource = STR_INIT("pods")},
         false},
    };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        json_t *rule JSON_OWNED = yaml(ROWS[i].rule);
        if (!CHECK_INT(rbac_rule_allows(rule, &ROWS[i].at), ROWS[i].allowed))
            fprintf(stderr, "  row %zu: %s\n", i, ROWS[i].rule);
    }
}

TEST(rbac_covers)
{
    static const struct {
        const char *held, *wanted, *missing; /* missing: empty when covered */
    } ROWS[] = {
        {"[{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]",
         "[{apiGroups: [a], resources: [b], verbs: [c]}]", ""},
        {"[{apiGroups: [a], resources: [b], verbs: [c]}]",
         "[{apiGroups: [a], resources: ['*'], verbs: [c]}]",
         "{APIGroups:[\"a\"], Resources:[\"*\"], Verbs:[\"c\"]}"},
        {"[{apiGroups: [a], resources: [b], verbs: [c]}]",
         "[{apiGroups: ['*'], resources: [b], verbs: [c]}]",
         "{APIGroups:[\"*\"], Resources:[\"b\"], Verbs:[\"c\"]}"},
        {"[{apiGroups: [a], resources: [b], verbs: [c]}]",
         "[{apiGroups: [a], resources: [b], verbs: ['*']}]",
         "{APIGroups:[\"a\"], Resources:[\"b\"], Verbs:[\"*\"]}"},
        {"[{apiGroups: [a], resources: [b], verbs: [c]}, {apiGroups: [a], resources: [d], verbs: [c]}]",
         "[{apiGroups: [a], resources: [b, d], verbs: [c]}]", ""},
        {"[{apiGroups: [a], resources: [b], verbs: [c]}]",
         "[{apiGroups: [a], resources: [b, d], verbs: [c, e]}]",
         "{APIGroups:[\"a\"], Resources:[\"d\"], Verbs:[\"c\" \"e\"]}\n{APIGroups:[\"a\"], Resources:[\"b\"], Verbs:[\"e\"]}"},
        {"[{apiGroups: [a], resources: [b], resourceNames: [n], verbs: [c]}]",
         "[{apiGroups: [a], resources: [b], resourceNames: [n], verbs: [c]}]", ""},
        {"[{apiGroups: [a], resources: [b], resourceNames: [n], verbs: [c]}]",
         "[{apiGroups: [a], resources: [b], verbs: [c]}]",
         "{APIGroups:[\"a\"], Resources:[\"b\"], Verbs:[\"c\"]}"},
        {"[{apiGroups: [a], resources: [b], resourceNames: [n], verbs: [c]}]",
         "[{apiGroups: [a], resources: [b], resourceNames: [m, n], verbs: [c]}]",
         "{APIGroups:[\"a\"], Resources:[\"b\"], ResourceNames:[\"m\"], Verbs:[\"c\"]}"},
        {"[{apiGroups: [a], resources: [b], verbs: [c]}]",
         "[{apiGroups: [a], resources: [b/s], verbs: [c]}]",
         "{APIGroups:[\"a\"], Resources:[\"b/s\"], Verbs:[\"c\"]}"},
        {"[{apiGroups: [a], resources: ['*/s'], verbs: [c]}]",
         "[{apiGroups: [a], resources: [b/s], verbs: [c]}]", ""},
        {"[{apiGroups: [a], resources: ['*/s'], verbs: [c]}]",
         "[{apiGroups: [a], resources: ['*/s'], verbs: [c]}]", ""},
        {"[{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]",
         "[{nonResourceURLs: [/x], verbs: [get]}]", "{NonResourceURLs:[\"/x\"], Verbs:[\"get\"]}"},
        {"[{nonResourceURLs: [/x/*], verbs: [get]}]", "[{nonResourceURLs: [/x/y], verbs: [get]}]",
         ""},
        {"[{nonResourceURLs: [/x/*], verbs: [get]}]", "[{nonResourceURLs: ['*'], verbs: [get]}]",
         "{NonResourceURLs:[\"*\"], Verbs:[\"get\"]}"},
        {"[]", "[]", ""},
        {"[]", "[{apiGroups: [a], resources: [b], verbs: [c]}]",
         "{APIGroups:[\"a\"], Resources:[\"b\"], Verbs:[\"c\"]}"},
    };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct buf text CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);
        json_t *held JSON_OWNED = yaml(ROWS[i].held);
        json_t *wanted JSON_OWNED = yaml(ROWS[i].wanted);
        json_t *missing JSON_OWNED = json_array();
        CHECK_INT(rbac_rules_cover(held, wanted, missing), ROWS[i].missing[0] == 0);
        for (size_t k = 0; k < json_array_size(missing); k++) {
            buf_add_c(&text, k ? "\n" : "");
            rbac_rule_format(json_array_get(missing, k), &text);
        }
        if (!CHECK_STR(buf_str(&text), ROWS[i].missing))
            fprintf(stderr, "  row %zu\n", i);
    }
}

TEST(rbac_subjects)
{
    static const struct str GROUPS[] = {STR_INIT("dev"), STR_INIT("system:serviceaccounts")};
    static const struct {
        const char *subject, *ns, *user;
        bool matches;
    } ROWS[] = {
        {"{kind: User, name: bob}", "n", "bob", true},
        {"{kind: User, name: bob}", "n", "bobby", false},
        {"{kind: User, name: dev}", "n", "bob", false},
        {"{kind: Group, name: dev}", "n", "bob", true},
        {"{kind: Group, name: bob}", "n", "bob", false},
        {"{kind: ServiceAccount, name: a, namespace: x}", "n", "system:serviceaccount:x:a", true},
        {"{kind: ServiceAccount, name: a, namespace: x}", "n", "system:serviceaccount:n:a", false},
        {"{kind: ServiceAccount, name: a}", "n", "system:serviceaccount:n:a", true},
        {"{kind: ServiceAccount, name: a}", "", "system:serviceaccount::a", false},
        {"{kind: ServiceAccount, name: 'b:a', namespace: x}", "n", "system:serviceaccount:x:b",
         false},
        {"{kind: ServiceAccount, name: a}", "n", "a", false},
        {"{kind: Robot, name: bob}", "n", "bob", false},
        {"{name: bob}", "n", "bob", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        json_t *subject JSON_OWNED = yaml(ROWS[i].subject);
        struct user u = {
            .name = str_c(ROWS[i].user), .groups = GROUPS, .group_count = ARRAY_LEN(GROUPS)};
        if (!CHECK_INT(rbac_subject_matches(subject, str_c(ROWS[i].ns), &u), ROWS[i].matches))
            fprintf(stderr, "  row %zu\n", i);
    }
}

/* A rule whose four lists have n items each. */
static json_t *wide_rule(size_t n)
{
    static const char *const LISTS[] = {"verbs", "apiGroups", "resources", "resourceNames"};
    json_t *rule = json_object();

    for (size_t i = 0; i < ARRAY_LEN(LISTS); i++) {
        json_t *list = json_array();
        for (size_t j = 0; j < n; j++)
            json_array_append_new(list, json_sprintf("x%zu", j));
        json_set(rule, LISTS[i], list);
    }
    return rule;
}

TEST(rules_whose_lists_multiply_too_far_are_not_compared)
{
    static const struct {
        size_t n;
        bool too_many;
    } ROWS[] = {{1, false}, {17, false}, {18, true}, {1500, true}, {20000, true}};

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        json_t *none JSON_OWNED = json_array();
        json_t *wanted JSON_OWNED = json_array();
        json_array_append_new(wanted, wide_rule(ROWS[i].n));
        if (!CHECK_INT(rbac_rules_too_many(none, wanted), ROWS[i].too_many))
            fprintf(stderr, "  row %zu\n", i);
    }
}

TEST(what_is_held_counts_too)
{
    json_t *held JSON_OWNED = json_array();
    json_t *wanted JSON_OWNED = json_array();

    json_array_append_new(wanted, wide_rule(15));
    CHECK(!rbac_rules_too_many(held, wanted));
    json_array_append_new(held, wide_rule(4));
    CHECK(!rbac_rules_too_many(held, wanted));
    json_array_append_new(held, wide_rule(60));
    CHECK(rbac_rules_too_many(held, wanted));
}
