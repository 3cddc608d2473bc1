/* Candidates of both sides: which description they enter, what is told, what is refused. */
#include "peers.h"

#define HOST  "candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host"
#define OTHER "candidate:2 1 udp 2122260223 192.0.2.8 50001 typ host"
#define MDNS \
    "candidate:3 1 udp 2122260223 9b36eaac-bb2e-49bb-bb78-21c41c499900.local 50002 typ host"

static kith_err add(kith_pc *pc, const char *candidate, const char *mid, int index,
                    const char *ufrag)
{
    kith_ice_candidate c = {candidate, mid, index, ufrag, sizeof c};
    return kith_pc_add_ice_candidate(pc, &c);
}

static size_t remote_candidates(const kith_pc *pc)
{
    kith_ice_candidate_info info;
    size_t count = 0;
    for (size_t i = 0; kith_ice_candidate_at(kith_pc_transport(pc)->ice, i, &info); i++)
        count += info.remote;
    return count;
}

/* ---- the peer's ---- */

START_TEST(a_candidate_before_any_remote_description_is_refused)
{
    duo d = duo_new();
    FAILS(INVALID_STATE, add(d.a, HOST, "0", 0, NULL));
    FAILS(INVALID_STATE, kith_pc_add_ice_candidate(d.a, NULL));
    duo_free(&d);
}
END_TEST

START_TEST(a_candidate_of_another_header_is_read_as_far_as_it_goes)
{
    duo d = duo_agreed();
    struct {
        kith_ice_candidate candidate;
        char tail[8];
    } later = {.candidate = KITH_ICE_CANDIDATE_INIT};
    later.candidate.candidate = HOST;
    FAILS(TYPE, kith_pc_add_ice_candidate(d.a, &later.candidate)); /* neither mid nor index */
    later.candidate.sdp_mid = "0";
    later.candidate.size = sizeof later;
    OK(kith_pc_add_ice_candidate(d.a, &later.candidate));
    later.tail[7] = 1;
    FAILS(NOT_SUPPORTED, kith_pc_add_ice_candidate(d.a, &later.candidate));
    later.candidate.size = sizeof later.candidate - 1; /* no version was so short */
    FAILS(TYPE, kith_pc_add_ice_candidate(d.a, &later.candidate));
    later.candidate.size = SIZE_MAX;
    FAILS(TYPE, kith_pc_add_ice_candidate(d.a, &later.candidate));
    ck_assert_uint_eq(remote_candidates(d.a), 1);
    duo_free(&d);
}
END_TEST

/* What lies behind the struct is not looked at then. */
START_TEST(a_candidate_is_written_as_the_dictionary_without_a_size)
{
    duo d = duo_agreed();
    struct {
        kith_ice_candidate candidate;
        char behind[8];
    } positional = {{HOST, "0", -1, NULL, 0}, "another"};
    OK(kith_pc_add_ice_candidate(d.a, &positional.candidate));
    kith_ice_candidate named = {.candidate = OTHER}; /* the index is 0 */
    OK(kith_pc_add_ice_candidate(d.a, &named));
    ck_assert_uint_eq(remote_candidates(d.a), 2);
    positional.candidate.username_fragment = "of no description"; /* and that one is looked at */
    FAILS(OPERATION, kith_pc_add_ice_candidate(d.a, &positional.candidate));
    duo_free(&d);
}
END_TEST

START_TEST(a_candidate_enters_the_remote_description_and_the_transport)
{
    duo d = duo_agreed();
    OK(add(d.a, HOST, "0", -1, NULL));
    OK(add(d.a, "a=" OTHER, NULL, 0, NULL));
    OK(add(d.a, MDNS, "0", 0, NULL));
    const char *sdp = kith_pc_remote_description(d.a)->sdp;
    ck_assert(has_line(sdp, "a=" HOST) && has_line(sdp, "a=" OTHER) && has_line(sdp, "a=" MDNS));
    ck_assert_uint_eq(remote_candidates(d.a), 2);
    bool asked = false;
    for (const kith_request *r; (r = kith_endpoint_poll_request(d.ep));) /* the third has a name */
        asked |= r->type == KITH_REQUEST_RESOLVE && strstr(r->hostname, ".local");
    ck_assert(asked);
    /* Still a description. */
    kith_sdp *parsed;
    OK(kith_sdp_parse(&parsed, sdp, strlen(sdp)));
    ck_assert_uint_eq(parsed->media.items[0]->candidates.count, 3);
    kith_sdp_free(parsed);
    duo_free(&d);
}
END_TEST

