/*
 * Strategic merge patch: maps, lists with and without keys, every directive, order, refusals.
 */
#include "codec/jsonpatch.h"

#include "rig.h"
#include "unit.h"

static const struct jsonpatch_list LISTS[] = {
    {"l", "name"}, {"l.env", "name"}, {"set", NULL}, {"meta.finalizers", NULL}, {"ports", "port"},
};

static const struct {
    const char *target, *patch, *result;
} MERGED[] = {
    /* maps and values */
    {"{\"a\":1,\"m\":{\"x\":1,\"y\":2}}", "{\"m\":{\"y\":3,\"z\":4}}",
     "{\"a\":1,\"m\":{\"x\":1,\"y\":3,\"z\":4}}"},
    {"{\"a\":1}", "{\"a\":null,\"b\":null}", "{}"},
    {"{\"a\":1}", "{\"a\":\"x\"}", "{\"a\":\"x\"}"},
    {"{\"a\":{\"x\":1}}", "{\"a\":5}", "{\"a\":5}"},
    {"{}", "{\"m\":{\"x\":null,\"y\":{\"z\":null}}}", "{\"m\":{\"y\":{}}}"},
    {"{\"atomic\":[1,2]}", "{\"atomic\":[3]}", "{\"atomic\":[3]}"},
    {"{\"atomic\":[{\"name\":\"a\"}]}", "{\"atomic\":[{\"name\":\"b\"}]}",
     "{\"atomic\":[{\"name\":\"b\"}]}"},
    /* $patch on maps */
    {"{\"m\":{\"x\":1}}", "{\"m\":{\"$patch\":\"replace\",\"y\":2}}", "{\"m\":{\"y\":2}}"},
    {"{\"m\":{\"x\":1},\"n\":1}", "{\"m\":{\"$patch\":\"delete\"}}", "{\"m\":{},\"n\":1}"},
    {"{\"x\":1}", "{\"$patch\":\"replace\",\"y\":{\"z\":null}}", "{\"y\":{}}"},
    {"{}", "{\"m\":{\"$patch\":\"delete\"}}", "{}"},
    /* lists of maps */
    {"{\"l\":[{\"name\":\"a\",\"v\":1},{\"name\":\"b\",\"v\":2}]}",
     "{\"l\":[{\"name\":\"b\",\"v\":3}]}",
     "{\"l\":[{\"name\":\"a\",\"v\":1},{\"name\":\"b\",\"v\":3}]}"},
    {"{\"l\":[{\"name\":\"a\",\"v\":1}]}", "{\"l\":[{\"name\":\"c\",\"w\":null,\"v\":1}]}",
     "{\"l\":[{\"name\":\"c\",\"v\":1},{\"name\":\"a\",\"v\":1}]}"},
    {"{\"l\":[{\"name\":\"a\",\"env\":[{\"name\":\"X\",\"value\":\"1\"}]}]}",
     "{\"l\":[{\"name\":\"a\",\"env\":[{\"name\":\"X\",\"value\":\"2\"},{\"name\":\"Y\"}]}]}",
     "{\"l\":[{\"name\":\"a\",\"env\":[{\"name\":\"X\",\"value\":\"2\"},{\"name\":\"Y\"}]}]}"},
    {"{\"l\":[{\"name\":\"a\",\"v\":1}]}", "{\"l\":[{\"name\":\"a\",\"v\":null}]}",
     "{\"l\":[{\"name\":\"a\"}]}"},
    {"{\"ports\":[{\"port\":80},{\"port\":443,\"tls\":true}]}",
     "{\"ports\":[{\"port\":443,\"tls\":false}]}",
     "{\"ports\":[{\"port\":80},{\"port\":443,\"tls\":false}]}"},
    {"{\"l\":[{\"name\":\"a\"},{\"name\":\"b\"}]}",
     "{\"l\":[{\"$patch\":\"delete\",\"name\":\"a\"},{\"name\":\"c\"}]}",
     "{\"l\":[{\"name\":\"c\"},{\"name\":\"b\"}]}"},
    {"{\"l\":[{\"name\":\"a\"}]}", "{\"l\":[{\"$patch\":\"delete\",\"name\":\"z\"}]}",
     "{\"l\":[{\"name\":\"a\"}]}"},
    {"{\"l\":[{\"name\":\"a\"},{\"name\":\"b\"}]}",
     "{\"l\":[{\"$patch\":\"replace\"},{\"name\":\"c\"}]}", "{\"l\":[{\"name\":\"c\"}]}"},
    {"{\"l\":[{\"name\":\"a\"}]}", "{\"l\":[{\"$patch\":\"replace\"}]}", "{\"l\":[]}"},
    {"{\"l\":[{\"name\":\"a\",\"v\":1}]}",
     "{\"l\":[{\"name\":\"a\",\"m\":{\"$patch\":\"replace\",\"x\":1}}]}",
     "{\"l\":[{\"name\":\"a\",\"v\":1}]}"},
    {"{}", "{\"l\":[{\"name\":\"a\"},{\"name\":\"b\",\"$patch\":\"delete\"}]}",
     "{\"l\":[{\"name\":\"a\"}]}"},
    {"{\"l\":[]}", "{\"l\":[]}", "{\"l\":[]}"},
    {"{\"l\":[{\"name\":\"a\"}]}", "{\"l\":null}", "{}"},
    {"{\"l\":[{\"name\":\"a\"}]}", "{\"l\":[{\"name\":\"x\",\"v\":1},{\"name\":\"x\",\"w\":1}]}",
     "{\"l\":[{\"name\":\"x\",\"v\":1,\"w\":1},{\"name\":\"a\"}]}"},
    /* sets of primitives */
    {"{\"set\":[\"a\",\"b\"]}", "{\"set\":[\"b\",\"c\"]}", "{\"set\":[\"a\",\"b\",\"c\"]}"},
    {"{\"set\":[\"a\",\"b\",\"c\"]}", "{\"$deleteFromPrimitiveList/set\":[\"b\",\"z\"]}",
     "{\"set\":[\"a\",\"c\"]}"},
    {"{\"meta\":{\"finalizers\":[\"x\",\"y\"]}}",
     "{\"meta\":{\"$deleteFromPrimitiveList/finalizers\":[\"x\"]}}",
     "{\"meta\":{\"finalizers\":[\"y\"]}}"},
    {"{\"meta\":{\"finalizers\":[\"x\"]}}",
     "{\"meta\":{\"$deleteFromPrimitiveList/finalizers\":[\"x\"],"
     "\"$setElementOrder/finalizers\":[\"y\"],\"finalizers\":[\"y\"]}}",
     "{\"meta\":{\"finalizers\":[\"y\"]}}"},
    {"{}", "{\"$deleteFromPrimitiveList/set\":[\"b\"]}", "{}"},
    {"{\"atomic\":[1,2]}", "{\"$deleteFromPrimitiveList/atomic\":[1]}", "{\"atomic\":[2]}"},
    /* $setElementOrder */
    {"{\"l\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"}]}",
     "{\"$setElementOrder/l\":[{\"name\":\"c\"},{\"name\":\"a\"}]}",
     "{\"l\":[{\"name\":\"b\"},{\"name\":\"c\"},{\"name\":\"a\"}]}"},
    {"{\"l\":[{\"name\":\"a\"},{\"name\":\"b\"}]}",
     "{\"$setElementOrder/l\":[{\"name\":\"n\"},{\"name\":\"a\"}],"
     "\"l\":[{\"name\":\"n\",\"v\":1}]}",
     "{\"l\":[{\"name\":\"n\",\"v\":1},{\"name\":\"a\"},{\"name\":\"b\"}]}"},
    {"{\"set\":[1,2,3]}", "{\"$setElementOrder/set\":[3,1]}", "{\"set\":[2,3,1]}"},
    {"{\"set\":[1,2]}", "{\"$setElementOrder/set\":[4,2,1],\"set\":[4]}", "{\"set\":[4,2,1]}"},
    {"{}", "{\"$setElementOrder/l\":[{\"name\":\"a\"}],\"l\":[{\"name\":\"a\"}]}",
     "{\"l\":[{\"name\":\"a\"}]}"},
    {"{}", "{\"$setElementOrder/l\":[{\"name\":\"a\"}]}", "{}"},
    {"{\"l\":[{\"name\":\"a\"},{\"name\":\"b\"}]}",
     "{\"$setElementOrder/l\":[{\"name\":\"b\"}],\"l\":[{\"$patch\":\"delete\",\"name\":\"a\"}]}",
     "{\"l\":[{\"name\":\"b\"}]}"},
    /* $retainKeys */
    {"{\"strategy\":{\"type\":\"Rolling\",\"rolling\":{\"max\":1}}}",
     "{\"strategy\":{\"$retainKeys\":[\"type\"],\"type\":\"Recreate\"}}",
     "{\"strategy\":{\"type\":\"Recreate\"}}"},
    {"{\"s\":{\"a\":1,\"b\":2,\"c\":3}}", "{\"s\":{\"$retainKeys\":[\"a\",\"b\"],\"c\":null}}",
     "{\"s\":{\"a\":1,\"b\":2}}"},
    /* directives inside new values are not kept */
    {"{}", "{\"s\":{\"$retainKeys\":[\"a\"],\"a\":1,\"$setElementOrder/x\":[1]}}",
     "{\"s\":{\"a\":1}}"},
};

