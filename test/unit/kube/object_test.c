/*
 * Accessors and conditions of API objects.
 */
#include "kube/object.h"

#include "base/time.h"
#include "unit.h"

static json_t *parse(const char *text)
{
    json_t *v = NULL;

    CHECK_OK(json_parse(str_c(text), &v, NULL));
    return v;
}

#define T0 (INT64_C(1700000000) * TIME_US_PER_S) /* 2023-11-14T22:13:20Z */

TEST(object_accessors)
{
    json_t *o JSON_OWNED =
        parse("{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"n\","
              "\"namespace\":\"s\",\"uid\":\"u\",\"resourceVersion\":\"7\",\"generation\":3,"
              "\"labels\":{\"a\":\"b\"},\"annotations\":{\"c\":\"d\"},\"finalizers\":[\"f\"],"
              "\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"}}");
    struct arena *a = arena_new();

    CHECK_STR(kobj_name(o), "n");
    CHECK_STR(kobj_ns(o), "s");
    CHECK_STR(kobj_uid(o), "u");
    CHECK_STR(kobj_rv(o), "7");
    CHECK_STR(kobj_kind(o), "Pod");
    CHECK_STR(kobj_api_version(o), "v1");
    CHECK_INT(kobj_generation(o), 3);
    CHECK_STR(kobj_label(o, "a"), "b");
    CHECK(kobj_label(o, "x").p == NULL);
    CHECK_STR(kobj_annotation(o, "c"), "d");
    CHECK(kobj_is_deleting(o));
    CHECK(kobj_has_finalizer(o, "f"));
    CHECK(!kobj_has_finalizer(o, "g"));
    CHECK_STR(kobj_key(a, o), "s/n");
    arena_free(a);
}

TEST(object_accessors_of_wrong_shapes)
{
    static const char *const SHAPES[] = {
        "null",
        "[]",
        "1",
        "\"x\"",
        "{}",
        "{\"metadata\":null}",
        "{\"metadata\":[]}",
        "{\"metadata\":{\"name\":1,\"labels\":[],\"finalizers\":{},\"generation\":\"1\"}}"};

    for (size_t i = 0; i < ARRAY_LEN(SHAPES); i++) {
        json_t *o JSON_OWNED = parse(SHAPES[i]);

        CHECK(kobj_name(o).p == NULL);
        CHECK(kobj_label(o, "a").p == NULL);
        CHECK_INT(kobj_generation(o), 0);
        CHECK(!kobj_is_deleting(o));
        CHECK(!kobj_has_finalizer(o, "f"));
        CHECK(!kobj_condition(o, "Ready"));
    }
}

TEST(object_null_deletion_timestamp_is_not_deleting)
{
    json_t *o JSON_OWNED = parse("{\"metadata\":{\"deletionTimestamp\":null}}");

    CHECK(!kobj_is_deleting(o));
}

TEST(object_new_and_owner)
{
    json_t *o JSON_OWNED = kobj_new(&KUBE_CONNECTORS, STR("a"), STR("b"));
    json_t *ref JSON_OWNED = NULL;

    CHECK_STR(kobj_api_version(o), "connectors.alauda.io/v1alpha1");
    CHECK_STR(kobj_kind(o), "Connector");
    CHECK_STR(kobj_ns(o), "a");
    kobj_set_label(o, "l", STR("v"));
    kobj_set_annotation(o, "n", STR("w"));
    CHECK_STR(kobj_label(o, "l"), "v");
    CHECK_STR(kobj_annotation(o, "n"), "w");
    json_set_str(json_object_get(o, "metadata"), "uid", STR("u1"));
    ref = kobj_owner_ref(o);
    CHECK_STR(json_str(ref, "uid"), "u1");
    CHECK_STR(json_str(ref, "kind"), "Connector");
    CHECK(json_bool(ref, "controller", false));
    CHECK(json_bool(ref, "blockOwnerDeletion", false));
}

