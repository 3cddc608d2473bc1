/* getStats(): a snapshot of the engines' figures under W3C's names (webrtc-stats). */
#include "pc/stats.h"

#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/error.h"
#include "base/memory.h"
#include "kith/stats.h"
#include "pc/endpoint.h"

#define LOCAL_CERTIFICATE_ID "CFL"

double kith_stats_timestamp(const kith_pc *pc, kith_time at)
{
    return at == 0 ? 0 : (double)kith_endpoint_unix_time(pc->ep, at) / 1000;
}

kith_stats *kith_stats_add(kith_stats_report *report, const kith_pc *pc, kith_stats_type type,
                           const char *id)
{
    if (report->arena.bad)
        return NULL;
    if (report->count == report->cap) {
        size_t cap = report->cap == 0 ? 16 : 2 * report->cap;
        kith_stats *items = kith_resize(report->items, cap * sizeof *items);
        if (!items) {
            report->arena.bad = true;
            return NULL;
        }
        report->items = items;
        report->cap = cap;
    }
    kith_stats *entry = &report->items[report->count++];
    memset(entry, 0, sizeof *entry);
    entry->type = type;
    entry->id = id;
    entry->timestamp = (double)kith_endpoint_unix_time(pc->ep, report->at) / 1000;
    return entry;
}

const char *kith_stats_keep(kith_stats_report *report, const char *text)
{
    return text ? kith_arena_text(&report->arena, kith_span_text(text)) : NULL;
}

static const char *numbered_id(kith_stats_report *report, const char *prefix, uint32_t number)
{
    return kith_arena_print(&report->arena, "%s%u", prefix, number);
}

/* Numbers of the ICE agent are its own: the transport's goes before them. */
static const char *ice_id(kith_stats_report *report, const char *prefix, const kith_transport *t,
                          uint32_t number)
{
    return kith_arena_print(&report->arena, "%s%u_%u", prefix, t->number, number);
}

static void add_peer_connection(kith_stats_report *report, const kith_pc *pc)
{
    kith_stats *entry = kith_stats_add(report, pc, KITH_STATS_PEER_CONNECTION, "P");
    if (!entry)
        return;
    entry->peer_connection.data_channels_opened = pc->channels.opened;
    entry->peer_connection.data_channels_closed = pc->channels.closed;
}

static const char *selected_pair_id(kith_stats_report *report, const kith_transport *t)
{
    kith_ice_pair_info pair;
    for (size_t i = 0; kith_ice_pair_at(t->ice, i, &pair); i++)
        if (pair.selected)
            return ice_id(report, "CP", t, pair.id);
    return NULL;
}

const char *kith_stats_transport_id(kith_stats_report *report, const kith_transport *t)
{
    return numbered_id(report, "T", t->number);
}

static const char *remote_certificate_id(kith_stats_report *report, const kith_transport *t)
{
    return numbered_id(report, "CFR", t->number);
}

static bool is_connected(const kith_transport *t)
{
    return t->dtls && kith_dtls_get_state(t->dtls) == KITH_DTLS_CONNECTED;
}

static void add_transport(kith_stats_report *report, const kith_transport *t)
{
    const kith_pc *pc = t->pc;
    kith_stats *entry =
        kith_stats_add(report, pc, KITH_STATS_TRANSPORT, kith_stats_transport_id(report, t));
    if (!entry)
        return;
    kith_transport_stats *s = &entry->transport;
    s->packets_sent = t->counters.packets_sent;
    s->packets_received = t->counters.packets_received;
    s->bytes_sent = t->counters.bytes_sent;
    s->bytes_received = t->counters.bytes_received;
    s->ice_role = kith_ice_transport_role_name(kith_transport_ice_role(t));
    s->ice_local_username_fragment = kith_stats_keep(report, kith_ice_local_ufrag(t->ice));
    s->ice_state = kith_ice_transport_state_name(kith_transport_ice_state(t));
    s->dtls_state = kith_dtls_transport_state_name(kith_transport_dtls_state(t));
    s->dtls_role = "unknown";
    s->selected_candidate_pair_id = selected_pair_id(report, t);
    s->selected_candidate_pair_changes = kith_ice_selected_pair_changes(t->ice);
    s->local_certificate_id = LOCAL_CERTIFICATE_ID;
    if (!t->dtls)
        return;
    s->dtls_role = kith_dtls_get_role(t->dtls) == KITH_DTLS_CLIENT ? "client" : "server";
    if (!is_connected(t))
        return;
    s->remote_certificate_id = remote_certificate_id(report, t);
    s->tls_version = kith_stats_keep(report, kith_dtls_version(t->dtls));
    s->dtls_cipher = kith_stats_keep(report, kith_dtls_cipher(t->dtls));
    s->srtp_cipher = kith_dtls_srtp_profile(t->dtls) == 0
                         ? NULL
                         : kith_stats_keep(report, kith_dtls_srtp_cipher(t->dtls));
}

