/*
 * The table of refusals and their body.
 */
#include "proxy/refusal.h"

#include "base/buf.h"

#define BODY_MAX_BYTES (64 * 1024)

static const struct {
    const char *reason;
    int status;
} ROWS[REFUSAL_COUNT] = {
#define REFUSAL(name, text, http) [REFUSAL_##name] = {text, http},
#include "proxy/refusal.tbl.h"
#undef REFUSAL
};

const char *refusal_reason(enum refusal r)
{
    return ROWS[r].reason;
}

int refusal_status(enum refusal r)
{
    return ROWS[r].status;
}

enum refusal refusal_of_status(int status)
{
    switch (status) {
    case 408:
    case 413:
    case 414:
    case 431:
        return REFUSAL_LIMIT_EXCEEDED;
    case 501:
        return REFUSAL_NOT_IMPLEMENTED;
    case 503:
        return REFUSAL_OVERLOADED;
    default:
        return REFUSAL_AMBIGUOUS_REQUEST;
    }
}

struct str refusal_body(struct arena *a, enum refusal r, int status, struct str message)
{
    struct buf out = BUF_INIT(BODY_MAX_BYTES);
    struct str text;

    buf_add_c(&out, "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},"
                    "\"status\":\"Failure\",\"message\":\"");
    buf_add_json(&out, str_head(message, BODY_MAX_BYTES / 8));
    buf_addf(&out, "\",\"reason\":\"%s\",\"code\":%d}\n", ROWS[r].reason, status);
    text = arena_str(a, buf_str(&out));
    buf_fini(&out);
    return text;
}
