/*
 * Runs the registered tests in the order of file and line of registration, and closes with the line
 * `unit-<dir>: N passed, N failed` that the test runner sums up.  Exit code 1 when any failed.
 */
#include "unit.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"

static struct unit_test *tests;
static struct unit_test **tests_tail = &tests;
static const struct unit_test *running;
static bool running_failed;

void unit_register(struct unit_test *t)
{
    *tests_tail = t;
    tests_tail = &t->next;
}

static void fail_at(const char *file, int line)
{
    running_failed = true;
    printf("%s:%d: %s: ", file, line, running ? running->name : "(outside of a test)");
}

bool unit_check(bool ok, const char *expr, const char *file, int line)
{
    if (!ok) {
        fail_at(file, line);
        printf("not true: %s\n", expr);
    }
    return ok;
}

bool unit_check_int(long long a, long long b, const char *expr, const char *file, int line)
{
    if (a != b) {
        fail_at(file, line);
        printf("%s is %lld (0x%llx), not %lld (0x%llx)\n", expr, a, (unsigned long long)a, b,
               (unsigned long long)b);
    }
    return a == b;
}

/* Prints bytes so that a stray control character shows; long ones are cut. */
static void print_bytes(struct str s)
{
    size_t i;

    putchar('"');
    for (i = 0; i < s.n && i < 2000; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c == '\n')
            printf("\\n");
        else if (c < 0x20 || c == 0x7f)
            printf("\\x%02x", c);
        else
            putchar(c);
    }
    printf(i < s.n ? "\"… (%zu bytes)" : "\" (%zu bytes)", s.n);
}

bool unit_check_str(struct str a, struct str b, const char *expr, const char *file, int line)
{
    bool ok = str_eq(a, b);

    if (!ok) {
        fail_at(file, line);
        printf("%s is\n    ", expr);
        print_bytes(a);
        printf(", not\n    ");
        print_bytes(b);
        printf("\n");
    }
    return ok;
}

bool unit_check_err(long long rc, int code, const char *expr, const char *file, int line)
{
    bool ok = code == 0 ? rc >= 0 : rc == -(long long)code;

    if (!ok) {
        fail_at(file, line);
        printf("%s returned %lld (%s), not %s\n", expr, rc,
               rc < 0 && rc > -ERR_CODE_COUNT ? err_name((int)rc) : "a success",
               code ? err_name(code) : "a success");
    }
    return ok;
}

bool unit_check_dies(void (*fn)(void *), void *cookie, const char *expr, const char *file, int line)
{
    int status = 0;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        const struct rlimit no_core = {0, 0};

        setrlimit(RLIMIT_CORE, &no_core);
        /* A sanitizer's handler would turn the abort into a report. */
        signal(SIGABRT, SIG_DFL);
        if (!freopen("/dev/null", "w", stderr))
            _exit(2);
        fn(cookie);
        _exit(0);
    }
    while (pid > 0 && waitpid(pid, &status, 0) == -1)
        continue;
    if (pid > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT)
        return true;
    fail_at(file, line);
    printf("%s did not die of SIGABRT (wait status 0x%x)\n", expr, (unsigned)status);
    return false;
}

static void on_alarm(int sig)
{
    static const char TEXT[] = "unit test ran too long and was ended: ";
    ssize_t n = write(STDOUT_FILENO, TEXT, sizeof(TEXT) - 1);

    n = write(STDOUT_FILENO, running->name, strlen(running->name));
    n = write(STDOUT_FILENO, "\n", 1);
    _exit(n == 1 ? 3 : 4);
}

int main(int argc, char **argv)
{
    const char *filter = argc > 1 ? argv[1] : "";
    const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
    int passed = 0, failed = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGALRM, on_alarm);
    for (running = tests; running; running = running->next) {
        if (!strstr(running->name, filter))
            continue;
        running_failed = false;
        alarm(UNIT_TEST_LIMIT_S);
        running->fn();
        alarm(0);
        if (running_failed)
            printf("%s: %s: FAILED\n", running->file, running->name);
        failed += running_failed;
        passed += !running_failed;
    }
    printf("%s: %d passed, %d failed\n", name, passed, failed);
    return failed != 0;
}
