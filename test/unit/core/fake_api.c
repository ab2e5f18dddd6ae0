/*
 * The fake API server of the kube tests, compiled into this program too: what core/ asks is answered by the
 * handler a test writes.
 */
#include "../kube/fake.c"
