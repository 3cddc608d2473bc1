/* Two SRTP sessions, one that encrypts and one that decrypts, without a network. */
#include "bench_srtp.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "srtp/srtp.h"

/* Encrypted one after the other, then decrypted: they stay in the cache. */
enum { BATCH = 256, PACKET = 1200, ROOM = PACKET + KITH_SRTP_RTP_OVERHEAD };

static const struct {
    uint16_t id;
    const char *name;
    size_t key_len, salt_len;
} profiles[BENCH_SRTP_PROFILES] = {
    {KITH_SRTP_AEAD_AES_128_GCM, "AEAD_AES_128_GCM", 16, 12},
    {KITH_SRTP_AEAD_AES_256_GCM, "AEAD_AES_256_GCM", 32, 12},
    {KITH_SRTP_AES128_CM_HMAC_SHA1_80, "AES128_CM_HMAC_SHA1_80", 16, 14},
};

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static kith_err new_sessions(kith_srtp_session *side[2], size_t profile)
{
    kith_srtp_keys keys = {.key_len = profiles[profile].key_len,
                           .salt_len = profiles[profile].salt_len};
    kith_err err = KITH_OK;
    for (int i = 0; i < 2 && err == KITH_OK; i++) {
        const kith_srtp_config config = {
            .profile = profiles[profile].id, .keys = &keys, .is_client = i == 0};
        err = kith_srtp_new(&side[i], &config);
    }
    return err;
}

static void write_header(uint8_t *packet, uint16_t sequence_number)
{
    static const uint8_t header[12] = {0x80, 96, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4};
    memcpy(packet, header, sizeof header);
    packet[2] = (uint8_t)(sequence_number >> 8);
    packet[3] = (uint8_t)sequence_number;
}

/* False: a packet was not taken. */
static bool run_batch(kith_srtp_session *side[2], uint8_t *packets, size_t first,
                      struct bench_srtp_cost *sum)
{
    size_t lens[BATCH];
    bool done = true;
    for (size_t i = 0; i < BATCH; i++)
        write_header(packets + i * ROOM, (uint16_t)(first + i));
    double began = cpu_us();
    for (size_t i = 0; i < BATCH; i++) {
        lens[i] = PACKET;
        done &= kith_srtp_protect_rtp(side[0], packets + i * ROOM, &lens[i], ROOM) == KITH_OK;
    }
    double between = cpu_us();
    for (size_t i = 0; i < BATCH; i++)
        done &= kith_srtp_unprotect_rtp(side[1], packets + i * ROOM, lens[i]) == PACKET;
    sum->protect_us += between - began;
    sum->unprotect_us += cpu_us() - between;
    return done;
}

bool bench_srtp_measure(size_t profile, size_t packets, struct bench_srtp_cost *cost)
{
    kith_srtp_session *side[2] = {NULL, NULL};
    uint8_t *memory = tool_alloc(BATCH * ROOM);
    memset(memory, 0x5a, BATCH * ROOM);
    *cost = (struct bench_srtp_cost){.profile = profiles[profile].name};
    kith_err err = new_sessions(side, profile);
    bool done = err == KITH_OK;
    if (!done)
        tool_kith_error("no SRTP session", err);
    size_t sent = 0;
    for (; done && sent < packets; sent += BATCH)
        done = run_batch(side, memory, sent, cost);
    if (err == KITH_OK && !done)
        tool_error("a packet was not taken");
    cost->protect_us /= (double)sent;
    cost->unprotect_us /= (double)sent;
    kith_srtp_free(side[0]);
    kith_srtp_free(side[1]);
    free(memory);
    return done;
}
