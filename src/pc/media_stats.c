/* Audio and video in a report: what the streams of one transport count themselves (src/rtp), and
 * what the peer reported of them. */
#include "pc/endpoint.h"
#include "pc/media.h"
#include "pc/stats.h"

/* Of a stream's entries. */
typedef struct stream {
    const kith_transport *transport;
    const kith_transceiver *transceiver;
    uint32_t ssrc;
    /* NULL: no packet said which */
    const char *codec_id;
} stream;

static double seconds(kith_time time)
{
    return (double)time / 1e6;
}

/* Of RTP timestamps. */
static double seconds_of(uint32_t ticks, uint32_t clock_rate)
{
    return clock_rate > 0 ? (double)ticks / clock_rate : 0;
}

/* Seconds since 1900 in 32.32 bits as milliseconds since 1970. */
static double ntp_timestamp(uint64_t ntp)
{
    return (double)(ntp >> 32) * 1000 - KITH_NTP_TO_UNIX_SECONDS * 1000.0 +
           (double)(ntp & UINT32_MAX) * 1000 / 4294967296.0;
}

/* -1 of audio. */
static int64_t of_video(const kith_transceiver *t, uint64_t count)
{
    return t->kind == KITH_VIDEO ? (int64_t)count : -1;
}

/* Chromium's form: a direction, the transport, a kind, an SSRC. */
static const char *stream_id(kith_stats_report *report, const char *prefix, const stream *s)
{
    return kith_arena_print(&report->arena, "%sT%u%c%u", prefix, s->transport->number,
                            s->transceiver->kind == KITH_AUDIO ? 'A' : 'V', s->ssrc);
}

/* webrtc-stats section 6.3: a codec that is used both ways has two entries. */
static const char *add_codec(kith_stats_report *report, const kith_transport *t, const char *prefix,
                             const kith_negotiated_list *codecs, uint8_t payload_type)
{
    const kith_rtp_codec *codec = NULL;
    for (size_t i = 0; i < codecs->count; i++)
        if (codecs->items[i].codec.payload_type == payload_type)
            codec = &codecs->items[i].codec;
    const char *id =
        kith_arena_print(&report->arena, "%sT%u_%u", prefix, t->number, (unsigned)payload_type);
    if (!codec || !id || kith_stats_report_get(report, id))
        return codec ? id : NULL;
    kith_stats *entry = kith_stats_add(report, t->pc, KITH_STATS_CODEC, id);
    if (!entry)
        return NULL;
    entry->codec = (kith_codec_stats){
        .transport_id = kith_stats_transport_id(report, t),
        .payload_type = payload_type,
        .mime_type = codec->mime_type,
        .clock_rate = codec->clock_rate,
        .channels = codec->channels,
        .sdp_fmtp_line = kith_stats_keep(report, codec->sdp_fmtp_line),
    };
    return id;
}

/* ---- received ---- */

static void add_remote_outbound(kith_stats_report *report, const stream *s,
                                const kith_rtp_in_info *info)
{
    kith_stats *entry = kith_stats_add(report, s->transport->pc, KITH_STATS_REMOTE_OUTBOUND_RTP,
                                       stream_id(report, "RO", s));
    if (!entry)
        return;
    entry->timestamp = kith_stats_timestamp(s->transport->pc, info->report_received_at);
    entry->remote_outbound_rtp = (kith_remote_outbound_rtp_stats){
        .ssrc = s->ssrc,
        .kind = kith_media_kind_name(s->transceiver->kind),
        .transport_id = kith_stats_transport_id(report, s->transport),
        .codec_id = s->codec_id,
        .packets_sent = info->remote_packets_sent,
        .bytes_sent = info->remote_bytes_sent,
        .local_id = stream_id(report, "I", s),
        .remote_timestamp = ntp_timestamp(info->remote_ntp),
        .reports_sent = info->reports_received,
        .round_trip_time = seconds(info->round_trip_time),
        .total_round_trip_time = seconds(info->total_round_trip_time),
        .round_trip_time_measurements = info->round_trip_time_measurements,
    };
}

