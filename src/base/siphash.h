/* SipHash-1-3 (Aumasson and Bernstein): a keyed hash for tables whose keys a remote may choose. */
#ifndef KITH_BASE_SIPHASH_H
#define KITH_BASE_SIPHASH_H

#include "base/span.h"

uint64_t kith_siphash(const uint64_t key[2], kith_span data);

#endif
