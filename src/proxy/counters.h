/*
 * Figures of one worker: written by its thread only, read by whoever scrapes.
 *
 * A counter is a relaxed atomic with one writer, so adding is a load and a store, no locked instruction.
 * What a request adds is one call at its end.
 */
#ifndef PROXY_COUNTERS_H
#define PROXY_COUNTERS_H

#include <stdatomic.h>

#include "base/buf.h"
#include "proxy/refusal.h"

enum counters_mode { MODE_REVERSE, MODE_FORWARD, MODE_COUNT };

#define COUNTERS_STATUS_MAX 600
#define COUNTERS_BUCKETS 14

struct counters_histogram {
    atomic_uint_fast64_t buckets[COUNTERS_BUCKETS + 1]; /* the last: +Inf; not cumulative here */
    atomic_uint_fast64_t sum_us;
};

enum counters_name {
    COUNT_BYTES_IN,
    COUNT_BYTES_OUT,
    COUNT_IDENTITY_HITS,
    COUNT_IDENTITY_MISSES,
    COUNT_PERMISSION_HITS,
    COUNT_PERMISSION_MISSES,
    COUNT_INJECTED_BASIC,
    COUNT_INJECTED_BEARER,
    COUNT_INJECTED_NONE,
    COUNT_ACTIVE,      /* gauge: requests */
    COUNT_CONNECTIONS, /* gauge: client connections */
    COUNT_POOLED,      /* gauge: idle connections to tools */
    COUNTERS_PLAIN
};

struct counters {
    atomic_uint_fast64_t plain[COUNTERS_PLAIN];
    atomic_uint_fast64_t requests[MODE_COUNT][COUNTERS_STATUS_MAX];
    atomic_uint_fast64_t refused[REFUSAL_COUNT];
    struct counters_histogram total, added;
};

/* Adds to a counter of the calling thread's own. */
static inline void counters_add(atomic_uint_fast64_t *c, uint64_t n)
{
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

/* Counts a duration. */
void counters_observe(struct counters_histogram *h, int64_t us);

/* Appends the sums over `count` workers in the Prometheus text format. */
void counters_format(struct counters *const *workers, size_t count, struct buf *out);

/* Figures of one Connector: a slot for each worker, and those of all workers live as long as any user. */
struct counters_connector;

#define COUNTERS_CLASSES 6 /* status / 100 */

/* Returns figures with a slot for each of `workers` workers. */
struct counters_connector *counters_connector_new(unsigned workers);
struct counters_connector *counters_connector_ref(struct counters_connector *c);
void counters_connector_unref(struct counters_connector *c); /* NULL is allowed */

/* Counts an answer.  Context: the worker of that index. */
void counters_connector_add(struct counters_connector *c, unsigned worker, int status);

/* Sums over the workers by status class. */
void counters_connector_sum(const struct counters_connector *c,
                            uint64_t ret_sums[COUNTERS_CLASSES]);

#endif
