/*
 * Reading and changing API objects as JSON trees (kube/object.h).
 *
 * Nothing here assumes that an object is well formed: what is missing or of another type reads as absent.
 */
#include "kube/object.h"

#include "base/time.h"

static json_t *metadata(const json_t *o)
{
    return json_object_get(o, "metadata");
}

struct str kobj_name(const json_t *o)
{
    return json_str(metadata(o), "name");
}

struct str kobj_ns(const json_t *o)
{
    return json_str(metadata(o), "namespace");
}

struct str kobj_uid(const json_t *o)
{
    return json_str(metadata(o), "uid");
}

struct str kobj_rv(const json_t *o)
{
    return json_str(metadata(o), "resourceVersion");
}

struct str kobj_kind(const json_t *o)
{
    return json_str(o, "kind");
}

struct str kobj_api_version(const json_t *o)
{
    return json_str(o, "apiVersion");
}

int64_t kobj_generation(const json_t *o)
{
    return json_int(metadata(o), "generation", 0);
}

struct str kobj_label(const json_t *o, const char *key)
{
    return json_str(json_object_get(metadata(o), "labels"), key);
}

struct str kobj_annotation(const json_t *o, const char *key)
{
    return json_str(json_object_get(metadata(o), "annotations"), key);
}

bool kobj_is_deleting(const json_t *o)
{
    const json_t *at = json_object_get(metadata(o), "deletionTimestamp");

    return at && !json_is_null(at);
}

bool kobj_has_finalizer(const json_t *o, const char *name)
{
    const json_t *finalizers = json_object_get(metadata(o), "finalizers");
    const json_t *f;
    size_t i;

    json_array_foreach(finalizers, i, f)
    {
        if (str_eq_c(json_str_of(f), name))
            return true;
    }
    return false;
}

/* "v1" or "group/version" into an object. */
static void set_api_version(json_t *o, const struct kube_resource *r)
{
    struct buf b = BUF_INIT(1024);

    if (r->group.n) {
        buf_add_str(&b, r->group);
        buf_add_char(&b, '/');
    }
    buf_add_str(&b, r->version);
    json_set_str(o, "apiVersion", buf_str(&b));
    buf_fini(&b);
}

json_t *kobj_new(const struct kube_resource *r, struct str ns, struct str name)
{
    json_t *o = json_object();
    json_t *meta;

    set_api_version(o, r);
    json_set_str(o, "kind", r->kind);
    meta = json_object_at(o, "metadata");
    if (ns.n)
        json_set_str(meta, "namespace", ns);
    if (name.n)
        json_set_str(meta, "name", name);
    return o;
}

static void set_in_map(json_t *o, const char *map, const char *key, struct str value)
{
    json_set_str(json_object_at(json_object_at(o, "metadata"), map), key, value);
}

void kobj_set_label(json_t *o, const char *key, struct str value)
{
    set_in_map(o, "labels", key, value);
}

void kobj_set_annotation(json_t *o, const char *key, struct str value)
{
    set_in_map(o, "annotations", key, value);
}

struct str kobj_key(struct arena *a, const json_t *o)
{
    struct str ns = kobj_ns(o);
    struct str name = kobj_name(o);

    if (!ns.n)
        return arena_str(a, name);
    return arena_fmt(a, "%" STR_FMT "/%" STR_FMT, STR_ARG(ns), STR_ARG(name));
}

json_t *kobj_owner_ref(const json_t *owner)
{
    json_t *ref = json_object();

    json_set_str(ref, "apiVersion", kobj_api_version(owner));
    json_set_str(ref, "kind", kobj_kind(owner));
    json_set_str(ref, "name", kobj_name(owner));
    json_set_str(ref, "uid", kobj_uid(owner));
    json_set(ref, "controller", json_true());
    json_set(ref, "blockOwnerDeletion", json_true());
    return ref;
}

static json_t *find_condition(const json_t *conditions, struct str type)
{
    json_t *c;
    size_t i;

    json_array_foreach(conditions, i, c)
    {
        if (str_eq(json_str(c, "type"), type))
            return c;
    }
    return NULL;
}

json_t *kobj_condition(const json_t *o, const char *type)
{
    return find_condition(json_at(o, "status", "conditions", NULL), str_c(type));
}

/* The conditions array of an object, made as needed.  Borrowed. */
static json_t *conditions_of(json_t *o)
{
    json_t *status = json_object_at(o, "status");
    json_t *conditions = json_object_get(status, "conditions");

    if (!json_is_array(conditions)) {
        conditions = json_array();
        json_set(status, "conditions", conditions);
    }
    return conditions;
}

/* Sets or removes a string member; says whether that changed anything.  Absent and empty are alike. */
static bool change_str(json_t *o, const char *member, struct str value, bool keep_empty)
{
    const json_t *had = json_object_get(o, member);

    if (!value.n && !keep_empty) {
        json_del(o, member);
        return had != NULL;
    }
    if (json_is_string(had) && str_eq(json_str_of(had), value))
        return false;
    json_set_str(o, member, value);
    return true;
}

bool kobj_set_condition(json_t *o, const struct kube_condition *c, int64_t wall_us)
{
    char text[TIME_RFC3339_BYTES];
    json_t *conditions = conditions_of(o);
    json_t *condition = find_condition(conditions, str_c(c->type));
    bool changed = false;

    if (!condition) {
        condition = json_object();
        json_set_str(condition, "type", str_c(c->type));
        json_array_append_new(conditions, condition);
    }
    if (change_str(condition, "status", str_c(c->status), true)) {
        json_set_str(condition, "lastTransitionTime", str_c(time_format_s(wall_us, text)));
        changed = true;
    }
    changed |= change_str(condition, "reason", c->reason, true);
    changed |= change_str(condition, "message", c->message, true);
    changed |= change_str(condition, "severity", str_c(c->severity), false);
    if (c->probe_wall_us)
        json_set_str(condition, "lastProbeTime", str_c(time_format_s(c->probe_wall_us, text)));
    return changed;
}

/* The condition that decides: the first False one, else the first Unknown one, else NULL. */
static const json_t *deciding_condition(const json_t *conditions)
{
    const json_t *unknown = NULL;
    const json_t *c;
    size_t i;

    json_array_foreach(conditions, i, c)
    {
        struct str status = json_str(c, "status");

        if (str_eq_c(json_str(c, "type"), "Ready") || str_eq_c(json_str(c, "severity"), "Info"))
            continue;
        if (str_eq_c(status, "False"))
            return c;
        if (!str_eq_c(status, "True") && !unknown)
            unknown = c;
    }
    return unknown;
}

bool kobj_set_ready(json_t *o, int64_t wall_us)
{
    const json_t *why = deciding_condition(conditions_of(o));
    struct kube_condition ready = {
        .type = "Ready",
        .status = "True",
        .reason = STR("Ready"),
    };

    if (why) {
        ready.status = str_eq_c(json_str(why, "status"), "False") ? "False" : "Unknown";
        ready.reason = json_str(why, "reason");
        ready.message = json_str(why, "message");
    }
    return kobj_set_condition(o, &ready, wall_us);
}
