/*
 * What the server's own controllers do: namespaces, owner references, definitions, default objects, expiry.
 */
#include "apiserver/controllers.h"

#include "apiserver/rbac.h"
#include "base/time.h"
#include "kube/object.h"
#include "unit.h"
#include "world.h"

static void make_map(struct world *w, const char *name, const char *owner, bool blocks)
{
    const json_t *o = world_get(w, "v1", "ConfigMap", "default", owner);
    struct str text =
        arena_fmt(w->arena,
                  "{apiVersion: v1, kind: ConfigMap, metadata: {name: %s, namespace: default, "
                  "ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: %s, uid: '%" STR_FMT
                  "', blockOwnerDeletion: %s}]}}",
                  name, owner, STR_ARG(o ? kobj_uid(o) : STR("none")), blocks ? "true" : "false");

    CHECK_OK(world_create(w, NULL, text.p));
}

static void make_plain(struct world *w, const char *name)
{
    struct str text = arena_fmt(
        w->arena, "{apiVersion: v1, kind: ConfigMap, metadata: {name: %s, namespace: default}}",
        name);

    CHECK_OK(world_create(w, NULL, text.p));
}

static bool has(struct world *w, const char *name)
{
    return world_get(w, "v1", "ConfigMap", "default", name) != NULL;
}

TEST(controllers_collect_in_the_background)
{
    struct world w;

    world_init(&w);
    make_plain(&w, "a");
    make_map(&w, "b", "a", true);
    make_map(&w, "c", "b", false);
    make_map(&w, "lost", "nobody", false);
    CHECK(world_wait(&w, "v1", "ConfigMap", "default", "lost", false));
    CHECK(has(&w, "b"));
    CHECK_OK(world_delete(&w, "v1", "ConfigMap", "default", "a", REGISTRY_PROPAGATE_BACKGROUND));
    CHECK(!has(&w, "a"));
    CHECK(world_wait(&w, "v1", "ConfigMap", "default", "c", false));
    CHECK(!has(&w, "b"));
    world_fini(&w);
}

TEST(controllers_collect_in_the_foreground)
{
    struct world w;

    world_init(&w);
    make_plain(&w, "a");
    make_map(&w, "b", "a", true);
    make_map(&w, "c", "b", true);
    make_map(&w, "d", "a", false);
    CHECK_OK(world_patch(&w, "v1", "ConfigMap", "default", "c", "{metadata: {finalizers: [x/y]}}"));
    CHECK_OK(world_delete(&w, "v1", "ConfigMap", "default", "a", REGISTRY_PROPAGATE_FOREGROUND));
    world_settle(&w);
    /* c holds b, b holds a; d blocks nobody. */
    CHECK(has(&w, "a") && has(&w, "b") && has(&w, "c"));
    CHECK(!has(&w, "d"));
    CHECK_OK(world_patch(&w, "v1", "ConfigMap", "default", "c", "{metadata: {finalizers: null}}"));
    CHECK(world_wait(&w, "v1", "ConfigMap", "default", "a", false));
    CHECK(!has(&w, "b") && !has(&w, "c"));
    world_fini(&w);
}

TEST(controllers_open_cycles)
{
    struct world w;

    world_init(&w);
    make_plain(&w, "a");
    make_map(&w, "b", "a", true);
    struct str patch = arena_fmt(
        w.arena,
        "{metadata: {ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: b, uid: '%" STR_FMT
        "', blockOwnerDeletion: true}]}}",
        STR_ARG(kobj_uid(world_get(&w, "v1", "ConfigMap", "default", "b"))));
    CHECK_OK(world_patch(&w, "v1", "ConfigMap", "default", "a", patch.p));
    CHECK_OK(world_delete(&w, "v1", "ConfigMap", "default", "a", REGISTRY_PROPAGATE_FOREGROUND));
    CHECK(world_wait(&w, "v1", "ConfigMap", "default", "a", false));
    CHECK(world_wait(&w, "v1", "ConfigMap", "default", "b", false));
    world_fini(&w);
}

TEST(controllers_orphan)
{
    struct world w;

    world_init(&w);
    make_plain(&w, "a");
    make_map(&w, "b", "a", true);
    CHECK_OK(world_delete(&w, "v1", "ConfigMap", "default", "a", REGISTRY_PROPAGATE_ORPHAN));
    CHECK(world_wait(&w, "v1", "ConfigMap", "default", "a", false));
    world_settle(&w);
    CHECK(has(&w, "b"));
    CHECK(json_at(world_get(&w, "v1", "ConfigMap", "default", "b"), "metadata", "ownerReferences",
                  NULL) == NULL);
    world_fini(&w);
}

