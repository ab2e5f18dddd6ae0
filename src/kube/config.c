/*
 * Reading a kubeconfig: YAML to a `struct kube_config` of exactly what we support.
 *
 * What would change who we are or whom we trust and is not supported (exec plug-ins, basic auth,
 * impersonation, skipped verification, proxies) is refused with the file and field that ask for it, never
 * ignored.  File names inside are relative to the file's directory, as with kubectl.  Where to look for
 * the file is the business of config_find.c.
 */
#include "kube/config.h"

#include "base/fd.h"
#include "codec/base64.h"
#include "codec/yaml.h"

enum { CONFIG_MAX_BYTES = 1024 * 1024 };

/* A file being read: where messages say we are. */
struct reader {
    struct kube_config *config;
    const char *path;
    struct str dir;
    const char *section; /* "users[admin].user" */
    struct err *err;
};

static int refuse(const struct reader *r, const char *field, const char *why)
{
    return err_set(r->err, ERR_BADREQUEST, "kubeconfig '%s': %s%s%s: %s", r->path, r->section,
                   *r->section && *field ? "." : "", field, why);
}

/* A string member into the arena; STR_NONE when absent. */
static int read_str(const struct reader *r, const json_t *o, const char *field, struct str *ret)
{
    const json_t *v = json_object_get(o, field);

    if (!v || json_is_null(v))
        return 0;
    if (!json_is_string(v))
        return refuse(r, field, "must be a string");
    *ret = arena_str(r->config->arena, json_str_of(v));
    return 0;
}

/* A name inside the file, relative to its directory. */
static struct str resolve(const struct reader *r, struct str path)
{
    if (str_starts(path, STR("/")) || !r->dir.n)
        return arena_str(r->config->arena, path);
    return arena_fmt(r->config->arena, "%" STR_FMT "/%" STR_FMT, STR_ARG(r->dir), STR_ARG(path));
}

/* The bytes of a string in the tree, and what a secret was read from is overwritten. */
static void wipe_member(const json_t *o, const char *field)
{
    struct str s = json_str(o, field);

    if (s.n)
        mem_wipe((char *)(uintptr_t)s.p, s.n);
}

/*
 * Appends the bytes of `<field>-data` (base64), else of the file that `<field>` names, to `out`.
 * Neither given: nothing.
 */
static int read_bytes(const struct reader *r, const json_t *o, const char *field, struct buf *out)
{
    struct str inline_field = arena_fmt(r->config->arena, "%s-data", field);
    struct str inline_text = json_str(o, inline_field.p);
    struct str path = STR_NONE;
    struct err inner;
    int rc;

    if (inline_text.n) {
        if (base64_decode(out, inline_text) < 0)
            return refuse(r, inline_field.p, "not base64, or larger than 1 MiB");
        return buf_error(out) < 0 ? refuse(r, inline_field.p, "larger than 1 MiB") : 0;
    }
    rc = read_str(r, o, field, &path);
    if (rc < 0 || !path.n)
        return rc;
    rc = fd_read_file(resolve(r, path).p, out, &inner);
    return rc < 0 ? refuse(r, field, inner.msg) : 0;
}

static int read_pem(const struct reader *r, const json_t *o, const char *field, struct str *ret)
{
    struct buf b = BUF_INIT(CONFIG_MAX_BYTES);
    int rc = read_bytes(r, o, field, &b);

    if (rc == 0 && b.len)
        *ret = arena_str(r->config->arena, buf_str(&b));
    buf_fini(&b);
    return rc;
}

static int read_secret(const struct reader *r, const json_t *o, const char *field,
                       struct secret **ret)
{
    struct buf b = BUF_INIT(CONFIG_MAX_BYTES);
    int rc = read_bytes(r, o, field, &b);

    if (rc == 0 && b.len)
        *ret = secret_new(buf_str(&b));
    buf_wipe(&b);
    return rc;
}

struct refused_field {
    const char *name;
    const char *why;
};

/* Fields that must be absent, null, false or empty. */
static int refuse_fields(const struct reader *r, const json_t *o, const struct refused_field *f,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *v = json_object_get(o, f[i].name);
        bool is_empty = !v || json_is_null(v) || json_is_false(v) ||
                        (json_is_string(v) && json_string_length(v) == 0) ||
                        ((json_is_array(v) && json_array_size(v) == 0) ||
                         (json_is_object(v) && json_object_size(v) == 0));

        if (!is_empty)
            return refuse(r, f[i].name, f[i].why);
    }
    return 0;
}

