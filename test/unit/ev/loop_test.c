/*
 * The event loop: descriptors, timers on an injected clock, deferred and posted work, and what callbacks
 * may do to each other.
 */
#include "unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"
#include "ev/loop.h"

struct fake_clock {
    int64_t mono_us, wall_us;
    int mono_reads, wall_reads;
};

static int64_t fake_mono_us(void *cookie)
{
    struct fake_clock *c = cookie;

    c->mono_reads++;
    return c->mono_us;
}

static int64_t fake_wall_us(void *cookie)
{
    struct fake_clock *c = cookie;

    c->wall_reads++;
    return c->wall_us;
}

static void on_count(void *cookie)
{
    ++*(int *)cookie;
}

/* Notes its number in a shared log of digits. */
struct noter {
    int n;
    int *log;
    struct loop *loop;
    struct loop_timer timer;
    struct loop_task task;
    struct noter *other;
};

static void on_note(void *cookie)
{
    struct noter *n = cookie;

    *n->log = *n->log * 10 + n->n;
}

/* --- timers */

TEST(timer_fires_when_due_and_once)
{
    struct fake_clock c = {.mono_us = 1000};
    struct loop_clock clock = {fake_mono_us, fake_wall_us, &c};
    struct loop *l = loop_new(&clock);
    struct loop_timer t = {0};
    int count = 0;

    loop_timer_start(l, &t, 100, on_count, &count);
    CHECK(loop_timer_is_started(&t));
    loop_step(l, 0);
    c.mono_us += 99;
    loop_step(l, 0);
    CHECK_INT(count, 0);
    c.mono_us += 1;
    loop_step(l, 0);
    CHECK_INT(count, 1);
    CHECK(!loop_timer_is_started(&t));
    c.mono_us += 1000;
    loop_step(l, 0);
    CHECK_INT(count, 1);
    loop_free(l);
}

TEST(timers_fire_in_order_of_time)
{
    struct fake_clock c = {0};
    struct loop_clock clock = {fake_mono_us, fake_wall_us, &c};
    struct loop *l = loop_new(&clock);
    int log = 0;
    struct noter n[] = {{.n = 1, .log = &log}, {.n = 2, .log = &log}, {.n = 3, .log = &log}};

    loop_timer_start(l, &n[2].timer, 30, on_note, &n[2]);
    loop_timer_start(l, &n[0].timer, 10, on_note, &n[0]);
    loop_timer_start(l, &n[1].timer, 20, on_note, &n[1]);
    c.mono_us = 30;
    loop_step(l, 0);
    CHECK_INT(log, 123);
    loop_free(l);
}

TEST(timer_may_be_moved_and_cancelled)
{
    struct fake_clock c = {0};
    struct loop_clock clock = {fake_mono_us, fake_wall_us, &c};
    struct loop *l = loop_new(&clock);
    struct loop_timer t = {0};
    int count = 0;

    loop_timer_cancel(l, &t);
    loop_timer_start(l, &t, 10, on_count, &count);
    loop_timer_start(l, &t, 20, on_count, &count);
    c.mono_us = 19;
    loop_step(l, 0);
    CHECK_INT(count, 0);
    c.mono_us = 20;
    loop_step(l, 0);
    CHECK_INT(count, 1);
    loop_timer_start(l, &t, 10, on_count, &count);
    loop_timer_cancel(l, &t);
    loop_timer_cancel(l, &t);
    c.mono_us = 100;
    loop_step(l, 0);
    CHECK_INT(count, 1);
    loop_free(l);
}

static void on_timer_cancel_other(void *cookie)
{
    struct noter *n = cookie;

    on_note(n);
    loop_timer_cancel(n->loop, &n->other->timer);
}

TEST(timer_cancelled_by_another_due_one_does_not_fire)
{
    struct fake_clock c = {0};
    struct loop_clock clock = {fake_mono_us, fake_wall_us, &c};
    struct loop *l = loop_new(&clock);
    int log = 0;
    struct noter b = {.n = 2, .log = &log};
    struct noter a = {.n = 1, .log = &log, .loop = l, .other = &b};

    loop_timer_start(l, &a.timer, 1, on_timer_cancel_other, &a);
    loop_timer_start(l, &b.timer, 2, on_note, &b);
    c.mono_us = 5;
    loop_step(l, 0);
    CHECK_INT(log, 1);
    loop_free(l);
}

