/* Transceivers without packets: which section is whose, what is told, and what a rollback leaves
 * (webrtc-pc sections 4.4.1.5, 4.7.3, 5.1 and 5.4, RFC 9429 section 5.10). */
#include "peers.h"

static kith_transceiver *add(kith_pc *pc, kith_media_kind kind)
{
    kith_transceiver *t = NULL;
    OK(kith_pc_add_transceiver(pc, kind, NULL, &t));
    return t;
}

static kith_transceiver *at(const kith_pc *pc, size_t index)
{
    kith_transceiver *t = kith_pc_transceiver_at(pc, index);
    ck_assert_ptr_nonnull(t);
    return t;
}

START_TEST(an_offer_makes_a_transceiver_that_receives)
{
    duo d = duo_new();
    kith_transceiver *audio = add(d.a, KITH_AUDIO), *video = add(d.a, KITH_VIDEO);
    ck_assert_ptr_null(kith_transceiver_mid(audio));
    ck_assert(kith_pc_negotiation_needed(d.a));
    offer(d.a, d.b);
    ck_assert_str_eq(kith_transceiver_mid(video), "1");
    ck_assert_uint_eq(kith_pc_transceiver_count(d.b), 2);
    ck_assert_int_eq(kith_transceiver_kind(at(d.b, 1)), KITH_VIDEO);
    ck_assert_int_eq(kith_transceiver_direction(at(d.b, 1)), KITH_DIRECTION_RECVONLY);
    ck_assert_str_eq(kith_transceiver_mid(at(d.b, 1)), "1");
    ck_assert_int_eq(kith_transceiver_current_direction(at(d.b, 1)), KITH_DIRECTION_NONE);
    ck_assert_int_eq(take_events(d.b, KITH_EV_TRACK), 2);
    answer(d.b, d.a);
    ck_assert_int_eq(kith_transceiver_current_direction(at(d.b, 0)), KITH_DIRECTION_RECVONLY);
    ck_assert_int_eq(kith_transceiver_current_direction(audio), KITH_DIRECTION_SENDONLY);
    ck_assert_int_eq(take_events(d.a, KITH_EV_TRACK), 0);
    ck_assert_int_eq(take_events(d.b, KITH_EV_TRACK), 0);
    ck_assert(!kith_pc_negotiation_needed(d.a) && !kith_pc_negotiation_needed(d.b));
    ck_assert_str_eq(kith_receiver_track_id(kith_transceiver_receiver(at(d.b, 0))),
                     kith_sender_track_id(kith_transceiver_sender(audio)));
    ck_assert_ptr_null(kith_receiver_stream_at(kith_transceiver_receiver(at(d.b, 0)), 0));
    duo_free(&d);
}
END_TEST

/* RFC 9429 section 5.10: that of addTrack, of the same kind, and where the peer would receive. */
START_TEST(a_section_takes_the_transceiver_of_add_track_and_of_nobody_else)
{
    duo d = duo_new();
    kith_sender *camera = NULL;
    kith_transceiver *own = add(d.b, KITH_VIDEO);
    OK(kith_pc_add_track(d.b, KITH_VIDEO, "camera", (const char *[]){"home"}, 1, &camera));
    kith_transceiver *video = kith_sender_transceiver(camera);
    ck_assert_ptr_ne(video, own);
    add(d.a, KITH_AUDIO);
    kith_transceiver_init init = KITH_TRANSCEIVER_INIT;
    init.direction = KITH_DIRECTION_SENDONLY;
    OK(kith_pc_add_transceiver(d.a, KITH_VIDEO, &init, NULL));
    add(d.a, KITH_VIDEO);
    negotiate(d.a, d.b);
    ck_assert_ptr_null(kith_transceiver_mid(own));
    ck_assert_str_eq(kith_transceiver_mid(video), "2");
    ck_assert_int_eq(kith_transceiver_current_direction(video), KITH_DIRECTION_SENDRECV);
    ck_assert_uint_eq(kith_pc_transceiver_count(d.b), 4);
    ck_assert_str_eq(kith_receiver_track_id(kith_transceiver_receiver(at(d.a, 2))), "camera");
    ck_assert_str_eq(kith_receiver_stream_at(kith_transceiver_receiver(at(d.a, 2)), 0), "home");
    ck_assert(kith_pc_negotiation_needed(d.b)); /* for its own one */
    negotiate(d.b, d.a);
    ck_assert_str_eq(kith_transceiver_mid(own), "3");
    ck_assert(!kith_pc_negotiation_needed(d.b));
    duo_free(&d);
}
END_TEST

