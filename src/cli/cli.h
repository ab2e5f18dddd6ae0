/*
 * Commands for people and scripts.  Each has the form of main() and returns an exit code: 0 done, 1 failed,
 * 2 usage, 3 denied, 4 not found, 5 timed out or still waiting; `exec` passes on the command's own code, its
 * own failures are 120 + these.
 *
 * Errors are one line on stderr: what failed, on what, what to do.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

/* Runs a command as a workload: Pod record, bound token, private files, environment. */
int cli_exec_main(int argc, char **argv);

/* Prints a ServiceAccount's token. */
int cli_token_main(int argc, char **argv);

/* Creates or updates the objects of manifests. */
int cli_apply_main(int argc, char **argv);

/* Prints objects as table, YAML, JSON or names. */
int cli_get_main(int argc, char **argv);

/* Prints objects with conditions and events, for people. */
int cli_describe_main(int argc, char **argv);

/* Deletes objects and waits until they are gone. */
int cli_delete_main(int argc, char **argv);

#endif
