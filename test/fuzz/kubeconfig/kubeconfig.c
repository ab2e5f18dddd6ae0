/*
 * Kubeconfig files: what loads is complete, and what is written from it loads again and means the same.
 */
#include <fcntl.h>
#include <stdio.h>

#include "base/fd.h"
#include "kube/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static char dir[] = "/tmp/fuzz-kubeconfig-XXXXXX";
static char path[64];

static void remove_dir(void)
{
    ASSERT(fd_remove_tree(dir, NULL) == 0);
}

/* Nothing but the file itself is in reach: relative names lead nowhere, and stdin ends at once. */
static void prepare(void)
{
    if (*path)
        return;
    ASSERT(mkdtemp(dir));
    ASSERT(freopen("/dev/null", "r", stdin));
    snprintf(path, sizeof(path), "%s/config", dir);
    atexit(remove_dir);
}

static void write_plain(const uint8_t *bytes, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    ASSERT(fd >= 0);
    ASSERT(fd_write_all(fd, str_n(bytes, n), NULL) == 0);
    close(fd);
}

static void check_rewritten(const struct kube_config *c)
{
    struct kube_config *again = NULL;
    struct kube_config_out out = {
        .server = c->server,
        .ca_pem = c->ca_pem,
        .cert_pem = c->cert_pem,
        .key_pem = c->key_pem,
        .token_file = c->token_file,
        .ns = c->ns,
    };
    struct err err;

    ASSERT(kube_config_write(path, &out, &err) == 0);
    ASSERT(kube_config_load_file(path, &again, &err) == 0);
    ASSERT(str_eq(c->server, again->server) && str_eq(c->ns, again->ns));
    ASSERT(str_eq(c->ca_pem, again->ca_pem) && str_eq(c->cert_pem, again->cert_pem));
    ASSERT(str_eq(c->token_file, again->token_file));
    kube_config_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct kube_config *c = NULL;
    struct err err = {0};
    int rc;

    prepare();
    write_plain(bytes, n);
    rc = kube_config_load_file(path, &c, &err);
    if (rc < 0) {
        ASSERT(!c && err.code == (enum err_code) - rc && *err.msg);
        return 0;
    }
    ASSERT(c->url.host.n && c->ns.n && !c->cert_pem.n == !c->key_pem);
    check_rewritten(c);
    kube_config_free(c);
    return 0;
}
