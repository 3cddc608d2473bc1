/* Circuit breakers (RFC 8083) between two peers: LEFT sends video, and says when it may not. */
#include <stdio.h>
#include <string.h>

#include "../unit/unit.h"
#include "pc/pc.h"
#include "wire/rtcp.h"
#include "world.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)

enum { LEFT, RIGHT };

typedef struct call {
    world *world;
    host *hosts[2];
    kith_pc *pcs[2];
    kith_sender *sender, *sound;
    kith_time until, interval;
    unsigned connected;
    /* LEFT: what was sent and what was refused; what it was told */
    unsigned sent, refused, ready, silent, asked;
    /* RIGHT */
    unsigned came;
} call;

static void on_event(host *h, const kith_event *ev, void *user)
{
    (void)h;
    call *c = user;
    int other = ev->pc == c->pcs[LEFT] ? RIGHT : LEFT;
    switch ((int)ev->type) {
    case KITH_EV_ICE_CANDIDATE:
        OK(kith_pc_add_ice_candidate(c->pcs[other], &ev->ice_candidate));
        break;
    case KITH_EV_CONNECTION_STATE:
        c->connected += ev->connection_state == KITH_CONNECTION_STATE_CONNECTED;
        break;
    case KITH_EV_SENDER_STATE:
        if (ev->sender != c->sender)
            break;
        c->ready += !!kith_sender_codec(ev->sender);
        c->silent += !kith_sender_codec(ev->sender);
        break;
    case KITH_EV_KEY_FRAME_REQUEST:
        c->asked++;
        break;
    case KITH_EV_RTP:
        c->came++;
        break;
    default:
        break;
    }
}

static void begin_with(call *c, link_config link, const kith_pc_config *config)
{
    static const char *const ips[] = {"192.0.2.1", "198.51.100.1"};
    memset(c, 0, sizeof *c);
    c->world = world_new(1);
    c->interval = KITH_MS(5);
    for (int i = LEFT; i <= RIGHT; i++) {
        c->hosts[i] = world_add_host(c->world, ips[i], ips[i], NAT_NONE, link);
        c->hosts[i]->on_event = on_event;
        c->hosts[i]->user = c;
        OK(kith_pc_new(&c->pcs[i], c->hosts[i]->endpoint, config));
    }
}

static void begin(call *c, link_config link)
{
    begin_with(c, link, NULL);
}

static bool is_connected(void *user)
{
    return ((call *)user)->connected == 2;
}

static kith_sender *add_sender(call *c, kith_media_kind kind)
{
    kith_transceiver *t = NULL;
    const kith_transceiver_init init = {.size = sizeof init, .direction = KITH_DIRECTION_SENDONLY};
    OK(kith_pc_add_transceiver(c->pcs[LEFT], kind, &init, &t));
    return kith_transceiver_sender(t);
}

static void connect(call *c)
{
    c->sender = add_sender(c, KITH_VIDEO);
    for (int i = LEFT; i <= RIGHT; i++) {
        OK(kith_pc_set_local_description(c->pcs[i], NULL));
        OK(kith_pc_set_remote_description(c->pcs[1 - i], kith_pc_local_description(c->pcs[i])));
    }
    ck_assert_msg(world_run(c->world, KITH_SECONDS(20), is_connected, c), "%s",
                  kith_pc_why_failed(c->pcs[LEFT]));
}

static void finish(call *c)
{
    kith_pc_free(c->pcs[LEFT]);
    kith_pc_free(c->pcs[RIGHT]);
    world_run(c->world, KITH_SECONDS(3), NULL, NULL);
    world_free(c->world);
}