START_TEST(the_same_candidate_is_written_once)
{
    duo d = duo_agreed();
    OK(add(d.a, HOST, "0", 0, NULL));
    char *once = kith_strdup(kith_pc_remote_description(d.a)->sdp);
    OK(add(d.a, HOST, "0", 0, NULL));
    ck_assert_str_eq(kith_pc_remote_description(d.a)->sdp, once);
    kith_free(once);
    duo_free(&d);
}
END_TEST

START_TEST(the_same_candidate_of_a_pending_offer_is_written_once)
{
    duo d = duo_new();
    open_channel(d.b);
    offer(d.b, d.a);
    OK(add(d.a, HOST, "0", 0, NULL));
    char *once = kith_strdup(kith_pc_remote_description(d.a)->sdp);
    OK(add(d.a, HOST, "0", 0, NULL));
    ck_assert_str_eq(kith_pc_remote_description(d.a)->sdp, once);
    kith_free(once);
    duo_free(&d);
}
END_TEST

static int names_asked(kith_endpoint *ep)
{
    int count = 0;
    for (const kith_request *request; (request = kith_endpoint_poll_request(ep));)
        count += request->type == KITH_REQUEST_RESOLVE;
    return count;
}

START_TEST(a_name_that_was_told_before_is_not_asked_for_again)
{
    duo d = duo_new();
    open_channel(d.b);
    OK(kith_pc_set_local_description(d.b, NULL));
    char *sdp =
        with(kith_pc_local_description(d.b)->sdp, "a=mid:0\r\n", "a=mid:0\r\na=" MDNS "\r\n");
    for (int round = 0; round < 2; round++) {
        OK(set_remote(d.a, KITH_SDP_OFFER, sdp));
        OK(kith_pc_set_local_description(d.a, NULL));
        ck_assert_int_eq(names_asked(d.ep), round == 0);
    }
    kith_free(sdp);
    duo_free(&d);
}
END_TEST

START_TEST(a_foreign_ufrag_in_a_line_does_not_lose_the_candidate)
{
    duo d = duo_new();
    open_channel(d.b);
    OK(kith_pc_set_local_description(d.b, NULL));
    char *sdp = with(kith_pc_local_description(d.b)->sdp, "a=mid:0\r\n",
                     "a=mid:0\r\na=" HOST " ufrag zzzz\r\na=" OTHER "\r\n");
    OK(set_remote(d.a, KITH_SDP_OFFER, sdp));
    OK(kith_pc_set_local_description(d.a, NULL));
    ck_assert_uint_eq(remote_candidates(d.a), 2); /* the section's ufrag holds, as in browsers */
    OK(add(d.a, "candidate:9 1 udp 5 192.0.2.9 5 typ host ufrag zzzz", "", 0, NULL));
    ck_assert_uint_eq(remote_candidates(d.a), 3);
    kith_free(sdp);
    duo_free(&d);
}
END_TEST

START_TEST(the_end_of_candidates_outlives_a_negotiation_without_restart)
{
    duo d = duo_agreed();
    OK(add(d.a, "", "0", 0, NULL));
    negotiate(d.b, d.a);
    ck_assert(kith_pc_transport(d.a)->end_of_remote);
    kith_pc_restart_ice(d.b);
    negotiate(d.b, d.a);
    ck_assert(!kith_pc_transport(d.a)->end_of_remote);
    duo_free(&d);
}
END_TEST

/* RFC 8838 section 14 wants none; browsers use them, and so do we (no dead end of a mistaken end).
 */
START_TEST(a_candidate_after_the_end_is_used_and_counted)
{
    duo d = duo_agreed();
    OK(kith_pc_add_ice_candidate(d.a, NULL));
    OK(add(d.a, HOST, "0", 0, NULL));
    ck_assert_uint_eq(remote_candidates(d.a), 1);
    ck_assert_uint_eq(kith_ice_get_counters(kith_pc_transport(d.a)->ice)->after_end, 1);
    duo_free(&d);
}
END_TEST

