/* getStats(): members that are plausible, ids that lead to entries of the same report. */
#include "live.h"

static kith_stats_report *report_of(kith_pc *pc)
{
    kith_stats_report *report;
    OK(kith_pc_get_stats(pc, &report));
    return report;
}

static const kith_stats *first(const kith_stats_report *report, kith_stats_type type)
{
    for (size_t i = 0; i < kith_stats_report_size(report); i++)
        if (kith_stats_report_at(report, i)->type == type)
            return kith_stats_report_at(report, i);
    return NULL;
}

static size_t count(const kith_stats_report *report, kith_stats_type type)
{
    size_t found = 0;
    for (size_t i = 0; i < kith_stats_report_size(report); i++)
        found += kith_stats_report_at(report, i)->type == type;
    return found;
}

static void check_reference(const kith_stats_report *report, const char *id, kith_stats_type type)
{
    if (!id)
        return;
    const kith_stats *entry = kith_stats_report_get(report, id);
    ck_assert_msg(entry, "%s is not in the report", id);
    ck_assert_int_eq(entry->type, type);
}

/* Ids are unique, and every id that is named is there. */
static void check_ids(const kith_stats_report *report)
{
    for (size_t i = 0; i < kith_stats_report_size(report); i++) {
        const kith_stats *s = kith_stats_report_at(report, i);
        ck_assert_ptr_eq(kith_stats_report_get(report, s->id), s);
        ck_assert_double_ge(s->timestamp, 1767225600000.0);
        if (s->type == KITH_STATS_TRANSPORT) {
            check_reference(report, s->transport.selected_candidate_pair_id,
                            KITH_STATS_CANDIDATE_PAIR);
            check_reference(report, s->transport.local_certificate_id, KITH_STATS_CERTIFICATE);
            check_reference(report, s->transport.remote_certificate_id, KITH_STATS_CERTIFICATE);
        } else if (s->type == KITH_STATS_CANDIDATE_PAIR) {
            check_reference(report, s->candidate_pair.transport_id, KITH_STATS_TRANSPORT);
            check_reference(report, s->candidate_pair.local_candidate_id,
                            KITH_STATS_LOCAL_CANDIDATE);
            check_reference(report, s->candidate_pair.remote_candidate_id,
                            KITH_STATS_REMOTE_CANDIDATE);
        } else if (s->type == KITH_STATS_LOCAL_CANDIDATE ||
                   s->type == KITH_STATS_REMOTE_CANDIDATE) {
            check_reference(report, s->candidate.transport_id, KITH_STATS_TRANSPORT);
        }
    }
}

START_TEST(the_ice_role_is_known_when_our_description_is_set)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    kith_pc *left = pc_of(&d, LEFT);
    channel(left, "", NULL);
    OK(kith_pc_set_local_description(left, NULL));
    kith_stats_report *report = report_of(left);
    const kith_transport_stats *t = &first(report, KITH_STATS_TRANSPORT)->transport;
    ck_assert_str_eq(t->ice_role, "controlling");
    ck_assert_str_eq(t->ice_state, "new");
    kith_stats_report_free(report);
    duo_deinit(&d);
}
END_TEST

START_TEST(a_new_peer_has_a_report)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    kith_stats_report *report = report_of(pc_of(&d, LEFT));
    check_ids(report);
    ck_assert_uint_eq(kith_stats_report_size(report), 3);
    const kith_transport_stats *t = &first(report, KITH_STATS_TRANSPORT)->transport;
    ck_assert_str_eq(t->ice_role, "unknown");
    ck_assert_str_eq(t->dtls_role, "unknown");
    ck_assert_str_eq(t->ice_state, "new");
    ck_assert_str_eq(t->dtls_state, "new");
    ck_assert_ptr_null(t->selected_candidate_pair_id);
    ck_assert_ptr_null(t->remote_certificate_id);
    ck_assert_ptr_nonnull(first(report, KITH_STATS_PEER_CONNECTION));
    ck_assert_ptr_null(kith_stats_report_at(report, 3));
    ck_assert_ptr_null(kith_stats_report_get(report, "nothing"));
    kith_stats_report_free(report);
    kith_stats_report_free(NULL);
    duo_deinit(&d);
}
END_TEST

START_TEST(ids_lead_to_entries_at_any_time)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1,
                                 .link = {.delay = KITH_MS(10)},
                                 .with_stun_server = true,
                                 .nats = {NAT_PORT_RESTRICTED, NAT_SYMMETRIC}});
    duo_offer(&d, LEFT);
    for (int i = 0; i < 60; i++) {
        if (i == 55)
            kith_pc_close(pc_of(&d, LEFT));
        run_ms(&d, 10);
        for (int side = LEFT; side <= RIGHT; side++) {
            kith_stats_report *report = report_of(pc_of(&d, (enum side)side));
            check_ids(report);
            kith_stats_report_free(report);
        }
    }
    duo_deinit(&d);
}
END_TEST

