/*
 * What a watch keeps of a Secret: the data only when somebody refers to it.
 *
 * A cluster has far more Secrets than Connectors need, and bytes that are not held cannot leak.  Who needs the
 * data of a trimmed Secret later reads it by name.
 */
#ifndef CORE_SECRETKEEP_H
#define CORE_SECRETKEEP_H

#include "codec/json.h"

/* Field selector of the watch: types that no Connector may use, and the large ones of Helm, are not sent at all. */
#define SECRETKEEP_FIELDS STR("type!=kubernetes.io/service-account-token,type!=helm.sh/release.v1")

/* Drops from a watched Secret what nobody reads, and its data unless `is_needed`; then it is marked as trimmed. */
void secretkeep_trim(json_t *secret, bool is_needed);

/* Whether secretkeep_trim dropped the data. */
bool secretkeep_is_trimmed(const json_t *secret);

#endif
