/* The W3C spelling of enumerators. NULL for a number that is none. */
#include "kith/media.h"
#include "kith/pc.h"
#include "kith/transport.h"
#include "tls/dtls.h"

#define NAME(names, value) \
    ((size_t)(value) < sizeof(names) / sizeof(names)[0] ? (names)[(size_t)(value)] : NULL)

const char *kith_sdp_type_name(kith_sdp_type type)
{
    static const char *const names[] = {
        [KITH_SDP_OFFER] = "offer",
        [KITH_SDP_PRANSWER] = "pranswer",
        [KITH_SDP_ANSWER] = "answer",
        [KITH_SDP_ROLLBACK] = "rollback",
    };
    return NAME(names, type);
}

const char *kith_signaling_state_name(kith_signaling_state state)
{
    static const char *const names[] = {
        [KITH_SIGNALING_STATE_STABLE] = "stable",
        [KITH_SIGNALING_STATE_HAVE_LOCAL_OFFER] = "have-local-offer",
        [KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER] = "have-remote-offer",
        [KITH_SIGNALING_STATE_HAVE_LOCAL_PRANSWER] = "have-local-pranswer",
        [KITH_SIGNALING_STATE_HAVE_REMOTE_PRANSWER] = "have-remote-pranswer",
        [KITH_SIGNALING_STATE_CLOSED] = "closed",
    };
    return NAME(names, state);
}

const char *kith_ice_gathering_state_name(kith_ice_gathering_state state)
{
    static const char *const names[] = {
        [KITH_ICE_GATHERING_STATE_NEW] = "new",
        [KITH_ICE_GATHERING_STATE_GATHERING] = "gathering",
        [KITH_ICE_GATHERING_STATE_COMPLETE] = "complete",
    };
    return NAME(names, state);
}

const char *kith_ice_connection_state_name(kith_ice_connection_state state)
{
    static const char *const names[] = {
        [KITH_ICE_CONNECTION_STATE_NEW] = "new",
        [KITH_ICE_CONNECTION_STATE_CHECKING] = "checking",
        [KITH_ICE_CONNECTION_STATE_CONNECTED] = "connected",
        [KITH_ICE_CONNECTION_STATE_COMPLETED] = "completed",
        [KITH_ICE_CONNECTION_STATE_DISCONNECTED] = "disconnected",
        [KITH_ICE_CONNECTION_STATE_FAILED] = "failed",
        [KITH_ICE_CONNECTION_STATE_CLOSED] = "closed",
    };
    return NAME(names, state);
}

const char *kith_connection_state_name(kith_connection_state state)
{
    static const char *const names[] = {
        [KITH_CONNECTION_STATE_NEW] = "new",
        [KITH_CONNECTION_STATE_CONNECTING] = "connecting",
        [KITH_CONNECTION_STATE_CONNECTED] = "connected",
        [KITH_CONNECTION_STATE_DISCONNECTED] = "disconnected",
        [KITH_CONNECTION_STATE_FAILED] = "failed",
        [KITH_CONNECTION_STATE_CLOSED] = "closed",
    };
    return NAME(names, state);
}

const char *kith_ice_transport_state_name(kith_ice_transport_state state)
{
    static const char *const names[] = {
        [KITH_ICE_TRANSPORT_STATE_NEW] = "new",
        [KITH_ICE_TRANSPORT_STATE_CHECKING] = "checking",
        [KITH_ICE_TRANSPORT_STATE_CONNECTED] = "connected",
        [KITH_ICE_TRANSPORT_STATE_COMPLETED] = "completed",
        [KITH_ICE_TRANSPORT_STATE_DISCONNECTED] = "disconnected",
        [KITH_ICE_TRANSPORT_STATE_FAILED] = "failed",
        [KITH_ICE_TRANSPORT_STATE_CLOSED] = "closed",
    };
    return NAME(names, state);
}

const char *kith_ice_transport_role_name(kith_ice_transport_role role)
{
    static const char *const names[] = {
        [KITH_ICE_TRANSPORT_ROLE_UNKNOWN] = "unknown",
        [KITH_ICE_TRANSPORT_ROLE_CONTROLLING] = "controlling",
        [KITH_ICE_TRANSPORT_ROLE_CONTROLLED] = "controlled",
    };
    return NAME(names, role);
}

const char *kith_dtls_transport_state_name(kith_dtls_transport_state state)
{
    bool is_one = (unsigned)state <= KITH_DTLS_TRANSPORT_STATE_FAILED;
    return is_one ? kith_dtls_state_name((kith_dtls_state)state) : NULL;
}

const char *kith_sctp_transport_state_name(kith_sctp_transport_state state)
{
    static const char *const names[] = {
        [KITH_SCTP_TRANSPORT_STATE_NONE] = "",
        [KITH_SCTP_TRANSPORT_STATE_CONNECTING] = "connecting",
        [KITH_SCTP_TRANSPORT_STATE_CONNECTED] = "connected",
        [KITH_SCTP_TRANSPORT_STATE_CLOSED] = "closed",
    };
    return NAME(names, state);
}

const char *kith_media_kind_name(kith_media_kind kind)
{
    static const char *const names[] = {[KITH_AUDIO] = "audio", [KITH_VIDEO] = "video"};
    return NAME(names, kind);
}

const char *kith_direction_name(kith_direction direction)
{
    static const char *const names[] = {
        [KITH_DIRECTION_SENDRECV] = "sendrecv", [KITH_DIRECTION_SENDONLY] = "sendonly",
        [KITH_DIRECTION_RECVONLY] = "recvonly", [KITH_DIRECTION_INACTIVE] = "inactive",
        [KITH_DIRECTION_STOPPED] = "stopped",   [KITH_DIRECTION_NONE] = "",
    };
    return NAME(names, direction);
}
