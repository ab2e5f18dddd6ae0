/*
 * HTTP/1.1 message syntax (RFC 9112, RFC 9110), strictly: what could be read in two ways is an error.
 *
 * Refused: bare CR or LF, obs-fold, white space before the colon or inside a name, NUL and control bytes,
 * both Content-Length and Transfer-Encoding, Content-Length lists or repeated fields, transfer codings other
 * than a final single "chunked", missing, repeated or empty Host in 1.1 requests, request targets with
 * bytes outside VCHAR, versions other than 1.0 and 1.1, Transfer-Encoding in 1.0.  The parser is given all
 * bytes so far and answers with the bytes consumed, 0 for "more is needed", or a negative code.
 */
#ifndef CODEC_H1_H
#define CODEC_H1_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

struct h1_header {
    struct str name;
    struct str value; /* without surrounding white space */
};

struct h1_limits {
    size_t head_bytes;   /* whole head; beyond: -ERR_TOOBIG */
    size_t target_bytes; /* request target; beyond: -ERR_TOOBIG, status 414 */
    size_t header_count; /* at most header_cap of the head counts too */
};

enum h1_body {
    H1_BODY_NONE,
    H1_BODY_LENGTH,
    H1_BODY_CHUNKED,
    H1_BODY_UNTIL_CLOSE, /* responses only */
};

/* All strings are slices of the parsed bytes. */
struct h1_head {
    struct str method;         /* requests */
    struct str target;         /* requests, as sent */
    int minor;                 /* 0 or 1 */
    int status;                /* responses */
    struct str reason;         /* responses */
    struct h1_header *headers; /* the caller's array of `header_cap` */
    size_t header_cap;
    size_t header_count;
    /*
     * Bytes that an earlier call saw without finding the end; 0 in a new head.  While the caller keeps it
     * between calls, only a byte that ends a line makes the head be read again, so that a peer that sends
     * byte by byte costs no more than header_count readings.
     */
    size_t seen;
    /* Facts drawn from the headers. */
    enum h1_body body;
    uint64_t content_length; /* H1_BODY_LENGTH */
    bool keep_alive;         /* by version and Connection */
    bool upgrade;            /* Connection: upgrade and an Upgrade field */
    bool expect_continue;
    struct str host; /* requests; STR_NONE in a 1.0 request without Host */
};

/*
 * Parses a request head at the start of `in`.
 *
 * Returns the length of the head, 0 when it is not complete yet, -ERR_BADREQUEST, or -ERR_TOOBIG; on
 * failure *ret_reason is a static text and *ret_status the status to answer (400, 414, 431, 505, 501).
 * An incomplete head that can no longer become valid is refused at its first call or at the end of a line.
 */
ssize_t h1_parse_request(struct str in, const struct h1_limits *limits, struct h1_head *head,
                         int *ret_status, const char **ret_reason) MUST_USE;

/* As h1_parse_request, for a response to a request with `method` (HEAD and CONNECT have no body). */
ssize_t h1_parse_response(struct str in, const struct h1_limits *limits, struct str method,
                          struct h1_head *head, const char **ret_reason) MUST_USE;

/* First header of that name (ASCII case ignored), or STR_NONE (p == NULL). */
struct str h1_header_get(const struct h1_head *head, struct str name);

/* Whether comma-separated list field `value` has `token` (ASCII case ignored). */
bool h1_has_token(struct str value, struct str token);

/* Whether `s` is a token (RFC 9110, 5.6.2). */
bool h1_is_token(struct str s);

/* Whether `s` may be a field value: no CR, LF, NUL or other control bytes but HTAB. */
bool h1_is_field_value(struct str s);

/* Decoder of a chunked body; zero value is the start state. */
struct h1_chunked {
    uint8_t state;
    uint8_t digits;
    uint64_t left;        /* of the current chunk */
    size_t trailer_bytes; /* seen so far */
    size_t line_bytes;    /* of the current chunk line */
};

#define H1_CHUNK_LINE_BYTES 256 /* size and extensions */
#define H1_TRAILER_BYTES (16 * 1024)

/*
 * Decodes from the start of `in`.
 *
 * Returns the number of bytes consumed (0: more is needed), or -ERR_BADREQUEST / -ERR_TOOBIG and a static
 * reason.  *ret_data is a slice of `in` with body bytes (possibly empty); h1_chunked_is_done tells the end.
 * Trailer fields are checked for syntax, counted and dropped.
 */
ssize_t h1_chunked_decode(struct h1_chunked *c, struct str in, struct str *ret_data,
                          const char **ret_reason) MUST_USE;

bool h1_chunked_is_done(const struct h1_chunked *c);

/* Appends "<hex>\r\n" for a chunk of `n` (>0) bytes; data and "\r\n" follow. */
void h1_chunk_head(struct buf *out, size_t n);

#define H1_LAST_CHUNK STR("0\r\n\r\n")

/* The standard reason phrase of a status, or "". */
const char *h1_reason_phrase(int status);

#endif
