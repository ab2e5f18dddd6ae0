/*
 * The pure parts: links, Services, CA certificates, plans that cannot be.
 */
#include "codec/base64.h"
#include "controller/links.h"
#include "controller/service.h"
#include "controller/trusts.h"
#include "crypto/x509.h"
#include "kube/object.h"
#include "rig.h"
#include "unit.h"

static void count(void *cookie, struct str member)
{
    CHECK(member.n > 0);
    ++*(unsigned *)cookie;
}

static unsigned count_members(const struct links *l, struct str key)
{
    unsigned n = 0;

    links_each(l, key, count, &n);
    return n;
}

TEST(links_are_sets)
{
    struct links *l = links_new();

    links_add(l, STR("class"), STR("a/b"));
    links_add(l, STR("class"), STR("a/b"));
    links_add(l, STR("class"), STR("a/c"));
    links_add(l, STR(""), STR("a/c"));
    CHECK_INT(count_members(l, STR("class")), 2);
    CHECK(!links_has(l, STR("")));
    links_del(l, STR("class"), STR("a/b"));
    links_del(l, STR("class"), STR("a/b"));
    links_del(l, STR("other"), STR("a/b"));
    CHECK_INT(count_members(l, STR("class")), 1);
    links_del(l, STR("class"), STR("a/c"));
    CHECK(!links_has(l, STR("class")));
    CHECK_INT(count_members(l, STR("class")), 0);
    links_free(l);
}

static json_t *parse(const char *text)
{
    json_t *v = NULL;
    struct err err;

    CHECK_OK(json_parse(str_c(text), &v, &err));
    return v;
}

/* The name that c-NAME of a Connector of this class leads to. */
static struct str target_of(struct arena *a, const char *proxy, const char *annotations,
                            const char *proxy_address)
{
    const struct address_site site = {
        .cluster_domain = STR("cluster.local"),
        .system_ns = STR("sys"),
        .proxy_address = str_c(proxy_address),
    };
    struct str text =
        arena_fmt(a, "{\"metadata\":{\"name\":\"c\",\"annotations\":{%s}},\"spec\":{\"proxy\":%s}}",
                  annotations, proxy);
    json_t *object JSON_OWNED = parse(text.p);
    struct connector_class *cls CLEANUP(class_unrefp) = NULL;
    struct err err;

    CHECK_OK(class_parse(object, &cls, &err));
    return service_target(a, &site, cls);
}

TEST(service_leads_to_the_classes_proxy)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    const char *ref = "{\"ref\":{\"kind\":\"Service\",\"name\":\"p\",\"namespace\":\"n\"}}";
    const char *bare = "{\"ref\":{\"kind\":\"Service\",\"name\":\"p\"}}";
    const char *uri = "{\"uri\":\"https://proxy.example:8443/x\"}";
    const char *ip = "{\"uri\":\"http://192.0.2.1/\"}";
    const char *path = "\"connectors.cpaas.io/proxy-resolver\":\"path\"";

    CHECK_STR(target_of(a, ref, "", ""), "p.n.svc.cluster.local");
    CHECK_STR(target_of(a, bare, "", ""), "p.sys.svc.cluster.local");
    CHECK_STR(target_of(a, ref, path, ""), "p.n.svc.cluster.local");
    CHECK_STR(target_of(a, uri, "", ""), "proxy.example");
    CHECK_STR(target_of(a, uri, path, ""), "");
    CHECK_STR(target_of(a, ip, "", ""), "");
    CHECK_STR(target_of(a, "{}", "", ""), "");
    CHECK_STR(target_of(a, ref, "", "http://127.0.0.1:8480"), "");
}

