/* set_local_description and set_remote_description (RFC 9429 section 5.4 to 5.11, webrtc-pc
 * section 4.4.1.5).
 *
 * Everything is parsed, checked and allocated first, then what can fail in the transport is
 * done, and from there on nothing fails. A remote offer touches the transport only when its
 * answer is applied: neither side can check before, and to roll it back is to forget it. */
#include <string.h>

#include "base/error.h"
#include "pc/jsep.h"
#include "pc/media.h"
#include "pc/pc.h"

/* ---- the signalling state ---- */

/* webrtc-pc section 4.4.1.5, RFC 9429 section 3.2: what each side may set in which state. */
static bool is_allowed(kith_signaling_state state, kith_sdp_type type, bool is_local)
{
    bool stable = state == KITH_SIGNALING_STATE_STABLE;
    bool local_offer = state == KITH_SIGNALING_STATE_HAVE_LOCAL_OFFER;
    bool remote_offer = state == KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER;
    switch (type) {
    case KITH_SDP_OFFER:
        /* A remote one in have-local-offer rolls the local one back first. */
        return stable || local_offer || (remote_offer && !is_local);
    case KITH_SDP_PRANSWER:
    case KITH_SDP_ANSWER:
        return is_local ? remote_offer || state == KITH_SIGNALING_STATE_HAVE_LOCAL_PRANSWER
                        : local_offer || state == KITH_SIGNALING_STATE_HAVE_REMOTE_PRANSWER;
    case KITH_SDP_ROLLBACK:
        /* RFC 9429 section 4.1.10.2: by the side that set the offer. */
        return is_local ? local_offer : remote_offer;
    }
    return false;
}

static kith_err check_type(const kith_pc *pc, kith_sdp_type type, bool is_local)
{
    const char *name = kith_sdp_type_name(type);
    if (!name)
        return kith_fail(KITH_ERR_TYPE, "no such type of description: %d", (int)type);
    if (!is_allowed(pc->jsep.signaling_state, type, is_local))
        return kith_fail(KITH_ERR_INVALID_STATE, "a %s %s cannot be set: the signaling state is %s",
                         is_local ? "local" : "remote", name,
                         kith_signaling_state_name(pc->jsep.signaling_state));
    return KITH_OK;
}

static void replace(kith_description **slot, kith_description *d)
{
    kith_description_free(*slot);
    *slot = d;
}

static void forget_created(kith_created *created)
{
    kith_free(created->text);
    created->text = NULL;
    created->session.sdp = NULL;
}

/* An answer was applied: both pending descriptions become the current ones. */
static void complete(kith_pc *pc, bool has_transport)
{
    kith_jsep *jsep = &pc->jsep;
    replace(&jsep->current_local, jsep->pending_local);
    replace(&jsep->current_remote, jsep->pending_remote);
    jsep->pending_local = jsep->pending_remote = NULL;
    jsep->revision++;
    forget_created(&jsep->offer);
    forget_created(&jsep->answer);
    if (has_transport)
        jsep->agreed = true;
    kith_jsep_set_state(pc, KITH_SIGNALING_STATE_STABLE);
    kith_jsep_renew_negotiation_needed(pc);
}

static void roll_back(kith_pc *pc)
{
    kith_jsep *jsep = &pc->jsep;
    if (jsep->pending_local) { /* an offer: it may have started gathering or restarted ICE */
        const kith_sdp_media *pending = kith_description_transport(jsep->pending_local);
        const kith_sdp_media *current = kith_description_transport(jsep->current_local);
        bool restarted = pending && (!current || strcmp(pending->common.ice_ufrag,
                                                        current->common.ice_ufrag) != 0);
        if (!jsep->agreed)
            kith_transport_rollback(kith_pc_transport(pc), true);
        else if (restarted)
            kith_transport_rollback(kith_pc_transport(pc), false);
    }
    replace(&jsep->pending_local, NULL);
    replace(&jsep->pending_remote, NULL);
    if (kith_pc_transport(pc)->dtls_started)
        kith_transport_forget_early(kith_pc_transport(pc));
    kith_transceivers_roll_back(pc);
    /* Without memory what is expected stays so, and is nobody's when it comes. */
    (void)!kith_media_expect(pc, NULL);
    kith_jsep_set_state(pc, KITH_SIGNALING_STATE_STABLE);
}

/* ---- what an answer, ours or theirs, does to the transport ---- */

/* The side that sent the first offer controls, and a full agent always does against a lite one
 * (RFC 8445 section 6.1.1). */
static void set_ice_role(kith_pc *pc, bool is_offerer, const kith_description *remote)
{
    if (remote->sdp->ice_lite)
        kith_ice_set_role(kith_pc_transport(pc)->ice, KITH_ICE_CONTROLLING);
    else if (!pc->jsep.agreed)
        kith_ice_set_role(kith_pc_transport(pc)->ice,
                          is_offerer ? KITH_ICE_CONTROLLING : KITH_ICE_CONTROLLED);
}