static int read_cluster(struct reader *r, const json_t *cluster)
{
    static const struct refused_field REFUSED[] = {
        {"insecure-skip-tls-verify", "not supported: give certificate-authority"},
        {"proxy-url", "not supported"},
    };
    struct kube_config *c = r->config;
    struct err inner;
    int rc;

    rc = refuse_fields(r, cluster, REFUSED, ARRAY_LEN(REFUSED));
    if (rc == 0)
        rc = read_str(r, cluster, "server", &c->server);
    if (rc == 0)
        rc = read_str(r, cluster, "tls-server-name", &c->tls_name);
    if (rc == 0)
        rc = read_pem(r, cluster, "certificate-authority", &c->ca_pem);
    if (rc < 0)
        return rc;
    if (!c->server.n)
        return refuse(r, "server", "missing");
    if (url_parse(c->server, &c->url, &inner) < 0)
        return refuse(r, "server", inner.msg);
    if (c->url.query.p)
        return refuse(r, "server", "must have no query");
    return 0;
}

static int read_token(const struct reader *r, const json_t *user)
{
    const json_t *token = json_object_get(user, "token");

    if (!token || json_is_null(token))
        return 0;
    if (!json_is_string(token))
        return refuse(r, "token", "must be a string");
    if (json_string_length(token))
        r->config->token = secret_new(json_str_of(token));
    return 0;
}

static int read_user(struct reader *r, const json_t *user)
{
    static const struct refused_field REFUSED[] = {
        {"exec", "credential plug-ins are not supported: use a token, tokenFile or certificate"},
        {"auth-provider", "not supported: use a token, tokenFile or client certificate"},
        {"username", "basic authentication is not supported"},
        {"password", "basic authentication is not supported"},
        {"as", "impersonation is not supported"},
        {"as-uid", "impersonation is not supported"},
        {"as-groups", "impersonation is not supported"},
        {"as-user-extra", "impersonation is not supported"},
    };
    struct kube_config *c = r->config;
    int rc;

    rc = refuse_fields(r, user, REFUSED, ARRAY_LEN(REFUSED));
    if (rc == 0)
        rc = read_pem(r, user, "client-certificate", &c->cert_pem);
    if (rc == 0)
        rc = read_secret(r, user, "client-key", &c->key_pem);
    if (rc == 0)
        rc = read_str(r, user, "tokenFile", &c->token_file);
    if (rc == 0)
        rc = read_token(r, user);
    if (rc < 0)
        return rc;
    if (c->token_file.n)
        c->token_file = resolve(r, c->token_file);
    if (c->cert_pem.n && !c->key_pem)
        return refuse(r, "client-key", "missing although there is a client-certificate");
    if (c->key_pem && !c->cert_pem.n)
        return refuse(r, "client-certificate", "missing although there is a client-key");
    return 0;
}

/*
 * Finds the element of list `list` with that name and sets the section that messages name.
 * Returns its `member` object, or NULL with the refusal in *ret_rc.
 */
static const json_t *find_named(struct reader *r, const json_t *root, const char *list,
                                struct str name, int *ret_rc)
{
    const json_t *elements = json_object_get(root, list);
    const json_t *e;
    size_t i;
    struct str member = str_head(str_c(list), strlen(list) - 1);

    r->section = "";
    json_array_foreach(elements, i, e)
    {
        struct str key;

        if (!str_eq(json_str(e, "name"), name))
            continue;
        key = arena_str(r->config->arena, member);
        r->section =
            arena_fmt(r->config->arena, "%s[%" STR_FMT "].%s", list, STR_ARG(name), key.p).p;
        e = json_object_get(e, key.p);
        if (json_is_object(e))
            return e;
        *ret_rc = refuse(r, "", "must be an object");
        return NULL;
    }
    *ret_rc = refuse(
        r, list, arena_fmt(r->config->arena, "no element named '%" STR_FMT "'", STR_ARG(name)).p);
    return NULL;
}

static int read_context(struct reader *r, const json_t *root)
{
    struct str current = json_str(root, "current-context");
    struct str cluster = STR_NONE;
    struct str user = STR_NONE;
    const json_t *o;
    int rc = 0;

    if (!current.n)
        return refuse(r, "current-context", "missing");
    o = find_named(r, root, "contexts", current, &rc);
    if (!o)
        return rc;
    r->config->ns = STR("default");
    rc = read_str(r, o, "cluster", &cluster);
    if (rc == 0)
        rc = read_str(r, o, "user", &user);
    if (rc == 0)
        rc = read_str(r, o, "namespace", &r->config->ns);
    if (rc < 0)
        return rc;
    if (!r->config->ns.n)
        r->config->ns = STR("default");
    if (!cluster.n)
        return refuse(r, "cluster", "missing");
    o = find_named(r, root, "clusters", cluster, &rc);
    if (!o || (rc = read_cluster(r, o)) < 0)
        return rc;
    if (!user.n)
        return 0;
    o = find_named(r, root, "users", user, &rc);
    return o ? read_user(r, o) : rc;
}

