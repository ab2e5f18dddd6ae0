/*
 * Secrets: content, sizes around the block classes, sharing between threads, what the kernel is told.
 */
#include "unit.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/secret.h"

TEST(secret_holds_a_copy)
{
    char source[] = "hunter2";
    struct secret *s = secret_new(str_c(source));

    source[0] = 'x';
    CHECK_INT(secret_len(s), 7);
    CHECK(secret_eq(s, STR("hunter2")));
    CHECK(!secret_eq(s, STR("hunter3")));
    CHECK(!secret_eq(s, STR("hunter")));
    CHECK(!secret_eq(s, STR("hunter22")));
    CHECK(!secret_eq(s, STR_NONE));
    CHECK_STR(secret_expose(s), "hunter2");
    secret_unref(s);
    secret_unref(NULL);
}

TEST(secret_may_be_empty_or_hold_nul)
{
    struct secret *s CLEANUP(secret_unrefp) = secret_new(STR_NONE);
    struct secret *t CLEANUP(secret_unrefp) = secret_new(STR("a\0b"));

    CHECK_INT(secret_len(s), 0);
    CHECK(secret_eq(s, STR("")));
    CHECK(secret_eq(t, STR("a\0b")));
    CHECK(!secret_eq(t, STR("a\0c")));
}

TEST(secret_take_wipes_the_source)
{
    char source[] = "hunter2";
    struct secret *s CLEANUP(secret_unrefp) = secret_take(source, 7);

    CHECK(secret_eq(s, STR("hunter2")));
    CHECK(memcmp(source, "\0\0\0\0\0\0\0", 8) == 0);
}

TEST(secret_join_concatenates)
{
    struct str parts[] = {STR("user"), STR(":"), STR_NONE, STR("password")};
    struct secret *s CLEANUP(secret_unrefp) = secret_join(parts, ARRAY_LEN(parts));
    struct secret *none CLEANUP(secret_unrefp) = secret_join(NULL, 0);

    CHECK(secret_eq(s, STR("user:password")));
    CHECK_INT(secret_len(none), 0);
}

TEST(secret_sizes_around_every_class)
{
    static char bytes[SECRET_MAX_BYTES];
    struct secret *s[16 * 4];
    size_t n = 0;

    memset(bytes, 'x', sizeof(bytes));
    for (size_t size = 32; size < 65536 * 2; size *= 2) {
        for (int d = -1; d <= 1; d++)
            s[n++] = secret_new(str_n(bytes, size - 24 + (size_t)(d + 1) - 1));
        s[n++] = secret_new(str_n(bytes, size));
    }
    for (size_t i = 0; i < n; i++) {
        CHECK(secret_eq(s[i], str_n(bytes, secret_len(s[i]))));
        secret_unref(s[i]);
    }
}

static void exceed_maximum(void *cookie)
{
    secret_unref(secret_new(str_n(cookie, SECRET_MAX_BYTES + 1)));
}

static void exceed_by_parts(void *cookie)
{
    struct str parts[] = {str_n(cookie, SECRET_MAX_BYTES), str_n(cookie, 1)};

    secret_unref(secret_join(parts, 2));
}

TEST(secret_maximum_is_enforced)
{
    static char bytes[SECRET_MAX_BYTES + 1];
    struct secret *s = secret_new(str_n(bytes, SECRET_MAX_BYTES));

    CHECK_INT(secret_len(s), SECRET_MAX_BYTES);
    secret_unref(s);
    CHECK_DIES(exceed_maximum, bytes);
    CHECK_DIES(exceed_by_parts, bytes);
}

#if !CC_ASAN
static bool is_zero(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i])
            return false;
    }
    return true;
}

TEST(secret_is_wiped_on_free)
{
    /* The first one keeps the pages mapped. */
    struct secret *keep UNUSED CLEANUP(secret_unrefp) = secret_new(STR("keeps the pages mapped"));
    struct secret *s = secret_new(STR("hunter2"));
    const char *p = secret_expose(s).p;

    secret_unref(secret_ref(s));
    CHECK(memcmp(p, "hunter2", 7) == 0);
    secret_unref(s);
    CHECK(is_zero(p, 7));
}

static void use_after_free(void *cookie)
{
    secret_len(cookie);
}

TEST(secret_use_after_free_ends_the_process)
{
    struct secret *keep UNUSED CLEANUP(secret_unrefp) = secret_new(STR("keeps the pages mapped"));
    struct secret *s = secret_new(STR("hunter2"));

    secret_unref(s);
    CHECK_DIES(use_after_free, s);
}
#endif

TEST(secret_small_ones_share_pages)
{
    enum { COUNT = 20000 };
    static struct secret *s[COUNT];
    struct buf text CLEANUP(buf_fini) = BUF_INIT(100);
    uintptr_t page, last_page = 0;
    int pages = 0;

    for (int i = 0; i < COUNT; i++) {
        buf_reset(&text);
        buf_addf(&text, "token-%d", i);
        s[i] = secret_new(buf_str(&text));
        page = (uintptr_t)secret_expose(s[i]).p / 4096;
        pages += page != last_page;
        last_page = page;
    }
    /* 64 bytes each. */
    CHECK(pages < COUNT / 32);
    for (int i = 0; i < COUNT; i++) {
        buf_reset(&text);
        buf_addf(&text, "token-%d", i);
        CHECK(secret_eq(s[i], buf_str(&text)));
    }
    /* In an order that fills and empties slabs from the middle. */
    for (int i = 0; i < COUNT; i++)
        secret_unref(s[(i * 7919) % COUNT]);
}

