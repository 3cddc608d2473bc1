/* The ICE agent of one transport (RFC 8445, 8838, 8863, 7675): from local addresses, STUN servers,
 * relayed addresses and remote candidates to one selected pair that both sides consent to.
 *
 * It does not open sockets, resolve names or know SDP: its owner hands it addresses and candidates.
 * One agent has one component (rtcp-mux is always on) and any number of generations (ICE restarts),
 * of which the newest checks and the previous one serves until the newest has a selected pair. */
#ifndef KITH_ICE_ICE_H
#define KITH_ICE_ICE_H

#include "base/log.h"
#include "wire/candidate.h"
#include "wire/stun.h"

typedef struct kith_ice kith_ice;

typedef enum kith_ice_role { KITH_ICE_CONTROLLED, KITH_ICE_CONTROLLING } kith_ice_role;

/* RTCIceTransportState, webrtc-pc section 5.6.4. "closed" is the owner's to say. */
typedef enum kith_ice_state {
    KITH_ICE_NEW,
    KITH_ICE_CHECKING,
    KITH_ICE_CONNECTED,
    KITH_ICE_COMPLETED,
    KITH_ICE_DISCONNECTED,
    KITH_ICE_FAILED,
} kith_ice_state;

/* Limits on what a peer can make the agent store or send; each counts, none is an error. */
#define KITH_ICE_MAX_REMOTE_CANDIDATES 100
/* Those that the peer's checks discover count apart: however many dead ones it signalled, and
 * however often its NAT gave it another port, there is room for where it is. */
#define KITH_ICE_MAX_PEER_REFLEXIVE 50
/* RFC 8445 section 6.1.2.5 says 100; two address families make more. One more for every
 * peer-reflexive candidate. */
#define KITH_ICE_MAX_PAIRS 200
/* Those of TCP count apart, and so many connections are made at a time. */
#define KITH_ICE_MAX_TCP_PAIRS  40
#define KITH_ICE_MAX_CONNECTING 16

typedef struct kith_ice_config {
    /* Every transaction id the agent makes begins with these four bytes (random, unique in the
     * process' endpoint): an answer on a socket that several agents share finds its way by them.
     * The other 64 bits are random. Its ufrags begin with the same, so that no two agents have one
     * in common and a request finds its way too. */
    uint32_t transaction_tag;
    /* its first local credentials; NULL: new ones */
    const char *ufrag, *pwd;
    /* as kith_ice_set_relay_only */
    bool relay_only;
    /* borrowed */
    kith_log *log;
} kith_ice_config;

KITH_MUST_CHECK kith_err kith_ice_new(kith_ice **out, const kith_ice_config *config);
void kith_ice_free(kith_ice *ice);

/* ---- commands: they queue, the next call with `now` acts ---- */

/* Credentials of the newest generation; never NULL, borrowed until the next restart. */
const char *kith_ice_local_ufrag(const kith_ice *ice);
const char *kith_ice_local_pwd(const kith_ice *ice);
/* The transaction_tag of the agent that made this ufrag; false: none did. */
bool kith_ice_tag_of_ufrag(kith_span ufrag, uint32_t *tag);

/* By negotiation (RFC 8445 section 6.1.1), before the peer's first check can come; controlled until
 * then. 487 conflicts may turn it later, and with a lite peer it is always controlling. */
void kith_ice_set_role(kith_ice *ice, kith_ice_role role);
kith_ice_role kith_ice_get_role(const kith_ice *ice);

/* A socket of ours with its real address and port: becomes a host candidate (unless filtered: see
 * relay_only) and the base of pairs. The order of adding is the order of preference within a family
 * (RFC 8421). Once gathering is complete the candidate is used and not told: the peer learns of it
 * by our checks. NONE: UDP. PASSIVE: a TCP listener, where connections of peers are accepted.
 * ACTIVE: an address that we make TCP connections from (KITH_ICE_EV_CONNECT); its port says
 * nothing. */
KITH_MUST_CHECK kith_err kith_ice_add_local(kith_ice *ice, const kith_address *local,
                                            kith_tcp_type tcp_type);
typedef struct kith_ice_local_info {
    kith_address address;
    kith_tcp_type tcp_type;
    /* How the world sees it, by its owner's word (1:1 NAT): a server-reflexive candidate beside the
     * host one. Port 0: the socket's. Family 0: none. */
    kith_address external;
    /* used, but not told, nor as a related address: by RFC 8828 */
    bool is_hidden;
    /* RFC 8445 section 5.1.2.1; 0: by the order of adding */
    uint16_t preference;
} kith_ice_local_info;

