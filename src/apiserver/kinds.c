/*
 * The table of resource rows.
 *
 * A sorted vector: it changes seldom and has some dozens of rows, and discovery wants it in order.
 */
#include "apiserver/kind.h"

#include "base/vec.h"

struct kinds {
    struct VEC(struct kind *) rows;
    uint64_t revision;
};

struct kinds *kinds_new(void)
{
    return NEW(struct kinds);
}

void kinds_free(struct kinds *ks)
{
    if (!ks)
        return;
    VEC_EACH(&ks->rows, it)
    kind_unref(*it);
    VEC_FINI(&ks->rows);
    free(ks);
}

static struct str heap_str(struct buf *b)
{
    size_t n;
    char *p = buf_take_c(b, &n);

    return str_n(p, n);
}

static struct kind *new_row(const struct kind *row)
{
    struct kind *k = NEW(struct kind);
    struct buf b = BUF_INIT(BUF_NO_LIMIT);

    *k = *row;
    k->refs = 1;
    buf_addf(&b, "/registry/%" STR_FMT "/%" STR_FMT "/",
             STR_ARG(k->group.n ? k->group : STR("core")), STR_ARG(k->plural));
    k->prefix = heap_str(&b);
    if (k->group.n)
        buf_addf(&b, "%" STR_FMT "/", STR_ARG(k->group));
    buf_add_str(&b, k->version);
    k->api_version = heap_str(&b);
    return k;
}

static int compare(const struct kind *k, struct str group, struct str version, struct str plural)
{
    int c = str_cmp(k->group, group);

    if (c == 0)
        c = str_cmp(k->version, version);
    return c ? c : str_cmp(k->plural, plural);
}

/* The place of a row, or where it belongs. */
static size_t row_place(const struct kinds *ks, struct str group, struct str version,
                        struct str plural, bool *ret_found)
{
    size_t lo = 0, hi = ks->rows.n;

    *ret_found = false;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int c = compare(ks->rows.p[mid], group, version, plural);
        if (c == 0) {
            *ret_found = true;
            return mid;
        }
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

const struct kind *kinds_add(struct kinds *ks, const struct kind *row)
{
    struct kind *k = new_row(row);
    bool found;
    size_t at = row_place(ks, k->group, k->version, k->plural, &found);

    ks->revision++;
    if (found) {
        kind_unref(ks->rows.p[at]);
        ks->rows.p[at] = k;
        return k;
    }
    VEC_PUSH(&ks->rows, k);
    memmove(ks->rows.p + at + 1, ks->rows.p + at, (ks->rows.n - 1 - at) * sizeof(*ks->rows.p));
    ks->rows.p[at] = k;
    return k;
}

void kinds_remove(struct kinds *ks, struct str group, struct str version, struct str plural)
{
    bool found;
    size_t at = row_place(ks, group, version, plural, &found);

    if (!found)
        return;
    kind_unref(ks->rows.p[at]);
    ks->rows.n--;
    memmove(ks->rows.p + at, ks->rows.p + at + 1, (ks->rows.n - at) * sizeof(*ks->rows.p));
    ks->revision++;
}

const struct kind *kinds_find(const struct kinds *ks, struct str group, struct str version,
                              struct str plural)
{
    bool found;
    size_t at = row_place(ks, group, version, plural, &found);

    return found ? ks->rows.p[at] : NULL;
}

const struct kind *kinds_find_kind(const struct kinds *ks, struct str api_version, struct str kind)
{
    VEC_EACH(&ks->rows, it)
    {
        if (str_eq((*it)->kind, kind) && str_eq((*it)->api_version, api_version))
            return *it;
    }
    return NULL;
}

const struct kind *kinds_find_any(const struct kinds *ks, struct str group, struct str plural)
{
    VEC_EACH(&ks->rows, it)
    {
        if (str_eq((*it)->plural, plural) && str_eq((*it)->group, group))
            return *it;
    }
    return NULL;
}

const struct kind *kinds_at(const struct kinds *ks, size_t i)
{
    return i < ks->rows.n ? ks->rows.p[i] : NULL;
}

uint64_t kinds_revision(const struct kinds *ks)
{
    return ks->revision;
}