static bool set(json_t *o, const char *type, const char *status, const char *reason, int64_t at)
{
    struct kube_condition c = {.type = type, .status = status, .reason = str_c(reason)};

    return kobj_set_condition(o, &c, at);
}

TEST(object_condition_moves_transition_time_with_status_only)
{
    json_t *o JSON_OWNED = json_object();
    json_t *c;

    CHECK(set(o, "A", "True", "R1", T0));
    c = kobj_condition(o, "A");
    CHECK_STR(json_str(c, "lastTransitionTime"), "2023-11-14T22:13:20Z");
    CHECK(!set(o, "A", "True", "R1", T0 + TIME_US_PER_S));
    CHECK(set(o, "A", "True", "R2", T0 + 2 * TIME_US_PER_S));
    CHECK_STR(json_str(c, "lastTransitionTime"), "2023-11-14T22:13:20Z");
    CHECK(set(o, "A", "False", "R2", T0 + 3 * TIME_US_PER_S));
    CHECK_STR(json_str(c, "lastTransitionTime"), "2023-11-14T22:13:23Z");
    CHECK_INT(json_array_size(json_at(o, "status", "conditions", NULL)), 1);
}

TEST(object_condition_probe_time_is_no_change)
{
    json_t *o JSON_OWNED = json_object();
    struct kube_condition c = {.type = "A", .status = "True", .severity = "Info"};

    CHECK(kobj_set_condition(o, &c, T0));
    c.probe_wall_us = T0 + 5 * TIME_US_PER_S;
    CHECK(!kobj_set_condition(o, &c, T0));
    CHECK_STR(json_str(kobj_condition(o, "A"), "lastProbeTime"), "2023-11-14T22:13:25Z");
    c.severity = NULL;
    CHECK(kobj_set_condition(o, &c, T0));
    CHECK(!json_object_get(kobj_condition(o, "A"), "severity"));
}

static bool ready_is(json_t *o, const char *status, const char *reason)
{
    kobj_set_ready(o, T0);
    return CHECK_STR(json_str(kobj_condition(o, "Ready"), "status"), status) &&
           CHECK_STR(json_str(kobj_condition(o, "Ready"), "reason"), reason);
}

TEST(object_ready_is_derived)
{
    json_t *o JSON_OWNED = json_object();
    struct kube_condition info = {
        .type = "I", .status = "False", .reason = STR("Bad"), .severity = "Info"};

    ready_is(o, "True", "Ready");
    set(o, "A", "True", "Fine", T0);
    kobj_set_condition(o, &info, T0);
    ready_is(o, "True", "Ready");
    set(o, "B", "Unknown", "Probing", T0);
    ready_is(o, "Unknown", "Probing");
    set(o, "C", "False", "Broken", T0);
    ready_is(o, "False", "Broken");
    set(o, "D", "False", "Later", T0);
    ready_is(o, "False", "Broken");
    set(o, "C", "True", "", T0);
    set(o, "D", "True", "", T0);
    set(o, "B", "True", "", T0);
    ready_is(o, "True", "Ready");
}

TEST(object_ready_carries_the_message)
{
    json_t *o JSON_OWNED = json_object();
    struct kube_condition c = {
        .type = "A", .status = "False", .reason = STR("R"), .message = STR("secret x not found")};

    kobj_set_condition(o, &c, T0);
    CHECK(kobj_set_ready(o, T0));
    CHECK_STR(json_str(kobj_condition(o, "Ready"), "message"), "secret x not found");
    CHECK(!kobj_set_ready(o, T0 + TIME_US_PER_S));
}

TEST(object_conditions_of_wrong_type_are_replaced)
{
    json_t *o JSON_OWNED = parse("{\"status\":{\"conditions\":\"x\"}}");

    CHECK(set(o, "A", "True", "R", T0));
    CHECK(kobj_condition(o, "A") != NULL);
}
