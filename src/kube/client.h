/*
 * Requests to the Kubernetes API: asynchronous on the client's loop, and a blocking form for workers and
 * commands.
 *
 * Failures carry the code that fits the server's Status (err_from_status) and its message; 429 and 503 with
 * Retry-After are not retried here: callers (work queue, reflector) do that.  Every call has a time-out.
 */
#ifndef KUBE_CLIENT_H
#define KUBE_CLIENT_H

#include "codec/json.h"
#include "ev/loop.h"
#include "kube/config.h"
#include "kube/resource.h"

struct kube_client;
struct kube_call;

/* Takes no ownership of `config`, which must outlive the client.  Everything runs on `l`. */
int kube_client_new(struct loop *l, const struct kube_config *config, const char *user_agent,
                    struct kube_client **ret_client, struct err *err) MUST_USE;

/* Cancels all calls.  NULL is allowed.  Context: loop. */
void kube_client_free(struct kube_client *c);

struct loop *kube_client_loop(const struct kube_client *c);

enum kube_patch { KUBE_PATCH_MERGE, KUBE_PATCH_JSON, KUBE_PATCH_STRATEGIC };

struct kube_request {
    const char *method;    /* "GET", "POST", … */
    struct str path;       /* with query; see kube_path */
    const json_t *body;    /* or NULL; borrowed until the call returns (async) or ends (blocking) */
    enum kube_patch patch; /* for PATCH */
    const char *accept;    /* NULL: application/json */
    int64_t timeout_us;    /* 0: 30 s */
};

/* `answer` is borrowed during the call, NULL on failure (rc < 0) or an empty body. */
typedef void kube_done_fn(void *cookie, int rc, json_t *answer, const struct err *err);

/* Starts a request.  fn is called once, never from inside.  Context: loop. */
struct kube_call *kube_call_start(struct kube_client *c, const struct kube_request *r,
                                  kube_done_fn *fn, void *cookie);

/* fn is not called.  Context: loop. */
void kube_call_cancel(struct kube_call *call);

/*
 * Does a request and waits.  Returns 0 and a new reference (NULL for an empty body), or a failure.
 * Context: any thread but the loop's, while the loop runs.
 */
int kube_do(struct kube_client *c, const struct kube_request *r, json_t **ret_answer,
            struct err *err) MUST_USE;

/* Convenience over kube_do; `ns` empty for cluster scope; ret pointers may be NULL. */
int kube_get(struct kube_client *c, const struct kube_resource *r, struct str ns, struct str name,
             json_t **ret_object, struct err *err) MUST_USE;
int kube_create(struct kube_client *c, const struct kube_resource *r, const json_t *object,
                json_t **ret_object, struct err *err) MUST_USE;
int kube_update(struct kube_client *c, const struct kube_resource *r, const json_t *object,
                struct str subresource, json_t **ret_object, struct err *err) MUST_USE;
int kube_patch(struct kube_client *c, const struct kube_resource *r, struct str ns, struct str name,
               struct str subresource, enum kube_patch type, const json_t *patch,
               json_t **ret_object, struct err *err) MUST_USE;
int kube_delete(struct kube_client *c, const struct kube_resource *r, struct str ns,
                struct str name, const json_t *options, struct err *err) MUST_USE;

/* A streaming GET whose body is one JSON value per line (watch, log -f). */
struct kube_stream_ops {
    void (*on_open)(void *cookie);
    void (*on_line)(void *cookie, json_t *value); /* borrowed */
    /* rc 0: the server ended the stream in order; <0: why not.  The stream is gone after this. */
    void (*on_close)(void *cookie, int rc, const struct err *err);
    const char *accept; /* NULL: application/json */
};

/* Starts a stream; `ops` is copied.  Ended early with kube_call_cancel.  Context: loop. */
struct kube_call *kube_stream_start(struct kube_client *c, struct str path,
                                    const struct kube_stream_ops *ops, void *cookie);

/* A loop on its own thread with a client on it: what commands and blocking workers use. */
struct kube_thread;
int kube_thread_start(const struct kube_config *config, const char *user_agent,
                      struct kube_thread **ret_thread, struct err *err) MUST_USE;
struct kube_client *kube_thread_client(struct kube_thread *t);
void kube_thread_stop(struct kube_thread *t); /* NULL is allowed */
DEFINE_CLEANUP(kube_thread_stopp, struct kube_thread *, kube_thread_stop)

#endif