/* What came of the packets of the stream that the receiver follows. */
static void add_frames(kith_inbound_rtp_stats *in, const kith_receiver *receiver)
{
    in->frames_received = in->packets_discarded = in->frames_dropped =
        in->frames_assembled_from_multiple_packets = -1;
    if (!receiver->assembler || !receiver->has_ssrc || receiver->ssrc != in->ssrc)
        return;
    const kith_assembler_counters *counters = kith_assembler_get_counters(receiver->assembler);
    bool is_video = receiver->transceiver->kind == KITH_VIDEO;
    in->packets_discarded = (int64_t)(counters->late + (is_video ? 0 : receiver->not_taken));
    in->frames_received = of_video(receiver->transceiver, counters->frames);
    in->frames_dropped =
        of_video(receiver->transceiver, counters->dropped_frames + receiver->not_taken);
    in->frames_assembled_from_multiple_packets =
        of_video(receiver->transceiver, counters->assembled_frames);
    in->total_assembly_time = seconds(counters->assembly_time);
    uint16_t width, height;
    kith_assembler_get_size(receiver->assembler, &width, &height);
    in->frame_width = width;
    in->frame_height = height;
}

static void add_inbound(kith_stats_report *report, const stream *s, const kith_rtp_in_info *info)
{
    const kith_transceiver *t = s->transceiver;
    kith_stats *entry =
        kith_stats_add(report, t->pc, KITH_STATS_INBOUND_RTP, stream_id(report, "I", s));
    if (!entry)
        return;
    entry->inbound_rtp = (kith_inbound_rtp_stats){
        .ssrc = s->ssrc,
        .kind = kith_media_kind_name(t->kind),
        .transport_id = kith_stats_transport_id(report, s->transport),
        .codec_id = s->codec_id,
        .packets_received = info->packets_received,
        .packets_lost = info->packets_lost,
        .jitter = seconds_of(info->jitter, info->clock_rate),
        .track_identifier = kith_stats_keep(report, kith_receiver_track_id(&t->receiver)),
        .mid = kith_stats_keep(report, kith_transceiver_mid(t)),
        .remote_id = info->reports_received > 0 ? stream_id(report, "RO", s) : NULL,
        .bytes_received = info->bytes_received,
        .header_bytes_received = info->header_bytes_received,
        .last_packet_received_timestamp =
            kith_stats_timestamp(t->pc, info->last_packet_received_at),
        .fir_count = of_video(t, info->fir_count),
        .pli_count = of_video(t, info->pli_count),
        .nack_count = (uint32_t)info->nack_count,
        .retransmitted_packets_received =
            info->rtx_ssrc != 0 ? (int64_t)info->retransmitted_packets_received : -1,
        .retransmitted_bytes_received =
            info->rtx_ssrc != 0 ? (int64_t)info->retransmitted_bytes_received : -1,
        .rtx_ssrc = info->rtx_ssrc,
    };
    add_frames(&entry->inbound_rtp, &t->receiver);
    if (info->reports_received > 0)
        add_remote_outbound(report, s, info);
}

static void add_received(kith_stats_report *report, const kith_transport *transport)
{
    kith_rtp_in_info info;
    for (size_t i = 0; kith_rtp_in_at(transport->media->rtp, i, &info); i++) {
        const kith_transceiver *t =
            kith_transceivers_find(transport->pc, (size_t)(uintptr_t)info.user);
        if (!t || info.is_rtx || info.packets_received == 0)
            continue;
        const stream s = {
            .transport = transport,
            .transceiver = t,
            .ssrc = info.ssrc,
            .codec_id = add_codec(report, transport, "CI", &t->receiver.codecs, info.payload_type)};
        add_inbound(report, &s, &info);
    }
}

/* ---- sent ---- */

static const char *source_id(kith_stats_report *report, const kith_transceiver *t)
{
    return kith_arena_print(&report->arena, "S%c%u", t->kind == KITH_AUDIO ? 'A' : 'V', t->number);
}

static void add_source(kith_stats_report *report, const kith_transceiver *t)
{
    kith_stats *entry =
        kith_stats_add(report, t->pc, KITH_STATS_MEDIA_SOURCE, source_id(report, t));
    if (!entry)
        return;
    entry->media_source = (kith_media_source_stats){
        .track_identifier = kith_stats_keep(report, t->sender.track_id),
        .kind = kith_media_kind_name(t->kind),
        .frames = t->sender.frames > 0 ? of_video(t, t->sender.frames) : -1,
    };
}

