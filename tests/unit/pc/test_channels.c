/* What the network does to data channels: ids, DCEP (RFC 8832), messages, resets, the end of the
 * association. The right peer's SCTP is spoken to directly where it shall misbehave. */
#include "live.h"

#include "pc/channel.h"
#include "wire/dcep.h"

/* ---- ids ---- */

/* RFC 8832 section 6: even for the DTLS client, odd for the server. The answerer is the client. */
START_TEST(ids_follow_the_dtls_role)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1, .link = {.delay = KITH_MS(10)}});
    kith_dc *left = channel(pc_of(&d, LEFT), "l", NULL);
    kith_dc *right = channel(pc_of(&d, RIGHT), "r", NULL);
    ck_assert_int_eq(kith_dc_id(left), -1);
    duo_connect(&d);
    run_ms(&d, 100);
    ck_assert_int_eq(kith_dc_id(left), 1);
    ck_assert_int_eq(kith_dc_id(right), 0);
    ck_assert_int_eq(kith_dc_id(channel(pc_of(&d, LEFT), "", NULL)), 5); /* 3 is duo's "x" */
    ck_assert_int_eq(kith_dc_id(channel(pc_of(&d, RIGHT), "", NULL)), 2);
    run_ms(&d, 100);
    ck_assert_uint_eq(d.peers[LEFT].opened, 5);
    ck_assert_uint_eq(d.peers[RIGHT].opened, 5);
    duo_deinit(&d);
}
END_TEST

START_TEST(ids_chosen_by_the_owner_are_left_out)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1, .no_channel = true});
    kith_dc_init init = KITH_DC_INIT;
    init.negotiated = true;
    init.id = 1;
    channel(pc_of(&d, LEFT), "mine", &init);
    channel(pc_of(&d, RIGHT), "mine", &init);
    kith_dc *dc = channel(pc_of(&d, LEFT), "next", NULL);
    duo_connect(&d);
    ck_assert_int_eq(kith_dc_id(dc), 3);
    duo_deinit(&d);
}
END_TEST

/* ---- opening ---- */

START_TEST(negotiated_channels_open_without_a_word)
{
    duo d;
    kith_dc_init init = KITH_DC_INIT;
    init.negotiated = true;
    init.id = 42;
    live_init(&d, &(duo_options){.seed = 1, .channel = &init});
    kith_dc *right = channel(pc_of(&d, RIGHT), "y", &init);
    duo_connect(&d);
    kith_dc *left = d.peers[LEFT].dc;
    OK(kith_dc_send_text(left, "there", 5));
    OK(kith_dc_send_text(right, "back", 4));
    run_ms(&d, 100);
    ck_assert_uint_eq(told_times(RIGHT, KITH_EV_DATA_CHANNEL, NULL), 0);
    ck_assert_str_eq(told_nth(RIGHT, KITH_EV_DC_MESSAGE, 0)->text, "there");
    ck_assert_str_eq(told_nth(LEFT, KITH_EV_DC_MESSAGE, 0)->text, "back");
    ck_assert_str_eq(kith_dc_label(right), "y"); /* labels need not agree */
    duo_deinit(&d);
}
END_TEST

