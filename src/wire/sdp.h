/* Session descriptions (RFC 8866, as JSEP uses them: RFC 9429): text -> tree -> text.
 *
 * The tree lives in one arena and goes away as a whole with kith_sdp_free. Text in it is
 * NUL-terminated, belongs to the tree, and contains no control characters. Every list is an
 * `items` pointer with a `count`; absent text is NULL, absent numbers have a has_ flag or a 0 that
 * says so. Unknown attributes are skipped and counted, never kept: what a tree holds, kith
 * understands.
 *
 * Building: kith_sdp_new, then the fields directly, with kith_sdp_text for text and KITH_SDP_APPEND
 * (or the kith_sdp_add_ calls) for lists. Running out of memory is sticky: kith_sdp_bad says so at
 * the end, and kith_sdp_write gives NULL. */
#ifndef KITH_WIRE_SDP_H
#define KITH_WIRE_SDP_H

#include "base/arena.h"
#include "base/span.h"
#include "crypto/certificate.h"
#include "wire/candidate.h"

/* Limits for what a peer can make us store; more is KITH_ERR_SDP_SYNTAX. */
#define KITH_SDP_MAX_SIZE (256 * 1024) /* octets; offers of large calls exceed 64 KB */
#define KITH_SDP_MAX_LINE                                                  \
    (16 * 1024) /* octets of one line; identity assertions are the longest \
                 */
#define KITH_SDP_MAX_LINES      20000
#define KITH_SDP_MAX_MEDIA      256
#define KITH_SDP_MAX_ATTRIBUTES 4000 /* a= lines of one section */
#define KITH_SDP_MAX_FORMATS    256  /* of one m= line */
#define KITH_SDP_MAX_RIDS       256  /* of one section */
#define KITH_SDP_MAX_REMARKS    32
/* Candidates of one section; the rest is ignored and counted. */
#define KITH_SDP_MAX_CANDIDATES 100

/* Without a=max-message-size (RFC 8841 section 6.1); 0 as a value means any size. */
#define KITH_SDP_DEFAULT_MAX_MESSAGE_SIZE 65536
/* Any port will do inside DTLS (RFC 8841 section 5); this one is everybody's. */
#define KITH_SDP_DEFAULT_SCTP_PORT 5000

#define KITH_SDP_LIST(type) \
    struct {                \
        type *items;        \
        size_t count;       \
    }

/* RFC 8866 section 6.7. */
typedef enum kith_sdp_direction {
    /* no such line: sendrecv */
    KITH_SDP_DIRECTION_NONE,
    KITH_SDP_DIRECTION_SENDRECV,
    KITH_SDP_DIRECTION_SENDONLY,
    KITH_SDP_DIRECTION_RECVONLY,
    KITH_SDP_DIRECTION_INACTIVE,
} kith_sdp_direction;

/* RFC 4145 section 4, with the meaning RFC 8842 section 5.2 gives it. */
typedef enum kith_sdp_setup {
    KITH_SDP_SETUP_NONE,
    KITH_SDP_SETUP_ACTPASS,
    KITH_SDP_SETUP_ACTIVE,
    KITH_SDP_SETUP_PASSIVE,
    KITH_SDP_SETUP_HOLDCONN,
} kith_sdp_setup;

typedef KITH_SDP_LIST(const char *) kith_sdp_texts;
typedef KITH_SDP_LIST(kith_fingerprint) kith_sdp_fingerprints;
typedef KITH_SDP_LIST(kith_candidate) kith_sdp_candidates;

/* o= (RFC 8866 section 5.2). */
typedef struct kith_sdp_origin {
    /* "-": none */
    const char *username;
    uint64_t session_id;
    uint64_t session_version;
    /* "IN" */
    const char *nettype;
    /* "IP4" or "IP6" */
    const char *addrtype;
    const char *address;
} kith_sdp_origin;

/* c= (RFC 8866 section 5.7). address NULL: no such line. The address is text: it may be a host
 * name. */
typedef struct kith_sdp_connection {
    const char *nettype;
    const char *addrtype;
    /* with "/ttl" where there is one */
    const char *address;
} kith_sdp_connection;

