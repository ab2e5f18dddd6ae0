/*
 * Builds the parts in order, and feeds the stored log to them.
 */
#include "apiserver/server.h"

#include "apiserver/authn.h"
#include "apiserver/authz.h"
#include "apiserver/builtin.h"
#include "apiserver/cache.h"
#include "apiserver/controllers.h"
#include "apiserver/crd.h"
#include "apiserver/registry.h"
#include "apiserver/rest.h"
#include "apiserver/seal.h"
#include "apiserver/storage.h"
#include "apiserver/tokens.h"

#define COMPACT_EVERY 5000 /* revisions */

/* The kind whose objects have keys like this one ("/registry/<group>/<plural>/…"), or NULL. */
static const struct kind *kind_of_key(const struct kinds *ks, struct str key)
{
    key = str_skip(key, sizeof("/registry/") - 1);
    struct str group = str_cut(&key, '/');
    struct str plural = str_cut(&key, '/');

    return kinds_find_any(ks, str_eq(group, STR("core")) ? STR("") : group, plural);
}

static int load_row(struct apiserver *s, const struct storage_row *row, struct err *err)
{
    struct buf plain = BUF_INIT(BUF_NO_LIMIT);
    json_t *object = NULL;
    int rc = seal_decode(s->seal, row->key, row->value, &plain, err);

    if (rc == 0)
        rc = json_parse(buf_str(&plain), &object, err);
    buf_wipe(&plain);
    if (rc < 0)
        return err_wrap(err, rc, "read stored object %" STR_FMT, STR_ARG(row->key));
    struct cache_event *e =
        cache_apply(s->cache, row->key, row->rev, row->is_delete, object, row->value.n);
    if (!e)
        return 0;
    const struct kind *k = kind_of_key(s->kinds, row->key);
    if (k && k->hooks && k->hooks->after_commit)
        k->hooks->after_commit(s, e->old, row->is_delete ? NULL : e->object);
    cache_event_unref(e);
    return 0;
}

static void on_load(void *cookie, const struct storage_row *row)
{
    struct apiserver *s = cookie;
    struct err err = {0};

    if (load_row(s, row, &err) < 0 && s->load_error.code == ERR_OK)
        s->load_error = err;
}

static void on_compact(void *cookie, uint64_t rev)
{
    struct apiserver *s = cookie;

    /* While running, the ring in memory has its own bounds; at start it can begin only here. */
    if (!s->storage)
        cache_set_floor(s->cache, rev);
}

static void on_failure(void *cookie, const struct err *err)
{
    struct apiserver *s = cookie;

    s->conf.on_failure(s->conf.cookie, err);
}

static void on_ready(void *cookie)
{
    struct apiserver *s = cookie;

    rest_set_ready(s->rest, true);
    if (s->conf.on_ready)
        s->conf.on_ready(s->conf.cookie);
}

static int open_storage(struct apiserver *s, struct err *err)
{
    struct storage_conf conf = {
        .path = s->conf.database,
        .loop = s->loop,
        .keep_revisions = s->conf.history_events,
        .compact_every = COMPACT_EVERY,
        .on_load = on_load,
        .on_compact = on_compact,
        .on_failure = on_failure,
        .cookie = s,
    };
    int rc = storage_open(&conf, &s->storage, err);

    if (rc < 0)
        return rc;
    cache_set_rev(s->cache, storage_rev(s->storage));
    if (s->load_error.code != ERR_OK) {
        *err = s->load_error;
        return -(int)err->code;
    }
    return 0;
}

int server_new(struct loop *loop, const struct apiserver_conf *conf, struct apiserver **ret_server,
               struct err *err)
{
    struct apiserver *s = NEW(struct apiserver);

    s->conf = *conf;
    s->loop = loop;
    s->seal = seal_new(conf->seal_key);
    s->kinds = kinds_new();
    builtin_add(s->kinds);
    s->cache = cache_new(conf->history_events, conf->history_bytes);
    s->registry = registry_new(s);
    s->crds = crd_new(s);
    int rc = open_storage(s, err);
    if (rc < 0) {
        server_free(s);
        return rc;
    }
    s->tokens = tokens_new(s);
    s->authz = authz_new(s);
    s->authn = authn_new(s);
    s->rest = rest_new(s);
    s->controllers = controllers_new(s, on_ready, s);
    *ret_server = s;
    return 0;
}

void server_free(struct apiserver *s)
{
    if (!s)
        return;
    registry_stop(s->registry);
    controllers_free(s->controllers);
    rest_free(s->rest);
    storage_close(s->storage);
    authn_free(s->authn);
    authz_free(s->authz);
    tokens_free(s->tokens);
    registry_free(s->registry);
    crd_free(s->crds);
    cache_free(s->cache);
    kinds_free(s->kinds);
    seal_free(s->seal);
    free(s);
}
