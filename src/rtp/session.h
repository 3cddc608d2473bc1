/* The inside of a session, for the files of this room. */
#ifndef KITH_RTP_SESSION_H
#define KITH_RTP_SESSION_H

#include "base/map.h"
#include "crypto/random.h"
#include "rtp/arrival.h"
#include "rtp/breaker.h"
#include "rtp/history.h"
#include "rtp/nack.h"
#include "rtp/pace.h"
#include "rtp/renumber.h"
#include "rtp/rtp.h"
#include "rtp/sent_times.h"
#include "rtp/ticks.h"
#include "wire/rtcp_fb.h"
#include "wire/rtcp_xr.h"

/* What SRTCP adds to a packet at most: index, tag (RFC 3711 section 3.4, RFC 7714 section 9.1). */
#define KITH_RTP_MAX_COMPOUND (KITH_RTP_MAX_PACKET - 24)

/* A section as it was set. */
typedef struct kith_rtp_place {
    char mid[KITH_RTP_MAX_MID + 1];
    size_t mid_len;
    kith_rtp_kind kind;
    bool is_pending, reduced_size, takes_pli, takes_fir, takes_nack, takes_transport_cc, rcvr_rtt;
    /* a=ssrc names its streams */
    bool is_signalled;
    void *user;
    uint8_t extensions[KITH_RTP_EXTENSION_COUNT];
    /* by payload type; 0: not in the section */
    uint32_t clock_rates[128];
    /* by payload type of what is sent again: that of what was lost; KITH_RTP_NO_TYPE: it is no such
     */
    uint8_t apts[128];
} kith_rtp_place;

/* Missing packets that the lists of all streams together have room for: of as many streams as there
 * may be each a first list. */
#define KITH_RTP_MAX_LISTED 8192

#define KITH_RTP_NO_TYPE 255

/* An SSRC that a=ssrc names, and its section. */
typedef struct kith_rtp_signalled {
    uint32_t ssrc;
    uint32_t place;
} kith_rtp_signalled;

/* All sections, replaced as one. */
typedef struct kith_rtp_places {
    kith_rtp_place *list;
    size_t count;
    kith_rtp_signalled *signalled;
    size_t signalled_count;
    kith_rtp_fid *fids;
    size_t fid_count;
    /* the section that alone has the payload type; -1: none, or several */
    int16_t by_payload_type[128];
    /* kith_rtp_extension_kind by id; KITH_RTP_EXTENSION_COUNT: none */
    uint8_t kind_of_id[256];
} kith_rtp_places;

/* SSRCs of streams that ended, by a description or by BYE. What comes of them late has lost its
 * section, and is not another's because that has the same payload type. */
#define KITH_RTP_MAX_ENDED 256

/* A ring; 0: taken out. The last `untold` are to be told. */
typedef struct kith_rtp_ended {
    uint32_t ssrcs[KITH_RTP_MAX_ENDED];
    unsigned next, untold;
} kith_rtp_ended;

/* An SSRC of ours that is to say BYE, or that has said it; a stream that only pauses goes on with
 * it. */
typedef struct kith_rtp_leaver {
    uint32_t ssrc;
    bool comes_back;
} kith_rtp_leaver;

/* The first `said` have said it. */
typedef struct kith_rtp_leavers {
    kith_rtp_leaver *all;
    size_t count, said, cap;
} kith_rtp_leavers;

/* A request for a key frame that is repeated. */
typedef struct kith_rtp_asking {
    bool is_wanted;
    /* not before */
    kith_time next_at;
    kith_time interval;
    /* of FIR: another for another request */
    uint8_t fir_number;
} kith_rtp_asking;