static kith_err set_transport(kith_pc *pc, const kith_description *local,
                              const kith_description *remote, kith_dtls_role role)
{
    kith_transport_remote transport;
    kith_remote_transport(remote, &transport);
    kith_err err = kith_transport_set_remote(kith_pc_transport(pc), &transport);
    for (size_t i = 0; err == KITH_OK && i < remote->sdp->media.count; i++)
        if (local->sections[i].accepted && remote->sections[i].accepted)
            err = remote->sections[i].kind->apply(pc, &remote->sections[i]);
    if (err == KITH_OK)
        err = kith_media_prepare(pc, local, remote);
    if (err == KITH_OK)
        err = kith_transport_set_dtls_role(kith_pc_transport(pc), role);
    return err;
}

/* Both sides accept something: everything of it that can fail. */
static kith_err connect_transport(kith_pc *pc, const kith_description *local,
                                  const kith_description *remote, kith_dtls_role role)
{
    kith_transport *t = kith_pc_transport(pc);
    kith_association before;
    bool renews = kith_remote_renews(pc, remote);
    if (renews)
        kith_transport_begin_renewal(t, &before);
    kith_err err = set_transport(pc, local, remote, role);
    if (err != KITH_OK) {
        if (renews)
            kith_transport_undo_renewal(t, &before);
        return err;
    }
    if (renews)
        kith_transport_complete_renewal(t, &before);
    return KITH_OK;
}

/* The data section was rejected, or its association closed (RFC 8841 section 10: sctp-port 0):
 * no channel lives on. A call of media only leaves channels waiting for an offer of ours. */
static bool closes_channels(const kith_pc *pc, bool is_offerer)
{
    const kith_section *local = kith_description_find(pc->jsep.pending_local, &kith_section_data);
    const kith_section *remote = kith_description_find(pc->jsep.pending_remote, &kith_section_data);
    if (local && remote)
        return kith_sdp_sctp_port(remote->media) == 0;
    return kith_jsep_agreed_data(pc) >= 0 || (is_offerer && local);
}

/* From here on nothing fails. */
static void settle(kith_pc *pc, kith_sdp_type type, bool is_offerer, const kith_description *before)
{
    kith_jsep *jsep = &pc->jsep;
    kith_description *local = jsep->pending_local, *remote = jsep->pending_remote;
    bool has_transport = kith_description_transport(local) && kith_description_transport(remote);
    if (has_transport) {
        set_ice_role(pc, is_offerer, remote);
        remote->is_applied = true;
        kith_trickle_apply(pc, remote, before);
    }
    /* What overtook the peer's answer is for the association that the answer begins. */
    if (!is_offerer || kith_pc_transport(pc)->dtls_started)
        kith_transport_forget_early(kith_pc_transport(pc));
    bool closes = closes_channels(pc, is_offerer);
    kith_transceivers_apply(pc, local, remote, type == KITH_SDP_PRANSWER);
    if (type == KITH_SDP_PRANSWER) {
        kith_jsep_set_state(pc, is_offerer ? KITH_SIGNALING_STATE_HAVE_REMOTE_PRANSWER
                                           : KITH_SIGNALING_STATE_HAVE_LOCAL_PRANSWER);
        kith_transceivers_tell(pc);
        return;
    }
    complete(pc, has_transport);
    kith_transceivers_tell(pc);
    if (closes)
        kith_channels_sctp_closed(pc);
}

/* ---- local ---- */

/* A description of ours from its text, with the candidates its ICE generation has so far. */
static kith_err new_local(kith_pc *pc, kith_sdp_type type, const char *text, kith_description **out)
{
    kith_description *d;
    kith_err err = kith_description_new(&d, type, text);
    if (err != KITH_OK)
        return err;
    kith_description_make_local(d);
    const kith_sdp_media *m = kith_description_transport(d);
    const kith_description *same = m ? kith_jsep_find_local(pc, m->common.ice_ufrag) : NULL;
    d->generation = same ? same->generation : pc->jsep.generation + 1;
    d->end_of_candidates = same && same->end_of_candidates;
    for (size_t i = 0; same && err == KITH_OK && i < same->candidate_count; i++)
        err = kith_description_keep_candidate(d, &same->candidates[i]);
    if (err != KITH_OK) {
        kith_description_free(d);
        return err;
    }
    *out = d;
    return KITH_OK;
}

