/*
 * HTTP messages as values, the same for every protocol version.
 *
 * Headers are an ordered array of name-value pairs; names compare without case.  All strings belong to
 * the arena of the exchange or outlive it.  Framing headers (Content-Length, Transfer-Encoding,
 * Connection, Keep-Alive, TE, Trailer, Upgrade) are the business of the connection code: http_headers_copy_end_to_end
 * leaves them out, and servers and clients add what they need from the body kind.
 */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include "base/arena.h"
#include "base/str.h"

struct http_header {
    struct str name;
    struct str value;
};

struct http_headers {
    struct arena *arena; /* grows here */
    struct http_header *p;
    size_t n;
    size_t cap;
};

#define HTTP_BODY_UNKNOWN INT64_MAX /* length not known in advance */

struct http_request {
    struct str method;
    struct str target;           /* as sent: origin-form, absolute-form, authority-form or "*" */
    struct str authority;        /* Host or :authority; empty in a 1.0 request without Host */
    struct http_headers headers; /* on the server side with Host; on the client side without */
    int64_t body_length;         /* 0 none, HTTP_BODY_UNKNOWN, or bytes */
    bool expect_continue;
};

struct http_response {
    int status;
    struct http_headers headers;
    int64_t body_length; /* as above; for answers to HEAD what a GET would have */
};

/* Appends a header; strings are borrowed for the arena's life. */
void http_headers_add(struct http_headers *h, struct str name, struct str value);

/* First value of that name, or STR_NONE (p == NULL). */
struct str http_headers_get(const struct http_headers *h, struct str name);

/* Number of headers of that name. */
size_t http_headers_count(const struct http_headers *h, struct str name);

/* Removes all headers of that name; returns how many. */
size_t http_headers_remove(struct http_headers *h, struct str name);

/* Removes all of that name and appends one. */
void http_headers_set(struct http_headers *h, struct str name, struct str value);

/*
 * Copies what may pass a proxy: everything but hop-by-hop and framing headers and those that Connection
 * names (RFC 9110, 7.6.1).  Values are not copied, only slices.
 */
void http_headers_copy_end_to_end(struct http_headers *to, const struct http_headers *from);

#endif
