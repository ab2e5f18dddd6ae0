/*
 * Error codes, their texts and their mappings, all expanded from err.tbl.h.
 *
 * What comes from outside (an errno, an API server's Status) is mapped here once, so that the rest of
 * the program decides on codes only.
 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct err_row {
    const char *name;
    const char *text;
    const char *reason;
    int http, grpc, exit;
    bool is_retryable;
};

static const struct err_row ERR_ROWS[ERR_CODE_COUNT] = {
    [ERR_OK] = {"OK", "no error", "", 200, 0, 0, false},
#define ERR_CODE(name, text, http, reason, grpc, exit, retry)                                      \
    [ERR_##name] = {#name, text, reason, http, grpc, exit, retry},
#include "base/err.tbl.h"
#undef ERR_CODE
};

static enum err_code err_code_of(int rc)
{
    unsigned code = rc < 0 ? 0u - (unsigned)rc : (unsigned)rc;

    return code < ERR_CODE_COUNT ? (enum err_code)code : ERR_INTERNAL;
}

static const struct err_row *err_row(int rc)
{
    return &ERR_ROWS[err_code_of(rc)];
}

/* Arguments may point into err->msg, so the text is made aside. */
static PRINTF_LIKE(3, 0) void err_vfill(struct err *err, enum err_code code, const char *fmt,
                                        va_list ap)
{
    char msg[ERR_MSG_BYTES];

    vsnprintf(msg, sizeof(msg), fmt, ap);
    err->code = code;
    memcpy(err->msg, msg, sizeof(msg));
}

int err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
    va_list ap;

    if (err) {
        va_start(ap, fmt);
        err_vfill(err, code, fmt, ap);
        va_end(ap);
    }
    return -(int)code;
}

/* Appends ": text" as far as it fits. */
static void err_append(struct err *err, const char *text)
{
    size_t len = strlen(err->msg);

    snprintf(err->msg + len, sizeof(err->msg) - len, ": %s", text);
}

int err_errno(struct err *err, int errnum, const char *fmt, ...)
{
    enum err_code code = err_from_errno(errnum);
    char text[128];
    va_list ap;

    if (err) {
        va_start(ap, fmt);
        err_vfill(err, code, fmt, ap);
        va_end(ap);
        err_append(err, strerror_r(errnum, text, sizeof(text)));
    }
    return -(int)code;
}

int err_wrap(struct err *err, int rc, const char *fmt, ...)
{
    struct err inner;
    va_list ap;

    if (!err)
        return rc;
    inner = *err;
    if (inner.code == ERR_OK) {
        inner.code = err_code_of(rc);
        snprintf(inner.msg, sizeof(inner.msg), "%s", err_text(rc));
    }
    va_start(ap, fmt);
    err_vfill(err, inner.code, fmt, ap);
    va_end(ap);
    err_append(err, inner.msg);
    return rc;
}

const char *err_text(int rc)
{
    return err_row(rc)->text;
}

const char *err_name(int rc)
{
    return err_row(rc)->name;
}

int err_http_status(int rc)
{
    return err_row(rc)->http;
}

const char *err_reason(int rc)
{
    return err_row(rc)->reason;
}

int err_grpc_code(int rc)
{
    return err_row(rc)->grpc;
}

int err_exit_code(int rc)
{
    return err_row(rc)->exit;
}

bool err_is_retryable(int rc)
{
    return err_row(rc)->is_retryable;
}

struct err_number {
    int number; /* errno or HTTP status */
    enum err_code code;
};

static enum err_code err_lookup(const struct err_number *rows, size_t count, int number,
                                enum err_code otherwise)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].number == number)
            return rows[i].code;
    }
    return otherwise;
}