START_TEST(candidates_that_nobody_uses_are_counted_and_no_name_of_theirs_is_asked_for)
{
    duo d = duo_agreed();
    OK(add(d.a, "candidate:1 1 sctp 5 192.0.2.1 5 typ host", "0", 0, NULL));
    OK(add(d.a, "candidate:1 2 udp 5 component-2.local 5 typ host", "0", 0, NULL));
    OK(add(d.a, "candidate:1 1 tcp 5 tcp.local 5 typ host tcptype active", "0", 0, NULL));
    ck_assert_uint_eq(d.a->jsep.ignored_candidates, 3);
    for (const kith_request *request; (request = kith_endpoint_poll_request(d.ep));)
        ck_assert_int_ne(request->type, KITH_REQUEST_RESOLVE);
    ck_assert_ptr_nonnull(strstr(kith_pc_why_failed(d.a), "3 remote candidates were left out"));
    duo_free(&d);
}
END_TEST

/* What the parser could not take or may not keep; said again by an offer of the same generation it
 * is no news. */
START_TEST(candidates_that_a_description_holds_and_nobody_uses_are_counted_once)
{
    static const char extra[] = "a=candidate:1 1 udp no-number 192.0.2.9 5 typ host\r\n"
                                "a=candidate:1 1 sctp 5 192.0.2.9 5 typ host\r\n"
                                "a=candidate:1 2 udp 5 192.0.2.9 5 typ host\r\n"
                                "a=" HOST "\r\n";
    duo d = duo_new();
    open_channel(d.a);
    OK(kith_pc_set_local_description(d.a, NULL));
    char offer[4096];
    for (int round = 0; round < 2; round++) {
        snprintf(offer, sizeof offer, "%s%s", kith_pc_local_description(d.a)->sdp, extra);
        OK(set_remote(d.b, KITH_SDP_OFFER, offer));
        answer(d.b, d.a);
        ck_assert_uint_eq(d.b->jsep.ignored_candidates, 3);
        ck_assert_ptr_nonnull(strstr(kith_pc_why_failed(d.b), "3 remote candidates were left out"));
        ck_assert_uint_eq(remote_candidates(d.b), 1);
        OK(kith_pc_set_local_description(d.a, NULL));
    }
    duo_free(&d);
}
END_TEST

START_TEST(the_end_of_all_candidates_is_written_into_every_section_once)
{
    duo d = duo_new();
    char *call = read_sdp("chromium156-offer-av-sendrecv-data.sdp");
    OK(set_remote(d.a, KITH_SDP_OFFER, call));
    for (int i = 0; i < 2; i++)
        OK(kith_pc_add_ice_candidate(d.a, NULL));
    int ends = 0;
    for (const char *at = kith_pc_remote_description(d.a)->sdp;
         (at = strstr(at, "a=end-of-candidates")); at++)
        ends++;
    ck_assert_int_eq(ends, 3);
    kith_free(call);
    duo_free(&d);
}
END_TEST

START_TEST(candidates_of_an_offer_wait_for_its_answer)
{
    duo d = duo_new();
    open_channel(d.b);
    offer(d.b, d.a);
    OK(add(d.a, HOST, "0", 0, NULL));
    ck_assert_uint_eq(remote_candidates(d.a), 0);
    OK(kith_pc_set_local_description(d.a, NULL));
    ck_assert_uint_eq(remote_candidates(d.a), 1);
    OK(add(d.a, OTHER, "0", 0, NULL));
    ck_assert_uint_eq(remote_candidates(d.a), 2);
    duo_free(&d);
}
END_TEST

START_TEST(candidates_in_a_description_are_used)
{
    duo d = duo_new();
    char *sdp = read_sdp("chromium156-default-data-offer.sdp");
    OK(set_remote(d.a, KITH_SDP_OFFER, sdp));
    OK(kith_pc_set_local_description(d.a, NULL));
    ck_assert_uint_eq(remote_candidates(d.a), 2);
    ck_assert(!kith_pc_transport(d.a)->end_of_remote); /* it trickles */
    OK(kith_pc_add_ice_candidate(d.a, NULL));
    ck_assert(kith_pc_transport(d.a)->end_of_remote);
    kith_free(sdp);
    duo_free(&d);
}
END_TEST