START_TEST(the_peer_learns_what_a_channel_is)
{
    static const struct {
        bool unordered;
        int life_time, retransmits;
        kith_priority priority;
    } kinds[] = {
        {false, -1, -1, KITH_PRIORITY_LOW}, {true, -1, -1, KITH_PRIORITY_VERY_LOW},
        {false, 0, -1, KITH_PRIORITY_HIGH}, {true, 65535, -1, KITH_PRIORITY_MEDIUM},
        {false, -1, 0, KITH_PRIORITY_LOW},  {true, -1, 65535, KITH_PRIORITY_LOW},
    };
    duo d;
    live_pair(&d);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        kith_dc_init init = KITH_DC_INIT;
        init.unordered = kinds[i].unordered;
        init.max_packet_life_time = kinds[i].life_time;
        init.max_retransmits = kinds[i].retransmits;
        init.priority = kinds[i].priority;
        init.protocol = "proto";
        kith_dc *dc = channel(pc_of(&d, LEFT), "\xc3\xa4", &init);
        run_ms(&d, 100);
        kith_dc *theirs = last_incoming(RIGHT);
        ck_assert_int_eq(kith_dc_ordered(theirs), !kinds[i].unordered);
        ck_assert_int_eq(kith_dc_max_packet_life_time(theirs), kinds[i].life_time);
        ck_assert_int_eq(kith_dc_max_retransmits(theirs), kinds[i].retransmits);
        ck_assert_int_eq(kith_dc_priority(theirs), kinds[i].priority);
        ck_assert_str_eq(kith_dc_label(theirs), "\xc3\xa4");
        ck_assert_str_eq(kith_dc_protocol(theirs), "proto");
        ck_assert_int_eq(kith_dc_id(theirs), kith_dc_id(dc));
        ck_assert(!kith_dc_negotiated(theirs));
    }
    duo_deinit(&d);
}
END_TEST

static kith_dc *opening;
static kith_dc_state state_when_told;

static void note_state(host *h, const kith_event *ev, void *user)
{
    if (ev->type == KITH_EV_DC_OPEN && ev->dc == opening)
        state_when_told = kith_dc_ready_state(ev->dc);
    live_event(h, ev, user);
}

/* webrtc-pc section 6.2, "announce the data channel as open": in the task that fires the event. */
START_TEST(a_channel_is_connecting_until_its_event_is_told)
{
    duo d;
    live_pair(&d);
    d.peers[LEFT].host->on_event = note_state;
    opening = channel(pc_of(&d, LEFT), "new", NULL);
    ck_assert_int_eq(kith_dc_ready_state(opening), KITH_DC_STATE_CONNECTING);
    FAILS(INVALID_STATE, kith_dc_send(opening, "x", 1));
    d.peers[LEFT].host->slow = true;
    run_ms(&d, 100);
    ck_assert_int_eq(kith_dc_ready_state(opening), KITH_DC_STATE_CONNECTING);
    d.peers[LEFT].host->slow = false;
    run_ms(&d, 100);
    ck_assert_int_eq(state_when_told, KITH_DC_STATE_OPEN);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_DC_OPEN, opening), 1);
    duo_deinit(&d);
}
END_TEST

START_TEST(a_channel_may_be_closed_before_its_event_is_told)
{
    duo d;
    live_pair(&d);
    kith_dc *dc = channel(pc_of(&d, LEFT), "short", NULL);
    kith_dc_close(dc);
    ck_assert_int_eq(kith_dc_ready_state(dc), KITH_DC_STATE_CLOSING);
    run_ms(&d, 500);
    ck_assert_int_eq(kith_dc_ready_state(dc), KITH_DC_STATE_CLOSED);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_DC_CLOSED, dc), 1);
    ck_assert_uint_eq(told_times(RIGHT, KITH_EV_DC_CLOSED, last_incoming(RIGHT)), 1);
    duo_deinit(&d);
}
END_TEST

/* What the peer does to it is told in order, however late anybody asks. */
START_TEST(a_channel_that_the_peer_closes_before_its_event_is_told_opens_and_closes)
{
    duo d;
    live_pair(&d);
    d.peers[LEFT].host->slow = true;
    kith_dc *dc = channel(pc_of(&d, LEFT), "short", NULL);
    run_ms(&d, 100);
    kith_dc_close(last_incoming(RIGHT));
    run_ms(&d, 500);
    d.peers[LEFT].host->slow = false;
    run_ms(&d, 500);
    static const kith_event_type order[] = {KITH_EV_DC_OPEN, KITH_EV_DC_CLOSING, KITH_EV_DC_CLOSED};
    size_t at = 0;
    for (size_t i = 0; i < told_count[LEFT]; i++)
        if (told_to[LEFT][i].dc == dc)
            ck_assert_int_eq(told_to[LEFT][i].type, order[at++]);
    ck_assert_uint_eq(at, 3);
    ck_assert_int_eq(kith_dc_ready_state(dc), KITH_DC_STATE_CLOSED);
    duo_deinit(&d);
}
END_TEST

