/*
 * Cells of built-in kinds (k8s.io/kubernetes/pkg/printers/internalversion).
 */
#include "apiserver/columns.h"

#include "apiserver/output.h"
#include "kube/object.h"

#define COLUMN_NAME                                                                                \
    {                                                                                              \
        .name = "Name", .type = "string", .format = "name",                                        \
        .description = "Name must be unique within a namespace.", .json_path = ".metadata.name"    \
    }
#define COLUMN_AGE                                                                                 \
    {                                                                                              \
        .name = "Age", .type = "string", .description = "Time since the object was created.",      \
        .cell = age                                                                                \
    }
#define COLUMN_CREATED                                                                             \
    {                                                                                              \
        .name = "Created At", .type = "date", .description = "Time of creation.",                  \
        .cell = created_at                                                                         \
    }
#define COLUMNS(list)                                                                              \
    {                                                                                              \
        list, ARRAY_LEN(list)                                                                      \
    }

static json_t *age(const json_t *o, int64_t wall_us)
{
    return output_age_of(json_str_at(o, "metadata", "creationTimestamp", NULL), wall_us);
}

static json_t *created_at(const json_t *o, int64_t wall_us)
{
    (void)wall_us;
    return json_from_str(json_str_at(o, "metadata", "creationTimestamp", NULL));
}

/* A string, or what stands for an empty one. */
static json_t *text_or(struct str s, const char *none)
{
    return s.n ? json_from_str(s) : json_string(none);
}

static json_t *joined(struct buf *b, const char *none)
{
    json_t *v = text_or(buf_str(b), none);

    buf_fini(b);
    return v;
}

/* --- Secret, ConfigMap, ServiceAccount */

static json_t *entry_count(const json_t *o, int64_t wall_us)
{
    (void)wall_us;
    return json_integer((json_int_t)(json_object_size(json_object_get(o, "data")) +
                                     json_object_size(json_object_get(o, "binaryData"))));
}

static json_t *secret_count(const json_t *o, int64_t wall_us)
{
    (void)wall_us;
    return json_integer((json_int_t)json_array_size(json_object_get(o, "secrets")));
}

/* --- Service */

static json_t *cluster_ip(const json_t *o, int64_t wall_us)
{
    (void)wall_us;
    return text_or(json_str_at(o, "spec", "clusterIP", NULL), "<none>");
}

static json_t *external_ip(const json_t *o, int64_t wall_us)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    size_t i;
    json_t *v;

    (void)wall_us;
    if (str_eq(json_str_at(o, "spec", "type", NULL), STR("ExternalName")))
        return text_or(json_str_at(o, "spec", "externalName", NULL), "<none>");
    json_array_foreach(json_at(o, "spec", "externalIPs", NULL), i, v)
    {
        buf_add_c(&b, i ? "," : "");
        buf_add_str(&b, json_str_of(v));
    }
    return joined(&b, "<none>");
}

static json_t *ports(const json_t *o, int64_t wall_us)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    size_t i;
    json_t *v;

    (void)wall_us;
    json_array_foreach(json_at(o, "spec", "ports", NULL), i, v)
    {
        struct str protocol = json_str(v, "protocol");
        buf_addf(&b, "%s%lld/%" STR_FMT, i ? "," : "", (long long)json_int(v, "port", 0),
                 STR_ARG(protocol.n ? protocol : STR("TCP")));
    }
    return joined(&b, "<none>");
}

static json_t *selector(const json_t *o, int64_t wall_us)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    const char *key;
    json_t *v;

    (void)wall_us;
    json_object_foreach(json_at(o, "spec", "selector", NULL), key, v)
    {
        buf_addf(&b, "%s%s=%" STR_FMT, b.len ? "," : "", key, STR_ARG(json_str_of(v)));
    }
    return joined(&b, "<none>");
}

/* --- Pod */

static json_t *pod_ready(const json_t *o, int64_t wall_us)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    size_t i, ready = 0;
    json_t *v;

    (void)wall_us;
    json_array_foreach(json_at(o, "status", "containerStatuses", NULL), i, v) ready +=
        json_bool(v, "ready", false);
    buf_addf(&b, "%zu/%zu", ready, json_array_size(json_at(o, "spec", "containers", NULL)));
    return joined(&b, "");
}

static json_t *pod_status(const json_t *o, int64_t wall_us)
{
    struct str reason = json_str_at(o, "status", "reason", NULL);

    (void)wall_us;
    if (kobj_is_deleting(o))
        return json_string("Terminating");
    if (json_array_size(json_at(o, "spec", "schedulingGates", NULL)))
        return json_string("SchedulingGated");
    return text_or(reason.n ? reason : json_str_at(o, "status", "phase", NULL), "Pending");
}

static json_t *pod_restarts(const json_t *o, int64_t wall_us)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    long long n = 0;
    size_t i;
    json_t *v;

    (void)wall_us;
    json_array_foreach(json_at(o, "status", "containerStatuses", NULL), i, v) n +=
        json_int(v, "restartCount", 0);
    buf_addf(&b, "%lld", n);
    return joined(&b, "0");
}

