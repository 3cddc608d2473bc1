/* Audio and video between two peers: LEFT sends numbered packets, RIGHT mirrors them, over links
 * that lose and reorder; what is added, turned and stopped meanwhile disturbs nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "base/address.h"
#include "pc/media.h"
#include "pc/pc.h"
#include "turn.h"
#include "world.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)

enum { LEFT, RIGHT };

/* What was seen of a kind at one side. */
typedef struct seen {
    unsigned packets, repeated, marked;
    /* the last byte of each payload is its number of the source */
    bool has_number[65536];
    uint16_t last_sequence;
    uint32_t ssrc;
    unsigned ssrc_changes;
    unsigned levels, orientations;
    /* with nothing in them */
    unsigned empty;
} seen;

typedef struct side {
    struct call *call;
    host *host;
    kith_pc *pc;
    bool mirrors;
    unsigned tracks, muted, unmuted, ended, ready, silent, key_frame_requests;
    seen seen[2];
    kith_connection_state state;
} side;

typedef struct call {
    world *world;
    side sides[2];
    kith_time until, interval;
    uint16_t next_sequence;
    unsigned sent, refused;
    /* every tenth packet has nothing in it, as those have with which a sender without RTX probes */
    bool probes;
} call;

static void describe(side *from)
{
    side *to = &from->call->sides[from == &from->call->sides[LEFT] ? RIGHT : LEFT];
    OK(kith_pc_set_local_description(from->pc, NULL));
    OK(kith_pc_set_remote_description(to->pc, kith_pc_local_description(from->pc)));
    if (kith_pc_signaling_state(to->pc) == KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER) {
        if (to->mirrors)
            for (size_t i = 0; i < kith_pc_transceiver_count(to->pc); i++) {
                kith_transceiver *t = kith_pc_transceiver_at(to->pc, i);
                if (kith_transceiver_direction(t) == KITH_DIRECTION_RECVONLY)
                    OK(kith_transceiver_set_direction(t, KITH_DIRECTION_SENDRECV));
            }
        describe(to);
    }
}

static void note(seen *s, const kith_rtp *rtp)
{
    if (rtp->len == 0) {
        s->empty++;
        return;
    }
    ck_assert_uint_eq(rtp->len % 200, 100);
    const uint8_t *bytes = rtp->payload;
    uint16_t number = (uint16_t)(bytes[rtp->len - 2] << 8 | bytes[rtp->len - 1]);
    s->repeated += s->has_number[number];
    s->has_number[number] = true;
    s->packets++;
    s->marked += rtp->marker;
    s->ssrc_changes += s->ssrc != rtp->ssrc && s->ssrc != 0;
    s->ssrc = rtp->ssrc;
    ck_assert_ptr_nonnull(rtp->codec);
    for (size_t i = 0; i < rtp->extension_count; i++) {
        const char *uri = rtp->extensions[i].uri;
        s->levels += strcmp(uri, "urn:ietf:params:rtp-hdrext:ssrc-audio-level") == 0;
        s->orientations += strcmp(uri, "urn:3gpp:video-orientation") == 0;
    }
}

static void on_event(host *h, const kith_event *ev, void *user)
{
    (void)h;
    side *s = user;
    side *other = &s->call->sides[s == &s->call->sides[LEFT] ? RIGHT : LEFT];
    switch ((int)ev->type) {
    case KITH_EV_ICE_CANDIDATE:
        OK(kith_pc_add_ice_candidate(other->pc, &ev->ice_candidate));
        break;
    case KITH_EV_CONNECTION_STATE:
        s->state = ev->connection_state;
        break;
    case KITH_EV_TRACK:
        s->tracks++;
        break;
    case KITH_EV_TRACK_MUTE:
        s->muted++;
        break;
    case KITH_EV_TRACK_UNMUTE:
        s->unmuted++;
        break;
    case KITH_EV_TRACK_ENDED:
        s->ended++;
        break;
    case KITH_EV_SENDER_STATE:
        if (kith_sender_codec(ev->sender))
            s->ready++;
        else
            s->silent++;
        break;
    case KITH_EV_KEY_FRAME_REQUEST:
        s->key_frame_requests++;
        if (s->mirrors)
            kith_receiver_request_key_frame(ev->receiver);
        break;
    case KITH_EV_RTP:
        note(&s->seen[kith_transceiver_kind(ev->transceiver)], ev->rtp);
        if (s->mirrors)
            (void)!kith_sender_send_rtp(ev->sender, ev->rtp);
        break;
    default:
        break;
    }
}

