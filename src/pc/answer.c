/* create_answer (RFC 9429 section 5.3): each section of the remote offer is accepted or rejected in
 * its place, as remote.c has chosen. Nothing is answered that was not offered. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "crypto/random.h"
#include "pc/jsep.h"
#include "pc/pc.h"

/* RFC 8842 section 5.3 and RFC 9429 section 5.3.1: active where we may choose, because our
 * ClientHello then leaves first; the role that was agreed on stays with its association. */
static kith_sdp_setup answer_setup(const kith_pc *pc, const kith_description *offer)
{
    kith_sdp_setup offered = kith_sdp_media_setup(offer->sdp, kith_description_transport(offer));
    if (kith_pc_transport(pc)->has_dtls_role && !kith_remote_renews(pc, offer))
        return kith_pc_transport(pc)->dtls_role == KITH_DTLS_CLIENT ? KITH_SDP_SETUP_ACTIVE
                                                                    : KITH_SDP_SETUP_PASSIVE;
    return offered == KITH_SDP_SETUP_ACTIVE ? KITH_SDP_SETUP_PASSIVE : KITH_SDP_SETUP_ACTIVE;
}

/* RFC 8842 section 5.3: only if the offer has one, and another one for another association. */
static const char *answer_tls_id(kith_pc *pc, const kith_description *offer)
{
    kith_jsep *jsep = &pc->jsep;
    if (!kith_sdp_tls_id(offer->sdp, kith_description_transport(offer)))
        return NULL;
    if (!kith_remote_renews(pc, offer))
        return jsep->tls_id;
    if (jsep->next_tls_id[0] == '\0')
        kith_random_text(jsep->next_tls_id, KITH_JSEP_TLS_ID);
    return jsep->next_tls_id;
}

/* A section that is rejected has them too: those that the transport will have when one is accepted.
 */
static kith_section_keys answer_keys(kith_pc *pc, const kith_description *offer)
{
    kith_ice *ice = kith_pc_transport(pc)->ice;
    bool restart = kith_remote_restarts(pc, offer);
    return (kith_section_keys){
        .setup = answer_setup(pc, offer),
        .tls_id = answer_tls_id(pc, offer),
        .ufrag = restart ? kith_ice_next_ufrag(ice) : kith_ice_local_ufrag(ice),
        .pwd = restart ? kith_ice_next_pwd(ice) : kith_ice_local_pwd(ice),
    };
}

/* RFC 9429 section 5.3.1: its transceiver was stopped since the offer came. The section that says
 * the transport of others cannot be rejected (RFC 9143 section 7.3.3): it is inactive, and the next
 * offer rejects it. */
static bool is_stopped(const kith_pc *pc, const kith_section *section, size_t i)
{
    const kith_transceiver *t = kith_transceivers_find(pc, i);
    return t && t->is_stopping && section->media != section->transport;
}

/* RFC 9143 section 7.1.3 has the keys in the tagged section alone. They are repeated in the others,
 * as browsers do: the page of Firefox 153 crashes over an answer without them. */
static void add_sections(kith_draft *draft, const kith_description *offer)
{
    for (size_t i = 0; i < offer->sdp->media.count; i++) {
        const kith_section *section = &offer->sections[i];
        if (section->accepted && !is_stopped(draft->pc, section, i))
            section->kind->add(draft, section->media->mid, section->media);
        else
            kith_draft_add_rejected(draft, section->media);
    }
}

/* RFC 9143 section 7.3: a group has the accepted sections of the offer's, in the same order. */
static void add_group(kith_draft *draft, const kith_description *offer)
{
    const kith_section *any = kith_description_find(offer, NULL);
    const kith_sdp_group *group =
        any && any->media->mid ? kith_sdp_find_group(offer->sdp, "BUNDLE", any->media->mid) : NULL;
    for (size_t i = 0; group && i < group->mids.count; i++) {
        const kith_sdp_media *m = kith_sdp_find_mid(draft->sdp, group->mids.items[i]);
        if (m && !kith_sdp_is_rejected(m))
            kith_sdp_add_to_group(draft->sdp, "BUNDLE", m->mid);
    }
}

static kith_err make_answer(kith_pc *pc, kith_created *out)
{
    const kith_description *offer = pc->jsep.pending_remote;
    kith_draft draft = {
        .pc = pc, .is_answer = true, .follows_peer = true, .keys = answer_keys(pc, offer)};
    if (!draft.keys.ufrag || !draft.keys.pwd)
        return kith_fail_memory();
    kith_err err = kith_draft_begin(&draft);
    if (err != KITH_OK)
        return err;
    add_sections(&draft, offer);
    add_group(&draft, offer);
    err = kith_draft_finish(&draft, out);
    out->session.type = KITH_SDP_ANSWER;
    return err;
}

kith_err kith_jsep_create_answer(kith_pc *pc)
{
    return make_answer(pc, &pc->jsep.answer);
}

kith_err kith_jsep_check_answer(kith_pc *pc)
{
    kith_created now = {0};
    kith_err err = make_answer(pc, &now);
    if (err == KITH_OK && strcmp(now.text, pc->jsep.answer.text) != 0)
        err = kith_fail(KITH_ERR_INVALID_MODIFICATION,
                        "the remote offer was replaced since create_answer: create another");
    kith_free(now.text);
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
