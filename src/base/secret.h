/*
 * Bytes that must not leave: credentials, tokens, private keys.
 *
 * A secret lives in its own locked pages outside core dumps (mlock, MADV_DONTDUMP), is wiped on free,
 * and is compared in constant time.  There is no conversion to `struct str`, no log or error function
 * takes one; secret_expose is called only where the bytes are sealed, hashed, or written to the tool
 * (tools/check-style knows the list of places).  Immutable and reference-counted (atomic): one value is
 * shared by all threads.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/mem.h"
#include "base/str.h"

#define SECRET_MAX_BYTES (1024 * 1024)

struct secret;

/* Returns a secret holding a copy of `bytes` (at most SECRET_MAX_BYTES: the caller checks). */
struct secret *secret_new(struct str bytes);

/* As secret_new, and overwrites the source. */
struct secret *secret_take(void *bytes, size_t n);

/* Returns a secret that is the concatenation of `count` parts. */
struct secret *secret_join(const struct str *parts, size_t count);

/* Takes another reference. */
struct secret *secret_ref(struct secret *s);

/* Drops a reference; the last one wipes the bytes.  NULL is allowed. */
void secret_unref(struct secret *s);

/* Number of bytes. */
size_t secret_len(const struct secret *s);

/* Whether the secret holds exactly these bytes, in constant time for equal lengths. */
bool secret_eq(const struct secret *s, struct str bytes);

/* The bytes, borrowed while the reference is held.  Never copy them into anything that is not a secret. */
struct str secret_expose(const struct secret *s);

/*
 * Hardens the process: not dumpable, no core files (RLIMIT_CORE 0), no new privileges.  Called first thing
 * by every component.
 */
void secret_harden_process(void);

/* The part of secret_harden_process that a command started by this process does not inherit for good: not
 * dumpable, no core files. */
void secret_harden_memory(void);

DEFINE_CLEANUP(secret_unrefp, struct secret *, secret_unref)

#endif
