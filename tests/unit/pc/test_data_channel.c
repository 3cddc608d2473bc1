/* RTCDataChannel in its owner's hands: creating, sending, closing, asking. */
#include "live.h"

/* ---- creating ---- */

struct refusal {
    const char *why;
    const char *label;
    kith_dc_init init;
    kith_err err;
};

static char too_long[65536 + 1];

/* webrtc-pc section 6.1, createDataChannel, step by step; the last word is that nothing changed. */
START_TEST(creating_fails_for_each_reason_and_changes_nothing)
{
#define INIT(...)                                                                                  \
    {                                                                                              \
        .size = sizeof(kith_dc_init), .max_packet_life_time = -1, .max_retransmits = -1, .id = -1, \
        .priority = KITH_PRIORITY_LOW, __VA_ARGS__                                                 \
    }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
    const struct refusal refusals[] = {
        {"no label", NULL, INIT(.user = NULL), KITH_ERR_TYPE},
        {"without KITH_DC_INIT", "", {.unordered = true}, KITH_ERR_TYPE},
        {"label too long", too_long, INIT(.user = NULL), KITH_ERR_TYPE},
        {"protocol too long", "", INIT(.protocol = too_long), KITH_ERR_TYPE},
        {"both limits", "", INIT(.max_retransmits = 1, .max_packet_life_time = 1), KITH_ERR_TYPE},
        {"lifetime below", "", INIT(.max_packet_life_time = -2), KITH_ERR_TYPE},
        {"lifetime above", "", INIT(.max_packet_life_time = 65536), KITH_ERR_TYPE},
        {"retransmits below", "", INIT(.max_retransmits = -2), KITH_ERR_TYPE},
        {"retransmits above", "", INIT(.max_retransmits = 65536), KITH_ERR_TYPE},
        {"no such priority", "", INIT(.priority = (kith_priority)4), KITH_ERR_TYPE},
        {"negotiated without id", "", INIT(.negotiated = true), KITH_ERR_TYPE},
        {"id below", "", INIT(.negotiated = true, .id = -2), KITH_ERR_TYPE},
        {"id above", "", INIT(.negotiated = true, .id = 65535), KITH_ERR_TYPE},
        {"id taken", "", INIT(.negotiated = true, .id = 7), KITH_ERR_OPERATION},
    };
#pragma GCC diagnostic pop
    memset(too_long, 'x', sizeof too_long - 1);
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    kith_pc *pc = pc_of(&d, LEFT);
    kith_dc_init seven = INIT(.negotiated = true);
    seven.id = 7;
    channel(pc, "first", &seven);
    while (kith_endpoint_poll_event(ep_of(&d, LEFT))) {
    }
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        kith_dc *dc = (kith_dc *)&d;
        kith_err err = kith_pc_create_data_channel(pc, refusals[i].label, &refusals[i].init, &dc);
        ck_assert_msg(err == refusals[i].err, "%s: %s", refusals[i].why, kith_err_name(err));
        ck_assert_ptr_eq(dc, (kith_dc *)&d);
        ck_assert_uint_eq(channels_in_stats(pc), 1);
        ck_assert_ptr_null(kith_endpoint_poll_event(ep_of(&d, LEFT)));
    }
    duo_deinit(&d);
}
END_TEST

START_TEST(an_init_of_another_header_is_read_as_far_as_it_is_known)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    struct {
        kith_dc_init init;
        char tail[16];
    } newer = {.init = KITH_DC_INIT};
    kith_dc *dc;
    newer.init.size = sizeof newer;
    newer.init.unordered = true;
    OK(kith_pc_create_data_channel(pc_of(&d, LEFT), "", &newer.init, &dc));
    ck_assert(!kith_dc_ordered(dc));
    newer.tail[1] = 1;
    FAILS(NOT_SUPPORTED, kith_pc_create_data_channel(pc_of(&d, LEFT), "", &newer.init, &dc));
    newer.init.size = offsetof(kith_dc_init, priority);
    newer.init.priority = KITH_PRIORITY_HIGH; /* beyond the older struct */
    OK(kith_pc_create_data_channel(pc_of(&d, LEFT), "", &newer.init, &dc));
    ck_assert_int_eq(kith_dc_priority(dc), KITH_PRIORITY_LOW);
    duo_deinit(&d);
}
END_TEST

