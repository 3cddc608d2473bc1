/* What lies between this host and its peers: whether UDP passes, how the NAT behaves (RFC 4787,
 * asked as RFC 5780 does), what packets fit, and whether each STUN and TURN server serves. Driven
 * like an endpoint: no I/O, no clock, one thread at a time; kith_loop_add_nat_probe drives it.
 *
 * All that is said comes of answers: what no server can tell is UNKNOWN. To judge a NAT it takes a
 * server of RFC 5780 (kith turn --discovery is one), or two servers on different addresses for its
 * mapping alone. */
#ifndef KITH_NAT_H
#define KITH_NAT_H

#include "kith/endpoint.h"
#include "kith/pc.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kith_nat_probe kith_nat_probe;

typedef enum kith_nat_answer {
    KITH_NAT_UNKNOWN,
    KITH_NAT_NO,
    KITH_NAT_YES,
} kith_nat_answer;

/* Everything is copied. */
typedef struct kith_nat_config {
    size_t size;
    /* as in kith_pc_config; URLs of a name are asked at one address of each family */
    const kith_ice_server *ice_servers;
    size_t ice_server_count;
    /* sizeof(kith_ice_server), set by the init macro */
    size_t ice_server_size;
    /* Finds out, too, how long a mapping lives without traffic, which takes as long as that or as
     * this; 0: not. At most KITH_NAT_MAX_LIFETIME. */
    kith_time lifetime;
    /* The report waits until the driver has said whether multicast DNS works on this machine. */
    bool multicast_dns;
    /* false */
    bool reserved[7];
} kith_nat_config;

#define KITH_NAT_MAX_LIFETIME KITH_SECONDS(900)

#ifdef __cplusplus
#define KITH_NAT_CONFIG_INIT                                  \
    ([] {                                                     \
        kith_nat_config kith_init_ = kith_nat_config();       \
        kith_init_.size = sizeof(kith_nat_config);            \
        kith_init_.ice_server_size = sizeof(kith_ice_server); \
        return kith_init_;                                    \
    }())
#else
#define KITH_NAT_CONFIG_INIT                                                        \
    {                                                                               \
        .size = sizeof(kith_nat_config), .ice_server_size = sizeof(kith_ice_server) \
    }
#endif

/* As kith_pc_new judges its servers; RANGE for too many, and for a lifetime out of range. */
KITH_API KITH_MUST_CHECK kith_err kith_nat_probe_new(kith_nat_probe **out,
                                                     const kith_nat_config *cfg);
/* NULL is fine. */
KITH_API void kith_nat_probe_free(kith_nat_probe *probe);

/* The most local addresses, and addresses of servers, that a probe has. */
#define KITH_NAT_MAX_LOCALS  8
#define KITH_NAT_MAX_SERVERS 32

/* An address of an interface, without a port: probing begins on it with the next call that has
 * `now`. INVALID_STATE when it is there already, RANGE when there are too many, NO_MEMORY. */
KITH_API KITH_MUST_CHECK kith_err kith_nat_probe_add_local(kith_nat_probe *probe,
                                                           const kith_address *local);

/* ---- packets and time, as of an endpoint ---- */

/* A datagram came to a socket of the probe. */
KITH_API void kith_nat_probe_handle_packet(kith_nat_probe *probe, kith_time now,
                                           const kith_packet_info *info, const void *data,
                                           size_t len);
/* Writes the next datagram to buf, of KITH_MAX_PACKET bytes at least; 0: none. Those that ask for
 * the path MTU must not be fragmented (info->dont_fragment). */
KITH_API size_t kith_nat_probe_poll_packet(kith_nat_probe *probe, kith_time now,
                                           kith_packet_info *info, void *buf, size_t cap);
/* The time is `now`. */
KITH_API void kith_nat_probe_handle_timeout(kith_nat_probe *probe, kith_time now);
/* When kith_nat_probe_handle_timeout is due; 0 while a request waits; KITH_NEVER. */
KITH_API kith_time kith_nat_probe_timeout(const kith_nat_probe *probe);
/* The next request: OPEN, CLOSE or RESOLVE; NULL: none. Borrowed until the next poll. */
KITH_API const kith_request *kith_nat_probe_poll_request(kith_nat_probe *probe);
/* Answers KITH_REQUEST_OPEN. bound: NULL when it could not be opened. False: nobody wants the
 * socket any more, close it. */
KITH_API bool kith_nat_probe_handle_opened(kith_nat_probe *probe, kith_time now, uint64_t id,
                                           const kith_address *bound);
/* Answers KITH_REQUEST_RESOLVE. count 0: the name has no address. */
KITH_API void kith_nat_probe_handle_resolved(kith_nat_probe *probe, kith_time now, uint64_t id,
                                             const kith_address *addresses, size_t count);

