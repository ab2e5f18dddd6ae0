/*
 * An API server made of the answers a test writes, on the client's own loop and clock.
 *
 * Every request is given to the test's handler when its body is complete; the handler answers at once, keeps
 * the request and answers later, or begins a stream.  Time stands still unless fake_run lets it pass: it
 * advances only while nobody has anything to do.
 */
#ifndef TEST_UNIT_KUBE_FAKE_H
#define TEST_UNIT_KUBE_FAKE_H

#include "base/list.h"
#include "http/server.h"
#include "kube/client.h"

struct fake;

struct fake_request {
    struct fake *fake;
    struct http_exchange *x; /* NULL once the exchange is over */
    struct list link;
    struct str method, path, query, accept, authorization, content_type;
    struct buf body_bytes;
    json_t *body; /* NULL when there is none */
    struct arena *arena;
    bool is_stream;
};

typedef void fake_fn(void *cookie, struct fake_request *r);

struct fake {
    struct loop *loop;
    struct loop_clock clock;
    int64_t mono_us;
    int64_t wall_us;
    struct http_server *server;
    struct kube_config *config;
    struct kube_client *client;
    uint16_t port;
    char token_path[64]; /* empty: the config has a constant token */
    fake_fn *handler;
    void *cookie;
    struct list requests; /* open ones */
    size_t request_count;
};

/* Starts server, loop and client. */
struct fake *fake_new(fake_fn *handler, void *cookie);
/* Frees all; calls must be over. */
void fake_free(struct fake *f);

/* The parts of fake_new, for tests whose client lives elsewhere. */
struct fake *fake_new_server(fake_fn *handler, void *cookie);
/* A kubeconfig for the fake with an inline token, written to a file and loaded. */
struct kube_config *fake_config(struct fake *f);

/* Answers and ends. */
void fake_answer(struct fake_request *r, int status, const char *json);
void fake_answer_json(struct fake_request *r, int status, json_t *taken);
/* A metav1.Status. */
void fake_status(struct fake_request *r, int status, const char *reason, const char *message);

/* A stream: begins, sends raw bytes, ends in order; fake_cut ends it (or any request) by closing. */
void fake_stream(struct fake_request *r);
void fake_send(struct fake_request *r, struct str bytes);
void fake_end(struct fake_request *r);
void fake_cut(struct fake_request *r);

/* A query parameter, decoded; STR_NONE when absent. */
struct str fake_param(struct fake_request *r, const char *name);

/* Lets the loop run, and time pass when it is idle, until `done(cookie)` or `limit_us` are over;
 * returns whether it was done. */
bool fake_run(struct fake *f, bool (*done)(void *cookie), void *cookie, int64_t limit_us);

/* Lets `us` pass. */
void fake_pass(struct fake *f, int64_t us);

/* Runs what is ready without letting time pass. */
void fake_settle(struct fake *f);

#endif
