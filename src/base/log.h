/*
 * The log: one JSON line per event on stderr, plain text when stderr is a terminal.
 *
 * Messages are in Kubernetes style (capital letter, no final period) and constant; what varies goes into
 * key-value pairs.  A line is written with one write(2).  Libraries do not log; the top of an operation
 * does, once.  There is no pair constructor for secrets.  Trace output is per module and can be switched
 * at run time.
 *
 *     log_info("Started listener", LOG_S("address", addr), LOG_I("port", port));
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"
#include "base/str.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };

/* "error" to "trace" by enum log_level, then NULL: also the choices of an option. */
extern const char *const LOG_LEVEL_NAMES[];

struct log_kv {
    const char *key;
    enum { LOG_KV_END, LOG_KV_STR, LOG_KV_INT, LOG_KV_BOOL } kind;
    struct str s;
    int64_t i;
};

#define LOG_S(k, v) ((struct log_kv){.key = (k), .kind = LOG_KV_STR, .s = (v)})
#define LOG_C(k, v) ((struct log_kv){.key = (k), .kind = LOG_KV_STR, .s = str_c(v)})
#define LOG_I(k, v) ((struct log_kv){.key = (k), .kind = LOG_KV_INT, .i = (int64_t)(v)})
#define LOG_B(k, v) ((struct log_kv){.key = (k), .kind = LOG_KV_BOOL, .i = (v)})
#define LOG_ERR(e) LOG_C("error", (e)->msg)

/* Names the component of this process (in every line) and the most verbose level that is written. */
void log_init(const char *component, enum log_level level);

/* Changes the level at run time; safe from any thread. */
void log_set_level(enum log_level level);

/* Reads "error", "warn", "info", "debug" or "trace".  Returns 0 or -ERR_INVALID. */
int log_level_parse(struct str s, enum log_level *ret_level) MUST_USE;

/* Whether a line of this level would be written. */
bool log_is_enabled(enum log_level level);

/* Writes one line; `kv` ends with a LOG_KV_END element.  Use the macros below. */
void log_write(enum log_level level, const char *msg, const struct log_kv *kv);

#define LOG_AT(level, msg, ...)                                                                    \
    do {                                                                                           \
        if (log_is_enabled(level))                                                                 \
            log_write((level), (msg), (const struct log_kv[]){__VA_ARGS__ __VA_OPT__(, ){0}});     \
    } while (0)

#define log_error(msg, ...) LOG_AT(LOG_ERROR, msg, __VA_ARGS__)
#define log_warn(msg, ...) LOG_AT(LOG_WARN, msg, __VA_ARGS__)
#define log_info(msg, ...) LOG_AT(LOG_INFO, msg, __VA_ARGS__)
#define log_debug(msg, ...) LOG_AT(LOG_DEBUG, msg, __VA_ARGS__)
#define log_trace(msg, ...) LOG_AT(LOG_TRACE, msg, __VA_ARGS__)

#endif
