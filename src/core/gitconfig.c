/*
 * git configuration syntax (git-config(1)): quoted subsections and quoted values.
 */
#include "core/gitconfig.h"

/* Appends the bytes of `s` as they stand inside double quotes; control bytes are dropped. */
static void add_escaped(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            buf_add_char(out, '\\');
        if ((unsigned char)s.p[i] >= ' ')
            buf_add_char(out, s.p[i]);
    }
}

static struct str without_slash(struct str url)
{
    while (str_ends(url, STR("/")))
        url.n--;
    return url;
}

/* Appends the section header `[name "url/"]`. */
static void add_section(struct buf *out, const char *name, struct str url)
{
    buf_addf(out, "[%s \"", name);
    add_escaped(out, without_slash(url));
    buf_add_c(out, "/\"]\n");
}

void gitconfig_render(const struct gitconfig_entry *entries, size_t count,
                      const struct secret *token, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        add_section(out, "url", entries[i].proxy_url);
        buf_add_c(out, "\tinsteadOf = \"");
        add_escaped(out, without_slash(entries[i].address));
        buf_add_c(out, "/\"\n");
        add_section(out, "http", entries[i].proxy_url);
        /* The Connector's address is reached directly: http_proxy in the environment is for other hosts. */
        buf_add_c(out, "\tproxy = \"\"\n");
        buf_add_c(out, "\textraHeader = \"Authorization: Bearer ");
        add_escaped(out, secret_expose(token));
        buf_add_c(out, "\"\n");
    }
}