/* configs: NULL: the defaults; of each side. */
static void begin_with(call *c, link_config link, const kith_pc_config *const configs[2])
{
    static const char *const ips[] = {"192.0.2.1", "198.51.100.1"};
    memset(c, 0, sizeof *c);
    c->world = world_new(1);
    c->interval = KITH_MS(5);
    c->next_sequence = 65000; /* it wraps soon */
    for (int i = 0; i < 2; i++) {
        side *s = &c->sides[i];
        s->call = c;
        s->mirrors = i == RIGHT;
        s->host = world_add_host(c->world, ips[i], ips[i], NAT_NONE, link);
        s->host->on_event = on_event;
        s->host->user = s;
        OK(kith_pc_new(&s->pc, s->host->endpoint, configs ? configs[i] : NULL));
    }
}

static void begin(call *c, link_config link)
{
    begin_with(c, link, NULL);
}

static void finish(call *c)
{
    for (int i = 0; i < 2; i++)
        kith_pc_free(c->sides[i].pc);
    world_run(c->world, KITH_SECONDS(3), NULL, NULL);
    world_free(c->world);
}

static kith_sender *add(call *c, kith_media_kind kind)
{
    kith_transceiver *t = NULL;
    OK(kith_pc_add_transceiver(c->sides[LEFT].pc, kind, NULL, &t));
    return kith_transceiver_sender(t);
}

static bool is_connected(void *user)
{
    const call *c = user;
    return c->sides[LEFT].state == KITH_CONNECTION_STATE_CONNECTED &&
           c->sides[RIGHT].state == KITH_CONNECTION_STATE_CONNECTED;
}

static void connect(call *c)
{
    describe(&c->sides[LEFT]);
    ck_assert_msg(world_run(c->world, KITH_SECONDS(20), is_connected, c), "%s",
                  kith_pc_why_failed(c->sides[LEFT].pc));
}

/* The next packet of every sender of LEFT. */
static void send_next(void *user)
{
    call *c = user;
    uint8_t payload[300] = {0x10, 0x01}; /* VP8: no key frame */
    uint8_t level = 0x85, orientation = 1;
    const kith_rtp_extension extensions[] = {
        {"urn:ietf:params:rtp-hdrext:ssrc-audio-level", &level, 1},
        {"urn:3gpp:video-orientation", &orientation, 1},
    };
    kith_pc *pc = c->sides[LEFT].pc;
    for (size_t i = 0; i < kith_pc_transceiver_count(pc); i++) {
        kith_transceiver *t = kith_pc_transceiver_at(pc, i);
        kith_rtp rtp = KITH_RTP_INIT;
        rtp.len = kith_transceiver_kind(t) == KITH_AUDIO ? 100 : 300;
        payload[rtp.len - 2] = (uint8_t)(c->sent >> 8);
        payload[rtp.len - 1] = (uint8_t)c->sent;
        rtp.payload = payload;
        rtp.ssrc = 7;
        rtp.sequence_number = c->next_sequence;
        rtp.timestamp = c->sent * 960;
        rtp.marker = c->sent % 10 == 0;
        rtp.extensions = extensions;
        rtp.extension_count = 2;
        if (c->probes && c->sent % 10 == 5)
            rtp.len = 0;
        c->refused += kith_sender_send_rtp(kith_transceiver_sender(t), &rtp) != KITH_OK;
    }
    c->next_sequence++;
    c->sent++;
    if (world_now(c->world) < c->until)
        world_at(c->world, world_now(c->world) + c->interval, send_next, c);
}

static void send_for(call *c, kith_time time)
{
    c->until = world_now(c->world) + time;
    send_next(c);
    world_run(c->world, time + KITH_SECONDS(1), NULL, NULL);
}

START_TEST(every_packet_arrives_and_comes_back_over_a_clean_link)
{
    call c;
    begin(&c, (link_config){.delay = KITH_MS(20)});
    add(&c, KITH_AUDIO);
    add(&c, KITH_VIDEO);
    connect(&c);
    ck_assert_uint_eq(c.sides[RIGHT].tracks, 2);
    ck_assert_uint_eq(c.sides[LEFT].tracks, 2);
    send_for(&c, KITH_SECONDS(10));
    ck_assert_uint_ge(c.sent, 2000);
    ck_assert_uint_eq(c.refused, 0);
    for (int i = LEFT; i <= RIGHT; i++)
        for (int kind = KITH_AUDIO; kind <= KITH_VIDEO; kind++) {
            const seen *s = &c.sides[i].seen[kind];
            ck_assert_uint_eq(s->packets, c.sent);
            ck_assert_uint_eq(s->repeated + s->ssrc_changes, 0);
            ck_assert_uint_eq(s->marked, (c.sent + 9) / 10);
            ck_assert_uint_eq(s->levels, kind == KITH_AUDIO ? c.sent : 0);
            ck_assert_uint_eq(s->orientations, kind == KITH_VIDEO ? c.sent : 0);
        }
    finish(&c);
}
END_TEST

