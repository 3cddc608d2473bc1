/* A chain of blocks that are freed together: what has to be aligned fills one from the front, text
 * from the back, so that most texts, which are short, take no more than their own bytes. */
#include "base/arena.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* A description of one data section takes one. */
#define BLOCK_SIZE 1024

struct kith_arena_block {
    struct kith_arena_block *older;
    /* what is free lies between them, in bytes */
    size_t front, back;
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
    if (arena->bad)
        return NULL;
    if (block && size <= block->back - block->front)
        return block;
    size_t cap = BLOCK_SIZE - sizeof *block;
    if (size > cap)
        cap = size;
    block = size <= SIZE_MAX / 2 ? kith_alloc(sizeof *block + cap) : NULL;
    arena->bad = !block;
    if (!block)
        return NULL;
    *block = (struct kith_arena_block){.older = arena->block, .back = cap};
    arena->block = block;
    return block;
}

void *kith_arena_alloc(kith_arena *arena, size_t size)
{
    const size_t unit = _Alignof(max_align_t);
    size_t rounded = size <= SIZE_MAX - unit ? (size + unit - 1) / unit * unit : SIZE_MAX;
    struct kith_arena_block *block = block_for(arena, rounded);
    if (!block)
        return NULL;
    void *memory = (uint8_t *)block->data + block->front;
    block->front += rounded;
    return memset(memory, 0, rounded);
}

/* Room for size bytes that need no alignment; NULL and bad when out of memory. */
static char *alloc_text(kith_arena *arena, size_t size)
{
    struct kith_arena_block *block = block_for(arena, size);
    if (!block)
        return NULL;
    block->back -= size;
    return (char *)block->data + block->back;
}

char *kith_arena_text(kith_arena *arena, kith_span span)
{
    char *text = alloc_text(arena, span.len < SIZE_MAX ? span.len + 1 : SIZE_MAX);
    if (!text)
        return NULL;
    if (span.len > 0)
        memcpy(text, span.data, span.len);
    text[span.len] = '\0';
    return text;
}

char *kith_arena_vprint(kith_arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    char *text = len < 0 ? NULL : alloc_text(arena, (size_t)len + 1);
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