START_TEST(a_refused_channel_does_not_ask_for_negotiation)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    kith_dc *dc;
    kith_dc_init init = KITH_DC_INIT;
    init.negotiated = true;
    FAILS(TYPE, kith_pc_create_data_channel(pc_of(&d, LEFT), "", &init, &dc));
    run_ms(&d, 100);
    ck_assert_uint_eq(told_count[LEFT], 0);
    channel(pc_of(&d, LEFT), "", NULL);
    run_ms(&d, 100);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_NEGOTIATION_NEEDED, NULL), 1);
    duo_deinit(&d);
}
END_TEST

START_TEST(a_closed_peer_makes_no_channels)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    kith_pc_close(pc_of(&d, LEFT));
    kith_dc *dc;
    FAILS(INVALID_STATE, kith_pc_create_data_channel(pc_of(&d, LEFT), "", NULL, &dc));
    duo_deinit(&d);
}
END_TEST

START_TEST(who_created_a_channel_may_learn_it_from_the_events)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    OK(kith_pc_create_data_channel(pc_of(&d, LEFT), "unseen", NULL, NULL));
    duo_connect(&d);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_DC_OPEN, NULL), 2); /* and that of the duo */
    duo_deinit(&d);
}
END_TEST

START_TEST(ids_run_out)
{
    duo d;
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    config.max_channels = 4;
    live_init(&d, &(duo_options){.seed = 1, .configs = {&config, &config}});
    duo_connect(&d);
    kith_pc *pc = pc_of(&d, LEFT);
    channel(pc, "second", NULL); /* 0 and 2, or 1 and 3, are ours */
    kith_dc *dc;
    FAILS(OPERATION, kith_pc_create_data_channel(pc, "third", NULL, &dc));
    ck_assert_uint_eq(channels_in_stats(pc), 2);
    duo_deinit(&d);
}
END_TEST

/* webrtc-pc section 6.1, createDataChannel: any id below 65535 while nobody knows how many streams
 * there will be; who has too few then closes the channel. */
START_TEST(an_id_above_the_streams_is_refused_only_when_they_are_known)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    kith_pc *pc = pc_of(&d, LEFT);
    kith_dc_init init = KITH_DC_INIT;
    init.negotiated = true;
    init.id = 65534;
    kith_dc *early = channel(pc, "early", &init), *late;
    FAILS(OPERATION, kith_pc_create_data_channel(pc, "taken", &init, &late));
    ck_assert_int_eq(kith_dc_id(early), 65534);
    duo_connect(&d);
    run_ms(&d, 100);
    ck_assert_int_eq(kith_dc_ready_state(early), KITH_DC_STATE_CLOSED);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_DC_ERROR, early), 1);
    init.id = 256;
    FAILS(OPERATION, kith_pc_create_data_channel(pc, "late", &init, &late));
    init.id = 255;
    channel(pc, "last", &init);
    duo_deinit(&d);
}
END_TEST

START_TEST(the_highest_id_carries_messages)
{
    duo d;
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    config.max_channels = 65534;
    kith_dc_init init = KITH_DC_INIT;
    init.negotiated = true;
    init.id = 65533;
    live_init(&d, &(duo_options){.seed = 1, .configs = {&config, &config}, .channel = &init});
    channel(pc_of(&d, RIGHT), "y", &init);
    duo_connect(&d);
    OK(kith_dc_send(d.peers[LEFT].dc, "x", 1));
    run_ms(&d, 100);
    ck_assert_uint_eq(told_times(RIGHT, KITH_EV_DC_MESSAGE, NULL), 1);
    duo_deinit(&d);
}
END_TEST

