/*
 * Everything on one machine: `connectors run`, and the commands that wait for it and end it.
 *
 * Each has the form of main() and returns an exit code (base/err.tbl.h).
 */
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

int supervisor_run_main(int argc, char **argv);
int supervisor_wait_main(int argc, char **argv);
int supervisor_stop_main(int argc, char **argv);

#endif
