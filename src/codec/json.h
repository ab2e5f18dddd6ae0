/*
 * JSON values (jansson's json_t) with the limits, paths and error texts we need.
 *
 * Objects of the API stay generic trees: unknown fields survive, and absent, null and zero stay apart.
 * Path accessors walk member names and never fail: a missing or differently typed step gives NULL or the
 * given default.  Trees that are published to other threads are never changed afterwards; reference
 * counts are atomic.
 */
#ifndef CODEC_JSON_H
#define CODEC_JSON_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define JSON_MAX_DEPTH 100 /* nesting of what a peer sends */

/*
 * Parses one value from the whole of `text`: UTF-8, no duplicate members, no bytes behind it, nesting at
 * most JSON_MAX_DEPTH.  Returns 0 and a new reference, or -ERR_BADREQUEST with line and column.
 */
int json_parse(struct str text, json_t **ret_value, struct err *err) MUST_USE;

/* Appends `v` in compact form; members keep their order. */
void json_format(const json_t *v, struct buf *out);

/* Appends `v` in compact form with sorted members: equal values give equal bytes. */
void json_format_canonical(const json_t *v, struct buf *out);

/* Walks member names up to a NULL; returns a borrowed value or NULL.  JSON null counts as a value. */
json_t *json_at(const json_t *v, ...) __attribute__((sentinel));

/* The string at a member, borrowed; STR_NONE when absent or no string. */
struct str json_str(const json_t *object, const char *member);

/* The value itself as a string; STR_NONE when it is none. */
struct str json_str_of(const json_t *v);

/* As json_at, for a string at the end of a path; STR_NONE when absent or no string. */
struct str json_str_at(const json_t *v, ...) __attribute__((sentinel));

/* The integer at a member, or `dflt` when absent or no integer. */
int64_t json_int(const json_t *object, const char *member, int64_t dflt);

/* The boolean at a member, or `dflt` when absent or no boolean. */
bool json_bool(const json_t *object, const char *member, bool dflt);

/* Sets a string member (copied; must be UTF-8, invalid input is replaced by U+FFFD). */
void json_set_str(json_t *object, const char *member, struct str value);

/* Sets a member to a value whose reference is taken. */
void json_set(json_t *object, const char *member, json_t *value);

/* A new string value from any bytes (invalid UTF-8 replaced). */
json_t *json_from_str(struct str s) MUST_USE;

/* The object at a member; a new empty one is put there when absent or no object.  Borrowed. */
json_t *json_object_at(json_t *object, const char *member);

/* A deep copy that may be changed. */
json_t *json_clone(const json_t *v) MUST_USE;

/* Removes `member`; a no-op when absent. */
void json_del(json_t *object, const char *member);

/* Drops the reference of a `json_t *` variable when it goes out of scope. */
#define JSON_OWNED CLEANUP(json_decrefp)

#endif