START_TEST(datachannel_is_told_before_open_and_open_before_messages)
{
    duo d;
    live_pair(&d);
    kith_dc *dc = open_channel(&d, LEFT, "now", NULL);
    OK(kith_dc_send_text(dc, "first", 5)); /* in the same packet as OPEN */
    run_ms(&d, 100);
    kith_dc *theirs = last_incoming(RIGHT);
    kith_event_type order[] = {KITH_EV_DATA_CHANNEL, KITH_EV_DC_OPEN, KITH_EV_DC_MESSAGE};
    size_t at = 0;
    for (size_t i = 0; i < told_count[RIGHT]; i++)
        if (told_to[RIGHT][i].dc == theirs)
            ck_assert_int_eq(told_to[RIGHT][i].type, order[at++]);
    ck_assert_uint_eq(at, 3);
    duo_deinit(&d);
}
END_TEST

/* RFC 8832 section 6: until the ACK user messages are ordered, so that none overtakes OPEN; what is
 * lost stays lost if the channel says so. */
START_TEST(user_messages_are_ordered_until_the_peer_is_known_to_have_the_channel)
{
    duo d;
    live_pair(&d);
    kith_dc_init init = KITH_DC_INIT;
    init.unordered = true;
    init.max_retransmits = 0;
    d.peers[LEFT].host->link.loss = 1; /* OPEN is lost at first, the first message for good */
    kith_dc *dc = open_channel(&d, LEFT, "u", &init);
    OK(kith_dc_send_text(dc, "lost", 4));
    run_ms(&d, 50);
    d.peers[LEFT].host->link.loss = 0;
    OK(kith_dc_send_text(dc, "kept", 4)); /* arrives before OPEN */
    run_ms(&d, 20);
    ck_assert(!dc->acked);
    ck_assert_uint_eq(told_times(RIGHT, KITH_EV_DC_MESSAGE, NULL), 0);
    run_ms(&d, 5000);
    ck_assert(dc->acked);
    ck_assert_str_eq(told_nth(RIGHT, KITH_EV_DC_MESSAGE, 0)->text, "kept");
    ck_assert_uint_eq(told_times(RIGHT, KITH_EV_DC_MESSAGE, NULL), 1);
    duo_deinit(&d);
}
END_TEST

START_TEST(a_message_is_as_good_as_an_ack)
{
    duo d;
    live_pair(&d);
    kith_dc *dc = channel(pc_of(&d, LEFT), "u", NULL);
    run_ms(&d, 100);
    dc->acked = false;
    OK(kith_dc_send(last_incoming(RIGHT), "x", 1));
    run_ms(&d, 100);
    ck_assert(dc->acked);
    duo_deinit(&d);
}
END_TEST

START_TEST(channels_beyond_the_peers_streams_fail_alone)
{
    duo d;
    kith_pc_config few = KITH_PC_CONFIG_INIT;
    few.max_channels = 4;
    live_init(&d, &(duo_options){.seed = 1, .configs = {NULL, &few}, .no_channel = true});
    kith_dc *dcs[4];
    for (int i = 0; i < 4; i++)
        dcs[i] = channel(pc_of(&d, LEFT), "", NULL);
    duo_connect(&d);
    run_ms(&d, 100);
    ck_assert_uint_eq(kith_pc_max_channels(pc_of(&d, LEFT)), 4);
    for (int i = 0; i < 4; i++) {
        bool fits = i < 2; /* 1 and 3 */
        ck_assert_int_eq(kith_dc_ready_state(dcs[i]),
                         fits ? KITH_DC_STATE_OPEN : KITH_DC_STATE_CLOSED);
        ck_assert_uint_eq(told_times(LEFT, KITH_EV_DC_ERROR, dcs[i]), fits ? 0 : 1);
        ck_assert_uint_eq(told_times(LEFT, KITH_EV_DC_CLOSED, dcs[i]), fits ? 0 : 1);
    }
    duo_deinit(&d);
}
END_TEST

