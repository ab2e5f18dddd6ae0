/*
 * `connectors apiserver`: the Kubernetes API of one machine.
 */
#ifndef APISERVER_APISERVER_H
#define APISERVER_APISERVER_H

/*
 * Runs the server until SIGTERM or SIGINT and drains; returns the process's exit code (0, 1 failed, 2
 * usage).
 */
int apiserver_main(int argc, char **argv);

#endif
