/* What the kernel may say to sendmsg, said by a stand-in: a full socket keeps its packets, a
 * kernel without segmentation is served one by one, a loop whose sockets are full again and again
 * loses nothing, and a path that is refused is left. */
#include "../unit/unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

#include "io/udp.h"
#include "kith/kith.h"

ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);

static struct stand_in {
    int segmented_error; /* what a batch gets; 0: it is sent */
    unsigned full_every; /* each n-th call finds the socket full; 0: none */
    uint32_t no_route;   /* IPv4 address, in host order, to which there is no route; 0: none */
    unsigned calls, refused, packets;
} stand_in;

static bool is_segmented(const struct msghdr *message)
{
    struct msghdr copy = *message;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&copy); c; c = CMSG_NXTHDR(&copy, c))
        if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_SEGMENT)
            return true;
    return false;
}

/* Linked in place of sendmsg (see meson.build). */
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    stand_in.calls++;
    if (stand_in.full_every != 0 && stand_in.calls % stand_in.full_every == 0) {
        stand_in.refused++;
        errno = EAGAIN;
        return -1;
    }
    if (stand_in.segmented_error != 0 && is_segmented(message)) {
        errno = stand_in.segmented_error;
        return -1;
    }
    struct sockaddr_in to;
    memcpy(&to, message->msg_name, sizeof to);
    if (stand_in.no_route != 0 && ntohl(to.sin_addr.s_addr) == stand_in.no_route) {
        stand_in.refused++;
        errno = ENETUNREACH;
        return -1;
    }
    stand_in.packets++;
    return __real_sendmsg(fd, message, flags);
}

static kith_udp udp;
static kith_batch batch;

/* Five packets to nobody in particular. */
static void begin(struct stand_in how)
{
    kith_address local = {.family = KITH_IPV4, .ip = {127, 0, 0, 1}};
    ck_assert_int_eq(kith_udp_open(&udp, &local, &(kith_udp_options){0}), 0);
    udp.has_gso = true;
    stand_in = how;
    kith_batch_init(&batch);
    kith_packet_info info = {.size = sizeof info,
                             .path = {.local = udp.local, .remote = udp.local}};
    for (int i = 0; i < 5; i++) {
        memset(kith_batch_space(&batch), i, 100);
        ck_assert(kith_batch_add(&batch, &info, 100));
    }
}

START_TEST(a_full_socket_keeps_the_batch)
{
    begin((struct stand_in){.full_every = 1});
    ck_assert(!kith_udp_send(&udp, &batch));
    ck_assert_uint_eq(kith_batch_unsent(&batch).len, 500);
    stand_in.full_every = 0;
    ck_assert(kith_udp_send(&udp, &batch));
    ck_assert(kith_batch_empty(&batch));
    kith_udp_close(&udp);
}
END_TEST

START_TEST(a_socket_that_fills_between_packets_keeps_the_rest)
{
    begin((struct stand_in){.full_every = 3});
    udp.has_gso = false;
    ck_assert(!kith_udp_send(&udp, &batch));
    ck_assert_uint_eq(kith_batch_unsent(&batch).len, 300);
    ck_assert_int_eq(kith_batch_first(&batch).data[0], 2);
    while (!kith_udp_send(&udp, &batch))
        ;
    ck_assert_uint_eq(stand_in.packets, 5);
    kith_udp_close(&udp);
}
END_TEST

START_TEST(a_device_without_checksums_ends_segmentation_for_good)
{
    begin((struct stand_in){.segmented_error = EIO});
    ck_assert(kith_udp_send(&udp, &batch));
    ck_assert_uint_eq(stand_in.packets, 5);
    ck_assert(!udp.has_gso);
    kith_udp_close(&udp);
}
END_TEST

START_TEST(a_batch_that_does_not_suit_the_link_goes_one_by_one)
{
    static const int errors[] = {EINVAL, EMSGSIZE};
    for (int i = 0; i < 2; i++) {
        begin((struct stand_in){.segmented_error = errors[i]});
        ck_assert(kith_udp_send(&udp, &batch));
        ck_assert_uint_eq(stand_in.packets, 5);
        ck_assert(udp.has_gso);
        kith_udp_close(&udp);
    }
}
END_TEST

START_TEST(other_failures_are_losses_and_some_are_of_the_path)
{
    static const struct {
        int error;
        bool is_of_path;
    } cases[] = {{ENETUNREACH, true},
                 {EHOSTUNREACH, true},
                 {EPERM, true},
                 {ECONNREFUSED, false},
                 {ENOBUFS, false}};
    for (int i = 0; i < 5; i++) {
        begin((struct stand_in){.segmented_error = cases[i].error});
        ck_assert(kith_udp_send(&udp, &batch));
        ck_assert(kith_batch_empty(&batch));
        ck_assert_uint_eq(stand_in.packets, 0);
        ck_assert(udp.is_unreachable == cases[i].is_of_path);
        kith_udp_close(&udp);
    }
    begin((struct stand_in){.no_route = INADDR_LOOPBACK});
    udp.has_gso = false;
    ck_assert(kith_udp_send(&udp, &batch));
    ck_assert(udp.is_unreachable);
    stand_in.no_route = 0;
    ck_assert(kith_udp_send(&udp, &batch));
    ck_assert(!udp.is_unreachable);
    kith_udp_close(&udp);
}
END_TEST

/* ---- a whole loop ---- */