/* A stream that we receive: an SSRC of theirs. */
typedef struct kith_rtp_in {
    kith_map_node node;
    kith_list_node in_all;
    uint32_t ssrc;
    uint8_t key[4];
    kith_rtp_place *place;
    /* by packets: last used, and bound by a MID in one */
    kith_time used_at;
    bool is_bound_by_mid;

    /* RFC 3550 A.1, on unwrapped numbers */
    bool is_started;
    int64_t base, highest;
    /* the number that would prove that a jump was a restart; 0: no jump */
    int64_t after_jump;
    /* A.3: since the base, and what earlier bases lost */
    int64_t received;
    int64_t lost_before;
    int64_t expected_prior, received_prior;
    bool is_in_round;

    /* A.8 */
    bool has_transit;
    uint32_t transit, clock_rate;
    /* scaled by 16 */
    uint32_t jitter;

    /* of its source: kith_rtp_clock; 0: no report came */
    uint64_t clock_key;
    kith_rtp_asking asking;
    kith_rtp_nack nack;
    bool is_bye_pending, is_report_pending;
    kith_rtp_in_info info;
} kith_rtp_in;

/* Bytes that may be sent again at once. */
#define KITH_RTP_MAX_CREDIT ((size_t)64 * 1024)

struct kith_rtp_out {
    kith_list_node node;
    uint32_t ssrc;
    kith_rtp_kind kind;
    uint32_t clock_rate;
    char mid[KITH_RTP_MAX_MID + 1];
    size_t mid_len;
    /* NULL: its section is gone */
    kith_rtp_place *place;
    void *user;
    bool is_announced;
    /* and may go on */
    bool has_said_bye;
    /* a report for the SSRC came: the peer knows whose it is */
    bool is_known;
    kith_time changed_at;

    /* a ring of units */
    kith_rtp_unit *units;
    size_t cap, head, count, queued;
    /* of the last that left: more of its frame follows */
    bool is_frame_begun;
    uint32_t begun_timestamp;
    /* pictures were dropped that those before the next key frame are drawn from */
    bool needs_key_frame;
    /* behind the frame that has begun something was dropped */
    bool is_cut;

    /* The stream for what is sent again; and of that one, the stream that it repairs. */
    kith_rtp_out *rtx, *repaired;
    uint8_t rtx_types[128];
    /* only where there is `rtx` */
    kith_rtp_history history;
    /* bytes that may be sent again: as many as were sent, and some at first */
    size_t credit;
    /* the number of the last key frame's first packet, and when that left */
    int64_t key_number;
    kith_time key_left_at;

    kith_rtp_numbers numbers;
    /* of this SSRC, for its sender reports */
    uint32_t packet_count, octet_count;
    /* packet_count at the last report and at the one before */
    uint32_t counts_reported[2];
    /* began to send, and no report said so */
    bool is_new;
    /* what sender reports say of time: at `reference_at`, this NTP and RTP time */
    bool has_reference, is_source_ntp;
    kith_time reference_at;
    uint64_t reference_ntp;
    uint32_t reference_timestamp;
    bool is_in_round;
    /* its sender reports */
    kith_rtp_sent_times sent_reports;

    /* requests of the peer for a key frame */
    bool is_request_pending;
    /* one that is held back: when it is told; KITH_NEVER: there is none. It is not told if it
     * crossed a key frame and the peer has come to this number. */
    kith_time request_due_at;
    bool is_request_crossing;
    int64_t crossed_number;
    /* we asked for one ourselves, and none left since */
    bool is_key_frame_due;
    kith_time request_told_at;
    bool has_fir;
    uint8_t fir_number;
    kith_rtp_breaker breaker;
    /* the highest number of the last report (loss.c) */
    bool has_loss_highest;
    uint32_t loss_highest;
    bool is_report_pending, is_change_pending, is_pause_pending;
    kith_rtp_out_info info;
};

/* When the next round of reports is due, and what that depends on. */
typedef struct kith_rtp_schedule {
    /* KITH_NEVER before the first packet either way */
    kith_time next_at, last_at;
    /* none was sent (RFC 3550 section 6.3) */
    bool is_initial;
    /* bytes on the network: of RTP since the last round, and of the round */
    uint64_t sent, received, reported;
} kith_rtp_schedule;

