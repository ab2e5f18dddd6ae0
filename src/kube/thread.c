/*
 * A loop on a thread of its own with a client on it, for commands and other callers that block.
 *
 * Client and loop are made before the thread starts and freed after it has ended, so that failures are
 * plain return values and nothing is shared while both threads could touch it.
 */
#include <pthread.h>

#include "kube/client.h"

struct kube_thread {
    struct loop *loop;
    struct kube_client *client;
    pthread_t thread;
};

static void *thread_main(void *cookie)
{
    struct kube_thread *t = cookie;

    pthread_setname_np(pthread_self(), "kube");
    loop_run(t->loop);
    return NULL;
}

static void thread_free(struct kube_thread *t)
{
    kube_client_free(t->client);
    loop_free(t->loop);
    free(t);
}

int kube_thread_start(const struct kube_config *config, const char *user_agent,
                      struct kube_thread **ret_thread, struct err *err)
{
    struct kube_thread *t = NEW(struct kube_thread);
    int rc;

    t->loop = loop_new(NULL);
    rc = kube_client_new(t->loop, config, user_agent, &t->client, err);
    if (rc == 0) {
        rc = pthread_create(&t->thread, NULL, thread_main, t);
        if (rc)
            rc = err_errno(err, rc, "start a thread");
    }
    if (rc < 0) {
        thread_free(t);
        return rc;
    }
    *ret_thread = t;
    return 0;
}

struct kube_client *kube_thread_client(struct kube_thread *t)
{
    return t->client;
}

void kube_thread_stop(struct kube_thread *t)
{
    if (!t)
        return;
    loop_stop(t->loop);
    pthread_join(t->thread, NULL);
    thread_free(t);
}
