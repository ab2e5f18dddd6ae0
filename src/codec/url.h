/*
 * URLs of http and https (RFC 3986), strictly, and percent-encoding.
 *
 * A parsed URL holds slices of its source and never allocates.  Hosts compare after normalization:
 * ASCII letters folded, one trailing dot is refused, IPv6 in canonical text, no userinfo unless the
 * caller asks for it.
 */
#ifndef CODEC_URL_H
#define CODEC_URL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define URL_MAX_HOST_BYTES 253

struct url {
    struct str scheme;   /* "http" or "https", lower case (static) */
    struct str userinfo; /* p == NULL when absent */
    struct str host;     /* as written, IPv6 without brackets */
    bool host_is_ip6;
    uint16_t port; /* given, or the scheme's */
    bool has_port;
    struct str path;  /* from the first '/', may be empty */
    struct str query; /* without '?'; p == NULL when absent */
};

/* Parses an absolute http or https URL; userinfo and fragment are refused.  Errors: INVALID with a reason. */
int url_parse(struct str s, struct url *ret_url, struct err *err) MUST_USE;

/* As url_parse, with userinfo allowed. */
int url_parse_userinfo(struct str s, struct url *ret_url, struct err *err) MUST_USE;

/*
 * Splits "host[:port]" (an authority without userinfo); `dflt_port` when none is given.
 * Refuses empty hosts, bytes that no host has, ports outside 1..65535.  Errors: INVALID.
 */
int url_parse_authority(struct str s, uint16_t dflt_port, struct str *ret_host, bool *ret_ip6,
                        uint16_t *ret_port) MUST_USE;

/*
 * Writes the form under which hosts are compared into `dst` (URL_MAX_HOST_BYTES + 1): lower case, IP
 * literals in canonical text.  Refuses a trailing dot, empty labels, labels over 63 bytes, and numeric
 * forms that a resolver would read as an IPv4 address without being one in dotted-quad text ("127.1",
 * "0x7f000001").  Returns 0 or -ERR_INVALID.
 */
int url_normalize_host(struct str host, char *dst, struct str *ret_host) MUST_USE;

/* Decodes %XX in `s` into the arena; '+' stays.  Errors: INVALID on a bad escape or a NUL. */
int url_decode(struct arena *a, struct str s, struct str *ret_s) MUST_USE;

/* Appends `s` with everything but unreserved characters (and those in `keep`) as %XX. */
void url_encode(struct buf *out, struct str s, const char *keep);

/*
 * Takes the next "name=value" from a query, both decoded ('+' is a space) into the arena; advances *query.
 * Returns 1 for a pair, 0 at the end, -ERR_INVALID on a bad escape.
 */
int url_query_next(struct arena *a, struct str *query, struct str *ret_name,
                   struct str *ret_value) MUST_USE;

/* The decoded value of the first `name` in a query; STR_NONE when absent or malformed. */
struct str url_query_get(struct arena *a, struct str query, struct str name);

#endif
