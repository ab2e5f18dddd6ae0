/*
 * Output of objects and server-side tables (meta.k8s.io/v1 Table) as kubectl prints them.
 */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include <stdio.h>

#include "cli/session.h"

/* Prints a Table: columns padded to their widest cell plus three; `wide` adds those of lower priority;
 * `with_ns` puts the namespace in front; control bytes in cells are replaced. */
void print_table(FILE *to, const json_t *table, bool wide, bool with_ns);

/* Prints an object or list as YAML, JSON or names ("connector.connectors.alauda.io/demo"). */
void print_object(FILE *to, const json_t *object, enum session_output form);

/* "kind.group/name", lower case, into the arena. */
struct str print_name(struct arena *a, const json_t *object);

#endif