TEST(service_is_the_connectors_own)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    json_t *connector JSON_OWNED =
        parse("{\"apiVersion\":\"connectors.alauda.io/v1alpha1\",\"kind\":\"Connector\","
              "\"metadata\":{\"namespace\":\"n\",\"name\":\"x\",\"uid\":\"u1\"}}");
    json_t *other JSON_OWNED =
        parse("{\"metadata\":{\"namespace\":\"n\",\"name\":\"x\",\"uid\":\"u2\"}}");
    json_t *nobody JSON_OWNED = parse("{\"metadata\":{\"namespace\":\"n\",\"name\":\"x\"}}");
    json_t *bare JSON_OWNED = parse("{\"metadata\":{\"name\":\"c-x\",\"ownerReferences\":[{}]}}");
    json_t *service JSON_OWNED = service_make(a, connector, STR("p.n.svc"));

    CHECK_STR(kobj_name(service), "c-x");
    CHECK_STR(kobj_ns(service), "n");
    CHECK_STR(kobj_label(service, "app.kubernetes.io/managed-by"), "connectors");
    CHECK_STR(json_str_at(service, "spec", "externalName", NULL), "p.n.svc");
    CHECK(service_is_owned(service, connector));
    CHECK(!service_is_owned(service, other));
    CHECK(!service_is_owned(service, nobody));
    CHECK(!service_is_owned(bare, connector));
    CHECK(!service_is_owned(bare, nobody));
}

static int collect(const char *value, struct buf *out)
{
    struct buf text = BUF_INIT(1024 * 1024);
    json_t *secret JSON_OWNED = NULL;
    struct err err;

    buf_add_c(&text, "{\"data\":{\"other\":\"AAAA\",\"any\":\"");
    base64_encode(&text, str_c(value));
    buf_add_c(&text, "\"}}");
    secret = parse(buf_c(&text));
    buf_fini(&text);
    buf_reset(out);
    return trusts_collect(secret, out, &err);
}

TEST(ca_certificates_must_parse)
{
    struct buf pem = BUF_INIT(64 * 1024), out = BUF_INIT(64 * 1024);
    struct key *key = key_new_p256();
    struct tls_client *one = NULL, *two = NULL;
    struct trusts *t = trusts_new();
    struct err err;

    CHECK_OK(x509_make_ca(key, STR("test"), INT64_C(1767323045000000), 3600, &pem, &err));
    CHECK_OK(collect(buf_c(&pem), &out));
    CHECK(str_starts(buf_str(&out), STR("-----BEGIN CERTIFICATE-----")));
    CHECK_OK(trusts_get(t, buf_str(&out), &one, &err));
    CHECK_OK(trusts_get(t, buf_str(&out), &two, &err));
    CHECK(one == two);

    CHECK_ERR(collect("", &out), ERR_INVALID);
    CHECK_ERR(collect("no certificate", &out), ERR_INVALID);
    CHECK_ERR(collect("-----BEGIN CERTIFICATE-----\n", &out), ERR_INVALID);
    CHECK_ERR(collect("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &out),
              ERR_INVALID);
    buf_add_c(&pem, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    CHECK_ERR(collect(buf_c(&pem), &out), ERR_INVALID);
    tls_client_unref(one);
    tls_client_unref(two);
    trusts_free(t);
    key_unref(key);
    buf_fini(&pem);
    buf_fini(&out);
}

TEST(plans_that_cannot_be_are_refused)
{
    struct plan_address addresses[PLAN_REQUESTS] = {{.url = STR("http://api.example/x")}};
    struct plan *plan = NULL;
    struct err err;

    CHECK_OK(plan_for_class(STR("f"), addresses, &plan, &err));
    CHECK(plan->requests[0].is_set && !plan->requests[1].is_set);
    CHECK_INT(plan->requests[0].port, 80);
    plan_unref(plan);
    addresses[1].url = STR("ftp://x");
    CHECK_ERR(plan_for_class(STR("f"), addresses, &plan, &err), ERR_INVALID);
    addresses[1].url = STR("http://127.1/");
    CHECK_ERR(plan_for_class(STR("f"), addresses, &plan, &err), ERR_INVALID);
}