/* ---- closing ---- */

static void check_closed_once(duo *d, const kith_dc *left, const kith_dc *right)
{
    run_ms(d, 1000);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_DC_CLOSED, left), 1);
    ck_assert_uint_eq(told_times(RIGHT, KITH_EV_DC_CLOSED, right), 1);
    ck_assert_uint_eq(d->peers[LEFT].errors + d->peers[RIGHT].errors, 0);
    ck_assert_ptr_null(kith_channel_by_id(pc_of(d, LEFT), 1));
    ck_assert_ptr_null(kith_channel_by_id(pc_of(d, RIGHT), 1));
}

START_TEST(either_side_closes)
{
    for (int side = LEFT; side <= RIGHT; side++) {
        duo d;
        live_pair(&d);
        kith_dc *left = d.peers[LEFT].dc, *right = d.peers[RIGHT].dc;
        kith_dc_close(side == LEFT ? left : right);
        check_closed_once(&d, left, right);
        ck_assert_uint_eq(told_times(LEFT, KITH_EV_DC_CLOSING, left), side == LEFT ? 0 : 1);
        ck_assert_uint_eq(told_times(RIGHT, KITH_EV_DC_CLOSING, right), side == RIGHT ? 0 : 1);
        duo_deinit(&d);
    }
}
END_TEST

START_TEST(both_sides_close_at_once)
{
    for (int apart = 0; apart <= 30; apart += 5) {
        duo d;
        live_pair(&d);
        kith_dc *left = d.peers[LEFT].dc, *right = d.peers[RIGHT].dc;
        kith_dc_close(left);
        run_ms(&d, apart);
        kith_dc_close(right);
        check_closed_once(&d, left, right);
        duo_deinit(&d);
    }
}
END_TEST

START_TEST(the_side_that_is_told_to_close_sends_its_rest_first)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1, .link = {.delay = KITH_MS(10), .rate_bps = 8000000}});
    duo_connect(&d);
    duo_send(&d, RIGHT, 50, 10000);
    kith_dc_close(d.peers[LEFT].dc);
    check_closed_once(&d, d.peers[LEFT].dc, d.peers[RIGHT].dc);
    ck_assert_uint_eq(d.peers[LEFT].messages, 50); /* also those that came while it was closing */
    duo_deinit(&d);
}
END_TEST

/* RFC 8831 section 6.7: both resets must be done. */
START_TEST(an_id_is_free_again_after_both_resets)
{
    duo d;
    live_pair(&d);
    kith_dc *old = d.peers[LEFT].dc;
    ck_assert_int_eq(kith_dc_id(old), 1);
    kith_dc_close(old);
    ck_assert_int_eq(kith_dc_id(channel(pc_of(&d, LEFT), "other", NULL)), 3);
    while (told_times(LEFT, KITH_EV_DC_CLOSED, old) == 0) {
        ck_assert_ptr_eq(kith_channel_by_id(pc_of(&d, LEFT), 1), old);
        run_ms(&d, 1);
    }
    kith_dc *again = open_channel(&d, LEFT, "again", NULL);
    ck_assert_int_eq(kith_dc_id(again), 1);
    OK(kith_dc_send_text(again, "new", 3));
    run_ms(&d, 500);
    ck_assert_str_eq(kith_dc_label(last_incoming(RIGHT)), "again");
    ck_assert_ptr_eq(told_nth(RIGHT, KITH_EV_DC_MESSAGE, 0)->dc, last_incoming(RIGHT));
    ck_assert_int_eq(kith_dc_ready_state(old), KITH_DC_STATE_CLOSED);
    duo_deinit(&d);
}
END_TEST

