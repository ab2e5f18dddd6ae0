/*
 * What a subject may do: SubjectAccessReview, with a cache that RBAC changes end at once.
 *
 * A verdict carries the versions it rests on: one counter for all of the cluster, one for its namespace.  A
 * watch event raises a counter, and every verdict with the old number is void, on every thread, without
 * a message.  An API server may say yes for some milliseconds after it sent a deletion: what it answers to a
 * review that was started before, or within the settle time after, such an event is kept 100 ms at most.
 * Otherwise a yes is kept 10 s and a no 2 s; errors are never kept and never a yes.
 */
#ifndef CORE_PERMISSION_H
#define CORE_PERMISSION_H

#include "core/identity.h"
#include "core/review.h"

struct permission_action {
    struct str verb, group, resource, subresource;
    struct str ns, name;
};

/* Immutable, reference-counted, shared between threads. */
struct permission_verdict {
    bool allowed;
    struct str reason; /* of the authorizer: which binding allowed it */
    struct str key;    /* see permission_key */
    int64_t until_us;  /* monotonic */
    uint64_t global_version, ns_version;
    unsigned ns_slot;
};

struct permission_verdict *permission_ref(struct permission_verdict *v);
void permission_unref(struct permission_verdict *v); /* NULL is allowed */

/* What two verdicts have in common when one may stand for the other: subject and action. */
struct str permission_key(struct arena *a, const struct identity *id,
                          const struct permission_action *action);

struct permission_rules {
    int64_t allow_keep_us;
    int64_t deny_keep_us;
    int64_t settle_us;
    size_t max_entries;
};

extern const struct permission_rules PERMISSION_RULES_DEFAULT;

struct permission_service;

/* `lane` is borrowed; `rules` is copied. */
struct permission_service *permission_service_new(struct loop *l, struct review_lane *lane,
                                                  const struct permission_rules *rules);

/* Open questions end with -ERR_CANCELLED.  NULL is allowed. */
void permission_service_free(struct permission_service *s);

/* Whether a verdict may still be used.  Thread-safe. */
bool permission_is_current(const struct permission_service *s, const struct permission_verdict *v,
                           int64_t now_us);

/* rc 0: `v` (borrowed), which may be a no; -ERR_UNAVAILABLE: it could not be found out. */
typedef void permission_done_fn(void *cookie, int rc, struct permission_verdict *v,
                                const struct err *err);

/* Finds out whether `id` may do `action`; strings are copied.  fn is called once, at once when it is known.
 * Context: loop. */
void permission_ask(struct permission_service *s, struct identity *id,
                    const struct permission_action *action, permission_done_fn *fn, void *cookie);

/* Voids the verdicts of one namespace, or with an empty `ns` all.  Context: loop. */
void permission_touch(struct permission_service *s, struct str ns);

/* Verdicts held now. */
size_t permission_count(const struct permission_service *s);

#endif
