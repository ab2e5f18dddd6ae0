/*
 * Descriptors of protobuf messages: which field number is which JSON member.
 */
#ifndef APISERVER_PROTO_PRIV_H
#define APISERVER_PROTO_PRIV_H

#include "apiserver/proto.h"

enum proto_type {
    PROTO_STRING,
    PROTO_STRINGS,
    PROTO_BYTES,
    PROTO_BOOL,
    PROTO_KEPT_BOOL, /* false is not the same as absent */
    PROTO_INT,
    PROTO_TIME,      /* metav1.Time: seconds, nanos */
    PROTO_MICROTIME, /* metav1.MicroTime */
    PROTO_INT_OR_STRING,
    PROTO_MESSAGE,
    PROTO_MESSAGES,
    PROTO_MAP_STRING,
    PROTO_MAP_BYTES,
    PROTO_MAP_LIST, /* values are messages whose field 1 is a list of strings */
};

struct proto_message;

struct proto_field {
    unsigned number;
    enum proto_type type;
    const char *name;
    const struct proto_message *message;
};

struct proto_message {
    const struct proto_field *fields;
    size_t count;
};

struct proto_root {
    struct str api_version;
    struct str kind;
    const struct proto_message *message;
};

extern const struct proto_root proto_roots[];
extern const size_t proto_roots_len;

#endif
