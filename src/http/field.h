/*
 * What kind of header field a name stands for, as far as connections care.
 *
 * One look by length and first letter; names that matter nothing cost a few instructions.
 */
#ifndef HTTP_FIELD_H
#define HTTP_FIELD_H

#include "base/str.h"

enum field_flag {
    FIELD_FRAMING = 1 << 0,      /* made by the connection from the body kind, never copied */
    FIELD_HOP_BY_HOP = 1 << 1,   /* ends at this hop (RFC 9110, 7.6.1 and 11.7) */
    FIELD_CONNECTION = 1 << 2,   /* Connection itself: names further ones */
    FIELD_REQUEST_LINE = 1 << 3, /* Host and Expect: made from fields of http_request */
    FIELD_DATE = 1 << 4,
};

/* Returns the flags of `name` (ASCII case ignored), 0 for most. */
unsigned field_kind(struct str name);

#endif
