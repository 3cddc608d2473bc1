/* Moves packets and events between the engines of one peer connection. */
#ifndef KITH_PC_PUMP_H
#define KITH_PC_PUMP_H

#include "kith/endpoint.h"
#include "pc/transport.h"
#include "wire/demux.h"
#include "wire/stun.h"

/* A STUN message that the endpoint found to be t's. Was it authentic? */
bool kith_pump_input_stun(kith_transport *t, kith_time now, const kith_path *path,
                          const kith_stun *message);
/* A packet of another kind that the endpoint found to be t's. */
void kith_pump_input(kith_transport *t, kith_time now, const kith_path *path, kith_demux_kind kind,
                     kith_span packet);
/* Bytes of a connection to a TURN server of t's. */
void kith_pump_input_stream(kith_transport *t, kith_time now, const kith_path *path,
                            kith_span bytes);
/* The next packet to send; 0: none, and pc has nothing more to do until its deadline. What
 * sending made known is told with the 0, or by kith_pump_settle. */
size_t kith_pump_output(kith_pc *pc, kith_time now, kith_packet_info *info, uint8_t *buf,
                        size_t cap);
/* Carries what the engines want known upward, where others have their turn before the 0. */
void kith_pump_settle(kith_pc *pc, kith_time now);
void kith_pump_tick(kith_pc *pc, kith_time now);
kith_time kith_pump_deadline(const kith_pc *pc);

#endif
