/*
 * Where a kubeconfig is looked for: the first place that has one wins.
 *
 *      --kubeconfig, $KUBECONFIG, the Pod's ServiceAccount, <data dir>/kubeconfig, ~/.kube/config
 *
 * A file that is named explicitly must exist.  A place that has a broken file ends the search: going on
 * would silently talk to another server.
 */
#include <unistd.h>

#include "base/fd.h"
#include "kube/config.h"

#define POD_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

enum { POD_FILE_MAX_BYTES = 1024 * 1024 };

struct search {
    struct kube_config **ret;
    struct err *err;
    struct buf tried; /* for the message when nothing is found */
};

static const char *env(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

static void note(struct search *s, const char *place)
{
    if (s->tried.len)
        buf_add_c(&s->tried, ", ");
    buf_add_c(&s->tried, place);
}

/* 1 loaded, 0 not there, <0 there but unusable. */
static int try_file(struct search *s, const char *path)
{
    int rc;

    if (access(path, F_OK) == -1) {
        note(s, path);
        return 0;
    }
    rc = kube_config_load_file(path, s->ret, s->err);
    return rc < 0 ? rc : 1;
}

static int try_env(struct search *s)
{
    struct str list = str_c(env("KUBECONFIG"));
    int rc = 0;

    if (!list.n)
        note(s, "$KUBECONFIG (not set)");
    while (rc == 0 && list.p) {
        struct str path = str_cut(&list, ':');
        char *p CLEANUP(freep) = str_dup(path);

        if (path.n)
            rc = try_file(s, p);
    }
    return rc;
}

static int read_pod_file(struct arena *a, const char *path, struct str *ret, struct err *err)
{
    struct buf b = BUF_INIT(POD_FILE_MAX_BYTES);
    int rc = fd_read_file(path, &b, err);

    if (rc == 0)
        *ret = arena_str(a, str_trim_space(buf_str(&b)));
    buf_fini(&b);
    return rc;
}

static int load_pod(const char *host, const char *port, struct kube_config *c, struct err *err)
{
    bool is_ip6 = str_index(str_c(host), ':') >= 0;
    int rc;

    c->source = STR("in-cluster");
    c->server = arena_fmt(c->arena, is_ip6 ? "https://[%s]:%s" : "https://%s:%s", host, port);
    rc = url_parse(c->server, &c->url, err);
    if (rc < 0)
        return err_wrap(err, -ERR_BADREQUEST, "in-cluster: $KUBERNETES_SERVICE_HOST and _PORT");
    rc = read_pod_file(c->arena, POD_DIR "/ca.crt", &c->ca_pem, err);
    if (rc < 0)
        return err_wrap(err, rc, "in-cluster: certificate authority");
    c->token_file = STR(POD_DIR "/token");
    if (read_pod_file(c->arena, POD_DIR "/namespace", &c->ns, NULL) < 0 || !c->ns.n)
        c->ns = STR("default");
    return 0;
}

static int try_pod(struct search *s)
{
    const char *host = env("KUBERNETES_SERVICE_HOST");
    const char *port = env("KUBERNETES_SERVICE_PORT");
    struct kube_config *c CLEANUP(kube_config_freep) = NULL;
    int rc;

    if (!host || !port || access(POD_DIR "/token", F_OK) == -1) {
        note(s, "in-cluster (not in a Pod)");
        return 0;
    }
    c = NEW(struct kube_config);
    c->arena = arena_new();
    rc = load_pod(host, port, c, s->err);
    if (rc < 0)
        return rc;
    *s->ret = TAKE(c);
    return 1;
}

static int try_data_dir(struct search *s, const char *given)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct str dir = kube_data_dir(a, given);

    return try_file(s, arena_fmt(a, "%" STR_FMT "/kubeconfig", STR_ARG(dir)).p);
}

static int try_home(struct search *s)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    const char *home = env("HOME");

    return home ? try_file(s, arena_fmt(a, "%s/.kube/config", home).p) : 0;
}

int kube_config_load(const struct kube_config_where *where, struct kube_config **ret_config,
                     struct err *err)
{
    struct search s = {.ret = ret_config, .err = err, .tried = BUF_INIT(4096)};
    int rc;

    if (where->path)
        return kube_config_load_file(where->path, ret_config, err);
    rc = try_env(&s);
    if (rc == 0)
        rc = try_pod(&s);
    if (rc == 0)
        rc = try_data_dir(&s, where->data_dir);
    if (rc == 0)
        rc = try_home(&s);
    if (rc == 0)
        rc = err_set(err, ERR_NOTFOUND,
                     "no kubeconfig found (start `connectors run`, or give --kubeconfig); looked "
                     "at: %s",
                     buf_c(&s.tried));
    buf_fini(&s.tried);
    return rc < 0 ? rc : 0;
}

/* lint: prefix: the data directory is one of the places, and its default lives with them */
struct str kube_data_dir(struct arena *a, const char *given)
{
    const char *state = env("XDG_STATE_HOME");
    const char *home = env("HOME");

    if (given && *given)
        return arena_str(a, str_c(given));
    if (state)
        return arena_fmt(a, "%s/connectors", state);
    return arena_fmt(a, "%s/.local/state/connectors", home ? home : "");
}
