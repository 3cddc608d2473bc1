/* One transport: an ICE agent, a DTLS and an SCTP association, the engines of audio and video, and
 * the rules of what starts when. The order of packets and events between them is pump.c's. */
#ifndef KITH_PC_TRANSPORT_H
#define KITH_PC_TRANSPORT_H

#include "base/list.h"
#include "base/map.h"
#include "base/nat64.h"
#include "base/ring.h"
#include "ice/ice.h"
#include "kith/transport.h"
#include "pc/media.h"
#include "sctp/sctp.h"
#include "tls/dtls.h"

/* What a remote description says about the transport. Borrowed for the call. */
typedef struct kith_transport_remote {
    const char *ufrag, *pwd;
    bool is_lite, can_renominate;
    const kith_fingerprint *fingerprints;
    size_t fingerprint_count;
    /* NULL: not given */
    const char *tls_id;
} kith_transport_remote;

/* What DTLS and SCTP have with one peer, and what they were made of. It is replaced as a whole
 * (RFC 8842 section 5.5): nothing of it outlives the keys. */
typedef struct kith_association {
    kith_dtls *dtls;
    kith_sctp *sctp;
    kith_fingerprint fingerprints[KITH_DTLS_MAX_FINGERPRINTS];
    size_t fingerprint_count;
    char *remote_tls_id;
    bool has_dtls_role, dtls_started;
    kith_dtls_role dtls_role;
    uint16_t remote_sctp_port;
    size_t remote_max_message_size;
} kith_association;

/* Largest UDP payload: fits IPv6's smallest MTU with room for a relay's overhead. */
#define KITH_TRANSPORT_MTU 1200

typedef struct kith_transport_counters {
    /* Without ICE's checks, as webrtc-stats has it (RTCTransportStats.bytesSent). */
    uint64_t packets_sent, packets_received, bytes_sent, bytes_received;
    /* checks from or to an address that another peer owns */
    uint64_t address_conflicts;
    /* of a kind that no section agreed on */
    uint64_t packets_dropped;
    /* DTLS that came before it could be used, and was no first flight or did not fit */
    uint64_t early_dropped;
    kith_time last_packet_sent, last_packet_received;
} kith_transport_counters;

/* What the application last heard of a transport. */
typedef struct kith_transport_states {
    kith_ice_transport_state ice;
    kith_ice_gathering_state gathering;
    kith_dtls_transport_state dtls;
    kith_sctp_transport_state sctp;
    uint32_t selected_pair_changes;
} kith_transport_states;

typedef struct kith_transport {
    kith_pc *pc;
    /* in kith_pc.transports */
    kith_list_node in_pc;
    /* counted from 0 within its peer connection, for statistics */
    unsigned number;
    kith_ice *ice;
    /* NULL before the remote description and its role are known */
    kith_dtls *dtls;
    /* NULL before an application section is agreed on */
    kith_sctp *sctp;
    /* NULL before a section of audio or video is agreed on */
    kith_media *media;

    /* Remote parameters that dtls is made of once the role is known. */
    kith_fingerprint fingerprints[KITH_DTLS_MAX_FINGERPRINTS];
    size_t fingerprint_count;
    char *remote_tls_id;
    bool has_dtls_role;
    kith_dtls_role dtls_role;
    /* there was a path to send on */
    bool dtls_started;

    /* of the association that sctp is */
    uint16_t remote_sctp_port;
    /* 0: any */
    size_t remote_max_message_size;

    /* there was a path to send on at the last look */
    bool has_path;
    /* the datagram at hand held a record that DTLS authenticated: a sign of life */
    bool is_heard;
    /* close_notify goes out when SCTP has sent its ABORT */
    bool closing;
    /* First flights from authenticated addresses that came before dtls was started, or before the
     * answer that may begin another association. */
    kith_ring early;
    kith_transport_counters counters;
    /* transport_states.c */
    kith_transport_states states;

    /* of kith_relay.in_transport: allocations on TURN servers (relays.c) */
    kith_list relays;
    /* of kith_stream.in_list: TCP connections (streams.c) */
    kith_list streams;

    /* gather.c */
    /* of kith_pending_request.in_owner: sockets, and requests that are under way */
    kith_list pending_requests;
    /* begun in this generation and more may come */
    bool gathering;
    /* ended in this generation */
    bool gathered;
    /* a local address came after that: of the newest generation the peer learns by checks alone */
    bool has_untold_local;
    /* how IPv4 is reached from a network of IPv6 alone (nat64.c) */
    kith_nat64 nat64;
    /* when every path was lost; 0: there is one, or was none. And was a restart asked for? */
    kith_time lost_at;
    bool has_asked_to_restart;
    /* servers are waited for until then; 0: the wait has not begun */
    kith_time gather_until;
    /* told by the peer; told to ICE when the last name is resolved */
    bool end_of_remote;

    /* The endpoint's routing. */
    /* in our STUN transaction ids and ufrags */
    uint32_t tag;
    /* key: &tag */
    kith_map_node by_tag;
    /* of struct path_route: authenticated remote addresses */
    kith_list paths;
    /* of the last address_conflicts */
    kith_path conflict;
} kith_transport;

/* The last of pc's transports. */
KITH_MUST_CHECK kith_err kith_transport_new(kith_transport **out, kith_pc *pc);
void kith_transport_free(kith_transport *t);
/* ABORT and close_notify are queued. */
void kith_transport_close(kith_transport *t);

/* Tells what changed of the states that the application sees. */
void kith_transport_update_states(kith_transport *t);

