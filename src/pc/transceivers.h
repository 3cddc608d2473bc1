/* The transceivers of one peer connection (webrtc-pc section 5.4): which there are, and which m=
 * section each has. What was negotiated stands in the descriptions alone: a transceiver knows the
 * index of its section, and whether the description that gave it that is still pending, so that a
 * rollback has little to undo.
 *
 *   transceivers.c    the set; sections and transceivers find each other; negotiation needed
 *   transceiver.c     the calls of the application
 *   parameters.c      get_parameters, set_parameters
 *   bitrate.c         how much each sender may send
 *   rtp_section.c     what stands in a section of a transceiver
 *   media_sections.c  what the sections of both sides agree on
 *   media.c           the packets
 *   frames.c          frames in and out of packets */
#ifndef KITH_PC_TRANSCEIVERS_H
#define KITH_PC_TRANSCEIVERS_H

#include "base/list.h"
#include "crypto/random.h"
#include "kith/media.h"
#include "pc/codecs.h"
#include "pc/numbers.h"
#include "rtp/rtp.h"

struct kith_description;

/* Of a rate in bits per second: nothing limits it. */
#define KITH_BITRATE_UNLIMITED UINT64_MAX
/* Of one peer connection, those included whose end its owner has not yet asked for: as many as a
 * description may have sections. */
#define KITH_TRANSCEIVERS_MAX KITH_SDP_MAX_MEDIA
/* RFC 7022 section 4.2: at least 96 random bits; 6 in a character. */
#define KITH_CNAME 16
/* RFC 8830 section 2: msid-id and msid-appdata. */
#define KITH_MSID_MAX 64

/* A codec as the application sees it, and its row. */
typedef struct kith_negotiated {
    const kith_codec *row;
    kith_rtp_codec codec;
} kith_negotiated;

/* parameters.c */
typedef struct kith_returned_parameters kith_returned_parameters;

/* What a description lets one side send; the texts are its tree's. */
typedef struct kith_negotiated_list {
    kith_negotiated items[KITH_CODEC_MAX_USES];
    size_t count;
} kith_negotiated_list;

struct kith_sender {
    kith_transceiver *transceiver;
    /* what stands in a=msid, whatever replaceTrack does; and MediaStreamTrack.id where there is a
     * track */
    char msid[KITH_MSID_MAX + 1], track_id[KITH_MSID_MAX + 1];
    bool has_track;
    /* replaceTrack(null): nothing is sent until there is a track */
    bool is_silenced;
    /* of its encoding; bits per second, 0: no limit */
    bool is_active;
    uint64_t max_bitrate;
    /* bits per second: what the peer takes in the section; bitrate.c's result, and what of it was
     * told. KITH_BITRATE_UNLIMITED: all that there is. */
    uint64_t section_bitrate, target_bitrate, reported_bitrate;
    /* while what all share is shared out */
    bool wants_more;
    /* what getParameters gave, NULL: not asked; and may it be set? ([[LastReturnedParameters]]) */
    kith_returned_parameters *returned_parameters;
    bool has_returned_parameters;
    /* MediaStream.id, in one block */
    char **streams;
    size_t stream_count;
    uint32_t ssrc;
    /* of video: of what is sent again (RFC 4588 section 5.3) */
    uint32_t rtx_ssrc;
    /* NULL: it was never to send */
    kith_rtp_out *out;
    /* the current direction sent once */
    bool has_sent;
    /* payload types and parameters are the peer's */
    kith_negotiated_list codecs;
    /* what SENDER_STATE told: KITH_SENDER_SILENT, or a payload type and its row */
    bool is_ready;
    /* NULL: no frame was sent yet. Video: what comes next is of no use without a key frame. */
    kith_packetizer *packetizer;
    kith_media_codec packetized;
    /* that kith_sender_send_frame was given */
    uint64_t frames;
    /* of those that were sent: how many of how many bytes, and those that were huge */
    uint64_t sent_frames, sent_frame_bytes, huge_frames;
    bool needs_key_frame;
    /* One was refused, for want of room for so much: it is asked for again then, not before. */
    bool asks_again;
    kith_time asks_again_at;
    size_t refused_units, refused_bytes;
    const kith_codec *reported_row;
    uint8_t reported_payload_type;
};

