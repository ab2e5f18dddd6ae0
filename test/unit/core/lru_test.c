/*
 * The bounded table.
 */
#include "core/lru.h"
#include "unit.h"

static unsigned released;
static int values[8];

static void release(void *value)
{
    (void)value;
    released++;
}

TEST(lru_the_longest_unused_goes_first)
{
    struct lru *t = lru_new(2, release);

    released = 0;
    lru_put(t, STR("a"), &values[0]);
    lru_put(t, STR("b"), &values[1]);
    CHECK(lru_get(t, STR("a")) == &values[0]); /* now b is the older one */
    CHECK_INT(released, 0);
    lru_put(t, STR("c"), &values[2]);
    CHECK_INT(released, 1);
    CHECK(!lru_get(t, STR("b")));
    CHECK(lru_get(t, STR("a")) == &values[0]);
    CHECK(lru_get(t, STR("c")) == &values[2]);
    CHECK_INT(lru_len(t), 2);
    lru_free(t);
    CHECK_INT(released, 3);
}

TEST(lru_replacing_releases_the_old_value)
{
    struct lru *t = lru_new(1, release);

    released = 0;
    lru_put(t, STR("a"), &values[0]);
    lru_put(t, STR("a"), &values[1]);
    CHECK_INT(released, 1);
    CHECK(lru_get(t, STR("a")) == &values[1]);
    lru_del(t, STR("missing"));
    CHECK_INT(released, 1);
    lru_del(t, STR("a"));
    CHECK_INT(released, 2);
    CHECK_INT(lru_len(t), 0);
    lru_put(t, STR(""), &values[2]); /* an empty key is a key */
    CHECK(lru_get(t, STR("")) == &values[2]);
    lru_free(t);
    lru_free(NULL);
}
