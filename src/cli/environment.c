/*
 * Files and variables of `exec` (standalone.md; names and forms of csi.md).
 */
#include "cli/environment.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"
#include "cli/foreground.h"
#include "core/gitconfig.h"
#include "core/labels.h"
#include "kube/object.h"

#define ADDRESS_TIMEOUT_US (10 * TIME_US_PER_S)
#define ADDRESS_POLL_US 50000
#define FILE_MAX_BYTES ((size_t)1024 * 1024)

/* Why a Connector has no proxy address, from its conditions. */
static int no_address(const json_t *object, struct err *err)
{
    const json_t *proxy = kobj_condition(object, "ProxyServiceReady");
    const json_t *ready = kobj_condition(object, "Ready");
    struct str why = json_str(ready, "message"), reason = json_str(ready, "reason");

    if (str_eq(json_str(proxy, "reason"), STR("NonProxy")))
        return err_set(err, ERR_INVALID, "the class of Connector '%" STR_FMT "' has no proxy",
                       STR_ARG(kobj_name(object)));
    if (str_is_empty(reason))
        return err_set(err, ERR_TIMEOUT,
                       "Connector '%" STR_FMT "' has no condition yet; does the controller run?",
                       STR_ARG(kobj_name(object)));
    return err_set(err, ERR_TIMEOUT,
                   "Connector '%" STR_FMT "' has no proxy address yet: %" STR_FMT ": %" STR_FMT,
                   STR_ARG(kobj_name(object)), STR_ARG(reason), STR_ARG(why));
}

static int load_one(struct environment *e, struct session *s, struct str ns, struct str name,
                    struct err *err)
{
    int64_t deadline = time_mono_us() + ADDRESS_TIMEOUT_US;
    struct session_patience patience = {0};

    for (;;) {
        json_t *object JSON_OWNED = NULL;
        struct environment_connector c;
        struct str url;
        int rc = kube_get(s->client, &KUBE_CONNECTORS, ns, name, &object, err);

        if (rc < 0)
            return rc;
        url = json_str_at(object, "status", "proxy", "httpAddress", "url", NULL);
        if (url.n) {
            rc = connector_parse(object, &c.view, err);
            if (rc < 0)
                return rc;
            c.proxy_url = arena_str(e->arena, url);
            VEC_PUSH(&e->connectors, c);
            return 0;
        }
        if (time_mono_us() > deadline)
            return no_address(object, err);
        session_patience_tell(
            &patience, "waiting for the proxy address of Connector '%" STR_FMT "'", STR_ARG(name));
        if (foreground_pending())
            return err_set(err, ERR_CANCELLED, "interrupted");
        usleep(ADDRESS_POLL_US);
    }
}