/* Few enough for the smallest receive buffer: then nothing gets lost but by a fault of ours. */
enum { MESSAGES = 60, LENGTH = 2000 };

typedef struct pair {
    kith_pc *left, *right;
    int sent, received;
    kith_dc *dc; /* of left */
} pair;

static void must(kith_err err)
{
    ck_assert_msg(err == KITH_OK, "%s", kith_last_error()->message);
}

static void send_more(pair *p, kith_dc *dc)
{
    static char message[LENGTH];
    while (p->sent < MESSAGES && kith_dc_send(dc, message, LENGTH) == KITH_OK)
        p->sent++;
}

static void on_event(pair *p, const kith_event *ev)
{
    bool is_left = ev->pc == p->left;
    if (ev->type == KITH_EV_ICE_CANDIDATE)
        must(kith_pc_add_ice_candidate(is_left ? p->right : p->left, &ev->ice_candidate));
    if (ev->type == KITH_EV_DC_OPEN && is_left) {
        p->dc = ev->dc;
        send_more(p, ev->dc);
    }
    if (ev->type == KITH_EV_DC_MESSAGE) {
        ck_assert_uint_eq(ev->message.len, LENGTH);
        p->received++;
    }
}

/* Two peers on one loop that have each other's descriptions. */
static kith_loop *meet(pair *p)
{
    static const char *const addresses[] = {"127.0.0.1", "127.0.0.2", NULL};
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.bind_addresses = addresses;
    kith_loop *loop;
    kith_dc *dc;
    must(kith_loop_new(&loop, &config));
    must(kith_pc_new(&p->left, kith_loop_endpoint(loop), NULL));
    must(kith_pc_new(&p->right, kith_loop_endpoint(loop), NULL));
    must(kith_pc_create_data_channel(p->left, "x", NULL, &dc));
    must(kith_pc_set_local_description(p->left, NULL));
    must(kith_pc_set_remote_description(p->right, kith_pc_local_description(p->left)));
    must(kith_pc_set_local_description(p->right, NULL));
    must(kith_pc_set_remote_description(p->left, kith_pc_local_description(p->right)));
    return loop;
}

START_TEST(sockets_that_take_nothing_for_long_stop_neither_the_loop_nor_its_end)
{
    pair p = {0};
    stand_in = (struct stand_in){.full_every = 1};
    kith_loop *loop = meet(&p);
    kith_time end = kith_clock_now() + KITH_MS(300); /* longer than a batch waits */
    while (kith_clock_now() < end) {
        const kith_event *ev = kith_loop_wait(loop, 10);
        if (ev)
            on_event(&p, ev);
    }
    ck_assert_uint_eq(stand_in.packets, 0);
    stand_in.full_every = 0;
    while (p.received < MESSAGES) /* and when they do again, it goes on */
        on_event(&p, kith_loop_wait(loop, -1));
    stand_in.full_every = 1;
    kith_loop_free(loop);
}
END_TEST

START_TEST(a_loop_whose_sockets_are_full_every_other_time_loses_nothing)
{
    pair p = {0};
    stand_in = (struct stand_in){.full_every = 2};
    kith_loop *loop = meet(&p);
    while (p.received < MESSAGES)
        on_event(&p, kith_loop_wait(loop, -1));
    ck_assert_uint_gt(stand_in.refused, 20);
    /* Both peers are on this endpoint: what it sent it also gets. */
    const kith_endpoint_counters *counters = kith_endpoint_get_counters(kith_loop_endpoint(loop));
    for (int i = 0; i < 100 && counters->packets_in < counters->packets_out; i++)
        (void)kith_loop_wait(loop, 10);
    ck_assert_uint_eq(counters->packets_in, counters->packets_out);
    kith_loop_free(loop);
}
END_TEST

static bool is_completed(const kith_pc *pc)
{
    return kith_pc_ice_connection_state(pc) == KITH_ICE_CONNECTION_STATE_COMPLETED;
}

/* As when the interface's routes are gone: ICE is told and does not wait until the path is silent.
 */
START_TEST(a_path_that_the_system_refuses_is_left_at_once)
{
    pair p = {0};
    stand_in = (struct stand_in){0};
    kith_loop *loop = meet(&p);
    while (p.received < MESSAGES || !is_completed(p.left) || !is_completed(p.right))
        on_event(&p, kith_loop_wait(loop, -1));
    stand_in.no_route = INADDR_LOOPBACK;
    p.sent = p.received = 0;
    kith_time end = kith_clock_now() + KITH_SECONDS(2);
    send_more(&p, p.dc);
    while (p.received < MESSAGES && kith_clock_now() < end) {
        const kith_event *ev = kith_loop_wait(loop, 10);
        if (ev)
            on_event(&p, ev);
    }
    ck_assert_uint_gt(stand_in.refused, 0);
    ck_assert_int_eq(p.received, MESSAGES);
    kith_loop_free(loop);
}
END_TEST

UNIT_MAIN("runtime: full", a_full_socket_keeps_the_batch,
          a_socket_that_fills_between_packets_keeps_the_rest,
          a_device_without_checksums_ends_segmentation_for_good,
          a_batch_that_does_not_suit_the_link_goes_one_by_one,
          other_failures_are_losses_and_some_are_of_the_path,
          sockets_that_take_nothing_for_long_stop_neither_the_loop_nor_its_end,
          a_loop_whose_sockets_are_full_every_other_time_loses_nothing,
          a_path_that_the_system_refuses_is_left_at_once)
