/*
 * Table columns of the built-in kinds, as kubectl shows them.
 */
#ifndef APISERVER_COLUMNS_H
#define APISERVER_COLUMNS_H

#include "apiserver/kind.h"

struct columns {
    const struct kind_column *p;
    size_t n;
};

extern const struct columns columns_namespace, columns_secret, columns_configmap,
    columns_serviceaccount, columns_service, columns_pod, columns_event, columns_lease,
    columns_role, columns_binding, columns_crd;

#endif
