/*
 * The header array of http/message.h: small, ordered, searched linearly.
 */
#include "http/message.h"

#include "codec/h1.h"
#include "http/field.h"

#define HEADERS_START 16

static void headers_reserve(struct http_headers *h, size_t cap)
{
    struct http_header *p;

    if (cap <= h->cap)
        return;
    p = arena_alloc(h->arena, cap * sizeof(*p));
    if (h->n)
        memcpy(p, h->p, h->n * sizeof(*p));
    h->p = p;
    h->cap = cap;
}

void http_headers_add(struct http_headers *h, struct str name, struct str value)
{
    if (h->n == h->cap)
        headers_reserve(h, h->cap ? h->cap * 2 : HEADERS_START);
    h->p[h->n++] = (struct http_header){name, value};
}

static inline bool name_is(const struct http_header *h, struct str name)
{
    return h->name.n == name.n && str_eq_nocase(h->name, name);
}

struct str http_headers_get(const struct http_headers *h, struct str name)
{
    for (size_t i = 0; i < h->n; i++)
        if (name_is(&h->p[i], name))
            return h->p[i].value;
    return STR_NONE;
}

size_t http_headers_count(const struct http_headers *h, struct str name)
{
    size_t count = 0;

    for (size_t i = 0; i < h->n; i++)
        count += name_is(&h->p[i], name);
    return count;
}

size_t http_headers_remove(struct http_headers *h, struct str name)
{
    size_t kept = 0, before = h->n;

    for (size_t i = 0; i < before; i++)
        if (!name_is(&h->p[i], name))
            h->p[kept++] = h->p[i];
    h->n = kept;
    return before - kept;
}

void http_headers_set(struct http_headers *h, struct str name, struct str value)
{
    http_headers_remove(h, name);
    http_headers_add(h, name, value);
}

/* Whether a Connection header of `from` names this one. */
static bool is_named_by_connection(const struct http_headers *from, struct str name)
{
    for (size_t i = 0; i < from->n; i++)
        if ((field_kind(from->p[i].name) & FIELD_CONNECTION) &&
            h1_has_token(from->p[i].value, name))
            return true;
    return false;
}

/* Whether a Connection value names anything but the usual. */
static bool names_fields(struct str value)
{
    return !str_eq_nocase(value, STR("keep-alive")) && !str_eq_nocase(value, STR("close"));
}

void http_headers_copy_end_to_end(struct http_headers *to, const struct http_headers *from)
{
    bool has_named = false;

    headers_reserve(to, to->n + from->n + HEADERS_START);
    for (size_t i = 0; i < from->n; i++)
        if (field_kind(from->p[i].name) & FIELD_CONNECTION)
            has_named |= names_fields(from->p[i].value);
    for (size_t i = 0; i < from->n; i++) {
        const struct http_header *h = &from->p[i];

        if (field_kind(h->name) & FIELD_HOP_BY_HOP)
            continue;
        if (UNLIKELY(has_named) && is_named_by_connection(from, h->name))
            continue;
        to->p[to->n++] = *h;
    }
}