struct kith_receiver {
    kith_transceiver *transceiver;
    /* payload types are ours */
    kith_negotiated_list codecs;
    /* the id of each extension; 0: not agreed on */
    uint8_t extensions[KITH_RTP_EXTENSION_COUNT];
    /* of the last packet; only where there was one */
    uint32_t ssrc;
    bool has_ssrc;
    /* the stream that repairs it; 0: none so far */
    uint32_t rtx_ssrc;
    /* what is missing is asked for */
    bool is_repaired;
    /* MediaStreamTrack.muted; else its stream was heard of then */
    bool is_muted;
    kith_time heard_at;
    /* NULL: not asked */
    kith_returned_parameters *returned_parameters;
    /* NULL: the application gets packets */
    kith_assembler *assembler;
    /* packets and frames that were not told yet, the oldest first, and what they cost (events.c) */
    kith_list waiting;
    size_t waiting_bytes;
    /* that were dropped because nobody asked for them */
    uint64_t not_taken;
    /* of the next frame that waits: what went before it; and it is none but a key frame */
    uint32_t lost_before;
    bool needs_key_frame;
    /* of the last frame that was told */
    kith_time captured_at, play_at;
    /* Of the last whose capture is known: its source, when it came, and how much later than
     * captured it would be played alone. */
    uint64_t clock;
    kith_time dated_at, play_delay;
};

struct kith_transceiver {
    kith_pc *pc;
    void *user;
    /* kith_transceivers.all, or .ended */
    kith_list_node in_pc;
    /* of this peer connection, never used again */
    uint32_t number;
    kith_media_kind kind;
    kith_direction direction, current_direction;
    /* [[Stopping]]; what is [[Stopped]] is ended */
    bool is_stopping, is_ended;
    /* by addTrack, so that the section of a remote offer may take it (RFC 9429 section 5.10) */
    bool is_added_by_track;
    /* by the remote offer that is pending: its rollback takes it away */
    bool is_made_by_offer;
    /* of its m= section; -1: none */
    int section;
    /* the description that gave it the section is pending */
    bool is_section_pending;
    /* the index of the section that create_offer wrote for it last; -1: none */
    int offered;
    /* a=rtcp-rsize by both sides */
    bool is_reduced_size;
    /* [[PreferredCodecs]]; count 0: all, in the order of the table */
    const kith_codec *preferred[KITH_CODEC_MAX_USES];
    size_t preferred_count;
    /* [[FiredDirection]] receives: TRACK was told; and what is yet to be told */
    bool is_track_announced, is_track_wanted;
    /* events.c */
    uint32_t events_waiting;
    kith_sender sender;
    kith_receiver receiver;
};

/* The packet that is being told, as the application sees it. */
typedef struct kith_delivered_packet {
    kith_rtp rtp;
    kith_rtp_extension extensions[KITH_RTP_EXTENSION_COUNT];
    uint32_t csrcs[KITH_RTP_MAX_CSRCS];
} kith_delivered_packet;

typedef struct kith_transceivers {
    /* of kith_transceiver.in_pc, in the order of creation */
    kith_list all;
    /* whose TRACK_ENDED is queued */
    kith_list ended;
    /* in both */
    unsigned count;
    uint32_t next_number;
    char cname[KITH_CNAME + 1];
    /* SSRCs of ours, of all senders that there ever are */
    kith_random_order ssrcs;
    kith_numbers numbers;
    kith_codec_set codecs;
    kith_delivered_packet delivered;
    kith_frame delivered_frame;
    /* NULL before the first frame is wanted */
    kith_buffers *buffers;
    /* bits per second: what the peer takes of all sections together */
    uint64_t session_bitrate;
    /* and what the path carries by its last estimate */
    uint64_t estimated_bitrate;
} kith_transceivers;

void kith_transceivers_init(kith_pc *pc);
void kith_transceivers_deinit(kith_pc *pc);
/* kith_pc_close: nothing is sent or received any more, without events. */
void kith_transceivers_close(kith_pc *pc);

/* A transceiver that is in no list. NO_MEMORY; RANGE above KITH_TRANSCEIVERS_MAX. */
KITH_MUST_CHECK kith_err kith_transceiver_new(kith_transceiver **out, kith_pc *pc,
                                              kith_media_kind kind, kith_direction direction);
