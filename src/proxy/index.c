/*
 * A map of list heads; a head goes with its last link.
 */
#include "proxy/index.h"

#include "base/map.h"

struct index {
    struct map *heads;
};

struct index *index_new(void)
{
    struct index *ix = NEW(struct index);

    ix->heads = map_new();
    return ix;
}

void index_free(struct index *ix)
{
    if (!ix)
        return;
    map_free_with(ix->heads, free);
    free(ix);
}

static void take_out(struct index *ix, struct index_link *l)
{
    struct list *head;

    if (!l->key)
        return;
    list_remove(&l->link);
    head = map_get(ix->heads, str_c(l->key));
    if (head && list_is_empty(head))
        free(map_del(ix->heads, str_c(l->key)));
    free(TAKE(l->key));
}

void index_set(struct index *ix, struct index_link *l, struct str key, void *owner)
{
    struct list *head;

    if (l->key && str_eq_c(key, l->key))
        return;
    take_out(ix, l);
    if (str_is_empty(key))
        return;
    head = map_get(ix->heads, key);
    if (!head) {
        head = NEW(struct list);
        list_init(head);
        map_put(ix->heads, key, head);
    }
    l->owner = owner;
    l->key = str_dup(key);
    list_append(head, &l->link);
}

struct list *index_get(const struct index *ix, struct str key)
{
    return map_get(ix->heads, key);
}
