/*
 * Threads around one queue.
 *
 * A mutex and one condition variable; a job costs far more than both.  A thread ends when a stop was
 * asked for and nothing is queued; a job that still runs then, and what it submits, is its own thread's.
 */
#include "ev/pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/list.h"
#include "base/mem.h"

enum { POOL_NAME_BYTES = 16 };

struct pool_job {
    struct list link;
    pool_fn *fn;
    void *cookie;
};

struct pool {
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* a job was queued, or it is time to end */
    struct list jobs;
    bool is_stopping;
    char name[POOL_NAME_BYTES];
    unsigned thread_count;
    pthread_t threads[];
};

/* Waits for the next job; NULL says that the thread should end.  The mutex is held. */
static struct pool_job *pool_next(struct pool *p)
{
    struct list *first;

    while (!(first = list_first(&p->jobs))) {
        if (p->is_stopping)
            return NULL;
        pthread_cond_wait(&p->changed, &p->mutex);
    }
    list_remove(first);
    return LIST_ENTRY(first, struct pool_job, link);
}

static void *pool_thread(void *cookie)
{
    struct pool *p = cookie;
    struct pool_job *job;

    pthread_setname_np(pthread_self(), p->name);
    pthread_mutex_lock(&p->mutex);
    while ((job = pool_next(p))) {
        pthread_mutex_unlock(&p->mutex);
        job->fn(job->cookie);
        free(job);
        pthread_mutex_lock(&p->mutex);
    }
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}

struct pool *pool_new(const char *name, unsigned threads)
{
    struct pool *p;

    ASSERT(threads > 0);
    p = xcalloc(1, sizeof(*p) + threads * sizeof(p->threads[0]));
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->changed, NULL);
    list_init(&p->jobs);
    snprintf(p->name, sizeof(p->name), "%.15s", name);
    p->thread_count = threads;
    for (unsigned i = 0; i < threads; i++)
        ASSERT(pthread_create(&p->threads[i], NULL, pool_thread, p) == 0);
    return p;
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->mutex);
    p->is_stopping = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->mutex);
    for (unsigned i = 0; i < p->thread_count; i++)
        pthread_join(p->threads[i], NULL);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->mutex);
    free(p);
}

void pool_submit(struct pool *p, pool_fn *fn, void *cookie)
{
    struct pool_job *job = NEW(struct pool_job);

    job->fn = fn;
    job->cookie = cookie;
    pthread_mutex_lock(&p->mutex);
    list_append(&p->jobs, &job->link);
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->mutex);
}
