/* The inside of a peer connection: what the files of this room share.
 *
 *   config.c        RTCConfiguration, ICE server URLs
 *   jsep.c …        offer/answer (RFC 9429): descriptions, signalling state, negotiation needed
 *   transport.c     one ICE agent, one DTLS and one SCTP association, and what starts when
 *   gather.c        local addresses, ICE servers, names to resolve
 *   pump.c          moves packets and events between the engines, whose order it alone knows
 *   channels.c      RTCDataChannel, DCEP
 *   transceivers.c … audio and video: transceivers, codecs, packets (transceivers.h)
 *   events.c        the queue that the application polls
 *   endpoint.c      many peer connections: ready list, deadlines, requests, last packets
 *   route.c         whose packet is it
 *   states.c        derived states
 *   stats.c, why.c  what is told about all this */
#ifndef KITH_PC_PC_H
#define KITH_PC_PC_H

#include "base/arena.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/log.h"
#include "pc/channels.h"
#include "pc/endpoint.h"
#include "pc/events.h"
#include "pc/jsep.h"
#include "pc/transceivers.h"
#include "pc/transport.h"
#include "wire/ice_url.h"

struct kith_pc {
    kith_endpoint *ep;
    void *user;
    kith_log log;
    /* [[IsClosed]] */
    bool closed;
    /* its owner gave it up: only its last packets are still sent */
    bool freed;

    /* The endpoint's lists. */
    /* every peer connection */
    kith_list_node in_endpoint;
    /* it has a packet to send or work to do */
    kith_list_node in_ready;
    /* it may have events */
    kith_list_node in_with_events;
    kith_heap_node deadline;
    kith_pc *next_woken;
    atomic_bool is_woken;

    /* config.c */
    /* everything it points to is in config_memory; zero sizes are replaced by their defaults */
    kith_pc_config config;
    kith_arena config_memory;
    /* made when config has none; else NULL */
    kith_certificate *certificate;

    kith_jsep jsep;
    /* of kith_transport.in_pc: one, all sections are bundled */
    kith_list transports;
    /* ever made */
    unsigned transport_count;
    kith_channels channels;
    kith_transceivers transceivers;
    kith_events events;

    /* states.c: what was last told */
    kith_ice_gathering_state ice_gathering_state;
    kith_ice_connection_state ice_connection_state;
    kith_connection_state connection_state;

    /* text of kith_pc_why_failed */
    char *why;
};

/* The transport that all sections share. */
static inline kith_transport *kith_pc_transport(const kith_pc *pc)
{
    return KITH_OWNER(pc->transports.head.next, kith_transport, in_pc);
}

/* config.c */
/* Checks and copies a caller's configuration; on failure nothing changed. `is_new` allows
 * everything. */
KITH_MUST_CHECK kith_err kith_config_set(kith_pc *pc, const kith_pc_config *config, bool is_new);
void kith_config_deinit(kith_pc *pc);
/* A parsed URL of an ICE server of the configuration (RFC 7064, RFC 7065). */
typedef struct kith_server_url {
    const char *url;
    kith_ice_url at;
    /* of TURN; borrowed from the configuration */
    const char *username, *credential;
} kith_server_url;
/* The index-th URL of all configured servers; false past the last. */
bool kith_config_server_url(const kith_pc *pc, size_t index, kith_server_url *out);
/* kith_pc_config.ice_tcp with its default filled in. */
unsigned kith_config_ice_tcp(const kith_pc *pc);

/* pc.c */
/* The wall clock now, in seconds of Unix time: what certificates are dated and judged by. */
int64_t kith_pc_unix_seconds(const kith_pc *pc);
/* Those that it may show: the configured ones, or the one that was made. Borrowed. */
kith_certificate *const *kith_pc_certificates(const kith_pc *pc, size_t *count);
/* Frees pc now, last packets or not. */
void kith_pc_destroy(kith_pc *pc);

/* states.c */
/* Recomputes gathering, ICE connection and connection state, and tells what changed. */
void kith_states_update(kith_pc *pc);

#endif
