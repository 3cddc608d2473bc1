/* Many peer connections on few hosts: pairs that signal to each other at once, whoever's endpoint
 * they are on. */
#ifndef KITH_TESTS_UNIT_PC_STAR_H
#define KITH_TESTS_UNIT_PC_STAR_H

#include <string.h>

#include "../../sim/world.h"
#include "pc/pc.h"
#include "../unit.h"

#define OK(call)           ck_assert_msg(!(call), "%s: %s", #call, kith_last_error()->message)
#define FAILS(error, call) ck_assert_str_eq(kith_err_name(call), #error)

/* One end of a pair: kith_pc_user of its peer connection. */
typedef struct end {
    kith_pc *pc;
    struct end *other;
    kith_dc *dc;
    unsigned opened, closed, messages;
    size_t bytes;
    kith_connection_state state;
} end;

static inline void end_event(host *h, const kith_event *ev, void *user)
{
    (void)h;
    (void)user;
    end *e = kith_pc_user(ev->pc);
    switch (ev->type) {
    case KITH_EV_ICE_CANDIDATE:
        /* One who has no description yet finds the candidates in it. */
        if (e->other->pc && kith_pc_remote_description(e->other->pc))
            OK(kith_pc_add_ice_candidate(e->other->pc, &ev->ice_candidate));
        break;
    case KITH_EV_CONNECTION_STATE:
        e->state = ev->connection_state;
        break;
    case KITH_EV_DC_OPEN:
        e->opened++;
        e->dc = ev->dc;
        break;
    case KITH_EV_DC_MESSAGE:
        e->messages++;
        e->bytes += ev->message.len;
        break;
    case KITH_EV_DC_CLOSED:
        e->closed++;
        break;
    case KITH_EV_NEGOTIATION_NEEDED:
    case KITH_EV_SIGNALING_STATE:
    case KITH_EV_ICE_GATHERING_STATE:
    case KITH_EV_ICE_CONNECTION_STATE:
    case KITH_EV_ICE_CANDIDATE_ERROR:
    case KITH_EV_DATA_CHANNEL:
    case KITH_EV_DC_BUFFERED_AMOUNT_LOW:
    case KITH_EV_WRITABLE:
    case KITH_EV_DC_CLOSING:
    case KITH_EV_DC_ERROR:
    case KITH_EV_ICE_TRANSPORT_STATE:
    case KITH_EV_ICE_TRANSPORT_GATHERING_STATE:
    case KITH_EV_SELECTED_CANDIDATE_PAIR:
    case KITH_EV_DTLS_TRANSPORT_STATE:
    case KITH_EV_SCTP_TRANSPORT_STATE:
    case KITH_EV_TRACK:
    case KITH_EV_TRACK_ENDED:
    case KITH_EV_TRACK_MUTE:
    case KITH_EV_TRACK_UNMUTE:
    case KITH_EV_RTP:
    case KITH_EV_FRAME:
    case KITH_EV_SENDER_STATE:
    case KITH_EV_KEY_FRAME_REQUEST:
    case KITH_EV_TARGET_BITRATE:
    case KITH_EV_SIGNALER_STATE:
    case KITH_EV_SIGNALER_PEER:
    case KITH_EV_SIGNALER_LEFT:
    case KITH_EV_SIGNALER_TEXT:
    case KITH_EV_SIGNALER_ERROR:
        break;
    }
}

static inline host *star_host(world *w, const char *ip)
{
    host *h = world_add_host(w, ip, ip, NAT_NONE, (link_config){.delay = KITH_MS(10)});
    ck_assert_ptr_nonnull(h);
    h->on_event = end_event;
    return h;
}

static inline void set_both(end *from, end *to, kith_sdp_type type)
{
    OK(kith_pc_set_local_description(from->pc, NULL));
    kith_session_description d = {.type = type, .sdp = kith_pc_local_description(from->pc)->sdp};
    OK(kith_pc_set_remote_description(to->pc, &d));
}

/* A pair with a channel from the first to the second, offered and answered. */
static inline void pair_up(end pair[2], host *from, host *to)
{
    memset(pair, 0, 2 * sizeof *pair);
    host *const hosts[] = {from, to};
    for (int i = 0; i < 2; i++) {
        kith_pc_config config = KITH_PC_CONFIG_INIT;
        config.user = &pair[i];
        OK(kith_pc_new(&pair[i].pc, hosts[i]->endpoint, &config));
        pair[i].other = &pair[1 - i];
    }
    kith_dc *dc;
    OK(kith_pc_create_data_channel(pair[0].pc, "x", NULL, &dc));
    set_both(&pair[0], &pair[1], KITH_SDP_OFFER);
    set_both(&pair[1], &pair[0], KITH_SDP_ANSWER);
}

static inline void free_pair(end pair[2])
{
    for (int i = 0; i < 2; i++) {
        kith_pc_free(pair[i].pc);
        pair[i].pc = NULL;
    }
}

static inline bool pair_is_open(void *arg)
{
    const end *pair = arg;
    return pair[0].opened > 0 && pair[1].opened > 0;
}

#endif
