/*
 * The steps of the built-in admission modules, for the table in admission.c.
 */
#ifndef APISERVER_ADMISSION_MODULES_H
#define APISERVER_ADMISSION_MODULES_H

#include "apiserver/admission.h"

/* Nothing is created in a namespace that is missing or going; the namespaces of the system stay. */
admission_step_fn admission_modules_namespace;

/* Nothing is created of a kind whose definition is going. */
admission_step_fn admission_modules_custom;

/* Gives a Pod the ServiceAccount `default` when it names none. */
admission_step_fn admission_modules_set_account;

/* A Pod's ServiceAccount must exist. */
admission_step_fn admission_modules_check_account;

#endif
