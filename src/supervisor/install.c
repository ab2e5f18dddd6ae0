/*
 * Installation of the embedded objects: one blocking pass on a worker thread.
 */
#include "supervisor/install.h"

#include "base/embed.h"
#include "base/fd.h"
#include "base/time.h"
#include "codec/hex.h"
#include "codec/yaml.h"
#include "core/labels.h"
#include "crypto/hash.h"
#include "crypto/x509.h"
#include "kube/discovery.h"
#include "kube/object.h"

#define ANNOTATION_INSTALLED "connectors.alauda.io/installed-hash"
#define ESTABLISH_TIMEOUT_US (10 * TIME_US_PER_S)
#define IDENTITY_LIFETIME_S (365L * 24 * 3600)
#define PEM_MAX_BYTES (64 * 1024)

/* Hash of what is about to be installed, as hexadecimal text. */
static struct str object_hash(struct arena *a, const json_t *object)
{
    uint8_t digest[HASH_SHA256_BYTES];
    struct buf text = BUF_INIT(BUF_NO_LIMIT), hex = BUF_INIT(2 * HASH_SHA256_BYTES);
    struct str s, result;

    json_format_canonical(object, &text);
    s = buf_str(&text);
    hash_sha256(&s, 1, digest);
    hex_encode(&hex, str_n(digest, 16));
    result = arena_str(a, buf_str(&hex));
    buf_fini(&text);
    buf_fini(&hex);
    return result;
}

/* Brings an existing object to the installed definition unless it already carries its hash. */
static int update_object(struct kube_client *c, const struct kube_resource *r, const json_t *object,
                         struct str hash, struct err *err)
{
    json_t *live JSON_OWNED = NULL;
    int rc = kube_get(c, r, kobj_ns(object), kobj_name(object), &live, err);

    if (rc < 0)
        return rc;
    if (str_eq(kobj_annotation(live, ANNOTATION_INSTALLED), hash) ||
        str_eq(r->plural, KUBE_CONFIGMAPS.plural))
        return 0;
    return kube_patch(c, r, kobj_ns(object), kobj_name(object), STR_NONE, KUBE_PATCH_MERGE, object,
                      NULL, err);
}

static int install_object(struct kube_client *c, const struct kube_resource *r, json_t *object,
                          struct err *err)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct str hash = object_hash(a, object);
    int rc;

    kobj_set_annotation(object, ANNOTATION_INSTALLED, hash);
    rc = kube_create(c, r, object, NULL, err);
    if (rc == -ERR_EXISTS || rc == -ERR_CONFLICT)
        rc = update_object(c, r, object, hash, err);
    if (rc < 0)
        return err_wrap(err, rc, "install %" STR_FMT " '%" STR_FMT "'", STR_ARG(r->kind),
                        STR_ARG(kobj_name(object)));
    return 0;
}

static bool is_established(const json_t *crd)
{
    return str_eq(json_str(kobj_condition(crd, "Established"), "status"), STR("True"));
}

/* Waits until a custom resource definition is served. */
static int wait_established(struct kube_client *c, struct str name, struct err *err)
{
    int64_t deadline = time_mono_us() + ESTABLISH_TIMEOUT_US;

    for (;;) {
        json_t *crd JSON_OWNED = NULL;
        int rc = kube_get(c, &KUBE_CRDS, STR_NONE, name, &crd, err);

        if (rc < 0)
            return rc;
        if (is_established(crd))
            return 0;
        if (time_mono_us() > deadline)
            return err_set(err, ERR_TIMEOUT, "definition '%" STR_FMT "' is not established",
                           STR_ARG(name));
        usleep(5000);
    }
}

static bool is_crd(const json_t *object)
{
    return str_eq(kobj_kind(object), KUBE_CRDS.kind);
}

/* All embedded objects in path order, as one array. */
static int load_objects(json_t **ret_objects, struct err *err)
{
    json_t *all JSON_OWNED = json_array();

    for (size_t i = 0; i < EMBED_FILES_LEN; i++) {
        json_t *docs JSON_OWNED = NULL;
        int rc;

        if (!str_ends(str_c(EMBED_FILES[i].path), STR(".yaml")))
            continue;
        rc = yaml_parse_all(EMBED_FILES[i].body, &docs, err);
        if (rc < 0)
            return err_wrap(err, rc, "config/%s", EMBED_FILES[i].path);
        json_array_extend(all, docs);
    }
    *ret_objects = TAKE(all);
    return 0;
}

