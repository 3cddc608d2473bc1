/* The session: its life, the order of what it does, and what its owner gets to know. */
#include "rtp/rtp.h"

#include <assert.h>
#include <string.h>

#include "base/block.h"
#include "base/error.h"
#include "base/memory.h"
#include "crypto/random.h"
#include "rtp/session.h"

uint64_t kith_rtp_ntp_interval(kith_time time)
{
    uint64_t us = (uint64_t)time;
    return (us / 1000000 << 32) + ((us % 1000000 << 32) / 1000000);
}

uint64_t kith_rtp_ntp(const kith_rtp_session *s, kith_time at)
{
    return s->ntp_origin + kith_rtp_ntp_interval(at);
}

kith_err kith_rtp_new(kith_rtp_session **out, const kith_rtp_config *config)
{
    size_t cname_len = strlen(config->cname);
    assert(cname_len > 0 && cname_len <= KITH_RTP_MAX_CNAME && config->ssrcs);
    kith_rtp_session *s = kith_alloc_zero(1, sizeof *s);
    if (!s)
        return kith_fail_memory();
    uint64_t seed[2] = {kith_random_u64(), kith_random_u64()};
    memcpy(s->cname, config->cname, cname_len);
    s->ssrcs = config->ssrcs;
    s->ntp_origin = config->ntp_origin;
    s->ignore_rtcp_timeout = config->ignore_rtcp_timeout;
    kith_rtp_schedule_init(&s->schedule);
    s->ssrc_changed_at = -KITH_SECONDS(3600);
    kith_map_init(&s->ins, seed);
    kith_list_init(&s->all_ins);
    kith_list_init(&s->outs);
    kith_list_init(&s->waiting);
    kith_list_init(&s->ready);
    kith_rtp_forget_estimate(s);
    kith_rtp_pace_init(&s->pace);
    s->ssrc = kith_rtp_choose_ssrc(s);
    *out = s;
    return KITH_OK;
}

static kith_packet *take_packet(kith_list *list)
{
    kith_list_node *node = kith_list_take(list);
    return node ? KITH_OWNER(node, kith_packet, node) : NULL;
}

static void drop_packets(kith_list *list)
{
    for (kith_packet *packet; (packet = take_packet(list));)
        kith_block_unref(packet);
}

void kith_rtp_free(kith_rtp_session *s)
{
    if (!s)
        return;
    drop_packets(&s->waiting);
    drop_packets(&s->ready);
    KITH_LIST_EACH(&s->all_ins, node)
        kith_rtp_forget_in(s, kith_rtp_in_of(node));
    for (kith_rtp_out *out; (out = kith_rtp_first_out(s));)
        kith_rtp_free_out(s, out);
    kith_map_deinit(&s->ins);
    kith_rtp_leaving_deinit(s);
    kith_rtp_places_deinit(&s->places);
    kith_free(s);
}

void kith_rtp_set_rtt(kith_rtp_session *s, kith_time rtt)
{
    s->ice_rtt = rtt;
}

kith_time kith_rtp_rtt(const kith_rtp_session *s)
{
    return s->rtt > 0 ? s->rtt : s->ice_rtt;
}

/* ---- packets ---- */

/* A packet of a pending section: the oldest make room. */
static void keep_waiting(kith_rtp_session *s, kith_packet *packet)
{
    kith_list_append(&s->waiting, &packet->node);
    s->waiting_bytes += packet->len;
    while (s->waiting_bytes > KITH_RTP_MAX_WAITING) {
        kith_packet *oldest = take_packet(&s->waiting);
        s->waiting_bytes -= oldest->len;
        s->counters.waited_too_long++;
        kith_block_unref(oldest);
    }
}

static void make_ready(kith_rtp_session *s, kith_packet *packet)
{
    if (s->ready_count == KITH_RTP_MAX_READY) {
        kith_block_unref(take_packet(&s->ready));
        s->ready_count--;
        s->counters.not_taken++;
    }
    kith_list_append(&s->ready, &packet->node);
    s->ready_count++;
    s->has_events = true;
}

