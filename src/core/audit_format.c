/*
 * A record as JSON members, and what is taken out of a path before anybody may read it.
 *
 * Token-shaped is: a known prefix of a tool's tokens with ten or more bytes behind it, or a run of 32 or more
 * letters and digits that is neither a hexadecimal hash nor of one kind of character.
 */
#include "core/audit.h"

#include "base/time.h"

#define LONG_RUN 32
#define PREFIXED_RUN 10
#define REDACTED STR("[redacted]")

static const struct str TOKEN_PREFIXES[] = {
    STR_INIT("eyJ"),         STR_INIT("ghp_"), STR_INIT("gho_"),      STR_INIT("ghu_"),
    STR_INIT("ghs_"),        STR_INIT("ghr_"), STR_INIT("glpat-"),    STR_INIT("gldt-"),
    STR_INIT("github_pat_"), STR_INIT("npm_"), STR_INIT("pypi-"),     STR_INIT("xoxb-"),
    STR_INIT("xoxp-"),       STR_INIT("hvs."), STR_INIT("dckr_pat_"), STR_INIT("sqp_"),
};

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* What runs of tokens consist of (base64, base64url, JWT). */
static bool is_token_char(char c)
{
    return is_alnum(c) || c == '-' || c == '_' || c == '.' || c == '~' || c == '+' || c == '=';
}

static bool is_mixed(struct str run)
{
    bool lower = false, upper = false, digit = false, beyond_hex = false;

    for (size_t i = 0; i < run.n; i++) {
        char c = run.p[i];

        lower |= c >= 'a' && c <= 'z';
        upper |= c >= 'A' && c <= 'Z';
        digit |= c >= '0' && c <= '9';
        beyond_hex |= (c > 'f' && c <= 'z') || (c > 'F' && c <= 'Z');
    }
    return digit && beyond_hex && (lower || upper);
}

/* The longest stretch of letters and digits without a separator. */
static size_t longest_word(struct str run)
{
    size_t longest = 0, n = 0;

    for (size_t i = 0; i < run.n; i++) {
        n = is_alnum(run.p[i]) || run.p[i] == '_' || run.p[i] == '+' ? n + 1 : 0;
        longest = MAX(longest, n);
    }
    return longest;
}

static bool is_token(struct str run)
{
    for (size_t i = 0; i < ARRAY_LEN(TOKEN_PREFIXES); i++)
        if (str_starts(run, TOKEN_PREFIXES[i]) && run.n >= TOKEN_PREFIXES[i].n + PREFIXED_RUN)
            return true;
    return longest_word(run) >= LONG_RUN && is_mixed(run);
}

/* Appends `s` with token-shaped runs replaced. */
static void add_without_tokens(struct buf *out, struct str s)
{
    while (s.n) {
        size_t n = 0;

        while (n < s.n && is_token_char(s.p[n]))
            n++;
        if (n == 0) {
            buf_add_char(out, s.p[0]);
            s = str_skip(s, 1);
            continue;
        }
        buf_add_str(out, is_token(str_head(s, n)) ? REDACTED : str_head(s, n));
        s = str_skip(s, n);
    }
}

/* Appends a query with each value replaced; a part without '=' may be a value itself. */
static void add_query(struct buf *out, struct str query)
{
    while (query.p) {
        struct str pair = str_cut(&query, '&');
        ptrdiff_t eq = str_index(pair, '=');

        if (eq >= 0) {
            add_without_tokens(out, str_head(pair, (size_t)eq + 1));
            buf_add_str(out, REDACTED);
        } else if (pair.n) {
            buf_add_str(out, REDACTED);
        }
        if (query.p)
            buf_add_char(out, '&');
    }
}

void audit_redact_path(struct str path, struct buf *out)
{
    struct buf text = BUF_INIT(SIZE_MAX / 4);
    ptrdiff_t mark = str_index(path, '?');

    if (mark < 0) {
        add_without_tokens(&text, path);
    } else {
        add_without_tokens(&text, str_head(path, (size_t)mark + 1));
        add_query(&text, str_skip(path, (size_t)mark + 1));
    }
    buf_add_str(out, str_head(buf_str(&text), AUDIT_PATH_BYTES));
    buf_fini(&text);
}

static void add_member(struct buf *out, const char *name, struct str value)
{
    if (str_is_empty(value))
        return;
    buf_add_c(out, ",\"");
    buf_add_c(out, name);
    buf_add_c(out, "\":\"");
    buf_add_json(out, value);
    buf_add_char(out, '"');
}

static void add_number(struct buf *out, const char *name, uint64_t value)
{
    char digits[24];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    buf_add_c(out, ",\"");
    buf_add_c(out, name);
    buf_add_c(out, "\":");
    buf_add(out, digits + at, sizeof(digits) - at);
}

/* An object {ns,name,uid}; nothing when it has no name. */
static void add_object(struct buf *out, const char *name, struct str ns, struct str object,
                       struct str uid)
{
    if (str_is_empty(object))
        return;
    buf_add_c(out, ",\"");
    buf_add_c(out, name);
    buf_add_c(out, "\":{\"ns\":\"");
    buf_add_json(out, ns);
    buf_add_c(out, "\",\"name\":\"");
    buf_add_json(out, object);
    buf_add_c(out, "\",\"uid\":\"");
    buf_add_json(out, uid);
    buf_add_c(out, "\"}");
}

void audit_format(const struct audit_record *r, struct buf *out)
{
    struct buf path = BUF_INIT(AUDIT_PATH_BYTES);
    char ts[TIME_RFC3339_BYTES];

    buf_add_c(out, "\"ts\":\"");
    buf_add_c(out, time_format_us(r->wall_us, ts));
    buf_add_char(out, '"');
    add_member(out, "id", r->id);
    add_member(out, "trace", r->trace);
    add_member(out, "subject", str_head(r->subject, 512));
    add_object(out, "pod", r->pod_ns, r->pod_name, r->pod_uid);
    add_object(out, "connector", r->connector_ns, r->connector_name, r->connector_uid);
    add_member(out, "credentialID", str_head(r->credential_id, 256));
    add_member(out, "secretRV", r->secret_version);
    add_member(out, "grant", str_head(r->grant, 512));
    add_member(out, "mode", str_c(r->mode));
    add_member(out, "method", str_head(r->method, 32));
    add_member(out, "host", str_head(r->host, 256));
    audit_redact_path(r->path, &path);
    add_member(out, "path", buf_str(&path));
    buf_fini(&path);
    add_number(out, "status", (uint64_t)r->status);
    if (r->reason)
        add_member(out, "reason", str_c(r->reason));
    add_number(out, "bytesIn", r->bytes_in);
    add_number(out, "bytesOut", r->bytes_out);
    add_number(out, "usTotal", (uint64_t)MAX(r->total_us, (int64_t)0));
    add_number(out, "usUpstream", (uint64_t)MAX(r->upstream_us, (int64_t)0));
}
