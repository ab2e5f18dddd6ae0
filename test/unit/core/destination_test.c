/*
 * Refused destinations.
 */
#include "core/destination.h"
#include "unit.h"

static int check(struct destination_policy *p, const char *text, struct err *err)
{
    struct addr a;

    CHECK_OK(addr_parse(str_c(text), &a));
    return destination_policy_check(p, &a, err);
}

TEST(destination_refused_by_default)
{
    static const char *const refused[] = {
        "127.0.0.1:80",
        "127.9.9.9:80",
        "0.0.0.0:80",
        "[::]:80",
        "[::1]:80",
        "169.254.1.1:80",
        "169.254.169.254:80",
        "[fe80::1]:80",
        "[fd00:ec2::254]:80",
        "224.0.0.1:80",
        "255.255.255.255:80",
        "[ff02::1]:80",
        "[::ffff:127.0.0.1]:80",
        "[::ffff:169.254.169.254]:80",
        "[64:ff9b::7f00:1]:80",
        "[64:ff9b::a9fe:a9fe]:80",
    };
    static const char *const fine[] = {"10.1.2.3:80", "192.168.1.1:443", "8.8.8.8:443",
                                       "[2606:4700::1]:443", "[fd12::1]:80"};
    struct destination_policy *p = destination_policy_new();
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        if (!CHECK_ERR(check(p, refused[i], &err), ERR_DENIED_DEST))
            CHECK_STR(str_c(refused[i]), "");
        CHECK(strstr(err.msg, "--allow-destination") != NULL);
    }
    for (size_t i = 0; i < ARRAY_LEN(fine); i++)
        CHECK_OK(check(p, fine[i], NULL));
    destination_policy_free(p);
    destination_policy_free(NULL);
}

TEST(destination_allowed_ranges)
{
    struct destination_policy *p = destination_policy_new();

    CHECK_OK(destination_policy_allow(p, STR("127.0.0.0/8:8080"), NULL));
    CHECK_OK(destination_policy_allow(p, STR("169.254.1.0/24"), NULL));
    CHECK_OK(check(p, "127.0.0.1:8080", NULL));
    CHECK_OK(check(p, "[::ffff:127.0.0.1]:8080", NULL));
    CHECK_ERR(check(p, "127.0.0.1:8081", NULL), ERR_DENIED_DEST);
    CHECK_OK(check(p, "169.254.1.9:1", NULL));
    CHECK_ERR(check(p, "169.254.2.9:1", NULL), ERR_DENIED_DEST);
    CHECK_ERR(check(p, "[::1]:8080", NULL), ERR_DENIED_DEST);
    CHECK_ERR(destination_policy_allow(p, STR("localhost"), NULL), ERR_INVALID);
    CHECK_ERR(destination_policy_allow(p, STR("127.0.0.1/33"), NULL), ERR_INVALID);
    CHECK_ERR(destination_policy_allow(p, STR(""), NULL), ERR_INVALID);
    destination_policy_free(p);
}

TEST(destination_own_listeners_need_the_exact_address)
{
    struct destination_policy *p = destination_policy_new();
    struct addr own;

    CHECK_OK(addr_parse(STR("127.0.0.1:8480"), &own));
    destination_policy_protect(p, &own);
    CHECK_OK(addr_parse(STR("10.0.0.1:443"), &own));
    destination_policy_protect(p, &own);
    CHECK_OK(destination_policy_allow(p, STR("127.0.0.0/8"), NULL));
    CHECK_OK(check(p, "127.0.0.1:8481", NULL));
    CHECK_ERR(check(p, "127.0.0.1:8480", NULL), ERR_DENIED_DEST);
    CHECK_ERR(check(p, "[::ffff:127.0.0.1]:8480", NULL), ERR_DENIED_DEST);
    CHECK_ERR(check(p, "10.0.0.1:443", NULL), ERR_DENIED_DEST); /* private, yet the API server */
    CHECK_OK(check(p, "10.0.0.1:444", NULL));
    CHECK_OK(destination_policy_allow(p, STR("127.0.0.1"), NULL)); /* no port: not exact */
    CHECK_ERR(check(p, "127.0.0.1:8480", NULL), ERR_DENIED_DEST);
    CHECK_OK(destination_policy_allow(p, STR("127.0.0.1:8480"), NULL));
    CHECK_OK(check(p, "127.0.0.1:8480", NULL));
    destination_policy_free(p);
}

TEST(destination_listener_on_every_address)
{
    struct destination_policy *p = destination_policy_new();
    struct addr own;

    CHECK_OK(addr_parse(STR("0.0.0.0:8480"), &own));
    destination_policy_protect(p, &own);
    CHECK_OK(destination_policy_allow(p, STR("0.0.0.0/0"), NULL));
    CHECK_ERR(check(p, "127.0.0.1:8480", NULL), ERR_DENIED_DEST);
    CHECK_ERR(check(p, "0.0.0.0:8480", NULL), ERR_DENIED_DEST);
    CHECK_ERR(check(p, "127.0.0.2:8480", NULL), ERR_DENIED_DEST); /* on no interface, yet ours */
    CHECK_OK(check(p, "127.0.0.2:8481", NULL));
    CHECK_OK(check(p, "127.0.0.1:8481", NULL));
    destination_policy_free(p);
}

TEST(destination_protected_host)
{
    struct destination_policy *p = destination_policy_new();
    struct err err;

    CHECK_OK(destination_policy_protect_host(p, "192.0.2.7", 6443, NULL));
    CHECK_OK(destination_policy_protect_host(p, "2001:db8::7", 6443, NULL));
    CHECK_ERR(check(p, "192.0.2.7:6443", &err), ERR_DENIED_DEST);
    CHECK(strstr(err.msg, "API server") != NULL);
    CHECK_ERR(check(p, "[::ffff:192.0.2.7]:6443", NULL), ERR_DENIED_DEST);
    CHECK_ERR(check(p, "[2001:db8::7]:6443", NULL), ERR_DENIED_DEST);
    CHECK_OK(check(p, "192.0.2.7:6444", NULL));
    CHECK_OK(check(p, "192.0.2.8:6443", NULL));

    CHECK_ERR(destination_policy_protect_host(p, "no..name", 443, &err), ERR_NOTFOUND);
    CHECK(strstr(err.msg, "'no..name'") != NULL);
    CHECK_ERR(destination_policy_protect_host(p, "", 443, NULL), ERR_NOTFOUND);
    destination_policy_free(p);
}