static uint64_t requests(kith_pc *pc)
{
    kith_stats_report *report;
    uint64_t count = 0;
    OK(kith_pc_get_stats(pc, &report));
    for (size_t i = 0; i < kith_stats_report_size(report); i++)
        if (kith_stats_report_at(report, i)->type == KITH_STATS_INBOUND_RTP)
            count += kith_stats_report_at(report, i)->inbound_rtp.nack_count;
    kith_stats_report_free(report);
    return count;
}

START_TEST(what_has_nothing_in_it_is_mirrored_for_its_number)
{
    call c;
    begin(&c, (link_config){.delay = KITH_MS(20)});
    add(&c, KITH_VIDEO);
    connect(&c);
    c.probes = true;
    send_for(&c, KITH_SECONDS(2));
    for (int i = LEFT; i <= RIGHT; i++) {
        const seen *s = &c.sides[i].seen[KITH_VIDEO];
        ck_assert_uint_ge(s->empty, c.sent / 10);
        ck_assert_uint_eq(s->packets + s->empty, c.sent);
        ck_assert_uint_eq(requests(c.sides[i].pc), 0);
    }
    finish(&c);
}
END_TEST

/* Every datagram of a host goes to the TURN server. */
static bool leads_to_server(host *h, const kith_path *path, uint8_t *data, size_t *len, void *user)
{
    (void)h, (void)data, (void)len;
    ck_assert(kith_address_same_ip(&path->remote, user));
    return true;
}

START_TEST(a_call_through_a_relay_at_either_side_or_both_loses_nothing)
{
    static const char *const urls[] = {"turn:203.0.113.7"};
    const kith_ice_server server = {
        .urls = urls, .url_count = 1, .username = TURN_USER, .credential = TURN_PASSWORD};
    kith_pc_config relayed = KITH_PC_CONFIG_INIT, plain = KITH_PC_CONFIG_INIT;
    relayed.ice_servers = &server;
    relayed.ice_server_count = 1;
    relayed.ice_transport_policy = KITH_ICE_TRANSPORT_POLICY_RELAY;
    const kith_pc_config *const settings[][2] = {
        {&relayed, &plain}, {&plain, &relayed}, {&relayed, &relayed}};
    for (size_t k = 0; k < sizeof settings / sizeof settings[0]; k++) {
        call c;
        begin_with(&c, (link_config){.delay = KITH_MS(20)}, settings[k]);
        turn_server *turn = world_add_turn_server(c.world, "203.0.113.7", KITH_MS(20));
        for (int i = LEFT; i <= RIGHT; i++)
            if (settings[k][i] == &relayed) {
                c.sides[i].host->tap = leads_to_server;
                c.sides[i].host->tap_user = &turn_host(turn)->address;
            }
        add(&c, KITH_AUDIO);
        add(&c, KITH_VIDEO);
        connect(&c);
        /* the first packets overtake ChannelBind's answer, as Send indications */
        send_for(&c, KITH_SECONDS(10));
        ck_assert_uint_eq(c.refused, 0);
        for (int i = LEFT; i <= RIGHT; i++)
            for (int kind = KITH_AUDIO; kind <= KITH_VIDEO; kind++) {
                ck_assert_uint_eq(c.sides[i].seen[kind].packets, c.sent);
                ck_assert_uint_eq(c.sides[i].seen[kind].repeated, 0);
            }
        /* audio and video of each that has a relay */
        unsigned relays = settings[k][LEFT] == settings[k][RIGHT] ? 2 : 1;
        ck_assert_uint_gt(turn_count(turn).channel_data, relays * 2 * 1900);
        finish(&c);
    }
}
END_TEST

