/* One socket to another over loopback: batches arrive whole, with their marks, with and without
 * the kernel's help. */
#include "../unit/unit.h"

#include <poll.h>
#include <string.h>

#include "io/udp.h"

static const kith_udp_options options = {.receive_buffer = 1 << 20, .send_buffer = 1 << 20};

static kith_udp sender, receiver;
static kith_batch batch;

static void open_on(kith_udp *udp, const char *ip)
{
    kith_address local;
    ck_assert_int_eq(kith_address_parse(&local, ip), KITH_OK);
    ck_assert_int_eq(kith_udp_open(udp, &local, &options), 0);
    ck_assert_uint_ne(udp->local.port, 0);
}

static void begin(const char *ip)
{
    open_on(&sender, ip);
    open_on(&receiver, ip);
    kith_batch_init(&batch);
}

static void end(void)
{
    kith_udp_close(&sender);
    kith_udp_close(&receiver);
}

static void fill(size_t count, size_t len, kith_packet_info info)
{
    info.path.local = sender.local;
    info.path.remote = receiver.local;
    for (size_t i = 0; i < count; i++) {
        memset(kith_batch_space(&batch), (int)i, len);
        ck_assert(kith_batch_add(&batch, &info, len));
    }
}

static void receive_some(uint8_t *buf, size_t cap, kith_udp_received *received)
{
    struct pollfd fd = {.fd = receiver.fd, .events = POLLIN};
    ck_assert_int_eq(poll(&fd, 1, 10000), 1);
    ck_assert(kith_udp_receive(&receiver, buf, cap, received));
    if (received->len == 0)
        return;
    ck_assert(kith_address_equal(&received->info.path.remote, &sender.local));
    ck_assert(kith_address_equal(&received->info.path.local, &receiver.local));
}

/* All `count` packets come, each of `len` bytes, in order. Returns how many calls that took. */
static unsigned expect(size_t count, size_t len, uint8_t ecn)
{
    static uint8_t buf[KITH_UDP_RECEIVE_BYTES];
    unsigned calls = 0;
    for (size_t got = 0; got < count; calls++) {
        kith_udp_received received;
        receive_some(buf, sizeof buf, &received);
        ck_assert_uint_eq(received.info.ecn, ecn);
        for (size_t at = 0; at < received.len; at += received.segment, got++) {
            ck_assert_uint_eq(received.segment, len);
            ck_assert_uint_eq(buf[at], got);
            ck_assert_uint_eq(buf[at + len - 1], got);
        }
    }
    return calls;
}

START_TEST(a_batch_arrives_whole_and_in_order)
{
    begin("127.0.0.1");
    fill(40, 1200, (kith_packet_info){0});
    ck_assert(kith_udp_send(&sender, &batch));
    ck_assert(kith_batch_empty(&batch));
    unsigned calls = expect(40, 1200, 0);
    if (sender.has_gso) /* and with GRO it is received at once */
        ck_assert_uint_le(calls, 2);
    end();
}
END_TEST

START_TEST(without_segmentation_each_packet_is_sent_alone)
{
    begin("127.0.0.1");
    sender.has_gso = false;
    fill(40, 1200, (kith_packet_info){0});
    ck_assert(kith_udp_send(&sender, &batch));
    ck_assert_uint_eq(expect(40, 1200, 0), 40);
    end();
}
END_TEST

START_TEST(a_single_packet_needs_no_segmentation)
{
    begin("127.0.0.1");
    fill(1, 7, (kith_packet_info){0});
    ck_assert(kith_udp_send(&sender, &batch));
    ck_assert_uint_eq(expect(1, 7, 0), 1);
    end();
}
END_TEST

START_TEST(marks_arrive_with_the_packets)
{
    begin("127.0.0.1");
    fill(3, 100, (kith_packet_info){.ecn = 1, .dscp = 46, .dont_fragment = true});
    ck_assert(kith_udp_send(&sender, &batch));
    ck_assert(sender.dont_fragment);
    expect(3, 100, 1);
    end();
}
END_TEST

START_TEST(ipv6_does_the_same)
{
    kith_address any_v6 = {.family = KITH_IPV6, .ip = {[15] = 1}};
    kith_udp probe;
    if (kith_udp_open(&probe, &any_v6, &options) != 0)
        return; /* a machine without IPv6 */
    kith_udp_close(&probe);
    begin("::1");
    fill(20, 500, (kith_packet_info){.ecn = 2, .dont_fragment = true});
    ck_assert(kith_udp_send(&sender, &batch));
    expect(20, 500, 2);
    end();
}
END_TEST

START_TEST(what_cannot_be_sent_is_lost_not_kept)
{
    begin("127.0.0.1");
    kith_packet_info info = {.size = sizeof info, .path = {.local = sender.local}};
    ck_assert_int_eq(kith_address_parse(&info.path.remote, "255.255.255.255:9"), KITH_OK);
    memset(kith_batch_space(&batch), 0, 10);
    ck_assert(kith_batch_add(&batch, &info, 10));
    ck_assert(kith_udp_send(&sender, &batch)); /* EACCES */
    ck_assert(kith_batch_empty(&batch));
    end();
}
END_TEST

START_TEST(nothing_to_receive_is_told)
{
    uint8_t buf[16];
    kith_udp_received received;
    begin("127.0.0.1");
    ck_assert(!kith_udp_receive(&receiver, buf, sizeof buf, &received));
    fill(1, 100, (kith_packet_info){0});
    ck_assert(kith_udp_send(&sender, &batch));
    receive_some(buf, sizeof buf, &received);
    ck_assert_uint_eq(received.len, 0); /* cut off: of no use */
    end();
}
END_TEST

START_TEST(a_port_that_is_taken_is_an_error)
{
    kith_udp again;
    begin("127.0.0.1");
    ck_assert_int_ne(kith_udp_open(&again, &receiver.local, &options), 0);
    ck_assert_int_eq(again.fd, -1);
    end();
}
END_TEST

UNIT_MAIN("runtime: udp", a_batch_arrives_whole_and_in_order,
          without_segmentation_each_packet_is_sent_alone, a_single_packet_needs_no_segmentation,
          marks_arrive_with_the_packets, ipv6_does_the_same, what_cannot_be_sent_is_lost_not_kept,
          nothing_to_receive_is_told, a_port_that_is_taken_is_an_error)