START_TEST(a_channel_is_what_was_asked_for)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    kith_dc_init init = KITH_DC_INIT;
    init.unordered = true;
    init.max_packet_life_time = 500;
    init.protocol = "chat.v1";
    init.negotiated = true;
    init.id = 200;
    init.priority = KITH_PRIORITY_HIGH;
    init.user = &d;
    kith_dc *dc = channel(pc_of(&d, LEFT), "a label", &init);
    ck_assert_str_eq(kith_dc_label(dc), "a label");
    ck_assert_uint_eq(kith_dc_label_len(dc), 7);
    ck_assert_str_eq(kith_dc_protocol(dc), "chat.v1");
    ck_assert(!kith_dc_ordered(dc));
    ck_assert_int_eq(kith_dc_max_packet_life_time(dc), 500);
    ck_assert_int_eq(kith_dc_max_retransmits(dc), -1);
    ck_assert(kith_dc_negotiated(dc));
    ck_assert_int_eq(kith_dc_id(dc), 200);
    ck_assert_int_eq(kith_dc_priority(dc), KITH_PRIORITY_HIGH);
    ck_assert_ptr_eq(kith_dc_user(dc), &d);
    kith_dc_set_user(dc, NULL);
    ck_assert_ptr_null(kith_dc_user(dc));
    ck_assert_ptr_eq(kith_dc_pc(dc), pc_of(&d, LEFT));
    ck_assert_int_eq(kith_dc_ready_state(dc), KITH_DC_STATE_CONNECTING);
    ck_assert_int_eq(kith_dc_id(channel(pc_of(&d, LEFT), "", NULL)), -1);
    duo_deinit(&d);
}
END_TEST

START_TEST(states_have_their_w3c_names)
{
    ck_assert_str_eq(kith_dc_state_name(KITH_DC_STATE_CONNECTING), "connecting");
    ck_assert_str_eq(kith_dc_state_name(KITH_DC_STATE_OPEN), "open");
    ck_assert_str_eq(kith_dc_state_name(KITH_DC_STATE_CLOSING), "closing");
    ck_assert_str_eq(kith_dc_state_name(KITH_DC_STATE_CLOSED), "closed");
}
END_TEST

/* ---- sending ---- */

START_TEST(only_an_open_channel_sends)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1, .link = {.delay = KITH_MS(10)}});
    kith_dc *dc = channel(pc_of(&d, LEFT), "early", NULL);
    FAILS(INVALID_STATE, kith_dc_send(dc, "a", 1));
    duo_connect(&d);
    OK(kith_dc_send(dc, "b", 1));
    kith_dc_close(dc);
    ck_assert_int_eq(kith_dc_ready_state(dc), KITH_DC_STATE_CLOSING);
    FAILS(INVALID_STATE, kith_dc_send_text(dc, "c", 1));
    run_ms(&d, 500);
    ck_assert_int_eq(kith_dc_ready_state(dc), KITH_DC_STATE_CLOSED);
    FAILS(INVALID_STATE, kith_dc_send(dc, "d", 1));
    ck_assert_uint_eq(kith_dc_buffered_amount(dc), 0);
    ck_assert_uint_eq(told_times(RIGHT, KITH_EV_DC_MESSAGE, NULL), 1);
    duo_deinit(&d);
}
END_TEST

/* webrtc-pc section 6.1.1.2: the answer says it, the connection may take its time. */
START_TEST(the_longest_message_is_known_when_the_answer_is_applied)
{
    duo d;
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    config.max_message_size = 1000;
    live_init(&d, &(duo_options){.seed = 1, .configs = {NULL, &config}});
    kith_pc *left = pc_of(&d, LEFT), *right = pc_of(&d, RIGHT);
    channel(left, "x", NULL);
    OK(kith_pc_set_local_description(left, NULL));
    OK(kith_pc_set_remote_description(right, kith_pc_local_description(left)));
    ck_assert_uint_eq(kith_pc_max_message_size(left), 0);
    ck_assert_uint_eq(kith_pc_max_message_size(right), 0);
    OK(kith_pc_set_local_description(right, NULL));
    OK(kith_pc_set_remote_description(left, kith_pc_local_description(right)));
    ck_assert_uint_eq(kith_pc_max_message_size(left), 1000);
    ck_assert_uint_eq(kith_pc_max_message_size(right), 262144);
    ck_assert_uint_eq(kith_pc_max_channels(left), 0);
    duo_deinit(&d);
}
END_TEST

