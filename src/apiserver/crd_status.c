/*
 * Conditions and deletion of CustomResourceDefinitions.
 *
 * NamesAccepted: no other definition of the group has one of the names.  Established: the names were accepted
 * once; it stays True, and the kind is served while it is.  A definition that is being deleted has its objects
 * deleted and loses the server's finalizer with the last one.
 *
 *   commit of a definition, or of the removal of one of its objects ─> enqueue ─> look ─> status or finalizer write
 *
 * Level-driven: looking twice writes nothing the second time; a failed write is looked at again.
 */
#include "apiserver/crd_priv.h"

#include "apiserver/server.h"
#include "base/log.h"
#include "base/time.h"
#include "kube/object.h"

#define RETRY_US (500 * TIME_US_PER_MS)

static void look_at_pending(void *cookie);

void crd_status_enqueue(struct crds *c, struct str name)
{
    map_put(c->pending, name, c);
    loop_defer(c->server->loop, &c->task, look_at_pending, c);
}

/* Objects of definitions that are being deleted: the last one lets the definition go. */
static void on_object(void *cookie, const struct kind *k, const json_t *old, const json_t *now)
{
    struct crds *c = cookie;
    char name[600];

    if (now || !c->deleting || !k->is_custom)
        return;
    int n = snprintf(name, sizeof(name), "%" STR_FMT ".%" STR_FMT, STR_ARG(k->plural),
                     STR_ARG(k->group));
    if (n > 0 && (size_t)n < sizeof(name))
        crd_status_enqueue(c, str_n(name, (size_t)n));
}

void crd_status_start(struct crds *c)
{
    c->objects.on_change = on_object;
    c->objects.cookie = c;
    registry_listen(c->server->registry, &c->objects);
}

void crd_status_stop(struct crds *c)
{
    loop_defer_cancel(c->server->loop, &c->task);
    loop_timer_cancel(c->server->loop, &c->retry);
}

/* --- names */

struct conflict {
    const json_t *crd;
    const char *reason; /* NULL: none */
    struct str name;
};

static bool has_name(const json_t *names, struct str name)
{
    static const char *const MEMBERS[] = {"plural", "singular"};
    size_t i;
    json_t *v;

    for (size_t k = 0; k < ARRAY_LEN(MEMBERS); k++) {
        if (str_eq(json_str(names, MEMBERS[k]), name))
            return true;
    }
    json_array_foreach(json_object_get(names, "shortNames"), i, v)
    {
        if (str_eq(json_str_of(v), name))
            return true;
    }
    return false;
}

static bool has_kind(const json_t *names, struct str name)
{
    return str_eq(json_str(names, "kind"), name) || str_eq(json_str(names, "listKind"), name);
}

static void find_conflict(struct conflict *f, const json_t *accepted)
{
    static const struct {
        const char *member, *reason;
        bool is_kind;
    } NAMES[] = {{"plural", "PluralConflict", false},
                 {"singular", "SingularConflict", false},
                 {"kind", "KindConflict", true},
                 {"listKind", "ListKindConflict", true}};
    const json_t *names = json_at(f->crd, "spec", "names", NULL);
    size_t i;
    json_t *v;

    for (size_t k = 0; k < ARRAY_LEN(NAMES); k++) {
        struct str name = json_str(names, NAMES[k].member);
        if (NAMES[k].is_kind ? has_kind(accepted, name) : has_name(accepted, name)) {
            f->reason = NAMES[k].reason;
            f->name = name;
            return;
        }
    }
    json_array_foreach(json_object_get(names, "shortNames"), i, v)
    {
        if (has_name(accepted, json_str_of(v))) {
            f->reason = "ShortNamesConflict";
            f->name = json_str_of(v);
            return;
        }
    }
}

static bool compare_names(void *cookie, const json_t *other)
{
    struct conflict *f = cookie;
    const json_t *spec = json_object_get(other, "spec");

    if (!str_eq(kobj_name(other), kobj_name(f->crd)) && crd_is_true(other, "NamesAccepted") &&
        str_eq(json_str(spec, "group"), json_str_at(f->crd, "spec", "group", NULL)))
        find_conflict(f, json_at(other, "status", "acceptedNames", NULL));
    return !f->reason;
}

/* Writes what holds now into the conditions; returns whether anything changed. */
static bool judge(const struct crds *c, json_t *crd)
{
    int64_t now = loop_wall_us(c->server->loop);
    struct conflict f = {.crd = crd};
    char text[320];

    registry_each(c->server->registry, crd_kind(c->server), STR_NONE, compare_names, &f);
    snprintf(text, sizeof(text), "\"%" STR_FMT "\" is already in use", STR_ARG(f.name));
    struct kube_condition accepted = {.type = "NamesAccepted",
                                      .status = f.reason ? "False" : "True",
                                      .reason = f.reason ? str_c(f.reason) : STR("NoConflicts"),
                                      .message =
                                          f.reason ? str_c(text) : STR("no conflicts found")};
    struct kube_condition established = {
        .type = "Established",
        .status = f.reason ? "False" : "True",
        .reason = f.reason ? STR("NotAccepted") : STR("InitialNamesAccepted"),
        .message = f.reason ? STR("not all names are accepted")
                            : STR("the initial names have been accepted")};
    bool changed = kobj_set_condition(crd, &accepted, now);
    if (!crd_is_true(crd, "Established"))
        changed |= kobj_set_condition(crd, &established, now);
    const json_t *names = json_at(crd, "spec", "names", NULL);
    json_t *status = json_object_at(crd, "status");
    if (!f.reason && !json_equal(names, json_object_get(status, "acceptedNames"))) {
        json_set(status, "acceptedNames", json_clone(names));
        changed = true;
    }
    return changed;
}

