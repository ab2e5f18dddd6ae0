/*
 * The reconcilers: `connectors controller`.
 *
 * Has the form of main() and returns an exit code (base/err.tbl.h).
 */
#ifndef CONTROLLER_CONTROLLER_MAIN_H
#define CONTROLLER_CONTROLLER_MAIN_H

int controller_main(int argc, char **argv);

#endif
