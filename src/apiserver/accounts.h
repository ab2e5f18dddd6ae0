/*
 * What every namespace has: ServiceAccount `default` and ConfigMap `kube-root-ca.crt`.
 */
#ifndef APISERVER_ACCOUNTS_H
#define APISERVER_ACCOUNTS_H

struct apiserver;
struct accounts;

/* Subscribes and starts. */
struct accounts *accounts_new(struct apiserver *server);

/* NULL is allowed. */
void accounts_free(struct accounts *a);

#endif