/* What the path carries, by what is lost of what was sent: bits per second. */
typedef struct kith_rtp_loss {
    uint64_t bitrate;
    /* a report came; one told of loss */
    bool is_started, has_lost;
    /* since the last judgement: packets by reports, and of them 256 times what was lost; bytes and
     * packets that left */
    int64_t expected, lost;
    uint64_t sent, packets;
    kith_time judged_at, lowered_at;
} kith_rtp_loss;

/* Reference times of the peer that are answered in one compound. */
#define KITH_RTP_MAX_REFERENCES 8

/* Of extended reports: our reference times, by `ssrc`, and those of the peer. */
typedef struct kith_rtp_xr {
    uint32_t ssrc;
    kith_rtp_sent_times sent;
    struct {
        uint32_t ssrc, ntp;
        kith_time at;
    } heard[KITH_RTP_MAX_REFERENCES];
    unsigned heard_count;
} kith_rtp_xr;

/* Sources whose clock is known at a time. */
#define KITH_RTP_MAX_CLOCKS 16

/* The clock of a source: what is to be added to it for ours, at least, in this window of time and
 * in the one before. */
typedef struct kith_rtp_clock {
    /* 0: none */
    uint64_t key;
    kith_time least, least_before, window_began, heard_at;
} kith_rtp_clock;

struct kith_rtp_session {
    char cname[KITH_RTP_MAX_CNAME + 1];
    kith_random_order *ssrcs;
    uint64_t ntp_origin;
    /* the sender of reports while nothing else is sent */
    uint32_t ssrc;
    kith_rtp_places places;
    /* the places were replaced: what waits may have found its section */
    bool is_resettled;

    kith_map ins;
    kith_list all_ins;
    kith_rtp_ended ended;
    kith_list outs;
    /* payload bytes and units that wait on them */
    size_t queued, unit_count;
    /* of those units, of all streams: the ones that are paced, and their bytes */
    kith_rtp_pace pace;
    size_t paced_count, paced_bytes;
    /* of all streams: what is kept to be sent again, and what of it is wanted */
    kith_rtp_kept kept;

    /* packets: of pending sections; and those to be told */
    kith_list waiting, ready;
    size_t waiting_bytes, ready_count;
    bool has_events;

    kith_rtp_schedule schedule;
    /* bytes of RTCP, of whatever kind, beyond its part of what came; negative: less */
    int64_t rtcp_debt;
    /* a compound could not hold the whole round */
    bool is_round_open;
    /* a stream began to send; compounds that left without waiting for their time */
    bool is_any_new;
    unsigned at_once;
    kith_rtp_leavers leavers;
    /* `ssrc` was sent with, and when it was chosen in place of another */
    bool has_reported;
    kith_time ssrc_changed_at;
    kith_rtp_xr xr;
    kith_rtp_clock clocks[KITH_RTP_MAX_CLOCKS];
    kith_rtp_arrivals arrivals;
    kith_time rtt, ice_rtt;
    kith_rtp_loss loss;
    /* the peer's, of the path to it, bits per second, UINT64_MAX: none; one of both is to be told
     */
    uint64_t estimate;
    bool is_estimate_pending;
    kith_rtp_unreported unreported;
    bool ignore_rtcp_timeout;
    kith_rtp_counters counters;
};

#define KITH_RTP_EACH_IN(session, in) \
    for (kith_rtp_in *in = kith_rtp_first_in(session); in; in = kith_rtp_next_in(session, in))
#define KITH_RTP_EACH_OUT(session, out)                        \
    for (kith_rtp_out *out = kith_rtp_first_out(session); out; \
         out = kith_rtp_next_out(session, out))

static inline kith_rtp_in *kith_rtp_in_of(kith_list_node *node)
{
    return node ? KITH_OWNER(node, kith_rtp_in, in_all) : NULL;
}