/* The peer estimates the path that is in use. */
static double available_bitrate(kith_stats_report *report, const kith_transport *t, const char *id)
{
    const char *selected = selected_pair_id(report, t);
    uint64_t estimated = t->pc->transceivers.estimated_bitrate;
    bool is_known = estimated < KITH_BITRATE_UNLIMITED && selected && strcmp(id, selected) == 0;
    return is_known ? (double)estimated : 0;
}

static void add_pair(kith_stats_report *report, const kith_transport *t,
                     const kith_ice_pair_info *pair)
{
    kith_stats *entry =
        kith_stats_add(report, t->pc, KITH_STATS_CANDIDATE_PAIR, ice_id(report, "CP", t, pair->id));
    if (!entry)
        return;
    kith_candidate_pair_stats *s = &entry->candidate_pair;
    s->transport_id = kith_stats_transport_id(report, t);
    s->local_candidate_id = ice_id(report, "I", t, pair->local_id);
    s->remote_candidate_id = ice_id(report, "I", t, pair->remote_id);
    s->state = pair->state;
    s->nominated = pair->nominated;
    s->priority = pair->priority;
    s->total_round_trip_time = (double)pair->total_rtt / 1e6;
    s->current_round_trip_time = (double)pair->current_rtt / 1e6;
    s->available_outgoing_bitrate = available_bitrate(report, t, entry->id);
    s->requests_received = pair->requests_received;
    s->requests_sent = pair->requests_sent;
    s->responses_received = pair->responses_received;
    s->responses_sent = pair->responses_sent;
    s->consent_requests_sent = pair->consent_requests_sent;
    s->packets_sent = pair->sent.packets;
    s->packets_received = pair->received.packets;
    s->bytes_sent = pair->sent.bytes;
    s->bytes_received = pair->received.bytes;
    s->last_packet_sent_timestamp = kith_stats_timestamp(t->pc, pair->sent.last_at);
    s->last_packet_received_timestamp = kith_stats_timestamp(t->pc, pair->received.last_at);
}

static void add_candidate(kith_stats_report *report, const kith_transport *t,
                          const kith_ice_candidate_info *info)
{
    kith_stats *entry = kith_stats_add(
        report, t->pc, info->remote ? KITH_STATS_REMOTE_CANDIDATE : KITH_STATS_LOCAL_CANDIDATE,
        ice_id(report, "I", t, info->id));
    if (!entry)
        return;
    const kith_candidate *candidate = info->candidate;
    kith_candidate_stats *s = &entry->candidate;
    char text[KITH_ADDRESS_TEXT];
    s->transport_id = kith_stats_transport_id(report, t);
    s->address = kith_stats_keep(
        report, candidate->hostname[0] != '\0'
                    ? candidate->hostname
                    : kith_address_format_ip(&candidate->address, text, sizeof text));
    s->port = candidate->address.port;
    s->protocol = candidate->protocol == KITH_UDP ? "udp" : "tcp";
    s->candidate_type = kith_candidate_type_name(candidate->type);
    s->priority = candidate->priority;
    s->url = kith_stats_keep(report, info->url);
    if (!info->remote && candidate->type == KITH_CANDIDATE_RELAY)
        s->relay_protocol = kith_server_transport_name(info->transport);
    s->foundation = kith_stats_keep(report, candidate->foundation);
    if (candidate->related.family != 0) {
        s->related_address =
            kith_stats_keep(report, kith_address_format_ip(&candidate->related, text, sizeof text));
        s->related_port = candidate->related.port;
    }
    s->username_fragment =
        candidate->ufrag[0] == '\0' ? NULL : kith_stats_keep(report, candidate->ufrag);
    s->tcp_type = kith_candidate_tcp_type_name(candidate->tcp_type);
}

static const char *base64(kith_stats_report *report, kith_span bytes)
{
    char *text = kith_arena_alloc(&report->arena, KITH_BASE64_LEN(bytes.len) + 1);
    if (!text)
        return NULL;
    kith_base64_write(text, bytes);
    return text;
}