static void read_extension(kith_packet *packet, kith_rtp_extension_kind kind, kith_span value,
                           kith_span *mid)
{
    switch (kind) {
    case KITH_RTP_EXTENSION_MID:
        *mid = value;
        break;
    case KITH_RTP_EXTENSION_AUDIO_LEVEL:
        packet->has_audio_level = kith_rtp_read_audio_level(&packet->audio_level, value);
        break;
    case KITH_RTP_EXTENSION_VIDEO_ORIENTATION:
        packet->has_video_orientation =
            kith_rtp_read_video_orientation(&packet->video_orientation, value);
        break;
    case KITH_RTP_EXTENSION_PLAYOUT_DELAY:
        packet->has_playout_delay = kith_rtp_read_playout_delay(&packet->playout_delay, value);
        break;
    case KITH_RTP_EXTENSION_TRANSPORT_CC:
        packet->has_transport_cc = kith_rtp_read_transport_cc(&packet->transport_cc, value);
        break;
    case KITH_RTP_EXTENSION_ABS_SEND_TIME:
    case KITH_RTP_EXTENSION_COUNT:
        break;
    }
}

/* Gives the MID, empty where there is none. */
static kith_span read_extensions(const kith_rtp_session *s, kith_packet *packet)
{
    kith_span mid = kith_span_of(NULL, 0);
    kith_rtp_elements elements = kith_rtp_elements_of(&packet->header, kith_packet_bytes(packet));
    kith_rtp_element element;
    packet->has_audio_level = packet->has_video_orientation = packet->has_playout_delay = false;
    packet->has_transport_cc = false;
    while (kith_rtp_next_element(&elements, &element))
        read_extension(packet, (kith_rtp_extension_kind)s->places.kind_of_id[element.id],
                       element.data, &mid);
    return mid;
}

/* The stream's list grew: those that were not used for longest make room. What they miss is asked
 * for no more, and ends in a key frame. */
static void bound_lists(kith_rtp_session *s, const kith_rtp_in *grown)
{
    for (;;) {
        size_t listed = 0;
        kith_rtp_in *oldest = NULL;
        KITH_RTP_EACH_IN(s, in) {
            listed += in->nack.cap;
            if (in != grown && in->nack.cap > 0 && (!oldest || in->used_at < oldest->used_at))
                oldest = in;
        }
        if (listed <= KITH_RTP_MAX_LISTED || !oldest)
            return;
        kith_rtp_nack_deinit(&oldest->nack);
        kith_rtp_nack_init(&oldest->nack);
    }
}

/* What a jump means is decided by the packet after it. False: it came already, sent again. */
static bool look_for_missing(kith_rtp_session *s, kith_time now, kith_rtp_in *in,
                             const kith_packet *packet)
{
    if (!in->place->takes_nack || in->after_jump > 0)
        return true;
    if (!packet->begins_stream && kith_rtp_nack_has(&in->nack, packet->number)) {
        s->counters.not_missing++;
        return false;
    }
    const kith_rtp_came came = kith_rtp_came_of(in, packet);
    size_t listed = in->nack.cap;
    if (!kith_rtp_nack_came(&in->nack, now, &came))
        kith_rtp_request_key_frame(s, in->ssrc);
    if (in->nack.cap > listed)
        bound_lists(s, in);
    return true;
}

static void deliver(kith_rtp_session *s, kith_time now, kith_packet *packet)
{
    bool is_waiting;
    kith_span mid = read_extensions(s, packet);
    /* before it is known whose it is: senders probe on SSRCs that are nobody's */
    if (packet->has_transport_cc)
        kith_rtp_note_arrival(s, packet);
    kith_rtp_in *in = kith_rtp_demux(s, packet, mid, &is_waiting);
    if (is_waiting) {
        keep_waiting(s, packet);
        return;
    }
    if (!in) {
        kith_block_unref(packet);
        return;
    }
    packet->rtx_ssrc = 0;
    kith_rtp_in_count(in, packet);
    bool is_new = in->info.is_rtx ? kith_rtp_restore(s, now, in, packet)
                                  : look_for_missing(s, now, in, packet);
    if (!is_new) {
        kith_block_unref(packet);
        return;
    }
    make_ready(s, packet);
}

