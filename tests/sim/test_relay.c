/* Peers that reach each other through a TURN server alone, or may not be reached otherwise. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "base/address.h"
#include "duo.h"
#include "turn.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)

#define TURN_IP "203.0.113.7"

static const char *const urls[] = {"turn:" TURN_IP};
static const char *const stun_urls[] = {"stun:" TURN_IP};

/* What a test sees beside what duo counts. */
static struct {
    unsigned errors;
    int code;
    char text[200], url[100];
    unsigned candidates, relayed;
} seen[2];

static void look_at(enum side from, char **text)
{
    seen[from].candidates += !!strstr(*text, " typ ");
    seen[from].relayed += !!strstr(*text, " typ relay");
}

static kith_ice_server server_of(const char *username, const char *credential)
{
    return (kith_ice_server){
        .urls = urls, .url_count = 1, .username = username, .credential = credential};
}

static kith_pc_config config_of(const kith_ice_server *server, bool relay_only)
{
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    config.ice_servers = server;
    config.ice_server_count = 1;
    if (relay_only)
        config.ice_transport_policy = KITH_ICE_TRANSPORT_POLICY_RELAY;
    return config;
}

struct setting {
    bool relay_only[2], without_turn[2];
    nat_type nats[2];
    const char *password;
};

/* A duo whose peers know the server, ready to offer. */
static turn_server *begin(duo *d, const struct setting *setting)
{
    static const kith_ice_server stun = {.urls = stun_urls, .url_count = 1};
    static kith_ice_server server;
    static kith_pc_config configs[2];
    memset(seen, 0, sizeof seen);
    server = server_of(TURN_USER, setting->password ? setting->password : TURN_PASSWORD);
    duo_options options = {.link = {.delay = KITH_MS(20)}, .tamper = look_at};
    for (int side = LEFT; side <= RIGHT; side++) {
        configs[side] = config_of(&server, setting->relay_only[side]);
        if (setting->without_turn[side])
            configs[side].ice_servers = &stun;
        options.configs[side] = &configs[side];
        options.nats[side] = setting->nats[side];
    }
    ck_assert(duo_init(d, &options));
    return world_add_turn_server(d->world, TURN_IP, KITH_MS(20));
}

static void exchange_for(duo *d, size_t count, kith_time duration)
{
    size_t before[2] = {d->peers[LEFT].messages, d->peers[RIGHT].messages};
    duo_send(d, LEFT, count, 1000);
    duo_send(d, RIGHT, count, 1000);
    world_run(d->world, duration, NULL, NULL);
    ck_assert_uint_eq(d->peers[LEFT].messages, before[LEFT] + count);
    ck_assert_uint_eq(d->peers[RIGHT].messages, before[RIGHT] + count);
}

static void exchange(duo *d, size_t count)
{
    exchange_for(d, count, KITH_SECONDS(10));
}

START_TEST(two_symmetric_nats_are_passed_by_a_relay_at_either_side)
{
    for (int side = LEFT; side <= RIGHT; side++) {
        duo d;
        struct setting setting = {.nats = {NAT_SYMMETRIC, NAT_SYMMETRIC}};
        setting.without_turn[!side] = true;
        turn_server *server = begin(&d, &setting);
        duo_offer(&d, LEFT);
        ck_assert(world_run(d.world, KITH_SECONDS(10), duo_is_open, &d));
        exchange(&d, 200);
        ck_assert_uint_gt(turn_count(server).channel_data, 100);
        duo_deinit(&d);
    }
}
END_TEST

START_TEST(a_direct_path_is_better_than_a_relay)
{
    duo d;
    turn_server *server = begin(&d, &(struct setting){.nats = {NAT_NONE, NAT_NONE}});
    duo_offer(&d, LEFT);
    ck_assert(world_run(d.world, KITH_SECONDS(10), duo_is_open, &d));
    world_run(d.world, KITH_SECONDS(5), NULL, NULL);
    turn_counts before = turn_count(server);
    ck_assert_uint_eq(before.allocations, 2);
    exchange(&d, 100);
    ck_assert_uint_eq(turn_count(server).channel_data, before.channel_data);
    duo_deinit(&d);
}
END_TEST

/* Every datagram of a host goes to the server. */
static bool leads_to_server(host *h, const kith_path *path, uint8_t *data, size_t *len, void *user)
{
    kith_address server;
    (void)h, (void)data, (void)len, (void)user;
    ck_assert_int_eq(kith_address_parse(&server, TURN_IP), KITH_OK);
    ck_assert(kith_address_same_ip(&path->remote, &server));
    return true;
}

