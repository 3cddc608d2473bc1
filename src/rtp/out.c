/* Streams that we send: what waits in them, and packets as they leave. */
#include <assert.h>
#include <string.h>

#include "base/block.h"
#include "base/error.h"
#include "base/memory.h"
#include "crypto/random.h"
#include "rtp/session.h"

#define FIRST_UNITS 16
/* How often a collision may change an SSRC. */
#define CHANGE_INTERVAL KITH_SECONDS(60)

static bool is_taken(const kith_rtp_session *s, uint32_t ssrc)
{
    return ssrc == 0 || ssrc == s->ssrc || kith_rtp_find_in(s, ssrc) ||
           kith_rtp_find_out(s, ssrc) || kith_rtp_place_of_ssrc(&s->places, ssrc) ||
           kith_rtp_is_ended(s, ssrc);
}

uint32_t kith_rtp_choose_ssrc(const kith_rtp_session *s)
{
    uint32_t ssrc = kith_random_order_next(s->ssrcs);
    while (is_taken(s, ssrc))
        ssrc = kith_random_order_next(s->ssrcs);
    return ssrc;
}

/* RFC 3550 section 8.2. No more often than that of a stream: each costs one of SRTP's. */
void kith_rtp_change_reporter(kith_rtp_session *s, kith_time now)
{
    if (s->has_reported &&
        (now - s->ssrc_changed_at < CHANGE_INTERVAL || kith_rtp_leaving_reserve(s, 1) != KITH_OK))
        return;
    if (s->has_reported)
        kith_rtp_leave(s, s->ssrc, false);
    s->has_reported = false;
    s->ssrc_changed_at = now;
    s->ssrc = kith_rtp_choose_ssrc(s);
}

/* NULL: no memory. */
static kith_rtp_out *add(kith_rtp_session *s, const kith_rtp_out_config *config, uint32_t ssrc)
{
    kith_rtp_out *out = kith_alloc_zero(1, sizeof *out);
    if (!out)
        return NULL;
    size_t mid_len = strlen(config->mid);
    if (mid_len <= KITH_RTP_MAX_MID) {
        memcpy(out->mid, config->mid, mid_len);
        out->mid_len = mid_len;
    }
    out->ssrc = is_taken(s, ssrc) ? kith_rtp_choose_ssrc(s) : ssrc;
    out->kind = config->kind;
    out->clock_rate = config->clock_rate;
    out->user = config->user;
    out->place = kith_rtp_place_of_mid(&s->places, kith_span_of(out->mid, out->mid_len));
    out->changed_at = out->request_told_at = out->key_left_at = -CHANGE_INTERVAL;
    out->request_due_at = KITH_NEVER;
    kith_rtp_history_init(&out->history, &s->kept);
    out->credit = KITH_RTP_MAX_CREDIT;
    kith_list_append(&s->outs, &out->node);
    return out;
}

kith_err kith_rtp_add_out(kith_rtp_session *s, kith_rtp_out **result,
                          const kith_rtp_out_config *config)
{
    assert(config->clock_rate > 0);
    kith_err err = kith_rtp_leaving_reserve(s, 2);
    if (err != KITH_OK)
        return err;
    kith_rtp_out *out = add(s, config, config->ssrc);
    if (!out)
        return kith_fail_memory();
    if (config->has_rtx) {
        out->rtx = add(s, config, config->rtx_ssrc);
        if (!out->rtx) {
            kith_rtp_free_out(s, out);
            return kith_fail_memory();
        }
        out->rtx->repaired = out;
    }
    *result = out;
    return KITH_OK;
}

static kith_rtp_unit *unit_at(const kith_rtp_out *out, size_t i)
{
    return &out->units[(out->head + i) & (out->cap - 1)];
}

/* Sound cannot wait; and packets of a program that numbers them were paced by their source, as a
 * forwarder's were. */
static bool is_paced(const kith_rtp_out *out, const kith_rtp_unit *unit)
{
    return out->kind == KITH_RTP_VIDEO && !unit->is_numbered;
}

static size_t len_of(const kith_rtp_unit *unit)
{
    return KITH_RTP_HEADER + unit->prefix_len + unit->payload.len;
}

static void enter_pace(kith_rtp_session *s, kith_time now, const kith_rtp_unit *unit)
{
    s->paced_count++;
    s->paced_bytes += len_of(unit);
    kith_rtp_pace_given(&s->pace, now, len_of(unit));
}

static void leave_pace(kith_rtp_session *s, const kith_rtp_unit *unit)
{
    s->paced_bytes -= len_of(unit);
    if (--s->paced_count == 0)
        kith_rtp_pace_rest(&s->pace);
}

