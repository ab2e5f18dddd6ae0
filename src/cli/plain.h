/*
 * Text of others for a terminal: whatever an API object or an API server says is shown without bytes that a
 * terminal would act on.
 */
#ifndef CLI_PLAIN_H
#define CLI_PLAIN_H

#include "base/str.h"

/* Overwrites control characters (C0, DEL, and C1 in UTF-8) by spaces, in place. */
void plain_clean(char *p, size_t n);

/* The number of characters of a UTF-8 text. */
size_t plain_width(struct str s);

#endif
