/*
 * The proxy's own refusals: reasons, their HTTP status, and the Status object that people read.
 *
 * Reasons are a contract: they stand in `Status.reason`, in the header X-Connectors-Error, in the audit log
 * and as a label of metrics.
 */
#ifndef PROXY_REFUSAL_H
#define PROXY_REFUSAL_H

#include "base/arena.h"
#include "base/str.h"

enum refusal {
    REFUSAL_NONE,
#define REFUSAL(name, text, http) REFUSAL_##name,
#include "proxy/refusal.tbl.h"
#undef REFUSAL
    REFUSAL_COUNT
};

/* The reason's text, e.g. "ConnectorNotFound"; NULL for REFUSAL_NONE. */
const char *refusal_reason(enum refusal r);

/* The HTTP status of a reason; 0 for REFUSAL_NONE. */
int refusal_status(enum refusal r);

/* The reason for what the HTTP server refuses by itself with this status. */
enum refusal refusal_of_status(int status);

/* A metav1.Status as JSON, with a line end behind it. */
struct str refusal_body(struct arena *a, enum refusal r, int status, struct str message);

#endif