/* Those from `first` up to `end`; what is before them moves up. */
static void drop_units(kith_rtp_session *s, kith_rtp_out *out, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        const kith_rtp_unit *unit = unit_at(out, i);
        if (is_paced(out, unit))
            leave_pace(s, unit);
        out->queued -= unit->payload.len;
        s->queued -= unit->payload.len;
        kith_block_unref(unit->block);
    }
    for (size_t i = first; i-- > 0;)
        *unit_at(out, i + end - first) = *unit_at(out, i);
    s->unit_count -= end - first;
    out->head = (out->head + end - first) & (out->cap - 1);
    out->count -= end - first;
}

static void pop_unit(kith_rtp_session *s, kith_rtp_out *out)
{
    drop_units(s, out, 0, 1);
}

void kith_rtp_drop_queue(kith_rtp_session *s, kith_rtp_out *out)
{
    if (out->count > 0)
        drop_units(s, out, 0, out->count);
    out->is_frame_begun = out->needs_key_frame = false;
}

void kith_rtp_free_out(kith_rtp_session *s, kith_rtp_out *out)
{
    kith_rtp_drop_queue(s, out);
    kith_rtp_history_deinit(&out->history);
    kith_list_remove(&out->node);
    kith_free(out->units);
    kith_free(out);
}

void kith_rtp_remove_out(kith_rtp_session *s, kith_rtp_out *out)
{
    if (out->rtx)
        kith_rtp_remove_out(s, out->rtx);
    if (out->packet_count > 0)
        kith_rtp_leave(s, out->ssrc, false);
    kith_rtp_free_out(s, out);
}

void kith_rtp_pause_out(kith_rtp_session *s, kith_rtp_out *out)
{
    if (out->rtx)
        kith_rtp_pause_out(s, out->rtx);
    kith_rtp_drop_queue(s, out);
    kith_rtp_history_deinit(&out->history);
    if (out->packet_count == 0 || out->has_said_bye)
        return;
    out->has_said_bye = true;
    kith_rtp_leave(s, out->ssrc, true);
}

uint32_t kith_rtp_out_ssrc(const kith_rtp_out *out)
{
    return out->ssrc;
}

void kith_rtp_out_announced(kith_rtp_out *out)
{
    out->is_announced = true;
    if (out->rtx)
        out->rtx->is_announced = true;
}

void kith_rtp_out_set_clock_rate(kith_rtp_out *out, uint32_t clock_rate)
{
    assert(clock_rate > 0);
    if (out->clock_rate != clock_rate)
        out->has_reference = out->is_source_ntp = false;
    out->clock_rate = clock_rate;
    if (out->rtx)
        kith_rtp_out_set_clock_rate(out->rtx, clock_rate);
}

void kith_rtp_collide(kith_rtp_session *s, kith_time now, kith_rtp_out *out)
{
    s->counters.collisions++;
    if (now - out->changed_at < CHANGE_INTERVAL || kith_rtp_leaving_reserve(s, 1) != KITH_OK)
        return;
    if (out->packet_count > 0)
        kith_rtp_leave(s, out->ssrc, false);
    out->ssrc = kith_rtp_choose_ssrc(s);
    out->changed_at = now;
    out->is_known = out->has_said_bye = false;
    /* another SSRC has a rollover counter of its own, which begins at 0 */
    out->numbers = (kith_rtp_numbers){0};
    out->key_number = 0;
    out->key_left_at = -CHANGE_INTERVAL;
    kith_rtp_out_resume(s, out);
    kith_rtp_history_deinit(&out->history);
    out->has_loss_highest = false;
    out->packet_count = out->octet_count = 0;
    out->counts_reported[0] = out->counts_reported[1] = 0;
    out->sent_reports.count = 0;
    out->has_reference = out->is_source_ntp = false;
    out->is_change_pending = out->is_announced;
    s->has_events |= out->is_announced;
}

/* ---- the queue ---- */

static kith_err grow(kith_rtp_out *out)
{
    size_t cap = out->cap > 0 ? 2 * out->cap : FIRST_UNITS;
    kith_rtp_unit *units = kith_alloc_zero(cap, sizeof *units);
    if (!units)
        return kith_fail_memory();
    for (size_t i = 0; i < out->count; i++)
        units[i] = *unit_at(out, i);
    kith_free(out->units);
    out->units = units;
    out->cap = cap;
    out->head = 0;
    return KITH_OK;
}

