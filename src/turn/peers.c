/* Peers: permissions by IP address (RFC 8656 section 9), channels by address and port (section 12),
 * and the bytes around what goes to them and comes from them. */
#include "base/memory.h"
#include "turn/client.h"

/* RFC 8656 section 9: 300 s; section 12: 600 s. Renewed in time, a channel and the permission that
 * it renews (section 12.2) by one request. */
#define PERMISSION_LIFETIME KITH_SECONDS(300)
#define CHANNEL_LIFETIME    KITH_SECONDS(600)
#define RENEWAL             KITH_SECONDS(240)
/* What was refused or not answered is asked for again no sooner. */
#define RETRY KITH_SECONDS(10)
/* RFC 8656 section 12: 0x4000 to 0x4FFF. */
#define LAST_CHANNEL 0x4FFF
#define CHANNEL_HEAD 4
/* Header, XOR-PEER-ADDRESS of either family, the head of DATA. */
#define SEND_HEAD_IPV4 36
#define SEND_HEAD_IPV6 48

/* ---- finding ---- */

kith_turn_permission *kith_turn_find_permission(const kith_turn *turn, const kith_address *peer)
{
    KITH_TURN_EACH(&turn->permissions, kith_turn_permission, permission)
    if (kith_address_same_ip(&permission->peer, peer))
        return permission;
    return NULL;
}

static kith_turn_channel *find_channel(const kith_turn *turn, const kith_address *peer)
{
    if (turn->last_channel && kith_address_equal(&turn->last_channel->peer, peer))
        return turn->last_channel;
    KITH_TURN_EACH(&turn->channels, kith_turn_channel, channel)
    if (kith_address_equal(&channel->peer, peer))
        return channel;
    return NULL;
}

kith_turn_permission *kith_turn_permission_of(kith_turn *turn, const kith_turn_request *request)
{
    KITH_TURN_EACH(&turn->permissions, kith_turn_permission, permission)
    if (&permission->request == request)
        return permission;
    return NULL;
}

kith_turn_channel *kith_turn_channel_of(kith_turn *turn, const kith_turn_request *request)
{
    KITH_TURN_EACH(&turn->channels, kith_turn_channel, channel)
    if (&channel->request == request)
        return channel;
    return NULL;
}

/* ---- permissions ---- */

static void free_permission(kith_turn *turn, kith_turn_permission *permission)
{
    kith_list_remove(&permission->node);
    turn->permission_count--;
    kith_free(permission);
}

/* The one that was not used for longest makes room, unless it lives. */
static bool has_room(kith_turn *turn, kith_time now)
{
    kith_turn_permission *oldest = NULL;
    if (turn->permission_count < KITH_TURN_MAX_PERMISSIONS)
        return true;
    KITH_TURN_EACH(&turn->permissions, kith_turn_permission, permission)
    if (!permission->is_refused_pending && now - permission->used_at > RETRY &&
        (!oldest || permission->used_at < oldest->used_at))
        oldest = permission;
    if (oldest)
        free_permission(turn, oldest);
    return oldest;
}

static kith_turn_permission *add_permission(kith_turn *turn, const kith_address *peer,
                                            kith_time now)
{
    kith_turn_permission *permission =
        has_room(turn, now) ? kith_alloc_zero(1, sizeof *permission) : NULL;
    if (!permission)
        return NULL;
    permission->peer = *peer;
    permission->expires_at = permission->renew_at = KITH_NEVER;
    kith_list_append(&turn->permissions, &permission->node);
    turn->permission_count++;
    kith_turn_begin(&permission->request, now);
    return permission;
}

void kith_turn_permitted(kith_turn *turn, const kith_address *peer, kith_time now)
{
    kith_turn_permission *permission = kith_turn_find_permission(turn, peer);
    if (!permission)
        return;
    permission->is_permitted = true;
    permission->is_refused = false;
    permission->expires_at = now + PERMISSION_LIFETIME;
    permission->renew_at = now + RENEWAL;
}