void kith_transceiver_destroy(kith_transceiver *t);
/* It leaves the set, and TRACK_ENDED is told. */
void kith_transceiver_end(kith_transceiver *t);
/* Enters the set at its end. */
void kith_transceiver_enter(kith_transceiver *t);

/* ---- directions ---- */

bool kith_direction_sends(kith_direction direction);
bool kith_direction_receives(kith_direction direction);
kith_direction kith_direction_of(bool sends, bool receives);
/* Of a section, as the other side sees it. */
kith_direction kith_direction_from_sdp(kith_sdp_direction direction);
kith_direction kith_direction_reversed(kith_direction direction);
kith_sdp_direction kith_direction_to_sdp(kith_direction direction);

/* ---- for jsep ---- */

/* The transceiver of a section, or NULL. */
kith_transceiver *kith_transceivers_find(const kith_pc *pc, size_t section);
/* The same for an offer that is being made: the section may be new. */
kith_transceiver *kith_transceivers_find_offered(const kith_pc *pc, size_t section);
/* create_offer begins anew: no transceiver has a section but those that a description has. */
void kith_transceivers_begin_offer(kith_pc *pc);
/* The next that needs a section, which is number `section`; NULL: none. */
kith_transceiver *kith_transceivers_offer_next(kith_pc *pc, size_t section);
/* The created offer is set. */
void kith_transceivers_take_local_offer(kith_pc *pc);

/* Enough transceivers for a remote offer; on failure there are none. */
KITH_MUST_CHECK kith_err kith_transceivers_prepare(kith_pc *pc,
                                                   const struct kith_description *offer,
                                                   kith_list *spare);
/* The remote offer is set: its accepted sections find or get their transceivers (RFC 9429 section
 * 5.10). Those that are not needed are destroyed. */
void kith_transceivers_take_remote_offer(kith_pc *pc, const struct kith_description *offer,
                                         kith_list *spare);
void kith_transceivers_roll_back(kith_pc *pc);
/* Has it a section that both accept, and what do they agree on there? */
bool kith_transceiver_is_accepted(const kith_transceiver *t, const struct kith_description *local,
                                  const struct kith_description *remote);
kith_direction kith_transceiver_agreed(const kith_transceiver *t,
                                       const struct kith_description *local,
                                       const struct kith_description *remote);
/* An answer of either side is set, provisional or not (webrtc-pc section 4.4.1.5). */
void kith_transceivers_apply(kith_pc *pc, const struct kith_description *local,
                             const struct kith_description *remote, bool is_provisional);
/* Tells the application what changed. */
void kith_transceivers_tell(kith_pc *pc);
/* webrtc-pc section 4.7.3, "check if negotiation is needed", step 5. */
bool kith_transceivers_need_negotiation(const kith_pc *pc);

/* ---- for a section ---- */

/* Has it exactly the a=msid lines of the sender? */
bool kith_sender_has_msids(const kith_sender *sender, const kith_sdp_media *m);
void kith_sender_add_msids(const kith_sender *sender, kith_sdp *sdp, kith_sdp_media *m);
/* MUTE and UNMUTE, where it changes. */
void kith_receiver_set_muted(kith_receiver *receiver, bool is_muted);
/* Copies the ids; NULL track_id: the sender's own. NO_MEMORY, TYPE for one that SDP cannot hold:
 * nothing changed. */
KITH_MUST_CHECK kith_err kith_sender_set_track(kith_sender *sender, const char *track_id,
                                               const char *const *streams, size_t count);
/* KEY_FRAME_REQUEST. */
void kith_sender_want_key_frame(kith_sender *sender);
/* SENDER_STATE, where it changed. */
void kith_sender_tell(kith_sender *sender);

/* ---- bitrate.c ---- */

/* What the b= lines of a section, or of the session, allow to be sent to whoever wrote them. */
uint64_t kith_bitrate_of_section(const kith_sdp_common *section);
uint64_t kith_bitrate_of_session(const kith_sdp_common *session);
/* A limit changed, or who sends: all targets anew, TARGET_BITRATE where one changed much. */
void kith_bitrate_share(kith_pc *pc);
/* The peer says what the path to it carries of all that we send. */
void kith_bitrate_estimated(kith_pc *pc, uint64_t bitrate);

#endif