/* b= (RFC 8866 section 5.8): "AS" and "CT" in kilobits a second, "TIAS" (RFC 3890), "RS" and "RR"
 * (RFC 3556) in bits. */
typedef struct kith_sdp_bandwidth {
    const char *type;
    uint64_t value;
} kith_sdp_bandwidth;

/* t= and its r= lines (RFC 8866 sections 5.9 and 5.10). */
typedef struct kith_sdp_time {
    /* NTP seconds; 0 0: permanent */
    uint64_t start, stop;
    kith_sdp_texts repeats;
} kith_sdp_time;

/* a=group (RFC 5888 section 5). */
typedef struct kith_sdp_group {
    /* "BUNDLE", "LS", … */
    const char *semantics;
    kith_sdp_texts mids;
} kith_sdp_group;

/* a=extmap (RFC 8285 section 8). */
typedef struct kith_sdp_extmap {
    /* 1 to 255, or 4096 to 4351 for an offer's alternatives */
    uint16_t id;
    /* NONE: that of the section */
    kith_sdp_direction direction;
    const char *uri;
    /* or NULL */
    const char *attributes;
} kith_sdp_extmap;
typedef KITH_SDP_LIST(kith_sdp_extmap) kith_sdp_extmaps;

/* What may stand at session level and in a media section: the session is the default for its
 * sections. Ask through the kith_sdp_ accessors below, which know what is inherited. */
typedef struct kith_sdp_common {
    /* i= */
    const char *information;
    kith_sdp_connection connection;
    KITH_SDP_LIST(kith_sdp_bandwidth) bandwidths;
    kith_sdp_direction direction;
    /* 4 to 256 ice-chars (RFC 8839 section 5.4) */
    const char *ice_ufrag;
    /* 22 to 256 */
    const char *ice_pwd;
    kith_sdp_texts ice_options;
    /* RFC 8840 section 8 */
    bool end_of_candidates;
    kith_sdp_fingerprints fingerprints;
    /* of MD5 or an unknown hash (RFC 8122 section 5) */
    uint32_t ignored_fingerprints;
    kith_sdp_setup setup;
    /* RFC 8842 section 4 */
    const char *tls_id;
    kith_sdp_extmaps extmaps;
    /* RFC 8285 section 6 */
    bool extmap_allow_mixed;
} kith_sdp_common;

/* a=rtpmap (RFC 8866 section 6.6). */
typedef struct kith_sdp_rtpmap {
    /* 0 to 127 */
    uint8_t payload_type;
    /* 0: not said, which means 1 */
    uint8_t channels;
    uint32_t clock_rate;
    /* compare without case */
    const char *name;
} kith_sdp_rtpmap;

/* a=fmtp (RFC 8866 section 6.15). */
typedef struct kith_sdp_fmtp {
    const char *format;
    /* the format as a number, -1 if the section is not RTP */
    int payload_type;
    const char *parameters;
} kith_sdp_fmtp;

/* a=rtcp-fb (RFC 4585 section 4.2): type "nack" with parameter "pli", "ccm" with "fir",
 * "transport-cc" with NULL. */
typedef struct kith_sdp_rtcp_fb {
    /* -1: "*", all of the section */
    int payload_type;
    const char *type;
    /* or NULL */
    const char *parameter;
} kith_sdp_rtcp_fb;

/* a=msid (RFC 8830 section 2). */
typedef struct kith_sdp_msid {
    /* "-": in no stream */
    const char *stream;
    /* or NULL */
    const char *track;
} kith_sdp_msid;

/* a=ssrc (RFC 5576 section 4.1), one line: cname, previous-ssrc, fmtp, and the msid of older
 * offers. */
typedef struct kith_sdp_ssrc {
    uint32_t ssrc;
    const char *attribute;
    /* or NULL */
    const char *value;
} kith_sdp_ssrc;

