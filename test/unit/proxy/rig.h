/*
 * A proxy in one process: one real worker thread, the services on the test's loop, a fake API server that
 * answers reviews, and a tool that answers by script.
 *
 * The test's thread steps its loop while it waits for a client's answer; time is real, since the worker's
 * loop has its own clock.
 */
#ifndef TEST_PROXY_RIG_H
#define TEST_PROXY_RIG_H

#include "../kube/fake.h"
#include "proxy/worker.h"
#include "unit.h"

struct rig {
    struct fake *api;
    struct site site;
    struct settings settings;
    struct review_lane *lane;
    struct worker *worker;
    struct addr listen;
    bool is_ended, is_synced;
    struct loop_task sync;

    /* The API server's answers; Connectors named "forbidden" never are allowed. */
    bool allowed;
    bool is_deaf; /* answers no review */
    unsigned token_reviews, access_reviews;

    /* The tool. */
    struct http_server *tool;
    uint16_t tool_port;
    void (*answer)(struct rig *r, struct http_exchange *x); /* NULL: 200 "ok" */
    unsigned tool_requests;
    struct buf tool_head; /* of the last request: method, target and headers as lines */
    struct buf tool_body;
    struct buf reply; /* what the client got last */
};

/* `options` are settings as on the command line, NULL at the end of the list or NULL for none. */
void rig_init(struct rig *r, const char *const *options);
void rig_fini(struct rig *r);

/* Puts the Connector team/tool in place: the tool at `path`, with password `password` (NULL: no Secret). */
void rig_connector(struct rig *r, const char *path, const char *password);

/* Waits until the worker has taken in what was posted to it. */
void rig_sync(struct rig *r);

/* A client connection. */
int rig_connect(struct rig *r);

/* Sends `request` on `fd` and reads one answer with a Content-Length (or to the end when the peer closes);
 * returns the status, or 0 when the connection ended without one. */
int rig_ask(struct rig *r, int fd, const char *request);

/* As rig_ask on a connection of its own. */
int rig_ask_once(struct rig *r, const char *request);

/* Steps the test's loop until *flag or two seconds. */
bool rig_until(struct rig *r, const bool *flag);

/* Whether a text is in what the client got, or in the head that the tool got. */
bool rig_got(const struct rig *r, const char *text);
bool rig_tool_got(const struct rig *r, const char *text);

#endif
