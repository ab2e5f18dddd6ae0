/*
 * YAML: what is printed is read the same again, and an ASCII text that is JSON as well means the same as
 * JSON.
 */
#include "codec/yaml.h"

#include "codec/jsonpatch_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check_printed(const json_t *v)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    json_t *again JSON_OWNED = NULL;
    struct err err;
    int rc;

    yaml_format(v, &b);
    rc = yaml_parse(buf_str(&b), &again, &err);
    ASSERT(rc == 0 && jsonpatch_equal(v, again));
    buf_fini(&b);
}

static void check_json(struct str in, const json_t *documents)
{
    json_t *v JSON_OWNED = NULL;
    struct err err;

    for (size_t i = 0; i < in.n; i++)
        if ((uint8_t)in.p[i] >= 0x80)
            return;
    if (json_parse(in, &v, &err) < 0 || json_is_null(v))
        return;
    ASSERT(json_array_size(documents) == 1);
    ASSERT(jsonpatch_equal(v, json_array_get(documents, 0)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct str in = {(const char *)bytes, n};
    json_t *documents JSON_OWNED = NULL;
    struct err err;

    if (yaml_parse_all(in, &documents, &err) < 0) {
        ASSERT(err.code == ERR_BADREQUEST && err.msg[0]);
        return 0;
    }
    for (size_t i = 0; i < json_array_size(documents); i++)
        check_printed(json_array_get(documents, i));
    check_json(in, documents);
    return 0;
}
