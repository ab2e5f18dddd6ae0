/*
 * Address matching and the escape rule.
 */
#include "proxy/select.h"

#include "codec/hex.h"

bool select_fits(const struct connector_address *address, const struct select_url *url)
{
    if (address->https != url->https || address->port != url->port ||
        !str_eq(address->host, url->host))
        return false;
    if (!str_starts(url->path, address->path))
        return false;
    return url->path.n == address->path.n || url->path.p[address->path.n] == '/';
}

/* The address of that index: spec.address first. */
static const struct connector_address *address_at(const struct connector *c, size_t i)
{
    return i == 0 ? &c->address : &c->extensions[i - 1];
}

int select_target(struct target *const *targets, size_t count, const struct select_url *url,
                  size_t *ret_binding, const struct connector_address **ret_address)
{
    const struct connector_address *best = NULL;
    int found = -1;

    for (size_t t = 0; t < count; t++) {
        const struct connector *c = targets[t] ? targets[t]->connector : NULL;

        for (size_t i = 0; c && i <= c->extension_count; i++) {
            const struct connector_address *address = address_at(c, i);

            if (!select_fits(address, url) || (best && address->path.n <= best->path.n))
                continue;
            best = address;
            found = (int)t;
            *ret_binding = i;
        }
    }
    if (found >= 0)
        *ret_address = best;
    return found;
}

/* One byte of a path after one decoding; advances *s. */
static char next_decoded(struct str *s)
{
    char c = s->p[0];
    int high, low;

    if (c == '%' && s->n >= 3) {
        high = hex_digit(s->p[1]);
        low = hex_digit(s->p[2]);
        if (high >= 0 && low >= 0) {
            *s = str_skip(*s, 3);
            return (char)(high * 16 + low);
        }
    }
    *s = str_skip(*s, 1);
    return c;
}

/* What has been read of a piece between two separators; parameters do not count. */
struct piece {
    unsigned dots;
    bool has_other;
    bool in_params;
};

static void piece_add(struct piece *p, char c)
{
    if (p->in_params)
        return;
    if (c == ';')
        p->in_params = true;
    else if (c == '.')
        p->dots++;
    else
        p->has_other = true;
}

/* Ends a piece: counts it as a step up or as something to step into. */
static void piece_end(struct piece *p, unsigned *ups, bool *is_named)
{
    if (!p->has_other && p->dots == 2)
        ++*ups;
    else if (p->has_other || p->dots > 2)
        *is_named = true;
    *p = (struct piece){0};
}

bool select_escapes(struct str rest)
{
    int depth = 0;

    /* Segments by literal '/', the coarsest reading, give depth; pieces, the finest, take it away. */
    while (rest.p) {
        struct str segment = str_cut(&rest, '/');
        struct piece piece = {0};
        unsigned ups = 0;
        bool is_named = false;

        while (segment.n) {
            char c = next_decoded(&segment);

            if (c == '/' || c == '\\')
                piece_end(&piece, &ups, &is_named);
            else
                piece_add(&piece, c);
        }
        piece_end(&piece, &ups, &is_named);
        if (ups)
            depth -= (int)ups;
        else if (is_named)
            depth++;
        if (depth < 0)
            return true;
    }
    return false;
}