START_TEST(what_the_links_lose_is_all_that_is_missing)
{
    call c;
    begin(&c, (link_config){.delay = KITH_MS(30), .loss = 0.1, .reorder = 0.05, .duplicate = 0.02});
    add(&c, KITH_AUDIO);
    add(&c, KITH_VIDEO);
    connect(&c);
    send_for(&c, KITH_SECONDS(20));
    for (int kind = KITH_AUDIO; kind <= KITH_VIDEO; kind++) {
        const seen *there = &c.sides[RIGHT].seen[kind], *back = &c.sides[LEFT].seen[kind];
        ck_assert_uint_eq(there->repeated + back->repeated, 0);
        ck_assert_uint_ge(there->packets, c.sent * 85 / 100);
        ck_assert_uint_ge(back->packets, c.sent * 74 / 100);
    }
    finish(&c);
}
END_TEST

START_TEST(a_request_for_a_key_frame_reaches_who_makes_it)
{
    call c;
    begin(&c, (link_config){.delay = KITH_MS(20)});
    add(&c, KITH_VIDEO);
    connect(&c);
    ck_assert_uint_eq(c.sides[LEFT].key_frame_requests, 1); /* the peer has just begun */
    send_for(&c, KITH_SECONDS(2));
    unsigned before = c.sides[LEFT].key_frame_requests;
    kith_receiver_request_key_frame(
        kith_transceiver_receiver(kith_pc_transceiver_at(c.sides[LEFT].pc, 0)));
    world_run(c.world, KITH_SECONDS(1), NULL, NULL);
    ck_assert_uint_ge(c.sides[RIGHT].key_frame_requests, 2);     /* PLI came */
    ck_assert_uint_gt(c.sides[LEFT].key_frame_requests, before); /* and was passed on */
    finish(&c);
}
END_TEST

START_TEST(a_section_more_or_less_costs_the_others_nothing)
{
    call c;
    begin(&c, (link_config){.delay = KITH_MS(20)});
    add(&c, KITH_AUDIO);
    connect(&c);
    send_for(&c, KITH_SECONDS(1));
    kith_sender *camera = NULL;
    for (unsigned round = 1; round <= 10; round++) {
        c.until = world_now(c.world) + KITH_SECONDS(4);
        send_next(&c);
        world_run(c.world, KITH_MS(500), NULL, NULL);
        camera = add(&c, KITH_VIDEO);
        describe(&c.sides[LEFT]);
        world_run(c.world, KITH_SECONDS(1), NULL, NULL);
        OK(kith_transceiver_set_direction(kith_sender_transceiver(camera),
                                          KITH_DIRECTION_INACTIVE));
        describe(&c.sides[LEFT]);
        world_run(c.world, KITH_SECONDS(1), NULL, NULL);
        ck_assert_ptr_null(kith_sender_codec(camera));
        OK(kith_transceiver_stop(kith_sender_transceiver(camera)));
        describe(&c.sides[LEFT]);
        world_run(c.world, KITH_SECONDS(3), NULL, NULL);
        ck_assert_uint_eq(c.sides[LEFT].ended, round);
        ck_assert_uint_eq(c.sides[RIGHT].ended, round);
        ck_assert_uint_ge(c.sides[RIGHT].seen[KITH_VIDEO].packets, round * 190);
        ck_assert_uint_eq(c.sides[RIGHT].seen[KITH_AUDIO].packets, c.sent);
        ck_assert_uint_eq(c.sides[LEFT].seen[KITH_AUDIO].packets, c.sent);
    }
    kith_dc *dc;
    OK(kith_pc_create_data_channel(c.sides[RIGHT].pc, "x", NULL, &dc));
    describe(&c.sides[RIGHT]);
    world_run(c.world, KITH_SECONDS(2), NULL, NULL);
    ck_assert_int_eq(kith_dc_ready_state(dc), KITH_DC_STATE_OPEN);
    const char *sdp = kith_pc_local_description(c.sides[LEFT].pc)->sdp;
    unsigned sections = 0;
    for (const char *at = sdp; (at = strstr(at, "\r\nm=")); at++)
        sections++;
    ck_assert_uint_eq(sections, 2); /* audio, and what was video for the data */
    finish(&c);
}
END_TEST

START_TEST(media_is_added_to_a_connection_of_data)
{
    call c;
    kith_dc *dc;
    begin(&c, (link_config){.delay = KITH_MS(20)});
    OK(kith_pc_create_data_channel(c.sides[LEFT].pc, "x", NULL, &dc));
    connect(&c);
    add(&c, KITH_AUDIO);
    describe(&c.sides[LEFT]);
    world_run(c.world, KITH_MS(100), NULL, NULL);
    ck_assert_uint_eq(c.sides[LEFT].ready, 1);
    send_for(&c, KITH_SECONDS(1));
    ck_assert_uint_eq(c.sides[LEFT].seen[KITH_AUDIO].packets, c.sent);
    ck_assert_int_eq(kith_dc_ready_state(dc), KITH_DC_STATE_OPEN);
    finish(&c);
}
END_TEST

