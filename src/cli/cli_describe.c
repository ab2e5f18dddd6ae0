/*
 * `connectors describe`: one object for people: its fields, its conditions as a table, its events.
 */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/print.h"
#include "cli/target.h"
#include "codec/yaml.h"
#include "kube/object.h"

struct describe_options {
    struct session_options shared;
};

static const struct option ROWS[] = {SESSION_ROWS(struct describe_options)};

static const struct option_set OPTIONS = {
    .command = "connectors describe",
    .summary = "Shows objects with their conditions and events." SESSION_EXIT_CODES,
    .operands = "KIND [NAME...] | KIND/NAME",
    .is_mixed = true,
    .rows = ROWS,
    .count = ARRAY_LEN(ROWS),
};

/* A Table value of plain string cells, for print_table. */
static json_t *new_table(const char *const *names, size_t count)
{
    json_t *columns = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(columns, json_pack("{s:s}", "name", names[i]));
    return json_pack("{s:o, s:[]}", "columnDefinitions", columns, "rows");
}

static void add_row(json_t *table, const struct str *cells, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_from_str(cells[i].n ? cells[i] : STR("-")));
    json_array_append_new(json_at(table, "rows", NULL), json_pack("{s:o}", "cells", list));
}

static void print_section(const char *title, const json_t *value)
{
    struct buf text = BUF_INIT(BUF_NO_LIMIT);
    struct str rest, line;

    if (!value || (json_is_object(value) && json_object_size(value) == 0))
        return;
    printf("%s:\n", title);
    yaml_format(value, &text);
    rest = buf_str(&text);
    while (rest.p && rest.n) {
        line = str_cut(&rest, '\n');
        printf("  %" STR_FMT "\n", STR_ARG(line));
    }
    buf_fini(&text);
}

static void print_conditions(const json_t *object)
{
    static const char *const names[] = {"Type", "Status", "Reason", "Since", "Message"};
    const json_t *conditions = json_at(object, "status", "conditions", NULL), *c;
    json_t *table JSON_OWNED = NULL;
    size_t i;

    if (json_array_size(conditions) == 0)
        return;
    table = new_table(names, ARRAY_LEN(names));
    json_array_foreach(conditions, i, c)
    {
        const struct str cells[] = {json_str(c, "type"), json_str(c, "status"),
                                    json_str(c, "reason"), json_str(c, "lastTransitionTime"),
                                    json_str(c, "message")};

        add_row(table, cells, ARRAY_LEN(cells));
    }
    printf("Conditions:\n");
    print_table(stdout, table, false, false);
}

static int print_events(struct session *s, const json_t *object, struct err *err)
{
    static const char *const names[] = {"Last seen", "Type", "Reason", "Count", "Message"};
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct buf path = BUF_INIT(8192);
    json_t *list JSON_OWNED = NULL, *table JSON_OWNED = new_table(names, ARRAY_LEN(names)), *e;
    struct str ns = kobj_ns(object);
    size_t i;
    int rc;

    kube_path(&path, &KUBE_EVENTS, ns.n ? ns : STR("default"), STR_NONE, STR_NONE);
    buf_addf(&path, "?fieldSelector=involvedObject.uid%%3D%" STR_FMT, STR_ARG(kobj_uid(object)));
    rc = kube_do(s->client, &(struct kube_request){.method = "GET", .path = buf_str(&path)}, &list,
                 err);
    buf_fini(&path);
    if (rc < 0)
        return rc;
    json_array_foreach(json_at(list, "items", NULL), i, e)
    {
        const struct str cells[] = {
            json_str(e, "lastTimestamp"), json_str(e, "type"), json_str(e, "reason"),
            arena_fmt(a, "%lld", (long long)json_int(e, "count", 1)), json_str(e, "message")};

        add_row(table, cells, ARRAY_LEN(cells));
    }
    if (i == 0) {
        printf("Events:  <none>\n");
        return 0;
    }
    printf("Events:\n");
    print_table(stdout, table, false, false);
    return 0;
}

