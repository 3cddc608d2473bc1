/* What a remote description must hold before anything of it is used, and what it says about the
 * transport. The text has been parsed; here its contents are checked (RFC 9429 sections 5.8 and
 * 5.10, RFC 3264 sections 6 and 8): INVALID_ACCESS. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "pc/jsep.h"
#include "pc/pc.h"

bool kith_jsep_is_agreed(const kith_pc *pc, size_t index)
{
    const kith_description *local = pc->jsep.current_local, *remote = pc->jsep.current_remote;
    return local && remote && index < local->sdp->media.count && local->sections[index].accepted &&
           index < remote->sdp->media.count && remote->sections[index].accepted;
}

int kith_jsep_agreed_data(const kith_pc *pc)
{
    const kith_description *local = pc->jsep.current_local;
    for (size_t i = 0; local && i < local->sdp->media.count; i++)
        if (local->sections[i].kind == &kith_section_data && kith_jsep_is_agreed(pc, i))
            return (int)i;
    return -1;
}

kith_description *kith_remote_applied(const kith_pc *pc)
{
    const kith_jsep *jsep = &pc->jsep;
    if (jsep->pending_remote && jsep->pending_remote->is_applied)
        return jsep->pending_remote;
    return jsep->current_remote;
}

void kith_remote_transport(const kith_description *d, kith_transport_remote *out)
{
    const kith_sdp_media *m = kith_description_transport(d);
    const kith_sdp_fingerprints *fingerprints = kith_sdp_media_fingerprints(d->sdp, m);
    size_t count = fingerprints->count;
    *out = (kith_transport_remote){
        .ufrag = kith_sdp_ice_ufrag(d->sdp, m),
        .pwd = kith_sdp_ice_pwd(d->sdp, m),
        .is_lite = d->sdp->ice_lite,
        .can_renominate = kith_sdp_has_ice_option(d->sdp, m, "renomination"),
        .fingerprints = fingerprints->items,
        .fingerprint_count =
            count > KITH_DTLS_MAX_FINGERPRINTS ? KITH_DTLS_MAX_FINGERPRINTS : count,
        .tls_id = kith_sdp_tls_id(d->sdp, m),
    };
}

/* Other ICE credentials than the transport has? */
static bool has_new_credentials(const kith_pc *pc, const kith_description *d)
{
    const kith_description *applied = kith_remote_applied(pc);
    if (!kith_description_transport(applied))
        return true; /* a section's second life */
    kith_transport_remote before, now;
    kith_remote_transport(applied, &before);
    kith_remote_transport(d, &now);
    /* RFC 8839 section 4.4.1.1.1: either of the two. */
    return strcmp(before.ufrag, now.ufrag) != 0 || strcmp(before.pwd, now.pwd) != 0;
}

bool kith_remote_restarts(const kith_pc *pc, const kith_description *d)
{
    return pc->jsep.agreed && kith_description_transport(d) && has_new_credentials(pc, d);
}

bool kith_remote_renews(const kith_pc *pc, const kith_description *d)
{
    if (!kith_description_transport(d))
        return false;
    kith_transport_remote remote;
    kith_remote_transport(d, &remote);
    return kith_transport_is_renewed_by(kith_pc_transport(pc), &remote, has_new_credentials(pc, d));
}

/* ---- the transport ---- */

/* RFC 8842 section 4: other roles than those that were agreed on need a new association. */
static bool turns_roles(const kith_pc *pc, const kith_description *d)
{
    const kith_transport *t = kith_pc_transport(pc);
    return t->has_dtls_role && !kith_remote_renews(pc, d) &&
           kith_sdp_media_setup(d->sdp, kith_description_transport(d)) ==
               (t->dtls_role == KITH_DTLS_CLIENT ? KITH_SDP_SETUP_ACTIVE : KITH_SDP_SETUP_PASSIVE);
}

static kith_err check_setup(const kith_pc *pc, const kith_description *d, bool is_answer,
                            const char *tls_id)
{
    const kith_sdp_media *m = kith_description_transport(d);
    kith_sdp_setup setup = kith_sdp_media_setup(d->sdp, m);
    /* Firefox answers every a=setup:actpass by active, whatever was agreed on, and keeps its
     * association. Who wants a new one has another tls-id, which Firefox does not know. */
    bool is_kept = is_answer && !tls_id;
    /* RFC 8842 section 5.3: an answer chooses. One that says nothing is taken for active, as
     * browsers do. */
    if (setup == KITH_SDP_SETUP_HOLDCONN || (is_answer && setup == KITH_SDP_SETUP_ACTPASS))
        return kith_section_refuse(m, "a=setup:%s cannot be in an %s", kith_sdp_setup_text(setup),
                                   is_answer ? "answer" : "offer");
    if (turns_roles(pc, d) && !is_kept)
        return kith_section_refuse(m, "a=setup:%s turns the DTLS roles that were agreed on",
                                   kith_sdp_setup_text(setup));
    return KITH_OK;
}

