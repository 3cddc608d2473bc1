/* What came and what did not: RFC 3550 appendix A.1, A.3 and A.8 on unwrapped numbers.
 *
 * A.1 adapted: packets are authenticated, so that there is no probation; a late one is late up to
 * the replay window of SRTP; of a jump the first packet is told like any other, but what it means
 * for the statistics is decided by the second. */
#include "base/seq.h"
#include "rtp/session.h"

#define MAX_DROPOUT  3000
#define MAX_MISORDER 1024

static uint32_t arrival_of(const kith_rtp_in *in, const kith_packet *packet)
{
    return kith_rtp_ticks(packet->received_at, in->clock_rate);
}

/* A.8. Another clock has no transit time in common with the last. */
static void count_jitter(kith_rtp_in *in, const kith_packet *packet)
{
    uint32_t clock_rate = in->place->clock_rates[packet->header.payload_type];
    if (clock_rate != in->clock_rate)
        in->has_transit = false;
    in->clock_rate = clock_rate;
    uint32_t transit = arrival_of(in, packet) - packet->header.timestamp;
    if (in->has_transit) {
        int64_t d = kith_seq_unwrap32(0, transit - in->transit);
        d = d < 0 ? -d : d;
        in->jitter = (uint32_t)(in->jitter + d - ((in->jitter + 8) >> 4));
    }
    in->transit = transit;
    in->has_transit = true;
}

/* The stream begins, or begins anew: `base` is its first number, of which and behind which
 * `received` packets came. */
static void begin(kith_rtp_in *in, int64_t base, int64_t received)
{
    if (in->is_started)
        in->lost_before += in->highest - in->base + 1 - (in->received - received);
    in->is_started = true;
    in->base = base;
    in->received = received;
    in->received_prior = in->expected_prior = 0;
    in->after_jump = 0;
    in->has_transit = false;
    in->jitter = 0;
}

/* Beyond what loss and reordering explain: the first packet of a jump is told as the beginning of
 * a stream; a second one behind it proves that the source restarted. */
static void jump(kith_rtp_in *in, kith_packet *packet)
{
    int64_t behind = packet->number - in->after_jump;
    if (in->after_jump > 0 && behind >= 0 && behind < MAX_DROPOUT) {
        begin(in, in->after_jump - 1, 1);
        in->highest = packet->number;
        return;
    }
    packet->begins_stream = true;
    in->after_jump = packet->number + 1;
}

static void number(kith_rtp_in *in, kith_packet *packet)
{
    uint16_t sequence_number = packet->header.sequence_number;
    packet->begins_stream = !in->is_started;
    if (!in->is_started) {
        packet->number = sequence_number;
        begin(in, packet->number, 0);
        in->highest = packet->number;
        return;
    }
    packet->number = kith_seq_unwrap(in->highest, sequence_number);
    int64_t ahead = packet->number - in->highest;
    if (ahead <= MAX_DROPOUT && ahead >= -MAX_MISORDER) {
        in->highest = ahead > 0 ? packet->number : in->highest;
        /* the first that came was not the first that was sent */
        in->base = packet->number < in->base ? packet->number : in->base;
        in->after_jump = 0;
        return;
    }
    /* Numbers never fall: a source that restarted lower is a turn of the circle ahead. */
    if (ahead < 0)
        packet->number = kith_seq_after(in->highest, sequence_number);
    jump(in, packet);
}

void kith_rtp_in_count(kith_rtp_in *in, kith_packet *packet)
{
    const kith_rtp_header *h = &packet->header;
    number(in, packet);
    in->received++;
    count_jitter(in, packet);
    in->info.is_ended = false;
    in->info.payload_type = h->payload_type;
    in->info.packets_received++;
    in->info.bytes_received += h->payload_len;
    in->info.header_bytes_received += packet->len - h->payload_len;
    in->info.last_packet_received_at = packet->received_at;
}

int64_t kith_rtp_in_lost(const kith_rtp_in *in)
{
    return in->is_started ? in->lost_before + in->highest - in->base + 1 - in->received : 0;
}

/* A.3: 0 where duplicates made it negative. */
static uint8_t take_fraction(kith_rtp_in *in)
{
    int64_t expected = in->highest - in->base + 1;
    int64_t expected_interval = expected - in->expected_prior;
    int64_t lost_interval = expected_interval - (in->received - in->received_prior);
    in->expected_prior = expected;
    in->received_prior = in->received;
    if (expected_interval <= 0 || lost_interval <= 0)
        return 0;
    return (uint8_t)(lost_interval * 256 / expected_interval > 255
                         ? 255
                         : lost_interval * 256 / expected_interval);
}

uint32_t kith_rtp_delay(kith_time time)
{
    uint64_t delay = (uint64_t)time * 65536 / 1000000;
    return delay > UINT32_MAX ? UINT32_MAX : (uint32_t)delay;
}

static int32_t clamp_lost(int64_t lost)
{
    if (lost > INT32_MAX)
        return INT32_MAX;
    return lost < INT32_MIN ? INT32_MIN : (int32_t)lost;
}

void kith_rtp_in_report(kith_rtp_in *in, kith_time now, kith_rtcp_report *report)
{
    *report = (kith_rtcp_report){
        .ssrc = in->ssrc,
        .fraction_lost = take_fraction(in),
        .cumulative_lost = clamp_lost(kith_rtp_in_lost(in)),
        .highest_sequence = (uint32_t)in->highest,
        .jitter = in->jitter >> 4,
    };
    if (in->info.reports_received > 0) {
        report->last_sr = (uint32_t)(in->info.remote_ntp >> 16);
        report->delay_since_last_sr = kith_rtp_delay(now - in->info.report_received_at);
    }
}
