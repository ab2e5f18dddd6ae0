/*
 * The parts of the embedded API server and how they find each other.
 *
 * One struct apiserver exists per process (tests make several); each part is created with it, keeps it,
 * and reaches the others through it.  Parts are made in the order of the members and freed in reverse.
 */
#ifndef APISERVER_SERVER_H
#define APISERVER_SERVER_H

#include "base/secret.h"
#include "crypto/key.h"
#include "ev/loop.h"

struct cache;
struct kinds;
struct registry;
struct storage;
struct tokens;
struct authn;
struct authz;
struct crds;
struct controllers;
struct rest;
struct seal;

struct apiserver_conf {
    const char *database;          /* path of the SQLite file */
    const struct secret *seal_key; /* 32 bytes for sealed kinds */
    struct key *token_key;         /* private key that signs ServiceAccount tokens */
    const char *token_issuer;      /* "iss" and default audience */
    uint64_t token_max_lifetime_s; /* longest ServiceAccount token */
    uint64_t history_events;       /* kept for watches */
    uint64_t history_bytes;
    struct str ca_pem;              /* for kube-root-ca.crt; may be empty */
    uint64_t event_ttl_us;          /* Events are removed after this */
    void (*on_ready)(void *cookie); /* once: the bootstrap objects exist; may be NULL */
    void (*on_failure)(void *cookie, const struct err *err); /* the disk failed: stop serving */
    void *cookie;
};

struct apiserver {
    struct apiserver_conf conf;
    struct loop *loop;
    struct seal *seal;               /* encryption at rest                          seal.h */
    struct kinds *kinds;             /* the resource table                          kind.h */
    struct cache *cache;             /* all objects and recent history              cache.h */
    struct registry *registry;       /* the verbs                                   registry.h */
    struct crds *crds;               /* custom kinds                                crd.h */
    struct storage *storage;         /* the log; opening it fills the cache         storage.h */
    struct tokens *tokens;           /* ServiceAccount tokens                       tokens.h */
    struct authz *authz;             /* RBAC                                        authz.h */
    struct authn *authn;             /* certificates and tokens                     authn.h */
    struct controllers *controllers; /* namespaces, garbage collection, bootstrap   controllers.h */
    struct rest *rest;               /* HTTP                                        rest.h */
    struct err load_error;           /* first object that could not be read at start */
};

/* Builds all parts on `loop` and loads the store.  `conf` is copied; what it points to must outlive the
 * server.  Errors: those of storage_open. */
int server_new(struct loop *loop, const struct apiserver_conf *conf, struct apiserver **ret_server,
               struct err *err) MUST_USE;

/* Commits what is queued and frees everything.  NULL is allowed. */
void server_free(struct apiserver *s);

#endif