static kith_err check_transport(kith_pc *pc, const kith_description *d, bool is_answer)
{
    const kith_sdp_media *m = kith_description_transport(d);
    kith_transport_remote remote;
    kith_remote_transport(d, &remote);
    if (!remote.ufrag || !remote.pwd)
        return kith_section_refuse(m, "no %s", remote.ufrag ? "a=ice-pwd" : "a=ice-ufrag");
    if (remote.fingerprint_count == 0)
        return kith_section_refuse(m, "no a=fingerprint with a hash that can be trusted");
    /* RFC 9429 sections 5.10 and 5.11, RFC 8842 section 6: the new association has other packets
     * than the old one, and so it must have other checks. */
    if (kith_pc_transport(pc)->dtls_started && kith_remote_renews(pc, d) &&
        !has_new_credentials(pc, d))
        return kith_section_refuse(
            m, "another a=fingerprint or a=tls-id without an ICE restart (new a=ice-ufrag)");
    return check_setup(pc, d, is_answer, remote.tls_id);
}

/* ---- all sections ---- */

static const char *mid_text(const kith_sdp_media *m)
{
    return m->mid ? m->mid : "none";
}

static bool same_mid(const kith_sdp_media *a, const kith_sdp_media *b)
{
    return strcmp(mid_text(a), mid_text(b)) == 0;
}

/* Each section keeps its place; one that is in use keeps its kind and mid (RFC 3264 section 8,
 * RFC 9429 section 5.10). */
static kith_err check_order(const kith_pc *pc, const kith_description *offer)
{
    const kith_description *before = pc->jsep.current_remote;
    if (!before)
        return KITH_OK;
    if (offer->sdp->media.count < before->sdp->media.count)
        return kith_fail(KITH_ERR_INVALID_ACCESS,
                         "the offer has %zu m= sections; there were %zu before",
                         offer->sdp->media.count, before->sdp->media.count);
    for (size_t i = 0; i < before->sdp->media.count; i++) {
        const kith_section *was = &before->sections[i], *is = &offer->sections[i];
        if (!kith_jsep_is_agreed(pc, i))
            continue;
        if (is->media->fault.text && !kith_sdp_is_rejected(is->media))
            return kith_section_refuse_fault(is->media);
        if (strcmp(was->media->kind, is->media->kind) != 0 ||
            (!kith_sdp_is_rejected(is->media) && is->kind != was->kind))
            return kith_section_refuse(is->media, "was m=%s %s before", was->media->kind,
                                       was->media->proto);
        if (!same_mid(was->media, is->media))
            return kith_section_refuse(is->media, "had mid %s before", mid_text(was->media));
    }
    return KITH_OK;
}

/* The section in use, else the first that could be. */
static kith_section *find_data(const kith_pc *pc, const kith_description *offer)
{
    int live = kith_jsep_agreed_data(pc);
    if (live >= 0 && !kith_sdp_is_rejected(offer->sdp->media.items[live]))
        return &offer->sections[live];
    for (size_t i = 0; i < offer->sdp->media.count; i++)
        if (offer->sections[i].kind == &kith_section_data &&
            !kith_sdp_is_rejected(offer->sections[i].media))
            return &offer->sections[i];
    return NULL;
}

/* The first section of media that has a codec of ours. */
static kith_section *find_media(const kith_pc *pc, const kith_description *offer)
{
    kith_codec_use uses[KITH_CODEC_MAX_USES];
    for (size_t i = 0; i < offer->sdp->media.count; i++) {
        kith_section *section = &offer->sections[i];
        if (section->kind == &kith_section_rtp && !kith_sdp_is_rejected(section->media) &&
            kith_codecs_of(&pc->transceivers.codecs, section->media, uses) > 0)
            return section;
    }
    return NULL;
}

/* Does an RTP section share the transport? All of its bundle are accepted, inactive where they are
 * of no use: RFC 9143 section 7.3.3 forbids to reject the one that the offer tagged, and aiortc
 * waits for ever for the transport of another that is rejected. */
static bool is_beside(const kith_section *section, const kith_section *first)
{
    return section->kind == &kith_section_rtp && section->transport == first->transport &&
           !kith_sdp_is_rejected(section->media);
}

/* One data section, or without it the first of media, and all that share its transport; all others
 * are rejected. */
static void accept_sections(const kith_pc *pc, kith_description *offer)
{
    kith_section *data = find_data(pc, offer);
    kith_section *first = data ? data : find_media(pc, offer);
    for (size_t i = 0; first && i < offer->sdp->media.count; i++) {
        kith_section *section = &offer->sections[i];
        section->accepted = section == first || is_beside(section, first);
    }
}

