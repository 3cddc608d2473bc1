/* A loop with two sockets, one flooded: how much of the flood is taken in before the other one has
 * its turn. The test says what a packet costs, on a clock of its own. */
#include "../unit/unit.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/io.h"
#include "kith/kith.h"

kith_time __real_kith_clock_now(void);
kith_time __wrap_kith_clock_now(void);
void __wrap_kith_endpoint_handle_packet(kith_endpoint *ep, kith_time now,
                                        const kith_packet_info *info, const void *data, size_t len);

static struct {
    kith_time spent, cost;
    uint16_t flooded;
    /* packets in all, of the flooded socket, and of it before the other socket's first */
    unsigned packets, flood, before;
} seen;

/* Linked in place of the loop's (see meson.build): what packets cost is all that passes. */
kith_time __wrap_kith_clock_now(void)
{
    static kith_time begin;
    if (begin == 0)
        begin = __real_kith_clock_now();
    return begin + seen.spent;
}

void __wrap_kith_endpoint_handle_packet(kith_endpoint *ep, kith_time now,
                                        const kith_packet_info *info, const void *data, size_t len)
{
    (void)ep;
    (void)now;
    (void)data;
    (void)len;
    seen.spent += seen.cost;
    seen.packets++;
    if (info->path.local.port == seen.flooded)
        seen.flood++;
    else
        seen.before = seen.flood;
}

static uint16_t open_socket(kith_loop *loop)
{
    kith_address local, bound;
    ck_assert_int_eq(kith_address_parse(&local, "127.0.0.1:0"), KITH_OK);
    ck_assert_int_eq(kith_sockets_open(loop, &local, &bound), KITH_OK);
    return bound.port;
}

static void send_to(uint16_t port, unsigned count)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    for (unsigned i = 0; i < count; i++)
        ck_assert_int_eq(sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof to), 1);
    close(fd);
}

/* Packets of a flood, each of that cost, before the other socket's one in the same turn. */
static unsigned wait_beside_a_flood(kith_time cost)
{
    kith_loop *loop;
    ck_assert_int_eq(kith_loop_new(&loop, NULL), KITH_OK);
    seen.flooded = open_socket(loop);
    uint16_t other = open_socket(loop);
    seen.cost = cost;
    seen.packets = seen.flood = seen.before = 0;
    send_to(seen.flooded, 200);
    send_to(other, 1);
    kith_loop_turn(loop, 0);
    unsigned before = seen.before;
    ck_assert_uint_eq(seen.packets, seen.flood + 1);
    for (int i = 0; i < 300 && seen.packets < 201; i++)
        kith_loop_turn(loop, 0);
    ck_assert_uint_eq(seen.packets, 201); /* nothing is lost */
    kith_loop_free(loop);
    return before;
}

START_TEST(a_flood_has_a_millisecond_of_a_turn)
{
    ck_assert_uint_eq(wait_beside_a_flood(100), 10);
    ck_assert_uint_eq(wait_beside_a_flood(KITH_MS(5)), 1);
}
END_TEST

/* 128 packets and system calls. */
START_TEST(a_flood_of_cheap_packets_has_its_share_of_a_turn)
{
    ck_assert_uint_eq(wait_beside_a_flood(1), 64);
}
END_TEST

UNIT_MAIN("io: rounds", a_flood_has_a_millisecond_of_a_turn,
          a_flood_of_cheap_packets_has_its_share_of_a_turn)
