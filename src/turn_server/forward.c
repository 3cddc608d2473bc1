/* Data both ways (RFC 8656 sections 11 and 12): at most one look-up of the client, its channels and
 * its permissions. Nothing is stored or allocated. */
#include <string.h>

#include "base/reader.h"
#include "crypto/random.h"
#include "turn_server/server.h"

/* May `len` bytes pass now? A quarter of a second's worth may come at once, and always two packets
 * that do. */
static bool take(kith_turn_server *server, kith_bucket *bucket, size_t len)
{
    kith_time now = server->now;
    uint64_t rate = server->config.max_rate_bps / 8, most = rate / 4;
    if (server->config.max_rate_bps == 0)
        return true;
    if (most < 2 * KITH_MAX_PACKET)
        most = 2 * KITH_MAX_PACKET;
    uint64_t passed = bucket->at == 0 ? UINT32_MAX : (uint64_t)(now - bucket->at);
    if (passed > UINT32_MAX)
        passed = UINT32_MAX;
    uint64_t more = passed > 1000000 ? most : passed * rate / 1000000;
    if (more > 0) {
        bucket->at = now;
        bucket->left = bucket->left + more < most ? bucket->left + more : most;
    }
    if (bucket->left < len) {
        server->counters.above_rate++;
        return false;
    }
    bucket->left -= len;
    return true;
}

/* ---- from clients ---- */

static void leave_to_peer(kith_allocation *a, const kith_address *peer,
                          const kith_turn_client *from, kith_span data)
{
    kith_turn_server *server = a->server;
    const kith_relayed *relay = kith_allocation_relay(a, peer->family);
    if (!relay || peer->port == 0 || !kith_allocation_permits(a, peer, server->now)) {
        server->counters.unpermitted++;
        return;
    }
    if (!take(server, &a->to_peers, data.len))
        return;
    server->counters.to_peers_packets++;
    server->counters.to_peers_bytes += data.len;
    kith_leaving *leaving = &server->leaving;
    leaving->info = (kith_packet_info)KITH_PACKET_INFO_INIT;
    leaving->info.path.local = relay->local;
    leaving->info.path.remote = *peer;
    leaving->info.ecn = from->ecn;
    leaving->body = data;
}

void kith_forward_channel(kith_turn_server *server, const kith_turn_client *from, kith_span packet)
{
    kith_reader r = kith_rd(packet.data, packet.len);
    uint16_t number = kith_rd_u16(&r);
    kith_span data = kith_rd_span(&r, kith_rd_u16(&r));
    kith_allocation *a = kith_allocation_find(server, from);
    kith_channel *channel = a && a->is_open ? kith_channel_by_number(a, number, server->now) : NULL;
    if (r.bad || !channel) {
        server->counters.unknown++;
        return;
    }
    leave_to_peer(a, &channel->peer, from, data);
}

void kith_forward_send(kith_turn_server *server, const kith_turn_client *from, const kith_stun *m)
{
    kith_allocation *a = kith_allocation_find(server, from);
    if (!a || !a->is_open || !kith_stun_has(m, KITH_STUN_HAS_XOR_PEER_ADDRESS) ||
        !kith_stun_has(m, KITH_STUN_HAS_DATA)) {
        server->counters.unknown++;
        return;
    }
    kith_address peer = kith_inner_address(server, &m->xor_peer_address);
    leave_to_peer(a, &peer, from, m->data);
    server->leaving.info.dont_fragment = m->dont_fragment;
}

/* ---- from peers ---- */

/* A Data indication but for the data itself. Returns the length of the head. */
static size_t write_indication(kith_leaving *leaving, const kith_address *peer, kith_span data)
{
    kith_writer w = kith_wr(leaving->head, sizeof leaving->head);
    uint8_t id[KITH_STUN_ID];
    kith_random_bytes(id, sizeof id);
    kith_stun_begin(&w, KITH_STUN_INDICATION, KITH_STUN_DATA_INDICATION, id);
    kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_PEER_ADDRESS, peer);
    kith_wr_u16(&w, KITH_STUN_ATTR_DATA);
    kith_wr_u16(&w, (uint16_t)data.len);
    leaving->padding = (4 - data.len % 4) % 4;
    kith_wr_patch_u16(&w, 2, (uint16_t)(w.len - KITH_STUN_HEADER + data.len + leaving->padding));
    return w.len;
}

static size_t write_head(kith_leaving *leaving, const kith_allocation *a,
                         const kith_channel *channel, const kith_address *peer, kith_span data)
{
    if (!channel) {
        kith_address outer = kith_outer_address(a->server, peer);
        return write_indication(leaving, &outer, data);
    }
    kith_writer w = kith_wr(leaving->head, sizeof leaving->head);
    kith_wr_u16(&w, channel->number);
    kith_wr_u16(&w, (uint16_t)data.len);
    return w.len;
}

void kith_forward_from_peer(kith_relayed *relay, const kith_packet_info *info, kith_span data)
{
    kith_allocation *a = relay->owner;
    kith_turn_server *server = a->server;
    const kith_address *peer = &info->path.remote;
    if (!a->is_open || !kith_allocation_permits(a, peer, server->now)) {
        server->counters.unpermitted++;
        return;
    }
    if (data.len > UINT16_MAX - KITH_TURN_SERVER_MAX_HEAD || !take(server, &a->to_client, data.len))
        return;
    server->counters.to_clients_packets++;
    server->counters.to_clients_bytes += data.len;
    kith_leaving *leaving = &server->leaving;
    leaving->info = (kith_packet_info)KITH_PACKET_INFO_INIT;
    leaving->info.path = a->client;
    leaving->stream = a->stream;
    leaving->info.ecn = info->ecn;
    leaving->head_len =
        write_head(leaving, a, kith_channel_by_peer(a, peer, server->now), peer, data);
    leaving->body = data;
}
