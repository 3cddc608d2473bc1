/* RTCIceCandidate: a candidate line taken apart. */
#ifndef KITH_CANDIDATE_H
#define KITH_CANDIDATE_H

#include "kith/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The members of RTCIceCandidate (webrtc-pc section 4.8.1). Begin with KITH_CANDIDATE_FIELDS_INIT.
 * What a line lacks is 0, "" or NULL. */
typedef struct kith_candidate_fields {
    /* set by the init macro */
    size_t size;
    char foundation[40];
    /* 1: "rtp", and whatever is multiplexed with it; 2: "rtcp" */
    uint16_t component;
    uint16_t port;
    uint16_t related_port;
    uint32_t priority;
    /* an IP address or a name */
    char address[256];
    /* "udp", "tcp" */
    const char *protocol;
    /* "host", "srflx", "prflx", "relay" */
    const char *type;
    /* "active", "passive", "so"; NULL for UDP */
    const char *tcp_type;
    char related_address[72];
    /* RTCIceCandidate.usernameFragment, where the line names it */
    char username_fragment[264];
} kith_candidate_fields;

#ifdef __cplusplus
#define KITH_CANDIDATE_FIELDS_INIT KITH_INIT_OF(kith_candidate_fields)
#else
#define KITH_CANDIDATE_FIELDS_INIT            \
    {                                         \
        .size = sizeof(kith_candidate_fields) \
    }
#endif

/* Takes a line apart: "candidate:…", "a=candidate:…" or what follows the colon, as
 * kith_pc_add_ice_candidate takes it. SYNTAX for what is no candidate (the empty text among it),
 * NOT_SUPPORTED for a transport or a type that kith does not know, TYPE for an `out` that does not
 * begin with its init macro. */
KITH_API KITH_MUST_CHECK kith_err kith_candidate_fields_parse(kith_candidate_fields *out,
                                                              const char *candidate);

#ifdef __cplusplus
}
#endif
#endif
