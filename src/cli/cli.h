/*
 * Commands for people and scripts.  Each has the form of main() and returns an exit code: 0 done, 1 failed,
 * 2 usage, 3 denied, 4 not found, 5 timed out or still waiting; `exec` passes on the command's own code, its
 * own failures are 120 + these.
 *
 * Errors are one line on stderr: what failed, on what, what to do.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

int cli_exec_main(int argc, char **argv);
int cli_token_main(int argc, char **argv);
int cli_apply_main(int argc, char **argv);
int cli_get_main(int argc, char **argv);
int cli_describe_main(int argc, char **argv);
int cli_delete_main(int argc, char **argv);

#endif