static void add_certificate(kith_stats_report *report, const kith_pc *pc, const char *id,
                            kith_span der)
{
    kith_fingerprint fingerprint;
    if (der.len == 0 || !kith_fingerprint_of(&fingerprint, KITH_HASH_SHA256, der))
        return;
    kith_stats *entry = kith_stats_add(report, pc, KITH_STATS_CERTIFICATE, id);
    if (!entry)
        return;
    char text[KITH_FINGERPRINT_TEXT];
    entry->certificate.fingerprint =
        kith_stats_keep(report, kith_fingerprint_format(&fingerprint, text));
    entry->certificate.fingerprint_algorithm = kith_hash_name(KITH_HASH_SHA256);
    entry->certificate.base64_certificate = base64(report, der);
}

/* The certificate that was shown, or the first that would be. */
static const kith_certificate *local_certificate(const kith_pc *pc)
{
    size_t count;
    const kith_transport *t = kith_pc_transport(pc);
    if (t && is_connected(t))
        return kith_dtls_local_certificate(t->dtls);
    return kith_pc_certificates(pc, &count)[0];
}

static void add_channel(kith_stats_report *report, const kith_pc *pc, const kith_dc *dc)
{
    kith_stats *entry =
        kith_stats_add(report, pc, KITH_STATS_DATA_CHANNEL, numbered_id(report, "D", dc->number));
    if (!entry)
        return;
    kith_data_channel_stats *s = &entry->data_channel;
    s->label = kith_stats_keep(report, dc->label);
    s->protocol = kith_stats_keep(report, dc->protocol);
    s->data_channel_identifier = dc->id;
    s->state = kith_dc_state_name(dc->state);
    s->messages_sent = dc->messages_sent;
    s->messages_received = dc->messages_received;
    s->bytes_sent = dc->bytes_sent;
    s->bytes_received = dc->bytes_received;
}

static void fill_transport(kith_stats_report *report, const kith_transport *t)
{
    add_transport(report, t);
    kith_ice_pair_info pair;
    for (size_t i = 0; kith_ice_pair_at(t->ice, i, &pair); i++)
        add_pair(report, t, &pair);
    kith_ice_candidate_info candidate;
    for (size_t i = 0; kith_ice_candidate_at(t->ice, i, &candidate); i++)
        add_candidate(report, t, &candidate);
    if (is_connected(t))
        add_certificate(report, t->pc, remote_certificate_id(report, t),
                        kith_dtls_remote_certificate(t->dtls));
    if (t->media)
        kith_stats_add_media(report, t);
}

static void fill(kith_stats_report *report, const kith_pc *pc)
{
    add_peer_connection(report, pc);
    add_certificate(report, pc, LOCAL_CERTIFICATE_ID, kith_certificate_der(local_certificate(pc)));
    KITH_LIST_EACH(&pc->transports, node)
        fill_transport(report, KITH_OWNER(node, kith_transport, in_pc));
    KITH_LIST_EACH(&pc->channels.all, node)
        add_channel(report, pc, KITH_OWNER(node, kith_dc, in_pc));
}

kith_err kith_pc_get_stats(kith_pc *pc, kith_stats_report **out)
{
    kith_stats_report *report = kith_alloc_zero(1, sizeof *report);
    if (!report)
        return kith_fail_memory();
    kith_arena_init(&report->arena);
    report->at = kith_endpoint_present(pc->ep);
    fill(report, pc);
    if (report->arena.bad) {
        kith_stats_report_free(report);
        return kith_fail_memory();
    }
    *out = report;
    return KITH_OK;
}

size_t kith_stats_report_size(const kith_stats_report *report)
{
    return report->count;
}

const kith_stats *kith_stats_report_at(const kith_stats_report *report, size_t index)
{
    return index < report->count ? &report->items[index] : NULL;
}

const kith_stats *kith_stats_report_get(const kith_stats_report *report, const char *id)
{
    for (size_t i = 0; i < report->count; i++)
        if (strcmp(report->items[i].id, id) == 0)
            return &report->items[i];
    return NULL;
}

void kith_stats_report_free(kith_stats_report *report)
{
    if (!report)
        return;
    kith_arena_deinit(&report->arena);
    kith_free(report->items);
    kith_free(report);
}

const char *kith_stats_type_name(kith_stats_type type)
{
    static const char *const names[] = {
        "peer-connection",  "transport",    "candidate-pair",     "local-candidate",
        "remote-candidate", "certificate",  "data-channel",       "codec",
        "inbound-rtp",      "outbound-rtp", "remote-inbound-rtp", "remote-outbound-rtp",
        "media-source"};
    return (size_t)type < sizeof names / sizeof names[0] ? names[type] : "";
}
