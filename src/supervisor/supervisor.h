/*
 * Everything on one machine: `connectors run`, and the commands that wait for it and end it.
 *
 * Each has the form of main() and returns an exit code (base/err.tbl.h).
 */
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

/* Starts everything and supervises it until it is told to stop, or with --detach until it is ready. */
int supervisor_run_main(int argc, char **argv);

/* Blocks until a run of the data directory is ready. */
int supervisor_wait_main(int argc, char **argv);

/* Ends the run of the data directory and waits until nothing of it is left. */
int supervisor_stop_main(int argc, char **argv);

#endif
