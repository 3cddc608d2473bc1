/* The queue of events: what is in it stays readable, nothing is lost, and anything may be called
 * while one is looked at. */
#include <stdlib.h>

#include "base/error.h"
#include "live.h"

/* ---- anything at any event ---- */

enum deed { FREE_PC, CLOSE_PC, FREE_DC, CLOSE_DC, DEEDS };

/* At the left side's `at`-th event `deed` is done; afterwards nothing names what is gone. */
static struct {
    enum deed deed;
    unsigned at, seen;
    bool done;
    kith_pc *gone_pc;
    kith_dc *gone_dc;
    unsigned types_hit; /* bit by type: events at which something was done */
    kith_event_type type_hit;
} sweep;

static void do_deed(duo_peer *p, const kith_event *ev)
{
    bool needs_dc = sweep.deed == FREE_DC || sweep.deed == CLOSE_DC;
    if (needs_dc && !ev->dc)
        return;
    sweep.type_hit = ev->type;
    sweep.types_hit |= 1u << ev->type;
    switch (sweep.deed) {
    case FREE_PC:
        kith_pc_free(ev->pc);
        sweep.gone_pc = p->pc;
        p->pc = NULL;
        p->dc = NULL;
        break;
    case CLOSE_PC:
        kith_pc_close(ev->pc);
        break;
    case FREE_DC:
        sweep.gone_dc = ev->dc;
        p->dc = p->dc == ev->dc ? NULL : p->dc;
        kith_dc_free(ev->dc);
        break;
    case CLOSE_DC:
        kith_dc_close(ev->dc);
        break;
    case DEEDS:
        break;
    }
    sweep.done = true;
    /* Borrowed until the next poll, whatever was done. */
    ck_assert_int_eq(ev->type, sweep.type_hit);
    if (ev->type == KITH_EV_DC_MESSAGE)
        ck_assert_int_eq(((const char *)ev->message.data)[ev->message.len], 0);
    if (ev->type == KITH_EV_DC_ERROR)
        ck_assert_str_ne(ev->error->message, "");
}

static void sweeping_event(host *h, const kith_event *ev, void *user)
{
    duo_peer *p = user;
    if (p->side == RIGHT) {
        duo_handler(h, ev, user);
        return;
    }
    ck_assert_ptr_ne(ev->pc, sweep.gone_pc);
    if (ev->type == KITH_EV_DATA_CHANNEL && ev->dc == sweep.gone_dc)
        sweep.gone_dc = NULL; /* a new channel may have its address */
    ck_assert(!sweep.gone_dc || ev->dc != sweep.gone_dc);
    duo_handler(h, ev, user);
    if (ev->type == KITH_EV_DC_OPEN)
        kith_dc_set_buffered_amount_low_threshold(ev->dc, 1000);
    if (sweep.seen++ == sweep.at)
        do_deed(p, ev);
}

/* Every type of event comes to the left side, unless the deed ends it before. */
static void eventful_life(duo *d)
{
    static const char *const urls[] = {"stun:203.0.113.9"}; /* nobody is there */
    static const kith_ice_server server = {.urls = urls, .url_count = 1};
    kith_pc_config config = KITH_PC_CONFIG_INIT, small = KITH_PC_CONFIG_INIT;
    config.ice_servers = &server;
    config.ice_server_count = 1;
    config.send_buffer = 10000;
    config.max_message_size = 1000;
    small.max_channels = 256;
    duo_options options = {.seed = 1, .link = {.delay = KITH_MS(5)}, .configs = {&config, &small}};
    live_init(d, &options);
    d->peers[LEFT].host->on_event = d->peers[RIGHT].host->on_event = sweeping_event;
    duo_offer(d, LEFT);
    run_ms(d, 200);
    duo_peer *left = &d->peers[LEFT], *right = &d->peers[RIGHT];
    if (left->pc && left->dc) {
        static const char bytes[9000];
        for (int i = 0; i < 3; i++)
            left->duo->failed_call |= kith_dc_send(left->dc, bytes, sizeof bytes) != KITH_OK;
    }
    run_ms(d, 200);
    kith_dc *other = NULL;
    if (kith_pc_create_data_channel(right->pc, "other", NULL, &other) == KITH_OK) {
        run_ms(d, 50);
        d->failed_call |= kith_dc_send_text(other, "hi", 2) != KITH_OK;
        run_ms(d, 50);
        kith_dc_close(other);
    }
    run_ms(d, 40000); /* the STUN server is given up */
    if (left->pc)
        kith_pc_restart_ice(left->pc);
    run_ms(d, 10);
    kith_dc *first = right->channels[0];
    if (first && kith_dc_ready_state(first) == KITH_DC_STATE_OPEN) {
        static const char too_long[2000];
        kith_pc_transport(right->pc)->remote_max_message_size = 0; /* it forgets our limit */
        d->failed_call |= kith_dc_send(first, too_long, sizeof too_long) != KITH_OK;
    }
    run_ms(d, 200);
    duo_deinit(d);
}

