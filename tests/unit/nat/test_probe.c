/* What a probe finds behind NATs whose kind is known, and what servers do to it. */
#include "net.h"

static net the_net;

static net *probe(const net_options *options)
{
    ck_assert(net_init(&the_net, options));
    ck_assert(net_run(&the_net, KITH_SECONDS(3000)));
    return &the_net;
}

/* ---- NATs ---- */

static const kith_nat_behavior behaviors[] = {[NOTHING] = KITH_NAT_ENDPOINT_INDEPENDENT,
                                              [ADDRESS] = KITH_NAT_ADDRESS_DEPENDENT,
                                              [ADDRESS_AND_PORT] =
                                                  KITH_NAT_ADDRESS_AND_PORT_DEPENDENT};

static kith_nat_kind kind_of(heed mapping, heed filtering)
{
    static const kith_nat_kind cones[] = {[NOTHING] = KITH_NAT_KIND_FULL_CONE,
                                          [ADDRESS] = KITH_NAT_KIND_RESTRICTED_CONE,
                                          [ADDRESS_AND_PORT] = KITH_NAT_KIND_PORT_RESTRICTED_CONE};
    return mapping == NOTHING ? cones[filtering] : KITH_NAT_KIND_SYMMETRIC;
}

/* Every mapping with every filtering, every choice of ports and with and without hairpin. */
static void check_every_nat(double loss, uint64_t seed)
{
    for (unsigned i = 0; i < 54; i++) {
        nat_rules nat = {.mapping = (heed)(i % 3),
                         .filtering = (heed)(i / 3 % 3),
                         .ports = (ports)(i / 9 % 3),
                         .step = 1 + (int)(i % 2),
                         .hairpin = i >= 27};
        net *n =
            probe(&(net_options){.nat = nat, .loss = loss, .seed = seed + i, .urls = {SERVER_URL}});
        const kith_nat_local *local = found(n);
        /* one mapping for each peer, and all on the same port: that is one to peers */
        if (nat.ports == PRESERVED)
            nat.mapping = NOTHING;
        ck_assert_int_eq(local->udp, KITH_NAT_YES);
        ck_assert_int_eq(local->is_translated, KITH_NAT_YES);
        ck_assert_int_eq(local->mapping, behaviors[nat.mapping]);
        ck_assert_int_eq(local->filtering, behaviors[nat.filtering]);
        ck_assert_int_eq(local->kind, kind_of(nat.mapping, nat.filtering));
        ck_assert_int_eq(local->port_preservation,
                         nat.ports == PRESERVED ? KITH_NAT_YES : KITH_NAT_NO);
        ck_assert_int_eq(local->port_step, nat.ports == COUNTED ? nat.step : 0);
        ck_assert_int_eq(local->is_paired, KITH_NAT_YES);
        ck_assert_uint_eq(local->path_mtu, 1500);
        ck_assert_uint_eq(n->strayed, 0);
        ck_assert_uint_eq(n->socket_count, 0);
        net_deinit(n);
    }
}

START_TEST(every_kind_of_nat_is_found)
{
    check_every_nat(0, 1);
}
END_TEST

START_TEST(loss_does_not_change_a_verdict)
{
    check_every_nat(0.05, 1000);
}
END_TEST

START_TEST(a_hairpin_is_found_where_filters_let_it)
{
    for (heed filtering = NOTHING; filtering <= ADDRESS_AND_PORT; filtering++)
        for (int hairpin = 0; hairpin < 2; hairpin++) {
            nat_rules nat = {.filtering = filtering, .hairpin = hairpin};
            net *n = probe(&(net_options){.nat = nat, .urls = {SERVER_URL}});
            ck_assert_int_eq(found(n)->hairpin, hairpin ? KITH_NAT_YES : KITH_NAT_NO);
            net_deinit(n);
        }
}
END_TEST

