/*
 * `connectors get`: objects as server-side tables, YAML, JSON or names.
 */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/print.h"
#include "cli/target.h"

#define ACCEPT_TABLE "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"

struct get_options {
    struct session_options shared;
    const char *selector;
    bool all_namespaces;
};

static const struct option ROWS[] = {
    SESSION_ROWS(struct get_options),
    SESSION_OUTPUT_ROW(struct get_options),
    OPTION_ROW(struct get_options, selector, .name = "selector", .letter = 'l',
               .type = OPTION_STRING, .dflt = "", .arg = "SELECTOR",
               .help = "Label selector, e.g. app=demo,tier!=db."),
    OPTION_ROW(struct get_options, all_namespaces, .name = "all-namespaces", .letter = 'A',
               .type = OPTION_BOOL, .help = "Objects of every namespace."),
};

static const struct option_set OPTIONS = {
    .command = "connectors get",
    .summary = "Lists objects." SESSION_EXIT_CODES,
    .operands = "KIND [NAME...] | KIND/NAME",
    .is_mixed = true,
    .rows = ROWS,
    .count = ARRAY_LEN(ROWS),
};

static bool is_table(const struct get_options *o)
{
    return o->shared.output <= SESSION_WIDE;
}

static int fetch(struct session *s, const struct get_options *o, const struct target *t,
                 struct str name, json_t **ret_answer, struct err *err)
{
    struct buf path = BUF_INIT(8192);
    int rc;

    kube_path(&path, t->resource, t->ns, name, STR_NONE);
    if (o->selector[0]) {
        buf_add_c(&path, "?labelSelector=");
        url_encode(&path, str_c(o->selector), "");
    }
    rc = kube_do(s->client,
                 &(struct kube_request){.method = "GET",
                                        .path = buf_str(&path),
                                        .accept = is_table(o) ? ACCEPT_TABLE : NULL},
                 ret_answer, err);
    buf_fini(&path);
    return rc;
}

/* Adds an answer to those before it: rows to a table, objects to a List. */
static void add_answer(const struct get_options *o, json_t **all, json_t *answer)
{
    if (!*all)
        *all = json_incref(answer);
    else if (is_table(o))
        json_array_extend(json_at(*all, "rows", NULL), json_at(answer, "rows", NULL));
    else if (json_at(*all, "items", NULL))
        json_array_append(json_at(*all, "items", NULL), answer);
    else
        *all = json_pack("{s:s, s:s, s:{}, s:[o, O]}", "apiVersion", "v1", "kind", "List",
                         "metadata", "items", *all, answer);
}

/* Items of a list of built-in kinds do not say what they are; whoever reads the output wants to know. */
static void name_items(json_t *list)
{
    struct str kind = json_str(list, "kind");
    json_t *item;
    size_t i;

    if (!str_ends(kind, STR("List")))
        return;
    kind.n -= STR("List").n;
    json_array_foreach(json_at(list, "items", NULL), i, item)
    {
        if (!str_is_empty(json_str(item, "kind")))
            continue;
        json_set_str(item, "kind", kind);
        json_set_str(item, "apiVersion", json_str(list, "apiVersion"));
    }
}

static void show(const struct get_options *o, const struct target *t, const json_t *all)
{
    if (!is_table(o))
        print_object(stdout, all, (enum session_output)o->shared.output);
    else if (json_array_size(json_at(all, "rows", NULL)) > 0)
        print_table(stdout, all, o->shared.output == SESSION_WIDE,
                    o->all_namespaces && t->resource->namespaced);
    else if (t->ns.n)
        fprintf(stderr, "No resources found in namespace %" STR_FMT "\n", STR_ARG(t->ns));
    else
        fprintf(stderr, "No resources found\n");
}

/* Shows what there is of the named objects, and fails with the first that is missing. */
static int get_target(struct session *s, const struct get_options *o, const struct target *t,
                      struct err *err)
{
    json_t *all JSON_OWNED = NULL;
    int rc = 0;

    if (t->names.n == 0)
        rc = fetch(s, o, t, STR_NONE, &all, err);
    for (size_t i = 0; i < t->names.n; i++) {
        json_t *answer JSON_OWNED = NULL;
        int one = fetch(s, o, t, t->names.p[i], &answer, rc < 0 ? NULL : err);

        if (one == 0)
            add_answer(o, &all, answer);
        else if (rc == 0)
            rc = one;
    }
    if (all) {
        name_items(all);
        show(o, t, all);
    }
    return rc;
}

static int get_all(struct session *s, const struct get_options *o, int argc, char **argv,
                   struct err *err)
{
    struct discovery *d CLEANUP(discovery_freep) = NULL;
    struct target t;
    int rc = discovery_load(s->client, &d, err);

    if (rc == 0)
        rc = target_parse(s, d, &(struct target_operands){argc, argv, o->all_namespaces}, &t, err);
    if (rc < 0)
        return rc;
    if (t.names.n && o->selector[0])
        rc = err_set(err, ERR_USAGE, "use names or a selector, not both");
    else
        rc = get_target(s, o, &t, err);
    target_fini(&t);
    return rc;
}

int cli_get_main(int argc, char **argv)
{
    struct get_options o = {0};
    struct session s = {0};
    struct err err = {0};
    int at = option_parse(&OPTIONS, argc, argv, &o, &err), rc = at, code;

    if (rc >= 0)
        rc = session_open(&s, &o.shared, &err);
    if (rc >= 0)
        rc = get_all(&s, &o, argc - at, argv + at, &err);
    code = session_exit(&s, &o.shared, rc, &err);
    session_close(&s);
    return code;
}
