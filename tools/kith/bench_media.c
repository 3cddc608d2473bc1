/* Packets, frames and streams of `kith bench media`. */
#include "bench_media.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench_pair.h"

/* That an RTP packet has 1200 bytes, as browsers send them: 12 of header, 8 of a MID. */
enum { PACKET = 1200, PAYLOAD = PACKET - 20 };
/* On their way in each direction: enough to send and receive in batches, less than the kernel's
 * buffer. */
enum { WINDOW = 256 };
/* 4 Mbit/s at 30 frames a second. */
enum { FRAME = 4000000 / 8 / 30, FRAMES_A_SECOND = 30 };
/* What is sent before it is measured: what is kept to be sent again, for a second, has its size
 * then. */
#define WARM_UP KITH_MS(1500)

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- allocations ---- */

static unsigned long allocations;

static void *count_alloc(size_t size, void *user)
{
    (void)user;
    allocations++;
    return malloc(size);
}

static void *count_resize(void *memory, size_t size, void *user)
{
    (void)user;
    allocations++;
    return realloc(memory, size);
}

static void release(void *memory, void *user)
{
    (void)user;
    free(memory);
}

static void count_allocations(void)
{
    static const kith_allocator allocator = {count_alloc, count_resize, release, NULL};
    kith_set_allocator(&allocator);
}

/* ---- two peers with video ---- */

struct call {
    struct bench_pair pair;
    kith_loop *loop;
    /* of the first track: of each end */
    kith_sender *senders[2];
};

static kith_err add_tracks(struct call *call, size_t streams, bool both_ways)
{
    kith_err err = KITH_OK;
    for (int end = 0; end < (both_ways ? 2 : 1); end++) {
        for (size_t i = 0; i < streams && err == KITH_OK; i++)
            err = kith_pc_add_track(call->pair.ends[end].pc, KITH_VIDEO, NULL, NULL, 0,
                                    i == 0 ? &call->senders[end] : NULL);
    }
    return err;
}

static bool is_ready(const struct call *call)
{
    bool ready = bench_pair_is_open(&call->pair);
    for (int end = 0; end < 2; end++)
        ready = ready && (!call->senders[end] || kith_sender_codec(call->senders[end]));
    return ready;
}

static bool begin(struct call *call, size_t streams, bool both_ways)
{
    *call = (struct call){.loop = bench_loop_new()};
    if (!call->loop || !bench_pair_make(&call->pair, call->loop))
        return false;
    kith_err err = add_tracks(call, streams, both_ways);
    if (err != KITH_OK) {
        tool_kith_error("cannot add a track", err);
        return false;
    }
    if (!bench_pair_negotiate(&call->pair))
        return false;
    while (!is_ready(call) && !call->pair.failed) {
        const kith_event *ev = kith_loop_wait(call->loop, 10000);
        if (!ev) {
            tool_error("no video could be sent within ten seconds");
            return false;
        }
        bench_pair_event(ev);
    }
    return !call->pair.failed;
}

static void end(struct call *call)
{
    bench_pair_free(&call->pair);
    kith_loop_free(call->loop);
}

static void find_profile(const struct call *call, char *out, size_t cap)
{
    kith_stats_report *report = NULL;
    snprintf(out, cap, "unknown");
    if (kith_pc_get_stats(call->pair.ends[0].pc, &report) != KITH_OK)
        return;
    for (size_t i = 0; i < kith_stats_report_size(report); i++) {
        const kith_stats *stats = kith_stats_report_at(report, i);
        if (stats->type == KITH_STATS_TRANSPORT && stats->transport.srtp_cipher)
            snprintf(out, cap, "%s", stats->transport.srtp_cipher);
    }
    kith_stats_report_free(report);
}

/* ---- packets ---- */

/* Of one direction; `sent` less `came` may be on the way. */
struct flow {
    uint64_t sent, came, lost;
};

struct traffic {
    struct call call;
    struct flow flows[2];
};

