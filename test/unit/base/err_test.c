/*
 * Error codes, messages and mappings.
 */
#include "unit.h"

#include <errno.h>

#include "base/err.h"

TEST(err_set_fills_and_returns_the_negative_code)
{
    struct err e = {0};

    CHECK_ERR(err_set(&e, ERR_NOTFOUND, "open '%s'", "x"), ERR_NOTFOUND);
    CHECK_INT(e.code, ERR_NOTFOUND);
    CHECK_STR(e.msg, "open 'x'");
    CHECK_ERR(err_set(NULL, ERR_GONE, "nobody listens"), ERR_GONE);
}

TEST(err_set_may_quote_its_own_message)
{
    struct err e = {0};
    int rc = err_set(&e, ERR_IO, "inner");

    CHECK_ERR(rc, ERR_IO);
    CHECK_ERR(err_set(&e, ERR_TIMEOUT, "outer: %s", e.msg), ERR_TIMEOUT);
    CHECK_STR(e.msg, "outer: inner");
}

TEST(err_errno_adds_the_systems_text)
{
    struct err e = {0};

    CHECK_ERR(err_errno(&e, ENOENT, "open '%s'", "x"), ERR_NOTFOUND);
    CHECK_STR(e.msg, "open 'x': No such file or directory");
    CHECK_ERR(err_errno(NULL, EACCES, "x"), ERR_FORBIDDEN);
}

TEST(err_wrap_puts_text_in_front_and_keeps_the_code)
{
    struct err e = {0};
    int rc = err_set(&e, ERR_NOTFOUND, "open 'x'");

    CHECK_ERR(err_wrap(&e, rc, "load %d", 7), ERR_NOTFOUND);
    CHECK_STR(e.msg, "load 7: open 'x'");
    CHECK_INT(e.code, ERR_NOTFOUND);
    CHECK_ERR(err_wrap(NULL, -ERR_IO, "load"), ERR_IO);
}

TEST(err_wrap_names_the_code_when_there_is_no_message)
{
    struct err e = {0};

    CHECK_ERR(err_wrap(&e, -ERR_TOOBIG, "parse"), ERR_TOOBIG);
    CHECK_INT(e.code, ERR_TOOBIG);
    CHECK_STR(e.msg, "parse: too large");
}

TEST(err_messages_are_cut_at_their_size)
{
    char text[2 * ERR_MSG_BYTES];
    struct err e = {0};
    int rc;

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    rc = err_set(&e, ERR_IO, "%s", text);
    CHECK_INT(strlen(e.msg), ERR_MSG_BYTES - 1);
    CHECK_ERR(err_wrap(&e, rc, "%s", text), ERR_IO);
    CHECK_INT(strlen(e.msg), ERR_MSG_BYTES - 1);
    CHECK_ERR(err_errno(&e, ENOENT, "%s", text), ERR_NOTFOUND);
    CHECK_INT(strlen(e.msg), ERR_MSG_BYTES - 1);
}

TEST(err_mappings_accept_both_signs)
{
    CHECK_STR(err_name(ERR_NOTFOUND), "NOTFOUND");
    CHECK_STR(err_name(-ERR_NOTFOUND), "NOTFOUND");
    CHECK_STR(err_text(-ERR_GONE), "gone");
    CHECK_STR(err_reason(-ERR_GONE), "Expired");
    CHECK_INT(err_http_status(-ERR_CONFLICT), 409);
    CHECK_INT(err_grpc_code(-ERR_UNAUTH), 16);
    CHECK_INT(err_exit_code(-ERR_TIMEOUT), 5);
    CHECK_INT(err_exit_code(0), 0);
    CHECK(err_is_retryable(-ERR_UNAVAILABLE));
    CHECK(!err_is_retryable(-ERR_FORBIDDEN));
}

