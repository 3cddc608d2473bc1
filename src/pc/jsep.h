/* Offer and answer of one peer connection (RFC 9429, webrtc-pc section 4.4).
 *
 *   jsep.c         the state: signalling state, negotiation needed, ICE restart wanted
 *   description.c  a session description and the candidates that came since
 *   section.c …    m= sections by their kind, and session lines (section.h)
 *   offer.c        create_offer
 *   answer.c       create_answer
 *   remote.c       what a remote description must and may contain
 *   apply.c        set_local_description and set_remote_description
 *   trickle.c      candidates of both sides
 *
 * Descriptions are the only record of what was negotiated: an m= section is known by its index,
 * which never changes, and its mid. What later owns sections of its own (transceivers) refers
 * to them by mid, so that a rollback has nothing to undo but the descriptions. */
#ifndef KITH_PC_JSEP_H
#define KITH_PC_JSEP_H

#include "kith/pc.h"
#include "pc/section.h"
#include "wire/candidate.h"
#include "wire/sdp.h"

typedef struct kith_description kith_description;

/* What create_offer or create_answer gave last ([[LastCreatedOffer]], [[LastCreatedAnswer]]). */
typedef struct kith_created {
    /* sdp is `text` */
    kith_session_description session;
    /* NULL: nothing */
    char *text;
    /* kith_jsep.revision it was made for */
    uint32_t revision;
    /* an answer: another remote offer came since, perhaps the same one after a rollback */
    bool is_unconfirmed;
} kith_created;

/* tls-id: at least 120 random bits (RFC 8842 section 4); 6 in a character. */
#define KITH_JSEP_TLS_ID 24

typedef struct kith_jsep {
    kith_signaling_state signaling_state;
    /* [[NegotiationNeeded]] */
    bool negotiation_needed;
    /* its event waits to be told */
    bool negotiation_queued;

    kith_description *current_local, *pending_local, *current_remote, *pending_remote;
    kith_created offer, answer;
    /* counts what makes a created offer or answer obsolete */
    uint32_t revision;

    uint64_t session_id;
    /* above every o= version that was applied */
    uint64_t next_version;
    /* of the association; and that of the answer to a peer that begins another one, "" before */
    char tls_id[KITH_JSEP_TLS_ID + 1], next_tls_id[KITH_JSEP_TLS_ID + 1];

    /* once on a section: the peer knows the transport's credentials and role */
    bool agreed;
    /* remote candidates that nobody uses */
    uint32_t ignored_candidates;
    /* counts local ICE credentials; that of the newest */
    uint32_t generation;
    /* [[LocalIceCredentialsToReplace]]: those of generations up to this one. */
    uint32_t replace_through;
    /* RFC 9429 section 4.1.18, "needs-ice-restart": generations up to this one were gathered with
     * another configuration. The next offer restarts; nobody is asked to make one. */
    uint32_t outdated_through;
} kith_jsep;

KITH_MUST_CHECK kith_err kith_jsep_init(kith_pc *pc);
void kith_jsep_deinit(kith_pc *pc);
/* kith_pc_close: the signalling state becomes closed, without an event (webrtc-pc section
 * 4.4.1.6). */
void kith_jsep_close(kith_pc *pc);

/* The pump found a local candidate: it goes into the local description and is told to the
 * application. False: out of memory, and nothing changed. */
KITH_MUST_CHECK bool kith_jsep_local_candidate(kith_pc *pc, const kith_candidate *candidate);
/* Gathering ended: a=end-of-candidates, and the empty candidate is told. False: out of memory; call
 * it again. */
KITH_MUST_CHECK bool kith_jsep_local_end(kith_pc *pc);
/* Something changed that may need negotiation (webrtc-pc section 4.7.3 "update the
 * negotiation-needed flag"). */
void kith_jsep_update_negotiation_needed(kith_pc *pc);
/* Other ICE servers or another transport policy: the next offer restarts ICE. */
void kith_jsep_outdate_candidates(kith_pc *pc);
/* The queued negotiationneeded event leaves the queue: is it still true? */
bool kith_jsep_negotiation_needed(kith_pc *pc);

/* ---- between the files of jsep ---- */

/* One of the four descriptions. */
struct kith_description {
    kith_session_description session;
    char *text;
    /* local: candidates came since */
    bool text_is_old;
    /* local: without candidates; remote: as it was given */
    kith_sdp *sdp;
    /* one for each of the tree's media, in their order */
    kith_section *sections;