#define BIT(type)  (1u << (type))
#define ALL_EVENTS (BIT(KITH_EV_DC_ERROR + 1) - 1)
#define DC_EVENTS  (ALL_EVENTS & ~(BIT(KITH_EV_DATA_CHANNEL) - 1) & ~BIT(KITH_EV_WRITABLE))

static void sweep_all(enum deed deed, unsigned wanted)
{
    memset(&sweep, 0, sizeof sweep);
    sweep.deed = deed;
    unsigned hit = 0;
    for (unsigned at = 0;; at++) {
        sweep.at = at;
        sweep.seen = sweep.types_hit = 0;
        sweep.gone_pc = NULL;
        sweep.gone_dc = NULL;
        sweep.done = false;
        duo d;
        eventful_life(&d);
        hit |= sweep.types_hit;
        if (sweep.seen <= at)
            break;
    }
    for (unsigned type = 0; type <= KITH_EV_DC_ERROR; type++)
        ck_assert_msg((~wanted | hit) & BIT(type), "%s did not come",
                      kith_event_name((kith_event_type)type));
}

START_TEST(a_peer_may_be_freed_at_any_event)
{
    sweep_all(FREE_PC, ALL_EVENTS);
}
END_TEST

START_TEST(a_peer_may_be_closed_at_any_event)
{
    sweep_all(CLOSE_PC, ALL_EVENTS);
}
END_TEST

START_TEST(a_channel_may_be_freed_at_any_of_its_events)
{
    sweep_all(FREE_DC, DC_EVENTS);
}
END_TEST

START_TEST(a_channel_may_be_closed_at_any_of_its_events)
{
    sweep_all(CLOSE_DC, DC_EVENTS);
}
END_TEST

/* ---- order and life ---- */

START_TEST(an_event_is_readable_until_the_next_is_asked_for_even_of_a_freed_peer)
{
    duo d;
    live_pair(&d);
    d.peers[LEFT].host->slow = true;
    OK(kith_dc_send_text(d.peers[RIGHT].dc, "still here", 10));
    run_ms(&d, 100);
    kith_endpoint *ep = ep_of(&d, LEFT);
    const kith_event *ev = kith_endpoint_poll_event(ep);
    ck_assert_int_eq(ev->type, KITH_EV_DC_MESSAGE);
    kith_pc_free(pc_of(&d, LEFT));
    d.peers[LEFT].pc = NULL;
    run_ms(&d, 1000); /* its last packets leave */
    ck_assert_str_eq(ev->message.data, "still here");
    ck_assert_ptr_null(kith_endpoint_poll_event(ep));
    run_ms(&d, 1);
    ck_assert(kith_list_empty(&ep->pcs)); /* now it is gone */
    duo_deinit(&d);
}
END_TEST

START_TEST(a_freed_peer_is_gone_when_its_last_event_was_told)
{
    duo d;
    live_pair(&d);
    d.peers[LEFT].host->slow = true;
    kith_pc_restart_ice(pc_of(&d, LEFT));
    const kith_event *ev = kith_endpoint_poll_event(ep_of(&d, LEFT));
    kith_pc_free(ev->pc);
    d.peers[LEFT].pc = NULL;
    run_ms(&d, 1000);
    ck_assert_int_eq(ev->type, KITH_EV_NEGOTIATION_NEEDED);
    ck_assert(!kith_list_empty(&ep_of(&d, LEFT)->pcs));
    ck_assert_ptr_null(kith_endpoint_poll_event(ep_of(&d, LEFT)));
    run_ms(&d, 1);
    ck_assert(kith_list_empty(&ep_of(&d, LEFT)->pcs));
    duo_deinit(&d);
}
END_TEST

/* webrtc-pc section 4.8.1.1: the state says that gathering began before candidates come, and that
 * it ended after the last. */
