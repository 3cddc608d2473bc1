/* getParameters and setParameters (webrtc-pc sections 5.2 and 5.3). */
#include "peers.h"

static kith_transceiver *first(const kith_pc *pc)
{
    kith_transceiver *t = kith_pc_transceiver_at(pc, 0);
    ck_assert_ptr_nonnull(t);
    return t;
}

/* a sends video to b. */
static duo duo_with_video(kith_sender **sender, kith_receiver **receiver)
{
    duo d = duo_new();
    OK(kith_pc_add_transceiver(d.a, KITH_VIDEO, NULL, NULL));
    negotiate(d.a, d.b);
    *sender = kith_transceiver_sender(first(d.a));
    *receiver = kith_transceiver_receiver(first(d.b));
    return d;
}

START_TEST(parameters_are_what_was_negotiated)
{
    kith_sender *sender;
    kith_receiver *receiver;
    duo d = duo_with_video(&sender, &receiver);
    kith_rtp_send_parameters *p = NULL;
    OK(kith_sender_get_parameters(sender, &p));
    ck_assert_uint_eq(p->codec_count, 5);
    ck_assert_str_eq(p->codecs[0].mime_type, "video/VP8");
    ck_assert_uint_eq(p->codecs[0].payload_type, 96);
    ck_assert_uint_eq(p->header_extension_count, 5);
    ck_assert_str_eq(p->header_extensions[0].uri, "urn:ietf:params:rtp-hdrext:sdes:mid");
    ck_assert_uint_eq(p->header_extensions[0].id, 1);
    ck_assert_str_eq(p->rtcp_cname, d.a->transceivers.cname);
    ck_assert(p->rtcp_reduced_size);
    ck_assert_uint_eq(p->encoding_count, 1);
    ck_assert(p->encodings[0]->active);
    const kith_rtp_receive_parameters *r = NULL;
    OK(kith_receiver_get_parameters(receiver, &r));
    ck_assert_uint_eq(r->codec_count, 5);
    ck_assert_uint_eq(r->header_extension_count, 5);
    ck_assert(r->rtcp_reduced_size);
    OK(kith_receiver_get_parameters(receiver, &r));
    duo_free(&d);
}
END_TEST

START_TEST(before_negotiation_there_is_an_encoding_and_nothing_else)
{
    duo d = duo_new();
    OK(kith_pc_add_transceiver(d.a, KITH_AUDIO, NULL, NULL));
    kith_sender *sender = kith_transceiver_sender(first(d.a));
    kith_rtp_send_parameters *p = NULL;
    OK(kith_sender_get_parameters(sender, &p));
    ck_assert_uint_eq(p->codec_count + p->header_extension_count, 0);
    ck_assert_uint_eq(p->encoding_count, 1);
    ck_assert(!p->rtcp_reduced_size);
    p->encodings[0]->active = false;
    OK(kith_sender_set_parameters(sender, p));
    OK(kith_sender_get_parameters(sender, &p));
    ck_assert(!p->encodings[0]->active);
    duo_free(&d);
}
END_TEST

/* [[LastReturnedParameters]]: once for each call of get_parameters, and not over a description. */
START_TEST(parameters_are_set_once_and_only_those_that_were_given_last)
{
    kith_sender *sender;
    kith_receiver *receiver;
    duo d = duo_with_video(&sender, &receiver);
    kith_rtp_send_parameters *p = NULL, old;
    FAILS(INVALID_STATE,
          kith_sender_set_parameters(sender, &(kith_rtp_send_parameters){.size = sizeof old}));
    OK(kith_sender_get_parameters(sender, &p));
    old = *p;
    char id[64];
    snprintf(id, sizeof id, "%s", p->transaction_id);
    old.transaction_id = id;
    OK(kith_sender_set_parameters(sender, p));
    FAILS(INVALID_STATE, kith_sender_set_parameters(sender, p));
    OK(kith_sender_get_parameters(sender, &p));
    FAILS(INVALID_MODIFICATION, kith_sender_set_parameters(sender, &old));
    OK(kith_sender_set_parameters(sender, p)); /* a failure takes nothing away */
    OK(kith_sender_get_parameters(sender, &p));
    negotiate(d.a, d.b);
    FAILS(INVALID_STATE, kith_sender_set_parameters(sender, p));
    OK(kith_sender_get_parameters(sender, &p));
    OK(kith_transceiver_stop(first(d.a)));
    FAILS(INVALID_STATE, kith_sender_set_parameters(sender, p));
    duo_free(&d);
}
END_TEST

START_TEST(what_is_read_only_cannot_be_changed)
{
    kith_sender *sender;
    kith_receiver *receiver;
    duo d = duo_with_video(&sender, &receiver);
    kith_rtp_send_parameters *p = NULL;
    OK(kith_sender_get_parameters(sender, &p));
    kith_rtp_codec codecs[8];
    memcpy(codecs, p->codecs, p->codec_count * sizeof codecs[0]);
    kith_rtp_send_parameters changed = *p;
    changed.codecs = codecs;
    OK(kith_sender_set_parameters(sender, &changed)); /* a copy of the same */
    OK(kith_sender_get_parameters(sender, &p));
    const kith_rtp_send_parameters all = *p;
    for (int what = 0; what < 8; what++) {
        kith_rtp_header_extension extension = {.uri = "urn:x", .id = all.header_extensions[0].id};
        changed = all;
        changed.codecs = codecs;
        memcpy(codecs, all.codecs, all.codec_count * sizeof codecs[0]);
        if (what == 0)
            changed.codec_count--;
        else if (what == 1)
            codecs[0].payload_type++;
        else if (what == 2)
            codecs[1].sdp_fmtp_line = NULL;
        else if (what == 3)
            changed.header_extensions = &extension;
        else if (what == 4)
            changed.rtcp_cname = "another";
        else if (what == 5)
            changed.rtcp_reduced_size = !changed.rtcp_reduced_size;
        else if (what == 6)
            changed.encoding_count = 0;
        else
            changed.codecs = NULL;
        FAILS(INVALID_MODIFICATION, kith_sender_set_parameters(sender, &changed));
    }
    changed = all;
    changed.size = 0;
    FAILS(TYPE, kith_sender_set_parameters(sender, &changed));
    p->encodings[0]->size = 0;
    FAILS(TYPE, kith_sender_set_parameters(sender, p));
    p->encodings[0]->size = sizeof *p->encodings[0];
    p->encodings[0]->reserved[6] = true;
    FAILS(NOT_SUPPORTED, kith_sender_set_parameters(sender, p));
    p->encodings[0]->reserved[6] = false;
    OK(kith_sender_set_parameters(sender, p));
    duo_free(&d);
}
END_TEST

UNIT_MAIN("pc: parameters", parameters_are_what_was_negotiated,
          before_negotiation_there_is_an_encoding_and_nothing_else,
          parameters_are_set_once_and_only_those_that_were_given_last,
          what_is_read_only_cannot_be_changed)