START_TEST(end_of_candidates_is_taken_from_description_and_call)
{
    char *sdp = read_sdp("firefox153-default-data-offer.sdp"); /* says it */
    char *silent = with(sdp, "a=end-of-candidates\r\n", "");
    for (int i = 0; i < 4; i++) {
        duo d = duo_new();
        OK(set_remote(d.a, KITH_SDP_OFFER, i == 0 ? sdp : silent));
        if (i == 1) /* before the answer */
            OK(add(d.a, "", "0", 0, NULL));
        OK(kith_pc_set_local_description(d.a, NULL));
        if (i == 2) /* after it, for all sections */
            OK(add(d.a, "", NULL, -1, NULL));
        ck_assert_int_eq(kith_pc_transport(d.a)->end_of_remote, i < 3);
        ck_assert_int_eq(has_line(kith_pc_remote_description(d.a)->sdp, "a=end-of-candidates"),
                         i < 3);
        duo_free(&d);
    }
    kith_free(sdp);
    kith_free(silent);
}
END_TEST

START_TEST(a_peer_that_does_not_trickle_has_told_all)
{
    duo d = duo_new();
    char *sdp = read_sdp("chromium156-default-data-offer.sdp");
    char *full = with(sdp, "a=ice-options:trickle\r\n", "");
    OK(set_remote(d.a, KITH_SDP_OFFER, full));
    ck_assert_int_eq(kith_pc_can_trickle_ice_candidates(d.a), KITH_CAN_TRICKLE_NO);
    OK(kith_pc_set_local_description(d.a, NULL));
    ck_assert(kith_pc_transport(d.a)->end_of_remote);
    kith_free(sdp);
    kith_free(full);
    duo_free(&d);
}
END_TEST

START_TEST(can_trickle_is_known_with_the_remote_description)
{
    duo d = duo_new();
    open_channel(d.b);
    ck_assert_int_eq(kith_pc_can_trickle_ice_candidates(d.a), KITH_CAN_TRICKLE_UNKNOWN);
    offer(d.b, d.a);
    ck_assert_int_eq(kith_pc_can_trickle_ice_candidates(d.a), KITH_CAN_TRICKLE_YES);
    duo_free(&d);
}
END_TEST

START_TEST(what_is_no_candidate_or_names_nothing_is_refused_and_changes_nothing)
{
    duo d = duo_agreed();
    snapshot before = snapshot_of(d.a);
    FAILS(TYPE, add(d.a, HOST, NULL, -1, NULL));
    FAILS(OPERATION, add(d.a, "candidate:x", "0", 0, NULL));
    FAILS(OPERATION, add(d.a, HOST "\r\na=x", "0", 0, NULL));
    FAILS(OPERATION, add(d.a, HOST, "nope", 0, NULL));
    FAILS(OPERATION, add(d.a, HOST, NULL, 1, NULL));
    FAILS(OPERATION, add(d.a, HOST, "0", 0, "unknown"));
    FAILS(OPERATION, add(d.a, "", "0", 0, "unknown"));
    assert_unchanged(d.a, &before);
    ck_assert_uint_eq(remote_candidates(d.a), 0);
    kith_pc_close(d.a);
    FAILS(INVALID_STATE, add(d.a, HOST, "0", 0, NULL));
    duo_free(&d);
}
END_TEST

START_TEST(kinds_that_are_not_used_and_rejected_sections_are_no_error)
{
    duo d = duo_new();
    char *bundled = read_sdp("firefox153-offer-av-sendrecv-data.sdp");
    char *call = with(bundled, "a=group:BUNDLE 0 1 2", "a=group:BUNDLE 0 2");
    OK(set_remote(d.a, KITH_SDP_OFFER, call));
    OK(kith_pc_set_local_description(d.a, NULL));
    OK(add(d.a, HOST, "1", 1, NULL)); /* video: rejected */
    ck_assert_uint_eq(remote_candidates(d.a), 0);
    OK(add(d.a, "candidate:2 1 TCP 2105458943 192.0.2.2 9 typ host tcptype active", "2", 2, NULL));
    ck_assert_uint_eq(remote_candidates(d.a), 1); /* which connects itself */
    OK(add(d.a, "candidate:2 2 udp 2105458943 192.0.2.2 50000 typ host", "2", 2, NULL));
    ck_assert_uint_eq(remote_candidates(d.a), 1);
    OK(add(d.a, HOST, "2", 2, NULL));
    ck_assert_uint_eq(remote_candidates(d.a), 2);
    kith_free(bundled);
    kith_free(call);
    duo_free(&d);
}
END_TEST

