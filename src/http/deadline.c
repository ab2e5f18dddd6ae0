/*
 * Lazy time limits on top of the loop's timers.
 *
 * The timer is never cancelled while its owner lives; at worst it fires once per limit for nothing.
 */
#include "http/deadline.h"

static void deadline_on_timer(void *cookie);

static void deadline_start(struct deadline *d)
{
    int64_t now = loop_now_us(d->loop);

    d->timer_us = d->at_us;
    loop_timer_start(d->loop, &d->timer, MAX(d->at_us - now, (int64_t)0), deadline_on_timer, d);
}

static void deadline_on_timer(void *cookie)
{
    struct deadline *d = cookie;

    if (d->at_us == DEADLINE_NEVER)
        return;
    if (d->at_us > loop_now_us(d->loop)) {
        deadline_start(d);
        return;
    }
    d->at_us = DEADLINE_NEVER;
    d->fn(d->cookie);
}

void deadline_init(struct deadline *d, struct loop *l, loop_fn *fn, void *cookie)
{
    d->loop = l;
    d->fn = fn;
    d->cookie = cookie;
    d->at_us = DEADLINE_NEVER;
}

void deadline_set(struct deadline *d, int64_t at_us)
{
    d->at_us = at_us;
    if (at_us == DEADLINE_NEVER)
        return;
    if (!loop_timer_is_started(&d->timer) || at_us < d->timer_us)
        deadline_start(d);
}

void deadline_fini(struct deadline *d)
{
    d->at_us = DEADLINE_NEVER;
    loop_timer_cancel(d->loop, &d->timer);
}
