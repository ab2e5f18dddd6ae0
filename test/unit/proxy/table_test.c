/*
 * The tables: refusals, counters, indexes, options.
 */
#include "codec/json.h"
#include "proxy/counters.h"
#include "proxy/index.h"
#include "proxy/refusal.h"
#include "proxy/settings.h"
#include "unit.h"

TEST(refusal_rows_are_complete)
{
    CHECK(!refusal_reason(REFUSAL_NONE));
    for (unsigned r = 1; r < REFUSAL_COUNT; r++) {
        const char *reason = refusal_reason((enum refusal)r);

        CHECK(reason && reason[0] >= 'A' && reason[0] <= 'Z');
        CHECK(refusal_status((enum refusal)r) >= 400 && refusal_status((enum refusal)r) < 600);
        for (unsigned o = 1; o < r; o++)
            CHECK(!str_eq(str_c(reason), str_c(refusal_reason((enum refusal)o))));
    }
    CHECK_INT(refusal_of_status(400), REFUSAL_AMBIGUOUS_REQUEST);
    CHECK_INT(refusal_of_status(431), REFUSAL_LIMIT_EXCEEDED);
    CHECK_INT(refusal_of_status(414), REFUSAL_LIMIT_EXCEEDED);
    CHECK_INT(refusal_of_status(408), REFUSAL_LIMIT_EXCEEDED);
    CHECK_INT(refusal_of_status(503), REFUSAL_OVERLOADED);
}

TEST(refusal_body_is_a_status)
{
    struct arena *a = arena_new();
    struct str body = refusal_body(a, REFUSAL_TOOL_UNREACHABLE, 502, STR("a \"quoted\"\nline\x01"));
    json_t *v = NULL;

    if (CHECK_OK(json_parse(str_trim_space(body), &v, NULL))) {
        CHECK_STR(json_str(v, "kind"), "Status");
        CHECK_STR(json_str(v, "apiVersion"), "v1");
        CHECK_STR(json_str(v, "status"), "Failure");
        CHECK_STR(json_str(v, "reason"), "ToolUnreachable");
        CHECK_STR(json_str(v, "message"), "a \"quoted\"\nline\x01");
        CHECK_INT(json_int(v, "code", 0), 502);
    }
    json_decref(v);
    arena_free(a);
}

TEST(counters_sum_over_workers)
{
    struct counters *w[2] = {NEW(struct counters), NEW(struct counters)};
    struct counters_connector *c = counters_connector_new(2);
    struct buf out = BUF_INIT(1024 * 1024);
    uint64_t sums[COUNTERS_CLASSES];

    counters_add(&w[0]->requests[MODE_REVERSE][200], 3);
    counters_add(&w[1]->requests[MODE_REVERSE][200], 4);
    counters_add(&w[1]->requests[MODE_FORWARD][407], 1);
    counters_add(&w[0]->refused[REFUSAL_NO_TOKEN], 1);
    counters_observe(&w[0]->total, 100);       /* on the bound */
    counters_observe(&w[1]->total, 101);       /* one past it */
    counters_observe(&w[1]->total, INT64_MAX); /* beyond all */
    counters_observe(&w[0]->total, -1);
    counters_format(w, 2, &out);
    CHECK(str_find(buf_str(&out), STR("requests_total{mode=\"reverse\",code=\"200\"} 7\n")) >= 0);
    CHECK(str_find(buf_str(&out), STR("requests_total{mode=\"forward\",code=\"407\"} 1\n")) >= 0);
    CHECK(str_find(buf_str(&out), STR("refused_total{reason=\"NoToken\"} 1\n")) >= 0);
    CHECK(str_find(buf_str(&out), STR("request_duration_seconds_bucket{le=\"0.0001\"} 2\n")) >= 0);
    CHECK(str_find(buf_str(&out), STR("request_duration_seconds_bucket{le=\"0.00025\"} 3\n")) >= 0);
    CHECK(str_find(buf_str(&out), STR("request_duration_seconds_bucket{le=\"+Inf\"} 4\n")) >= 0);
    CHECK(str_find(buf_str(&out), STR("request_duration_seconds_count 4\n")) >= 0);

    counters_connector_add(c, 0, 200);
    counters_connector_add(c, 1, 204);
    counters_connector_add(c, 1, 502);
    counters_connector_add(c, 1, 0);
    counters_connector_add(c, 1, 999);
    counters_connector_sum(c, sums);
    CHECK_INT(sums[2], 2);
    CHECK_INT(sums[5], 1);
    CHECK_INT(sums[0], 2);
    counters_connector_unref(c);
    buf_fini(&out);
    free(w[0]);
    free(w[1]);
}

