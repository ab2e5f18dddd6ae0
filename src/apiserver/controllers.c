/*
 * The controllers of the server, and the expiry of Events.
 */
#include "apiserver/controllers.h"

#include "apiserver/accounts.h"
#include "apiserver/aggregation.h"
#include "apiserver/bootstrap.h"
#include "apiserver/gc.h"
#include "apiserver/nslife.h"
#include "apiserver/registry.h"
#include "apiserver/server.h"
#include "apiserver/todo.h"
#include "base/time.h"
#include "kube/object.h"

#define EXPIRY_EVERY_US (30 * TIME_US_PER_S)
#define EXPIRY_MAX 500 /* Events removed at once */

struct controllers {
    struct apiserver *server;
    struct nslife *nslife;
    struct gc *gc;
    struct accounts *accounts;
    struct aggregation *aggregation;
    struct bootstrap *bootstrap;
    struct todo expiry; /* its writes are removals of Events */
    struct loop_timer timer;
};

/* --- Events go some time after they were last seen */

static int64_t time_at(const json_t *object, const char *a, const char *b)
{
    struct str text = json_str_at(object, a, b, NULL);
    int64_t us;

    return text.n && time_parse(text, &us) == 0 ? us : 0;
}

static int64_t last_seen_us(const json_t *event)
{
    int64_t created = time_at(event, "metadata", "creationTimestamp");
    int64_t last = time_at(event, "lastTimestamp", NULL);
    int64_t series = time_at(event, "series", "lastObservedTime");

    last = MAX(last, series);
    return MAX(created, last);
}

struct expiry {
    struct controllers *c;
    const struct kind *kind;
    int64_t before_us;
};

static bool expire(void *cookie, const json_t *event)
{
    struct expiry *x = cookie;
    struct controllers *c = x->c;
    struct registry_request req = {.kind = x->kind, .ns = kobj_ns(event), .name = kobj_name(event)};
    struct registry_deletion deletion = {.uid = kobj_uid(event),
                                         .resource_version = kobj_rv(event)};

    if (last_seen_us(event) >= x->before_us || todo_is_busy(&c->expiry, deletion.uid))
        return true;
    struct todo_write *w = todo_track(&c->expiry, STR("events"), deletion.uid);
    w->op = registry_delete(c->server->registry, &req, &deletion, todo_on_written, w);
    return todo_writes(&c->expiry) < EXPIRY_MAX;
}

static void on_timer(void *cookie)
{
    struct controllers *c = cookie;
    struct expiry x = {
        .c = c,
        .kind = kinds_find(c->server->kinds, STR_NONE, STR("v1"), STR("events")),
        .before_us = loop_wall_us(c->server->loop) - (int64_t)c->server->conf.event_ttl_us,
    };

    if (c->server->conf.event_ttl_us && todo_writes(&c->expiry) == 0)
        registry_each(c->server->registry, x.kind, STR_NONE, expire, &x);
    loop_timer_start(c->server->loop, &c->timer, EXPIRY_EVERY_US, on_timer, c);
}

/* A removal has ended; what is left comes with the timer. */
static void ignore(void *cookie, struct str key)
{
}

/* --- all of them */

struct controllers *controllers_new(struct apiserver *server, void (*on_ready)(void *cookie),
                                    void *cookie)
{
    struct controllers *c = NEW(struct controllers);

    c->server = server;
    todo_init(&c->expiry, server->loop, ignore, c);
    c->nslife = nslife_new(server);
    c->gc = gc_new(server);
    c->accounts = accounts_new(server);
    c->aggregation = aggregation_new(server);
    c->bootstrap = bootstrap_start(server, on_ready, cookie);
    loop_timer_start(server->loop, &c->timer, EXPIRY_EVERY_US, on_timer, c);
    return c;
}

void controllers_free(struct controllers *c)
{
    if (!c)
        return;
    loop_timer_cancel(c->server->loop, &c->timer);
    bootstrap_free(c->bootstrap);
    aggregation_free(c->aggregation);
    accounts_free(c->accounts);
    gc_free(c->gc);
    nslife_free(c->nslife);
    todo_fini(&c->expiry);
    free(c);
}
