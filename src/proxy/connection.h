/*
 * What a client connection remembers between its requests: the last identity and the last verdict.
 *
 * Both are checked again before each use; remembering only saves looking them up.
 */
#ifndef PROXY_CONNECTION_H
#define PROXY_CONNECTION_H

#include "core/permission.h"
#include "http/server.h"

/* The identity of the last request, borrowed, or NULL. */
struct identity *connection_identity(const struct http_exchange *x);

/* The verdict of the last request and the Connector ("namespace/name") it was about; NULL when there is none. */
struct permission_verdict *connection_verdict(const struct http_exchange *x, struct str connector);

/* Remembers (referenced) an identity, and forgets the verdict. */
void connection_keep_identity(struct http_exchange *x, struct identity *id);

/* Remembers (referenced) a verdict of the remembered identity about a Connector. */
void connection_keep_verdict(struct http_exchange *x, struct permission_verdict *v,
                             struct str connector);

#endif
