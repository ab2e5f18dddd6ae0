/*
 * The event loop over epoll.
 *
 * Descriptors are registered once, for both directions, edge-triggered, so that no system call is spent
 * on changing interest.  Messages from other threads go onto a lock-free stack that the loop takes over
 * whole; only the post that finds it empty writes to the eventfd, which is edge-triggered too and
 * therefore never read.  Time is read once per iteration, after the wait.
 *
 * What a callback may do to others in the same batch: a removed descriptor has its pending events
 * cleared, a cancelled timer is no longer in the heap, a cancelled task no longer in its list.
 */
#include "ev/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/time.h"

enum { LOOP_BATCH = 256 };

#define LOOP_INTEREST (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)

struct loop {
    const struct loop_clock *clock;
    int64_t now_us;
    int64_t wall_us;
    bool is_wall_read; /* in this iteration */
    bool is_stepping;
    bool is_in_timers;
    int epoll_fd;
    int wake_fd;
    size_t io_count;
    struct heap timers;
    struct list deferred;
    int event_at, event_count; /* the batch being delivered */
    struct epoll_event events[LOOP_BATCH];
    /* Written by other threads; on a line of its own. */
    _Alignas(64) _Atomic(struct loop_task *) posted; /* newest first */
    atomic_bool is_stopped;
};

static _Thread_local const struct loop *loop_current;

static int64_t system_mono_us(void *cookie UNUSED)
{
    return time_mono_us();
}

static int64_t system_wall_us(void *cookie UNUSED)
{
    return time_wall_us();
}

static const struct loop_clock SYSTEM_CLOCK = {system_mono_us, system_wall_us, NULL};

static void loop_read_clock(struct loop *l)
{
    l->now_us = l->clock->mono_us(l->clock->cookie);
    l->is_wall_read = false;
}

struct loop *loop_new(const struct loop_clock *clock)
{
    struct epoll_event wake = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};
    struct loop *l = aligned_alloc(_Alignof(struct loop), sizeof(*l));

    ASSERT(l);
    memset(l, 0, sizeof(*l));
    l->clock = clock ? clock : &SYSTEM_CLOCK;
    list_init(&l->deferred);
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    ASSERT(l->epoll_fd >= 0 && l->wake_fd >= 0);
    ASSERT(epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->wake_fd, &wake) == 0);
    loop_read_clock(l);
    return l;
}

static void loop_deliver_posted(struct loop *l);

void loop_free(struct loop *l)
{
    if (!l)
        return;
    ASSERT(!l->is_stepping);
    loop_deliver_posted(l);
    ASSERT(l->io_count == 0 && !heap_min(&l->timers) && list_is_empty(&l->deferred));
    close(l->epoll_fd);
    close(l->wake_fd);
    heap_fini(&l->timers);
    free(l);
}

static void loop_wake(struct loop *l)
{
    uint64_t one = 1;

    if (!loop_is_current(l))
        ASSERT(write(l->wake_fd, &one, sizeof(one)) == (ssize_t)sizeof(one));
}

bool loop_is_current(const struct loop *l)
{
    return loop_current == l;
}

int64_t loop_now_us(const struct loop *l)
{
    return l->is_stepping ? l->now_us : l->clock->mono_us(l->clock->cookie);
}

int64_t loop_wall_us(const struct loop *l)
{
    struct loop *cache = (struct loop *)l;

    if (!l->is_stepping || !l->is_wall_read)
        cache->wall_us = l->clock->wall_us(l->clock->cookie);
    cache->is_wall_read = true;
    return l->wall_us;
}

/* How long epoll may wait: not at all when there is work, else until the nearest timer, rounded up. */
static int loop_wait_ms(struct loop *l, int64_t max_wait_us)
{
    const struct heap_item *timer = heap_min(&l->timers);
    int64_t wait_us = max_wait_us;

    if (!list_is_empty(&l->deferred) || atomic_load(&l->posted) || atomic_load(&l->is_stopped))
        return 0;
    if (timer)
        wait_us = MIN(wait_us, timer->key - l->now_us);
    if (wait_us <= 0)
        return 0;
    if (wait_us / TIME_US_PER_MS >= INT_MAX)
        return timer ? INT_MAX : -1;
    return (int)((wait_us + TIME_US_PER_MS - 1) / TIME_US_PER_MS);
}

