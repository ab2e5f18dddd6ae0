/*
 * The mark is a member that no Secret has.
 */
#include "core/secretkeep.h"

#define TRIMMED "trimmed"

void secretkeep_trim(json_t *secret, bool is_needed)
{
    json_t *metadata = json_at(secret, "metadata", NULL);

    if (metadata) {
        json_del(metadata, "managedFields");
        json_del(metadata, "annotations"); /* "last applied" repeats the data */
    }
    json_del(secret, "stringData");
    if (is_needed)
        return;
    json_del(secret, "data");
    json_set(secret, TRIMMED, json_true());
}

bool secretkeep_is_trimmed(const json_t *secret)
{
    return json_bool(secret, TRIMMED, false);
}
