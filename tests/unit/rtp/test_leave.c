/* Our SSRCs that leave: BYE, and who is told when it is out. */
#include "kit.h"
#include "rtp/session.h"

static unsigned gone(kit *k)
{
    unsigned count = 0;
    for (uint32_t ssrc; kith_rtp_next_gone(k->rtp, &ssrc);)
        count++;
    return count;
}

START_TEST(an_ssrc_is_gone_when_its_bye_is_out)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_AUDIO);
    uint32_t sent = kith_rtp_out_ssrc(out), ssrc;
    kit_send(&k, out, (kith_rtp_unit){.payload_type = OPUS});
    while (kit_rtcp(&k).len > 0) {
    }
    kith_rtp_remove_out(k.rtp, out);
    ck_assert(!kith_rtp_next_gone(k.rtp, &ssrc));
    ck_assert_int_eq(kith_rtp_deadline(k.rtp), 0);
    ck_assert_str_eq(kit_rtcp(&k).parts, "RR:0 SDES:1 BYE:1");
    ck_assert(kith_rtp_next_gone(k.rtp, &ssrc) && ssrc == sent);
    ck_assert(!kith_rtp_next_gone(k.rtp, &ssrc));
    ck_assert_str_eq(kit_rtcp(&k).parts, "");
    kit_end(&k);
}
END_TEST

/* RFC 3550 section 6.1: 31 fit into a packet. */
START_TEST(as_many_as_go_at_once_all_say_bye)
{
    kit k = kit_new();
    kith_rtp_out *outs[100];
    for (int i = 0; i < 100; i++) {
        outs[i] = kit_out(&k, KITH_RTP_AUDIO);
        kit_send(&k, outs[i], (kith_rtp_unit){.payload_type = OPUS});
    }
    while (kit_rtcp(&k).len > 0) {
    }
    for (int i = 0; i < 100; i++)
        kith_rtp_remove_out(k.rtp, outs[i]);
    for (int i = 0; i < 3; i++)
        ck_assert_str_eq(kit_rtcp(&k).parts, "RR:0 SDES:1 BYE:31");
    ck_assert_uint_eq(gone(&k), 93);
    ck_assert_str_eq(kit_rtcp(&k).parts, "RR:0 SDES:1 BYE:7");
    ck_assert_uint_eq(gone(&k), 7);
    kit_end(&k);
}
END_TEST

/* A browser that stops sending says BYE, and goes on with the same SSRC. */
START_TEST(a_stream_that_pauses_says_bye_and_goes_on_where_it_was)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_AUDIO);
    uint32_t ssrc = kith_rtp_out_ssrc(out);
    kith_rtp_pause_out(k.rtp, out);
    ck_assert_str_eq(kit_rtcp(&k).parts, "");
    kith_rtp_header before = kit_send(&k, out, (kith_rtp_unit){.payload_type = OPUS});
    while (kit_rtcp(&k).len > 0) {
    }
    kit_push(&k, out, (kith_rtp_unit){.payload_type = OPUS});
    kith_rtp_pause_out(k.rtp, out);
    kith_rtp_pause_out(k.rtp, out);
    ck_assert_uint_eq(kith_rtp_queued(out), 0);
    ck_assert_str_eq(kit_rtcp(&k).parts, "RR:0 SDES:1 BYE:1");
    ck_assert_uint_eq(gone(&k), 0);
    for (int i = 0; i < 10; i++) {
        k.now += KITH_SECONDS(1);
        said s = kit_rtcp(&k);
        if (s.len == 0)
            continue;
        /* reports are another's now */
        ck_assert_str_eq(s.parts, "RR:0 SDES:1");
        kith_rtcp_packet rr = said_part(&s, KITH_RTCP_RR);
        kith_reader r = kith_rd(rr.body.data, rr.body.len);
        ck_assert_uint_ne(kith_rd_u32(&r), ssrc);
    }
    kith_rtp_header after = kit_send(&k, out, (kith_rtp_unit){.payload_type = OPUS});
    ck_assert_uint_eq(after.ssrc, ssrc);
    ck_assert_uint_eq(after.sequence_number, (uint16_t)(before.sequence_number + 1));
    kith_rtp_pause_out(k.rtp, out);
    kith_rtp_remove_out(k.rtp, out);
    ck_assert_str_eq(kit_rtcp(&k).parts, "RR:0 SDES:1 BYE:1");
    ck_assert_uint_eq(gone(&k), 1);
    kit_end(&k);
}
END_TEST

/* RFC 3550 section 8.2; a peer that repeats ours gets no SSRC of SRTP for each time. */
START_TEST(a_reporter_that_collides_leaves_once_a_minute_at_most)
{
    kit k = kit_new();
    kit_receive(&k, (from){.ssrc = 7, .number = 1, .type = VP8, .mid = "1"});
    unsigned left = 0;
    for (int i = 0; i < 100; i++) {
        k.now += KITH_SECONDS(3);
        kit_receive(&k, (from){.ssrc = 7, .number = (uint16_t)(2 + i), .type = VP8});
        while (kit_rtcp(&k).len > 0) {
        }
        left += gone(&k);
        uint8_t buf[8];
        kith_writer w = kith_wr(buf, sizeof buf);
        kith_rtcp_write_rr(&w, k.rtp->ssrc, NULL, 0);
        kit_hear(&k, &w);
    }
    ck_assert_uint_ge(left, 4);
    ck_assert_uint_le(left, 6);
    kit_events(&k, KITH_RTP_EV_PACKET);
    kit_end(&k);
}
END_TEST

UNIT_MAIN("rtp: leave", an_ssrc_is_gone_when_its_bye_is_out, as_many_as_go_at_once_all_say_bye,
          a_stream_that_pauses_says_bye_and_goes_on_where_it_was,
          a_reporter_that_collides_leaves_once_a_minute_at_most)