/* aiortc gathers for each section, for peers that do not bundle. */
START_TEST(candidates_of_a_transport_that_the_bundle_leaves_are_not_used)
{
    duo d = duo_new();
    char *base = read_sdp("firefox153-offer-av-sendrecv-data.sdp");
    char *offer = with(base, "a=mid:0\r\n", "a=mid:0\r\na=" OTHER "\r\n");
    char *data = strstr(offer, "m=application");
    char *own = with(data, "a=ice-ufrag:", "a=" HOST "\r\na=ice-ufrag:x");
    *data = '\0';
    kith_writer both = kith_wr_growing();
    kith_wr_print(&both, "%s%s", offer, own);
    char *text = kith_wr_take_text(&both);
    char *ufrag = kith_strdup(line_of(own, "a=ice-ufrag:"));
    char line[128];
    snprintf(line, sizeof line, "candidate:9 1 udp 5 192.0.2.9 5 typ host ufrag %s", ufrag);
    OK(set_remote(d.a, KITH_SDP_OFFER, text));
    OK(kith_pc_set_local_description(d.a, NULL));
    ck_assert_uint_eq(remote_candidates(d.a), 1);
    OK(add(d.a, line, "2", 2, NULL));
    OK(add(d.a, "candidate:9 1 udp 5 192.0.2.9 5 typ host", "2", 2, ufrag));
    OK(add(d.a, "candidate:9 1 udp 5 192.0.2.9 5 typ host", "2", 2, NULL));
    ck_assert_uint_eq(remote_candidates(d.a), 1);
    OK(add(d.a, "candidate:9 1 udp 5 192.0.2.9 5 typ host", "1", 1, NULL));
    ck_assert_uint_eq(remote_candidates(d.a), 2);
    kith_free(base);
    kith_free(offer);
    kith_free(own);
    kith_free(text);
    kith_free(ufrag);
    duo_free(&d);
}
END_TEST

START_TEST(a_candidate_finds_its_generation_by_ufrag)
{
    duo d = duo_agreed();
    char *old = kith_strdup(kith_ice_local_ufrag(kith_pc_transport(d.b)->ice));
    kith_pc_restart_ice(d.b);
    offer(d.b, d.a); /* pending, with new credentials */
    char *new = kith_strdup(kith_ice_local_ufrag(kith_pc_transport(d.b)->ice));
    ck_assert_str_ne(old, new);
    OK(add(d.a, HOST, "0", 0, old));
    OK(add(d.a, OTHER, "0", 0, NULL)); /* the newest */
    ck_assert(has_line(kith_pc_current_remote_description(d.a)->sdp, "a=" HOST));
    ck_assert(!has_line(kith_pc_current_remote_description(d.a)->sdp, "a=" OTHER));
    ck_assert(has_line(kith_pc_pending_remote_description(d.a)->sdp, "a=" OTHER));
    ck_assert(!has_line(kith_pc_pending_remote_description(d.a)->sdp, "a=" HOST));
    ck_assert_uint_eq(remote_candidates(d.a), 1);
    kith_free(old);
    kith_free(new);
    duo_free(&d);
}
END_TEST

START_TEST(a_peer_cannot_make_us_store_candidates_for_ever)
{
    duo d = duo_new();
    open_channel(d.b);
    offer(d.b, d.a);
    for (int i = 0; i < 3 * KITH_SDP_MAX_CANDIDATES; i++) {
        char line[128];
        snprintf(line, sizeof line, "candidate:%d 1 udp 2122260223 192.0.2.7 %d typ host", i,
                 1024 + i);
        OK(add(d.a, line, "0", 0, NULL));
    }
    ck_assert_uint_le(d.a->jsep.pending_remote->candidate_count, KITH_SDP_MAX_CANDIDATES);
    kith_sdp *parsed;
    const char *sdp = kith_pc_remote_description(d.a)->sdp;
    int lines = 0;
    for (const char *at = sdp; (at = strstr(at, "a=candidate:")); at++)
        lines++;
    ck_assert_int_eq(lines, KITH_SDP_MAX_CANDIDATES);
    OK(kith_sdp_parse(&parsed, sdp, strlen(sdp)));
    ck_assert_uint_eq(parsed->media.items[0]->candidates.count, KITH_SDP_MAX_CANDIDATES);
    kith_sdp_free(parsed);
    duo_free(&d);
}
END_TEST

/* ---- ours ---- */

static kith_candidate candidate_of(const char *text)
{
    kith_candidate c;
    ck_assert(kith_candidate_parse(&c, kith_span_text(text)));
    return c;
}