enum err_code err_from_errno(int errnum)
{
    static const struct err_number ROWS[] = {
        {0, ERR_OK},
        {ENOENT, ERR_NOTFOUND},
        {ENOTDIR, ERR_NOTFOUND},
        {EEXIST, ERR_EXISTS},
        {EACCES, ERR_FORBIDDEN},
        {EPERM, ERR_FORBIDDEN},
        {EROFS, ERR_FORBIDDEN},
        {EINVAL, ERR_INVALID},
        {ENAMETOOLONG, ERR_INVALID},
        {E2BIG, ERR_TOOBIG},
        {EFBIG, ERR_TOOBIG},
        {EMSGSIZE, ERR_TOOBIG},
        {ETIMEDOUT, ERR_TIMEOUT},
        {ECONNREFUSED, ERR_REFUSED},
        {ECONNRESET, ERR_CLOSED},
        {ECONNABORTED, ERR_CLOSED},
        {EPIPE, ERR_CLOSED},
        {EHOSTUNREACH, ERR_UNAVAILABLE},
        {ENETUNREACH, ERR_UNAVAILABLE},
        {EHOSTDOWN, ERR_UNAVAILABLE},
        {ENETDOWN, ERR_UNAVAILABLE},
        {EADDRNOTAVAIL, ERR_UNAVAILABLE},
        {EMFILE, ERR_UNAVAILABLE},
        {ENFILE, ERR_UNAVAILABLE},
        {ENOMEM, ERR_UNAVAILABLE},
        {ENOBUFS, ERR_UNAVAILABLE},
        {EBUSY, ERR_BUSY},
        {EADDRINUSE, ERR_BUSY},
        {ECANCELED, ERR_CANCELLED},
    };

    return err_lookup(ROWS, ARRAY_LEN(ROWS), errnum, ERR_IO);
}

static enum err_code err_from_http(int status)
{
    /* Where several codes share a status, the one a client expects from an API server. */
    static const struct err_number ROWS[] = {
        {400, ERR_BADREQUEST},  {401, ERR_UNAUTH},    {403, ERR_FORBIDDEN}, {404, ERR_NOTFOUND},
        {405, ERR_METHOD},      {406, ERR_MEDIATYPE}, {408, ERR_TIMEOUT},   {409, ERR_CONFLICT},
        {410, ERR_GONE},        {413, ERR_TOOBIG},    {415, ERR_MEDIATYPE}, {422, ERR_INVALID},
        {429, ERR_THROTTLED},   {499, ERR_CANCELLED}, {500, ERR_INTERNAL},  {502, ERR_UNAVAILABLE},
        {503, ERR_UNAVAILABLE}, {504, ERR_TIMEOUT},
    };

    if (status >= 200 && status < 300)
        return ERR_OK;
    if (status >= 400 && status < 500)
        return err_lookup(ROWS, ARRAY_LEN(ROWS), status, ERR_BADREQUEST);
    if (status >= 500 && status < 600)
        return err_lookup(ROWS, ARRAY_LEN(ROWS), status, ERR_INTERNAL);
    return ERR_PROTO;
}

static bool err_reason_is(const char *reason, const char *known)
{
    return strcmp(reason, known) == 0;
}

enum err_code err_from_status(int http_status, const char *reason)
{
    if (!reason || !*reason)
        return err_from_http(http_status);
    /* Reasons of metav1 that are not the canonical one of any row. */
    if (err_reason_is(reason, "Gone"))
        return ERR_GONE;
    if (err_reason_is(reason, "ServerTimeout"))
        return ERR_TIMEOUT;
    if (err_reason_is(reason, "NotAcceptable"))
        return ERR_MEDIATYPE;
    /* Many causes share this one; a client can only try again. */
    if (err_reason_is(reason, "BadGateway"))
        return ERR_UNAVAILABLE;
    for (int code = ERR_OK + 1; code < ERR_CODE_COUNT; code++) {
        if (err_reason_is(reason, ERR_ROWS[code].reason))
            return (enum err_code)code;
    }
    return err_from_http(http_status);
}
