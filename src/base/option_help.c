/*
 * The help text, generated from the rows.
 *
 *     Usage: connectors proxy [OPTION]...
 *
 *     One sentence.
 *
 *     Options:
 *       -n, --namespace=NS      what it says (default: default)
 *           --[no-]cache        …
 */
#include "base/option_priv.h"

enum { HELP_COLUMN = 30, HELP_WIDTH = 100 };

static void help_pad(struct buf *out, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        buf_add_char(out, ' ');
}

/* Appends `text` from HELP_COLUMN on, broken between words. */
static void help_add_wrapped(struct buf *out, struct str text)
{
    size_t column = HELP_COLUMN;
    bool is_first = true;

    while (text.n > 0) {
        struct str word = str_cut(&text, ' ');

        if (!is_first && column + 1 + word.n > HELP_WIDTH) {
            buf_add_char(out, '\n');
            help_pad(out, 0, HELP_COLUMN);
            column = HELP_COLUMN;
        } else if (!is_first) {
            buf_add_char(out, ' ');
            column++;
        }
        buf_add_str(out, word);
        column += word.n;
        is_first = false;
    }
    buf_add_char(out, '\n');
}

/* The left half: "  -n, --namespace=NS". */
static void help_add_name(struct buf *out, const struct option *row)
{
    static const char *const ARGS[] = {
        [OPTION_STRING] = "TEXT", [OPTION_UINT] = "N",    [OPTION_DURATION_US] = "DURATION",
        [OPTION_SIZE] = "BYTES",  [OPTION_ENUM] = "WORD", [OPTION_LIST] = "ITEM,...",
    };

    if (row->letter)
        buf_addf(out, "  -%c, --", row->letter);
    else
        buf_add_c(out, "      --");
    if (row->type == OPTION_BOOL)
        buf_addf(out, "[no-]%s", row->name);
    else
        buf_addf(out, "%s=%s", row->name, row->arg ? row->arg : ARGS[row->type]);
}

static void help_add_notes(struct buf *out, const struct option *row)
{
    if (row->type == OPTION_ENUM) {
        buf_add_c(out, " (one of ");
        for (size_t i = 0; row->choices[i]; i++)
            buf_addf(out, "%s%s", i ? ", " : "", row->choices[i]);
        buf_add_c(out, ")");
    }
    if (row->dflt && row->dflt[0])
        buf_addf(out, " (default: %s)", row->dflt);
}

static void help_add_row(struct buf *out, const struct option *row)
{
    struct buf text CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);
    size_t start = out->len;

    help_add_name(out, row);
    if (out->len - start + 2 > HELP_COLUMN) {
        buf_add_char(out, '\n');
        start = out->len;
    }
    help_pad(out, out->len - start, HELP_COLUMN);
    buf_add_c(&text, row->help);
    help_add_notes(&text, row);
    help_add_wrapped(out, buf_str(&text));
}

void option_help_format(const struct option_set *set, struct buf *out)
{
    static const char HELP_LINE[] = "print this help and exit";
    bool is_h_taken = false;

    buf_addf(out, "Usage: %s [OPTION]...%s%s\n\n%s\n\nOptions:\n", set->command,
             set->operands ? " " : "", set->operands ? set->operands : "", set->summary);
    for (size_t i = 0; i < set->count; i++) {
        help_add_row(out, &set->rows[i]);
        is_h_taken |= set->rows[i].letter == 'h';
    }
    buf_addf(out, "  %s --help%*s%s\n", is_h_taken ? "   " : "-h,", HELP_COLUMN - 12, "",
             HELP_LINE);
}
