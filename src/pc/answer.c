/* create_answer (RFC 9429 section 5.3): the first data section of the remote offer is accepted,
 * everything else is rejected in its place. Nothing is answered that was not offered. */
#include "pc/jsep.h"

#include "base/error.h"
#include "pc/pc.h"

/* RFC 8842 section 5.3 and RFC 9429 section 5.3.1: active where we may choose, because our
 * ClientHello then leaves first; the role that was agreed on stays. */
static kith_sdp_setup answer_setup(const kith_pc *pc, kith_sdp_setup offered)
{
    if (pc->transport.has_dtls_role)
        return pc->transport.dtls_role == KITH_DTLS_CLIENT ? KITH_SDP_SETUP_ACTIVE
                                                           : KITH_SDP_SETUP_PASSIVE;
    return offered == KITH_SDP_SETUP_ACTIVE ? KITH_SDP_SETUP_PASSIVE : KITH_SDP_SETUP_ACTIVE;
}

static void add_data(kith_pc *pc, kith_sdp *sdp, const kith_description *offer, bool restart)
{
    const kith_sdp_media *m = kith_description_data(offer);
    const kith_sdp_media *transport = kith_remote_transport_section(offer);
    kith_ice *ice = pc->transport.ice;
    kith_section_data data = {
        .mid = m->mid,
        .proto = m->proto,
        .is_old_form = kith_section_is_old_form(m),
        /* RFC 8841 section 10.4: an offer that closes the association is answered with port 0. */
        .sctp_port = kith_sdp_sctp_port(m) == 0 ? 0 : KITH_JSEP_SCTP_PORT,
        .setup = answer_setup(pc, kith_sdp_media_setup(offer->sdp, transport)),
        /* RFC 8842 section 5.3: only if the offer has one. */
        .has_tls_id = kith_sdp_tls_id(offer->sdp, transport) != NULL,
        .ufrag = restart ? kith_ice_next_ufrag(ice) : kith_ice_local_ufrag(ice),
        .pwd = restart ? kith_ice_next_pwd(ice) : kith_ice_local_pwd(ice),
    };
    if (!data.ufrag || !data.pwd) {
        sdp->arena.bad = true;
        return;
    }
    kith_section_add_data(pc, sdp, &data);
    /* RFC 9143 section 7.3: in the group if the offer has it in one. */
    if (m->mid && kith_sdp_find_group(offer->sdp, "BUNDLE", m->mid))
        kith_sdp_add_to_group(sdp, "BUNDLE", m->mid);
}

kith_err kith_jsep_create_answer(kith_pc *pc)
{
    const kith_description *offer = pc->jsep.pending_remote;
    kith_sdp *sdp;
    kith_err err = kith_section_begin(pc, &sdp);
    if (err != KITH_OK)
        return err;
    bool restart = kith_remote_restarts(pc, offer);
    for (size_t i = 0; i < offer->sdp->media.count; i++) {
        if ((int)i == offer->data)
            add_data(pc, sdp, offer, restart);
        else
            kith_section_add_rejected(sdp, offer->sdp->media.items[i]);
    }
    err = kith_section_finish(pc, sdp, offer->data, &pc->jsep.answer);
    pc->jsep.answer.told.type = KITH_SDP_ANSWER;
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
        *out = &pc->jsep.answer.told;
    return err;
}