/* Is it for the driver to say whether multicast DNS works (kith_nat_config.multicast_dns)? */
KITH_API bool kith_nat_probe_awaits_multicast_dns(const kith_nat_probe *probe);
/* Says so, once: YES when what is sent to its group on this machine is heard on this machine. */
KITH_API void kith_nat_probe_handle_multicast_dns(kith_nat_probe *probe, kith_nat_answer works);

/* ---- what was found ---- */

/* RFC 4787 section 4.1 for mappings, section 5 for filters. */
typedef enum kith_nat_behavior {
    KITH_NAT_BEHAVIOR_UNKNOWN,
    KITH_NAT_ENDPOINT_INDEPENDENT,
    KITH_NAT_ADDRESS_DEPENDENT,
    KITH_NAT_ADDRESS_AND_PORT_DEPENDENT,
    /* one of the last two */
    KITH_NAT_ENDPOINT_DEPENDENT,
} kith_nat_behavior;

/* "endpoint-independent", "address-dependent" and such; "unknown". */
KITH_API const char *kith_nat_behavior_name(kith_nat_behavior behavior);

/* What a local address is worth to peers, by its mapping and filtering. */
typedef enum kith_nat_kind {
    /* no server was asked, or none can tell */
    KITH_NAT_KIND_UNKNOWN,
    /* no server answers by UDP */
    KITH_NAT_KIND_NO_UDP,
    /* no NAT; filters decide on the next two, and are not known here */
    KITH_NAT_KIND_PUBLIC,
    KITH_NAT_KIND_OPEN,
    KITH_NAT_KIND_FIREWALL,
    /* endpoint-independent mapping; filters decide on the next three, and are not known here */
    KITH_NAT_KIND_CONE,
    KITH_NAT_KIND_FULL_CONE,
    KITH_NAT_KIND_RESTRICTED_CONE,
    KITH_NAT_KIND_PORT_RESTRICTED_CONE,
    /* a mapping for each address or port that is talked to */
    KITH_NAT_KIND_SYMMETRIC,
    /* a NAT of which no more is known */
    KITH_NAT_KIND_NAT,
} kith_nat_kind;

/* "port-restricted-cone" and such. */
KITH_API const char *kith_nat_kind_name(kith_nat_kind kind);
/* What it means for peers, in a sentence or two for a person: who is reached directly, and whether
 * it takes a TURN server. */
KITH_API const char *kith_nat_kind_text(kith_nat_kind kind);

typedef struct kith_nat_local {
    /* without a port */
    kith_address address;
    /* a socket of it, and how a server saw that; family 0: none did */
    kith_address socket, mapped;
    /* does any server answer by UDP? */
    kith_nat_answer udp;
    /* is there a NAT: does the server see another address? */
    kith_nat_answer is_translated;
    kith_nat_behavior mapping, filtering;
    /* Do two hosts behind the NAT reach each other by its external addresses? */
    kith_nat_answer hairpin;
    /* does a socket keep its port? */
    kith_nat_answer port_preservation;
    /* do sockets of this host have one external IP address (RFC 4787 section 4.1, "paired")? */
    kith_nat_answer is_paired;
    /* Each new mapping's port is so much above the last one's; 0: no step, or not known. */
    int port_step;
    /* The longest IP packet, bytes, that reaches the server whole, of the sizes that are in use; 0:
     * unknown. Above 1500 is not asked. */
    size_t path_mtu;
    /* A silent mapping lives at least and at most so long (kith_nat_config.lifetime); 0: not known.
     */
    kith_time lifetime_min, lifetime_max;
    kith_nat_kind kind;
} kith_nat_local;

typedef struct kith_nat_server {
    /* as configured */
    const char *url;
    /* family 0: the name has none, or not yet */
    kith_address address;
    /* does it answer Binding requests? */
    kith_nat_answer answers;
    /* the shortest of those that were answered without being repeated; 0: unknown */
    kith_time round_trip;
    /* it has a second address and port (RFC 5780) */
    bool has_other_address;
    bool is_turn;
    /* of TURN: does it allocate, and how long from the first request on did it take? */
    kith_nat_answer allocates;
    kith_time allocation_time;
    kith_address relayed[2];
    size_t relayed_count;
    /* Why not: the server's code and words, or 701 and ours; 0 and "": nothing failed. */
    int error_code;
    const char *error_text;
} kith_nat_server;

typedef struct kith_nat_report {
    const kith_nat_local *locals;
    size_t local_count;
    const kith_nat_server *servers;
    size_t server_count;
    /* without it the ".local" names of browsers are not resolved */
    kith_nat_answer multicast_dns;
    /* everything was asked and answered or given up */
    bool is_complete;
} kith_nat_report;

/* What is known by now; borrowed until the next call. */
KITH_API const kith_nat_report *kith_nat_probe_report(kith_nat_probe *probe);

#ifdef __cplusplus
}
#endif
#endif
