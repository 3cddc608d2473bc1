/* When RTCP leaves, clause by clause: RFC 3550 section 6.3, RFC 4585 section 3.5, RFC 8108 section
 * 5. Randomness is seeded; what a clause says of a distribution is asked of many draws. */
/* RAND_METHOD is deprecated, but nothing else seeds what the session draws */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "kit.h"

#include <openssl/rand.h>

#include "crypto/random.h"

/* What a packet has on the network beside its own bytes: UDP, IPv4, SRTP's tag. */
#define LOWER 44
#define CC_ID 5

/* ---- seeded randomness ---- */

static uint64_t state;

static uint64_t draw(void)
{
    uint64_t z = state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static int draw_bytes(unsigned char *out, int len)
{
    for (int i = 0; i < len; i++)
        out[i] = (unsigned char)draw();
    return 1;
}

static int is_seeded(void)
{
    return 1;
}

static void seed(uint64_t value)
{
    static RAND_METHOD method = {
        .bytes = draw_bytes, .pseudorand = draw_bytes, .status = is_seeded};
    state = value;
    RAND_set_rand_method(&method);
    kith_random_forget();
}

/* ---- a session that goes on for a while ---- */

/* What one side sends: packets of so many bytes on the network, so many microseconds apart. */
typedef struct load {
    kith_rtp_kind kind;
    size_t size;
    kith_time every;
} load;

static void push_sized(kit *k, kith_rtp_out *out, uint8_t type, size_t len)
{
    void *block = kith_block_take(k->pool);
    ck_assert_ptr_nonnull(block);
    memset(block, 0, len);
    kith_rtp_unit unit = {.payload_type = type,
                          .captured_at = k->now,
                          .block = block,
                          .payload = kith_span_of(block, len)};
    ck_assert_int_eq(kith_rtp_push(k->rtp, k->now, out, &unit), KITH_OK);
}

/* Takes all that is due; how many rounds of reports began, if only one can. */
static size_t take_due(kit *k, size_t *bytes)
{
    uint8_t buf[KITH_RTP_MAX_PACKET];
    size_t count = 0;
    for (size_t len; (len = kith_rtp_output(k->rtp, k->now, buf, sizeof buf)) > 0;) {
        kith_reader r = kith_rd(buf, kith_rtcp_is(kith_span_of(buf, len)) ? len : 0);
        kith_rtcp_packet p;
        bool is_report = kith_rtcp_next(&r, &p) &&
                         (p.type == KITH_RTCP_SR || (p.type == KITH_RTCP_RR && p.count > 0));
        count += is_report;
        *bytes += is_report ? len + LOWER : 0;
    }
    return count;
}

/* The peer is there: else a circuit breaker pauses the stream. */
static void hear_peer(kit *k, const kith_rtp_out *out)
{
    uint8_t buf[32];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_write_rr(&w, 9, NULL, 0);
    kith_rtcp_write_pli(&w, 9, kith_rtp_out_ssrc(out));
    kit_hear(k, &w);
}

/* The intervals between reports of who sends, after those in which the rate is learnt. */
static void intervals_of(const load *sent, kith_time *intervals, size_t count)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, sent->kind);
    uint8_t type = sent->kind == KITH_RTP_AUDIO ? OPUS : VP8;
    /* 12 of the fixed header, 8 of the extension MID until a report tells that it is known */
    size_t len = sent->size - LOWER - 20, i = 0, bytes = 0;
    kith_time last = 0;
    for (; i < count + 3; k.now += sent->every) {
        push_sized(&k, out, type, len);
        if (take_due(&k, &bytes) == 0)
            continue;
        hear_peer(&k, out);
        if (i >= 3)
            intervals[i - 3] = k.now - last;
        i++;
        last = k.now;
    }
    kit_end(&k);
}

static double mean_of(const kith_time *intervals, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)intervals[i] / 1e6;
    return sum / (double)count;
}

#define DRAWS 5000