static void on_timer_restart(void *cookie)
{
    struct noter *n = cookie;

    on_note(n);
    if (*n->log < 1000)
        loop_timer_start(n->loop, &n->timer, 0, on_timer_restart, n);
}

TEST(timer_restarting_itself_without_delay_does_not_hold_the_loop)
{
    struct fake_clock c = {0};
    struct loop_clock clock = {fake_mono_us, fake_wall_us, &c};
    struct loop *l = loop_new(&clock);
    int log = 0;
    struct noter n = {.n = 1, .log = &log, .loop = l};

    loop_timer_start(l, &n.timer, 0, on_timer_restart, &n);
    loop_step(l, 0);
    CHECK_INT(log, 1);
    c.mono_us++;
    loop_step(l, 0);
    CHECK_INT(log, 11);
    loop_timer_cancel(l, &n.timer);
    loop_free(l);
}

TEST(timer_delays_may_be_extreme)
{
    struct fake_clock c = {.mono_us = 1000};
    struct loop_clock clock = {fake_mono_us, fake_wall_us, &c};
    struct loop *l = loop_new(&clock);
    struct loop_timer never = {0}, past = {0};
    int count = 0;

    loop_timer_start(l, &never, INT64_MAX, on_count, &count);
    loop_timer_start(l, &past, -5000, on_count, &count);
    loop_step(l, 0);
    CHECK_INT(count, 1);
    loop_timer_start(l, &past, INT64_MIN, on_count, &count);
    loop_step(l, INT64_MAX);
    CHECK_INT(count, 2);
    loop_timer_cancel(l, &never);
    loop_free(l);
}

TEST(timer_delay_counts_from_now_however_long_the_loop_stood)
{
    struct fake_clock c = {0};
    struct loop_clock clock = {fake_mono_us, fake_wall_us, &c};
    struct loop *l = loop_new(&clock);
    struct loop_timer t = {0};
    int count = 0;

    c.mono_us = 1000000;
    loop_timer_start(l, &t, 10, on_count, &count);
    loop_step(l, 0);
    CHECK_INT(count, 0);
    c.mono_us += 10;
    loop_step(l, 0);
    CHECK_INT(count, 1);
    loop_free(l);
}

TEST(timer_wakes_a_waiting_loop)
{
    struct loop *l = loop_new(NULL);
    struct loop_timer t = {0};
    int64_t start_us = time_mono_us();
    int count = 0;

    loop_timer_start(l, &t, 20000, on_count, &count);
    while (count == 0)
        loop_step(l, INT64_MAX);
    CHECK(time_mono_us() - start_us >= 20000);
    loop_free(l);
}

/* --- the clock */

struct clock_probe {
    struct loop *loop;
    struct fake_clock *clock;
    int64_t seen_us;
};

static void on_probe_clock(void *cookie)
{
    struct clock_probe *p = cookie;

    p->clock->mono_us += 500;
    p->clock->wall_us += 500;
    p->seen_us = loop_now_us(p->loop) + loop_wall_us(p->loop) + loop_wall_us(p->loop);
}

TEST(clock_stands_still_within_an_iteration)
{
    struct fake_clock c = {.mono_us = 1, .wall_us = 1000};
    struct loop_clock clock = {fake_mono_us, fake_wall_us, &c};
    struct loop *l = loop_new(&clock);
    struct clock_probe p = {l, &c, 0};
    struct loop_task t = {0};

    loop_defer(l, &t, on_probe_clock, &p);
    loop_step(l, 0);
    CHECK_INT(p.seen_us, 1 + 1500 + 1500);
    CHECK_INT(c.wall_reads, 1);
    CHECK_INT(loop_now_us(l), 501);
    c.mono_us = 900;
    c.wall_us = 901;
    CHECK_INT(loop_now_us(l), 900);
    CHECK_INT(loop_wall_us(l), 901);
    loop_free(l);
}

struct stop_after {
    struct loop *loop;
    struct loop_task task;
    int left;
};

static void on_defer_again(void *cookie)
{
    struct stop_after *s = cookie;

    if (--s->left > 0)
        loop_defer(s->loop, &s->task, on_defer_again, s);
    else
        loop_stop(s->loop);
}

