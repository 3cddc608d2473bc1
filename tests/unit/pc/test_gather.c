/* Gathering: sockets that peers ask for, names to resolve, addresses that come and go; answers that
 * come late, never, or to one who is gone. The outside is played by hand. */
#include <stdio.h>
#include <string.h>

#include "../../sim/duo.h"
#include "base/address.h"
#include "pc/pc.h"
#include "unit.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)

#define MDNS_OF(n, buf) \
    snprintf(buf, sizeof buf, "candidate:%u 1 udp 2122260223 host-%u.local 5000 typ host", n, n)

typedef struct lone {
    kith_endpoint *ep;
    kith_pc *pc;
    unsigned candidates, ends, errors;
    kith_ice_gathering_state state;
    /* the last candidate */
    char last[128];
    /* code, URL and text of the last error */
    char error[128];
} lone;

static kith_address address(const char *text)
{
    kith_address a;
    OK(kith_address_parse(&a, text));
    return a;
}

/* A peer that has set its offer, with these local addresses. */
static void lone_init_with(lone *l, const char *const *locals, const char *url,
                           kith_ice_transport_policy policy)
{
    memset(l, 0, sizeof *l);
    OK(kith_endpoint_new(&l->ep, NULL));
    for (; *locals; locals++) {
        kith_address local = address(*locals);
        OK(kith_endpoint_add_local_address(l->ep, &local));
    }
    const kith_ice_server server = {.urls = &url, .url_count = 1};
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    config.ice_servers = &server;
    config.ice_server_count = url ? 1 : 0;
    config.ice_transport_policy = policy;
    OK(kith_pc_new(&l->pc, l->ep, &config));
    kith_dc *dc;
    OK(kith_pc_create_data_channel(l->pc, "", NULL, &dc));
    OK(kith_pc_set_local_description(l->pc, NULL));
}

static void lone_init(lone *l, const char *const *locals, const char *url)
{
    lone_init_with(l, locals, url, KITH_ICE_TRANSPORT_POLICY_ALL);
}

static void note_error(lone *l, const kith_ice_candidate_error *error)
{
    l->errors++;
    snprintf(l->error, sizeof l->error, "%d %s: %s", error->error_code, error->url,
             error->error_text);
}

/* Runs for a while; what leaves is lost, what is told is counted. */
static void pass(lone *l, int ms)
{
    kith_time end = virtual_now() + KITH_MS(ms);
    for (;;) {
        uint8_t buf[KITH_MAX_PACKET];
        kith_packet_info info = KITH_PACKET_INFO_INIT;
        while (kith_endpoint_poll_packet(l->ep, virtual_now(), &info, buf, sizeof buf) > 0) {
        }
        for (const kith_event *ev; (ev = kith_endpoint_poll_event(l->ep));) {
            if (ev->type == KITH_EV_ICE_GATHERING_STATE)
                l->state = ev->ice_gathering_state;
            if (ev->type == KITH_EV_ICE_CANDIDATE_ERROR)
                note_error(l, &ev->ice_candidate_error);
            if (ev->type != KITH_EV_ICE_CANDIDATE)
                continue;
            snprintf(l->last, sizeof l->last, "%.127s", ev->ice_candidate.candidate);
            *(l->last[0] == '\0' ? &l->ends : &l->candidates) += 1;
        }
        kith_time next = kith_endpoint_timeout(l->ep);
        if (next == 0) /* requests wait */
            next = virtual_now() + KITH_MS(1);
        if (next > end)
            break;
        virtual_advance(next);
        kith_endpoint_handle_timeout(l->ep, virtual_now());
    }
    virtual_advance(end);
}

static kith_request take(lone *l, kith_request_type type)
{
    const kith_request *request = kith_endpoint_poll_request(l->ep);
    ck_assert_ptr_nonnull(request);
    ck_assert_int_eq(request->type, type);
    return *request;
}

/* Is there a local candidate at this address? */
static void check_uses(const lone *l, const char *ip, uint16_t port)
{
    kith_ice_candidate_info info;
    const kith_ice *ice = kith_pc_transport(l->pc)->ice;
    kith_address wanted = address(ip);
    wanted.port = port;
    for (size_t i = 0; kith_ice_candidate_at(ice, i, &info); i++)
        if (!info.remote && kith_address_equal(&info.candidate->address, &wanted))
            return;
    ck_abort_msg("no local candidate at %s:%u", ip, port);
}

