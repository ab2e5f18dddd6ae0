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
    .summary = "Lists objects.",
    .operands = "KIND [NAME...] | KIND/NAME",
    .is_mixed = true,
    .rows = ROWS,
    .count = ARRAY_LEN(ROWS),
};

static int get_one(struct session *s, const struct get_options *o, const struct target *t,
                   struct str name, struct err *err)
{
    bool table = o->shared.output <= SESSION_WIDE;
    struct buf path = BUF_INIT(8192);
    json_t *answer JSON_OWNED = NULL;
    int rc;

    kube_path(&path, t->resource, t->ns, name, STR_NONE);
    if (o->selector[0]) {
        buf_add_c(&path, "?labelSelector=");
        url_encode(&path, str_c(o->selector), "");
    }
    rc =
        kube_do(s->client,
                &(struct kube_request){
                    .method = "GET", .path = buf_str(&path), .accept = table ? ACCEPT_TABLE : NULL},
                &answer, err);
    buf_fini(&path);
    if (rc < 0)
        return rc;
    if (!table)
        print_object(stdout, answer, (enum session_output)o->shared.output);
    else if (json_array_size(json_at(answer, "rows", NULL)) == 0)
        fprintf(stderr, "No resources found\n");
    else
        print_table(stdout, answer, o->shared.output == SESSION_WIDE,
                    o->all_namespaces && t->resource->namespaced);
    return 0;
}

static int get_all(struct session *s, const struct get_options *o, int argc, char **argv,
                   struct err *err)
{
    struct discovery *d CLEANUP(discovery_freep) = NULL;
    struct target t;
    int rc = discovery_load(s->client, &d, err);

    if (rc == 0)
        rc = target_parse(s, d, argc, argv, o->all_namespaces, &t, err);
    if (rc < 0)
        return rc;
    if (t.names.n == 0)
        rc = get_one(s, o, &t, STR_NONE, err);
    for (size_t i = 0; rc == 0 && i < t.names.n; i++)
        rc = get_one(s, o, &t, t.names.p[i], err);
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