START_TEST(without_a_nat_there_is_a_firewall_or_none)
{
    for (heed filtering = NOTHING; filtering <= ADDRESS_AND_PORT; filtering++) {
        net *n = probe(&(net_options){.nat = {.is_firewall = true, .filtering = filtering},
                                      .urls = {SERVER_URL}});
        const kith_nat_local *local = found(n);
        ck_assert_int_eq(local->is_translated, KITH_NAT_NO);
        ck_assert_int_eq(local->mapping, KITH_NAT_ENDPOINT_INDEPENDENT);
        ck_assert_int_eq(local->kind,
                         filtering == NOTHING ? KITH_NAT_KIND_OPEN : KITH_NAT_KIND_FIREWALL);
        ck_assert_int_eq(local->hairpin, KITH_NAT_UNKNOWN);
        net_deinit(n);
    }
}
END_TEST

START_TEST(a_firewall_of_ipv6_is_found)
{
    for (heed filtering = NOTHING; filtering <= ADDRESS_AND_PORT; filtering++) {
        net *n = probe(&(net_options){.nat = {.is_firewall = true, .filtering = filtering},
                                      .mtu = 1480,
                                      .is_ipv6 = true,
                                      .urls = {SERVER_6URL, SERVER_URL}});
        ck_assert_int_eq(found(n)->is_translated, KITH_NAT_NO);
        ck_assert_int_eq(found(n)->filtering, behaviors[filtering]);
        ck_assert_uint_eq(found(n)->path_mtu, 1480);
        ck_assert_int_eq(server_at(n, 0)->answers, KITH_NAT_YES);
        ck_assert_int_eq(server_at(n, 1)->answers, KITH_NAT_UNKNOWN);
        net_deinit(n);
    }
}
END_TEST

START_TEST(several_external_addresses_are_noticed)
{
    net *n = probe(&(net_options){.nat = {.unpaired = true}, .urls = {SERVER_URL}});
    ck_assert_int_eq(found(n)->is_paired, KITH_NAT_NO);
    net_deinit(n);
}
END_TEST

START_TEST(a_verdict_takes_seconds)
{
    net *n = probe(&(net_options){.nat = {.filtering = ADDRESS_AND_PORT}, .urls = {SERVER_URL}});
    ck_assert_int_le(n->now - KITH_SECONDS(1000), KITH_SECONDS(3));
    ck_assert_uint_le(n->sent, 60);
    net_deinit(n);
}
END_TEST

START_TEST(the_longest_packet_that_passes_is_found)
{
    static const size_t mtus[][2] = {{1500, 1500}, {1492, 1492}, {1499, 1492}, {1420, 1420},
                                     {1280, 1280}, {1210, 1200}, {600, 0}};
    for (size_t i = 0; i < sizeof mtus / sizeof mtus[0]; i++) {
        net *n = probe(&(net_options){.mtu = mtus[i][0], .urls = {SERVER_URL}});
        ck_assert_uint_eq(found(n)->path_mtu, mtus[i][1]);
        net_deinit(n);
    }
}
END_TEST

