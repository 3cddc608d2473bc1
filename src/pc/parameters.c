/* RTCRtpSender.getParameters and setParameters, RTCRtpReceiver.getParameters (webrtc-pc sections
 * 5.2 and 5.3). What was negotiated is described anew for each question; only what the encodings
 * say is a state, which the sender has. */
#include <string.h>

#include "base/config.h"
#include "base/error.h"
#include "base/memory.h"
#include "crypto/random.h"
#include "pc/pc.h"
#include "pc/transceivers.h"

/* webrtc-pc section 5.2.4: unique among those of this sender; 6 bits in a character. */
#define TRANSACTION_ID 16

/* What both directions know. */
typedef struct negotiated {
    kith_rtp_header_extension extensions[KITH_RTP_EXTENSION_COUNT];
    size_t extension_count;
    kith_rtp_codec codecs[KITH_CODEC_MAX_USES];
    size_t codec_count;
} negotiated;

struct kith_returned_parameters {
    kith_rtp_send_parameters send;
    kith_rtp_receive_parameters receive;
    kith_rtp_encoding encoding;
    kith_rtp_encoding *encodings[1];
    char transaction_id[TRANSACTION_ID + 1];
    negotiated negotiated;
};

static void describe(negotiated *out, const kith_negotiated_list *codecs,
                     const uint8_t extensions[KITH_RTP_EXTENSION_COUNT])
{
    *out = (negotiated){.codec_count = codecs->count};
    for (size_t i = 0; i < codecs->count; i++)
        out->codecs[i] = codecs->items[i].codec;
    for (kith_rtp_extension_kind kind = 0; kind < KITH_RTP_EXTENSION_COUNT; kind++)
        if (extensions[kind] > 0)
            out->extensions[out->extension_count++] = (kith_rtp_header_extension){
                .uri = kith_rtp_extension_uri(kind), .id = extensions[kind]};
}

static kith_err make(kith_returned_parameters **returned)
{
    if (!*returned)
        *returned = kith_alloc_zero(1, sizeof **returned);
    return *returned ? KITH_OK : kith_fail_memory();
}

/* ---- senders ---- */

/* All but the encodings, which are the program's to change. */
static void describe_sender(const kith_sender *sender, negotiated *n, kith_rtp_send_parameters *out)
{
    const kith_transceiver *t = sender->transceiver;
    describe(n, &sender->codecs, t->receiver.extensions);
    *out = (kith_rtp_send_parameters){
        .size = sizeof *out,
        .header_extensions = n->extensions,
        .header_extension_count = n->extension_count,
        .codecs = n->codecs,
        .codec_count = n->codec_count,
        .encoding_count = 1,
        .rtcp_cname = t->pc->transceivers.cname,
        .rtcp_reduced_size = t->is_reduced_size,
    };
}

kith_err kith_sender_get_parameters(kith_sender *sender, kith_rtp_send_parameters **out)
{
    kith_err err = make(&sender->returned_parameters);
    if (err != KITH_OK)
        return err;
    kith_returned_parameters *returned = sender->returned_parameters;
    describe_sender(sender, &returned->negotiated, &returned->send);
    returned->encoding = (kith_rtp_encoding){.size = sizeof returned->encoding,
                                             .active = sender->is_active,
                                             .max_bitrate = sender->max_bitrate};
    returned->encodings[0] = &returned->encoding;
    returned->send.encodings = returned->encodings;
    kith_random_text(returned->transaction_id, TRANSACTION_ID);
    returned->send.transaction_id = returned->transaction_id;
    sender->has_returned_parameters = true;
    *out = &returned->send;
    return KITH_OK;
}

static bool is_same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_same_codec(const kith_rtp_codec *a, const kith_rtp_codec *b)
{
    return is_same_text(a->mime_type, b->mime_type) && a->clock_rate == b->clock_rate &&
           a->channels == b->channels && a->payload_type == b->payload_type &&
           is_same_text(a->sdp_fmtp_line, b->sdp_fmtp_line);
}

