/*
 * The resource table: one row says everything the server needs to know about a served kind.
 *
 * There is one generic implementation of storage, verbs, patching, listing, tables, discovery and
 * OpenAPI; a kind differs from another one only by its row (and its schema).  Built-in rows are constants
 * (builtin.c); rows of CustomResourceDefinitions are made at run time (crd.c) and replaced when their
 * definition changes.  Rows are reference-counted: an operation in flight keeps the row it began with.
 * Several versions of one resource are several rows that share `group` and `plural`, hence their objects.
 *
 * Context: the loop thread only.
 */
#ifndef APISERVER_KIND_H
#define APISERVER_KIND_H

#include "apiserver/field.h"
#include "codec/jsonpatch.h"

struct apiserver;
struct user;
struct schema;
struct kind;

enum kind_verb {
    KIND_GET = 1u << 0,
    KIND_LIST = 1u << 1,
    KIND_WATCH = 1u << 2,
    KIND_CREATE = 1u << 3,
    KIND_UPDATE = 1u << 4,
    KIND_PATCH = 1u << 5,
    KIND_DELETE = 1u << 6,
    KIND_DELETE_COLLECTION = 1u << 7,
};
#define KIND_VERBS_ALL 0xffu

/* What metadata.name may be. */
enum kind_name_rule {
    KIND_NAME_SUBDOMAIN,    /* RFC 1123 subdomain, 253 bytes */
    KIND_NAME_LABEL,        /* RFC 1123 label, 63 bytes */
    KIND_NAME_LABEL_1035,   /* RFC 1035 label: starts with a letter */
    KIND_NAME_PATH_SEGMENT, /* anything that is one path segment (RBAC) */
};

/* A request as hooks and admission modules see it.  Everything is borrowed for the call. */
struct kind_request {
    struct apiserver *server;
    const struct kind *kind;
    struct str ns;           /* empty for cluster-scoped kinds */
    struct str name;         /* empty for a create with generateName before the name is made */
    struct str subresource;  /* empty for the object itself */
    const struct user *user; /* NULL: the server itself */
    struct arena *arena;     /* for texts; lives as long as the operation */
    json_t *warnings;        /* array of strings that become Warning headers */
    int64_t wall_us;         /* wall clock of the operation */
    bool dry_run;
};

/*
 * What is particular to a kind; every member may be NULL.  Called in this order for a write: prepare_*,
 * schema defaults and validation, validate, check, admission.  None of them blocks.
 */
struct kind_hooks {
    /* Sets fields the server owns (phase, generated names); `object` may be changed. */
    void (*prepare_create)(const struct kind_request *r, json_t *object);
    void (*prepare_update)(const struct kind_request *r, json_t *object, const json_t *old);
    /* Called when a delete marks the object instead of removing it. */
    void (*prepare_delete)(const struct kind_request *r, json_t *object);
    /* Rules that a schema cannot say.  `old` is NULL on create. */
    void (*validate)(const struct kind_request *r, const json_t *object, const json_t *old,
                     struct field_errors *errors);
    /* Refuses with a Status (e.g. Forbidden for privilege escalation): 0 or a negative code.  `old` is NULL on
     * create. */
    int (*check)(const struct kind_request *r, const json_t *object, const json_t *old,
                 json_t **ret_status);
    /* Whether a deletion must wait although metadata.finalizers is empty (Namespace spec.finalizers). */
    bool (*holds)(const json_t *object);
    /* After each commit in revision order, and for each object while the store is loaded: `old` or `now` is
     * NULL for created or removed ones. */
    void (*after_commit)(struct apiserver *server, const json_t *old, const json_t *now);
    /* Kinds that are answered, not stored (reviews): makes the answer.  0 or a negative code with a Status. */
    int (*answer)(const struct kind_request *r, const json_t *object, json_t **ret_object,
                  json_t **ret_status);
};