START_TEST(relay_only_sends_nothing_to_the_peer_and_tells_no_other_candidate)
{
    duo d;
    turn_server *server = begin(&d, &(struct setting){.relay_only = {true, true}});
    for (int side = LEFT; side <= RIGHT; side++)
        d.peers[side].host->tap = leads_to_server;
    duo_offer(&d, LEFT);
    ck_assert(world_run(d.world, KITH_SECONDS(10), duo_is_open, &d));
    exchange(&d, 200);
    for (int side = LEFT; side <= RIGHT; side++) {
        ck_assert_uint_gt(seen[side].relayed, 0);
        ck_assert_uint_eq(seen[side].candidates, seen[side].relayed);
        const char *sdp = kith_pc_local_description(d.peers[side].pc)->sdp;
        ck_assert_ptr_nonnull(strstr(sdp, " typ relay raddr 0.0.0.0 rport 9"));
        ck_assert_ptr_null(strstr(sdp, " typ host"));
        ck_assert_ptr_null(strstr(sdp, " typ srflx"));
    }
    ck_assert_uint_eq(turn_count(server).allocations, 2);
    duo_deinit(&d);
}
END_TEST

START_TEST(statistics_say_which_server_relays_and_how_it_is_reached)
{
    duo d;
    begin(&d, &(struct setting){.relay_only = {true, true}});
    duo_offer(&d, LEFT);
    ck_assert(world_run(d.world, KITH_SECONDS(10), duo_is_open, &d));
    kith_stats_report *report = NULL;
    unsigned local = 0, remote = 0;
    OK(kith_pc_get_stats(d.peers[LEFT].pc, &report));
    for (size_t i = 0; i < kith_stats_report_size(report); i++) {
        const kith_stats *s = kith_stats_report_at(report, i);
        if (s->type == KITH_STATS_LOCAL_CANDIDATE) {
            local++;
            ck_assert_str_eq(s->candidate.candidate_type, "relay");
            ck_assert_str_eq(s->candidate.relay_protocol, "udp");
            ck_assert_str_eq(s->candidate.url, urls[0]);
        } else if (s->type == KITH_STATS_REMOTE_CANDIDATE) {
            remote++;
            ck_assert_ptr_null(s->candidate.relay_protocol);
        }
    }
    ck_assert_uint_eq(local, 1);
    ck_assert_uint_ge(remote, 1);
    kith_stats_report_free(report);
    duo_deinit(&d);
}
END_TEST

START_TEST(relay_only_at_one_side_hides_that_side)
{
    duo d;
    begin(&d, &(struct setting){.relay_only = {true, false}});
    d.peers[LEFT].host->tap = leads_to_server;
    duo_offer(&d, LEFT);
    ck_assert(world_run(d.world, KITH_SECONDS(10), duo_is_open, &d));
    exchange(&d, 100);
    duo_deinit(&d);
}
END_TEST

static bool is_settled(void *arg)
{
    duo *d = arg;
    return duo_is_connected(d) &&
           kith_pc_signaling_state(d->peers[LEFT].pc) == KITH_SIGNALING_STATE_STABLE;
}

static void set_policy(duo *d, enum side side, bool relay_only)
{
    kith_ice_server turn = server_of(TURN_USER, TURN_PASSWORD);
    kith_pc_config config = config_of(&turn, relay_only);
    OK(kith_pc_set_configuration(d->peers[side].pc, &config));
}

static void restart(duo *d, enum side from)
{
    d->options.no_channel = true;
    kith_pc_restart_ice(d->peers[from].pc);
    duo_offer(d, from);
}

static bool is_relayed(const kith_pc *pc)
{
    kith_candidate_fields local = KITH_CANDIDATE_FIELDS_INIT;
    return kith_transport_selected_local(kith_pc_transport_at(pc, 0), &local) &&
           strcmp(local.type, "relay") == 0;
}

static bool is_relayed_where_it_should(void *arg)
{
    duo *d = arg;
    for (int side = LEFT; side <= RIGHT; side++)
        if (d->peers[side].host->tap_user && !is_relayed(d->peers[side].pc))
            return false;
    return is_settled(d);
}

/* From the moment when the relayed pair is selected nothing leaves for the peer, no check of the
 * generation before either. */