START_TEST(add_track_takes_what_an_offer_made)
{
    duo d = duo_new();
    add(d.a, KITH_AUDIO);
    offer(d.a, d.b);
    kith_sender *sender = NULL;
    OK(kith_pc_add_track(d.b, KITH_AUDIO, "voice", NULL, 0, &sender));
    ck_assert_ptr_eq(kith_sender_transceiver(sender), at(d.b, 0));
    FAILS(INVALID_ACCESS, kith_pc_add_track(d.b, KITH_AUDIO, "voice", NULL, 0, &sender));
    answer(d.b, d.a);
    ck_assert_int_eq(kith_transceiver_current_direction(at(d.b, 0)), KITH_DIRECTION_SENDRECV);
    ck_assert_int_eq(take_events(d.a, KITH_EV_TRACK), 1);

    OK(kith_pc_remove_track(d.b, sender));
    ck_assert_ptr_null(kith_sender_track_id(sender));
    ck_assert(kith_pc_negotiation_needed(d.b));
    negotiate(d.b, d.a);
    ck_assert_int_eq(kith_transceiver_current_direction(at(d.b, 0)), KITH_DIRECTION_RECVONLY);
    OK(kith_pc_add_track(d.b, KITH_AUDIO, "voice", NULL, 0, &sender)); /* it has sent: another */
    ck_assert_uint_eq(kith_pc_transceiver_count(d.b), 2);
    duo_free(&d);
}
END_TEST

START_TEST(a_rollback_leaves_what_was_there_before)
{
    duo d = duo_new();
    kith_transceiver *audio = add(d.a, KITH_AUDIO);
    offer(d.a, d.b);
    ck_assert_int_eq(take_events(d.b, KITH_EV_TRACK), 1);
    OK(set_remote(d.b, KITH_SDP_ROLLBACK, NULL));
    ck_assert_uint_eq(kith_pc_transceiver_count(d.b), 0);
    ck_assert_int_eq(take_events(d.b, KITH_EV_TRACK_ENDED), 1);
    ck_assert_uint_eq(d.b->transceivers.count, 0);
    OK(set_local(d.a, KITH_SDP_ROLLBACK, NULL));
    ck_assert_ptr_null(kith_transceiver_mid(audio));
    ck_assert(kith_pc_negotiation_needed(d.a));

    /* What addTrack took stays, without a section (webrtc-pc section 4.4.1.5). */
    offer(d.a, d.b);
    kith_sender *sender = NULL;
    OK(kith_pc_add_track(d.b, KITH_AUDIO, NULL, NULL, 0, &sender));
    OK(set_remote(d.b, KITH_SDP_ROLLBACK, NULL));
    ck_assert_uint_eq(kith_pc_transceiver_count(d.b), 1);
    ck_assert_ptr_null(kith_transceiver_mid(kith_sender_transceiver(sender)));
    ck_assert_int_eq(take_events(d.b, KITH_EV_TRACK_ENDED), 0);

    /* The polite side's offer gives way and its transceiver takes the section of the other's. */
    OK(kith_pc_set_local_description(d.b, NULL));
    OK(set_remote(d.b, KITH_SDP_OFFER, kith_pc_local_description(d.a)->sdp));
    ck_assert_str_eq(kith_transceiver_mid(kith_sender_transceiver(sender)), "0");
    answer(d.b, d.a);
    ck_assert_int_eq(kith_transceiver_current_direction(audio), KITH_DIRECTION_SENDRECV);
    ck_assert_uint_eq(kith_pc_transceiver_count(d.b), 1);
    duo_free(&d);
}
END_TEST