TEST(clock_is_read_once_per_iteration)
{
    struct fake_clock c = {0};
    struct loop_clock clock = {fake_mono_us, fake_wall_us, &c};
    struct loop *l = loop_new(&clock);
    struct stop_after s = {.loop = l, .left = 100};

    loop_defer(l, &s.task, on_defer_again, &s);
    c.mono_reads = 0;
    loop_run(l);
    CHECK_INT(c.mono_reads, 101);
    CHECK_INT(c.wall_reads, 0);
    loop_free(l);
}

/* --- deferred work */

static void on_defer_other(void *cookie)
{
    struct noter *n = cookie;

    on_note(n);
    loop_defer(n->loop, &n->other->task, on_note, n->other);
}

static void on_cancel_other(void *cookie)
{
    struct noter *n = cookie;

    on_note(n);
    loop_defer_cancel(n->loop, &n->other->task);
}

TEST(deferred_work_runs_once_and_in_order)
{
    struct loop *l = loop_new(NULL);
    int log = 0;
    struct noter n[] = {{.n = 1, .log = &log}, {.n = 2, .log = &log}};

    loop_defer(l, &n[0].task, on_note, &n[0]);
    loop_defer(l, &n[1].task, on_note, &n[1]);
    loop_defer(l, &n[0].task, on_note, &n[0]);
    loop_step(l, INT64_MAX);
    CHECK_INT(log, 12);
    loop_step(l, 0);
    CHECK_INT(log, 12);
    loop_free(l);
}

TEST(deferred_work_that_defers_runs_in_the_next_iteration)
{
    struct loop *l = loop_new(NULL);
    int log = 0;
    struct noter b = {.n = 2, .log = &log};
    struct noter a = {.n = 1, .log = &log, .loop = l, .other = &b};

    loop_defer(l, &a.task, on_defer_other, &a);
    loop_step(l, INT64_MAX);
    CHECK_INT(log, 1);
    loop_step(l, INT64_MAX);
    CHECK_INT(log, 12);
    loop_free(l);
}

TEST(deferred_work_may_be_taken_back_also_by_its_neighbour)
{
    struct loop *l = loop_new(NULL);
    int log = 0;
    struct noter b = {.n = 2, .log = &log};
    struct noter a = {.n = 1, .log = &log, .loop = l, .other = &b};

    loop_defer_cancel(l, &b.task);
    loop_defer(l, &b.task, on_note, &b);
    loop_defer_cancel(l, &b.task);
    loop_step(l, 0);
    CHECK_INT(log, 0);
    loop_defer(l, &a.task, on_cancel_other, &a);
    loop_defer(l, &b.task, on_note, &b);
    loop_step(l, 0);
    CHECK_INT(log, 1);
    loop_free(l);
}

/* --- descriptors */

struct io_end {
    struct loop *loop;
    struct loop_io io;
    int fd;
    unsigned events;
    int calls;
    struct io_end *victim;
};

static void on_io(void *cookie, unsigned events)
{
    struct io_end *e = cookie;

    e->events |= events;
    e->calls++;
    if (e->victim)
        loop_io_remove(e->loop, &e->victim->io);
}

/* A connected pair of which both ends are watched. */
static void pair_open(struct loop *l, struct io_end e[2])
{
    int fds[2];

    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    for (int i = 0; i < 2; i++) {
        e[i] = (struct io_end){.loop = l, .fd = fds[i]};
        CHECK_OK(loop_io_add(l, &e[i].io, fds[i], on_io, &e[i]));
        CHECK(e[i].io.added);
    }
}

static void pair_close(struct io_end e[2])
{
    for (int i = 0; i < 2; i++) {
        loop_io_remove(e[i].loop, &e[i].io);
        loop_io_remove(e[i].loop, &e[i].io);
        CHECK(!e[i].io.added);
        close(e[i].fd);
    }
}

TEST(io_reports_each_change_once)
{
    struct loop *l = loop_new(NULL);
    struct io_end e[2];

    pair_open(l, e);
    loop_step(l, 0);
    CHECK_INT(e[0].events, LOOP_WRITABLE);
    CHECK_INT(e[0].calls, 1);
    loop_step(l, 0);
    CHECK_INT(e[0].calls, 1);
    CHECK(write(e[1].fd, "x", 1) == 1);
    loop_step(l, INT64_MAX);
    CHECK_INT(e[0].events, LOOP_READABLE | LOOP_WRITABLE);
    CHECK_INT(e[0].calls, 2);
    loop_step(l, 0);
    CHECK_INT(e[0].calls, 2);
    pair_close(e);
    loop_free(l);
}

