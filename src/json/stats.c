/* Statistics as JSON: one table row per member of webrtc-stats. What is unknown is left out, as
 * in the browser. */
#include "json/stats.h"

#include <string.h>

#include "base/error.h"
#include "json/write.h"
#include "kith/json.h"

typedef enum member_kind {
    /* const char *; NULL: unknown */
    TEXT,
    /* bool */
    FLAG,
    /* uint16_t */
    U16,
    /* uint32_t */
    U32,
    /* uint64_t */
    U64,
    /* int; -1: unknown */
    ID,
    /* int64_t */
    I64,
    /* int64_t; -1: unknown */
    COUNT,
    /* uint8_t */
    U8,
    /* uint16_t and uint32_t; 0: unknown */
    KNOWN_U16,
    KNOWN_U32,
    /* double */
    REAL,
    /* double; 0: unknown */
    KNOWN_REAL
} member_kind;

typedef struct member {
    kith_stats_type type;
    member_kind kind;
    const char *name;
    size_t offset;
} member;

#define PC(field)   offsetof(kith_stats, peer_connection.field)
#define T(field)    offsetof(kith_stats, transport.field)
#define PAIR(field) offsetof(kith_stats, candidate_pair.field)
#define CAND(field) offsetof(kith_stats, candidate.field)
#define CERT(field) offsetof(kith_stats, certificate.field)
#define DC(field)   offsetof(kith_stats, data_channel.field)
#define COD(field)  offsetof(kith_stats, codec.field)
#define IN(field)   offsetof(kith_stats, inbound_rtp.field)
#define OUT(field)  offsetof(kith_stats, outbound_rtp.field)
#define RIN(field)  offsetof(kith_stats, remote_inbound_rtp.field)
#define ROUT(field) offsetof(kith_stats, remote_outbound_rtp.field)
#define SRC(field)  offsetof(kith_stats, media_source.field)