/* Units count too: empty ones are no way around the bound. */
#define MAX_UNITS 8192

bool kith_rtp_has_room(const kith_rtp_session *s, const kith_rtp_out *out, size_t count,
                       size_t bytes)
{
    return s->queued + bytes <= KITH_RTP_MAX_QUEUED && out->count + count <= MAX_UNITS;
}

kith_err kith_rtp_reserve(kith_rtp_session *s, kith_time now, kith_rtp_out *out, size_t count,
                          size_t bytes)
{
    if (out->breaker.pause != KITH_RTP_NOT_PAUSED)
        return kith_fail(KITH_ERR_AGAIN, "a circuit breaker stopped the stream (RFC 8083)");
    kith_rtp_drop_late(s, now, out);
    if (!kith_rtp_has_room(s, out, count, bytes))
        return kith_fail(KITH_ERR_AGAIN, "%zu bytes wait to be sent", s->queued);
    while (out->cap < out->count + count) {
        kith_err err = grow(out);
        if (err != KITH_OK)
            return err;
    }
    return KITH_OK;
}

kith_err kith_rtp_push(kith_rtp_session *s, kith_time now, kith_rtp_out *out,
                       const kith_rtp_unit *unit)
{
    assert(unit->payload_type < 128 && unit->prefix_len <= KITH_RTP_UNIT_PREFIX);
    if (unit->payload.len + unit->prefix_len > KITH_RTP_MAX_PACKET - KITH_RTP_HEADER)
        return kith_fail(KITH_ERR_RANGE, "a payload of %zu bytes does not fit into a packet",
                         unit->payload.len);
    kith_err err = kith_rtp_reserve(s, now, out, 1, unit->payload.len);
    if (err != KITH_OK)
        return err;
    kith_rtp_unit *last = unit_at(out, out->count);
    *last = *unit;
    out->needs_key_frame &= !unit->begins_key_frame;
    last->queued_at = now;
    out->count++;
    out->queued += unit->payload.len;
    s->queued += unit->payload.len;
    s->unit_count++;
    if (is_paced(out, last))
        enter_pace(s, now, last);
    return KITH_OK;
}

size_t kith_rtp_queued(const kith_rtp_out *out)
{
    return out->queued;
}

/* ---- what waits too long ---- */

/* On a connection that takes nothing what waits only grows old, and delays what comes after it. */
#define MAX_WAIT KITH_SECONDS(1)

static bool is_late(kith_time now, const kith_rtp_unit *unit)
{
    return now - unit->queued_at > MAX_WAIT;
}

/* How many of the first units are the rest of a frame that has begun to leave: without them the
 * peer would take it for whole. */
static size_t begun_units(const kith_rtp_out *out)
{
    size_t n = 0;
    if (out->kind != KITH_RTP_VIDEO || !out->is_frame_begun)
        return 0;
    while (n < out->count && unit_at(out, n)->timestamp == out->begun_timestamp)
        n++;
    return n;
}

/* Of sound each packet is for itself; a picture needs those before it, up to a key frame. */
static size_t late_end(kith_time now, const kith_rtp_out *out, size_t first)
{
    size_t end = first;
    while (end < out->count && is_late(now, unit_at(out, end)))
        end++;
    while (out->kind == KITH_RTP_VIDEO && end < out->count && !unit_at(out, end)->begins_key_frame)
        end++;
    return end;
}

void kith_rtp_drop_late(kith_rtp_session *s, kith_time now, kith_rtp_out *out)
{
    size_t first = begun_units(out);
    if (first >= out->count || !is_late(now, unit_at(out, first)))
        return;
    size_t end = late_end(now, out, first);
    out->info.dropped_waiting += end - first;
    out->is_cut = true;
    drop_units(s, out, first, end);
    if (out->kind != KITH_RTP_VIDEO || first < out->count)
        return;
    out->needs_key_frame = true;
    kith_rtp_ask_for_key_frame(s, now, out);
}

bool kith_rtp_needs_key_frame(kith_rtp_session *s, kith_time now, kith_rtp_out *out)
{
    kith_rtp_drop_late(s, now, out);
    return out->needs_key_frame;
}

/* What was dropped is missed by nobody: not sound, and not what a key frame makes needless. Of a
 * codec whose key frames are not known, the hole shows that something is missing. */
static void close_gap(kith_rtp_out *out, const kith_rtp_unit *unit)
{
    if (out->is_cut && (out->kind == KITH_RTP_AUDIO || unit->begins_key_frame))
        kith_rtp_close_gap(&out->numbers);
    out->is_cut = out->is_cut && out->is_frame_begun && unit->timestamp == out->begun_timestamp;
}