TEST(controllers_keep_what_has_another_owner)
{
    struct world w;

    world_init(&w);
    make_plain(&w, "a");
    make_plain(&w, "k");
    struct str text = arena_fmt(
        w.arena,
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: default, ownerReferences: [{apiVersion: v1, "
        "kind: ConfigMap, name: a, uid: '%" STR_FMT
        "'}, {apiVersion: v1, kind: ConfigMap, name: k, uid: '%" STR_FMT "'}]}}",
        STR_ARG(kobj_uid(world_get(&w, "v1", "ConfigMap", "default", "a"))),
        STR_ARG(kobj_uid(world_get(&w, "v1", "ConfigMap", "default", "k"))));
    CHECK_OK(world_create(&w, NULL, text.p));
    CHECK_OK(world_delete(&w, "v1", "ConfigMap", "default", "a", REGISTRY_PROPAGATE_BACKGROUND));
    world_settle(&w);
    CHECK(has(&w, "b"));
    CHECK_INT(json_array_size(json_at(world_get(&w, "v1", "ConfigMap", "default", "b"), "metadata",
                                      "ownerReferences", NULL)),
              1);
    /* The kind of an owner is not known: nothing is decided. */
    CHECK_OK(world_create(
        &w, NULL,
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: u, namespace: default, ownerReferences: "
        "[{apiVersion: x.y/v1, kind: Thing, name: t, uid: u}]}}"));
    world_settle(&w);
    CHECK(has(&w, "u"));
    world_fini(&w);
}

TEST(controllers_go_on_after_a_restart)
{
    struct world w;

    world_init(&w);
    make_plain(&w, "a");
    make_map(&w, "b", "a", true);
    CHECK_OK(world_patch(&w, "v1", "ConfigMap", "default", "b", "{metadata: {finalizers: [x/y]}}"));
    CHECK_OK(world_delete(&w, "v1", "ConfigMap", "default", "a", REGISTRY_PROPAGATE_FOREGROUND));
    world_reopen(&w);
    CHECK(has(&w, "a"));
    CHECK_OK(world_patch(&w, "v1", "ConfigMap", "default", "b", "{metadata: {finalizers: null}}"));
    CHECK(world_wait(&w, "v1", "ConfigMap", "default", "a", false));
    world_fini(&w);
}

TEST(controllers_delete_namespaces)
{
    struct world w;

    world_init(&w);
    CHECK_OK(world_create(&w, NULL, "{apiVersion: v1, kind: Namespace, metadata: {name: gone}}"));
    CHECK_STR(kobj_label(w.object, "kubernetes.io/metadata.name"), "gone");
    CHECK(world_wait(&w, "v1", "ServiceAccount", "gone", "default", true));
    CHECK(world_wait(&w, "v1", "ConfigMap", "gone", "kube-root-ca.crt", true));
    CHECK_OK(world_create(
        &w, NULL,
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: gone, finalizers: [x/y]}}"));
    CHECK_OK(world_delete(&w, "v1", "Namespace", "", "gone", REGISTRY_PROPAGATE_BACKGROUND));
    CHECK_STR(json_str_at(world_get(&w, "v1", "Namespace", "", "gone"), "status", "phase", NULL),
              "Terminating");
    CHECK_ERR(
        world_create(&w, NULL,
                     "{apiVersion: v1, kind: ConfigMap, metadata: {name: d, namespace: gone}}"),
        ERR_FORBIDDEN);
    CHECK_STR(
        world_message(&w),
        "configmaps \"d\" is forbidden: unable to create new content in namespace gone because it is "
        "being terminated");
    CHECK(world_wait(&w, "v1", "ServiceAccount", "gone", "default", false));
    world_settle(&w);
    CHECK(world_get(&w, "v1", "Namespace", "", "gone") != NULL);
    world_reopen(&w);
    CHECK_OK(world_patch(&w, "v1", "ConfigMap", "gone", "c", "{metadata: {finalizers: null}}"));
    CHECK(world_wait(&w, "v1", "Namespace", "", "gone", false));
    CHECK_ERR(world_delete(&w, "v1", "Namespace", "", "default", REGISTRY_PROPAGATE_BACKGROUND),
              ERR_FORBIDDEN);
    CHECK_STR(world_message(&w),
              "namespaces \"default\" is forbidden: this namespace may not be deleted");
    world_fini(&w);
}

TEST(controllers_restore_default_objects)
{
    struct world w;

    world_init(&w);
    CHECK(world_wait(&w, "v1", "ConfigMap", "default", "kube-root-ca.crt", true));
    CHECK_OK(world_patch(&w, "v1", "ConfigMap", "default", "kube-root-ca.crt",
                         "{data: {ca.crt: other}}"));
    CHECK_OK(world_delete(&w, "v1", "ServiceAccount", "default", "default",
                          REGISTRY_PROPAGATE_BACKGROUND));
    CHECK(world_wait(&w, "v1", "ServiceAccount", "default", "default", true));
    world_settle(&w);
    CHECK_STR(json_str_at(world_get(&w, "v1", "ConfigMap", "default", "kube-root-ca.crt"), "data",
                          "ca.crt", NULL),
              "the CA");
    world_fini(&w);
}

#define EVENT(name, rest)                                                                          \
    "{apiVersion: v1, kind: Event, metadata: {name: " name                                         \
    ", namespace: default}, involvedObject: {kind: Pod, namespace: "                               \
    "default, name: p}" rest "}"

TEST(controllers_expire_events)
{
    struct world w;

    world_init(&w);
    CHECK_OK(world_create(&w, NULL, EVENT("old", "")));
    /* Half an hour later, in the wall clock of the test: 2027-01-15T08:00:00Z is its start. */
    CHECK_OK(world_create(&w, NULL, EVENT("seen", ", lastTimestamp: '2027-01-15T08:30:00Z'")));
    w.wall_us += 3601 * TIME_US_PER_S;
    w.mono_ahead_us += 31 * TIME_US_PER_S;
    CHECK(world_wait(&w, "v1", "Event", "default", "old", false));
    world_settle(&w);
    CHECK(world_get(&w, "v1", "Event", "default", "seen") != NULL);
    w.wall_us += 1800 * TIME_US_PER_S;
    w.mono_ahead_us += 31 * TIME_US_PER_S;
    CHECK(world_wait(&w, "v1", "Event", "default", "seen", false));
    CHECK_ERR(
        world_create(
            &w, NULL,
            "{apiVersion: v1, kind: Event, metadata: {name: e, namespace: default}, involvedObject: {kind: Pod, "
            "namespace: other, name: p}}"),
        ERR_INVALID);
    world_fini(&w);
}

TEST(controllers_aggregate_roles)
{
    static const char API[] = "rbac.authorization.k8s.io/v1";
    struct world w;

    world_init(&w);
    CHECK_OK(world_create(
        &w, NULL,
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: mine, labels: "
        "{rbac.authorization.k8s.io/aggregate-to-view: 'true'}}, rules: [{apiGroups: [x.y], resources: "
        "[things], verbs: [get]}]}"));
    world_settle(&w);
    const json_t *wanted = json_object_get(world_get(&w, API, "ClusterRole", "", "mine"), "rules");
    static const char *const ROLES[] = {"view", "edit", "admin"};
    for (size_t i = 0; i < ARRAY_LEN(ROLES); i++)
        CHECK(rbac_rules_cover(
            json_object_get(world_get(&w, API, "ClusterRole", "", ROLES[i]), "rules"), wanted,
            NULL));
    json_t *before JSON_OWNED = json_clone(wanted);
    CHECK_OK(world_delete(&w, API, "ClusterRole", "", "mine", REGISTRY_PROPAGATE_BACKGROUND));
    world_settle(&w);
    for (size_t i = 0; i < ARRAY_LEN(ROLES); i++)
        CHECK(!rbac_rules_cover(
            json_object_get(world_get(&w, API, "ClusterRole", "", ROLES[i]), "rules"), before,
            NULL));
    world_fini(&w);
}

#define CRD(name, rest)                                                                            \
    "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: " name \
    "}, spec: {group: x.example.com, scope: Namespaced, " rest "}}"
#define VERSION                                                                                    \
    "versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]"
#define CRD_API "apiextensions.k8s.io/v1"
#define CRD_KIND "CustomResourceDefinition"

static struct str condition(struct world *w, const char *crd, const char *type, const char *member)
{
    return json_str(kobj_condition(world_get(w, CRD_API, CRD_KIND, "", crd), type), member);
}

TEST(controllers_serve_definitions)
{
    struct world w;

    world_init(&w);
    CHECK_OK(world_create(&w, NULL,
                          CRD("foos.x.example.com", "names: {plural: foos, kind: Foo}, " VERSION)));
    world_settle(&w);
    CHECK_STR(condition(&w, "foos.x.example.com", "Established", "status"), "True");
    CHECK_STR(condition(&w, "foos.x.example.com", "NamesAccepted", "reason"), "NoConflicts");
    CHECK_OK(world_create(
        &w, NULL,
        "{apiVersion: x.example.com/v1, kind: Foo, metadata: {name: f, namespace: default}}"));
    CHECK_OK(world_create(
        &w, NULL,
        CRD("bars.x.example.com", "names: {plural: bars, singular: bar, kind: Foo}, " VERSION)));
    world_settle(&w);
    CHECK_STR(condition(&w, "bars.x.example.com", "NamesAccepted", "reason"), "KindConflict");
    CHECK_STR(condition(&w, "bars.x.example.com", "NamesAccepted", "message"),
              "\"Foo\" is already in use");
    CHECK_STR(condition(&w, "bars.x.example.com", "Established", "status"), "False");
    world_reopen(&w);
    CHECK(world_get(&w, "x.example.com/v1", "Foo", "default", "f") != NULL);
    CHECK_OK(world_patch(&w, "x.example.com/v1", "Foo", "default", "f",
                         "{metadata: {finalizers: [x/y]}}"));
    CHECK_OK(world_delete(&w, CRD_API, CRD_KIND, "", "foos.x.example.com",
                          REGISTRY_PROPAGATE_BACKGROUND));
    world_settle(&w);
    CHECK_STR(condition(&w, "foos.x.example.com", "Terminating", "status"), "True");
    CHECK_ERR(
        world_create(
            &w, NULL,
            "{apiVersion: x.example.com/v1, kind: Foo, metadata: {name: g, namespace: default}}"),
        ERR_METHOD);
    CHECK_OK(world_patch(&w, "x.example.com/v1", "Foo", "default", "f",
                         "{metadata: {finalizers: null}}"));
    CHECK(world_wait(&w, CRD_API, CRD_KIND, "", "foos.x.example.com", false));
    world_settle(&w);
    /* The name is free now. */
    CHECK_STR(condition(&w, "bars.x.example.com", "Established", "status"), "True");
    CHECK(kinds_find(w.server->kinds, STR("x.example.com"), STR("v1"), STR("foos")) == NULL);
    world_fini(&w);
}

TEST(controllers_refuse_definitions)
{
    static const struct {
        const char *crd, *why;
    } ROWS[] = {
        {CRD("foo.x.example.com", "names: {plural: foos, kind: Foo}, " VERSION),
         "metadata.name: Invalid value: \"foo.x.example.com\": must be spec.names.plural+\".\"+spec.group"},
        {CRD("foos.x.example.com", "names: {plural: foos, kind: Foo}, versions: []"),
         "spec.versions: Invalid value: []: must have exactly one version marked as storage version"},
        {CRD("foos.x.example.com",
             "names: {plural: foos, kind: Foo}, versions: [{name: v1, served: true, storage: true}]"),
         "spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required"},
        {CRD("foos.x.example.com", "names: {plural: foos, kind: Foo, listKind: Foo}, " VERSION),
         "spec.names.listKind: Invalid value: \"Foo\": kind and listKind may not be the same"},
        {CRD("foos.x.example.com",
             "conversion: {strategy: Webhook}, names: {plural: foos, kind: Foo}, " VERSION),
         "spec.conversion.strategy: Unsupported value: \"Webhook\": supported values: \"None\""},
        {CRD("foos.x.example.com",
             "preserveUnknownFields: true, names: {plural: foos, kind: Foo}, " VERSION),
         "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to "
         "true in spec.versions[*].schema instead"},
        {CRD("foos.x.example.com",
             "names: {plural: foos, kind: Foo}, versions: [{name: v1, served: true, storage: true, "
             "schema: {openAPIV3Schema: {type: object, x-kubernetes-validations: [{rule: 'true'}]}}}]"),
         "spec.versions[0].schema.openAPIV3Schema.x-kubernetes-validations[0].rule: Invalid value: \"true\": this server "
         "knows only the rule `self == oldSelf`"},
        {CRD("foos.x.example.com",
             "names: {plural: foos, kind: Foo}, versions: [{name: v1, served: true, storage: true, "
             "schema: {openAPIV3Schema: {type: object}}, additionalPrinterColumns: [{name: A, type: "
             "text, jsonPath: .a}]}]"),
         "spec.versions[0].additionalPrinterColumns[0].type: Invalid value: \"text\": must be one of "
         "boolean,date,integer,number,string"},
        {CRD("foos.x.example.com",
             "names: {plural: foos, kind: Foo}, versions: [{name: v1, served: true, storage: true, "
             "schema: {openAPIV3Schema: {type: object}}, subresources: {scale: {}}}]"),
         "spec.versions[0].subresources.scale: Forbidden: this server does not support the scale subresource"},
    };
    struct world w;

    world_init(&w);
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        CHECK_ERR(world_create(&w, NULL, ROWS[i].crd), ERR_INVALID);
        struct str prefix = STR(
            "CustomResourceDefinition.apiextensions.k8s.io \"foos.x.example.com\" is invalid: ");
        CHECK_STR(str_skip(world_message(&w), prefix.n - (i == 0)), ROWS[i].why);
    }
    CHECK_OK(world_create(&w, NULL,
                          CRD("foos.x.example.com", "names: {plural: foos, kind: Foo}, " VERSION)));
    world_settle(&w);
    CHECK_ERR(
        world_patch(&w, CRD_API, CRD_KIND, "", "foos.x.example.com", "{spec: {scope: Cluster}}"),
        ERR_INVALID);
    world_fini(&w);
}
