/*
 * Evaluation of printer column paths, one step at a time over the text.
 */
#include "apiserver/colpath.h"

enum step_type { STEP_MEMBER, STEP_INDEX, STEP_FILTER, STEP_END, STEP_BAD };

struct step {
    enum step_type type;
    char name[256];   /* member, or the filter's member */
    struct str value; /* the filter's value */
    uint64_t index;
};

static bool is_name_end(char c)
{
    return c == '.' || c == '[';
}

/* ".name" with \-escapes. */
static enum step_type read_member(struct str *rest, struct step *s)
{
    size_t n = 0, i = 0;

    for (; i < rest->n && !is_name_end(rest->p[i]); i++) {
        if (rest->p[i] == '\\' && i + 1 < rest->n)
            i++;
        if (rest->p[i] == ']' || n + 1 >= sizeof(s->name))
            return STEP_BAD;
        s->name[n++] = rest->p[i];
    }
    s->name[n] = 0;
    *rest = str_skip(*rest, i);
    return n ? STEP_MEMBER : STEP_BAD;
}

static struct str unquote(struct str s)
{
    s = str_trim(s);
    if (s.n >= 2 && (s.p[0] == '"' || s.p[0] == '\'') && s.p[s.n - 1] == s.p[0])
        return str_n(s.p + 1, s.n - 2);
    return STR_NONE;
}

/* What is inside "[...]": 'name', 0, or ?(@.name=="value"). */
static enum step_type read_bracket(struct str inside, struct step *s)
{
    struct str quoted = unquote(inside);

    if (quoted.p)
        return str_copy(quoted, s->name, sizeof(s->name)) == 0 ? STEP_MEMBER : STEP_BAD;
    if (!str_starts(inside, STR("?(@.")) || !str_ends(inside, STR(")")))
        return str_to_u64(inside, INT32_MAX, &s->index) == 0 ? STEP_INDEX : STEP_BAD;
    inside = str_n(inside.p + 4, inside.n - 5);
    ptrdiff_t eq = str_find(inside, STR("=="));
    if (eq <= 0)
        return STEP_BAD;
    s->value = unquote(str_skip(inside, (size_t)eq + 2));
    if (!s->value.p ||
        str_copy(str_trim(str_head(inside, (size_t)eq)), s->name, sizeof(s->name)) < 0)
        return STEP_BAD;
    return STEP_FILTER;
}

/* Length of "[...]" without the brackets; a bracket inside quotes does not count. */
static ptrdiff_t bracket_end(struct str s)
{
    char quote = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (quote)
            quote = s.p[i] == quote ? 0 : quote;
        else if (s.p[i] == '"' || s.p[i] == '\'')
            quote = s.p[i];
        else if (s.p[i] == ']')
            return (ptrdiff_t)i;
    }
    return -1;
}

static enum step_type next_step(struct str *rest, struct step *s)
{
    if (!rest->n)
        return STEP_END;
    char c = rest->p[0];
    *rest = str_skip(*rest, 1);
    if (c == '.')
        return read_member(rest, s);
    if (c != '[')
        return STEP_BAD;
    ptrdiff_t end = bracket_end(*rest);
    if (end < 0)
        return STEP_BAD;
    struct str inside = str_trim(str_head(*rest, (size_t)end));
    *rest = str_skip(*rest, (size_t)end + 1);
    return read_bracket(inside, s);
}

static const json_t *filter(const json_t *list, const struct step *s)
{
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v)
    {
        struct str have = json_str(v, s->name);
        if (have.p && str_eq(have, s->value))
            return v;
    }
    return NULL;
}

const json_t *colpath_get(const json_t *object, struct str path)
{
    const json_t *v = object;
    struct step s = {0};

    while (v) {
        s.type = next_step(&path, &s);
        switch (s.type) {
        case STEP_MEMBER:
            v = json_object_get(v, s.name);
            break;
        case STEP_INDEX:
            v = json_array_get(v, s.index);
            break;
        case STEP_FILTER:
            v = filter(v, &s);
            break;
        case STEP_END:
            return v;
        case STEP_BAD:
            return NULL;
        }
    }
    return NULL;
}

bool colpath_is_valid(struct str path)
{
    struct step s = {0};

    if (!path.n || path.n > COLPATH_MAX_BYTES)
        return false;
    do {
        s.type = next_step(&path, &s);
    } while (s.type != STEP_END && s.type != STEP_BAD);
    return s.type == STEP_END;
}