/* Of a session with video in which next to nothing is sent: Td is 1 s. */
static void quiet_intervals(kith_time intervals[DRAWS])
{
    kit k = kit_new();
    kit_receive(&k, (from){.ssrc = 7, .type = VP8, .mid = "1"});
    kit_rtcp(&k);
    for (size_t i = 0; i < DRAWS; i++) {
        kith_time last = k.now;
        k.now = kith_rtp_deadline(k.rtp);
        ck_assert_str_eq(kit_rtcp(&k).parts,
                         k.now < KITH_SECONDS(1025) ? "RR:1 SDES:1" : "RR:0 SDES:1");
        ck_assert_str_eq(kit_rtcp(&k).parts, "");
        intervals[i] = k.now - last;
    }
    kit_end(&k);
}

/* ---- RFC 3550 section 6.3 ---- */

/* Section 6.3.1, step 4: "uniformly distributed between 0.5 and 1.5 times the deterministic
 * calculated interval", each for itself. Of 20 bins, chi-square above 43.8 has a probability of
 * 0.001. */
START_TEST(intervals_are_uniform_between_half_and_one_and_a_half)
{
    kith_time intervals[DRAWS];
    unsigned bins[20] = {0};
    double chi_square = 0, together = 0;
    seed(1);
    quiet_intervals(intervals);
    for (size_t i = 0; i < DRAWS; i++) {
        ck_assert_int_ge(intervals[i], KITH_MS(500));
        ck_assert_int_lt(intervals[i], KITH_MS(1500));
        bins[(intervals[i] - KITH_MS(500)) / KITH_MS(50)]++;
        if (i > 0)
            together += ((double)intervals[i] / 1e6 - 1) * ((double)intervals[i - 1] / 1e6 - 1);
    }
    for (size_t i = 0; i < 20; i++)
        chi_square += (bins[i] - DRAWS / 20.0) * (bins[i] - DRAWS / 20.0) / (DRAWS / 20.0);
    ck_assert_double_lt(chi_square, 43.8);
    /* the variance is 1/12; three deviations of a correlation are 3 / sqrt(DRAWS) */
    ck_assert_double_lt(together * 12 / DRAWS, 0.043);
    ck_assert_double_gt(together * 12 / DRAWS, -0.043);
}
END_TEST

/* Section 6.3.1, step 5, divides by 1.21828 for reconsideration of the timer, which 6.3 lets two
 * parties omit: without it the mean is Td itself. Three deviations are 3 / sqrt(12 DRAWS). */
START_TEST(the_mean_interval_is_the_deterministic_one)
{
    kith_time intervals[DRAWS];
    seed(2);
    quiet_intervals(intervals);
    ck_assert_double_gt(mean_of(intervals, DRAWS), 0.9878);
    ck_assert_double_lt(mean_of(intervals, DRAWS), 1.0122);
}
END_TEST

/* Sections 6.3.3, 6.3.4, 6.3.6: neither who comes nor who leaves moves what is scheduled. */
START_TEST(nobody_who_comes_or_leaves_moves_the_next_report)
{
    kit k = kit_new();
    uint8_t buf[64];
    kit_receive(&k, (from){.ssrc = 7, .type = VP8, .mid = "1"});
    kit_rtcp(&k);
    kith_time at = kith_rtp_deadline(k.rtp);
    k.now += KITH_MS(100);
    for (uint32_t ssrc = 8; ssrc < 60; ssrc++)
        kit_receive(&k, (from){.ssrc = ssrc, .type = VP8, .mid = "1"});
    ck_assert_int_eq(kith_rtp_deadline(k.rtp), at);
    for (uint32_t ssrc = 7; ssrc < 59; ssrc++) {
        kith_writer w = kith_wr(buf, sizeof buf);
        kith_rtcp_write_rr(&w, ssrc, NULL, 0);
        kith_rtcp_write_bye(&w, &ssrc, 1);
        kit_hear(&k, &w);
    }
    ck_assert_int_eq(kith_rtp_deadline(k.rtp), at);
    k.now = at;
    ck_assert_str_eq(kit_rtcp(&k).parts, "RR:1 SDES:1");
    kit_end(&k);
}
END_TEST

