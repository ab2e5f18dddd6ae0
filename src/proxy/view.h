/*
 * What the proxy knows of Connectors: reflectors on Connectors, ConnectorClasses and Secrets, and the targets that
 * come of them.
 *
 *   change of an object ──index──> affected Connectors ──target_new──> on_target for each
 *
 * One change costs what depends on it, however many Connectors there are.  Everything happens on the control
 * loop.
 */
#ifndef PROXY_VIEW_H
#define PROXY_VIEW_H

#include "kube/reflector.h"
#include "proxy/target.h"

struct view_ops {
    /* The Connector's target is now `t` (borrowed), or with NULL it is gone. */
    void (*on_target)(void *cookie, struct str key, struct target *t);
    /* All targets of the first snapshot were delivered. */
    void (*on_synced)(void *cookie);
};

struct view;

/* Starts watching.  `client` is borrowed. */
struct view *view_new(struct kube_client *client, unsigned workers, const struct view_ops *ops,
                      void *cookie);

/* Stops; no callback follows.  NULL is allowed. */
void view_free(struct view *v);

/* Whether the first snapshot is complete. */
bool view_is_synced(const struct view *v);

/* Time since the API server last confirmed the least recently confirmed collection. */
int64_t view_age_us(const struct view *v);

/* Number of Connectors. */
size_t view_count(const struct view *v);

/* Appends the figures of each Connector in the Prometheus text format. */
void view_format(const struct view *v, struct buf *out);

#endif