/* a=ssrc-group (RFC 5576 section 4.2). */
typedef struct kith_sdp_ssrc_group {
    /* "FID", "FEC-FR", "SIM" */
    const char *semantics;
    KITH_SDP_LIST(uint32_t) ssrcs;
} kith_sdp_ssrc_group;

/* "max-width=1280" of a=rid. */
typedef struct kith_sdp_restriction {
    const char *name;
    /* or NULL */
    const char *value;
} kith_sdp_restriction;

/* a=rid (RFC 8851 section 10). */
typedef struct kith_sdp_rid {
    const char *id;
    /* else recv */
    bool send;
    /* pt=; none: all formats */
    KITH_SDP_LIST(uint8_t) payload_types;
    KITH_SDP_LIST(kith_sdp_restriction) restrictions;
} kith_sdp_rid;

/* a=simulcast (RFC 8853 section 5.1): streams, each with its alternatives in order of preference.
 */
typedef struct kith_sdp_simulcast_rid {
    const char *id;
    /* "~" */
    bool paused;
} kith_sdp_simulcast_rid;
typedef KITH_SDP_LIST(kith_sdp_simulcast_rid) kith_sdp_simulcast_stream;
typedef KITH_SDP_LIST(kith_sdp_simulcast_stream) kith_sdp_simulcast_streams;

/* a=sctpmap of draft-ietf-mmusic-sctp-sdp-07, which m= lines with DTLS/SCTP carry. */
typedef struct kith_sdp_sctpmap {
    uint16_t port;
    /* "webrtc-datachannel" */
    const char *protocol;
    /* 0: not said */
    uint32_t streams;
} kith_sdp_sctpmap;

/* Why a line of the text was left out. */
typedef struct kith_sdp_remark {
    int line;
    const char *text;
} kith_sdp_remark;

/* A media description: an m= line and everything up to the next (an "m= section" in JSEP). */
typedef struct kith_sdp_media {
    /* of the m= line in the parsed text, from 1; 0: built */
    int line;
    /* "audio", "video", "application", … */
    const char *kind;
    /* 9 until candidates are known; 0: rejected, or bundle-only */
    uint16_t port;
    /* 0: not said */
    uint16_t num_ports;
    /* "UDP/TLS/RTP/SAVPF", "UDP/DTLS/SCTP" */
    const char *proto;
    /* of RTP: payload types in decimal, 0 to 127 */
    kith_sdp_texts formats;
    kith_sdp_common common;
    /* The first of its lines that is needed and malformed or says another thing than one before:
     * unless it is rejected, the section cannot be used. text NULL: there is none. */
    kith_sdp_remark fault;

    /* Grouping and ICE. */
    /* RFC 5888 section 4; unique */
    const char *mid;
    /* RFC 9143 section 6 */
    bool bundle_only;
    /* RFC 8839 section 5.3 */
    bool ice_mismatch;
    kith_sdp_candidates candidates;
    /* malformed, unknown, or above the limit */
    uint32_t ignored_candidates;
    /* RFC 8839 section 5.2, as text */
    const char *remote_candidates;

    /* SCTP (RFC 8841). */
    bool has_sctp_port;
    /* of a=sctp-port; kith_sdp_sctp_port knows the older form too */
    uint16_t sctp_port;
    bool has_max_message_size;
    uint64_t max_message_size;
    KITH_SDP_LIST(kith_sdp_sctpmap) sctpmaps;

    /* RTP. */
    /* RFC 5761 section 5.1.1 */
    bool rtcp_mux;
    /* RFC 8858 */
    bool rtcp_mux_only;
    /* RFC 5506 section 5 */
    bool rtcp_rsize;
    bool has_rtcp;
    /* a=rtcp (RFC 3605) */
    uint16_t rtcp_port;
    kith_sdp_connection rtcp_connection;
    /* RFC 3611 section 5.1; "" is a value */
    const char *rtcp_xr;
    KITH_SDP_LIST(kith_sdp_msid) msids;
    KITH_SDP_LIST(kith_sdp_rtpmap) rtpmaps;
    KITH_SDP_LIST(kith_sdp_fmtp) fmtps;
    KITH_SDP_LIST(kith_sdp_rtcp_fb) rtcp_fbs;
    KITH_SDP_LIST(kith_sdp_ssrc) ssrcs;
    KITH_SDP_LIST(kith_sdp_ssrc_group) ssrc_groups;
    KITH_SDP_LIST(kith_sdp_rid) rids;
    kith_sdp_simulcast_streams simulcast_send;
    kith_sdp_simulcast_streams simulcast_recv;
    /* RFC 6236, as text */
    kith_sdp_texts imageattrs;
    /* milliseconds, possibly with a fraction; or NULL */
    const char *ptime;
    const char *maxptime;
    const char *framerate;
    /* RFC 4574 */
    const char *label;
    /* RFC 4796 */
    const char *content;
    /* RFC 8864, as text */
    kith_sdp_texts dcmaps;
    kith_sdp_texts dcsas;
} kith_sdp_media;