static inline kith_rtp_in *kith_rtp_first_in(const kith_rtp_session *s)
{
    return kith_rtp_in_of(kith_list_first(&s->all_ins));
}

static inline kith_rtp_in *kith_rtp_next_in(const kith_rtp_session *s, const kith_rtp_in *in)
{
    return kith_rtp_in_of(kith_list_next(&s->all_ins, &in->in_all));
}

static inline kith_rtp_out *kith_rtp_out_of(kith_list_node *node)
{
    return node ? KITH_OWNER(node, kith_rtp_out, node) : NULL;
}

static inline kith_rtp_out *kith_rtp_first_out(const kith_rtp_session *s)
{
    return kith_rtp_out_of(kith_list_first(&s->outs));
}

static inline kith_rtp_out *kith_rtp_next_out(const kith_rtp_session *s, const kith_rtp_out *out)
{
    return kith_rtp_out_of(kith_list_next(&s->outs, &out->node));
}

static inline kith_time kith_rtp_earlier(kith_time a, kith_time b)
{
    return a < b ? a : b;
}

/* A span of time, not negative, as NTP counts it: seconds and their fraction, 32 bits each. */
uint64_t kith_rtp_ntp_interval(kith_time time);
/* The NTP time of a local one. */
uint64_t kith_rtp_ntp(const kith_rtp_session *s, kith_time at);

/* ---- places.c: the sections and what binds to them ---- */

void kith_rtp_places_deinit(kith_rtp_places *places);
kith_rtp_place *kith_rtp_place_of_mid(const kith_rtp_places *places, kith_span mid);
/* By a=ssrc; or NULL. */
kith_rtp_place *kith_rtp_place_of_ssrc(const kith_rtp_places *places, uint32_t ssrc);

/* ---- demux.c ---- */

kith_rtp_in *kith_rtp_find_in(const kith_rtp_session *s, uint32_t ssrc);
kith_rtp_out *kith_rtp_find_out(const kith_rtp_session *s, uint32_t ssrc);
/* The stream of a packet whose header is parsed; NULL: dropped and counted, or kept waiting (then
 * *is_waiting). `mid` is empty where there is none. */
kith_rtp_in *kith_rtp_demux(kith_rtp_session *s, const kith_packet *packet, kith_span mid,
                            bool *is_waiting);
/* The entry of an SSRC that is bound to the place; NULL: no room. */
kith_rtp_in *kith_rtp_bind(kith_rtp_session *s, kith_time now, uint32_t ssrc,
                           kith_rtp_place *place);
void kith_rtp_forget_in(kith_rtp_session *s, kith_rtp_in *in);
/* The stream is over. */
void kith_rtp_end_in(kith_rtp_session *s, kith_rtp_in *in);
/* Those that said BYE, long ago, and were followed by another of their section. */
void kith_rtp_end_silent(kith_rtp_session *s, kith_time now);
/* ended.c: a stream of the SSRC is over; it is somebody's (again). */
void kith_rtp_note_ended(kith_rtp_session *s, uint32_t ssrc);
void kith_rtp_note_used(kith_rtp_session *s, uint32_t ssrc);
bool kith_rtp_is_ended(const kith_rtp_session *s, uint32_t ssrc);
/* False: there is none to be told. */
bool kith_rtp_tell_ended(kith_rtp_session *s, uint32_t *ssrc);
/* Of the place: the stream that media came on last; or NULL. */
kith_rtp_in *kith_rtp_newest_in(const kith_rtp_session *s, const kith_rtp_place *place);

/* ---- in.c: statistics of what is received ---- */

/* Gives the packet its number and counts it. */
void kith_rtp_in_count(kith_rtp_in *in, kith_packet *packet);
int64_t kith_rtp_in_lost(const kith_rtp_in *in);
/* As reports count it: 1/65536 s. */
uint32_t kith_rtp_delay(kith_time time);
/* The report block on the stream; the interval of its fraction ends here (A.3). */
void kith_rtp_in_report(kith_rtp_in *in, kith_time now, kith_rtcp_report *report);