TEST(io_end_of_stream_is_readable)
{
    struct loop *l = loop_new(NULL);
    struct io_end e[2];

    pair_open(l, e);
    loop_step(l, 0);
    e[0].events = 0;
    shutdown(e[1].fd, SHUT_WR);
    loop_step(l, INT64_MAX);
    CHECK(e[0].events & LOOP_READABLE);
    pair_close(e);
    loop_free(l);
}

TEST(io_removed_in_the_same_batch_is_not_called)
{
    struct loop *l = loop_new(NULL);
    struct io_end e[2];

    pair_open(l, e);
    /* Both are writable at once; whichever is called first removes the other one. */
    e[0].victim = &e[1];
    e[1].victim = &e[0];
    loop_step(l, 0);
    CHECK_INT(e[0].calls + e[1].calls, 1);
    pair_close(e);
    loop_free(l);
}

TEST(io_may_remove_itself)
{
    struct loop *l = loop_new(NULL);
    struct io_end e[2];

    pair_open(l, e);
    e[0].victim = &e[0];
    loop_step(l, 0);
    CHECK(!e[0].io.added);
    CHECK(write(e[1].fd, "x", 1) == 1);
    loop_step(l, 0);
    CHECK_INT(e[0].calls, 1);
    pair_close(e);
    loop_free(l);
}

TEST(io_more_descriptors_than_a_batch_holds)
{
    enum { COUNT = 700 };
    static struct io_end e[COUNT];
    struct loop *l = loop_new(NULL);
    int called = 0;

    for (int i = 0; i < COUNT; i++) {
        e[i] = (struct io_end){.loop = l, .fd = eventfd(1, EFD_CLOEXEC)};
        CHECK_OK(loop_io_add(l, &e[i].io, e[i].fd, on_io, &e[i]));
    }
    for (int i = 0; i < 5; i++)
        loop_step(l, 0);
    for (int i = 0; i < COUNT; i++) {
        called += e[i].calls == 1;
        loop_io_remove(l, &e[i].io);
        close(e[i].fd);
    }
    CHECK_INT(called, COUNT);
    loop_free(l);
}

TEST(io_refused_descriptors_are_an_error)
{
    struct loop *l = loop_new(NULL);
    struct io_end e = {.loop = l};
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC);

    CHECK_ERR(loop_io_add(l, &e.io, -1, on_io, &e), ERR_IO);
    CHECK_ERR(loop_io_add(l, &e.io, file, on_io, &e), ERR_IO);
    CHECK(!e.io.added);
    loop_io_remove(l, &e.io);
    close(fd);
    close(file);
    loop_free(l);
}

static void close_before_remove(void *cookie)
{
    struct io_end *e = cookie;

    close(e->fd);
    loop_io_remove(e->loop, &e->io);
}

static void free_in_use(void *cookie)
{
    loop_free(cookie);
}

TEST(loop_misuse_ends_the_process)
{
    struct loop *l = loop_new(NULL);
    struct io_end e[2];

    pair_open(l, e);
    CHECK_DIES(close_before_remove, &e[0]);
    CHECK_DIES(free_in_use, l);
    pair_close(e);
    loop_free(l);
    loop_free(NULL);
}

/* --- messages and stopping */

TEST(posts_from_the_loop_itself_run_in_order)
{
    struct loop *l = loop_new(NULL);
    int log = 0;
    struct noter n[] = {{.n = 1, .log = &log}, {.n = 2, .log = &log}, {.n = 3, .log = &log}};

    for (int i = 0; i < 3; i++)
        loop_post(l, &n[i].task, on_note, &n[i]);
    loop_step(l, INT64_MAX);
    CHECK_INT(log, 123);
    loop_free(l);
}

static void on_post_again(void *cookie)
{
    struct noter *n = cookie;

    on_note(n);
    if (*n->log < 100)
        loop_post(n->loop, &n->task, on_post_again, n);
}

TEST(post_may_be_posted_again_from_its_callback)
{
    struct loop *l = loop_new(NULL);
    int log = 0;
    struct noter n = {.n = 1, .log = &log, .loop = l};

    loop_post(l, &n.task, on_post_again, &n);
    loop_step(l, INT64_MAX);
    CHECK_INT(log, 1);
    loop_step(l, INT64_MAX);
    loop_step(l, INT64_MAX);
    CHECK_INT(log, 111);
    loop_free(l);
}

