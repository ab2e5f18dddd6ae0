/*
 * Patterns of schemas: the part of RE2's syntax (https://github.com/google/re2/wiki/Syntax) that POSIX
 * extended regular expressions can say, translated into them.
 *
 * Escapes (\d \w \s and their negations, \t, \x41, \., \/), classes with escapes inside, non-capturing groups and
 * bounded repeats are translated.  What would silently mean something else is refused: lazy quantifiers, flags, look-around,
 * back-references, \b, \pN.  Matching goes by bytes, so that a counted `.` counts the bytes of a character beyond ASCII.
 * The C library's matcher takes time linear in the text for what is let through; bounded repeats are limited.
 */
#include "apiserver/schema_priv.h"

#include "base/buf.h"
#include "codec/hex.h"

#define REPEAT_MAX 1000 /* as RE2: of one repeat, and of nested ones multiplied */
#define GROUP_DEPTH_MAX 64

struct translation {
    struct str rest;
    struct buf out;
    struct err *err;
    uint64_t factor[GROUP_DEPTH_MAX]; /* largest product of nested repeats inside each open group */
    size_t depth;
    uint64_t atom_factor; /* of the group that just ended; 1 behind anything else */
};

static int refuse(struct translation *t, const char *what)
{
    return err_set(t->err, ERR_INVALID, "%s is not supported", what);
}

/* The members of an escaped class letter, without brackets; NULL when it is none. */
static const char *class_members(char c)
{
    switch (c) {
    case 'd':
    case 'D':
        return "0-9";
    case 'w':
    case 'W':
        return "0-9A-Za-z_";
    case 's':
    case 'S':
        return "\t\n\f\r ";
    default:
        return NULL;
    }
}

/* The byte that an escape like \t, \x41 or \. stands for, or -1. */
static int escaped_byte(struct translation *t, char c)
{
    static const struct {
        char letter, byte;
    } BYTES[] = {{'t', '\t'}, {'n', '\n'}, {'r', '\r'}, {'f', '\f'}, {'v', '\v'}, {'a', '\a'}};

    for (size_t i = 0; i < ARRAY_LEN(BYTES); i++) {
        if (BYTES[i].letter == c)
            return BYTES[i].byte;
    }
    if (c == 'x' && t->rest.n >= 2) {
        struct buf byte CLEANUP(buf_fini) = BUF_INIT(1);
        if (hex_decode(&byte, str_head(t->rest, 2)) < 0 || buf_str(&byte).p[0] <= 0)
            return -1;
        t->rest = str_skip(t->rest, 2);
        return buf_str(&byte).p[0];
    }
    bool is_word = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    return is_word || c < 0 ? -1 : c;
}

static void add_literal(struct translation *t, char c)
{
    if (strchr("\\^$.[]|()*+?{}", c))
        buf_add_char(&t->out, '\\');
    buf_add_char(&t->out, c);
}

/* Behind a backslash outside of a class. */
static int translate_escape(struct translation *t)
{
    if (!t->rest.n)
        return err_set(t->err, ERR_INVALID, "trailing backslash at end of expression");
    char c = t->rest.p[0];
    t->rest = str_skip(t->rest, 1);
    const char *members = class_members(c);
    if (members) {
        buf_addf(&t->out, "[%s%s]", c < 'a' ? "^" : "", members);
        return 0;
    }
    if (c == 'A' || c == 'z') {
        buf_add_char(&t->out, c == 'A' ? '^' : '$');
        return 0;
    }
    int byte = escaped_byte(t, c);
    if (byte < 0)
        return err_set(t->err, ERR_INVALID, "escape \\%c is not supported", c);
    add_literal(t, (char)byte);
    return 0;
}

/* What a bracket expression has besides plain members: `]`, `^` and `-` have places of their own in POSIX. */
struct class_marks {
    bool close, caret, dash;
};

/* A byte in a class: put where it means itself. */
static void add_class_byte(struct translation *t, struct class_marks *marks, char c)
{
    if (c == ']')
        marks->close = true;
    else if (c == '^')
        marks->caret = true;
    else if (c == '-')
        marks->dash = true;
    else
        buf_add_char(&t->out, c);
}

