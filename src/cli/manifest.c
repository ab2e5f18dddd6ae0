/*
 * Reading manifests.
 */
#include "cli/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/fd.h"
#include "codec/yaml.h"
#include "kube/object.h"

/* Whether it says which resource it belongs to. */
static bool is_object(const json_t *v)
{
    return json_is_object(v) && !str_is_empty(kobj_kind(v)) && !str_is_empty(kobj_api_version(v));
}

static int add_items(const json_t *items, const char *name, json_t *objects, struct err *err)
{
    json_t *item;
    size_t i;

    json_array_foreach(items, i, item)
    {
        if (!is_object(item))
            return err_set(err, ERR_BADREQUEST,
                           "%s: items[%zu] is no object with apiVersion and kind", name, i);
        json_array_append(objects, item);
    }
    return 0;
}

static int add_text(struct str text, const char *name, json_t *objects, struct err *err)
{
    json_t *docs JSON_OWNED = NULL, *doc;
    size_t i;
    int rc = yaml_parse_all(text, &docs, err);

    if (rc < 0)
        return err_wrap(err, rc, "%s", name);
    json_array_foreach(docs, i, doc)
    {
        json_t *items = json_at(doc, "items", NULL);

        if (!is_object(doc))
            return err_set(err, ERR_BADREQUEST,
                           "%s: document %zu is no object with apiVersion and kind", name, i + 1);
        if (str_ends(kobj_kind(doc), STR("List")) && json_is_array(items))
            rc = add_items(items, name, objects, err);
        else
            json_array_append(objects, doc);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int read_stdin(struct buf *text, struct err *err)
{
    char chunk[16384];
    ssize_t n;

    while ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) > 0)
        buf_add(text, chunk, (size_t)n);
    if (n < 0)
        return err_errno(err, errno, "read standard input");
    return buf_error(text) < 0 ? err_set(err, ERR_TOOBIG, "standard input is too large") : 0;
}

static int add_file(const char *path, json_t *objects, struct err *err)
{
    struct buf text = BUF_INIT(MANIFEST_MAX_BYTES);
    bool is_stdin = str_eq(str_c(path), STR("-"));
    int rc = is_stdin ? read_stdin(&text, err) : fd_read_file(path, &text, err);

    if (rc == 0)
        rc = add_text(buf_str(&text), is_stdin ? "standard input" : path, objects, err);
    buf_fini(&text);
    return rc;
}

static int is_manifest(const struct dirent *e)
{
    struct str name = str_c(e->d_name);

    return str_ends(name, STR(".yaml")) || str_ends(name, STR(".yml")) ||
           str_ends(name, STR(".json"));
}

static int add_dir(const char *path, json_t *objects, struct err *err)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct dirent **names;
    int n = scandir(path, &names, is_manifest, alphasort), rc = 0;

    if (n < 0)
        return err_errno(err, errno, "read directory '%s'", path);
    for (int i = 0; i < n; i++) {
        if (rc == 0)
            rc = add_file(arena_fmt(a, "%s/%s", path, names[i]->d_name).p, objects, err);
        free(names[i]);
    }
    free(names);
    return rc;
}

int manifest_load(const struct option_list *files, json_t **ret_objects, struct err *err)
{
    json_t *objects JSON_OWNED = json_array();
    struct stat st;

    VEC_EACH(files, path)
    {
        bool is_dir = stat(*path, &st) == 0 && S_ISDIR(st.st_mode);
        int rc = is_dir ? add_dir(*path, objects, err) : add_file(*path, objects, err);

        if (rc < 0)
            return rc;
    }
    if (json_array_size(objects) == 0)
        return err_set(err, ERR_BADREQUEST, "no objects in the given files");
    *ret_objects = TAKE(objects);
    return 0;
}
