/*
 * Two lists: questions that wait and questions that are open.
 */
#include "core/review.h"

#include "base/list.h"
#include "base/time.h"

#define PATH_MAX_BYTES 2048

struct question {
    struct list link;
    struct review_lane *lane;
    struct kube_call *call; /* NULL while waiting */
    struct buf path;
    json_t *body;
    int64_t deadline_us;
    kube_done_fn *fn;
    void *cookie;
};

struct review_lane {
    struct kube_client *client;
    struct review_limits limits;
    unsigned open_count, waiting_count;
    struct list open, waiting, refused;
    struct loop_task refusal; /* answers `refused` */
    struct loop_timer expiry; /* of the first that waits */
    struct review_counts counts;
};

struct review_lane *review_lane_new(struct kube_client *client, const struct review_limits *limits)
{
    struct review_lane *lane = NEW(struct review_lane);

    lane->client = client;
    lane->limits = *limits;
    list_init(&lane->open);
    list_init(&lane->waiting);
    list_init(&lane->refused);
    return lane;
}

static void question_free(struct question *q)
{
    list_remove(&q->link);
    buf_fini(&q->path);
    json_decref(q->body);
    free(q);
}

void review_lane_free(struct review_lane *lane)
{
    if (!lane)
        return;
    loop_timer_cancel(kube_client_loop(lane->client), &lane->expiry);
    LIST_EACH(it, &lane->open)
    {
        struct question *q = LIST_ENTRY(it, struct question, link);

        kube_call_cancel(q->call);
        question_free(q);
    }
    LIST_EACH(it, &lane->waiting)
    question_free(LIST_ENTRY(it, struct question, link));
    LIST_EACH(it, &lane->refused)
    question_free(LIST_ENTRY(it, struct question, link));
    loop_defer_cancel(kube_client_loop(lane->client), &lane->refusal);
    free(lane);
}

static void start_waiting(struct review_lane *lane);

static void on_done(void *cookie, int rc, json_t *answer, const struct err *err)
{
    struct question *q = cookie;
    struct review_lane *lane = q->lane;
    kube_done_fn *fn = q->fn;
    void *whose = q->cookie;

    lane->open_count--;
    if (rc < 0)
        lane->counts.failed++;
    question_free(q);
    start_waiting(lane);
    fn(whose, rc, answer, err);
}

static void question_start(struct question *q, int64_t now_us)
{
    struct kube_request request = {
        .method = q->body ? "POST" : "GET",
        .path = buf_str(&q->path),
        .body = q->body,
        .timeout_us = q->deadline_us - now_us,
    };

    list_remove(&q->link);
    list_append(&q->lane->open, &q->link);
    q->lane->waiting_count--;
    q->lane->open_count++;
    q->lane->counts.asked++;
    q->call = kube_call_start(q->lane->client, &request, on_done, q);
}

/* Fails what waited too long; then comes back for the next. */
static void on_expiry(void *cookie)
{
    struct review_lane *lane = cookie;
    struct loop *loop = kube_client_loop(lane->client);
    struct list *first = list_first(&lane->waiting);
    struct question *q;
    struct err err;

    if (!first)
        return;
    q = LIST_ENTRY(first, struct question, link);
    if (q->deadline_us > loop_now_us(loop)) {
        loop_timer_start(loop, &lane->expiry, q->deadline_us - loop_now_us(loop), on_expiry, lane);
        return;
    }
    kube_done_fn *fn = q->fn;
    void *whose = q->cookie;
    question_free(q);
    lane->waiting_count--;
    lane->counts.failed++;
    loop_timer_start(loop, &lane->expiry, 0, on_expiry, lane);
    err_set(&err, ERR_TIMEOUT, "API server: too many questions are open");
    fn(whose, -ERR_TIMEOUT, NULL, &err);
}

static void start_waiting(struct review_lane *lane)
{
    struct loop *loop = kube_client_loop(lane->client);
    int64_t now_us = loop_now_us(loop);

    LIST_EACH(it, &lane->waiting)
    {
        struct question *q = LIST_ENTRY(it, struct question, link);

        if (lane->open_count >= lane->limits.max_open)
            break;
        if (q->deadline_us > now_us)
            question_start(q, now_us);
    }
    if (!list_is_empty(&lane->waiting) && !loop_timer_is_started(&lane->expiry)) {
        struct question *q = LIST_ENTRY(list_first(&lane->waiting), struct question, link);

        loop_timer_start(loop, &lane->expiry, MAX(q->deadline_us - now_us, (int64_t)0), on_expiry,
                         lane);
    }
}

/* Fails what found no place, outside of the call that asked. */
static void on_refusal(void *cookie)
{
    struct review_lane *lane = cookie;
    struct list *first = list_first(&lane->refused);
    struct question *q;
    struct err err;

    if (!first)
        return;
    q = LIST_ENTRY(first, struct question, link);
    kube_done_fn *fn = q->fn;
    void *whose = q->cookie;
    question_free(q);
    lane->counts.failed++;
    loop_defer(kube_client_loop(lane->client), &lane->refusal, on_refusal, lane);
    err_set(&err, ERR_THROTTLED, "API server: too many questions are waiting");
    fn(whose, -ERR_THROTTLED, NULL, &err);
}

static struct question *question_new(struct review_lane *lane, kube_done_fn *fn, void *cookie)
{
    struct question *q = NEW(struct question);

    q->lane = lane;
    q->fn = fn;
    q->cookie = cookie;
    q->deadline_us = loop_now_us(kube_client_loop(lane->client)) + lane->limits.timeout_us;
    buf_init(&q->path, PATH_MAX_BYTES);
    if (lane->waiting_count >= lane->limits.max_waiting) {
        list_append(&lane->refused, &q->link);
        loop_defer(kube_client_loop(lane->client), &lane->refusal, on_refusal, lane);
        return q;
    }
    lane->waiting_count++;
    list_append(&lane->waiting, &q->link);
    return q;
}

void review_create(struct review_lane *lane, const struct kube_resource *r, json_t *body,
                   kube_done_fn *fn, void *cookie)
{
    struct question *q = question_new(lane, fn, cookie);

    q->body = body;
    kube_path(&q->path, r, STR_NONE, STR_NONE, STR_NONE);
    start_waiting(lane);
}

void review_read(struct review_lane *lane, const struct kube_resource *r, struct str ns,
                 struct str name, kube_done_fn *fn, void *cookie)
{
    struct question *q = question_new(lane, fn, cookie);

    kube_path(&q->path, r, ns, name, STR_NONE);
    start_waiting(lane);
}

struct review_counts review_counts(const struct review_lane *lane)
{
    return lane->counts;
}