START_TEST(the_life_of_a_mapping_is_measured)
{
    static const kith_time rows[][3] = {{15, 10, 20}, {35, 30, 45}, {125, 120, 180}, {0, 300, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        net *n = probe(&(net_options){.nat = {.mapping = ADDRESS_AND_PORT,
                                              .filtering = ADDRESS_AND_PORT,
                                              .ports = RANDOM,
                                              .lifetime = KITH_SECONDS(rows[i][0])},
                                      .loss = 0.03,
                                      .seed = i,
                                      .lifetime = KITH_SECONDS(300),
                                      .urls = {SERVER_URL}});
        ck_assert_int_eq(found(n)->lifetime_min, KITH_SECONDS(rows[i][1]));
        ck_assert_int_eq(found(n)->lifetime_max, KITH_SECONDS(rows[i][2]));
        ck_assert_int_eq(found(n)->mapping, KITH_NAT_ADDRESS_AND_PORT_DEPENDENT);
        kith_time most = rows[i][2] != 0 ? rows[i][2] : rows[i][1];
        ck_assert_int_le(n->now - KITH_SECONDS(1000), KITH_SECONDS(most + 4));
        net_deinit(n);
    }
}
END_TEST

/* ---- servers ---- */

START_TEST(two_servers_without_another_address_tell_of_the_mapping)
{
    for (heed mapping = NOTHING; mapping <= ADDRESS_AND_PORT; mapping++) {
        net *n = probe(&(net_options){.nat = {.mapping = mapping, .ports = RANDOM},
                                      .urls = {PLAIN_URL, PLAIN_2URL}});
        ck_assert_int_eq(found(n)->mapping, mapping == NOTHING ? KITH_NAT_ENDPOINT_INDEPENDENT
                                                               : KITH_NAT_ENDPOINT_DEPENDENT);
        ck_assert_int_eq(found(n)->filtering, KITH_NAT_BEHAVIOR_UNKNOWN);
        ck_assert_int_eq(found(n)->kind,
                         mapping == NOTHING ? KITH_NAT_KIND_CONE : KITH_NAT_KIND_SYMMETRIC);
        ck_assert(!server_at(n, 0)->has_other_address);
        net_deinit(n);
    }
}
END_TEST

START_TEST(one_plain_server_tells_that_there_is_a_nat_and_no_more)
{
    net *n = probe(&(net_options){.urls = {PLAIN_URL}});
    ck_assert_int_eq(found(n)->mapping, KITH_NAT_BEHAVIOR_UNKNOWN);
    ck_assert_int_eq(found(n)->filtering, KITH_NAT_BEHAVIOR_UNKNOWN);
    ck_assert_int_eq(found(n)->kind, KITH_NAT_KIND_NAT);
    ck_assert_int_eq(server_at(n, 0)->answers, KITH_NAT_YES);
    ck_assert_int_eq(server_at(n, 0)->round_trip, KITH_MS(40));
    net_deinit(n);
}
END_TEST

START_TEST(the_server_that_can_tell_most_is_asked)
{
    net *n = probe(&(net_options){.urls = {PLAIN_URL, SERVER_URL}});
    ck_assert_int_eq(found(n)->kind, KITH_NAT_KIND_FULL_CONE);
    ck_assert(!server_at(n, 0)->has_other_address && server_at(n, 1)->has_other_address);
    net_deinit(n);
}
END_TEST

START_TEST(no_answer_at_all_is_no_udp)
{
    net *n = probe(&(net_options){.nat = {.blocks = true}, .urls = {SERVER_URL, TURN_URL}});
    ck_assert_int_eq(found(n)->udp, KITH_NAT_NO);
    ck_assert_int_eq(found(n)->kind, KITH_NAT_KIND_NO_UDP);
    ck_assert_int_eq(server_at(n, 0)->answers, KITH_NAT_NO);
    ck_assert_int_eq(server_at(n, 1)->allocates, KITH_NAT_NO);
    ck_assert_int_eq(server_at(n, 1)->error_code, 701);
    ck_assert_int_le(n->now - KITH_SECONDS(1000), KITH_SECONDS(8));
    net_deinit(n);
}
END_TEST

START_TEST(without_a_server_nothing_is_claimed)
{
    net *n = probe(&(net_options){0});
    ck_assert_int_eq(found(n)->udp, KITH_NAT_UNKNOWN);
    ck_assert_int_eq(found(n)->kind, KITH_NAT_KIND_UNKNOWN);
    ck_assert_uint_eq(n->sent, 0);
    net_deinit(n);
    n = probe(&(net_options){.without_local = true, .urls = {SERVER_URL}});
    ck_assert_int_eq(server_at(n, 0)->answers, KITH_NAT_UNKNOWN);
    net_deinit(n);
    n = probe(&(net_options){.no_sockets = true, .urls = {TURN_URL}});
    ck_assert_int_eq(found(n)->udp, KITH_NAT_UNKNOWN);
    ck_assert_int_eq(server_at(n, 0)->allocates, KITH_NAT_NO);
    net_deinit(n);
}
END_TEST

START_TEST(a_turn_server_is_tried_and_left)
{
    /* nothing is due behind the release, which is the last packet */
    net *n = probe(&(net_options){.nat = {.hairpin = true}, .urls = {TURN_URL}});
    const kith_nat_server *server = server_at(n, 0);
    kith_address ip = address_of(SERVER);
    ck_assert_int_eq(server->allocates, KITH_NAT_YES);
    ck_assert_int_eq(server->allocation_time, KITH_MS(80));
    ck_assert_uint_eq(server->relayed_count, 2);
    ck_assert(kith_address_same_ip(&server->relayed[0], &ip));
    ck_assert_int_eq(server->relayed[1].family, KITH_IPV6);
    ck_assert_int_eq(server->error_code, 0);
    ck_assert_str_eq(server->error_text, "");
    /* what was released lands after the report */
    for (size_t i = 0; i < n->flying_count; i++)
        land(n, &n->flying[i]);
    ck_assert_uint_eq(kith_turn_server_get_counters(n->server)->allocations_released, 1);
    net_deinit(n);
}
END_TEST

START_TEST(a_wrong_password_is_told_with_the_servers_words)
{
    net *n = probe(&(net_options){.urls = {TURN_URL}, .password = "wrong"});
    ck_assert_int_eq(server_at(n, 0)->answers, KITH_NAT_YES);
    ck_assert_int_eq(server_at(n, 0)->allocates, KITH_NAT_NO);
    ck_assert_int_eq(server_at(n, 0)->error_code, 401);
    ck_assert_str_ne(server_at(n, 0)->error_text, "");
    net_deinit(n);
}
END_TEST

START_TEST(names_are_resolved_to_an_address_of_each_family)
{
    net *n = probe(&(net_options){.urls = {"stun:example.org"},
                                  .addresses = {"2001:db8::1", "198.51.100.1", "198.51.100.9"}});
    ck_assert_uint_eq(kith_nat_probe_report(n->probe)->server_count, 2);
    ck_assert_int_eq(server_at(n, 0)->answers, KITH_NAT_UNKNOWN);
    ck_assert_int_eq(server_at(n, 1)->answers, KITH_NAT_YES);
    ck_assert_str_eq(server_at(n, 1)->url, "stun:example.org");
    net_deinit(n);
    n = probe(&(net_options){.urls = {"stun:example.org", "stun:silent.example", SERVER_URL}});
    ck_assert_int_eq(server_at(n, 0)->answers, KITH_NAT_NO);
    ck_assert_int_eq(server_at(n, 0)->error_code, 701);
    ck_assert_int_eq(server_at(n, 1)->answers, KITH_NAT_NO);
    ck_assert_int_eq(found(n)->kind, KITH_NAT_KIND_FULL_CONE);
    net_deinit(n);
}
END_TEST

/* ---- servers that are wrong ---- */

static const char *told_other;

static bool tell_other(net *n, const kith_stun *m, kith_path *path, kith_writer *w)
{
    kith_address other = address_of(told_other);
    answer_plainly(n, m, path, w);
    kith_stun_put_address(w, KITH_STUN_ATTR_OTHER_ADDRESS, &other);
    return true;
}

START_TEST(another_address_that_cannot_be_is_not_asked)
{
    static const char *const others[] = {
        "127.0.0.1:3479",   "192.168.1.1:53",     "10.0.0.1:3479",      "0.0.0.0:3479",
        "224.0.0.251:5353", "169.254.169.254:80", "198.51.100.77:3479", "198.51.100.78:3478",
        "198.51.100.78:0",  "[2001:db8::1]:3479"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        told_other = others[i];
        net *n = probe(&(net_options){.urls = {PLAIN_URL}, .script = tell_other});
        ck_assert_uint_eq(n->strayed, 0);
        ck_assert_int_eq(found(n)->kind, KITH_NAT_KIND_NAT);
        net_deinit(n);
    }
}
END_TEST

static bool tell_mapped(net *n, const kith_stun *m, kith_path *path, kith_writer *w)
{
    (void)n;
    (void)path;
    kith_address mapped = address_of(told_other);
    kith_stun_begin(w, KITH_STUN_SUCCESS, m->method, m->id);
    kith_stun_put_xor_address(w, KITH_STUN_ATTR_XOR_MAPPED_ADDRESS, &mapped);
    return true;
}

/* Around the hairpin we ask a mapped address: not one that a public server cannot have seen. */
START_TEST(a_mapped_address_that_cannot_be_is_not_asked)
{
    static const char *const others[] = {"127.0.0.1:3479", "192.168.1.1:53", "10.0.0.1:3479",
                                         "224.0.0.251:5353", "169.254.169.254:80"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        told_other = others[i];
        net *n = probe(&(net_options){.urls = {PLAIN_URL}, .script = tell_mapped});
        ck_assert_uint_eq(n->strayed, 0);
        net_deinit(n);
    }
}
END_TEST

START_TEST(a_server_that_only_says_it_has_another_address_tells_nothing_of_filters)
{
    told_other = "198.51.100.78:3479";
    net *n = probe(&(net_options){.urls = {PLAIN_URL}, .script = tell_other});
    ck_assert_int_eq(found(n)->filtering, KITH_NAT_BEHAVIOR_UNKNOWN);
    ck_assert_int_eq(found(n)->kind, KITH_NAT_KIND_NAT);
    ck_assert_uint_le(n->strayed, 10);
    net_deinit(n);
}
END_TEST

static bool refuse_change(net *n, const kith_stun *m, kith_path *path, kith_writer *w)
{
    if (m->change_request == 0)
        return tell_other(n, m, path, w);
    kith_stun_begin(w, KITH_STUN_ERROR, m->method, m->id);
    kith_stun_put_error(w, 420, NULL);
    return true;
}

START_TEST(a_server_that_refuses_change_request_tells_nothing_of_filters)
{
    told_other = PLAIN_2;
    told_other = "198.51.100.88:3479";
    net *n = probe(&(net_options){.urls = {PLAIN_URL}, .script = refuse_change});
    ck_assert_int_eq(found(n)->filtering, KITH_NAT_BEHAVIOR_UNKNOWN);
    net_deinit(n);
}
END_TEST

static bool answer_from_elsewhere(net *n, const kith_stun *m, kith_path *path, kith_writer *w)
{
    path->local = address_of("198.51.100.99:3478");
    return answer_plainly(n, m, path, w);
}

START_TEST(an_answer_from_an_address_that_was_not_asked_is_none)
{
    net *n = probe(&(net_options){.urls = {PLAIN_URL}, .script = answer_from_elsewhere});
    ck_assert_int_eq(found(n)->udp, KITH_NAT_NO);
    ck_assert_uint_gt(n->scripted_asked, 0);
    net_deinit(n);
}
END_TEST

static bool answer_another_number(net *n, const kith_stun *m, kith_path *path, kith_writer *w)
{
    kith_stun other = *m;
    other.id[3] ^= 1;
    return answer_plainly(n, &other, path, w);
}

START_TEST(an_answer_to_another_transaction_is_none)
{
    net *n = probe(&(net_options){.urls = {PLAIN_URL}, .script = answer_another_number});
    ck_assert_int_eq(found(n)->udp, KITH_NAT_NO);
    net_deinit(n);
}
END_TEST

static bool answer_without_sense(net *n, const kith_stun *m, kith_path *path, kith_writer *w)
{
    static const char *const mapped[] = {"0.0.0.0:1", "1.2.3.4:0", "[2001:db8::1]:5000"};
    kith_address address = address_of(mapped[n->scripted_asked % 3]);
    (void)path;
    kith_stun_begin(w, KITH_STUN_SUCCESS, m->method, m->id);
    if (n->scripted_asked % 4 > 0)
        kith_stun_put_xor_address(w, KITH_STUN_ATTR_XOR_MAPPED_ADDRESS, &address);
    return true;
}

START_TEST(an_answer_without_a_mapped_address_is_none)
{
    net *n = probe(&(net_options){.urls = {PLAIN_URL}, .script = answer_without_sense});
    ck_assert_int_eq(found(n)->is_translated, KITH_NAT_UNKNOWN);
    ck_assert_int_eq(found(n)->kind, KITH_NAT_KIND_NO_UDP);
    net_deinit(n);
}
END_TEST

static bool answer_with_error(net *n, const kith_stun *m, kith_path *path, kith_writer *w)
{
    (void)n, (void)path;
    kith_stun_begin(w, KITH_STUN_ERROR, m->method, m->id);
    kith_stun_put_error(w, 500, NULL);
    return true;
}

START_TEST(a_server_that_refuses_shows_that_udp_passes)
{
    net *n = probe(&(net_options){.urls = {PLAIN_URL}, .script = answer_with_error});
    ck_assert_int_eq(found(n)->udp, KITH_NAT_YES);
    ck_assert_int_eq(found(n)->kind, KITH_NAT_KIND_UNKNOWN);
    ck_assert_int_eq(server_at(n, 0)->answers, KITH_NAT_NO);
    ck_assert_int_eq(server_at(n, 0)->error_code, 500);
    net_deinit(n);
}
END_TEST

static bool answer_in_rfc_3489(net *n, const kith_stun *m, kith_path *path, kith_writer *w)
{
    (void)n;
    kith_stun_begin(w, KITH_STUN_SUCCESS, m->method, m->id);
    kith_stun_put_address(w, KITH_STUN_ATTR_MAPPED_ADDRESS, &path->remote);
    return true;
}

START_TEST(an_old_server_tells_the_mapped_address)
{
    net *n = probe(&(net_options){.urls = {PLAIN_URL}, .script = answer_in_rfc_3489});
    ck_assert_int_eq(found(n)->is_translated, KITH_NAT_YES);
    net_deinit(n);
}
END_TEST

static size_t nonce_len;

static bool challenge_for_ever(net *n, const kith_stun *m, kith_path *path, kith_writer *w)
{
    static const uint8_t nonce[200];
    (void)n, (void)path;
    kith_stun_begin(w, KITH_STUN_ERROR, m->method, m->id);
    kith_stun_put_error(w, 438, NULL);
    kith_stun_put_span(w, KITH_STUN_ATTR_NONCE, kith_span_of(nonce, nonce_len));
    return true;
}

START_TEST(a_server_that_is_never_content_is_asked_twice)
{
    static const size_t lengths[][2] = {{20, 2}, {128, 2}, {129, 1}, {0, 1}};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        nonce_len = lengths[i][0];
        net *n = probe(&(net_options){.urls = {PLAIN_URL}, .script = challenge_for_ever});
        ck_assert_int_eq(server_at(n, 0)->answers, KITH_NAT_NO);
        ck_assert_uint_eq(n->sent, lengths[i][1]);
        net_deinit(n);
    }
}
END_TEST

