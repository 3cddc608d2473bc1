/* The session as a whole: what is told, what is not, and two of them over a network that loses,
 * delays and doubles. */
#include "kit.h"
#include "../../oom/oom.h"

START_TEST(what_is_no_rtp_is_counted_and_dropped)
{
    kit k = kit_new();
    kit_input(&k, "", 0);
    kit_input(&k, "\x80\x60", 2);
    kit_input(&k, "\x40\x60\0\1\0\0\0\0\0\0\0\7x", 13);
    ck_assert_uint_eq(kith_rtp_get_counters(k.rtp)->malformed, 3);
    ck_assert_ptr_null(kit_taken(&k));
    kit_end(&k);
}
END_TEST

START_TEST(values_of_extensions_come_with_their_packet)
{
    kit k = kit_new();
    uint8_t buf[100];
    const uint8_t level = 0x85, delay[] = {0, 0x10, 0x02};
    const kith_rtp_element elements[] = {{MID_ID, kith_span_text("0")},
                                         {LEVEL_ID, kith_span_of(&level, 1)},
                                         {DELAY_ID, kith_span_of(delay, 3)},
                                         {9, kith_span_text("?")}};
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtp_write_start(
        &w, &(kith_rtp_start){
                .ssrc = 7, .payload_type = OPUS, .elements = elements, .element_count = 4});
    kith_wr_text(&w, "sound");
    kit_input(&k, buf, w.len);
    kith_rtp_event ev;
    ck_assert(kith_rtp_event_next(k.rtp, &ev));
    ck_assert(ev.packet->has_audio_level && ev.packet->audio_level.voice);
    ck_assert_uint_eq(ev.packet->audio_level.level, 5);
    ck_assert(ev.packet->has_playout_delay);
    ck_assert_int_eq(ev.packet->playout_delay.min, KITH_MS(10));
    ck_assert_int_eq(ev.packet->playout_delay.max, KITH_MS(20));
    ck_assert(!ev.packet->has_video_orientation);
    ck_assert(kith_span_is(kith_packet_payload(ev.packet), "sound"));
    ck_assert_int_eq(ev.packet->received_at, k.now);
    kith_block_unref(ev.packet);
    kit_end(&k);
}
END_TEST

START_TEST(padding_alone_is_counted_and_told_for_its_number)
{
    kit k = kit_new();
    kit_receive(&k, (from){.ssrc = 7, .number = 1, .type = VP8, .mid = "1"});
    kit_receive(&k, (from){.ssrc = 7, .number = 2, .type = VP8, .is_empty = true});
    kit_receive(&k, (from){.ssrc = 7, .number = 3, .type = VP8});
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_PACKET), 3);
    kith_rtp_in_info info;
    ck_assert(kith_rtp_in_find(k.rtp, 7, &info));
    ck_assert_uint_eq(info.packets_received, 3);
    ck_assert_int_eq(info.packets_lost, 0);
    kit_end(&k);
}
END_TEST

START_TEST(packets_that_nobody_takes_are_bounded)
{
    kit k = kit_new();
    for (unsigned i = 0; i < KITH_RTP_MAX_READY + 10; i++)
        kit_receive(&k, (from){.ssrc = 7, .number = (uint16_t)i, .type = VP8});
    ck_assert_uint_eq(kith_rtp_get_counters(k.rtp)->not_taken, 10);
    kith_rtp_event ev;
    ck_assert(kith_rtp_event_next(k.rtp, &ev));
    ck_assert_uint_eq(ev.packet->header.sequence_number, 10);
    kith_block_unref(ev.packet);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_PACKET), KITH_RTP_MAX_READY - 1);
    kit_end(&k);
}
END_TEST

START_TEST(packets_of_a_section_that_went_are_not_told)
{
    kit k = kit_new();
    kit_receive(&k, (from){.ssrc = 7, .type = VP8});
    kit_receive(&k, (from){.ssrc = 8, .type = OPUS});
    kit_set(&k, (const kith_rtp_section[]){kit_audio()}, 1);
    ck_assert_ptr_eq(kit_taken(&k), AUDIO_TAG);
    ck_assert_ptr_null(kit_taken(&k));
    ck_assert_uint_eq(kith_rtp_get_counters(k.rtp)->not_taken, 1);
    kit_end(&k);
}
END_TEST

