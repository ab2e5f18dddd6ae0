/*
 * What commands print: tables, names, text of others.
 */
#include "unit.h"

#include <stdlib.h>

#include "cli/plain.h"
#include "cli/print.h"

static json_t *parse(const char *text)
{
    json_t *v = NULL;

    CHECK_OK(json_parse(str_c(text), &v, NULL));
    return v;
}

/* What print_table writes; to be freed. */
static char *table_text(const char *table, bool wide, bool with_ns)
{
    json_t *v JSON_OWNED = parse(table);
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);

    print_table(to, v, wide, with_ns);
    fclose(to);
    return text;
}

static char *object_text(const char *object, enum session_output form)
{
    json_t *v JSON_OWNED = parse(object);
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);

    print_object(to, v, form);
    fclose(to);
    return text;
}

#define COLUMNS                                                                                    \
    "\"columnDefinitions\":[{\"name\":\"Name\"},{\"name\":\"Ready\",\"priority\":0},"              \
    "{\"name\":\"Message\",\"priority\":1}]"

TEST(table_pads_columns_by_their_widest_cell)
{
    char *text = table_text("{" COLUMNS ",\"rows\":[{\"cells\":[\"a\",true,\"x\"]},"
                            "{\"cells\":[\"longer\",null,\"y\"]}]}",
                            false, false);

    CHECK_STR(text, "NAME     READY\na        true\nlonger   <none>\n");
    free(text);
}

TEST(table_wide_shows_every_column)
{
    char *text = table_text("{" COLUMNS ",\"rows\":[{\"cells\":[\"a\",3,\"x\"]}]}", true, false);

    CHECK_STR(text, "NAME   READY   MESSAGE\na      3       x\n");
    free(text);
}

TEST(table_puts_the_namespace_in_front)
{
    char *text = table_text("{" COLUMNS ",\"rows\":[{\"cells\":[\"a\",1.5,\"x\"],"
                            "\"object\":{\"metadata\":{\"namespace\":\"team\"}}}]}",
                            false, true);

    CHECK_STR(text, "NAMESPACE   NAME   READY\nteam        a      1.5\n");
    free(text);
}

TEST(table_counts_characters_and_hides_control_bytes)
{
    char *text = table_text("{" COLUMNS ",\"rows\":[{\"cells\":[\"\\u00fc\\u001b[2J\",\"a\\nb\"]},"
                            "{\"cells\":[\"b\",\"\\u009b1m\"]}]}",
                            false, false);

    CHECK_STR(text, "NAME    READY\n\xc3\xbc [2J   a b\nb         1m\n");
    free(text);
}

TEST(table_with_missing_cells_or_nothing)
{
    char *text = table_text("{" COLUMNS ",\"rows\":[{\"cells\":[]},{}]}", false, false);

    CHECK_STR(text, "NAME     READY\n<none>   <none>\n<none>   <none>\n");
    free(text);
    text = table_text("{}", true, false);
    CHECK_STR(text, "\n");
    free(text);
    text = table_text("{\"columnDefinitions\":7,\"rows\":\"x\"}", true, false);
    CHECK_STR(text, "\n");
    free(text);
}

TEST(names_carry_the_group)
{
    char *text = object_text("{\"apiVersion\":\"connectors.alauda.io/v1alpha1\","
                             "\"kind\":\"Connector\",\"metadata\":{\"name\":\"demo\"}}",
                             SESSION_NAME);

    CHECK_STR(text, "connector.connectors.alauda.io/demo\n");
    free(text);
    text = object_text("{\"kind\":\"List\",\"items\":["
                       "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"a\"}},"
                       "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"b\"}}]}",
                       SESSION_NAME);
    CHECK_STR(text, "secret/a\npod/b\n");
    free(text);
}

TEST(objects_as_json_and_yaml)
{
    char *text = object_text("{\"b\":1,\"a\":\"x\"}", SESSION_JSON);

    CHECK_STR(text, "{\n    \"a\": \"x\",\n    \"b\": 1\n}\n");
    free(text);
    text = object_text("{\"b\":1,\"a\":\"x\"}", SESSION_YAML);
    CHECK_STR(text, "a: x\nb: 1\n");
    free(text);
    text = object_text("{\"a\":\"\\u001b]0;x\\u0007\"}", SESSION_YAML);
    CHECK(strchr(text, 0x1b) == NULL);
    free(text);
}

TEST(plain_replaces_what_terminals_act_on)
{
    char text[] = "a\tb\x1b[0m\x7f\xc2\x9b\xc2\xa0\xc3\xa9\xc2";

    plain_clean(text, sizeof(text) - 1);
    CHECK_STR(text, "a b [0m   \xc2\xa0\xc3\xa9\xc2");
    plain_clean(text, 0);
    CHECK_INT(plain_width(STR("a\xc3\xa9\xe2\x82\xac")), 3);
    CHECK_INT(plain_width(STR_NONE), 0);
}
