/* Peers of two loops by TCP alone, and who else comes to a loop's TCP port. */
#include "../unit/unit.h"
#include "ports.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/address.h"
#include "io/io.h"
#include "kith/kith.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)

/* Far more than any kernel takes ahead. */
enum { MESSAGE = 60000, MESSAGES = 400 };

typedef struct peer {
    kith_loop *loop;
    kith_pc *pc;
    kith_dc *dc;
    struct peer *other;
    bool is_open, offers;
    int sent, received;
} peer;

static peer peers[2];

static kith_err make_loop(kith_loop **out, uint16_t tcp_port)
{
    static const char *const addresses[] = {"127.0.0.1", NULL};
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.bind_addresses = addresses;
    config.tcp_port = tcp_port;
    return kith_loop_new(out, &config);
}

static kith_loop *new_loop(void)
{
    kith_loop *loop;
    OK(make_loop(&loop, 0));
    return loop;
}

/* Somebody may take the port before the loop does. */
static kith_loop *listening_loop(uint16_t *port)
{
    kith_loop *loop = NULL;
    for (int i = 0; i < 100 && !loop; i++) {
        *port = free_port(SOCK_STREAM);
        if (make_loop(&loop, *port) != KITH_OK)
            loop = NULL;
    }
    ck_assert_ptr_nonnull(loop);
    return loop;
}

static void send_more(peer *p)
{
    static uint8_t message[MESSAGE];
    while (p->dc && p->sent < MESSAGES) {
        memset(message, p->sent & 255, sizeof message);
        if (kith_dc_send(p->dc, message, sizeof message) != KITH_OK)
            return;
        p->sent++;
    }
}

static void take_message(peer *p, const kith_message *m)
{
    static uint8_t expected[MESSAGE];
    memset(expected, p->received & 255, sizeof expected);
    ck_assert_uint_eq(m->len, MESSAGE);
    ck_assert(memcmp(m->data, expected, sizeof expected) == 0);
    p->received++;
}

static void describe(peer *p)
{
    OK(kith_pc_set_local_description(p->pc, NULL));
    OK(kith_pc_set_remote_description(p->other->pc, kith_pc_local_description(p->pc)));
}

/* No candidate of UDP gets through. */
static void on_event(peer *p, const kith_event *ev)
{
    if (ev->type == KITH_EV_ICE_CANDIDATE && strstr(ev->ice_candidate.candidate, " tcp ")) {
        OK(kith_pc_add_ice_candidate(p->other->pc, &ev->ice_candidate));
    } else if (ev->type == KITH_EV_DC_OPEN) {
        p->is_open = true;
        p->dc = ev->dc;
        if (p->offers)
            send_more(p);
    } else if (ev->type == KITH_EV_WRITABLE && p->offers) {
        send_more(p);
    } else if (ev->type == KITH_EV_DC_MESSAGE) {
        take_message(p, &ev->message);
    }
}

static void turn(peer *p, int wait_ms)
{
    for (const kith_event *ev; (ev = kith_loop_wait(p->loop, wait_ms)); wait_ms = 0)
        on_event(p, ev);
}

static void begin(int offers, int listens)
{
    uint16_t port;
    memset(peers, 0, sizeof peers);
    for (int i = 0; i < 2; i++) {
        peers[i].other = &peers[!i];
        peers[i].offers = i == offers;
        peers[i].loop = i == listens ? listening_loop(&port) : new_loop();
        OK(kith_pc_new(&peers[i].pc, kith_loop_endpoint(peers[i].loop), NULL));
    }
    OK(kith_pc_create_data_channel(peers[offers].pc, "x", NULL, &peers[offers].dc));
    describe(&peers[offers]);
    describe(&peers[!offers]);
}

static void end(void)
{
    for (int i = 0; i < 2; i++) {
        kith_pc_free(peers[i].pc);
        kith_loop_free(peers[i].loop);
    }
}

