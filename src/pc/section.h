/* The m= sections of a description, each of a kind: what is asked of it, how it is written and what
 * it does to its transport are a row of a table, so that offer.c, answer.c, remote.c and apply.c
 * walk sections and know no kind.
 *
 *   section.c       the table; the session's lines; sections that are rejected; the end
 *   data_section.c  m=application for data channels (RFC 8841)
 *   rtp_section.c   m=audio, m=video and the like
 *
 * A section is known by its index, which never changes, and its mid. */
#ifndef KITH_PC_SECTION_H
#define KITH_PC_SECTION_H

#include "kith/pc.h"
#include "wire/sdp.h"

struct kith_created;
struct kith_description;
typedef struct kith_section_kind kith_section_kind;

typedef struct kith_section {
    /* NULL: of a kind that is never accepted, or with a fault */
    const kith_section_kind *kind;
    /* it and what says its transport: itself or the tagged section of its BUNDLE group */
    const kith_sdp_media *media, *transport;
    /* in a local description: not rejected; in a remote one: and we use it or answer it */
    bool accepted;
    /* in a remote one: on a transport whose association it begins anew */
    bool is_renewed;
} kith_section;

/* What is said of a transport. In a bundle every section repeats it. */
typedef struct kith_section_keys {
    const char *ufrag, *pwd;
    kith_sdp_setup setup;
    /* NULL: none */
    const char *tls_id;
} kith_section_keys;

/* An offer or an answer that is being made. */
typedef struct kith_draft {
    kith_pc *pc;
    kith_sdp *sdp;
    bool is_answer;
    /* `like` of a section is the peer's: of its offer or its last answer */
    bool follows_peer;
    kith_section_keys keys;
} kith_draft;

struct kith_section_kind {
    bool (*matches)(const kith_sdp_media *m);
    /* A remote description has an accepted section: can it be used? INVALID_ACCESS. */
    kith_err (*check)(kith_pc *pc, const kith_section *remote);
    /* Our section of an offer (like: as it is in the most recent answer, NULL: never answered) or
     * of an answer (like: as it is in the offer). mid NULL: it has none. */
    void (*add)(kith_draft *draft, const char *mid, const kith_sdp_media *like);
    /* Both sides accept it: everything that can fail. */
    kith_err (*apply)(kith_pc *pc, const kith_section *remote);
};
extern const kith_section_kind kith_section_data, kith_section_rtp;

/* All sections of a tree, none accepted; the caller's. NULL when out of memory. */
kith_section *kith_sections_of(const kith_sdp *sdp);
/* What says the transport of a section: itself or the tagged section of its BUNDLE group. */
kith_sdp_media *kith_section_transport(const kith_sdp *sdp, kith_sdp_media *m);
/* The same of the first section that is not rejected: all that we accept have one transport. NULL:
 * there is none. */
kith_sdp_media *kith_section_sdp_transport(const kith_sdp *sdp);
/* A sentence about a section, with the line of its m= in the text: INVALID_ACCESS. */
KITH_PRINTF(2, 3) kith_err kith_section_refuse(const kith_sdp_media *m, const char *format, ...);
/* The same of one that cannot be used, with its fault and the line of that. */
kith_err kith_section_refuse_fault(const kith_sdp_media *m);

/* ---- writing ---- */

/* A new tree with the session's lines. */
KITH_MUST_CHECK kith_err kith_draft_begin(kith_draft *draft);
/* A new section with an address of its own to come, and the keys of the transport; NULL when out of
 * memory. */
kith_sdp_media *kith_draft_add(kith_draft *draft, const char *kind, const char *proto,
                               const char *mid);
/* The same for a section of the same kind, protocol, formats and codecs that asks for no packets.
 */
kith_sdp_media *kith_draft_add_unused(kith_draft *draft, const char *mid,
                                      const kith_sdp_media *like);
/* The same with the mid too, rejected. */
void kith_draft_add_rejected(kith_draft *draft, const kith_sdp_media *like);
/* Ends the tree (which it frees) with its o= version and makes it the last created offer or
 * answer. */
KITH_MUST_CHECK kith_err kith_draft_finish(kith_draft *draft, struct kith_created *created);

#endif
