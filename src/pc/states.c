/* The states that a peer connection derives from its parts (webrtc-pc sections 4.3.2 to 4.3.4).
 * There is one transport, so "any" and "all" of the tables are that one. */
#include "pc/pc.h"

/* RTCIceGatheringState: "new": any of the RTCIceTransports are in the "new" gathering state and
 * none are in "gathering"; "gathering": any are; "complete": at least one exists and all completed
 * gathering. */
static kith_ice_gathering_state gathering_state(const kith_pc *pc)
{
    if (pc->transport.gathering)
        return KITH_ICE_GATHERING_STATE_GATHERING;
    return pc->transport.gathered ? KITH_ICE_GATHERING_STATE_COMPLETE
                                  : KITH_ICE_GATHERING_STATE_NEW;
}

/* RTCIceConnectionState follows RTCIceTransportState name by name. */
static kith_ice_connection_state ice_connection_state(const kith_pc *pc)
{
    if (pc->closed)
        return KITH_ICE_CONNECTION_STATE_CLOSED;
    switch (kith_ice_get_state(pc->transport.ice)) {
    case KITH_ICE_NEW:
        return KITH_ICE_CONNECTION_STATE_NEW;
    case KITH_ICE_CHECKING:
        return KITH_ICE_CONNECTION_STATE_CHECKING;
    case KITH_ICE_CONNECTED:
        return KITH_ICE_CONNECTION_STATE_CONNECTED;
    case KITH_ICE_COMPLETED:
        return KITH_ICE_CONNECTION_STATE_COMPLETED;
    case KITH_ICE_DISCONNECTED:
        return KITH_ICE_CONNECTION_STATE_DISCONNECTED;
    case KITH_ICE_FAILED:
        return KITH_ICE_CONNECTION_STATE_FAILED;
    }
    return KITH_ICE_CONNECTION_STATE_NEW;
}

/* RTCPeerConnectionState: "closed": [[IsClosed]]; else "failed": any ICE or DTLS transport failed;
 * else "disconnected": any ICE transport is; else "new": all ICE and DTLS transports are new or
 * closed; else "connected": all ICE transports are connected, completed or closed and all DTLS ones
 * connected or closed; else "connecting". */
static kith_connection_state connection_state(const kith_pc *pc)
{
    if (pc->closed)
        return KITH_CONNECTION_STATE_CLOSED;
    kith_ice_state ice = kith_ice_get_state(pc->transport.ice);
    kith_dtls_state dtls =
        !pc->transport.dtls ? KITH_DTLS_NEW : kith_dtls_get_state(pc->transport.dtls);
    if (ice == KITH_ICE_FAILED || dtls == KITH_DTLS_FAILED)
        return KITH_CONNECTION_STATE_FAILED;
    if (ice == KITH_ICE_DISCONNECTED)
        return KITH_CONNECTION_STATE_DISCONNECTED;
    if (ice == KITH_ICE_NEW && (dtls == KITH_DTLS_NEW || dtls == KITH_DTLS_CLOSED))
        return KITH_CONNECTION_STATE_NEW;
    if ((ice == KITH_ICE_CONNECTED || ice == KITH_ICE_COMPLETED) &&
        (dtls == KITH_DTLS_CONNECTED || dtls == KITH_DTLS_CLOSED))
        return KITH_CONNECTION_STATE_CONNECTED;
    return KITH_CONNECTION_STATE_CONNECTING;
}

void kith_states_update(kith_pc *pc)
{
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
