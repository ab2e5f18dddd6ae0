/*
 * Manifests from files and directories.
 */
#include "unit.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/fd.h"
#include "cli/manifest.h"
#include "kube/object.h"

#define POD(name) "apiVersion: v1\nkind: Pod\nmetadata: {name: " name "}\n"

struct place {
    struct arena *arena;
    char dir[64];
};

static void place_make(struct place *p)
{
    *p = (struct place){.arena = arena_new(), .dir = "/tmp/manifest-test-XXXXXX"};
    CHECK(mkdtemp(p->dir) != NULL);
}

static void place_drop(struct place *p)
{
    CHECK_OK(fd_remove_tree(p->dir, NULL));
    arena_free(p->arena);
}

static const char *add(struct place *p, const char *name, struct str text)
{
    const char *path = arena_fmt(p->arena, "%s/%s", p->dir, name).p;

    CHECK_OK(fd_write_file(path, text, 0600, NULL));
    return path;
}

static int load(const char *path, json_t **ret_objects, struct err *err)
{
    struct option_list files = {0};
    int rc;

    VEC_PUSH(&files, path);
    rc = manifest_load(&files, ret_objects, err);
    VEC_FINI(&files);
    return rc;
}

/* Names of the loaded objects, each followed by a space. */
static void check_names(const char *path, const char *expected)
{
    struct buf names = BUF_INIT(1000);
    json_t *objects JSON_OWNED = NULL, *o;
    size_t i;

    if (!CHECK_OK(load(path, &objects, NULL)))
        return;
    json_array_foreach(objects, i, o)
    {
        buf_add_str(&names, kobj_name(o));
        buf_add_char(&names, ' ');
    }
    CHECK_STR(buf_str(&names), expected);
    buf_fini(&names);
}

static void check_refused(const char *path, enum err_code code, const char *part)
{
    json_t *objects = NULL;
    struct err err = {0};

    CHECK_ERR(load(path, &objects, &err), code);
    CHECK(objects == NULL);
    if (!CHECK(str_find(str_c(err.msg), str_c(part)) >= 0))
        printf("  %s\n", err.msg);
}

TEST(manifest_documents_and_lists)
{
    struct place p;

    place_make(&p);
    check_names(add(&p, "a", STR(POD("a") "---\n" POD("b"))), "a b ");
    check_names(add(&p, "b",
                    STR("{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":["
                        "{\"kind\":\"Pod\",\"apiVersion\":\"v1\","
                        "\"metadata\":{\"name\":\"c\"}}]}")),
                "c ");
    check_names(add(&p, "c", STR("---\n" POD("d") "---\n")), "d ");
    place_drop(&p);
}

TEST(manifest_directory_in_name_order)
{
    struct place p;

    place_make(&p);
    add(&p, "2.yml", STR(POD("second")));
    add(&p, "1.yaml", STR(POD("first")));
    add(&p, "3.json",
        STR("{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"third\"}}"));
    add(&p, "README.md", STR("# not a manifest"));
    check_names(p.dir, "first second third ");
    place_drop(&p);
}

TEST(manifest_refusals)
{
    struct place p;
    struct buf big = BUF_INIT(BUF_NO_LIMIT);

    place_make(&p);
    check_refused("/nonexistent/manifest", ERR_NOTFOUND, "/nonexistent/manifest");
    check_refused(p.dir, ERR_BADREQUEST, "no objects");
    check_refused(add(&p, "empty", STR("")), ERR_BADREQUEST, "no objects");
    check_refused(add(&p, "syntax", STR("a: [\n")), ERR_BADREQUEST, "syntax: 2:1: ");
    check_refused(add(&p, "scalar", STR("hello\n")), ERR_BADREQUEST, "document 1");
    check_refused(add(&p, "sequence", STR("- a\n")), ERR_BADREQUEST, "document 1");
    check_refused(add(&p, "kind", STR(POD("a") "---\napiVersion: v1\n")), ERR_BADREQUEST,
                  "document 2");
    check_refused(add(&p, "version", STR("kind: Pod\n")), ERR_BADREQUEST, "document 1");
    check_refused(add(&p, "item", STR("apiVersion: v1\nkind: List\nitems: [7]\n")), ERR_BADREQUEST,
                  "items[0]");
    check_refused(add(&p, "nested", STR("apiVersion: v1\nkind: List\nitems:\n- {kind: Pod}\n")),
                  ERR_BADREQUEST, "items[0]");
    for (size_t i = 0; i <= MANIFEST_MAX_BYTES; i++)
        buf_add_char(&big, '#');
    check_refused(add(&p, "big", buf_str(&big)), ERR_TOOBIG, "big");
    buf_fini(&big);
    place_drop(&p);
}
