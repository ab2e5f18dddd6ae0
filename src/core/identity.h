/*
 * Who is asking: tokens to identities, by TokenReview, with a cache that forgets in time.
 *
 *   token ──HMAC──> cache ──miss──> one open review per token ──> Pod still there? ──> identity
 *
 * The unverified `aud` of a token only chooses the one question asked; whether the token is good is the
 * API server's answer.  Identities are immutable, reference-counted and shared between threads, but for one
 * flag that ends them early (Pod gone, ServiceAccount deleted, evicted): a user checks identity_is_current
 * before each use.  Answers are kept until the token expires, 60 s at most; a refusal 1 s; errors never.
 */
#ifndef CORE_IDENTITY_H
#define CORE_IDENTITY_H

#include <stdatomic.h>

#include "base/secret.h"
#include "core/review.h"

#define IDENTITY_MAC_BYTES 32
#define IDENTITY_PRINT_BYTES 16
#define IDENTITY_TOKEN_MAX_BYTES (16 * 1024)

struct identity {
    struct str user;
    struct str uid;                       /* of the account; empty for users that have none */
    struct str pod_ns, pod_name, pod_uid; /* empty: not bound to a Pod */
    struct str credential_id;             /* empty: none reported */
    bool own_audience;                    /* the token was issued for us, not for the API server */
    uint8_t print[IDENTITY_PRINT_BYTES];  /* equal for equal `spec` */
    uint32_t user_hash;                   /* of the user, keyed: for tables by subject */
    json_t *spec;                         /* what a SubjectAccessReview says of the subject */
    const struct secret *token;
    int64_t until_us; /* monotonic */
    atomic_bool ended;
};

struct identity *identity_ref(struct identity *id);
void identity_unref(struct identity *id); /* NULL is allowed */

/* Whether the identity may still be used.  Thread-safe. */
static inline bool identity_is_current(const struct identity *id, int64_t now_us)
{
    return now_us < id->until_us && !atomic_load_explicit(&id->ended, memory_order_acquire);
}

struct identity_rules {
    struct str audience;            /* ours; borrowed */
    bool accept_apiserver_audience; /* also tokens that were issued for the API server */
    int64_t keep_us;                /* longest life of an answer */
    size_t max_entries;
    /* Whether this Pod is known to exist and not to have ended; on false it is asked for. */
    bool (*is_pod_live)(void *cookie, struct str ns, struct str name, struct str uid);
    void *cookie;
};

struct identity_service;

/* `lane` is borrowed; `rules` is copied. */
struct identity_service *identity_service_new(struct loop *l, struct review_lane *lane,
                                              const struct identity_rules *rules);

/* Open questions end with -ERR_CANCELLED.  NULL is allowed. */
void identity_service_free(struct identity_service *s);

/* Computes the key of a token under a key that only this process knows.  Thread-safe. */
void identity_mac(const struct identity_service *s, struct str token,
                  uint8_t ret_mac[IDENTITY_MAC_BYTES]);

/*
 * rc 0: `id` (borrowed); -ERR_UNAUTH: the token is not good, `err` says why; -ERR_UNAVAILABLE: it could not be
 * found out.
 */
typedef void identity_done_fn(void *cookie, int rc, struct identity *id, const struct err *err);

/*
 * Finds out whose token this is.
 *
 * Takes a reference to `token`.  fn is called once, at once when the answer is known.
 * Context: loop.
 */
void identity_ask(struct identity_service *s, const uint8_t mac[IDENTITY_MAC_BYTES],
                  struct secret *token, identity_done_fn *fn, void *cookie);

/*
 * Ends everything that rests on the object with this uid (a Pod that ended, a ServiceAccount that was deleted)
 * and refuses it from now on, whatever the API server still says.  Context: loop.
 */
void identity_refuse(struct identity_service *s, struct str uid);

/* Identities held now. */
size_t identity_count(const struct identity_service *s);

DEFINE_CLEANUP(identity_unrefp, struct identity *, identity_unref)

#endif
