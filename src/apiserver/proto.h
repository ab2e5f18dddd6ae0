/*
 * Kubernetes protobuf request bodies to JSON values.
 *
 * kubectl and other typed clients send some kinds as application/vnd.kubernetes.protobuf: four bytes "k8s\0", then
 * runtime.Unknown with apiVersion, kind and the message.  Only reading is supported; answers are JSON, which
 * those clients accept.
 */
#ifndef APISERVER_PROTO_H
#define APISERVER_PROTO_H

#include "base/err.h"
#include "codec/json.h"

/* Decodes one body.  Errors: BADREQUEST (malformed), MEDIATYPE (a kind that has no table). */
int proto_decode(struct str body, json_t **ret_value, struct err *err) MUST_USE;

#endif