START_TEST(a_connected_transport_says_how)
{
    duo d;
    live_pair(&d);
    duo_send(&d, LEFT, 10, 1000);
    run_ms(&d, 10000);
    kith_stats_report *report = report_of(pc_of(&d, LEFT));
    check_ids(report);
    const kith_transport_stats *t = &first(report, KITH_STATS_TRANSPORT)->transport;
    ck_assert_str_eq(t->ice_role, "controlling");
    ck_assert_str_eq(t->dtls_role, "server");
    ck_assert_str_eq(t->dtls_state, "connected");
    ck_assert(strcmp(t->ice_state, "connected") == 0 || strcmp(t->ice_state, "completed") == 0);
    ck_assert_str_eq(t->tls_version, "FEFD");
    ck_assert_int_eq(strncmp(t->dtls_cipher, "TLS_ECDHE_ECDSA_WITH_", 21), 0);
    ck_assert_ptr_nonnull(t->remote_certificate_id);
    ck_assert_uint_ge(t->selected_candidate_pair_changes, 1);
    ck_assert_uint_ge(t->bytes_sent, 10000);
    ck_assert_uint_ge(t->packets_sent, 10);
    ck_assert_uint_gt(t->packets_received, 3);
    ck_assert_uint_gt(t->bytes_received, t->packets_received * 13);
    const kith_candidate_pair_stats *p =
        &kith_stats_report_get(report, t->selected_candidate_pair_id)->candidate_pair;
    ck_assert(p->nominated);
    ck_assert_str_eq(p->state, "succeeded");
    ck_assert_double_eq_tol(p->current_round_trip_time, 0.02, 0.001);
    ck_assert_double_ge(p->total_round_trip_time, p->current_round_trip_time);
    ck_assert_uint_ge(p->consent_requests_sent, 1);
    ck_assert_uint_ge(p->requests_sent + p->consent_requests_sent, p->responses_received);
    ck_assert_uint_ge(p->requests_received, 1);
    ck_assert_uint_eq(p->requests_received, p->responses_sent);
    ck_assert_uint_eq(p->bytes_sent, t->bytes_sent);
    ck_assert_double_gt(p->last_packet_sent_timestamp, 1767225600000.0);
    ck_assert_double_le(p->last_packet_sent_timestamp,
                        first(report, KITH_STATS_TRANSPORT)->timestamp);
    kith_stats_report_free(report);
    duo_deinit(&d);
}
END_TEST

START_TEST(candidates_have_their_members)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1,
                                 .link = {.delay = KITH_MS(10)},
                                 .with_stun_server = true,
                                 .nats = {NAT_FULL_CONE, NAT_NONE}});
    duo_connect(&d);
    run_ms(&d, 1000);
    kith_stats_report *report = report_of(pc_of(&d, LEFT));
    unsigned hosts = 0, reflexive = 0;
    for (size_t i = 0; i < kith_stats_report_size(report); i++) {
        const kith_stats *s = kith_stats_report_at(report, i);
        if (s->type != KITH_STATS_LOCAL_CANDIDATE)
            continue;
        ck_assert_str_eq(s->candidate.protocol, "udp");
        ck_assert_uint_gt(s->candidate.priority, 0);
        ck_assert_str_ne(s->candidate.foundation, "");
        if (strcmp(s->candidate.candidate_type, "host") == 0) {
            hosts++;
            ck_assert_str_eq(s->candidate.address, "10.0.0.2");
            ck_assert_ptr_null(s->candidate.url);
            ck_assert_ptr_null(s->candidate.related_address);
        } else if (strcmp(s->candidate.candidate_type, "srflx") == 0) {
            reflexive++;
            ck_assert_str_eq(s->candidate.address, "192.0.2.1");
            ck_assert_uint_eq(s->candidate.port, 40000);
            ck_assert_str_eq(s->candidate.url, "stun:203.0.113.1");
            ck_assert_str_eq(s->candidate.related_address, "10.0.0.2");
        }
    }
    ck_assert_uint_eq(hosts, 1);
    ck_assert_uint_eq(reflexive, 1);
    ck_assert_uint_ge(count(report, KITH_STATS_REMOTE_CANDIDATE), 1);
    kith_stats_report_free(report);
    duo_deinit(&d);
}
END_TEST

START_TEST(certificates_are_those_of_both_sides)
{
    duo d;
    live_pair(&d);
    kith_stats_report *left = report_of(pc_of(&d, LEFT)), *right = report_of(pc_of(&d, RIGHT));
    const kith_transport_stats *l = &first(left, KITH_STATS_TRANSPORT)->transport;
    const kith_transport_stats *r = &first(right, KITH_STATS_TRANSPORT)->transport;
    const kith_certificate_stats *mine =
        &kith_stats_report_get(left, l->local_certificate_id)->certificate;
    const kith_certificate_stats *seen =
        &kith_stats_report_get(right, r->remote_certificate_id)->certificate;
    ck_assert_str_eq(mine->fingerprint_algorithm, "sha-256");
    ck_assert_uint_eq(strlen(mine->fingerprint), 95);
    ck_assert_str_eq(mine->fingerprint, seen->fingerprint);
    ck_assert_str_eq(mine->base64_certificate, seen->base64_certificate);
    ck_assert_uint_eq(strlen(mine->base64_certificate) % 4, 0);
    ck_assert_int_eq(strncmp(mine->base64_certificate, "MII", 3),
                     0); /* a SEQUENCE of more than 255 bytes */
    kith_stats_report_free(left);
    kith_stats_report_free(right);
    duo_deinit(&d);
}
END_TEST

