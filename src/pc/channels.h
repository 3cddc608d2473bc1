/* The data channels of one peer connection (webrtc-pc section 6.2, RFC 8831, 8832). */
#ifndef KITH_PC_CHANNELS_H
#define KITH_PC_CHANNELS_H

#include "base/list.h"
#include "kith/data_channel.h"
#include "sctp/sctp.h"

struct kith_dc {
    kith_pc *pc;
    void *user;
    kith_list_node in_pc;
    /* NUL-terminated; both in one block */
    char *label, *protocol;
    size_t label_len, protocol_len;
    /* by the peer */
    bool opened_by_peer;
    bool unordered, negotiated;
    /* -1: not limited */
    int max_packet_life_time, max_retransmits;
    /* -1: not yet known */
    int id;
    kith_priority priority;
    kith_dc_state state;
    /* SCTP knows the stream: its id is free again when both sides have reset it */
    bool stream_open;
    /* the peer is known to have the channel: user messages need not be ordered (RFC 8832 section 6)
     */
    bool acked;
    /* freed by its owner, waits only for its stream */
    bool forgotten;
    /* in the order of creation, for statistics */
    uint32_t number;
    /* events.c: types of its events that wait to be told, a bit each */
    uint32_t events_waiting;
    size_t low_threshold;
    /* bufferedAmount once the stream is gone */
    size_t left_over;
    uint32_t messages_sent, messages_received;
    uint64_t bytes_sent, bytes_received;
};

typedef struct kith_channels {
    /* that carries, or will carry, the association */
    struct kith_transport *transport;
    /* of kith_dc.in_pc, in the order of creation */
    kith_list all;
    /* of them */
    unsigned count;
    /* grows with the highest id that was used */
    kith_dc **by_id;
    size_t id_cap;
    /* labels and protocols of those that the peer opened, bytes */
    size_t peers_texts;
    /* an application section is wanted */
    bool ever_created;
    uint32_t created, opened, closed;
} kith_channels;

void kith_channels_init(kith_pc *pc);
void kith_channels_deinit(kith_pc *pc);
/* kith_pc_close: every channel is closed at once and says so. */
void kith_channels_close(kith_pc *pc);

/* Room for the id in the table: kith_channel_set_id does not fail. */
KITH_MUST_CHECK kith_err kith_channels_reserve(kith_pc *pc, uint16_t id);
/* Does a description need an application section (was a channel ever created)? */
bool kith_channels_wanted(const kith_pc *pc);
/* The DTLS role is known: channels without an id get one (RFC 8832 section 6). */
void kith_channels_assign_ids(kith_pc *pc);

/* The pump's: SCTP connected, an event of it, and the end. */
void kith_channels_sctp_connected(kith_pc *pc);
void kith_channels_sctp_event(kith_pc *pc, const kith_sctp_event *ev);
void kith_channels_sctp_closed(kith_pc *pc);
/* Another association has taken the place of `before` (NULL: there was none), which is freed next:
 * its channels are closed, and those that wait for one have the new one to wait for. */
void kith_channels_sctp_replaced(kith_pc *pc, kith_sctp *before);
/* Tells SCTP what is kept here of what the peer sent. */
void kith_channels_count_kept(kith_pc *pc);

#endif
