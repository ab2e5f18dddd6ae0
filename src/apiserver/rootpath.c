/*
 * Small non-resource paths: health, version, and the list of paths.
 */
#include <sys/utsname.h>

#include "apiserver/rest_priv.h"

/* The API level this server speaks; kubectl compares it with its own. */
#define API_MAJOR "1"
#define API_MINOR "34"
#define GIT_VERSION "v1.34.0+connectors"

static bool is_path(const struct call *c, struct str prefix)
{
    struct str rest = str_skip(c->path.raw, prefix.n);

    return str_starts(c->path.raw, prefix) && (!rest.n || rest.p[0] == '/');
}

bool rootpath_is_public(const struct call *c)
{
    return is_path(c, STR("/healthz")) || is_path(c, STR("/livez")) || is_path(c, STR("/readyz"));
}

static void health(struct call *c)
{
    if (is_path(c, STR("/readyz")) && !c->rest->ready)
        call_answer_text(c, 503, STR("not ready"));
    else
        call_answer_text(c, 200, STR("ok"));
}

static void version(struct call *c)
{
    struct utsname u = {0};
    json_t *v JSON_OWNED = json_object();

    uname(&u);
    json_set_str(v, "major", STR(API_MAJOR));
    json_set_str(v, "minor", STR(API_MINOR));
    json_set_str(v, "gitVersion", STR(GIT_VERSION));
    json_set_str(v, "gitCommit", STR(""));
    json_set_str(v, "gitTreeState", STR("clean"));
    json_set_str(v, "buildDate", STR("1970-01-01T00:00:00Z"));
    json_set_str(v, "goVersion", STR(""));
    json_set_str(v, "compiler", STR("gcc"));
    json_set_str(v, "platform",
                 str_eq_c(str_c(u.machine), "x86_64") ? STR("linux/amd64") : STR("linux/arm64"));
    call_answer(c, 200, v, NULL);
}

static void path_list(struct call *c)
{
    static const char *const PATHS[] = {"/api",        "/api/v1", "/apis",
                                        "/healthz",    "/livez",  "/openapi/v2",
                                        "/openapi/v3", "/readyz", "/version"};
    json_t *v JSON_OWNED = json_object();
    json_t *list = json_array();

    for (size_t i = 0; i < ARRAY_LEN(PATHS); i++)
        json_array_append_new(list, json_string(PATHS[i]));
    json_set(v, "paths", list);
    call_answer(c, 200, v, NULL);
}

void rootpath_run(struct call *c)
{
    json_t *status = NULL;

    if (rootpath_is_public(c)) {
        health(c);
    } else if (str_eq(c->path.raw, STR("/version")) || str_eq(c->path.raw, STR("/version/"))) {
        version(c);
    } else if (str_eq(c->path.raw, STR("/"))) {
        path_list(c);
    } else {
        status_set(&status, ERR_NOTFOUND, "the server could not find the requested resource");
        call_fail(c, status);
    }
}
