/*
 * Blocking requests: a worker hands its request to the client's loop and sleeps until the answer is there.
 *
 * The waiting caller owns everything (request, result, place in the queue) on its stack; the loop touches
 * none of it after it has said that it is done.
 */
#include <pthread.h>

#include "kube/kube_priv.h"
#include "kube/object.h"

enum { VERB_PATH_MAX_BYTES = 4096 };

struct wait {
    struct kube_client *client;
    const struct kube_request *request;
    struct loop_task task;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_done;
    int rc;
    json_t *answer;
    struct err err;
};

static void wait_done(void *cookie, int rc, json_t *answer, const struct err *err)
{
    struct wait *w = cookie;

    pthread_mutex_lock(&w->lock);
    w->rc = rc;
    w->answer = json_incref(answer);
    if (err)
        w->err = *err;
    w->is_done = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

static void wait_begin(void *cookie)
{
    struct wait *w = cookie;

    kube_call_start_waited(w->client, w->request, wait_done, w);
}

/* lint: prefix: the one blocking request under all verbs */
int kube_do(struct kube_client *c, const struct kube_request *r, json_t **ret_answer,
            struct err *err)
{
    struct wait w = {
        .client = c,
        .request = r,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER,
    };

    ASSERT(!loop_is_current(c->loop));
    loop_post(c->loop, &w.task, wait_begin, &w);
    pthread_mutex_lock(&w.lock);
    while (!w.is_done)
        pthread_cond_wait(&w.changed, &w.lock);
    pthread_mutex_unlock(&w.lock);
    pthread_cond_destroy(&w.changed);
    pthread_mutex_destroy(&w.lock);
    if (w.rc < 0) {
        if (err)
            *err = w.err;
        return w.rc;
    }
    if (ret_answer)
        *ret_answer = w.answer;
    else
        json_decref(w.answer);
    return 0;
}

struct place {
    const struct kube_resource *resource;
    struct str ns, name, subresource;
};

/* kube_do on a path; `r` has everything else. */
static int do_at(struct kube_client *c, const struct place *at, struct kube_request *r,
                 json_t **ret_answer, struct err *err)
{
    struct buf path = BUF_INIT(VERB_PATH_MAX_BYTES);
    int rc;

    kube_path(&path, at->resource, at->ns, at->name, at->subresource);
    r->path = buf_str(&path);
    if (buf_error(&path) < 0)
        rc = err_set(err, ERR_BADREQUEST, "%s '%" STR_FMT "': the name is too long", r->method,
                     STR_ARG(at->resource->plural));
    else
        rc = kube_do(c, r, ret_answer, err);
    buf_fini(&path);
    return rc;
}

/* An empty name would address the whole collection. */
static int need_name(const struct place *at, struct err *err)
{
    if (at->name.n && (at->ns.n || !at->resource->namespaced))
        return 0;
    return err_set(err, ERR_BADREQUEST, "%" STR_FMT ": %s missing", STR_ARG(at->resource->plural),
                   at->name.n ? "namespace" : "name");
}

/* lint: prefix: the API's verbs are the names everybody knows */
int kube_get(struct kube_client *c, const struct kube_resource *r, struct str ns, struct str name,
             json_t **ret_object, struct err *err)
{
    struct kube_request request = {.method = "GET"};
    struct place at = {.resource = r, .ns = ns, .name = name};
    int rc = need_name(&at, err);

    return rc < 0 ? rc : do_at(c, &at, &request, ret_object, err);
}

/* lint: prefix: see kube_get */
int kube_create(struct kube_client *c, const struct kube_resource *r, const json_t *object,
                json_t **ret_object, struct err *err)
{
    struct kube_request request = {.method = "POST", .body = object};
    struct place at = {.resource = r, .ns = kobj_ns(object)};

    if (r->namespaced && !at.ns.n)
        return err_set(err, ERR_BADREQUEST, "%" STR_FMT ": namespace missing", STR_ARG(r->plural));
    return do_at(c, &at, &request, ret_object, err);
}

/* lint: prefix: see kube_get */
int kube_update(struct kube_client *c, const struct kube_resource *r, const json_t *object,
                struct str subresource, json_t **ret_object, struct err *err)
{
    struct kube_request request = {.method = "PUT", .body = object};
    struct place at = {r, kobj_ns(object), kobj_name(object), subresource};
    int rc = need_name(&at, err);

    return rc < 0 ? rc : do_at(c, &at, &request, ret_object, err);
}

/* lint: prefix: see kube_get; lint: parameters: what identifies and what is changed */
int kube_patch(struct kube_client *c, const struct kube_resource *r, struct str ns, struct str name,
               struct str subresource, enum kube_patch type, const json_t *patch,
               json_t **ret_object, struct err *err)
{
    struct kube_request request = {.method = "PATCH", .body = patch, .patch = type};
    struct place at = {r, ns, name, subresource};
    int rc = need_name(&at, err);

    return rc < 0 ? rc : do_at(c, &at, &request, ret_object, err);
}

/* lint: prefix: see kube_get */
int kube_delete(struct kube_client *c, const struct kube_resource *r, struct str ns,
                struct str name, const json_t *options, struct err *err)
{
    struct kube_request request = {.method = "DELETE", .body = options};
    struct place at = {.resource = r, .ns = ns, .name = name};
    int rc = need_name(&at, err);

    return rc < 0 ? rc : do_at(c, &at, &request, NULL, err);
}
