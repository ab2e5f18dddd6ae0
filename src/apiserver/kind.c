/*
 * One row of the resource table: its life, and the names made from it.
 */
#include "apiserver/kind.h"

#include "apiserver/schema.h"

const struct kind *kind_ref(const struct kind *k)
{
    ((struct kind *)k)->refs++;
    return k;
}

void kind_unref(const struct kind *k)
{
    struct kind *own = (struct kind *)k;

    if (!k || --own->refs > 0)
        return;
    if (own->schema)
        schema_unref((struct schema *)own->schema);
    free((char *)own->prefix.p);
    free((char *)own->api_version.p);
    arena_free(own->arena);
    free(own);
}

struct str kind_key(struct arena *a, const struct kind *k, struct str ns, struct str name)
{
    if (k->namespaced)
        return arena_fmt(a, "%" STR_FMT "%" STR_FMT "/%" STR_FMT, STR_ARG(k->prefix), STR_ARG(ns),
                         STR_ARG(name));
    return arena_fmt(a, "%" STR_FMT "%" STR_FMT, STR_ARG(k->prefix), STR_ARG(name));
}

struct str kind_gv(struct arena *a, struct str group, struct str version)
{
    if (!group.n)
        return arena_str(a, version);
    return arena_fmt(a, "%" STR_FMT "/%" STR_FMT, STR_ARG(group), STR_ARG(version));
}
