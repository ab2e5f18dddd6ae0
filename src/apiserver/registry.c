/*
 * Reads from the cache, and the driver of writes.
 */
#include "apiserver/registry.h"

#include "apiserver/cache.h"
#include "apiserver/meta.h"
#include "apiserver/registry_priv.h"
#include "apiserver/seal.h"
#include "apiserver/server.h"
#include "kube/object.h"

struct registry *registry_new(struct apiserver *server)
{
    struct registry *r = NEW(struct registry);

    r->server = server;
    list_init(&r->ops);
    list_init(&r->listeners);
    return r;
}

static void free_op(struct registry_op *op)
{
    list_remove(&op->link);
    if (op->change.free)
        op->change.free(op->change.cookie);
    json_decref(op->input);
    json_decref(op->old);
    json_decref(op->object);
    json_decref(op->status);
    json_decref(op->answer);
    json_decref(op->req.warnings);
    buf_fini(&op->stored);
    kind_unref(op->req.kind);
    arena_free(op->arena);
    free(op);
}

void registry_free(struct registry *r)
{
    if (!r)
        return;
    LIST_EACH(it, &r->ops)
    {
        struct registry_op *op = LIST_ENTRY(it, struct registry_op, link);
        ASSERT(!op->is_submitted);
        loop_defer_cancel(r->server->loop, &op->task);
        free_op(op);
    }
    free(r);
}

void registry_stop(struct registry *r)
{
    struct registry_result cancelled = {.rc = -ERR_CANCELLED};
    json_t *status JSON_OWNED = NULL;

    status_set(&status, ERR_CANCELLED, "the server is stopping");
    cancelled.status = status;
    r->is_stopping = true;
    LIST_EACH(it, &r->ops)
    {
        struct registry_op *op = LIST_ENTRY(it, struct registry_op, link);
        registry_done_fn *on_done = op->on_done;
        op->on_done = NULL;
        loop_defer_cancel(r->server->loop, &op->task);
        if (on_done)
            on_done(op->cookie, &cancelled);
    }
}

/* --- reads */

const json_t *registry_get(const struct registry *r, const struct kind *k, struct str ns,
                           struct str name)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    const struct cache_entry *e =
        cache_find(cache_shelf(r->server->cache, k->prefix), kind_key(a, k, ns, name));

    return e ? e->object : NULL;
}

void registry_each(const struct registry *r, const struct kind *k, struct str ns,
                   registry_each_fn *fn, void *cookie)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct str prefix = k->namespaced && ns.n ? kind_key(a, k, ns, STR("")) : k->prefix;
    const struct cache_entry *e = cache_seek(cache_shelf(r->server->cache, k->prefix), prefix);

    for (; e && str_starts(e->key, prefix); e = cache_next(e))
        if (!fn(cookie, e->object))
            return;
}

/* --- writes */

/* Tells the caller and ends the operation. */
static void finish(struct registry_op *op)
{
    struct registry_result result = {
        .rc = op->rc,
        .status = op->status,
        .object = op->answer,
        .created = op->created && op->rc == 0,
        .warnings = op->req.warnings,
    };

    if (op->on_done)
        op->on_done(op->cookie, &result);
    free_op(op);
}

static void fail(struct registry_op *op, int rc)
{
    op->rc = rc;
    if (!op->status)
        status_set(&op->status, (enum err_code) - rc, "%s", err_text(rc));
    finish(op);
}

static void succeed(struct registry_op *op, const json_t *object)
{
    op->rc = 0;
    op->answer = json_incref((json_t *)object);
    if (op->verb == REGISTRY_DELETE && op->removes)
        op->status = status_deleted(op->req.kind, kobj_name(object), kobj_uid(object));
    finish(op);
}

static void attempt(struct registry_op *op);

static void notify(struct registry *r, const struct kind *k, const struct cache_event *e)
{
    const json_t *now = e->type == CACHE_DELETED ? NULL : e->object;

    if (k->hooks && k->hooks->after_commit)
        k->hooks->after_commit(r->server, e->old, now);
    LIST_EACH(it, &r->listeners)
    {
        struct registry_listener *l = LIST_ENTRY(it, struct registry_listener, link);
        if (!l->plural.n || (str_eq(l->plural, k->plural) && str_eq(l->group, k->group)))
            l->on_change(l->cookie, k, e->old, now);
    }
}

