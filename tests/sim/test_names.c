/* Candidates that are names (mDNS, as browsers give them): resolved at once, late, or never. */
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "base/writer.h"
#include "duo.h"

/* The sides whose addresses are replaced by names in what they signal. */
static bool hides[2];
static const char *const ips[] = {" 192.0.2.1 ", " 198.51.100.1 "};
static const char *const names[] = {" left.local ", " right.local "};

static void hide(enum side from, char **text)
{
    if (!hides[from])
        return;
    kith_writer w = kith_wr_growing();
    const char *at = *text;
    for (const char *hit; (hit = strstr(at, ips[from])); at = hit + strlen(ips[from])) {
        kith_wr_bytes(&w, at, (size_t)(hit - at));
        /* Only in candidates: c= has no name. */
        kith_wr_text(&w, names[from]);
    }
    kith_wr_text(&w, at);
    free(*text);
    kith_wr_u8(&w, 0);
    *text = strdup((const char *)w.data);
    kith_wr_deinit(&w);
}

static void begin(duo *d, const duo_options *options, bool left, bool right)
{
    ck_assert(duo_init(d, options));
    hides[LEFT] = left;
    hides[RIGHT] = right;
}

static duo_options options_of(bool no_trickle)
{
    return (duo_options){
        .seed = 1, .link = {.delay = KITH_MS(10)}, .tamper = hide, .no_trickle = no_trickle};
}

START_TEST(two_peers_that_tell_names_only_connect)
{
    for (int no_trickle = 0; no_trickle < 2; no_trickle++) {
        duo d;
        duo_options options = options_of(no_trickle);
        begin(&d, &options, true, true);
        world_add_name(d.world, "left.local", "192.0.2.1", KITH_MS(20));
        world_add_name(d.world, "right.local", "198.51.100.1", KITH_MS(20));
        duo_connect(&d);
        ck_assert_int_le(duo_elapsed(&d), KITH_MS(400));
        duo_deinit(&d);
    }
}
END_TEST

/* The other side's checks show where it is. */
START_TEST(a_name_that_nobody_answers_does_not_matter_when_the_other_side_is_known)
{
    for (int side = LEFT; side <= RIGHT; side++) {
        duo d;
        duo_options options = options_of(false);
        begin(&d, &options, side == LEFT, side == RIGHT);
        duo_connect(&d);
        ck_assert_int_le(duo_elapsed(&d), KITH_MS(400));
        duo_deinit(&d);
    }
}
END_TEST

/* Firefox answers mDNS late: it is waited for. */
START_TEST(names_that_are_resolved_late_still_connect)
{
    duo d;
    duo_options options = options_of(false);
    begin(&d, &options, true, true);
    world_add_name(d.world, "left.local", "192.0.2.1", KITH_SECONDS(12));
    world_add_name(d.world, "right.local", "198.51.100.1", KITH_SECONDS(15));
    duo_connect(&d);
    ck_assert_int_le(duo_elapsed(&d), KITH_SECONDS(13));
    duo_deinit(&d);
}
END_TEST

START_TEST(names_that_do_not_exist_end_in_failure_that_is_explained)
{
    duo d;
    duo_options options = options_of(false);
    begin(&d, &options, true, true);
    world_add_name(d.world, "left.local", NULL, KITH_SECONDS(1));
    world_add_name(d.world, "right.local", NULL, KITH_SECONDS(1));
    duo_offer(&d, LEFT);
    ck_assert(world_run(d.world, KITH_SECONDS(120), duo_has_failed, &d));
    const char *why = kith_pc_why_failed(d.peers[LEFT].pc);
    ck_assert_msg(strstr(why, "1 local and 0 remote candidates"), "%s", why);
    duo_deinit(&d);
}
END_TEST

UNIT_MAIN("sim: names", two_peers_that_tell_names_only_connect,
          a_name_that_nobody_answers_does_not_matter_when_the_other_side_is_known,
          names_that_are_resolved_late_still_connect,
          names_that_do_not_exist_end_in_failure_that_is_explained)