START_TEST(an_id_is_used_again_and_again_over_a_bad_link)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 5, .link = {.delay = KITH_MS(10), .loss = 0.1}});
    duo_connect(&d);
    kith_dc *dc = d.peers[LEFT].dc;
    for (unsigned round = 1; round <= 10; round++) {
        OK(kith_dc_send(dc, &round, sizeof round));
        kith_dc_close(dc);
        for (int i = 0; i < 300 && kith_dc_ready_state(dc) != KITH_DC_STATE_CLOSED; i++)
            run_ms(&d, 100);
        ck_assert_int_eq(kith_dc_ready_state(dc), KITH_DC_STATE_CLOSED);
        dc = open_channel(&d, LEFT, "x", NULL);
        ck_assert_int_eq(kith_dc_id(dc), 1);
    }
    run_ms(&d, 10000);
    ck_assert_uint_eq(d.peers[RIGHT].messages, 10);
    ck_assert_uint_eq(told_times(RIGHT, KITH_EV_DC_CLOSED, NULL), 10);
    ck_assert_uint_eq(d.peers[LEFT].errors + d.peers[RIGHT].errors, 0);
    duo_deinit(&d);
}
END_TEST

/* ---- peers that misbehave ---- */

/* The right peer says `len` bytes on a stream of its SCTP, past its own channels. */
static void say(duo *d, uint16_t stream, uint32_t ppid, const void *data, size_t len)
{
    kith_sctp *sctp = kith_pc_transport(pc_of(d, RIGHT))->sctp;
    kith_sctp_stream params = {.priority = 256};
    OK(kith_sctp_open(sctp, stream, &params));
    kith_sctp_send_args args = {.stream = stream, .ppid = ppid, .data = data, .len = len};
    OK(kith_sctp_send(sctp, &args));
    kith_endpoint_set_ready(pc_of(d, RIGHT));
    run_ms(d, 200);
}

static void say_open(duo *d, uint16_t stream)
{
    kith_dcep_open open = {.priority = 256, .label = kith_span_text("bad")};
    kith_writer w = kith_wr_growing();
    kith_dcep_write_open(&w, &open);
    say(d, stream, KITH_PPID_DCEP, w.data, w.len);
    kith_wr_deinit(&w);
}

/* Has the stream been reset from the left, and by the right in answer: may it be opened again? */
static bool is_free(duo *d, uint16_t stream)
{
    kith_sctp_stream params = {.priority = 256};
    return kith_sctp_open(kith_pc_transport(pc_of(d, RIGHT))->sctp, stream, &params) == KITH_OK &&
           kith_sctp_open(kith_pc_transport(pc_of(d, LEFT))->sctp, stream, &params) == KITH_OK;
}

START_TEST(an_open_with_our_parity_is_refused)
{
    duo d;
    live_pair(&d);
    say_open(&d, 5); /* odd ids are the left's */
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_DATA_CHANNEL, NULL), 0);
    ck_assert_uint_eq(channels_in_stats(pc_of(&d, LEFT)), 1);
    ck_assert(is_free(&d, 5)); /* it was told by a reset */
    kith_dc *dc = channel(pc_of(&d, LEFT), "still", NULL);
    run_ms(&d, 100);
    ck_assert_int_eq(kith_dc_ready_state(dc), KITH_DC_STATE_OPEN);
    duo_deinit(&d);
}
END_TEST

START_TEST(an_open_on_a_used_stream_closes_it)
{
    duo d;
    live_pair(&d);
    kith_dc *dc = channel(pc_of(&d, RIGHT), "used", NULL);
    run_ms(&d, 100);
    kith_dc *ours = last_incoming(LEFT);
    say_open(&d, (uint16_t)kith_dc_id(dc));
    run_ms(&d, 500);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_DATA_CHANNEL, NULL), 1);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_DC_CLOSING, ours), 1);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_DC_CLOSED, ours), 1);
    ck_assert_int_eq(kith_dc_ready_state(dc), KITH_DC_STATE_CLOSED);
    ck_assert_int_eq(kith_dc_ready_state(d.peers[LEFT].channels[0]), KITH_DC_STATE_OPEN);
    duo_deinit(&d);
}
END_TEST

