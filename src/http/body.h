/*
 * Message bodies on the wire, in both directions: the framing of RFC 9112, 6 and 7, without I/O of its own.
 */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include "codec/h1.h"
#include "http/message.h"
#include "http/wire.h"

/* Takes a body apart. */
struct body_reader {
    enum h1_body framing;
    bool is_done;
    uint64_t left; /* H1_BODY_LENGTH */
    struct h1_chunked chunked;
};

/* Starts with what the head says. */
void body_reader_init(struct body_reader *b, const struct h1_head *head);

/*
 * Takes body bytes from the start of `in`.
 * Returns the bytes consumed (0: more is needed) or -ERR_BADREQUEST / -ERR_TOOBIG with a static reason;
 * *ret_bytes is a slice of `in`, possibly empty.
 */
ssize_t body_read(struct body_reader *b, struct str in, struct str *ret_bytes,
                  const char **ret_reason) MUST_USE;

/* The end of input: whether it is also the proper end of the body. */
bool body_read_eof(struct body_reader *b);

/* The body's length as messages state it. */
int64_t body_reader_length(const struct body_reader *b);

enum body_framing {
    BODY_ABSENT, /* nothing may follow the head: what is written is dropped */
    BODY_LENGTH,
    BODY_CHUNKED,
    BODY_UNTIL_CLOSE,
};

/* Frames a body. */
struct body_writer {
    enum body_framing framing;
    uint64_t left; /* BODY_LENGTH */
    bool is_ended;
};

/*
 * Sends or queues body bytes; a small piece that does not complete the body is only queued, so that
 * several share a system call: flush within the iteration.  Bytes beyond a declared length are dropped.
 * Returns false when such bytes were given.
 */
bool body_write(struct body_writer *b, struct wire *w, struct str bytes) MUST_USE;

/* Ends the body and sends what waits.  Returns false when a declared length was not reached. */
bool body_write_end(struct body_writer *b, struct wire *w) MUST_USE;

#endif
