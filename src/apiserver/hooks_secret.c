/*
 * Secret and ConfigMap: keys, sizes, immutability, and what each type of Secret must hold
 * (k8s.io/kubernetes/pkg/apis/core/validation).
 *
 * No error shows a value of a Secret.
 */
#include "apiserver/hooks.h"

#include "codec/base64.h"
#include "kube/object.h"

#define MAX_BYTES (1024 * 1024) /* of all values */
#define KEY_MAX_BYTES 253

static const char KEY_CHARS[] =
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  "
    "or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
static const char IMMUTABLE[] = "field is immutable when `immutable` is set";
static const char REDACTED[] = "<secret contents redacted>";

static struct str key_path(const struct kind_request *r, const char *list, struct str key)
{
    return arena_fmt(r->arena, "%s[%" STR_FMT "]", list, STR_ARG(key));
}

static bool is_key_text(struct str key)
{
    for (size_t i = 0; i < key.n; i++) {
        char c = key.p[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!word && !strchr("-._", c))
            return false;
    }
    return key.n > 0;
}

/* IsConfigMapKey. */
static void check_key(const struct kind_request *r, const char *list, struct str key,
                      struct field_errors *errors)
{
    struct str path = key_path(r, list, key);

    if (key.n > KEY_MAX_BYTES)
        field_errors_add_str(errors, FIELD_INVALID, path, key, "must be no more than %d bytes",
                             KEY_MAX_BYTES);
    if (!is_key_text(key))
        field_errors_add_str(errors, FIELD_INVALID, path, key, "%s", KEY_CHARS);
    if (str_eq(key, STR(".")))
        field_errors_add_str(errors, FIELD_INVALID, path, key, "must not be '.'");
    if (str_starts(key, STR("..")))
        field_errors_add_str(errors, FIELD_INVALID, path, key, "must not be '..'%s",
                             key.n > 2 ? " at the start" : "");
}

/* Bytes of a base64 value; adds an error when it is none. */
static size_t check_bytes(const struct kind_request *r, const char *list, const char *key,
                          const json_t *value, struct field_errors *errors)
{
    struct buf bytes CLEANUP(buf_wipe) = BUF_INIT(BUF_NO_LIMIT);

    if (!json_is_string(value))
        return 0;
    if (base64_decode(&bytes, json_str_of(value)) < 0)
        field_errors_add_str(errors, FIELD_INVALID, key_path(r, list, str_c(key)), str_c(REDACTED),
                             "illegal base64 data");
    return bytes.len;
}

static size_t check_base64_map(const struct kind_request *r, const json_t *object, const char *list,
                               struct field_errors *errors)
{
    const char *key;
    json_t *v;
    size_t total = 0;

    json_object_foreach(json_object_get(object, list), key, v)
    {
        check_key(r, list, str_c(key), errors);
        total += check_bytes(r, list, key, v, errors);
    }
    return total;
}

static void check_size(struct field_errors *errors, struct str path, size_t total)
{
    if (total > MAX_BYTES)
        field_errors_add(errors, FIELD_TOO_LONG, path, NULL, "may not be more than %d bytes",
                         MAX_BYTES);
}

/* Members of an immutable object stay, and it stays immutable. */
static void check_immutable(const json_t *object, const json_t *old, const char *const *members,
                            struct field_errors *errors)
{
    if (!json_bool(old, "immutable", false))
        return;
    if (!json_bool(object, "immutable", false))
        field_errors_add(errors, FIELD_FORBIDDEN, STR("immutable"), NULL, "%s", IMMUTABLE);
    for (; *members; members++) {
        const json_t *a = json_object_get(object, *members);
        const json_t *b = json_object_get(old, *members);
        bool both_empty = json_object_size(a) == 0 && json_object_size(b) == 0;
        if (!both_empty && !(a && b && json_equal(a, b)))
            field_errors_add(errors, FIELD_FORBIDDEN, str_c(*members), NULL, "%s", IMMUTABLE);
    }
}

/* --- Secret */

/* stringData goes into data and is not kept; what is no text stays there, for the schema to refuse. */
static void merge_string_data(json_t *object)
{
    json_t *strings = json_object_get(object, "stringData");
    const char *key;
    json_t *v;
    void *next;

    json_object_foreach_safe(strings, next, key, v)
    {
        struct buf text CLEANUP(buf_wipe) = BUF_INIT(BUF_NO_LIMIT);
        if (json_is_string(v)) {
            base64_encode(&text, json_str_of(v));
            json_set_str(json_object_at(object, "data"), key, buf_str(&text));
        }
        if (json_is_string(v) || json_is_null(v))
            json_del(strings, key);
    }
    if (json_is_null(strings) || (json_is_object(strings) && json_object_size(strings) == 0))
        json_del(object, "stringData");
}

