/*
 * Names of labels, annotations and fixed objects that our components agree on.
 */
#ifndef CORE_LABELS_H
#define CORE_LABELS_H

#include "base/str.h"

#define CORE_GROUP "connectors.alauda.io"

/* Kept on every Connector, both with the class name as value. */
#define LABEL_CLASS "connectors.alauda.io/connectorclass"
#define LABEL_CLASS_ALT "connectors.cpaas.io/connectorclass"

/* On the Pod record of `connectors exec`; the annotation holds the RFC 3339 time after which the controller
 * deletes it. */
#define LABEL_EXEC "connectors.alauda.io/exec"
#define ANNOTATION_EXEC_EXPIRES "connectors.alauda.io/exec-expires"

/* host (default) or path: which address form the Connectors of a class get. */
#define ANNOTATION_RESOLVER "connectors.cpaas.io/proxy-resolver"

/* Marks the Service c-{name} as ours. */
#define LABEL_MANAGED_BY "app.kubernetes.io/managed-by"
#define MANAGED_BY_VALUE "connectors"

#define SYSTEM_NAMESPACE "connectors-system"
#define PROXY_SERVICE "connectors-proxy-service"
#define PROXY_AUDIENCE "connectors-proxy"

#define SECRET_TYPE_BASIC "kubernetes.io/basic-auth"
#define SECRET_TYPE_SSH "kubernetes.io/ssh-auth"
#define SECRET_TYPE_BEARER "connectors.cpaas.io/bearer-token"
#define SECRET_TYPE_REGISTRY "cpaas.io/distribution-registry-token"
#define SECRET_TYPE_GITLAB "connectors.cpaas.io/gitlab-pat-auth"
#define SECRET_TYPE_SA_TOKEN "kubernetes.io/service-account-token"

#endif