static void check_no_request(lone *l)
{
    ck_assert_ptr_null(kith_endpoint_poll_request(l->ep));
}

static const char *const interface_only[] = {"192.0.2.1", NULL};
static const char *const socket_only[] = {"192.0.2.1:5000", NULL};

/* ---- sockets of its own ---- */

START_TEST(a_peer_asks_for_a_socket_on_every_interface)
{
    lone l;
    static const char *const locals[] = {"192.0.2.1", "2001:db8::1", "192.0.2.2:7000", NULL};
    lone_init(&l, locals, NULL);
    kith_request first = take(&l, KITH_REQUEST_OPEN), second = take(&l, KITH_REQUEST_OPEN);
    check_no_request(&l);
    ck_assert_uint_ne(first.id, second.id);
    ck_assert_uint_eq(first.local.port, 0);
    pass(&l, 100);
    ck_assert_uint_eq(l.candidates, 1); /* of the socket that is there */
    ck_assert_int_eq(l.state, KITH_ICE_GATHERING_STATE_GATHERING);
    kith_address bound = address("192.0.2.1:6001");
    kith_endpoint_handle_opened(l.ep, virtual_now(), first.id, &bound);
    pass(&l, 100);
    ck_assert_uint_eq(l.candidates, 2);
    ck_assert_ptr_nonnull(strstr(l.last, "192.0.2.1 6001 typ host"));
    ck_assert_uint_eq(l.ends, 0);
    bound = address("[2001:db8::1]:6002");
    kith_endpoint_handle_opened(l.ep, virtual_now(), second.id, &bound);
    pass(&l, 100);
    ck_assert_uint_eq(l.candidates, 3);
    ck_assert_uint_eq(l.ends, 1);
    ck_assert_int_eq(l.state, KITH_ICE_GATHERING_STATE_COMPLETE);
    kith_endpoint_free(l.ep);
}
END_TEST

START_TEST(a_socket_that_cannot_be_opened_ends_gathering_without_it)
{
    lone l;
    lone_init(&l, interface_only, NULL);
    kith_request open = take(&l, KITH_REQUEST_OPEN);
    kith_endpoint_handle_opened(l.ep, virtual_now(), open.id, NULL);
    pass(&l, 100);
    ck_assert_uint_eq(l.candidates, 0);
    ck_assert_int_eq(l.state, KITH_ICE_GATHERING_STATE_COMPLETE);
    check_no_request(&l);
    kith_endpoint_free(l.ep);
}
END_TEST

START_TEST(a_freed_peer_gives_its_sockets_back)
{
    lone l;
    lone_init(&l, interface_only, NULL);
    kith_request open = take(&l, KITH_REQUEST_OPEN);
    kith_address bound = address("192.0.2.1:6001");
    kith_endpoint_handle_opened(l.ep, virtual_now(), open.id, &bound);
    pass(&l, 10);
    kith_pc_free(l.pc);
    pass(&l, 10);
    kith_request close = take(&l, KITH_REQUEST_CLOSE);
    ck_assert(kith_address_equal(&close.local, &bound));
    check_no_request(&l);
    kith_endpoint_free(l.ep);
}
END_TEST

START_TEST(a_socket_that_opens_after_its_peer_was_freed_is_closed)
{
    for (int is_destroyed = 0; is_destroyed < 2; is_destroyed++) {
        lone l;
        lone_init(&l, interface_only, NULL);
        kith_request open = take(&l, KITH_REQUEST_OPEN);
        kith_pc_free(l.pc);
        if (is_destroyed)
            pass(&l, 10);
        kith_address bound = address("192.0.2.1:6001");
        kith_endpoint_handle_opened(l.ep, virtual_now(), open.id, &bound);
        pass(&l, 10);
        kith_request close = take(&l, KITH_REQUEST_CLOSE);
        ck_assert(kith_address_equal(&close.local, &bound));
        check_no_request(&l);
        kith_endpoint_free(l.ep);
    }
}
END_TEST

