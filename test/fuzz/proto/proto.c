/*
 * Request bodies in Kubernetes protobuf: what is accepted is an object with apiVersion and kind that our JSON reader takes, too;
 * request paths and column paths of the same bytes.
 */
#include "apiserver/proto.h"

#include "apiserver/colpath.h"
#include "apiserver/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check_body(struct str in)
{
    struct buf text = BUF_INIT(BUF_NO_LIMIT);
    json_t *v = NULL, *again = NULL;

    if (proto_decode(in, &v, NULL) == 0) {
        ASSERT(json_str(v, "apiVersion").p && json_str(v, "kind").n);
        json_format(v, &text);
        ASSERT(json_parse(buf_str(&text), &again, NULL) == 0);
        ASSERT(json_equal(v, again));
    }
    json_decref(v);
    json_decref(again);
    buf_fini(&text);
}

static void check_path(struct str in)
{
    struct arena *a = arena_new();
    struct path p = {0};

    if (path_parse(a, in, &p) == 0) {
        ASSERT(p.raw.n <= in.n && !(p.is_resource && p.is_discovery));
        ASSERT(!p.is_resource || (p.plural.n && p.version.n));
        ASSERT(!p.subresource.n || p.name.n);
    }
    arena_free(a);
}

static void check_column(struct str in)
{
    json_t *o = json_pack("{s:{s:[{s:s}]}}", "a", "b", "type", "x");

    if (!colpath_is_valid(in))
        ASSERT(in.n == 0 || in.n > COLPATH_MAX_BYTES || colpath_get(o, in) == NULL);
    json_decref(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct str in = str_n(bytes, n);

    check_body(in);
    check_path(in);
    check_column(in);
    return 0;
}