/* The size of what base64 text stands for. */
static size_t decoded_bytes(struct str text)
{
    size_t n = text.n / 4 * 3;

    if (str_ends(text, STR("==")))
        return n - 2;
    return str_ends(text, STR("=")) ? n - 1 : n;
}

/* Values of a Secret are shown as their size, as kubectl does. */
static void hide_secret(json_t *object)
{
    json_t *values = json_at(object, "data", NULL), *v;
    const char *key;
    void *next;

    if (!str_eq(kobj_kind(object), KUBE_SECRETS.kind))
        return;
    json_object_foreach_safe(values, next, key, v)
    {
        char text[64];

        snprintf(text, sizeof(text), "%zu bytes", decoded_bytes(json_str_of(v)));
        json_object_set_new(values, key, json_string(text));
    }
    json_del(json_at(object, "metadata", "annotations", NULL),
             "kubectl.kubernetes.io/last-applied-configuration");
}

static int describe(struct session *s, json_t *object, struct err *err)
{
    json_t *status, *rest JSON_OWNED = json_clone(object);
    const char *const top[] = {"apiVersion", "kind", "metadata", "status"};

    hide_secret(rest);
    printf("Name:       %" STR_FMT "\n", STR_ARG(kobj_name(object)));
    if (kobj_ns(object).n)
        printf("Namespace:  %" STR_FMT "\n", STR_ARG(kobj_ns(object)));
    printf("Kind:       %" STR_FMT " (%" STR_FMT ")\n", STR_ARG(kobj_kind(object)),
           STR_ARG(kobj_api_version(object)));
    printf("Created:    %" STR_FMT "\n",
           STR_ARG(json_str_at(object, "metadata", "creationTimestamp", NULL)));
    print_section("Labels", json_at(rest, "metadata", "labels", NULL));
    status = json_deep_copy(json_at(rest, "status", NULL));
    for (size_t i = 0; i < ARRAY_LEN(top); i++)
        json_del(rest, top[i]);
    if (json_object_size(rest))
        print_section("Fields", rest);
    if (status) {
        json_del(status, "conditions");
        print_section("Status", status);
        json_decref(status);
    }
    print_conditions(object);
    return print_events(s, object, err);
}

static int describe_all(struct session *s, int argc, char **argv, struct err *err)
{
    struct discovery *d CLEANUP(discovery_freep) = NULL;
    struct target t;
    json_t *list JSON_OWNED = NULL;
    int rc = discovery_load(s->client, &d, err);

    if (rc == 0)
        rc = target_parse(s, d, &(struct target_operands){.count = argc, .words = argv}, &t, err);
    if (rc < 0)
        return rc;
    if (t.names.n == 0) {
        rc = kube_get(s->client, t.resource, t.ns, STR_NONE, &list, err);
        for (size_t i = 0; rc == 0 && i < json_array_size(json_at(list, "items", NULL)); i++) {
            json_t *item = json_array_get(json_at(list, "items", NULL), i);

            json_set_str(item, "kind", t.resource->kind);
            json_set_str(item, "apiVersion", json_str(list, "apiVersion"));
            rc = describe(s, item, err);
            putchar('\n');
        }
    }
    for (size_t i = 0; rc == 0 && i < t.names.n; i++) {
        json_t *object JSON_OWNED = NULL;

        rc = kube_get(s->client, t.resource, t.ns, t.names.p[i], &object, err);
        if (rc == 0)
            rc = describe(s, object, err);
    }
    target_fini(&t);
    return rc;
}

int cli_describe_main(int argc, char **argv)
{
    struct describe_options o = {0};
    struct session s = {0};
    struct err err = {0};
    int at = option_parse(&OPTIONS, argc, argv, &o, &err), rc = at, code;

    if (rc >= 0)
        rc = session_open(&s, &o.shared, &err);
    if (rc >= 0)
        rc = describe_all(&s, argc - at, argv + at, &err);
    code = session_exit(&s, &o.shared, rc, &err);
    session_close(&s);
    return code;
}
