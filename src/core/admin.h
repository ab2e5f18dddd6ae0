/*
 * The administration listener of a component: /healthz, /livez, /readyz and /metrics over plain HTTP.
 *
 * Read-only, without authentication, on an address of its own; it tells figures and states, never content.
 */
#ifndef CORE_ADMIN_H
#define CORE_ADMIN_H

#include "base/buf.h"
#include "ev/loop.h"

struct admin;

struct admin_ops {
    /* Whether the component serves; when not, appends one line that says why. */
    bool (*is_ready)(void *cookie, struct buf *why);
    /* Appends metrics in the Prometheus text format. */
    void (*metrics)(void *cookie, struct buf *out);
};

/* Serves on `fd` (listening, taken); `ops` and `cookie` are borrowed until admin_free. */
struct admin *admin_new(struct loop *l, int fd, const struct admin_ops *ops, void *cookie);

/* Closes the listener and its connections.  NULL is allowed. */
void admin_free(struct admin *a);

#endif