/* kith_ice_add_local of which more is known. */
KITH_MUST_CHECK kith_err kith_ice_add_local_as(kith_ice *ice, const kith_ice_local_info *info);
/* An address that a TURN server relays for us (RFC 8445 section 5.1.1.2): a candidate that is its
 * own base. What leaves from it and comes to it is the owner's to wrap and unwrap; the agent sees
 * paths whose local address it is. `related` is what the server sees us as (NULL: not to be told),
 * `url` the server's, `transport` how it is reached. */
KITH_MUST_CHECK kith_err kith_ice_add_relay(kith_ice *ice, const kith_address *relayed,
                                            const kith_address *related, const char *url,
                                            kith_server_transport transport);
/* The server refuses packets to an address: the pairs of that relay with it fail. */
void kith_ice_relay_refused(kith_ice *ice, const kith_address *relayed, const kith_address *peer,
                            const char *why);
/* RTCIceTransportPolicy "relay": only relay candidates are told and paired. Holds from the next
 * generation on (webrtc-pc section 4.4.1.6), and for the one at hand while it has no socket. */
void kith_ice_set_relay_only(kith_ice *ice, bool relay_only);
/* The socket or the relayed address (NONE) is gone: its candidates and pairs die. */
void kith_ice_remove_local(kith_ice *ice, const kith_address *local, kith_tcp_type tcp_type);
/* A STUN server's address (resolved): each base of its family asks it for a server-reflexive
 * candidate. `url` is the ICE server's URL as configured, copied. */
KITH_MUST_CHECK kith_err kith_ice_add_stun_server(kith_ice *ice, const kith_address *server,
                                                  const char *url);
/* The network translates between the families (NAT64): servers see our IPv6 sockets at addresses of
 * IPv4, which are candidates then. */
void kith_ice_set_translated(kith_ice *ice, bool is_translated);
/* No more sockets and servers come for this generation: gathering is complete when the last request
 * is answered or given up (a dead server costs 2.5 s). */
void kith_ice_end_local(kith_ice *ice);
/* The same, and no server is waited for any more: one that has not answered counts as silent. */
void kith_ice_end_gathering(kith_ice *ice);

/* The remote description's credentials and kind. Other credentials than before: a remote restart,
 * old remote candidates are forgotten once a pair of the new ones is selected. */
KITH_MUST_CHECK kith_err kith_ice_set_remote(kith_ice *ice, const char *ufrag, const char *pwd,
                                             bool is_lite);
/* Its a=ice-options has "renomination": of the newest generation that it told us of. Then the pair
 * that carries data may be another one without a restart: the controlling side says so by the
 * attribute NOMINATION, of which the highest counts (draft-thatcher-ice-renomination). */
void kith_ice_set_renomination(kith_ice *ice, bool can_renominate);
/* An addressed candidate (never a hostname) of the generation its ufrag names, or the newest that
 * the peer told us of; one of no living generation, that nobody can be at, or above the limit is
 * counted and dropped. It replaces a peer-reflexive one with the same address without losing its
 * pair's state. */
void kith_ice_add_remote(kith_ice *ice, const kith_candidate *candidate);
/* How many `.local` names are still being resolved: the agent does not fail while some are. */
void kith_ice_set_pending_names(kith_ice *ice, unsigned count);
void kith_ice_end_remote(kith_ice *ice);

/* The credentials that the next kith_ice_restart will take, made at the first asking: an offer
 * carries them before it is applied. NULL when out of memory. */
const char *kith_ice_next_ufrag(kith_ice *ice);
const char *kith_ice_next_pwd(kith_ice *ice);
/* New local credentials, fresh gathering (the owner adds sockets and servers anew); the old pair
 * serves on. */
KITH_MUST_CHECK kith_err kith_ice_restart(kith_ice *ice);
/* Undoes kith_ice_restart while nothing has been selected in the new generation (SDP rollback). Its
 * credentials are the next ones again: the same offer may be set once more. */
void kith_ice_rollback_restart(kith_ice *ice);

/* Proof of life from above: authenticated data came from the peer on this path. It keeps the state
 * from going to disconnected, never replaces consent. */
void kith_ice_note_received(kith_ice *ice, kith_time now, const kith_path *path);

