/* CRC32c, the checksum of SCTP (RFC 9260 section 6.8 and appendix A). */
#ifndef KITH_SCTP_CRC32C_H
#define KITH_SCTP_CRC32C_H

#include "kith/base.h"

/* Builds the tables; once, before the first use in any thread. */
void kith_crc32c_init(void);
uint32_t kith_crc32c(const void *data, size_t len);
/* The portable way, whatever the processor can do; for the tests. */
uint32_t kith_crc32c_portable(const void *data, size_t len);

#endif