START_TEST(peers_talk_by_tcp_whoever_connects)
{
    for (int listens = 0; listens < 2; listens++) {
        begin(0, listens);
        while (!peers[0].is_open || !peers[1].is_open)
            for (int i = 0; i < 2; i++)
                turn(&peers[i], 1);
        while (peers[1].received < MESSAGES) {
            turn(&peers[0], 1);
            /* It reads seldom, so that what the kernel takes in part is the rule. */
            if (peers[0].sent % 4 == 0 || peers[0].sent == MESSAGES)
                turn(&peers[1], 0);
            turn(&peers[0], 0);
            turn(&peers[1], 0);
        }
        kith_candidate_fields local = KITH_CANDIDATE_FIELDS_INIT;
        ck_assert(kith_transport_selected_local(kith_pc_transport_at(peers[0].pc, 0), &local));
        ck_assert_str_eq(local.protocol, "tcp");
        ck_assert_str_eq(local.tcp_type, listens == 0 ? "passive" : "active");
        end();
    }
}
END_TEST

static int connect_to(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

START_TEST(who_says_something_else_is_closed)
{
    uint16_t port;
    kith_loop *loop = listening_loop(&port);
    int fd = connect_to(port);
    static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    ck_assert_int_eq(send(fd, request, sizeof request - 1, 0), (ssize_t)sizeof request - 1);
    struct pollfd closed = {.fd = fd, .events = POLLIN};
    while (poll(&closed, 1, 0) == 0)
        ck_assert_ptr_null(kith_loop_wait(loop, 1));
    char byte;
    ck_assert_int_le(recv(fd, &byte, 1, 0), 0);
    close(fd);
    kith_loop_free(loop);
}
END_TEST

/* From a port of its own that may be used again at once. */
static int connect_from(uint16_t from, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(from)};
    const int on = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    address.sin_port = htons(port);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void reset(int fd)
{
    const struct linger at_once = {.l_onoff = 1};
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close(fd);
}

/* The listener is looked at before the connection that was reset. */
START_TEST(who_comes_again_from_his_port_before_we_looked_is_refused)
{
    uint16_t port, from = free_port(SOCK_STREAM);
    kith_loop *loop = listening_loop(&port);
    int first = connect_from(from, port);
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_null(kith_loop_wait(loop, 1));
    int other = connect_to(port);
    reset(first);
    int again = connect_from(from, port);
    struct pollfd closed = {.fd = again, .events = POLLIN};
    while (poll(&closed, 1, 0) == 0)
        ck_assert_ptr_null(kith_loop_wait(loop, 1));
    close(again);
    close(other);
    kith_loop_free(loop);
}
END_TEST

static void assert_by_priority(const char *sdp)
{
    static const char attribute[] = "a=candidate:";
    unsigned long last = UINT32_MAX;
    unsigned count = 0, tcp = 0;
    for (const char *at = sdp; (at = strstr(at, attribute)); at++, count++) {
        unsigned long priority;
        char protocol[8];
        ck_assert_int_eq(sscanf(at + strlen(attribute), "%*s 1 %7s %lu", protocol, &priority), 2);
        ck_assert_uint_le(priority, last);
        last = priority;
        tcp += strcmp(protocol, "tcp") == 0;
    }
    ck_assert_uint_gt(count, tcp);
    ck_assert_uint_gt(tcp, 0);
}

/* Each peer opens sockets of its own, which takes a while; TCP has them already. */
START_TEST(a_description_has_the_best_candidates_first)
{
    begin(0, 0);
    while (kith_pc_ice_gathering_state(peers[0].pc) != KITH_ICE_GATHERING_STATE_COMPLETE)
        turn(&peers[0], 1);
    assert_by_priority(kith_pc_local_description(peers[0].pc)->sdp);
    end();
}
END_TEST

/* ---- the last words ---- */

static bool is_told_closed(peer *p, int wait_ms)
{
    bool is_closed = false;
    for (const kith_event *ev; (ev = kith_loop_wait(p->loop, wait_ms)); wait_ms = 0) {
        is_closed |= ev->type == KITH_EV_DC_CLOSED;
        /* Without a farewell it would be this, after 30 s. */
        ck_assert(ev->type != KITH_EV_CONNECTION_STATE ||
                  ev->connection_state != KITH_CONNECTION_STATE_FAILED);
    }
    return is_closed;
}

/* They leave behind what its kernel and the other's have, which is far more than they take. */
START_TEST(a_farewell_reaches_a_peer_that_reads_late)
{
    for (int listens = 0; listens < 2; listens++) {
        begin(0, listens);
        while (!peers[0].is_open || !peers[1].is_open)
            for (int i = 0; i < 2; i++)
                turn(&peers[i], 1);
        while (peers[1].received < 20) /* SCTP's window is open */
            for (int i = 0; i < 2; i++)
                turn(&peers[i], 1);
        for (int i = 0; i < 100; i++)
            turn(&peers[0], 1);
        ck_assert_int_lt(peers[0].sent, MESSAGES);
        kith_pc_free(peers[0].pc);
        peers[0].pc = NULL;
        for (int i = 0; i < 10; i++)
            turn(&peers[0], 1);
        while (!is_told_closed(&peers[1], 1))
            turn(&peers[0], 1);
        end();
    }
}
END_TEST

START_TEST(a_port_that_is_taken_is_told_by_its_number)
{
    uint16_t port;
    kith_loop *first = listening_loop(&port), *second = NULL;
    static const char *const addresses[] = {"127.0.0.1", NULL};
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    char text[20];
    config.bind_addresses = addresses;
    config.tcp_port = port;
    ck_assert_int_eq(kith_loop_new(&second, &config), KITH_ERR_SYSTEM);
    snprintf(text, sizeof text, "127.0.0.1:%u", (unsigned)port);
    ck_assert_ptr_nonnull(strstr(kith_last_error()->message, text));
    ck_assert_ptr_nonnull(strstr(kith_last_error()->message, "TCP"));
    kith_loop_free(first);
}
END_TEST

START_TEST(a_reserved_field_is_not_supported)
{
    kith_loop *loop = NULL;
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.reserved[sizeof config.reserved - 1] = true;
    ck_assert_int_eq(kith_loop_new(&loop, &config), KITH_ERR_NOT_SUPPORTED);
}
END_TEST

static bool is_wanted;

static bool filter(const char *name, const kith_address *address, void *user)
{
    (void)name, (void)user;
    return is_wanted && address->family == KITH_IPV4;
}

/* Somebody else listens there: what is not to be had is no reason to do without the rest. */
START_TEST(an_interface_that_comes_late_has_udp_where_tcp_is_taken)
{
    int taken = hold_port_of(SOCK_STREAM, 0);
    ck_assert_int_eq(listen(taken, 1), 0);
    kith_loop *loop;
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.loopback = true;
    config.interface_filter = filter;
    config.tcp_port = port_of_socket(taken);
    is_wanted = false;
    OK(kith_loop_new(&loop, &config));
    ck_assert_ptr_null(kith_loop_local(loop, 0));
    is_wanted = true;
    loop->look_again_at = 0;
    (void)kith_loop_wait(loop, 0);
    bool is_there = false;
    for (size_t i = 0; kith_loop_local(loop, i); i++)
        is_there |= kith_address_is_loopback(kith_loop_local(loop, i));
    ck_assert(is_there);
    is_wanted = false; /* and it goes */
    loop->look_again_at = 0;
    (void)kith_loop_wait(loop, 0);
    ck_assert_ptr_null(kith_loop_local(loop, 0));
    close(taken);
    kith_loop_free(loop);
}
END_TEST

UNIT_MAIN("io: tcp", peers_talk_by_tcp_whoever_connects,
          a_description_has_the_best_candidates_first,
          an_interface_that_comes_late_has_udp_where_tcp_is_taken,
          a_farewell_reaches_a_peer_that_reads_late, who_says_something_else_is_closed,
          who_comes_again_from_his_port_before_we_looked_is_refused,
          a_port_that_is_taken_is_told_by_its_number, a_reserved_field_is_not_supported)