static void on_commit(struct storage_txn *t, int rc, uint64_t rev)
{
    struct registry_op *op = CONTAINER_OF(t, struct registry_op, txn);
    struct registry *r = op->registry;

    op->is_submitted = false;
    if (rc == -ERR_CONFLICT && !r->is_stopping) {
        attempt(op);
        return;
    }
    if (rc == -ERR_UNAVAILABLE)
        status_set(&op->status, ERR_UNAVAILABLE,
                   "the disk of the API server is full: nothing was written; make room and repeat");
    if (rc < 0) {
        fail(op, rc == -ERR_UNAVAILABLE ? rc : -ERR_INTERNAL);
        return;
    }
    struct cache_event *e =
        cache_apply(r->server->cache, op->key, rev, op->removes, TAKE(op->object), op->stored.len);
    if (e) {
        cache_publish(r->server->cache, e);
        notify(r, op->req.kind, e);
        succeed(op, e->object);
        cache_event_unref(e);
        return;
    }
    fail(op, -ERR_INTERNAL);
}

/* Whether a value nests at most `levels` deep: what is stored must be readable at the next start. */
static bool nests_within(const json_t *v, unsigned levels)
{
    const char *key;
    json_t *item;
    size_t i;

    if (!json_is_object(v) && !json_is_array(v))
        return true;
    if (levels == 0)
        return false;
    json_object_foreach((json_t *)v, key, item)
    {
        if (!nests_within(item, levels - 1))
            return false;
    }
    json_array_foreach(v, i, item)
    {
        if (!nests_within(item, levels - 1))
            return false;
    }
    return true;
}

/* The stored bytes of op->object: without the resourceVersion, which the revision itself says. */
static int encode(struct registry_op *op)
{
    struct buf text = BUF_INIT(REGISTRY_OBJECT_BYTES);
    int rc = 0;

    json_del(json_object_get(op->object, "metadata"), "resourceVersion");
    json_format(op->object, &text);
    if (buf_error(&text) < 0) {
        buf_wipe(&text);
        return status_set(&op->status, ERR_TOOBIG, "Request entity too large: limit is %d",
                          REGISTRY_OBJECT_BYTES);
    }
    buf_fini(&op->stored);
    op->stored = BUF_INIT(BUF_NO_LIMIT);
    if (op->req.kind->is_sealed) {
        seal_encode(op->registry->server->seal, op->key, buf_str(&text), &op->stored);
        buf_wipe(&text);
    } else {
        op->stored = text;
    }
    return rc;
}

static void submit(struct registry_op *op)
{
    int rc = encode(op);

    if (rc < 0) {
        fail(op, rc);
        return;
    }
    op->txn = (struct storage_txn){
        .key = op->key,
        .expect_rev = op->old_rev,
        .is_delete = op->removes,
        .value = buf_str(&op->stored),
        .on_commit = on_commit,
    };
    op->is_submitted = true;
    storage_submit(op->registry->server->storage, &op->txn);
}

/* Gives an object that is not stored the revision of what it would replace. */
static void set_old_revision(struct registry_op *op)
{
    json_t *meta = json_object_at(op->object, "metadata");

    if (op->old)
        json_set_str(meta, "resourceVersion", kobj_rv(op->old));
    else
        json_del(meta, "resourceVersion");
}

static void on_admitted(void *cookie, struct admission_request *a, int rc)
{
    struct registry_op *op = cookie;

    if (rc < 0) {
        op->status = TAKE(a->status);
        fail(op, rc);
        return;
    }
    if (op->object && !nests_within(op->object, JSON_MAX_DEPTH)) {
        fail(op, status_set(&op->status, ERR_BADREQUEST, "the object nests deeper than %d levels",
                            JSON_MAX_DEPTH));
        return;
    }
    registry_settle(op);
    set_old_revision(op);
    if (op->req.dry_run || (op->old && !op->removes && json_equal(op->object, op->old))) {
        succeed(op, op->object);
        return;
    }
    submit(op);
}

static void admit(struct registry_op *op)
{
    bool creates = op->verb == REGISTRY_CREATE || (op->verb == REGISTRY_UPDATE && !op->old);

    op->admission = (struct admission_request){
        .req = op->req,
        .verb = creates                       ? ADMISSION_CREATE
                : op->verb == REGISTRY_UPDATE ? ADMISSION_UPDATE
                                              : ADMISSION_DELETE,
        .object = op->verb == REGISTRY_DELETE ? NULL : op->object,
        .old = op->old,
    };
    admission_run(&op->admission, on_admitted, op);
}

/* Reads the present state of the key. */
static void look_up(struct registry_op *op)
{
    struct cache_shelf *shelf = cache_shelf(op->registry->server->cache, op->req.kind->prefix);
    const struct cache_entry *e;

    op->key = kind_key(op->arena, op->req.kind, op->req.ns, op->req.name);
    e = cache_find(shelf, op->key);
    json_decref(op->old);
    op->old = e ? json_incref(e->object) : NULL;
    op->old_rev = e ? e->rev : 0;
}