/* Section 6.3.6: the next is due an interval after the one that left, however late that was. */
START_TEST(a_report_that_is_late_leaves_once)
{
    kit k = kit_new();
    kit_receive(&k, (from){.ssrc = 7, .type = VP8, .mid = "1"});
    kit_rtcp(&k);
    k.now += KITH_SECONDS(20);
    ck_assert_str_eq(kit_rtcp(&k).parts, "RR:1 SDES:1");
    ck_assert_str_eq(kit_rtcp(&k).parts, "");
    ck_assert_int_ge(kith_rtp_deadline(k.rtp), k.now + KITH_MS(500));
    kit_end(&k);
}
END_TEST

/* ---- RFC 3550 section 6.2 ---- */

/* "360 divided by the session bandwidth in kilobits/second", of which UDP and IP are a part. */
START_TEST(the_minimum_is_360_seconds_a_kilobit)
{
    static const struct {
        load load;
        double interval;
    } cases[] = {
        {{KITH_RTP_VIDEO, 1000, 16000}, 0.72}, /* 500 kbit/s */
        {{KITH_RTP_VIDEO, 1000, 8000}, 0.36},  {{KITH_RTP_VIDEO, 125, 1000}, 0.36},
        {{KITH_RTP_VIDEO, 1000, 2667}, 0.12}, /* 3000 kbit/s */
        {{KITH_RTP_VIDEO, 1000, 500}, 0.05},  /* 16000 kbit/s: no less than that */
        {{KITH_RTP_VIDEO, 1000, 50000}, 1},   /* 160 kbit/s: no more */
    };
    kith_time intervals[600];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        seed(10 + i);
        intervals_of(&cases[i].load, intervals, 600);
        double mean = mean_of(intervals, 600);
        ck_assert_double_gt(mean, cases[i].interval * 0.96);
        ck_assert_double_lt(mean, cases[i].interval * 1.04 + 0.0005);
    }
}
END_TEST

/* RFC 8083 section 4.1: T_rr is no more than 4 s. */
START_TEST(reports_are_never_4_s_apart)
{
    kith_rtp_section audio = kit_audio();
    kith_time most = 0;
    kit k = kit_bare();
    seed(3);
    kit_set(&k, &audio, 1);
    kit_receive(&k, (from){.ssrc = 7, .type = OPUS, .mid = "0"});
    kit_rtcp(&k);
    for (int i = 0; i < 2000; i++) {
        kith_time last = k.now;
        k.now = kith_rtp_deadline(k.rtp);
        most = k.now - last > most ? k.now - last : most;
        ck_assert_uint_gt(kit_rtcp(&k).len, 0);
    }
    ck_assert_int_gt(most, KITH_MS(3700));
    ck_assert_int_lt(most, KITH_SECONDS(4));
    kit_end(&k);
}
END_TEST

/* "It is RECOMMENDED that the fraction of the session bandwidth added for RTCP be fixed at 5%", of
 * which 2.5 % are ours (RFC 4585 section 3.6.1): what 200 streams need is spread in time. */
START_TEST(reports_on_many_streams_take_a_fortieth_of_the_bandwidth)
{
    kit k = kit_new();
    size_t sent = 0, received = 0, before = 0, reports = 0;
    seed(4);
    for (uint32_t i = 0; i < 100000; i++) {
        kit_receive(&k, (from){.ssrc = 1000 + i % 200,
                               .number = (uint16_t)(i / 200),
                               .type = VP8,
                               .mid = i < 200 ? "1" : NULL});
        kit_events(&k, KITH_RTP_EV_PACKET);
        received += 12 + 7 + LOWER;
        k.now += 504; /* 63 bytes: 1 Mbit/s */
        reports += take_due(&k, &sent);
        if (i == 10000)
            received = before = sent;
    }
    double share = (double)(sent - before) / (double)(received - before);
    ck_assert_uint_gt(reports, 100);
    ck_assert_double_gt(share, 0.9 / 40);
    ck_assert_double_lt(share, 1.1 / 40);
    kit_end(&k);
}
END_TEST