/* ---- two sessions and a network ---- */

#define FLIGHTS 512

typedef struct flight {
    kith_time at;
    size_t len;
    uint8_t bytes[400];
} flight;

typedef struct net {
    kit side[2];
    kith_rtp_out *out[2];
    flight flights[2][FLIGHTS];
    uint32_t state;
    /* of 1000; microseconds */
    uint32_t loss, doubled;
    kith_time delay, jitter;
    /* by side: packets that were lost, and those that were told */
    uint64_t lost[2], told[2];
    int64_t highest[2];
} net;

static uint32_t roll(net *n, uint32_t below)
{
    n->state = n->state * 1664525 + 1013904223;
    return (n->state >> 8) % below;
}

static void fly(net *n, int to, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < FLIGHTS; i++) {
        flight *f = &n->flights[to][i];
        if (f->len > 0)
            continue;
        ck_assert_uint_le(len, sizeof f->bytes);
        memcpy(f->bytes, data, len);
        f->len = len;
        f->at = n->side[0].now + n->delay +
                (n->jitter > 0 ? (kith_time)roll(n, (uint32_t)n->jitter) : 0);
        return;
    }
    ck_abort_msg("too many packets in flight");
}

static void send_all(net *n, int from_side)
{
    uint8_t buf[KITH_RTP_MAX_PACKET];
    kit *k = &n->side[from_side];
    for (size_t len; (len = kith_rtp_output(k->rtp, k->now, buf, sizeof buf)) > 0;) {
        bool is_lost = roll(n, 1000) < n->loss;
        if (is_lost) {
            n->lost[from_side] += !kith_rtcp_is(kith_span_of(buf, len));
            continue;
        }
        fly(n, !from_side, buf, len);
        if (roll(n, 1000) < n->doubled && kith_rtcp_is(kith_span_of(buf, len)))
            fly(n, !from_side, buf, len);
    }
}

/* The earliest packet that is due, so that order follows time. */
static flight *due(net *n, int side)
{
    flight *first = NULL;
    for (size_t i = 0; i < FLIGHTS; i++) {
        flight *f = &n->flights[side][i];
        if (f->len > 0 && f->at <= n->side[side].now && (!first || f->at < first->at))
            first = f;
    }
    return first;
}

static void take_events(net *n, int side)
{
    kith_rtp_event ev;
    while (kith_rtp_event_next(n->side[side].rtp, &ev)) {
        if (ev.type != KITH_RTP_EV_PACKET)
            continue;
        n->told[side]++;
        if (ev.packet->number > n->highest[side])
            n->highest[side] = ev.packet->number;
        kith_block_unref(ev.packet);
    }
}

static void receive_all(net *n, int side)
{
    kit *k = &n->side[side];
    for (flight *f; (f = due(n, side));) {
        if (kith_rtcp_is(kith_span_of(f->bytes, f->len)))
            kith_rtp_input_rtcp(k->rtp, k->now, kith_span_of(f->bytes, f->len));
        else
            kit_input(k, f->bytes, f->len);
        f->len = 0;
    }
    take_events(n, side);
}

/* Each side sends a video packet every `every` milliseconds. */
static void run(net *n, int ms, int every)
{
    for (int i = 0; i < ms; i++) {
        for (int side = 0; side < 2; side++) {
            n->side[side].now += KITH_MS(1);
            if (i % every == 0)
                kit_push(&n->side[side], n->out[side],
                         (kith_rtp_unit){.payload_type = VP8,
                                         .timestamp = (uint32_t)(n->side[side].now / 1000 * 90)});
            send_all(n, side);
        }
        receive_all(n, 0);
        receive_all(n, 1);
    }
}

/* The rest that is in flight. */
static void land(net *n)
{
    for (int i = 0; i < 1000; i++)
        for (int side = 0; side < 2; side++) {
            n->side[side].now += KITH_MS(1);
            send_all(n, side);
            receive_all(n, side);
        }
}

static net *net_new(uint32_t seed)
{
    net *n = calloc(1, sizeof *n);
    n->state = seed;
    for (int side = 0; side < 2; side++) {
        n->side[side] = kit_new();
        n->out[side] = kit_out(&n->side[side], KITH_RTP_VIDEO);
    }
    return n;
}