START_TEST(a_stopped_transceiver_leaves_its_section_to_another)
{
    duo d = duo_new();
    kith_transceiver *audio = add(d.a, KITH_AUDIO);
    add(d.a, KITH_VIDEO);
    negotiate(d.a, d.b);
    take_events(d.a, KITH_EV_TRACK);
    OK(kith_transceiver_stop(audio));
    ck_assert_int_eq(kith_transceiver_direction(audio), KITH_DIRECTION_STOPPED);
    FAILS(INVALID_STATE, kith_transceiver_set_direction(audio, KITH_DIRECTION_SENDONLY));
    ck_assert(kith_pc_negotiation_needed(d.a));
    negotiate(d.a, d.b);
    ck_assert(strstr(kith_pc_local_description(d.a)->sdp, "m=audio 0 "));
    ck_assert(has_line(kith_pc_local_description(d.b)->sdp, "a=group:BUNDLE 1"));
    ck_assert_uint_eq(kith_pc_transceiver_count(d.a), 1);
    ck_assert_uint_eq(kith_pc_transceiver_count(d.b), 1);
    ck_assert_int_eq(take_events(d.a, KITH_EV_TRACK_ENDED), 1);
    ck_assert_int_eq(take_events(d.b, KITH_EV_TRACK_ENDED), 1);
    ck_assert(!kith_pc_negotiation_needed(d.a));

    kith_transceiver *second = add(d.b, KITH_VIDEO);
    negotiate(d.b, d.a);
    ck_assert_str_eq(kith_transceiver_mid(second), "2");
    ck_assert_uint_eq(d.b->jsep.current_local->sdp->media.count, 2);
    ck_assert_str_eq(d.b->jsep.current_local->sdp->media.items[0]->kind, "video");

    /* The peer is to reject it first: what is added in the same offer has another place. */
    OK(kith_transceiver_stop(second));
    kith_transceiver *third = add(d.b, KITH_VIDEO);
    negotiate(d.b, d.a);
    ck_assert_uint_eq(d.b->jsep.current_local->sdp->media.count, 3);
    ck_assert(strstr(kith_pc_local_description(d.b)->sdp, "m=video 0 "));
    ck_assert_int_eq(third->section, 2);
    duo_free(&d);
}
END_TEST

START_TEST(one_that_nobody_was_told_of_is_stopped_at_once)
{
    duo d = duo_new();
    kith_transceiver *audio = add(d.a, KITH_AUDIO);
    OK(kith_transceiver_stop(audio));
    OK(kith_transceiver_stop(audio));
    ck_assert_uint_eq(kith_pc_transceiver_count(d.a), 0);
    ck_assert(!kith_pc_negotiation_needed(d.a));
    ck_assert_int_eq(take_events(d.a, KITH_EV_TRACK_ENDED), 1);

    /* One that a created offer has a section for is known to it when the offer is set. */
    const kith_session_description *created = NULL;
    audio = add(d.a, KITH_AUDIO);
    OK(kith_pc_create_offer(d.a, NULL, &created));
    OK(kith_transceiver_stop(audio));
    OK(kith_pc_set_local_description(d.a, created));
    OK(set_remote(d.b, KITH_SDP_OFFER, kith_pc_local_description(d.a)->sdp));
    answer(d.b, d.a);
    ck_assert(kith_pc_negotiation_needed(d.a));
    negotiate(d.a, d.b);
    ck_assert_uint_eq(kith_pc_transceiver_count(d.a), 0);
    ck_assert_uint_eq(kith_pc_transceiver_count(d.b), 0);
    ck_assert(!kith_pc_negotiation_needed(d.a));
    duo_free(&d);
}
END_TEST

START_TEST(a_peer_that_rejects_a_section_stops_its_transceiver)
{
    duo d = duo_new();
    add(d.a, KITH_VIDEO);
    open_channel(d.a);
    offer(d.a, d.b);
    OK(kith_pc_set_local_description(d.b, NULL));
    char *rejects = with(kith_pc_local_description(d.b)->sdp, "m=video 9", "m=video 0");
    char *answered = with(rejects, "BUNDLE 0 1", "BUNDLE 1");
    OK(set_remote(d.a, KITH_SDP_ANSWER, answered));
    ck_assert_uint_eq(kith_pc_transceiver_count(d.a), 0);
    ck_assert_int_eq(take_events(d.a, KITH_EV_TRACK_ENDED), 1);
    ck_assert(!kith_pc_negotiation_needed(d.a));
    kith_free(rejects);
    kith_free(answered);
    duo_free(&d);
}
END_TEST

