/* The endpoint: many peer connections, one driver, no I/O. It belongs to one thread at a time. A
 * driver feeds packets and time, takes packets, requests and events; kith/loop.h is one,
 * docs/sans-io.md shows how to write another.
 *
 * Any number of inputs, then outputs until there are none, then the timeout: forgetting to drain
 * delays, it never corrupts. `now` never goes backwards; one clock for all endpoints of the
 * process. */
#ifndef KITH_ENDPOINT_H
#define KITH_ENDPOINT_H

#include "kith/address.h"
#include "kith/event.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kith_endpoint_config {
    size_t size;
    /* Wall time at now == 0 as an NTP timestamp in microseconds since 1 January 1900; for
     * certificates' dates and RTCP. 0: now == 0 is 1 January 2026. */
    uint64_t ntp_time_at_zero;
    /* Called, possibly from another thread, when the timeout became 0 or an event came outside
     * of the driver's own calls; must only wake the driver. NULL: never. */
    void (*wake)(void *user);
    void *user;
    /* The present, asked by calls that take no `now` and date something: certificates that are made
     * or checked, statistics, frames and packets that say no time. NULL: the last `now` given; then
     * call kith_endpoint_handle_timeout once before the first peer connection is made. */
    kith_time (*clock)(void *user);
    /* Certificates, as PEM text, that those of TURN servers by TLS ("turns:") must come from; the
     * text is not kept. NULL: the system's. They are valid by the clock above, and of the host that
     * the URL names. */
    const char *tls_roots;
} kith_endpoint_config;

#ifdef __cplusplus
#define KITH_ENDPOINT_CONFIG_INIT KITH_INIT_OF(kith_endpoint_config)
#else
#define KITH_ENDPOINT_CONFIG_INIT            \
    {                                        \
        .size = sizeof(kith_endpoint_config) \
    }
#endif

/* cfg NULL: defaults. TYPE when it does not begin with KITH_ENDPOINT_CONFIG_INIT, SYNTAX when there
 * is no certificate in tls_roots. */
KITH_API KITH_MUST_CHECK kith_err kith_endpoint_new(kith_endpoint **out,
                                                    const kith_endpoint_config *cfg);
/* Closes all its peer connections (kith_pc_close): what they say last can then be polled and
 * sent. */
KITH_API void kith_endpoint_close(kith_endpoint *ep);
/* Frees its peer connections too; their last packets are lost unless polled before. NULL is
 * fine. */
KITH_API void kith_endpoint_free(kith_endpoint *ep);

/* ---- packets and time ---- */

/* Begin with KITH_PACKET_INFO_INIT, for packets in and out: without it kith stops the program. */
typedef struct kith_packet_info {
    /* set by the init macro */
    size_t size;
    kith_path path;
    /* RFC 3168 bits */
    uint8_t ecn;
    /* RFC 8837; out only */
    uint8_t dscp;
    /* out only */
    bool dont_fragment;
    /* 0 */
    uint8_t reserved;
} kith_packet_info;

#ifdef __cplusplus
#define KITH_PACKET_INFO_INIT KITH_INIT_OF(kith_packet_info)
#else
#define KITH_PACKET_INFO_INIT            \
    {                                    \
        .size = sizeof(kith_packet_info) \
    }
#endif

/* The longest datagram that kith_endpoint_poll_packet writes. */
#define KITH_MAX_PACKET 1500

/* A datagram came in, or, where info->path.protocol is KITH_TCP, the next piece of that
 * connection's stream; data is borrowed for the call and may be of any length. */
KITH_API void kith_endpoint_handle_packet(kith_endpoint *ep, kith_time now,
                                          const kith_packet_info *info, const void *data,
                                          size_t len);
/* The system refused to send a datagram on this path, and would refuse the next: no route, the
 * interface is down, a firewall forbids it (ENETUNREACH, EHOSTUNREACH, EPERM). Another path is
 * tried at once, instead of when this one has been silent for seconds. The datagram is lost. */
KITH_API void kith_endpoint_handle_unreachable(kith_endpoint *ep, kith_time now,
                                               const kith_path *path);