static void check_switched(duo *d)
{
    ck_assert(world_run(d->world, KITH_SECONDS(20), is_relayed_where_it_should, d));
    for (int side = LEFT; side <= RIGHT; side++) {
        if (!d->peers[side].host->tap_user)
            continue;
        d->peers[side].host->tap = leads_to_server;
        const char *sdp = kith_pc_local_description(d->peers[side].pc)->sdp;
        ck_assert_ptr_nonnull(strstr(sdp, " typ relay raddr 0.0.0.0 rport 9"));
        ck_assert_ptr_null(strstr(sdp, " typ host"));
        ck_assert_ptr_null(strstr(sdp, " typ srflx"));
        ck_assert_uint_gt(seen[side].candidates, 0);
        ck_assert_uint_eq(seen[side].candidates, seen[side].relayed);
    }
    exchange(d, 50);
    world_run(d->world, KITH_SECONDS(120), NULL, NULL);
    exchange(d, 50);
}

/* Of LEFT, of RIGHT, of both; and either side begins the restart. */
START_TEST(the_policy_is_switched_on_a_live_connection_by_a_restart)
{
    for (unsigned which = 1; which <= 3; which++)
        for (int from = LEFT; from <= RIGHT; from++) {
            duo d;
            turn_server *server = begin(&d, &(struct setting){.relay_only = {false, false}});
            duo_offer(&d, LEFT);
            ck_assert(world_run(d.world, KITH_SECONDS(10), duo_is_open, &d));
            exchange(&d, 50);
            unsigned allocations = turn_count(server).allocations;
            for (int side = LEFT; side <= RIGHT; side++)
                if (which & 1u << side) {
                    set_policy(&d, (enum side)side, true);
                    d.peers[side].host->tap_user = &d;
                }
            exchange(&d, 50); /* the old pair serves */
            memset(seen, 0, sizeof seen);
            restart(&d, (enum side)from);
            check_switched(&d);
            /* the allocation of before serves */
            ck_assert_uint_eq(turn_count(server).allocations, allocations);
            duo_deinit(&d);
        }
}
END_TEST

START_TEST(the_policy_is_lifted_again_by_a_restart)
{
    duo d;
    turn_server *server = begin(&d, &(struct setting){.relay_only = {true, false}});
    duo_offer(&d, LEFT);
    ck_assert(world_run(d.world, KITH_SECONDS(10), duo_is_open, &d));
    exchange(&d, 50);
    ck_assert(is_relayed(d.peers[LEFT].pc));
    set_policy(&d, LEFT, false);
    restart(&d, LEFT);
    world_run(d.world, KITH_SECONDS(20), NULL, NULL);
    ck_assert(is_settled(&d));
    ck_assert(!is_relayed(d.peers[LEFT].pc));
    turn_counts before = turn_count(server);
    exchange(&d, 50);
    ck_assert_uint_eq(turn_count(server).channel_data, before.channel_data);
    duo_deinit(&d);
}
END_TEST

START_TEST(a_relayed_call_of_hours_outlives_nonces_that_expire_at_every_request)
{
    duo d;
    turn_server *server = begin(&d, &(struct setting){.relay_only = {true, true}});
    turn_expire_nonces(server, true);
    duo_offer(&d, LEFT);
    ck_assert(world_run(d.world, KITH_SECONDS(10), duo_is_open, &d));
    for (int i = 0; i < 8; i++) {
        world_run(d.world, KITH_SECONDS(900), NULL, NULL);
        exchange(&d, 10);
    }
    turn_counts count = turn_count(server);
    ck_assert_uint_eq(count.allocations, 2);
    ck_assert_uint_gt(count.stale, 50);
    ck_assert(duo_is_connected(&d));
    duo_deinit(&d);
}
END_TEST

START_TEST(a_server_that_restarts_is_allocated_on_anew_and_a_restart_heals_the_call)
{
    duo d;
    turn_server *server = begin(&d, &(struct setting){.relay_only = {true, true}});
    duo_offer(&d, LEFT);
    ck_assert(world_run(d.world, KITH_SECONDS(10), duo_is_open, &d));
    turn_restart(server);
    duo_send(&d, LEFT, 20, 1000);
    world_run(d.world, KITH_SECONDS(7), NULL, NULL);
    /* the silence had them asked for */
    ck_assert_uint_eq(turn_count(server).allocations, 4);
    d.options.no_channel = true;
    kith_pc_restart_ice(d.peers[LEFT].pc);
    duo_offer(&d, LEFT);
    world_run(d.world, KITH_SECONDS(30), NULL, NULL);
    ck_assert_uint_eq(d.peers[RIGHT].messages, 20);
    exchange(&d, 50);
    duo_deinit(&d);
}
END_TEST

