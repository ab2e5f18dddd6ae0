/*
 * The admission chain: which modules there are, and running them one after the other.
 *
 * Two passes over one table, mutating steps first.  A step that waits leaves its place in the chain, from which
 * admission_resume goes on.
 */
#include "apiserver/admission.h"

#include "apiserver/admission_modules.h"

const struct admission_module ADMISSION_MODULES[] = {
    {"NamespaceLifecycle", ADMISSION_CREATE | ADMISSION_DELETE, NULL, admission_modules_namespace},
    {"CustomResourceLifecycle", ADMISSION_CREATE, NULL, admission_modules_custom},
    {"ServiceAccount", ADMISSION_CREATE, admission_modules_set_account,
     admission_modules_check_account},
};
const size_t ADMISSION_MODULES_LEN = ARRAY_LEN(ADMISSION_MODULES);

struct admission_chain {
    bool validating;
    size_t next; /* module */
    admission_done_fn *on_done;
    void *cookie;
};

/* Calls the step at the chain's place. */
static int run_step(struct admission_request *r)
{
    const struct admission_chain *c = r->chain;
    const struct admission_module *m = &ADMISSION_MODULES[c->next];
    admission_step_fn *step = c->validating ? m->validate : m->mutate;

    return step && (m->verbs & (unsigned)r->verb) ? step(r) : 0;
}

static void run(struct admission_request *r)
{
    struct admission_chain *c = r->chain;
    int rc = 0;

    for (;;) {
        if (c->next == ADMISSION_MODULES_LEN && !c->validating) {
            c->validating = true;
            c->next = 0;
        }
        if (c->next == ADMISSION_MODULES_LEN)
            break;
        rc = run_step(r);
        c->next++;
        if (rc == ADMISSION_WAIT)
            return;
        if (rc < 0)
            break;
    }
    c->on_done(c->cookie, r, rc);
}

void admission_run(struct admission_request *r, admission_done_fn *on_done, void *cookie)
{
    r->chain = ARENA_NEW(r->req.arena, struct admission_chain);
    r->chain->on_done = on_done;
    r->chain->cookie = cookie;
    run(r);
}

void admission_resume(struct admission_request *r, int rc)
{
    if (rc < 0)
        r->chain->on_done(r->chain->cookie, r, rc);
    else
        run(r);
}
