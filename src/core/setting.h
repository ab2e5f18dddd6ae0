/*
 * Checks of option values that more than one component takes, for `check` of a row (base/option.h).
 *
 * Each refuses with -ERR_USAGE and a message that quotes the value and says what it must be.
 */
#ifndef CORE_SETTING_H
#define CORE_SETTING_H

#include "base/err.h"
#include "base/str.h"

/* Accepts an address to listen on, as addr_parse reads it. */
int setting_check_listen(struct str value, struct err *err) MUST_USE;

/* Accepts an address range, as addr_range_parse reads it. */
int setting_check_range(struct str value, struct err *err) MUST_USE;

/* Accepts an absolute http or https URL without a query, and the empty value: not given. */
int setting_check_url(struct str value, struct err *err) MUST_USE;

#endif
