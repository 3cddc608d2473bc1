/* The memory of the bundled libsrtp2: kith's own, so that what a session costs is seen and failing
 * is tested; but for its tables, which are made once and never freed: those are the C library's. */
#ifndef KITH_SRTP_MEMORY_H
#define KITH_SRTP_MEMORY_H

#include "kith/base.h"

/* While set, what is allocated and freed is libsrtp2's tables: srtp_init runs, under a lock, and
 * there is no session yet. */
void kith_srtp_memory_is_for_tables(bool is);

/* Called by libsrtp2 (subprojects/packagefiles/libsrtp2). */
void *kith_srtp_memory_alloc_zero(size_t count, size_t size);
void kith_srtp_memory_free(void *memory);

#endif
