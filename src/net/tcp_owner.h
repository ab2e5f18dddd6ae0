/*
 * Who listens on an address: for the message of a listener that finds its port taken.
 *
 * Reads /proc of this network namespace; other users' processes show only to root, so the answer may be
 * "somebody".
 */
#ifndef NET_TCP_OWNER_H
#define NET_TCP_OWNER_H

#include "net/addr.h"

struct tcp_owner {
    bool is_foreign;  /* a socket that is not this process's listens there */
    int pid;          /* of its process, 0 when unknown */
    char program[32]; /* its name, empty when unknown */
};

/* Looks for listeners that collide with `at`.  Blocking file reads: for start-up and errors only. */
void tcp_owner_find(const struct addr *at, struct tcp_owner *ret_owner);

#endif
