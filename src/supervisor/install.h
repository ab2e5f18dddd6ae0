/*
 * Putting what an installation contains (config/) into the API server, and making the identities of our
 * components.
 */
#ifndef SUPERVISOR_INSTALL_H
#define SUPERVISOR_INSTALL_H

#include "kube/client.h"
#include "supervisor/layout.h"

/*
 * Creates or updates every embedded object, in path order, custom resource definitions first and established.
 *
 * An object carries the hash of what was installed; the same hash is left alone, so that what an administrator
 * changed stays until a new version of the program brings a new definition.  ConfigMaps are created only.
 * Blocking.  Errors as kube_do.
 */
int install_objects(struct kube_client *c, struct err *err) MUST_USE;

/* A component's identity: its ServiceAccount in the system namespace. */
struct install_identity {
    const char *service_account;
    const char *kubeconfig; /* file to write */
};

/*
 * Writes a kubeconfig with a client certificate of the ServiceAccount's user and groups, signed by the API
 * server's client CA in the data directory, so that the component has the permissions we ship and no others.
 */
int install_identity(const struct layout *layout, const struct install_identity *id,
                     int64_t wall_us, struct err *err) MUST_USE;

#endif
