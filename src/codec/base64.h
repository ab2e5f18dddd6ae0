/*
 * Base64 (RFC 4648): the standard alphabet with padding and the URL alphabet without.
 *
 * Decoding is strict: no white space, no bits left over, padding exactly where the form asks for it.
 */
#ifndef CODEC_BASE64_H
#define CODEC_BASE64_H

#include "base/buf.h"
#include "base/err.h"

/* Appends the standard form with padding. */
void base64_encode(struct buf *out, struct str bytes);

/* Appends the URL form without padding. */
void base64_url_encode(struct buf *out, struct str bytes);

/* Appends the decoded bytes of the standard form.  Returns 0, or -ERR_INVALID or -ERR_TOOBIG (out is then as before). */
int base64_decode(struct buf *out, struct str text) MUST_USE;

/* Appends the decoded bytes of the URL form.  Returns 0, or -ERR_INVALID or -ERR_TOOBIG (out is then as before). */
int base64_url_decode(struct buf *out, struct str text) MUST_USE;

#endif