START_TEST(a_request_that_was_not_yet_polled_goes_with_its_peer)
{
    lone l;
    lone_init(&l, interface_only, "stun:stun.example");
    kith_pc_free(l.pc);
    pass(&l, 10);
    check_no_request(&l);
    kith_endpoint_free(l.ep);
}
END_TEST

START_TEST(a_rollback_keeps_the_sockets_that_are_there)
{
    lone l;
    lone_init(&l, interface_only, NULL);
    kith_request open = take(&l, KITH_REQUEST_OPEN);
    pass(&l, 10);
    /* A rollback while it is being opened, and a new offer: not asked for twice. */
    kith_session_description rollback = {.type = KITH_SDP_ROLLBACK};
    OK(kith_pc_set_local_description(l.pc, &rollback));
    pass(&l, 10);
    ck_assert_int_eq(l.state, KITH_ICE_GATHERING_STATE_NEW);
    OK(kith_pc_set_local_description(l.pc, NULL));
    check_no_request(&l);
    kith_address bound = address("192.0.2.1:6001");
    kith_endpoint_handle_opened(l.ep, virtual_now(), open.id, &bound);
    pass(&l, 10);
    ck_assert_uint_eq(l.candidates, 1);
    /* And once more with the socket open. */
    OK(kith_pc_set_local_description(l.pc, &rollback));
    OK(kith_pc_set_local_description(l.pc, NULL));
    check_no_request(&l);
    pass(&l, 10);
    ck_assert_uint_eq(l.candidates, 2);
    ck_assert_ptr_nonnull(strstr(kith_pc_local_description(l.pc)->sdp, "192.0.2.1 6001"));
    kith_endpoint_free(l.ep);
}
END_TEST

START_TEST(a_socket_that_opens_after_a_rollback_waits_for_the_next_offer)
{
    lone l;
    lone_init(&l, interface_only, NULL);
    kith_request open = take(&l, KITH_REQUEST_OPEN);
    kith_session_description rollback = {.type = KITH_SDP_ROLLBACK};
    OK(kith_pc_set_local_description(l.pc, &rollback));
    kith_address bound = address("192.0.2.1:6001");
    kith_endpoint_handle_opened(l.ep, virtual_now(), open.id, &bound);
    pass(&l, 10);
    ck_assert_uint_eq(l.candidates, 0);
    OK(kith_pc_set_local_description(l.pc, NULL));
    pass(&l, 10);
    ck_assert_uint_eq(l.candidates, 1);
    check_no_request(&l);
    kith_endpoint_free(l.ep);
}
END_TEST

/* Two peers with sockets of their own do what those on a shared one do. */
START_TEST(peers_with_sockets_of_their_own_connect)
{
    duo d;
    ck_assert(duo_init(&d, &(duo_options){.seed = 1, .link = {.delay = KITH_MS(10)}}));
    for (int i = LEFT; i <= RIGHT; i++) {
        host *h = d.peers[i].host;
        kith_endpoint_remove_local_address(h->endpoint, &h->address);
        kith_address interface_address = h->address;
        interface_address.port = 0;
        OK(kith_endpoint_add_local_address(h->endpoint, &interface_address));
    }
    duo_connect(&d);
    ck_assert_uint_eq(d.peers[LEFT].host->opened_count, 1);
    kith_pc_free(d.peers[LEFT].pc);
    d.peers[LEFT].pc = NULL;
    world_run(d.world, KITH_SECONDS(1), NULL, NULL);
    ck_assert_uint_eq(d.peers[LEFT].host->opened_count, 0);
    ck_assert_uint_eq(d.peers[RIGHT].closed, 1); /* the farewell left before the socket closed */
    duo_deinit(&d);
}
END_TEST

/* ---- addresses that come and go ---- */

/* RFC 8838 section 14: nothing is told after the end of candidates. */
START_TEST(an_address_that_comes_while_gathering_is_told_and_one_that_comes_later_only_used)
{
    lone l;
    lone_init(&l, interface_only, NULL);
    kith_request open = take(&l, KITH_REQUEST_OPEN);
    kith_address second = address("192.0.2.2:5002"), third = address("192.0.2.3:5003");
    OK(kith_endpoint_add_local_address(l.ep, &second));
    pass(&l, 10);
    ck_assert_uint_eq(l.candidates, 1);
    kith_endpoint_handle_opened(l.ep, virtual_now(), open.id, NULL);
    pass(&l, 10);
    ck_assert_int_eq(l.state, KITH_ICE_GATHERING_STATE_COMPLETE);
    OK(kith_endpoint_add_local_address(l.ep, &third));
    pass(&l, 10);
    check_uses(&l, "192.0.2.3", 5003);
    ck_assert_uint_eq(l.candidates, 1);
    ck_assert_uint_eq(l.ends, 1);
    kith_endpoint_free(l.ep);
}
END_TEST

