/*
 * What the tests of codec/ on JSON stand on: values written as text.
 */
#ifndef TEST_CODEC_RIG_H
#define TEST_CODEC_RIG_H

#include "codec/json.h"

/* The value of `text`, as a new reference; a test fails on text that does not parse. */
json_t *rig_value(const char *text);

/* Whether `v` is what `wanted` says, the order of members aside; a test fails when it is not. */
bool rig_is_value(const json_t *v, const char *wanted);

#endif
