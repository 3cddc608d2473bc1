/* The ring of SSRCs that ended: who is in it, who is told, and its bound. */
#include "kit.h"
#include "rtp/session.h"

START_TEST(each_is_told_once_in_order)
{
    kit k = kit_new();
    uint32_t ssrc;
    ck_assert(!kith_rtp_tell_ended(k.rtp, &ssrc));
    kith_rtp_note_ended(k.rtp, 1);
    kith_rtp_note_ended(k.rtp, 2);
    kith_rtp_note_ended(k.rtp, 3);
    kith_rtp_note_used(k.rtp, 2);
    ck_assert(kith_rtp_tell_ended(k.rtp, &ssrc) && ssrc == 1);
    ck_assert(kith_rtp_tell_ended(k.rtp, &ssrc) && ssrc == 3);
    ck_assert(!kith_rtp_tell_ended(k.rtp, &ssrc));
    ck_assert(kith_rtp_is_ended(k.rtp, 1) && !kith_rtp_is_ended(k.rtp, 2));
    kith_rtp_note_ended(k.rtp, 1); /* it came late and is to be forgotten once more */
    ck_assert(kith_rtp_tell_ended(k.rtp, &ssrc) && ssrc == 1);
    ck_assert(!kith_rtp_is_ended(k.rtp, 0));
    kit_end(&k);
}
END_TEST

START_TEST(the_last_256_are_known)
{
    kit k = kit_new();
    uint32_t ssrc, told = 0;
    for (uint32_t i = 1; i <= 1000; i++)
        kith_rtp_note_ended(k.rtp, i);
    while (kith_rtp_tell_ended(k.rtp, &ssrc))
        ck_assert_uint_eq(ssrc, 1000 - KITH_RTP_MAX_ENDED + ++told);
    ck_assert_uint_eq(told, KITH_RTP_MAX_ENDED);
    ck_assert(kith_rtp_is_ended(k.rtp, 1000) && kith_rtp_is_ended(k.rtp, 745));
    ck_assert(!kith_rtp_is_ended(k.rtp, 744));
    kit_end(&k);
}
END_TEST

/* A peer may change its SSRC and say BYE for ever. */
START_TEST(what_said_bye_and_was_followed_is_forgotten_and_the_last_is_kept)
{
    kit k = kit_new();
    kith_rtp_in_info info;
    for (uint32_t ssrc = 1; ssrc <= 300; ssrc++) {
        uint8_t buf[8];
        kith_writer w = kith_wr(buf, sizeof buf);
        kit_receive(&k, (from){.ssrc = ssrc, .number = 1, .type = VP8, .mid = "1"});
        ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
        kith_rtcp_write_bye(&w, &ssrc, 1);
        kit_hear(&k, &w);
        k.now += KITH_SECONDS(5);
        while (kit_rtcp(&k).len > 0) {
        }
    }
    ck_assert(!kith_rtp_in_find(k.rtp, 290, &info) && !kith_rtp_in_at(k.rtp, 7, &info));
    k.now += KITH_SECONDS(600);
    while (kit_rtcp(&k).len > 0) {
    }
    ck_assert(kith_rtp_in_at(k.rtp, 0, &info) && info.ssrc == 300);
    ck_assert(!kith_rtp_in_at(k.rtp, 1, &info));
    kit_receive(&k, (from){.ssrc = 300, .number = 2, .type = VP8});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    kit_end(&k);
}
END_TEST

UNIT_MAIN("rtp: ended", each_is_told_once_in_order, the_last_256_are_known,
          what_said_bye_and_was_followed_is_forgotten_and_the_last_is_kept)
