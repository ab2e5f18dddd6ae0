/*
 * The command line, walked word by word against a table of options.
 *
 * Names are matched exactly (no abbreviations: a later option must not change what a script means).  The
 * last of a repeated option counts, except that lists add up; the first use of a list replaces its
 * default.
 */
#include "base/option.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/option_priv.h"

struct option_walk {
    const struct option_set *set;
    int argc;
    char **argv;
    int at; /* the next word */
    void *conf;
    bool *is_given;  /* one per row */
    char **operands; /* of a mixed set, found so far */
    int operand_count;
    struct err *err;
};

static int option_unknown(const struct option_walk *w, const char *what, struct str word)
{
    return err_set(w->err, ERR_USAGE, "unknown %s '%" STR_FMT "'; see '%s --help'", what,
                   STR_ARG(str_head(word, 128)), w->set->command);
}

static const struct option *option_find(const struct option_set *set, struct str name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (str_eq_c(name, set->rows[i].name))
            return &set->rows[i];
    }
    return NULL;
}

static const struct option *option_find_letter(const struct option_set *set, char letter)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->rows[i].letter == letter)
            return &set->rows[i];
    }
    return NULL;
}

static int option_apply(struct option_walk *w, const struct option *row, struct str value)
{
    bool *is_given = &w->is_given[row - w->set->rows];

    if (!*is_given)
        option_value_clear(row, w->conf);
    *is_given = true;
    return option_value_set(row, value, w->conf, w->err);
}

/* Takes the next word as the value of `row`. */
static int option_apply_next(struct option_walk *w, const struct option *row)
{
    if (w->at == w->argc)
        return err_set(w->err, ERR_USAGE, OPTION_NAME_FMT " needs a value%s%s", row->name,
                       row->arg ? ": " : "", row->arg ? row->arg : "");
    return option_apply(w, row, str_c(w->argv[w->at++]));
}

static int option_print_help(const struct option_walk *w)
{
    option_help(w->set);
    return err_set(w->err, ERR_CANCELLED, "help was printed");
}

/* "name", "name=value", "no-name": a word without its leading dashes. */
static int option_long(struct option_walk *w, struct str word)
{
    struct str rest = word;
    struct str name = str_cut(&rest, '=');
    const struct option *row = option_find(w->set, name);
    bool is_negated = false;

    if (!row && str_eq(word, STR("help")))
        return option_print_help(w);
    if (!row && str_starts(name, STR("no-"))) {
        row = option_find(w->set, str_skip(name, 3));
        is_negated = row != NULL;
    }
    if (!row || (is_negated && row->type != OPTION_BOOL))
        return option_unknown(w, "option", str_n(name.p - 2, name.n + 2));
    if (is_negated && rest.p)
        return err_set(w->err, ERR_USAGE, "option '--no-%s' takes no value", row->name);
    if (rest.p)
        return option_apply(w, row, rest);
    if (row->type == OPTION_BOOL)
        return option_apply(w, row, is_negated ? STR("false") : STR("true"));
    return option_apply_next(w, row);
}

/* "a", "abc" (flags), "avalue": a word without its leading dash. */
static int option_letters(struct option_walk *w, struct str letters)
{
    int rc = 0;

    while (letters.n > 0 && rc == 0) {
        const struct option *row = option_find_letter(w->set, letters.p[0]);

        if (!row && letters.p[0] == 'h')
            return option_print_help(w);
        if (!row)
            return option_unknown(w, "option", str_n((char[]){'-', letters.p[0]}, 2));
        letters = str_skip(letters, 1);
        if (row->type == OPTION_BOOL)
            rc = option_apply(w, row, STR("true"));
        else if (letters.n > 0)
            return option_apply(w, row, letters);
        else
            return option_apply_next(w, row);
    }
    return rc;
}

/* Handles one word; returns 1 when it and all behind it are operands. */
static int option_walk_word(struct option_walk *w)
{
    struct str word = str_c(w->argv[w->at]);

    if (word.n < 2 || word.p[0] != '-') {
        if (!w->set->is_mixed)
            return 1;
        w->operands[w->operand_count++] = w->argv[w->at++];
        return 0;
    }
    w->at++;
    if (str_eq(word, STR("--")))
        return 1;
    return word.p[1] == '-' ? option_long(w, str_skip(word, 2))
                            : option_letters(w, str_skip(word, 1));
}

/* Handles words up to the operands, which end up together at the end of argv; "--" is left behind. */
static int option_walk_words(struct option_walk *w)
{
    int rc = 0;

    while (w->at < w->argc && rc == 0)
        rc = option_walk_word(w);
    w->at -= w->operand_count;
    for (int i = 0; i < w->operand_count; i++)
        w->argv[w->at + i] = w->operands[i];
    return MIN(rc, 0);
}

int option_parse(const struct option_set *set, int argc, char **argv, void *conf, struct err *err)
{
    struct option_walk w = {
        .set = set,
        .argc = argc,
        .argv = argv,
        .at = MIN(1, argc),
        .conf = conf,
        .is_given = xcalloc(set->count, sizeof(bool)),
        .operands = xcalloc((size_t)argc + 1, sizeof(char *)),
        .err = err,
    };
    int rc;

    for (size_t i = 0; i < set->count; i++)
        option_value_default(&set->rows[i], conf);
    rc = option_walk_words(&w);
    free(w.is_given);
    free(w.operands);
    if (rc == 0 && w.at < argc && !set->operands)
        rc = option_unknown(&w, "argument", str_c(argv[w.at]));
    if (rc < 0) {
        option_fini(set, conf);
        return rc;
    }
    return w.at;
}

void option_help(const struct option_set *set)
{
    struct buf text CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);

    option_help_format(set, &text);
    fwrite(text.p + text.off, 1, text.len, stdout);
    fflush(stdout);
}

void option_fini(const struct option_set *set, void *conf)
{
    for (size_t i = 0; i < set->count; i++)
        option_value_clear(&set->rows[i], conf);
}