START_TEST(candidates_come_between_gathering_and_complete)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    duo_offer(&d, LEFT);
    run_ms(&d, 100);
    static const kith_event_type order[] = {KITH_EV_ICE_GATHERING_STATE, KITH_EV_ICE_CANDIDATE,
                                            KITH_EV_ICE_CANDIDATE, KITH_EV_ICE_GATHERING_STATE};
    static const char *const texts[] = {"", "candidate:", "", ""};
    size_t at = 0;
    for (size_t i = 0; i < told_count[LEFT] && at < 4; i++) {
        const told *t = &told_to[LEFT][i];
        if (t->type != KITH_EV_ICE_GATHERING_STATE && t->type != KITH_EV_ICE_CANDIDATE)
            continue;
        ck_assert_int_eq(t->type, order[at]);
        ck_assert_int_eq(strncmp(t->text, texts[at], strlen(texts[at])), 0);
        at++;
    }
    ck_assert_uint_eq(at, 4);
    ck_assert_int_eq(told_nth(LEFT, KITH_EV_ICE_GATHERING_STATE, 0)->state,
                     KITH_ICE_GATHERING_STATE_GATHERING);
    ck_assert_int_eq(told_nth(LEFT, KITH_EV_ICE_GATHERING_STATE, 1)->state,
                     KITH_ICE_GATHERING_STATE_COMPLETE);
    duo_deinit(&d);
}
END_TEST

/* webrtc-pc section 4.7.3: the event is not fired when it came true before its turn. */
START_TEST(negotiationneeded_that_came_true_meanwhile_is_not_told)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    channel(pc_of(&d, LEFT), "", NULL);
    OK(kith_pc_set_local_description(pc_of(&d, LEFT), NULL));
    run_ms(&d, 10);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_NEGOTIATION_NEEDED, NULL), 0);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_SIGNALING_STATE, NULL), 1);
    duo_deinit(&d);
}
END_TEST

/* ---- slow applications ---- */

static bool got_all(void *arg)
{
    return ((duo *)arg)->peers[RIGHT].messages == 1200;
}

START_TEST(an_application_that_does_not_ask_stops_the_peer_and_loses_nothing)
{
    duo d;
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    config.receive_buffer = 100000;
    live_init(&d,
              &(duo_options){.seed = 1, .link = {.delay = KITH_MS(5)}, .configs = {NULL, &config}});
    duo_connect(&d);
    host *right = d.peers[RIGHT].host;
    right->slow = true;
    duo_send(&d, LEFT, 1200, 16384);
    run_ms(&d, 20000);
    /* Held: the budget, and what SCTP's window of 4 MiB lets in. */
    size_t waiting = kith_dc_buffered_amount(d.peers[LEFT].dc);
    ck_assert_msg(waiting > 10000000, "%zu bytes wait", waiting);
    uint64_t sent = d.peers[LEFT].host->packets_sent;
    run_ms(&d, 20000);
    ck_assert_uint_lt(d.peers[LEFT].host->packets_sent - sent,
                      1000); /* probes, of 8000 packets that wait */
    right->slow = false;
    ck_assert(world_run(d.world, KITH_SECONDS(60), got_all, &d));
    ck_assert(!d.peers[RIGHT].out_of_order);
    ck_assert_uint_eq(d.peers[RIGHT].bytes, 1200 * 16384);
    duo_deinit(&d);
}
END_TEST

/* Messages without bytes cost memory too. */
START_TEST(the_number_of_waiting_messages_is_limited)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1, .link = {.delay = KITH_MS(5)}});
    d.peers[RIGHT].host->on_event = duo_handler;
    duo_connect(&d);
    d.peers[RIGHT].host->slow = true;
    for (int i = 0; i < 10000; i++)
        OK(kith_dc_send(d.peers[LEFT].dc, "x", (size_t)(i % 2)));
    run_ms(&d, 5000);
    ck_assert_uint_eq(pc_of(&d, RIGHT)->events.messages, 4096);
    kith_dc_close(d.peers[LEFT].dc); /* also its end waits behind them */
    run_ms(&d, 1000);
    ck_assert_uint_eq(d.peers[RIGHT].closed, 0);
    d.peers[RIGHT].host->slow = false;
    run_ms(&d, 5000);
    ck_assert_uint_eq(d.peers[RIGHT].messages, 10000);
    ck_assert_uint_eq(d.peers[RIGHT].closed, 1);
    ck_assert_uint_eq(pc_of(&d, RIGHT)->events.messages, 0);
    duo_deinit(&d);
}
END_TEST

/* ---- without memory ---- */

static bool memory_is_out;

static void *scarce_alloc(size_t size, void *user)
{
    (void)user;
    return memory_is_out ? NULL : malloc(size);
}

static void *scarce_resize(void *memory, size_t size, void *user)
{
    (void)user;
    return memory_is_out ? NULL : realloc(memory, size);
}

