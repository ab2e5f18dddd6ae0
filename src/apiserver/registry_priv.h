/*
 * A write in progress, shared by the files of the registry.
 *
 *   attempt ─> build (create | update | delete) ─> admission ─> settle ─> storage ─> on_commit ─┐
 *      ▲                                              └ dry run, no change ──────────────> finish
 *      └──────────────────────────── conflict, and the caller pinned no revision ───────────────┘
 *
 * registry.c drives, registry_build.c makes the object that is to be stored.
 */
#ifndef APISERVER_REGISTRY_PRIV_H
#define APISERVER_REGISTRY_PRIV_H

#include "apiserver/admission.h"
#include "apiserver/registry.h"
#include "apiserver/storage.h"

#define REGISTRY_ATTEMPTS 100                   /* after conflicts, before the caller is told */
#define REGISTRY_NAME_ATTEMPTS 8                /* of generateName */
#define REGISTRY_OBJECT_BYTES (3 * 1024 * 1024) /* stored form, as etcd's request limit allows */

enum registry_verb { REGISTRY_CREATE, REGISTRY_UPDATE, REGISTRY_DELETE };

struct registry_op {
    struct registry *registry;
    struct list link; /* registry's operations */
    struct arena *arena;
    enum registry_verb verb;
    struct kind_request req;
    enum registry_fields fields;
    /* what is asked */
    json_t *input; /* create */
    struct registry_change change;
    struct registry_deletion deletion;
    registry_done_fn *on_done; /* NULL: abandoned */
    void *cookie;
    /* the present attempt */
    unsigned attempts;
    struct str key;
    json_t *old; /* referenced; NULL: does not exist */
    uint64_t old_rev;
    json_t *object; /* owned until committed; NULL: nothing to write */
    bool created;
    bool removes;      /* the object goes away */
    bool is_submitted; /* storage has op->txn */
    bool generates;    /* the name is made from generateName */
    struct admission_request admission;
    struct storage_txn txn;
    struct buf stored;
    /* the answer */
    int rc;
    json_t *status;
    json_t *answer; /* object of the result */
    struct loop_task task;
};

struct registry {
    struct apiserver *server;
    bool is_stopping;
    struct list ops;
    struct list listeners;
};

/*
 * Makes op->object (or nothing, when there is nothing to change) from the input and op->old, up to but
 * not including admission.  Errors: any, with op->status.
 */
int registry_build(struct registry_op *op) MUST_USE;

/* After admission: counts the generation, and tells whether the update releases a deleted object. */
void registry_settle(struct registry_op *op);

#endif
