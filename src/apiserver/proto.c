/*
 * The wire format of protobuf, driven by tables.
 *
 * Unknown fields are skipped, as protobuf wants it.  Zero values are left out: the Go types write every
 * field that is not a pointer, and JSON has them as omitempty.  Recursion is bounded by the tables, which have no
 * cycle.
 */
#include "apiserver/proto.h"

#include "apiserver/proto_priv.h"
#include "base/time.h"
#include "codec/base64.h"

#define MAGIC STR("k8s\0")

enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

/* One field as it is on the wire. */
struct item {
    unsigned number;
    enum wire wire;
    uint64_t value;   /* WIRE_VARINT */
    struct str bytes; /* WIRE_BYTES */
};

static int read_varint(struct str *in, uint64_t *ret_value)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < 10 && i < in->n; i++) {
        uint8_t b = (uint8_t)in->p[i];
        v |= (uint64_t)(b & 0x7f) << (7 * i);
        if (b & 0x80)
            continue;
        *in = str_skip(*in, i + 1);
        *ret_value = v;
        return 0;
    }
    return -ERR_BADREQUEST;
}

static int take(struct str *in, uint64_t n, struct str *ret_bytes)
{
    if (n > in->n)
        return -ERR_BADREQUEST;
    *ret_bytes = str_head(*in, (size_t)n);
    *in = str_skip(*in, (size_t)n);
    return 0;
}