START_TEST(an_interface_that_comes_after_gathering_gets_its_socket)
{
    lone l;
    lone_init(&l, socket_only, NULL);
    pass(&l, 10);
    ck_assert_int_eq(l.state, KITH_ICE_GATHERING_STATE_COMPLETE);
    kith_address interface = address("192.0.2.1"), opened = address("192.0.2.1:40001");
    for (int i = 0; i < 2; i++) {
        OK(kith_endpoint_add_local_address(l.ep, &interface));
        kith_request open = take(&l, KITH_REQUEST_OPEN);
        opened.port++;
        kith_endpoint_handle_opened(l.ep, virtual_now(), open.id, &opened);
        pass(&l, 10);
        check_uses(&l, "192.0.2.1", opened.port);
        kith_endpoint_remove_local_address(l.ep, &interface);
        take(&l, KITH_REQUEST_CLOSE);
    }
    ck_assert_uint_eq(l.candidates, 1);
    ck_assert_int_eq(l.state, KITH_ICE_GATHERING_STATE_COMPLETE);
    kith_endpoint_free(l.ep);
}
END_TEST

START_TEST(an_interface_that_goes_takes_its_sockets_with_it)
{
    lone l;
    lone_init(&l, interface_only, NULL);
    kith_request open = take(&l, KITH_REQUEST_OPEN);
    kith_address bound = address("192.0.2.1:6001"), interface_address = address("192.0.2.1");
    kith_endpoint_handle_opened(l.ep, virtual_now(), open.id, &bound);
    pass(&l, 10);
    kith_endpoint_remove_local_address(l.ep, &interface_address);
    kith_request close = take(&l, KITH_REQUEST_CLOSE);
    ck_assert(kith_address_equal(&close.local, &bound));
    check_no_request(&l);
    pass(&l, 10);
    kith_endpoint_free(l.ep);
}
END_TEST

/* Nothing else was waited for. */
START_TEST(gathering_ends_when_the_socket_it_waits_for_is_taken_away)
{
    lone l;
    lone_init(&l, interface_only, NULL);
    kith_request open = take(&l, KITH_REQUEST_OPEN);
    pass(&l, 10);
    kith_address interface_address = address("192.0.2.1");
    kith_endpoint_remove_local_address(l.ep, &interface_address);
    pass(&l, 10);
    ck_assert_int_eq(l.state, KITH_ICE_GATHERING_STATE_COMPLETE);
    kith_address bound = address("192.0.2.1:6001"); /* opened in spite of it */
    kith_endpoint_handle_opened(l.ep, virtual_now(), open.id, &bound);
    take(&l, KITH_REQUEST_CLOSE);
    kith_endpoint_free(l.ep);
}
END_TEST

/* ---- names ---- */

START_TEST(a_servers_name_is_resolved_and_holds_up_the_end_of_gathering_only)
{
    lone l;
    lone_init(&l, socket_only, "stun:stun.example:3479");
    kith_request resolve = take(&l, KITH_REQUEST_RESOLVE);
    ck_assert_str_eq(resolve.hostname, "stun.example");
    pass(&l, 10);
    ck_assert_uint_eq(l.candidates, 1);
    ck_assert_int_eq(l.state, KITH_ICE_GATHERING_STATE_GATHERING);
    kith_address server = address("203.0.113.1:1"); /* ports are ignored */
    kith_endpoint_handle_resolved(l.ep, virtual_now(), resolve.id, &server, 1);
    uint8_t buf[KITH_MAX_PACKET];
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    ck_assert_uint_gt(kith_endpoint_poll_packet(l.ep, virtual_now(), &info, buf, sizeof buf), 0);
    server.port = 3479;
    ck_assert(kith_address_equal(&info.path.remote, &server));
    pass(&l, 60000); /* it does not answer */
    ck_assert_uint_eq(l.errors, 1);
    ck_assert_int_eq(l.state, KITH_ICE_GATHERING_STATE_COMPLETE);
    kith_endpoint_free(l.ep);
}
END_TEST

