/* Payload types and ids of header extensions: which have a meaning on a peer connection. They mean
 * one thing in a bundle (RFC 9143 section 10.1.2, RFC 8285 section 6), and no other one later (RFC
 * 3264 section 8.3.2), whatever was stopped or rolled back meanwhile. */
#ifndef KITH_PC_NUMBERS_H
#define KITH_PC_NUMBERS_H

#include "pc/codecs.h"
#include "pc/section.h"

/* Of the one-byte form (RFC 8285 section 4.2), from 1 on. */
#define KITH_EXTENSION_ID_MAX 14

typedef struct kith_numbers {
    /* the peer connection's */
    const kith_codec_set *codecs;
    /* is_used without a row: of a codec that is none of ours */
    const kith_codec *rows[128];
    bool is_used[128];
    /* it is what is sent again of the row's (RFC 4588) */
    bool is_rtx[128];
    /* COUNT where the URI is none of ours */
    kith_rtp_extension_kind extensions[KITH_EXTENSION_ID_MAX + 1];
    bool is_id_used[KITH_EXTENSION_ID_MAX + 1];
} kith_numbers;

/* A description is set: what has no meaning yet means what it says. */
void kith_numbers_note(kith_numbers *numbers, const kith_sdp *sdp);
/* For a new format of an offer: the payload type that the codec has already, else one that nothing
 * ever had; -1: none is left. */
int kith_numbers_payload_type(const kith_draft *draft, const kith_codec *row);
/* The same for what is sent again of it. */
int kith_numbers_rtx_type(const kith_draft *draft, const kith_codec *row);
/* The same for an extension; 0: none is left. */
uint16_t kith_numbers_extension_id(const kith_draft *draft, const char *uri);

#endif
