/* A transport as the application sees it (kith/transport.h): W3C's states of the three engines. */
#include "kith/transport.h"

#include "pc/candidate_fields.h"
#include "pc/pc.h"

const kith_transport *kith_pc_transport_at(const kith_pc *pc, size_t index)
{
    KITH_LIST_EACH(&pc->transports, node)
        if (index-- == 0)
            return KITH_OWNER(node, kith_transport, in_pc);
    return NULL;
}

/* ---- ICE ---- */

kith_ice_transport_state kith_transport_ice_state(const kith_transport *t)
{
    static const kith_ice_transport_state states[] = {
        [KITH_ICE_NEW] = KITH_ICE_TRANSPORT_STATE_NEW,
        [KITH_ICE_CHECKING] = KITH_ICE_TRANSPORT_STATE_CHECKING,
        [KITH_ICE_CONNECTED] = KITH_ICE_TRANSPORT_STATE_CONNECTED,
        [KITH_ICE_COMPLETED] = KITH_ICE_TRANSPORT_STATE_COMPLETED,
        [KITH_ICE_DISCONNECTED] = KITH_ICE_TRANSPORT_STATE_DISCONNECTED,
        [KITH_ICE_FAILED] = KITH_ICE_TRANSPORT_STATE_FAILED,
    };
    return t->pc->closed ? KITH_ICE_TRANSPORT_STATE_CLOSED : states[kith_ice_get_state(t->ice)];
}

kith_ice_gathering_state kith_transport_gathering_state(const kith_transport *t)
{
    if (t->gathering)
        return KITH_ICE_GATHERING_STATE_GATHERING;
    return t->gathered ? KITH_ICE_GATHERING_STATE_COMPLETE : KITH_ICE_GATHERING_STATE_NEW;
}

/* Chosen by setLocalDescription, with which gathering begins, at the latest (webrtc-pc section
 * 5.6.1). */
kith_ice_transport_role kith_transport_ice_role(const kith_transport *t)
{
    if (kith_transport_gathering_state(t) == KITH_ICE_GATHERING_STATE_NEW &&
        kith_ice_get_state(t->ice) == KITH_ICE_NEW)
        return KITH_ICE_TRANSPORT_ROLE_UNKNOWN;
    return kith_ice_get_role(t->ice) == KITH_ICE_CONTROLLING ? KITH_ICE_TRANSPORT_ROLE_CONTROLLING
                                                             : KITH_ICE_TRANSPORT_ROLE_CONTROLLED;
}

static bool find_selected(const kith_transport *t, kith_ice_pair_info *pair)
{
    for (size_t i = 0; kith_ice_pair_at(t->ice, i, pair); i++)
        if (pair->selected)
            return true;
    return false;
}

static bool fill_candidate(const kith_transport *t, uint32_t id, kith_candidate_fields *out)
{
    kith_ice_candidate_info info;
    for (size_t i = 0; kith_ice_candidate_at(t->ice, i, &info); i++)
        if (info.id == id)
            return kith_candidate_fields_of(out, info.candidate) == KITH_OK;
    return false;
}

bool kith_transport_selected_local(const kith_transport *t, kith_candidate_fields *out)
{
    kith_ice_pair_info pair;
    return find_selected(t, &pair) && fill_candidate(t, pair.local_id, out);
}

bool kith_transport_selected_remote(const kith_transport *t, kith_candidate_fields *out)
{
    kith_ice_pair_info pair;
    return find_selected(t, &pair) && fill_candidate(t, pair.remote_id, out);
}

uint32_t kith_transport_selected_pair_changes(const kith_transport *t)
{
    return kith_ice_selected_pair_changes(t->ice);
}

kith_time kith_transport_rtt(const kith_transport *t)
{
    return kith_ice_rtt(t->ice);
}

/* ---- DTLS and SCTP ---- */

kith_dtls_transport_state kith_transport_dtls_state(const kith_transport *t)
{
    if (t->pc->closed)
        return KITH_DTLS_TRANSPORT_STATE_CLOSED;
    return t->dtls ? (kith_dtls_transport_state)kith_dtls_get_state(t->dtls)
                   : KITH_DTLS_TRANSPORT_STATE_NEW;
}

kith_sctp_transport_state kith_transport_sctp_state(const kith_transport *t)
{
    if (!t->sctp)
        return KITH_SCTP_TRANSPORT_STATE_NONE;
    kith_sctp_state state = kith_sctp_get_state(t->sctp);
    if (t->pc->closed || state == KITH_SCTP_CLOSED)
        return KITH_SCTP_TRANSPORT_STATE_CLOSED;
    return state == KITH_SCTP_CONNECTED ? KITH_SCTP_TRANSPORT_STATE_CONNECTED
                                        : KITH_SCTP_TRANSPORT_STATE_CONNECTING;
}

/* ---- events ---- */

static void tell(kith_transport *t, kith_event_type type)
{
    kith_event ev = {.type = type, .pc = t->pc, .transport = t};
    kith_events_push(t->pc, &ev);
}

void kith_transport_update_states(kith_transport *t)
{
    if (t->pc->closed)
        return; /* its owner closed it and knows */
    kith_transport_states before = t->states;
    t->states = (kith_transport_states){
        .ice = kith_transport_ice_state(t),
        .gathering = kith_transport_gathering_state(t),
        .dtls = kith_transport_dtls_state(t),
        .sctp = kith_transport_sctp_state(t),
        .selected_pair_changes = kith_ice_selected_pair_changes(t->ice),
    };
    if (t->states.gathering != before.gathering)
        tell(t, KITH_EV_ICE_TRANSPORT_GATHERING_STATE);
    if (t->states.selected_pair_changes != before.selected_pair_changes)
        tell(t, KITH_EV_SELECTED_CANDIDATE_PAIR);
    if (t->states.ice != before.ice)
        tell(t, KITH_EV_ICE_TRANSPORT_STATE);
    if (t->states.dtls != before.dtls)
        tell(t, KITH_EV_DTLS_TRANSPORT_STATE);
    /* It begins as connecting (webrtc-pc section 6.1): that is no change. */
    bool begins = before.sctp == KITH_SCTP_TRANSPORT_STATE_NONE &&
                  t->states.sctp == KITH_SCTP_TRANSPORT_STATE_CONNECTING;
    if (t->states.sctp != before.sctp && !begins)
        tell(t, KITH_EV_SCTP_TRANSPORT_STATE);
}
