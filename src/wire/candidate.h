/* The candidate attribute (RFC 8839 section 5.1, RFC 6544 section 4.5), as a struct and as text. */
#ifndef KITH_WIRE_CANDIDATE_H
#define KITH_WIRE_CANDIDATE_H

#include "base/address.h"
#include "base/span.h"
#include "base/writer.h"

typedef enum kith_candidate_type {
    KITH_CANDIDATE_HOST,
    KITH_CANDIDATE_SRFLX,
    KITH_CANDIDATE_PRFLX,
    KITH_CANDIDATE_RELAY,
} kith_candidate_type;

typedef enum kith_tcp_type {
    /* UDP */
    KITH_TCPTYPE_NONE,
    KITH_TCPTYPE_ACTIVE,
    KITH_TCPTYPE_PASSIVE,
    KITH_TCPTYPE_SO,
} kith_tcp_type;

#define KITH_FOUNDATION_MAX 32  /* RFC 8839: 1*32 ice-char */
#define KITH_UFRAG_MAX      256 /* RFC 8839 section 5.4 */
#define KITH_PWD_MAX        256

/* How a server is reached, from the best on. */
typedef enum kith_server_transport {
    KITH_SERVER_UDP,
    KITH_SERVER_DTLS,
    KITH_SERVER_TCP,
    KITH_SERVER_TLS,
} kith_server_transport;

/* Over a TCP connection? */
static inline bool kith_server_is_stream(kith_server_transport transport)
{
    return transport >= KITH_SERVER_TCP;
}

typedef struct kith_candidate {
    /* "" when the line has none; a hash of one that is longer than the RFC allows */
    char foundation[KITH_FOUNDATION_MAX + 1];
    /* 1 RTP and everything bundled, 2 RTCP */
    uint16_t component;
    kith_protocol protocol;
    uint32_t priority;
    /* family 0 when the line has a name; the port is set either way */
    kith_address address;
    /* "<uuid>.local" or another name; "" when the line has an IP address */
    char hostname[256];
    kith_candidate_type type;
    kith_tcp_type tcp_type;
    /* raddr and rport; family 0 when absent */
    kith_address related;
    /* extension "ufrag" (RFC 8838 generation); "" when absent */
    char ufrag[KITH_UFRAG_MAX + 1];
    /* of a transport or a type that kith does not know: to be ignored (RFC 8839 section 5.1) */
    bool is_unknown;
} kith_candidate;

/* Only ice-char (RFC 8839 section 5.4), and the few more that deployed peers put in their ufrags
 * and passwords; false for the empty span. */
bool kith_candidate_is_ice_text(kith_span text);
/* Reads "candidate:…" or "a=candidate:…" or only what follows the colon, with blanks and a line end
 * around it. Unknown extensions and an unknown component are fine; an unknown transport or type is
 * told by is_unknown. False for text that is no candidate. */
bool kith_candidate_parse(kith_candidate *out, kith_span text);
/* Writes "candidate:…" without "a=". */
void kith_candidate_write(kith_writer *w, const kith_candidate *candidate);
/* "host", "srflx", "prflx", "relay". */
const char *kith_candidate_type_name(kith_candidate_type type);
/* "active"; NULL for NONE. */
const char *kith_candidate_tcp_type_name(kith_tcp_type type);
/* RTCIceServerTransportProtocol: "udp", "tcp", "tls". */
const char *kith_server_transport_name(kith_server_transport transport);

#endif