/* webrtc-pc section 4.7.3: until both sides have what the direction asks for. */
START_TEST(a_direction_counts_from_the_next_negotiation_on)
{
    duo d = duo_new();
    kith_transceiver *audio = add(d.a, KITH_AUDIO);
    negotiate(d.a, d.b);
    OK(kith_transceiver_set_direction(audio, KITH_DIRECTION_INACTIVE));
    ck_assert(kith_pc_negotiation_needed(d.a));
    OK(kith_transceiver_set_direction(audio, KITH_DIRECTION_SENDRECV));
    ck_assert(!kith_pc_negotiation_needed(d.a));
    take_events(d.a, KITH_EV_TRACK);
    OK(kith_transceiver_set_direction(at(d.b, 0), KITH_DIRECTION_SENDRECV));
    ck_assert(kith_pc_negotiation_needed(d.b));
    ck_assert_int_eq(kith_transceiver_current_direction(at(d.b, 0)), KITH_DIRECTION_RECVONLY);
    negotiate(d.b, d.a);
    ck_assert_int_eq(kith_transceiver_current_direction(at(d.b, 0)), KITH_DIRECTION_SENDRECV);
    ck_assert_int_eq(take_events(d.a, KITH_EV_TRACK), 1);
    OK(kith_transceiver_set_direction(audio, KITH_DIRECTION_SENDONLY));
    negotiate(d.a, d.b);
    ck_assert_int_eq(kith_transceiver_current_direction(at(d.b, 0)), KITH_DIRECTION_RECVONLY);
    FAILS(TYPE, kith_transceiver_set_direction(audio, KITH_DIRECTION_STOPPED));
    duo_free(&d);
}
END_TEST

/* A provisional answer has its directions, too, and ends nothing. */
START_TEST(a_provisional_answer_counts)
{
    duo d = duo_new();
    kith_transceiver *audio = add(d.a, KITH_AUDIO);
    offer(d.a, d.b);
    OK(set_local(d.b, KITH_SDP_PRANSWER, NULL));
    OK(set_remote(d.a, KITH_SDP_PRANSWER, kith_pc_local_description(d.b)->sdp));
    ck_assert_int_eq(kith_transceiver_current_direction(audio), KITH_DIRECTION_SENDONLY);
    answer(d.b, d.a);
    ck_assert_int_eq(kith_transceiver_current_direction(audio), KITH_DIRECTION_SENDONLY);
    duo_free(&d);
}
END_TEST

START_TEST(what_cannot_be_is_refused_and_changes_nothing)
{
    duo d = duo_new();
    kith_transceiver_init init = KITH_TRANSCEIVER_INIT;
    FAILS(TYPE, kith_pc_add_transceiver(d.a, (kith_media_kind)7, NULL, NULL));
    init.direction = KITH_DIRECTION_STOPPED;
    FAILS(TYPE, kith_pc_add_transceiver(d.a, KITH_AUDIO, &init, NULL));
    init.direction = KITH_DIRECTION_SENDRECV;
    init.track_id = "two words";
    FAILS(TYPE, kith_pc_add_transceiver(d.a, KITH_AUDIO, &init, NULL));
    FAILS(TYPE, kith_pc_add_track(d.a, KITH_AUDIO, "", NULL, 0, NULL));
    FAILS(TYPE, kith_pc_add_track(d.a, KITH_AUDIO, NULL, NULL, 1, NULL));
    FAILS(TYPE, kith_pc_add_track(d.a, KITH_AUDIO, NULL, (const char *[]){"a\nb"}, 1, NULL));
    init.size = 0;
    FAILS(TYPE, kith_pc_add_transceiver(d.a, KITH_AUDIO, &init, NULL));
    ck_assert_uint_eq(d.a->transceivers.count, 0);
    ck_assert(!kith_pc_negotiation_needed(d.a));
    for (unsigned i = 0; i < KITH_TRANSCEIVERS_MAX; i++)
        add(d.a, KITH_AUDIO);
    FAILS(RANGE, kith_pc_add_transceiver(d.a, KITH_AUDIO, NULL, NULL));
    kith_transceiver *other = add(d.b, KITH_AUDIO);
    FAILS(INVALID_ACCESS, kith_pc_remove_track(d.a, kith_transceiver_sender(other)));
    const kith_rtp packet = KITH_RTP_INIT;
    FAILS(AGAIN, kith_sender_send_rtp(kith_transceiver_sender(other), &packet));
    kith_pc_close(d.b);
    ck_assert_int_eq(kith_transceiver_current_direction(other), KITH_DIRECTION_STOPPED);
    FAILS(INVALID_STATE, kith_pc_add_transceiver(d.b, KITH_AUDIO, NULL, NULL));
    FAILS(INVALID_STATE, kith_transceiver_stop(other));
    FAILS(INVALID_STATE, kith_sender_send_rtp(kith_transceiver_sender(other), &packet));
    kith_receiver_request_key_frame(kith_transceiver_receiver(other));
    duo_free(&d);
}
END_TEST