/* An SSRC of ours in a packet of theirs: what we sent came back, or theirs is the same. Then ours
 * changes, and theirs is theirs. */
static bool is_looped(kith_rtp_session *s, kith_time now, const kith_packet *packet)
{
    kith_rtp_out *out = kith_rtp_find_out(s, packet->header.ssrc);
    if (packet->header.ssrc == s->ssrc)
        kith_rtp_change_reporter(s, now);
    if (!out)
        return false;
    if (!kith_rtp_has_sent(&out->numbers, packet->header.sequence_number))
        kith_rtp_collide(s, now, out);
    return out->ssrc == packet->header.ssrc;
}

void kith_rtp_input(kith_rtp_session *s, kith_time now, kith_packet *packet)
{
    kith_rtp_tick(s, now);
    packet->node = (kith_list_node){0};
    bool is_malformed = !kith_rtp_parse_header(&packet->header, kith_packet_bytes(packet));
    bool is_dropped = is_malformed || is_looped(s, now, packet);
    s->counters.malformed += is_malformed;
    s->counters.looped += !is_malformed && is_dropped;
    if (is_dropped) {
        kith_block_unref(packet);
        return;
    }
    kith_rtp_start_reports(s, now);
    kith_rtp_note_received(s, packet->len);
    deliver(s, now, packet);
}

/* ---- time ---- */

/* After the sections changed: what waited may be somebody's now, or nobody's. */
static void settle(kith_rtp_session *s, kith_time now)
{
    s->is_resettled = false;
    if (kith_rtp_place_of_ssrc(&s->places, s->ssrc))
        kith_rtp_change_reporter(s, now);
    KITH_RTP_EACH_OUT(s, out)
        if (kith_rtp_place_of_ssrc(&s->places, out->ssrc))
            kith_rtp_collide(s, now, out);
    kith_list old;
    kith_list_init(&old);
    for (kith_packet *packet; (packet = take_packet(&s->waiting));)
        kith_list_append(&old, &packet->node);
    s->waiting_bytes = 0;
    for (kith_packet *packet; (packet = take_packet(&old));)
        deliver(s, now, packet);
}

static kith_packet *first_waiting(const kith_rtp_session *s)
{
    kith_list_node *node = kith_list_first(&s->waiting);
    return node ? KITH_OWNER(node, kith_packet, node) : NULL;
}

static void expire(kith_rtp_session *s, kith_time now)
{
    for (kith_packet *first;
         (first = first_waiting(s)) && now - first->received_at >= KITH_RTP_WAITING_TIME;) {
        kith_list_remove(&first->node);
        s->waiting_bytes -= first->len;
        s->counters.waited_too_long++;
        kith_block_unref(first);
    }
}

void kith_rtp_tick(kith_rtp_session *s, kith_time now)
{
    if (s->is_resettled)
        settle(s, now);
    expire(s, now);
    kith_rtp_tell_requests(s, now);
    kith_rtp_breaker_tick(s);
}

size_t kith_rtp_output(kith_rtp_session *s, kith_time now, uint8_t *buf, size_t cap)
{
    assert(cap >= KITH_RTP_MAX_PACKET);
    kith_rtp_tick(s, now);
    size_t len = kith_rtp_write_rtcp(s, now, buf);
    return len > 0 ? len : kith_rtp_compose(s, now, buf);
}

kith_time kith_rtp_deadline_of_tick(const kith_rtp_session *s)
{
    kith_time at = s->is_resettled ? 0 : KITH_NEVER;
    const kith_packet *first = first_waiting(s);
    if (first)
        at = kith_rtp_earlier(at, first->received_at + KITH_RTP_WAITING_TIME);
    KITH_RTP_EACH_OUT(s, out)
        at = kith_rtp_earlier(at, out->request_due_at);
    return at;
}

kith_time kith_rtp_deadline(const kith_rtp_session *s)
{
    if (s->kept.wanted > 0)
        return 0;
    kith_time at = kith_rtp_earlier(kith_rtp_rtcp_deadline(s), kith_rtp_compose_deadline(s));
    at = kith_rtp_earlier(at, kith_rtp_deadline_of_tick(s));
    KITH_RTP_EACH_OUT(s, out)
        at = kith_rtp_earlier(at, kith_rtp_breaker_deadline(out));
    return at;
}

