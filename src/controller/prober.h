/*
 * All probes of the controller: what is probed, when, and how much at once.
 *
 * Each key (a Connector or a class) has a slot with a plan.  A round runs the plan's requests one after the
 * other; a round begins when the plan changes and then again and again.  At most `per_host` probes are open to
 * one host and port and `total` in all; hosts take turns, so that one that hangs delays only its own.
 *
 *      IDLE ──(plan set, timer)──> WAITING (in the host's line) ──> RUNNING ──┐
 *       ^                             ^──────(second request)─────────────────┤
 *       └──────────────────────(round over: on_result, timer)─────────────────┘
 */
#ifndef CONTROLLER_PROBER_H
#define CONTROLLER_PROBER_H

#include "controller/probe.h"
#include "kube/controller.h"

struct prober;

struct prober_rules {
    unsigned per_host, total;
    int64_t interval_us;                                  /* between two rounds, ± a tenth */
    int64_t max_interval_us;                              /* while they fail, doubling */
    void (*on_result)(void *cookie, struct kube_key key); /* on the loop: a round is over */
    void *cookie;
};

struct prober_counts {
    uint64_t succeeded, failed;
    size_t slots, running, waiting;
};

/* Starts disabled; `site` is borrowed until prober_free.  Context: loop. */
struct prober *prober_new(const struct probe_site *site, const struct prober_rules *rules);

/* Ends all probes.  NULL is allowed.  Context: loop. */
void prober_free(struct prober *p);

/* Enabled, it takes plans; disabled, it drops them all.  Context: loop. */
void prober_enable(struct prober *p, bool enabled);

enum prober_state {
    PROBER_OTHER,  /* no plan, or one with another fingerprint */
    PROBER_ASKING, /* that plan, and no round of it is over */
    PROBER_KNOWN,
};

/*
 * Looks up the last round of the plan with that fingerprint; fills `ret_verdicts` when KNOWN, and
 * *ret_is_first with whether the slot had no other plan before this one.  Thread-safe.
 */
enum prober_state prober_find(struct prober *p, struct kube_key key, struct str fingerprint,
                              struct probe_verdict ret_verdicts[PLAN_REQUESTS], bool *ret_is_first);

/* Replaces the plan (a reference is taken) and starts a round at once.  Thread-safe. */
void prober_set(struct prober *p, struct kube_key key, struct plan *plan);

/* Forgets the key.  Thread-safe. */
void prober_remove(struct prober *p, struct kube_key key);

/* For metrics.  Context: loop. */
struct prober_counts prober_count(struct prober *p);

#endif
