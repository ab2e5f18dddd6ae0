/*
 * What the tests of probes stand on: a loop whose clock can be moved, a tool on loopback that answers by path,
 * and plans for it.
 *
 *     /200 … /599   that status
 *     /hang         never an answer
 *     /basic        200 with the right Basic credential, else 401
 *     /to?LOCATION  302 to LOCATION
 */
#ifndef TEST_CONTROLLER_RIG_H
#define TEST_CONTROLLER_RIG_H

#include "controller/prober.h"
#include "http/server.h"

#define RIG_USER "user"
#define RIG_PASSWORD "canary-7d1f"

struct rig {
    struct loop *loop;
    struct loop_clock clock;
    int64_t skew_us;
    struct dns *dns;
    struct http_server *server;
    struct addr addr;
    struct probe_site site;
    struct buf seen; /* one line for each request: "METHOD target +" with a credential, else "-" */
    unsigned open;   /* requests without an answer */
    struct credential *credential;
    struct arena *arena;
};

/* Fills `r`; loopback is an allowed destination. */
void rig_init(struct rig *r);
void rig_fini(struct rig *r);

/* Steps the loop until `done(cookie)` or 20 s passed; returns whether it was done. */
bool rig_until(struct rig *r, bool (*done)(void *cookie), void *cookie);

/* Moves the clock and lets timers fire. */
void rig_pass(struct rig *r, int64_t us);

/* A Connector at 127.0.0.`octet` of the tool. */
struct connector *rig_connector(struct rig *r, const char *name, unsigned octet);

/* A class whose auth type is basic-auth, with these probe paths (NULL: no such probe). */
struct connector_class *rig_class(const char *liveness, const char *auth);

/* A plan for the two with the tool's credential. */
struct plan *rig_plan(struct rig *r, struct connector *c, struct connector_class *cls,
                      const char *fingerprint);

/* Plans and runs request `index` of such a plan to its end. */
struct probe_verdict rig_probe(struct rig *r, struct connector_class *cls, size_t index);

#endif
