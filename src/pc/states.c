/* The states that a peer connection derives from its transports (webrtc-pc sections 4.3.2 to
 * 4.3.4): which states there are among them, then the tables, row by row. */
#include "pc/pc.h"

#define BIT(state) (1u << (state))

static bool any(unsigned seen, unsigned states)
{
    return (seen & states) != 0;
}

static bool all(unsigned seen, unsigned states)
{
    return (seen & ~states) == 0;
}

/* The states of pc's ICE transports, a bit each. */
static unsigned ice_states(const kith_pc *pc)
{
    unsigned seen = 0;
    KITH_LIST_EACH(&pc->transports, node)
        seen |= BIT(kith_ice_get_state(KITH_OWNER(node, kith_transport, in_pc)->ice));
    return seen;
}

/* The states of pc's DTLS transports, a bit each. */
static unsigned dtls_states(const kith_pc *pc)
{
    unsigned seen = 0;
    KITH_LIST_EACH(&pc->transports, node) {
        const kith_dtls *dtls = KITH_OWNER(node, kith_transport, in_pc)->dtls;
        seen |= BIT(dtls ? kith_dtls_get_state(dtls) : KITH_DTLS_NEW);
    }
    return seen;
}

/* RTCIceGatheringState: "new": any of the RTCIceTransports are in the "new" gathering state and
 * none are in "gathering"; "gathering": any are; "complete": at least one exists and all completed
 * gathering. */
static kith_ice_gathering_state gathering_state(const kith_pc *pc)
{
    bool is_complete = true;
    KITH_LIST_EACH(&pc->transports, node) {
        const kith_transport *t = KITH_OWNER(node, kith_transport, in_pc);
        if (t->gathering)
            return KITH_ICE_GATHERING_STATE_GATHERING;
        is_complete = is_complete && t->gathered;
    }
    return is_complete ? KITH_ICE_GATHERING_STATE_COMPLETE : KITH_ICE_GATHERING_STATE_NEW;
}

/* RTCIceConnectionState: "closed": [[IsClosed]]; else "failed": any RTCIceTransport failed; else
 * "disconnected": any is; else "new": all are new or closed; else "checking": any is new or
 * checking; else "completed": all are completed or closed; else "connected". */
static kith_ice_connection_state ice_connection_state(const kith_pc *pc)
{
    unsigned ice = ice_states(pc);
    if (pc->closed)
        return KITH_ICE_CONNECTION_STATE_CLOSED;
    if (any(ice, BIT(KITH_ICE_FAILED)))
        return KITH_ICE_CONNECTION_STATE_FAILED;
    if (any(ice, BIT(KITH_ICE_DISCONNECTED)))
        return KITH_ICE_CONNECTION_STATE_DISCONNECTED;
    if (all(ice, BIT(KITH_ICE_NEW)))
        return KITH_ICE_CONNECTION_STATE_NEW;
    if (any(ice, BIT(KITH_ICE_NEW) | BIT(KITH_ICE_CHECKING)))
        return KITH_ICE_CONNECTION_STATE_CHECKING;
    return all(ice, BIT(KITH_ICE_COMPLETED)) ? KITH_ICE_CONNECTION_STATE_COMPLETED
                                             : KITH_ICE_CONNECTION_STATE_CONNECTED;
}

/* RTCPeerConnectionState: "closed": [[IsClosed]]; else "failed": any ICE or DTLS transport failed;
 * else "disconnected": any ICE transport is; else "new": all ICE and DTLS transports are new or
 * closed; else "connected": all ICE transports are connected, completed or closed and all DTLS ones
 * connected or closed; else "connecting". */
static kith_connection_state connection_state(const kith_pc *pc)
{
    unsigned ice = ice_states(pc), dtls = dtls_states(pc);
    if (pc->closed)
        return KITH_CONNECTION_STATE_CLOSED;
    if (any(ice, BIT(KITH_ICE_FAILED)) || any(dtls, BIT(KITH_DTLS_FAILED)))
        return KITH_CONNECTION_STATE_FAILED;
    if (any(ice, BIT(KITH_ICE_DISCONNECTED)))
        return KITH_CONNECTION_STATE_DISCONNECTED;
    if (all(ice, BIT(KITH_ICE_NEW)) && all(dtls, BIT(KITH_DTLS_NEW) | BIT(KITH_DTLS_CLOSED)))
        return KITH_CONNECTION_STATE_NEW;
    if (all(ice, BIT(KITH_ICE_CONNECTED) | BIT(KITH_ICE_COMPLETED)) &&
        all(dtls, BIT(KITH_DTLS_CONNECTED) | BIT(KITH_DTLS_CLOSED)))
        return KITH_CONNECTION_STATE_CONNECTED;
    return KITH_CONNECTION_STATE_CONNECTING;
}

void kith_states_update(kith_pc *pc)
{
    KITH_LIST_EACH(&pc->transports, node)
        kith_transport_update_states(KITH_OWNER(node, kith_transport, in_pc));
    kith_ice_gathering_state gathering = gathering_state(pc);
    if (gathering != pc->ice_gathering_state) {
        pc->ice_gathering_state = gathering;
        kith_event ev = {
            .type = KITH_EV_ICE_GATHERING_STATE, .pc = pc, .ice_gathering_state = gathering};
        kith_events_push(pc, &ev);
    }
    kith_ice_connection_state ice = ice_connection_state(pc);
    if (ice != pc->ice_connection_state) {
        KITH_LOG(&pc->log, INFO, "ice connection: %s", kith_ice_connection_state_name(ice));
        pc->ice_connection_state = ice;
        kith_event ev = {
            .type = KITH_EV_ICE_CONNECTION_STATE, .pc = pc, .ice_connection_state = ice};
        kith_events_push(pc, &ev);
    }
    kith_connection_state connection = connection_state(pc);
    if (connection != pc->connection_state) {
        KITH_LOG(&pc->log, INFO, "connection: %s", kith_connection_state_name(connection));
        pc->connection_state = connection;
        kith_event ev = {
            .type = KITH_EV_CONNECTION_STATE, .pc = pc, .connection_state = connection};
        kith_events_push(pc, &ev);
    }
}

kith_ice_gathering_state kith_pc_ice_gathering_state(const kith_pc *pc)
{
    return pc->ice_gathering_state;
}

kith_ice_connection_state kith_pc_ice_connection_state(const kith_pc *pc)
{
    return pc->ice_connection_state;
}

kith_connection_state kith_pc_connection_state(const kith_pc *pc)
{
    return pc->connection_state;
}
