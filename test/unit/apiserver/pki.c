/*
 * Keys and certificates of an installation; sealing; ages.
 */
#include "apiserver/pki.h"

#include <sys/stat.h>
#include <unistd.h>

#include "apiserver/output.h"
#include "apiserver/seal.h"
#include "base/fd.h"
#include "base/time.h"
#include "unit.h"

#define NOW_US (INT64_C(1790000000) * TIME_US_PER_S)
#define DAY_US (INT64_C(86400) * TIME_US_PER_S)

static const char *make_dir(char dir[64])
{
    snprintf(dir, 64, "/tmp/unit-pki-XXXXXX");
    CHECK(mkdtemp(dir) != NULL);
    return dir;
}

static unsigned mode_of(struct arena *a, const char *dir, const char *name)
{
    struct stat st = {0};

    CHECK_OK(stat(arena_fmt(a, "%s/%s", dir, name).p, &st));
    return st.st_mode & 0777;
}

TEST(pki_makes_everything_once)
{
    struct arena *a = arena_new();
    char dir[64];
    struct pki_conf conf = {.dir = make_dir(dir), .wall_us = NOW_US};
    struct pki first, second;
    struct x509_facts facts;

    CHECK_OK(pki_load(&conf, a, &first, NULL));
    CHECK_OK(pki_load(&conf, a, &second, NULL));
    CHECK_STR(first.ca_pem, second.ca_pem);
    CHECK_STR(first.admin_pem, second.admin_pem);
    CHECK(secret_eq(first.seal_key, secret_expose(second.seal_key)));
    CHECK(secret_eq(first.server_key, secret_expose(second.server_key)));
    CHECK_INT(x509_inspect(first.ca_pem, &facts), 1);
    CHECK(facts.is_ca);
    CHECK_INT(x509_inspect(first.server_pem, &facts), 1);
    CHECK(!facts.is_ca && facts.not_after_us > NOW_US + 300 * DAY_US);
    static const char *const PRIVATE[] = {"ca.key", "apiserver.key", "admin.key", "sa.key",
                                          "encryption.key"};
    for (size_t i = 0; i < ARRAY_LEN(PRIVATE); i++)
        CHECK_INT(mode_of(a, dir, PRIVATE[i]), 0600);
    pki_fini(&first);
    pki_fini(&second);
    CHECK_OK(fd_remove_tree(dir, NULL));
    arena_free(a);
}

TEST(pki_renews_the_administrator_in_time)
{
    struct arena *a = arena_new();
    char dir[64];
    struct pki_conf conf = {.dir = make_dir(dir), .wall_us = NOW_US};
    struct pki p, later;

    CHECK_OK(pki_load(&conf, a, &p, NULL));
    conf.wall_us = NOW_US + 300 * DAY_US;
    CHECK_OK(pki_load(&conf, a, &later, NULL));
    CHECK_STR(p.admin_pem, later.admin_pem);
    pki_fini(&later);
    conf.wall_us = NOW_US + 340 * DAY_US;
    CHECK_OK(pki_load(&conf, a, &later, NULL));
    CHECK(!str_eq(p.admin_pem, later.admin_pem));
    CHECK_STR(p.ca_pem, later.ca_pem);
    pki_fini(&later);
    pki_fini(&p);
    CHECK_OK(fd_remove_tree(dir, NULL));
    arena_free(a);
}

TEST(pki_refuses_broken_files)
{
    static const struct {
        const char *file;
        struct str content;
    } ROWS[] = {
        {"encryption.key", STR_INIT("c2hvcnQ=\n")},
        {"encryption.key", STR_INIT("not base64 at all")},
        {"encryption.key", STR_INIT("")},
        {"sa.key", STR_INIT("garbage")},
        {"ca.key", STR_INIT("")},
    };
    struct arena *a = arena_new();

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        char dir[64];
        struct pki_conf conf = {.dir = make_dir(dir), .wall_us = NOW_US};
        struct pki p;
        struct err err = {0};
        CHECK_OK(
            fd_write_file(arena_fmt(a, "%s/%s", dir, ROWS[i].file).p, ROWS[i].content, 0600, NULL));
        CHECK_ERR(pki_load(&conf, a, &p, &err), ERR_INVALID);
        CHECK(str_find(str_c(err.msg), str_c(ROWS[i].file)) >= 0);
        CHECK_OK(fd_remove_tree(dir, NULL));
    }
    arena_free(a);
}

TEST(pki_reports_missing_given_files)
{
    struct arena *a = arena_new();
    char dir[64];
    struct pki_conf conf = {
        .dir = make_dir(dir), .wall_us = NOW_US, .cert_file = "/nonexistent/c", .key_file = "/x"};
    struct pki p;
    struct err err = {0};

    CHECK_ERR(pki_load(&conf, a, &p, &err), ERR_NOTFOUND);
    CHECK(str_find(str_c(err.msg), STR("/nonexistent/c")) >= 0);
    CHECK_OK(fd_remove_tree(dir, NULL));
    arena_free(a);
}

TEST(seal_binds_a_value_to_key_and_place)
{
    struct secret *k = secret_new(STR("0123456789abcdef0123456789abcdef"));
    struct secret *k2 = secret_new(STR("0123456789abcdef0123456789abcdeX"));
    struct seal *s = seal_new(k), *other = seal_new(k2);
    struct buf stored = BUF_INIT(4096), plain = BUF_INIT(4096);
    struct err err = {0};

    seal_encode(s, STR("/a"), STR("{\"x\":1}"), &stored);
    CHECK(str_starts(buf_str(&stored), STR("k8s:enc:aesgcm:v1:key1:")));
    CHECK_OK(seal_decode(s, STR("/a"), buf_str(&stored), &plain, &err));
    CHECK_STR(buf_str(&plain), "{\"x\":1}");
    CHECK_ERR(seal_decode(s, STR("/b"), buf_str(&stored), &plain, &err), ERR_INVALID);
    CHECK_ERR(seal_decode(other, STR("/a"), buf_str(&stored), &plain, &err), ERR_INVALID);
    CHECK_ERR(seal_decode(s, STR("/a"), str_head(buf_str(&stored), stored.len - 1), &plain, &err),
              ERR_INVALID);
    CHECK_ERR(seal_decode(s, STR("/a"), STR("k8s:enc:aesgcm:v1:key1:"), &plain, &err), ERR_INVALID);
    CHECK_ERR(seal_decode(s, STR("/a"), STR("k8s:enc:kms:v2:x"), &plain, &err), ERR_INVALID);
    buf_reset(&plain);
    CHECK_OK(seal_decode(s, STR("/a"), STR("{}"), &plain, &err));
    CHECK_STR(buf_str(&plain), "{}");
    buf_fini(&stored);
    buf_fini(&plain);
    seal_free(s);
    seal_free(other);
    secret_unref(k);
    secret_unref(k2);
}

TEST(output_age_reads_as_kubectl_prints_it)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } ROWS[] = {
        {-2, "<invalid>"},  {-1, "0s"},       {0, "0s"},          {119, "119s"},
        {120, "2m"},        {135, "2m15s"},   {599, "9m59s"},     {600, "10m"},
        {10799, "179m"},    {10800, "3h"},    {11460, "3h11m"},   {28800, "8h"},
        {172799, "47h"},    {172800, "2d"},   {180000, "2d2h"},   {691200, "8d"},
        {31536000, "365d"}, {63072000, "2y"}, {63158400, "2y1d"}, {252288000, "8y"},
    };
    char text[32];

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        CHECK_STR(output_age(ROWS[i].seconds * TIME_US_PER_S, text), ROWS[i].text);
}
