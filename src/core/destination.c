/*
 * Destination policy: two short lists and the address classes of net/addr.h.
 */
#include "core/destination.h"

#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>

struct destination_policy {
    struct VEC(struct addr_range) allowed;
    struct VEC(struct addr) own;
};

struct destination_policy *destination_policy_new(void)
{
    return NEW(struct destination_policy);
}

void destination_policy_free(struct destination_policy *p)
{
    if (!p)
        return;
    VEC_FINI(&p->allowed);
    VEC_FINI(&p->own);
    free(p);
}

int destination_policy_allow(struct destination_policy *p, struct str range, struct err *err)
{
    struct addr_range r;

    if (addr_range_parse(range, &r) < 0)
        return err_set(err, ERR_INVALID, "'%" STR_FMT "' is not CIDR[:port] or IP[:port]",
                       STR_ARG(range));
    VEC_PUSH(&p->allowed, r);
    return 0;
}

/* Adds every address of the machine's interfaces with this port. */
static void protect_interfaces(struct destination_policy *p, uint16_t port)
{
    struct ifaddrs *list = NULL;

    if (getifaddrs(&list) < 0)
        return;
    for (struct ifaddrs *i = list; i; i = i->ifa_next) {
        struct addr a = {0};

        if (!i->ifa_addr)
            continue;
        if (i->ifa_addr->sa_family == AF_INET) {
            a.len = sizeof(struct sockaddr_in);
            memcpy(&a.ss, i->ifa_addr, a.len);
            ((struct sockaddr_in *)&a.ss)->sin_port = htons(port);
        } else if (i->ifa_addr->sa_family == AF_INET6) {
            a.len = sizeof(struct sockaddr_in6);
            memcpy(&a.ss, i->ifa_addr, a.len);
            ((struct sockaddr_in6 *)&a.ss)->sin6_port = htons(port);
        } else {
            continue;
        }
        VEC_PUSH(&p->own, a);
    }
    freeifaddrs(list);
}

void destination_policy_protect(struct destination_policy *p, const struct addr *own)
{
    VEC_PUSH(&p->own, addr_canonical(own));
    if (addr_classify(own) == ADDR_UNSPECIFIED)
        protect_interfaces(p, addr_port(own));
}

int destination_policy_protect_host(struct destination_policy *p, const char *host, uint16_t port,
                                    struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    char service[8];
    int rc;

    snprintf(service, sizeof(service), "%u", (unsigned)port);
    rc = getaddrinfo(host, service, &hints, &list);
    if (rc != 0)
        return err_set(err, ERR_NOTFOUND, "resolve '%s': %s", host, gai_strerror(rc));
    for (const struct addrinfo *i = list; i; i = i->ai_next) {
        struct addr a = {.len = i->ai_addrlen};

        memcpy(&a.ss, i->ai_addr, i->ai_addrlen);
        destination_policy_protect(p, &a);
    }
    freeaddrinfo(list);
    return 0;
}

static bool is_exact(const struct addr_range *r)
{
    return r->port != 0 && r->prefix_bits == (r->base.ss.ss_family == AF_INET ? 32u : 128u);
}

static bool is_allowed(const struct destination_policy *p, const struct addr *a, bool exact_only)
{
    VEC_EACH(&p->allowed, r)
    {
        if ((!exact_only || is_exact(r)) && addr_range_has(r, a))
            return true;
    }
    return false;
}

/* Whether `a` reaches the listener at `own`; one on every address is reached by all of 127.0.0.0/8. */
static bool is_own(const struct addr *own, const struct addr *a, enum addr_class class)
{
    return addr_eq(own, a) || (class == ADDR_LOOPBACK && addr_port(own) == addr_port(a) &&
                               addr_classify(own) == ADDR_UNSPECIFIED);
}

int destination_policy_check(void *policy, const struct addr *given, struct err *err)
{
    const struct destination_policy *p = policy;
    struct addr a = addr_canonical(given);
    enum addr_class class = addr_classify(&a);
    char text[ADDR_TEXT_BYTES];

    VEC_EACH(&p->own, own)
    {
        if (is_own(own, &a, class) && !is_allowed(p, &a, true))
            return err_set(err, ERR_DENIED_DEST,
                           "%s is one of our own listeners or the API server; "
                           "--allow-destination must name exactly this address and port",
                           addr_format(&a, text));
    }
    if (class == ADDR_PUBLIC || class == ADDR_PRIVATE || is_allowed(p, &a, false))
        return 0;
    return err_set(err, ERR_DENIED_DEST, "%s is a %s address; --allow-destination may allow it",
                   addr_format(&a, text), addr_class_name(class));
}