/* Remote candidates have the members of local ones. In the order of the specification. */
static const member members[] = {
    {KITH_STATS_PEER_CONNECTION, U32, "dataChannelsOpened", PC(data_channels_opened)},
    {KITH_STATS_PEER_CONNECTION, U32, "dataChannelsClosed", PC(data_channels_closed)},

    {KITH_STATS_TRANSPORT, U64, "packetsSent", T(packets_sent)},
    {KITH_STATS_TRANSPORT, U64, "packetsReceived", T(packets_received)},
    {KITH_STATS_TRANSPORT, U64, "bytesSent", T(bytes_sent)},
    {KITH_STATS_TRANSPORT, U64, "bytesReceived", T(bytes_received)},
    {KITH_STATS_TRANSPORT, TEXT, "iceRole", T(ice_role)},
    {KITH_STATS_TRANSPORT, TEXT, "iceLocalUsernameFragment", T(ice_local_username_fragment)},
    {KITH_STATS_TRANSPORT, TEXT, "dtlsState", T(dtls_state)},
    {KITH_STATS_TRANSPORT, TEXT, "iceState", T(ice_state)},
    {KITH_STATS_TRANSPORT, TEXT, "selectedCandidatePairId", T(selected_candidate_pair_id)},
    {KITH_STATS_TRANSPORT, TEXT, "localCertificateId", T(local_certificate_id)},
    {KITH_STATS_TRANSPORT, TEXT, "remoteCertificateId", T(remote_certificate_id)},
    {KITH_STATS_TRANSPORT, TEXT, "tlsVersion", T(tls_version)},
    {KITH_STATS_TRANSPORT, TEXT, "dtlsCipher", T(dtls_cipher)},
    {KITH_STATS_TRANSPORT, TEXT, "dtlsRole", T(dtls_role)},
    {KITH_STATS_TRANSPORT, TEXT, "srtpCipher", T(srtp_cipher)},
    {KITH_STATS_TRANSPORT, U32, "selectedCandidatePairChanges", T(selected_candidate_pair_changes)},

    {KITH_STATS_CANDIDATE_PAIR, TEXT, "transportId", PAIR(transport_id)},
    {KITH_STATS_CANDIDATE_PAIR, TEXT, "localCandidateId", PAIR(local_candidate_id)},
    {KITH_STATS_CANDIDATE_PAIR, TEXT, "remoteCandidateId", PAIR(remote_candidate_id)},
    {KITH_STATS_CANDIDATE_PAIR, TEXT, "state", PAIR(state)},
    {KITH_STATS_CANDIDATE_PAIR, FLAG, "nominated", PAIR(nominated)},
    {KITH_STATS_CANDIDATE_PAIR, U64, "priority", PAIR(priority)},
    {KITH_STATS_CANDIDATE_PAIR, U64, "packetsSent", PAIR(packets_sent)},
    {KITH_STATS_CANDIDATE_PAIR, U64, "packetsReceived", PAIR(packets_received)},
    {KITH_STATS_CANDIDATE_PAIR, U64, "bytesSent", PAIR(bytes_sent)},
    {KITH_STATS_CANDIDATE_PAIR, U64, "bytesReceived", PAIR(bytes_received)},
    {KITH_STATS_CANDIDATE_PAIR, KNOWN_REAL, "lastPacketSentTimestamp",
     PAIR(last_packet_sent_timestamp)},
    {KITH_STATS_CANDIDATE_PAIR, KNOWN_REAL, "lastPacketReceivedTimestamp",
     PAIR(last_packet_received_timestamp)},
    {KITH_STATS_CANDIDATE_PAIR, REAL, "totalRoundTripTime", PAIR(total_round_trip_time)},
    {KITH_STATS_CANDIDATE_PAIR, KNOWN_REAL, "currentRoundTripTime", PAIR(current_round_trip_time)},
    {KITH_STATS_CANDIDATE_PAIR, KNOWN_REAL, "availableOutgoingBitrate",
     PAIR(available_outgoing_bitrate)},
    {KITH_STATS_CANDIDATE_PAIR, U64, "requestsReceived", PAIR(requests_received)},
    {KITH_STATS_CANDIDATE_PAIR, U64, "requestsSent", PAIR(requests_sent)},
    {KITH_STATS_CANDIDATE_PAIR, U64, "responsesReceived", PAIR(responses_received)},
    {KITH_STATS_CANDIDATE_PAIR, U64, "responsesSent", PAIR(responses_sent)},
    {KITH_STATS_CANDIDATE_PAIR, U64, "consentRequestsSent", PAIR(consent_requests_sent)},

    {KITH_STATS_LOCAL_CANDIDATE, TEXT, "transportId", CAND(transport_id)},
    {KITH_STATS_LOCAL_CANDIDATE, TEXT, "address", CAND(address)},
    {KITH_STATS_LOCAL_CANDIDATE, U16, "port", CAND(port)},
    {KITH_STATS_LOCAL_CANDIDATE, TEXT, "protocol", CAND(protocol)},
    {KITH_STATS_LOCAL_CANDIDATE, TEXT, "candidateType", CAND(candidate_type)},
    {KITH_STATS_LOCAL_CANDIDATE, U32, "priority", CAND(priority)},
    {KITH_STATS_LOCAL_CANDIDATE, TEXT, "url", CAND(url)},
    {KITH_STATS_LOCAL_CANDIDATE, TEXT, "relayProtocol", CAND(relay_protocol)},
    {KITH_STATS_LOCAL_CANDIDATE, TEXT, "foundation", CAND(foundation)},
    {KITH_STATS_LOCAL_CANDIDATE, TEXT, "relatedAddress", CAND(related_address)},
    {KITH_STATS_LOCAL_CANDIDATE, KNOWN_U16, "relatedPort", CAND(related_port)},
    {KITH_STATS_LOCAL_CANDIDATE, TEXT, "usernameFragment", CAND(username_fragment)},
    {KITH_STATS_LOCAL_CANDIDATE, TEXT, "tcpType", CAND(tcp_type)},

    {KITH_STATS_CERTIFICATE, TEXT, "fingerprint", CERT(fingerprint)},
    {KITH_STATS_CERTIFICATE, TEXT, "fingerprintAlgorithm", CERT(fingerprint_algorithm)},
    {KITH_STATS_CERTIFICATE, TEXT, "base64Certificate", CERT(base64_certificate)},

    {KITH_STATS_DATA_CHANNEL, TEXT, "label", DC(label)},
    {KITH_STATS_DATA_CHANNEL, TEXT, "protocol", DC(protocol)},
    {KITH_STATS_DATA_CHANNEL, ID, "dataChannelIdentifier", DC(data_channel_identifier)},
    {KITH_STATS_DATA_CHANNEL, TEXT, "state", DC(state)},
    {KITH_STATS_DATA_CHANNEL, U32, "messagesSent", DC(messages_sent)},
    {KITH_STATS_DATA_CHANNEL, U64, "bytesSent", DC(bytes_sent)},
    {KITH_STATS_DATA_CHANNEL, U32, "messagesReceived", DC(messages_received)},
    {KITH_STATS_DATA_CHANNEL, U64, "bytesReceived", DC(bytes_received)},

    {KITH_STATS_CODEC, U8, "payloadType", COD(payload_type)},
    {KITH_STATS_CODEC, TEXT, "transportId", COD(transport_id)},
    {KITH_STATS_CODEC, TEXT, "mimeType", COD(mime_type)},
    {KITH_STATS_CODEC, U32, "clockRate", COD(clock_rate)},
    {KITH_STATS_CODEC, KNOWN_U16, "channels", COD(channels)},
    {KITH_STATS_CODEC, TEXT, "sdpFmtpLine", COD(sdp_fmtp_line)},

    {KITH_STATS_INBOUND_RTP, U32, "ssrc", IN(ssrc)},
    {KITH_STATS_INBOUND_RTP, TEXT, "kind", IN(kind)},
    {KITH_STATS_INBOUND_RTP, TEXT, "transportId", IN(transport_id)},
    {KITH_STATS_INBOUND_RTP, TEXT, "codecId", IN(codec_id)},
    {KITH_STATS_INBOUND_RTP, U64, "packetsReceived", IN(packets_received)},
    {KITH_STATS_INBOUND_RTP, I64, "packetsLost", IN(packets_lost)},
    {KITH_STATS_INBOUND_RTP, REAL, "jitter", IN(jitter)},
    {KITH_STATS_INBOUND_RTP, TEXT, "trackIdentifier", IN(track_identifier)},
    {KITH_STATS_INBOUND_RTP, TEXT, "mid", IN(mid)},
    {KITH_STATS_INBOUND_RTP, TEXT, "remoteId", IN(remote_id)},
    {KITH_STATS_INBOUND_RTP, KNOWN_U32, "frameWidth", IN(frame_width)},
    {KITH_STATS_INBOUND_RTP, KNOWN_U32, "frameHeight", IN(frame_height)},
    {KITH_STATS_INBOUND_RTP, KNOWN_REAL, "lastPacketReceivedTimestamp",
     IN(last_packet_received_timestamp)},
    {KITH_STATS_INBOUND_RTP, U64, "headerBytesReceived", IN(header_bytes_received)},
    {KITH_STATS_INBOUND_RTP, COUNT, "packetsDiscarded", IN(packets_discarded)},
    {KITH_STATS_INBOUND_RTP, U64, "bytesReceived", IN(bytes_received)},
    {KITH_STATS_INBOUND_RTP, U32, "nackCount", IN(nack_count)},
    {KITH_STATS_INBOUND_RTP, COUNT, "firCount", IN(fir_count)},
    {KITH_STATS_INBOUND_RTP, COUNT, "pliCount", IN(pli_count)},
    {KITH_STATS_INBOUND_RTP, COUNT, "framesReceived", IN(frames_received)},
    {KITH_STATS_INBOUND_RTP, COUNT, "framesDropped", IN(frames_dropped)},
    {KITH_STATS_INBOUND_RTP, COUNT, "framesAssembledFromMultiplePackets",
     IN(frames_assembled_from_multiple_packets)},
    {KITH_STATS_INBOUND_RTP, KNOWN_REAL, "totalAssemblyTime", IN(total_assembly_time)},
    {KITH_STATS_INBOUND_RTP, COUNT, "retransmittedPacketsReceived",
     IN(retransmitted_packets_received)},
    {KITH_STATS_INBOUND_RTP, COUNT, "retransmittedBytesReceived", IN(retransmitted_bytes_received)},
    {KITH_STATS_INBOUND_RTP, KNOWN_U32, "rtxSsrc", IN(rtx_ssrc)},

    {KITH_STATS_OUTBOUND_RTP, U32, "ssrc", OUT(ssrc)},
    {KITH_STATS_OUTBOUND_RTP, TEXT, "kind", OUT(kind)},
    {KITH_STATS_OUTBOUND_RTP, TEXT, "transportId", OUT(transport_id)},
    {KITH_STATS_OUTBOUND_RTP, TEXT, "codecId", OUT(codec_id)},
    {KITH_STATS_OUTBOUND_RTP, U64, "packetsSent", OUT(packets_sent)},
    {KITH_STATS_OUTBOUND_RTP, U64, "bytesSent", OUT(bytes_sent)},
    {KITH_STATS_OUTBOUND_RTP, TEXT, "mid", OUT(mid)},
    {KITH_STATS_OUTBOUND_RTP, TEXT, "mediaSourceId", OUT(media_source_id)},
    {KITH_STATS_OUTBOUND_RTP, TEXT, "remoteId", OUT(remote_id)},
    {KITH_STATS_OUTBOUND_RTP, U64, "headerBytesSent", OUT(header_bytes_sent)},
    {KITH_STATS_OUTBOUND_RTP, U64, "retransmittedPacketsSent", OUT(retransmitted_packets_sent)},
    {KITH_STATS_OUTBOUND_RTP, U64, "retransmittedBytesSent", OUT(retransmitted_bytes_sent)},
    {KITH_STATS_OUTBOUND_RTP, KNOWN_U32, "rtxSsrc", OUT(rtx_ssrc)},
    {KITH_STATS_OUTBOUND_RTP, COUNT, "framesSent", OUT(frames_sent)},
    {KITH_STATS_OUTBOUND_RTP, COUNT, "keyFramesEncoded", OUT(key_frames_encoded)},
    {KITH_STATS_OUTBOUND_RTP, COUNT, "framesEncoded", OUT(frames_encoded)},
    {KITH_STATS_OUTBOUND_RTP, COUNT, "hugeFramesSent", OUT(huge_frames_sent)},
    {KITH_STATS_OUTBOUND_RTP, REAL, "totalPacketSendDelay", OUT(total_packet_send_delay)},
    {KITH_STATS_OUTBOUND_RTP, U32, "nackCount", OUT(nack_count)},
    {KITH_STATS_OUTBOUND_RTP, COUNT, "firCount", OUT(fir_count)},
    {KITH_STATS_OUTBOUND_RTP, COUNT, "pliCount", OUT(pli_count)},
    {KITH_STATS_OUTBOUND_RTP, KNOWN_REAL, "targetBitrate", OUT(target_bitrate)},
    {KITH_STATS_OUTBOUND_RTP, FLAG, "active", OUT(active)},
    {KITH_STATS_OUTBOUND_RTP, TEXT, "circuitBreaker", OUT(circuit_breaker)},

    {KITH_STATS_REMOTE_INBOUND_RTP, U32, "ssrc", RIN(ssrc)},
    {KITH_STATS_REMOTE_INBOUND_RTP, TEXT, "kind", RIN(kind)},
    {KITH_STATS_REMOTE_INBOUND_RTP, TEXT, "transportId", RIN(transport_id)},
    {KITH_STATS_REMOTE_INBOUND_RTP, TEXT, "codecId", RIN(codec_id)},
    {KITH_STATS_REMOTE_INBOUND_RTP, I64, "packetsLost", RIN(packets_lost)},
    {KITH_STATS_REMOTE_INBOUND_RTP, REAL, "jitter", RIN(jitter)},
    {KITH_STATS_REMOTE_INBOUND_RTP, TEXT, "localId", RIN(local_id)},
    {KITH_STATS_REMOTE_INBOUND_RTP, KNOWN_REAL, "roundTripTime", RIN(round_trip_time)},
    {KITH_STATS_REMOTE_INBOUND_RTP, REAL, "totalRoundTripTime", RIN(total_round_trip_time)},
    {KITH_STATS_REMOTE_INBOUND_RTP, REAL, "fractionLost", RIN(fraction_lost)},
    {KITH_STATS_REMOTE_INBOUND_RTP, U64, "roundTripTimeMeasurements",
     RIN(round_trip_time_measurements)},

    {KITH_STATS_REMOTE_OUTBOUND_RTP, U32, "ssrc", ROUT(ssrc)},
    {KITH_STATS_REMOTE_OUTBOUND_RTP, TEXT, "kind", ROUT(kind)},
    {KITH_STATS_REMOTE_OUTBOUND_RTP, TEXT, "transportId", ROUT(transport_id)},
    {KITH_STATS_REMOTE_OUTBOUND_RTP, TEXT, "codecId", ROUT(codec_id)},
    {KITH_STATS_REMOTE_OUTBOUND_RTP, U64, "packetsSent", ROUT(packets_sent)},
    {KITH_STATS_REMOTE_OUTBOUND_RTP, U64, "bytesSent", ROUT(bytes_sent)},
    {KITH_STATS_REMOTE_OUTBOUND_RTP, TEXT, "localId", ROUT(local_id)},
    {KITH_STATS_REMOTE_OUTBOUND_RTP, REAL, "remoteTimestamp", ROUT(remote_timestamp)},
    {KITH_STATS_REMOTE_OUTBOUND_RTP, U64, "reportsSent", ROUT(reports_sent)},
    {KITH_STATS_REMOTE_OUTBOUND_RTP, KNOWN_REAL, "roundTripTime", ROUT(round_trip_time)},
    {KITH_STATS_REMOTE_OUTBOUND_RTP, REAL, "totalRoundTripTime", ROUT(total_round_trip_time)},
    {KITH_STATS_REMOTE_OUTBOUND_RTP, U64, "roundTripTimeMeasurements",
     ROUT(round_trip_time_measurements)},

    {KITH_STATS_MEDIA_SOURCE, TEXT, "trackIdentifier", SRC(track_identifier)},
    {KITH_STATS_MEDIA_SOURCE, TEXT, "kind", SRC(kind)},
    {KITH_STATS_MEDIA_SOURCE, COUNT, "frames", SRC(frames)},
};

