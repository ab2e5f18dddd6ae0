/*
 * A table of collections and what an event of each does.
 *
 * Pods are listed without those that have ended: one that ends leaves the selection, which the API server
 * reports as a deletion.
 */
#include "proxy/revoke.h"

#include "kube/object.h"
#include "kube/reflector.h"

enum effect { END_IDENTITIES, VOID_NAMESPACE, VOID_ALL };

static const struct {
    const struct kube_resource *resource;
    const char *field_selector;
    enum effect effect;
} WATCHED[] = {
    {&KUBE_PODS, "status.phase!=Succeeded,status.phase!=Failed", END_IDENTITIES},
    {&KUBE_SERVICEACCOUNTS, "", END_IDENTITIES},
    {&KUBE_ROLES, "", VOID_NAMESPACE},
    {&KUBE_ROLEBINDINGS, "", VOID_NAMESPACE},
    {&KUBE_CLUSTERROLES, "", VOID_ALL},
    {&KUBE_CLUSTERROLEBINDINGS, "", VOID_ALL},
};

enum { PODS = 0, WATCHED_COUNT = ARRAY_LEN(WATCHED) };

struct watched {
    struct revoke *revoke;
    enum effect effect;
    struct reflector *reflector;
};

struct revoke {
    struct identity_service *identities;
    struct permission_service *permissions;
    struct watched watched[WATCHED_COUNT];
};

static void end_identities(struct revoke *r, const json_t *old, const json_t *now)
{
    if (old && (!now || !str_eq(kobj_uid(old), kobj_uid(now))))
        identity_refuse(r->identities, kobj_uid(old));
}

static void on_change(void *cookie, const json_t *old, const json_t *now)
{
    struct watched *w = cookie;
    struct revoke *r = w->revoke;

    /* The first list is the state that the first reviews see anyway. */
    if (!r->identities || !reflector_is_synced(w->reflector))
        return;
    switch (w->effect) {
    case END_IDENTITIES:
        end_identities(r, old, now);
        break;
    case VOID_NAMESPACE:
        permission_touch(r->permissions, kobj_ns(now ? now : old));
        break;
    case VOID_ALL:
        permission_touch(r->permissions, STR_NONE);
        break;
    }
}

struct revoke *revoke_new(struct kube_client *client)
{
    struct revoke *r = NEW(struct revoke);

    for (size_t i = 0; i < WATCHED_COUNT; i++) {
        struct watched *w = &r->watched[i];

        w->revoke = r;
        w->effect = WATCHED[i].effect;
        w->reflector =
            reflector_start(client, &(struct reflector_spec){
                                        .resource = WATCHED[i].resource,
                                        .field_selector = str_c(WATCHED[i].field_selector),
                                        .metadata_only = true,
                                        .on_change = on_change,
                                        .cookie = w,
                                    });
    }
    return r;
}

void revoke_serve(struct revoke *r, struct identity_service *identities,
                  struct permission_service *permissions)
{
    r->identities = identities;
    r->permissions = permissions;
}

void revoke_free(struct revoke *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < WATCHED_COUNT; i++)
        reflector_stop(r->watched[i].reflector);
    free(r);
}

bool revoke_is_pod_live(void *revoke, struct str ns, struct str name, struct str uid)
{
    const struct revoke *r = revoke;
    const json_t *pod = reflector_get(r->watched[PODS].reflector, ns, name);

    return pod && str_eq(kobj_uid(pod), uid);
}

bool revoke_is_synced(const struct revoke *r)
{
    for (size_t i = 0; i < WATCHED_COUNT; i++)
        if (!reflector_is_synced(r->watched[i].reflector))
            return false;
    return true;
}

int64_t revoke_age_us(const struct revoke *r)
{
    int64_t age_us = 0;

    for (size_t i = 0; i < WATCHED_COUNT; i++)
        age_us = MAX(age_us, reflector_age_us(r->watched[i].reflector));
    return age_us;
}