static json_t *pod_ip(const json_t *o, int64_t wall_us)
{
    (void)wall_us;
    return text_or(json_str_at(o, "status", "podIP", NULL), "<none>");
}

static json_t *pod_node(const json_t *o, int64_t wall_us)
{
    (void)wall_us;
    return text_or(json_str_at(o, "spec", "nodeName", NULL), "<none>");
}

static json_t *pod_nominated(const json_t *o, int64_t wall_us)
{
    (void)wall_us;
    return text_or(json_str_at(o, "status", "nominatedNodeName", NULL), "<none>");
}

static json_t *pod_gates(const json_t *o, int64_t wall_us)
{
    (void)o;
    (void)wall_us;
    return json_string("<none>");
}

/* --- Event */

/* The newest time an Event has, in either of its forms. */
static struct str last_seen_time(const json_t *o)
{
    static const char *const TIMES[] = {"lastTimestamp", "eventTime", "firstTimestamp"};
    struct str s = json_str_at(o, "series", "lastObservedTime", NULL);

    for (size_t i = 0; !s.n && i < ARRAY_LEN(TIMES); i++)
        s = json_str(o, TIMES[i]);
    return s;
}

static json_t *event_last(const json_t *o, int64_t wall_us)
{
    return output_age_of(last_seen_time(o), wall_us);
}

static json_t *event_first(const json_t *o, int64_t wall_us)
{
    struct str s = json_str(o, "firstTimestamp");

    return output_age_of(s.n ? s : json_str(o, "eventTime"), wall_us);
}

static json_t *event_object(const json_t *o, int64_t wall_us)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    struct str kind = json_str_at(o, "involvedObject", "kind", NULL);

    (void)wall_us;
    for (size_t i = 0; i < kind.n; i++)
        buf_add_char(&b, str_lower_char(kind.p[i]));
    buf_add_char(&b, '/');
    buf_add_str(&b, json_str_at(o, "involvedObject", "name", NULL));
    return joined(&b, "");
}

static json_t *event_source(const json_t *o, int64_t wall_us)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    struct str component = json_str_at(o, "source", "component", NULL);
    struct str host = json_str_at(o, "source", "host", NULL);

    (void)wall_us;
    buf_add_str(&b, component.n ? component : json_str(o, "reportingComponent"));
    if (host.n)
        buf_addf(&b, ", %" STR_FMT, STR_ARG(host));
    return joined(&b, "");
}

static json_t *event_message(const json_t *o, int64_t wall_us)
{
    (void)wall_us;
    return json_from_str(str_trim_space(json_str(o, "message")));
}

static json_t *event_count(const json_t *o, int64_t wall_us)
{
    int64_t series = 0;
    const json_t *s = json_object_get(o, "series");

    (void)wall_us;
    if (s)
        series = json_int(s, "count", 0);
    series = MAX(series, json_int(o, "count", 1));
    return json_integer(MAX(series, (int64_t)1));
}

/* --- RBAC bindings */

static json_t *role_ref(const json_t *o, int64_t wall_us)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);

    (void)wall_us;
    buf_add_str(&b, json_str_at(o, "roleRef", "kind", NULL));
    buf_add_char(&b, '/');
    buf_add_str(&b, json_str_at(o, "roleRef", "name", NULL));
    return joined(&b, "");
}

static json_t *subjects(const json_t *o, struct str kind)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    size_t i;
    json_t *v;

    json_array_foreach(json_object_get(o, "subjects"), i, v)
    {
        if (!str_eq(json_str(v, "kind"), kind))
            continue;
        buf_add_c(&b, b.len ? ", " : "");
        if (str_eq(kind, STR("ServiceAccount")))
            buf_addf(&b, "%" STR_FMT "/", STR_ARG(json_str(v, "namespace")));
        buf_add_str(&b, json_str(v, "name"));
    }
    return joined(&b, "");
}

static json_t *binding_users(const json_t *o, int64_t wall_us)
{
    (void)wall_us;
    return subjects(o, STR("User"));
}

static json_t *binding_groups(const json_t *o, int64_t wall_us)
{
    (void)wall_us;
    return subjects(o, STR("Group"));
}

static json_t *binding_accounts(const json_t *o, int64_t wall_us)
{
    (void)wall_us;
    return subjects(o, STR("ServiceAccount"));
}

static json_t *lease_holder(const json_t *o, int64_t wall_us)
{
    (void)wall_us;
    return json_from_str(json_str_at(o, "spec", "holderIdentity", NULL));
}

/* --- the tables */

