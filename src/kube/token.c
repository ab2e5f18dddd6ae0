/*
 * The bearer token of a client, constant or from a file that somebody else keeps fresh.
 *
 * The file is looked at when a request is made, at most every 10 s; only a new file or modification
 * time makes it read.  It is a few kilobytes on a local file system, so reading it on the loop does not hold anybody up.
 */
#include <errno.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/time.h"
#include "kube/kube_priv.h"

enum { TOKEN_MAX_BYTES = 64 * 1024 };
#define TOKEN_CHECK_US (10 * TIME_US_PER_S)

/* Whether the bytes can stand in a header: visible ASCII. */
static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    }
    return s.n > 0;
}

static struct secret *bearer(struct str token)
{
    return secret_join((struct str[]){STR("Bearer "), token}, 2);
}

static void set_header(struct kube_token *t, struct secret *header)
{
    secret_unref(t->header);
    t->header = header;
}

int kube_token_init(struct kube_token *t, const struct kube_config *config, struct err *err)
{
    *t = (struct kube_token){.path = config->token_file};
    if (t->path.n || !config->token)
        return 0;
    if (!is_token(secret_expose(config->token)))
        return err_set(err, ERR_INVALID, "%" STR_FMT ": token: holds bytes that no token has",
                       STR_ARG(config->source));
    t->header = bearer(secret_expose(config->token));
    return 0;
}

void kube_token_fini(struct kube_token *t)
{
    set_header(t, NULL);
}

static int token_read(struct kube_token *t, const char *path, struct err *err)
{
    struct buf b = BUF_INIT(TOKEN_MAX_BYTES);
    struct str token;
    int rc = fd_read_file(path, &b, err);

    if (rc == 0) {
        token = str_trim_space(buf_str(&b));
        if (is_token(token))
            set_header(t, bearer(token));
        else
            rc = err_set(err, ERR_INVALID, "token file '%s' is empty or holds no token", path);
    }
    buf_wipe(&b);
    return rc;
}

/* Renaming a new file into place changes the inode even within one tick of the file system's clock. */
static bool is_same_file(const struct kube_token *t, const struct stat *st)
{
    return st->st_ino == t->inode && st->st_mtim.tv_sec == t->mtime.tv_sec &&
           st->st_mtim.tv_nsec == t->mtime.tv_nsec;
}

static int token_refresh(struct kube_token *t, struct err *err)
{
    char *path CLEANUP(freep) = str_dup(t->path);
    struct stat st;
    int rc;

    if (stat(path, &st) == -1)
        return err_errno(err, errno, "token file '%s'", path);
    if (t->header && is_same_file(t, &st))
        return 0;
    rc = token_read(t, path, err);
    if (rc == 0) {
        t->mtime = st.st_mtim;
        t->inode = st.st_ino;
    }
    return rc;
}

int kube_token_get(struct kube_token *t, int64_t now_us, const struct secret **ret_header,
                   struct err *err)
{
    int rc = 0;

    if (t->path.n && (!t->is_checked || now_us - t->checked_us >= TOKEN_CHECK_US)) {
        rc = token_refresh(t, err);
        /* Without any token there is nothing to fall back on: look again next time. */
        t->is_checked = t->header != NULL;
        t->checked_us = now_us;
    }
    if (rc < 0 && !t->header)
        return rc;
    *ret_header = t->header;
    return 0;
}

void kube_token_recheck(struct kube_token *t)
{
    t->is_checked = false;
}
