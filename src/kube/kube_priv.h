/*
 * What the files of kube/ share about clients and calls.
 *
 * A call is one HTTP exchange: `call.c` drives it, and a kind (one answer, or a stream of lines) says what
 * becomes of the bytes.  All of it lives on the client's loop.
 */
#ifndef KUBE_PRIV_H
#define KUBE_PRIV_H

#include <time.h>

#include "http/client.h"
#include "kube/client.h"

#define KUBE_ANSWER_MAX_BYTES (64 * 1024 * 1024) /* one answer */
#define KUBE_LINE_MAX_BYTES (8 * 1024 * 1024)    /* one line of a stream */
#define KUBE_FAILURE_MAX_BYTES (64 * 1024) /* body of an answer that is no success; cut there */
#define KUBE_CALL_TIMEOUT_US (30 * TIME_US_PER_S)

/* The Authorization header of a client, which may come from a file that changes. */
struct kube_token {
    struct str path;       /* empty: constant */
    struct secret *header; /* "Bearer …"; NULL: none */
    struct timespec mtime; /* of the file when it was read, and which file it was: */
    uint64_t inode;
    int64_t checked_us;
    bool is_checked;
};

/* Borrows `config` as long as the token is used.  Errors: INVALID when the token cannot stand in a header. */
int kube_token_init(struct kube_token *t, const struct kube_config *config,
                    struct err *err) MUST_USE;

/* Wipes the header. */
void kube_token_fini(struct kube_token *t);

/*
 * The header to send now, borrowed until the next call; NULL when there is no token.  Looks at the file at
 * most every 10 s and keeps the old token while the file cannot be read.
 */
int kube_token_get(struct kube_token *t, int64_t now_us, const struct secret **ret_header,
                   struct err *err) MUST_USE;

/* Makes the next kube_token_get look at the file (after a 401). */
void kube_token_recheck(struct kube_token *t);

struct kube_client {
    struct loop *loop;
    const struct kube_config *config;
    char *user_agent;
    struct dns *dns;
    struct http_client *http;
    struct tls_client *tls; /* NULL: plain http */
    struct http_endpoint endpoint;
    char *authority;
    struct str prefix; /* path of the server URL, without a final '/' */
    struct kube_token token;
    struct list calls;
};

#define KUBE_CALL_MAGIC 0x6b63616cu

struct kube_call_kind {
    void (*on_open)(struct kube_call *call); /* head of a 2xx answer; may be NULL */
    void (*on_body)(struct kube_call *call, struct str bytes); /* of a 2xx answer */
    void (*on_end)(struct kube_call *call);                    /* of a 2xx answer: must finish */
    void (*on_done)(struct kube_call *call, int rc, json_t *answer, const struct err *err);
};

struct kube_call {
    uint32_t magic;
    struct kube_client *client;
    const struct kube_call_kind *kind;
    struct list link;
    struct http_call *http;
    struct loop_timer deadline;
    int64_t timeout_us;
    struct loop_task refusal; /* of a call that could not be started */
    struct err refused;
    char *what;       /* "GET /path", for messages */
    int status;       /* of the answer; 0 before its head */
    struct buf body;  /* answer, failure, or unfinished line */
    bool *gone;       /* set when the call is freed inside one of its own callbacks */
    bool tell_cancel; /* on_done also when the client is freed: somebody waits for it */
    kube_done_fn *fn;
    struct kube_stream_ops stream;
    void *cookie;
};

/* Starts an exchange; `call` is the kind's, zeroed but for its own fields.  Borrows `r` during the call. */
void kube_call_open(struct kube_client *c, struct kube_call *call, const struct kube_request *r);

/* Ends a call: on_done, then it is freed.  `err` says why when rc < 0; `answer` is borrowed. */
void kube_call_finish(struct kube_call *call, int rc, json_t *answer, const struct err *err);

/* Ends a call with a failure: -code. */
void kube_call_fail(struct kube_call *call, const struct err *err);

/* As kube_call_start for somebody who waits: fn is told (CANCELLED) even when the client is freed. */
void kube_call_start_waited(struct kube_client *c, const struct kube_request *r, kube_done_fn *fn,
                            void *cookie);

/* Turns an answer that is no success into `err`; returns its -code. */
int kube_status_decode(int http_status, struct str body, struct err *err) MUST_USE;

/* As kube_status_decode for a metav1.Status object (also of a watch event). */
int kube_status_from_object(int http_status, const json_t *status, struct err *err) MUST_USE;

#endif