TEST(posts_left_are_delivered_by_free)
{
    struct loop *l = loop_new(NULL);
    struct loop_task t = {0};
    int count = 0;

    loop_post(l, &t, on_count, &count);
    loop_free(l);
    CHECK_INT(count, 1);
}

enum { POSTERS = 4, POSTS = 5000 };

struct poster;

struct post {
    struct loop_task task;
    struct poster *from;
    int n;
};

struct poster {
    struct loop *loop;
    pthread_t thread;
    struct post *posts;
    int next;          /* on the loop: number of the next one */
    int *left;         /* on the loop: of all posters */
    bool out_of_order; /* on the loop */
    bool off_loop;
};

static void on_posted(void *cookie)
{
    struct post *p = cookie;

    p->from->out_of_order |= p->n != p->from->next++;
    p->from->off_loop |= !loop_is_current(p->from->loop);
    if (--*p->from->left == 0)
        loop_stop(p->from->loop);
}

static void *post_many(void *cookie)
{
    struct poster *p = cookie;

    if (loop_is_current(p->loop))
        return p;
    for (int i = 0; i < POSTS; i++)
        loop_post(p->loop, &p->posts[i].task, on_posted, &p->posts[i]);
    return NULL;
}

TEST(posts_from_threads_arrive_in_order_and_all)
{
    struct loop *l = loop_new(NULL);
    struct poster posters[POSTERS] = {0};
    int left = POSTERS * POSTS;
    void *failed;

    for (int i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){.loop = l, .left = &left};
        posters[i].posts = xcalloc(POSTS, sizeof(struct post));
        for (int j = 0; j < POSTS; j++)
            posters[i].posts[j] = (struct post){.from = &posters[i], .n = j};
        pthread_create(&posters[i].thread, NULL, post_many, &posters[i]);
    }
    loop_run(l);
    for (int i = 0; i < POSTERS; i++) {
        pthread_join(posters[i].thread, &failed);
        CHECK(!failed);
        CHECK_INT(posters[i].next, POSTS);
        CHECK(!posters[i].out_of_order && !posters[i].off_loop);
        free(posters[i].posts);
    }
    loop_free(l);
}

/* Two loops on two threads that hand one message to and fro: every post must wake a sleeper. */
struct rally {
    struct loop *loops[2];
    struct loop_task task;
    int at, left;
};

static void on_ball(void *cookie)
{
    struct rally *r = cookie;

    if (--r->left <= 0) {
        loop_stop(r->loops[1 - r->at]);
        loop_stop(r->loops[r->at]);
        return;
    }
    r->at = 1 - r->at;
    loop_post(r->loops[r->at], &r->task, on_ball, r);
}

static void *run_loop(void *cookie)
{
    loop_run(cookie);
    return NULL;
}

TEST(post_always_wakes_a_sleeping_loop)
{
    struct rally r = {.loops = {loop_new(NULL), loop_new(NULL)}, .left = 20000};
    pthread_t thread;

    pthread_create(&thread, NULL, run_loop, r.loops[1]);
    loop_post(r.loops[0], &r.task, on_ball, &r);
    loop_run(r.loops[0]);
    pthread_join(thread, NULL);
    CHECK_INT(r.left, 0);
    loop_free(r.loops[0]);
    loop_free(r.loops[1]);
}

TEST(stop_before_run_is_not_lost)
{
    struct loop *l = loop_new(NULL);
    struct loop_task t = {0};
    int count = 0;

    loop_defer(l, &t, on_count, &count);
    loop_stop(l);
    loop_run(l);
    CHECK_INT(count, 0);
    loop_step(l, 0);
    CHECK_INT(count, 1);
    loop_free(l);
}

static void *stop_loop(void *cookie)
{
    loop_stop(cookie);
    return NULL;
}

TEST(stop_from_another_thread_ends_a_sleeping_loop)
{
    for (int i = 0; i < 200; i++) {
        struct loop *l = loop_new(NULL);
        pthread_t thread;

        pthread_create(&thread, NULL, stop_loop, l);
        loop_run(l);
        pthread_join(thread, NULL);
        CHECK(!loop_is_current(l));
        loop_free(l);
    }
}
