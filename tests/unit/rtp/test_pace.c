/* When frames leave: how far apart, how much at once, how late at most; and what does not wait. */
#include "kit.h"

typedef struct leaving {
    kith_time at;
    size_t len;
    uint32_t ssrc;
} leaving;

#define MOST 4000

typedef struct scene {
    kit k;
    kith_rtp_out *video, *audio;
    leaving left[MOST];
    size_t count;
    /* how often the driver woke */
    unsigned wakes;
} scene;

static void begin(scene *s)
{
    memset(s, 0, sizeof *s);
    s->k = kit_new();
    s->video = kit_out(&s->k, KITH_RTP_VIDEO);
    s->audio = kit_out(&s->k, KITH_RTP_AUDIO);
}

/* Units of 1160 bytes, and one of what is left. */
static void give(scene *s, kith_rtp_out *out, size_t bytes, bool is_numbered)
{
    static uint16_t number;
    for (size_t len; bytes > 0; bytes -= len) {
        len = bytes < 1160 ? bytes : 1160;
        char *block = kith_block_take(s->k.pool);
        memset(block, 0, len);
        const kith_rtp_unit unit = {.block = block,
                                    .payload = kith_span_of(block, len),
                                    .captured_at = s->k.now,
                                    .is_numbered = is_numbered,
                                    .sequence_number = number++,
                                    .payload_type = out == s->audio ? OPUS : VP8};
        ck_assert_int_eq(kith_rtp_push(s->k.rtp, s->k.now, out, &unit), KITH_OK);
    }
}

/* What may leave now. */
static void drain(scene *s)
{
    uint8_t buf[KITH_RTP_MAX_PACKET];
    kith_rtp_header h;
    s->wakes++;
    for (size_t len; (len = kith_rtp_output(s->k.rtp, s->k.now, buf, sizeof buf)) > 0;) {
        if (kith_rtcp_is(kith_span_of(buf, len)))
            continue;
        ck_assert(kith_rtp_parse_header(&h, kith_span_of(buf, len)) && s->count < MOST);
        s->left[s->count++] = (leaving){.at = s->k.now, .len = len, .ssrc = h.ssrc};
    }
}

/* A driver that wakes at the deadlines. */
static void run_until(scene *s, kith_time until)
{
    drain(s);
    for (kith_time at; (at = kith_rtp_deadline(s->k.rtp)) < until;) {
        ck_assert_int_gt(at, s->k.now); /* it does not spin */
        s->k.now = at;
        drain(s);
    }
    s->k.now = until;
}

/* The most bytes of video that left within any so long. */
static size_t most_within(const scene *s, kith_time span)
{
    size_t most = 0;
    for (size_t i = 0; i < s->count; i++) {
        size_t bytes = 0;
        for (size_t j = i; j < s->count && s->left[j].at - s->left[i].at < span; j++)
            bytes += s->left[j].ssrc == kith_rtp_out_ssrc(s->video) ? s->left[j].len : 0;
        most = bytes > most ? bytes : most;
    }
    return most;
}

/* 25 pictures of 5000 bytes a second, after which one of 50,000 comes: it leaves at 2.5 times the
 * 175,000 bytes of that second, in bursts of 5 ms. */
START_TEST(a_large_frame_leaves_at_two_and_a_half_times_what_was_given_in_the_last_second)
{
    static scene s;
    begin(&s);
    for (int i = 0; i < 25; i++) {
        give(&s, s.video, 5000, false);
        run_until(&s, s.k.now + KITH_MS(40));
    }
    s.count = 0;
    kith_time began = s.k.now;
    give(&s, s.video, 50000, false);
    run_until(&s, began + KITH_MS(400));
    ck_assert_uint_eq(s.count, 44);
    kith_time took = s.left[s.count - 1].at - began;
    ck_assert_msg(took >= KITH_MS(95) && took <= KITH_MS(130), "%lld us", (long long)took);
    ck_assert_uint_le(most_within(&s, KITH_MS(1)), 4800 + 1200);
    ck_assert_uint_le(most_within(&s, KITH_MS(50)), 50 * 440 + 4800 + 1200);
    kit_end(&s.k);
}
END_TEST