static bool fill(struct traffic *t, int from)
{
    static const uint8_t payload[PAYLOAD] = {0x10};
    struct flow *flow = &t->flows[from];
    kith_rtp packet = KITH_RTP_INIT;
    packet.payload = payload;
    packet.len = sizeof payload;
    while (flow->sent - flow->came - flow->lost < WINDOW) {
        packet.sequence_number = (uint16_t)flow->sent;
        packet.timestamp = (uint32_t)flow->sent * 90;
        kith_err err = kith_sender_send_rtp(t->call.senders[from], &packet);
        if (err == KITH_ERR_AGAIN)
            return true;
        if (err != KITH_OK) {
            tool_kith_error("cannot send", err);
            return false;
        }
        flow->sent++;
    }
    return true;
}

/* What has not come while nothing came was lost on the way. */
static void give_up(struct traffic *t)
{
    for (int i = 0; i < 2; i++)
        t->flows[i].lost = t->flows[i].sent - t->flows[i].came;
}

/* Waits for what comes, and counts it. */
static void take(struct traffic *t, int timeout_ms)
{
    const kith_event *ev = kith_loop_wait(t->call.loop, timeout_ms);
    if (!ev)
        give_up(t);
    for (int i = 0; ev && i < WINDOW; i++) {
        if (ev->type == KITH_EV_RTP)
            t->flows[ev->pc == t->call.pair.ends[0].pc].came++;
        else
            bench_pair_event(ev);
        ev = kith_loop_wait(t->call.loop, 0);
    }
}

static bool run_packets(struct traffic *t, kith_time length)
{
    kith_time stop = kith_clock_now() + length;
    bool going = true;
    while (going && kith_clock_now() < stop) {
        going = fill(t, 0) && fill(t, 1);
        take(t, 20);
    }
    return going && !t->call.pair.failed;
}

/* Buffers and queues grow until they hold what a thread finds that did not run for a while. */
static bool warm_up(struct traffic *t)
{
    const struct timespec pause = {.tv_nsec = 2000000};
    bool going = run_packets(t, WARM_UP);
    for (int i = 0; going && i < 50; i++) {
        going = fill(t, 0) && fill(t, 1);
        take(t, 1);
        nanosleep(&pause, NULL);
    }
    /* what is still on the way is none of the packets that count */
    for (const kith_event *ev; (ev = kith_loop_wait(t->call.loop, 50));)
        bench_pair_event(ev);
    t->flows[0] = t->flows[1] = (struct flow){0};
    return going;
}

bool bench_media_packets(kith_time length, struct bench_media_packets *out)
{
    struct traffic t = {0};
    count_allocations();
    bool done = begin(&t.call, 1, true) && warm_up(&t);
    unsigned long before = allocations;
    double cpu = cpu_seconds();
    kith_time began = kith_clock_now();
    done = done && run_packets(&t, length);
    double seconds = (double)(kith_clock_now() - began) / 1e6;
    double came = (double)(t.flows[0].came + t.flows[1].came);
    double lost = (double)(t.flows[0].lost + t.flows[1].lost);
    *out = (struct bench_media_packets){.packet_bytes = PACKET,
                                        .per_second = came / seconds,
                                        .cpu_s_per_million = (cpu_seconds() - cpu) / came * 1e6,
                                        .lost = lost / (came + lost),
                                        .allocations = allocations - before};
    if (done)
        find_profile(&t.call, out->profile, sizeof out->profile);
    end(&t.call);
    if (done && came == 0)
        tool_error("not a packet arrived");
    return done && came > 0;
}

/* ---- frames ---- */

/* A frame of VP8 as RTP sees it: a key frame has a start code and a size (RFC 6386 section 9.1). */
static const uint8_t *make_frame(bool is_key)
{
    static uint8_t frame[FRAME];
    static const uint8_t key[] = {0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x07, 0x38, 0x04};
    memset(frame, 0, sizeof key);
    if (is_key)
        memcpy(frame, key, sizeof key);
    else
        frame[0] = 0x11;
    return frame;
}