/* New credentials in a description are those that kith_ice_next_ufrag gave. */
static kith_err take_credentials(kith_pc *pc, const kith_description *d, bool *restarted)
{
    const kith_sdp_media *m = kith_description_transport(d);
    kith_ice *ice = kith_pc_transport(pc)->ice;
    *restarted = false;
    if (!m || strcmp(m->common.ice_ufrag, kith_ice_local_ufrag(ice)) == 0)
        return KITH_OK;
    const char *next = kith_ice_next_ufrag(ice);
    if (!next)
        return kith_fail_memory();
    if (strcmp(m->common.ice_ufrag, next) != 0)
        return kith_fail(
            KITH_ERR_INVALID_MODIFICATION,
            "the description's ICE credentials are not in use any more: create another");
    kith_err err = kith_transport_restart_ice(kith_pc_transport(pc));
    *restarted = err == KITH_OK;
    return err;
}

static void take_numbers(kith_jsep *jsep, const kith_description *local)
{
    if (local->sdp->origin.session_version >= jsep->next_version)
        jsep->next_version = local->sdp->origin.session_version + 1;
    if (local->generation > jsep->generation)
        jsep->generation = local->generation;
}

/* An answer to a peer that begins another association has the next one. */
static void take_tls_id(kith_jsep *jsep, const kith_sdp_media *transport)
{
    const char *tls_id = transport ? transport->common.tls_id : NULL;
    if (!tls_id || strcmp(tls_id, jsep->next_tls_id) != 0)
        return;
    memcpy(jsep->tls_id, jsep->next_tls_id, sizeof jsep->tls_id);
    jsep->next_tls_id[0] = '\0';
}

static kith_err apply_local_offer(kith_pc *pc, const char *text)
{
    kith_jsep *jsep = &pc->jsep;
    kith_description *d;
    kith_err err = new_local(pc, KITH_SDP_OFFER, text, &d);
    if (err != KITH_OK)
        return err;
    bool restarted;
    err = kith_media_expect(pc, d);
    if (err == KITH_OK)
        err = take_credentials(pc, d, &restarted);
    if (err != KITH_OK) {
        kith_description_free(d);
        return err;
    }
    take_numbers(jsep, d);
    replace(&jsep->pending_local, d);
    kith_transceivers_take_local_offer(pc);
    if (!jsep->agreed)
        kith_ice_set_role(kith_pc_transport(pc)->ice, KITH_ICE_CONTROLLING);
    kith_transport_forget_early(kith_pc_transport(pc));
    kith_jsep_set_state(pc, KITH_SIGNALING_STATE_HAVE_LOCAL_OFFER);
    if (kith_description_transport(d))
        kith_transport_gather(kith_pc_transport(pc));
    return KITH_OK;
}

static kith_err apply_local_answer(kith_pc *pc, kith_sdp_type type, const char *text)
{
    kith_jsep *jsep = &pc->jsep;
    kith_description *d;
    kith_err err = new_local(pc, type, text, &d);
    if (err != KITH_OK)
        return err;
    bool restarted;
    err = take_credentials(pc, d, &restarted);
    const kith_sdp_media *transport = kith_description_transport(d);
    if (err == KITH_OK && transport) {
        bool is_client = transport->common.setup == KITH_SDP_SETUP_ACTIVE;
        err = connect_transport(pc, d, jsep->pending_remote,
                                is_client ? KITH_DTLS_CLIENT : KITH_DTLS_SERVER);
    }
    if (err != KITH_OK) {
        if (restarted)
            kith_transport_rollback(kith_pc_transport(pc), false);
        kith_description_free(d);
        return err;
    }
    take_numbers(jsep, d);
    take_tls_id(jsep, transport);
    replace(&jsep->pending_local, d);
    settle(pc, type, false, kith_remote_applied(pc));
    if (transport)
        kith_transport_gather(kith_pc_transport(pc));
    return KITH_OK;
}

/* The text to apply: the last created one, which a given text must equal; made now where none
 * is given. */
static kith_err local_text(kith_pc *pc, kith_sdp_type type, const char *given, const char **out)
{
    bool is_offer = type == KITH_SDP_OFFER;
    const char *name = is_offer ? "offer" : "answer";
    const kith_created *created = is_offer ? &pc->jsep.offer : &pc->jsep.answer;
    if (!given || given[0] == '\0') {
        kith_err err = is_offer ? kith_jsep_create_offer(pc, false) : kith_jsep_create_answer(pc);
        *out = created->text;
        return err;
    }
    *out = created->text;
    if (!created->text || created->revision != pc->jsep.revision)
        return kith_fail(KITH_ERR_INVALID_MODIFICATION,
                         "no create_%s since the last negotiation: create another", name);
    if (strcmp(created->text, given) != 0)
        return kith_fail(KITH_ERR_INVALID_MODIFICATION,
                         "the description is not what create_%s gave last", name);
    if (!created->is_unconfirmed)
        return KITH_OK;
    kith_err err = kith_jsep_check_answer(pc);
    if (err == KITH_OK)
        pc->jsep.answer.is_unconfirmed = false;
    return err;
}