static int translate_class_escape(struct translation *t, struct class_marks *marks)
{
    if (!t->rest.n)
        return err_set(t->err, ERR_INVALID, "missing closing ]");
    char c = t->rest.p[0];
    t->rest = str_skip(t->rest, 1);
    const char *members = class_members(c);
    if (members && c < 'a')
        return refuse(t, "a negated escape inside of a class");
    if (members) {
        buf_add_c(&t->out, members);
        return 0;
    }
    int byte = escaped_byte(t, c);
    if (byte < 0)
        return err_set(t->err, ERR_INVALID, "escape \\%c is not supported", c);
    if (str_starts(t->rest, STR("-")) && t->rest.n > 1 && t->rest.p[1] != ']')
        return refuse(t, "a range that begins with an escape");
    add_class_byte(t, marks, (char)byte);
    return 0;
}

/* "a-z": whether a range begins here; copies it. */
static int translate_range(struct translation *t)
{
    struct str s = t->rest;

    if (s.n < 3 || s.p[1] != '-' || s.p[2] == ']')
        return 0;
    if (s.p[2] == '\\' || s.p[2] == '[' || s.p[0] == '-' || s.p[0] == '^')
        return refuse(t, "a range to an escape or from a special character");
    if ((unsigned char)s.p[2] < (unsigned char)s.p[0])
        return err_set(t->err, ERR_INVALID, "invalid character class range");
    buf_add(&t->out, s.p, 3);
    t->rest = str_skip(s, 3);
    return 1;
}

/* Behind "[:": a POSIX class, which both syntaxes share. */
static int translate_posix_class(struct translation *t)
{
    ptrdiff_t end = str_find(t->rest, STR(":]"));

    if (end < 0)
        return err_set(t->err, ERR_INVALID, "invalid character class range");
    buf_add_str(&t->out, str_head(t->rest, (size_t)end + 2));
    t->rest = str_skip(t->rest, (size_t)end + 2);
    return 0;
}

static int translate_class_member(struct translation *t, struct class_marks *marks)
{
    if (str_starts(t->rest, STR("[:")))
        return translate_posix_class(t);
    if (t->rest.p[0] == '\\') {
        t->rest = str_skip(t->rest, 1);
        return translate_class_escape(t, marks);
    }
    int rc = translate_range(t);
    if (rc != 0)
        return MIN(rc, 0);
    add_class_byte(t, marks, t->rest.p[0]);
    t->rest = str_skip(t->rest, 1);
    return 0;
}

/*
 * Writes "[" negation "]"? members "^"? "-"? "]" with the marks where POSIX wants them; [^] alone and [-^] are put
 * together from an escape instead.
 */
static void add_class(struct translation *t, bool negated, const struct class_marks *marks,
                      struct str members)
{
    bool only_caret = marks->caret && !marks->close && !members.n && !negated;

    if (only_caret && !marks->dash) {
        buf_add_c(&t->out, "\\^");
        return;
    }
    buf_addf(&t->out, "[%s%s", negated ? "^" : "", marks->close ? "]" : "");
    buf_add_str(&t->out, members);
    if (only_caret)
        buf_add_c(&t->out, "-^]");
    else
        buf_addf(&t->out, "%s%s]", marks->caret ? "^" : "", marks->dash ? "-" : "");
}

/* Behind "[". */
static int translate_class(struct translation *t)
{
    struct translation inner = {
        .rest = t->rest, .out = BUF_INIT(SCHEMA_MAX_PATTERN_BYTES * 8), .err = t->err};
    struct class_marks marks = {0};
    bool negated = str_starts(inner.rest, STR("^"));
    int rc = 0;

    if (negated)
        inner.rest = str_skip(inner.rest, 1);
    do {
        rc = inner.rest.n ? translate_class_member(&inner, &marks)
                          : err_set(t->err, ERR_INVALID, "missing closing ]");
    } while (rc == 0 && !str_starts(inner.rest, STR("]")));
    if (rc == 0) {
        add_class(t, negated, &marks, buf_str(&inner.out));
        t->rest = str_skip(inner.rest, 1);
    }
    buf_fini(&inner.out);
    return rc;
}