typedef struct kith_sdp {
    kith_arena arena;
    kith_sdp_origin origin;
    /* s=; "-" */
    const char *name;
    /* u= */
    const char *uri;
    kith_sdp_texts emails, phones;
    /* at least one when parsed; none: "t=0 0" is written */
    KITH_SDP_LIST(kith_sdp_time) times;
    /* z= */
    const char *zones;
    kith_sdp_common common;
    KITH_SDP_LIST(kith_sdp_group) groups;
    bool ice_lite;
    /* RFC 8839 section 5.5; 0: not said */
    uint32_t ice_pacing_ms;
    /* RFC 8827 section 5 */
    const char *identity;
    /* as text, blanks and all: " WMS *" */
    kith_sdp_texts msid_semantics;
    /* pointers stay valid while others are added */
    KITH_SDP_LIST(kith_sdp_media *) media;
    /* unknown, or at the wrong level */
    uint32_t ignored_attributes;
    /* Lines that were left out because they are malformed or say a thing twice; the first
     * KITH_SDP_MAX_REMARKS of them with their reasons. */
    uint32_t ignored_lines;
    KITH_SDP_LIST(kith_sdp_remark) remarks;
} kith_sdp;

/* ---- parsing and writing ---- */

/* Parses a description with CRLF or LF line ends. KITH_ERR_SDP_SYNTAX, or INVALID_ACCESS for ICE
 * credentials, carries the line number and a sentence; *out is then untouched. The text is not
 * kept. */
KITH_MUST_CHECK kith_err kith_sdp_parse(kith_sdp **out, const char *text, size_t len);
/* An empty description: origin "- 0 0 IN IP4 0.0.0.0", name "-". */
KITH_MUST_CHECK kith_err kith_sdp_new(kith_sdp **out);
void kith_sdp_free(kith_sdp *sdp);
/* The description as text with CRLF, the caller's (kith_free); NULL when out of memory. */
KITH_MUST_CHECK char *kith_sdp_write(const kith_sdp *sdp);

/* ---- building ---- */

/* Out of memory at any time since kith_sdp_new? */
bool kith_sdp_bad(const kith_sdp *sdp);
/* Text that belongs to the tree; "" when out of memory. */
KITH_PRINTF(2, 3) const char *kith_sdp_text(kith_sdp *sdp, const char *format, ...);
/* A zeroed new element at the end of any list of the tree; NULL when out of memory. Pointers to the
 * list's other elements are void after it. Use: kith_sdp_msid *msid = KITH_SDP_APPEND(sdp,
 * m->msids); */
#define KITH_SDP_APPEND(sdp, list) kith_sdp_append((sdp), &(list), sizeof *(list).items)
void *kith_sdp_append(kith_sdp *sdp, void *list, size_t item_size);

/* Texts and structs given to these are copied into the tree. */
/* A new media section at the end; NULL when out of memory. */
kith_sdp_media *kith_sdp_add_media(kith_sdp *sdp, const char *kind, uint16_t port,
                                   const char *proto);
