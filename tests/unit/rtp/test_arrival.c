/* What the peer is told of the arrival of its packets, and when: read back by a reader of its own.
 */
#include "kit.h"

#define CC_ID 5

typedef struct told {
    uint16_t base;
    size_t count;
    /* KITH_NEVER: did not come; else in the 250 us of the wire */
    kith_time at[2000];
    uint8_t feedback_count;
    uint32_t media_ssrc;
} told;

static unsigned read_symbol(kith_reader *r, unsigned *chunk, unsigned *left)
{
    if (*left == 0) {
        *chunk = kith_rd_u16(r);
        *left = !(*chunk & 0x8000) ? *chunk & 0x1FFF : *chunk & 0x4000 ? 7 : 14;
    }
    --*left;
    if (!(*chunk & 0x8000))
        return *chunk >> 13;
    return *chunk & 0x4000 ? *chunk >> (2 * *left) & 3 : *chunk >> *left & 1;
}

static told read_told(kith_rtcp_packet p)
{
    static told t;
    uint8_t symbols[2000];
    kith_reader r = kith_rd(p.body.data, p.body.len);
    t = (told){.count = 0};
    ck_assert_uint_eq(p.count, 15);
    kith_rd_u32(&r);
    t.media_ssrc = kith_rd_u32(&r);
    t.base = kith_rd_u16(&r);
    t.count = kith_rd_u16(&r);
    uint32_t reference = kith_rd_u32(&r);
    t.feedback_count = (uint8_t)reference;
    ck_assert_uint_le(t.count, 2000);
    unsigned chunk = 0, left = 0;
    for (size_t i = 0; i < t.count; i++)
        symbols[i] = (uint8_t)read_symbol(&r, &chunk, &left);
    kith_time at = (kith_time)(reference >> 8) * KITH_MS(64);
    for (size_t i = 0; i < t.count; i++) {
        if (symbols[i] == 1)
            at += 250 * kith_rd_u8(&r);
        else if (symbols[i] == 2)
            at += 250 * (int16_t)kith_rd_u16(&r);
        t.at[i] = symbols[i] == 0 ? KITH_NEVER : at;
    }
    ck_assert(!r.bad && kith_rd_left(&r) < 4);
    return t;
}

static kit start(bool reduced_size)
{
    kit k = kit_bare();
    kith_rtp_section video = kit_video();
    video.takes_transport_cc = true;
    video.reduced_size = reduced_size;
    video.extensions[KITH_RTP_EXTENSION_TRANSPORT_CC] = CC_ID;
    kit_set(&k, &video, 1);
    return k;
}

/* Packet `number` of the stream, which has this number of the transport. */
static void come(kit *k, uint16_t number, uint16_t transport_wide)
{
    uint8_t buf[300], value[2] = {(uint8_t)(transport_wide >> 8), (uint8_t)transport_wide};
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtp_element element = {CC_ID, kith_span_of(value, 2)};
    kith_rtp_write_start(&w, &(kith_rtp_start){.ssrc = 7,
                                               .sequence_number = number,
                                               .payload_type = VP8,
                                               .elements = &element,
                                               .element_count = 1});
    kith_wr_zeros(&w, 100);
    kit_input(k, buf, w.len);
    kit_events(k, KITH_RTP_EV_BYE);
}

/* The next feedback packet, at the time when it is due. */
static told next(kit *k, const char *parts)
{
    said s;
    do {
        kith_time at = kith_rtp_deadline(k->rtp);
        ck_assert_int_ne(at, KITH_NEVER);
        k->now = at > k->now ? at : k->now;
        s = kit_rtcp(k);
    } while (!strstr(s.parts, "RTPFB:15"));
    if (parts)
        ck_assert_str_eq(s.parts, parts);
    return read_told(said_part(&s, KITH_RTCP_RTPFB));
}

START_TEST(arrivals_are_told_after_a_tenth_of_a_second)
{
    kit k = start(true);
    kith_time first = k.now;
    for (uint16_t i = 0; i < 10; i++, k.now += KITH_MS(3))
        if (i != 4)
            come(&k, i, (uint16_t)(65530 + i));
    kit_rtcp(&k); /* the first report */
    told t = next(&k, "RTPFB:15");
    ck_assert_int_eq(k.now, first + KITH_MS(100));
    ck_assert_uint_eq(t.base, 65530);
    ck_assert_uint_eq(t.count, 10);
    ck_assert_uint_eq(t.media_ssrc, 7);
    ck_assert_uint_eq(t.feedback_count, 0);
    for (unsigned i = 0; i < 10; i++)
        ck_assert_int_eq(t.at[i], i == 4 ? KITH_NEVER : first + KITH_MS(3) * i);
    kit_end(&k);
}
END_TEST

