/*
 * What the status writers of the reconcilers share: conditions with a fixed vocabulary, the write itself, and the
 * events that go with a change of Ready.
 */
#ifndef CONTROLLER_CONDITION_H
#define CONTROLLER_CONDITION_H

#include "controller/plane.h"
#include "kube/object.h"

/* Sets a condition of `object` at the wall-clock time.  Thread-safe, as all of these. */
void condition_set(json_t *object, const struct kube_condition *c);

/* Sets a condition from a probe's verdict. */
void condition_set_verdict(json_t *object, const char *type, const struct probe_verdict *v);

/* Sets a condition to Unknown with this reason and no message. */
void condition_set_unknown(json_t *object, const char *type, const char *reason);

/* Sets a condition to True with this reason and no message. */
void condition_set_true(json_t *object, const char *type, const char *reason);

/* Sets a condition to False. */
void condition_set_false(json_t *object, const char *type, const char *reason, struct str message);

/* Whether a condition has that reason. */
bool condition_has_reason(const json_t *object, const char *type, const char *reason);

/*
 * Writes the status of `now` when it differs from that of `old` (the same object as it was read), and records
 * events about Ready.  Returns 1 when written, 0 when there was nothing to write or the object is gone.
 * Errors: CONFLICT when `old` is out of date, and what the server reports.
 */
int condition_write(const struct plane *p, const struct kube_resource *r, const json_t *old,
                    const json_t *now, struct err *err) MUST_USE;

#endif
