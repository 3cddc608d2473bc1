/* Multicast DNS over the loopback interface: a question reaches who listens on port 5353, an
 * answer from there reaches us, and one from elsewhere is not believed. */
#include "../unit/unit.h"

#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../unit/io/mdns_kit.h"
#include "io/mdns.h"
#include "io/mdns_socket.h"

static kith_mdns_sockets open_on_loopback(void)
{
    kith_interface_address lo = {.index = if_nametoindex("lo")};
    kith_mdns_sockets sockets;
    ck_assert_int_eq(kith_address_parse(&lo.address, "127.0.0.1"), KITH_OK);
    ck_assert(kith_mdns_sockets_open(&sockets, &lo, 1));
    return sockets;
}

/* The next packet that is believed. */
static size_t receive(const kith_mdns_sockets *sockets, uint8_t *buf, uint32_t *interface_index)
{
    size_t len = 0;
    while (len == 0) {
        struct pollfd fd = {.fd = sockets->fds[0], .events = POLLIN};
        ck_assert_int_eq(poll(&fd, 1, 10000), 1);
        ck_assert(kith_mdns_sockets_receive(sockets, 0, buf, &len, interface_index));
    }
    return len;
}

/* The responder is a second querier that says something else. */
START_TEST(a_question_is_heard_and_its_answer_comes_back)
{
    kith_mdns_sockets asking = open_on_loopback(), answering = open_on_loopback();
    kith_mdns mdns;
    kith_resolved result;
    uint8_t packet[KITH_MDNS_RECEIVE_BYTES];
    uint32_t interface_index = 0;
    kith_mdns_init(&mdns, 1);
    ck_assert(kith_mdns_ask(&mdns, 0, 1, MDNS_NAME));

    size_t asked = kith_mdns_output(&mdns, 0, packet, sizeof packet);
    kith_mdns_sockets_send(&asking, kith_span_of(packet, asked));
    ck_assert_uint_eq(receive(&answering, packet, &interface_index), asked);
    ck_assert_uint_eq(interface_index, if_nametoindex("lo"));

    size_t len = put_response(packet, sizeof packet, MDNS_NAME);
    kith_mdns_sockets_send(&answering, kith_span_of(packet, len));
    while (!kith_mdns_event(&mdns, 0, &result)) { /* our own question comes first */
        len = receive(&asking, packet, &interface_index);
        kith_mdns_input(&mdns, packet, len, interface_index);
    }
    ck_assert_uint_eq(result.count, 1);
    kith_mdns_deinit(&mdns);
    kith_mdns_sockets_close(&asking);
    kith_mdns_sockets_close(&answering);
}
END_TEST

START_TEST(what_comes_from_another_port_is_not_believed)
{
    kith_mdns_sockets listening = open_on_loopback();
    uint8_t packet[KITH_MDNS_RECEIVE_BYTES];
    size_t len = put_response(packet, sizeof packet, MDNS_NAME);
    uint32_t interface_index;
    struct ip_mreqn on_lo = {.imr_ifindex = (int)if_nametoindex("lo")};
    struct sockaddr_in group = {.sin_family = AF_INET, .sin_port = htons(5353)};
    memcpy(&group.sin_addr, "\xe0\0\0\xfb", 4);
    int other = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(setsockopt(other, IPPROTO_IP, IP_MULTICAST_IF, &on_lo, sizeof on_lo), 0);
    ck_assert_int_gt(sendto(other, packet, len, 0, (struct sockaddr *)&group, sizeof group), 0);

    struct pollfd fd = {.fd = listening.fds[0], .events = POLLIN};
    ck_assert_int_eq(poll(&fd, 1, 10000), 1);
    ck_assert(kith_mdns_sockets_receive(&listening, 0, packet, &len, &interface_index));
    ck_assert_uint_eq(len, 0);
    close(other);
    kith_mdns_sockets_close(&listening);
}
END_TEST

UNIT_MAIN("runtime: mdns_socket", a_question_is_heard_and_its_answer_comes_back,
          what_comes_from_another_port_is_not_believed)
