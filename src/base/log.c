/*
 * Lines of the log, made in a buffer of bounded size and written at once.
 *
 * JSON:  {"ts":"2026-01-02T03:04:05.000006Z","level":"info","component":"proxy","msg":"Started", …}
 * Text:  2026-01-02T03:04:05.000006Z info proxy: Started key=value key="quoted value"
 *
 * A line that would grow past the limit loses its last pairs and says so; a log that blocks or grows
 * because of what a peer sent would be worse.
 */
#include "base/log.h"

#include <stdatomic.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/time.h"

enum { LOG_LINE_BYTES = 16384, LOG_END_BYTES = 32 };

const char *const LOG_LEVEL_NAMES[] = {"error", "warn", "info", "debug", "trace", NULL};

static _Atomic(enum log_level) log_level = LOG_INFO;
static _Atomic(const char *) log_component;
static atomic_bool log_is_text;

void log_init(const char *component, enum log_level level)
{
    atomic_store(&log_component, component);
    atomic_store(&log_is_text, isatty(STDERR_FILENO) == 1);
    log_set_level(level);
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&log_level, level, memory_order_relaxed);
}

int log_level_parse(struct str s, enum log_level *ret_level)
{
    for (size_t i = 0; LOG_LEVEL_NAMES[i]; i++) {
        if (str_eq_c(s, LOG_LEVEL_NAMES[i])) {
            *ret_level = (enum log_level)i;
            return 0;
        }
    }
    return -ERR_INVALID;
}

bool log_is_enabled(enum log_level level)
{
    return level <= atomic_load_explicit(&log_level, memory_order_relaxed);
}

static void log_add_quoted(struct buf *line, struct str s)
{
    buf_add_char(line, '"');
    buf_add_json(line, s);
    buf_add_char(line, '"');
}

/* In text, quotes stand only where the value could be mistaken for something else. */
static bool log_is_word(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == '=')
            return false;
    }
    return s.n > 0;
}

static void log_add_value(struct buf *line, const struct log_kv *kv, bool is_text)
{
    if (kv->kind == LOG_KV_INT)
        buf_addf(line, "%lld", (long long)kv->i);
    else if (kv->kind == LOG_KV_BOOL)
        buf_add_c(line, kv->i ? "true" : "false");
    else if (is_text && log_is_word(kv->s))
        buf_add_str(line, kv->s);
    else
        log_add_quoted(line, kv->s);
}

static void log_add_pair(struct buf *line, const struct log_kv *kv, bool is_text)
{
    if (is_text) {
        buf_addf(line, " %s=", kv->key);
    } else {
        buf_add_char(line, ',');
        log_add_quoted(line, str_c(kv->key));
        buf_add_char(line, ':');
    }
    log_add_value(line, kv, is_text);
}

static void log_add_head(struct buf *line, enum log_level level, const char *msg, bool is_text)
{
    const char *component = atomic_load(&log_component);
    char ts[TIME_RFC3339_BYTES];

    /* The wall clock itself: a log line has no loop. */
    time_format_us(time_wall_us(), ts);
    if (is_text) {
        buf_addf(line, "%s %s %s%s", ts, LOG_LEVEL_NAMES[level], component ? component : "",
                 component ? ": " : "");
        buf_add_c(line, msg);
        return;
    }
    buf_addf(line, "{\"ts\":\"%s\",\"level\":\"%s\"", ts, LOG_LEVEL_NAMES[level]);
    if (component)
        buf_addf(line, ",\"component\":\"%s\"", component);
    buf_add_c(line, ",\"msg\":");
    log_add_quoted(line, str_c(msg));
}

/* Adds pairs as long as they fit; returns whether all did. */
static bool log_add_pairs(struct buf *line, const struct log_kv *kv, bool is_text)
{
    for (; kv->kind != LOG_KV_END; kv++) {
        size_t len = line->len;

        log_add_pair(line, kv, is_text);
        if (buf_error(line) < 0) {
            line->len = len;
            line->overflow = false;
            return false;
        }
    }
    return true;
}

void log_write(enum log_level level, const char *msg, const struct log_kv *kv)
{
    struct buf line CLEANUP(buf_fini) = BUF_INIT(LOG_LINE_BYTES - LOG_END_BYTES);
    bool is_text = atomic_load_explicit(&log_is_text, memory_order_relaxed);
    bool is_whole;
    ssize_t written UNUSED;

    log_add_head(&line, level, msg, is_text);
    is_whole = log_add_pairs(&line, kv, is_text);
    line.max = LOG_LINE_BYTES;
    line.overflow = false;
    if (!is_whole)
        buf_add_c(&line, is_text ? " truncated=true" : ",\"truncated\":true");
    buf_add_c(&line, is_text ? "\n" : "}\n");
    /* There is nowhere to report a failure to. */
    written = write(STDERR_FILENO, line.p, line.len);
}
