/*
 * `connectors delete`: objects by name or manifest, waiting until they are gone.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/time.h"
#include "cli/cli.h"
#include "cli/manifest.h"
#include "cli/print.h"
#include "cli/target.h"
#include "kube/object.h"

#define GONE_POLL_US 20000

struct delete_options {
    struct session_options shared;
    struct option_list files;
    int64_t timeout_us;
    bool wait;
    bool ignore_not_found;
};

static const struct option ROWS[] = {
    SESSION_ROWS(struct delete_options),
    OPTION_ROW(struct delete_options, files, .name = "filename", .letter = 'f', .type = OPTION_LIST,
               .arg = "FILE", .help = "Delete what these manifests name."),
    OPTION_ROW(struct delete_options, wait, .name = "wait", .type = OPTION_BOOL, .dflt = "true",
               .help = "Return when the objects are gone (finalizers included)."),
    OPTION_ROW(struct delete_options, timeout_us, .name = "timeout", .type = OPTION_DURATION_US,
               .dflt = "60s", .arg = "DURATION", .help = "How long to wait at most."),
    OPTION_ROW(struct delete_options, ignore_not_found, .name = "ignore-not-found",
               .type = OPTION_BOOL, .help = "An object that does not exist is no failure."),
};

static const struct option_set OPTIONS = {
    .command = "connectors delete",
    .summary = "Deletes objects." SESSION_EXIT_CODES,
    .operands = "KIND NAME... | KIND/NAME | -f FILE",
    .is_mixed = true,
    .rows = ROWS,
    .count = ARRAY_LEN(ROWS),
};

/* Waits until the object of that uid is gone. */
static int wait_gone(struct session *s, const struct delete_options *o,
                     const struct kube_resource *r, const json_t *deleted, struct err *err)
{
    int64_t deadline = time_mono_us() + o->timeout_us;
    struct session_patience patience = {0};

    for (;;) {
        json_t *live JSON_OWNED = NULL;
        int rc = kube_get(s->client, r, kobj_ns(deleted), kobj_name(deleted), &live, err);

        if (rc == -ERR_NOTFOUND || (rc == 0 && !str_eq(kobj_uid(live), kobj_uid(deleted))))
            return 0;
        if (rc < 0)
            return rc;
        if (time_mono_us() > deadline)
            return err_set(err, ERR_TIMEOUT,
                           "%" STR_FMT " '%" STR_FMT "' is being deleted but not gone",
                           STR_ARG(r->kind), STR_ARG(kobj_name(deleted)));
        session_patience_tell(&patience, "waiting until %" STR_FMT " '%" STR_FMT "' is gone",
                              STR_ARG(r->kind), STR_ARG(kobj_name(deleted)));
        usleep(GONE_POLL_US);
    }
}

static int delete_one(struct session *s, const struct delete_options *o,
                      const struct kube_resource *r, struct str ns, struct str name,
                      struct err *err)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    json_t *live JSON_OWNED = NULL;
    int rc = kube_get(s->client, r, ns, name, &live, err);

    if (rc == 0)
        rc = kube_delete(s->client, r, ns, name, NULL, err);
    if (rc == -ERR_NOTFOUND && o->ignore_not_found)
        return 0;
    if (rc < 0)
        return rc;
    printf("%" STR_FMT " deleted\n", STR_ARG(print_name(a, live)));
    fflush(stdout);
    return o->wait ? wait_gone(s, o, r, live, err) : 0;
}

/* Deletes what manifests name, in reverse order. */
static int delete_files(struct session *s, const struct delete_options *o,
                        const struct discovery *d, struct err *err)
{
    json_t *objects JSON_OWNED = NULL;
    int rc = manifest_load(&o->files, &objects, err);

    for (size_t i = json_array_size(objects); rc == 0 && i > 0; i--) {
        json_t *object = json_array_get(objects, i - 1);
        const struct kube_resource *r;

        rc = target_of_object(s, d, object, &r, err);
        if (rc == 0)
            rc = delete_one(s, o, r, kobj_ns(object), kobj_name(object), err);
    }
    return rc;
}

static int delete_named(struct session *s, const struct delete_options *o,
                        const struct discovery *d, int argc, char **argv, struct err *err)
{
    struct target t;
    int rc = target_parse(s, d, &(struct target_operands){.count = argc, .words = argv}, &t, err);

    if (rc < 0)
        return rc;
    if (t.names.n == 0)
        rc =
            err_set(err, ERR_USAGE, "name what to delete, e.g. `connectors delete connector demo`");
    for (size_t i = 0; rc == 0 && i < t.names.n; i++)
        rc = delete_one(s, o, t.resource, t.ns, t.names.p[i], err);
    target_fini(&t);
    return rc;
}

int cli_delete_main(int argc, char **argv)
{
    struct discovery *d CLEANUP(discovery_freep) = NULL;
    struct delete_options o = {0};
    struct session s = {0};
    struct err err = {0};
    int at = option_parse(&OPTIONS, argc, argv, &o, &err), rc = at, code;

    if (rc >= 0)
        rc = session_open(&s, &o.shared, &err);
    if (rc >= 0)
        rc = discovery_load(s.client, &d, &err);
    if (rc >= 0)
        rc = o.files.n ? delete_files(&s, &o, d, &err)
                       : delete_named(&s, &o, d, argc - at, argv + at, &err);
    code = session_exit(&s, &o.shared, rc, &err);
    session_close(&s);
    option_fini(&OPTIONS, &o);
    return code;
}