/* The time is `now`: what is due by it is done. Too early or too often is harmless. */
KITH_API void kith_endpoint_handle_timeout(kith_endpoint *ep, kith_time now);
/* Writes the next datagram to buf (cap at least KITH_MAX_PACKET) and says where it goes, or the
 * next bytes of a TCP connection that takes some; 0: none. Packets of one path tend to come in a
 * row, so that a driver can batch them. */
KITH_API size_t kith_endpoint_poll_packet(kith_endpoint *ep, kith_time now, kith_packet_info *info,
                                          void *buf, size_t cap);
/* When kith_endpoint_handle_timeout is due; 0 while a packet or a request waits; KITH_NEVER.
 * Events do not count: not asking for them brakes the peers. */
KITH_API kith_time kith_endpoint_timeout(kith_endpoint *ep);
/* The next event of any of its peers; NULL: none. Borrowed until the next poll. */
KITH_API const kith_event *kith_endpoint_poll_event(kith_endpoint *ep);

/* ---- local addresses ---- */

/* With a port: a UDP socket that is open and that all peers share. Without (port 0): an
 * interface's address on which each peer asks for a socket of its own (KITH_REQUEST_OPEN). In
 * order of preference. A loopback address makes loopback candidates; nothing else does. All
 * peers that have begun to gather take it at once; those that have told their last candidate do
 * not tell of it, and a peer whose ICE has failed meanwhile asks for a restart by
 * negotiationneeded. INVALID_STATE when it is there already. */
KITH_API KITH_MUST_CHECK kith_err kith_endpoint_add_local_address(kith_endpoint *ep,
                                                                  const kith_address *local);
/* What a driver knows of a local address. Begin with KITH_LOCAL_INFO_INIT. */
typedef struct kith_local_info {
    /* set by the init macro */
    size_t size;
    /* as in kith_endpoint_add_local_address, for TCP as in kith_endpoint_add_tcp_address */
    kith_address address;
    kith_protocol protocol;
    /* How the world sees it, where a NAT gives an address to it alone (1:1): told beside it, as a
     * server-reflexive candidate. Port 0: that of the socket. Family 0: none. */
    kith_address external;
    /* local preference of RFC 8445 section 5.1.2.1, larger is better; 0: by the order of adding */
    uint16_t preference;
    /* packets to the world leave from it, as the system chooses (RFC 8828) */
    bool is_default_route;
    /* used, but not told: `external` stands for it */
    bool is_hidden;
    /* false, or NOT_SUPPORTED: what would be padding belongs to later versions */
    bool reserved[8];
} kith_local_info;

#ifdef __cplusplus
#define KITH_LOCAL_INFO_INIT KITH_INIT_OF(kith_local_info)
#else
#define KITH_LOCAL_INFO_INIT            \
    {                                   \
        .size = sizeof(kith_local_info) \
    }
#endif

/* kith_endpoint_add_local_address or _tcp_address of which more is known: those two are of the
 * default route. It ends with kith_endpoint_remove_local_address or _tcp_address. TYPE when info
 * does not begin with KITH_LOCAL_INFO_INIT, or for an external address of another family. */
KITH_API KITH_MUST_CHECK kith_err kith_endpoint_add_local(kith_endpoint *ep,
                                                          const kith_local_info *info);
/* The address or socket is gone. Pairs on it die; sockets opened on it are asked to be closed. */
KITH_API void kith_endpoint_remove_local_address(kith_endpoint *ep, const kith_address *local);

/* ---- TCP (RFC 6544): for drivers that have it ---- */

/* An address that peers may connect from (KITH_REQUEST_CONNECT); with a port, a listener too, which
 * is open and which all peers share. Without any of these there are no TCP candidates. Otherwise as
 * kith_endpoint_add_local_address. */
KITH_API KITH_MUST_CHECK kith_err kith_endpoint_add_tcp_address(kith_endpoint *ep,
                                                                const kith_address *local);
/* The address or listener is gone; connections on it are asked to be closed. */
KITH_API void kith_endpoint_remove_tcp_address(kith_endpoint *ep, const kith_address *local);

/* A connection was accepted: path->local is the listener, path->protocol KITH_TCP. It takes bytes
 * until kith_endpoint_handle_writable says otherwise, and has 5 s to show that it is a peer's.
 * False: close it, it is not known. */
KITH_API KITH_MUST_CHECK bool kith_endpoint_handle_accepted(kith_endpoint *ep, kith_time now,
                                                            const kith_path *path);
