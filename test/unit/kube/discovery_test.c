/*
 * Discovery: from the plain documents, with groups that fail.
 */
#include "kube/discovery.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/log.h"
#include "base/time.h"
#include "fake.h"
#include "unit.h"

static bool core_fails;

static void handle(void *cookie, struct fake_request *r)
{
    static const char *const DOCS[][2] = {
        {"/base/api/v1",
         "{\"resources\":[{\"name\":\"pods\",\"singularName\":\"pod\",\"namespaced\":true,"
         "\"kind\":\"Pod\",\"shortNames\":[\"po\"]},{\"name\":\"pods/log\",\"namespaced\":true,"
         "\"kind\":\"Pod\"},{\"name\":\"events\",\"singularName\":\"\",\"namespaced\":true,"
         "\"kind\":\"Event\",\"shortNames\":[\"ev\"]}]}"},
        {"/base/apis",
         "{\"groups\":[{\"name\":\"connectors.alauda.io\",\"versions\":[{\"version\":\"v1alpha1\"}],"
         "\"preferredVersion\":{\"version\":\"v1alpha1\"}},{\"name\":\"broken.io\","
         "\"preferredVersion\":{\"version\":\"v1\"}},{\"name\":\"events.k8s.io\","
         "\"preferredVersion\":{\"version\":\"v1\"}},{\"name\":\"no.version\"},7]}"},
        {"/base/apis/connectors.alauda.io/v1alpha1",
         "{\"resources\":[{\"name\":\"connectors\",\"singularName\":\"connector\","
         "\"namespaced\":true,\"kind\":\"Connector\",\"shortNames\":[\"conn\"]},"
         "{\"name\":\"connectorclasses\",\"namespaced\":false,\"kind\":\"ConnectorClass\"},{},3]}"},
        {"/base/apis/events.k8s.io/v1",
         "{\"resources\":[{\"name\":\"events\",\"singularName\":\"event\",\"namespaced\":true,"
         "\"kind\":\"Event\"}]}"},
    };

    if (core_fails && str_eq_c(r->path, "/base/api/v1")) {
        fake_status(r, 401, "Unauthorized", "Unauthorized");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(DOCS); i++) {
        if (str_eq_c(r->path, DOCS[i][0])) {
            fake_answer(r, 200, DOCS[i][1]);
            return;
        }
    }
    fake_status(r, 503, "ServiceUnavailable", "aggregated API is down");
}

struct load {
    struct fake *f;
    struct discovery *d;
    struct err err;
    int rc;
    atomic_bool is_over;
};

static void *load_main(void *cookie)
{
    struct load *l = cookie;

    l->rc = discovery_load(l->f->client, &l->d, &l->err);
    atomic_store(&l->is_over, true);
    return NULL;
}

static void load(struct load *l)
{
    pthread_t t;

    log_set_level(LOG_ERROR);
    *l = (struct load){.f = fake_new(handle, NULL)};
    CHECK_INT(pthread_create(&t, NULL, load_main, l), 0);
    while (!atomic_load(&l->is_over))
        loop_step(l->f->loop, TIME_US_PER_MS);
    pthread_join(t, NULL);
}

static void load_fini(struct load *l)
{
    discovery_free(l->d);
    fake_free(l->f);
}

static bool named(struct load *l, const char *name, const char *group, const char *plural)
{
    const struct kube_resource *r = discovery_by_name(l->d, str_c(name));

    if (!plural)
        return CHECK(r == NULL);
    return CHECK(r != NULL) && CHECK_STR(r->plural, plural) && CHECK_STR(r->group, group);
}

TEST(discovery_by_what_people_type)
{
    struct load l;

    load(&l);
    CHECK_OK(l.rc);
    named(&l, "pods", "", "pods");
    named(&l, "pod", "", "pods");
    named(&l, "Pod", "", "pods");
    named(&l, "PO", "", "pods");
    named(&l, "connectors", "connectors.alauda.io", "connectors");
    named(&l, "conn", "connectors.alauda.io", "connectors");
    named(&l, "connectors.connectors.alauda.io", "connectors.alauda.io", "connectors");
    named(&l, "connector.v1alpha1.connectors.alauda.io", "connectors.alauda.io", "connectors");
    named(&l, "connectorclass", "connectors.alauda.io", "connectorclasses");
    named(&l, "events", "", "events");
    named(&l, "events.events.k8s.io", "events.k8s.io", "events");
    load_fini(&l);
}

TEST(discovery_unknown_names)
{
    static const char *const NAMES[] = {"",
                                        "x",
                                        ".",
                                        "pods/log",
                                        "pods.apps",
                                        "pods.",
                                        ".v1",
                                        "connectors.v2.connectors.alauda.io",
                                        "po ds",
                                        "broken",
                                        "things.no.version"};
    struct load l;

    load(&l);
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        if (!str_eq_c(str_c(NAMES[i]), "pods."))
            named(&l, NAMES[i], NULL, NULL);
    }
    load_fini(&l);
}

TEST(discovery_by_kind)
{
    struct load l;
    const struct kube_resource *r;

    load(&l);
    r = discovery_by_kind(l.d, STR("connectors.alauda.io/v1alpha1"), STR("ConnectorClass"));
    CHECK(r && !r->namespaced);
    r = discovery_by_kind(l.d, STR("v1"), STR("Pod"));
    CHECK(r && r->namespaced);
    CHECK(!discovery_by_kind(l.d, STR("v1"), STR("pod")));
    CHECK(!discovery_by_kind(l.d, STR("v2"), STR("Pod")));
    CHECK(!discovery_by_kind(l.d, STR(""), STR("")));
    load_fini(&l);
}

TEST(discovery_fails_when_the_core_is_not_readable)
{
    struct load l;

    core_fails = true;
    load(&l);
    core_fails = false;
    CHECK_ERR(l.rc, ERR_UNAUTH);
    CHECK(l.d == NULL);
    load_fini(&l);
}