int environment_load(struct environment *e, struct session *s, const struct option_list *names,
                     struct err *err)
{
    VEC_EACH(names, text)
    {
        struct str name = str_c(*text), ns = s->ns;
        int rc;

        if (str_index(name, '/') >= 0)
            ns = str_cut(&name, '/');
        if (str_is_empty(ns) || str_is_empty(name) || str_index(name, '/') >= 0)
            return err_set(err, ERR_USAGE, "-c: '%s' is not [NAMESPACE/]NAME", *text);
        rc = load_one(e, s, ns, name, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

void environment_fini(struct environment *e)
{
    VEC_EACH(&e->connectors, c)
    {
        connector_unref(c->view);
    }
    VEC_FINI(&e->connectors);
}

int environment_write_files(const struct environment *e, const struct secret *token,
                            struct err *err)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct gitconfig_entry *entries = ARENA_ARRAY(a, struct gitconfig_entry, e->connectors.n);
    struct buf text = BUF_INIT(FILE_MAX_BYTES);
    int rc;

    if (!e->gitconfig)
        return 0;
    for (size_t i = 0; i < e->connectors.n; i++)
        entries[i] = (struct gitconfig_entry){.address = e->connectors.p[i].view->address.text,
                                              .proxy_url = e->connectors.p[i].proxy_url};
    gitconfig_render(entries, e->connectors.n, token, &text);
    rc = fd_write_file(arena_fmt(a, "%s/.gitconfig", e->dir).p, buf_str(&text), 0600, err);
    buf_wipe(&text);
    return rc;
}

/* Whether clients that honour no_proxy take `entry` for `host`: the host, or a domain it is in. */
static bool is_matched(struct str entry, struct str host)
{
    if (str_eq(entry, host))
        return true;
    if (!str_starts(entry, STR(".")))
        return str_ends(host, entry) && host.n > entry.n && host.p[host.n - entry.n - 1] == '.';
    return str_ends(host, entry);
}

static bool hides_connector(const struct environment *e, struct str entry)
{
    VEC_EACH(&e->connectors, c)
    {
        if (is_matched(entry, c->view->address.host))
            return true;
        for (size_t i = 0; i < c->view->extension_count; i++)
            if (is_matched(entry, c->view->extensions[i].host))
                return true;
    }
    return false;
}

struct str environment_no_proxy(const struct environment *e, struct str api_host)
{
    const struct str hosts[] = {STR("localhost"), STR("127.0.0.1"),          STR("::1"),
                                STR(".svc"),      STR(".svc.cluster.local"), api_host};
    struct buf list = BUF_INIT(4096);
    struct str result;

    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        bool repeated = false;

        for (size_t j = 0; j < i; j++)
            repeated |= str_eq(hosts[i], hosts[j]);
        if (repeated || str_is_empty(hosts[i]) || hides_connector(e, hosts[i]))
            continue;
        if (buf_str(&list).n)
            buf_add_char(&list, ',');
        buf_add_str(&list, hosts[i]);
    }
    result = arena_str(e->arena, buf_str(&list));
    buf_fini(&list);
    return result;
}

/* Sets a variable in lower and upper case. */
static void set_both(const char *lower, const char *upper, const char *value)
{
    setenv(lower, value, 1);
    setenv(upper, value, 1);
}

/* "http://{ns}%2F{name}[,…]:{token}@{host:port}" in `url`. */
static void format_proxy_url(const struct environment *e, const struct secret *token,
                             struct buf *url)
{
    struct str authority = str_skip(e->connectors.p[0].proxy_url, STR("http://").n);

    buf_add_c(url, "http://");
    for (size_t i = 0; i < e->connectors.n; i++) {
        const struct connector *c = e->connectors.p[i].view;

        buf_addf(url, "%s%" STR_FMT "%%2F%" STR_FMT, i ? "," : "", STR_ARG(c->ns),
                 STR_ARG(c->name));
    }
    buf_add_char(url, ':');
    buf_add_str(url, secret_expose(token));
    buf_add_char(url, '@');
    buf_add_str(url, str_cut(&authority, '/'));
}

/* Lets git include our file besides what the user's own configuration and environment say. */
static void export_gitconfig(const struct environment *e)
{
    uint64_t count = 0;

    (void)!str_to_u64(str_c(getenv("GIT_CONFIG_COUNT")), 10000, &count);
    setenv(arena_fmt(e->arena, "GIT_CONFIG_KEY_%d", (int)count).p, "include.path", 1);
    setenv(arena_fmt(e->arena, "GIT_CONFIG_VALUE_%d", (int)count).p,
           arena_fmt(e->arena, "%s/.gitconfig", e->dir).p, 1);
    setenv("GIT_CONFIG_COUNT", arena_fmt(e->arena, "%d", (int)count + 1).p, 1);
}

void environment_export(const struct environment *e, const struct secret *token,
                        struct str api_host)
{
    struct buf url = BUF_INIT(FILE_MAX_BYTES);

    format_proxy_url(e, token, &url);
    set_both("http_proxy", "HTTP_PROXY", buf_c(&url));
    set_both("https_proxy", "HTTPS_PROXY", buf_c(&url));
    buf_wipe(&url);
    set_both("no_proxy", "NO_PROXY", environment_no_proxy(e, api_host).p);
    setenv("CONNECTORS_DIR", e->dir, 1);
    if (e->gitconfig)
        export_gitconfig(e);
}