/* Installs the objects that are (or are not) definitions. */
static int install_kind(struct kube_client *c, const struct discovery *d, json_t *objects,
                        bool crds, struct err *err)
{
    json_t *object;
    size_t i;
    int rc;

    json_array_foreach(objects, i, object)
    {
        const struct kube_resource *r;

        if (is_crd(object) != crds)
            continue;
        r = discovery_by_kind(d, kobj_api_version(object), kobj_kind(object));
        if (!r)
            return err_set(err, ERR_NOTFOUND, "the API server does not serve kind '%" STR_FMT "'",
                           STR_ARG(kobj_kind(object)));
        rc = install_object(c, r, object, err);
        if (rc < 0)
            return rc;
    }
    json_array_foreach(objects, i, object)
    {
        if (crds && is_crd(object) && (rc = wait_established(c, kobj_name(object), err)) < 0)
            return rc;
    }
    return 0;
}

int install_objects(struct kube_client *c, struct err *err)
{
    json_t *objects JSON_OWNED = NULL;
    int rc = load_objects(&objects, err);

    for (int crds = 1; rc == 0 && crds >= 0; crds--) {
        struct discovery *d CLEANUP(discovery_freep) = NULL;

        rc = discovery_load(c, &d, err);
        if (rc == 0)
            rc = install_kind(c, d, objects, crds, err);
    }
    return rc;
}

static void wipep(struct buf *b)
{
    buf_wipe(b);
}

/* Reads the client CA's certificate and key from the data directory. */
static int load_ca(const struct layout *layout, struct arena *a, struct buf *ret_pem,
                   struct key **ret_key, struct err *err)
{
    struct buf key_pem CLEANUP(wipep) = BUF_INIT(PEM_MAX_BYTES);
    struct secret *key CLEANUP(secret_unrefp) = NULL;
    int rc = fd_read_file(layout_path(a, layout->pki, "ca.crt"), ret_pem, err);

    if (rc == 0)
        rc = fd_read_file(layout_path(a, layout->pki, "ca.key"), &key_pem, err);
    if (rc < 0)
        return rc;
    key = secret_new(buf_str(&key_pem));
    return key_parse_private(key, ret_key, err);
}

int install_identity(const struct layout *layout, const struct install_identity *id,
                     int64_t wall_us, struct err *err)
{
    static const struct str groups[] = {STR_INIT("system:serviceaccounts"),
                                        STR_INIT("system:serviceaccounts:" SYSTEM_NAMESPACE)};
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct key *ca_key CLEANUP(key_unrefp) = NULL, *key CLEANUP(key_unrefp) = NULL;
    struct kube_config *admin CLEANUP(kube_config_freep) = NULL;
    struct buf ca = BUF_INIT(PEM_MAX_BYTES), cert = BUF_INIT(PEM_MAX_BYTES);
    struct secret *key_pem CLEANUP(secret_unrefp) = NULL;
    int rc = load_ca(layout, a, &ca, &ca_key, err);

    if (rc == 0)
        rc = kube_config_load_file(layout->kubeconfig, &admin, err);
    if (rc == 0) {
        key = key_new_p256();
        key_pem = key_format_private(key);
        rc = x509_make_leaf(buf_str(&ca), ca_key, key,
                            &(struct x509_leaf){
                                .common_name = arena_fmt(a, "system:serviceaccount:%s:%s",
                                                         SYSTEM_NAMESPACE, id->service_account),
                                .organizations = groups,
                                .organization_count = ARRAY_LEN(groups),
                                .client = true,
                                .lifetime_s = IDENTITY_LIFETIME_S,
                            },
                            wall_us, &cert, err);
    }
    if (rc == 0)
        rc = kube_config_write(id->kubeconfig,
                               &(struct kube_config_out){
                                   .server = admin->server,
                                   .ca_pem = admin->ca_pem,
                                   .cert_pem = buf_str(&cert),
                                   .key_pem = key_pem,
                                   .ns = STR(SYSTEM_NAMESPACE),
                               },
                               err);
    buf_fini(&ca);
    buf_fini(&cert);
    return rc < 0 ? err_wrap(err, rc, "make identity '%s'", id->service_account) : 0;
}