static void net_end(net *n)
{
    kit_end(&n->side[0]);
    kit_end(&n->side[1]);
    free(n);
}

/* What the receiver counts is what the network did. */
static void agree(net *n, int receiver)
{
    kith_rtp_in_info in;
    kith_rtp_out_info out;
    kith_rtp_out_get_info(n->out[!receiver], &out);
    ck_assert(kith_rtp_in_find(n->side[receiver].rtp, out.ssrc, &in));
    ck_assert_uint_eq(in.packets_received, n->told[receiver]);
    ck_assert_uint_eq(in.packets_received + n->lost[!receiver], out.packets_sent);
    ck_assert_int_eq(in.packets_lost, (int64_t)n->lost[!receiver]);
}

START_TEST(both_sides_agree_on_loss_and_round_trip)
{
    net *n = net_new(1);
    run(n, 10, 10);
    n->loss = 100;
    n->delay = KITH_MS(30);
    run(n, 20000, 10);
    n->loss = 0;
    run(n, 2000, 10);
    land(n);
    for (int side = 0; side < 2; side++) {
        kith_rtp_out_info out;
        agree(n, side);
        kith_rtp_out_get_info(n->out[side], &out);
        ck_assert_uint_gt(out.reports_received, 10);
        ck_assert_int_eq(out.remote_packets_lost, (int32_t)n->lost[side]);
        ck_assert_int_ge(out.round_trip_time, KITH_MS(59));
        ck_assert_int_le(out.round_trip_time, KITH_MS(63));
    }
    net_end(n);
}
END_TEST

START_TEST(reordering_and_doubled_reports_lose_nothing)
{
    net *n = net_new(2);
    n->delay = KITH_MS(10);
    n->jitter = KITH_MS(200);
    n->doubled = 300;
    run(n, 20000, 5);
    land(n);
    for (int side = 0; side < 2; side++) {
        agree(n, side);
        ck_assert_uint_eq(n->lost[side], 0);
        ck_assert_uint_eq(kith_rtp_get_counters(n->side[side].rtp)->malformed_rtcp, 0);
    }
    kith_rtp_in_info in;
    ck_assert(kith_rtp_in_at(n->side[0].rtp, 0, &in));
    ck_assert_uint_gt(in.jitter, 90 * 20);
    net_end(n);
}
END_TEST

START_TEST(numbers_wrap_under_loss)
{
    net *n = net_new(3);
    run(n, 10, 1);
    n->loss = 50;
    run(n, 80000, 1);
    /* of what is lost at the end nobody knows */
    n->loss = 0;
    run(n, 10, 1);
    land(n);
    agree(n, 0);
    agree(n, 1);
    ck_assert_int_gt(n->highest[0], 65536);
    ck_assert_int_gt(n->highest[1], 65536);
    net_end(n);
}
END_TEST

/* The mid is learnt, then left out; an outage of 3 s is loss and nothing else. */
START_TEST(an_outage_is_loss)
{
    net *n = net_new(4);
    run(n, 3000, 10);
    n->loss = 1000;
    run(n, 3000, 10);
    n->loss = 0;
    run(n, 3000, 10);
    land(n);
    agree(n, 0);
    agree(n, 1);
    ck_assert_uint_eq(n->lost[0], 300);
    net_end(n);
}
END_TEST

START_TEST(a_late_listener_joins_without_loss)
{
    net *n = net_new(5);
    n->loss = 1000;
    run(n, 5000, 10);
    n->loss = 0;
    run(n, 5000, 10);
    land(n);
    kith_rtp_in_info in;
    ck_assert(kith_rtp_in_at(n->side[0].rtp, 0, &in));
    ck_assert_int_eq(in.packets_lost, 0);
    ck_assert_uint_eq(in.packets_received, 500);
    net_end(n);
}
END_TEST

