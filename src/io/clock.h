/* The system's clocks. */
#ifndef KITH_IO_CLOCK_H
#define KITH_IO_CLOCK_H

#include "kith/loop.h"

/* Wall time when kith_clock_now() was 0, as kith_endpoint_config wants it. */
uint64_t kith_clock_ntp_at_zero(void);

#endif