/* The packets of a path that was told as AUTHENTICATED go to somebody else: no pair uses it and no
 * check on it is answered. It is told again when the next authentic check comes, which the agent
 * asks for every second while there is hope. */
void kith_ice_path_refused(kith_ice *ice, kith_time now, const kith_path *path);
/* The system refused to send on the path: if it is that of data, others are tried at once. */
void kith_ice_path_unreachable(kith_ice *ice, kith_time now, const kith_path *path);

/* ---- TCP: packets on connections that the owner makes, accepts, frames and closes ---- */

/* Answers KITH_ICE_EV_CONNECT: the connection is there, and `path` its addresses. False: it is not
 * wanted any more, close it. */
bool kith_ice_connected(kith_ice *ice, uint32_t pair_id, const kith_path *path);
/* The same: there is none, and why. */
void kith_ice_connect_failed(kith_ice *ice, uint32_t pair_id, const char *why);
/* A connection ended, made or accepted. One that was ours and worked is made once more. */
void kith_ice_connection_closed(kith_ice *ice, const kith_path *path);
/* The next answer that leaves on a path: without waiting for kith_ice_output, where the peer's
 * requests come many at a time and none of them again. 0: none. */
size_t kith_ice_answer_on(kith_ice *ice, const kith_path *path, uint8_t *buf, size_t cap);
/* Is the connection of a pair, or being accepted for one? */
bool kith_ice_uses_connection(const kith_ice *ice, const kith_path *path);

/* ---- the five verbs ---- */

/* A STUN message arrived. True: it was authentic (or the answer to a request of ours). */
bool kith_ice_input(kith_ice *ice, kith_time now, const kith_path *path, const kith_stun *m);
/* The next STUN packet to send and its path; 0: none. `cap` is at least 1200. */
size_t kith_ice_output(kith_ice *ice, kith_time now, kith_path *path, uint8_t *buf, size_t cap);
kith_time kith_ice_deadline(const kith_ice *ice);
void kith_ice_tick(kith_ice *ice, kith_time now);

/* webrtc-pc section 4.8.1.3: the code for a server that could not be reached. */
#define KITH_ICE_SERVER_UNREACHABLE 701

typedef enum kith_ice_event_type {
    /* a local candidate to tell the peer */
    KITH_ICE_EV_CANDIDATE,
    /* a STUN server failed: icecandidateerror */
    KITH_ICE_EV_CANDIDATE_ERROR,
    /* no more local candidates in this generation */
    KITH_ICE_EV_GATHERED,
    KITH_ICE_EV_STATE,
    /* the selected pair changed: data goes along `path` from now on */
    KITH_ICE_EV_SELECTED,
    /* the remote address of `path` passed a check: packets from it are the peer's */
    KITH_ICE_EV_AUTHENTICATED,
    /* a pair whose path had been told as AUTHENTICATED, or that a connection was asked for, failed
     * or was removed; another one may use the path still (kith_ice_has_path), or its connection
     * (kith_ice_uses_connection) */
    KITH_ICE_EV_PATH_GONE,
    /* a TCP connection from path.local, any port, to path.remote is wanted for the pair */
    KITH_ICE_EV_CONNECT,
} kith_ice_event_type;

typedef struct kith_ice_event {
    kith_ice_event_type type;
    /* CANDIDATE */
    kith_candidate candidate;
    uint32_t candidate_id;
    /* CANDIDATE (srflx, relay) and CANDIDATE_ERROR: the server; else NULL */
    const char *url;
    /* CANDIDATE_ERROR: STUN code, or KITH_ICE_SERVER_UNREACHABLE */
    int error_code;
    /* CANDIDATE_ERROR */
    const char *error_text;
    /* CANDIDATE_ERROR: the local address that asked */
    kith_address address;
    /* STATE */
    kith_ice_state state;
    /* SELECTED, AUTHENTICATED, PATH_GONE, CONNECT */
    kith_path path;
    /* PATH_GONE, CONNECT */
    uint32_t pair_id;
} kith_ice_event;

/* False: nothing more. */
bool kith_ice_event_next(kith_ice *ice, kith_ice_event *ev);
/* The last event, a CANDIDATE or GATHERED, could not be passed on for want of memory: it comes
 * again, and so do those that had to come after it. */
void kith_ice_event_again(kith_ice *ice, const kith_ice_event *ev);

