/* The lines of our own offers and answers: the session's, a data section's, those of an
 * inactive and of a rejected section (RFC 9429 sections 5.2 and 5.3). What stands in them is
 * decided by offer.c and answer.c. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "pc/jsep.h"
#include "pc/pc.h"

/* draft-ietf-mmusic-sctp-sdp-07 section 4.2: as many as SCTP has. */
#define SCTPMAP_STREAMS 65535

kith_err kith_section_begin(kith_pc *pc, kith_sdp **out)
{
    kith_sdp *sdp;
    kith_err err = kith_sdp_new(&sdp);
    if (err != KITH_OK)
        return err;
    sdp->origin.session_id = pc->jsep.session_id;
    /* RFC 9429 section 5.2.1: "trickle" and "ice2" at session level; RFC 8840 section 4.1.1. */
    kith_sdp_add_text(sdp, &sdp->common.ice_options, "trickle");
    kith_sdp_add_text(sdp, &sdp->common.ice_options, "ice2");
    *out = sdp;
    return KITH_OK;
}

static void add_fingerprint(kith_sdp *sdp, kith_sdp_media *m, kith_hash hash,
                            const kith_certificate *certificate)
{
    kith_fingerprint fp;
    if (kith_fingerprint_of(&fp, hash, kith_certificate_der(certificate)))
        kith_sdp_add_fingerprint(sdp, &m->common, &fp);
    else
        sdp->arena.bad = true;
}

/* SHA-256, and the hash of the certificate's own signature where that is another (RFC 8122
 * section 5). */
static void add_fingerprints(kith_sdp *sdp, kith_sdp_media *m, const kith_certificate *certificate)
{
    add_fingerprint(sdp, m, KITH_HASH_SHA256, certificate);
    kith_hash own = kith_certificate_signature_hash(certificate);
    if (own != KITH_HASH_SHA256 && own != KITH_HASH_NONE && own != KITH_HASH_MD5)
        add_fingerprint(sdp, m, own, certificate);
}

static void set_no_address(kith_sdp_media *m)
{
    m->common.connection =
        (kith_sdp_connection){.nettype = "IN", .addrtype = "IP4", .address = "0.0.0.0"};
}

/* RFC 8841 section 4: one format; or the form that came before it, whose format is the SCTP
 * port. */
static void add_sctp(kith_pc *pc, kith_sdp *sdp, kith_sdp_media *m, const kith_section_data *data)
{
    if (data->is_old_form) {
        kith_sdp_add_text(sdp, &m->formats, kith_sdp_text(sdp, "%u", data->sctp_port));
        kith_sdp_sctpmap *map = KITH_SDP_APPEND(sdp, m->sctpmaps);
        if (map)
            *map = (kith_sdp_sctpmap){.port = data->sctp_port,
                                      .protocol = "webrtc-datachannel",
                                      .streams = SCTPMAP_STREAMS};
    } else {
        kith_sdp_add_text(sdp, &m->formats, "webrtc-datachannel");
        m->has_sctp_port = true;
        m->sctp_port = data->sctp_port;
    }
    m->has_max_message_size = true;
    m->max_message_size = pc->config.max_message_size;
}

static void add_keys(kith_pc *pc, kith_sdp *sdp, kith_sdp_media *m, const kith_section_keys *keys)
{
    m->common.ice_ufrag = kith_sdp_text(sdp, "%s", keys->ufrag);
    m->common.ice_pwd = kith_sdp_text(sdp, "%s", keys->pwd);
    add_fingerprints(sdp, m, pc->certificate);
    m->common.setup = keys->setup;
    if (keys->has_tls_id)
        m->common.tls_id = kith_sdp_text(sdp, "%s", pc->jsep.tls_id);
}

void kith_section_add_data(kith_pc *pc, kith_sdp *sdp, const kith_section_data *data)
{
    kith_sdp_media *m = kith_sdp_add_media(sdp, "application", 9, data->proto);
    if (!m)
        return;
    set_no_address(m);
    add_sctp(pc, sdp, m, data);
    if (data->mid)
        m->mid = kith_sdp_text(sdp, "%s", data->mid);
    add_keys(pc, sdp, m, data->keys);
}

