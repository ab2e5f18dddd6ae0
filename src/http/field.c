/*
 * The fields that end at a hop.  Proxy-Authorization and its answers are among them: they are for us, and
 * what is in them must not travel on.
 */
#include "http/field.h"

static inline unsigned if_name(struct str name, struct str is, unsigned flags)
{
    return str_eq_nocase(name, is) ? flags : 0;
}

unsigned field_kind(struct str name)
{
    const unsigned framing = FIELD_FRAMING | FIELD_HOP_BY_HOP;

    switch (name.n) {
    case 2:
        return if_name(name, STR("te"), framing);
    case 4:
        return if_name(name, STR("host"), FIELD_REQUEST_LINE) |
               if_name(name, STR("date"), FIELD_DATE);
    case 6:
        return if_name(name, STR("expect"), FIELD_REQUEST_LINE);
    case 7:
        return if_name(name, STR("trailer"), framing) | if_name(name, STR("upgrade"), framing);
    case 10:
        return if_name(name, STR("connection"), framing | FIELD_CONNECTION) |
               if_name(name, STR("keep-alive"), framing);
    case 14:
        return if_name(name, STR("content-length"), framing);
    case 16:
        return if_name(name, STR("proxy-connection"), framing);
    case 17:
        return if_name(name, STR("transfer-encoding"), framing);
    case 18:
        return if_name(name, STR("proxy-authenticate"), FIELD_HOP_BY_HOP);
    case 19:
        return if_name(name, STR("proxy-authorization"), FIELD_HOP_BY_HOP);
    case 25:
        return if_name(name, STR("proxy-authentication-info"), FIELD_HOP_BY_HOP);
    default:
        return 0;
    }
}
