/*
 * The thread pool: every job runs, the pool waits for all of them, order with one thread.
 */
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>

#include "ev/loop.h"
#include "ev/pool.h"

static void on_count(void *cookie)
{
    atomic_fetch_add((atomic_int *)cookie, 1);
}

TEST(pool_runs_every_job_before_it_ends)
{
    atomic_int count = 0;

    for (unsigned threads = 1; threads <= 8; threads *= 2) {
        struct pool *p = pool_new("test", threads);

        atomic_store(&count, 0);
        for (int i = 0; i < 2000; i++)
            pool_submit(p, on_count, &count);
        pool_free(p);
        CHECK_INT(atomic_load(&count), 2000);
    }
}

TEST(pool_without_jobs_ends)
{
    pool_free(pool_new("test", 3));
    pool_free(NULL);
}

static void make_without_threads(void *cookie UNUSED)
{
    pool_free(pool_new("test", 0));
}

TEST(pool_without_threads_ends_the_process)
{
    CHECK_DIES(make_without_threads, NULL);
}

struct chain {
    struct pool *pool;
    int left;
    atomic_int ran;
};

static void on_submit_next(void *cookie)
{
    struct chain *c = cookie;

    atomic_fetch_add(&c->ran, 1);
    if (--c->left > 0)
        pool_submit(c->pool, on_submit_next, c);
}

TEST(pool_waits_for_jobs_submitted_by_jobs)
{
    for (unsigned threads = 1; threads <= 4; threads++) {
        struct chain c = {.pool = pool_new("test", threads), .left = 500};

        pool_submit(c.pool, on_submit_next, &c);
        pool_free(c.pool);
        CHECK_INT(atomic_load(&c.ran), 500);
    }
}

struct numbered {
    int n;
    int *log;
};

static void on_note(void *cookie)
{
    struct numbered *n = cookie;

    *n->log = *n->log * 10 + n->n;
}

TEST(pool_with_one_thread_keeps_the_order)
{
    struct pool *p = pool_new("test", 1);
    int log = 0;
    struct numbered n[] = {{1, &log}, {2, &log}, {3, &log}, {4, &log}};

    for (size_t i = 0; i < ARRAY_LEN(n); i++)
        pool_submit(p, on_note, &n[i]);
    pool_free(p);
    CHECK_INT(log, 1234);
}

static void on_meet(void *cookie)
{
    pthread_barrier_wait(cookie);
}

TEST(pool_runs_as_many_jobs_at_once_as_it_has_threads)
{
    struct pool *p = pool_new("test", 4);
    pthread_barrier_t barrier;

    pthread_barrier_init(&barrier, NULL, 5);
    for (int i = 0; i < 4; i++)
        pool_submit(p, on_meet, &barrier);
    pthread_barrier_wait(&barrier);
    pool_free(p);
    pthread_barrier_destroy(&barrier);
}

struct thread_name {
    char text[16];
};

static void on_name(void *cookie)
{
    struct thread_name *name = cookie;

    pthread_getname_np(pthread_self(), name->text, sizeof(name->text));
}

TEST(pool_names_its_threads_and_cuts_long_names)
{
    struct thread_name name = {""};
    struct pool *p = pool_new("reconcile-connectors", 1);

    pool_submit(p, on_name, &name);
    pool_free(p);
    CHECK_STR(name.text, "reconcile-conne");
}

struct job {
    struct loop *loop;
    struct loop_task done;
    int *left;
    int result;
};

static void on_done(void *cookie)
{
    struct job *j = cookie;

    if (--*j->left == 0)
        loop_stop(j->loop);
}

static void on_work(void *cookie)
{
    struct job *j = cookie;

    j->result *= 2;
    loop_post(j->loop, &j->done, on_done, j);
}

TEST(pool_jobs_report_to_a_loop)
{
    enum { JOBS = 1000 };
    struct loop *l = loop_new(NULL);
    struct pool *p = pool_new("test", 3);
    static struct job jobs[JOBS];
    int left = JOBS;
    bool is_right = true;

    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct job){.loop = l, .left = &left, .result = i};
        pool_submit(p, on_work, &jobs[i]);
    }
    loop_run(l);
    pool_free(p);
    loop_free(l);
    for (int i = 0; i < JOBS; i++)
        is_right &= jobs[i].result == 2 * i;
    CHECK(is_right);
}
