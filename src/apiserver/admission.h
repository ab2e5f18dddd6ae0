/*
 * Admission: modules that may change or refuse a write before it is stored.
 *
 * The chain is the table ADMISSION_MODULES (admission.c): all mutating steps in order, then, on the final
 * object, all validating steps.  A step answers at once, or says ADMISSION_WAIT and later calls
 * admission_resume (for modules that must ask somebody else).  The write is put together anew after a storage conflict,
 * so a chain may run several times for one request; steps have no side effects.
 */
#ifndef APISERVER_ADMISSION_H
#define APISERVER_ADMISSION_H

#include "apiserver/authn.h"
#include "apiserver/kind.h"
#include "apiserver/status.h"

enum admission_verb {
    ADMISSION_CREATE = 1u << 0,
    ADMISSION_UPDATE = 1u << 1,
    ADMISSION_DELETE = 1u << 2,
};

#define ADMISSION_WAIT 1

struct admission_chain;

struct admission_request {
    struct kind_request req;
    enum admission_verb verb;
    json_t *object;    /* CREATE, UPDATE: may be changed by mutating steps; NULL for DELETE */
    const json_t *old; /* UPDATE, DELETE */
    json_t *status;    /* set by the step that refuses: new reference */
    struct admission_chain *chain; /* private */
};

/* 0 go on, ADMISSION_WAIT, or a negative code with r->status set. */
typedef int admission_step_fn(struct admission_request *r);

struct admission_module {
    const char *name;
    unsigned verbs;              /* enum admission_verb */
    admission_step_fn *mutate;   /* may be NULL */
    admission_step_fn *validate; /* may be NULL */
};

extern const struct admission_module ADMISSION_MODULES[];
extern const size_t ADMISSION_MODULES_LEN;

/* rc 0: admitted, else the refusing step's code and r->status. */
typedef void admission_done_fn(void *cookie, struct admission_request *r, int rc);

/* Runs the chain.  on_done comes exactly once, from inside the call when no step waits.  `r` stays until
 * then. */
void admission_run(struct admission_request *r, admission_done_fn *on_done, void *cookie);

/* Goes on behind a step that answered ADMISSION_WAIT; `rc` is the step's late answer. */
void admission_resume(struct admission_request *r, int rc);

#endif