/* A peer that makes sections for ever does not fill our memory: those above have no transceiver. */
START_TEST(a_peer_fills_no_memory_with_transceivers)
{
    duo d = duo_new();
    add(d.a, KITH_VIDEO);
    for (int i = 0; i < 3 * KITH_TRANSCEIVERS_MAX; i++) {
        offer(d.a, d.b);
        OK(set_remote(d.b, KITH_SDP_ROLLBACK, NULL)); /* whose end nobody asks for */
        OK(set_local(d.a, KITH_SDP_ROLLBACK, NULL));
    }
    ck_assert_uint_eq(d.b->transceivers.count, KITH_TRANSCEIVERS_MAX);
    offer(d.a, d.b);
    answer(d.b, d.a);
    ck_assert_uint_eq(kith_pc_transceiver_count(d.b), 0);
    ck_assert_int_eq(take_events(d.b, KITH_EV_TRACK_ENDED), KITH_TRANSCEIVERS_MAX);
    ck_assert_uint_eq(d.b->transceivers.count, 0);
    duo_free(&d);
}
END_TEST

/* webrtc-pc section 5.2: no negotiation, and the peer's track is the same one. */
START_TEST(a_track_is_replaced_without_negotiation)
{
    duo d = duo_new();
    kith_sender *sender = NULL;
    OK(kith_pc_add_track(d.a, KITH_VIDEO, "front", NULL, 0, &sender));
    negotiate(d.a, d.b);
    OK(kith_sender_replace_track(sender, "back"));
    ck_assert_str_eq(kith_sender_track_id(sender), "back");
    ck_assert(!kith_pc_negotiation_needed(d.a));
    negotiate(d.a, d.b);
    kith_receiver *receiver = kith_transceiver_receiver(at(d.b, 0));
    ck_assert_str_eq(kith_receiver_track_id(receiver), "front");
    OK(kith_sender_replace_track(sender, NULL));
    ck_assert_ptr_null(kith_sender_track_id(sender));
    ck_assert(!kith_pc_negotiation_needed(d.a));
    ck_assert_int_eq(kith_transceiver_direction(at(d.a, 0)), KITH_DIRECTION_SENDRECV);

    OK(kith_pc_add_track(d.a, KITH_AUDIO, "voice", NULL, 0, NULL));
    FAILS(TYPE, kith_sender_replace_track(sender, "voice")); /* of the other kind */
    FAILS(TYPE, kith_sender_replace_track(sender, "two words"));
    OK(kith_sender_replace_track(sender, "front"));
    OK(kith_transceiver_stop(at(d.a, 0)));
    FAILS(INVALID_STATE, kith_sender_replace_track(sender, NULL));
    ck_assert_str_eq(kith_sender_track_id(sender), "front");
    kith_pc_close(d.a);
    FAILS(INVALID_STATE, kith_sender_replace_track(sender, NULL));
    duo_free(&d);
}
END_TEST

