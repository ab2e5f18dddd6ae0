/*
 * The HTTP side: from a request head to a verb, from its result to an answer.
 *
 *   on_request: path → health? → authenticate → impersonate → kind and verb → authorize → (body) → verb
 */
#ifndef APISERVER_REST_H
#define APISERVER_REST_H

#include "http/server.h"

struct apiserver;
struct rest;

/* Makes the HTTP side of `server`; the registry must exist. */
struct rest *rest_new(struct apiserver *server);

/* Every exchange is over.  NULL is allowed. */
void rest_free(struct rest *r);

/* The callbacks for an HTTP server whose cookie is the rest. */
extern const struct http_server_ops rest_server_ops;

/* Makes /readyz say so. */
void rest_set_ready(struct rest *r, bool ready);

/* Ends all watches, so that connections can close. */
void rest_drain(struct rest *r);

#endif
