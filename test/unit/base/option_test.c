/*
 * Option tables: every type, both forms of every option, each refusal, the generated help, durations.
 */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/option.h"
#include "base/option_priv.h"

struct conf {
    const char *name;
    bool cache;
    bool verbose;
    uint64_t port;
    uint64_t workers;
    int64_t timeout_us;
    int64_t ttl_us;
    uint64_t body_bytes;
    uint64_t window_bytes;
    int mode;
    struct option_list configs;
    struct option_list hosts;
};

static int check_host(struct str value, struct err *err)
{
    if (str_index(value, '.') < 0)
        return err_set(err, ERR_INVALID, "'%" STR_FMT "' has no dot", STR_ARG(value));
    return 0;
}

static const char *const MODES[] = {"reverse", "forward", "both", NULL};

static const struct option ROWS[] = {
    OPTION_ROW(struct conf, name, .name = "name", .letter = 'n', .type = OPTION_STRING,
               .dflt = "default", .arg = "NS", .help = "namespace to use"),
    OPTION_ROW(struct conf, cache, .name = "cache", .type = OPTION_BOOL, .dflt = "true",
               .help = "keep answers"),
    OPTION_ROW(struct conf, verbose, .name = "verbose", .letter = 'v', .type = OPTION_BOOL,
               .help = "say more"),
    OPTION_ROW(struct conf, port, .name = "port", .letter = 'p', .type = OPTION_UINT, .max = 65535,
               .dflt = "8480", .help = "port to listen on"),
    OPTION_ROW(struct conf, workers, .name = "workers", .type = OPTION_UINT, .min = 1, .dflt = "2",
               .help = "threads"),
    OPTION_ROW(struct conf, timeout_us, .name = "timeout", .type = OPTION_DURATION_US,
               .dflt = "1m30s", .help = "time to wait"),
    OPTION_ROW(struct conf, ttl_us, .name = "ttl", .type = OPTION_DURATION_US,
               .min = INT64_C(600000000), .max = INT64_C(86400000000), .dflt = "1h",
               .help = "how long a token lives"),
    OPTION_ROW(struct conf, body_bytes, .name = "max-body", .type = OPTION_SIZE, .dflt = "1Mi",
               .help = "largest body"),
    OPTION_ROW(struct conf, window_bytes, .name = "window", .type = OPTION_SIZE, .min = 1024,
               .max = 65536, .dflt = "64Ki", .help = "window"),
    OPTION_ROW(struct conf, mode, .name = "mode", .type = OPTION_ENUM, .choices = MODES,
               .dflt = "both", .help = "what to serve"),
    OPTION_ROW(struct conf, configs, .name = "config", .letter = 'c', .type = OPTION_LIST,
               .dflt = "git,docker", .help = "configurations"),
    OPTION_ROW(struct conf, hosts, .name = "host", .type = OPTION_LIST, .check = check_host,
               .help = "hosts"),
};

static const struct option_set SET = {
    .command = "connectors test",
    .summary = "Tests options.",
    .operands = "[FILE]...",
    .rows = ROWS,
    .count = ARRAY_LEN(ROWS),
};

/* Parses words, which end with NULL; the program's name is added. */
static int parse_with(const struct option_set *set, struct conf *conf, struct err *err,
                      const char *const *words)
{
    char *argv[20] = {(char *)"connectors"};
    int argc = 1;

    for (; *words; words++)
        argv[argc++] = (char *)*words;
    return option_parse(set, argc, argv, conf, err);
}

