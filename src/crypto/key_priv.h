/*
 * What a key is to the library, for the other files of crypto/.
 */
#ifndef CRYPTO_KEY_PRIV_H
#define CRYPTO_KEY_PRIV_H

#include "crypto/key.h"

/* The EVP_PKEY inside, borrowed while the key lives. */
struct evp_pkey_st *key_pkey(const struct key *k);

#endif
