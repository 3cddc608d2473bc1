/* `kith bench`: what the library does on this machine. Two peers in one thread over loopback, so
 * every figure but that of SRTP alone holds the work of both sides. Each is measured in a process
 * of its own: memory that one has used and freed would be had for nothing by the next. */
#include "bench_media.h"
#include "bench_pair.h"
#include "bench_srtp.h"
#include "bench_turn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct bench_options {
    bool json;
    /* of each throughput run */
    long milliseconds;
    /* set up one after the other */
    long connections;
    long round_trips;
    /* memory: only this many; 0: 100 and 1000 */
    long pairs;
};

/* ---- clocks and output ---- */

static double now_seconds(void)
{
    return (double)kith_clock_now() / 1e6;
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Takes over `result`: one object on a line, or the same members in words. */
static void print_result(const struct bench_options *options, json_t *result)
{
    const char *key;
    json_t *value;
    if (options->json) {
        json_dumpf(result, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(5));
    } else {
        json_object_foreach(result, key, value)
        {
            if (json_is_string(value))
                printf("%-11s", json_string_value(value));
            else if (json_is_integer(value))
                printf("  %s %" JSON_INTEGER_FORMAT, key, json_integer_value(value));
            else
                printf("  %s %.5g", key, json_real_value(value));
        }
    }
    putchar('\n');
    fflush(stdout);
    json_decref(result);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The value below which `part` of the sorted samples lie. */
static double quantile(const double *sorted, size_t count, double part)
{
    return sorted[(size_t)((double)(count - 1) * part + 0.5)];
}

/* ---- throughput ---- */

/* Enough to keep the path busy between two events, little enough to stay in the cache. */
#define HIGH_WATER ((size_t)2 * 1024 * 1024)
#define LOW_WATER  ((size_t)512 * 1024)

static bool fill(kith_dc *dc, const void *message, size_t size)
{
    while (kith_dc_buffered_amount(dc) < HIGH_WATER) {
        kith_err err = kith_dc_send(dc, message, size);
        if (err == KITH_ERR_AGAIN)
            return true;
        if (err != KITH_OK) {
            tool_kith_error("cannot send", err);
            return false;
        }
    }
    return true;
}

/* Sends until the time is over; what arrived by then. */
static bool pump(struct bench_pair *pair, kith_loop *loop, size_t size, kith_time end,
                 uint64_t *received)
{
    uint8_t *message = tool_alloc(size);
    kith_dc *sender = pair->ends[0].dc;
    kith_dc_set_buffered_amount_low_threshold(sender, LOW_WATER);
    bool going = fill(sender, message, size);
    while (going && kith_clock_now() < end) {
        const kith_event *ev = kith_loop_wait(loop, (int)((end - kith_clock_now()) / 1000) + 1);
        if (!ev || bench_pair_event(ev))
            continue;
        if (ev->type == KITH_EV_DC_MESSAGE)
            *received += ev->message.len;
        else if (ev->type == KITH_EV_DC_BUFFERED_AMOUNT_LOW || ev->type == KITH_EV_WRITABLE)
            going = fill(sender, message, size);
        else if (ev->type == KITH_EV_DC_CLOSED || ev->type == KITH_EV_DC_ERROR)
            going = false;
    }
    free(message);
    if (!going)
        tool_error("the channel closed during the measurement");
    return going;
}

static bool measure_throughput(const struct bench_options *options, size_t size)
{
    struct bench_pair pair = {0};
    uint64_t received = 0;
    kith_loop *loop = bench_loop_new();
    bool done = loop && bench_pair_connect(&pair, loop);
    double wall = now_seconds(), cpu = cpu_seconds();
    done = done &&
           pump(&pair, loop, size, kith_clock_now() + KITH_MS(options->milliseconds), &received);
    wall = now_seconds() - wall;
    cpu = cpu_seconds() - cpu;
    bench_pair_free(&pair);
    kith_loop_free(loop);
    if (done && received == 0)
        tool_error("nothing arrived within the measurement");
    if (!done || received == 0)
        return false;
    print_result(options, json_pack("{s:s, s:I, s:f, s:f, s:f}", "bench", "throughput",
                                    "message_bytes", (json_int_t)size, "seconds", wall, "MB_per_s",
                                    (double)received / wall / 1e6, "cpu_s_per_GB",
                                    cpu / ((double)received / 1e9)));
    return true;
}

/* ---- set-up ---- */

/* From two peers that do not exist to a channel open on both sides, one after the other. */
static bool measure_setup(const struct bench_options *options, size_t count)
{
    double *times = tool_alloc(count * sizeof *times);
    kith_loop *loop = bench_loop_new();
    bool done = loop;
    double cpu = cpu_seconds();
    for (size_t i = 0; done && i < count; i++) {
        struct bench_pair pair;
        double began = now_seconds();
        done = bench_pair_connect(&pair, loop);
        times[i] = (now_seconds() - began) * 1e3;
        bench_pair_free(&pair);
    }
    cpu = (cpu_seconds() - cpu) * 1e3 / (double)count;
    if (done) {
        qsort(times, count, sizeof *times, compare_doubles);
        print_result(options,
                     json_pack("{s:s, s:I, s:f, s:f, s:f}", "bench", "setup", "connections",
                               (json_int_t)count, "median_ms", quantile(times, count, 0.5),
                               "p95_ms", quantile(times, count, 0.95), "cpu_ms_per_connection",
                               cpu));
    }
    kith_loop_free(loop);
    free(times);
    return done;
}

/* ---- latency ---- */

/* Waits for the message at either end; false after ten seconds. */
static bool await_message(kith_loop *loop)
{
    const kith_event *ev;
    do {
        ev = kith_loop_wait(loop, 10000);
        if (!ev) {
            tool_error("a message did not arrive within ten seconds");
            return false;
        }
    } while (bench_pair_event(ev) || ev->type != KITH_EV_DC_MESSAGE);
    return true;
}

static bool ping_pong(struct bench_pair *pair, kith_loop *loop)
{
    static const uint8_t message[64];
    for (int i = 0; i < 2; i++) {
        kith_err err = kith_dc_send(pair->ends[i].dc, message, sizeof message);
        if (err != KITH_OK) {
            tool_kith_error("cannot send", err);
            return false;
        }
        if (!await_message(loop))
            return false;
    }
    return true;
}

static bool measure_latency(const struct bench_options *options, size_t count)
{
    double *times = tool_alloc(count * sizeof *times);
    struct bench_pair pair = {0};
    kith_loop *loop = bench_loop_new();
    bool done = loop && bench_pair_connect(&pair, loop);
    for (size_t i = 0; done && i < count; i++) {
        double began = now_seconds();
        done = ping_pong(&pair, loop);
        times[i] = (now_seconds() - began) * 1e6;
    }
    if (done) {
        qsort(times, count, sizeof *times, compare_doubles);
        print_result(options, json_pack("{s:s, s:I, s:f, s:f}", "bench", "latency", "round_trips",
                                        (json_int_t)count, "median_us", quantile(times, count, 0.5),
                                        "p99_us", quantile(times, count, 0.99)));
    }
    bench_pair_free(&pair);
    kith_loop_free(loop);
    free(times);
    return done;
}

/* ---- memory ---- */

/* Pairs that connect at the same time: enough to be quick, few enough not to lose packets. */
enum { CONNECTING_AT_ONCE = 16 };

/* Resident memory in kB, from /proc/self/statm. */
static double resident_kb(void)
{
    unsigned long total = 0, resident = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (!statm)
        return 0;
    char line[128] = "";
    if (fgets(line, sizeof line, statm)) {
        char *next = line;
        total = strtoul(next, &next, 10);
        resident = strtoul(next, NULL, 10);
    }
    fclose(statm);
    (void)total;
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1024;
}

/* A socket for each peer. */
static bool allow_descriptors(size_t pairs)
{
    size_t count = 2 * pairs + 64;
    struct rlimit limit = {0};
    bool known = getrlimit(RLIMIT_NOFILE, &limit) == 0;
    if (known && limit.rlim_cur < count && count <= limit.rlim_max) {
        limit.rlim_cur = count;
        known = setrlimit(RLIMIT_NOFILE, &limit) == 0;
    }
    if (known && limit.rlim_cur >= count)
        return true;
    tool_error("%zu pairs need more open files than this process may have (ulimit -n)", pairs);
    return false;
}

static bool connect_all(struct bench_pair *pairs, size_t count, kith_loop *loop)
{
    size_t started = 0, open = 0;
    while (open < count) {
        while (started < count && started < open + CONNECTING_AT_ONCE)
            if (!bench_pair_start(&pairs[started++], loop))
                return false;
        const kith_event *ev = kith_loop_wait(loop, 10000);
        if (!ev) {
            tool_error("%zu of %zu pairs connected, then none for ten seconds", open, count);
            return false;
        }
        struct bench_pair *pair = bench_end_of(ev)->pair;
        bool was_open = bench_pair_is_open(pair);
        bench_pair_event(ev);
        if (pair->failed)
            return false;
        open += !was_open && bench_pair_is_open(pair);
    }
    return true;
}

static bool measure_memory(const struct bench_options *options, size_t count)
{
    if (!allow_descriptors(count))
        return false;
    struct bench_pair *pairs = tool_alloc(count * sizeof *pairs);
    kith_loop *loop = bench_loop_new();
    double before = resident_kb();
    bool done = loop && connect_all(pairs, count, loop);
    double grown = resident_kb() - before;
    if (done)
        print_result(options, json_pack("{s:s, s:I, s:f}", "bench", "memory", "pairs",
                                        (json_int_t)count, "kB_per_pair", grown / (double)count));
    for (size_t i = 0; i < count; i++)
        bench_pair_free(&pairs[i]);
    kith_loop_free(loop);
    free(pairs);
    return done;
}

/* ---- fairness ---- */

/* What a sender keeps queued, refilled below half: little, for there are a thousand, and what is
 * queued at the end was copied for nothing. */
#define CROWD_MESSAGE 1024
#define CROWD_QUEUE   ((size_t)16 * 1024)

static bool refill(struct bench_end *end)
{
    static const char message[CROWD_MESSAGE];
    while (kith_dc_buffered_amount(end->dc) < CROWD_QUEUE) {
        kith_err err = kith_dc_send(end->dc, message, sizeof message);
        if (err != KITH_OK && err != KITH_ERR_AGAIN)
            tool_kith_error("cannot send", err);
        if (err != KITH_OK)
            return err == KITH_ERR_AGAIN;
    }
    return true;
}

/* All first ends send to their second ends until the time is over. */
static bool send_all(struct bench_pair *pairs, size_t count, kith_loop *loop, kith_time length)
{
    bool going = true;
    kith_time end = kith_clock_now() + length;
    for (size_t i = 0; going && i < count; i++) {
        kith_dc_set_buffered_amount_low_threshold(pairs[i].ends[0].dc, CROWD_QUEUE / 2);
        going = refill(&pairs[i].ends[0]);
    }
    while (going && kith_clock_now() < end) {
        const kith_event *ev = kith_loop_wait(loop, (int)((end - kith_clock_now()) / 1000) + 1);
        if (!ev || bench_pair_event(ev))
            continue;
        if (ev->type == KITH_EV_DC_MESSAGE)
            bench_end_of(ev)->received += ev->message.len;
        else if (ev->type == KITH_EV_DC_BUFFERED_AMOUNT_LOW)
            going = refill(bench_end_of(ev));
        else if (ev->type == KITH_EV_DC_CLOSED || ev->type == KITH_EV_DC_ERROR)
            going = false;
    }
    return going;
}

static void print_fairness(const struct bench_options *options, const struct bench_pair *pairs,
                           size_t count, double cpu)
{
    double total = 0, most = 0, least = 1e18;
    for (size_t i = 0; i < count; i++) {
        double bytes = (double)pairs[i].ends[1].received;
        total += bytes;
        most = bytes > most ? bytes : most;
        least = bytes < least ? bytes : least;
    }
    print_result(options,
                 json_pack("{s:s, s:I, s:f, s:f, s:f, s:f}", "bench", "fairness", "pairs",
                           (json_int_t)count, "MB", total / 1e6, "most_kB", most / 1e3, "least_kB",
                           least / 1e3, "cpu_s_per_GB", cpu / (total / 1e9 + 1e-9)));
}

static bool measure_fairness(const struct bench_options *options, size_t count)
{
    if (!allow_descriptors(count))
        return false;
    struct bench_pair *pairs = tool_alloc(count * sizeof *pairs);
    kith_loop *loop = bench_loop_new();
    bool done = loop && connect_all(pairs, count, loop);
    double cpu = cpu_seconds();
    done = done && send_all(pairs, count, loop, KITH_MS(options->milliseconds));
    if (done)
        print_fairness(options, pairs, count, cpu_seconds() - cpu);
    for (size_t i = 0; i < count; i++)
        bench_pair_free(&pairs[i]);
    kith_loop_free(loop);
    free(pairs);
    return done;
}

/* ---- idleness ---- */

/* Consent is asked for every 5 s (RFC 7675 section 5.1): a run has to see each pair ask. */
#define IDLE_RUNS 4

/* Times that the process slept. */
static long sleeps(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw;
}

static bool wait_idle(kith_loop *loop, kith_time end)
{
    while (kith_clock_now() < end) {
        const kith_event *ev = kith_loop_wait(loop, (int)((end - kith_clock_now()) / 1000) + 1);
        if (ev && !bench_pair_event(ev) && ev->type == KITH_EV_DC_CLOSED) {
            tool_error("a channel closed during the measurement");
            return false;
        }
    }
    return true;
}

static bool measure_idle(const struct bench_options *options, size_t count)
{
    if (!allow_descriptors(count))
        return false;
    struct bench_pair *pairs = tool_alloc(count * sizeof *pairs);
    kith_loop *loop = bench_loop_new();
    bool done = loop && connect_all(pairs, count, loop);
    double wall = now_seconds(), cpu = cpu_seconds();
    long slept = sleeps();
    done = done && wait_idle(loop, kith_clock_now() + IDLE_RUNS * KITH_MS(options->milliseconds));
    slept = sleeps() - slept;
    cpu = cpu_seconds() - cpu;
    wall = now_seconds() - wall;
    if (done)
        print_result(options, json_pack("{s:s, s:I, s:f, s:f, s:f}", "bench", "idle", "pairs",
                                        (json_int_t)count, "seconds", wall, "wakeups_per_s",
                                        (double)slept / wall, "cpu_ms_per_s", cpu * 1e3 / wall));
    for (size_t i = 0; i < count; i++)
        bench_pair_free(&pairs[i]);
    kith_loop_free(loop);
    free(pairs);
    return done;
}

/* ---- SRTP ---- */

/* Enough to be told from the noise. */
enum { SRTP_PACKETS = 200000 };

static bool measure_srtp(const struct bench_options *options, size_t profile)
{
    struct bench_srtp_cost cost;
    if (!bench_srtp_measure(profile, SRTP_PACKETS, &cost))
        return false;
    print_result(options, json_pack("{s:s, s:s, s:i, s:f, s:f}", "bench", "srtp", "profile",
                                    cost.profile, "packet_bytes", 1200, "protect_us",
                                    cost.protect_us, "unprotect_us", cost.unprotect_us));
    return true;
}

/* ---- audio and video ---- */

static bool measure_packets(const struct bench_options *options, size_t size)
{
    struct bench_media_packets m;
    (void)size;
    if (!bench_media_packets(KITH_MS(options->milliseconds), &m))
        return false;
    print_result(options,
                 json_pack("{s:s, s:s, s:i, s:f, s:f, s:f, s:I}", "bench", "rtp", "profile",
                           m.profile, "packet_bytes", m.packet_bytes, "packets_per_s", m.per_second,
                           "cpu_s_per_million", m.cpu_s_per_million, "lost_percent", m.lost * 100,
                           "allocations", (json_int_t)m.allocations));
    return true;
}

static bool measure_frames(const struct bench_options *options, size_t size)
{
    struct bench_media_frames m;
    (void)size;
    if (!bench_media_frames(KITH_MS(options->milliseconds), &m))
        return false;
    print_result(options, json_pack("{s:s, s:I, s:i, s:f, s:f, s:f, s:I}", "bench", "frames",
                                    "frames", (json_int_t)m.count, "frame_bytes", m.frame_bytes,
                                    "median_us", m.median_us, "p99_us", m.p99_us, "cpu_percent",
                                    m.cpu_percent, "allocations", (json_int_t)m.allocations));
    return true;
}

static bool measure_streams(const struct bench_options *options, size_t streams)
{
    double kb = 0;
    if (!bench_media_streams(streams, resident_kb, &kb))
        return false;
    print_result(options, json_pack("{s:s, s:I, s:f}", "bench", "streams", "streams",
                                    (json_int_t)streams, "kB_per_stream", kb));
    return true;
}

/* ---- a TURN server ---- */

/* What GRO and GSO make one system call of, and each packet with a wake-up of its own. */
enum { TURN_BATCH = 40 };

static bool measure_turn(const struct bench_options *options, enum bench_turn_server server,
                         size_t batch)
{
    struct bench_turn_cost cost;
    if (!bench_turn_measure(server, batch, KITH_MS(options->milliseconds), &cost))
        return false;
    print_result(options,
                 json_pack("{s:s, s:s, s:I, s:f, s:f, s:f}", "bench", "turn", "server",
                           server == BENCH_TURN_KITH ? "kith" : "coturn", "batch",
                           (json_int_t)batch, "packets_per_s", cost.per_second, "cpu_us_per_packet",
                           cost.cpu_us, "lost_percent", cost.lost * 100));
    return true;
}

/* Servers are processes of their own anyway. */
static bool bench_turn(const struct bench_options *options)
{
    return measure_turn(options, BENCH_TURN_KITH, TURN_BATCH) &&
           measure_turn(options, BENCH_TURN_KITH, 1) &&
           (!bench_turn_has_coturn() || (measure_turn(options, BENCH_TURN_COTURN, TURN_BATCH) &&
                                         measure_turn(options, BENCH_TURN_COTURN, 1)));
}

/* ---- one process for each figure ---- */

typedef bool measurement(const struct bench_options *options, size_t size);

static bool measure_alone(measurement *measure, const struct bench_options *options, size_t size)
{
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        exit(measure(options, size) ? TOOL_OK : TOOL_FAILED);
    if (child < 0 || waitpid(child, &status, 0) != child) {
        tool_error("no process to measure in");
        return false;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == TOOL_OK;
}

static bool bench_throughput(const struct bench_options *options)
{
    return measure_alone(measure_throughput, options, 1024) &&
           measure_alone(measure_throughput, options, 16384) &&
           measure_alone(measure_throughput, options, 65536);
}

static bool bench_setup(const struct bench_options *options)
{
    return measure_alone(measure_setup, options, (size_t)options->connections);
}

static bool bench_latency(const struct bench_options *options)
{
    return measure_alone(measure_latency, options, (size_t)options->round_trips);
}

static bool bench_memory(const struct bench_options *options)
{
    if (options->pairs > 0)
        return measure_alone(measure_memory, options, (size_t)options->pairs);
    return measure_alone(measure_memory, options, 100) &&
           measure_alone(measure_memory, options, 1000);
}

static bool bench_fairness(const struct bench_options *options)
{
    return measure_alone(measure_fairness, options, 1) &&
           measure_alone(measure_fairness, options,
                         options->pairs > 0 ? (size_t)options->pairs : 1000);
}

static bool bench_idle(const struct bench_options *options)
{
    return measure_alone(measure_idle, options, options->pairs > 0 ? (size_t)options->pairs : 100);
}

static bool bench_srtp(const struct bench_options *options)
{
    bool done = true;
    for (size_t profile = 0; done && profile < BENCH_SRTP_PROFILES; profile++)
        done = measure_alone(measure_srtp, options, profile);
    return done;
}

static bool bench_media(const struct bench_options *options)
{
    return measure_alone(measure_packets, options, 0) &&
           measure_alone(measure_frames, options, 0) && measure_alone(measure_streams, options, 64);
}

/* ---- options ---- */

static const struct {
    const char *name;
    bool (*run)(const struct bench_options *options);
} benches[] = {
    {"throughput", bench_throughput},
    {"setup", bench_setup},
    {"latency", bench_latency},
    {"memory", bench_memory},
    {"fairness", bench_fairness},
    {"idle", bench_idle},
    {"srtp", bench_srtp},
    {"media", bench_media},
    {"turn", bench_turn},
};

enum { BENCHES = sizeof benches / sizeof *benches };

static const char help[] =
    "Usage: kith bench throughput|setup|latency|memory|fairness|idle|srtp|media|turn|all "
    "[OPTION...]\n"
    "Two peers in one thread over loopback; every figure but srtp's and turn's holds the work of\n"
    "both.\n\n"
    "  throughput  messages of 1, 16 and 64 KiB one way: MB/s and CPU seconds per GB\n"
    "  setup       from nothing to an open channel: milliseconds and CPU\n"
    "  latency     64 bytes there and back: microseconds\n"
    "  memory      resident kB per connected pair, at 100 and 1000 pairs\n"
    "  fairness    1 pair and 1000 that send at once: kB of whoever got most and least, CPU\n"
    "  idle        100 pairs that send nothing: wakeups a second, milliseconds of CPU a second\n"
    "  srtp        microseconds of CPU to protect and to unprotect 1200 bytes, by profile\n"
    "  media       RTP packets of 1200 bytes both ways: packets a second and CPU seconds per\n"
    "              million; frames of 4 Mbit/s at 30 a second: microseconds from sending to the\n"
    "              event, CPU; resident kB per stream; allocations meanwhile\n"
    "  turn        packets of 1200 bytes through kith turn, and through coturn where that is\n"
    "              installed, in batches and one by one: microseconds of the server's CPU\n\n"
    "Options:\n"
    "  --json             one JSON object a line\n"
    "  --milliseconds N   length of a throughput, fairness, media or turn run (3000); idle lasts "
    "four\n"
    "                     times as long\n"
    "  --connections N    of setup (100)\n"
    "  --round-trips N    of latency (5000)\n"
    "  --pairs N          memory and idle at N pairs only, fairness at 1 and N\n"
    "  --help             this text\n";

enum { OPTION_JSON = 256, OPTION_MS, OPTION_CONNECTIONS, OPTION_TRIPS, OPTION_PAIRS, OPTION_HELP };

static const struct option long_options[] = {
    {"json", no_argument, NULL, OPTION_JSON},
    {"milliseconds", required_argument, NULL, OPTION_MS},
    {"connections", required_argument, NULL, OPTION_CONNECTIONS},
    {"round-trips", required_argument, NULL, OPTION_TRIPS},
    {"pairs", required_argument, NULL, OPTION_PAIRS},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static bool take_option(struct bench_options *options, int choice)
{
    switch (choice) {
    case OPTION_JSON:
        options->json = true;
        return true;
    case OPTION_MS:
        return tool_read_number(&options->milliseconds, optarg, "--milliseconds", 10, 60000);
    case OPTION_CONNECTIONS:
        return tool_read_number(&options->connections, optarg, "--connections", 1, 10000);
    case OPTION_TRIPS:
        return tool_read_number(&options->round_trips, optarg, "--round-trips", 1, 1000000);
    case OPTION_PAIRS:
        return tool_read_number(&options->pairs, optarg, "--pairs", 1, 10000);
    default:
        return false;
    }
}

static int run(const char *name, const struct bench_options *options)
{
    bool all = strcmp(name, "all") == 0, known = all;
    for (int i = 0; i < BENCHES; i++) {
        if (!all && strcmp(name, benches[i].name) != 0)
            continue;
        known = true;
        if (!benches[i].run(options))
            return TOOL_FAILED;
    }
    if (known)
        return TOOL_OK;
    tool_error("unknown benchmark \"%s\" (see kith bench --help)", name);
    return TOOL_USAGE;
}

int kith_tool_bench(int argc, char **argv)
{
    struct bench_options options = {
        .milliseconds = 3000,
        .connections = 100,
        .round_trips = 5000,
    };
    int choice;
    while ((choice = tool_getopt(argc, argv, long_options)) != -1) {
        if (choice == OPTION_HELP) {
            fputs(help, stdout);
            return TOOL_OK;
        }
        if (!take_option(&options, choice))
            return TOOL_USAGE;
    }
    if (optind + 1 != argc) {
        tool_error("say which benchmark (see kith bench --help)");
        return TOOL_USAGE;
    }
    return run(argv[optind], &options);
}
