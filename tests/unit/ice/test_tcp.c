/* TCP candidates (RFC 6544): priorities, which pairs there are, connections, one check each. */
#include "net.h"

#include "ice/nominate.h"

static bool are_selected(struct net *net)
{
    return ice_of(net, LEFT)->newest->selected && ice_of(net, RIGHT)->newest->selected;
}

/* RFC 6544 section 4.2 and appendix A: the direction's preference is the highest bits. */
START_TEST(priorities_are_those_of_rfc_6544)
{
    struct net *net = net_new();
    kith_ice *ice = ice_of(net, LEFT);
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_tcp(net, LEFT, "192.0.2.1:7000");
    static const struct {
        kith_tcp_type tcp_type;
        uint32_t host_type, host_direction, prflx_type, prflx_direction;
    } rows[] = {{KITH_TCPTYPE_ACTIVE, 90, 6, 80, 4}, {KITH_TCPTYPE_PASSIVE, 90, 4, 80, 2}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        kith_address address = net->peers[LEFT].listener;
        if (rows[i].tcp_type == KITH_TCPTYPE_ACTIVE)
            address.port = 9;
        kith_ice_base *base = kith_ice_find_base(ice->newest, &address, rows[i].tcp_type);
        uint32_t host = base->local->candidate.priority;
        uint32_t prflx = kith_ice_candidate_priority(KITH_CANDIDATE_PRFLX, base);
        ck_assert_uint_eq(host >> 24, rows[i].host_type);
        ck_assert_uint_eq(host >> 21 & 7, rows[i].host_direction);
        ck_assert_uint_eq(prflx >> 24, rows[i].prflx_type);
        ck_assert_uint_eq(prflx >> 21 & 7, rows[i].prflx_direction);
        ck_assert_uint_eq(host & 255, 255);
    }
    net_free(net);
}
END_TEST

/* The first of a family comes before the second also in the 13 bits that are left. */
START_TEST(the_order_of_addresses_is_kept)
{
    struct net *net = net_new();
    kith_ice *ice = ice_of(net, LEFT);
    uint32_t last = UINT32_MAX;
    for (int i = 0; i < 5; i++) {
        kith_address address = addr("192.0.2.1:7000");
        address.ip[3] = (uint8_t)(i + 1);
        ck_assert_int_eq(kith_ice_add_local(ice, &address, KITH_TCPTYPE_PASSIVE), KITH_OK);
        uint32_t priority = kith_ice_find_base(ice->newest, &address, KITH_TCPTYPE_PASSIVE)
                                ->local->candidate.priority;
        ck_assert_uint_lt(priority, last);
        last = priority;
    }
    net_free(net);
}
END_TEST

static kith_candidate tcp(const char *address, kith_tcp_type tcp_type)
{
    kith_candidate c = {.component = 1,
                        .foundation = "t",
                        .protocol = KITH_TCP,
                        .tcp_type = tcp_type,
                        .type = KITH_CANDIDATE_HOST,
                        .priority = 1,
                        .address = addr(address)};
    return c;
}

/* RFC 6544 section 6.2, and section 8 of the bounds: no service of third parties is connected to.
 */
