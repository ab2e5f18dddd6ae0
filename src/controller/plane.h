/*
 * What all reconcilers of the process share.  Filled at the start and constant while workers run.
 */
#ifndef CONTROLLER_PLANE_H
#define CONTROLLER_PLANE_H

#include <stdatomic.h>

#include "controller/inventory.h"
#include "controller/prober.h"
#include "controller/trusts.h"
#include "core/address.h"
#include "kube/event.h"

struct plane {
    struct address_site site;
    struct loop *loop;
    struct kube_client *client;
    struct inventory *inventory;
    struct prober *prober;
    struct trusts *trusts;
    struct event_recorder *events;
};

#endif
