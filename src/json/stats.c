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
    /* uint16_t; 0: unknown */
    PORT,
    /* uint32_t */
    U32,
    /* uint64_t */
    U64,
    /* int; -1: unknown */
    ID,
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
    {KITH_STATS_LOCAL_CANDIDATE, TEXT, "foundation", CAND(foundation)},
    {KITH_STATS_LOCAL_CANDIDATE, TEXT, "relatedAddress", CAND(related_address)},
    {KITH_STATS_LOCAL_CANDIDATE, PORT, "relatedPort", CAND(related_port)},
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
};

/* A field of any kind; the kind says which is meant. */
typedef union value {
    const char *text;
    bool flag;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    int id;
    double real;
} value;

static value read_value(const kith_stats *stats, const member *m)
{
    static const size_t sizes[] = {
        [TEXT] = sizeof(char *),   [FLAG] = sizeof(bool),    [U16] = sizeof(uint16_t),
        [PORT] = sizeof(uint16_t), [U32] = sizeof(uint32_t), [U64] = sizeof(uint64_t),
        [ID] = sizeof(int),        [REAL] = sizeof(double),  [KNOWN_REAL] = sizeof(double),
    };
    value v = {0};
    memcpy(&v, (const char *)stats + m->offset, sizes[m->kind]);
    return v;
}

static bool is_known(const member *m, value v)
{
    return !(m->kind == TEXT && !v.text) && !(m->kind == PORT && v.u16 == 0) &&
           !(m->kind == ID && v.id < 0) && !(m->kind == KNOWN_REAL && v.real == 0);
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
    case U16:
    case PORT:
        kith_wr_print(w, "%u", v.u16);
        break;
    case U32:
        kith_wr_print(w, "%u", v.u32);
        break;
    case U64:
        kith_wr_print(w, "%llu", (unsigned long long)v.u64);
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
