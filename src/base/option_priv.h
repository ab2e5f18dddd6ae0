/*
 * Inside the options: what option.c (the command line), option_value.c (texts to values) and
 * option_help.c (the help) share.
 */
#ifndef BASE_OPTION_PRIV_H
#define BASE_OPTION_PRIV_H

#include "base/buf.h"
#include "base/option.h"

/* How messages write an option: "--name". */
#define OPTION_NAME_FMT "option '--%s'"

/*
 * Stores the text form `value` in the field of `conf` that `row` describes; a list is appended to.
 * Errors: USAGE, with a message that names the option and what it allows.
 */
int option_value_set(const struct option *row, struct str value, void *conf,
                     struct err *err) MUST_USE;

/* Sets the field to its default, or to zero. */
void option_value_default(const struct option *row, void *conf);

/* Empties the field if it is a list. */
void option_value_clear(const struct option *row, void *conf);

/* Appends the help of `set` to `out`. */
void option_help_format(const struct option_set *set, struct buf *out);

#endif