/* A field of any kind; the kind says which is meant. */
typedef union value {
    const char *text;
    bool flag;
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    int64_t i64;
    int id;
    double real;
} value;

static value read_value(const kith_stats *stats, const member *m)
{
    static const size_t sizes[] = {
        [TEXT] = sizeof(char *),
        [FLAG] = sizeof(bool),
        [U8] = sizeof(uint8_t),
        [U16] = sizeof(uint16_t),
        [KNOWN_U16] = sizeof(uint16_t),
        [U32] = sizeof(uint32_t),
        [KNOWN_U32] = sizeof(uint32_t),
        [U64] = sizeof(uint64_t),
        [I64] = sizeof(int64_t),
        [COUNT] = sizeof(int64_t),
        [ID] = sizeof(int),
        [REAL] = sizeof(double),
        [KNOWN_REAL] = sizeof(double),
    };
    value v = {0};
    memcpy(&v, (const char *)stats + m->offset, sizes[m->kind]);
    return v;
}

static bool is_known(const member *m, value v)
{
    switch (m->kind) {
    case TEXT:
        return v.text;
    case KNOWN_U16:
        return v.u16 > 0;
    case KNOWN_U32:
        return v.u32 > 0;
    case ID:
        return v.id >= 0;
    case COUNT:
        return v.i64 >= 0;
    case KNOWN_REAL:
        return v.real != 0;
    case FLAG:
    case U8:
    case U16:
    case U32:
    case U64:
    case I64:
    case REAL:
        break;
    }
    return true;
}