START_TEST(channels_count_messages_and_keep_their_id)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1, .link = {.delay = KITH_MS(10)}});
    kith_dc *earlier = channel(pc_of(&d, LEFT), "earlier", NULL);
    duo_connect(&d);
    kith_dc *dc = d.peers[LEFT].dc;
    OK(kith_dc_send(dc, "12345", 5));
    OK(kith_dc_send_text(dc, "", 0));
    OK(kith_dc_send(d.peers[RIGHT].dc, "123", 3));
    run_ms(&d, 200);
    kith_stats_report *report = report_of(pc_of(&d, LEFT));
    ck_assert_uint_eq(count(report, KITH_STATS_DATA_CHANNEL), 2);
    const kith_stats *s = NULL;
    for (size_t i = 0; i < kith_stats_report_size(report); i++)
        if (kith_stats_report_at(report, i)->type == KITH_STATS_DATA_CHANNEL &&
            strcmp(kith_stats_report_at(report, i)->data_channel.label, kith_dc_label(dc)) == 0)
            s = kith_stats_report_at(report, i);
    ck_assert_ptr_nonnull(s);
    ck_assert_str_eq(s->data_channel.state, "open");
    ck_assert_int_eq(s->data_channel.data_channel_identifier, kith_dc_id(dc));
    ck_assert_uint_eq(s->data_channel.messages_sent, 2);
    ck_assert_uint_eq(s->data_channel.bytes_sent, 5);
    ck_assert_uint_eq(s->data_channel.messages_received, 1);
    ck_assert_uint_eq(s->data_channel.bytes_received, 3);
    kith_dc_free(earlier);
    run_ms(&d, 500);
    kith_stats_report *later = report_of(pc_of(&d, LEFT));
    ck_assert_uint_eq(count(later, KITH_STATS_DATA_CHANNEL), 1);
    ck_assert_str_eq(kith_stats_report_get(later, s->id)->data_channel.label, kith_dc_label(dc));
    const kith_peer_connection_stats *pc =
        &first(later, KITH_STATS_PEER_CONNECTION)->peer_connection;
    ck_assert_uint_eq(pc->data_channels_opened, 2);
    ck_assert_uint_eq(pc->data_channels_closed, 1);
    kith_stats_report_free(report);
    kith_stats_report_free(later);
    duo_deinit(&d);
}
END_TEST

/* webrtc-stats: channels that never were open are counted neither as opened nor as closed. */
START_TEST(a_channel_that_never_opened_is_not_counted)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    kith_dc_close(channel(pc_of(&d, LEFT), "", NULL));
    kith_stats_report *report = report_of(pc_of(&d, LEFT));
    const kith_peer_connection_stats *pc =
        &first(report, KITH_STATS_PEER_CONNECTION)->peer_connection;
    ck_assert_uint_eq(pc->data_channels_opened, 0);
    ck_assert_uint_eq(pc->data_channels_closed, 0);
    kith_stats_report_free(report);
    duo_deinit(&d);
}
END_TEST

/* getStats() between two turns of the driver: the snapshot is of now. */
START_TEST(a_report_is_dated_when_it_is_made)
{
    duo d;
    live_pair(&d);
    virtual_advance(virtual_now() + KITH_SECONDS(3));
    kith_stats_report *report = report_of(pc_of(&d, LEFT));
    double now = (double)kith_endpoint_unix_time(ep_of(&d, LEFT), virtual_now()) / 1000;
    for (size_t i = 0; i < kith_stats_report_size(report); i++)
        ck_assert_double_eq(kith_stats_report_at(report, i)->timestamp, now);
    kith_stats_report_free(report);
    duo_deinit(&d);
}
END_TEST

START_TEST(types_have_their_w3c_names)
{
    static const char *const names[] = {
        "peer-connection",  "transport",    "candidate-pair",     "local-candidate",
        "remote-candidate", "certificate",  "data-channel",       "codec",
        "inbound-rtp",      "outbound-rtp", "remote-inbound-rtp", "remote-outbound-rtp",
        "media-source"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_assert_str_eq(kith_stats_type_name((kith_stats_type)i), names[i]);
    ck_assert_str_eq(kith_stats_type_name((kith_stats_type)13), "");
}
END_TEST

UNIT_MAIN("pc: stats", the_ice_role_is_known_when_our_description_is_set, a_new_peer_has_a_report,
          ids_lead_to_entries_at_any_time, a_connected_transport_says_how,
          candidates_have_their_members, certificates_are_those_of_both_sides,
          channels_count_messages_and_keep_their_id, a_channel_that_never_opened_is_not_counted,
          a_report_is_dated_when_it_is_made, types_have_their_w3c_names)
