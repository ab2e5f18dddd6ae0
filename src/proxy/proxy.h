/*
 * The data plane: `connectors proxy`.
 *
 * Has the form of main() and returns an exit code (base/err.tbl.h).
 */
#ifndef PROXY_PROXY_H
#define PROXY_PROXY_H

/* Runs `connectors proxy` with argv[0] being its own name. */
int proxy_main(int argc, char **argv);

#endif