/* The relayed address is another one then, which the peer learns by our checks. */
START_TEST(a_server_that_restarts_is_healed_without_signals_where_the_peer_needs_no_relay)
{
    duo d;
    struct setting setting = {.relay_only = {true, false}, .without_turn = {false, true}};
    turn_server *server = begin(&d, &setting);
    duo_offer(&d, LEFT);
    ck_assert(world_run(d.world, KITH_SECONDS(10), duo_is_open, &d));
    turn_restart(server);
    duo_send(&d, LEFT, 20, 1000);
    world_run(d.world, KITH_SECONDS(20), NULL, NULL);
    ck_assert_uint_eq(d.peers[RIGHT].messages, 20);
    exchange(&d, 50);
    ck_assert_uint_eq(turn_count(server).live, 1);
    duo_deinit(&d);
}
END_TEST

START_TEST(a_restart_is_asked_for_where_both_relayed_addresses_are_lost)
{
    duo d;
    turn_server *server = begin(&d, &(struct setting){.relay_only = {true, true}});
    duo_offer(&d, LEFT);
    ck_assert(world_run(d.world, KITH_SECONDS(10), duo_is_open, &d));
    unsigned needed = d.peers[LEFT].needed;
    turn_restart(server);
    duo_send(&d, LEFT, 20, 1000);
    world_run(d.world, KITH_SECONDS(60), NULL, NULL);
    ck_assert_uint_gt(d.peers[LEFT].needed, needed);
    d.options.no_channel = true;
    duo_offer(&d, LEFT);
    world_run(d.world, KITH_SECONDS(60), NULL, NULL);
    ck_assert_uint_eq(d.peers[RIGHT].messages, 20);
    exchange(&d, 50);
    duo_deinit(&d);
}
END_TEST

#define NEW_USER "2000000000:user"

static void set_user(duo *d, enum side side, const char *user, const char *password)
{
    kith_ice_server turn = server_of(user, password);
    kith_pc_config config = config_of(&turn, true);
    OK(kith_pc_set_configuration(d->peers[side].pc, &config));
}

START_TEST(credentials_that_expired_are_replaced_by_those_of_the_configuration_in_mid_call)
{
    duo d;
    struct setting setting = {.relay_only = {true, false}, .without_turn = {false, true}};
    turn_server *server = begin(&d, &setting);
    duo_offer(&d, LEFT);
    ck_assert(world_run(d.world, KITH_SECONDS(10), duo_is_open, &d));
    set_user(&d, LEFT, NEW_USER, "new");
    turn_set_user(server, NEW_USER, "new");
    exchange(&d, 10);
    for (int i = 0; i < 8; i++) {
        world_run(d.world, KITH_SECONDS(900), NULL, NULL);
        exchange(&d, 10);
    }
    ck_assert_uint_eq(turn_count(server).allocations, 2);
    ck_assert(duo_is_connected(&d));
    duo_deinit(&d);
}
END_TEST

START_TEST(a_restart_with_another_user_leaves_the_old_allocation_until_the_new_one_serves)
{
    duo d;
    turn_server *server = begin(&d, &(struct setting){.relay_only = {true, true}});
    duo_offer(&d, LEFT);
    ck_assert(world_run(d.world, KITH_SECONDS(10), duo_is_open, &d));
    set_user(&d, LEFT, NEW_USER, "new");
    turn_add_user(server, NEW_USER, "new");
    d.options.no_channel = true;
    d.options.signalling_delay = KITH_SECONDS(3);
    kith_pc_restart_ice(d.peers[LEFT].pc);
    duo_offer(&d, LEFT);
    world_run(d.world, KITH_SECONDS(2), NULL, NULL);
    ck_assert_uint_eq(turn_count(server).released, 0);
    exchange(&d, 50);
    world_run(d.world, KITH_SECONDS(30), NULL, NULL);
    exchange(&d, 50);
    ck_assert(duo_is_connected(&d));
    ck_assert_uint_eq(turn_count(server).released, 1);
    ck_assert_uint_eq(turn_count(server).allocations, 3);
    ck_assert_uint_eq(d.peers[LEFT].host->opened_count, 1);
    duo_deinit(&d);
}
END_TEST

