/*
 * What reaches stderr: JSON lines, levels, hostile values, the size limit.
 */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"

static int saved_stderr = -1;
static FILE *captured;

static void capture_start(void)
{
    captured = tmpfile();
    saved_stderr = dup(STDERR_FILENO);
    dup2(fileno(captured), STDERR_FILENO);
}

/* What was written to stderr since capture_start. */
static void capture_stop(struct buf *ret_text)
{
    char chunk[4096];
    size_t n;

    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    buf_reset(ret_text);
    rewind(captured);
    while ((n = fread(chunk, 1, sizeof(chunk), captured)) > 0)
        buf_add(ret_text, chunk, n);
    fclose(captured);
}

/* The line without its time stamp, which must be one. */
static struct str without_ts(struct str line)
{
    struct str start = STR("{\"ts\":\"2");

    if (!CHECK(str_starts(line, start)) || !CHECK(line.n > 40))
        return STR_NONE;
    CHECK_STR(str_n(line.p + 33, 3), "Z\",");
    return str_skip(line, 36);
}

TEST(log_line_is_json)
{
    struct buf text CLEANUP(buf_fini) = BUF_INIT(100000);

    capture_start();
    log_init("test", LOG_INFO);
    log_info("Started listener", LOG_C("address", "::1"), LOG_I("port", -80), LOG_B("tls", true),
             LOG_B("h2", false), LOG_S("empty", STR_NONE), LOG_C("null", NULL));
    capture_stop(&text);
    CHECK_STR(
        without_ts(buf_str(&text)),
        "\"level\":\"info\",\"component\":\"test\",\"msg\":\"Started listener\","
        "\"address\":\"::1\",\"port\":-80,\"tls\":true,\"h2\":false,\"empty\":\"\",\"null\":\"\"}\n");
}

TEST(log_without_pairs)
{
    struct buf text CLEANUP(buf_fini) = BUF_INIT(100000);

    capture_start();
    log_init("test", LOG_INFO);
    log_error("Failed");
    capture_stop(&text);
    CHECK_STR(without_ts(buf_str(&text)),
              "\"level\":\"error\",\"component\":\"test\",\"msg\":\"Failed\"}\n");
}

TEST(log_levels_filter_and_switch)
{
    struct buf text CLEANUP(buf_fini) = BUF_INIT(100000);

    capture_start();
    log_init("test", LOG_WARN);
    log_info("One");
    log_debug("Two");
    log_set_level(LOG_TRACE);
    log_trace("Three");
    log_set_level(LOG_ERROR);
    log_warn("Four");
    log_error("Five");
    capture_stop(&text);
    CHECK(str_find(buf_str(&text), STR("One")) < 0);
    CHECK(str_find(buf_str(&text), STR("Two")) < 0);
    CHECK(str_find(buf_str(&text), STR("Three")) > 0);
    CHECK(str_find(buf_str(&text), STR("Four")) < 0);
    CHECK(str_find(buf_str(&text), STR("Five")) > 0);
    CHECK(log_is_enabled(LOG_ERROR) && !log_is_enabled(LOG_WARN));
}

TEST(log_hostile_values_cannot_break_the_line)
{
    struct buf text CLEANUP(buf_fini) = BUF_INIT(100000);

    capture_start();
    log_init("test", LOG_INFO);
    log_info("Got", LOG_S("path", STR("a\"}\n{\"ts\":\0\x1b[31m\xff")));
    capture_stop(&text);
    CHECK(str_ends(buf_str(&text),
                   STR("\"path\":\"a\\\"}\\n{\\\"ts\\\":\\u0000\\u001b[31m\xef\xbf\xbd\"}\n")));
    CHECK_INT(str_index(buf_str(&text), '\n'), text.len - 1);
}

TEST(log_long_values_lose_the_rest_of_the_line)
{
    struct buf text CLEANUP(buf_fini) = BUF_INIT(100000);
    static char huge[20000];

    memset(huge, 'x', sizeof(huge));
    capture_start();
    log_init("test", LOG_INFO);
    log_info("Got", LOG_I("first", 1), LOG_S("huge", str_n(huge, sizeof(huge))), LOG_I("last", 2));
    log_info("Got", LOG_S("large", str_n(huge, 16000)));
    capture_stop(&text);
    CHECK(str_find(buf_str(&text), STR("\"first\":1,\"truncated\":true}\n")) > 0);
    CHECK(str_find(buf_str(&text), STR("last")) < 0);
    CHECK(str_ends(buf_str(&text), STR("xxx\"}\n")));
}

TEST(log_is_text_on_a_terminal)
{
    struct buf text CLEANUP(buf_fini) = BUF_INIT(10000);
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    int saved, slave;
    ssize_t n;

    if (!CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0))
        return;
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    saved = dup(STDERR_FILENO);
    dup2(slave, STDERR_FILENO);
    log_init("test", LOG_INFO);
    log_info("Started it", LOG_C("a", "word"), LOG_C("b", "two words"), LOG_C("c", "\x1b[31m"),
             LOG_C("d", ""), LOG_I("e", 5), LOG_C("f", "x=y"));
    dup2(saved, STDERR_FILENO);
    close(saved);
    n = read(master, buf_reserve(&text, 4096), 4096);
    buf_commit(&text, (size_t)MAX(n, 0));
    CHECK(str_ends(buf_str(&text), STR(" info test: Started it a=word b=\"two words\" "
                                       "c=\"\\u001b[31m\" d=\"\" e=5 f=\"x=y\"\r\n")));
    close(slave);
    close(master);
    log_init("test", LOG_INFO);
}

TEST(log_level_parse_knows_five_words)
{
    enum log_level level = LOG_WARN;

    CHECK_OK(log_level_parse(STR("error"), &level));
    CHECK_INT(level, LOG_ERROR);
    CHECK_OK(log_level_parse(STR("trace"), &level));
    CHECK_INT(level, LOG_TRACE);
    CHECK_ERR(log_level_parse(STR("TRACE"), &level), ERR_INVALID);
    CHECK_ERR(log_level_parse(STR(""), &level), ERR_INVALID);
    CHECK_ERR(log_level_parse(STR("tracer"), &level), ERR_INVALID);
    CHECK_ERR(log_level_parse(STR("warning"), &level), ERR_INVALID);
    CHECK_INT(level, LOG_TRACE);
}
