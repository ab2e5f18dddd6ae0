/*
 * One request, shared by the files that answer requests.
 *
 * A call lives in the arena of its exchange, from on_request to on_close.  It is answered exactly once,
 * by one of the call_answer functions or by a watch.
 */
#ifndef APISERVER_REST_PRIV_H
#define APISERVER_REST_PRIV_H

#include "apiserver/authz.h"
#include "apiserver/kind.h"
#include "apiserver/list.h"
#include "apiserver/negotiate.h"
#include "apiserver/output.h"
#include "apiserver/path.h"
#include "apiserver/registry.h"
#include "apiserver/rest.h"
#include "apiserver/server.h"
#include "apiserver/status.h"

#define REST_BODY_BYTES (3 * 1024 * 1024)
#define REST_COLLECTION_DELETES 64 /* of one request at the same time */

struct watch;

struct rest {
    struct apiserver *server;
    bool ready;
    struct list watches;
    struct registry_listener crd_listener; /* ends watches of kinds that went */
};

struct call {
    struct rest *rest;
    struct http_exchange *x;
    struct arena *arena;
    const struct http_request *request;
    struct path path;
    struct negotiate_form form;
    struct user user;
    const char *verb; /* as RBAC names it */
    void (*run)(struct call *c);
    const struct kind *kind;     /* referenced; NULL for non-resource paths */
    struct list_options options; /* of lists, watches, collection deletes */
    struct buf body;
    struct registry_op *op; /* in flight */
    struct watch *watch;
    struct collection_delete *deletes;
    bool answered;
};

/* --- answers (call.c) */

/* Answers with a JSON value in the client's form; `warnings` (may be NULL) become Warning headers. */
void call_answer(struct call *c, int http_status, const json_t *value, const json_t *warnings);

/* Answers with a Status, whose reference is taken; NULL stands for an internal error. */
void call_fail(struct call *c, json_t *status);

/* Answers 200 with bytes of a media type. */
void call_answer_bytes(struct call *c, struct str type, struct str body);

/* Answers plain text. */
void call_answer_text(struct call *c, int http_status, struct str text);

/* How the answer to this call is to look. */
struct output call_output(const struct call *c);

/* --- verbs (verb.c, patch.c, collection.c) */

/* GET of an object. */
void verb_get(struct call *c);

/* GET of a collection. */
void verb_list(struct call *c);

/* POST, to a collection or a subresource. */
void verb_create(struct call *c);

/* PUT. */
void verb_update(struct call *c);

/* DELETE of an object. */
void verb_delete(struct call *c);

/* PATCH. */
void patch_run(struct call *c);

/* DELETE of a collection. */
void collection_delete(struct call *c);

/* The client went away. */
void collection_abandon(struct call *c);

/* Fills the request of a write.  Errors: BADREQUEST, INVALID with a Status. */
int verb_request(struct call *c, struct registry_request *ret_req, json_t **ret_status) MUST_USE;

/* registry_done_fn: answers the call. */
void verb_done(void *cookie, const struct registry_result *result);

/* Reads DeleteOptions from body and query. */
int verb_deletion(struct call *c, struct registry_request *req,
                  struct registry_deletion *ret_deletion, json_t **ret_status) MUST_USE;

/* --- watches (watch.c) */

/* GET of a collection with watch=true. */
void watch_start(struct call *c);

/* The client reads again. */
void watch_drain(struct watch *w);

/* The exchange is over. */
void watch_free(struct watch *w);

/* Ends the stream in order. */
void watch_end(struct watch *w);

/* Ends all watches, or (`stale`) those whose kind is no longer in the table. */
void watch_end_all(struct rest *r, bool stale);

/* --- non-resource paths */

/* Health, version and the list of paths (rootpath.c).  Returns whether the path is answered without credentials. */
bool rootpath_is_public(const struct call *c);
void rootpath_run(struct call *c);

/* /api, /apis and below (discovery.c). */
void discovery_run(struct call *c);

/* /openapi (openapi.c). */
void openapi_run(struct call *c);

#endif
