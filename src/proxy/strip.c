/*
 * The tables, and an index by the length of the name, so that most headers cost one look.
 */
#include "proxy/strip.h"

/* Credentials in their usual places, method overrides, and what the proxy sets itself. */
static const struct str REQUEST_NAMES[] = {
    STR_INIT("Authorization"),
    STR_INIT("Proxy-Authorization"),
    STR_INIT("Cookie"),
    STR_INIT("Cookie2"),
    STR_INIT("Private-Token"),
    STR_INIT("Job-Token"),
    STR_INIT("Deploy-Token"),
    STR_INIT("X-Api-Key"),
    STR_INIT("Api-Key"),
    STR_INIT("X-Auth-Token"),
    STR_INIT("X-Access-Token"),
    STR_INIT("X-JFrog-Art-Api"),
    STR_INIT("X-NuGet-ApiKey"),
    STR_INIT("X-Vault-Token"),
    STR_INIT("X-HTTP-Method"),
    STR_INIT("X-HTTP-Method-Override"),
    STR_INIT("X-Method-Override"),
    STR_INIT("Host"),
    STR_INIT("Expect"),
    STR_INIT("Proxy-Connection"),
};

static const struct str REQUEST_PREFIXES[] = {
    STR_INIT("X-Plugin-"),
    STR_INIT("Impersonate-"),
};

static const struct str RESPONSE_NAMES[] = {
    STR_INIT("Set-Cookie"),
    STR_INIT("Set-Cookie2"),
    STR_INIT("Authentication-Info"),
    STR_INIT("Proxy-Authenticate"),
    STR_INIT("Proxy-Authentication-Info"),
};

static uint64_t request_lengths, response_lengths; /* bit n: a name of n bytes is in the table */

CONSTRUCTOR static void index_lengths(void)
{
    for (size_t i = 0; i < ARRAY_LEN(REQUEST_NAMES); i++)
        request_lengths |= UINT64_C(1) << REQUEST_NAMES[i].n;
    for (size_t i = 0; i < ARRAY_LEN(RESPONSE_NAMES); i++)
        response_lengths |= UINT64_C(1) << RESPONSE_NAMES[i].n;
}

/* Tools' frameworks read '_' in a header name as '-' (CGI): both spellings are one name here. */
static bool same_name(struct str name, struct str row)
{
    if (name.n != row.n)
        return false;
    for (size_t i = 0; i < row.n; i++) {
        char c = name.p[i] == '_' ? '-' : str_lower_char(name.p[i]);

        if (c != str_lower_char(row.p[i]))
            return false;
    }
    return true;
}

static bool in_table(const struct str *rows, size_t count, uint64_t lengths, struct str name)
{
    if (name.n >= 64 || !(lengths >> name.n & 1))
        return false;
    for (size_t i = 0; i < count; i++)
        if (same_name(name, rows[i]))
            return true;
    return false;
}

bool strip_is_request_header(struct str name)
{
    if (in_table(REQUEST_NAMES, ARRAY_LEN(REQUEST_NAMES), request_lengths, name))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(REQUEST_PREFIXES); i++)
        if (name.n >= REQUEST_PREFIXES[i].n &&
            same_name(str_head(name, REQUEST_PREFIXES[i].n), REQUEST_PREFIXES[i]))
            return true;
    return false;
}

bool strip_is_response_header(struct str name)
{
    return in_table(RESPONSE_NAMES, ARRAY_LEN(RESPONSE_NAMES), response_lengths, name);
}

void strip_request(struct http_headers *h)
{
    size_t kept = 0;

    for (size_t i = 0; i < h->n; i++)
        if (!strip_is_request_header(h->p[i].name))
            h->p[kept++] = h->p[i];
    h->n = kept;
}