static void send_next(void *user)
{
    call *c = user;
    const uint8_t payload[300] = {0x10, 0x01}; /* VP8: no key frame */
    kith_rtp rtp = KITH_RTP_INIT;
    rtp.payload = payload;
    rtp.len = sizeof payload;
    rtp.sequence_number = (uint16_t)c->sent;
    rtp.timestamp = c->sent * 960;
    c->refused += kith_sender_send_rtp(c->sender, &rtp) != KITH_OK;
    rtp.len = 50;
    if (c->sound)
        OK(kith_sender_send_rtp(c->sound, &rtp));
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

static void set_active(kith_sender *sender, bool is_active)
{
    kith_rtp_send_parameters *p = NULL;
    OK(kith_sender_get_parameters(sender, &p));
    p->encodings[0]->active = is_active;
    OK(kith_sender_set_parameters(sender, p));
}

static bool is_rtcp_lost;

static bool lose_rtcp(host *h, const kith_path *path, uint8_t *data, size_t *len, void *user)
{
    (void)h, (void)path, (void)user;
    return !is_rtcp_lost || !kith_rtcp_is(kith_span_of(data, *len)) || data[0] >> 6 != 2;
}

/* What getStats says of LEFT's only sender. */
static const char *breaker_of(call *c, char text[32])
{
    kith_stats_report *report = NULL;
    OK(kith_pc_get_stats(c->pcs[LEFT], &report));
    text[0] = '\0';
    for (size_t i = 0; i < kith_stats_report_size(report); i++) {
        const kith_stats *s = kith_stats_report_at(report, i);
        if (s->type == KITH_STATS_OUTBOUND_RTP && s->outbound_rtp.circuit_breaker)
            snprintf(text, 32, "%s", s->outbound_rtp.circuit_breaker);
    }
    kith_stats_report_free(report);
    return text;
}

START_TEST(a_sender_pauses_while_no_reports_come_and_goes_on_when_they_do)
{
    call c;
    char text[32];
    begin(&c, (link_config){.delay = KITH_MS(20)});
    c.hosts[RIGHT]->tap = lose_rtcp;
    is_rtcp_lost = false;
    connect(&c);
    send_for(&c, KITH_SECONDS(5));
    unsigned asked = c.asked;
    is_rtcp_lost = true;
    send_for(&c, KITH_SECONDS(12));
    ck_assert_uint_eq(c.silent + c.refused, 0);
    send_for(&c, KITH_SECONDS(5));
    ck_assert_uint_eq(c.silent, 1);
    ck_assert_uint_gt(c.refused, 0);
    ck_assert_ptr_null(kith_sender_codec(c.sender));
    ck_assert_str_eq(breaker_of(&c, text), "rtcpTimeout");
    ck_assert_ptr_nonnull(strstr(kith_pc_why_failed(c.pcs[LEFT]),
                                 "video (mid 0) is paused by a circuit breaker: for 15 s the peer "
                                 "reported on nothing that was sent"));
    is_rtcp_lost = false;
    world_run(c.world, KITH_SECONDS(12), NULL, NULL);
    ck_assert_ptr_nonnull(kith_sender_codec(c.sender));
    ck_assert_str_eq(breaker_of(&c, text), "");
    ck_assert_uint_eq(c.ready, 2);
    ck_assert_uint_eq(c.asked, asked + 1);
    unsigned before = c.came, sent = c.sent;
    send_for(&c, KITH_SECONDS(1));
    ck_assert_uint_eq(c.came, before + c.sent - sent);
    finish(&c);
}
END_TEST

/* Video is lost, or what of it is long. */
static size_t longest_video;

static bool lose_video(host *h, const kith_path *path, uint8_t *data, size_t *len, void *user)
{
    (void)h, (void)path;
    kith_rtp_header header;
    return *len <= longest_video || !kith_rtp_parse_clear(&header, kith_span_of(data, *len)) ||
           header.ssrc != kith_rtp_out_ssrc(((call *)user)->sender->out);
}

/* Section 4.2, between two kiths: who receives goes on reporting what does not arrive any more. */
START_TEST(video_that_does_not_arrive_beside_sound_pauses_alone)
{
    call c;
    char text[32];
    begin(&c, (link_config){.delay = KITH_MS(20)});
    c.sound = add_sender(&c, KITH_AUDIO);
    connect(&c);
    send_for(&c, KITH_SECONDS(3));
    c.hosts[LEFT]->tap = lose_video;
    c.hosts[LEFT]->tap_user = &c;
    longest_video = 0;
    send_for(&c, KITH_SECONDS(4));
    ck_assert_str_eq(breaker_of(&c, text), "");
    send_for(&c, KITH_SECONDS(6));
    ck_assert_str_eq(breaker_of(&c, text), "mediaTimeout");
    ck_assert_ptr_null(kith_sender_codec(c.sender));
    ck_assert_ptr_nonnull(kith_sender_codec(c.sound));
    c.hosts[LEFT]->tap = NULL;
    world_run(c.world, KITH_SECONDS(15), NULL, NULL);
    ck_assert_ptr_nonnull(kith_sender_codec(c.sender));
    finish(&c);
}
END_TEST

/* As where a path has no room for packets of that size: the empty ones that ask come through. */
START_TEST(video_of_which_only_short_packets_arrive_is_sent_less_and_less_often)
{
    call c;
    begin(&c, (link_config){.delay = KITH_MS(20)});
    connect(&c);
    c.hosts[LEFT]->tap = lose_video;
    c.hosts[LEFT]->tap_user = &c;
    longest_video = SIZE_MAX;
    send_for(&c, KITH_SECONDS(3));
    longest_video = 200;
    send_for(&c, KITH_SECONDS(120));
    ck_assert_uint_ge(c.silent, 3);
    ck_assert_uint_le(c.silent, 7);
    ck_assert_uint_gt(c.refused * 2, c.sent);
    finish(&c);
}
END_TEST

/* Behind a gateway without RTCP (section 4). */
START_TEST(a_sender_that_ignores_the_timeout_goes_on_without_reports)
{
    call c;
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    config.ignore_rtcp_timeout = true;
    begin_with(&c, (link_config){.delay = KITH_MS(20)}, &config);
    c.hosts[RIGHT]->tap = lose_rtcp;
    is_rtcp_lost = true;
    connect(&c);
    send_for(&c, KITH_SECONDS(40));
    ck_assert_uint_eq(c.silent + c.refused, 0);
    finish(&c);
}
END_TEST

/* 200 packets a second; at a round trip of 400 ms and half of them lost TCP sends 4. */
START_TEST(a_sender_pauses_under_congestion_and_goes_on_when_it_is_over)
{
    call c;
    char text[32];
    begin(&c, (link_config){.delay = KITH_MS(200)});
    connect(&c);
    c.hosts[LEFT]->link.loss = 0.5;
    for (int i = 0; i < 40 && kith_sender_codec(c.sender); i++)
        send_for(&c, KITH_MS(500));
    ck_assert_str_eq(breaker_of(&c, text), "congestion");
    ck_assert_ptr_null(kith_sender_codec(c.sender));
    c.hosts[LEFT]->link.loss = 0;
    world_run(c.world, KITH_SECONDS(30), NULL, NULL);
    ck_assert_ptr_nonnull(kith_sender_codec(c.sender));
    finish(&c);
}
END_TEST

/* 100 packets a second. */
START_TEST(loss_of_5_and_10_percent_pauses_nobody)
{
    static const double losses[] = {0.05, 0.1};
    static const kith_time delays[] = {KITH_MS(25), KITH_MS(100)};
    for (size_t i = 0; i < 4; i++) {
        call c;
        begin(&c, (link_config){.delay = delays[i / 2], .loss = losses[i % 2]});
        connect(&c);
        c.interval = KITH_MS(10);
        send_for(&c, KITH_SECONDS(60));
        ck_assert_uint_eq(c.refused, 0);
        ck_assert_uint_eq(c.silent, 0);
        finish(&c);
    }
}
END_TEST

/* Hold and a new start are no matter of the network. */
START_TEST(a_paused_sender_asks_nothing_while_it_may_not_send)
{
    call c;
    char text[32];
    begin(&c, (link_config){.delay = KITH_MS(20)});
    c.hosts[RIGHT]->tap = lose_rtcp;
    is_rtcp_lost = true;
    connect(&c);
    send_for(&c, KITH_SECONDS(16));
    ck_assert_str_eq(breaker_of(&c, text), "rtcpTimeout");
    set_active(c.sender, false);
    ck_assert_str_eq(breaker_of(&c, text), "");
    kith_rtp_out_info before, after;
    kith_rtp_out_get_info(c.sender->out, &before);
    world_run(c.world, KITH_SECONDS(30), NULL, NULL);
    kith_rtp_out_get_info(c.sender->out, &after);
    ck_assert_uint_eq(after.packets_sent, before.packets_sent);
    set_active(c.sender, true);
    ck_assert_ptr_nonnull(kith_sender_codec(c.sender));
    finish(&c);
}
END_TEST

UNIT_MAIN("sim: breakers", a_sender_pauses_while_no_reports_come_and_goes_on_when_they_do,
          video_that_does_not_arrive_beside_sound_pauses_alone,
          video_of_which_only_short_packets_arrive_is_sent_less_and_less_often,
          a_sender_that_ignores_the_timeout_goes_on_without_reports,
          a_sender_pauses_under_congestion_and_goes_on_when_it_is_over,
          loss_of_5_and_10_percent_pauses_nobody,
          a_paused_sender_asks_nothing_while_it_may_not_send)
