/*
 * Checks of option values.
 */
#include "core/setting.h"
#include "unit.h"

typedef int check_fn(struct str value, struct err *err);

static void refuse(check_fn *check, const char *value)
{
    struct err err = {0};

    if (!CHECK_ERR(check(str_c(value), &err), ERR_USAGE))
        CHECK_STR(str_c(value), "");
    CHECK(strstr(err.msg, value) != NULL);
}

TEST(setting_listen)
{
    static const char *const refused[] = {"localhost:80", "127.0.0.1:65536", "127.0.0.1:-1",
                                          "::1:80:x",     "127.0.0:80",      "127.0.0.1:80/"};

    CHECK_OK(setting_check_listen(STR("127.0.0.1:0"), NULL));
    CHECK_OK(setting_check_listen(STR("[::1]:65535"), NULL));
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        refuse(setting_check_listen, refused[i]);
}

TEST(setting_range)
{
    static const char *const refused[] = {
        "", "10.0.0.0/33", "10.0.0.0/8:65536", "tool.example", "[::1]/129", "*"};

    CHECK_OK(setting_check_range(STR("10.0.0.0/8"), NULL));
    CHECK_OK(setting_check_range(STR("127.0.0.1:8080"), NULL));
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        refuse(setting_check_range, refused[i]);
}

TEST(setting_url)
{
    static const char *const refused[] = {"proxy.example",
                                          "ftp://proxy.example",
                                          "http://",
                                          "http://proxy.example/?q=1",
                                          "http://u:p@proxy.test",
                                          "http://proxy.example/#f",
                                          "http://proxy:65536"};

    CHECK_OK(setting_check_url(STR(""), NULL));
    CHECK_OK(setting_check_url(STR("http://proxy.example:8480/"), NULL));
    CHECK_OK(setting_check_url(STR("https://[::1]"), NULL));
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        refuse(setting_check_url, refused[i]);
}