/* ---- out.c ---- */

/* Composes the next unit of any stream into KITH_RTP_MAX_PACKET bytes; 0: none waits, or it is too
 * early for what does. */
size_t kith_rtp_compose(kith_rtp_session *s, kith_time now, uint8_t *buf);
/* When it is not; 0: now. */
kith_time kith_rtp_compose_deadline(const kith_rtp_session *s);
/* The SSRC that we only report with is theirs too: another one. */
void kith_rtp_change_reporter(kith_rtp_session *s, kith_time now);
/* An SSRC that neither side uses, or used: SRTP encrypts nothing more with one whose BYE is out,
 * and late packets of one of theirs would be ours. */
uint32_t kith_rtp_choose_ssrc(const kith_rtp_session *s);
/* An SSRC of ours turned out to be theirs. */
void kith_rtp_collide(kith_rtp_session *s, kith_time now, kith_rtp_out *out);
void kith_rtp_free_out(kith_rtp_session *s, kith_rtp_out *out);
/* What has waited too long gives way to what is new. */
void kith_rtp_drop_late(kith_rtp_session *s, kith_time now, kith_rtp_out *out);
/* What waits is not sent. */
void kith_rtp_drop_queue(kith_rtp_session *s, kith_rtp_out *out);
/* A unit as a packet of KITH_RTP_MAX_PACKET bytes at most. */
typedef struct kith_rtp_leaving {
    const kith_rtp_unit *unit;
    int64_t number;
    uint32_t timestamp;
    uint8_t payload_type;
    /* before the payload: the original sequence number (RFC 4588 section 4) */
    bool has_osn;
    uint16_t osn;
} kith_rtp_leaving;
size_t kith_rtp_write_packet(const kith_rtp_session *s, kith_time now, const kith_rtp_out *out,
                             const kith_rtp_leaving *leaving, uint8_t *buf);
/* The clock that sender reports tell is that of the unit. */
void kith_rtp_refer(const kith_rtp_session *s, kith_rtp_out *out, const kith_rtp_unit *unit,
                    uint32_t timestamp);
/* A packet of the stream left, with `payload` bytes of `len`. */
void kith_rtp_count_sent(kith_rtp_session *s, kith_rtp_out *out, size_t payload, size_t len);

/* ---- rtx.c: what is sent again, both ways (RFC 4588) ---- */

/* The unit left: it may be asked for. */
void kith_rtp_keep(kith_rtp_session *s, kith_time now, kith_rtp_out *out, const kith_rtp_unit *unit,
                   int64_t number, uint32_t timestamp);
/* The peer misses this number of the stream. */
void kith_rtp_want_again(kith_rtp_session *s, kith_time now, kith_rtp_out *out, uint16_t number);
/* Composes the next packet that is sent again; 0: none is wanted. */
size_t kith_rtp_resend(kith_rtp_session *s, kith_time now, uint8_t *buf);
/* A packet of an RTX stream, which was counted, becomes what it was when it was lost. False: nobody
 * misses it. */
bool kith_rtp_restore(kith_rtp_session *s, kith_time now, kith_rtp_in *rtx, kith_packet *packet);
/* What its stream's list of what is missing has to know of the packet. */
kith_rtp_came kith_rtp_came_of(const kith_rtp_in *in, const kith_packet *packet);

/* ---- rtcp_in.c, rtcp_out.c ---- */

/* We do, since the encoder's pictures were dropped: whatever the peer has of them. */
void kith_rtp_ask_for_key_frame(kith_rtp_session *s, kith_time now, kith_rtp_out *out);
/* The peer wants a key frame of the stream. */
void kith_rtp_want_key_frame(kith_rtp_session *s, kith_time now, kith_rtp_out *out);
/* The first packet of a key frame of the stream left: a request that is held back is met. */
void kith_rtp_note_key_frame(kith_rtp_out *out, kith_time now, int64_t number);
/* Requests that were held back and are due. */
void kith_rtp_tell_requests(kith_rtp_session *s, kith_time now);
/* The stream begins to send. */
void kith_rtp_note_new(kith_rtp_session *s, kith_rtp_out *out);
size_t kith_rtp_write_rtcp(kith_rtp_session *s, kith_time now, uint8_t *buf);
kith_time kith_rtp_rtcp_deadline(const kith_rtp_session *s);