/* Reads "7f00-7f10 …", the first line of a mapping in smaps; false for any other line. */
static bool is_mapping_of(struct str line, const void *p, bool *ret_holds)
{
    static const char HEX[] = "0123456789abcdef";
    uintptr_t ends[2] = {0};
    size_t at = 0;

    for (size_t i = 0; i < line.n && line.p[i] != ' '; i++) {
        const char *digit = memchr(HEX, line.p[i], 16);

        if (line.p[i] == '-' && at == 0)
            at = 1;
        else if (!digit)
            return false;
        else
            ends[at] = ends[at] * 16 + (uintptr_t)(digit - HEX);
    }
    if (at != 1)
        return false;
    *ret_holds = ends[0] <= (uintptr_t)p && (uintptr_t)p < ends[1];
    return true;
}
/* The VmFlags of the mapping that holds `p`. */
static void flags_of(const void *p, struct buf *ret_flags)
{
    struct buf maps CLEANUP(buf_fini) = BUF_INIT(1 << 24);
    bool is_inside = false;
    struct str rest;

    CHECK_OK(fd_read_file("/proc/self/smaps", &maps, NULL));
    rest = buf_str(&maps);
    while (rest.p) {
        struct str line = str_cut(&rest, '\n');

        if (is_mapping_of(line, p, &is_inside))
            continue;
        if (is_inside && str_starts(line, STR("VmFlags:")))
            buf_add_str(ret_flags, line);
    }
}

TEST(secret_pages_stay_out_of_core_dumps)
{
    struct buf flags CLEANUP(buf_fini) = BUF_INIT(1000);
    struct secret *small CLEANUP(secret_unrefp) = secret_new(STR("hunter2"));
    static char bytes[10000];
    struct secret *large CLEANUP(secret_unrefp) = secret_new(str_n(bytes, sizeof(bytes)));

    flags_of(secret_expose(small).p, &flags);
    CHECK(str_find(buf_str(&flags), STR(" dd")) > 0);
    buf_reset(&flags);
    flags_of(secret_expose(large).p, &flags);
    CHECK(str_find(buf_str(&flags), STR(" dd")) > 0);
}

static void overrun(void *cookie)
{
    /* Past the last block of its pages there is nothing to write to. */
    memset(cookie, 'x', 70000);
    cc_assert_failed("wrote over the guard page", __FILE__, __LINE__);
}

TEST(secret_pages_are_guarded)
{
    struct secret *s CLEANUP(secret_unrefp) = secret_new(STR("hunter2"));
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        const struct rlimit none = {0, 0};

        setrlimit(RLIMIT_CORE, &none);
        signal(SIGSEGV, SIG_DFL);
        if (!freopen("/dev/null", "w", stderr))
            _exit(2);
        overrun((char *)secret_expose(s).p);
    }
    waitpid(pid, &status, 0);
    CHECK(!WIFSIGNALED(status) || WTERMSIG(status) == SIGSEGV);
    CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
}

TEST(secret_works_without_the_right_to_lock)
{
    struct rlimit old, none = {0, 0};
    static struct secret *s[3000];

    getrlimit(RLIMIT_MEMLOCK, &old);
    none.rlim_max = old.rlim_max;
    setrlimit(RLIMIT_MEMLOCK, &none);
    for (size_t i = 0; i < ARRAY_LEN(s); i++)
        s[i] = secret_new(STR("a secret"));
    for (size_t i = 0; i < ARRAY_LEN(s); i++)
        secret_unref(s[i]);
    setrlimit(RLIMIT_MEMLOCK, &old);
}

static void *use_secrets(void *cookie)
{
    struct secret *shared = cookie;

    for (int i = 0; i < 20000; i++) {
        struct secret *mine = secret_new(STR("mine"));

        secret_ref(shared);
        if (!secret_eq(shared, STR("shared")) || !secret_eq(mine, STR("mine")))
            return shared;
        secret_unref(mine);
        secret_unref(shared);
    }
    secret_unref(shared);
    return NULL;
}

TEST(secret_is_shared_by_threads)
{
    struct secret *s = secret_new(STR("shared"));
    pthread_t threads[4];
    void *failed;

    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_create(&threads[i], NULL, use_secrets, secret_ref(s));
    secret_unref(s);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        pthread_join(threads[i], &failed);
        CHECK(!failed);
    }
}

TEST(secret_harden_process_forbids_dumps)
{
    int status = 1;
    pid_t pid = fork();

    if (pid == 0) {
        struct rlimit core = {1, 1};

        secret_harden_process();
        getrlimit(RLIMIT_CORE, &core);
        _exit(prctl(PR_GET_DUMPABLE) == 0 && core.rlim_cur == 0 && core.rlim_max == 0 &&
                      prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1
                  ? 0
                  : 1);
    }
    waitpid(pid, &status, 0);
    CHECK_INT(status, 0);
}