/* ---- RFC 8108 section 5 ---- */

/* Section 5.2: "MUST NOT send more than four compound RTCP packets with zero initial delay". */
START_TEST(of_the_first_round_four_compounds_leave_at_once)
{
    kit k = kit_new();
    unsigned compounds = 0, blocks = 0;
    for (uint32_t i = 0; i < 200; i++)
        kit_receive(&k, (from){.ssrc = 1000 + i, .type = VP8, .mid = "1"});
    for (said s; (s = kit_rtcp(&k)).len > 0; compounds++)
        blocks += said_part(&s, KITH_RTCP_RR).count;
    ck_assert_uint_eq(compounds, 4);
    ck_assert_uint_eq(blocks, 4 * 31);
    ck_assert_int_ge(kith_rtp_deadline(k.rtp), k.now + KITH_MS(500));
    k.now = kith_rtp_deadline(k.rtp);
    blocks = 0;
    for (said s; (s = kit_rtcp(&k)).len > 0;)
        blocks += said_part(&s, KITH_RTCP_RR).count;
    ck_assert_uint_eq(blocks, 200);
    kit_end(&k);
}
END_TEST

/* Section 5.3: what is ours reports in one compound, on one schedule. */
START_TEST(streams_of_ours_report_together)
{
    kit k = kit_new();
    kith_rtp_out *sound = kit_out(&k, KITH_RTP_AUDIO), *picture = kit_out(&k, KITH_RTP_VIDEO);
    kit_push(&k, sound, (kith_rtp_unit){.payload_type = OPUS});
    kit_push(&k, picture, (kith_rtp_unit){.payload_type = VP8});
    kit_receive(&k, (from){.ssrc = 7, .type = VP8, .mid = "1"});
    while (kit_rtcp(&k).len > 0)
        ;
    for (int i = 0; i < 9; i++) {
        k.now = kith_rtp_deadline(k.rtp);
        ck_assert_str_eq(kit_rtcp(&k).parts, "SR:1 SR:0 SDES:2");
        ck_assert_str_eq(kit_rtcp(&k).parts, "");
        kit_send(&k, sound, (kith_rtp_unit){.payload_type = OPUS});
        kit_send(&k, picture, (kith_rtp_unit){.payload_type = VP8});
    }
    kit_end(&k);
}
END_TEST

/* RFC 3550 section 6.3.8, RFC 8108 sections 5.2 and 6.1: so that it is in step with the others from
 * the beginning. Their reports come when they would. */
START_TEST(a_stream_that_begins_says_what_its_clock_shows_at_once)
{
    kit k = kit_new();
    kith_rtp_out *sound = kit_out(&k, KITH_RTP_AUDIO), *picture = kit_out(&k, KITH_RTP_VIDEO);
    kit_send(&k, sound, (kith_rtp_unit){.payload_type = OPUS});
    kit_receive(&k, (from){.ssrc = 7, .type = VP8, .mid = "1"});
    ck_assert_str_eq(kit_rtcp(&k).parts, "SR:1 SDES:1");
    kith_time at = kith_rtp_deadline(k.rtp);
    k.now += KITH_MS(100);
    kit_send(&k, sound, (kith_rtp_unit){.payload_type = OPUS});
    ck_assert_int_eq(kith_rtp_deadline(k.rtp), at);
    for (int i = 0; i < 2; i++) {
        kit_push(&k, picture, (kith_rtp_unit){.payload_type = VP8});
        kit_push(&k, picture, (kith_rtp_unit){.payload_type = VP8});
        said s = kit_rtcp(&k);
        ck_assert_str_eq(s.parts, "SR:0 SDES:1");
        kith_rtcp_packet p = said_part(&s, KITH_RTCP_SR);
        kith_reader r = kith_rd(p.body.data, p.body.len);
        ck_assert_uint_eq(kith_rd_u32(&r), kith_rtp_out_ssrc(picture));
        ck_assert_str_eq(kit_rtcp(&k).parts, "");
        ck_assert_int_eq(kith_rtp_deadline(k.rtp), at);
        /* and when it begins again */
        kith_rtp_pause_out(k.rtp, picture);
        ck_assert_str_eq(kit_rtcp(&k).parts, "RR:0 SDES:1 BYE:1");
        ck_assert_str_eq(kit_rtcp(&k).parts, "");
    }
    kit_end(&k);
}
END_TEST