void kith_turn_refuse(kith_turn *turn, const kith_address *peer, const kith_turn_error *error)
{
    kith_turn_permission *permission = kith_turn_find_permission(turn, peer);
    if (!permission)
        return;
    permission->is_permitted = false;
    permission->is_refused = permission->is_refused_pending = true;
    permission->error = *error;
    permission->held_len = 0;
    permission->request.is_active = false;
    permission->expires_at = permission->renew_at = KITH_NEVER;
}

void kith_turn_permit_all(kith_turn *turn, kith_time now)
{
    KITH_TURN_EACH(&turn->permissions, kith_turn_permission, permission)
    {
        permission->is_permitted = permission->is_refused = false;
        kith_turn_begin(&permission->request, now);
    }
}

/* ---- channels ---- */

static void free_channel(kith_turn *turn, kith_turn_channel *channel)
{
    if (turn->last_channel == channel)
        turn->last_channel = NULL;
    kith_list_remove(&channel->node);
    turn->channel_count--;
    kith_free(channel);
}

/* Numbers only rise, so that none is used again within the 600 s and 300 s of section 12; those of
 * an allocation that is gone are not taken for a new one's. */
void kith_turn_bind(kith_turn *turn, const kith_address *peer)
{
    if (turn->state != KITH_TURN_ALLOCATED || find_channel(turn, peer) ||
        turn->next_number > LAST_CHANNEL || turn->channel_count >= KITH_TURN_MAX_CHANNELS)
        return;
    kith_turn_channel *channel = kith_alloc_zero(1, sizeof *channel);
    if (!channel)
        return;
    channel->peer = *peer;
    channel->number = turn->next_number++;
    channel->expires_at = channel->renew_at = KITH_NEVER;
    kith_list_append(&turn->channels, &channel->node);
    turn->channel_count++;
    kith_turn_begin(&channel->request, 0);
}

void kith_turn_bound(kith_turn *turn, kith_turn_channel *channel, kith_time now)
{
    /* A renewal is no use of it. */
    if (!channel->is_bound)
        channel->used_at = now;
    channel->is_bound = true;
    channel->expires_at = now + CHANNEL_LIFETIME;
    channel->renew_at = now + RENEWAL;
    kith_turn_permitted(turn, &channel->peer, now);
}

void kith_turn_unbind(kith_turn_channel *channel, kith_time now)
{
    channel->request.is_active = false;
    channel->renew_at = now + RETRY;
}

void kith_turn_forget_channels(kith_turn *turn)
{
    KITH_TURN_EACH(&turn->channels, kith_turn_channel, channel)
    free_channel(turn, channel);
    KITH_TURN_EACH(&turn->permissions, kith_turn_permission, permission)
    {
        permission->is_permitted = false;
        permission->request.is_active = false;
    }
    if (turn->next_number > LAST_CHANNEL)
        turn->next_number = 0x4000;
}

void kith_turn_free_peers(kith_turn *turn)
{
    kith_turn_forget_channels(turn);
    KITH_TURN_EACH(&turn->permissions, kith_turn_permission, permission)
    free_permission(turn, permission);
}

/* ---- time ---- */

kith_time kith_turn_peers_due(const kith_turn *turn)
{
    kith_time due = KITH_NEVER;
    KITH_TURN_EACH(&turn->permissions, kith_turn_permission, permission)
    {
        due = kith_turn_earlier(due, permission->expires_at);
        if (!permission->request.is_active)
            due = kith_turn_earlier(due, permission->renew_at);
    }
    KITH_TURN_EACH(&turn->channels, kith_turn_channel, channel)
    {
        due = kith_turn_earlier(due, channel->expires_at);
        if (!channel->request.is_active)
            due = kith_turn_earlier(due, channel->renew_at);
    }
    return due;
}

static void tick_channel(kith_turn *turn, kith_turn_channel *channel, kith_time now)
{
    if (now >= channel->expires_at) {
        free_channel(turn, channel);
    } else if (now >= channel->renew_at && !channel->request.is_active) {
        channel->renew_at = KITH_NEVER;
        if (now - channel->used_at < PERMISSION_LIFETIME)
            kith_turn_begin(&channel->request, now);
    }
}