static void write_value(kith_writer *w, const member *m, value v)
{
    switch (m->kind) {
    case TEXT:
        kith_json_write_string(w, kith_span_text(v.text));
        break;
    case FLAG:
        kith_wr_text(w, v.flag ? "true" : "false");
        break;
    case U8:
        kith_wr_print(w, "%u", v.u8);
        break;
    case U16:
    case KNOWN_U16:
        kith_wr_print(w, "%u", v.u16);
        break;
    case U32:
    case KNOWN_U32:
        kith_wr_print(w, "%u", v.u32);
        break;
    case U64:
        kith_wr_print(w, "%llu", (unsigned long long)v.u64);
        break;
    case I64:
    case COUNT:
        kith_wr_print(w, "%lld", (long long)v.i64);
        break;
    case ID:
        kith_wr_print(w, "%d", v.id);
        break;
    case REAL:
    case KNOWN_REAL:
        kith_json_write_number(w, v.real);
        break;
    }
}

void kith_stats_write_json(kith_writer *w, const kith_stats *stats)
{
    kith_stats_type type =
        stats->type == KITH_STATS_REMOTE_CANDIDATE ? KITH_STATS_LOCAL_CANDIDATE : stats->type;
    kith_wr_u8(w, '{');
    kith_json_write_member(w, "id", stats->id);
    kith_json_write_name(w, "timestamp");
    kith_json_write_number(w, stats->timestamp);
    kith_json_write_member(w, "type", kith_stats_type_name(stats->type));
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        value v = read_value(stats, &members[i]);
        if (members[i].type != type || !is_known(&members[i], v))
            continue;
        kith_json_write_name(w, members[i].name);
        write_value(w, &members[i], v);
    }
    kith_wr_u8(w, '}');
}

kith_err kith_stats_report_to_json(const kith_stats_report *report, char **json)
{
    kith_writer w = kith_wr_growing();
    kith_wr_u8(&w, '[');
    for (size_t i = 0; i < kith_stats_report_size(report); i++) {
        if (i > 0)
            kith_wr_u8(&w, ',');
        kith_stats_write_json(&w, kith_stats_report_at(report, i));
    }
    kith_wr_u8(&w, ']');
    char *text = kith_wr_take_text(&w);
    if (!text)
        return kith_fail_memory();
    *json = text;
    return KITH_OK;
}
