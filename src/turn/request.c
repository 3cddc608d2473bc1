/* Transactions with the server: each request is a few fields, written whenever it is due, so that
 * one with a new nonce is nothing but the same fields once more. */
#include "crypto/random.h"
#include "turn/client.h"

void kith_turn_begin(kith_turn_request *request, kith_time now)
{
    *request = (kith_turn_request){.is_active = true, .at = now};
}

void kith_turn_begin_again(kith_turn_request *request, kith_time now)
{
    request->transmissions = 0;
    request->at = now;
    request->id = 0;
}

static void begin_message(const kith_turn *turn, uint64_t random, uint16_t method, kith_writer *w)
{
    uint8_t id[KITH_STUN_ID];
    kith_writer at = kith_wr(id, sizeof id);
    kith_wr_u32(&at, turn->tag);
    kith_wr_u64(&at, random);
    kith_stun_begin(w, KITH_STUN_REQUEST, method, id);
}

static uint64_t new_id(void)
{
    uint64_t id;
    do
        id = kith_random_u64();
    while (id == 0);
    return id;
}

static void write_allocate(const kith_turn *turn, uint64_t id, kith_writer *w)
{
    begin_message(turn, id, KITH_STUN_ALLOCATE, w);
    kith_stun_put_u8_padded(w, KITH_STUN_ATTR_REQUESTED_TRANSPORT, 17); /* UDP */
    if (turn->wants_ipv6_only)
        kith_stun_put_family(w, KITH_STUN_ATTR_REQUESTED_ADDRESS_FAMILY, KITH_IPV6);
    else if (turn->wants_additional_family)
        kith_stun_put_family(w, KITH_STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY, KITH_IPV6);
}

static void write_refresh(const kith_turn *turn, uint64_t id, kith_writer *w)
{
    begin_message(turn, id, KITH_STUN_REFRESH, w);
    if (turn->state != KITH_TURN_ALLOCATED)
        kith_stun_put_u32(w, KITH_STUN_ATTR_LIFETIME, 0);
}

static void write_body(kith_turn *turn, const kith_turn_request *request, kith_writer *w)
{
    const kith_turn_permission *permission = kith_turn_permission_of(turn, request);
    const kith_turn_channel *channel = kith_turn_channel_of(turn, request);
    if (permission) {
        begin_message(turn, request->id, KITH_STUN_CREATE_PERMISSION, w);
        kith_stun_put_xor_address(w, KITH_STUN_ATTR_XOR_PEER_ADDRESS, &permission->peer);
    } else if (channel) {
        begin_message(turn, request->id, KITH_STUN_CHANNEL_BIND, w);
        kith_stun_put_u16_padded(w, KITH_STUN_ATTR_CHANNEL_NUMBER, channel->number);
        kith_stun_put_xor_address(w, KITH_STUN_ATTR_XOR_PEER_ADDRESS, &channel->peer);
    } else if (turn->state == KITH_TURN_ASKING) {
        write_allocate(turn, request->id, w);
    } else {
        write_refresh(turn, request->id, w);
    }
}

/* RFC 8489 section 6.2.2: once over what is reliable. */
static unsigned most_transmissions(const kith_turn *turn)
{
    return turn->is_reliable ? 1 : KITH_TURN_RC;
}

static kith_time time_to_next(const kith_turn *turn, unsigned transmissions)
{
    if (turn->is_reliable)
        return KITH_TURN_RELIABLE_TIMEOUT;
    return transmissions == KITH_TURN_RC ? KITH_TURN_RTO * KITH_TURN_RM
                                         : KITH_TURN_RTO << (transmissions - 1);
}

static void send(kith_turn *turn, kith_turn_request *request, kith_time now, kith_writer *w)
{
    if (request->transmissions == 0)
        request->id = new_id();
    request->transmissions++;
    request->at = now + time_to_next(turn, request->transmissions);
    request->is_signed = kith_turn_auth_is_ready(&turn->auth);
    write_body(turn, request, w);
    if (request->is_signed)
        kith_turn_auth_sign(&turn->auth, w);
    kith_stun_put_fingerprint(w);
    turn->paced_until = now + KITH_TURN_PACE;
}

void kith_turn_write_keepalive(kith_turn *turn, kith_writer *w)
{
    begin_message(turn, new_id(), KITH_STUN_BINDING, w);
    kith_stun_put_fingerprint(w);
}

/* ---- all of them ---- */

static bool is_due(const kith_turn *turn, const kith_turn_request *request, kith_time now)
{
    return request->is_active && request->transmissions < most_transmissions(turn) &&
           now >= request->at;
}

static kith_turn_request *find_due(kith_turn *turn, kith_time now)
{
    if (is_due(turn, &turn->request, now))
        return &turn->request;
    /* Nothing is asked for in the name of an allocation that is not there. */
    if (turn->state != KITH_TURN_ALLOCATED)
        return NULL;
    KITH_TURN_EACH(&turn->permissions, kith_turn_permission, permission)
    if (is_due(turn, &permission->request, now))
        return &permission->request;
    KITH_TURN_EACH(&turn->channels, kith_turn_channel, channel)
    if (is_due(turn, &channel->request, now))
        return &channel->request;
    return NULL;
}

bool kith_turn_output_request(kith_turn *turn, kith_time now, kith_writer *w)
{
    kith_turn_request *request = now >= turn->paced_until ? find_due(turn, now) : NULL;
    if (!request)
        return false;
    send(turn, request, now, w);
    return true;
}

static kith_time due_at(const kith_turn *turn, const kith_turn_request *request)
{
    if (!request->is_active)
        return KITH_NEVER;
    bool is_sent_then = request->transmissions < most_transmissions(turn);
    return is_sent_then && request->at < turn->paced_until ? turn->paced_until : request->at;
}

kith_time kith_turn_requests_due(const kith_turn *turn)
{
    kith_time due = due_at(turn, &turn->request);
    if (turn->state != KITH_TURN_ALLOCATED)
        return due;
    KITH_TURN_EACH(&turn->permissions, kith_turn_permission, permission)
    due = kith_turn_earlier(due, due_at(turn, &permission->request));
    KITH_TURN_EACH(&turn->channels, kith_turn_channel, channel)
    due = kith_turn_earlier(due, due_at(turn, &channel->request));
    return due;
}

static bool is_over(const kith_turn *turn, const kith_turn_request *request, kith_time now)
{
    return request->is_active && request->transmissions == most_transmissions(turn) &&
           now >= request->at;
}

static kith_turn_request *find_over(kith_turn *turn, kith_time now)
{
    if (is_over(turn, &turn->request, now))
        return &turn->request;
    KITH_TURN_EACH(&turn->permissions, kith_turn_permission, permission)
    if (is_over(turn, &permission->request, now))
        return &permission->request;
    KITH_TURN_EACH(&turn->channels, kith_turn_channel, channel)
    if (is_over(turn, &channel->request, now))
        return &channel->request;
    return NULL;
}

/* One after the other: giving up one may end all the others. */
void kith_turn_requests_tick(kith_turn *turn, kith_time now)
{
    for (kith_turn_request *request; (request = find_over(turn, now));)
        kith_turn_give_up(turn, now, request);
}