/* Does a channel's request renew it in this moment? */
static bool is_renewed_by_channel(const kith_turn *turn, const kith_turn_permission *permission)
{
    KITH_TURN_EACH(&turn->channels, kith_turn_channel, channel)
    if (channel->is_bound && channel->request.is_active &&
        kith_address_same_ip(&channel->peer, &permission->peer))
        return true;
    return false;
}

/* What nobody uses lapses. */
static void tick_permission(kith_turn *turn, kith_turn_permission *permission, kith_time now)
{
    if (now >= permission->expires_at) {
        free_permission(turn, permission);
    } else if (now >= permission->renew_at && !permission->request.is_active) {
        permission->renew_at = KITH_NEVER;
        if (is_renewed_by_channel(turn, permission))
            permission->renew_at = now + RETRY;
        else if (now - permission->used_at < PERMISSION_LIFETIME)
            kith_turn_begin(&permission->request, now);
    }
}

void kith_turn_peers_tick(kith_turn *turn, kith_time now)
{
    KITH_TURN_EACH(&turn->channels, kith_turn_channel, channel)
    tick_channel(turn, channel, now);
    KITH_TURN_EACH(&turn->permissions, kith_turn_permission, permission)
    tick_permission(turn, permission, now);
}

/* ---- out ---- */

static size_t send_head(const kith_address *peer)
{
    return peer->family == KITH_IPV6 ? SEND_HEAD_IPV6 : SEND_HEAD_IPV4;
}

size_t kith_turn_headroom(const kith_turn *turn, const kith_address *peer)
{
    const kith_turn_channel *channel = find_channel(turn, peer);
    return channel && channel->is_bound ? CHANNEL_HEAD : send_head(peer);
}

static size_t write_channel_data(const kith_turn_channel *channel, uint8_t *buf, size_t len)
{
    kith_writer w = kith_wr(buf, CHANNEL_HEAD);
    kith_wr_u16(&w, channel->number);
    kith_wr_u16(&w, (uint16_t)len);
    return CHANNEL_HEAD + len;
}

/* A Send indication (RFC 8656 section 11.1). Its DATA stands behind the head already. */
static size_t write_send(const kith_turn *turn, const kith_address *peer, uint8_t *buf, size_t len)
{
    uint8_t id[KITH_STUN_ID] = {0};
    size_t head = send_head(peer), padding = (4 - len % 4) % 4;
    kith_writer w = kith_wr(buf, head);
    kith_writer at = kith_wr(id, sizeof id);
    /* Nobody answers an indication: its id is the tag and nothing. */
    kith_wr_u32(&at, turn->tag);
    kith_stun_begin(&w, KITH_STUN_INDICATION, KITH_STUN_SEND, id);
    kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_PEER_ADDRESS, peer);
    kith_wr_u16(&w, KITH_STUN_ATTR_DATA);
    kith_wr_u16(&w, (uint16_t)len);
    kith_wr_patch_u16(&w, 2, (uint16_t)(head + len + padding - KITH_STUN_HEADER));
    memset(buf + head + len, 0, padding);
    return head + len + padding;
}

static void hold(kith_turn_permission *permission, const kith_address *peer, const uint8_t *data,
                 size_t len)
{
    if (permission->is_refused || len > sizeof permission->held || !kith_stun_is(data, len))
        return;
    memcpy(permission->held, data, len);
    permission->held_len = len;
    permission->held_for = *peer;
}

/* Peers of the other family cannot be reached from this relayed address; the owner knows. */
static kith_turn_permission *ask_permission(kith_turn *turn, const kith_address *peer,
                                            kith_time now)
{
    kith_turn_permission *permission = kith_turn_find_permission(turn, peer);
    if (!permission)
        permission = add_permission(turn, peer, now);
    if (!permission)
        return NULL;
    bool is_asked_again = permission->is_refused && now - permission->used_at >= RETRY;
    bool has_lapsed = permission->is_permitted && permission->renew_at == KITH_NEVER;
    if ((is_asked_again || has_lapsed) && !permission->request.is_active) {
        permission->is_refused = false;
        kith_turn_begin(&permission->request, now);
    }
    return permission;
}

