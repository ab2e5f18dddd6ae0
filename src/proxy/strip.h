/*
 * Headers that must not pass: the client's credentials towards the tool, what could hand ours back towards the
 * client.  One table each.
 */
#ifndef PROXY_STRIP_H
#define PROXY_STRIP_H

#include "http/message.h"

/* Whether a request header of this name never reaches a tool. */
bool strip_is_request_header(struct str name);

/* Whether an answer header of this name never reaches a client when a credential was added. */
bool strip_is_response_header(struct str name);

/* Removes those headers in place. */
void strip_request(struct http_headers *h);

#endif