static const struct kind_column NAMESPACE[] = {
    COLUMN_NAME,
    {.name = "Status",
     .type = "string",
     .description = "The status of the namespace",
     .json_path = ".status.phase"},
    COLUMN_AGE,
};
static const struct kind_column SECRET[] = {
    COLUMN_NAME,
    {.name = "Type",
     .type = "string",
     .description = "Used to facilitate programmatic handling of secret data.",
     .json_path = ".type"},
    {.name = "Data", .type = "string", .description = "Number of entries.", .cell = entry_count},
    COLUMN_AGE,
};
static const struct kind_column CONFIGMAP[] = {
    COLUMN_NAME,
    {.name = "Data", .type = "string", .description = "Number of entries.", .cell = entry_count},
    COLUMN_AGE,
};
static const struct kind_column SERVICEACCOUNT[] = {
    COLUMN_NAME,
    {.name = "Secrets",
     .type = "string",
     .description = "Number of Secrets listed.",
     .cell = secret_count},
    COLUMN_AGE,
};
static const struct kind_column SERVICE[] = {
    COLUMN_NAME,
    {.name = "Type",
     .type = "string",
     .description = "How the Service is exposed.",
     .json_path = ".spec.type"},
    {.name = "Cluster-IP",
     .type = "string",
     .description = "IP address of the service.",
     .cell = cluster_ip},
    {.name = "External-IP",
     .type = "string",
     .description = "External addresses.",
     .cell = external_ip},
    {.name = "Port(s)", .type = "string", .description = "Exposed ports.", .cell = ports},
    COLUMN_AGE,
    {.name = "Selector",
     .type = "string",
     .description = "Labels of the Pods behind it.",
     .priority = 1,
     .cell = selector},
};
static const struct kind_column POD[] = {
    COLUMN_NAME,
    {.name = "Ready",
     .type = "string",
     .description = "Ready containers of all containers.",
     .cell = pod_ready},
    {.name = "Status",
     .type = "string",
     .description = "The aggregate status of the containers in this pod.",
     .cell = pod_status},
    {.name = "Restarts",
     .type = "string",
     .description = "Restarts of all containers.",
     .cell = pod_restarts},
    COLUMN_AGE,
    {.name = "IP",
     .type = "string",
     .description = "Address of the pod.",
     .priority = 1,
     .cell = pod_ip},
    {.name = "Node",
     .type = "string",
     .description = "Node the pod runs on.",
     .priority = 1,
     .cell = pod_node},
    {.name = "Nominated Node",
     .type = "string",
     .description = "Node that makes room.",
     .priority = 1,
     .cell = pod_nominated},
    {.name = "Readiness Gates",
     .type = "string",
     .description = "Further conditions of readiness.",
     .priority = 1,
     .cell = pod_gates},
};
static const struct kind_column EVENT[] = {
    {.name = "Last Seen",
     .type = "string",
     .description = "Time of the last occurrence.",
     .cell = event_last},
    {.name = "Type", .type = "string", .description = "Normal or Warning.", .json_path = ".type"},
    {.name = "Reason",
     .type = "string",
     .description = "Why, in one word.",
     .json_path = ".reason"},
    {.name = "Object",
     .type = "string",
     .description = "The object this event is about.",
     .cell = event_object},
    {.name = "Subobject",
     .type = "string",
     .description = "Part of the object.",
     .priority = 1,
     .json_path = ".involvedObject.fieldPath"},
    {.name = "Source",
     .type = "string",
     .description = "Who reports.",
     .priority = 1,
     .cell = event_source},
    {.name = "Message", .type = "string", .description = "What happened.", .cell = event_message},
    {.name = "First Seen",
     .type = "string",
     .description = "Time of the first occurrence.",
     .priority = 1,
     .cell = event_first},
    {.name = "Count",
     .type = "string",
     .description = "Number of occurrences.",
     .priority = 1,
     .cell = event_count},
    {.name = "Name",
     .type = "string",
     .format = "name",
     .description = "Name of the event.",
     .priority = 1,
     .json_path = ".metadata.name"},
};
static const struct kind_column LEASE[] = {
    COLUMN_NAME,
    {.name = "Holder",
     .type = "string",
     .description = "Identity of the holder.",
     .cell = lease_holder},
    COLUMN_AGE,
};
static const struct kind_column ROLE[] = {COLUMN_NAME, COLUMN_CREATED};
static const struct kind_column BINDING[] = {
    COLUMN_NAME,
    {.name = "Role",
     .type = "string",
     .description = "The role that is granted.",
     .cell = role_ref},
    COLUMN_AGE,
    {.name = "Users",
     .type = "string",
     .description = "Users it is granted to.",
     .priority = 1,
     .cell = binding_users},
    {.name = "Groups",
     .type = "string",
     .description = "Groups it is granted to.",
     .priority = 1,
     .cell = binding_groups},
    {.name = "ServiceAccounts",
     .type = "string",
     .description = "ServiceAccounts it is granted to.",
     .priority = 1,
     .cell = binding_accounts},
};

const struct columns columns_namespace = COLUMNS(NAMESPACE);
const struct columns columns_secret = COLUMNS(SECRET);
const struct columns columns_configmap = COLUMNS(CONFIGMAP);
const struct columns columns_serviceaccount = COLUMNS(SERVICEACCOUNT);
const struct columns columns_service = COLUMNS(SERVICE);
const struct columns columns_pod = COLUMNS(POD);
const struct columns columns_event = COLUMNS(EVENT);
const struct columns columns_lease = COLUMNS(LEASE);
const struct columns columns_role = COLUMNS(ROLE);
const struct columns columns_binding = COLUMNS(BINDING);
const struct columns columns_crd = COLUMNS(ROLE);
