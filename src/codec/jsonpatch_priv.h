/*
 * What the patch forms share.
 */
#ifndef CODEC_JSONPATCH_PRIV_H
#define CODEC_JSONPATCH_PRIV_H

#include "codec/jsonpatch.h"

/* Whether two values are equal: members in any order, numbers by value (1 equals 1.0). */
bool jsonpatch_equal(const json_t *a, const json_t *b);

#endif