START_TEST(only_those_that_accept_are_connected_to)
{
    static const struct {
        const char *address;
        kith_tcp_type tcp_type;
        unsigned pairs;
    } rows[] = {{"198.51.100.1:7000", KITH_TCPTYPE_PASSIVE, 1},
                {"198.51.100.1:9", KITH_TCPTYPE_ACTIVE, 0},
                {"198.51.100.1:7000", KITH_TCPTYPE_SO, 0},
                {"198.51.100.1:7000", KITH_TCPTYPE_NONE, 0},
                {"198.51.100.1:80", KITH_TCPTYPE_PASSIVE, 1},
                {"198.51.100.1:443", KITH_TCPTYPE_PASSIVE, 1},
                {"198.51.100.1:25", KITH_TCPTYPE_PASSIVE, 0},
                {"198.51.100.1:1023", KITH_TCPTYPE_PASSIVE, 0},
                {"127.0.0.1:7000", KITH_TCPTYPE_PASSIVE, 0},
                {"169.254.1.1:7000", KITH_TCPTYPE_PASSIVE, 0},
                {"[2001:db8::1]:7000", KITH_TCPTYPE_PASSIVE, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct net *net = net_new();
        add_socket(net, LEFT, "192.0.2.1:1000");
        add_tcp(net, LEFT, "192.0.2.1:7000");
        exchange_credentials(net);
        kith_candidate c = tcp(rows[i].address, rows[i].tcp_type);
        kith_ice_add_remote(ice_of(net, LEFT), &c);
        ck_assert_uint_eq(ice_of(net, LEFT)->newest->pair_count, rows[i].pairs);
        net_free(net);
    }
}
END_TEST

START_TEST(no_more_than_40_pairs_and_16_connections_at_a_time)
{
    struct net *net = net_new();
    kith_ice *ice = ice_of(net, LEFT);
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_tcp(net, LEFT, "192.0.2.1:7000");
    exchange_credentials(net);
    net->connects_hang = true;
    for (int i = 0; i < 60; i++) {
        kith_candidate c = tcp("198.51.100.1:7000", KITH_TCPTYPE_PASSIVE);
        c.address.port = (uint16_t)(7000 + i);
        kith_ice_add_remote(ice, &c);
    }
    ck_assert_uint_eq(ice->newest->pair_count, KITH_ICE_MAX_TCP_PAIRS);
    net_run_until(net, net->now + KITH_SECONDS(9), NULL);
    ck_assert_uint_eq(net->peers[LEFT].connects, KITH_ICE_MAX_CONNECTING);
    /* Each is given up after 10 s, and others have their turn; then none is left. */
    net_run_until(net, net->now + KITH_SECONDS(40), NULL);
    ck_assert_uint_eq(net->peers[LEFT].connects, KITH_ICE_MAX_TCP_PAIRS);
    ck_assert(!kith_ice_has_live_pair(ice->newest));
    net_free(net);
}
END_TEST

static unsigned requests_on(const kith_ice *ice, kith_protocol protocol)
{
    unsigned sent = 0;
    KITH_ICE_EACH(&ice->newest->pairs, kith_ice_pair, pair)
        if (pair->path.protocol == protocol)
            sent += (unsigned)pair->requests_sent;
    return sent;
}

static bool drop_all(struct net *net, int from, struct datagram *d)
{
    (void)net, (void)from;
    return d->path.protocol != KITH_TCP;
}

/* TCP repeats what is lost: we do not (RFC 8489 section 6.2.2). */
START_TEST(a_check_on_a_connection_is_sent_once_and_given_up_after_9500_ms)
{
    struct net *net = net_new();
    kith_ice *ice = ice_of(net, LEFT);
    add_tcp(net, LEFT, "192.0.2.1:7000");
    add_tcp(net, RIGHT, "198.51.100.1:7000");
    exchange_credentials(net);
    net->filter = drop_all;
    kith_candidate c = tcp("198.51.100.1:7000", KITH_TCPTYPE_PASSIVE);
    kith_ice_add_remote(ice, &c);
    kith_time began = net->now;
    net_run_until(net, began + KITH_MS(9400), NULL);
    ck_assert_uint_eq(requests_on(ice, KITH_TCP), 1);
    ck_assert(kith_ice_has_live_pair(ice->newest));
    net_run_until(net, began + KITH_MS(9600), NULL);
    ck_assert(!kith_ice_has_live_pair(ice->newest));
    ck_assert_uint_eq(net->peers[LEFT].gone, 1); /* its connection is closed */
    net_free(net);
}
END_TEST

START_TEST(agents_without_udp_connect_and_keep_one_connection)
{
    for (int listens = LEFT; listens <= RIGHT; listens++) {
        struct net *net = net_new();
        add_socket(net, LEFT, "192.0.2.1:1000");
        add_socket(net, RIGHT, "198.51.100.1:1000");
        add_tcp(net, LEFT, "192.0.2.1:7000");
        add_tcp(net, RIGHT, "198.51.100.1:7000");
        net->no_udp = true;
        if (listens == LEFT)
            net->peers[RIGHT].listener = (kith_address){0};
        else
            net->peers[LEFT].listener = (kith_address){0};
        exchange_credentials(net);
        end_local(net);
        ck_assert(net_run_until(net, net->now + KITH_SECONDS(5), are_selected));
        for (int side = LEFT; side <= RIGHT; side++) {
            const kith_ice_pair *pair = ice_of(net, side)->newest->selected;
            ck_assert_int_eq(pair->path.protocol, KITH_TCP);
            ck_assert(kith_ice_uses_connection(ice_of(net, side), &pair->path));
        }
        net_run_until(net, net->now + KITH_SECONDS(60), NULL);
        ck_assert(kith_ice_get_state(ice_of(net, LEFT)) == KITH_ICE_COMPLETED ||
                  kith_ice_get_state(ice_of(net, LEFT)) == KITH_ICE_CONNECTED);
        net_free(net);
    }
}
END_TEST

/* A pair that had a connection is worth one more; a refusal then is its end. */
START_TEST(a_connection_that_ends_is_made_once_more)
{
    struct net *net = net_new();
    add_tcp(net, LEFT, "192.0.2.1:7000");
    add_tcp(net, RIGHT, "198.51.100.1:7000");
    net->peers[LEFT].listener = (kith_address){0};
    exchange_credentials(net);
    end_local(net);
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(5), are_selected));
    net_run_until(net, net->now + KITH_SECONDS(2), NULL);
    kith_path path = ice_of(net, LEFT)->newest->selected->path;
    unsigned connects = net->peers[LEFT].connects;
    kith_ice_connection_closed(ice_of(net, LEFT), &path);
    close_tcp(net, &path);
    net_run_until(net, net->now + KITH_SECONDS(2), NULL);
    ck_assert_uint_eq(net->peers[LEFT].connects, connects + 1);
    kith_path now;
    ck_assert(kith_ice_send_path(ice_of(net, LEFT), &now));
    ck_assert(!kith_path_equal(&now, &path));
    net_free(net);
}
END_TEST

