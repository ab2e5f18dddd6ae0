/*
 * Authenticate: the token's identity, from the last request on this connection, from the worker's table, or from
 * the control loop.
 */
#include "proxy/connection.h"
#include "proxy/request.h"

#include "codec/base64.h"

#define CREDENTIALS_MAX_BYTES (IDENTITY_TOKEN_MAX_BYTES + 4096)

static enum phase_result refuse_invalid(struct request *r, const char *why)
{
    return request_refuse(r, REFUSAL_INVALID_TOKEN,
                          "the token for Connector '%" STR_FMT "' was refused: %s", STR_ARG(r->key),
                          why);
}

/* The password of "Basic ..."; empty when there is none. */
static struct str basic_password(struct request *r, struct str encoded)
{
    struct buf text = BUF_INIT(CREDENTIALS_MAX_BYTES);
    struct str pair = STR_NONE;

    if (base64_decode(&text, str_trim(encoded)) == 0)
        pair = arena_str(r->arena, buf_str(&text));
    buf_wipe(&text);
    (void)str_cut(&pair, ':');
    return pair;
}

/* Takes the token of a reverse request from Authorization. */
static enum phase_result read_token(struct request *r)
{
    const struct http_headers *h = &r->in->headers;
    struct str value = http_headers_get(h, STR("Authorization"));

    if (!value.p)
        return request_refuse(r, REFUSAL_NO_TOKEN,
                              "Connector '%" STR_FMT "' needs a ServiceAccount token: send it as "
                              "Authorization: Bearer, or as the password of Basic",
                              STR_ARG(r->key));
    if (http_headers_count(h, STR("Authorization")) > 1)
        return request_refuse_closing(r, REFUSAL_AMBIGUOUS_REQUEST,
                                      "Authorization is given more than once");
    if (str_starts_nocase(value, STR("Bearer ")))
        r->token = str_trim(str_skip(value, 7));
    else if (str_starts_nocase(value, STR("Basic ")))
        r->token = basic_password(r, str_skip(value, 6));
    else
        return refuse_invalid(r, "Authorization is neither Bearer nor Basic");
    return PHASE_NEXT;
}

/* The subject's place among the requests under way; released by authenticate_release. */
static enum phase_result take_place(struct request *r)
{
    const struct site *site = r->worker->site;
    atomic_uint *active = &site->active[r->identity->user_hash % SITE_SUBJECTS];

    if (atomic_fetch_add_explicit(active, 1, memory_order_relaxed) >=
        site->settings->max_requests) {
        atomic_fetch_sub_explicit(active, 1, memory_order_relaxed);
        return request_refuse(r, REFUSAL_TOO_MANY_REQUESTS,
                              "'%" STR_FMT "' has %llu requests under way: wait for one to end",
                              STR_ARG(r->identity->user),
                              (unsigned long long)site->settings->max_requests);
    }
    r->has_place = true;
    return PHASE_NEXT;
}

void authenticate_release(struct request *r)
{
    if (!r->has_place)
        return;
    r->has_place = false;
    atomic_fetch_sub_explicit(&r->worker->site->active[r->identity->user_hash % SITE_SUBJECTS], 1,
                              memory_order_relaxed);
}

static enum phase_result admit(struct request *r, struct identity *id)
{
    r->identity = identity_ref(id);
    connection_keep_identity(r->x, id);
    return take_place(r);
}

static void on_answer(void *cookie, int rc, struct identity *id, const struct err *err)
{
    struct request *r = CAST(struct request, cookie, REQUEST_MAGIC);

    r->ask = NULL;
    if (rc == 0) {
        lru_put(r->worker->identities, str_n(r->mac, sizeof(r->mac)), identity_ref(id));
        request_resume(r, admit(r, id));
        return;
    }
    if (rc == -ERR_UNAUTH) {
        request_resume(r, refuse_invalid(r, err->msg));
        return;
    }
    request_resume(r, request_refuse(r, REFUSAL_AUTH_UNAVAILABLE,
                                     "the token for Connector '%" STR_FMT
                                     "' could not be checked: %s; try again",
                                     STR_ARG(r->key), err->msg));
}

/* Whether the bytes could be a token: visible ASCII, of a length that one may have. */
static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
            return false;
    return s.n > 0 && s.n <= IDENTITY_TOKEN_MAX_BYTES;
}

enum phase_result authenticate_run(struct request *r)
{
    struct worker *w = r->worker;
    int64_t now_us = loop_now_us(w->loop);
    struct identity *id;

    if (r->mode == MODE_REVERSE) {
        enum phase_result result = read_token(r);

        if (result != PHASE_NEXT)
            return result;
    }
    if (!is_token(r->token))
        return refuse_invalid(r, "it is empty, longer than any token, or no text");

    id = connection_identity(r->x);
    if (id && identity_is_current(id, now_us) && secret_eq(id->token, r->token)) {
        counters_add(&w->counters->plain[COUNT_IDENTITY_HITS], 1);
        r->identity = identity_ref(id);
        return take_place(r);
    }
    identity_mac(w->site->identities, r->token, r->mac);
    id = lru_get(w->identities, str_n(r->mac, sizeof(r->mac)));
    if (id && identity_is_current(id, now_us)) {
        counters_add(&w->counters->plain[COUNT_IDENTITY_HITS], 1);
        return admit(r, id);
    }
    counters_add(&w->counters->plain[COUNT_IDENTITY_MISSES], 1);
    r->ask = ask_identity(w, r->mac, r->token, on_answer, r);
    return PHASE_WAIT;
}
