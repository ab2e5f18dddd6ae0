/*
 * The component's entry in the table of commands.
 */
#ifndef CONTROLLER_CONTROLLER_MAIN_H
#define CONTROLLER_CONTROLLER_MAIN_H

/* `connectors controller`: has the form of main() and returns an exit code (base/err.tbl.h). */
int controller_main(int argc, char **argv);

#endif
