/* Every allocation of kith passes here, so that one hook sees them all. Not here: the memory of
 * OpenSSL and usrsctp, which have hooks of their own. */
#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void *system_alloc(size_t size, void *user)
{
    (void)user;
    return malloc(size);
}

static void *system_resize(void *memory, size_t size, void *user)
{
    (void)user;
    return realloc(memory, size);
}

static void system_release(void *memory, void *user)
{
    (void)user;
    free(memory);
}

static const kith_allocator system_allocator = {
    .alloc = system_alloc, .resize = system_resize, .release = system_release};

static kith_allocator hook = {
    .alloc = system_alloc, .resize = system_resize, .release = system_release};

void kith_set_allocator(const kith_allocator *allocator)
{
    hook = allocator ? *allocator : system_allocator;
    assert(hook.alloc && hook.resize && hook.release);
}

/* Nothing asked for is still something: NULL means "out of memory" and nothing else. */
static size_t at_least_one(size_t size)
{
    return size > 0 ? size : 1;
}

void *kith_alloc(size_t size)
{
    return hook.alloc(at_least_one(size), hook.user);
}

void *kith_alloc_zero(size_t count, size_t size)
{
    if (size > 0 && count > SIZE_MAX / size)
        return NULL;
    void *memory = kith_alloc(count * size);
    if (memory)
        memset(memory, 0, at_least_one(count * size));
    return memory;
}

void *kith_resize(void *memory, size_t size)
{
    return memory ? hook.resize(memory, at_least_one(size), hook.user) : kith_alloc(size);
}

void kith_free(void *memory)
{
    if (memory)
        hook.release(memory, hook.user);
}

char *kith_strdup(const char *text)
{
    return kith_strndup(text, strlen(text));
}

char *kith_strndup(const char *text, size_t len)
{
    if (len == SIZE_MAX)
        return NULL;
    char *copy = kith_alloc(len + 1);
    if (!copy)
        return NULL;
    if (len > 0)
        memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

void *kith_memdup(const void *data, size_t len)
{
    void *copy = kith_alloc(len);
    if (copy && len > 0)
        memcpy(copy, data, len);
    return copy;
}

void kith_wipe(void *memory, size_t len)
{
    if (len == 0)
        return;
    memset(memory, 0, len);
    __asm__ volatile("" : : "r"(memory) : "memory"); /* the zeroes are seen by this, so they stay */
}

void kith_free_secret(char *text)
{
    if (text)
        kith_wipe(text, strlen(text));
    kith_free(text);
}