#define PARSE(...)                                                                                 \
    parse_with(&SET, &conf, &err, (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void check_refusal(const char *const *words, const char *msg)
{
    struct conf conf;
    struct err err = {0};

    CHECK_ERR(parse_with(&SET, &conf, &err, words), ERR_USAGE);
    CHECK_INT(err.code, ERR_USAGE);
    CHECK_STR(err.msg, msg);
    CHECK_ERR(parse_with(&SET, &conf, NULL, words), ERR_USAGE);
}

#define CHECK_REFUSED(msg, ...) check_refusal((const char *const[]){__VA_ARGS__, NULL}, msg)

TEST(option_defaults_fill_everything)
{
    struct err err = {0};
    struct conf conf;

    memset(&conf, 0xa5, sizeof(conf));
    CHECK_INT(PARSE(), 1);
    CHECK_STR(conf.name, "default");
    CHECK(conf.cache && !conf.verbose);
    CHECK_INT(conf.port, 8480);
    CHECK_INT(conf.workers, 2);
    CHECK_INT(conf.timeout_us, 90000000);
    CHECK_INT(conf.ttl_us, INT64_C(3600000000));
    CHECK_INT(conf.body_bytes, 1 << 20);
    CHECK_INT(conf.window_bytes, 65536);
    CHECK_INT(conf.mode, 2);
    CHECK_INT(conf.configs.n, 2);
    CHECK_STR(conf.configs.p[1], "docker");
    CHECK_INT(conf.hosts.n, 0);
    option_fini(&SET, &conf);
    CHECK(conf.configs.p == NULL);
    option_fini(&SET, &conf);
}

TEST(option_long_forms)
{
    struct err err = {0};
    struct conf conf;

    CHECK_INT(PARSE("--name", "a", "--no-cache", "--verbose", "--port=0", "--ttl=10m", "file"), 7);
    CHECK_STR(conf.name, "a");
    CHECK(!conf.cache && conf.verbose);
    CHECK_INT(conf.port, 0);
    CHECK_INT(conf.ttl_us, 600000000);
    option_fini(&SET, &conf);
    CHECK_INT(PARSE("--name=", "--cache=false", "--verbose=true", "--name=a=b"), 5);
    CHECK_STR(conf.name, "a=b");
    CHECK(!conf.cache && conf.verbose);
    option_fini(&SET, &conf);
    CHECK_INT(PARSE("--name", "--cache"), 3);
    CHECK_STR(conf.name, "--cache");
    option_fini(&SET, &conf);
}

TEST(option_letters)
{
    struct err err = {0};
    struct conf conf;

    CHECK_INT(PARSE("-n", "a", "-v", "-p80"), 5);
    CHECK_STR(conf.name, "a");
    CHECK(conf.verbose);
    CHECK_INT(conf.port, 80);
    option_fini(&SET, &conf);
    CHECK_INT(PARSE("-vn", "x"), 3);
    CHECK_STR(conf.name, "x");
    CHECK(conf.verbose);
    option_fini(&SET, &conf);
    CHECK_INT(PARSE("-vnvv"), 2);
    CHECK_STR(conf.name, "vv");
    option_fini(&SET, &conf);
}

TEST(option_operands_end_the_options)
{
    struct err err = {0};
    struct conf conf;

    CHECK_INT(PARSE("-v", "cmd", "--no-such"), 2);
    option_fini(&SET, &conf);
    CHECK_INT(PARSE("-v", "--", "--name"), 3);
    CHECK_STR(conf.name, "default");
    option_fini(&SET, &conf);
    CHECK_INT(PARSE("-v", "--"), 3);
    option_fini(&SET, &conf);
    CHECK_INT(PARSE("-"), 1);
    option_fini(&SET, &conf);
    CHECK_INT(PARSE(""), 1);
    option_fini(&SET, &conf);
    CHECK_INT(option_parse(&SET, 0, (char *[]){NULL}, &conf, &err), 0);
    option_fini(&SET, &conf);
}

TEST(option_operands_are_refused_where_there_are_none)
{
    struct option_set set = SET;
    struct err err = {0};
    struct conf conf;

    set.operands = NULL;
    CHECK_ERR(parse_with(&set, &conf, &err, (const char *const[]){"-v", "x", NULL}), ERR_USAGE);
    CHECK_STR(err.msg, "unknown argument 'x'; see 'connectors test --help'");
    CHECK_ERR(parse_with(&set, &conf, &err, (const char *const[]){"--", "-v", NULL}), ERR_USAGE);
    CHECK_INT(parse_with(&set, &conf, &err, (const char *const[]){"--", NULL}), 2);
    option_fini(&set, &conf);
}

TEST(option_the_last_one_counts)
{
    struct err err = {0};
    struct conf conf;

    CHECK_INT(PARSE("--port", "1", "--port", "2", "--no-cache", "--cache"), 7);
    CHECK_INT(conf.port, 2);
    CHECK(conf.cache);
    option_fini(&SET, &conf);
}

TEST(option_lists_add_up_and_replace_the_default)
{
    struct err err = {0};
    struct conf conf;

    CHECK_INT(PARSE("-c", "npm", "--config=a,b"), 4);
    CHECK_INT(conf.configs.n, 3);
    CHECK_STR(conf.configs.p[0], "npm");
    CHECK_STR(conf.configs.p[2], "b");
    option_fini(&SET, &conf);
    CHECK_INT(PARSE("--config="), 2);
    CHECK_INT(conf.configs.n, 0);
    option_fini(&SET, &conf);
    CHECK_INT(PARSE("--host=a.b,c.d", "--host", "e.f"), 4);
    CHECK_INT(conf.hosts.n, 3);
    option_fini(&SET, &conf);
}

TEST(option_unknown_ones_are_refused)
{
    CHECK_REFUSED("unknown option '--nme'; see 'connectors test --help'", "--nme");
    CHECK_REFUSED("unknown option '--nam'; see 'connectors test --help'", "--nam", "x");
    CHECK_REFUSED("unknown option '--nme'; see 'connectors test --help'", "--nme=secret");
    CHECK_REFUSED("unknown option '--no-name'; see 'connectors test --help'", "--no-name");
    CHECK_REFUSED("unknown option '--no-'; see 'connectors test --help'", "--no-");
    CHECK_REFUSED("unknown option '--'; see 'connectors test --help'", "--=x");
    CHECK_REFUSED("unknown option '-x'; see 'connectors test --help'", "-x");
    CHECK_REFUSED("unknown option '-x'; see 'connectors test --help'", "-vx");
    CHECK_REFUSED("unknown option '--Name'; see 'connectors test --help'", "--Name=x");
    CHECK_REFUSED("unknown option '--help'; see 'connectors test --help'", "--help=x");
}

TEST(option_missing_and_superfluous_values)
{
    CHECK_REFUSED("option '--name' needs a value: NS", "--name");
    CHECK_REFUSED("option '--name' needs a value: NS", "-v", "-n");
    CHECK_REFUSED("option '--port' needs a value", "-vp");
    CHECK_REFUSED("option '--no-cache' takes no value", "--no-cache=true");
    CHECK_REFUSED("option '--cache': 'yes' is not true or false", "--cache=yes");
    CHECK_REFUSED("option '--cache': '' is not true or false", "--cache=");
}

TEST(option_numbers_at_and_past_their_limits)
{
    struct err err = {0};
    struct conf conf;

    CHECK_INT(PARSE("--port=65535", "--workers=9223372036854775807"), 3);
    CHECK_INT(conf.port, 65535);
    CHECK_INT(conf.workers, INT64_MAX);
    option_fini(&SET, &conf);
    CHECK_REFUSED("option '--port': '65536' is not a whole number from 0 to 65535", "-p", "65536");
    CHECK_REFUSED("option '--port': '-1' is not a whole number from 0 to 65535", "-p", "-1");
    CHECK_REFUSED("option '--port': '' is not a whole number from 0 to 65535", "--port=");
    CHECK_REFUSED("option '--port': '8 ' is not a whole number from 0 to 65535", "--port=8 ");
    CHECK_REFUSED("option '--port': '0x1' is not a whole number from 0 to 65535", "--port=0x1");
    CHECK_REFUSED("option '--workers': '0' is not a whole number of at least 1", "--workers=0");
    CHECK_REFUSED("option '--workers': '9223372036854775808' is not a whole number of at least 1",
                  "--workers=9223372036854775808");
}

TEST(option_durations_at_and_past_their_limits)
{
    struct err err = {0};
    struct conf conf;

    CHECK_INT(PARSE("--ttl=24h", "--timeout=0"), 3);
    CHECK_INT(conf.ttl_us, INT64_C(86400000000));
    CHECK_INT(conf.timeout_us, 0);
    option_fini(&SET, &conf);
    CHECK_REFUSED("option '--ttl': '24h0m0.000001s' is not a duration such as 300ms or 1h30m from "
                  "10m to 24h",
                  "--ttl=24h0m0.000001s");
    CHECK_REFUSED(
        "option '--ttl': '9m59s' is not a duration such as 300ms or 1h30m from 10m to 24h",
        "--ttl=9m59s");
    CHECK_REFUSED("option '--timeout': '-1s' is not a duration such as 300ms or 1h30m",
                  "--timeout=-1s");
    CHECK_REFUSED("option '--timeout': '5' is not a duration such as 300ms or 1h30m",
                  "--timeout=5");
}

TEST(option_sizes_at_and_past_their_limits)
{
    struct err err = {0};
    struct conf conf;

    CHECK_INT(PARSE("--max-body=2Gi", "--window=1024"), 3);
    CHECK_INT(conf.body_bytes, UINT64_C(2) << 30);
    CHECK_INT(conf.window_bytes, 1024);
    option_fini(&SET, &conf);
    CHECK_INT(PARSE("--max-body=8388607Ti", "--window=64Ki"), 3);
    option_fini(&SET, &conf);
    CHECK_REFUSED(
        "option '--max-body': '8388608Ti' is not a number of bytes such as 512, 64Ki or 1Mi",
        "--max-body=8388608Ti");
    CHECK_REFUSED("option '--max-body': 'Mi' is not a number of bytes such as 512, 64Ki or 1Mi",
                  "--max-body=Mi");
    CHECK_REFUSED("option '--max-body': '1M' is not a number of bytes such as 512, 64Ki or 1Mi",
                  "--max-body=1M");
    CHECK_REFUSED("option '--max-body': '1.5Mi' is not a number of bytes such as 512, 64Ki or 1Mi",
                  "--max-body=1.5Mi");
    CHECK_REFUSED(
        "option '--window': '1023' is not a number of bytes such as 512, 64Ki or 1Mi from "
        "1024 to 65536",
        "--window=1023");
    CHECK_REFUSED(
        "option '--window': '65Ki' is not a number of bytes such as 512, 64Ki or 1Mi from "
        "1024 to 65536",
        "--window=65Ki");
}

TEST(option_choices_lists_and_checks)
{
    struct err err = {0};
    struct conf conf;

    CHECK_INT(PARSE("--mode=reverse"), 2);
    CHECK_INT(conf.mode, 0);
    option_fini(&SET, &conf);
    CHECK_REFUSED("option '--mode': 'x' is not one of reverse, forward, both", "--mode=x");
    CHECK_REFUSED("option '--mode': '' is not one of reverse, forward, both", "--mode=");
    CHECK_REFUSED("option '--mode': 'Both' is not one of reverse, forward, both", "--mode=Both");
    CHECK_REFUSED("option '--config': 'a,,b' is not a comma-separated list without empty items",
                  "--config=a,,b");
    CHECK_REFUSED("option '--config': ',' is not a comma-separated list without empty items",
                  "--config=,");
    CHECK_REFUSED("option '--config': 'a,' is not a comma-separated list without empty items",
                  "--config", "x", "--config=a,");
    CHECK_REFUSED("option '--host': 'c' has no dot", "--host=a.b,c");
}

TEST(option_long_values_are_cut_in_messages)
{
    char value[400];
    struct conf conf;
    struct err err = {0};

    memset(value, 'x', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    CHECK_ERR(PARSE("--port", value), ERR_USAGE);
    CHECK(strlen(err.msg) < 200);
    CHECK(str_ends(str_c(err.msg), STR("is not a whole number from 0 to 65535")));
}

static const struct option BAD_ROWS[] = {
    OPTION_ROW(struct conf, port, .name = "port", .type = OPTION_UINT, .max = 10, .dflt = "11"),
};

static void parse_bad_table(void *cookie UNUSED)
{
    static const struct option_set BAD = {.command = "x", .rows = BAD_ROWS, .count = 1};
    char *argv[] = {(char *)"x", NULL};
    struct conf conf;
    int rc = option_parse(&BAD, 1, argv, &conf, NULL);

    CHECK_OK(rc);
}

TEST(option_a_default_its_row_refuses_ends_the_process)
{
    CHECK_DIES(parse_bad_table, NULL);
}

TEST(option_no_rows_at_all)
{
    static const struct option_set NONE = {.command = "x", .summary = "S.", .operands = NULL};
    struct err err = {0};
    char *argv[] = {(char *)"x", (char *)"-v", NULL};

    CHECK_INT(option_parse(&NONE, 1, argv, NULL, &err), 1);
    CHECK_ERR(option_parse(&NONE, 2, argv, NULL, &err), ERR_USAGE);
}

TEST(option_help_lists_every_row)
{
    struct buf text CLEANUP(buf_fini) = BUF_INIT(10000);
    struct str rest;

    option_help_format(&SET, &text);
    rest = buf_str(&text);
    CHECK_STR(str_cut(&rest, '\n'), "Usage: connectors test [OPTION]... [FILE]...");
    CHECK_STR(str_cut(&rest, '\n'), "");
    CHECK_STR(str_cut(&rest, '\n'), "Tests options.");
    CHECK_STR(str_cut(&rest, '\n'), "");
    CHECK_STR(str_cut(&rest, '\n'), "Options:");
    CHECK_STR(str_cut(&rest, '\n'),
              "  -n, --name=NS               namespace to use (default: default)");
    CHECK_STR(str_cut(&rest, '\n'), "      --[no-]cache            keep answers (default: true)");
    CHECK_STR(str_cut(&rest, '\n'), "  -v, --[no-]verbose          say more");
    CHECK_STR(str_cut(&rest, '\n'),
              "  -p, --port=N                port to listen on (default: 8480)");
    CHECK(
        str_find(rest, STR("--mode=WORD             what to serve (one of reverse, forward, both) "
                           "(default: both)\n")) > 0);
    CHECK(str_ends(buf_str(&text),
                   STR("\n  -h, --help                  print this help and exit\n")));
}

TEST(option_help_wraps_long_text)
{
    static const struct option LONG[] = {
        {.name = "a-name-that-needs-the-whole-of-its-line",
         .type = OPTION_STRING,
         .help =
             "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"},
        {.name = "h", .letter = 'h', .type = OPTION_BOOL, .help = "takes the letter"},
    };
    static const struct option_set WIDE = {"x", "S.", NULL, false, LONG, ARRAY_LEN(LONG)};
    struct buf text CLEANUP(buf_fini) = BUF_INIT(10000);
    struct str rest;

    option_help_format(&WIDE, &text);
    rest = buf_str(&text);
    while (rest.p)
        CHECK(str_cut(&rest, '\n').n <= 100);
    CHECK(str_find(buf_str(&text), STR("line=TEXT\n                              one two")) > 0);
    CHECK(str_ends(buf_str(&text),
                   STR("\n      --help                  print this help and exit\n")));
}

TEST(option_help_is_printed_and_ends_parsing)
{
    struct buf text CLEANUP(buf_fini) = BUF_INIT(10000);
    FILE *f = tmpfile();
    int saved = dup(STDOUT_FILENO);
    struct err err = {0};
    struct conf conf;
    int rc_long, rc_letter;
    char *p = buf_reserve(&text, 8000);

    fflush(stdout);
    dup2(fileno(f), STDOUT_FILENO);
    rc_long = PARSE("-c", "x", "--help", "--no-such");
    rc_letter = PARSE("-vh");
    dup2(saved, STDOUT_FILENO);
    close(saved);
    CHECK_ERR(rc_long, ERR_CANCELLED);
    CHECK_ERR(rc_letter, ERR_CANCELLED);
    rewind(f);
    buf_commit(&text, fread(p, 1, 8000, f));
    CHECK(str_starts(buf_str(&text), STR("Usage: connectors test")));
    fclose(f);
}

TEST(option_duration_reads_go_syntax)
{
    static const struct {
        const char *text;
        int64_t us;
    } ROWS_OK[] = {
        {"0", 0},
        {"-0", 0},
        {"+5s", 5000000},
        {"0s", 0},
        {"1s", 1000000},
        {"-1.5s", -1500000},
        {"300ms", 300000},
        {"1.5h", INT64_C(5400000000)},
        {"2h45m", INT64_C(9900000000)},
        {"1h1m1s1ms1us1000ns", INT64_C(3661001002)},
        {"1us", 1},
        {"1\xc2\xb5s", 1},
        {"1\xce\xbcs", 1},
        {"999ns", 0},
        {"1m1m", 120000000},
        {".5s", 500000},
        {"1.s", 1000000},
        {"0.000001s", 1},
        {"0.0000019s", 1},
        {"1.00000000000000000000000000000000009s", 1000000},
        {"2562047h47m16.854775807s", INT64_C(9223372036854775)},
    };
    int64_t us;

    for (size_t i = 0; i < ARRAY_LEN(ROWS_OK); i++) {
        us = -7;
        CHECK_OK(option_duration_parse(str_c(ROWS_OK[i].text), &us));
        CHECK_INT(us, ROWS_OK[i].us);
    }
}

TEST(option_duration_refuses_everything_else)
{
    static const char *const BAD[] = {
        "",
        "-",
        "+",
        "1",
        "s",
        ".s",
        ".",
        "1.5",
        "3000000h",
        "1 s",
        " 1s",
        "1s ",
        "1S",
        "1d",
        "1hs",
        "--1s",
        "+-1s",
        "2562047h47m16.854775808s",
        "1h-1m",
        "1,5s",
        "1e3s",
        "0x1s",
        "00",
        "1..5s",
        "1.5.5s",
        "9223372036854775808ns",
        "99999999999999999999s",
        "1\xc2s",
        "1h1",
        "m1",
    };
    int64_t us = 7;

    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        if (!CHECK_ERR(option_duration_parse(str_c(BAD[i]), &us), ERR_INVALID))
            printf("    for '%s'\n", BAD[i]);
    }
    CHECK_ERR(option_duration_parse(STR("1s\0"), &us), ERR_INVALID);
    CHECK_INT(us, 7);
}

TEST(option_duration_format_is_read_back)
{
    static const int64_t VALUES[] = {0,
                                     1,
                                     -1,
                                     999,
                                     1000,
                                     1500000,
                                     60000000,
                                     INT64_C(5400000000),
                                     INT64_C(-3661001001),
                                     INT64_C(9223372036854775)};
    char dst[OPTION_DURATION_BYTES];
    int64_t us;

    for (size_t i = 0; i < ARRAY_LEN(VALUES); i++) {
        us = 7;
        CHECK_OK(option_duration_parse(str_c(option_duration_format(VALUES[i], dst)), &us));
        CHECK_INT(us, VALUES[i]);
    }
    CHECK_STR(option_duration_format(INT64_C(5400000000), dst), "1h30m");
    CHECK_STR(option_duration_format(0, dst), "0s");
    CHECK(strlen(option_duration_format(INT64_MIN, dst)) < sizeof(dst));
}

struct mixed_conf {
    bool flag;
    const char *name;
};

static const struct option MIXED_ROWS[] = {
    OPTION_ROW(struct mixed_conf, flag, .name = "flag", .letter = 'f', .type = OPTION_BOOL),
    OPTION_ROW(struct mixed_conf, name, .name = "name", .letter = 'n', .type = OPTION_STRING),
};

static const struct option_set MIXED = {.command = "t",
                                        .operands = "WORD...",
                                        .is_mixed = true,
                                        .rows = MIXED_ROWS,
                                        .count = ARRAY_LEN(MIXED_ROWS)};

TEST(option_mixed_set_takes_options_behind_operands)
{
    const char *argv[] = {"t", "one", "-f", "two", "-n", "x", "--", "-f", NULL};
    struct mixed_conf conf = {0};

    CHECK_INT(option_parse(&MIXED, 8, (char **)argv, &conf, NULL), 5);
    CHECK(conf.flag);
    CHECK_STR(str_c(conf.name), "x");
    CHECK_STR(str_c(argv[5]), "one");
    CHECK_STR(str_c(argv[6]), "two");
    CHECK_STR(str_c(argv[7]), "-f");
}

TEST(option_mixed_set_without_operands)
{
    const char *argv[] = {"t", "-f", NULL};
    struct mixed_conf conf = {0};

    CHECK_INT(option_parse(&MIXED, 2, (char **)argv, &conf, NULL), 2);
}

TEST(option_mixed_set_refuses_unknown_option_behind_operand)
{
    const char *argv[] = {"t", "one", "--nope", NULL};
    struct mixed_conf conf = {0};

    CHECK_INT(option_parse(&MIXED, 3, (char **)argv, &conf, NULL), -ERR_USAGE);
}