/* RFC 8108 section 5.2: no more than four without a delay, here too. */
START_TEST(no_more_than_four_compounds_leave_at_once_between_rounds)
{
    kit k = kit_new();
    unsigned at_once = 0;
    for (int i = 0; i < 6; i++) {
        kit_send(&k, kit_out(&k, KITH_RTP_VIDEO), (kith_rtp_unit){.payload_type = VP8});
        at_once += kit_rtcp(&k).len > 0;
        k.now += KITH_MS(10);
    }
    ck_assert_uint_eq(at_once, 4);
    k.now = kith_rtp_deadline(k.rtp);
    ck_assert_str_eq(kit_rtcp(&k).parts, "SR:0 SR:0 SR:0 SR:0 SR:0 SR:0 SDES:6");
    kit_send(&k, kit_out(&k, KITH_RTP_VIDEO), (kith_rtp_unit){.payload_type = VP8});
    ck_assert_str_eq(kit_rtcp(&k).parts, "SR:0 SDES:1");
    kit_end(&k);
}
END_TEST

/* ---- RFC 4585 section 3.5, RFC 5506 ---- */

static kith_rtp_section video_with_nack(bool reduced_size)
{
    kith_rtp_section section = kit_video();
    section.takes_nack = true;
    section.reduced_size = reduced_size;
    return section;
}

/* Section 3.4 g: T_dither_max is 0. Of what is lost as of what is to be drawn anew. */
START_TEST(feedback_is_due_at_once)
{
    for (int i = 0; i < 2; i++) {
        kith_rtp_section section = video_with_nack(i == 1);
        kit k = kit_bare();
        kit_set(&k, &section, 1);
        kit_receive(&k, (from){.ssrc = 7, .type = VP8, .mid = "1"});
        kit_rtcp(&k);
        k.now += KITH_MS(10);
        kit_receive(&k, (from){.ssrc = 7, .number = 2, .type = VP8});
        ck_assert_int_eq(kith_rtp_deadline(k.rtp), k.now);
        ck_assert_str_eq(kit_rtcp(&k).parts, i == 1 ? "RTPFB:1" : "RR:0 SDES:1 RTPFB:1");
        kith_rtp_request_key_frame(k.rtp, 7);
        ck_assert_int_le(kith_rtp_deadline(k.rtp), k.now);
        ck_assert_str_eq(kit_rtcp(&k).parts, i == 1 ? "PSFB:1" : "RR:0 SDES:1 PSFB:1");
        ck_assert_str_eq(kit_rtcp(&k).parts, "");
        kit_end(&k);
    }
}
END_TEST

/* Section 3.5.2, steps 2a and 3a: "the FB message(s) MUST be stored to be included in the Regular
 * RTCP packet". */
START_TEST(what_is_asked_when_a_report_is_due_leaves_with_it)
{
    kith_rtp_section section = video_with_nack(true);
    kit k = kit_bare();
    kit_set(&k, &section, 1);
    kit_receive(&k, (from){.ssrc = 7, .type = VP8, .mid = "1"});
    kit_rtcp(&k);
    k.now = kith_rtp_deadline(k.rtp);
    kit_receive(&k, (from){.ssrc = 7, .number = 2, .type = VP8});
    kith_rtp_request_key_frame(k.rtp, 7);
    ck_assert_str_eq(kit_rtcp(&k).parts, "RR:1 SDES:1 PSFB:1 RTPFB:1");
    ck_assert_str_eq(kit_rtcp(&k).parts, "");
    kit_end(&k);
}
END_TEST