static int change_status(void *cookie, const json_t *old, json_t **ret_updated, json_t **ret_status)
{
    json_t *now = json_clone(old);

    judge(cookie, now);
    *ret_updated = now;
    return 0;
}

static int change_finalizer(void *cookie, const json_t *old, json_t **ret_updated,
                            json_t **ret_status)
{
    json_t *now = json_clone(old);
    json_t *list = json_at(now, "metadata", "finalizers", NULL);

    for (size_t i = json_array_size(list); i-- > 0;) {
        if (str_eq(json_str_of(json_array_get(list, i)), STR(CRD_FINALIZER)))
            json_array_remove(list, i);
    }
    *ret_updated = now;
    return 0;
}

/* --- looking */

static bool enqueue_any(void *cookie, const json_t *crd)
{
    crd_status_enqueue(cookie, kobj_name(crd));
    return true;
}

static void on_retry(void *cookie)
{
    struct crds *c = cookie;

    registry_each(c->server->registry, crd_kind(c->server), STR_NONE, enqueue_any, c);
}

static void on_written(void *cookie, const struct registry_result *result)
{
    struct crds *c = cookie;

    if (result->rc == 0 || result->rc == -ERR_NOTFOUND)
        return;
    log_warn("Could not update for a CustomResourceDefinition",
             LOG_S("error", json_str(result->status, "message")));
    loop_timer_start(c->server->loop, &c->retry, RETRY_US, on_retry, c);
}

static void write_status(struct crds *c, struct str name)
{
    struct registry_request req = {
        .kind = crd_kind(c->server), .name = name, .subresource = STR("status")};
    struct registry_change change = {.fn = change_status, .cookie = c};

    registry_update(c->server->registry, &req, &change, on_written, c);
}

static void drop_finalizer(struct crds *c, struct str name)
{
    struct registry_request req = {.kind = crd_kind(c->server), .name = name};
    struct registry_change change = {.fn = change_finalizer, .cookie = c};

    registry_update(c->server->registry, &req, &change, on_written, c);
}

struct removal {
    struct crds *c;
    const struct kind *kind;
    size_t left;
};

static bool remove_object(void *cookie, const json_t *object)
{
    struct removal *x = cookie;
    struct registry_request req = {
        .kind = x->kind, .ns = kobj_ns(object), .name = kobj_name(object)};
    struct registry_deletion deletion = {.uid = kobj_uid(object)};

    x->left++;
    if (!kobj_is_deleting(object))
        registry_delete(x->c->server->registry, &req, &deletion, on_written, x->c);
    return true;
}

/* Deletes the objects of the definition; lets it go when there are none. */
static void clean_up(struct crds *c, const json_t *crd)
{
    struct str group = json_str_at(crd, "spec", "group", NULL);
    struct str plural = json_str_at(crd, "spec", "names", "plural", NULL);
    struct removal x = {.c = c, .kind = kinds_find_any(c->server->kinds, group, plural)};

    if (x.kind && x.kind->is_custom)
        registry_each(c->server->registry, x.kind, STR_NONE, remove_object, &x);
    if (!x.left && kobj_has_finalizer(crd, CRD_FINALIZER))
        drop_finalizer(c, kobj_name(crd));
}

static void look(struct crds *c, struct str name)
{
    const json_t *crd = registry_get(c->server->registry, crd_kind(c->server), STR_NONE, name);

    if (!crd)
        return;
    if (kobj_is_deleting(crd)) {
        clean_up(c, crd);
        return;
    }
    json_t *copy JSON_OWNED = json_clone(crd);
    if (judge(c, copy))
        write_status(c, name);
}

static bool enqueue_refused(void *cookie, const json_t *crd)
{
    if (!crd_is_true(crd, "NamesAccepted"))
        map_put(((struct crds *)cookie)->pending, kobj_name(crd), cookie);
    return true;
}

static void look_at_pending(void *cookie)
{
    struct crds *c = cookie;
    struct map *now = c->pending;
    struct map_iter it = {0};

    c->pending = map_new();
    /* Names that were taken may be free now. */
    registry_each(c->server->registry, crd_kind(c->server), STR_NONE, enqueue_refused, c);
    while (map_next(c->pending, &it))
        map_put(now, it.key, c);
    map_free(c->pending);
    c->pending = map_new();
    it = (struct map_iter){0};
    while (map_next(now, &it))
        look(c, it.key);
    map_free(now);
}