/* ---- schedule.c: when reports leave ---- */

void kith_rtp_schedule_init(kith_rtp_schedule *schedule);
/* Something was sent or received: reports begin. */
void kith_rtp_start_reports(kith_rtp_session *s, kith_time now);
/* A packet of the length, as the network carries it. */
void kith_rtp_note_bytes(uint64_t *bytes, size_t len);
/* RTP of so many bytes came: RTCP may say so much more. */
void kith_rtp_note_received(kith_rtp_session *s, size_t len);
/* RTCP left. */
void kith_rtp_note_rtcp(kith_rtp_session *s, size_t len);
/* What RTCP would have said beyond its part if it said so much now. */
int64_t kith_rtp_owed(const kith_rtp_session *s, size_t len);
/* A round left: when the next is due. */
void kith_rtp_schedule_next(kith_rtp_session *s, kith_time now);

/* ---- leave.c ---- */

/* Room for all streams, and so many more. */
KITH_MUST_CHECK kith_err kith_rtp_leaving_reserve(kith_rtp_session *s, size_t more);
void kith_rtp_leaving_deinit(kith_rtp_session *s);
/* The SSRC says BYE. */
void kith_rtp_leave(kith_rtp_session *s, uint32_t ssrc, bool comes_back);
/* Those that are to say it next, which have said it afterwards. */
size_t kith_rtp_take_leavers(kith_rtp_session *s, uint32_t *ssrcs, size_t max);

/* ---- arrival.c: what the sender's estimate of bandwidth is made of ---- */

/* A packet came that has a transport-wide number. */
void kith_rtp_note_arrival(kith_rtp_session *s, const kith_packet *packet);
/* When the peer is to be told of arrivals; KITH_NEVER: nothing came since, or it was not agreed on.
 */
kith_time kith_rtp_arrivals_deadline(const kith_rtp_session *s);
/* May they leave with what leaves anyway? While something is asked for they need not be due. */
bool kith_rtp_arrivals_may_leave(const kith_rtp_session *s, kith_time now);
/* May they be told without a report (RFC 5506)? */
bool kith_rtp_arrivals_are_reduced(const kith_rtp_session *s);
/* Tells of them as far as there is room. */
void kith_rtp_write_arrivals(kith_rtp_session *s, kith_time now, kith_writer *w,
                             uint32_t sender_ssrc);

/* ---- clock.c: when what comes was captured ---- */

/* A sender report of the stream came, which its info has. */
void kith_rtp_note_report(kith_rtp_session *s, kith_rtp_in *in);
void kith_rtp_note_cname(kith_rtp_session *s, uint32_t ssrc, kith_span cname);

/* ---- loss.c: how fast, by loss ---- */

void kith_rtp_loss_init(kith_rtp_loss *loss);
void kith_rtp_loss_reported(kith_rtp_session *s, kith_time now, kith_rtp_out *out,
                            const kith_rtcp_report *report);
/* The peer's own estimate came. */
void kith_rtp_loss_estimated(kith_rtp_loss *loss, uint64_t bitrate);

/* ---- xr.c: the round trip of who sends nothing (RFC 3611) ---- */

bool kith_rtp_take_xr(kith_rtp_session *s, kith_time now, const kith_rtcp_packet *p);
/* What `ssrc` has to say behind its report, where that was agreed and as far as there is room. */
void kith_rtp_write_xr(kith_rtp_session *s, kith_time now, kith_writer *w, uint32_t ssrc,
                       bool is_sending);

#endif
