/* A chain of blocks that are filled from the front and freed together. */
#include "base/arena.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* A description of one data section takes two or three. */
#define BLOCK_SIZE 1024

struct kith_arena_block {
    struct kith_arena_block *older;
    size_t used, cap;
    /* cap bytes */
    max_align_t data[];
};

void kith_arena_init(kith_arena *arena)
{
    *arena = (kith_arena){0};
}

void kith_arena_deinit(kith_arena *arena)
{
    while (arena->block) {
        struct kith_arena_block *older = arena->block->older;
        kith_free(arena->block);
        arena->block = older;
    }
    arena->bad = false;
}

/* A block with room for `size` bytes, the newest or a new one; NULL when out of memory. */
static struct kith_arena_block *block_for(kith_arena *arena, size_t size)
{
    struct kith_arena_block *block = arena->block;
    if (block && size <= block->cap - block->used)
        return block;
    size_t cap = BLOCK_SIZE - sizeof *block;
    if (size > cap)
        cap = size;
    block = kith_alloc(sizeof *block + cap);
    if (!block)
        return NULL;
    block->older = arena->block;
    block->used = 0;
    block->cap = cap;
    arena->block = block;
    return block;
}

void *kith_arena_alloc(kith_arena *arena, size_t size)
{
    const size_t unit = sizeof(max_align_t);
    size_t rounded = size <= SIZE_MAX / 2 ? (size + unit - 1) / unit * unit : SIZE_MAX;
    bool hopeless = arena->bad || rounded > SIZE_MAX / 2;
    struct kith_arena_block *block = hopeless ? NULL : block_for(arena, rounded);
    if (!block) {
        arena->bad = true;
        return NULL;
    }
    void *memory = (uint8_t *)block->data + block->used;
    block->used += rounded;
    return memset(memory, 0, rounded);
}

char *kith_arena_text(kith_arena *arena, kith_span span)
{
    char *text = kith_arena_alloc(arena, span.len < SIZE_MAX ? span.len + 1 : SIZE_MAX);
    if (text && span.len > 0)
        memcpy(text, span.data, span.len);
    return text;
}

char *kith_arena_vprint(kith_arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    char *text = len < 0 ? NULL : kith_arena_alloc(arena, (size_t)len + 1);
    if (text)
        vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text;
}

char *kith_arena_print(kith_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = kith_arena_vprint(arena, format, args);
    va_end(args);
    return text;
}