/* Takes the next field.  Returns 1, 0 at the end, or -ERR_BADREQUEST. */
static int next_item(struct str *in, struct item *it)
{
    uint64_t tag, n;
    int rc;

    if (!in->n)
        return 0;
    if (read_varint(in, &tag) < 0 || tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
        return -ERR_BADREQUEST;
    *it = (struct item){.number = (unsigned)(tag >> 3), .wire = (enum wire)(tag & 7)};
    switch (it->wire) {
    case WIRE_VARINT:
        rc = read_varint(in, &it->value);
        break;
    case WIRE_BYTES:
        rc = read_varint(in, &n);
        if (rc == 0)
            rc = take(in, n, &it->bytes);
        break;
    case WIRE_64:
        rc = take(in, 8, &it->bytes);
        break;
    case WIRE_32:
        rc = take(in, 4, &it->bytes);
        break;
    default:
        rc = -ERR_BADREQUEST;
    }
    return rc < 0 ? rc : 1;
}

/* Our JSON has no NUL in strings: what was stored could not be read again. */
static bool is_text(struct str s)
{
    return !s.n || !memchr(s.p, 0, s.n);
}

static json_t *base64_value(struct str bytes)
{
    struct buf b CLEANUP(buf_wipe) = BUF_INIT(BUF_NO_LIMIT);

    base64_encode(&b, bytes);
    return json_from_str(buf_str(&b));
}

/* Seconds and nanos as text; NULL for the zero time. */
static int time_value(struct str in, bool micro, json_t **ret_value)
{
    char text[TIME_RFC3339_BYTES];
    struct item it;
    int64_t s = 0, ns = 0, us;
    bool any = false;
    int rc;

    while ((rc = next_item(&in, &it)) > 0) {
        if (it.wire != WIRE_VARINT)
            return -ERR_BADREQUEST;
        any = any || it.value != 0;
        if (it.number == 1)
            s = (int64_t)it.value;
        else if (it.number == 2)
            ns = (int64_t)it.value;
    }
    /* Year 9999 at most; the Go zero time is before year 1 of our clock and means none. */
    if (rc < 0 || s > INT64_C(253402300799) || ns < 0 || ns > 999999999)
        return -ERR_BADREQUEST;
    *ret_value = NULL;
    if (!any || s < 0)
        return 0;
    us = s * TIME_US_PER_S + ns / 1000;
    *ret_value = json_string(micro ? time_format_us(us, text) : time_format_s(us, text));
    return 0;
}

static int int_or_string(struct str in, json_t **ret_value)
{
    struct item it;
    uint64_t type = 0, number = 0;
    struct str text = STR_NONE;
    int rc;

    while ((rc = next_item(&in, &it)) > 0) {
        if (it.number == 1 && it.wire == WIRE_VARINT)
            type = it.value;
        else if (it.number == 2 && it.wire == WIRE_VARINT)
            number = it.value;
        else if (it.number == 3 && it.wire == WIRE_BYTES)
            text = it.bytes;
    }
    *ret_value = NULL;
    if (rc < 0)
        return rc;
    if (!is_text(text))
        return -ERR_BADREQUEST;
    if (type == 1)
        *ret_value = json_from_str(text);
    else if (number)
        *ret_value = json_integer((json_int_t)(int32_t)number);
    return 0;
}

/* A message whose field 1 is a list of strings (ExtraValue). */
static int string_list(struct str in, json_t **ret_value)
{
    json_t *list = json_array();
    struct item it;
    int rc;

    while ((rc = next_item(&in, &it)) > 0) {
        if (it.number != 1 || it.wire != WIRE_BYTES)
            continue;
        if (!is_text(it.bytes)) {
            rc = -ERR_BADREQUEST;
            break;
        }
        json_array_append_new(list, json_from_str(it.bytes));
    }
    if (rc < 0) {
        json_decref(list);
        return rc;
    }
    *ret_value = list;
    return 0;
}

/* One entry of a map: key 1, value 2. */
static int map_entry(enum proto_type type, struct str in, json_t *map)
{
    struct str key = STR("");
    struct str value = STR("");
    struct item it;
    json_t *v = NULL;
    int rc;

    while ((rc = next_item(&in, &it)) > 0) {
        if (it.wire != WIRE_BYTES)
            return -ERR_BADREQUEST;
        if (it.number == 1)
            key = it.bytes;
        else if (it.number == 2)
            value = it.bytes;
    }
    if (rc < 0 || !is_text(key) || (type == PROTO_MAP_STRING && !is_text(value)))
        return -ERR_BADREQUEST;
    if (type == PROTO_MAP_STRING)
        v = json_from_str(value);
    else if (type == PROTO_MAP_BYTES)
        v = base64_value(value);
    else if (string_list(value, &v) < 0)
        return -ERR_BADREQUEST;
    return json_object_setn_new(map, key.p, key.n, v) < 0 ? -ERR_BADREQUEST : 0;
}

static int decode_message(const struct proto_message *m, struct str in, json_t **ret_value);

static json_t *list_at(json_t *object, const char *name)
{
    json_t *list = json_object_get(object, name);

    if (!list) {
        list = json_array();
        json_set(object, name, list);
    }
    return list;
}

/* Fields whose wire type is length-delimited. */
static int decode_bytes(const struct proto_field *f, struct str in, json_t *object)
{
    json_t *v = NULL;
    int rc = 0;

    if ((f->type == PROTO_STRING || f->type == PROTO_STRINGS) && !is_text(in))
        return -ERR_BADREQUEST;
    switch (f->type) {
    case PROTO_STRING:
        if (in.n)
            json_set_str(object, f->name, in);
        return 0;
    case PROTO_STRINGS:
        json_array_append_new(list_at(object, f->name), json_from_str(in));
        return 0;
    case PROTO_BYTES:
        v = base64_value(in);
        break;
    case PROTO_MAP_STRING:
    case PROTO_MAP_BYTES:
    case PROTO_MAP_LIST:
        return map_entry(f->type, in, json_object_at(object, f->name));
    case PROTO_TIME:
    case PROTO_MICROTIME:
        rc = time_value(in, f->type == PROTO_MICROTIME, &v);
        break;
    case PROTO_INT_OR_STRING:
        rc = int_or_string(in, &v);
        break;
    case PROTO_MESSAGE:
    case PROTO_MESSAGES:
        rc = decode_message(f->message, in, &v);
        break;
    default:
        return -ERR_BADREQUEST;
    }
    if (rc == 0 && v && f->type == PROTO_MESSAGES)
        json_array_append_new(list_at(object, f->name), v);
    else if (rc == 0 && v)
        json_set(object, f->name, v);
    return rc;
}

static int decode_varint(const struct proto_field *f, uint64_t value, json_t *object)
{
    if (f->type == PROTO_INT) {
        if (value)
            json_set(object, f->name, json_integer((json_int_t)value));
        return 0;
    }
    if (f->type != PROTO_BOOL && f->type != PROTO_KEPT_BOOL)
        return -ERR_BADREQUEST;
    if (value || f->type == PROTO_KEPT_BOOL)
        json_set(object, f->name, json_boolean(value != 0));
    return 0;
}

static int decode_item(const struct proto_message *m, const struct item *it, json_t *object)
{
    for (size_t i = 0; i < m->count; i++) {
        if (m->fields[i].number != it->number)
            continue;
        if (it->wire == WIRE_BYTES)
            return decode_bytes(&m->fields[i], it->bytes, object);
        return it->wire == WIRE_VARINT ? decode_varint(&m->fields[i], it->value, object)
                                       : -ERR_BADREQUEST;
    }
    return 0;
}

static int decode_message(const struct proto_message *m, struct str in, json_t **ret_value)
{
    json_t *object = json_object();
    struct item it;
    int rc;

    while ((rc = next_item(&in, &it)) > 0) {
        rc = decode_item(m, &it, object);
        if (rc < 0)
            break;
    }
    if (rc < 0) {
        json_decref(object);
        return rc;
    }
    *ret_value = object;
    return 0;
}

/* runtime.Unknown: typeMeta 1 {apiVersion 1, kind 2}, raw 2. */
struct envelope {
    struct str api_version, kind, raw;
};

static int read_type(struct str in, struct envelope *e)
{
    struct item it;
    int rc;

    while ((rc = next_item(&in, &it)) > 0) {
        if (it.number == 1)
            e->api_version = it.bytes;
        else if (it.number == 2)
            e->kind = it.bytes;
    }
    return rc;
}

static int read_envelope(struct str in, struct envelope *e)
{
    struct item it;
    int rc;

    if (!str_starts(in, MAGIC))
        return -ERR_BADREQUEST;
    in = str_skip(in, MAGIC.n);
    while ((rc = next_item(&in, &it)) > 0) {
        if (it.number == 1 && it.wire == WIRE_BYTES)
            rc = read_type(it.bytes, e);
        else if (it.number == 2 && it.wire == WIRE_BYTES)
            e->raw = it.bytes;
        if (rc < 0)
            break;
    }
    return rc;
}

int proto_decode(struct str body, json_t **ret_value, struct err *err)
{
    struct envelope e = {0};
    json_t *v = NULL;
    size_t i = 0;

    if (read_envelope(body, &e) < 0)
        return err_set(err, ERR_BADREQUEST, "the body is not a Kubernetes protobuf message");
    while (i < proto_roots_len && !(str_eq(proto_roots[i].kind, e.kind) &&
                                    (str_eq(proto_roots[i].api_version, e.api_version) ||
                                     str_eq(e.kind, STR("DeleteOptions")))))
        i++;
    if (i == proto_roots_len)
        return err_set(err, ERR_MEDIATYPE,
                       "this server does not read %" STR_FMT " as protobuf: send application/json",
                       STR_ARG(str_head(e.kind, 64)));
    if (decode_message(proto_roots[i].message, e.raw, &v) < 0)
        return err_set(err, ERR_BADREQUEST, "the protobuf message is malformed");
    /* Equal to a row of the table, or the version of DeleteOptions, which nobody reads. */
    json_set_str(v, "apiVersion", proto_roots[i].api_version);
    json_set_str(v, "kind", e.kind);
    *ret_value = v;
    return 0;
}
