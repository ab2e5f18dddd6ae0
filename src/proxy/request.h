/*
 * One request on its way through the phases.
 *
 *   route ─> authenticate ─> authorize ─> bind ─> inject ─> upstream ─> response ─> audit
 *
 * A phase answers NEXT, WAIT (somebody calls request_resume later) or FAIL (request_refuse filled in the
 * answer).  The last phase runs exactly once, when the exchange is over, whatever happened before.  The
 * request lives in the exchange's arena; what it holds references to is dropped after the last phase.
 */
#ifndef PROXY_REQUEST_H
#define PROXY_REQUEST_H

#include "proxy/ask.h"
#include "proxy/refusal.h"
#include "proxy/select.h"
#include "proxy/worker.h"

enum phase_result { PHASE_NEXT, PHASE_WAIT, PHASE_FAIL };

#define REQUEST_MAGIC 0x72657175u
#define REQUEST_MAX_LISTED 16 /* Connectors that a forward request may list */
#define REQUEST_ID_BYTES 40

struct request {
    uint32_t magic;
    struct worker *worker;
    struct http_exchange *x;
    struct arena *arena;
    const struct http_request *in;
    unsigned phase;
    int64_t started_us, sent_us, head_us; /* monotonic; 0: not yet */
    char id[REQUEST_ID_BYTES];
    struct str trace; /* trace id */

    /* route */
    enum counters_mode mode;
    struct str key, ns, name; /* of the Connector that is asked for */
    struct target *target;    /* referenced; NULL: there is none of that name */
    size_t binding_index;
    bool is_elsewhere;    /* forward: the URL belongs to no listed Connector */
    struct str rest;      /* of the target, behind the Connector's prefix, with query */
    struct str base_path; /* reverse: what stood before `rest` */
    struct str url_host;  /* forward: the URL's host, for messages */

    /* authenticate, authorize */
    struct str token;
    uint8_t mac[IDENTITY_MAC_BYTES];
    struct identity *identity;
    struct permission_verdict *verdict;
    struct ask *ask;
    bool has_place; /* counted among the subject's requests */

    /* bind, inject */
    const struct binding *binding;
    const struct credential *credential; /* added to the request; NULL: none was */
    struct http_request out;

    /* upstream, response */
    struct http_call *call;
    const struct http_response *tool; /* the answer's head, while it is turned into ours */
    bool is_answered;                 /* a head was sent to the client */
    uint64_t bytes_in, bytes_out;
    int status;
    enum refusal refusal;
    struct str message;
};

extern const struct http_server_ops REQUEST_SERVER_OPS;

/* Fills in why the proxy itself refuses; `fmt` is one line that says what failed and what to do.
 * Returns PHASE_FAIL. */
enum phase_result request_refuse(struct request *r, enum refusal why, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* As request_refuse for what nothing may follow on the same connection. */
enum phase_result request_refuse_closing(struct request *r, enum refusal why, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* Goes on after WAIT. */
void request_resume(struct request *r, enum phase_result result);

/* --- the phases, one file each */

/* Finds which Connector is meant and where its path begins. */
enum phase_result route_run(struct request *r);

/* Finds out who is asking. */
enum phase_result authenticate_run(struct request *r);

/* Finds out whether he may use the Connector, and whether there is one. */
enum phase_result authorize_run(struct request *r);

/* Decides where the request goes. */
enum phase_result bind_run(struct request *r);

/* Makes the request for the tool, with the credential; the only place that exposes it. */
enum phase_result inject_run(struct request *r);

/* Sends it. */
enum phase_result upstream_run(struct request *r);

/* Turns the tool's answer into ours. */
enum phase_result response_run(struct request *r);

/* Counts the request and writes its audit record. */
enum phase_result record_run(struct request *r);

/* The request no longer counts among its subject's. */
void authenticate_release(struct request *r);

/* The exchange may send body bytes again. */
void upstream_drain(struct request *r);

/* A piece of the client's body, and its end. */
void upstream_body(struct request *r, struct str bytes);
void upstream_body_end(struct request *r);

/* Passes an interim response on. */
void response_inform(struct request *r, const struct http_response *interim);

#endif
