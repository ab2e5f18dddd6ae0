/*
 * The one error idiom: a code, and where it helps a person, one line of text.
 *
 * Fallible functions return 0 (or a count) on success and -(enum err_code) on failure.  Cold paths take
 * a `struct err *` last: fixed size, in the caller's frame, untouched on success, may be NULL.  A
 * message says what failed, on what, and why, starts in lower case, has no final period, and never
 * holds a secret.  Codes map to HTTP, Kubernetes, gRPC and exit codes in err.tbl.h only.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

#include "base/cc.h"

enum err_code {
    ERR_OK = 0,
#define ERR_CODE(name, text, http, reason, grpc, exit, retry) ERR_##name,
#include "base/err.tbl.h"
#undef ERR_CODE
    ERR_CODE_COUNT
};

#define ERR_MSG_BYTES 504

struct err {
    enum err_code code;
    char msg[ERR_MSG_BYTES];
};

/* Fills `err` (may be NULL) and returns -code, so that `return err_set(…)` is the whole failure. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* As err_set, and appends the text of the system error number `errnum`. */
int err_errno(struct err *err, int errnum, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Puts "fmt: " in front of the message of `err`, sets its code from `rc` when it has none; returns rc. */
int err_wrap(struct err *err, int rc, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Short text of a code, e.g. "not found"; accepts the negative form too. */
const char *err_text(int rc);

/* The name of a code, e.g. "NOTFOUND"; accepts the negative form too. */
const char *err_name(int rc);

/* HTTP status an API server answers for a code; accepts the negative form too. */
int err_http_status(int rc);

/* metav1.Status reason for a code, e.g. "NotFound"; accepts the negative form too. */
const char *err_reason(int rc);

/* google.rpc.Code for a code; accepts the negative form too. */
int err_grpc_code(int rc);

/* Exit code of the command line for a code; accepts the negative form too. */
int err_exit_code(int rc);

/* Whether the same call may succeed later without anyone changing it. */
bool err_is_retryable(int rc);

/* The code that fits a system error number. */
enum err_code err_from_errno(int errnum);

/* The code that fits an API server's answer: by Status reason when known, else by HTTP status. */
enum err_code err_from_status(int http_status, const char *reason);

#endif
