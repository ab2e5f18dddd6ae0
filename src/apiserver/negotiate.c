/*
 * Accept and Content-Type.
 *
 * Clauses are tried in the order sent, among those of equal weight; kube clients list what they prefer
 * first and give no weights.
 */
#include "apiserver/negotiate.h"

#include "apiserver/proto.h"
#include "codec/yaml.h"

struct clause {
    struct str type;
    struct str as, group, version;
    bool refused; /* q=0 */
};

static struct clause parse_clause(struct str s)
{
    struct clause c = {.type = str_trim(str_cut(&s, ';'))};

    while (s.p) {
        struct str value = str_trim(str_cut(&s, ';'));
        struct str name = str_trim(str_cut(&value, '='));
        value = str_trim(value);
        if (str_eq(name, STR("as")))
            c.as = value;
        else if (str_eq(name, STR("g")))
            c.group = value;
        else if (str_eq(name, STR("v")))
            c.version = value;
        else if (str_eq(name, STR("q")))
            c.refused = str_eq(value, STR("0"));
    }
    return c;
}

/* Whether we can write the media type; tells which one. */
static bool accept_type(struct str type, bool *ret_yaml)
{
    *ret_yaml = str_eq_nocase(type, STR("application/yaml"));
    return *ret_yaml || str_eq_nocase(type, STR("application/json")) || str_eq(type, STR("*/*")) ||
           str_eq_nocase(type, STR("application/*"));
}

static bool accept_form(const struct clause *c, enum negotiate_what what, enum negotiate_as *ret_as)
{
    *ret_as = NEGOTIATE_PLAIN;
    if (!c->as.n)
        return true;
    if (what == NEGOTIATE_DISCOVERY) {
        *ret_as = NEGOTIATE_AGGREGATED;
        return str_eq(c->as, STR("APIGroupDiscoveryList")) &&
               str_eq(c->group, STR("apidiscovery.k8s.io")) &&
               (str_eq(c->version, STR("v2")) || str_eq(c->version, STR("v2beta1")));
    }
    if (!str_eq(c->group, STR("meta.k8s.io")) ||
        !(str_eq(c->version, STR("v1")) || str_eq(c->version, STR("v1beta1"))))
        return false;
    if (str_eq(c->as, STR("Table")))
        *ret_as = NEGOTIATE_TABLE;
    else if (str_starts(c->as, STR("PartialObjectMetadata")))
        *ret_as = NEGOTIATE_METADATA;
    return *ret_as != NEGOTIATE_PLAIN;
}

int negotiate_accept(const struct http_headers *h, enum negotiate_what what,
                     struct negotiate_form *ret_form)
{
    bool any = false;

    for (size_t i = 0; i < h->n; i++) {
        if (!str_eq_nocase(h->p[i].name, STR("accept")))
            continue;
        struct str rest = h->p[i].value;
        while (rest.p) {
            struct clause c = parse_clause(str_cut(&rest, ','));
            struct negotiate_form form = {.as_version = c.version};
            any = any || c.type.n > 0;
            if (!c.refused && accept_type(c.type, &form.yaml) && accept_form(&c, what, &form.as)) {
                *ret_form = form;
                return 0;
            }
        }
    }
    if (any)
        return -ERR_MEDIATYPE;
    *ret_form = (struct negotiate_form){0};
    return 0;
}

struct str negotiate_media_type(struct str content_type)
{
    return str_trim(str_cut(&content_type, ';'));
}

int negotiate_parse(struct str content_type, struct str body, json_t **ret_value, struct err *err)
{
    struct str type = negotiate_media_type(content_type);
    int rc;

    if (!type.n || str_eq_nocase(type, STR("application/json")))
        rc = json_parse(body, ret_value, err);
    else if (str_eq_nocase(type, STR("application/yaml")))
        rc = yaml_parse(body, ret_value, err);
    else if (str_eq_nocase(type, STR("application/vnd.kubernetes.protobuf")))
        rc = proto_decode(body, ret_value, err);
    else
        return err_set(err, ERR_MEDIATYPE,
                       "the body of the request was in an unknown format - accepted media types "
                       "include: application/json, application/yaml");
    if (rc == 0 && !json_is_object(*ret_value)) {
        json_decref(*ret_value);
        *ret_value = NULL;
        return err_set(err, ERR_BADREQUEST, "the body of the request is not an object");
    }
    return rc;
}

struct str negotiate_format(const struct negotiate_form *form, const json_t *v, struct buf *out)
{
    if (form->yaml) {
        yaml_format(v, out);
        return STR("application/yaml");
    }
    json_format(v, out);
    buf_add_char(out, '\n');
    return STR("application/json");
}
