/*
 * A collection of Secrets behind the fake server: list with paging, watch from a revision, and faults.
 *
 * It is the reference the reflector is compared with.  Faults are switched by the test, one by one or drawn
 * from a seeded generator, so that every schedule can be repeated.
 */
#ifndef TEST_UNIT_KUBE_MODEL_H
#define TEST_UNIT_KUBE_MODEL_H

#include "base/map.h"
#include "base/vec.h"
#include "fake.h"

struct model_event {
    uint64_t rv;
    const char *type;
    json_t *object;
};

struct model {
    struct fake *f;
    struct map *objects; /* "ns/name" → json_t */
    struct VEC(struct model_event) log;
    uint64_t rv;
    uint64_t compacted; /* watches and continue tokens before it are answered with 410 */
    struct fake_request *watch;
    uint64_t watch_sent; /* revision up to which the watch has been told */
    uint64_t seed;

    /* What the next requests run into; counted down to 0. */
    unsigned fail_lists, fail_watches, silent_watches;
    int fail_status; /* of those */
    unsigned expire_pages;
    bool chaos; /* watches misbehave at random */

    unsigned lists, pages, watches, probes;
    unsigned fail_probes;
    uint64_t watch_from;      /* resourceVersion of the last watch */
    unsigned watch_timeout_s; /* its timeoutSeconds */
    char last_list[256];      /* query of the last list */
    char last_accept[128];
};

void model_init(struct model *m, uint64_t seed);
void model_fini(struct model *m);

/* Creates or changes an object, or deletes it; the watch is told at the next model_flush. */
void model_put(struct model *m, const char *name, int value);
void model_del(struct model *m, const char *name);

/* Tells the watch what it has not been told. */
void model_flush(struct model *m);

/* Sends a bookmark with the newest revision. */
void model_bookmark(struct model *m);

/* A pseudo-random number below `bound`. */
uint64_t model_draw(struct model *m, uint64_t bound);

#endif