TEST(jsonpatch_strategic_merges)
{
    for (size_t i = 0; i < ARRAY_LEN(MERGED); i++) {
        json_t *target JSON_OWNED = rig_value(MERGED[i].target);
        json_t *patch JSON_OWNED = rig_value(MERGED[i].patch);
        json_t *result JSON_OWNED = NULL;
        struct err err = {0};

        if (CHECK_OK(jsonpatch_strategic(target, patch, LISTS, ARRAY_LEN(LISTS), &result, &err)))
            rig_is_value(result, MERGED[i].result);
        else
            CHECK_STR(err.msg, MERGED[i].patch);
        rig_is_value(target, MERGED[i].target);
        rig_is_value(patch, MERGED[i].patch);
    }
}

static const struct {
    const char *target, *patch;
    enum err_code code;
} REFUSED[] = {
    {"[]", "{}", ERR_BADREQUEST},
    {"{}", "[]", ERR_BADREQUEST},
    {"{}", "null", ERR_BADREQUEST},
    {"{}", "{\"$patch\":\"merge\"}", ERR_INVALID},
    {"{\"m\":{}}", "{\"m\":{\"$patch\":\"spam\"}}", ERR_INVALID},
    {"{\"m\":{}}", "{\"m\":{\"$patch\":1}}", ERR_INVALID},
    {"{\"l\":[{\"name\":\"a\"}]}", "{\"l\":[{\"v\":1}]}", ERR_INVALID},
    {"{\"l\":[{\"v\":1}]}", "{\"l\":[{\"name\":\"a\"}]}", ERR_INVALID},
    {"{\"l\":[{\"name\":\"a\"}]}", "{\"l\":[{\"name\":\"a\",\"$patch\":\"spam\"}]}", ERR_INVALID},
    {"{\"l\":[{\"name\":\"a\"}]}", "{\"l\":[{\"name\":\"a\",\"$patch\":\"merge\"}]}", ERR_INVALID},
    {"{\"l\":[{\"name\":\"a\"}]}", "{\"l\":[{\"$patch\":\"delete\"}]}", ERR_INVALID},
    {"{\"l\":[{\"name\":\"a\"}]}", "{\"l\":[\"a\"]}", ERR_INVALID},
    {"{\"l\":[{\"name\":\"a\"}]}", "{\"l\":[{\"name\":null}]}", ERR_INVALID},
    {"{\"set\":[\"a\"]}", "{\"set\":[1]}", ERR_INVALID},
    {"{\"set\":[\"a\"]}", "{\"set\":[[\"b\"]]}", ERR_INVALID},
    {"{\"set\":[{\"a\":1}]}", "{\"set\":[{\"b\":1}]}", ERR_INVALID},
    {"{\"set\":[1]}", "{\"$deleteFromPrimitiveList/set\":1}", ERR_BADREQUEST},
    {"{\"set\":[1]}", "{\"$deleteFromPrimitiveList/set\":null}", ERR_BADREQUEST},
    {"{\"set\":[1]}", "{\"$setElementOrder/set\":1}", ERR_BADREQUEST},
    {"{\"set\":1}", "{\"$setElementOrder/set\":[1]}", ERR_INVALID},
    {"{\"set\":[1]}", "{\"$setElementOrder/set\":[1],\"set\":null}", ERR_INVALID},
    {"{\"set\":[1]}", "{\"$setElementOrder/set\":[1],\"set\":[2]}", ERR_INVALID},
    {"{\"set\":[1]}", "{\"$setElementOrder/set\":[2,3],\"set\":[3,2]}", ERR_INVALID},
    {"{\"l\":[]}", "{\"$setElementOrder/l\":[{\"x\":1}],\"l\":[{\"name\":\"a\"}]}", ERR_INVALID},
    {"{\"l\":[]}", "{\"$setElementOrder/l\":[{\"name\":\"a\"}],\"l\":[{\"x\":1}]}", ERR_INVALID},
    {"{\"s\":{}}", "{\"s\":{\"$retainKeys\":\"a\"}}", ERR_BADREQUEST},
    {"{\"s\":{}}", "{\"s\":{\"$retainKeys\":[\"a\"],\"b\":1}}", ERR_BADREQUEST},
};

