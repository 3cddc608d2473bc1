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

/* Of a hundred channels 99 were open on both sides within this. */
static kith_time percentile_99(double loss)
{
    static kith_time times[RUNS];
    for (uint64_t i = 0; i < RUNS; i++) {
        duo d;
        duo_options options = {.seed = 1000 + i, .link = {.delay = KITH_MS(25), .loss = loss}};
        ck_assert(duo_init(&d, &options));
        duo_offer(&d, LEFT);
        bool is_open = world_run(d.world, KITH_SECONDS(60), duo_is_open, &d);
        times[i] = is_open ? duo_elapsed(&d) : KITH_NEVER;
        duo_deinit(&d);
    }
    qsort(times, RUNS, sizeof times[0], compare);
    return times[RUNS * 99 / 100 - 1];
}

START_TEST(channels_open_within_four_seconds_at_ten_percent_loss)
{
    ck_assert_int_le(percentile_99(0.1), KITH_SECONDS(4));
}
END_TEST

START_TEST(channels_open_within_fifteen_seconds_at_thirty_percent_loss)
{
    ck_assert_int_le(percentile_99(0.3), KITH_SECONDS(15));
}
END_TEST

UNIT_MAIN("sim: setup", channels_open_within_four_seconds_at_ten_percent_loss,
          channels_open_within_fifteen_seconds_at_thirty_percent_loss)
