/*
 * deletecollection: the objects a list would show, deleted one by one with a bound on those in flight.
 */
#include "apiserver/rest_priv.h"
#include "kube/object.h"

struct collection_delete {
    struct call *call; /* NULL: the client went away, the rest is deleted all the same */
    struct registry *registry;
    const struct kind *kind;
    struct user *user;
    struct arena *arena;
    json_t *items; /* what the list showed */
    json_t *meta;
    size_t next;
    size_t in_flight;
    bool dry_run;
    struct registry_deletion deletion;
    json_t *failure; /* the first one */
};

static void free_deletes(struct collection_delete *d)
{
    json_decref(d->items);
    json_decref(d->meta);
    json_decref(d->failure);
    kind_unref(d->kind);
    arena_free(d->arena);
    free(d);
}

static void finish(struct collection_delete *d)
{
    struct call *c = d->call;

    if (c) {
        c->deletes = NULL;
        if (d->failure) {
            call_fail(c, TAKE(d->failure));
        } else {
            struct output o = call_output(c);
            json_t *answer JSON_OWNED = output_list(&o, d->items, TAKE(d->meta));
            call_answer(c, 200, answer, NULL);
        }
    }
    free_deletes(d);
}

static void go_on(struct collection_delete *d);

static void on_done(void *cookie, const struct registry_result *result)
{
    struct collection_delete *d = cookie;

    d->in_flight--;
    /* Somebody else may have been faster. */
    if (result->rc < 0 && result->rc != -ERR_NOTFOUND && !d->failure)
        d->failure = json_incref((json_t *)result->status);
    go_on(d);
}

static void go_on(struct collection_delete *d)
{
    while (!d->failure && d->next < json_array_size(d->items) &&
           d->in_flight < REST_COLLECTION_DELETES) {
        const json_t *o = json_array_get(d->items, d->next++);
        struct registry_request req = {
            .kind = d->kind,
            .ns = kobj_ns(o),
            .name = kobj_name(o),
            .user = d->user,
            .dry_run = d->dry_run,
        };
        d->in_flight++;
        registry_delete(d->registry, &req, &d->deletion, on_done, d);
    }
    if (d->in_flight == 0)
        finish(d);
}

void collection_delete(struct call *c)
{
    struct registry_request req;
    struct registry_deletion deletion;
    struct list_page page;
    json_t *status = NULL;

    if (verb_deletion(c, &req, &deletion, &status) < 0 ||
        list_read(c->rest->server->cache, c->kind, c->path.ns, &c->options, &page, &status) < 0) {
        call_fail(c, status);
        return;
    }
    struct collection_delete *d = NEW(struct collection_delete);
    d->call = c;
    d->registry = c->rest->server->registry;
    d->kind = kind_ref(c->kind);
    d->arena = arena_new();
    d->user = authn_user_copy(d->arena, &c->user);
    d->items = page.items;
    d->meta = page.meta;
    d->dry_run = req.dry_run;
    d->deletion = (struct registry_deletion){.propagation = deletion.propagation};
    c->deletes = d;
    go_on(d);
}

void collection_abandon(struct call *c)
{
    c->deletes->call = NULL;
    c->deletes = NULL;
}