static void add_codec(kith_sdp *sdp, kith_sdp_media *m, const kith_sdp_media *like, int type)
{
    const kith_sdp_rtpmap *rtpmap = kith_sdp_find_rtpmap(like, type);
    kith_sdp_rtpmap *our_rtpmap = rtpmap ? KITH_SDP_APPEND(sdp, m->rtpmaps) : NULL;
    if (our_rtpmap) {
        *our_rtpmap = *rtpmap;
        our_rtpmap->name = kith_sdp_text(sdp, "%s", rtpmap->name);
    }
    const kith_sdp_fmtp *fmtp = kith_sdp_find_fmtp(like, type);
    kith_sdp_fmtp *our_fmtp = fmtp ? KITH_SDP_APPEND(sdp, m->fmtps) : NULL;
    if (our_fmtp)
        *our_fmtp = (kith_sdp_fmtp){.format = kith_sdp_text(sdp, "%s", fmtp->format),
                                    .payload_type = fmtp->payload_type,
                                    .parameters = kith_sdp_text(sdp, "%s", fmtp->parameters)};
}

/* RFC 9429 section 5.3.1, RFC 3264 section 6.1: what an accepted section must have, and nothing
 * that would ask for packets. What comes all the same is dropped. */
void kith_section_add_inactive(kith_pc *pc, kith_sdp *sdp, const kith_sdp_media *like,
                               const kith_section_keys *keys)
{
    kith_sdp_media *m = kith_sdp_add_media(sdp, like->kind, 9, like->proto);
    if (!m)
        return;
    set_no_address(m);
    for (size_t i = 0; i < like->formats.count; i++) {
        uint64_t type;
        kith_sdp_add_text(sdp, &m->formats, like->formats.items[i]);
        if (kith_span_u64(kith_span_text(like->formats.items[i]), 127, &type))
            add_codec(sdp, m, like, (int)type);
    }
    m->mid = kith_sdp_text(sdp, "%s", like->mid);
    m->common.direction = KITH_SDP_DIRECTION_INACTIVE;
    m->rtcp_mux = like->rtcp_mux; /* RFC 9143 section 9.3: as every bundled section */
    add_keys(pc, sdp, m, keys);
}

void kith_section_add_rejected(kith_sdp *sdp, const kith_sdp_media *like)
{
    kith_sdp_media *m = kith_sdp_add_media(sdp, like->kind, 0, like->proto);
    if (!m)
        return;
    set_no_address(m);
    /* RFC 9429 section 5.3.1: only what identifies it; RFC 3264 section 6: its formats mean
     * nothing. */
    for (size_t i = 0; i < like->formats.count; i++)
        kith_sdp_add_text(sdp, &m->formats, like->formats.items[i]);
    if (like->mid)
        m->mid = kith_sdp_text(sdp, "%s", like->mid);
    if (kith_sdp_is_rtp(like))
        m->common.direction = KITH_SDP_DIRECTION_INACTIVE;
}

bool kith_section_is_old_form(const kith_sdp_media *m)
{
    uint64_t port;
    return m->formats.count > 0 && kith_span_u64(kith_span_text(m->formats.items[0]), 65535, &port);
}

/* ---- the end of a description ---- */

/* RFC 9429 section 5.2.2: the o= version is that of the local description unless something else
 * changed, candidates apart: they are told one by one too. */
static bool set_version(const kith_pc *pc, kith_sdp *sdp)
{
    const kith_jsep *jsep = &pc->jsep;
    const kith_description *before =
        jsep->pending_local ? jsep->pending_local : jsep->current_local;
    sdp->origin.session_version = jsep->next_version;
    if (!before)
        return true;
    sdp->origin.session_version = before->sdp->origin.session_version;
    char *old_text = kith_sdp_write(before->sdp);
    char *new_text = kith_sdp_write(sdp);
    bool wrote = old_text && new_text;
    if (wrote && strcmp(old_text, new_text) != 0)
        sdp->origin.session_version = jsep->next_version;
    kith_free(old_text);
    kith_free(new_text);
    return wrote;
}

kith_err kith_section_finish(kith_pc *pc, kith_sdp *sdp, int data, kith_created *created)
{
    char *text = NULL;
    if (!kith_sdp_bad(sdp) && set_version(pc, sdp)) {
        const kith_description *gathered =
            data < 0
                ? NULL
                : kith_jsep_find_local(pc, kith_section_transport(sdp, data)->common.ice_ufrag);
        text = kith_description_write(sdp, data, gathered);
    }
    kith_sdp_free(sdp);
    if (!text)
        return kith_fail_memory();
    kith_free(created->text);
    created->text = text;
    created->session.sdp = text;
    created->revision = pc->jsep.revision;
    return KITH_OK;
}
