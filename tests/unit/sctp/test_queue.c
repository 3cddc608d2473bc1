#include "sctp/queue.h"

#include "unit.h"

static kith_pool pool;
static kith_sctp_queue queue;
static kith_sctp_out_stream streams[8];

static void setup(void)
{
    kith_pool_init(&pool, 1 << 20);
    kith_sctp_queue_init(&queue, &pool);
    for (uint16_t i = 0; i < 8; i++)
        ck_assert_int_eq(kith_sctp_queue_join(&queue, &streams[i], i), KITH_OK);
}

static void teardown(void)
{
    for (int i = 0; i < 8; i++)
        kith_sctp_queue_leave(&queue, &streams[i]);
    ck_assert_uint_eq(queue.bytes, 0);
    kith_sctp_queue_deinit(&queue);
    kith_pool_drain(&pool);
}

static uint8_t content[100000];

static void push(int stream, size_t len)
{
    kith_sctp_send_args args = {.stream = (uint16_t)stream, .data = content, .len = len};
    ck_assert_int_eq(kith_sctp_queue_push(&queue, &streams[stream], &args), KITH_OK);
}

/* Hands on the next message; which stream it was, or -1. */
static int hand_next(void)
{
    kith_sctp_out_stream *stream = kith_sctp_queue_next(&queue);
    if (!stream)
        return -1;
    kith_sctp_queue_handed(&queue, stream, kith_sctp_queue_first(stream)->len);
    return stream->id;
}

START_TEST(turns_follow_the_weights_by_bytes)
{
    setup();
    static const uint16_t weights[] = {128, 256, 512, 1024};
    size_t bytes[4] = {0};
    for (int i = 0; i < 4; i++) {
        streams[i].params.priority = weights[i];
        for (int n = 0; n < 2000; n++)
            push(i, i % 2 ? 100 : 1000);
    }
    for (int n = 0; n < 1200; n++) {
        int id = hand_next();
        ck_assert(id >= 0 && id < 4);
        bytes[id] += id % 2 ? 116 : 1016;
    }
    for (int i = 1; i < 4; i++) {
        ck_assert_uint_gt(bytes[i] * 100, bytes[i - 1] * 185);
        ck_assert_uint_lt(bytes[i] * 100, bytes[i - 1] * 215);
    }
    teardown();
}
END_TEST

START_TEST(who_was_silent_gathers_no_credit)
{
    setup();
    streams[0].params.priority = streams[1].params.priority = 256;
    for (int n = 0; n < 300; n++)
        push(0, 1000);
    for (int n = 0; n < 200; n++)
        ck_assert_int_eq(hand_next(), 0);
    for (int n = 0; n < 100; n++)
        push(1, 1000);
    int of_one = 0;
    for (int n = 0; n < 50; n++)
        of_one += hand_next() == 1;
    ck_assert_int_ge(of_one, 24);
    ck_assert_int_le(of_one, 26);
    teardown();
}
END_TEST

START_TEST(a_begun_message_keeps_its_turn_to_the_end)
{
    setup();
    push(0, 90000);
    push(1, 10);
    kith_sctp_queue_handed(&queue, &streams[0], 30000);
    ck_assert_ptr_eq(kith_sctp_queue_next(&queue), &streams[0]);
    kith_sctp_queue_discard(&queue, &streams[0]);
    ck_assert_uint_eq(streams[0].buffered, 60000);
    kith_sctp_queue_handed(&queue, &streams[0], 60000);
    ck_assert_ptr_eq(kith_sctp_queue_next(&queue), &streams[1]);
    ck_assert_int_eq(hand_next(), 1);
    ck_assert_int_eq(hand_next(), -1);
    teardown();
}
END_TEST