/* Its rollover counter cannot be learnt again. */
START_TEST(a_microphone_that_is_silent_for_long_is_heard_again)
{
    call c;
    begin(&c, (link_config){.delay = KITH_MS(20)});
    add(&c, KITH_AUDIO);
    connect(&c);
    c.interval = KITH_MS(1);
    send_for(&c, KITH_SECONDS(40)); /* wraps on the way: ours begin below 32768 */
    world_run(c.world, KITH_SECONDS(600), NULL, NULL);
    send_for(&c, KITH_SECONDS(40));
    ck_assert_uint_eq(c.sides[RIGHT].seen[KITH_AUDIO].packets, c.sent);
    ck_assert_uint_eq(c.sides[LEFT].seen[KITH_AUDIO].packets, c.sent);
    finish(&c);
}
END_TEST

START_TEST(who_closes_ends_the_others_senders)
{
    call c;
    begin(&c, (link_config){.delay = KITH_MS(20)});
    add(&c, KITH_AUDIO);
    connect(&c);
    send_for(&c, KITH_SECONDS(1));
    kith_pc_close(c.sides[RIGHT].pc);
    world_run(c.world, KITH_SECONDS(1), NULL, NULL);
    ck_assert_uint_eq(c.sides[LEFT].silent, 1);
    finish(&c);
}
END_TEST

/* LEFT, the DTLS server, has its keys with the client's Finished; its own is lost as long as this
 * is set, so RIGHT has none. */
static bool loses_finished;
/* RTP and RTCP that LEFT sent meanwhile. */
static unsigned sent_early;

static bool lose_finished(host *h, const kith_path *path, uint8_t *data, size_t *len, void *user)
{
    (void)h, (void)path, (void)user;
    bool is_change_cipher_spec = *len > 0 && data[0] == 20;
    sent_early += loses_finished && *len > 0 && data[0] >> 6 == 2;
    return !(loses_finished && is_change_cipher_spec);
}

static bool left_is_connected(void *user)
{
    const call *c = user;
    return c->sides[LEFT].state == KITH_CONNECTION_STATE_CONNECTED;
}

/* `count` packets that come before RIGHT has keys, which it gets afterwards. */
static void send_before_keys(call *c, unsigned count)
{
    begin(c, (link_config){.delay = KITH_MS(20)});
    c->sides[LEFT].host->tap = lose_finished;
    loses_finished = true;
    sent_early = 0;
    add(c, KITH_AUDIO);
    describe(&c->sides[LEFT]);
    ck_assert(world_run(c->world, KITH_SECONDS(20), left_is_connected, c));
    send_for(c, (count - 1) * c->interval);
    ck_assert_uint_eq(c->sent, count);
    ck_assert_int_eq(c->sides[RIGHT].state, KITH_CONNECTION_STATE_CONNECTING);
    ck_assert_uint_eq(c->sides[RIGHT].seen[KITH_AUDIO].packets, 0);
    loses_finished = false;
    ck_assert(world_run(c->world, KITH_SECONDS(20), is_connected, c));
    world_run(c->world, KITH_SECONDS(1), NULL, NULL);
}

START_TEST(packets_that_come_before_the_keys_wait_for_them)
{
    call c;
    send_before_keys(&c, 100);
    const seen *heard = &c.sides[RIGHT].seen[KITH_AUDIO];
    ck_assert_uint_eq(heard->packets, 100);
    ck_assert_uint_eq(heard->repeated + heard->ssrc_changes, 0);
    ck_assert_uint_eq(kith_pc_transport(c.sides[RIGHT].pc)->counters.early_dropped, 0);
    send_for(&c, KITH_SECONDS(1));
    ck_assert_uint_eq(heard->packets, c.sent);
    finish(&c);
}
END_TEST

/* As many as 64 KB hold: a peer that nobody has verified yet fills no more. */
START_TEST(of_packets_that_come_before_the_keys_64_kilobytes_wait)
{
    call c;
    send_before_keys(&c, 1000);
    const seen *heard = &c.sides[RIGHT].seen[KITH_AUDIO];
    uint64_t dropped = kith_pc_transport(c.sides[RIGHT].pc)->counters.early_dropped;
    unsigned early = heard->packets;
    /* what is missing was dropped, reports among it */
    ck_assert_uint_ge(early + dropped, 1000);
    ck_assert_uint_le(early + dropped, sent_early);
    /* of each at least payload, header and tag, and not twice as much */
    ck_assert_uint_le(heard->packets, 65536 / (100 + 12 + 10));
    ck_assert_uint_ge(heard->packets, 65536 / 2 / (100 + 12 + 10));
    ck_assert_uint_eq(heard->repeated + heard->ssrc_changes, 0);
    send_for(&c, KITH_SECONDS(1));
    ck_assert_uint_eq(heard->packets - early, c.sent - 1000);
    finish(&c);
}
END_TEST

