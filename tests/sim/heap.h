/* Bytes that the whole process holds on its heap: every library's. */
#ifndef KITH_TESTS_SIM_HEAP_H
#define KITH_TESTS_SIM_HEAP_H

#include <malloc.h>
#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HEAP_OF_SANITIZER
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(HEAP_OF_SANITIZER)
size_t __sanitizer_get_current_allocated_bytes(void);

static inline size_t heap_bytes(void)
{
    return __sanitizer_get_current_allocated_bytes();
}
#else
static inline size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}
#endif

#endif