/* Nonces that expire at every request, a user whose name and password change every hour, and a
 * server that forgets everything in between, with messages under way. The peer needs no relay, so
 * that no signals are needed either. */
START_TEST(hours_of_expiring_nonces_and_credentials_and_restarts_of_the_server_lose_no_message)
{
    static char names[4][24], passwords[4][16];
    duo d;
    struct setting setting = {.relay_only = {true, false}, .without_turn = {false, true}};
    turn_server *server = begin(&d, &setting);
    turn_expire_nonces(server, true);
    duo_offer(&d, LEFT);
    ck_assert(world_run(d.world, KITH_SECONDS(10), duo_is_open, &d));
    for (unsigned hour = 0; hour < 4; hour++) {
        snprintf(names[hour], sizeof names[hour], "%u:user", 2000000000 + hour * 3600);
        snprintf(passwords[hour], sizeof passwords[hour], "password-%u", hour);
        set_user(&d, LEFT, names[hour], passwords[hour]);
        turn_set_user(server, names[hour], passwords[hour]);
        for (unsigned quarter = 0; quarter < 4; quarter++) {
            world_run(d.world, KITH_SECONDS(880), NULL, NULL);
            if (quarter == 2)
                turn_restart(server);
            exchange_for(&d, 20, KITH_SECONDS(20));
        }
    }
    ck_assert_uint_ge(turn_count(server).allocations, 1 + 4 + 4);
    ck_assert_uint_gt(turn_count(server).stale, 50);
    ck_assert_uint_eq(turn_count(server).live, 1);
    ck_assert(!d.peers[LEFT].out_of_order && !d.peers[RIGHT].out_of_order);
    ck_assert(duo_is_connected(&d));
    duo_deinit(&d);
}
END_TEST

/* Its relayed address is of the new generation and told with its ufrag: it came in time. */
START_TEST(a_server_that_restarts_just_before_an_ice_restart_is_told_of_anew)
{
    duo d;
    turn_server *server = begin(&d, &(struct setting){.relay_only = {true, true}});
    duo_offer(&d, LEFT);
    ck_assert(world_run(d.world, KITH_SECONDS(10), duo_is_open, &d));
    turn_restart(server);
    restart(&d, LEFT);
    exchange_for(&d, 20, KITH_SECONDS(10));
    for (int side = LEFT; side <= RIGHT; side++) {
        kith_candidate_fields local = KITH_CANDIDATE_FIELDS_INIT;
        kith_pc *pc = d.peers[side].pc;
        const kith_transport *transport = kith_pc_transport_at(pc, 0);
        ck_assert(kith_transport_selected_local(transport, &local));
        char line[300];
        snprintf(line, sizeof line, " %s %u typ relay", local.address, local.port);
        ck_assert_ptr_nonnull(strstr(kith_pc_local_description(pc)->sdp, line));
    }
    duo_deinit(&d);
}
END_TEST

/* RFC 8838 section 14: none is told after end-of-candidates. */
START_TEST(a_relayed_address_that_comes_after_the_end_of_gathering_is_used_and_not_told)
{
    duo d;
    struct setting setting = {.relay_only = {true, false}, .without_turn = {false, true}};
    turn_server *server = begin(&d, &setting);
    turn_host(server)->deaf = true;
    duo_offer(&d, LEFT);
    world_run(d.world, KITH_SECONDS(5), NULL, NULL);
    ck_assert_int_eq(kith_pc_ice_gathering_state(d.peers[LEFT].pc),
                     KITH_ICE_GATHERING_STATE_COMPLETE);
    turn_host(server)->deaf = false;
    ck_assert(world_run(d.world, KITH_SECONDS(10), duo_is_open, &d));
    exchange(&d, 50);
    ck_assert_uint_eq(seen[LEFT].candidates, 0);
    ck_assert_uint_eq(turn_count(server).allocations, 1);
    duo_deinit(&d);
}
END_TEST

START_TEST(an_end_gives_the_allocation_back)
{
    duo d;
    turn_server *server = begin(&d, &(struct setting){.relay_only = {true, true}});
    duo_offer(&d, LEFT);
    ck_assert(world_run(d.world, KITH_SECONDS(10), duo_is_open, &d));
    ck_assert_uint_eq(turn_count(server).live, 2);
    kith_pc_close(d.peers[LEFT].pc);
    world_run(d.world, KITH_SECONDS(2), NULL, NULL);
    /* its farewell went through the relay first */
    ck_assert_uint_eq(d.peers[RIGHT].closed, 1);
    ck_assert_uint_eq(turn_count(server).released, 1);
    ck_assert_uint_eq(turn_count(server).live, 1);
    duo_deinit(&d);
}
END_TEST

