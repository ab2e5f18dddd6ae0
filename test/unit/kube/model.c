/*
 * The collection of model.h.
 */
#include "model.h"

#include <stdio.h>

#include "unit.h"

static void list_objects(struct model *m, struct fake_request *r);
static void watch_objects(struct model *m, struct fake_request *r);

static void handle(void *cookie, struct fake_request *r)
{
    struct model *m = cookie;

    snprintf(m->last_accept, sizeof(m->last_accept), "%" STR_FMT, STR_ARG(r->accept));
    if (str_eq_c(fake_param(r, "watch"), "true"))
        watch_objects(m, r);
    else
        list_objects(m, r);
}

void model_init(struct model *m, uint64_t seed)
{
    *m = (struct model){.seed = seed * 2654435769u + 1, .rv = 100, .fail_status = 503};
    m->objects = map_new();
    m->f = fake_new(handle, m);
}

static void object_free(void *value)
{
    json_decref(value);
}

void model_fini(struct model *m)
{
    fake_free(m->f);
    map_free_with(m->objects, object_free);
    VEC_EACH(&m->log, e)
    {
        json_decref(e->object);
    }
    VEC_FINI(&m->log);
}

uint64_t model_draw(struct model *m, uint64_t bound)
{
    m->seed ^= m->seed << 13;
    m->seed ^= m->seed >> 7;
    m->seed ^= m->seed << 17;
    return m->seed % bound;
}

static json_t *make(struct model *m, const char *name, int value)
{
    char rv[24];

    snprintf(rv, sizeof(rv), "%llu", (unsigned long long)m->rv);
    return json_pack("{s:{s:s,s:s,s:s,s:s,s:[]},s:{s:i}}", "metadata", "name", name, "namespace",
                     "ns", "uid", name, "resourceVersion", rv, "managedFields", "data", "v", value);
}

static void record(struct model *m, const char *type, json_t *object)
{
    struct model_event e = {.rv = m->rv, .type = type, .object = object};

    VEC_PUSH(&m->log, e);
}

void model_put(struct model *m, const char *name, int value)
{
    json_t *object, *old;

    m->rv++;
    object = make(m, name, value);
    old = map_put(m->objects, str_c(name), json_incref(object));
    record(m, old ? "MODIFIED" : "ADDED", object);
    json_decref(old);
}

void model_del(struct model *m, const char *name)
{
    json_t *old = map_del(m->objects, str_c(name));

    if (!old)
        return;
    m->rv++;
    record(m, "DELETED", make(m, name, 0));
    json_decref(old);
}

/* --- list: names in order, so that pages are stable */