static unsigned under(const struct index *ix, struct str key)
{
    struct list *head = index_get(ix, key);
    unsigned n = 0;

    if (!head)
        return 0;
    LIST_EACH(it, head)
    n += index_owner(it) != NULL;
    return n;
}

TEST(index_links_move)
{
    struct index *ix = index_new();
    struct index_link a = {0}, b = {0};
    int owner;

    index_set(ix, &a, STR("x"), &owner);
    index_set(ix, &b, STR("x"), &owner);
    CHECK_INT(under(ix, STR("x")), 2);
    index_set(ix, &a, STR("y"), &owner);
    CHECK_INT(under(ix, STR("x")), 1);
    CHECK_INT(under(ix, STR("y")), 1);
    index_set(ix, &a, STR("y"), &owner); /* again */
    CHECK_INT(under(ix, STR("y")), 1);
    index_set(ix, &a, STR_NONE, &owner);
    index_set(ix, &b, STR_NONE, &owner);
    index_set(ix, &b, STR_NONE, &owner);
    CHECK(!index_get(ix, STR("x")) && !index_get(ix, STR("y")));
    index_free(ix);
}

static int parse(struct settings *s, const char *option, struct err *err)
{
    char *argv[] = {(char *)"proxy", (char *)option, NULL};

    *s = (struct settings){0};
    return settings_parse(option ? 2 : 1, argv, s, err);
}

TEST(settings_defaults_are_the_contract)
{
    struct settings s;

    if (!CHECK_OK(parse(&s, NULL, NULL)))
        return;
    CHECK_STR(s.listen, "127.0.0.1:8480");
    CHECK_STR(s.audience, "connectors-proxy");
    CHECK(s.accept_apiserver_audience);
    CHECK_STR(s.cluster_domain, "cluster.local");
    CHECK_INT(s.audit_on_error, AUDIT_REFUSE);
    CHECK_INT(s.drain_timeout_us, 30000000);
    CHECK_INT(s.settle_us, 2000000);
    CHECK_INT(s.header_bytes, 65536);
    CHECK_INT(s.header_count, 200);
    CHECK_INT(s.uri_bytes, 16384);
    CHECK_INT(s.max_connections, 65536);
    CHECK_INT(s.max_requests, 1024);
    CHECK_INT(s.header_timeout_us, 15000000);
    CHECK_INT(s.idle_timeout_us, 75000000);
    CHECK_INT(s.connect_timeout_us, 10000000);
    CHECK_INT(s.tls_timeout_us, 10000000);
    CHECK_INT(s.response_timeout_us, 600000000);
    CHECK_INT(s.stream_timeout_us, 600000000);
    CHECK(!s.audit_log);
    settings_fini(&s);
}

TEST(settings_that_are_refused)
{
    static const char *const bad[] = {
        "--listen=localhost",
        "--listen=1.2.3.4",
        "--metrics-listen=x:1",
        "--proxy-address=127.0.0.1:8480",
        "--proxy-address=ftp://x",
        "--proxy-address=http://x?y",
        "--allow-destination=example.com",
        "--allow-destination=10.0.0.0/33",
        "--threads=257",
        "--threads=-1",
        "--audit-on-error=maybe",
        "--log-level=loud",
        "--drain-timeout=30",
        "--max-headers=9",
        "--max-connections=0",
        "--no-such-option",
        "operand",
    };
    struct settings s;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (!CHECK_ERR(parse(&s, bad[i], &err), ERR_USAGE))
            CHECK_STR(str_c(bad[i]), "");
}