START_TEST(our_candidates_enter_the_local_description_and_are_told_as_browsers_tell_them)
{
    duo d = duo_new();
    open_channel(d.a);
    OK(kith_pc_set_local_description(d.a, NULL));
    take_events(d.a, KITH_EV_ICE_CANDIDATE);
    kith_candidate host = candidate_of(HOST);
    ck_assert(kith_jsep_local_candidate(d.a, &host));
    kith_candidate srflx = candidate_of(
        "candidate:4 1 udp 1686052607 203.0.113.9 40000 typ srflx raddr 192.0.2.7 rport 50000");
    ck_assert(kith_jsep_local_candidate(d.a, &srflx));

    const char *ufrag = kith_ice_local_ufrag(kith_pc_transport(d.a)->ice);
    char wanted[512];
    snprintf(wanted, sizeof wanted, HOST " ufrag %s", ufrag);
    const kith_event *ev = kith_events_next(d.a);
    ck_assert_int_eq(ev->type, KITH_EV_ICE_CANDIDATE);
    ck_assert_str_eq(ev->ice_candidate.candidate, wanted);
    ck_assert_str_eq(ev->ice_candidate.sdp_mid, "0");
    ck_assert_int_eq(ev->ice_candidate.sdp_m_line_index, 0);
    ck_assert_str_eq(ev->ice_candidate.username_fragment, ufrag);
    take_events(d.a, KITH_EV_ICE_CANDIDATE);

    /* The default candidate is the server-reflexive one. */
    const char *sdp = kith_pc_local_description(d.a)->sdp;
    ck_assert(has_line(sdp, "a=" HOST));
    ck_assert(has_line(sdp, "m=application 40000 UDP/DTLS/SCTP webrtc-datachannel"));
    ck_assert(has_line(sdp, "c=IN IP4 203.0.113.9"));
    ck_assert(!has_line(sdp, "a=end-of-candidates"));

    ck_assert(kith_jsep_local_end(d.a));
    ev = kith_events_next(d.a);
    ck_assert_int_eq(ev->type, KITH_EV_ICE_CANDIDATE);
    ck_assert_str_eq(ev->ice_candidate.candidate, "");
    ck_assert_str_eq(ev->ice_candidate.sdp_mid, "0");
    ck_assert(has_line(kith_pc_local_description(d.a)->sdp, "a=end-of-candidates"));
    duo_free(&d);
}
END_TEST

START_TEST(the_next_offer_carries_what_was_gathered_unless_it_restarts)
{
    duo d = duo_agreed();
    kith_candidate host = candidate_of(HOST), other = candidate_of(OTHER);
    ck_assert(kith_jsep_local_candidate(d.a, &host));
    const kith_session_description *created;
    OK(kith_pc_create_offer(d.a, NULL, &created));
    ck_assert(has_line(created->sdp, "a=" HOST));
    /* One more between creating and setting: in both descriptions. */
    ck_assert(kith_jsep_local_candidate(d.a, &other));
    OK(kith_pc_set_local_description(d.a, created));
    ck_assert(has_line(kith_pc_pending_local_description(d.a)->sdp, "a=" OTHER));
    ck_assert(has_line(kith_pc_current_local_description(d.a)->sdp, "a=" OTHER));
    ck_assert(kith_jsep_local_end(d.a));
    ck_assert(has_line(kith_pc_pending_local_description(d.a)->sdp, "a=end-of-candidates"));
    ck_assert(has_line(kith_pc_current_local_description(d.a)->sdp, "a=end-of-candidates"));
    OK(set_local(d.a, KITH_SDP_ROLLBACK, NULL));
    OK(kith_pc_set_local_description(d.a, NULL)); /* once more, and nothing is gathered any more */
    ck_assert(has_line(kith_pc_pending_local_description(d.a)->sdp, "a=end-of-candidates"));
    OK(set_local(d.a, KITH_SDP_ROLLBACK, NULL));

    const kith_offer_options restart = {.size = sizeof restart, .ice_restart = true};
    OK(kith_pc_create_offer(d.a, &restart, &created));
    ck_assert(!strstr(created->sdp, "a=candidate") && !strstr(created->sdp, "end-of-candidates"));
    ck_assert(has_line(created->sdp, "c=IN IP4 0.0.0.0"));
    OK(kith_pc_set_local_description(d.a, created));
    ck_assert(kith_jsep_local_candidate(d.a, &host)); /* of the new generation */
    ck_assert(has_line(kith_pc_pending_local_description(d.a)->sdp, "a=" HOST));
    ck_assert_uint_eq(d.a->jsep.current_local->candidate_count, 2);
    duo_free(&d);
}
END_TEST