/* The peer's ABORT is here; its event is not told yet. */
START_TEST(an_association_that_ended_takes_neither_messages_nor_channels)
{
    duo d;
    live_pair(&d);
    kith_dc *dc = d.peers[LEFT].dc, *late;
    d.peers[LEFT].host->slow = true;
    kith_pc_close(pc_of(&d, RIGHT));
    run_ms(&d, 100);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_DC_CLOSED, dc), 0);
    static const char bytes[262145];
    FAILS(INVALID_STATE, kith_dc_send(dc, "x", 1));
    FAILS(INVALID_STATE, kith_dc_send(dc, bytes, sizeof bytes));
    FAILS(INVALID_STATE, kith_pc_create_data_channel(pc_of(&d, LEFT), "", NULL, &late));
    d.peers[LEFT].host->slow = false;
    run_ms(&d, 100);
    FAILS(INVALID_STATE, kith_pc_create_data_channel(pc_of(&d, LEFT), "", NULL, &late));
    ck_assert_uint_eq(channels_in_stats(pc_of(&d, LEFT)), 1);
    duo_deinit(&d);
}
END_TEST

START_TEST(the_peers_limit_is_the_longest_message)
{
    duo d;
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    config.max_message_size = 1000;
    live_init(&d, &(duo_options){.seed = 1, .configs = {NULL, &config}});
    ck_assert_uint_eq(kith_pc_max_message_size(pc_of(&d, LEFT)), 0);
    ck_assert_uint_eq(kith_pc_max_channels(pc_of(&d, LEFT)), 0);
    duo_connect(&d);
    ck_assert_uint_eq(kith_pc_max_message_size(pc_of(&d, LEFT)), 1000);
    ck_assert_uint_eq(kith_pc_max_message_size(pc_of(&d, RIGHT)), 262144);
    ck_assert_uint_eq(kith_pc_max_channels(pc_of(&d, LEFT)), 256);
    kith_dc *dc = d.peers[LEFT].dc;
    static const char bytes[1001];
    FAILS(TYPE, kith_dc_send(dc, bytes, 1001));
    ck_assert_uint_eq(kith_dc_buffered_amount(dc), 0);
    OK(kith_dc_send(dc, bytes, 1000));
    ck_assert_uint_eq(kith_dc_buffered_amount(dc), 1000);
    run_ms(&d, 100);
    ck_assert_uint_eq(told_nth(RIGHT, KITH_EV_DC_MESSAGE, 0)->len, 1000);
    duo_deinit(&d);
}
END_TEST

/* RFC 8831 section 6.6: SCTP has no empty messages, data channels do. */
START_TEST(empty_messages_arrive_as_strings_and_as_bytes)
{
    duo d;
    live_pair(&d);
    kith_dc *dc = d.peers[LEFT].dc;
    OK(kith_dc_send(dc, NULL, 0));
    OK(kith_dc_send_text(dc, "", 0));
    ck_assert_uint_eq(kith_dc_buffered_amount(dc), 0);
    OK(kith_dc_send_text(dc, "text", 4));
    OK(kith_dc_send(dc, "bytes", 5));
    run_ms(&d, 100);
    static const struct {
        size_t len;
        bool is_text;
    } wanted[] = {{0, false}, {0, true}, {4, true}, {5, false}};
    ck_assert_uint_eq(told_times(RIGHT, KITH_EV_DC_MESSAGE, NULL), 4);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(told_nth(RIGHT, KITH_EV_DC_MESSAGE, i)->len, wanted[i].len);
        ck_assert_int_eq(told_nth(RIGHT, KITH_EV_DC_MESSAGE, i)->is_text, wanted[i].is_text);
    }
    duo_deinit(&d);
}
END_TEST

/* What was held must be given back whole, or the budget shrinks with each (1 MiB holds 2^20 of
 * them). */
START_TEST(empty_messages_do_not_use_up_the_budget)
{
    duo d;
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    config.receive_buffer = 1000;
    live_init(&d,
              &(duo_options){.seed = 1, .link = {.delay = KITH_MS(1)}, .configs = {NULL, &config}});
    duo_connect(&d);
    for (int i = 0; i < 3000; i++)
        OK(kith_dc_send(d.peers[LEFT].dc, NULL, 0));
    run_ms(&d, 2000);
    ck_assert_uint_eq(d.peers[RIGHT].messages, 3000);
    duo_deinit(&d);
}
END_TEST

/* ---- bufferedAmount ---- */