/* webrtc-pc section 5.2, setParameters, step 6: all of it is read-only. */
static bool is_unchanged(const kith_rtp_send_parameters *is, const kith_rtp_send_parameters *was)
{
    if (is->codec_count != was->codec_count ||
        is->header_extension_count != was->header_extension_count ||
        is->encoding_count != was->encoding_count || !is->encodings || !is->encodings[0] ||
        (is->codec_count > 0 && !is->codecs) ||
        (is->header_extension_count > 0 && !is->header_extensions))
        return false;
    for (size_t i = 0; i < was->codec_count; i++)
        if (!is_same_codec(&is->codecs[i], &was->codecs[i]))
            return false;
    for (size_t i = 0; i < was->header_extension_count; i++)
        if (is->header_extensions[i].id != was->header_extensions[i].id ||
            !is_same_text(is->header_extensions[i].uri, was->header_extensions[i].uri))
            return false;
    return is_same_text(is->transaction_id, was->transaction_id) &&
           is_same_text(is->rtcp_cname, was->rtcp_cname) &&
           is->rtcp_reduced_size == was->rtcp_reduced_size;
}

static kith_err check_state(const kith_sender *sender)
{
    const kith_transceiver *t = sender->transceiver;
    if (t->pc->closed || t->is_stopping)
        return kith_fail(KITH_ERR_INVALID_STATE, "set_parameters: the transceiver was stopped");
    if (!sender->has_returned_parameters)
        return kith_fail(KITH_ERR_INVALID_STATE,
                         "set_parameters: get_parameters was not called since the last change");
    return KITH_OK;
}

kith_err kith_sender_set_parameters(kith_sender *sender, const kith_rtp_send_parameters *parameters)
{
    kith_err err = check_state(sender);
    if (err != KITH_OK)
        return err;
    negotiated n;
    kith_rtp_send_parameters was, is;
    kith_rtp_encoding encoding = {.size = sizeof encoding};
    describe_sender(sender, &n, &was);
    was.transaction_id = sender->returned_parameters->transaction_id;
    is = was;
    err = kith_config_read(&is, sizeof is, parameters, "what get_parameters gave");
    if (err == KITH_OK && !is_unchanged(&is, &was))
        err = kith_fail(KITH_ERR_INVALID_MODIFICATION,
                        "set_parameters: more than the encodings was changed, or it is not what "
                        "get_parameters gave last");
    if (err == KITH_OK)
        err = kith_config_read(&encoding, sizeof encoding, is.encodings[0],
                               "what get_parameters gave");
    for (size_t i = 0; err == KITH_OK && i < sizeof encoding.reserved; i++)
        if (encoding.reserved[i])
            err = kith_fail(KITH_ERR_NOT_SUPPORTED, "a reserved field of the encoding is set");
    if (err != KITH_OK)
        return err;
    sender->is_active = encoding.active;
    sender->max_bitrate = encoding.max_bitrate;
    sender->has_returned_parameters = false;
    kith_sender_tell(sender);
    kith_bitrate_share(sender->transceiver->pc);
    return KITH_OK;
}

/* ---- receivers ---- */

kith_err kith_receiver_get_parameters(kith_receiver *receiver,
                                      const kith_rtp_receive_parameters **out)
{
    kith_err err = make(&receiver->returned_parameters);
    if (err != KITH_OK)
        return err;
    kith_returned_parameters *returned = receiver->returned_parameters;
    describe(&returned->negotiated, &receiver->codecs, receiver->extensions);
    returned->receive = (kith_rtp_receive_parameters){
        .size = sizeof returned->receive,
        .header_extensions = returned->negotiated.extensions,
        .header_extension_count = returned->negotiated.extension_count,
        .codecs = returned->negotiated.codecs,
        .codec_count = returned->negotiated.codec_count,
        .rtcp_reduced_size = receiver->transceiver->is_reduced_size,
    };
    *out = &returned->receive;
    return KITH_OK;
}
