/*
 * The fake API server of the kube tests, compiled into this program too.
 */
#include "../kube/fake.c"
