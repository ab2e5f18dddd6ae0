/*
 * The fields that end at a hop.  Proxy-Authorization and its answers are among them: they are for us, and
 * what is in them must not travel on.
 */
#include "http/field.h"

/* Whether `name`, as long as `lower`, is that lower-case token. */
static inline bool is_name(const char *name, const char *lower, size_t n)
{
    /* Setting bit 5 folds letters and keeps '-'; nothing else in a token maps onto either. */
    for (size_t i = 0; i < n; i++)
        if ((name[i] | 0x20) != lower[i])
            return false;
    return true;
}

#define IS(lower) is_name(p, lower, sizeof(lower) - 1)

unsigned field_kind(struct str name)
{
    const unsigned framing = FIELD_FRAMING | FIELD_HOP_BY_HOP;
    const char *p = name.p;

    switch (name.n) {
    case 2:
        return IS("te") ? framing : 0;
    case 4:
        if (IS("host"))
            return FIELD_REQUEST_LINE;
        return IS("date") ? FIELD_DATE : 0;
    case 6:
        return IS("expect") ? FIELD_REQUEST_LINE : 0;
    case 7:
        return IS("trailer") || IS("upgrade") ? framing : 0;
    case 10:
        if (IS("connection"))
            return framing | FIELD_CONNECTION;
        return IS("keep-alive") ? framing : 0;
    case 14:
        return IS("content-length") ? framing : 0;
    case 16:
        return IS("proxy-connection") ? framing : 0;
    case 17:
        return IS("transfer-encoding") ? framing : 0;
    case 18:
        return IS("proxy-authenticate") ? FIELD_HOP_BY_HOP : 0;
    case 19:
        return IS("proxy-authorization") ? FIELD_HOP_BY_HOP : 0;
    case 25:
        return IS("proxy-authentication-info") ? FIELD_HOP_BY_HOP : 0;
    default:
        return 0;
    }
}
