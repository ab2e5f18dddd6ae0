/*
 * The hash map against a plain array, removal while walking, odd keys.
 */
#include "unit.h"

#include <stdio.h>

#include "base/map.h"

static int values[5000];
static size_t freed;

static struct str key_of(char buf[16], int i)
{
    return str_n(buf, (size_t)snprintf(buf, 16, "key-%d", i));
}

TEST(map_empty)
{
    struct map *m CLEANUP(map_freep) = map_new();
    struct map_iter it = {0};

    CHECK(map_get(m, STR("a")) == NULL);
    CHECK(map_del(m, STR("a")) == NULL);
    CHECK(map_next(m, &it) == NULL);
    CHECK_INT(map_len(m), 0);
    map_free(NULL);
    map_free_with(NULL, NULL);
}

TEST(map_put_get_replace_del)
{
    struct map *m CLEANUP(map_freep) = map_new();

    CHECK(map_put(m, STR("a"), &values[1]) == NULL);
    CHECK(map_get(m, STR("a")) == &values[1]);
    CHECK(map_put(m, STR("a"), &values[2]) == &values[1]);
    CHECK(map_get(m, STR("a")) == &values[2]);
    CHECK_INT(map_len(m), 1);
    CHECK(map_get(m, STR("A")) == NULL);
    CHECK(map_get(m, STR("a\0")) == NULL);
    CHECK(map_del(m, STR("a")) == &values[2]);
    CHECK(map_del(m, STR("a")) == NULL);
    CHECK(map_get(m, STR("a")) == NULL);
    CHECK_INT(map_len(m), 0);
}

TEST(map_keys_may_be_empty_or_hold_nul)
{
    struct map *m CLEANUP(map_freep) = map_new();

    CHECK(map_put(m, STR_NONE, &values[0]) == NULL);
    CHECK(map_put(m, STR("\0"), &values[1]) == NULL);
    CHECK(map_put(m, STR("\0\0"), &values[2]) == NULL);
    CHECK(map_get(m, STR("")) == &values[0]);
    CHECK(map_get(m, STR("\0")) == &values[1]);
    CHECK(map_get(m, STR("\0\0")) == &values[2]);
    CHECK(map_get(m, STR("\0\0\0")) == NULL);
}

TEST(map_keys_are_copied)
{
    struct map *m CLEANUP(map_freep) = map_new();
    char key[] = "abc";

    CHECK(map_put(m, str_c(key), &values[0]) == NULL);
    key[0] = 'x';
    CHECK(map_get(m, STR("abc")) == &values[0]);
    CHECK(map_get(m, STR("xbc")) == NULL);
}

static void put_null(void *m)
{
    map_put(m, STR("a"), NULL);
}

TEST(map_null_value_ends_the_process)
{
    struct map *m CLEANUP(map_freep) = map_new();

    CHECK_DIES(put_null, m);
}

TEST(map_agrees_with_an_array)
{
    struct map *m CLEANUP(map_freep) = map_new();
    bool is_in[ARRAY_LEN(values)] = {false};
    size_t count = 0;
    uint32_t random = 1;
    char key[16];
    bool is_same = true;

    for (int step = 0; step < 200000; step++) {
        int i;

        random = random * 1664525 + 1013904223;
        i = (int)((random >> 8) % ARRAY_LEN(values));
        if (random >> 31) {
            is_same &= map_put(m, key_of(key, i), &values[i]) == (is_in[i] ? &values[i] : NULL);
            count += !is_in[i];
            is_in[i] = true;
        } else {
            is_same &= map_del(m, key_of(key, i)) == (is_in[i] ? &values[i] : NULL);
            count -= is_in[i];
            is_in[i] = false;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        is_same &= map_get(m, key_of(key, (int)i)) == (is_in[i] ? &values[i] : NULL);
    CHECK(is_same);
    CHECK_INT(map_len(m), count);
}

TEST(map_walk_returns_each_entry_once)
{
    struct map *m CLEANUP(map_freep) = map_new();
    unsigned char seen[1000] = {0};
    struct map_iter it = {0};
    char key[16];
    size_t count = 0;
    int *value;

    for (int i = 0; i < 1000; i++)
        CHECK(map_put(m, key_of(key, i), &values[i]) == NULL);
    while ((value = map_next(m, &it))) {
        CHECK_STR(it.key, key_of(key, (int)(value - values)));
        seen[value - values]++;
        count++;
    }
    CHECK_INT(count, 1000);
    for (int i = 0; i < 1000; i++)
        CHECK_INT(seen[i], 1);
    CHECK(map_next(m, &it) == NULL);
}

TEST(map_walk_may_remove_what_it_returned)
{
    struct map *m CLEANUP(map_freep) = map_new();
    struct map_iter it = {0};
    char key[16];
    size_t removed = 0;
    int *value;

    for (int i = 0; i < 1000; i++)
        CHECK(map_put(m, key_of(key, i), &values[i]) == NULL);
    while ((value = map_next(m, &it))) {
        if ((value - values) % 3 == 0) {
            CHECK(map_del(m, it.key) == value);
            removed++;
        }
    }
    CHECK_INT(removed, 334);
    CHECK_INT(map_len(m), 666);
    for (int i = 0; i < 1000; i++)
        CHECK((map_get(m, key_of(key, i)) != NULL) == (i % 3 != 0));
}

TEST(map_stays_small_under_churn)
{
    struct map *m CLEANUP(map_freep) = map_new();
    char key[16];

    /* Removed markers must be swept, or the probing never ends. */
    for (int i = 0; i < 300000; i++) {
        CHECK(map_put(m, key_of(key, i), &values[0]) == NULL);
        CHECK(map_del(m, key_of(key, i)) == &values[0]);
    }
    CHECK_INT(map_len(m), 0);
    CHECK(map_get(m, STR("key-7")) == NULL);
}

static void on_free(void *value)
{
    freed += value != NULL;
}

TEST(map_free_with_calls_for_each_value)
{
    struct map *m = map_new();
    char key[16];

    freed = 0;
    for (int i = 0; i < 100; i++)
        CHECK(map_put(m, key_of(key, i), &values[i]) == NULL);
    CHECK(map_del(m, STR("key-5")) != NULL);
    map_free_with(m, on_free);
    CHECK_INT(freed, 99);
}
