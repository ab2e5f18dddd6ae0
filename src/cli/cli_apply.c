/*
 * `connectors apply`: create objects, or bring them to a manifest by a three-way merge with what was applied
 * last.
 *
 * The annotation is kubectl's, so that both tools may be used on one object.
 */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/manifest.h"
#include "cli/print.h"
#include "cli/target.h"
#include "codec/jsonpatch.h"
#include "kube/object.h"

#define ANNOTATION_LAST "kubectl.kubernetes.io/last-applied-configuration"

struct apply_options {
    struct session_options shared;
    struct option_list files;
};

static const struct option ROWS[] = {
    SESSION_ROWS(struct apply_options),
    OPTION_ROW(struct apply_options, files, .name = "filename", .letter = 'f', .type = OPTION_LIST,
               .arg = "FILE", .help = "File, directory or - for standard input; may be repeated."),
};

static const struct option_set OPTIONS = {
    .command = "connectors apply",
    .summary = "Creates or updates objects from manifests." SESSION_EXIT_CODES,
    .rows = ROWS,
    .count = ARRAY_LEN(ROWS),
};

/* The annotation's text: the manifest itself, without the annotation. */
static void set_last_applied(json_t *object)
{
    struct buf text = BUF_INIT(BUF_NO_LIMIT);
    json_t *annotations = json_object_at(json_object_at(object, "metadata"), "annotations");

    json_del(annotations, ANNOTATION_LAST);
    json_format_canonical(object, &text);
    buf_add_char(&text, '\n');
    json_set_str(annotations, ANNOTATION_LAST, buf_str(&text));
    buf_fini(&text);
}

/* Updates an object that exists; returns 1 when something changed. */
static int update(struct session *s, const struct kube_resource *r, const json_t *object,
                  struct err *err)
{
    json_t *live JSON_OWNED = NULL, *last JSON_OWNED = NULL, *patch JSON_OWNED = NULL;
    json_t *now JSON_OWNED = NULL;
    struct str text;
    int rc = kube_get(s->client, r, kobj_ns(object), kobj_name(object), &live, err);

    if (rc < 0)
        return rc;
    text = kobj_annotation(live, ANNOTATION_LAST);
    if (str_is_empty(text) || json_parse(text, &last, NULL) < 0)
        last = json_object();
    patch = jsonpatch_three_way(last, object, live);
    if (json_object_size(patch) == 0)
        return 0;
    rc = kube_patch(s->client, r, kobj_ns(object), kobj_name(object), STR_NONE, KUBE_PATCH_MERGE,
                    patch, &now, err);
    if (rc < 0)
        return rc;
    return str_eq(kobj_rv(now), kobj_rv(live)) ? 0 : 1;
}

static int apply_object(struct session *s, const struct discovery *d, json_t *object,
                        struct err *err)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    const struct kube_resource *r;
    const char *did = "created";
    struct str name;
    int rc = target_of_object(s, d, object, &r, err);

    if (rc < 0)
        return rc;
    name = print_name(a, object);
    set_last_applied(object);
    rc = kube_create(s->client, r, object, NULL, err);
    if (rc == -ERR_EXISTS) {
        rc = update(s, r, object, err);
        did = rc == 1 ? "configured" : "unchanged";
    }
    if (rc < 0)
        return err_wrap(err, rc, "apply %" STR_FMT, STR_ARG(name));
    printf("%" STR_FMT " %s\n", STR_ARG(name), did);
    return 0;
}

/* Whether later objects may need what this one defines. */
static bool changes_discovery(const json_t *object)
{
    return str_eq(kobj_kind(object), KUBE_CRDS.kind);
}

static int apply_all(struct session *s, json_t *objects, struct err *err)
{
    struct discovery *d CLEANUP(discovery_freep) = NULL;
    json_t *object;
    size_t i;
    int rc = discovery_load(s->client, &d, err);

    json_array_foreach(objects, i, object)
    {
        if (rc == 0)
            rc = apply_object(s, d, object, err);
        if (rc == 0 && changes_discovery(object)) {
            discovery_free(TAKE(d));
            rc = discovery_load(s->client, &d, err);
        }
    }
    return rc;
}

int cli_apply_main(int argc, char **argv)
{
    struct apply_options o = {0};
    struct session s = {0};
    json_t *objects JSON_OWNED = NULL;
    struct err err = {0};
    int rc = option_parse(&OPTIONS, argc, argv, &o, &err), code;

    if (rc >= 0 && o.files.n == 0)
        rc = err_set(&err, ERR_USAGE, "apply needs -f FILE");
    if (rc >= 0)
        rc = manifest_load(&o.files, &objects, &err);
    if (rc >= 0)
        rc = session_open(&s, &o.shared, &err);
    if (rc >= 0)
        rc = apply_all(&s, objects, &err);
    code = session_exit(&s, &o.shared, rc, &err);
    session_close(&s);
    option_fini(&OPTIONS, &o);
    return code;
}
