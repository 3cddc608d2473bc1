/* The same seed gives the same packets at the same times, to the byte: each run in a fresh process.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/unit.h"
#include "duo.h"

static bool got_all(void *arg)
{
    return ((duo *)arg)->peers[RIGHT].messages >= 200;
}

/* The scenarios of the other files, as far as their networks and peers differ. */
enum scenario {
    CLEAN,
    LOSS_1,
    LOSS_10,
    NATS_AND_JITTER,
    WRONG_FINGERPRINT,
    CONSENT_LOST,
    SCENARIOS
};

static void break_left(enum side from, char **text)
{
    char *line = from == LEFT ? strstr(*text, "a=fingerprint:sha-256 ") : NULL;
    if (line)
        line[22] = line[22] == '0' ? '1' : '0';
}

static duo_options options_of(enum scenario scenario, uint64_t seed)
{
    duo_options options = {.seed = seed, .link = {.delay = KITH_MS(20)}};
    if (scenario == LOSS_1 || scenario == LOSS_10)
        options.link.loss = scenario == LOSS_1 ? 0.01 : 0.1;
    if (scenario == NATS_AND_JITTER) {
        options.link.jitter = KITH_MS(3);
        options.link.loss = 0.05;
        options.with_stun_server = true;
        options.nats[LEFT] = NAT_PORT_RESTRICTED;
        options.nats[RIGHT] = NAT_FULL_CONE;
    }
    if (scenario == WRONG_FINGERPRINT)
        options.tamper = break_left;
    return options;
}

static void play_on(duo *d, enum scenario scenario)
{
    if (scenario == WRONG_FINGERPRINT) {
        duo_offer(d, LEFT);
        ck_assert(world_run(d->world, KITH_SECONDS(30), duo_has_failed, d));
        return;
    }
    duo_connect(d);
    if (scenario == CONSENT_LOST) {
        d->peers[LEFT].host->deaf = true;
        ck_assert(world_run(d->world, KITH_SECONDS(60), duo_has_failed, d));
        return;
    }
    duo_send(d, LEFT, 200, 3000);
    ck_assert(world_run(d->world, KITH_SECONDS(60), got_all, d));
    kith_dc_close(d->peers[LEFT].dc);
    world_run(d->world, KITH_SECONDS(10), NULL, NULL);
}

static uint64_t play(enum scenario scenario, uint64_t seed)
{
    duo d;
    duo_options options = options_of(scenario, seed);
    ck_assert(duo_init(&d, &options));
    play_on(&d, scenario);
    uint64_t trace = world_trace(d.world);
    duo_deinit(&d);
    return trace;
}

static uint64_t play_in_a_fresh_process(enum scenario scenario, uint64_t seed)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    uint64_t trace = 0;
    if (child == 0) {
        trace = play(scenario, seed);
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
    for (enum scenario scenario = CLEAN; scenario < SCENARIOS; scenario++) {
        uint64_t first = play_in_a_fresh_process(scenario, 42);
        uint64_t again = play_in_a_fresh_process(scenario, 42);
        uint64_t other = play_in_a_fresh_process(scenario, 43);
        ck_assert_msg(first == again, "scenario %d has two traces", (int)scenario);
        ck_assert_msg(first != other, "scenario %d does not follow its seed", (int)scenario);
    }
}
END_TEST

UNIT_MAIN("sim: determinism", the_same_seed_gives_the_same_packets)
