/*
 * The syntax of label keys and values, with apimachinery's messages
 * (pkg/util/validation: IsQualifiedName, IsValidLabelValue, IsDNS1123Subdomain).
 */
#include "lang/selector.h"

#define NAME_BYTES 63
#define PREFIX_BYTES 253

#define NAME_REGEX "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
#define NAME_TEXT                                                                                  \
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "    \
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "         \
    "validation is '" NAME_REGEX "')"
#define VALUE_TEXT                                                                                 \
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "    \
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or "             \
    "'my_value',  or '12345', regex used for validation is '(" NAME_REGEX ")?')"
#define SUBDOMAIN_TEXT                                                                             \
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "   \
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "  \
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"

/* Collects reasons, "; " between them. */
struct reasons {
    struct buf *out;
    size_t count;
};

static void add_reason(struct reasons *r, const char *prefix, const char *text)
{
    if (r->out) {
        buf_add_c(r->out, r->count > 0 ? "; " : "");
        buf_add_c(r->out, prefix);
        buf_add_c(r->out, text);
    }
    r->count++;
}

static bool is_lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

static bool is_name(struct str s)
{
    if (s.n == 0 || !is_alnum(s.p[0]) || !is_alnum(s.p[s.n - 1]))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '_' && s.p[i] != '.')
            return false;
    return true;
}

static bool is_dns_label(struct str s)
{
    if (s.n == 0 || !is_lower_alnum(s.p[0]) || !is_lower_alnum(s.p[s.n - 1]))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!is_lower_alnum(s.p[i]) && s.p[i] != '-')
            return false;
    return true;
}

static bool is_subdomain(struct str s)
{
    while (s.p)
        if (!is_dns_label(str_cut(&s, '.')))
            return false;
    return true;
}

static void check_prefix(struct str prefix, struct reasons *r)
{
    if (prefix.n == 0) {
        add_reason(r, "prefix part ", "must be non-empty");
        return;
    }
    if (prefix.n > PREFIX_BYTES)
        add_reason(r, "prefix part ", "must be no more than 253 characters");
    if (!is_subdomain(prefix))
        add_reason(r, "prefix part ", SUBDOMAIN_TEXT);
}

bool selector_key_check(struct str key, struct buf *why)
{
    struct reasons r = {.out = why};
    ptrdiff_t slash = str_index(key, '/');
    struct str name = str_skip(key, (size_t)(slash + 1));

    if (str_index(name, '/') >= 0) {
        add_reason(&r, "a qualified name ",
                   NAME_TEXT " with an optional DNS subdomain prefix and '/' (e.g. "
                             "'example.com/MyName')");
        return false;
    }
    if (slash >= 0)
        check_prefix(str_head(key, (size_t)slash), &r);
    if (name.n == 0)
        add_reason(&r, "name part ", "must be non-empty");
    else if (name.n > NAME_BYTES)
        add_reason(&r, "name part ", "must be no more than 63 characters");
    if (!is_name(name))
        add_reason(&r, "name part ", NAME_TEXT);
    return r.count == 0;
}

bool selector_value_check(struct str value, struct buf *why)
{
    struct reasons r = {.out = why};

    if (value.n > NAME_BYTES)
        add_reason(&r, "", "must be no more than 63 characters");
    if (value.n > 0 && !is_name(value))
        add_reason(&r, "", VALUE_TEXT);
    return r.count == 0;
}