/* Overwrites the credentials of all users in the tree. */
static void wipe_users(const json_t *root)
{
    const json_t *e;
    size_t i;

    json_array_foreach(json_object_get(root, "users"), i, e)
    {
        wipe_member(json_object_get(e, "user"), "token");
        wipe_member(json_object_get(e, "user"), "client-key-data");
        wipe_member(json_object_get(e, "user"), "password");
    }
}

static int read_root(struct reader *r, struct str text)
{
    json_t *root JSON_OWNED = NULL;
    struct err inner;
    int rc;

    if (yaml_parse(text, &root, &inner) < 0)
        return err_set(r->err, ERR_BADREQUEST, "kubeconfig '%s': %s", r->path, inner.msg);
    if (!json_is_object(root))
        return err_set(r->err, ERR_BADREQUEST, "kubeconfig '%s': not a mapping", r->path);
    rc = read_context(r, root);
    wipe_users(root);
    return rc;
}

/* The directory of a file name, without the final '/'; empty for the current one. */
static struct str directory_of(struct str path)
{
    ptrdiff_t slash = str_rindex(path, '/');

    if (slash == 0)
        return STR("/.");
    return slash < 0 ? STR_NONE : str_head(path, (size_t)slash);
}

int kube_config_load_file(const char *path, struct kube_config **ret_config, struct err *err)
{
    struct kube_config *config CLEANUP(kube_config_freep) = NEW(struct kube_config);
    struct buf text = BUF_INIT(CONFIG_MAX_BYTES);
    struct reader r = {.config = config, .path = path, .section = "", .err = err};
    int rc;

    config->arena = arena_new();
    config->source = arena_str(config->arena, str_c(path));
    r.dir = directory_of(config->source);
    rc = fd_read_file(path, &text, err);
    if (rc < 0)
        err_wrap(err, rc, "kubeconfig '%s'", path);
    else
        rc = read_root(&r, buf_str(&text));
    buf_wipe(&text);
    if (rc == 0)
        *ret_config = TAKE(config);
    return rc;
}

void kube_config_free(struct kube_config *c)
{
    if (!c)
        return;
    secret_unref(c->key_pem);
    secret_unref(c->token);
    arena_free(c->arena);
    free(c);
}

/* Values are written as JSON strings, which YAML reads as they are. */
static void add_value(struct buf *b, const char *key, struct str value)
{
    buf_addf(b, "%s: \"", key);
    buf_add_json(b, value);
    buf_add_c(b, "\"\n");
}

static void add_base64(struct buf *b, const char *key, struct str bytes)
{
    buf_addf(b, "%s: ", key);
    base64_encode(b, bytes);
    buf_add_char(b, '\n');
}

int kube_config_write(const char *path, const struct kube_config_out *c, struct err *err)
{
    struct buf b = BUF_INIT(4 * CONFIG_MAX_BYTES);
    int rc;

    buf_add_c(&b, "apiVersion: v1\nkind: Config\nclusters:\n- name: connectors\n  cluster:\n");
    add_value(&b, "    server", c->server);
    if (c->ca_pem.n)
        add_base64(&b, "    certificate-authority-data", c->ca_pem);
    buf_add_c(&b, "users:\n- name: connectors\n  user:\n");
    if (c->cert_pem.n)
        add_base64(&b, "    client-certificate-data", c->cert_pem);
    if (c->key_pem)
        add_base64(&b, "    client-key-data", secret_expose(c->key_pem));
    if (c->token_file.n)
        add_value(&b, "    tokenFile", c->token_file);
    if (!c->cert_pem.n && !c->key_pem && !c->token_file.n)
        buf_add_c(&b, "    {}\n");
    buf_add_c(&b, "contexts:\n- name: connectors\n  context:\n");
    buf_add_c(&b, "    cluster: connectors\n    user: connectors\n");
    add_value(&b, "    namespace", c->ns.n ? c->ns : STR("default"));
    buf_add_c(&b, "current-context: connectors\n");
    rc = buf_error(&b);
    if (rc < 0)
        rc = err_set(err, ERR_TOOBIG, "kubeconfig '%s': too large", path);
    else
        rc = fd_write_file(path, buf_str(&b), 0600, err);
    buf_wipe(&b);
    return rc;
}