START_TEST(a_servers_name_that_does_not_exist_ends_gathering)
{
    lone l;
    lone_init(&l, socket_only, "stun:stun.example");
    kith_request resolve = take(&l, KITH_REQUEST_RESOLVE);
    kith_endpoint_handle_resolved(l.ep, virtual_now(), resolve.id, NULL, 0);
    pass(&l, 10);
    ck_assert_uint_eq(l.candidates, 1);
    ck_assert_int_eq(l.state, KITH_ICE_GATHERING_STATE_COMPLETE);
    ck_assert_uint_eq(l.errors, 1);
    ck_assert_str_eq(l.error, "701 stun:stun.example: the server's name could not be resolved");
    kith_endpoint_handle_resolved(l.ep, virtual_now(), resolve.id, NULL, 0); /* twice */
    kith_endpoint_free(l.ep);
}
END_TEST

START_TEST(a_servers_name_that_is_not_resolved_delays_the_end_of_gathering_by_three_seconds)
{
    lone l;
    lone_init(&l, socket_only, "stun:stun.example");
    kith_request resolve = take(&l, KITH_REQUEST_RESOLVE);
    pass(&l, 2800);
    ck_assert_int_eq(l.state, KITH_ICE_GATHERING_STATE_GATHERING);
    pass(&l, 200);
    ck_assert_int_eq(l.state, KITH_ICE_GATHERING_STATE_COMPLETE);
    ck_assert_uint_eq(l.ends, 1);
    ck_assert_str_eq(l.error, "701 stun:stun.example: the server's name could not be resolved");
    kith_address server = address("203.0.113.1:0");
    kith_endpoint_handle_resolved(l.ep, virtual_now(), resolve.id, &server, 1); /* too late */
    pass(&l, 60000);
    ck_assert_uint_eq(l.errors, 1);
    kith_endpoint_free(l.ep);
}
END_TEST

/* Also one that is known late, and asked from many sockets in turn. */
START_TEST(silent_servers_delay_the_end_of_gathering_by_three_seconds)
{
    static const char *const many[] = {"192.0.2.1:1", "192.0.2.1:2", "192.0.2.1:3",
                                       "192.0.2.1:4", "192.0.2.1:5", "192.0.2.1:6",
                                       "192.0.2.1:7", "192.0.2.1:8", NULL};
    for (int late = 0; late <= 2500; late += 2500) {
        lone l;
        lone_init(&l, many, "stun:stun.example");
        kith_request resolve = take(&l, KITH_REQUEST_RESOLVE);
        pass(&l, late);
        kith_address server = address("203.0.113.1:0");
        kith_endpoint_handle_resolved(l.ep, virtual_now(), resolve.id, &server, 1);
        pass(&l, 3000 - late);
        ck_assert_int_eq(l.state, KITH_ICE_GATHERING_STATE_COMPLETE);
        ck_assert_uint_eq(l.errors, 8);
        ck_assert_str_eq(l.error, "701 stun:stun.example: STUN server did not answer");
        kith_endpoint_free(l.ep);
    }
}
END_TEST

START_TEST(a_server_is_not_asked_for_twice_by_a_rollback)
{
    lone l;
    lone_init(&l, socket_only, "stun:stun.example");
    take(&l, KITH_REQUEST_RESOLVE);
    kith_session_description rollback = {.type = KITH_SDP_ROLLBACK};
    OK(kith_pc_set_local_description(l.pc, &rollback));
    OK(kith_pc_set_local_description(l.pc, NULL));
    check_no_request(&l);
    kith_endpoint_free(l.ep);
}
END_TEST

START_TEST(a_name_that_is_resolved_after_its_peer_was_freed_is_nothing)
{
    for (int is_destroyed = 0; is_destroyed < 2; is_destroyed++) {
        lone l;
        lone_init(&l, socket_only, "stun:stun.example");
        kith_request resolve = take(&l, KITH_REQUEST_RESOLVE);
        kith_pc_free(l.pc);
        if (is_destroyed)
            pass(&l, 10);
        kith_address server = address("203.0.113.1:0");
        kith_endpoint_handle_resolved(l.ep, virtual_now(), resolve.id, &server, 1);
        pass(&l, 10);
        check_no_request(&l);
        kith_endpoint_free(l.ep);
    }
}
END_TEST