size_t kith_turn_wrap(kith_turn *turn, kith_time now, const kith_address *peer, uint8_t *buf,
                      size_t len)
{
    kith_turn_channel *channel = find_channel(turn, peer);
    if (turn->state != KITH_TURN_ALLOCATED)
        return 0;
    turn->last_channel = channel;
    kith_turn_permission *permission = ask_permission(turn, peer, now);
    if (!permission)
        return 0;
    if (!permission->is_refused)
        permission->used_at = now;
    if (!permission->is_permitted) {
        hold(permission, peer, buf + kith_turn_headroom(turn, peer), len);
        return 0;
    }
    turn->sent_at = now;
    if (channel)
        channel->used_at = now;
    if (!channel || !channel->is_bound)
        return write_send(turn, peer, buf, len);
    return write_channel_data(channel, buf, len);
}

static kith_turn_permission *find_held(const kith_turn *turn)
{
    KITH_TURN_EACH(&turn->permissions, kith_turn_permission, permission)
    if (permission->is_permitted && permission->held_len > 0)
        return permission;
    return NULL;
}

bool kith_turn_has_held(const kith_turn *turn)
{
    return turn->state == KITH_TURN_ALLOCATED && find_held(turn);
}

bool kith_turn_output_held(kith_turn *turn, kith_writer *w)
{
    kith_turn_permission *permission = turn->state == KITH_TURN_ALLOCATED ? find_held(turn) : NULL;
    if (!permission)
        return false;
    const kith_address *peer = &permission->held_for;
    size_t len = permission->held_len, padding = (4 - len % 4) % 4;
    uint8_t *space = kith_wr_space(w, send_head(peer) + len + padding);
    permission->held_len = 0;
    if (!space)
        return true;
    memcpy(space + send_head(peer), permission->held, len);
    write_send(turn, peer, space, len);
    return true;
}

/* ---- in ---- */

bool kith_turn_input_channel(kith_turn *turn, kith_time now, kith_span packet, kith_turn_data *data)
{
    kith_reader r = kith_rd(packet.data, packet.len);
    uint16_t number = kith_rd_u16(&r);
    data->data = kith_rd_span(&r, kith_rd_u16(&r));
    if (r.bad) {
        turn->counters.malformed++;
        return false;
    }
    KITH_TURN_EACH(&turn->channels, kith_turn_channel, channel)
    if (channel->number == number) {
        /* The server's first may overtake its answer to ChannelBind. */
        channel->used_at = now;
        data->peer = channel->peer;
        return true;
    }
    turn->counters.unpermitted++;
    return false;
}

static void note_icmp(kith_turn *turn, const kith_stun *m)
{
    turn->is_icmp_pending = true;
    turn->icmp_peer = m->xor_peer_address;
    turn->icmp = m->icmp;
}

/* A Data indication (RFC 8656 section 11.4). */
static bool handle_indication(kith_turn *turn, kith_time now, const kith_stun *m,
                              kith_turn_data *data)
{
    bool is_icmp = kith_stun_has(m, KITH_STUN_HAS_ICMP);
    if (m->method != KITH_STUN_DATA_INDICATION || m->unknown_count > 0 ||
        !kith_stun_has(m, KITH_STUN_HAS_XOR_PEER_ADDRESS) ||
        (!is_icmp && !kith_stun_has(m, KITH_STUN_HAS_DATA))) {
        turn->counters.malformed++;
        return false;
    }
    kith_turn_permission *permission = kith_turn_find_permission(turn, &m->xor_peer_address);
    if (!permission || !permission->is_permitted) {
        turn->counters.unpermitted++;
        return false;
    }
    if (is_icmp) {
        note_icmp(turn, m);
        return false;
    }
    permission->used_at = now;
    data->peer = m->xor_peer_address;
    data->data = m->data;
    return true;
}

bool kith_turn_input(kith_turn *turn, kith_time now, const kith_stun *m, kith_turn_data *data)
{
    if (m->class == KITH_STUN_INDICATION)
        return handle_indication(turn, now, m, data);
    if (m->class == KITH_STUN_REQUEST)
        turn->counters.malformed++;
    else
        kith_turn_handle_answer(turn, now, m);
    return false;
}
