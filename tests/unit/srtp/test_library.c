/* libsrtp2 is set up once, whoever comes first. */
#include "kit.h"

#include <pthread.h>

#define THREADS 4

static void *talk(void *arg)
{
    uint16_t profile = *(const uint16_t *)arg;
    for (int round = 0; round < 20; round++) {
        kit k;
        kit_new(&k, profile);
        for (uint16_t seq = 0; seq < 50; seq++)
            ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 1, seq)));
        kit_free(&k);
    }
    return NULL;
}

START_TEST(threads_may_begin_at_once_with_sessions_of_their_own)
{
    pthread_t threads[THREADS];
    uint16_t profiles[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        profiles[i] = all_profiles[i % PROFILES];
        ck_assert_int_eq(pthread_create(&threads[i], NULL, talk, &profiles[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert(kith_srtp_library_ready());
}
END_TEST

UNIT_MAIN("srtp: library", threads_may_begin_at_once_with_sessions_of_their_own)
