/*
 * Kubernetes protobuf bodies.
 */
#include "apiserver/proto.h"

#include "unit.h"

static void field(struct buf *out, unsigned number, struct str bytes)
{
    buf_add_char(out, (char)(number << 3 | 2));
    buf_add_char(out, (char)bytes.n);
    buf_add_str(out, bytes);
}

static void varint(struct buf *out, unsigned number, unsigned value)
{
    buf_add_char(out, (char)(number << 3));
    buf_add_char(out, (char)value);
}

static struct str envelope(struct arena *a, const char *api_version, const char *kind,
                           struct str raw)
{
    struct buf type CLEANUP(buf_fini) = BUF_INIT(1024);
    struct buf out CLEANUP(buf_fini) = BUF_INIT(4096);

    field(&type, 1, str_c(api_version));
    field(&type, 2, str_c(kind));
    buf_add(&out, "k8s\0", 4);
    field(&out, 1, buf_str(&type));
    field(&out, 2, raw);
    return arena_str(a, buf_str(&out));
}

TEST(proto_reads_a_secret)
{
    struct arena *a = arena_new();
    struct buf meta CLEANUP(buf_fini) = BUF_INIT(1024), entry CLEANUP(buf_fini) = BUF_INIT(1024),
                    raw CLEANUP(buf_fini) = BUF_INIT(1024),
                    label CLEANUP(buf_fini) = BUF_INIT(1024);
    json_t *v JSON_OWNED = NULL;

    field(&label, 1, STR("l"));
    field(&label, 2, STR("v"));
    field(&meta, 1, STR("s1"));
    field(&meta, 2, STR(""));
    field(&meta, 8, STR("\x08\x00\x10\x00"));
    field(&meta, 11, buf_str(&label));
    field(&entry, 1, STR("k"));
    field(&entry, 2, STR("hello"));
    field(&raw, 1, buf_str(&meta));
    field(&raw, 2, buf_str(&entry));
    field(&raw, 3, STR("Opaque"));
    varint(&raw, 5, 1);
    field(&raw, 15, STR("unknown"));
    CHECK_OK(proto_decode(envelope(a, "v1", "Secret", buf_str(&raw)), &v, NULL));
    struct buf text CLEANUP(buf_fini) = BUF_INIT(4096);
    json_format_canonical(v, &text);
    CHECK_STR(buf_str(&text),
              "{\"apiVersion\":\"v1\",\"data\":{\"k\":\"aGVsbG8=\"},\"immutable\":true,"
              "\"kind\":\"Secret\",\"metadata\":{\"labels\":{\"l\":\"v\"},\"name\":"
              "\"s1\"},\"type\":\"Opaque\"}");
    arena_free(a);
}

TEST(proto_keeps_false_where_it_says_something)
{
    struct arena *a = arena_new();
    struct buf raw CLEANUP(buf_fini) = BUF_INIT(1024);
    json_t *v JSON_OWNED = NULL;

    varint(&raw, 4, 0);
    CHECK_OK(proto_decode(envelope(a, "v1", "ServiceAccount", buf_str(&raw)), &v, NULL));
    CHECK(json_is_false(json_object_get(v, "automountServiceAccountToken")));
    arena_free(a);
}

TEST(proto_refuses_malformed_bodies)
{
    static const struct str BAD[] = {
        STR_INIT(""),
        STR_INIT("k8s"),
        STR_INIT("k8t\0\x0a\x00"),
        STR_INIT("k8s\0\x0a\x7f"),
        STR_INIT("k8s\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
        STR_INIT("k8s\0\x0b"),
        STR_INIT("k8s\0\x00"),
    };
    json_t *v = NULL;

    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        CHECK_ERR(proto_decode(BAD[i], &v, NULL), ERR_BADREQUEST);
    CHECK_ERR(proto_decode(STR("k8s\0"), &v, NULL), ERR_MEDIATYPE);
}

TEST(proto_refuses_malformed_messages)
{
    struct arena *a = arena_new();
    json_t *v = NULL;

    CHECK_ERR(proto_decode(envelope(a, "v1", "Secret", STR("\x0a\x05")), &v, NULL), ERR_BADREQUEST);
    CHECK_ERR(proto_decode(envelope(a, "v1", "Secret", STR("\x0a\x02\x08\x01")), &v, NULL),
              ERR_BADREQUEST); /* a number where a string is */
    CHECK_ERR(proto_decode(envelope(a, "v1", "Secret", STR("\x28")), &v, NULL), ERR_BADREQUEST);
    CHECK_ERR(proto_decode(envelope(a, "v1", "Secret",
                                    STR("\x1a\x03"
                                        "a\0b")),
                           &v, NULL),
              ERR_BADREQUEST); /* JSON could not be read back */
    CHECK_ERR(proto_decode(envelope(a, "v1", "Pod", STR("")), &v, NULL), ERR_MEDIATYPE);
    CHECK_ERR(proto_decode(envelope(a, "v2", "Secret", STR("")), &v, NULL), ERR_MEDIATYPE);
    arena_free(a);
}
