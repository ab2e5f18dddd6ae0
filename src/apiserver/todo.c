/*
 * Sets of keys to look at.
 */
#include "apiserver/todo.h"

#include "base/log.h"
#include "base/time.h"

#define BATCH 128
#define RETRY_US (500 * TIME_US_PER_MS)

void todo_init(struct todo *t, struct loop *loop, todo_fn *fn, void *cookie)
{
    *t = (struct todo){
        .loop = loop, .now = map_new(), .later = map_new(), .fn = fn, .cookie = cookie};
    t->writes = map_new();
}

static void free_write(struct todo_write *w)
{
    free(w->key);
    free(w->tag);
    free(w);
}

static void abandon_write(void *value)
{
    struct todo_write *w = value;

    registry_abandon(w->op);
    free_write(w);
}

void todo_fini(struct todo *t)
{
    map_free_with(t->writes, abandon_write);
    loop_defer_cancel(t->loop, &t->task);
    loop_timer_cancel(t->loop, &t->timer);
    map_free(t->now);
    map_free(t->later);
    t->now = t->later = t->writes = NULL;
}

static void run(void *cookie)
{
    struct todo *t = cookie;
    struct map *batch = map_new();
    struct map_iter it = {0};

    while (map_len(batch) < BATCH && map_next(t->now, &it)) {
        map_put(batch, it.key, t);
        map_del(t->now, it.key);
    }
    it = (struct map_iter){0};
    while (map_next(batch, &it))
        t->fn(t->cookie, it.key);
    map_free(batch);
    if (map_len(t->now) > 0)
        loop_defer(t->loop, &t->task, run, t);
}

void todo_add(struct todo *t, struct str key)
{
    map_put(t->now, key, t);
    loop_defer(t->loop, &t->task, run, t);
}

static void on_timer(void *cookie)
{
    struct todo *t = cookie;
    struct map_iter it = {0};

    while (map_next(t->later, &it)) {
        todo_add(t, it.key);
        map_del(t->later, it.key);
    }
}

/* Looks at the key in half a second. */
static void add_later(struct todo *t, struct str key)
{
    map_put(t->later, key, t);
    if (!loop_timer_is_started(&t->timer))
        loop_timer_start(t->loop, &t->timer, RETRY_US, on_timer, t);
}

bool todo_is_busy(const struct todo *t, struct str tag)
{
    return map_get(t->writes, tag) != NULL;
}

size_t todo_writes(const struct todo *t)
{
    return map_len(t->writes);
}

struct todo_write *todo_track(struct todo *t, struct str key, struct str tag)
{
    struct todo_write *w = NEW(struct todo_write);

    w->todo = t;
    w->key = str_dup(key);
    w->tag = str_dup(tag);
    map_put(t->writes, tag, w);
    return w;
}

void todo_on_written(void *cookie, const struct registry_result *result)
{
    struct todo_write *w = cookie;
    struct todo *t = w->todo;

    map_del(t->writes, str_c(w->tag));
    if (result->rc == -ERR_CANCELLED) { /* the server stops; the next start looks at everything */
        free_write(w);
        return;
    }
    if (result->rc < 0 && result->rc != -ERR_NOTFOUND && result->rc != -ERR_CONFLICT) {
        log_warn("Could not write what the state of objects asks for", LOG_C("key", w->key),
                 LOG_S("error", json_str(result->status, "message")));
        add_later(t, str_c(w->key));
    } else {
        todo_add(t, str_c(w->key));
    }
    free_write(w);
}
