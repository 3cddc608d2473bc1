/* How long it takes until a channel is open where packets are lost: many whole peers, each with a
 * seed of its own. */
#include <stdlib.h>

#include "../unit/unit.h"
#include "duo.h"

#define RUNS 200

static int compare(const void *a, const void *b)
{
    kith_time x = *(const kith_time *)a, y = *(const kith_time *)b;
    return (x > y) - (x < y);
}

static kith_time times[RUNS];

static void set_up_all(kith_time rtt, double loss)
{
    for (uint64_t i = 0; i < RUNS; i++) {
        duo d;
        duo_options options = {.seed = 1000 + i, .link = {.delay = rtt / 2, .loss = loss}};
        ck_assert(duo_init(&d, &options));
        duo_offer(&d, LEFT);
        bool is_open = world_run(d.world, KITH_SECONDS(60), duo_is_open, &d);
        times[i] = is_open ? duo_elapsed(&d) : KITH_NEVER;
        duo_deinit(&d);
    }
    qsort(times, RUNS, sizeof times[0], compare);
}

/* Of a hundred channels 99 are open on both sides within this, and all of them in the end. */
static void assert_open(double loss, kith_time limit)
{
    static const int rtts[] = {20, 50, 200};
    for (size_t i = 0; i < sizeof rtts / sizeof rtts[0]; i++) {
        set_up_all(KITH_MS(rtts[i]), loss);
        kith_time percentile = times[RUNS * 99 / 100 - 1];
        ck_assert_msg(percentile <= limit, "round trip of %d ms: %lld us", rtts[i],
                      (long long)percentile);
        ck_assert_msg(times[RUNS - 1] != KITH_NEVER, "round trip of %d ms: never", rtts[i]);
    }
}

START_TEST(channels_open_within_four_seconds_at_ten_percent_loss)
{
    assert_open(0.1, KITH_SECONDS(4));
}
END_TEST

START_TEST(channels_open_within_fifteen_seconds_at_thirty_percent_loss)
{
    assert_open(0.3, KITH_SECONDS(15));
}
END_TEST

UNIT_MAIN("sim: setup", channels_open_within_four_seconds_at_ten_percent_loss,
          channels_open_within_fifteen_seconds_at_thirty_percent_loss)
