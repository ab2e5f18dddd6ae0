/*
 * Hexadecimal text, lower case.
 */
#ifndef CODEC_HEX_H
#define CODEC_HEX_H

#include "base/buf.h"
#include "base/err.h"

/* Appends two digits per byte. */
void hex_encode(struct buf *out, struct str bytes);

/* Appends the bytes that `text` (either case) stands for.  Returns 0, or -ERR_INVALID or -ERR_TOOBIG (out as before). */
int hex_decode(struct buf *out, struct str text) MUST_USE;

/* The value of one digit, or -1. */
int hex_digit(char c);

#endif