static bool drop_dead(struct net *net, int from, struct datagram *d)
{
    const kith_path *dead = net->user;
    kith_path back = {d->path.remote, d->path.local, KITH_TCP};
    (void)from;
    return !kith_path_equal(&d->path, dead) && !kith_path_equal(&back, dead);
}

static unsigned open_connections(const struct net *net)
{
    unsigned count = 0;
    for (unsigned i = 0; i < net->connection_count; i++)
        count += net->connections[i].path.protocol == KITH_TCP;
    return count;
}

/* No reset comes where a NAT has forgotten it: silence is all there is (RFC 7675 gives it 30 s). */
START_TEST(a_connection_that_dies_without_a_sign_is_replaced_by_another)
{
    for (int listens = LEFT; listens <= RIGHT; listens++) {
        struct net *net = net_new();
        add_tcp(net, LEFT, "192.0.2.1:7000");
        add_tcp(net, RIGHT, "198.51.100.1:7000");
        net->peers[!listens].listener = (kith_address){0};
        exchange_credentials(net);
        end_local(net);
        ck_assert(net_run_until(net, net->now + KITH_SECONDS(5), are_selected));
        net_run_until(net, net->now + KITH_SECONDS(2), NULL);
        for (int i = 1; i <= 3; i++) {
            kith_path dead = ice_of(net, !listens)->newest->selected->path, now;
            unsigned connects = net->peers[!listens].connects;
            net->user = &dead;
            net->filter = drop_dead;
            net_run_until(net, net->now + KITH_SECONDS(12), NULL);
            ck_assert_uint_eq(net->peers[!listens].connects, connects + 1);
            ck_assert_uint_eq(open_connections(net), 2); /* both ends of one */
            for (int side = LEFT; side <= RIGHT; side++) {
                ck_assert(kith_ice_send_path(ice_of(net, side), &now));
                ck_assert_int_eq(state_of(net, side), KITH_ICE_COMPLETED);
                ck_assert(ice_of(net, side)->newest->selected->is_nominated);
            }
            ck_assert(!kith_path_equal(&now, &dead));
            ck_assert_uint_eq(ice_of(net, !listens)->newest->pair_count, 2);
            net_run_until(net, net->now + KITH_SECONDS(60), NULL);
            ck_assert_uint_eq(net->peers[!listens].connects, connects + 1);
        }
        net_free(net);
    }
}
END_TEST

/* It is asked for as often as any other path, and one that was slow only may go on. */
START_TEST(a_silent_connection_that_cannot_be_replaced_may_go_on)
{
    struct net *net = net_new();
    add_tcp(net, LEFT, "192.0.2.1:7000");
    add_tcp(net, RIGHT, "198.51.100.1:7000");
    net->peers[LEFT].listener = (kith_address){0};
    exchange_credentials(net);
    end_local(net);
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(5), are_selected));
    kith_path path = ice_of(net, LEFT)->newest->selected->path, now;
    net->peers[RIGHT].listener = (kith_address){0};
    net->filter = drop_everything;
    net_run_until(net, net->now + KITH_SECONDS(15), NULL);
    ck_assert_uint_gt(net->peers[LEFT].connects, 3);
    net->filter = NULL;
    net_run_until(net, net->now + KITH_SECONDS(30), NULL);
    ck_assert(kith_ice_send_path(ice_of(net, LEFT), &now));
    ck_assert(kith_path_equal(&now, &path));
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_COMPLETED);
    ck_assert_int_eq(state_of(net, RIGHT), KITH_ICE_COMPLETED);
    net_free(net);
}
END_TEST

START_TEST(what_is_connected_too_late_is_not_wanted)
{
    struct net *net = net_new();
    kith_ice *ice = ice_of(net, LEFT);
    add_tcp(net, LEFT, "192.0.2.1:7000");
    exchange_credentials(net);
    net->connects_hang = true;
    kith_candidate c = tcp("198.51.100.1:7000", KITH_TCPTYPE_PASSIVE);
    kith_ice_add_remote(ice, &c);
    net_run_until(net, net->now + KITH_SECONDS(11), NULL);
    kith_path path = {addr("192.0.2.1:50000"), addr("198.51.100.1:7000"), KITH_TCP};
    kith_ice_pair_info info;
    ck_assert(kith_ice_pair_at(ice, 0, &info));
    ck_assert_str_eq(info.why_failed, "no TCP connection could be made");
    ck_assert(!kith_ice_connected(ice, info.id, &path));
    net_free(net);
}
END_TEST

UNIT_MAIN("ice: tcp", priorities_are_those_of_rfc_6544, the_order_of_addresses_is_kept,
          only_those_that_accept_are_connected_to,
          no_more_than_40_pairs_and_16_connections_at_a_time,
          a_check_on_a_connection_is_sent_once_and_given_up_after_9500_ms,
          agents_without_udp_connect_and_keep_one_connection,
          a_connection_that_ends_is_made_once_more,
          a_connection_that_dies_without_a_sign_is_replaced_by_another,
          a_silent_connection_that_cannot_be_replaced_may_go_on,
          what_is_connected_too_late_is_not_wanted)
