/* Memory that is freed all at once: the SDP tree and such. */
#ifndef KITH_BASE_ARENA_H
#define KITH_BASE_ARENA_H

#include "base/span.h"

typedef struct kith_arena {
    /* the newest */
    struct kith_arena_block *block;
    /* an allocation failed; sticky */
    bool bad;
} kith_arena;

void kith_arena_init(kith_arena *arena);
void kith_arena_deinit(kith_arena *arena);
/* Zeroed and aligned for any type; NULL and bad when out of memory. */
void *kith_arena_alloc(kith_arena *arena, size_t size) KITH_MUST_CHECK;
/* NUL-terminated copies. */
char *kith_arena_text(kith_arena *arena, kith_span span) KITH_MUST_CHECK;
char *kith_arena_print(kith_arena *arena, const char *format, ...)
    KITH_PRINTF(2, 3) KITH_MUST_CHECK;
char *kith_arena_vprint(kith_arena *arena, const char *format, va_list args)
    KITH_PRINTF(2, 0) KITH_MUST_CHECK;

#endif