/* A column of a Table. */
struct kind_column {
    const char *name;
    const char *type;   /* "string", "integer", "date", "boolean", "number" */
    const char *format; /* "name" or "" */
    const char *description;
    int priority;          /* 0: always shown; 1: wide only */
    const char *json_path; /* as in CRDs: ".spec.address"; NULL when `cell` is set */
    /* Makes the value (a new reference), for what a path cannot say. */
    json_t *(*cell)(const json_t *object, int64_t wall_us);
};

/* A field that field selectors may name, beside metadata.name and metadata.namespace. */
struct kind_field {
    const char *name; /* as in the selector */
    const char *path; /* dotted members to a string; NULL: as `name` */
};

/* A subresource beside "status": POST .../name/<name>. */
struct kind_subresource {
    struct str name;
    struct str group, version, kind; /* of the body */
    /* Makes the answer to a create; `object` is the body. */
    int (*answer)(const struct kind_request *r, const json_t *object, json_t **ret_object,
                  json_t **ret_status);
};

struct kind {
    struct str group; /* empty: core */
    struct str version;
    struct str plural;
    struct str singular;
    struct str kind;
    struct str list_kind;
    const struct str *short_names;
    size_t short_name_count;
    const struct str *categories;
    size_t category_count;
    bool namespaced;
    bool is_custom;      /* defined by a CustomResourceDefinition */
    bool has_status;     /* status subresource */
    bool has_generation; /* metadata.generation counts changes outside metadata and status */
    bool is_sealed;      /* encrypted at rest */
    enum kind_name_rule name_rule;
    unsigned verbs;              /* enum kind_verb */
    const struct schema *schema; /* NULL: none */
    const struct kind_column *columns;
    size_t column_count;
    const struct kind_field *fields;
    size_t field_count;
    const struct jsonpatch_list *merge; /* strategic merge table; NULL: 415 for custom kinds */
    size_t merge_count;
    const struct kind_subresource *subresources;
    size_t subresource_count;
    const struct kind_hooks *hooks; /* NULL: none */
    /* Filled by kinds_add. */
    unsigned refs;
    struct arena *arena; /* owns the strings and tables of a custom row; NULL for built-in ones */
    struct str prefix;   /* of its keys: "/registry/core/secrets/", "/registry/<group>/<plural>/" */
    struct str api_version; /* "v1" or "group/version" */
};

struct kinds; /* the table */

/* An empty table. */
struct kinds *kinds_new(void);

/* Drops every row.  NULL is allowed. */
void kinds_free(struct kinds *ks);

/*
 * Adds a row, or replaces the one of the same group, version and plural.  Copies `row`; its strings and
 * tables are borrowed for the row's life, or live in row->arena, which is taken with row->schema.
 * Returns the row in the table, borrowed while it stays there.
 */
const struct kind *kinds_add(struct kinds *ks, const struct kind *row);

/* Removes a row; nothing happens when there is none. */
void kinds_remove(struct kinds *ks, struct str group, struct str version, struct str plural);

/* The row of a resource, or NULL. */
const struct kind *kinds_find(const struct kinds *ks, struct str group, struct str version,
                              struct str plural);

/* The row for an apiVersion ("v1", "group/version") and kind, or NULL. */
const struct kind *kinds_find_kind(const struct kinds *ks, struct str api_version, struct str kind);

/* Any row of a group and plural (the first version added), or NULL. */
const struct kind *kinds_find_any(const struct kinds *ks, struct str group, struct str plural);

/* The rows in order of group, version (as added), plural: i from 0 until NULL. */
const struct kind *kinds_at(const struct kinds *ks, size_t i);

/* Counts changes of the table (for ETags and cached documents). */
uint64_t kinds_revision(const struct kinds *ks);

const struct kind *kind_ref(const struct kind *k);
void kind_unref(const struct kind *k);

/* Formats the storage key of an object: prefix, "ns/" for namespaced kinds, name. */
struct str kind_key(struct arena *a, const struct kind *k, struct str ns, struct str name);

/* "group/version" or "version". */
struct str kind_gv(struct arena *a, struct str group, struct str version);

#endif
