/*
 * One thread that serves clients: its own loop, listener, pools, caches and counters.
 *
 * Everything in a worker is touched by its thread only, but for the counters (read by whoever scrapes) and
 * what the functions marked thread-safe post to it.
 */
#ifndef PROXY_WORKER_H
#define PROXY_WORKER_H

#include <pthread.h>

#include "base/map.h"
#include "core/lru.h"
#include "http/client.h"
#include "http/server.h"
#include "proxy/site.h"
#include "proxy/target.h"

struct worker {
    unsigned index;
    struct site *site;
    struct loop *loop;
    pthread_t thread;
    struct dns *dns;
    struct http_client *client;
    struct http_server *server;
    struct map *targets;     /* key -> struct target */
    struct lru *identities;  /* MAC of a token -> struct identity */
    struct lru *verdicts;    /* permission_key -> struct permission_verdict */
    struct audit_ring *ring; /* NULL: no audit log */
    struct counters *counters;
    bool is_ready; /* the first snapshot is complete */
    bool is_draining;
    uint64_t next_id;       /* of requests */
    uint64_t random[2];     /* for trace ids */
    int listen_fd;          /* until the thread has it */
    struct loop_timer tick; /* samples gauges; while draining, watches for the end */
    struct loop_timer deadline;
    struct loop_task task;
    void (*on_drained)(void *cookie); /* on the control loop, when the thread is about to end */
    void *cookie;
};

/* Makes a worker that will accept on `listen_fd` (taken).  Errors: IO. */
int worker_new(struct site *site, unsigned index, int listen_fd, struct worker **ret_worker,
               struct err *err) MUST_USE;

/* Starts the thread. */
void worker_start(struct worker *w, void (*on_drained)(void *cookie), void *cookie);

/* Puts a target (referenced) in place, or with NULL takes it away.  Thread-safe. */
void worker_set_target(struct worker *w, struct str key, struct target *t);

/* The first snapshot is complete: requests are served from now on.  Thread-safe. */
void worker_set_ready(struct worker *w);

/* Stops accepting and ends when all streams have, after drain_timeout at the latest.  Thread-safe. */
void worker_drain(struct worker *w);

/* Waits for the thread; the loop stays, so that messages can still be posted. */
void worker_join(struct worker *w);

/* Frees what is left.  NULL is allowed. */
void worker_free(struct worker *w);

/* The target of that key, or NULL.  Context: the worker's thread. */
struct target *worker_target(const struct worker *w, struct str key);

/* 64 bits that need not be secret.  Context: the worker's thread. */
uint64_t worker_random(struct worker *w);

#endif