static void assert_streams(kith_pc *pc, const char *first, const char *second)
{
    const kith_receiver *receiver = kith_transceiver_receiver(at(pc, 0));
    const char *const wanted[] = {first, second, NULL};
    for (size_t i = 0; i < 3; i++)
        ck_assert_pstr_eq(kith_receiver_stream_at(receiver, i), wanted[i]);
}

/* webrtc-pc section 5.2, and 4.7.3 step 5.3.2: a set, whose change needs negotiation while the
 * sender sends. */
START_TEST(streams_are_a_set_and_count_from_the_next_negotiation_on)
{
    static const char *const one[] = {"desk"}, *const two[] = {"desk", "door", "desk"},
                             *const turned[] = {"door", "desk"},
                             *const bad[] = {"door", "two words"};
    duo d = duo_new();
    kith_sender *sender = NULL;
    OK(kith_pc_add_track(d.a, KITH_VIDEO, "front", one, 1, &sender));
    negotiate(d.a, d.b);
    assert_streams(d.b, "desk", NULL);
    OK(kith_sender_set_streams(sender, one, 1));
    ck_assert(!kith_pc_negotiation_needed(d.a));
    OK(kith_sender_set_streams(sender, two, 3));
    ck_assert(kith_pc_negotiation_needed(d.a));
    assert_streams(d.b, "desk", NULL);
    negotiate(d.a, d.b);
    assert_streams(d.b, "desk", "door");
    ck_assert_str_eq(kith_receiver_track_id(kith_transceiver_receiver(at(d.b, 0))), "front");
    OK(kith_sender_set_streams(sender, turned, 2));
    ck_assert(!kith_pc_negotiation_needed(d.a));
    FAILS(TYPE, kith_sender_set_streams(sender, bad, 2));
    FAILS(TYPE, kith_sender_set_streams(sender, NULL, 1));
    ck_assert(!kith_pc_negotiation_needed(d.a));
    OK(kith_sender_set_streams(sender, NULL, 0));
    ck_assert(kith_pc_negotiation_needed(d.a));
    negotiate(d.a, d.b);
    assert_streams(d.b, NULL, NULL);

    OK(kith_transceiver_set_direction(at(d.a, 0), KITH_DIRECTION_RECVONLY));
    negotiate(d.a, d.b);
    OK(kith_sender_set_streams(sender, one, 1));
    ck_assert(!kith_pc_negotiation_needed(d.a)); /* it does not send */
    kith_pc_close(d.a);
    FAILS(INVALID_STATE, kith_sender_set_streams(sender, two, 3));
    duo_free(&d);
}
END_TEST

/* webrtc-pc section 5.4.1.2, setCodecPreferences. */
START_TEST(codec_preferences_are_capabilities_as_they_are)
{
    duo d = duo_new();
    kith_transceiver *audio = add(d.a, KITH_AUDIO);
    kith_rtp_codec opus = *kith_rtp_capability_at(KITH_AUDIO, 0), changed = opus;
    FAILS(INVALID_MODIFICATION,
          kith_transceiver_set_codec_preferences(audio, kith_rtp_capability_at(KITH_VIDEO, 0), 1));
    changed.sdp_fmtp_line = NULL;
    FAILS(INVALID_MODIFICATION, kith_transceiver_set_codec_preferences(audio, &changed, 1));
    changed = opus;
    changed.clock_rate = 16000;
    FAILS(INVALID_MODIFICATION, kith_transceiver_set_codec_preferences(audio, &changed, 1));
    changed.mime_type = NULL;
    FAILS(INVALID_MODIFICATION, kith_transceiver_set_codec_preferences(audio, &changed, 1));
    FAILS(TYPE, kith_transceiver_set_codec_preferences(audio, NULL, 1));
    changed = opus;
    changed.mime_type = "AUDIO/OPUS";
    const kith_rtp_codec twice[] = {opus, changed};
    OK(kith_transceiver_set_codec_preferences(audio, twice, 2));
    offer(d.a, d.b);
    ck_assert(strstr(kith_pc_local_description(d.a)->sdp, "m=audio 9 UDP/TLS/RTP/SAVPF 96\r\n"));
    OK(kith_transceiver_stop(audio));
    FAILS(INVALID_STATE, kith_transceiver_set_codec_preferences(audio, NULL, 0));
    duo_free(&d);
}
END_TEST