kith_err kith_pc_set_local_description(kith_pc *pc, const kith_session_description *d)
{
    kith_signaling_state state = pc->jsep.signaling_state;
    bool offers = state == KITH_SIGNALING_STATE_STABLE ||
                  state == KITH_SIGNALING_STATE_HAVE_LOCAL_OFFER ||
                  state == KITH_SIGNALING_STATE_HAVE_REMOTE_PRANSWER;
    kith_sdp_type type = d ? d->type : offers ? KITH_SDP_OFFER : KITH_SDP_ANSWER;
    kith_err err = check_type(pc, type, true);
    if (err != KITH_OK)
        return err;
    if (type == KITH_SDP_ROLLBACK) {
        roll_back(pc);
        kith_jsep_renew_negotiation_needed(pc);
        return KITH_OK;
    }
    const char *text = NULL;
    err = local_text(pc, type, d ? d->sdp : NULL, &text);
    if (err != KITH_OK)
        return err;
    return type == KITH_SDP_OFFER ? apply_local_offer(pc, text)
                                  : apply_local_answer(pc, type, text);
}

/* ---- remote ---- */

static kith_err apply_remote_offer(kith_pc *pc, kith_description *d)
{
    kith_jsep *jsep = &pc->jsep;
    kith_list spare;
    kith_err err = kith_remote_check_offer(pc, d);
    if (err == KITH_OK)
        err = kith_transceivers_prepare(pc, d, &spare);
    if (err != KITH_OK)
        return err;
    if (jsep->signaling_state == KITH_SIGNALING_STATE_HAVE_LOCAL_OFFER) {
        /* webrtc-pc section 4.4.1.5: as if {type: "rollback"} had been set before. */
        roll_back(pc);
        jsep->negotiation_needed = false;
    }
    replace(&jsep->pending_remote, d);
    /* A created offer lives on: this one may be rolled back. */
    jsep->answer.is_unconfirmed = true;
    kith_transceivers_take_remote_offer(pc, d, &spare);
    kith_jsep_set_state(pc, KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER);
    kith_transceivers_tell(pc);
    return KITH_OK;
}

static kith_err apply_remote_answer(kith_pc *pc, kith_sdp_type type, kith_description *d)
{
    kith_jsep *jsep = &pc->jsep;
    kith_err err = kith_remote_check_answer(pc, d);
    const kith_sdp_media *transport = kith_description_transport(d);
    if (err == KITH_OK && transport) {
        /* RFC 8842 section 5.4; without a=setup the answerer is taken for active. */
        kith_sdp_setup setup = kith_sdp_media_setup(d->sdp, transport);
        kith_dtls_role role = setup == KITH_SDP_SETUP_PASSIVE ? KITH_DTLS_CLIENT : KITH_DTLS_SERVER;
        /* Roles that were agreed on stay with their association (pc/remote.c). */
        if (kith_pc_transport(pc)->has_dtls_role && !kith_remote_renews(pc, d))
            role = kith_pc_transport(pc)->dtls_role;
        err = connect_transport(pc, jsep->pending_local, d, role);
    }
    if (err != KITH_OK)
        return err;
    kith_description *provisional = jsep->pending_remote;
    const kith_description *before = kith_remote_applied(pc);
    jsep->pending_remote = d;
    settle(pc, type, true, before);
    kith_description_free(provisional);
    return KITH_OK;
}

/* Lines that kith goes on without. */
static void log_remarks(kith_pc *pc, const kith_description *d)
{
    for (size_t i = 0; i < d->sdp->remarks.count; i++)
        KITH_LOG(&pc->log, INFO, "remote %s: line %d is left out: %s",
                 kith_sdp_type_name(d->session.type), d->sdp->remarks.items[i].line,
                 d->sdp->remarks.items[i].text);
}

kith_err kith_pc_set_remote_description(kith_pc *pc, const kith_session_description *d)
{
    if (!d)
        return kith_fail(KITH_ERR_TYPE, "set_remote_description needs a description");
    kith_err err = check_type(pc, d->type, false);
    if (err != KITH_OK)
        return err;
    if (d->type == KITH_SDP_ROLLBACK) {
        roll_back(pc);
        kith_jsep_renew_negotiation_needed(pc);
        return KITH_OK;
    }
    if (!d->sdp)
        return kith_fail(KITH_ERR_TYPE, "a remote %s needs its text", kith_sdp_type_name(d->type));
    kith_description *parsed;
    err = kith_description_new(&parsed, d->type, d->sdp);
    if (err != KITH_OK)
        return err;
    log_remarks(pc, parsed);
    err = d->type == KITH_SDP_OFFER ? apply_remote_offer(pc, parsed)
                                    : apply_remote_answer(pc, d->type, parsed);
    if (err != KITH_OK)
        kith_description_free(parsed);
    return err;
}
