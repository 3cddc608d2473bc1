/* One data channel from the inside: what data_channel.c (its owner's calls) and channels.c (the
 * network's events) share. */
#ifndef KITH_PC_CHANNEL_H
#define KITH_PC_CHANNEL_H

#include "base/span.h"
#include "pc/channels.h"

/* Enters a connecting channel without id; NULL when out of memory. */
kith_dc *kith_channel_new(kith_pc *pc, kith_span label, kith_span protocol) KITH_MUST_CHECK;
void kith_channel_destroy(kith_dc *dc);
kith_dc *kith_channel_by_id(const kith_pc *pc, uint16_t id); /* or NULL */
/* The lowest free id of our DTLS role: even for the client, odd for the server (RFC 8832 section
 * 6); -1: none. */
int kith_channel_free_id(const kith_pc *pc);
void kith_channel_set_id(kith_dc *dc, uint16_t id);
/* Bytes of its messages that wait in SCTP; 0 without a stream. */
size_t kith_channel_waiting(const kith_dc *dc);
/* SCTP is connected: sets up the stream, sends DATA_CHANNEL_OPEN unless negotiated, and tells that
 * it is open. */
void kith_channel_open(kith_dc *dc);
/* That is being told: only now is it open (webrtc-pc section 6.2, "announce the data channel as
 * open"). */
void kith_channel_announce(kith_dc *dc);
/* The end: closed is told, after the error if there is one. A forgotten channel is destroyed. */
void kith_channel_closed(kith_dc *dc, const kith_error *error);

#endif