/* The answer to our offer, from a peer that has no network. */
static void answer(lone *l)
{
    kith_endpoint *ep;
    OK(kith_endpoint_new(&ep, NULL));
    kith_pc *peer;
    OK(kith_pc_new(&peer, ep, NULL));
    OK(kith_pc_set_remote_description(peer, kith_pc_local_description(l->pc)));
    OK(kith_pc_set_local_description(peer, NULL));
    OK(kith_pc_set_remote_description(l->pc, kith_pc_local_description(peer)));
    kith_endpoint_free(ep);
}

/* Its server's name is still unknown when a restart begins and is rolled back. */
START_TEST(a_restart_that_is_rolled_back_does_not_end_the_gathering_before_it)
{
    lone l;
    lone_init(&l, socket_only, "stun:stun.example");
    kith_request resolve = take(&l, KITH_REQUEST_RESOLVE);
    answer(&l);
    pass(&l, 10);
    kith_pc_restart_ice(l.pc);
    OK(kith_pc_set_local_description(l.pc, NULL));
    kith_session_description rollback = {.type = KITH_SDP_ROLLBACK};
    OK(kith_pc_set_local_description(l.pc, &rollback));
    pass(&l, 10);
    ck_assert_int_eq(l.state, KITH_ICE_GATHERING_STATE_GATHERING);
    ck_assert_uint_eq(l.ends, 0);
    kith_endpoint_handle_resolved(l.ep, virtual_now(), resolve.id, NULL, 0);
    pass(&l, 10);
    ck_assert_int_eq(l.state, KITH_ICE_GATHERING_STATE_COMPLETE);
    ck_assert_uint_eq(l.ends, 1);
    kith_endpoint_free(l.ep);
}
END_TEST

static void add_remote(lone *l, const char *text)
{
    kith_ice_candidate candidate = {
        .size = sizeof candidate, .candidate = text, .sdp_mid = "0", .sdp_m_line_index = -1};
    OK(kith_pc_add_ice_candidate(l->pc, &candidate));
}

static unsigned remote_candidates(const lone *l)
{
    unsigned count = 0;
    kith_ice_candidate_info info;
    for (size_t i = 0; kith_ice_candidate_at(kith_pc_transport(l->pc)->ice, i, &info); i++)
        count += info.remote;
    return count;
}

START_TEST(a_peer_makes_us_ask_for_a_limited_number_of_names_at_a_time)
{
    lone l;
    lone_init(&l, socket_only, NULL);
    answer(&l);
    for (unsigned i = 0; i < 100; i++) {
        char text[128];
        MDNS_OF(i, text);
        add_remote(&l, text);
    }
    kith_request requests[21];
    unsigned count = 0;
    for (const kith_request *r; count < 21 && (r = kith_endpoint_poll_request(l.ep));)
        requests[count++] = *r;
    ck_assert_uint_eq(count, 20);
    kith_address found = address("192.0.2.7:0");
    for (unsigned i = 0; i < 20; i++) {
        found.ip[3] = (uint8_t)(7 + i);
        kith_endpoint_handle_resolved(l.ep, virtual_now(), requests[i].id, &found, 1);
    }
    ck_assert_uint_eq(remote_candidates(&l), 20);
    add_remote(&l, "candidate:1 1 udp 2122260223 one-more.local 5000 typ host");
    ck_assert_str_eq(take(&l, KITH_REQUEST_RESOLVE).hostname, "one-more.local");
    kith_endpoint_free(l.ep);
}
END_TEST

START_TEST(a_name_with_both_families_is_a_candidate_of_each)
{
    lone l;
    lone_init(&l, socket_only, NULL);
    answer(&l);
    add_remote(&l, "candidate:1 1 udp 2122260223 both.local 5000 typ host");
    kith_request resolve = take(&l, KITH_REQUEST_RESOLVE);
    kith_address found[] = {address("192.0.2.7"), address("192.0.2.8"), address("2001:db8::7")};
    kith_endpoint_handle_resolved(l.ep, virtual_now(), resolve.id, found, 3);
    ck_assert_uint_eq(remote_candidates(&l), 2);
    kith_endpoint_free(l.ep);
}
END_TEST

