/* create_answer (RFC 9429 section 5.3): the first data section of the remote offer is accepted,
 * everything else is rejected in its place, but for an RTP section whose transport the data
 * needs: that one becomes inactive. Nothing is answered that was not offered. */
#include "base/error.h"
#include "pc/jsep.h"
#include "pc/pc.h"

/* RFC 8842 section 5.3 and RFC 9429 section 5.3.1: active where we may choose, because our
 * ClientHello then leaves first; the role that was agreed on stays. */
static kith_sdp_setup answer_setup(const kith_pc *pc, kith_sdp_setup offered)
{
    if (kith_pc_transport(pc)->has_dtls_role)
        return kith_pc_transport(pc)->dtls_role == KITH_DTLS_CLIENT ? KITH_SDP_SETUP_ACTIVE
                                                                    : KITH_SDP_SETUP_PASSIVE;
    return offered == KITH_SDP_SETUP_ACTIVE ? KITH_SDP_SETUP_PASSIVE : KITH_SDP_SETUP_ACTIVE;
}

/* RFC 9143 section 7.3.3: the section that the offer tagged cannot be rejected while another of
 * its bundle uses its transport; a data section with a transport of its own leaves the bundle
 * instead. NULL: there is none to keep, or it is none that can be inactive. */
static const kith_sdp_media *tagged_to_keep(const kith_description *offer)
{
    const kith_sdp_media *transport = kith_description_transport(offer);
    bool is_other = transport != kith_description_data(offer);
    return is_other && kith_sdp_is_rtp(transport) ? transport : NULL;
}

static kith_section_keys answer_keys(kith_pc *pc, const kith_description *offer)
{
    const kith_sdp_media *transport = kith_description_transport(offer);
    kith_ice *ice = kith_pc_transport(pc)->ice;
    bool restart = kith_remote_restarts(pc, offer);
    return (kith_section_keys){
        .setup = answer_setup(pc, kith_sdp_media_setup(offer->sdp, transport)),
        /* RFC 8842 section 5.3: only if the offer has one. */
        .has_tls_id = kith_sdp_tls_id(offer->sdp, transport),
        .ufrag = restart ? kith_ice_next_ufrag(ice) : kith_ice_local_ufrag(ice),
        .pwd = restart ? kith_ice_next_pwd(ice) : kith_ice_local_pwd(ice),
    };
}

/* RFC 9143 section 7.1.3 has the keys in the tagged section alone. They are repeated here, as
 * browsers do: the page of Firefox 153 crashes over an answer without them. */
static void add_data(kith_pc *pc, kith_sdp *sdp, const kith_description *offer,
                     const kith_section_keys *keys)
{
    const kith_sdp_media *m = kith_description_data(offer);
    kith_section_data data = {
        .mid = m->mid,
        .proto = m->proto,
        .is_old_form = kith_section_is_old_form(m),
        /* RFC 8841 section 10.4: an offer that closes the association is answered with port 0. */
        .sctp_port = kith_sdp_sctp_port(m) == 0 ? 0 : KITH_JSEP_SCTP_PORT,
        .keys = keys,
    };
    kith_section_add_data(pc, sdp, &data);
    /* RFC 9143 section 7.3: in the group if the offer has it in one. */
    if (m->mid && kith_sdp_find_group(offer->sdp, "BUNDLE", m->mid))
        kith_sdp_add_to_group(sdp, "BUNDLE", m->mid);
}

static void add_sections(kith_pc *pc, kith_sdp *sdp, const kith_description *offer)
{
    const kith_sdp_media *tagged = tagged_to_keep(offer);
    kith_section_keys keys = {0};
    if (offer->data >= 0) {
        keys = answer_keys(pc, offer);
        sdp->arena.bad = sdp->arena.bad || !keys.ufrag || !keys.pwd;
    }
    if (tagged && !sdp->arena.bad) /* the first of the group here too (RFC 9143 section 7.3.1) */
        kith_sdp_add_to_group(sdp, "BUNDLE", tagged->mid);
    for (size_t i = 0; i < offer->sdp->media.count && !sdp->arena.bad; i++) {
        const kith_sdp_media *m = offer->sdp->media.items[i];
        if ((int)i == offer->data)
            add_data(pc, sdp, offer, &keys);
        else if (m == tagged)
            kith_section_add_inactive(pc, sdp, m, &keys);
        else
            kith_section_add_rejected(sdp, m);
    }
}

kith_err kith_jsep_create_answer(kith_pc *pc)
{
    const kith_description *offer = pc->jsep.pending_remote;
    kith_sdp *sdp;
    kith_err err = kith_section_begin(pc, &sdp);
    if (err != KITH_OK)
        return err;
    add_sections(pc, sdp, offer);
    err = kith_section_finish(pc, sdp, offer->data, &pc->jsep.answer);
    pc->jsep.answer.session.type = KITH_SDP_ANSWER;
    return err;
}

kith_err kith_pc_create_answer(kith_pc *pc, const kith_session_description **out)
{
    kith_signaling_state state = pc->jsep.signaling_state;
    if (state != KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER &&
        state != KITH_SIGNALING_STATE_HAVE_LOCAL_PRANSWER)
        return kith_fail(KITH_ERR_INVALID_STATE, "create_answer: the signaling state is %s",
                         kith_signaling_state_name(state));
    kith_err err = kith_jsep_create_answer(pc);
    if (err == KITH_OK)
        *out = &pc->jsep.answer.session;
    return err;
}