START_TEST(a_report_waits_for_multicast_dns_where_it_is_asked_for)
{
    kith_nat_config config = KITH_NAT_CONFIG_INIT;
    kith_nat_probe *made;
    config.multicast_dns = true;
    ck_assert_int_eq(kith_nat_probe_new(&made, &config), KITH_OK);
    ck_assert(kith_nat_probe_awaits_multicast_dns(made));
    ck_assert(!kith_nat_probe_report(made)->is_complete);
    kith_nat_probe_handle_multicast_dns(made, KITH_NAT_YES);
    ck_assert(!kith_nat_probe_awaits_multicast_dns(made));
    ck_assert(kith_nat_probe_report(made)->is_complete);
    ck_assert_int_eq(kith_nat_probe_report(made)->multicast_dns, KITH_NAT_YES);
    kith_nat_probe_free(made);
}
END_TEST

/* ---- the caller's fault ---- */

START_TEST(a_wrong_configuration_is_refused)
{
    static const char *const urls[] = {"stun:a.example"}, *const secure[] = {"turns:a.example"};
    const kith_ice_server good = {.urls = urls, .url_count = 1};
    const kith_ice_server bad = {
        .urls = secure, .url_count = 1, .username = "u", .credential = "c"};
    kith_ice_server many[KITH_NAT_MAX_SERVERS];
    kith_nat_config config = {0};
    kith_nat_probe *made = NULL;
    ck_assert_int_eq(kith_nat_probe_new(&made, &config), KITH_ERR_TYPE);
    config = (kith_nat_config)KITH_NAT_CONFIG_INIT;
    config.lifetime = KITH_NAT_MAX_LIFETIME + 1;
    ck_assert_int_eq(kith_nat_probe_new(&made, &config), KITH_ERR_RANGE);
    config.lifetime = 0;
    config.ice_server_count = 1;
    ck_assert_int_eq(kith_nat_probe_new(&made, &config), KITH_ERR_TYPE);
    config.ice_servers = &bad;
    ck_assert_int_eq(kith_nat_probe_new(&made, &config), KITH_ERR_NOT_SUPPORTED);
    for (size_t i = 0; i < KITH_NAT_MAX_SERVERS; i++)
        many[i] = good;
    config.ice_servers = many;
    config.ice_server_count = KITH_NAT_MAX_SERVERS;
    ck_assert_int_eq(kith_nat_probe_new(&made, &config), KITH_ERR_RANGE);
    ck_assert_ptr_null(made);
    config.ice_server_count = 1;
    ck_assert_int_eq(kith_nat_probe_new(&made, &config), KITH_OK);
    for (unsigned i = 0; i <= KITH_NAT_MAX_LOCALS; i++) {
        kith_address local = {.family = KITH_IPV4, .ip = {192, 0, 2, (uint8_t)i}};
        kith_err err = kith_nat_probe_add_local(made, &local);
        ck_assert_int_eq(err, i < KITH_NAT_MAX_LOCALS ? KITH_OK : KITH_ERR_RANGE);
        err = kith_nat_probe_add_local(made, &local);
        ck_assert_int_eq(err, i < KITH_NAT_MAX_LOCALS ? KITH_ERR_INVALID_STATE : KITH_ERR_RANGE);
    }
    kith_nat_probe_free(made);
    kith_nat_probe_free(NULL);
}
END_TEST