START_TEST(buffered_amount_falls_as_bytes_leave_and_low_is_told_at_every_crossing)
{
    duo d;
    duo_options options = {.seed = 1, .link = {.delay = KITH_MS(10), .rate_bps = 8000000}};
    live_init(&d, &options);
    duo_connect(&d);
    kith_dc *dc = d.peers[LEFT].dc;
    kith_dc_set_buffered_amount_low_threshold(dc, 50000);
    ck_assert_uint_eq(kith_dc_buffered_amount_low_threshold(dc), 50000);
    for (unsigned crossing = 1; crossing <= 3; crossing++) {
        duo_send(&d, LEFT, 20, 10000);
        ck_assert_uint_eq(kith_dc_buffered_amount(dc), 200000);
        run_ms(&d, 50);
        size_t between = kith_dc_buffered_amount(dc);
        ck_assert_msg(between > 50000 && between < 200000, "%zu", between);
        ck_assert_uint_eq(d.peers[LEFT].lows, crossing - 1);
        run_ms(&d, 2000);
        ck_assert_uint_eq(kith_dc_buffered_amount(dc), 0);
        ck_assert_uint_eq(d.peers[LEFT].lows, crossing);
    }
    duo_send(&d, LEFT, 4, 10000); /* never above */
    run_ms(&d, 1000);
    ck_assert_uint_eq(d.peers[LEFT].lows, 3);
    ck_assert_uint_eq(d.peers[RIGHT].messages, 64);
    duo_deinit(&d);
}
END_TEST

/* W3C: "does not reset to zero once the channel closes". */
START_TEST(buffered_amount_does_not_become_zero_by_closing)
{
    duo d;
    duo_options options = {.seed = 1, .link = {.delay = KITH_MS(10), .rate_bps = 1000000}};
    live_init(&d, &options);
    duo_connect(&d);
    kith_dc *dc = d.peers[LEFT].dc;
    duo_send(&d, LEFT, 10, 100000);
    run_ms(&d, 100);
    size_t before = kith_dc_buffered_amount(dc);
    ck_assert_uint_gt(before, 500000);
    kith_pc_close(pc_of(&d, LEFT));
    ck_assert_int_eq(kith_dc_ready_state(dc), KITH_DC_STATE_CLOSED);
    ck_assert_uint_eq(kith_dc_buffered_amount(dc), before);
    duo_deinit(&d);
}
END_TEST

START_TEST(again_comes_only_when_something_waits_and_writable_ends_it)
{
    duo d;
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    config.send_buffer = 10000;
    duo_options options = {
        .seed = 1, .link = {.delay = KITH_MS(10), .rate_bps = 8000000}, .configs = {&config}};
    live_init(&d, &options);
    duo_connect(&d);
    kith_dc *dc = d.peers[LEFT].dc;
    static const char bytes[50000];
    OK(kith_dc_send(dc, bytes, sizeof bytes)); /* longer than the buffer, but alone */
    FAILS(AGAIN, kith_dc_send(dc, "x", 1));
    ck_assert_uint_eq(kith_dc_buffered_amount(dc), sizeof bytes);
    run_ms(&d, 1000);
    ck_assert_uint_eq(d.peers[LEFT].writables, 1);
    OK(kith_dc_send(dc, "x", 1));
    run_ms(&d, 1000);
    ck_assert_uint_eq(d.peers[LEFT].writables, 1);
    ck_assert_uint_eq(d.peers[RIGHT].messages, 2);
    duo_deinit(&d);
}
END_TEST

/* ---- closing ---- */

START_TEST(closing_flushes_what_is_queued)
{
    duo d;
    duo_options options = {.seed = 1, .link = {.delay = KITH_MS(10), .rate_bps = 8000000}};
    live_init(&d, &options);
    duo_connect(&d);
    kith_dc *dc = d.peers[LEFT].dc;
    duo_send(&d, LEFT, 50, 10000);
    kith_dc_close(dc);
    ck_assert_uint_eq(kith_dc_buffered_amount(dc), 500000);
    ck_assert(world_run(d.world, KITH_SECONDS(10), duo_is_closed, &d));
    ck_assert_uint_eq(d.peers[RIGHT].messages, 50);
    ck_assert_uint_eq(kith_dc_buffered_amount(dc), 0);
    duo_deinit(&d);
}
END_TEST