START_TEST(a_change_of_ssrc_begins_another_stream)
{
    net *n = net_new(6);
    run(n, 3000, 10);
    kith_rtp_remove_out(n->side[0].rtp, n->out[0]);
    n->out[0] = kit_out(&n->side[0], KITH_RTP_VIDEO);
    run(n, 3000, 10);
    land(n);
    kith_rtp_in_info old, new;
    ck_assert(kith_rtp_in_at(n->side[1].rtp, 0, &old));
    ck_assert(kith_rtp_in_at(n->side[1].rtp, 1, &new));
    ck_assert(old.is_ended && !new.is_ended);
    ck_assert_uint_eq(old.packets_received, 300);
    ck_assert_uint_eq(new.packets_received, 300);
    ck_assert_ptr_eq(new.user, VIDEO_TAG);
    net_end(n);
}
END_TEST

START_TEST(a_call_allocates_nothing_once_it_runs)
{
    oom_begin(0, false);
    net *n = net_new(7);
    n->loss = 50;
    n->delay = KITH_MS(20);
    n->jitter = KITH_MS(30);
    /* as many blocks as may ever be due in the same millisecond */
    void *blocks[2][32];
    for (int i = 0; i < 64; i++)
        blocks[i % 2][i / 2] = kith_block_take(n->side[i % 2].pool);
    for (int i = 0; i < 64; i++)
        kith_block_unref(blocks[i % 2][i / 2]);
    run(n, 2000, 5);
    size_t asked = oom.asked;
    run(n, 10000, 5);
    ck_assert_uint_eq(oom.asked, asked);
    net_end(n);
    oom_end();
}
END_TEST

/* ---- without memory ---- */

static void without_memory(void *arg)
{
    (void)arg;
    kith_rtp_session *rtp = NULL;
    kith_block_pool *pool = NULL;
    kith_rtp_out *out = NULL;
    kith_rtp_section sections[] = {kit_audio(), kit_video()};
    kith_rtp_out_config config = {
        .mid = "1", .kind = KITH_RTP_VIDEO, .clock_rate = 90000, .has_rtx = true};
    static const uint8_t rtx_types[128] = {[VP8] = 97};
    sections[1].takes_nack = true;
    uint8_t header[20] = {0x80, VP8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7}, buf[KITH_RTP_MAX_PACKET];
    kith_rtp_unit unit = {.payload_type = VP8};
    if (kith_rtp_new(&rtp, &(kith_rtp_config){.cname = "x", .ssrcs = kit_ssrcs()}) != KITH_OK)
        return;
    if (kith_block_pool_new(&pool, KITH_PACKET_BLOCK, 10) == KITH_OK &&
        kith_rtp_set_sections(rtp, sections, 2) == KITH_OK) {
        (void)!kith_rtp_set_sections(rtp, sections, 1);
        (void)!kith_rtp_set_sections(rtp, sections, 2);
        /* the second shows that some are missing */
        for (uint8_t number = 1; number < 10; number += 8) {
            kith_packet *packet = kith_block_take(pool);
            if (!packet)
                break;
            header[3] = number;
            memcpy(packet->data, header, packet->len = sizeof header);
            packet->received_at = 5;
            kith_rtp_input(rtp, 5, packet);
        }
        bool has_out = kith_rtp_add_out(rtp, &out, &config) == KITH_OK;
        if (has_out)
            kith_rtp_out_set_rtx(out, rtx_types);
        if (has_out)
            for (int i = 0; i < 20; i++)
                (void)!kith_rtp_push(rtp, 5, out, &unit);
        while (kith_rtp_output(rtp, 5, buf, sizeof buf) > 0)
            ;
    }
    kith_rtp_free(rtp);
    kith_block_pool_free(pool);
}

START_TEST(no_memory_is_an_error_or_a_packet_less)
{
    ck_assert_uint_gt(oom_sweep(without_memory, NULL), 5);
}
END_TEST

UNIT_MAIN("rtp: rtp", what_is_no_rtp_is_counted_and_dropped,
          values_of_extensions_come_with_their_packet,
          padding_alone_is_counted_and_told_for_its_number, packets_that_nobody_takes_are_bounded,
          packets_of_a_section_that_went_are_not_told, both_sides_agree_on_loss_and_round_trip,
          reordering_and_doubled_reports_lose_nothing, numbers_wrap_under_loss, an_outage_is_loss,
          a_late_listener_joins_without_loss, a_change_of_ssrc_begins_another_stream,
          a_call_allocates_nothing_once_it_runs, no_memory_is_an_error_or_a_packet_less)