/* ---- questions ---- */

kith_ice_state kith_ice_get_state(const kith_ice *ice);
/* Has the newest generation found all its candidates (KITH_ICE_EV_GATHERED)? */
bool kith_ice_is_gathered(const kith_ice *ice);
/* Where data may be sent now: the selected pair with consent (or, before nomination, the best valid
 * pair). False: nowhere. */
bool kith_ice_send_path(const kith_ice *ice, kith_path *path);
/* Does a generation have this local or relayed address? */
bool kith_ice_has_local(const kith_ice *ice, const kith_address *local);
/* Does kith_ice_send_path lead to the peer as it was before a restart? */
bool kith_ice_is_restarting(const kith_ice *ice);
/* Does a pair use this path, on which the peer passed an authenticated check? */
bool kith_ice_has_path(const kith_ice *ice, const kith_path *path);
/* Was there a path, and is there none now? Only a restart or the network's return brings one. */
bool kith_ice_is_lost(const kith_ice *ice);
/* Did it with the credentials of now, not of before a restart? */
bool kith_ice_is_current_path(const kith_ice *ice, const kith_path *path);
/* Does the path carry data, or may it soon? That on which we send does unless it is silent, and one
 * on which data came within 5 s; while no pair is selected, any that was heard within 5 s. */
bool kith_ice_uses_path(const kith_ice *ice, kith_time now, const kith_path *path);
/* Smoothed round-trip time of the path that carries data, 0 before any; for DTLS and SCTP timers.
 */
kith_time kith_ice_rtt(const kith_ice *ice);

/* Data that a pair carried, without checks. */
typedef struct kith_ice_traffic {
    uint64_t packets, bytes;
    /* 0: never */
    kith_time last_at;
} kith_ice_traffic;
/* A datagram of data left on kith_ice_send_path, or came on a path; it need not be authentic. */
void kith_ice_count_sent(kith_ice *ice, kith_time now, size_t len);
void kith_ice_count_received(kith_ice *ice, kith_time now, const kith_path *path, size_t len);

/* A pair as statistics and kith_pc_why_failed show it (RTCIceCandidatePairStats). */
typedef struct kith_ice_pair_info {
    uint32_t id;
    const char *
        /* RTCStatsIceCandidatePairState: "frozen", "waiting", "in-progress", "failed", "succeeded"
         */
        state;
    bool nominated, selected;
    uint64_t priority;
    /* candidates */
    uint32_t local_id, remote_id;
    uint64_t requests_sent, requests_received, responses_sent, responses_received,
        consent_requests_sent;
    kith_time current_rtt, total_rtt;
    kith_ice_traffic sent, received;
    kith_path path;
    /* in words; NULL unless failed */
    const char *why_failed;
} kith_ice_pair_info;

typedef struct kith_ice_candidate_info {
    uint32_t id;
    bool remote;
    const kith_candidate *candidate;
    /* of a server-reflexive or relayed one; or NULL */
    const char *url;
    /* of a relayed one of ours: how its server is reached */
    kith_server_transport transport;
} kith_ice_candidate_info;

/* A STUN server of the newest generation. */
typedef struct kith_ice_server_info {
    /* as kith_ice_add_stun_server got it */
    const char *url;
    bool has_answered;
    /* why there is no answer; NULL while one may come */
    const char *error_text;
} kith_ice_server_info;

/* By index from 0; false past the end. */
bool kith_ice_server_at(const kith_ice *ice, size_t index, kith_ice_server_info *info);
bool kith_ice_pair_at(const kith_ice *ice, size_t index, kith_ice_pair_info *info);
bool kith_ice_candidate_at(const kith_ice *ice, size_t index, kith_ice_candidate_info *info);
unsigned kith_ice_selected_pair_changes(const kith_ice *ice);
/* Packets the agent dropped, by cause; for statistics and kith_pc_why_failed. */
typedef struct kith_ice_counters {
    uint64_t malformed, bad_integrity, unknown_ufrag, unknown_transaction, over_limit,
        role_conflicts;
    /* remote candidates left out: above the limit; of another component, or with an address or a
     * port that leads nowhere, or not to a peer */
    uint64_t candidates_over_limit, candidates_unusable;
    /* candidates that came after end-of-candidates, and were used */
    uint64_t after_end;
} kith_ice_counters;
const kith_ice_counters *kith_ice_get_counters(const kith_ice *ice);

#endif