/* Nothing was given before: 750 kbit/s would take a second. */
START_TEST(nothing_waits_longer_than_a_quarter_of_a_second)
{
    static const size_t sizes[] = {20000, 100000, 1000000};
    for (size_t i = 0; i < 3; i++) {
        static scene s;
        begin(&s);
        kith_time began = s.k.now;
        give(&s, s.video, sizes[i], false);
        run_until(&s, began + KITH_SECONDS(1));
        ck_assert_uint_eq(s.count, (sizes[i] + 1159) / 1160);
        kith_time took = s.left[s.count - 1].at - began;
        ck_assert_msg(took >= KITH_MS(140) && took <= KITH_MS(260), "%zu: %lld us", sizes[i],
                      (long long)took);
        /* a driver wakes each 5 ms at most */
        ck_assert_uint_le(s.wakes, 56);
        kit_end(&s.k);
    }
}
END_TEST

/* At any rate: a frame leaves long before the next. */
START_TEST(what_is_given_evenly_hardly_waits)
{
    static const size_t sizes[] = {500, 5000, 20000, 60000};
    for (size_t i = 0; i < 4; i++) {
        static scene s;
        begin(&s);
        kith_time worst = 0;
        for (int n = 0; n < 60; n++) {
            kith_time began = s.k.now;
            s.count = 0;
            give(&s, s.video, sizes[i], false);
            run_until(&s, began + KITH_MS(40));
            ck_assert(n < 25 || kith_rtp_queued(s.video) == 0);
            if (n >= 25 && s.left[s.count - 1].at - began > worst)
                worst = s.left[s.count - 1].at - began;
        }
        ck_assert_msg(worst <= KITH_MS(20), "%zu: %lld us", sizes[i], (long long)worst);
        kit_end(&s.k);
    }
}
END_TEST

START_TEST(sound_does_not_wait_beside_a_large_frame)
{
    static scene s;
    begin(&s);
    kith_time began = s.k.now;
    give(&s, s.video, 100000, false);
    for (int i = 0; i < 20; i++) {
        kith_time at = s.k.now;
        give(&s, s.audio, 100, false);
        drain(&s);
        bool has_left = false;
        for (size_t n = 0; n < s.count; n++)
            has_left |= s.left[n].at == at && s.left[n].ssrc == kith_rtp_out_ssrc(s.audio);
        ck_assert(has_left);
        run_until(&s, at + KITH_MS(20));
    }
    ck_assert_uint_eq(s.count, 20 + 87);
    ck_assert_int_ge(s.left[s.count - 1].at - began, KITH_MS(200));
    kit_end(&s.k);
}
END_TEST

/* Their source has paced them: a forwarder, or a program that sends as fast as it can. */
START_TEST(packets_that_a_program_numbers_do_not_wait)
{
    static scene s;
    begin(&s);
    give(&s, s.video, 500000, true);
    drain(&s);
    ck_assert_uint_eq(s.count, 432);
    ck_assert_int_eq(kith_rtp_deadline(s.k.rtp) > s.k.now, true);
    kit_end(&s.k);
}
END_TEST

/* What is dropped is not waited for; and what comes after a pause has its burst again. */
START_TEST(what_was_dropped_costs_no_time)
{
    static scene s;
    begin(&s);
    give(&s, s.video, 1000000, false);
    drain(&s);
    kith_rtp_pause_out(s.k.rtp, s.video);
    ck_assert_uint_eq(kith_rtp_queued(s.video), 0);
    drain(&s); /* its BYE */
    ck_assert_int_gt(kith_rtp_deadline(s.k.rtp), s.k.now + KITH_MS(5));
    s.k.now += KITH_SECONDS(2);
    s.count = 0;
    give(&s, s.video, 4000, false);
    drain(&s);
    ck_assert_uint_eq(s.count, 4);
    kit_end(&s.k);
}
END_TEST

UNIT_MAIN("rtp: pace",
          a_large_frame_leaves_at_two_and_a_half_times_what_was_given_in_the_last_second,
          nothing_waits_longer_than_a_quarter_of_a_second, what_is_given_evenly_hardly_waits,
          sound_does_not_wait_beside_a_large_frame, packets_that_a_program_numbers_do_not_wait,
          what_was_dropped_costs_no_time)
