/*
 * What a watch keeps of a Secret.
 */
#include "core/secretkeep.h"
#include "unit.h"

static json_t *secret_of(const char *text)
{
    json_t *secret = NULL;

    CHECK_OK(json_parse(str_c(text), &secret, NULL));
    return secret;
}

static const char SECRET[] =
    "{\"metadata\":{\"name\":\"s\",\"resourceVersion\":\"7\",\"managedFields\":[{}],"
    "\"annotations\":{\"kubectl.kubernetes.io/last-applied-configuration\":\"c2VjcmV0\"}},"
    "\"type\":\"Opaque\",\"data\":{\"k\":\"c2VjcmV0\"},\"stringData\":{\"k\":\"secret\"}}";

TEST(secretkeep_needed)
{
    json_t *secret JSON_OWNED = secret_of(SECRET);
    json_t *want JSON_OWNED = secret_of("{\"metadata\":{\"name\":\"s\",\"resourceVersion\":\"7\"},"
                                        "\"type\":\"Opaque\",\"data\":{\"k\":\"c2VjcmV0\"}}");

    secretkeep_trim(secret, true);
    CHECK(json_equal(secret, want));
    CHECK(!secretkeep_is_trimmed(secret));
}

TEST(secretkeep_not_needed)
{
    json_t *secret JSON_OWNED = secret_of(SECRET);
    struct buf text = BUF_INIT(4096);

    secretkeep_trim(secret, false);
    CHECK(secretkeep_is_trimmed(secret));
    json_format(secret, &text);
    CHECK(str_find(buf_str(&text), STR("c2VjcmV0")) < 0);
    CHECK(str_find(buf_str(&text), STR("secret")) < 0);
    CHECK_STR(json_str(secret, "type"), "Opaque");
    buf_fini(&text);
}

TEST(secretkeep_empty_object)
{
    json_t *secret JSON_OWNED = json_object();

    CHECK(!secretkeep_is_trimmed(secret));
    secretkeep_trim(secret, false);
    CHECK(secretkeep_is_trimmed(secret));
}