/* A connection ended, made or accepted, and is closed; its path means nothing any more. Not after
 * KITH_REQUEST_DISCONNECT. */
KITH_API void kith_endpoint_handle_closed(kith_endpoint *ep, kith_time now, const kith_path *path);
/* The connection takes no bytes for now, or takes some again. While it takes none nothing is polled
 * for it: its data waits in SCTP, its media in its sender for a second at most,
 * and no other peer waits. What the system took of a write in part is the driver's to finish
 * first. Only the last packets of a peer that is closed come all the same, to be sent behind
 * that. */
KITH_API void kith_endpoint_handle_writable(kith_endpoint *ep, kith_time now, const kith_path *path,
                                            bool is_writable);

typedef enum kith_connect_result {
    KITH_CONNECT_DONE,
    KITH_CONNECT_REFUSED,
    /* no route */
    KITH_CONNECT_UNREACHABLE,
    KITH_CONNECT_TIMED_OUT,
    /* anything else */
    KITH_CONNECT_FAILED,
} kith_connect_result;

/* Answers KITH_REQUEST_CONNECT. path: of the connection, whose local address now has its port, for
 * DONE; else NULL. When nobody wants it any more a KITH_REQUEST_DISCONNECT follows. */
KITH_API void kith_endpoint_handle_connected(kith_endpoint *ep, kith_time now, uint64_t id,
                                             const kith_path *path, kith_connect_result result);

/* ---- requests: rare work that only the outside can do ---- */

typedef enum kith_request_type {
    /* A UDP socket bound to `local` (port 0: any); answer with kith_endpoint_handle_opened. */
    KITH_REQUEST_OPEN,
    /* Close the socket that was opened as `local`. */
    KITH_REQUEST_CLOSE,
    /* `hostname` to addresses, by multicast DNS when it ends in ".local"; answer with
     * kith_endpoint_handle_resolved. */
    KITH_REQUEST_RESOLVE,
    /* A TCP connection from `local` (port 0: any) to `remote`, given up after 10 s; answer with
     * kith_endpoint_handle_connected. Set TCP_NODELAY, and let little wait in the kernel
     * (TCP_NOTSENT_LOWAT). */
    KITH_REQUEST_CONNECT,
    /* Close the TCP connection from `local` to `remote`, after what was polled for it; one that is
     * full may have a few seconds for that. */
    KITH_REQUEST_DISCONNECT,
} kith_request_type;

typedef struct kith_request {
    kith_request_type type;
    uint64_t id;
    kith_address local;
    const char *hostname;
    kith_address remote;
} kith_request;

/* The next request; NULL: none. Borrowed until the next poll. Each is given once; an answer to one
 * whose peer is gone is fine. */
KITH_API const kith_request *kith_endpoint_poll_request(kith_endpoint *ep);
/* Answers KITH_REQUEST_OPEN. bound: the socket's address with its port; NULL when it could not be
 * opened. When nobody wants the socket any more a KITH_REQUEST_CLOSE follows. */
KITH_API void kith_endpoint_handle_opened(kith_endpoint *ep, kith_time now, uint64_t id,
                                          const kith_address *bound);
/* Answers KITH_REQUEST_RESOLVE. count 0: the name has no address. Ports are ignored. */
KITH_API void kith_endpoint_handle_resolved(kith_endpoint *ep, kith_time now, uint64_t id,
                                            const kith_address *addresses, size_t count);

/* Packets of the endpoint, and those that belonged to nobody, by cause. */
typedef struct kith_endpoint_counters {
    uint64_t packets_in, packets_out;
    /* not STUN, and from an address that passed no check */
    uint64_t unknown_source;
    /* STUN requests for no peer of ours */
    uint64_t unknown_ufrag;
    /* STUN responses to no request of ours */
    uint64_t unknown_response;
    /* checks from an address that another peer owns */
    uint64_t address_conflicts;
    /* looked like STUN and were not */
    uint64_t malformed;
    /* TCP connections on which nobody's check came, in time or first, or a frame too long */
    uint64_t connections_refused;
} kith_endpoint_counters;

/* Counted since the endpoint was made; lives as long as it does. */
KITH_API const kith_endpoint_counters *kith_endpoint_get_counters(const kith_endpoint *ep);

#ifdef __cplusplus
}
#endif
#endif