START_TEST(nothing_is_told_where_it_was_not_agreed_on)
{
    kit k = kit_bare();
    kith_rtp_section video = kit_video();
    video.extensions[KITH_RTP_EXTENSION_TRANSPORT_CC] = CC_ID;
    kit_set(&k, &video, 1);
    come(&k, 0, 0);
    kit_rtcp(&k);
    for (int i = 0; i < 100; i++, k.now += KITH_MS(50))
        ck_assert_ptr_null(strstr(kit_rtcp(&k).parts, "RTPFB"));
    kit_end(&k);
}
END_TEST

/* RFC 4585 section 3.1. */
START_TEST(without_reduced_size_a_report_stands_before_it)
{
    kit k = start(false);
    come(&k, 0, 0);
    kit_rtcp(&k);
    next(&k, "RR:0 SDES:1 RTPFB:15");
    kit_end(&k);
}
END_TEST

/* 68 bytes are a twentieth of the rate, each 50 to 250 ms. */
START_TEST(feedback_is_a_twentieth_of_the_rate)
{
    static const struct {
        kith_time between;
        kith_time least, most;
    } rows[] = {
        {KITH_MS(1), KITH_MS(50), KITH_MS(52)},
        /* 1000 bits each 10 ms are 100 kbit/s, of which 5 are 544 bits in 109 ms */
        {KITH_MS(10), KITH_MS(100), KITH_MS(125)},
        {KITH_MS(200), KITH_MS(250), KITH_MS(450)},
    };
    for (size_t row = 0; row < 3; row++) {
        kit k = start(true);
        uint8_t buf[KITH_RTP_MAX_PACKET];
        kith_time last = 0, next_at = k.now;
        uint16_t number = 0;
        unsigned count = 0;
        while (count < 20) {
            k.now += KITH_MS(1);
            if (k.now >= next_at) {
                come(&k, number, number);
                number++;
                next_at += rows[row].between;
            }
            for (size_t len; (len = kith_rtp_output(k.rtp, k.now, buf, sizeof buf)) > 0;) {
                kith_reader r = kith_rd(buf, len);
                kith_rtcp_packet p;
                bool is_feedback = false;
                while (kith_rtcp_next(&r, &p))
                    is_feedback |= p.type == KITH_RTCP_RTPFB;
                if (!is_feedback)
                    continue;
                if (count++ > 3) {
                    ck_assert_int_ge(k.now - last, rows[row].least);
                    ck_assert_int_le(k.now - last, rows[row].most);
                }
                last = k.now;
            }
        }
        kit_end(&k);
    }
}
END_TEST

START_TEST(what_is_late_is_told_of_with_the_next)
{
    kit k = start(true);
    kith_time first = k.now;
    come(&k, 0, 10);
    come(&k, 2, 12);
    told t = next(&k, NULL);
    ck_assert_uint_eq(t.count, 3);
    ck_assert_int_eq(t.at[1], KITH_NEVER);
    /* late, another one, and twice the same */
    kith_time late = k.now;
    come(&k, 1, 11);
    come(&k, 3, 13);
    k.now += KITH_MS(1);
    come(&k, 3, 13);
    come(&k, 2, 12);
    t = next(&k, NULL);
    ck_assert_uint_eq(t.base, 11);
    ck_assert_uint_eq(t.count, 3);
    ck_assert_uint_eq(t.feedback_count, 1);
    ck_assert_int_eq(t.at[0], late);
    ck_assert_int_eq(t.at[1], first);
    ck_assert_int_eq(t.at[2], late);
    /* half a second later than what follows it: no news any more */
    k.now += KITH_MS(600);
    come(&k, 9, 9);
    k.now += KITH_SECONDS(1);
    ck_assert_ptr_null(strstr(kit_rtcp(&k).parts, "RTPFB"));
    kit_end(&k);
}
END_TEST

/* What fills half the ring is told at once, and a number far ahead costs what is between. */
START_TEST(many_and_far_numbers_are_told_without_delay)
{
    kit k = start(true);
    for (uint16_t i = 0; i < 511; i++)
        come(&k, i, i);
    kit_rtcp(&k);
    ck_assert_str_eq(kit_rtcp(&k).parts, "");
    come(&k, 511, 511);
    come(&k, 512, 512);
    kith_time now = k.now;
    told t = next(&k, "RTPFB:15");
    ck_assert_int_eq(k.now, now);
    ck_assert_uint_eq(t.count, 513);
    come(&k, 513, 30000);
    t = next(&k, NULL);
    ck_assert_int_eq(k.now, now);
    ck_assert_uint_eq(t.base, 30000 - 1023);
    ck_assert_uint_eq(t.count, 1024);
    for (unsigned i = 0; i < 1023; i++)
        ck_assert_int_eq(t.at[i], KITH_NEVER);
    kit_end(&k);
}
END_TEST

UNIT_MAIN("rtp: arrival", arrivals_are_told_after_a_tenth_of_a_second,
          nothing_is_told_where_it_was_not_agreed_on,
          without_reduced_size_a_report_stands_before_it, feedback_is_a_twentieth_of_the_rate,
          what_is_late_is_told_of_with_the_next, many_and_far_numbers_are_told_without_delay)