static void add_remote_inbound(kith_stats_report *report, const stream *s,
                               const kith_rtp_out_info *info)
{
    kith_stats *entry = kith_stats_add(report, s->transport->pc, KITH_STATS_REMOTE_INBOUND_RTP,
                                       stream_id(report, "RI", s));
    if (!entry)
        return;
    entry->timestamp = kith_stats_timestamp(s->transport->pc, info->report_received_at);
    entry->remote_inbound_rtp = (kith_remote_inbound_rtp_stats){
        .ssrc = s->ssrc,
        .kind = kith_media_kind_name(s->transceiver->kind),
        .transport_id = kith_stats_transport_id(report, s->transport),
        .codec_id = s->codec_id,
        .packets_lost = info->remote_packets_lost,
        .jitter = seconds_of(info->remote_jitter, info->clock_rate),
        .local_id = stream_id(report, "O", s),
        .round_trip_time = seconds(info->round_trip_time),
        .total_round_trip_time = seconds(info->total_round_trip_time),
        .fraction_lost = info->remote_fraction_lost / 256.0,
        .round_trip_time_measurements = info->round_trip_time_measurements,
    };
}

/* webrtc-stats has no name for it. */
static const char *breaker_name(kith_rtp_pause pause)
{
    static const char *const names[] = {NULL, "rtcpTimeout", "mediaTimeout", "congestion"};
    return names[pause];
}

static void add_outbound(kith_stats_report *report, const stream *s, const kith_rtp_out_info *info)
{
    const kith_transceiver *t = s->transceiver;
    kith_stats *entry =
        kith_stats_add(report, t->pc, KITH_STATS_OUTBOUND_RTP, stream_id(report, "O", s));
    if (!entry)
        return;
    entry->outbound_rtp = (kith_outbound_rtp_stats){
        .ssrc = s->ssrc,
        .kind = kith_media_kind_name(t->kind),
        .transport_id = kith_stats_transport_id(report, s->transport),
        .codec_id = s->codec_id,
        .packets_sent = info->packets_sent,
        .bytes_sent = info->bytes_sent,
        .mid = kith_stats_keep(report, kith_transceiver_mid(t)),
        .media_source_id = t->sender.has_track ? source_id(report, t) : NULL,
        .remote_id = info->reports_received > 0 ? stream_id(report, "RI", s) : NULL,
        .header_bytes_sent = info->header_bytes_sent,
        .frames_sent = of_video(t, info->frames_sent),
        .key_frames_encoded = of_video(t, info->key_frames_sent),
        .frames_encoded = t->sender.frames > 0 ? of_video(t, t->sender.frames) : -1,
        .huge_frames_sent = t->sender.frames > 0 ? of_video(t, t->sender.huge_frames) : -1,
        .total_packet_send_delay = seconds(info->packet_send_delay),
        .nack_count = (uint32_t)info->nack_count,
        .fir_count = of_video(t, info->fir_count),
        .pli_count = of_video(t, info->pli_count),
        .retransmitted_packets_sent = info->retransmitted_packets_sent,
        .retransmitted_bytes_sent = info->retransmitted_bytes_sent,
        .rtx_ssrc = info->rtx_ssrc,
        .active = t->sender.is_ready,
        .circuit_breaker = breaker_name(info->pause),
        .target_bitrate = (double)kith_sender_target_bitrate(&t->sender),
    };
    if (info->reports_received > 0)
        add_remote_inbound(report, s, info);
}

static void add_sent(kith_stats_report *report, const kith_transport *transport,
                     const kith_transceiver *t)
{
    if (t->sender.has_track)
        add_source(report, t);
    if (!t->sender.out)
        return;
    kith_rtp_out_info info;
    kith_rtp_out_get_info(t->sender.out, &info);
    stream s = {.transport = transport, .transceiver = t, .ssrc = info.ssrc};
    if (info.packets_sent > 0)
        s.codec_id = add_codec(report, transport, "CO", &t->sender.codecs, info.payload_type);
    add_outbound(report, &s, &info);
}

void kith_stats_add_media(kith_stats_report *report, const kith_transport *transport)
{
    add_received(report, transport);
    KITH_LIST_EACH(&transport->pc->transceivers.all, node)
        add_sent(report, transport, KITH_OWNER(node, kith_transceiver, in_pc));
}
