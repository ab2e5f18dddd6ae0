/*
 * A map of maps; the inner values mean nothing but membership.
 */
#include "controller/links.h"

#include "base/map.h"

static char MEMBER;

struct links {
    struct map *sets;
};

struct links *links_new(void)
{
    struct links *l = NEW(struct links);

    l->sets = map_new();
    return l;
}

static void free_set(void *set)
{
    map_free(set);
}

void links_free(struct links *l)
{
    if (!l)
        return;
    map_free_with(l->sets, free_set);
    free(l);
}

void links_add(struct links *l, struct str key, struct str member)
{
    struct map *set;

    if (key.n == 0)
        return;
    set = map_get(l->sets, key);
    if (!set) {
        set = map_new();
        map_put(l->sets, key, set);
    }
    map_put(set, member, &MEMBER);
}

void links_del(struct links *l, struct str key, struct str member)
{
    struct map *set = map_get(l->sets, key);

    if (!set)
        return;
    map_del(set, member);
    if (map_len(set) == 0) {
        map_del(l->sets, key);
        map_free(set);
    }
}

bool links_has(const struct links *l, struct str key)
{
    return map_get(l->sets, key) != NULL;
}

void links_each(const struct links *l, struct str key, void (*fn)(void *cookie, struct str member),
                void *cookie)
{
    const struct map *set = map_get(l->sets, key);
    struct map_iter it = {0};

    while (set && map_next(set, &it))
        fn(cookie, it.key);
}