static void set_active(kith_sender *sender, bool is_active)
{
    kith_rtp_send_parameters *p = NULL;
    OK(kith_sender_get_parameters(sender, &p));
    p->encodings[0]->active = is_active;
    OK(kith_sender_set_parameters(sender, p));
}

static unsigned packets_at_right(call *c)
{
    return c->sides[RIGHT].seen[KITH_AUDIO].packets;
}

/* webrtc-pc section 5.2: replaceTrack(null) and encodings that are not active send nothing, without
 * a word to the peer. */
START_TEST(a_sender_without_track_or_encoding_is_silent_without_negotiation)
{
    call c;
    begin(&c, (link_config){.delay = KITH_MS(20)});
    kith_sender *sender = add(&c, KITH_AUDIO);
    connect(&c);
    send_for(&c, KITH_SECONDS(1));
    unsigned before = packets_at_right(&c), sent = c.sent;
    ck_assert_uint_eq(before, sent);
    OK(kith_sender_replace_track(sender, NULL));
    ck_assert_ptr_null(kith_sender_codec(sender));
    send_for(&c, KITH_SECONDS(1));
    ck_assert_uint_eq(packets_at_right(&c), before);
    ck_assert_uint_eq(c.refused, c.sent - sent);
    OK(kith_sender_replace_track(sender, "another"));
    set_active(sender, false);
    send_for(&c, KITH_SECONDS(1));
    ck_assert_uint_eq(packets_at_right(&c), before);
    set_active(sender, true);
    sent = c.sent;
    send_for(&c, KITH_SECONDS(1));
    ck_assert_uint_eq(packets_at_right(&c), before + c.sent - sent);
    ck_assert_uint_eq(c.sides[RIGHT].seen[KITH_AUDIO].ssrc_changes, 0);
    ck_assert_uint_eq(c.sides[LEFT].silent, 3);
    ck_assert_uint_eq(c.sides[RIGHT].muted, 0);
    ck_assert(!kith_pc_negotiation_needed(c.sides[LEFT].pc));
    finish(&c);
}
END_TEST

/* webrtc-pc sections 5.1.1 and 9.3. */
START_TEST(a_track_is_muted_until_packets_come_and_when_they_can_come_no_more)
{
    call c;
    begin(&c, (link_config){.delay = KITH_MS(20)});
    kith_sender *sender = add(&c, KITH_AUDIO);
    connect(&c);
    const side *right = &c.sides[RIGHT];
    kith_receiver *receiver =
        kith_transceiver_receiver(kith_pc_transceiver_at(c.sides[RIGHT].pc, 0));
    ck_assert(kith_receiver_is_muted(receiver));
    send_for(&c, KITH_SECONDS(1));
    ck_assert(!kith_receiver_is_muted(receiver));
    ck_assert_uint_eq(right->unmuted, 1);
    OK(kith_transceiver_set_direction(kith_sender_transceiver(sender), KITH_DIRECTION_RECVONLY));
    describe(&c.sides[LEFT]);
    world_run(c.world, KITH_MS(100), NULL, NULL);
    ck_assert(kith_receiver_is_muted(receiver));
    ck_assert_uint_eq(right->muted, 1);
    OK(kith_transceiver_set_direction(kith_sender_transceiver(sender), KITH_DIRECTION_SENDRECV));
    describe(&c.sides[LEFT]);
    world_run(c.world, KITH_MS(100), NULL, NULL);
    ck_assert_uint_eq(right->unmuted, 1);
    send_for(&c, KITH_SECONDS(1));
    ck_assert_uint_eq(right->unmuted, 2);
    /* RFC 3550 section 6.3.5 */
    world_run(c.world, KITH_SECONDS(20), NULL, NULL);
    ck_assert_uint_eq(right->muted, 1);
    world_run(c.world, KITH_SECONDS(10), NULL, NULL);
    ck_assert_uint_eq(right->muted, 2);
    send_for(&c, KITH_SECONDS(1));
    ck_assert_uint_eq(right->unmuted, 3);
    /* BYE */
    OK(kith_transceiver_stop(kith_sender_transceiver(sender)));
    world_run(c.world, KITH_SECONDS(1), NULL, NULL);
    ck_assert_uint_eq(right->muted, 3);
    finish(&c);
}
END_TEST

