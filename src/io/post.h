/* Functions that other threads want run in the loop's: a lock-free queue with many producers and
 * one consumer. */
#ifndef KITH_IO_POST_H
#define KITH_IO_POST_H

#include <stdatomic.h>

#include "kith/loop.h"

typedef struct kith_posts {
    _Atomic(struct kith_post *) newest;
} kith_posts;

void kith_posts_init(kith_posts *posts);
/* NO_MEMORY. */
KITH_MUST_CHECK kith_err kith_posts_push(kith_posts *posts, void (*fn)(kith_loop *, void *),
                                         void *arg);
bool kith_posts_empty(kith_posts *posts);
/* Runs what is there now, in the order of posting; what these post waits for the next call. */
void kith_posts_run(kith_posts *posts, kith_loop *loop);
/* Forgets what is left. */
void kith_posts_deinit(kith_posts *posts);

#endif