static void scarce_release(void *memory, void *user)
{
    (void)user;
    free(memory);
}

static const kith_allocator scarce = {scarce_alloc, scarce_resize, scarce_release, NULL};

static kith_event next_event(kith_endpoint *ep, kith_event_type type)
{
    const kith_event *ev = kith_endpoint_poll_event(ep);
    ck_assert_ptr_nonnull(ev);
    ck_assert_str_eq(kith_event_name(ev->type), kith_event_name(type));
    return *ev;
}

/* Design: what is told once is never lost; of a state that changed twice the newest counts. */
START_TEST(what_is_told_once_needs_no_memory)
{
    kith_set_allocator(&scarce);
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    kith_pc *pc = pc_of(&d, LEFT);
    kith_dc *dc = channel(pc, "", NULL);
    next_event(ep_of(&d, LEFT), KITH_EV_NEGOTIATION_NEEDED);
    ck_assert_ptr_null(kith_endpoint_poll_event(ep_of(&d, LEFT)));
    memory_is_out = true;
    kith_error error;
    kith_error_init(&error, KITH_ERR_OPERATION, "a reason");
    for (int round = 0; round < 20; round++) {
        for (unsigned type = 0; type <= KITH_EV_SCTP_TRANSPORT_STATE; type++) {
            kith_event ev = {.type = (kith_event_type)type, .pc = pc};
            if (type == KITH_EV_ICE_CANDIDATE || type == KITH_EV_DC_MESSAGE)
                continue;
            if (type >= KITH_EV_DATA_CHANNEL && type <= KITH_EV_DC_ERROR &&
                type != KITH_EV_WRITABLE)
                ev.dc = dc;
            if (type == KITH_EV_CONNECTION_STATE)
                ev.connection_state = (kith_connection_state)(round % 5);
            if (type == KITH_EV_ICE_CANDIDATE_ERROR)
                ev.ice_candidate_error = (kith_ice_candidate_error){
                    .url = "stun:a", .error_code = 701, .error_text = "silent"};
            if (type == KITH_EV_DC_ERROR)
                ev.error = &error;
            kith_events_push(pc, &ev);
        }
        for (unsigned type = 0; type <= KITH_EV_SCTP_TRANSPORT_STATE; type++) {
            if (round % 2 == 0 || type == KITH_EV_ICE_CANDIDATE || type == KITH_EV_DC_MESSAGE)
                continue;
            kith_event ev = next_event(ep_of(&d, LEFT), (kith_event_type)type);
            ck_assert_ptr_eq(ev.pc, pc);
            if (type == KITH_EV_CONNECTION_STATE)
                ck_assert_int_eq(ev.connection_state, round % 5);
            if (type == KITH_EV_ICE_CANDIDATE_ERROR)
                ck_assert_int_eq(ev.ice_candidate_error.error_code, 701);
            if (type == KITH_EV_DC_ERROR)
                ck_assert_str_ne(ev.error->message, "");
        }
    }
    memory_is_out = false;
    duo_deinit(&d);
    kith_set_allocator(NULL);
}
END_TEST

/* The channel's promise comes with the channel: who frees it gets the memory back. */
START_TEST(channels_that_come_and_go_leave_no_nodes_behind)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    kith_pc *pc = pc_of(&d, LEFT);
    unsigned reserved = pc->events.reserved;
    kith_dc *all[200];
    for (int i = 0; i < 200; i++)
        all[i] = channel(pc, "", NULL);
    for (int i = 0; i < 200; i++)
        kith_dc_free(all[i]);
    ck_assert_uint_eq(pc->events.reserved, reserved);
    ck_assert_uint_le(pc->events.spare_count, 64);
    duo_deinit(&d);
}
END_TEST

/* A batch from the socket is told packet by packet only after the last of it was read. */
static void burst(kith_pc *pc, kith_transceiver *t, kith_block_pool *pool)
{
    for (int i = 0; i < 500; i++) {
        ck_assert(kith_events_has_room_for_media(pc));
        kith_packet *packet = kith_block_take(pool);
        *packet = (kith_packet){.header = {.payload_at = 12, .payload_len = 1}, .len = 13};
        kith_events_push_packet(pc, t, packet);
    }
    int events = 0;
    while (kith_events_next(pc))
        events++;
    ck_assert_int_ge(events, 500);
}

