/* Allocation through the process-wide hook (kith_set_allocator). */
#ifndef KITH_BASE_MEMORY_H
#define KITH_BASE_MEMORY_H

#include "kith/base.h"

/* Uninitialised memory, or NULL. */
void *kith_alloc(size_t size) KITH_MUST_CHECK;
/* `count` zeroed elements of `size` bytes, or NULL (also when the product overflows). */
void *kith_alloc_zero(size_t count, size_t size) KITH_MUST_CHECK;
/* As realloc: on NULL the old memory still stands. */
void *kith_resize(void *memory, size_t size) KITH_MUST_CHECK;
/* A NUL-terminated copy, or NULL. */
char *kith_strdup(const char *text) KITH_MUST_CHECK;
char *kith_strndup(const char *text, size_t len) KITH_MUST_CHECK;
/* A copy of `len` bytes, or NULL. */
void *kith_memdup(const void *data, size_t len) KITH_MUST_CHECK;
/* Clears secrets; the compiler cannot drop it. */
void kith_wipe(void *memory, size_t len);
/* Clears a NUL-terminated text and frees it. NULL is fine. */
void kith_free_secret(char *text);

#endif