/* webrtc-pc section 4.2.5 (RTCRtcpMuxPolicy "require") and RFC 8827 section 6.5 (DTLS-SRTP alone):
 * browsers refuse a description for them, and so do we, of an offer whether we have use for its
 * media or not. RTCP of an answer without mux would go to a port that nobody listens on. */
static kith_err check_media(const kith_description *d, const kith_section *section)
{
    if (section->kind != &kith_section_rtp || kith_sdp_is_rejected(section->media))
        return KITH_OK;
    if (!section->media->rtcp_mux)
        return kith_section_refuse(section->media, "no a=rtcp-mux");
    if (kith_sdp_media_fingerprints(d->sdp, section->transport)->count == 0)
        return kith_section_refuse(section->media, "no a=fingerprint");
    return KITH_OK;
}

/* A section that cannot be used is rejected, unless nothing is left then: browsers refuse the whole
 * description for it, and its author should hear why. */
static kith_err check_anything_left(const kith_description *offer)
{
    if (kith_description_find(offer, NULL))
        return KITH_OK;
    for (size_t i = 0; i < offer->sdp->media.count; i++) {
        const kith_sdp_media *m = offer->sdp->media.items[i];
        if (m->fault.text && !kith_sdp_is_rejected(m))
            return kith_section_refuse_fault(m);
    }
    return KITH_OK;
}

/* What is accepted can be used. */
static kith_err check_accepted(kith_pc *pc, const kith_description *d, bool is_answer)
{
    if (!kith_description_transport(d))
        return KITH_OK;
    kith_err err = check_transport(pc, d, is_answer);
    bool renews = err == KITH_OK && kith_remote_renews(pc, d);
    for (size_t i = 0; err == KITH_OK && i < d->sdp->media.count; i++) {
        d->sections[i].is_renewed = renews;
        if (d->sections[i].accepted)
            err = d->sections[i].kind->check(pc, &d->sections[i]);
    }
    return err;
}

kith_err kith_remote_check_offer(kith_pc *pc, kith_description *offer)
{
    kith_err err = check_order(pc, offer);
    for (size_t i = 0; err == KITH_OK && i < offer->sdp->media.count; i++)
        err = check_media(offer, &offer->sections[i]);
    if (err != KITH_OK)
        return err;
    accept_sections(pc, offer);
    err = check_anything_left(offer);
    return err != KITH_OK ? err : check_accepted(pc, offer, false);
}

/* We have one transport. A section that is answered outside its bundle would have none, and a peer
 * that waits for it there; one that nothing flows in hurts nobody. */
static kith_err check_bundle(const kith_description *offer, const kith_description *answer)
{
    for (size_t i = 0; i < answer->sdp->media.count; i++) {
        const kith_section *section = &answer->sections[i];
        bool flows =
            section->kind == &kith_section_data ||
            (kith_sdp_media_direction(offer->sdp, offer->sections[i].media) !=
                 KITH_SDP_DIRECTION_INACTIVE &&
             kith_sdp_media_direction(answer->sdp, section->media) != KITH_SDP_DIRECTION_INACTIVE);
        if (section->accepted && flows && section->transport != kith_description_transport(answer))
            return kith_section_refuse(section->media,
                                       "is not in the answer's BUNDLE group, and it has no "
                                       "transport of its own");
    }
    return KITH_OK;
}

kith_err kith_remote_check_answer(kith_pc *pc, kith_description *answer)
{
    const kith_description *offer = pc->jsep.pending_local;
    const kith_sdp *offered = offer->sdp, *answered = answer->sdp;
    if (answered->media.count != offered->media.count)
        return kith_fail(KITH_ERR_INVALID_ACCESS,
                         "the answer has %zu m= sections, the offer has %zu", answered->media.count,
                         offered->media.count);
    for (size_t i = 0; i < offered->media.count; i++) {
        const kith_sdp_media *ours = offered->media.items[i], *theirs = answered->media.items[i];
        if (strcmp(ours->kind, theirs->kind) != 0)
            return kith_section_refuse(theirs, "the offer has m=%s there", ours->kind);
        if (theirs->mid && !same_mid(ours, theirs))
            return kith_section_refuse(theirs, "the offer has mid %s there", mid_text(ours));
        if (!offer->sections[i].accepted || kith_sdp_is_rejected(theirs))
            continue; /* what was offered as rejected stays so (RFC 3264 section 6) */
        if (theirs->fault.text)
            return kith_section_refuse_fault(theirs);
        if (answer->sections[i].kind != offer->sections[i].kind)
            return kith_section_refuse(theirs, "protocol %s does not answer %s", theirs->proto,
                                       ours->proto);
        answer->sections[i].accepted = true;
    }
    kith_err err = check_bundle(offer, answer);
    for (size_t i = 0; err == KITH_OK && i < answered->media.count; i++)
        if (answer->sections[i].accepted)
            err = check_media(answer, &answer->sections[i]);
    return err != KITH_OK ? err : check_accepted(pc, answer, true);
}
