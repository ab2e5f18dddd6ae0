/*
 * Option texts to values: numbers, durations, sizes, choices, lists.
 *
 * Every refusal names the option, quotes the text and says what would have been accepted.
 */
#include <inttypes.h>

#include "base/option_priv.h"

static void *option_field(const struct option *row, void *conf)
{
    return (char *)conf + row->offset;
}

/* Appends "from MIN to MAX" or "at least MIN", in the notation of the option. */
static void option_add_range(const struct option *row, struct buf *out)
{
    char min[OPTION_DURATION_BYTES], max[OPTION_DURATION_BYTES];

    if (row->type == OPTION_DURATION_US) {
        option_duration_format(row->min, min);
        option_duration_format(row->max, max);
    } else {
        snprintf(min, sizeof(min), "%" PRId64, row->min);
        snprintf(max, sizeof(max), "%" PRId64, row->max);
    }
    if (row->max != 0)
        buf_addf(out, " from %s to %s", min, max);
    else if (row->min != 0)
        buf_addf(out, " of at least %s", min);
}

static void option_add_allowed(const struct option *row, struct buf *out)
{
    switch (row->type) {
    case OPTION_BOOL:
        buf_add_c(out, "true or false");
        break;
    case OPTION_UINT:
        buf_add_c(out, "a whole number");
        option_add_range(row, out);
        break;
    case OPTION_DURATION_US:
        buf_add_c(out, "a duration such as 300ms or 1h30m");
        option_add_range(row, out);
        break;
    case OPTION_SIZE:
        buf_add_c(out, "a number of bytes such as 512, 64Ki or 1Mi");
        option_add_range(row, out);
        break;
    case OPTION_ENUM:
        buf_add_c(out, "one of ");
        for (size_t i = 0; row->choices[i]; i++)
            buf_addf(out, "%s%s", i ? ", " : "", row->choices[i]);
        break;
    case OPTION_LIST:
        buf_add_c(out, "a comma-separated list without empty items");
        break;
    case OPTION_STRING:
        buf_add_c(out, "text");
        break;
    }
}

static int option_refuse(const struct option *row, struct str value, struct err *err)
{
    struct buf allowed CLEANUP(buf_fini) = BUF_INIT(ERR_MSG_BYTES);

    option_add_allowed(row, &allowed);
    return err_set(err, ERR_USAGE, OPTION_NAME_FMT ": '%" STR_FMT "' is not %s", row->name,
                   STR_ARG(str_head(value, 128)), buf_c(&allowed));
}

static bool option_is_in_range(const struct option *row, int64_t value)
{
    return value >= row->min && (row->max == 0 || value <= row->max);
}

static int option_set_bool(struct str value, bool *field)
{
    if (!str_eq(value, STR("true")) && !str_eq(value, STR("false")))
        return -ERR_INVALID;
    *field = str_eq(value, STR("true"));
    return 0;
}

static int option_set_uint(const struct option *row, struct str value, uint64_t *field)
{
    uint64_t n;

    if (str_to_u64(value, INT64_MAX, &n) < 0 || !option_is_in_range(row, (int64_t)n))
        return -ERR_INVALID;
    *field = n;
    return 0;
}

static int option_set_duration(const struct option *row, struct str value, int64_t *field)
{
    int64_t us;

    if (option_duration_parse(value, &us) < 0 || !option_is_in_range(row, us))
        return -ERR_INVALID;
    *field = us;
    return 0;
}

static int option_set_size(const struct option *row, struct str value, uint64_t *field)
{
    static const struct str SUFFIXES[] = {STR_INIT("Ki"), STR_INIT("Mi"), STR_INIT("Gi"),
                                          STR_INIT("Ti")};
    unsigned shift = 0;
    uint64_t n;

    for (unsigned i = 0; i < ARRAY_LEN(SUFFIXES); i++) {
        if (str_ends(value, SUFFIXES[i])) {
            value.n -= SUFFIXES[i].n;
            shift = 10 * (i + 1);
            break;
        }
    }
    if (str_to_u64(value, (uint64_t)INT64_MAX >> shift, &n) < 0 ||
        !option_is_in_range(row, (int64_t)(n << shift)))
        return -ERR_INVALID;
    *field = n << shift;
    return 0;
}

static int option_set_enum(const struct option *row, struct str value, int *field)
{
    for (int i = 0; row->choices[i]; i++) {
        if (str_eq_c(value, row->choices[i])) {
            *field = i;
            return 0;
        }
    }
    return -ERR_INVALID;
}

/* The empty text adds nothing: "--name=" makes a list empty. */
static int option_set_list(struct str value, struct option_list *field)
{
    struct str rest = value;

    if (value.n == 0)
        return 0;
    while (rest.p) {
        if (str_cut(&rest, ',').n == 0)
            return -ERR_INVALID;
    }
    rest = value;
    while (rest.p)
        VEC_PUSH(field, str_dup(str_cut(&rest, ',')));
    return 0;
}

static int option_store(const struct option *row, struct str value, void *field)
{
    switch (row->type) {
    case OPTION_STRING:
        *(const char **)field = value.p;
        return 0;
    case OPTION_BOOL:
        return option_set_bool(value, field);
    case OPTION_UINT:
        return option_set_uint(row, value, field);
    case OPTION_DURATION_US:
        return option_set_duration(row, value, field);
    case OPTION_SIZE:
        return option_set_size(row, value, field);
    case OPTION_ENUM:
        return option_set_enum(row, value, field);
    case OPTION_LIST:
        return option_set_list(value, field);
    }
    return -ERR_INVALID;
}

static int option_check(const struct option *row, struct str value, struct err *err)
{
    struct err why = {0};
    int rc;

    if (!row->check)
        return 0;
    rc = row->check(value, &why);
    if (rc == 0)
        return 0;
    return err_set(err, ERR_USAGE, OPTION_NAME_FMT ": %s", row->name,
                   why.msg[0] ? why.msg : err_text(rc));
}

static int option_check_all(const struct option *row, struct str value, struct err *err)
{
    if (row->type != OPTION_LIST)
        return option_check(row, value, err);
    while (value.n > 0) {
        int rc = option_check(row, str_cut(&value, ','), err);

        if (rc < 0)
            return rc;
    }
    return 0;
}

int option_value_set(const struct option *row, struct str value, void *conf, struct err *err)
{
    if (option_store(row, value, option_field(row, conf)) < 0)
        return option_refuse(row, value, err);
    return option_check_all(row, value, err);
}

void option_value_default(const struct option *row, void *conf)
{
    static const size_t BYTES[] = {
        [OPTION_STRING] = sizeof(const char *),     [OPTION_BOOL] = sizeof(bool),
        [OPTION_UINT] = sizeof(uint64_t),           [OPTION_DURATION_US] = sizeof(int64_t),
        [OPTION_SIZE] = sizeof(uint64_t),           [OPTION_ENUM] = sizeof(int),
        [OPTION_LIST] = sizeof(struct option_list),
    };
    void *field = option_field(row, conf);

    memset(field, 0, BYTES[row->type]);
    /* A default that its own row refuses is a mistake in the table. */
    if (row->dflt)
        ASSERT(option_store(row, str_c(row->dflt), field) == 0);
}

void option_value_clear(const struct option *row, void *conf)
{
    struct option_list *list = option_field(row, conf);

    if (row->type != OPTION_LIST)
        return;
    VEC_EACH(list, item)
    {
        free((char *)*item);
    }
    VEC_FINI(list);
}