/* Behind "(": only plain and non-capturing groups. */
static int translate_group(struct translation *t)
{
    if (++t->depth == GROUP_DEPTH_MAX)
        return err_set(t->err, ERR_INVALID, "expression nests too deeply");
    t->factor[t->depth] = 1;
    buf_add_char(&t->out, '(');
    if (!str_starts(t->rest, STR("?")))
        return 0;
    if (!str_starts(t->rest, STR("?:")))
        return refuse(t, "a group with flags, a name or look-around");
    t->rest = str_skip(t->rest, 2);
    return 0;
}

/* Behind ")". */
static int translate_group_end(struct translation *t)
{
    if (t->depth == 0)
        return err_set(t->err, ERR_INVALID, "unexpected )");
    t->atom_factor = t->factor[t->depth--];
    t->factor[t->depth] = MAX(t->factor[t->depth], t->atom_factor);
    buf_add_char(&t->out, ')');
    return 0;
}

/* Behind "{": a repeat "{n}", "{n,}" or "{n,m}", else the brace itself. */
static int translate_brace(struct translation *t, uint64_t atom_factor)
{
    ptrdiff_t end = str_index(t->rest, '}');
    struct str body = end > 0 ? str_head(t->rest, (size_t)end) : STR_NONE;
    struct str max = body;
    struct str min = str_cut(&max, ',');
    uint64_t lo = 0, hi = 0;

    if (!body.n || str_to_u64(min, UINT32_MAX, &lo) < 0 ||
        (max.n && str_to_u64(max, UINT32_MAX, &hi) < 0)) {
        buf_add_c(&t->out, "\\{");
        return 0;
    }
    uint64_t most = MAX(lo, hi);
    uint64_t factor = MAX(most, UINT64_C(1)) * atom_factor;
    if (lo > REPEAT_MAX || hi > REPEAT_MAX || (max.n && hi < lo) || factor > REPEAT_MAX)
        return err_set(t->err, ERR_INVALID, "invalid repeat count: `{%" STR_FMT "}`",
                       STR_ARG(body));
    buf_addf(&t->out, "{%" STR_FMT "}", STR_ARG(body));
    t->rest = str_skip(t->rest, (size_t)end + 1);
    t->factor[t->depth] = MAX(t->factor[t->depth], factor);
    return str_starts(t->rest, STR("?")) ? refuse(t, "a lazy quantifier") : 0;
}

static int translate_one(struct translation *t)
{
    char c = t->rest.p[0];
    uint64_t atom_factor = t->atom_factor;

    t->rest = str_skip(t->rest, 1);
    t->atom_factor = 1;
    switch (c) {
    case '\\':
        return translate_escape(t);
    case '[':
        return translate_class(t);
    case '(':
        return translate_group(t);
    case '{':
        return translate_brace(t, atom_factor);
    case ')':
        return translate_group_end(t);
    case '}':
    case ']':
        add_literal(t, c);
        return 0;
    case '*':
    case '+':
    case '?':
        buf_add_char(&t->out, c);
        if (t->rest.n && strchr("*+?", t->rest.p[0]))
            return refuse(t, "a lazy or nested quantifier");
        return 0;
    default:
        buf_add_char(&t->out, c);
        return 0;
    }
}

int schema_pattern_compile(struct str pattern, regex_t *ret_regex, struct err *err)
{
    struct translation t = {.rest = pattern,
                            .out = BUF_INIT(SCHEMA_MAX_PATTERN_BYTES * 8),
                            .err = err,
                            .atom_factor = 1,
                            .factor[0] = 1};
    char reason[128];
    int rc = 0;

    if (pattern.n > SCHEMA_MAX_PATTERN_BYTES)
        return err_set(err, ERR_INVALID, "it is longer than %d bytes", SCHEMA_MAX_PATTERN_BYTES);
    while (rc == 0 && t.rest.n)
        rc = translate_one(&t);
    if (rc == 0 && t.depth > 0)
        rc = err_set(err, ERR_INVALID, "missing closing )");
    if (rc == 0) {
        int posix = regcomp(ret_regex, buf_c(&t.out), REG_EXTENDED | REG_NOSUB);
        if (posix != 0) {
            regerror(posix, NULL, reason, sizeof(reason));
            rc = err_set(err, ERR_INVALID, "%s", reason);
        }
    }
    buf_fini(&t.out);
    return rc;
}