    /* local: gathered; remote: told and not yet given to the transport */
    kith_candidate *candidates;
    size_t candidate_count;
    bool end_of_candidates;
    /* remote: candidates added to the text */
    size_t trickled;
    /* remote: the transport has it */
    bool is_applied;
    /* local: of its ICE credentials */
    uint32_t generation;
};

/* Parses text; which sections are accepted is yet to be said. SDP_SYNTAX with the line. */
KITH_MUST_CHECK kith_err kith_description_new(kith_description **out, kith_sdp_type type,
                                              const char *text);
void kith_description_free(kith_description *d);
/* Makes a local description of a parsed one: its candidates and default address are taken out
 * of the tree. */
void kith_description_make_local(kith_description *d);
KITH_MUST_CHECK kith_err kith_description_keep_candidate(kith_description *d,
                                                         const kith_candidate *candidate);
/* Does section number `section` of a text have this line ("a=…" without its end)? */
bool kith_description_has_line(const char *text, int section, const char *line);
/* The text with one line more at the end of a section, the caller's; NULL when out of memory. */
char *kith_description_with_line(const char *text, int section, const char *line);
void kith_description_set_text(kith_description *d, char *text);
/* The first accepted section of a kind (NULL: of any), or NULL. d may be NULL. */
const kith_section *kith_description_find(const kith_description *d, const kith_section_kind *kind);
/* What says the transport: that of the data, which all accepted sections of ours share; NULL
 * without any. */
const kith_sdp_media *kith_description_transport(const kith_description *d);
/* The tree as text with the candidates of `gathered` (or NULL) for its transport, and the default
 * one's address (RFC 9429 section 5.2.2); the caller's. NULL when out of memory. */
char *kith_description_write(const kith_sdp *sdp, const kith_description *gathered);

/* offer.c, answer.c: what set_local_description's implicit form makes too. */
KITH_MUST_CHECK kith_err kith_jsep_create_offer(kith_pc *pc, bool ice_restart);
KITH_MUST_CHECK kith_err kith_jsep_create_answer(kith_pc *pc);
/* Would the remote offer be answered like that today? INVALID_MODIFICATION. */
KITH_MUST_CHECK kith_err kith_jsep_check_answer(kith_pc *pc);
/* Do both sides accept section `index` in what was last agreed on? */
bool kith_jsep_is_agreed(const kith_pc *pc, size_t index);
/* The index of the data section that both sides accept, or -1. */
int kith_jsep_agreed_data(const kith_pc *pc);
/* Does the next offer need a data section that is not there? */
bool kith_jsep_wants_data(const kith_pc *pc);
/* The local description with these ICE credentials, pending before current, or NULL. */
kith_description *kith_jsep_find_local(const kith_pc *pc, const char *ufrag);
/* Has restart_ice() been called, and the newest credentials are still those of then? */
bool kith_jsep_wants_restart(const kith_pc *pc);

/* Were its newest credentials gathered with another configuration? */
bool kith_jsep_is_outdated(const kith_pc *pc);

/* jsep.c: a change of the signalling state, told by an event. */
void kith_jsep_set_state(kith_pc *pc, kith_signaling_state state);
/* Stable again: the negotiation-needed flag is cleared and updated (webrtc-pc section 4.4.1.5). */
void kith_jsep_renew_negotiation_needed(kith_pc *pc);

/* remote.c */
struct kith_transport_remote;
/* Checks a remote offer, or an answer to pending_local, against what was agreed on, and says which
 * sections are accepted. */
KITH_MUST_CHECK kith_err kith_remote_check_offer(kith_pc *pc, kith_description *offer);
KITH_MUST_CHECK kith_err kith_remote_check_answer(kith_pc *pc, kith_description *answer);
/* What it says about its transport. */
void kith_remote_transport(const kith_description *d, struct kith_transport_remote *out);
/* Does it restart ICE, compared with what the transport has? */
bool kith_remote_restarts(const kith_pc *pc, const kith_description *d);
/* Does it begin another DTLS association than the transport has? */
bool kith_remote_renews(const kith_pc *pc, const kith_description *d);
/* The remote description that the transport has, or NULL. */
kith_description *kith_remote_applied(const kith_pc *pc);

/* trickle.c */
/* Gives the transport the candidates of a description that was just applied; `before` had been
 * until then. */
void kith_trickle_apply(kith_pc *pc, kith_description *d, const kith_description *before);

#endif