/* RFC 9429 sections 5.2.1, 5.2.2 and 5.3.1. */
START_TEST(codec_preferences_reach_offers_and_answers)
{
    duo d = duo_new();
    kith_transceiver *audio = add(d.a, KITH_AUDIO);
    const kith_rtp_codec pcma_opus[] = {*kith_rtp_capability_at(KITH_AUDIO, 2),
                                        *kith_rtp_capability_at(KITH_AUDIO, 0)};
    OK(kith_transceiver_set_codec_preferences(audio, pcma_opus, 2));
    negotiate(d.a, d.b);
    ck_assert(strstr(kith_pc_local_description(d.a)->sdp, "SAVPF 8 96\r\n"));
    ck_assert(strstr(kith_pc_local_description(d.b)->sdp, "SAVPF 8 96\r\n"));
    ck_assert_uint_eq(audio->sender.codecs.count, 2);

    OK(kith_transceiver_set_codec_preferences(audio, NULL, 0)); /* all again: new ones last */
    negotiate(d.a, d.b);
    ck_assert(strstr(kith_pc_local_description(d.a)->sdp, "SAVPF 8 96 0\r\n"));

    OK(kith_transceiver_set_codec_preferences(at(d.b, 0), &pcma_opus[1], 1));
    negotiate(d.a, d.b);
    ck_assert(strstr(kith_pc_local_description(d.b)->sdp, "SAVPF 96\r\n"));
    ck_assert_uint_eq(audio->sender.codecs.count, 1);
    ck_assert_str_eq(audio->sender.codecs.items[0].codec.mime_type, "audio/opus");
    /* The offer had more: what the answer left out is not sent, but may come. */
    ck_assert_uint_eq(audio->receiver.codecs.count, 3);
    ck_assert_uint_eq(at(d.b, 0)->sender.codecs.count, 1);
    ck_assert_str_eq(at(d.b, 0)->sender.codecs.items[0].codec.mime_type, "audio/opus");
    duo_free(&d);
}
END_TEST

/* RFC 9429 section 5.3.1. */
START_TEST(what_is_stopped_between_offer_and_answer_is_rejected_by_the_answer)
{
    duo d = duo_new();
    add(d.a, KITH_AUDIO);
    add(d.a, KITH_VIDEO);
    offer(d.a, d.b);
    OK(kith_transceiver_stop(at(d.b, 1)));
    answer(d.b, d.a);
    ck_assert(strstr(kith_pc_local_description(d.b)->sdp, "m=video 0 "));
    ck_assert(has_line(kith_pc_local_description(d.b)->sdp, "a=group:BUNDLE 0"));
    ck_assert_uint_eq(kith_pc_transceiver_count(d.a), 1);
    ck_assert_uint_eq(kith_pc_transceiver_count(d.b), 1);
    ck_assert(!kith_pc_negotiation_needed(d.a) && !kith_pc_negotiation_needed(d.b));

    /* The one that says the transport of all goes by the next offer (RFC 9143 section 7.3.3). */
    offer(d.a, d.b);
    OK(kith_transceiver_stop(at(d.b, 0)));
    answer(d.b, d.a);
    ck_assert(strstr(kith_pc_local_description(d.b)->sdp, "m=audio 9 "));
    ck_assert(has_line(kith_pc_local_description(d.b)->sdp, "a=inactive"));
    ck_assert(kith_pc_negotiation_needed(d.b));
    negotiate(d.b, d.a);
    ck_assert_uint_eq(kith_pc_transceiver_count(d.a), 0);
    ck_assert_uint_eq(kith_pc_transceiver_count(d.b), 0);
    duo_free(&d);
}
END_TEST