/* ---- a packet as it leaves ---- */

static size_t add_element(const kith_rtp_out *out, kith_rtp_element *elements, size_t count,
                          kith_rtp_extension_kind kind, kith_span value)
{
    uint8_t id = out->place ? out->place->extensions[kind] : 0;
    if (id == 0 || value.len == 0)
        return count;
    elements[count] = (kith_rtp_element){.id = id, .data = value};
    return count + 1;
}

static size_t elements_of(const kith_rtp_out *out, const kith_rtp_unit *unit,
                          kith_rtp_element elements[KITH_RTP_EXTENSION_COUNT])
{
    size_t n = 0;
    n = add_element(out, elements, n, KITH_RTP_EXTENSION_AUDIO_LEVEL,
                    kith_span_of(&unit->audio_level, unit->has_audio_level));
    n = add_element(out, elements, n, KITH_RTP_EXTENSION_VIDEO_ORIENTATION,
                    kith_span_of(&unit->video_orientation, unit->has_video_orientation));
    return add_element(out, elements, n, KITH_RTP_EXTENSION_PLAYOUT_DELAY,
                       kith_span_of(unit->playout_delay, unit->has_playout_delay ? 3 : 0));
}

/* With the MID until the peer has shown that it knows the SSRC (RFC 9143 section 15). Where the
 * packet would be too long the MID is left out, then the time, then the others: kith_rtp_push left
 * room for the rest. */
size_t kith_rtp_write_packet(const kith_rtp_session *s, kith_time now, const kith_rtp_out *out,
                             const kith_rtp_leaving *leaving, uint8_t *buf)
{
    (void)s;
    const kith_rtp_unit *unit = leaving->unit;
    kith_rtp_element elements[KITH_RTP_EXTENSION_COUNT];
    uint8_t time[3];
    kith_rtp_write_abs_send_time(time, now);
    size_t count = elements_of(out, unit, elements);
    size_t with_time = add_element(out, elements, count, KITH_RTP_EXTENSION_ABS_SEND_TIME,
                                   kith_span_of(time, sizeof time));
    size_t with_mid = with_time;
    if (!out->is_known)
        with_mid = add_element(out, elements, with_time, KITH_RTP_EXTENSION_MID,
                               kith_span_of(out->mid, out->mid_len));
    kith_rtp_start start = {.ssrc = out->ssrc,
                            .timestamp = leaving->timestamp,
                            .sequence_number = (uint16_t)leaving->number,
                            .payload_type = leaving->payload_type,
                            .marker = unit->marker,
                            .elements = elements};
    const size_t counts[] = {with_mid, with_time, count, 0};
    kith_writer w = {0};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        start.element_count = counts[i];
        w = kith_wr(buf, KITH_RTP_MAX_PACKET);
        kith_rtp_write_start(&w, &start);
        if (leaving->has_osn)
            kith_wr_u16(&w, leaving->osn);
        kith_wr_bytes(&w, unit->prefix, unit->prefix_len);
        kith_wr_span(&w, unit->payload);
        if (!w.bad)
            break;
    }
    assert(!w.bad);
    return w.len;
}

/* Of the packets in order only: another one would let the clock run back (and jitter into it). */
void kith_rtp_refer(const kith_rtp_session *s, kith_rtp_out *out, const kith_rtp_unit *unit,
                    uint32_t timestamp)
{
    if (out->is_source_ntp)
        return;
    out->has_reference = true;
    out->reference_at = unit->captured_at;
    out->reference_ntp = kith_rtp_ntp(s, unit->captured_at);
    out->reference_timestamp = timestamp;
}

void kith_rtp_count_sent(kith_rtp_session *s, kith_rtp_out *out, size_t payload, size_t len)
{
    if (out->packet_count == 0 || out->has_said_bye)
        kith_rtp_note_new(s, out);
    out->has_said_bye = false;
    out->packet_count++;
    out->octet_count += (uint32_t)payload;
    out->info.packets_sent++;
    out->info.bytes_sent += payload;
    out->info.header_bytes_sent += len - payload;
    kith_rtp_note_bytes(&s->schedule.sent, len);
    s->loss.sent += len;
    s->loss.packets++;
}

