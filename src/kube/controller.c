/*
 * Runs a reconciler over the keys of a work queue on a shared pool.
 *
 * The queue is guarded by one mutex.  A pool job takes one key, runs it, and hands in the next job, so that
 * controllers that share a pool take turns.  Delays need a clock, which is the loop's: they are settled
 * there by a posted task and a timer.
 */
#include "kube/controller.h"

#include <pthread.h>

#include "base/log.h"
#include "base/time.h"
#include "crypto/random.h"
#include "kube/workqueue.h"

#define RETRY_FIRST_US (5 * TIME_US_PER_MS)
#define RETRY_MAX_US (300 * TIME_US_PER_S)
#define FREE_STEP_US (20 * TIME_US_PER_MS)

struct controller {
    struct loop *loop;
    struct pool *pool;
    struct controller_spec spec;
    char *name;
    struct loop_timer timer; /* the next due key */
    pthread_mutex_t lock;
    /* Under the lock: */
    struct workqueue *queue;
    unsigned jobs; /* handed to the pool and not yet over */
    bool is_enabled;
    bool is_closing;
    struct loop_task settle;
    bool is_settle_posted;
};

static void job(void *cookie);
static void on_settle(void *cookie);

/* Hands as many jobs to the pool as there are keys and workers.  Holds the lock. */
static void dispatch(struct controller *c)
{
    size_t wanted = workqueue_ready(c->queue) + workqueue_processing(c->queue);

    while (c->is_enabled && !c->is_closing && c->jobs < c->spec.workers && c->jobs < wanted) {
        c->jobs++;
        pool_submit(c->pool, job, c);
    }
}

/* Makes the loop look at delays, and at the end of the last job.  Holds the lock. */
static void post_settle(struct controller *c)
{
    if (c->is_settle_posted)
        return;
    c->is_settle_posted = true;
    loop_post(c->loop, &c->settle, on_settle, c);
}

static void on_timer(void *cookie);

static void settle(struct controller *c)
{
    int64_t now = loop_now_us(c->loop);
    int64_t next = workqueue_settle(c->queue, now);

    dispatch(c);
    if (next == INT64_MAX || c->is_closing)
        loop_timer_cancel(c->loop, &c->timer);
    else
        loop_timer_start(c->loop, &c->timer, next - now, on_timer, c);
}

static void on_timer(void *cookie)
{
    struct controller *c = cookie;

    pthread_mutex_lock(&c->lock);
    settle(c);
    pthread_mutex_unlock(&c->lock);
}

static void on_settle(void *cookie)
{
    struct controller *c = cookie;

    pthread_mutex_lock(&c->lock);
    c->is_settle_posted = false;
    settle(c);
    pthread_mutex_unlock(&c->lock);
}

static int64_t retry_delay_us(unsigned failures)
{
    int64_t delay = RETRY_FIRST_US << MIN(failures - 1, 20u);

    delay = MIN(delay, RETRY_MAX_US);
    /* A quarter of it is random: keys that fail for one reason do not come back as one. */
    return delay - (int64_t)random_below((uint64_t)delay / 4 + 1);
}

/* Decides when the key runs again.  Holds the lock. */
static void conclude(struct controller *c, struct workqueue_item *item, int rc, int64_t requeue_us)
{
    int64_t delay = requeue_us;

    if (rc < 0) {
        item->failures++;
        delay = retry_delay_us(item->failures);
    } else {
        item->failures = 0;
    }
    if (delay > 0)
        workqueue_add_after(c->queue, item->key, delay);
    workqueue_done(c->queue, item);
    if (workqueue_has_wishes(c->queue))
        post_settle(c);
}

static int reconcile(struct controller *c, const struct workqueue_item *item,
                     struct reconcile_result *ret)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct err err = {0};
    int rc = c->spec.reconcile(c->spec.cookie, item->key, a, ret, &err);

    if (rc < 0)
        log_warn("Reconcile failed", LOG_C("controller", c->name), LOG_S("namespace", item->key.ns),
                 LOG_S("name", item->key.name), LOG_C("error", err.code ? err.msg : err_text(rc)));
    return rc;
}

static void job(void *cookie)
{
    struct controller *c = cookie;
    struct reconcile_result result = {0};
    struct workqueue_item *item = NULL;
    int rc;

    pthread_mutex_lock(&c->lock);
    if (c->is_enabled && !c->is_closing)
        item = workqueue_get(c->queue);
    if (item) {
        pthread_mutex_unlock(&c->lock);
        rc = reconcile(c, item, &result);
        pthread_mutex_lock(&c->lock);
        conclude(c, item, rc, result.requeue_after_us);
    }
    c->jobs--;
    dispatch(c);
    if (c->is_closing)
        post_settle(c);
    pthread_mutex_unlock(&c->lock);
}

struct controller *controller_new(struct loop *l, struct pool *pool,
                                  const struct controller_spec *spec)
{
    struct controller *c = NEW(struct controller);

    ASSERT(spec->workers > 0);
    c->loop = l;
    c->pool = pool;
    c->spec = *spec;
    c->name = xstrdup(spec->name);
    c->queue = workqueue_new();
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

static bool is_busy(struct controller *c)
{
    bool busy;

    pthread_mutex_lock(&c->lock);
    busy = c->jobs > 0 || c->is_settle_posted;
    pthread_mutex_unlock(&c->lock);
    return busy;
}

void controller_free(struct controller *c)
{
    if (!c)
        return;
    ASSERT(!loop_is_current(c->loop));
    pthread_mutex_lock(&c->lock);
    c->is_closing = true;
    pthread_mutex_unlock(&c->lock);
    /* Reconciles may be waiting for answers that come by this loop. */
    while (is_busy(c))
        loop_step(c->loop, FREE_STEP_US);
    loop_timer_cancel(c->loop, &c->timer);
    workqueue_free(c->queue);
    pthread_mutex_destroy(&c->lock);
    free(c->name);
    free(c);
}

void controller_enable(struct controller *c, bool enabled)
{
    pthread_mutex_lock(&c->lock);
    c->is_enabled = enabled;
    dispatch(c);
    pthread_mutex_unlock(&c->lock);
}

void controller_add(struct controller *c, struct kube_key key)
{
    pthread_mutex_lock(&c->lock);
    workqueue_add(c->queue, key);
    dispatch(c);
    pthread_mutex_unlock(&c->lock);
}

void controller_add_after(struct controller *c, struct kube_key key, int64_t delay_us)
{
    pthread_mutex_lock(&c->lock);
    workqueue_add_after(c->queue, key, delay_us);
    dispatch(c);
    if (workqueue_has_wishes(c->queue))
        post_settle(c);
    pthread_mutex_unlock(&c->lock);
}

size_t controller_depth(struct controller *c)
{
    size_t n;

    pthread_mutex_lock(&c->lock);
    n = workqueue_ready(c->queue) + workqueue_processing(c->queue);
    pthread_mutex_unlock(&c->lock);
    return n;
}
