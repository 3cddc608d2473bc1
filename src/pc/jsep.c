/* The signalling state of one peer connection, whether it needs negotiation (webrtc-pc section
 * 4.7.3), and which ICE credentials shall be replaced. */
#include "pc/jsep.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "crypto/random.h"
#include "pc/pc.h"

kith_err kith_jsep_init(kith_pc *pc)
{
    kith_jsep *jsep = &pc->jsep;
    /* RFC 9429 section 5.2.1: 63 random bits. */
    jsep->session_id = kith_random_u64() >> 1;
    kith_random_text(jsep->tls_id, KITH_JSEP_TLS_ID);
    return KITH_OK;
}

void kith_jsep_deinit(kith_pc *pc)
{
    kith_jsep *jsep = &pc->jsep;
    kith_description_free(jsep->current_local);
    kith_description_free(jsep->pending_local);
    kith_description_free(jsep->current_remote);
    kith_description_free(jsep->pending_remote);
    kith_free(jsep->offer.text);
    kith_free(jsep->answer.text);
    *jsep = (kith_jsep){0};
}

void kith_jsep_close(kith_pc *pc)
{
    pc->jsep.signaling_state = KITH_SIGNALING_STATE_CLOSED;
}

void kith_jsep_set_state(kith_pc *pc, kith_signaling_state state)
{
    if (state == pc->jsep.signaling_state)
        return;
    pc->jsep.signaling_state = state;
    KITH_LOG(&pc->log, INFO, "signaling: %s", kith_signaling_state_name(state));
    kith_event ev = {.type = KITH_EV_SIGNALING_STATE, .pc = pc, .signaling_state = state};
    kith_events_push(pc, &ev);
}

kith_signaling_state kith_pc_signaling_state(const kith_pc *pc)
{
    return pc->jsep.signaling_state;
}

kith_description *kith_jsep_find_local(const kith_pc *pc, const char *ufrag)
{
    kith_description *const both[] = {pc->jsep.pending_local, pc->jsep.current_local};
    for (size_t i = 0; i < 2; i++) {
        const kith_sdp_media *m = kith_description_transport(both[i]);
        if (m && strcmp(m->common.ice_ufrag, ufrag) == 0)
            return both[i];
    }
    return NULL;
}

/* ---- ICE restart ---- */

/* Are the current credentials of a generation up to this one? */
static bool is_current_through(const kith_pc *pc, uint32_t generation)
{
    const kith_description *current = pc->jsep.current_local;
    return kith_description_transport(current) && current->generation <= generation;
}

bool kith_jsep_wants_restart(const kith_pc *pc)
{
    return is_current_through(pc, pc->jsep.replace_through);
}

bool kith_jsep_is_outdated(const kith_pc *pc)
{
    return is_current_through(pc, pc->jsep.outdated_through);
}

void kith_jsep_outdate_candidates(kith_pc *pc)
{
    pc->jsep.outdated_through = pc->jsep.generation;
}

/* webrtc-pc section 4.4.1.8: all credentials of the current and pending local descriptions. */
void kith_pc_restart_ice(kith_pc *pc)
{
    kith_jsep *jsep = &pc->jsep;
    if (pc->closed || (!jsep->current_local && !jsep->pending_local))
        return;
    jsep->replace_through = jsep->generation;
    kith_jsep_update_negotiation_needed(pc);
}

/* ---- negotiation needed ---- */

static bool has_new_channel(const kith_pc *pc)
{
    KITH_LIST_EACH((kith_list *)&pc->channels.all, node)
        if (KITH_OWNER(node, kith_dc, in_pc)->state == KITH_DC_STATE_CONNECTING)
            return true;
    return false;
}

static bool has_application(const kith_description *d)
{
    for (size_t i = 0; d && i < d->sdp->media.count; i++)
        if (strcmp(d->sdp->media.items[i]->kind, "application") == 0)
            return true;
    return false;
}

/* A section that was rejected was negotiated all the same; only a channel made since asks for
 * another. Else a peer that rejects every time would be asked every time. */
bool kith_jsep_wants_data(const kith_pc *pc)
{
    if (!kith_channels_wanted(pc) || kith_jsep_agreed_data(pc) >= 0)
        return false;
    return !has_application(pc->jsep.current_local) || has_new_channel(pc);
}

/* webrtc-pc section 4.7.3 "check if negotiation is needed", steps 2 to 5. */
static bool is_negotiation_needed(const kith_pc *pc)
{
    return kith_jsep_wants_restart(pc) || kith_jsep_wants_data(pc) ||
           kith_transceivers_need_negotiation(pc);
}

void kith_jsep_update_negotiation_needed(kith_pc *pc)
{
    kith_jsep *jsep = &pc->jsep;
    /* Not in stable: updated on the return to it. */
    if (pc->closed || jsep->signaling_state != KITH_SIGNALING_STATE_STABLE)
        return;
    if (!is_negotiation_needed(pc)) {
        jsep->negotiation_needed = false;
        return;
    }
    if (jsep->negotiation_needed)
        return;
    jsep->negotiation_needed = true;
    if (jsep->negotiation_queued)
        return; /* the event that still waits tells it */
    jsep->negotiation_queued = true;
    kith_event ev = {.type = KITH_EV_NEGOTIATION_NEEDED, .pc = pc};
    kith_events_push(pc, &ev);
}

bool kith_pc_negotiation_needed(const kith_pc *pc)
{
    return !pc->closed && pc->jsep.negotiation_needed;
}

void kith_jsep_renew_negotiation_needed(kith_pc *pc)
{
    pc->jsep.negotiation_needed = false;
    kith_jsep_update_negotiation_needed(pc);
}

bool kith_jsep_negotiation_needed(kith_pc *pc)
{
    kith_jsep *jsep = &pc->jsep;
    jsep->negotiation_queued = false;
    if (pc->closed || jsep->signaling_state != KITH_SIGNALING_STATE_STABLE)
        return false;
    if (!is_negotiation_needed(pc))
        jsep->negotiation_needed = false;
    return jsep->negotiation_needed;
}
