/*
 * The audit log: the chain, what is taken out of paths, and what happens when it cannot be written.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/fd.h"
#include "base/time.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "core/audit.h"
#include "crypto/hash.h"
#include "unit.h"

static struct str redact(const char *path)
{
    static struct buf out;

    buf_fini(&out);
    buf_init(&out, 64 * 1024);
    audit_redact_path(str_c(path), &out);
    return buf_str(&out);
}

TEST(audit_query_values_are_replaced)
{
    CHECK_STR(redact("/a/b"), "/a/b");
    CHECK_STR(redact("/a?"), "/a?");
    CHECK_STR(redact("/a?x=1"), "/a?x=[redacted]");
    CHECK_STR(redact("/a?x=1&y=2"), "/a?x=[redacted]&y=[redacted]");
    CHECK_STR(redact("/a?private_token=abc&page"), "/a?private_token=[redacted]&[redacted]");
    CHECK_STR(redact("/a?x=b=c"), "/a?x=[redacted]");
    CHECK_STR(redact("/a?&"), "/a?&");
    CHECK_STR(redact("/a?x=1?y=2"), "/a?x=[redacted]");
}

TEST(audit_token_shapes_are_replaced)
{
    CHECK_STR(redact("/t/eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln/x"), "/t/[redacted]/x");
    CHECK_STR(redact("/ghp_16C7e42F292c6912E7/x"), "/[redacted]/x");
    CHECK_STR(redact("/glpat-abcdefghij1234567890"), "/[redacted]");
    CHECK_STR(redact("/x/A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6"), "/x/[redacted]");
    CHECK_STR(redact("/user:ghp_16C7e42F292c6912E7@h"), "/user:[redacted]@h");
    CHECK_STR(redact("/a?eyJhbGciOiJFUzI1NiJ9abc=1"), "/a?[redacted][redacted]");
}

TEST(audit_ordinary_names_stay)
{
    static const char *const paths[] = {
        "/group/project.git/info/refs",
        "/commit/da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "/blobs/sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "/api/v4/projects/group%2Fproject/repository",
        "/namespaces/team/connectors/a-very-long-name-of-a-connector-that-is-allowed-to-be/x",
        "/ghp_short",
        "/123456789012345678901234567890123456789012",
        "/abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqr",
        "/2f1c0a7e-5a0b-4b1e-9c39-0d6f5b8f4a11",
    };

    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        CHECK_STR(redact(paths[i]), paths[i]);
}

TEST(audit_paths_are_cut)
{
    char path[AUDIT_PATH_BYTES + 2];

    for (size_t i = 0; i < sizeof(path); i++)
        path[i] = '/';
    path[AUDIT_PATH_BYTES] = '\0';
    CHECK_INT(redact(path).n, AUDIT_PATH_BYTES);
    path[AUDIT_PATH_BYTES] = '/';
    path[AUDIT_PATH_BYTES + 1] = '\0';
    CHECK_INT(redact(path).n, AUDIT_PATH_BYTES);
}

/* --- files */

static char directory[] = "/tmp/audit-test-XXXXXX";

