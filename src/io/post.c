/* Producers push onto a stack by compare-and-swap; the consumer takes the whole stack at once
 * and turns it around, so nothing is ever popped singly and there is no ABA. */
#include "io/post.h"

#include "base/error.h"
#include "base/memory.h"

struct kith_post {
    struct kith_post *next;
    void (*fn)(kith_loop *loop, void *arg);
    void *arg;
};

void kith_posts_init(kith_posts *posts)
{
    atomic_init(&posts->newest, NULL);
}

kith_err kith_posts_push(kith_posts *posts, void (*fn)(kith_loop *, void *), void *arg)
{
    struct kith_post *post = kith_alloc(sizeof *post);
    if (!post)
        return kith_fail_memory();
    *post = (struct kith_post){.next = atomic_load(&posts->newest), .fn = fn, .arg = arg};
    while (!atomic_compare_exchange_weak(&posts->newest, &post->next, post))
        ;
    return KITH_OK;
}

bool kith_posts_empty(kith_posts *posts)
{
    return !atomic_load(&posts->newest);
}

/* All of them, the oldest first. */
static struct kith_post *take_all(kith_posts *posts)
{
    struct kith_post *newest = atomic_exchange(&posts->newest, NULL), *oldest = NULL;
    while (newest) {
        struct kith_post *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

void kith_posts_run(kith_posts *posts, kith_loop *loop)
{
    for (struct kith_post *post = take_all(posts), *next; post; post = next) {
        next = post->next;
        post->fn(loop, post->arg);
        kith_free(post);
    }
}

void kith_posts_deinit(kith_posts *posts)
{
    for (struct kith_post *post = take_all(posts), *next; post; post = next) {
        next = post->next;
        kith_free(post);
    }
}