/* When reports left in 20 s, with or without a request every 50 ms. */
static size_t report_times(bool is_asking, bool reduced_size, kith_time *times, size_t max)
{
    kith_rtp_section section = video_with_nack(reduced_size);
    kit k = kit_bare();
    size_t count = 0, bytes = 0;
    kit_set(&k, &section, 1);
    seed(5);
    kit_receive(&k, (from){.ssrc = 7, .type = VP8, .mid = "1"});
    for (int ms = 0; ms < 20000; ms++, k.now += KITH_MS(1)) {
        if (is_asking && ms % 50 == 0) {
            kith_rtp_key_frame_came(k.rtp, 7);
            kith_rtp_request_key_frame(k.rtp, 7);
        }
        if (take_due(&k, &bytes) > 0 && count < max)
            times[count++] = k.now;
    }
    kit_end(&k);
    return count;
}

/* Section 3.4 m: "The T_rr_interval does not affect transmission scheduling of Early RTCP packets",
 * nor do they affect it. RFC 5506 section 3.4.2: compounds go on beside what is smaller. */
START_TEST(feedback_neither_hastens_nor_delays_reports)
{
    kith_time without[100], with[100];
    size_t count = report_times(false, false, without, 100);
    ck_assert_uint_gt(count, 10);
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(report_times(true, i == 1, with, 100), count);
        ck_assert_mem_eq(with, without, count * sizeof *with);
    }
}
END_TEST

/* A stream of video that is received, and what is said of it in 100 s. */
typedef struct traffic {
    size_t size;
    kith_time every;
    /* of 100 packets */
    unsigned lost;
    bool has_arrivals, reduced_size;
} traffic;

typedef struct outcome {
    size_t losses, nacks, received, rtcp;
    /* feedback on arrivals */
    kith_time told_at, least_between, most_between;
} outcome;

static bool has_arrivals(const uint8_t *data, size_t len)
{
    kith_reader r = kith_rd(data, len);
    for (kith_rtcp_packet p; kith_rtcp_next(&r, &p);)
        if (p.type == KITH_RTCP_RTPFB && p.count == 15)
            return true;
    return false;
}

static void note_told(outcome *o, kith_time now)
{
    kith_time between = now - o->told_at;
    if (o->told_at > 0 && between < o->least_between)
        o->least_between = between;
    if (o->told_at > 0 && between > o->most_between)
        o->most_between = between;
    o->told_at = now;
}

/* Gives the packet's number, unwrapped. */
static int64_t receive_sized(kit *k, uint16_t number, size_t size)
{
    uint8_t bytes[1200] = {0}, cc[2] = {(uint8_t)(number >> 8), (uint8_t)number};
    kith_rtp_element element = {CC_ID, kith_span_of(cc, sizeof cc)};
    kith_rtp_event ev;
    kith_writer w = kith_wr(bytes, sizeof bytes);
    kith_rtp_write_start(&w, &(kith_rtp_start){.ssrc = 7,
                                               .sequence_number = number,
                                               .payload_type = VP8,
                                               .elements = &element,
                                               .element_count = 1});
    kit_input(k, bytes, size - LOWER);
    ck_assert(kith_rtp_event_next(k->rtp, &ev) && ev.type == KITH_RTP_EV_PACKET);
    int64_t unwrapped = ev.packet->number;
    kith_block_unref(ev.packet);
    return unwrapped;
}