/* To ask for it would tell the network of a peer that cannot be reached. */
/* Told of three addresses, of which one is of the default route, and one of those of TCP. */
static void gather_by(lone *l, uint8_t ip_handling)
{
    static const struct {
        const char *address;
        kith_protocol protocol;
        bool is_default_route;
    } locals[] = {{"192.0.2.1:5000", KITH_UDP, true},
                  {"10.0.0.1:5000", KITH_UDP, false},
                  {"192.0.2.1:7000", KITH_TCP, true},
                  {"10.0.0.1:7000", KITH_TCP, false}};
    memset(l, 0, sizeof *l);
    OK(kith_endpoint_new(&l->ep, NULL));
    for (size_t i = 0; i < sizeof locals / sizeof locals[0]; i++) {
        kith_local_info info = KITH_LOCAL_INFO_INIT;
        info.address = address(locals[i].address);
        info.protocol = locals[i].protocol;
        info.is_default_route = locals[i].is_default_route;
        OK(kith_endpoint_add_local(l->ep, &info));
    }
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    config.ip_handling = ip_handling;
    OK(kith_pc_new(&l->pc, l->ep, &config));
    kith_dc *dc;
    OK(kith_pc_create_data_channel(l->pc, "", NULL, &dc));
    OK(kith_pc_set_local_description(l->pc, NULL));
    pass(l, 100);
}

/* RFC 8828 section 5.2. */
START_TEST(addresses_are_used_and_told_by_the_mode_of_ip_handling)
{
    static const struct {
        uint8_t ip_handling;
        unsigned told, used;
    } rows[] = {{KITH_IP_HANDLING_ALL, 6, 6},
                {KITH_IP_HANDLING_DEFAULT_ROUTE, 3, 3},
                {KITH_IP_HANDLING_DEFAULT_ROUTE_ONLY, 0, 3}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        lone l;
        unsigned used = 0;
        gather_by(&l, rows[i].ip_handling);
        kith_ice_candidate_info info;
        while (kith_ice_candidate_at(kith_pc_transport(l.pc)->ice, used, &info))
            used++;
        ck_assert_uint_eq(l.candidates, rows[i].told);
        ck_assert_uint_eq(used, rows[i].used);
        kith_pc_free(l.pc);
        kith_endpoint_free(l.ep);
    }
    kith_endpoint *ep;
    kith_pc *pc;
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    OK(kith_endpoint_new(&ep, NULL));
    config.ip_handling = 9;
    ck_assert_int_eq(kith_pc_new(&pc, ep, &config), KITH_ERR_TYPE);
    config.ip_handling = 0;
    config.ice_restart = 9;
    ck_assert_int_eq(kith_pc_new(&pc, ep, &config), KITH_ERR_TYPE);
    kith_endpoint_free(ep);
}
END_TEST

START_TEST(what_is_known_of_an_address_is_checked)
{
    kith_endpoint *ep;
    kith_local_info good = KITH_LOCAL_INFO_INIT, info;
    OK(kith_endpoint_new(&ep, NULL));
    good.address = address("192.0.2.1:5000");
    good.external = address("203.0.113.1");
    info = good;
    info.external = address("2001:db8::1");
    ck_assert_int_eq(kith_endpoint_add_local(ep, &info), KITH_ERR_TYPE);
    info = good;
    info.protocol = (kith_protocol)7;
    ck_assert_int_eq(kith_endpoint_add_local(ep, &info), KITH_ERR_TYPE);
    info = good;
    info.reserved[3] = true;
    ck_assert_int_eq(kith_endpoint_add_local(ep, &info), KITH_ERR_NOT_SUPPORTED);
    info = good;
    info.size = 0;
    ck_assert_int_eq(kith_endpoint_add_local(ep, &info), KITH_ERR_TYPE);
    OK(kith_endpoint_add_local(ep, &good));
    ck_assert_int_eq(kith_endpoint_add_local(ep, &good), KITH_ERR_INVALID_STATE);
    kith_endpoint_free(ep);
}
END_TEST