START_TEST(closing_again_does_nothing)
{
    duo d;
    live_pair(&d);
    kith_dc *dc = d.peers[LEFT].dc;
    for (int i = 0; i < 3; i++)
        kith_dc_close(dc);
    run_ms(&d, 500);
    kith_dc_close(dc);
    run_ms(&d, 500);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_DC_CLOSED, dc), 1);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_DC_CLOSING, dc), 0); /* its owner knows */
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_DC_ERROR, dc), 0);
    duo_deinit(&d);
}
END_TEST

START_TEST(a_channel_that_never_opened_closes_at_once)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    kith_dc *dc = channel(pc_of(&d, LEFT), "", NULL);
    kith_dc_close(dc);
    ck_assert_int_eq(kith_dc_ready_state(dc), KITH_DC_STATE_CLOSED);
    run_ms(&d, 10);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_DC_CLOSED, dc), 1);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_NEGOTIATION_NEEDED, NULL), 1);
    duo_deinit(&d);
}
END_TEST

START_TEST(a_freed_channel_is_closed_and_named_no_more)
{
    duo d;
    live_pair(&d);
    kith_dc *gone = d.peers[LEFT].dc;
    OK(kith_dc_send(d.peers[RIGHT].dc, "to nobody", 9));
    OK(kith_dc_send(gone, "the tail", 8));
    d.peers[LEFT].dc = NULL;
    size_t before = told_count[LEFT];
    kith_dc_free(gone);
    run_ms(&d, 1000);
    for (size_t i = before; i < told_count[LEFT]; i++)
        ck_assert_ptr_ne(told_to[LEFT][i].dc, gone);
    ck_assert_uint_eq(told_times(RIGHT, KITH_EV_DC_MESSAGE, NULL), 1);
    ck_assert_uint_eq(told_times(RIGHT, KITH_EV_DC_CLOSED, NULL), 1);
    ck_assert_uint_eq(channels_in_stats(pc_of(&d, LEFT)), 0);
    kith_dc_free(NULL);
    duo_deinit(&d);
}
END_TEST

START_TEST(a_channel_is_freed_in_every_state)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1, .link = {.delay = KITH_MS(10)}});
    kith_dc_free(channel(pc_of(&d, LEFT), "connecting", NULL));
    duo_connect(&d);
    kith_dc *closing = channel(pc_of(&d, LEFT), "closing", NULL);
    kith_dc *closed = channel(pc_of(&d, LEFT), "closed", NULL);
    run_ms(&d, 100);
    kith_dc_close(closed);
    run_ms(&d, 500);
    kith_dc_close(closing);
    run_ms(&d, 5);
    kith_dc_free(closing);
    kith_dc_free(closed);
    run_ms(&d, 500);
    ck_assert_uint_eq(channels_in_stats(pc_of(&d, LEFT)), 1);
    duo_deinit(&d);
}
END_TEST

UNIT_MAIN("pc: data_channel", creating_fails_for_each_reason_and_changes_nothing,
          an_init_of_another_header_is_read_as_far_as_it_is_known,
          a_refused_channel_does_not_ask_for_negotiation, a_closed_peer_makes_no_channels,
          who_created_a_channel_may_learn_it_from_the_events, ids_run_out,
          an_id_above_the_streams_is_refused_only_when_they_are_known,
          the_highest_id_carries_messages, a_channel_is_what_was_asked_for,
          states_have_their_w3c_names, only_an_open_channel_sends,
          the_peers_limit_is_the_longest_message,
          the_longest_message_is_known_when_the_answer_is_applied,
          an_association_that_ended_takes_neither_messages_nor_channels,
          empty_messages_arrive_as_strings_and_as_bytes, empty_messages_do_not_use_up_the_budget,
          buffered_amount_falls_as_bytes_leave_and_low_is_told_at_every_crossing,
          buffered_amount_does_not_become_zero_by_closing,
          again_comes_only_when_something_waits_and_writable_ends_it,
          closing_flushes_what_is_queued, closing_again_does_nothing,
          a_channel_that_never_opened_closes_at_once, a_freed_channel_is_closed_and_named_no_more,
          a_channel_is_freed_in_every_state)
