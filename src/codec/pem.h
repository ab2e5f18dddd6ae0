/*
 * PEM blocks (RFC 7468): finding and writing them.
 *
 * Text outside blocks is skipped; a block with bad base64 or a missing end line is an error.
 */
#ifndef CODEC_PEM_H
#define CODEC_PEM_H

#include "base/buf.h"
#include "base/err.h"

struct pem_block {
    struct str label; /* e.g. "CERTIFICATE" */
    struct str text;  /* the whole block with its lines, a slice of the source */
};

/* Takes the next block from *rest.  Returns 1, 0 at the end, or -ERR_INVALID. */
int pem_next(struct str *rest, struct pem_block *ret_block) MUST_USE;

/* Appends the decoded content of a block.  Returns 0 or -ERR_INVALID. */
int pem_decode(const struct pem_block *block, struct buf *out) MUST_USE;

/* Appends a block with 64-column lines. */
void pem_encode(struct buf *out, struct str label, struct str bytes);

#endif
