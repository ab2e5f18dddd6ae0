/*
 * Inside the view: its entries, and the Secrets with their content (view_secret.c).
 */
#ifndef PROXY_VIEW_PRIV_H
#define PROXY_VIEW_PRIV_H

#include "core/lru.h"
#include "proxy/index.h"
#include "proxy/view.h"

/* A Connector. */
struct entry {
    struct view *view;
    struct str key, uid; /* "namespace/name" */
    int64_t generation;
    struct connector *connector; /* NULL: invalid */
    struct err error;
    struct index_link by_class, by_secret, by_ca;
    struct counters_connector *counters;
    bool is_published; /* a target of it is with the workers */
};

/* A ConnectorClass as parsed. */
struct class_slot {
    struct connector_class *class; /* NULL: invalid */
    struct err error;
};

struct view {
    struct kube_client *client;
    const struct view_ops *ops;
    void *cookie;
    unsigned workers;
    struct reflector *connectors, *classes, *secrets;
    struct map *entries;     /* key -> struct entry */
    struct map *class_slots; /* name -> struct class_slot */
    struct index *by_class;  /* class name -> entries */
    struct index *by_secret; /* "namespace/name" -> entries, of credentials and CA certificates */
    struct map *fetched; /* key -> json_t: Secrets whose data was dropped before they were needed */
    struct map *fetching;     /* key -> struct fetch */
    struct tls_client *roots; /* the system's CA certificates; NULL: none could be loaded */
    struct lru *tls_clients;  /* digest of PEM -> struct tls_client */
    bool is_synced;
};

/* A Secret's state for one who needs its content. */
enum view_secret {
    VIEW_SECRET_ABSENT,
    VIEW_SECRET_AWAITED, /* it is being read */
    VIEW_SECRET_FAILED,  /* reading failed, and is tried again */
    VIEW_SECRET_KNOWN,
};

/* For struct reflector_spec: drops what nobody may need, the data of Secrets without a Connector above all. */
void view_secret_trim(void *cookie, json_t *object);

/* For struct reflector_spec: resolves the Connectors that refer to the Secret. */
void view_secret_on_change(void *cookie, const json_t *old, const json_t *now);

/* Looks for a Secret with its content, and has it read when that was dropped.  `*ret_secret` is borrowed. */
enum view_secret view_secret_find(struct view *v, struct str ns, struct str name,
                                  const json_t **ret_secret);

/* Stops reading. */
void view_secret_fini(struct view *v);

/*
 * How to verify a tool's certificate with the CA certificates of `secret` (may be NULL) beside the system's.
 * Returns a borrowed configuration, or NULL when there is none, and the name of the CA pool.
 */
struct tls_client *view_secret_trust(struct view *v, struct arena *a, const json_t *secret,
                                     struct str *ret_trust);

/* Makes the targets anew of all that refer to the Secret `key`. */
void view_resolve_secret(struct view *v, struct str key);

#endif
