/*
 * metav1.Status constructors; message texts as k8s.io/apimachinery/pkg/api/errors makes them.
 */
#include "apiserver/status.h"

#include <stdarg.h>

#include "apiserver/kind.h"

static json_t *new_status(enum err_code code, struct str message)
{
    json_t *s = json_object();

    json_set_str(s, "kind", STR("Status"));
    json_set_str(s, "apiVersion", STR("v1"));
    json_set(s, "metadata", json_object());
    json_set_str(s, "status", code == ERR_OK ? STR("Success") : STR("Failure"));
    if (message.n)
        json_set_str(s, "message", message);
    if (code != ERR_OK) {
        json_set_str(s, "reason", str_c(err_reason(code)));
        json_set(s, "code", json_integer(err_http_status(code)));
    }
    return s;
}

static json_t *add_details(json_t *status, struct str name, struct str group, struct str kind)
{
    json_t *d = json_object_at(status, "details");

    if (name.n)
        json_set_str(d, "name", name);
    if (group.n)
        json_set_str(d, "group", group);
    if (kind.n)
        json_set_str(d, "kind", kind);
    return d;
}

int status_set(json_t **ret_status, enum err_code code, const char *fmt, ...)
{
    char line[2048];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    if (ret_status)
        *ret_status = new_status(code, str_c(line));
    return -(int)code;
}

int status_from_err(json_t **ret_status, const struct err *err)
{
    enum err_code code = err->code == ERR_OK ? ERR_INTERNAL : err->code;

    if (ret_status)
        *ret_status = new_status(code, str_c(err->msg));
    return -(int)code;
}

/* A Status about one object: "<prefix>secrets "x"<suffix>", with details. */
static int about_object(json_t **ret_status, enum err_code code, const struct kind *k,
                        struct str name, const char *prefix, struct str suffix)
{
    struct buf text CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);

    if (!ret_status)
        return -(int)code;
    buf_add_c(&text, prefix);
    buf_add_str(&text, k->plural);
    if (k->group.n)
        buf_addf(&text, ".%" STR_FMT, STR_ARG(k->group));
    if (name.n || code != ERR_FORBIDDEN)
        buf_addf(&text, " \"%" STR_FMT "\"", STR_ARG(name));
    buf_add_str(&text, suffix);
    *ret_status = new_status(code, buf_str(&text));
    add_details(*ret_status, name, k->group, k->plural);
    return -(int)code;
}

int status_not_found(json_t **ret_status, const struct kind *k, struct str name)
{
    return about_object(ret_status, ERR_NOTFOUND, k, name, "", STR(" not found"));
}

int status_exists(json_t **ret_status, const struct kind *k, struct str name)
{
    return about_object(ret_status, ERR_EXISTS, k, name, "", STR(" already exists"));
}

int status_conflict(json_t **ret_status, const struct kind *k, struct str name, const char *why)
{
    struct buf suffix CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);

    buf_addf(&suffix, ": %s", why);
    return about_object(ret_status, ERR_CONFLICT, k, name, "Operation cannot be fulfilled on ",
                        buf_str(&suffix));
}

int status_forbidden(json_t **ret_status, const struct kind *k, struct str name, struct str why)
{
    struct buf suffix CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);

    buf_add_c(&suffix, " is forbidden: ");
    buf_add_str(&suffix, why);
    return about_object(ret_status, ERR_FORBIDDEN, k, name, "", buf_str(&suffix));
}

/* The causes of an Invalid status, and their texts joined as field.ErrorList prints them. */
static json_t *format_causes(const struct field_errors *e, struct buf *text)
{
    json_t *causes = json_array();

    if (e->items.n > 1)
        buf_add_char(text, '[');
    for (size_t i = 0; i < e->items.n; i++) {
        const struct field_error *f = &e->items.p[i];
        json_t *c = json_object();
        json_set_str(c, "reason", str_c(field_error_reason(f->type)));
        json_set_str(c, "message", f->message);
        json_set_str(c, "field", f->path);
        json_array_append_new(causes, c);
        buf_addf(text, "%s%" STR_FMT ": ", i ? ", " : "", STR_ARG(f->path));
        buf_add_str(text, f->message);
    }
    if (e->dropped)
        buf_addf(text, ", and %zu more", e->dropped);
    if (e->items.n > 1)
        buf_add_char(text, ']');
    return causes;
}

int status_invalid(json_t **ret_status, const struct kind *k, struct str name,
                   const struct field_errors *e)
{
    struct buf text CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);

    if (!ret_status)
        return -ERR_INVALID;
    buf_add_str(&text, k->kind);
    if (k->group.n)
        buf_addf(&text, ".%" STR_FMT, STR_ARG(k->group));
    buf_addf(&text, " \"%" STR_FMT "\" is invalid: ", STR_ARG(name));
    json_t *causes = format_causes(e, &text);
    *ret_status = new_status(ERR_INVALID, buf_str(&text));
    json_t *d = add_details(*ret_status, name, k->group, k->kind);
    json_set(d, "causes", causes);
    return -ERR_INVALID;
}

int status_method(json_t **ret_status, const struct kind *k)
{
    if (ret_status) {
        *ret_status = new_status(
            ERR_METHOD, STR("the server does not allow this method on the requested resource"));
        if (k)
            add_details(*ret_status, STR_NONE, k->group, k->plural);
    }
    return -ERR_METHOD;
}

json_t *status_deleted(const struct kind *k, struct str name, struct str uid)
{
    json_t *s = new_status(ERR_OK, STR_NONE);
    json_t *d = add_details(s, name, k->group, k->plural);

    if (uid.n)
        json_set_str(d, "uid", uid);
    return s;
}

int status_http(const json_t *status)
{
    int64_t code = json_int(status, "code", 0);

    return code >= 400 && code < 600 ? (int)code : 200;
}