START_TEST(lifetimes_begin_when_the_time_is_known)
{
    setup();
    streams[0].params.reliability = KITH_MAX_PACKET_LIFE_TIME;
    streams[0].params.limit = 50;
    push(0, 100);
    kith_sctp_queue_expire(&queue, KITH_SECONDS(1000)); /* not dated yet */
    ck_assert_uint_eq(queue.bytes, 100);
    kith_sctp_queue_date(&queue, KITH_SECONDS(1000));
    kith_sctp_queue_expire(&queue, KITH_SECONDS(1000) + KITH_MS(50));
    ck_assert_uint_eq(queue.bytes, 100);
    push(0, 10);
    kith_sctp_queue_expire(&queue, KITH_SECONDS(1000) + KITH_MS(51));
    ck_assert_uint_eq(queue.bytes, 10);
    ck_assert_uint_eq(queue.expired, 1);
    kith_sctp_queue_date(&queue, KITH_SECONDS(1001));
    kith_sctp_queue_expire(&queue, KITH_SECONDS(1002));
    ck_assert_ptr_null(kith_sctp_queue_next(&queue));
    teardown();
}
END_TEST

START_TEST(dcep_and_begun_messages_do_not_expire)
{
    setup();
    streams[0].params.reliability = KITH_MAX_PACKET_LIFE_TIME;
    streams[0].params.limit = 0;
    push(0, 1000);
    kith_sctp_send_args dcep = {
        .data = content, .len = 20, .ordered_reliable = true, .not_counted = true};
    ck_assert_int_eq(kith_sctp_queue_push(&queue, &streams[0], &dcep), KITH_OK);
    push(0, 2000);
    kith_sctp_queue_date(&queue, 0);
    kith_sctp_queue_handed(&queue, &streams[0], 400);
    kith_sctp_queue_expire(&queue, KITH_SECONDS(1));
    ck_assert_uint_eq(queue.bytes, 620);
    ck_assert_uint_eq(streams[0].buffered, 600);
    teardown();
}
END_TEST

START_TEST(messages_that_keep_the_order_expire_as_the_stream_says)
{
    setup();
    streams[0].params.reliability = KITH_MAX_PACKET_LIFE_TIME;
    streams[0].params.limit = 50;
    kith_sctp_send_args early = {.data = content, .len = 20, .ordered = true};
    ck_assert_int_eq(kith_sctp_queue_push(&queue, &streams[0], &early), KITH_OK);
    kith_sctp_queue_date(&queue, 0);
    kith_sctp_queue_expire(&queue, KITH_MS(51));
    ck_assert_uint_eq(queue.bytes, 0);
    teardown();
}
END_TEST

/* webrtc-pc section 6.2, bufferedamountlow: from above the threshold to it or below. */
START_TEST(a_fall_to_the_threshold_is_told_once)
{
    setup();
    streams[0].low_threshold = 500;
    push(0, 1000);
    push(0, 500);
    ck_assert_ptr_null(kith_sctp_queue_next_low(&queue));
    hand_next();
    ck_assert_ptr_eq(kith_sctp_queue_next_low(&queue), &streams[0]);
    hand_next();
    ck_assert_ptr_null(kith_sctp_queue_next_low(&queue));
    teardown();
}
END_TEST

/* However late anybody asks: below, then above, but never across. */
START_TEST(falls_on_either_side_of_the_threshold_are_no_crossing)
{
    setup();
    streams[0].low_threshold = 2000;
    push(0, 1000);
    push(0, 500);
    hand_next();
    push(0, 2000);
    push(0, 4000);
    hand_next();
    ck_assert_uint_eq(streams[0].buffered, 6000);
    ck_assert_ptr_null(kith_sctp_queue_next_low(&queue));
    hand_next();
    hand_next();
    ck_assert_ptr_eq(kith_sctp_queue_next_low(&queue), &streams[0]);
    teardown();
}
END_TEST

UNIT_MAIN("sctp: queue", turns_follow_the_weights_by_bytes, who_was_silent_gathers_no_credit,
          a_begun_message_keeps_its_turn_to_the_end, lifetimes_begin_when_the_time_is_known,
          dcep_and_begun_messages_do_not_expire,
          messages_that_keep_the_order_expire_as_the_stream_says,
          a_fall_to_the_threshold_is_told_once,
          falls_on_either_side_of_the_threshold_are_no_crossing)