START_TEST(bursts_of_packets_use_the_same_nodes_again)
{
    duo d;
    kith_block_pool *pool;
    kith_transceiver *t;
    live_init(&d, &(duo_options){.seed = 1});
    kith_pc *pc = pc_of(&d, LEFT);
    OK(kith_pc_add_transceiver(pc, KITH_VIDEO, NULL, &t));
    OK(kith_block_pool_new(&pool, KITH_PACKET_BLOCK, 1000));
    burst(pc, t, pool);
    ck_assert_uint_ge(pc->events.spare_count, 500);
    unsigned before = pc->events.spare_count;
    burst(pc, t, pool);
    ck_assert_uint_eq(pc->events.spare_count, before);
    kith_events_trim(pc);
    ck_assert_uint_le(pc->events.spare_count, 64);
    kith_block_pool_free(pool);
    duo_deinit(&d);
}
END_TEST

/* Each has 2 MiB, and all together 16. What goes is of who has most to tell. */
START_TEST(what_waits_of_all_receivers_is_bounded)
{
    duo d;
    kith_block_pool *pool;
    live_init(&d, &(duo_options){.seed = 1});
    kith_pc *pc = pc_of(&d, LEFT);
    OK(kith_block_pool_new(&pool, KITH_PACKET_BLOCK, 20000));
    for (int i = 0; i < 12; i++) {
        kith_transceiver *t;
        OK(kith_pc_add_transceiver(pc, KITH_VIDEO, NULL, &t));
        for (int n = 0; n < 1500; n++) {
            ck_assert(kith_events_has_room_for_media(pc));
            kith_packet *packet = kith_block_take(pool);
            *packet = (kith_packet){.header = {.payload_at = 12, .payload_len = 1}, .len = 13};
            kith_events_push_packet(pc, t, packet);
            ck_assert_uint_le(t->receiver.waiting_bytes, 2 * 1024 * 1024);
            ck_assert_uint_le(pc->events.media_bytes, 16 * 1024 * 1024);
        }
        ck_assert(i > 6 || t->receiver.waiting_bytes > 2000000);
        ck_assert(i < 10 || t->receiver.waiting_bytes < 1000);
    }
    size_t events = 0;
    while (kith_events_next(pc))
        events++;
    ck_assert_uint_gt(events, 7000);
    ck_assert_uint_eq(pc->events.media_bytes, 0);
    kith_block_pool_free(pool);
    duo_deinit(&d);
}
END_TEST

/* It still lies in the cache, of a thousand peers too. */
START_TEST(the_node_that_was_used_last_is_used_next)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    kith_pc *pc = pc_of(&d, LEFT);
    kith_events_forget_all(pc);
    const kith_event states = {.type = KITH_EV_SIGNALING_STATE, .pc = pc};
    const kith_event *first = NULL;
    for (int i = 0; i < 20; i++) {
        kith_events_push(pc, &states);
        const kith_event *ev = kith_events_next(pc);
        first = first ? first : ev;
        ck_assert_ptr_eq(ev, first);
        ck_assert_ptr_null(kith_events_next(pc));
    }
    duo_deinit(&d);
}
END_TEST

START_TEST(events_have_their_w3c_names)
{
    static const char *const names[] = {"negotiationneeded",
                                        "signalingstatechange",
                                        "icegatheringstatechange",
                                        "iceconnectionstatechange",
                                        "connectionstatechange",
                                        "icecandidate",
                                        "icecandidateerror",
                                        "datachannel",
                                        "open",
                                        "message",
                                        "bufferedamountlow",
                                        "writable",
                                        "closing",
                                        "close",
                                        "error"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_assert_str_eq(kith_event_name((kith_event_type)i), names[i]);
    ck_assert_str_eq(kith_event_name((kith_event_type)99), "");
}
END_TEST

UNIT_MAIN("pc: events", a_peer_may_be_freed_at_any_event, a_peer_may_be_closed_at_any_event,
          a_channel_may_be_freed_at_any_of_its_events, a_channel_may_be_closed_at_any_of_its_events,
          an_event_is_readable_until_the_next_is_asked_for_even_of_a_freed_peer,
          a_freed_peer_is_gone_when_its_last_event_was_told,
          candidates_come_between_gathering_and_complete,
          negotiationneeded_that_came_true_meanwhile_is_not_told,
          an_application_that_does_not_ask_stops_the_peer_and_loses_nothing,
          the_number_of_waiting_messages_is_limited, what_is_told_once_needs_no_memory,
          channels_that_come_and_go_leave_no_nodes_behind,
          bursts_of_packets_use_the_same_nodes_again, what_waits_of_all_receivers_is_bounded,
          the_node_that_was_used_last_is_used_next, events_have_their_w3c_names)