UNIT_MAIN("nat: probe", every_kind_of_nat_is_found, loss_does_not_change_a_verdict,
          a_hairpin_is_found_where_filters_let_it, without_a_nat_there_is_a_firewall_or_none,
          a_firewall_of_ipv6_is_found, several_external_addresses_are_noticed,
          a_verdict_takes_seconds, the_longest_packet_that_passes_is_found,
          the_life_of_a_mapping_is_measured,
          two_servers_without_another_address_tell_of_the_mapping,
          one_plain_server_tells_that_there_is_a_nat_and_no_more,
          the_server_that_can_tell_most_is_asked, no_answer_at_all_is_no_udp,
          without_a_server_nothing_is_claimed, a_turn_server_is_tried_and_left,
          a_wrong_password_is_told_with_the_servers_words,
          names_are_resolved_to_an_address_of_each_family,
          another_address_that_cannot_be_is_not_asked, a_mapped_address_that_cannot_be_is_not_asked,
          a_server_that_only_says_it_has_another_address_tells_nothing_of_filters,
          a_server_that_refuses_change_request_tells_nothing_of_filters,
          an_answer_from_an_address_that_was_not_asked_is_none,
          an_answer_to_another_transaction_is_none, an_answer_without_a_mapped_address_is_none,
          a_server_that_refuses_shows_that_udp_passes, an_old_server_tells_the_mapped_address,
          a_server_that_is_never_content_is_asked_twice,
          a_report_waits_for_multicast_dns_where_it_is_asked_for, a_wrong_configuration_is_refused)
