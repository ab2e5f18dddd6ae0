/*
 * One row per error code; enumerators, texts and all mappings are expanded from it.
 *
 * name: ERR_<name>.  http/reason: what an API server answers (metav1.Status).  grpc: google.rpc.Code.
 * exit: exit code of the command line (0 done, 1 failed, 2 usage, 3 denied, 4 not found, 5 timed out or
 * still waiting).  retry: whether the same call may succeed later without anyone changing it.
 */
/* clang-format off */
/*       name         text                        http  reason                   grpc exit retry */
ERR_CODE(INVALID,     "invalid",                  422, "Invalid",                3, 1, false)
ERR_CODE(BADREQUEST,  "bad request",              400, "BadRequest",             3, 1, false)
ERR_CODE(USAGE,       "usage",                    400, "BadRequest",             3, 2, false)
ERR_CODE(NOTFOUND,    "not found",                404, "NotFound",               5, 4, false)
ERR_CODE(EXISTS,      "already exists",           409, "AlreadyExists",          6, 1, false)
ERR_CODE(CONFLICT,    "conflict",                 409, "Conflict",              10, 1, true)
ERR_CODE(GONE,        "gone",                     410, "Expired",               11, 1, true)
ERR_CODE(TOOBIG,      "too large",                413, "RequestEntityTooLarge",  8, 1, false)
ERR_CODE(MEDIATYPE,   "unsupported media type",   415, "UnsupportedMediaType",   3, 1, false)
ERR_CODE(METHOD,      "method not allowed",       405, "MethodNotAllowed",      12, 1, false)
ERR_CODE(UNAUTH,      "unauthorized",             401, "Unauthorized",          16, 3, false)
ERR_CODE(FORBIDDEN,   "forbidden",                403, "Forbidden",              7, 3, false)
ERR_CODE(THROTTLED,   "too many requests",        429, "TooManyRequests",        8, 1, true)
ERR_CODE(TIMEOUT,     "timed out",                504, "Timeout",                4, 5, true)
ERR_CODE(UNAVAILABLE, "unavailable",              503, "ServiceUnavailable",    14, 1, true)
ERR_CODE(INTERNAL,    "internal error",           500, "InternalError",         13, 1, true)
ERR_CODE(CANCELLED,   "cancelled",                499, "Cancelled",              1, 1, false)
ERR_CODE(EOF,         "end of stream",            502, "BadGateway",            14, 1, true)
ERR_CODE(CLOSED,      "connection closed",        502, "BadGateway",            14, 1, true)
ERR_CODE(REFUSED,     "connection refused",       502, "BadGateway",            14, 1, true)
ERR_CODE(DENIED_DEST, "destination refused",      403, "DestinationRefused",     7, 1, false)
ERR_CODE(TLS,         "TLS failure",              502, "BadGateway",            14, 1, true)
ERR_CODE(PROTO,       "protocol violation",       502, "BadGateway",            13, 1, false)
ERR_CODE(IO,          "input/output error",       500, "InternalError",         13, 1, true)
ERR_CODE(BUSY,        "busy",                     409, "Conflict",              14, 1, true)
/* clang-format on */