START_TEST(what_the_offerer_stops_meanwhile_is_rejected_by_its_next_offer)
{
    duo d = duo_new();
    add(d.a, KITH_AUDIO);
    kith_transceiver *video = add(d.a, KITH_VIDEO);
    offer(d.a, d.b);
    OK(kith_transceiver_stop(video));
    answer(d.b, d.a);
    ck_assert_int_eq(kith_transceiver_current_direction(video), KITH_DIRECTION_NONE);
    ck_assert(kith_pc_negotiation_needed(d.a));
    negotiate(d.a, d.b);
    ck_assert(strstr(kith_pc_local_description(d.a)->sdp, "m=video 0 "));
    ck_assert_uint_eq(kith_pc_transceiver_count(d.a), 1);
    ck_assert_uint_eq(kith_pc_transceiver_count(d.b), 1);
    duo_free(&d);
}
END_TEST

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* RFC 3711 section 9.1: none is sent with again. Of so many that were each drawn for itself five
 * would be there already. */
START_TEST(no_ssrc_is_drawn_twice)
{
    enum { COUNT = 200000 };
    uint32_t *drawn = malloc(COUNT * sizeof *drawn);
    ck_assert_ptr_nonnull(drawn);
    duo d = duo_new();
    for (size_t i = 0; i < COUNT; i += 2) {
        kith_transceiver *t = add(d.a, KITH_VIDEO);
        drawn[i] = t->sender.ssrc;
        drawn[i + 1] = t->sender.rtx_ssrc;
        OK(kith_transceiver_stop(t));
        take_events(d.a, KITH_EV_TRACK_ENDED);
    }
    qsort(drawn, COUNT, sizeof *drawn, compare);
    for (size_t i = 1; i < COUNT; i++)
        ck_assert_uint_ne(drawn[i], drawn[i - 1]);
    ck_assert_uint_ne(drawn[0], 0);
    free(drawn);
    duo_free(&d);
}
END_TEST

/* RFC 3550 section 8.2: nobody was told of ours. */
START_TEST(an_ssrc_that_an_offer_names_is_not_ours)
{
    duo d = duo_new();
    add(d.a, KITH_AUDIO);
    kith_sender *sender = NULL;
    OK(kith_pc_add_track(d.b, KITH_AUDIO, NULL, NULL, 0, &sender));
    OK(kith_pc_set_local_description(d.a, NULL));
    char theirs[32], ours[32];
    snprintf(theirs, sizeof theirs, "a=ssrc:%u ", at(d.a, 0)->sender.ssrc);
    snprintf(ours, sizeof ours, "a=ssrc:%u ", sender->ssrc);
    char *text = with(kith_pc_local_description(d.a)->sdp, theirs, ours);
    OK(set_remote(d.b, KITH_SDP_OFFER, text));
    OK(kith_pc_set_local_description(d.b, NULL));
    ck_assert_ptr_null(strstr(kith_pc_local_description(d.b)->sdp, ours));
    ck_assert_ptr_nonnull(strstr(kith_pc_local_description(d.b)->sdp, "a=ssrc:"));
    ck_assert(!kith_pc_negotiation_needed(d.b));
    kith_free(text);
    duo_free(&d);
}
END_TEST

UNIT_MAIN("pc: transceivers", an_offer_makes_a_transceiver_that_receives,
          a_section_takes_the_transceiver_of_add_track_and_of_nobody_else,
          add_track_takes_what_an_offer_made, a_rollback_leaves_what_was_there_before,
          a_stopped_transceiver_leaves_its_section_to_another,
          one_that_nobody_was_told_of_is_stopped_at_once,
          a_peer_that_rejects_a_section_stops_its_transceiver,
          a_direction_counts_from_the_next_negotiation_on, a_provisional_answer_counts,
          what_cannot_be_is_refused_and_changes_nothing, a_track_is_replaced_without_negotiation,
          streams_are_a_set_and_count_from_the_next_negotiation_on,
          codec_preferences_are_capabilities_as_they_are,
          codec_preferences_reach_offers_and_answers,
          what_is_stopped_between_offer_and_answer_is_rejected_by_the_answer,
          what_the_offerer_stops_meanwhile_is_rejected_by_its_next_offer, no_ssrc_is_drawn_twice,
          an_ssrc_that_an_offer_names_is_not_ours, a_peer_fills_no_memory_with_transceivers)
