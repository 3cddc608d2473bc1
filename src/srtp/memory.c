/* An allocator may be set after libsrtp2 was initialised for another one (kith_set_allocator comes
 * first, but tests set several), so its tables must not be of it. */
#include "srtp/memory.h"

#include <stdlib.h>

#include "base/memory.h"

static bool for_tables;

void kith_srtp_memory_is_for_tables(bool is)
{
    for_tables = is;
}

void *kith_srtp_memory_alloc_zero(size_t count, size_t size)
{
    return for_tables ? calloc(count, size) : kith_alloc_zero(count, size);
}

void kith_srtp_memory_free(void *memory)
{
    if (for_tables)
        free(memory);
    else
        kith_free(memory);
}
