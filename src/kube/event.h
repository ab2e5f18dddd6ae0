/*
 * Events (core/v1) about objects, for `kubectl describe` and people.
 *
 * The same event (object, type, reason, message) again within 10 min raises its count instead of making
 * another; at most 25 per object and minute are sent.  Recording never blocks and never fails the caller.
 */
#ifndef KUBE_EVENT_H
#define KUBE_EVENT_H

#include "kube/client.h"

struct event_recorder;

/* `component` names the sender (source.component).  Context: loop, or before it runs. */
struct event_recorder *event_recorder_new(struct kube_client *c, const char *component);
void event_recorder_free(struct event_recorder *r); /* NULL is allowed.  Context: loop */

/* Records; `type` is "Normal" or "Warning".  Thread-safe; `object` is referenced as long as needed. */
void event_record(struct event_recorder *r, const json_t *object, const char *type,
                  const char *reason, const char *fmt, ...) PRINTF_LIKE(5, 6);

#endif
