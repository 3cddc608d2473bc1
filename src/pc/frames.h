/* Frames of the transceivers: from the application to the streams, and from packets to the
 * application. */
#ifndef KITH_PC_FRAMES_H
#define KITH_PC_FRAMES_H

#include "pc/transceivers.h"

/* Takes up what packets that came have completed. */
void kith_frames_settle(kith_pc *pc, kith_rtp_session *rtp);
kith_time kith_frames_deadline(kith_pc *pc);
void kith_frames_tick(kith_pc *pc, kith_time now);

/* For events.c: a frame as the application sees it, until the next is described. */
const kith_frame *kith_frames_describe(kith_transceiver *t, const kith_assembled *frame);

#endif