static unsigned loop_events_of(uint32_t epoll_events)
{
    unsigned events = 0;

    if (epoll_events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        events |= LOOP_READABLE;
    if (epoll_events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        events |= LOOP_WRITABLE;
    if (epoll_events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        events |= LOOP_HANGUP;
    return events;
}

static void loop_deliver_io(struct loop *l)
{
    for (l->event_at = 0; l->event_at < l->event_count; l->event_at++) {
        const struct epoll_event *e = &l->events[l->event_at];
        struct loop_io *io = e->data.ptr;

        if (io)
            io->on_io(io->cookie, loop_events_of(e->events));
    }
    l->event_at = l->event_count = 0;
}

static void loop_deliver_timers(struct loop *l)
{
    struct heap_item *first;

    l->is_in_timers = true;
    while ((first = heap_min(&l->timers)) && first->key <= l->now_us) {
        struct loop_timer *t = CONTAINER_OF(first, struct loop_timer, item);

        heap_remove(&l->timers, first);
        t->fn(t->cookie);
    }
    l->is_in_timers = false;
}

static void loop_deliver_posted(struct loop *l)
{
    struct loop_task *newest, *oldest = NULL;

    if (!atomic_load_explicit(&l->posted, memory_order_relaxed))
        return;
    newest = atomic_exchange_explicit(&l->posted, NULL, memory_order_acquire);
    while (newest) {
        struct loop_task *next = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct loop_task *t = oldest;

        /* The callback may free or post the task again. */
        oldest = t->next;
        t->next = NULL;
        t->fn(t->cookie);
    }
}

static void loop_deliver_deferred(struct loop *l)
{
    struct list batch;

    if (list_is_empty(&l->deferred))
        return;
    /* What they defer goes to the next iteration: the batch stays bounded. */
    list_append(&l->deferred, &batch);
    list_remove(&l->deferred);
    while (!list_is_empty(&batch)) {
        struct loop_task *t = LIST_ENTRY(list_first(&batch), struct loop_task, link);

        list_remove(&t->link);
        t->fn(t->cookie);
    }
}

static void loop_iterate(struct loop *l, int64_t max_wait_us)
{
    const struct loop *outer = loop_current;
    int n;

    ASSERT(!l->is_stepping);
    loop_current = l;
    l->is_stepping = true;
    n = epoll_wait(l->epoll_fd, l->events, LOOP_BATCH, loop_wait_ms(l, max_wait_us));
    ASSERT(n >= 0 || errno == EINTR);
    l->event_count = MAX(n, 0);
    loop_read_clock(l);
    loop_deliver_io(l);
    loop_deliver_timers(l);
    loop_deliver_posted(l);
    loop_deliver_deferred(l);
    l->is_stepping = false;
    loop_current = outer;
}

void loop_step(struct loop *l, int64_t max_wait_us)
{
    /* The wait is computed from what the last reading said; who knows when that was. */
    loop_read_clock(l);
    loop_iterate(l, max_wait_us);
}

void loop_run(struct loop *l)
{
    loop_read_clock(l);
    while (!atomic_exchange(&l->is_stopped, false))
        loop_iterate(l, INT64_MAX);
}

void loop_stop(struct loop *l)
{
    atomic_store(&l->is_stopped, true);
    loop_wake(l);
}

int loop_io_add(struct loop *l, struct loop_io *io, int fd, loop_io_fn *on_io, void *cookie)
{
    struct epoll_event e = {.events = LOOP_INTEREST, .data.ptr = io};

    ASSERT(!io->added);
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &e) != 0)
        return -ERR_IO;
    *io = (struct loop_io){.fd = fd, .on_io = on_io, .cookie = cookie, .added = true};
    l->io_count++;
    return 0;
}

void loop_io_remove(struct loop *l, struct loop_io *io)
{
    if (!io->added)
        return;
    /* Fails when the descriptor was closed first, when another one may already have its number. */
    ASSERT(epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, io->fd, NULL) == 0);
    for (int i = l->event_at; i < l->event_count; i++) {
        if (l->events[i].data.ptr == io)
            l->events[i].data.ptr = NULL;
    }
    io->added = false;
    l->io_count--;
}

void loop_timer_start(struct loop *l, struct loop_timer *t, int64_t delay_us, loop_fn *fn,
                      void *cookie)
{
    int64_t now_us = loop_now_us(l);
    int64_t due_us;

    /* Keeps a timer that restarts itself without delay from holding the loop. */
    if (l->is_in_timers)
        delay_us = MAX(delay_us, 1);
    if (__builtin_add_overflow(now_us, delay_us, &due_us))
        due_us = delay_us < 0 ? INT64_MIN : INT64_MAX;
    heap_remove(&l->timers, &t->item);
    t->fn = fn;
    t->cookie = cookie;
    heap_add(&l->timers, &t->item, due_us);
}

void loop_timer_cancel(struct loop *l, struct loop_timer *t)
{
    heap_remove(&l->timers, &t->item);
}

void loop_defer(struct loop *l, struct loop_task *t, loop_fn *fn, void *cookie)
{
    t->fn = fn;
    t->cookie = cookie;
    if (list_is_empty(&t->link))
        list_append(&l->deferred, &t->link);
}

void loop_defer_cancel(struct loop *l UNUSED, struct loop_task *t)
{
    list_remove(&t->link);
}

void loop_post(struct loop *l, struct loop_task *t, loop_fn *fn, void *cookie)
{
    struct loop_task *head = atomic_load_explicit(&l->posted, memory_order_relaxed);

    t->fn = fn;
    t->cookie = cookie;
    do
        t->next = head;
    while (!atomic_compare_exchange_weak(&l->posted, &head, t));
    if (!head)
        loop_wake(l);
}