/* Text at the end of a list of texts (formats, ice options, …). */
void kith_sdp_add_text(kith_sdp *sdp, kith_sdp_texts *list, const char *text);
/* Adds mid to the first group of these semantics, which is made if there is none. */
void kith_sdp_add_to_group(kith_sdp *sdp, const char *semantics, const char *mid);
/* common: &sdp->common or &m->common. */
void kith_sdp_add_fingerprint(kith_sdp *sdp, kith_sdp_common *common, const kith_fingerprint *fp);
void kith_sdp_add_candidate(kith_sdp *sdp, kith_sdp_media *m, const kith_candidate *candidate);
void kith_sdp_add_bandwidth(kith_sdp *sdp, kith_sdp_common *common, const char *type,
                            uint64_t value);

/* ---- asking ---- */

/* The media section of this mid, or NULL; its place in sdp->media, or -1. */
kith_sdp_media *kith_sdp_find_mid(const kith_sdp *sdp, const char *mid);
int kith_sdp_index_of(const kith_sdp *sdp, const kith_sdp_media *m);
/* The group of these semantics that mid is in (mid NULL: the first), or NULL. */
const kith_sdp_group *kith_sdp_find_group(const kith_sdp *sdp, const char *semantics,
                                          const char *mid);
bool kith_sdp_texts_have(const kith_sdp_texts *list, const char *text);

/* Port 0 without a=bundle-only (RFC 3264 section 6, RFC 9143 section 6). */
bool kith_sdp_is_rejected(const kith_sdp_media *m);
/* One of the protocols JSEP section 5.1.2 lists for RTP, or any other that ends in RTP/ and a
 * profile. */
bool kith_sdp_is_rtp(const kith_sdp_media *m);
/* m=application over SCTP over DTLS for data channels, in the form of RFC 8841 or the older one. */
bool kith_sdp_is_data(const kith_sdp_media *m);

/* Of the section, else of the session. NULL, NONE or an empty list if neither says. */
const char *kith_sdp_ice_ufrag(const kith_sdp *sdp, const kith_sdp_media *m);
const char *kith_sdp_ice_pwd(const kith_sdp *sdp, const kith_sdp_media *m);
const kith_sdp_texts *kith_sdp_ice_options(const kith_sdp *sdp, const kith_sdp_media *m);
bool kith_sdp_has_ice_option(const kith_sdp *sdp, const kith_sdp_media *m, const char *option);
bool kith_sdp_end_of_candidates(const kith_sdp *sdp, const kith_sdp_media *m);
const kith_sdp_fingerprints *kith_sdp_media_fingerprints(const kith_sdp *sdp,
                                                         const kith_sdp_media *m);
kith_sdp_setup kith_sdp_media_setup(const kith_sdp *sdp, const kith_sdp_media *m);
const char *kith_sdp_tls_id(const kith_sdp *sdp, const kith_sdp_media *m);
/* Never NONE: sendrecv if neither says (RFC 8866 section 6.7). */
kith_sdp_direction kith_sdp_media_direction(const kith_sdp *sdp, const kith_sdp_media *m);
const kith_sdp_connection *kith_sdp_media_connection(const kith_sdp *sdp, const kith_sdp_media *m);
bool kith_sdp_extmap_allow_mixed(const kith_sdp *sdp, const kith_sdp_media *m);
/* The port of a=sctp-port or, in the older form, of the m= line; a section for data channels that
 * says none has 5000, any other -1. 0: closed. */
int kith_sdp_sctp_port(const kith_sdp_media *m);
/* a=max-message-size or its default; 0: any size. */
uint64_t kith_sdp_max_message_size(const kith_sdp_media *m);
const kith_sdp_rtpmap *kith_sdp_find_rtpmap(const kith_sdp_media *m, int payload_type);
const kith_sdp_fmtp *kith_sdp_find_fmtp(const kith_sdp_media *m, int payload_type);
const kith_sdp_rid *kith_sdp_find_rid(const kith_sdp_media *m, const char *id);

/* "sendrecv"; NULL for NONE. */
const char *kith_sdp_direction_text(kith_sdp_direction direction);
/* "actpass"; NULL for NONE. */
const char *kith_sdp_setup_text(kith_sdp_setup setup);

#endif