static void set_remote(side *to, kith_sdp_type type, const char *sdp)
{
    OK(kith_pc_set_remote_description(to->pc, &(kith_session_description){type, sdp}));
}

/* RFC 3264 section 5.1: LEFT sends as soon as it has answered, long before RIGHT has the answer. */
START_TEST(packets_that_overtake_the_answer_are_kept_until_it_comes)
{
    call c;
    begin(&c, (link_config){.delay = KITH_MS(20)});
    add(&c, KITH_AUDIO);
    connect(&c);
    side *left = &c.sides[LEFT], *right = &c.sides[RIGHT];
    OK(kith_pc_add_transceiver(right->pc, KITH_VIDEO, NULL, NULL));
    OK(kith_pc_set_local_description(right->pc, NULL));
    set_remote(left, KITH_SDP_OFFER, kith_pc_local_description(right->pc)->sdp);
    OK(kith_transceiver_set_direction(kith_pc_transceiver_at(left->pc, 1),
                                      KITH_DIRECTION_SENDRECV));
    OK(kith_pc_set_local_description(left->pc, NULL));
    char *answer = strdup(kith_pc_local_description(left->pc)->sdp);
    c.until = world_now(c.world) + KITH_MS(300);
    send_next(&c);
    world_run(c.world, KITH_MS(500), NULL, NULL);
    ck_assert_uint_eq(c.refused, 0);
    ck_assert_uint_eq(right->seen[KITH_AUDIO].packets, c.sent);
    ck_assert_uint_eq(right->seen[KITH_VIDEO].packets, 0); /* never before the answer */
    set_remote(right, KITH_SDP_ANSWER, answer);
    world_run(c.world, KITH_MS(100), NULL, NULL);
    ck_assert_uint_eq(right->seen[KITH_VIDEO].packets, c.sent);
    ck_assert_uint_eq(right->unmuted, 2);
    free(answer);
    finish(&c);
}
END_TEST

/* What an offer let come is nobody's once it was taken back. */
START_TEST(packets_for_an_offer_that_was_rolled_back_are_dropped)
{
    call c;
    begin(&c, (link_config){.delay = KITH_MS(20)});
    add(&c, KITH_AUDIO);
    connect(&c);
    side *left = &c.sides[LEFT], *right = &c.sides[RIGHT];
    OK(kith_pc_add_transceiver(right->pc, KITH_VIDEO, NULL, NULL));
    OK(kith_pc_set_local_description(right->pc, NULL));
    set_remote(left, KITH_SDP_OFFER, kith_pc_local_description(right->pc)->sdp);
    OK(kith_transceiver_set_direction(kith_pc_transceiver_at(left->pc, 1),
                                      KITH_DIRECTION_SENDRECV));
    OK(kith_pc_set_local_description(left->pc, NULL));
    OK(kith_pc_set_local_description(right->pc,
                                     &(kith_session_description){KITH_SDP_ROLLBACK, NULL}));
    send_for(&c, KITH_MS(300));
    ck_assert_uint_eq(right->seen[KITH_VIDEO].packets, 0);
    ck_assert_uint_eq(right->seen[KITH_AUDIO].packets, c.sent);
    finish(&c);
}
END_TEST

static char *with_ssrc(const char *sdp, uint32_t from, uint32_t to)
{
    char was[32], is[32], *text = calloc(2, strlen(sdp)), *at = text;
    snprintf(was, sizeof was, "a=ssrc:%u ", from);
    snprintf(is, sizeof is, "a=ssrc:%u ", to);
    for (const char *found; (found = strstr(sdp, was)); sdp = found + strlen(was))
        at += sprintf(at, "%.*s%s", (int)(found - sdp), sdp, is);
    strcpy(at, sdp);
    return text;
}

static uint32_t ssrc_in(const char *sdp)
{
    const char *line = strstr(sdp, "a=ssrc:");
    return line ? (uint32_t)strtoul(line + 7, NULL, 10) : 0;
}

/* RFC 3550 section 8.2: BYE, another SSRC, and a negotiation that says so, because browsers show
 * what a=ssrc names. */