static const char *file_in_directory(const char *name)
{
    static char path[128];

    if (directory[sizeof(directory) - 2] == 'X')
        CHECK(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static struct str content_of(const char *path)
{
    static struct buf out;

    buf_fini(&out);
    buf_init(&out, 16 * 1024 * 1024);
    (void)!fd_read_file(path, &out, NULL);
    return buf_str(&out);
}

static size_t lines_in(const char *path)
{
    struct str text = content_of(path);
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n;
}

/* Waits until the writer has brought the file to `n` lines. */
static bool until_lines(const char *path, size_t n)
{
    int64_t end_us = time_mono_us() + 5 * TIME_US_PER_S;

    while (lines_in(path) < n && time_mono_us() < end_us)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return lines_in(path) == n;
}

static void put(struct audit_ring *r, const char *path)
{
    CHECK(audit_put(r, &(struct audit_record){
                           .wall_us = 1,
                           .id = STR("id"),
                           .subject = STR("a\"b\n"),
                           .mode = "reverse",
                           .method = STR("GET"),
                           .path = str_c(path),
                           .status = 200,
                       }));
}

/* Checks the chain of `text` from a given beginning; returns the number of good lines. */
static size_t verify(struct str text, uint64_t *seq, uint8_t prev[HASH_SHA256_BYTES])
{
    size_t good = 0;

    while (text.n) {
        struct str line = str_cut(&text, '\n');
        struct buf wanted = BUF_INIT(128);
        json_t *record = NULL;

        hex_encode(&wanted, str_n(prev, HASH_SHA256_BYTES));
        if (json_parse(line, &record, NULL) == 0 &&
            str_eq(json_str(record, "prev"), buf_str(&wanted)) &&
            json_int(record, "seq", 0) == (int64_t)++ * seq)
            good++;
        json_decref(record);
        buf_fini(&wanted);
        hash_sha256(&line, 1, prev);
    }
    return good;
}

TEST(audit_chain_goes_over_restarts_and_rotation)
{
    char path[128], moved[128];
    uint8_t prev[HASH_SHA256_BYTES] = {0};
    uint64_t seq = 0;
    struct audit *a;
    struct audit_ring *r, *other;
    struct stat st;

    snprintf(path, sizeof(path), "%s", file_in_directory("chain"));
    snprintf(moved, sizeof(moved), "%s", file_in_directory("chain.1"));
    if (!CHECK_OK(audit_open(path, &a, NULL)))
        return;
    r = audit_ring_new(a);
    other = audit_ring_new(a);
    for (unsigned i = 0; i < 100; i++)
        put(i % 2 ? r : other, "/x");
    CHECK(until_lines(path, 100));
    audit_close(a);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);

    if (!CHECK_OK(audit_open(path, &a, NULL))) /* a new process */
        return;
    r = audit_ring_new(a);
    put(r, "/y");
    CHECK(until_lines(path, 101));
    CHECK(rename(path, moved) == 0); /* rotation */
    audit_reopen(a);
    while (stat(path, &st) < 0)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    put(r, "/z");
    CHECK(until_lines(path, 1));
    audit_close(a);

    CHECK_INT(verify(content_of(moved), &seq, prev), 101);
    CHECK_INT(verify(content_of(path), &seq, prev), 1);
    CHECK_INT(seq, 102);
}

TEST(audit_line_cut_by_a_crash_is_ended)
{
    char path[128];
    struct audit *a;
    struct str text;

    snprintf(path, sizeof(path), "%s", file_in_directory("cut"));
    CHECK_OK(fd_write_file(path, STR("{\"seq\":7,\"prev\":\"00\"}\n{\"seq\":8,\"pre"), 0600, NULL));
    if (!CHECK_OK(audit_open(path, &a, NULL)))
        return;
    put(audit_ring_new(a), "/x");
    CHECK(until_lines(path, 3));
    audit_close(a);
    text = content_of(path);
    CHECK(str_find(text, STR("{\"seq\":8,\"pre\n{\"seq\":9,\"prev\":\"")) >= 0);
}

TEST(audit_close_writes_what_is_queued)
{
    const char *path = file_in_directory("close");
    struct audit *a;
    struct audit_ring *r;

    if (!CHECK_OK(audit_open(path, &a, NULL)))
        return;
    r = audit_ring_new(a);
    for (unsigned i = 0; i < 1000; i++)
        put(r, "/x");
    audit_close(a);
    CHECK_INT(lines_in(path), 1000);
}

TEST(audit_full_ring_refuses_and_drops)
{
    struct audit *a;
    struct audit_ring *r;
    struct audit_record record = {.method = STR("GET"), .status = 200};
    unsigned n = 0;
    int64_t end_us = time_mono_us() + 5 * TIME_US_PER_S;

    if (!CHECK_OK(audit_open("/dev/full", &a, NULL)))
        return;
    r = audit_ring_new(a);
    CHECK(!audit_is_refusing(r));
    CHECK(audit_put(r, &record));
    while (!audit_is_refusing(r) && time_mono_us() < end_us)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    CHECK(audit_is_refusing(r)); /* the write failed */
    while (n < 100000 && audit_put(r, &record))
        n++;
    CHECK(n < 100000);
    CHECK_INT(audit_dropped(a), 1);
    audit_close(a);
}

TEST(audit_open_says_why_not)
{
    struct audit *a;
    struct err err;
    char link[128];

    CHECK_ERR(audit_open("/nonexistent/dir/file", &a, &err), ERR_NOTFOUND);
    CHECK(strstr(err.msg, "/nonexistent/dir/file") != NULL);
    snprintf(link, sizeof(link), "%s", file_in_directory("link"));
    CHECK(symlink("/etc/hostname", link) == 0); /* never through a link */
    CHECK(audit_open(link, &a, &err) < 0);
    CHECK_OK(fd_remove_tree(directory, NULL));
}

TEST(audit_record_is_json)
{
    struct buf out = BUF_INIT(AUDIT_RECORD_BYTES);
    json_t *v = NULL;

    buf_add_char(&out, '{');
    audit_format(
        &(struct audit_record){
            .wall_us = 1000000,
            .id = STR("i"),
            .trace = STR("t"),
            .subject = STR("s\"\\\x01\xff"),
            .pod_ns = STR("n"),
            .pod_name = STR("p"),
            .pod_uid = STR("u"),
            .connector_ns = STR("n"),
            .connector_name = STR("c"),
            .connector_uid = STR("cu"),
            .credential_id = STR("JTI"),
            .secret_version = STR("12"),
            .grant = STR("RBAC"),
            .mode = "forward",
            .method = STR("GET"),
            .host = STR("h"),
            .path = STR("/p?a=secret"),
            .status = 403,
            .reason = "DestinationRefused",
            .bytes_in = 1,
            .bytes_out = UINT64_MAX / 4,
            .total_us = -5,
            .upstream_us = 3,
        },
        &out);
    buf_add_char(&out, '}');
    if (!CHECK_OK(json_parse(buf_str(&out), &v, NULL)))
        return;
    CHECK_STR(json_str(v, "ts"), "1970-01-01T00:00:01.000000Z");
    CHECK_STR(json_str(v, "path"), "/p?a=[redacted]");
    CHECK_STR(json_str_at(v, "pod", "uid", NULL), "u");
    CHECK_STR(json_str_at(v, "connector", "name", NULL), "c");
    CHECK_STR(json_str(v, "secretRV"), "12");
    CHECK_STR(json_str(v, "reason"), "DestinationRefused");
    CHECK_INT(json_int(v, "status", 0), 403);
    CHECK_INT(json_int(v, "usTotal", -1), 0);
    json_decref(v);
    buf_fini(&out);
}
