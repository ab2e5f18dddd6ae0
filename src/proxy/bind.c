/*
 * Bind: the one decision where the request, and with it the credential, goes.
 */
#include "proxy/request.h"

enum phase_result bind_run(struct request *r)
{
    const struct target *t = r->target;
    struct str path = r->rest;
    ptrdiff_t query;

    if (r->is_elsewhere)
        return request_refuse(r, REFUSAL_DESTINATION_REFUSED,
                              "host '%" STR_FMT "' with this path is not an address of a listed "
                              "Connector ('%" STR_FMT "')",
                              STR_ARG(r->url_host), STR_ARG(r->key));
    if (t->condition)
        return request_refuse(
            r, REFUSAL_CONNECTOR_NOT_READY,
            "Connector '%" STR_FMT "' is not usable: %s is %" STR_FMT ": %" STR_FMT,
            STR_ARG(r->key), t->condition, STR_ARG(t->reason), STR_ARG(t->message));
    r->binding = &t->bindings[r->binding_index];

    query = str_index(path, '?');
    if (query >= 0)
        path.n = (size_t)query;
    if (r->binding->address->path.n && select_escapes(path))
        return request_refuse_closing(r, REFUSAL_AMBIGUOUS_REQUEST,
                                      "the path's dot segments leave the address of Connector "
                                      "'%" STR_FMT "'",
                                      STR_ARG(r->key));
    return PHASE_NEXT;
}