TEST(err_unknown_codes_are_internal)
{
    CHECK_STR(err_name(ERR_CODE_COUNT), "INTERNAL");
    CHECK_STR(err_name(-12345), "INTERNAL");
    CHECK_STR(err_name(INT32_MIN), "INTERNAL");
    CHECK_INT(err_http_status(-12345), 500);
}

TEST(err_every_row_is_complete)
{
    for (int code = ERR_OK + 1; code < ERR_CODE_COUNT; code++) {
        CHECK(err_text(code)[0] != '\0');
        CHECK(err_reason(code)[0] != '\0');
        CHECK(err_http_status(code) >= 400 && err_http_status(code) < 600);
        CHECK(err_grpc_code(code) >= 1 && err_grpc_code(code) <= 16);
        CHECK(err_exit_code(code) >= 1 && err_exit_code(code) <= 5);
    }
}

TEST(err_from_errno_knows_the_common_numbers)
{
    CHECK_INT(err_from_errno(0), ERR_OK);
    CHECK_INT(err_from_errno(ENOENT), ERR_NOTFOUND);
    CHECK_INT(err_from_errno(EACCES), ERR_FORBIDDEN);
    CHECK_INT(err_from_errno(EEXIST), ERR_EXISTS);
    CHECK_INT(err_from_errno(ECONNREFUSED), ERR_REFUSED);
    CHECK_INT(err_from_errno(ECONNRESET), ERR_CLOSED);
    CHECK_INT(err_from_errno(EPIPE), ERR_CLOSED);
    CHECK_INT(err_from_errno(ETIMEDOUT), ERR_TIMEOUT);
    CHECK_INT(err_from_errno(EHOSTUNREACH), ERR_UNAVAILABLE);
    CHECK_INT(err_from_errno(EADDRINUSE), ERR_BUSY);
    CHECK_INT(err_from_errno(EIO), ERR_IO);
    CHECK_INT(err_from_errno(99999), ERR_IO);
}

TEST(err_from_status_prefers_the_reason)
{
    CHECK_INT(err_from_status(409, "AlreadyExists"), ERR_EXISTS);
    CHECK_INT(err_from_status(409, "Conflict"), ERR_CONFLICT);
    CHECK_INT(err_from_status(410, "Expired"), ERR_GONE);
    CHECK_INT(err_from_status(410, "Gone"), ERR_GONE);
    CHECK_INT(err_from_status(500, "ServerTimeout"), ERR_TIMEOUT);
    CHECK_INT(err_from_status(502, "BadGateway"), ERR_UNAVAILABLE);
    CHECK_INT(err_from_status(422, "Invalid"), ERR_INVALID);
    CHECK_INT(err_from_status(429, "TooManyRequests"), ERR_THROTTLED);
}

TEST(err_from_status_falls_back_to_the_number)
{
    static const struct {
        int status;
        enum err_code code;
    } ROWS[] = {
        {200, ERR_OK},          {201, ERR_OK},         {299, ERR_OK},       {100, ERR_PROTO},
        {301, ERR_PROTO},       {400, ERR_BADREQUEST}, {401, ERR_UNAUTH},   {403, ERR_FORBIDDEN},
        {404, ERR_NOTFOUND},    {405, ERR_METHOD},     {409, ERR_CONFLICT}, {410, ERR_GONE},
        {413, ERR_TOOBIG},      {418, ERR_BADREQUEST}, {422, ERR_INVALID},  {429, ERR_THROTTLED},
        {500, ERR_INTERNAL},    {501, ERR_INTERNAL},   {504, ERR_TIMEOUT},  {600, ERR_PROTO},
        {503, ERR_UNAVAILABLE}, {0, ERR_PROTO},        {-1, ERR_PROTO},
    };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        CHECK_INT(err_from_status(ROWS[i].status, NULL), ROWS[i].code);
        CHECK_INT(err_from_status(ROWS[i].status, ""), ROWS[i].code);
        CHECK_INT(err_from_status(ROWS[i].status, "NobodyKnows"), ROWS[i].code);
    }
}
