/*
 * Lists: options, selectors, pages, and exact revisions of the past.
 *
 * The present is read from the cache; a revision that history still covers is made by undoing the events
 * since then.  A continue token names the revision of the first page and the key to go on from, so that all pages
 * together are one consistent list; when history no longer reaches back, the answer is 410 with a token that goes on
 * from the present instead.
 */
#ifndef APISERVER_LIST_H
#define APISERVER_LIST_H

#include "apiserver/kind.h"
#include "lang/selector.h"

struct cache;

enum list_match { LIST_MATCH_UNSET, LIST_MATCH_NOT_OLDER_THAN, LIST_MATCH_EXACT };

/* The query of a list or watch (metav1.ListOptions). */
struct list_options {
    struct selector *labels; /* NULL: everything */
    struct selector *fields; /* NULL: everything */
    uint64_t limit;          /* 0: none */
    struct str token;        /* continue */
    bool has_rv;
    uint64_t rv;
    enum list_match match;
    bool watch;
    bool bookmarks;
    bool initial_events;     /* sendInitialEvents=true */
    bool has_initial_events; /* sendInitialEvents given */
    uint64_t timeout_s;      /* 0: the server chooses */
};

/* Reads the query of a request on `k`.  Strings live in `a`, the selectors until list_options_fini.  Errors: BADREQUEST,
 * INVALID with a Status. */
int list_options_parse(struct arena *a, const struct kind *k, struct str query,
                       struct list_options *ret_options, json_t **ret_status) MUST_USE;

void list_options_fini(struct list_options *o);

/* The prefix of all keys that can match: of the kind, the namespace (`ns` not empty), or the one name that the field
 * selector asks for. */
struct str list_prefix(struct arena *a, const struct kind *k, struct str ns,
                       const struct list_options *o);

/* Whether an object passes both selectors. */
bool list_matches(const struct list_options *o, const struct kind *k, const json_t *object);

struct list_page {
    json_t *items; /* array of frozen objects */
    json_t *meta;  /* ListMeta: resourceVersion, continue, remainingItemCount */
};

/*
 * Reads one page of a collection (`ns` empty: all namespaces).
 * Errors: GONE, TIMEOUT (a revision that does not exist yet), BADREQUEST, with a Status.
 */
int list_read(const struct cache *c, const struct kind *k, struct str ns,
              const struct list_options *o, struct list_page *ret_page,
              json_t **ret_status) MUST_USE;

/* `Too large resource version: N, current: M`, as a Timeout that clients retry. */
int list_too_large(json_t **ret_status, uint64_t rv, uint64_t current);

#endif