static bool receive_frames(struct call *call)
{
    kith_err err = KITH_OK;
    kith_pc *pc = call->pair.ends[1].pc;
    for (size_t i = 0; i < kith_pc_transceiver_count(pc) && err == KITH_OK; i++)
        err = kith_receiver_set_mode(kith_transceiver_receiver(kith_pc_transceiver_at(pc, i)),
                                     KITH_RECEIVE_FRAMES);
    if (err != KITH_OK)
        tool_kith_error("cannot receive frames", err);
    return err == KITH_OK;
}

static bool send_frame(kith_sender *sender, bool is_key)
{
    kith_frame frame = KITH_FRAME_INIT;
    frame.data = make_frame(is_key);
    frame.len = FRAME;
    kith_err err = kith_sender_send_frame(sender, &frame);
    if (err != KITH_OK)
        tool_kith_error("cannot send a frame", err);
    return err == KITH_OK;
}

/* Runs the loop until this time, and longer, a second at most, until a frame has come; when it
 * came, or 0. */
static kith_time await_frame(struct call *call, kith_time until)
{
    kith_time at = 0, now, limit = until + KITH_SECONDS(1);
    while ((now = kith_clock_now()) < until || (at == 0 && now < limit)) {
        kith_time wait = (now < until ? until : limit) - now;
        const kith_event *ev = kith_loop_wait(call->loop, (int)((wait + 999) / 1000));
        if (ev && ev->type == KITH_EV_FRAME)
            at = kith_clock_now();
        else if (ev)
            bench_pair_event(ev);
    }
    return at;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* `times`: of each frame, in microseconds. False after explaining. */
static bool film(struct call *call, size_t count, double *times)
{
    kith_time due = kith_clock_now();
    for (size_t i = 0; i < count; i++) {
        kith_time sent = kith_clock_now();
        due += KITH_SECONDS(1) / FRAMES_A_SECOND;
        if (!send_frame(call->senders[0], i == 0))
            return false;
        kith_time came = await_frame(call, due);
        if (came == 0) {
            tool_error("a frame did not arrive within a second");
            return false;
        }
        times[i] = (double)(came - sent);
    }
    return true;
}

bool bench_media_frames(kith_time length, struct bench_media_frames *out)
{
    struct call call;
    size_t count = (size_t)(length * FRAMES_A_SECOND / KITH_SECONDS(1)) + 1;
    size_t warm_up_count = (size_t)(WARM_UP * FRAMES_A_SECOND / KITH_SECONDS(1));
    double *times = tool_alloc((count + warm_up_count) * sizeof *times);
    count_allocations();
    bool done =
        begin(&call, 1, false) && receive_frames(&call) && film(&call, warm_up_count, times);
    unsigned long before = allocations;
    double cpu = cpu_seconds();
    done = done && film(&call, count, times);
    cpu = cpu_seconds() - cpu;
    if (done) {
        qsort(times, count, sizeof *times, compare_doubles);
        *out =
            (struct bench_media_frames){.count = count,
                                        .frame_bytes = FRAME,
                                        .median_us = times[count / 2],
                                        .p99_us = times[count * 99 / 100],
                                        .cpu_percent = cpu * 100 * FRAMES_A_SECOND / (double)count,
                                        .allocations = allocations - before};
    }
    end(&call);
    free(times);
    return done;
}

/* ---- streams ---- */

bool bench_media_streams(size_t streams, double (*resident_kb)(void), double *kb_per_stream)
{
    struct call one = {0}, many = {0};
    bool done = begin(&one, 1, false) && receive_frames(&one) && send_frame(one.senders[0], true);
    done = done && await_frame(&one, kith_clock_now()) > 0;
    double before = resident_kb();
    done = done && begin(&many, streams, false) && receive_frames(&many);
    for (size_t i = 0; done && i < streams; i++) {
        kith_transceiver *t = kith_pc_transceiver_at(many.pair.ends[0].pc, i);
        done = send_frame(kith_transceiver_sender(t), true) &&
               await_frame(&many, kith_clock_now()) > 0;
    }
    *kb_per_stream = (resident_kb() - before) / (double)streams;
    end(&one);
    end(&many);
    return done;
}