START_TEST(an_ssrc_that_is_the_peers_too_is_changed_and_negotiated)
{
    call c;
    begin(&c, (link_config){.delay = KITH_MS(20)});
    add(&c, KITH_AUDIO);
    connect(&c);
    send_for(&c, KITH_SECONDS(1));
    side *left = &c.sides[LEFT], *right = &c.sides[RIGHT];
    uint32_t ours = ssrc_in(kith_pc_local_description(left->pc)->sdp);
    OK(kith_pc_set_local_description(right->pc, NULL));
    const char *offer = kith_pc_local_description(right->pc)->sdp;
    char *colliding = with_ssrc(offer, ssrc_in(offer), ours);
    set_remote(left, KITH_SDP_OFFER, colliding);
    OK(kith_pc_set_local_description(left->pc, NULL));
    set_remote(right, KITH_SDP_ANSWER, kith_pc_local_description(left->pc)->sdp);
    ck_assert(!kith_pc_negotiation_needed(left->pc));
    world_run(c.world, KITH_MS(100), NULL, NULL);
    ck_assert(kith_pc_negotiation_needed(left->pc));
    send_for(&c, KITH_SECONDS(1));
    describe(left);
    ck_assert(!kith_pc_negotiation_needed(left->pc));
    uint32_t changed = ssrc_in(kith_pc_local_description(left->pc)->sdp);
    ck_assert_uint_ne(changed, ours);
    send_for(&c, KITH_SECONDS(1));
    ck_assert_uint_eq(right->seen[KITH_AUDIO].packets, c.sent);
    ck_assert_uint_eq(right->seen[KITH_AUDIO].ssrc_changes, 1);
    ck_assert_uint_eq(right->seen[KITH_AUDIO].ssrc, changed);
    ck_assert_uint_ge(right->muted, 1); /* by the BYE */
    free(colliding);
    finish(&c);
}
END_TEST

/* RFC 3550 section 6.4.1: the peer gets the clock of the source. */
START_TEST(sender_reports_have_the_time_of_the_source_once_it_is_known)
{
    call c;
    begin(&c, (link_config){.delay = KITH_MS(20)});
    kith_sender *sender = add(&c, KITH_AUDIO);
    ck_assert_int_eq(kith_sender_set_ntp(sender, 1, 1), KITH_ERR_AGAIN);
    connect(&c);
    send_for(&c, KITH_SECONDS(6));
    kith_rtp_in_info info;
    const kith_rtp_session *rtp = kith_pc_transport(c.sides[RIGHT].pc)->media->rtp;
    const uint64_t ntp = UINT64_C(0x12345678) << 32;
    uint32_t timestamp = c.sent * 960;
    OK(kith_sender_set_ntp(sender, ntp, timestamp));
    kith_time at = world_now(c.world);
    send_for(&c, KITH_SECONDS(10));
    ck_assert(kith_rtp_in_find(rtp, c.sides[RIGHT].seen[KITH_AUDIO].ssrc, &info));
    uint64_t since = (uint64_t)(info.report_received_at - KITH_MS(20) - at);
    ck_assert_uint_gt(since, 0);
    ck_assert_uint_eq(info.remote_ntp >> 32, (ntp >> 32) + since / 1000000);
    OK(kith_transceiver_stop(kith_sender_transceiver(sender)));
    ck_assert_int_eq(kith_sender_set_ntp(sender, 1, 1), KITH_ERR_INVALID_STATE);
    finish(&c);
}
END_TEST

UNIT_MAIN("sim: media", every_packet_arrives_and_comes_back_over_a_clean_link,
          what_has_nothing_in_it_is_mirrored_for_its_number,
          a_call_through_a_relay_at_either_side_or_both_loses_nothing,
          what_the_links_lose_is_all_that_is_missing,
          a_request_for_a_key_frame_reaches_who_makes_it,
          a_section_more_or_less_costs_the_others_nothing, media_is_added_to_a_connection_of_data,
          a_microphone_that_is_silent_for_long_is_heard_again,
          a_sender_without_track_or_encoding_is_silent_without_negotiation,
          a_track_is_muted_until_packets_come_and_when_they_can_come_no_more,
          packets_that_come_before_the_keys_wait_for_them,
          of_packets_that_come_before_the_keys_64_kilobytes_wait,
          packets_that_overtake_the_answer_are_kept_until_it_comes,
          packets_for_an_offer_that_was_rolled_back_are_dropped,
          an_ssrc_that_is_the_peers_too_is_changed_and_negotiated,
          sender_reports_have_the_time_of_the_source_once_it_is_known,
          who_closes_ends_the_others_senders)