/* Finds the name of a create: as given, or one made from generateName that is free. */
static void choose_name(struct registry_op *op)
{
    const json_t *meta = json_object_get(op->input, "metadata");
    struct str base = json_str(meta, "generateName");

    if (!op->req.name.n)
        op->req.name = arena_str(op->arena, json_str(meta, "name"));
    op->generates = op->generates || (!op->req.name.n && base.n);
    for (int i = 0; op->generates && i < REGISTRY_NAME_ATTEMPTS; i++) {
        op->req.name = meta_make_name(op->arena, base);
        look_up(op);
        if (!op->old)
            return;
    }
}

static void attempt(struct registry_op *op)
{
    json_decref(op->object);
    op->object = NULL;
    op->created = op->removes = false;
    if (op->verb == REGISTRY_CREATE)
        choose_name(op);
    look_up(op);
    if (op->attempts++ >= REGISTRY_ATTEMPTS) {
        fail(op, status_conflict(&op->status, op->req.kind, op->req.name,
                                 "too many writers at the same time; try again"));
        return;
    }
    int rc = registry_build(op);
    if (rc < 0)
        fail(op, rc);
    else
        admit(op);
}

/* Kinds that are answered, not stored. */
static void answer(struct registry_op *op)
{
    int rc = op->req.kind->hooks->answer(&op->req, op->input, &op->answer, &op->status);

    op->created = true;
    if (rc < 0) {
        fail(op, rc);
        return;
    }
    op->rc = 0;
    finish(op);
}

static void on_start(void *cookie)
{
    struct registry_op *op = cookie;

    if (op->verb == REGISTRY_CREATE && op->req.kind->hooks && op->req.kind->hooks->answer)
        answer(op);
    else
        attempt(op);
}

static struct registry_op *new_op(struct registry *r, const struct registry_request *req,
                                  enum registry_verb verb, registry_done_fn *on_done, void *cookie)
{
    struct registry_op *op = NEW(struct registry_op);

    op->registry = r;
    op->arena = arena_new();
    op->verb = verb;
    op->fields = req->fields;
    op->on_done = on_done;
    op->cookie = cookie;
    op->stored = BUF_INIT(BUF_NO_LIMIT);
    op->req = (struct kind_request){
        .server = r->server,
        .kind = kind_ref(req->kind),
        .ns = arena_str(op->arena, req->ns),
        .name = arena_str(op->arena, req->name),
        .subresource = arena_str(op->arena, req->subresource),
        .user = req->user ? authn_user_copy(op->arena, req->user) : NULL,
        .arena = op->arena,
        .warnings = json_array(),
        .wall_us = loop_wall_us(r->server->loop),
        .dry_run = req->dry_run,
    };
    list_append(&r->ops, &op->link);
    if (r->is_stopping)
        op->on_done = NULL;
    else
        loop_defer(r->server->loop, &op->task, on_start, op);
    return op;
}

struct registry_op *registry_create(struct registry *r, const struct registry_request *req,
                                    json_t *object, registry_done_fn *on_done, void *cookie)
{
    struct registry_op *op = new_op(r, req, REGISTRY_CREATE, on_done, cookie);

    op->input = object;
    return op;
}

struct registry_op *registry_update(struct registry *r, const struct registry_request *req,
                                    const struct registry_change *change, registry_done_fn *on_done,
                                    void *cookie)
{
    struct registry_op *op = new_op(r, req, REGISTRY_UPDATE, on_done, cookie);

    op->change = *change;
    return op;
}

struct registry_op *registry_delete(struct registry *r, const struct registry_request *req,
                                    const struct registry_deletion *deletion,
                                    registry_done_fn *on_done, void *cookie)
{
    struct registry_op *op = new_op(r, req, REGISTRY_DELETE, on_done, cookie);

    op->deletion = *deletion;
    op->deletion.uid = arena_str(op->arena, deletion->uid);
    op->deletion.resource_version = arena_str(op->arena, deletion->resource_version);
    return op;
}

void registry_abandon(struct registry_op *op)
{
    op->on_done = NULL;
}

/* --- listeners */

void registry_listen(struct registry *r, struct registry_listener *l)
{
    const struct kind *k;

    list_append(&r->listeners, &l->link);
    for (size_t i = 0; (k = kinds_at(r->server->kinds, i)); i++) {
        if (l->plural.n && !(str_eq(l->plural, k->plural) && str_eq(l->group, k->group)))
            continue;
        if (kinds_find_any(r->server->kinds, k->group, k->plural) != k)
            continue; /* another version of the same objects */
        const struct cache_entry *e =
            cache_seek(cache_shelf(r->server->cache, k->prefix), k->prefix);
        for (; e; e = cache_next(e))
            l->on_change(l->cookie, k, NULL, e->object);
    }
}

void registry_unlisten(struct registry *r, struct registry_listener *l)
{
    (void)r;
    list_remove(&l->link);
}