static void secret_create(const struct kind_request *r, json_t *object)
{
    merge_string_data(object);
}

static void secret_update(const struct kind_request *r, json_t *object, const json_t *old)
{
    merge_string_data(object);
    if (!json_str(object, "type").n)
        json_set_str(object, "type", json_str(old, "type"));
}

static bool has_key(const json_t *object, const char *key)
{
    return json_at(object, "data", key, NULL) != NULL;
}

static void require_key(const struct kind_request *r, const json_t *object, const char *key,
                        struct field_errors *errors)
{
    if (!has_key(object, key))
        field_errors_add(errors, FIELD_REQUIRED, key_path(r, "data", str_c(key)), NULL, NULL);
}

/* A key that must be there and hold a JSON object. */
static void require_json(const struct kind_request *r, const json_t *object, const char *key,
                         struct field_errors *errors)
{
    struct buf bytes CLEANUP(buf_wipe) = BUF_INIT(MAX_BYTES);
    json_t *v JSON_OWNED = NULL;

    require_key(r, object, key, errors);
    if (!has_key(object, key))
        return;
    struct str text = json_str_at(object, "data", key, NULL);
    if (base64_decode(&bytes, text) < 0 || json_parse(buf_str(&bytes), &v, NULL) < 0 ||
        !json_is_object(v))
        field_errors_add_str(errors, FIELD_INVALID, key_path(r, "data", str_c(key)),
                             str_c(REDACTED), "not a JSON object");
}

static void check_type(const struct kind_request *r, const json_t *object,
                       struct field_errors *errors)
{
    struct str type = json_str(object, "type");

    if (str_eq(type, STR("kubernetes.io/service-account-token"))) {
        if (!kobj_annotation(object, "kubernetes.io/service-account.name").n)
            field_errors_add(errors, FIELD_REQUIRED,
                             STR("metadata.annotations[kubernetes.io/service-account.name]"), NULL,
                             NULL);
    } else if (str_eq(type, STR("kubernetes.io/dockercfg"))) {
        require_json(r, object, ".dockercfg", errors);
    } else if (str_eq(type, STR("kubernetes.io/dockerconfigjson"))) {
        require_json(r, object, ".dockerconfigjson", errors);
    } else if (str_eq(type, STR("kubernetes.io/basic-auth"))) {
        if (!has_key(object, "username") && !has_key(object, "password")) {
            require_key(r, object, "username", errors);
            require_key(r, object, "password", errors);
        }
    } else if (str_eq(type, STR("kubernetes.io/ssh-auth"))) {
        if (!json_str_at(object, "data", "ssh-privatekey", NULL).n)
            field_errors_add(errors, FIELD_REQUIRED, STR("data[ssh-privatekey]"), NULL, NULL);
    } else if (str_eq(type, STR("kubernetes.io/tls"))) {
        require_key(r, object, "tls.crt", errors);
        require_key(r, object, "tls.key", errors);
    }
}

static void secret_validate(const struct kind_request *r, const json_t *object, const json_t *old,
                            struct field_errors *errors)
{
    static const char *const MEMBERS[] = {"data", NULL};

    if (old && !str_eq(json_str(object, "type"), json_str(old, "type")))
        field_errors_add(errors, FIELD_INVALID, STR("type"), json_object_get(object, "type"),
                         "field is immutable");
    if (old)
        check_immutable(object, old, MEMBERS, errors);
    check_size(errors, STR("data"), check_base64_map(r, object, "data", errors));
    check_type(r, object, errors);
}

const struct kind_hooks hooks_secret = {
    .prepare_create = secret_create,
    .prepare_update = secret_update,
    .validate = secret_validate,
};

/* --- ConfigMap */

static void configmap_validate(const struct kind_request *r, const json_t *object,
                               const json_t *old, struct field_errors *errors)
{
    static const char *const MEMBERS[] = {"data", "binaryData", NULL};
    const char *key;
    json_t *v;
    size_t total = check_base64_map(r, object, "binaryData", errors);

    if (old)
        check_immutable(object, old, MEMBERS, errors);
    json_object_foreach(json_object_get(object, "data"), key, v)
    {
        check_key(r, "data", str_c(key), errors);
        if (json_at(object, "binaryData", key, NULL))
            field_errors_add_str(errors, FIELD_INVALID, key_path(r, "data", str_c(key)), str_c(key),
                                 "duplicate of key present in binaryData");
        total += json_string_length(v);
    }
    check_size(errors, STR_NONE, total);
}

const struct kind_hooks hooks_configmap = {.validate = configmap_validate};
