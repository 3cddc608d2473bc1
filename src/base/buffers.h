/* Counted blocks (base/block.h) of many sizes: a frame of video lies in one, whether it is 2 kB or
 * 2 MB. A pool per power of two; up to 256 kB what comes back lies ready for the next. */
#ifndef KITH_BASE_BUFFERS_H
#define KITH_BASE_BUFFERS_H

#include "base/block.h"

/* The largest block: 8 MiB. */
#define KITH_BUFFERS_LARGEST ((size_t)1 << 23)

typedef struct kith_buffers kith_buffers;

KITH_MUST_CHECK kith_err kith_buffers_new(kith_buffers **out);
/* Blocks that are held stay good. */
void kith_buffers_free(kith_buffers *buffers);
/* At least `size` bytes, with one reference, for kith_block_ref and _unref; NULL: no memory, or
 * size is above KITH_BUFFERS_LARGEST. */
KITH_MUST_CHECK void *kith_buffers_take(kith_buffers *buffers, size_t size);
/* Gives back the memory that lies spare. */
void kith_buffers_trim(kith_buffers *buffers);

#endif