START_TEST(malformed_dcep_closes_its_stream_alone)
{
    duo d;
    live_pair(&d);
    say(&d, 0, KITH_PPID_DCEP, "\x03\x00", 2);
    run_ms(&d, 200);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_DATA_CHANNEL, NULL), 0);
    ck_assert(is_free(&d, 0));
    OK(kith_dc_send(d.peers[LEFT].dc, "x", 1));
    run_ms(&d, 100);
    ck_assert_uint_eq(d.peers[RIGHT].messages, 1);
    duo_deinit(&d);
}
END_TEST

START_TEST(an_unknown_ppid_closes_the_channel)
{
    duo d;
    live_pair(&d);
    say(&d, 1, 99, "what", 4);
    run_ms(&d, 500);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_DC_MESSAGE, NULL), 0);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_DC_CLOSED, NULL), 1);
    ck_assert_uint_eq(told_times(RIGHT, KITH_EV_DC_CLOSED, NULL), 1);
    duo_deinit(&d);
}
END_TEST

START_TEST(messages_on_no_channel_are_dropped)
{
    duo d;
    live_pair(&d);
    say(&d, 8, KITH_PPID_BINARY, "lost", 4);
    say(&d, 8, 99, "lost", 4);
    say(&d, 1, KITH_PPID_DCEP, "\x02", 1); /* a second ACK */
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_DC_MESSAGE, NULL), 0);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_DC_CLOSED, NULL), 0);
    duo_deinit(&d);
}
END_TEST

/* Pion pads its ACK to four bytes; RFC 8832 section 5.2 has one. */
START_TEST(an_ack_of_four_bytes_is_an_ack)
{
    duo d;
    live_pair(&d);
    kith_dc *dc = d.peers[LEFT].dc;
    dc->acked = false;
    say(&d, 1, KITH_PPID_DCEP, "\x02\x00\x00\x00", 4);
    ck_assert(dc->acked);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_DC_CLOSING, NULL), 0);
    ck_assert_int_eq(kith_dc_ready_state(dc), KITH_DC_STATE_OPEN);
    duo_deinit(&d);
}
END_TEST

START_TEST(an_open_with_bytes_behind_it_opens)
{
    duo d;
    live_pair(&d);
    say(&d, 0, KITH_PPID_DCEP, "\x03\x00\x01\x00\0\0\0\0\0\x01\0\0x\0\0\0", 16);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_DATA_CHANNEL, NULL), 1);
    ck_assert_str_eq(kith_dc_label(last_incoming(LEFT)), "x");
    ck_assert_int_eq(kith_dc_ready_state(last_incoming(LEFT)), KITH_DC_STATE_OPEN);
    duo_deinit(&d);
}
END_TEST

/* An empty message has one byte that means nothing, whatever a peer puts there and however many. */
START_TEST(what_is_in_an_empty_message_is_not_told)
{
    duo d;
    live_pair(&d);
    say(&d, 1, KITH_PPID_STRING_EMPTY, "xyz", 3);
    ck_assert_uint_eq(told_nth(LEFT, KITH_EV_DC_MESSAGE, 0)->len, 0);
    duo_deinit(&d);
}
END_TEST

/* Four channels for each id may wait for their owner to free them, no more. */
START_TEST(a_peer_that_opens_and_closes_for_ever_does_not_fill_the_memory)
{
    duo d;
    kith_pc_config few = KITH_PC_CONFIG_INIT;
    few.max_channels = 2;
    live_init(&d, &(duo_options){.seed = 1, .configs = {&few, &few}});
    duo_connect(&d);
    for (int i = 0; i < 20; i++) {
        kith_dc *dc = channel(pc_of(&d, RIGHT), "storm", NULL);
        run_ms(&d, 100);
        kith_dc_close(dc);
        run_ms(&d, 500);
        ck_assert_int_eq(kith_dc_ready_state(dc), KITH_DC_STATE_CLOSED);
        kith_dc_free(dc);
    }
    ck_assert_uint_eq(channels_in_stats(pc_of(&d, LEFT)), 8);
    kith_dc_free(last_incoming(LEFT)); /* and one is free again */
    channel(pc_of(&d, RIGHT), "after", NULL);
    run_ms(&d, 100);
    ck_assert_str_eq(kith_dc_label(last_incoming(LEFT)), "after");
    duo_deinit(&d);
}
END_TEST

