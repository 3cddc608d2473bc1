/* What audio and video cost: two peers of one thread, over loopback. */
#ifndef KITH_TOOLS_BENCH_MEDIA_H
#define KITH_TOOLS_BENCH_MEDIA_H

#include "tool.h"

struct bench_media_packets {
    /* of SRTP, as IANA calls it */
    char profile[64];
    /* of an RTP packet */
    int packet_bytes;
    /* that came at both ends, of those sent */
    double per_second, cpu_s_per_million, lost;
    /* by kith's allocator, while they went */
    unsigned long allocations;
};

struct bench_media_frames {
    size_t count;
    int frame_bytes;
    /* from kith_sender_send_frame to KITH_EV_FRAME */
    double median_us, p99_us;
    /* of one core, at 30 frames a second, both ends */
    double cpu_percent;
    unsigned long allocations;
};

/* Packets of 1200 bytes both ways at once, as many as there can be. False after explaining. */
bool bench_media_packets(kith_time length, struct bench_media_packets *out);
/* 30 frames a second at 4 Mbit/s, one way. False after explaining. */
bool bench_media_frames(kith_time length, struct bench_media_frames *out);
/* Sends a frame in each of `streams` streams of one pair. False after explaining. */
bool bench_media_streams(size_t streams, double (*resident_kb)(void), double *kb_per_stream);

#endif
