/*
 * Clocks and their text forms.
 *
 * Two clocks: monotonic (durations, time-outs) and wall (what people and certificates read), both in
 * microseconds as int64_t.  Code below a loop asks the loop (ev/loop.h), so that tests inject time; only
 * the loop and command-line tools call these directly.
 */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include "base/str.h"

#define TIME_US_PER_S INT64_C(1000000)
#define TIME_US_PER_MS INT64_C(1000)

/* Monotonic time. */
int64_t time_mono_us(void);

/* Time since 1970-01-01T00:00:00Z. */
int64_t time_wall_us(void);

#define TIME_RFC3339_BYTES 32

/* Formats as metav1.Time does, e.g. "2026-01-02T03:04:05Z"; returns `dst`. */
const char *time_format_s(int64_t wall_us, char dst[TIME_RFC3339_BYTES]);

/* Formats as metav1.MicroTime does, e.g. "2026-01-02T03:04:05.000006Z"; returns `dst`. */
const char *time_format_us(int64_t wall_us, char dst[TIME_RFC3339_BYTES]);

/* Reads an RFC 3339 timestamp with any offset and up to 9 fraction digits.  Returns 0 or -ERR_INVALID. */
int time_parse(struct str s, int64_t *ret_wall_us) MUST_USE;

#endif