/* A loss is given up with the packet but one behind it. */
static outcome say_of(const traffic *t)
{
    kith_rtp_section section = video_with_nack(t->reduced_size);
    kit k = kit_bare();
    outcome o = {.least_between = KITH_NEVER};
    uint8_t buf[KITH_RTP_MAX_PACKET];
    bool was_lost = false;
    section.takes_transport_cc = t->has_arrivals;
    section.extensions[KITH_RTP_EXTENSION_TRANSPORT_CC] = CC_ID;
    kit_set(&k, &section, 1);
    kith_rtp_set_rtt(k.rtp, KITH_MS(50));
    seed(6);
    /* what may be said before it is earned is said by then */
    kith_time counted_from = k.now + KITH_SECONDS(10), end = k.now + KITH_SECONDS(100);
    for (uint16_t i = 0; k.now < end; i++, k.now += t->every) {
        bool is_lost = i > 0 && draw() % 100 < t->lost;
        o.losses += is_lost;
        if (!is_lost) {
            int64_t number = receive_sized(&k, i, t->size);
            kith_rtp_skip(k.rtp, 7, was_lost ? number - 1 : number);
            o.received += k.now >= counted_from ? t->size : 0;
        }
        was_lost = is_lost;
        for (size_t len; (len = kith_rtp_output(k.rtp, k.now, buf, sizeof buf)) > 0;) {
            o.rtcp += k.now >= counted_from ? len + LOWER : 0;
            if (has_arrivals(buf, len))
                note_told(&o, k.now);
        }
    }
    kith_rtp_in_info info;
    ck_assert(kith_rtp_in_find(k.rtp, 7, &info));
    o.nacks = info.nack_count;
    kit_end(&k);
    return o;
}

/* Section 3.6.2's example: 256 kbit/s of 30 packets a second, 5 % of them lost, compounds that are
 * not reduced. Immediate feedback on every loss is within "3.75% of the RTCP bandwidth allocated to
 * the receivers and thus 9.6 kbit/s", reports included. */
START_TEST(feedback_on_each_of_5_percent_losses_is_within_the_bandwidth)
{
    outcome o = say_of(&(traffic){.size = 1067, .every = KITH_SECONDS(1) / 30, .lost = 5});
    ck_assert_uint_gt(o.losses, 100);
    ck_assert_uint_ge(o.nacks, o.losses * 9 / 10);
    ck_assert_uint_lt(o.rtcp * 8 / 90, 9600);
}
END_TEST

/* RFC 3550 section 6.2, RFC 4585 section 3.3: immediate feedback as long as the bandwidth allows
 * it; where it does not, requests wait and leave together. Reports, feedback on losses and on
 * arrivals together are within 5 % of what comes. */
START_TEST(all_of_rtcp_is_within_5_percent_of_what_comes)
{
    static const unsigned losses[] = {0, 5, 20, 30};
    for (kith_time every = 1600; every <= 102400; every *= 2)
        for (size_t i = 0; i < 8; i++) {
            traffic t = {.size = 1000,
                         .every = every,
                         .lost = losses[i / 2],
                         .has_arrivals = true,
                         .reduced_size = i % 2};
            outcome o = say_of(&t);
            ck_assert_msg(o.rtcp < o.received / 20, "%d us, %u %% lost, %d: %zu of %zu", (int)every,
                          t.lost, t.reduced_size, o.rtcp, o.received);
            /* libwebrtc's RemoteEstimatorProxy: 50 to 250 ms; and several may be lost in a row */
            kith_time most = t.lost > 0 ? KITH_MS(500) : KITH_MS(250);
            ck_assert_int_ge(o.least_between, KITH_MS(50));
            ck_assert_int_le(o.most_between, most + every * (t.lost > 0 ? 8 : 1));
        }
}
END_TEST

UNIT_MAIN("rtp: schedule", intervals_are_uniform_between_half_and_one_and_a_half,
          the_mean_interval_is_the_deterministic_one,
          nobody_who_comes_or_leaves_moves_the_next_report, a_report_that_is_late_leaves_once,
          the_minimum_is_360_seconds_a_kilobit, reports_are_never_4_s_apart,
          reports_on_many_streams_take_a_fortieth_of_the_bandwidth,
          of_the_first_round_four_compounds_leave_at_once, streams_of_ours_report_together,
          a_stream_that_begins_says_what_its_clock_shows_at_once,
          no_more_than_four_compounds_leave_at_once_between_rounds, feedback_is_due_at_once,
          what_is_asked_when_a_report_is_due_leaves_with_it,
          feedback_neither_hastens_nor_delays_reports,
          feedback_on_each_of_5_percent_losses_is_within_the_bandwidth,
          all_of_rtcp_is_within_5_percent_of_what_comes)
