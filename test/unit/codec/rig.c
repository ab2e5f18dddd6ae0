/*
 * JSON values of the tests.
 */
#include "rig.h"

#include "unit.h"

json_t *rig_value(const char *text)
{
    json_t *v = NULL;
    struct err err = {0};

    if (!CHECK_OK(json_parse(str_c(text), &v, &err)))
        CHECK_STR(err.msg, text);
    return v;
}

bool rig_is_value(const json_t *v, const char *wanted)
{
    json_t *w JSON_OWNED = rig_value(wanted);
    struct buf got = BUF_INIT(BUF_NO_LIMIT), want = BUF_INIT(BUF_NO_LIMIT);
    bool same;

    json_format_canonical(v, &got);
    json_format_canonical(w, &want);
    same = CHECK_STR(buf_str(&got), buf_str(&want));
    buf_fini(&got);
    buf_fini(&want);
    return same;
}