/* The first unit of the stream as a packet; 0: it was dropped. */
static size_t send_unit(kith_rtp_session *s, kith_time now, kith_rtp_out *out, uint8_t *buf)
{
    const kith_rtp_unit *unit = unit_at(out, 0);
    uint32_t offset_before = out->numbers.timestamp_offset;
    close_gap(out, unit);
    kith_rtp_leaving leaving = {.unit = unit, .payload_type = unit->payload_type};
    kith_rtp_place_in_order order = kith_rtp_number(&out->numbers, now, out->clock_rate, unit,
                                                    &leaving.number, &leaving.timestamp);
    if (order == KITH_RTP_DOUBLED || order == KITH_RTP_TOO_LATE) {
        out->info.dropped_doubled += order == KITH_RTP_DOUBLED;
        out->info.dropped_late += order == KITH_RTP_TOO_LATE;
        return 0;
    }
    /* another source, another clock */
    if (out->numbers.timestamp_offset != offset_before)
        out->has_reference = out->is_source_ntp = false;
    size_t len = kith_rtp_write_packet(s, now, out, &leaving, buf);
    if (order == KITH_RTP_IN_ORDER)
        kith_rtp_refer(s, out, unit, leaving.timestamp);
    if (unit->begins_key_frame)
        kith_rtp_note_key_frame(out, now, leaving.number);
    out->is_frame_begun = !unit->marker;
    out->begun_timestamp = unit->timestamp;
    out->info.payload_type = unit->payload_type;
    /* `now` may be that of a turn in which it was queued */
    out->info.packet_send_delay += now > unit->queued_at ? now - unit->queued_at : 0;
    out->info.frames_sent += unit->marker;
    out->info.key_frames_sent += unit->begins_key_frame;
    kith_rtp_count_sent(s, out, unit->payload.len + unit->prefix_len, len);
    kith_rtp_keep(s, now, out, unit, leaving.number, leaving.timestamp);
    kith_rtp_breaker_sent(s, now);
    kith_rtp_start_reports(s, now);
    return len;
}

static bool may_leave(kith_rtp_session *s, kith_time now, kith_rtp_out *out)
{
    return !is_paced(out, unit_at(out, 0)) || kith_rtp_pace_allows(&s->pace, now, s->paced_bytes);
}

static size_t send_of(kith_rtp_session *s, kith_time now, kith_rtp_kind kind, uint8_t *buf)
{
    KITH_RTP_EACH_OUT(s, out) {
        if (out->kind == kind && out->count > 0)
            kith_rtp_drop_late(s, now, out);
        while (out->kind == kind && out->count > 0 && may_leave(s, now, out)) {
            bool is_counted = is_paced(out, unit_at(out, 0));
            size_t len = send_unit(s, now, out, buf);
            pop_unit(s, out);
            if (is_counted)
                kith_rtp_pace_sent(&s->pace, len);
            if (len > 0)
                return len;
        }
    }
    return 0;
}

kith_time kith_rtp_compose_deadline(const kith_rtp_session *s)
{
    if (s->unit_count == 0)
        return KITH_NEVER;
    KITH_RTP_EACH_OUT(s, out)
        if (out->count > 0 && !is_paced(out, unit_at(out, 0)))
            return 0;
    return kith_rtp_pace_deadline(&s->pace);
}

/* What others wait for goes before what is new. */
size_t kith_rtp_compose(kith_rtp_session *s, kith_time now, uint8_t *buf)
{
    size_t len = s->unit_count > 0 ? send_of(s, now, KITH_RTP_AUDIO, buf) : 0;
    if (len == 0)
        len = kith_rtp_breaker_probe(s, now, buf);
    if (len == 0)
        len = kith_rtp_resend(s, now, buf);
    return len > 0 || s->unit_count == 0 ? len : send_of(s, now, KITH_RTP_VIDEO, buf);
}

/* ---- questions ---- */

void kith_rtp_set_ntp(kith_rtp_out *out, uint64_t ntp, uint32_t rtp_timestamp, kith_time at)
{
    if (!out->numbers.is_started)
        return;
    out->has_reference = out->is_source_ntp = true;
    out->reference_at = at;
    out->reference_ntp = ntp;
    out->reference_timestamp = rtp_timestamp + out->numbers.timestamp_offset;
}

void kith_rtp_out_get_info(const kith_rtp_out *out, kith_rtp_out_info *info)
{
    *info = out->info;
    info->ssrc = out->ssrc;
    info->clock_rate = out->clock_rate;
    info->rtx_ssrc = kith_rtp_out_rtx_ssrc(out);
    info->pause = out->breaker.pause;
    if (!out->rtx)
        return;
    info->packets_sent += out->info.retransmitted_packets_sent;
    info->bytes_sent += out->info.retransmitted_bytes_sent;
    info->header_bytes_sent += out->rtx->info.header_bytes_sent;
}
