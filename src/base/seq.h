/* Numbers of 16 and 32 bits that wrap, as RTP's sequence numbers and timestamps: each is unwrapped
 * into 64 bits where it comes in, and from there on compared and subtracted as any other number.
 * Nobody else compares such numbers. */
#ifndef KITH_BASE_SEQ_H
#define KITH_BASE_SEQ_H

#include "kith/base.h"

/* The number nearest to `reference` (usually the highest so far) whose low 16 bits are `number`.
 * Exactly half the circle away is behind. Negative where the first number ever was a late one. */
static inline int64_t kith_seq_unwrap(int64_t reference, uint16_t number)
{
    int64_t ahead = (uint16_t)(number - (uint16_t)reference);
    return reference + (ahead < 0x8000 ? ahead : ahead - 0x10000);
}

/* The same of 32 bits. */
static inline int64_t kith_seq_unwrap32(int64_t reference, uint32_t number)
{
    int64_t ahead = (uint32_t)(number - (uint32_t)reference);
    return reference + (ahead < 0x80000000 ? ahead : ahead - 0x100000000);
}

/* The first number above `reference` whose low 16 bits are `number`. */
static inline int64_t kith_seq_after(int64_t reference, uint16_t number)
{
    return reference + 1 + (uint16_t)(number - (uint16_t)(reference + 1));
}

#endif