START_TEST(an_ipv6_default_is_said_as_ip6_and_a_name_not_at_all)
{
    duo d = duo_agreed();
    kith_candidate v6 = candidate_of("candidate:5 1 udp 2122260223 2001:db8::5 50005 typ host");
    kith_candidate name = candidate_of(MDNS);
    ck_assert(kith_jsep_local_candidate(d.a, &name));
    ck_assert(has_line(kith_pc_local_description(d.a)->sdp, "c=IN IP4 0.0.0.0"));
    ck_assert(kith_jsep_local_candidate(d.a, &v6));
    ck_assert(has_line(kith_pc_local_description(d.a)->sdp, "c=IN IP6 2001:db8::5"));
    kith_candidate v4 = candidate_of(HOST);
    kith_candidate tcp = candidate_of("candidate:6 1 tcp 1686052607 203.0.113.9 9 typ srflx raddr "
                                      "192.0.2.7 rport 9 tcptype active");
    ck_assert(kith_jsep_local_candidate(d.a, &v4));
    ck_assert(kith_jsep_local_candidate(d.a, &tcp)); /* c= cannot say it */
    ck_assert(has_line(kith_pc_local_description(d.a)->sdp, "c=IN IP4 192.0.2.7"));
    duo_free(&d);
}
END_TEST

START_TEST(candidates_of_a_generation_that_was_rolled_back_are_dropped)
{
    duo d = duo_new();
    open_channel(d.a);
    OK(kith_pc_set_local_description(d.a, NULL));
    kith_candidate host = candidate_of(HOST);
    snprintf(host.ufrag, sizeof host.ufrag, "%s",
             kith_ice_local_ufrag(kith_pc_transport(d.a)->ice));
    OK(set_local(d.a, KITH_SDP_ROLLBACK, NULL));
    take_events(d.a, KITH_EV_ICE_CANDIDATE);
    ck_assert(kith_jsep_local_candidate(d.a, &host));
    ck_assert(kith_jsep_local_end(d.a));
    ck_assert_int_eq(take_events(d.a, KITH_EV_ICE_CANDIDATE), 0);
    duo_free(&d);
}
END_TEST

UNIT_MAIN("pc: trickle", a_candidate_before_any_remote_description_is_refused,
          a_candidate_of_another_header_is_read_as_far_as_it_goes,
          a_candidate_is_written_as_the_dictionary_without_a_size,
          a_candidate_enters_the_remote_description_and_the_transport,
          the_same_candidate_is_written_once, the_same_candidate_of_a_pending_offer_is_written_once,
          a_name_that_was_told_before_is_not_asked_for_again,
          a_foreign_ufrag_in_a_line_does_not_lose_the_candidate,
          the_end_of_candidates_outlives_a_negotiation_without_restart,
          a_candidate_after_the_end_is_used_and_counted,
          candidates_that_nobody_uses_are_counted_and_no_name_of_theirs_is_asked_for,
          candidates_that_a_description_holds_and_nobody_uses_are_counted_once,
          the_end_of_all_candidates_is_written_into_every_section_once,
          candidates_of_an_offer_wait_for_its_answer, candidates_in_a_description_are_used,
          end_of_candidates_is_taken_from_description_and_call,
          a_peer_that_does_not_trickle_has_told_all,
          can_trickle_is_known_with_the_remote_description,
          what_is_no_candidate_or_names_nothing_is_refused_and_changes_nothing,
          kinds_that_are_not_used_and_rejected_sections_are_no_error,
          candidates_of_a_transport_that_the_bundle_leaves_are_not_used,
          a_candidate_finds_its_generation_by_ufrag,
          a_peer_cannot_make_us_store_candidates_for_ever,
          our_candidates_enter_the_local_description_and_are_told_as_browsers_tell_them,
          the_next_offer_carries_what_was_gathered_unless_it_restarts,
          an_ipv6_default_is_said_as_ip6_and_a_name_not_at_all,
          candidates_of_a_generation_that_was_rolled_back_are_dropped)