TEST(jsonpatch_strategic_refuses)
{
    for (size_t i = 0; i < ARRAY_LEN(REFUSED); i++) {
        json_t *target JSON_OWNED = rig_value(REFUSED[i].target);
        json_t *patch JSON_OWNED = rig_value(REFUSED[i].patch);
        json_t *result JSON_OWNED = NULL;
        int rc = jsonpatch_strategic(target, patch, LISTS, ARRAY_LEN(LISTS), &result, NULL);

        if (!CHECK_ERR(rc, REFUSED[i].code))
            CHECK_STR(REFUSED[i].patch, "");
        CHECK(!result);
        rig_is_value(target, REFUSED[i].target);
    }
}

TEST(jsonpatch_strategic_takes_long_lists)
{
    json_t *target JSON_OWNED = json_pack("{s:[]}", "set");
    json_t *patch JSON_OWNED = json_pack("{s:[]}", "set");
    json_t *result JSON_OWNED = NULL;

    for (int i = 0; i < 50000; i++) {
        json_array_append_new(json_object_get(target, "set"), json_integer(i));
        json_array_append_new(json_object_get(patch, "set"), json_integer(100000 - i));
    }
    CHECK_OK(jsonpatch_strategic(target, patch, LISTS, ARRAY_LEN(LISTS), &result, NULL));
    CHECK_INT(json_array_size(json_object_get(result, "set")), 100000);
}
