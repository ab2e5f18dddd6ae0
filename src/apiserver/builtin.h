/*
 * The rows of the kinds every installation has.
 *
 * A row is a constant in builtin.c (hooks of a kind are named there); its schema comes from the embedded file
 * kinds/<plural>.yaml when there is one.
 */
#ifndef APISERVER_BUILTIN_H
#define APISERVER_BUILTIN_H

#include "apiserver/kind.h"
#include "base/embed.h"

/* kinds/<plural>.yaml: one OpenAPI v3 structural schema each; ends with a row whose path is NULL. */
extern const struct embed_file KIND_FILES[];

/* Adds all built-in rows.  A schema that does not compile ends the process (it is part of the program). */
void builtin_add(struct kinds *ks);

#endif