static int by_name(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static size_t sorted_names(struct model *m, struct str *names)
{
    struct map_iter it = {0};
    size_t n = 0;

    while (map_next(m->objects, &it))
        names[n++] = it.key;
    qsort(names, n, sizeof(*names), by_name);
    return n;
}

/* Items after `after`, at most `limit`; returns the last name when there are more. */
static struct str add_items(struct model *m, struct arena *a, json_t *items, struct str after,
                            uint64_t limit)
{
    struct str *names = ARENA_ARRAY(a, struct str, map_len(m->objects) + 1);
    size_t n = sorted_names(m, names);
    struct str last = STR_NONE;

    for (size_t i = 0; i < n; i++) {
        if (str_cmp(names[i], after) <= 0)
            continue;
        if (limit && json_array_size(items) == limit)
            return last;
        json_array_append(items, map_get(m->objects, names[i]));
        last = names[i];
    }
    return STR_NONE;
}

static void list_objects(struct model *m, struct fake_request *r)
{
    struct str token = fake_param(r, "continue");
    uint64_t limit = 0;
    char rv[24];
    json_t *list, *items;
    struct str next;

    if (str_eq_c(fake_param(r, "limit"), "1") && !token.n &&
        str_find(r->accept, STR("PartialObjectMetadataList")) >= 0) {
        m->probes++;
        if (m->fail_probes) {
            m->fail_probes--;
            fake_status(r, m->fail_status, "", "probe failure");
        } else {
            fake_answer(r, 200, "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":null}");
        }
        return;
    }
    m->pages++;
    if (!token.n)
        m->lists++;
    snprintf(m->last_list, sizeof(m->last_list), "%" STR_FMT, STR_ARG(r->query));
    if (token.n && m->expire_pages) {
        m->expire_pages--;
        fake_status(r, 410, "Expired", "the continue token is too old");
        return;
    }
    if (m->fail_lists) {
        m->fail_lists--;
        fake_status(r, m->fail_status, "", "list failure");
        return;
    }
    CHECK(str_to_u64(fake_param(r, "limit"), 100000, &limit) == 0);
    snprintf(rv, sizeof(rv), "%llu", (unsigned long long)m->rv);
    items = json_array();
    next = add_items(m, r->arena, items, token, limit);
    list = json_pack("{s:s,s:{s:s}}", "kind", "SecretList", "metadata", "resourceVersion", rv);
    if (next.n)
        json_set_str(json_object_get(list, "metadata"), "continue", next);
    json_set(list, "items", json_array_size(items) ? json_incref(items) : json_null());
    json_decref(items);
    fake_answer_json(r, 200, list);
}

/* --- watch */

static void send_event(struct model *m, const char *type, const json_t *object)
{
    struct buf b = BUF_INIT(1024 * 1024);

    buf_addf(&b, "{\"type\":\"%s\",\"object\":", type);
    json_format(object, &b);
    buf_add_c(&b, "}\n");
    fake_send(m->watch, buf_str(&b));
    buf_fini(&b);
}

static void watch_objects(struct model *m, struct fake_request *r)
{
    uint64_t from = 0, timeout = 0;

    m->watches++;
    CHECK_STR(fake_param(r, "allowWatchBookmarks"), "true");
    CHECK(str_to_u64(fake_param(r, "resourceVersion"), UINT64_MAX, &from) == 0);
    CHECK(str_to_u64(fake_param(r, "timeoutSeconds"), 100000, &timeout) == 0);
    m->watch_from = from;
    m->watch_timeout_s = (unsigned)timeout;
    if (m->silent_watches) {
        m->silent_watches--;
        return;
    }
    if (m->fail_watches) {
        m->fail_watches--;
        fake_status(r, m->fail_status, "", "watch failure");
        return;
    }
    fake_stream(r);
    m->watch = r;
    m->watch_sent = from;
    if (from < m->compacted) {
        fake_send(r, STR("{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,"
                         "\"reason\":\"Expired\",\"message\":\"too old\"}}\n"));
        fake_end(r);
        m->watch = NULL;
    }
}

/* Ends the watch in one of the ways watches end. */
static void break_watch(struct model *m)
{
    struct fake_request *r = TAKE(m->watch);

    switch (model_draw(m, 6)) {
    case 0:
        fake_end(r);
        return;
    case 1:
        fake_send(r, STR("{\"type\":\"ADDED\",\"object\":{\"meta"));
        fake_cut(r);
        return;
    case 2:
        fake_send(r, STR("garbage\n"));
        return;
    case 3:
        m->compacted = m->rv;
        fake_send(r, STR("{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,"
                         "\"reason\":\"Gone\"}}\n"));
        return;
    case 4:
        fake_send(r, STR("{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":500}}\n"));
        return;
    default:
        fake_cut(r);
        return;
    }
}

/* Events again or out of order: what the reflector has been told before. */
static void send_old_news(struct model *m)
{
    size_t n = m->log.n;

    for (int i = 0; i < 3 && n; i++) {
        const struct model_event *e = &m->log.p[model_draw(m, n)];

        if (e->rv <= m->watch_sent)
            send_event(m, e->type, e->object);
    }
}

void model_flush(struct model *m)
{
    VEC_EACH(&m->log, e)
    {
        if (!m->watch || !m->watch->x)
            m->watch = NULL;
        if (!m->watch)
            return;
        if (e->rv <= m->watch_sent)
            continue;
        if (m->chaos && model_draw(m, 20) == 0) {
            break_watch(m);
            return;
        }
        send_event(m, e->type, e->object);
        m->watch_sent = e->rv;
        if (m->chaos && model_draw(m, 10) == 0)
            send_old_news(m);
    }
}

void model_bookmark(struct model *m)
{
    char text[160];

    if (!m->watch)
        return;
    model_flush(m);
    if (!m->watch)
        return;
    snprintf(text, sizeof(text),
             "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Secret\",\"metadata\":"
             "{\"resourceVersion\":\"%llu\"}}}\n",
             (unsigned long long)m->rv);
    fake_send(m->watch, str_c(text));
}