/* ---- events ---- */

static bool take(bool *is_pending)
{
    bool was = *is_pending;
    *is_pending = false;
    return was;
}

static bool next_of_in(kith_rtp_session *s, kith_rtp_event *ev)
{
    KITH_RTP_EACH_IN(s, in) {
        if (take(&in->is_report_pending))
            ev->type = KITH_RTP_EV_SENDER_REPORT;
        else if (take(&in->is_bye_pending))
            ev->type = KITH_RTP_EV_BYE;
        else
            continue;
        ev->ssrc = in->ssrc;
        ev->user = in->place->user;
        return true;
    }
    return false;
}

static bool next_of_out(kith_rtp_session *s, kith_rtp_event *ev)
{
    KITH_RTP_EACH_OUT(s, out) {
        if (take(&out->is_change_pending))
            ev->type = KITH_RTP_EV_SSRC_CHANGED;
        else if (take(&out->is_pause_pending))
            ev->type = KITH_RTP_EV_PAUSE;
        else if (take(&out->is_request_pending))
            ev->type = KITH_RTP_EV_KEY_FRAME_REQUEST;
        else if (take(&out->is_report_pending))
            ev->type = KITH_RTP_EV_REPORT;
        else
            continue;
        ev->out = out;
        ev->user = out->user;
        return true;
    }
    return false;
}

/* A stream may have gone while its packets waited to be asked for: then they are nobody's. */
static bool next_packet(kith_rtp_session *s, kith_rtp_event *ev)
{
    for (kith_packet *packet; (packet = take_packet(&s->ready));) {
        s->ready_count--;
        const kith_rtp_in *in = kith_rtp_find_in(s, packet->header.ssrc);
        if (!in) {
            s->counters.not_taken++;
            kith_block_unref(packet);
            continue;
        }
        ev->type = KITH_RTP_EV_PACKET;
        ev->packet = packet;
        ev->ssrc = in->ssrc;
        ev->user = in->place->user;
        return true;
    }
    return false;
}

static bool next_ended(kith_rtp_session *s, kith_rtp_event *ev)
{
    ev->type = KITH_RTP_EV_ENDED;
    return kith_rtp_tell_ended(s, &ev->ssrc);
}

static bool next_estimate(kith_rtp_session *s, kith_rtp_event *ev)
{
    if (!take(&s->is_estimate_pending))
        return false;
    ev->type = KITH_RTP_EV_ESTIMATE;
    ev->bitrate = kith_rtp_estimate(s);
    return true;
}

/* Packets first: a BYE comes behind what was sent before it. */
bool kith_rtp_event_next(kith_rtp_session *s, kith_rtp_event *ev)
{
    if (!s->has_events)
        return false;
    *ev = (kith_rtp_event){0};
    s->has_events = next_packet(s, ev) || next_of_in(s, ev) || next_of_out(s, ev) ||
                    next_estimate(s, ev) || next_ended(s, ev);
    return s->has_events;
}

/* ---- questions ---- */

static void describe(const kith_rtp_in *in, kith_rtp_in_info *info)
{
    *info = in->info;
    info->ssrc = in->ssrc;
    info->user = in->place->user;
    info->kind = in->place->kind;
    info->clock_rate = in->clock_rate;
    info->packets_lost = kith_rtp_in_lost(in);
    info->jitter = in->jitter >> 4;
}

bool kith_rtp_in_at(const kith_rtp_session *s, size_t index, kith_rtp_in_info *info)
{
    KITH_RTP_EACH_IN(s, in)
        if (index-- == 0) {
            describe(in, info);
            return true;
        }
    return false;
}

bool kith_rtp_in_find(const kith_rtp_session *s, uint32_t ssrc, kith_rtp_in_info *info)
{
    const kith_rtp_in *in = kith_rtp_find_in(s, ssrc);
    if (in)
        describe(in, info);
    return in;
}

const kith_rtp_counters *kith_rtp_get_counters(const kith_rtp_session *s)
{
    return &s->counters;
}
