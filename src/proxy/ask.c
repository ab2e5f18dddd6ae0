/*
 * One heap object travels to the control loop and back; its owner changes with each post.
 */
#include "proxy/ask.h"

struct ask {
    struct loop_task task;
    struct worker *worker;
    bool is_cancelled; /* the worker's */
    bool is_permission;
    /* The question. */
    uint8_t mac[IDENTITY_MAC_BYTES];
    struct secret *token;
    struct identity *subject;
    struct arena *arena;
    struct permission_action action;
    /* The answer. */
    int rc;
    struct err err;
    struct identity *identity;
    struct permission_verdict *verdict;
    identity_done_fn *on_identity;
    permission_done_fn *on_permission;
    void *cookie;
};

static void ask_free(struct ask *ask)
{
    secret_unref(ask->token);
    identity_unref(ask->subject);
    identity_unref(ask->identity);
    permission_unref(ask->verdict);
    arena_free(ask->arena);
    free(ask);
}

static void deliver(void *cookie)
{
    struct ask *ask = cookie;

    if (!ask->is_cancelled) {
        if (ask->is_permission)
            ask->on_permission(ask->cookie, ask->rc, ask->verdict, &ask->err);
        else
            ask->on_identity(ask->cookie, ask->rc, ask->identity, &ask->err);
    }
    ask_free(ask);
}

static void answer(struct ask *ask, int rc, const struct err *err)
{
    ask->rc = rc;
    if (rc < 0)
        ask->err = *err;
    loop_post(ask->worker->loop, &ask->task, deliver, ask);
}

static void on_identity(void *cookie, int rc, struct identity *id, const struct err *err)
{
    struct ask *ask = cookie;

    if (rc == 0)
        ask->identity = identity_ref(id);
    answer(ask, rc, err);
}

static void on_permission(void *cookie, int rc, struct permission_verdict *v, const struct err *err)
{
    struct ask *ask = cookie;

    if (rc == 0)
        ask->verdict = permission_ref(v);
    answer(ask, rc, err);
}

/* On the control loop. */
static void put_question(void *cookie)
{
    struct ask *ask = cookie;
    const struct site *site = ask->worker->site;

    if (ask->is_permission)
        permission_ask(site->permissions, ask->subject, &ask->action, on_permission, ask);
    else
        identity_ask(site->identities, ask->mac, ask->token, on_identity, ask);
}

static struct ask *ask_new(struct worker *w, void *cookie)
{
    struct ask *ask = NEW(struct ask);

    ask->worker = w;
    ask->cookie = cookie;
    return ask;
}

struct ask *ask_identity(struct worker *w, const uint8_t mac[IDENTITY_MAC_BYTES], struct str token,
                         identity_done_fn *fn, void *cookie)
{
    struct ask *ask = ask_new(w, cookie);

    memcpy(ask->mac, mac, IDENTITY_MAC_BYTES);
    ask->token = secret_new(token);
    ask->on_identity = fn;
    loop_post(w->site->control, &ask->task, put_question, ask);
    return ask;
}

struct ask *ask_permission(struct worker *w, struct identity *id,
                           const struct permission_action *action, permission_done_fn *fn,
                           void *cookie)
{
    struct ask *ask = ask_new(w, cookie);

    ask->is_permission = true;
    ask->subject = identity_ref(id);
    ask->arena = arena_new();
    ask->action = (struct permission_action){
        .verb = arena_str(ask->arena, action->verb),
        .group = arena_str(ask->arena, action->group),
        .resource = arena_str(ask->arena, action->resource),
        .subresource = arena_str(ask->arena, action->subresource),
        .ns = arena_str(ask->arena, action->ns),
        .name = arena_str(ask->arena, action->name),
    };
    ask->on_permission = fn;
    loop_post(w->site->control, &ask->task, put_question, ask);
    return ask;
}

void ask_cancel(struct ask *ask)
{
    if (ask)
        ask->is_cancelled = true;
}
