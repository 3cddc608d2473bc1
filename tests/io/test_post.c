/* The queue of posted functions under several threads at once. */
#include "../unit/unit.h"

#include <pthread.h>

#include "io/post.h"

enum { THREADS = 4, POSTS = 5000 };

static kith_posts posts;
static int seen[THREADS];

typedef struct mark {
    int thread, number;
} mark;
static mark marks[THREADS][POSTS];

static void take(kith_loop *loop, void *arg)
{
    (void)loop;
    const mark *m = arg;
    ck_assert_int_eq(m->number, seen[m->thread]); /* in the order of posting */
    seen[m->thread]++;
}

static void *post_all(void *arg)
{
    mark *mine = arg;
    for (int i = 0; i < POSTS; i++)
        if (kith_posts_push(&posts, take, &mine[i]) != KITH_OK)
            abort();
    return NULL;
}

START_TEST(nothing_is_lost_and_each_thread_keeps_its_order)
{
    pthread_t threads[THREADS];
    kith_posts_init(&posts);
    for (int t = 0; t < THREADS; t++)
        for (int i = 0; i < POSTS; i++)
            marks[t][i] = (mark){t, i};
    for (int t = 0; t < THREADS; t++)
        ck_assert_int_eq(pthread_create(&threads[t], NULL, post_all, marks[t]), 0);
    int total = 0;
    while (total < THREADS * POSTS) {
        kith_posts_run(&posts, NULL);
        total = 0;
        for (int t = 0; t < THREADS; t++)
            total += seen[t];
    }
    for (int t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
    ck_assert(kith_posts_empty(&posts));
    kith_posts_deinit(&posts);
}
END_TEST

static void post_again(kith_loop *loop, void *arg)
{
    (void)loop;
    int *runs = arg;
    (*runs)++;
    ck_assert_int_eq(kith_posts_push(&posts, post_again, arg), KITH_OK);
}

START_TEST(what_a_post_posts_waits_for_the_next_round)
{
    int runs = 0;
    kith_posts_init(&posts);
    ck_assert_int_eq(kith_posts_push(&posts, post_again, &runs), KITH_OK);
    kith_posts_run(&posts, NULL);
    ck_assert_int_eq(runs, 1);
    kith_posts_run(&posts, NULL);
    ck_assert_int_eq(runs, 2);
    kith_posts_deinit(&posts); /* one is left, and forgotten */
}
END_TEST

UNIT_MAIN("runtime: post", nothing_is_lost_and_each_thread_keeps_its_order,
          what_a_post_posts_waits_for_the_next_round)