/* ---- the end of the association ---- */

START_TEST(the_peers_close_is_an_error_of_cause_12_to_every_channel)
{
    duo d;
    live_pair(&d);
    channel(pc_of(&d, LEFT), "second", NULL);
    run_ms(&d, 100);
    kith_pc_close(pc_of(&d, RIGHT));
    run_ms(&d, 100);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_DC_CLOSED, NULL), 2);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_DC_ERROR, NULL), 2);
    for (unsigned i = 0; i < 2; i++) {
        const told *error = told_nth(LEFT, KITH_EV_DC_ERROR, i);
        ck_assert_int_eq(error->state, 12);
        ck_assert_int_eq(error->detail, KITH_ERROR_DETAIL_SCTP_FAILURE);
        /* webrtc-pc section 6.2.4: error, then close */
        ck_assert_int_eq(error[1].type, KITH_EV_DC_CLOSED);
        ck_assert_ptr_eq(error[1].dc, error->dc);
    }
    ck_assert_ptr_ne(told_nth(LEFT, KITH_EV_DC_ERROR, 0)->dc,
                     told_nth(LEFT, KITH_EV_DC_ERROR, 1)->dc);
    kith_dc *late;
    FAILS(INVALID_STATE, kith_pc_create_data_channel(pc_of(&d, LEFT), "late", NULL, &late));
    duo_deinit(&d);
}
END_TEST

/* A message longer than we accept ends the association: that is an error to both sides. */
START_TEST(an_association_that_fails_tells_why)
{
    duo d;
    kith_pc_config small = KITH_PC_CONFIG_INIT;
    small.max_message_size = 1000;
    live_init(&d, &(duo_options){.seed = 1, .configs = {&small, NULL}});
    duo_connect(&d);
    static const char bytes[5000];
    say(&d, 1, KITH_PPID_BINARY, bytes, sizeof bytes);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_DC_ERROR, NULL), 1);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_DC_CLOSED, NULL), 1);
    ck_assert_ptr_nonnull(strstr(told_nth(LEFT, KITH_EV_DC_ERROR, 0)->text, "1000"));
    ck_assert_uint_eq(told_times(RIGHT, KITH_EV_DC_CLOSED, NULL), 1);
    duo_deinit(&d);
}
END_TEST

UNIT_MAIN("pc: channels", ids_follow_the_dtls_role, ids_chosen_by_the_owner_are_left_out,
          negotiated_channels_open_without_a_word, the_peer_learns_what_a_channel_is,
          a_channel_is_connecting_until_its_event_is_told,
          a_channel_may_be_closed_before_its_event_is_told,
          a_channel_that_the_peer_closes_before_its_event_is_told_opens_and_closes,
          datachannel_is_told_before_open_and_open_before_messages,
          user_messages_are_ordered_until_the_peer_is_known_to_have_the_channel,
          a_message_is_as_good_as_an_ack, an_ack_of_four_bytes_is_an_ack,
          an_open_with_bytes_behind_it_opens, channels_beyond_the_peers_streams_fail_alone,
          either_side_closes, both_sides_close_at_once,
          the_side_that_is_told_to_close_sends_its_rest_first,
          an_id_is_free_again_after_both_resets, an_id_is_used_again_and_again_over_a_bad_link,
          an_open_with_our_parity_is_refused, an_open_on_a_used_stream_closes_it,
          malformed_dcep_closes_its_stream_alone, an_unknown_ppid_closes_the_channel,
          messages_on_no_channel_are_dropped, what_is_in_an_empty_message_is_not_told,
          a_peer_that_opens_and_closes_for_ever_does_not_fill_the_memory,
          the_peers_close_is_an_error_of_cause_12_to_every_channel,
          an_association_that_fails_tells_why)
