/* The same seed gives the same packets at the same times, to the byte: each run in a fresh process. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/unit.h"
#include "duo.h"

static bool got_all(void *arg)
{
    return ((duo *)arg)->peers[RIGHT].messages >= 200;
}

static uint64_t play(uint64_t seed)
{
    duo d;
    duo_options options = {.seed = seed,
                           .link = {.delay = KITH_MS(20), .jitter = KITH_MS(3), .loss = 0.05},
                           .with_stun_server = true,
                           .nats = {NAT_PORT_RESTRICTED, NAT_FULL_CONE}};
    if (!duo_init(&d, &options))
        return 0;
    duo_connect(&d);
    duo_send(&d, LEFT, 200, 3000);
    if (!world_run(d.world, KITH_SECONDS(60), got_all, &d))
        return 0;
    kith_dc_close(d.peers[LEFT].dc);
    world_run(d.world, KITH_SECONDS(10), NULL, NULL);
    uint64_t trace = world_trace(d.world);
    duo_deinit(&d);
    return trace;
}

static uint64_t play_in_a_fresh_process(uint64_t seed)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    uint64_t trace = 0;
    if (child == 0) {
        trace = play(seed);
        _exit(write(ends[1], &trace, sizeof trace) == sizeof trace ? 0 : 1);
    }
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], &trace, sizeof trace), sizeof trace);
    close(ends[0]);
    waitpid(child, NULL, 0);
    return trace;
}

START_TEST(the_same_seed_gives_the_same_packets)
{
    uint64_t first = play_in_a_fresh_process(42);
    ck_assert_uint_ne(first, 0);
    ck_assert_uint_eq(play_in_a_fresh_process(42), first);
    ck_assert_uint_ne(play_in_a_fresh_process(43), first);
}
END_TEST

UNIT_MAIN("sim: determinism", the_same_seed_gives_the_same_packets)
