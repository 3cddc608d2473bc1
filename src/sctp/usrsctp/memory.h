/* The memory of usrsctp, and how much of it what a peer sends may occupy.
 *
 * Every allocation of usrsctp passes here (subprojects/packagefiles/usrsctp). Those that it makes
 * while it takes in user data count against the budget of the association until they are freed,
 * wherever that is; so the limit holds whatever the peer sends, one byte in each chunk included. */
#ifndef KITH_SCTP_MEMORY_H
#define KITH_SCTP_MEMORY_H

#include "kith/base.h"

typedef struct kith_sctp_budget kith_sctp_budget;

/* Data that waits in usrsctp and messages that were pulled out of it and not yet released together
 * take at most twice `receive_buffer` and 640 KiB. NULL: no memory. */
KITH_MUST_CHECK kith_sctp_budget *kith_sctp_budget_new(size_t receive_buffer,
                                                       size_t max_message_size);
/* Its owner lets go; it is freed with the last block that counts against it. */
void kith_sctp_budget_release(kith_sctp_budget *budget);

/* Bytes of memory that pulled messages take. */
void kith_sctp_budget_set_pulled(kith_sctp_budget *budget, size_t bytes);
/* Bytes of memory of both. */
size_t kith_sctp_budget_used(const kith_sctp_budget *budget);
/* What a_rwnd says while little is held: more than the budget, because the most that can be in
 * flight on a long path is never there at once. */
uint32_t kith_sctp_budget_largest_window(const kith_sctp_budget *budget);
/* The association ended because an unfinished message was longer than max_message_size. */
bool kith_sctp_budget_saw_too_long(const kith_sctp_budget *budget);

/* Since this was asked last, malloc has failed in this thread's calls of usrsctp; they took of a
 * small reserve instead, which is free again when what they belong to has ended. */
bool kith_sctp_memory_take_shortage(void);

/* ---- called by the patched usrsctp (embedder.h there); `budget` is a kith_sctp_budget ---- */

/* The calling thread's allocations count against it from here on; NULL: against nobody's. */
void kith_sctp_charge(void *budget);
/* May a chunk of user data be kept? `next`: it is the one after the cumulative TSN. */
int kith_sctp_admits(void *budget, int next);
/* What a_rwnd says. */
uint32_t kith_sctp_window(void *budget);
/* Memory is short: parts of unfinished messages should be delivered. */
int kith_sctp_is_short(void *budget);
/* Is an unfinished message of so many bytes longer than max_message_size? */
int kith_sctp_is_too_long(void *budget, size_t len);
/* Its allocator: malloc, for its state outlives any allocator of the application. */
void *kith_sctp_memory_alloc(size_t size);
void *kith_sctp_memory_alloc_zero(size_t count, size_t size);
void kith_sctp_memory_free(void *memory);

#endif