START_TEST(no_name_is_resolved_when_only_relays_may_be_used)
{
    lone l;
    lone_init_with(&l, socket_only, NULL, KITH_ICE_TRANSPORT_POLICY_RELAY);
    answer(&l);
    add_remote(&l, "candidate:1 1 udp 2122260223 hidden.local 5000 typ host");
    OK(kith_pc_add_ice_candidate(l.pc, NULL));
    check_no_request(&l);
    pass(&l, 60000); /* and nothing waits for it */
    ck_assert_int_eq(kith_pc_ice_connection_state(l.pc), KITH_ICE_CONNECTION_STATE_FAILED);
    kith_endpoint_free(l.ep);
}
END_TEST

/* The peer's last candidate may still be a name. */
START_TEST(the_end_of_remote_candidates_waits_for_names)
{
    lone l;
    lone_init(&l, socket_only, NULL);
    answer(&l);
    add_remote(&l, "candidate:1 1 udp 2122260223 late.local 5000 typ host");
    OK(kith_pc_add_ice_candidate(l.pc, NULL));
    kith_request resolve = take(&l, KITH_REQUEST_RESOLVE);
    pass(&l, 10000);
    ck_assert_int_ne(kith_pc_ice_connection_state(l.pc), KITH_ICE_CONNECTION_STATE_FAILED);
    kith_endpoint_handle_resolved(l.ep, virtual_now(), resolve.id, NULL, 0);
    pass(&l, 60000);
    ck_assert_int_eq(kith_pc_ice_connection_state(l.pc), KITH_ICE_CONNECTION_STATE_FAILED);
    kith_endpoint_free(l.ep);
}
END_TEST

START_TEST(a_slow_name_delays_nothing_else)
{
    duo d;
    static const char *const urls[] = {"stun:slow.example"};
    static const kith_ice_server server = {.urls = urls, .url_count = 1};
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    config.ice_servers = &server;
    config.ice_server_count = 1;
    ck_assert(duo_init(
        &d,
        &(duo_options){.seed = 1, .link = {.delay = KITH_MS(10)}, .configs = {&config, &config}}));
    world_add_name(d.world, "slow.example", NULL, KITH_SECONDS(20));
    duo_connect(&d);
    ck_assert_int_le(duo_elapsed(&d), KITH_MS(200));
    world_run(d.world, KITH_SECONDS(30), NULL, NULL);
    ck_assert_int_eq(d.peers[LEFT].gathering, KITH_ICE_GATHERING_STATE_COMPLETE);
    duo_deinit(&d);
}
END_TEST

UNIT_MAIN("pc: gather", a_peer_asks_for_a_socket_on_every_interface,
          a_socket_that_cannot_be_opened_ends_gathering_without_it,
          a_freed_peer_gives_its_sockets_back,
          a_socket_that_opens_after_its_peer_was_freed_is_closed,
          a_request_that_was_not_yet_polled_goes_with_its_peer,
          a_rollback_keeps_the_sockets_that_are_there,
          a_socket_that_opens_after_a_rollback_waits_for_the_next_offer,
          peers_with_sockets_of_their_own_connect,
          an_address_that_comes_while_gathering_is_told_and_one_that_comes_later_only_used,
          an_interface_that_comes_after_gathering_gets_its_socket,
          an_interface_that_goes_takes_its_sockets_with_it,
          gathering_ends_when_the_socket_it_waits_for_is_taken_away,
          a_servers_name_is_resolved_and_holds_up_the_end_of_gathering_only,
          a_servers_name_that_does_not_exist_ends_gathering,
          a_servers_name_that_is_not_resolved_delays_the_end_of_gathering_by_three_seconds,
          silent_servers_delay_the_end_of_gathering_by_three_seconds,
          a_server_is_not_asked_for_twice_by_a_rollback,
          a_restart_that_is_rolled_back_does_not_end_the_gathering_before_it,
          a_name_that_is_resolved_after_its_peer_was_freed_is_nothing,
          a_peer_makes_us_ask_for_a_limited_number_of_names_at_a_time,
          a_name_with_both_families_is_a_candidate_of_each,
          addresses_are_used_and_told_by_the_mode_of_ip_handling,
          what_is_known_of_an_address_is_checked, no_name_is_resolved_when_only_relays_may_be_used,
          the_end_of_remote_candidates_waits_for_names, a_slow_name_delays_nothing_else)
