/* The budget may outlive its association, because usrsctp frees when it likes: the blocks that
 * count against it hold it. Other threads free blocks too, when they turn the wheel. */
#include "sctp/usrsctp/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Beside twice the receive buffer: a small one would not hold the data of one round trip. */
#define ALLOWANCE ((size_t)640 * 1024)
/* Windows that are announced while next to nothing is held. */
#define SMALLEST_WINDOW ((size_t)256 * 1024)
#define LARGEST_WINDOW  ((size_t)64 << 20)
/* A full packet of 1144 bytes of user data takes some 1700 of memory. */
#define WINDOW_OF(memory) ((memory) / 8 * 5)
/* Windows of less than a few packets are said to be closed (RFC 9260 section 6.2: silly window
 * syndrome). */
#define CLOSED_BELOW 4096

/* Counted as long as the owner holds the budget; above anything that is allocated. */
#define OWNER (SIZE_MAX / 2 + 1)
/* What the C library adds to a block. */
#define MALLOC_COST 16

struct kith_sctp_budget {
    /* memory in usrsctp, and OWNER; 0: nobody holds it */
    atomic_size_t inside;
    /* memory of pulled messages */
    atomic_size_t pulled;
    size_t limit, longest;
    uint32_t largest_window;
    atomic_bool saw_too_long;
};

/* In front of every block. */
typedef struct header {
    _Alignas(max_align_t) kith_sctp_budget *budget;
    size_t size;
} header;

static _Thread_local kith_sctp_budget *charged;

/* usrsctp does not survive everywhere that malloc fails. Then it gets of this, and whoever called
 * it ends his association, which frees what it has. Untouched it takes no memory. */
#define SLOT  ((size_t)512)
#define SLOTS 2048

static struct {
    pthread_mutex_t lock;
    bool used[SLOTS];
    /* of the block that begins there, in slots */
    uint16_t length[SLOTS];
    _Alignas(max_align_t) uint8_t slots[SLOTS][SLOT];
} reserve = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* The calling thread's last calls took of it. */
static _Thread_local bool is_short;

/* ---- the budget ---- */

kith_sctp_budget *kith_sctp_budget_new(size_t receive_buffer, size_t max_message_size)
{
    kith_sctp_budget *budget = kith_alloc_zero(1, sizeof *budget);
    if (!budget)
        return NULL;
    budget->inside = OWNER;
    budget->limit = 2 * receive_buffer + ALLOWANCE;
    budget->longest = max_message_size;
    size_t window = 4 * receive_buffer;
    window = window < SMALLEST_WINDOW ? SMALLEST_WINDOW : window;
    budget->largest_window = (uint32_t)(window > LARGEST_WINDOW ? LARGEST_WINDOW : window);
    return budget;
}

static void uncount(kith_sctp_budget *budget, size_t bytes)
{
    if (atomic_fetch_sub_explicit(&budget->inside, bytes, memory_order_acq_rel) == bytes)
        kith_free(budget);
}

void kith_sctp_budget_release(kith_sctp_budget *budget)
{
    uncount(budget, OWNER);
}

void kith_sctp_budget_set_pulled(kith_sctp_budget *budget, size_t bytes)
{
    atomic_store_explicit(&budget->pulled, bytes, memory_order_relaxed);
}

size_t kith_sctp_budget_used(const kith_sctp_budget *budget)
{
    size_t inside = atomic_load_explicit(&budget->inside, memory_order_relaxed) & (OWNER - 1);
    return inside + atomic_load_explicit(&budget->pulled, memory_order_relaxed);
}

uint32_t kith_sctp_budget_largest_window(const kith_sctp_budget *budget)
{
    return budget->largest_window;
}

bool kith_sctp_budget_saw_too_long(const kith_sctp_budget *budget)
{
    return atomic_load(&budget->saw_too_long);
}

/* ---- what usrsctp asks ---- */

void kith_sctp_charge(void *budget)
{
    charged = budget;
}

/* The last quarter is for the chunk that all others wait for: without it nothing could be delivered
 * and no memory become free (RFC 9260 section 6.2). */
int kith_sctp_admits(void *budget, int next)
{
    const kith_sctp_budget *b = budget;
    return kith_sctp_budget_used(b) < (next ? b->limit : b->limit / 4 * 3);
}

uint32_t kith_sctp_window(void *budget)
{
    const kith_sctp_budget *b = budget;
    size_t used = kith_sctp_budget_used(b);
    if (used <= b->limit / 4)
        return b->largest_window;
    size_t room = used < b->limit ? WINDOW_OF(b->limit - used) : 0;
    if (room < CLOSED_BELOW)
        return 0;
    return room < b->largest_window ? (uint32_t)room : b->largest_window;
}

int kith_sctp_is_short(void *budget)
{
    const kith_sctp_budget *b = budget;
    return kith_sctp_budget_used(b) > b->limit / 2;
}

int kith_sctp_is_too_long(void *budget, size_t len)
{
    kith_sctp_budget *b = budget;
    if (len <= b->longest)
        return 0;
    atomic_store(&b->saw_too_long, true);
    return 1;
}

/* ---- the reserve ---- */

/* From the first run of free slots that is long enough. */
static void *take_reserve(size_t size)
{
    size_t wanted = (size + SLOT - 1) / SLOT, found = 0;
    void *block = NULL;
    pthread_mutex_lock(&reserve.lock);
    for (size_t i = 0; i < SLOTS && !block; i++) {
        found = reserve.used[i] ? 0 : found + 1;
        if (found < wanted)
            continue;
        size_t first = i + 1 - wanted;
        memset(reserve.used + first, 1, wanted);
        reserve.length[first] = (uint16_t)wanted;
        block = reserve.slots[first];
    }
    pthread_mutex_unlock(&reserve.lock);
    is_short = true;
    return block;
}

/* False: it is not from there. */
static bool give_reserve_back(void *block)
{
    uintptr_t offset = (uintptr_t)block - (uintptr_t)reserve.slots;
    if (offset >= sizeof reserve.slots)
        return false;
    size_t first = offset / SLOT;
    pthread_mutex_lock(&reserve.lock);
    memset(reserve.used + first, 0, reserve.length[first]);
    pthread_mutex_unlock(&reserve.lock);
    return true;
}

bool kith_sctp_memory_take_shortage(void)
{
    bool was_short = is_short;
    is_short = false;
    return was_short;
}

/* ---- its allocator ---- */

void *kith_sctp_memory_alloc(size_t size)
{
    header *block = size <= SIZE_MAX - sizeof *block ? malloc(sizeof *block + size) : NULL;
    if (!block && size <= sizeof reserve.slots - sizeof *block)
        block = take_reserve(sizeof *block + size);
    if (!block)
        return NULL;
    *block = (header){.budget = charged, .size = sizeof *block + size + MALLOC_COST};
    if (charged)
        atomic_fetch_add_explicit(&charged->inside, block->size, memory_order_relaxed);
    return block + 1;
}

void *kith_sctp_memory_alloc_zero(size_t count, size_t size)
{
    void *memory =
        size == 0 || count <= SIZE_MAX / size ? kith_sctp_memory_alloc(count * size) : NULL;
    if (memory)
        memset(memory, 0, count * size);
    return memory;
}

void kith_sctp_memory_free(void *memory)
{
    if (!memory)
        return;
    header *block = (header *)memory - 1;
    if (block->budget)
        uncount(block->budget, block->size);
    if (!give_reserve_back(block))
        free(block);
}