/* ---- for jsep ---- */

/* Gathering begins, or begins anew after a restart: set_local_description. Does nothing while it is
 * under way or done for this generation. */
void kith_transport_gather(kith_transport *t);
/* New ICE credentials become the current ones (those of kith_ice_next_ufrag); gather next. */
KITH_MUST_CHECK kith_err kith_transport_restart_ice(kith_transport *t);
/* The rollback of an offer: undoes kith_transport_restart_ice, or, when nothing was ever agreed on
 * (`initial`), returns the transport to new. The credentials that are taken back are the next. */
void kith_transport_rollback(kith_transport *t, bool initial);
/* Is this the description of a peer that needs another DTLS association, and with it another of
 * SCTP, than the one that there is? Other fingerprints or another tls-id say so (RFC 8842 section
 * 5.5); so does an ICE restart (restarts_ice) when the association has ended. */
bool kith_transport_is_renewed_by(const kith_transport *t, const kith_transport_remote *remote,
                                  bool restarts_ice);
/* Takes the association off the transport, as if there had never been one: what is set from now on
 * makes the next. Then either that takes its place, or everything is as it was before. */
void kith_transport_begin_renewal(kith_transport *t, kith_association *before);
void kith_transport_complete_renewal(kith_transport *t, kith_association *before);
void kith_transport_undo_renewal(kith_transport *t, const kith_association *before);
/* What came early is of nobody who matters: an answer begins no other association, or it has yet to
 * be sent. */
void kith_transport_forget_early(kith_transport *t);
/* ICE credentials and fingerprints of a remote description. Checks start when candidates are there.
 * INVALID_ACCESS for too many fingerprints. */
KITH_MUST_CHECK kith_err kith_transport_set_remote(kith_transport *t,
                                                   const kith_transport_remote *remote);
/* The setup roles are agreed on (answer or pranswer): DTLS may start. Kept from then on. */
KITH_MUST_CHECK kith_err kith_transport_set_dtls_role(kith_transport *t, kith_dtls_role role);
/* The application section is agreed on: SCTP starts when DTLS is connected. */
KITH_MUST_CHECK kith_err kith_transport_set_sctp(kith_transport *t, uint16_t remote_port,
                                                 size_t remote_max_message_size);
/* DTLS is connected: SCTP, if it is agreed on, connects. */
void kith_transport_start_sctp(kith_transport *t);
/* A remote candidate with an address or with a name to resolve. */
void kith_transport_add_remote_candidate(kith_transport *t, const kith_candidate *candidate);
void kith_transport_end_remote_candidates(kith_transport *t);

/* ---- gather.c ---- */

struct kith_pending_request;
struct kith_local;

void kith_gather_init(kith_transport *t);
/* May the transport use the address (RFC 8828)? Are its host addresses not to be told? */
bool kith_gather_may_use(const kith_transport *t, const struct kith_local *local);
bool kith_gather_hides_hosts(const kith_transport *t);
void kith_gather_deinit(kith_transport *t);
/* Offers every local address and ICE server to the agent. */
void kith_gather_start(kith_transport *t);
/* Gathering was undone (rollback): nothing is under way. */
void kith_gather_reset(kith_transport *t);
/* The generation before a restart is back: done with, or still waiting for its servers. */
void kith_gather_resume(kith_transport *t);
/* The endpoint got or lost a local address. */
void kith_gather_local_added(kith_transport *t, const struct kith_local *local);
void kith_gather_local_removed(kith_transport *t, const struct kith_local *local);
/* ICE may have failed although an address came that the peer was not told of: with new credentials
 * it would be, so a restart is asked for (negotiationneeded). */
void kith_gather_check_failed(kith_transport *t);
/* A relayed address came, perhaps after the end of gathering. */
void kith_gather_local_untold(kith_transport *t);
/* A remote candidate's name: resolved, then added. */
void kith_gather_resolve_remote(kith_transport *t, const kith_candidate *candidate);
/* An pending was answered: with a socket, with addresses; and, after any answer, perhaps it was the
 * last. */
void kith_gather_opened(kith_transport *t, struct kith_pending_request *pending);
/* No socket could be opened. The request is the caller's to free. */
void kith_gather_not_opened(kith_transport *t, const struct kith_pending_request *pending);
void kith_gather_resolved(kith_transport *t, const struct kith_pending_request *pending,
                          const kith_address *addresses, size_t count);
void kith_gather_answered(kith_transport *t);
/* Begins and ends the wait for servers and their names. */
void kith_gather_tick(kith_transport *t, kith_time now);
/* The same servers once more, now that IPv4 ones can be reached. */
void kith_gather_offer_servers(kith_transport *t);

/* ---- nat64.c: IPv4 from a network of IPv6 alone ---- */

/* Asks for the prefix where there is no IPv4. */
void kith_nat64_begin(kith_transport *t);
/* What its name resolved to. */
void kith_nat64_resolved(kith_transport *t, const kith_address *addresses, size_t count);
/* Where an address is reached from here: behind the prefix, if there is one and it is of IPv4. */
kith_address kith_nat64_reach(const kith_transport *t, const kith_address *address);
/* A candidate of the peer's, and where it is reached. */
void kith_nat64_add_remote(kith_transport *t, const kith_candidate *candidate);
/* Asks for an ICE restart when every path has been lost for long; when that is due. */
void kith_gather_watch_loss(kith_transport *t, kith_time now);
kith_time kith_gather_loss_due(const kith_transport *t);
kith_time kith_gather_deadline(const kith_transport *t);

#endif
