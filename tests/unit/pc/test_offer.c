/* What stands in our offers: the lines of RFC 9429 section 5.2, sections that keep their
 * places, mids, and versions that count changes. */
#include "peers.h"

/* A key on P-256 and its certificate, signed with SHA-384, for a hundred years. */
static const char signed_with_sha384[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgzgBpS1gN2eEBFx9r\n"
    "iN2k9S6YR6y//0B+wsSz7J3VnnahRANCAARSTMWxUHs859zwHxexHe0orieCxD+J\n"
    "F/rZW72GrBbxnW396/9u5ahW1b5EU6XSf7j6M43s+i3oIIkd5ImiB6vZ\n"
    "-----END PRIVATE KEY-----\n"
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBcDCCARWgAwIBAgIUAj/WHjp1PC8rjnVGGK3/Z6dez3UwCgYIKoZIzj0EAwMw\n"
    "DDEKMAgGA1UEAwwBazAgFw0yNjExMjIxNjI3NTFaGA8yMTI2MTAyOTE2Mjc1MVow\n"
    "DDEKMAgGA1UEAwwBazBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABFJMxbFQezzn\n"
    "3PAfF7Ed7SiuJ4LEP4kX+tlbvYasFvGdbf3r/27lqFbVvkRTpdJ/uPozjez6Legg\n"
    "iR3kiaIHq9mjUzBRMB0GA1UdDgQWBBRDcUU/VKmoI7Rz+kIETbUJoXTFXTAfBgNV\n"
    "HSMEGDAWgBRDcUU/VKmoI7Rz+kIETbUJoXTFXTAPBgNVHRMBAf8EBTADAQH/MAoG\n"
    "CCqGSM49BAMDA0kAMEYCIQDpuxD6m8CkyDv3t5nPaj7w3EVO6alo5HdcdSMrJGQ1\n"
    "VgIhALosLXg3x/B+cRNsQdxuV9gClZjQ/Sv7A9wB3d09f5Sd\n"
    "-----END CERTIFICATE-----\n";

static const char *create(kith_pc *pc)
{
    const kith_session_description *created = NULL;
    OK(kith_pc_create_offer(pc, NULL, &created));
    ck_assert_int_eq(created->type, KITH_SDP_OFFER);
    return created->sdp;
}

START_TEST(the_first_offer_has_what_jsep_asks_for)
{
    duo d = duo_new();
    open_channel(d.a);
    const char *sdp = create(d.a);
    static const char *const wanted[] = {
        "v=0",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0",
        "a=ice-options:trickle ice2 renomination",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        "a=mid:0",
        "a=setup:actpass",
        "a=sctp-port:5000",
        "a=max-message-size:262144",
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        ck_assert_msg(has_line(sdp, wanted[i]), "no %s in:\n%s", wanted[i], sdp);
    ck_assert_str_eq(line_of(sdp, "a=ice-ufrag:"),
                     kith_ice_local_ufrag(kith_pc_transport(d.a)->ice));
    ck_assert_str_eq(line_of(sdp, "a=ice-pwd:"), kith_ice_local_pwd(kith_pc_transport(d.a)->ice));
    ck_assert_uint_ge(strlen(line_of(sdp, "a=tls-id:")), 20);
    char *sha256;
    OK(kith_certificate_fingerprint(d.a->certificate, "sha-256", &sha256));
    ck_assert_str_eq(line_of(sdp, "a=fingerprint:sha-256 "), sha256);
    kith_free(sha256);
    ck_assert_ptr_null(strstr(sdp, "sendrecv"));
    duo_free(&d);
}
END_TEST

START_TEST(the_hash_of_the_certificates_signature_is_told_too)
{
    duo d = duo_new();
    open_channel(d.a);
    const char *first = strstr(create(d.a), "a=fingerprint:");
    ck_assert_ptr_null(strstr(first + 1, "a=fingerprint:")); /* SHA-256 is both */

    kith_certificate *own;
    OK(kith_certificate_from_pem(&own, signed_with_sha384, signed_with_sha384));
    kith_pc_config cfg = KITH_PC_CONFIG_INIT;
    cfg.certificates = &own;
    cfg.certificate_count = 1;
    kith_pc *pc;
    OK(kith_pc_new(&pc, d.ep, &cfg));
    open_channel(pc);
    const char *sdp = create(pc);
    char *sha384;
    OK(kith_certificate_fingerprint(own, "sha-384", &sha384));
    ck_assert_str_eq(line_of(sdp, "a=fingerprint:sha-384 "), sha384);
    ck_assert_ptr_nonnull(line_of(sdp, "a=fingerprint:sha-256 "));
    kith_free(sha384);
    kith_certificate_free(own);
    duo_free(&d);
}
END_TEST

static size_t count_of(const char *text, const char *word)
{
    size_t count = 0;
    while ((text = strstr(text, word))) {
        text += strlen(word);
        count++;
    }
    return count;
}

/* A peer looks at the fingerprints of one hash only, and either certificate may be shown. */
START_TEST(every_hash_has_the_fingerprints_of_all_certificates)
{
    duo d = duo_new();
    kith_certificate *both[2];
    OK(kith_certificate_from_pem(&both[0], signed_with_sha384, signed_with_sha384));
    OK(kith_certificate_generate(&both[1], KITH_KEY_RSA_2048, kith_pc_unix_seconds(d.a), 0));
    kith_pc_config cfg = KITH_PC_CONFIG_INIT;
    cfg.certificates = both;
    cfg.certificate_count = 2;
    kith_pc *pc;
    OK(kith_pc_new(&pc, d.ep, &cfg));
    open_channel(pc);
    const char *sdp = create(pc);
    ck_assert_uint_eq(count_of(sdp, "a=fingerprint:"), 4);
    for (int i = 0; i < 2; i++) {
        static const char *const hashes[] = {"sha-256", "sha-384"};
        for (int hash = 0; hash < 2; hash++) {
            char *value;
            OK(kith_certificate_fingerprint(both[i], hashes[hash], &value));
            ck_assert_uint_eq(count_of(sdp, value), 1);
            kith_free(value);
        }
        kith_certificate_free(both[i]);
    }
    duo_free(&d);
}
END_TEST

START_TEST(an_offer_without_channels_has_no_section)
{
    duo d = duo_new();
    const char *sdp = create(d.a);
    ck_assert_ptr_null(strstr(sdp, "m="));
    ck_assert_ptr_null(strstr(sdp, "BUNDLE"));
    negotiate(d.a, d.b);
    ck_assert_int_eq(kith_pc_signaling_state(d.a), KITH_SIGNALING_STATE_STABLE);
    open_channel(d.a);
    ck_assert_ptr_nonnull(strstr(create(d.a), "m=application 9"));
    negotiate(d.a, d.b);
    ck_assert_int_eq(kith_jsep_agreed_data(d.a), 0);
    duo_free(&d);
}
END_TEST

START_TEST(session_ids_are_63_random_bits)
{
    duo d = duo_new();
    ck_assert_uint_ne(d.a->jsep.session_id, d.b->jsep.session_id);
    ck_assert_uint_eq(d.a->jsep.session_id >> 63, 0);
    char start[64];
    snprintf(start, sizeof start, "- %llu 0 IN IP4 0.0.0.0",
             (unsigned long long)d.a->jsep.session_id);
    ck_assert_str_eq(line_of(create(d.a), "o="), start);
    duo_free(&d);
}
END_TEST

static unsigned long version_of(const char *sdp)
{
    const char *origin = line_of(sdp, "o=");
    origin = strchr(origin + 2, ' ');
    return strtoul(origin + 1, NULL, 10);
}

START_TEST(the_version_grows_only_when_something_changes)
{
    duo d = duo_new();
    open_channel(d.a);
    ck_assert_uint_eq(version_of(create(d.a)), 0);
    ck_assert_uint_eq(version_of(create(d.a)), 0);
    negotiate(d.a, d.b);
    ck_assert_uint_eq(version_of(kith_pc_local_description(d.b)->sdp), 0);
    ck_assert_uint_eq(version_of(create(d.a)), 0); /* the same offer again */
    kith_candidate host;
    ck_assert(kith_candidate_parse(
        &host, kith_span_text("candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host")));
    ck_assert(kith_jsep_local_candidate(d.a, &host));
    ck_assert(kith_jsep_local_end(d.a));
    negotiate(d.a, d.b);
    ck_assert_uint_eq(version_of(create(d.a)), 0); /* candidates are told one by one too */
    const kith_offer_options restart = {.size = sizeof restart, .ice_restart = true};
    const kith_session_description *created;
    OK(kith_pc_create_offer(d.a, &restart, &created));
    ck_assert_uint_eq(version_of(created->sdp), 1);
    negotiate(d.b, d.a);
    ck_assert_uint_eq(version_of(kith_pc_local_description(d.b)->sdp), 1); /* actpass, was active */
    ck_assert_uint_eq(version_of(kith_pc_local_description(d.a)->sdp),
                      1); /* passive, was actpass */
    duo_free(&d);
}
END_TEST

START_TEST(a_version_that_was_rolled_back_is_not_used_again)
{
    duo d = duo_agreed();
    const kith_offer_options restart = {.size = sizeof restart, .ice_restart = true};
    const kith_session_description *created;
    OK(kith_pc_create_offer(d.a, &restart, &created));
    OK(kith_pc_set_local_description(d.a, created));
    OK(set_local(d.a, KITH_SDP_ROLLBACK, NULL));
    OK(kith_pc_create_offer(d.a, &restart, &created));
    ck_assert_uint_eq(version_of(created->sdp), 2);
    duo_free(&d);
}
END_TEST

START_TEST(the_tls_id_stays)
{
    duo d = duo_agreed();
    char *before = kith_strdup(line_of(kith_pc_local_description(d.b)->sdp, "a=tls-id:"));
    negotiate(d.b, d.a);
    ck_assert_str_eq(line_of(kith_pc_local_description(d.b)->sdp, "a=tls-id:"), before);
    kith_free(before);
    duo_free(&d);
}
END_TEST

/* A call of a browser: audio 0, video 1, data 2. */
static void take_call(kith_pc *pc)
{
    char *sdp = read_sdp("firefox153-offer-av-sendrecv-data.sdp");
    OK(set_remote(pc, KITH_SDP_OFFER, sdp));
    OK(kith_pc_set_local_description(pc, NULL));
    kith_free(sdp);
}

START_TEST(sections_keep_their_places_and_mids)
{
    duo d = duo_new();
    take_call(d.a);
    kith_sdp *offer;
    const char *text = create(d.a);
    OK(kith_sdp_parse(&offer, text, strlen(text)));
    ck_assert_uint_eq(offer->media.count, 3);
    static const char *const mids[] = {"0", "1", "2"};
    for (size_t i = 0; i < 3; i++) {
        ck_assert_str_eq(offer->media.items[i]->mid, mids[i]);
        ck_assert(!kith_sdp_is_rejected(offer->media.items[i]));
    }
    ck_assert(has_line(text, "a=group:BUNDLE 0 1 2"));
    ck_assert(has_line(text, "a=setup:actpass"));
    kith_sdp_free(offer);
    duo_free(&d);
}
END_TEST

START_TEST(a_rejected_section_is_recycled_with_a_new_mid)
{
    duo d = duo_new();
    char *both = read_sdp("chromium156-offer-av-sendrecv.sdp");
    char *audio = with(both, "m=audio 9 ", "m=audio 0 ");
    char *call = with(audio, "m=video 9 ", "m=video 0 ");
    OK(set_remote(d.a, KITH_SDP_OFFER, call));
    OK(kith_pc_set_local_description(d.a, NULL));
    open_channel(d.a);
    const char *text = create(d.a);
    kith_sdp *offer;
    OK(kith_sdp_parse(&offer, text, strlen(text)));
    ck_assert_uint_eq(offer->media.count, 2);
    ck_assert_str_eq(offer->media.items[0]->kind, "application");
    ck_assert_str_eq(offer->media.items[0]->mid, "2");
    ck_assert_str_eq(offer->media.items[1]->kind, "video");
    ck_assert(kith_sdp_is_rejected(offer->media.items[1]));
    kith_sdp_free(offer);
    kith_free(both);
    kith_free(audio);
    kith_free(call);
    duo_free(&d);
}
END_TEST

START_TEST(create_offer_is_refused_where_an_offer_makes_no_sense)
{
    duo d = duo_new();
    open_channel(d.a);
    offer(d.a, d.b);
    const kith_session_description *created = NULL;
    FAILS(INVALID_STATE, kith_pc_create_offer(d.b, NULL, &created));
    OK(set_local(d.b, KITH_SDP_PRANSWER, NULL));
    FAILS(INVALID_STATE, kith_pc_create_offer(d.b, NULL, &created));
    OK(kith_pc_create_offer(d.a, NULL, &created)); /* have-local-offer */
    kith_pc_close(d.a);
    FAILS(INVALID_STATE, kith_pc_create_offer(d.a, NULL, &created));
    kith_offer_options options = {0};
    kith_pc *c = peer_new(d.ep);
    FAILS(TYPE, kith_pc_create_offer(c, &options, &created));
    struct {
        kith_offer_options options;
        char tail[8];
    } newer = {.options = {.size = sizeof newer}};
    OK(kith_pc_create_offer(c, &newer.options, &created));
    newer.tail[0] = 1;
    FAILS(NOT_SUPPORTED, kith_pc_create_offer(c, &newer.options, &created));
    options.size = offsetof(kith_offer_options, ice_restart); /* an older header's */
    OK(kith_pc_create_offer(c, &options, &created));
    for (size_t i = 0; i < sizeof options.reserved; i++) {
        options = (kith_offer_options)KITH_OFFER_OPTIONS_INIT;
        options.reserved[i] = true;
        FAILS(NOT_SUPPORTED, kith_pc_create_offer(c, &options, &created));
    }
    duo_free(&d);
}
END_TEST

START_TEST(a_channel_made_while_an_offer_is_pending_gets_a_section_in_the_next)
{
    duo d = duo_new();
    OK(kith_pc_set_local_description(d.a, NULL));
    open_channel(d.a);
    ck_assert_ptr_nonnull(strstr(create(d.a), "m=application 9"));
    negotiate(d.a, d.b);
    ck_assert_int_eq(kith_jsep_agreed_data(d.b), 0);
    duo_free(&d);
}
END_TEST

static kith_pc *bundling_peer(kith_endpoint *ep)
{
    kith_pc *pc;
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    config.bundle_policy = KITH_BUNDLE_POLICY_MAX_BUNDLE;
    OK(kith_pc_new(&pc, ep, &config));
    OK(kith_pc_add_transceiver(pc, KITH_AUDIO, NULL, NULL));
    OK(kith_pc_add_transceiver(pc, KITH_VIDEO, NULL, NULL));
    open_channel(pc);
    return pc;
}

/* RFC 9429 section 5.2.1 of bundlePolicy "max-bundle": port 0 and a=bundle-only. */
static void assert_is_bundle_only(const kith_sdp_media *m, bool is_bundle_only)
{
    ck_assert_int_eq(m->bundle_only, is_bundle_only);
    ck_assert_int_eq(m->port, is_bundle_only ? 0 : 9);
    ck_assert(m->common.ice_ufrag && m->common.ice_pwd && m->common.fingerprints.count > 0);
    ck_assert_int_eq(m->common.setup, KITH_SDP_SETUP_ACTPASS);
    ck_assert_int_eq(m->rtcp_mux, strcmp(m->kind, "application") != 0);
}

START_TEST(new_sections_of_max_bundle_are_of_use_in_the_bundle_only)
{
    duo d = duo_new();
    kith_pc *c = bundling_peer(d.ep);
    for (int time = 0; time < 2; time++) { /* the second offer while the first is pending */
        OK(kith_pc_set_local_description(c, NULL));
        kith_sdp *sdp = parse(kith_pc_local_description(c)->sdp);
        ck_assert(has_line(kith_pc_local_description(c)->sdp, "a=group:BUNDLE 0 1 2"));
        for (size_t i = 0; i < 3; i++)
            assert_is_bundle_only(sdp->media.items[i], i > 0);
        kith_sdp_free(sdp);
    }
    OK(set_remote(d.b, KITH_SDP_OFFER, kith_pc_local_description(c)->sdp));
    answer(d.b, c);
    ck_assert(kith_jsep_is_agreed(c, 1));
    ck_assert_int_eq(kith_jsep_agreed_data(c), 2);
    OK(kith_pc_add_transceiver(c, KITH_VIDEO, NULL, NULL));
    kith_sdp *sdp = parse(create(c));
    for (size_t i = 0; i < 4; i++)
        assert_is_bundle_only(sdp->media.items[i], i == 3);
    kith_sdp_free(sdp);
    duo_free(&d);
}
END_TEST

/* As a peer answers that does not know a=bundle-only (RFC 3264 section 6). */
START_TEST(a_peer_that_does_not_bundle_gets_the_first_section_of_max_bundle)
{
    duo d = duo_new();
    kith_pc *c = bundling_peer(d.ep);
    OK(kith_pc_set_local_description(c, NULL));
    char *text = kith_strdup(kith_pc_local_description(c)->sdp);
    for (char *line; (line = strstr(text, "a=bundle-only"));)
        memcpy(line, "a=other-words", strlen("a=other-words"));
    OK(set_remote(d.b, KITH_SDP_OFFER, text));
    answer(d.b, c);
    ck_assert(has_line(kith_pc_remote_description(c)->sdp, "a=group:BUNDLE 0"));
    ck_assert(kith_jsep_is_agreed(c, 0) && !kith_jsep_is_agreed(c, 1));
    ck_assert_int_eq(kith_jsep_agreed_data(c), -1);
    kith_free(text);
    duo_free(&d);
}
END_TEST

UNIT_MAIN("pc: offer", the_first_offer_has_what_jsep_asks_for,
          the_hash_of_the_certificates_signature_is_told_too,
          every_hash_has_the_fingerprints_of_all_certificates,
          an_offer_without_channels_has_no_section, session_ids_are_63_random_bits,
          the_version_grows_only_when_something_changes,
          a_version_that_was_rolled_back_is_not_used_again, the_tls_id_stays,
          sections_keep_their_places_and_mids, a_rejected_section_is_recycled_with_a_new_mid,
          create_offer_is_refused_where_an_offer_makes_no_sense,
          a_channel_made_while_an_offer_is_pending_gets_a_section_in_the_next,
          new_sections_of_max_bundle_are_of_use_in_the_bundle_only,
          a_peer_that_does_not_bundle_gets_the_first_section_of_max_bundle)
