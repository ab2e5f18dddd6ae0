/*
 * The .gitconfig: what git reads from it, and that no value breaks out of its place.
 */
#include "core/gitconfig.h"
#include "unit.h"

static struct str render(const char *address, const char *proxy, const char *token)
{
    static struct buf out;
    struct secret *secret = secret_new(str_c(token));

    buf_fini(&out);
    buf_init(&out, 64 * 1024);
    gitconfig_render(&(struct gitconfig_entry){str_c(address), str_c(proxy)}, 1, secret, &out);
    secret_unref(secret);
    return buf_str(&out);
}

TEST(gitconfig_rewrites_and_authenticates)
{
    struct str text =
        render("https://git.example/base/", "http://p/namespaces/a/connectors/b", "tok");

    CHECK(str_find(text, STR("[url \"http://p/namespaces/a/connectors/b/\"]\n")) >= 0);
    CHECK(str_find(text, STR("insteadOf = \"https://git.example/base/\"\n")) >= 0);
    CHECK(str_find(text, STR("[http \"http://p/namespaces/a/connectors/b/\"]\n")) >= 0);
    CHECK(str_find(text, STR("extraHeader = \"Authorization: Bearer tok\"\n")) >= 0);
}

TEST(gitconfig_quotes_what_has_a_meaning)
{
    struct str text = render("https://h/a\"]\n[core]\nx=\"\\", "http://p", "t\"o\\k\n");

    CHECK(str_find(text, STR("\n[core]")) < 0);
    CHECK(str_find(text, STR("a\\\"][core]x=\\\"\\\\")) >= 0);
    CHECK(str_find(text, STR("Bearer t\\\"o\\\\k\"\n")) >= 0);
}