static void note_error(host *h, const kith_event *ev, void *user)
{
    int side = *(int *)user;
    (void)h;
    if (ev->type != KITH_EV_ICE_CANDIDATE_ERROR)
        return;
    seen[side].errors++;
    seen[side].code = ev->ice_candidate_error.error_code;
    snprintf(seen[side].text, sizeof seen[side].text, "%s", ev->ice_candidate_error.error_text);
    snprintf(seen[side].url, sizeof seen[side].url, "%s", ev->ice_candidate_error.url);
}

/* One peer alone gathers. */
static void gather(duo *d)
{
    static int side = LEFT;
    kith_pc *pc = d->peers[LEFT].pc;
    d->peers[LEFT].host->on_event = note_error;
    d->peers[LEFT].host->user = &side;
    OK(kith_pc_create_data_channel(pc, "x", NULL, NULL));
    OK(kith_pc_set_local_description(pc, NULL));
    world_run(d->world, KITH_SECONDS(5), NULL, NULL);
    ck_assert_int_eq(kith_pc_ice_gathering_state(pc), KITH_ICE_GATHERING_STATE_COMPLETE);
}

START_TEST(errors_of_the_server_are_told_with_its_code_and_words)
{
    static const int codes[] = {403, 486, 508};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        duo d;
        turn_server *server = begin(&d, &(struct setting){.relay_only = {true, true}});
        turn_refuse(server, codes[i], "not for you");
        gather(&d);
        ck_assert_uint_eq(seen[LEFT].errors, 1);
        ck_assert_int_eq(seen[LEFT].code, codes[i]);
        ck_assert_str_eq(seen[LEFT].text, "not for you");
        ck_assert_str_eq(seen[LEFT].url, urls[0]);
        duo_deinit(&d);
    }
}
END_TEST

START_TEST(a_wrong_password_is_told_as_401)
{
    duo d;
    begin(&d, &(struct setting){.relay_only = {true, true}, .password = "wrong"});
    gather(&d);
    ck_assert_uint_eq(seen[LEFT].errors, 1);
    ck_assert_int_eq(seen[LEFT].code, 401);
    duo_deinit(&d);
}
END_TEST

START_TEST(a_silent_server_is_told_as_701_after_three_seconds)
{
    duo d;
    turn_server *server = begin(&d, &(struct setting){.relay_only = {true, true}});
    turn_host(server)->deaf = true;
    gather(&d);
    ck_assert_uint_eq(seen[LEFT].errors, 1);
    ck_assert_int_eq(seen[LEFT].code, 701);
    duo_deinit(&d);
}
END_TEST

UNIT_MAIN("sim: relay", two_symmetric_nats_are_passed_by_a_relay_at_either_side,
          a_direct_path_is_better_than_a_relay,
          relay_only_sends_nothing_to_the_peer_and_tells_no_other_candidate,
          statistics_say_which_server_relays_and_how_it_is_reached,
          relay_only_at_one_side_hides_that_side,
          the_policy_is_switched_on_a_live_connection_by_a_restart,
          a_relayed_call_of_hours_outlives_nonces_that_expire_at_every_request,
          a_server_that_restarts_is_allocated_on_anew_and_a_restart_heals_the_call,
          a_server_that_restarts_is_healed_without_signals_where_the_peer_needs_no_relay,
          a_restart_is_asked_for_where_both_relayed_addresses_are_lost,
          credentials_that_expired_are_replaced_by_those_of_the_configuration_in_mid_call,
          a_restart_with_another_user_leaves_the_old_allocation_until_the_new_one_serves,
          an_end_gives_the_allocation_back, errors_of_the_server_are_told_with_its_code_and_words,
          a_wrong_password_is_told_as_401, a_silent_server_is_told_as_701_after_three_seconds,
          the_policy_is_lifted_again_by_a_restart,
          hours_of_expiring_nonces_and_credentials_and_restarts_of_the_server_lose_no_message,
          a_server_that_restarts_just_before_an_ice_restart_is_told_of_anew,
          a_relayed_address_that_comes_after_the_end_of_gathering_is_used_and_not_told)
