/*
 * Command-line options as tables: one row each, from which parsing, defaults, checks and the help text
 * come.
 *
 * Syntax as of getopt_long: `--name value`, `--name=value`, `--flag`, `--no-flag`, one-letter forms, `--`
 * ends the options.  The struct that the rows point into is filled completely (defaults first) or the
 * call fails with a one-line error that names the option and its allowed values.
 */
#ifndef BASE_OPTION_H
#define BASE_OPTION_H

#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"

enum option_type {
    OPTION_STRING,      /* const char * */
    OPTION_BOOL,        /* bool */
    OPTION_UINT,        /* uint64_t; min and max checked when max is not 0 */
    OPTION_DURATION_US, /* int64_t; Go syntax: 300ms, 1.5h, 2h45m; min and max in microseconds */
    OPTION_SIZE,        /* uint64_t bytes; 64, 64Ki, 1Mi, 2Gi */
    OPTION_ENUM,        /* int: index into `choices` */
    OPTION_LIST,        /* struct option_list: repeated and comma-separated */
};

struct option_list VEC(const char *);

struct option {
    const char *name; /* without dashes */
    char letter;      /* one-letter form, or 0 */
    enum option_type type;
    size_t offset;              /* of the field in the caller's struct */
    const char *dflt;           /* text form of the default, or NULL for zero */
    const char *const *choices; /* OPTION_ENUM: NULL-terminated */
    int64_t min, max;           /* max 0: no upper bound */
    const char *arg;            /* placeholder in the help, e.g. "DIR" */
    const char
        *help; /* one sentence, with the unit where not obvious; the default is added to it */
    /* Further check of the raw text (of each item of a list); returns 0 or fills `err`.  May be NULL. */
    int (*check)(struct str value, struct err *err);
};

#define OPTION_ROW(strct, field, ...)                                                              \
    {                                                                                              \
        .offset = offsetof(strct, field), __VA_ARGS__                                              \
    }

struct option_set {
    const char *command;  /* e.g. "connectors proxy" */
    const char *summary;  /* one sentence */
    const char *operands; /* text of the usage line behind the options, or NULL for none allowed */
    bool is_mixed;        /* operands may stand before and between options */
    const struct option *rows;
    size_t count;
};

/*
 * Fills `conf` from defaults and argv[1..].
 *
 * Returns the index of the first operand in argv (argc when there is none), or -ERR_USAGE with a message,
 * or -ERR_CANCELLED after `--help` was printed to stdout.  Strings point into argv or the table.
 * Operands are refused when set->operands is NULL.  Parsing stops at the first operand or, of a mixed set,
 * at "--"; argv is then reordered so that the operands stand at its end.
 */
int option_parse(const struct option_set *set, int argc, char **argv, void *conf,
                 struct err *err) MUST_USE;

/* Prints the generated help to stdout. */
void option_help(const struct option_set *set);

/* Frees the lists inside `conf`. */
void option_fini(const struct option_set *set, void *conf);

/* Reads a Go duration ("1h30m", "250ms") into microseconds.  Returns 0 or -ERR_INVALID. */
int option_duration_parse(struct str s, int64_t *ret_us) MUST_USE;

#define OPTION_DURATION_BYTES 48

/* Formats microseconds as option_duration_parse reads them, e.g. "1h30m"; returns `dst`. */
const char *option_duration_format(int64_t us, char dst[OPTION_DURATION_BYTES]);

#endif
