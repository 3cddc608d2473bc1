/* Starts a TURN server as a process of its own, whose processor time the system tells, allocates
 * there as any client does, and sends to a peer over a channel: the next batch when the last one
 * has come. Both servers get the same packets by the same system calls. */
#include "bench_turn.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "io/udp.h"
#include "wire/stun.h"

#define USER     "kith"
#define PASSWORD "a-password"
#define CHANNEL  0x4000

enum { PACKET = 1200, HEAD = 4, ANSWER_MS = 250, TRIES = 40 };

struct bench {
    enum bench_turn_server kind;
    pid_t child;
    char folder[64];
    kith_address server;
    kith_udp client, peer;
    char realm[128];
    uint8_t nonce[128];
    size_t nonce_len;
    uint8_t ids;
    uint8_t buf[KITH_UDP_RECEIVE_BYTES];
    kith_stun answer;
    kith_batch batch;
};

static const kith_address loopback = {.family = KITH_IPV4, .ip = {127, 0, 0, 1}};

/* ---- the server ---- */

bool bench_turn_has_coturn(void)
{
    const char *path = getenv("PATH");
    char *all = tool_copy_text(path ? path : "/usr/bin"), *rest = all, file[512];
    bool found = false;
    for (char *folder; !found && (folder = strtok_r(rest, ":", &rest));) {
        snprintf(file, sizeof file, "%s/turnserver", folder);
        found = access(file, X_OK) == 0;
    }
    free(all);
    return found;
}

static void be_silent(void)
{
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; nowhere >= 0 && fd < 3; fd++)
        dup2(nowhere, fd);
}

static void become_server(const struct bench *b)
{
    char port[8], listen[32], pid[96], db[96];
    snprintf(port, sizeof port, "%u", b->server.port);
    snprintf(listen, sizeof listen, "127.0.0.1:%u", b->server.port);
    snprintf(pid, sizeof pid, "%s/pid", b->folder);
    snprintf(db, sizeof db, "%s/db", b->folder);
    be_silent();
    if (b->kind == BENCH_TURN_KITH)
        execl("/proc/self/exe", "kith", "turn", "--listen", listen, "--no-tcp", "--user",
              USER ":" PASSWORD, "--allow-peer", "127.0.0.1", (char *)NULL);
    else
        execlp("turnserver", "turnserver", "-n", "--no-cli", "--no-tls", "--no-dtls", "--no-tcp",
               "--lt-cred-mech", "--user", USER ":" PASSWORD, "--realm", "kith", "--listening-ip",
               "127.0.0.1", "--relay-ip", "127.0.0.1", "--listening-port", port,
               "--allow-loopback-peers", "--pidfile", pid, "--userdb", db, "--log-file", "stdout",
               "--no-stdout-log", (char *)NULL);
    _exit(127);
}

static bool start_server(struct bench *b)
{
    kith_udp probe;
    kith_udp_options options = {.receive_buffer = 4 << 20, .send_buffer = 4 << 20};
    b->client.fd = b->peer.fd = -1;
    snprintf(b->folder, sizeof b->folder, "/tmp/kith-bench-XXXXXX");
    if (!mkdtemp(b->folder) || kith_udp_open(&probe, &loopback, &options) != 0 ||
        kith_udp_open(&b->client, &loopback, &options) != 0 ||
        kith_udp_open(&b->peer, &loopback, &options) != 0)
        return false;
    b->server = probe.local;
    kith_udp_close(&probe); /* a port that was free */
    b->child = fork();
    if (b->child == 0)
        become_server(b);
    return b->child > 0;
}

static void stop_server(struct bench *b)
{
    char file[96];
    if (b->child > 0) {
        kill(b->child, SIGTERM);
        waitpid(b->child, NULL, 0);
    }
    kith_udp_close(&b->client);
    kith_udp_close(&b->peer);
    snprintf(file, sizeof file, "%s/pid", b->folder);
    unlink(file);
    snprintf(file, sizeof file, "%s/db", b->folder);
    unlink(file);
    rmdir(b->folder);
}

/* Of the server, in seconds. */
static double server_cpu(const struct bench *b)
{
    clockid_t clock;
    struct timespec t = {0};
    if (clock_getcpuclockid(b->child, &clock) == 0)
        clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- the client ---- */

static void send_bytes(struct bench *b, const void *data, size_t len)
{
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    info.path.local = b->client.local;
    info.path.remote = b->server;
    kith_batch_init(&b->batch);
    memcpy(kith_batch_space(&b->batch), data, len);
    (void)kith_batch_add(&b->batch, &info, len);
    (void)kith_udp_send(&b->client, &b->batch);
}

/* The next that comes to the socket within so many milliseconds; its packets lie in b->buf. */
static bool await(struct bench *b, kith_udp *udp, int timeout_ms, kith_udp_received *out)
{
    struct pollfd pollfd = {.fd = udp->fd, .events = POLLIN};
    return poll(&pollfd, 1, timeout_ms) == 1 && kith_udp_receive(udp, b->buf, sizeof b->buf, out) &&
           out->len > 0;
}

static void put_credentials(struct bench *b, kith_writer *w)
{
    uint8_t key[32];
    kith_span realm = kith_span_text(b->realm);
    kith_stun_put_span(w, KITH_STUN_ATTR_USERNAME, kith_span_text(USER));
    kith_stun_put_span(w, KITH_STUN_ATTR_REALM, realm);
    kith_stun_put_span(w, KITH_STUN_ATTR_NONCE, kith_span_of(b->nonce, b->nonce_len));
    size_t len = kith_stun_long_term_key(key, KITH_STUN_ALGORITHM_MD5, kith_span_text(USER), realm,
                                         kith_span_text(PASSWORD));
    kith_hmac *hmac = kith_hmac_new(KITH_HASH_SHA1, kith_span_of(key, len));
    if (hmac)
        kith_stun_put_integrity(w, hmac);
    kith_hmac_free(hmac);
}

/* The code of an error, 0 for success, -1 for silence. */
static int ask(struct bench *b, uint16_t method)
{
    uint8_t request[600], id[KITH_STUN_ID] = {++b->ids};
    kith_udp_received received;
    kith_writer w = kith_wr(request, sizeof request);
    kith_stun_begin(&w, KITH_STUN_REQUEST, method, id);
    if (method == KITH_STUN_ALLOCATE)
        kith_stun_put_u8_padded(&w, KITH_STUN_ATTR_REQUESTED_TRANSPORT, 17);
    if (method == KITH_STUN_CHANNEL_BIND) {
        kith_stun_put_u16_padded(&w, KITH_STUN_ATTR_CHANNEL_NUMBER, CHANNEL);
        kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_PEER_ADDRESS, &b->peer.local);
    }
    if (b->nonce_len > 0)
        put_credentials(b, &w);
    kith_stun_end(&w);
    send_bytes(b, request, w.len);
    while (await(b, &b->client, ANSWER_MS, &received))
        if (kith_stun_parse(&b->answer, b->buf, received.len) &&
            memcmp(b->answer.id, id, sizeof id) == 0)
            return b->answer.class == KITH_STUN_SUCCESS ? 0 : b->answer.error_code.code;
    return -1;
}

/* Waits until the server is there. */
static bool connect_client(struct bench *b)
{
    int code = -1;
    for (int i = 0; code == -1 && i < TRIES; i++) {
        code = ask(b, KITH_STUN_ALLOCATE);
        if (code == -1)
            poll(NULL, 0, ANSWER_MS / 10);
    }
    if (code != 401 || b->answer.realm.len >= sizeof b->realm ||
        b->answer.nonce.len > sizeof b->nonce)
        return false;
    memcpy(b->realm, b->answer.realm.data, b->answer.realm.len);
    memcpy(b->nonce, b->answer.nonce.data, b->answer.nonce.len);
    b->nonce_len = b->answer.nonce.len;
    return ask(b, KITH_STUN_ALLOCATE) == 0 && ask(b, KITH_STUN_CHANNEL_BIND) == 0;
}

/* ---- the load ---- */

static void send_batch(struct bench *b, size_t count)
{
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    info.path.local = b->client.local;
    info.path.remote = b->server;
    kith_batch_init(&b->batch);
    for (size_t i = 0; i < count; i++) {
        kith_writer w = kith_wr(kith_batch_space(&b->batch), kith_batch_room(&b->batch));
        kith_wr_u16(&w, CHANNEL);
        kith_wr_u16(&w, PACKET);
        kith_wr_zeros(&w, PACKET);
        (void)kith_batch_add(&b->batch, &info, w.len);
    }
    (void)kith_udp_send(&b->client, &b->batch);
}

/* How many of them came to the peer. */
static size_t take_batch(struct bench *b, size_t count)
{
    size_t came = 0;
    kith_udp_received received;
    while (came < count && await(b, &b->peer, 20, &received))
        came += (received.len + received.segment - 1) / received.segment;
    return came;
}

static void run(struct bench *b, size_t batch, kith_time duration, struct bench_turn_cost *cost)
{
    kith_time began = kith_clock_now(), end = began + duration;
    double cpu = server_cpu(b);
    size_t sent = 0, came = 0;
    while (kith_clock_now() < end) {
        send_batch(b, batch);
        came += take_batch(b, batch);
        sent += batch;
    }
    double seconds = (double)(kith_clock_now() - began) / 1e6;
    cost->per_second = (double)came / seconds;
    cost->cpu_us = came > 0 ? (server_cpu(b) - cpu) * 1e6 / (double)came : 0;
    cost->lost = sent > 0 ? 1 - (double)came / (double)sent : 0;
}

bool bench_turn_measure(enum bench_turn_server server, size_t batch, kith_time duration,
                        struct bench_turn_cost *cost)
{
    struct bench *b = tool_alloc(sizeof *b);
    b->kind = server;
    bool done = start_server(b) && connect_client(b);
    if (done)
        run(b, batch, duration, cost);
    else
        tool_error("%s could not be asked for an allocation",
                   server == BENCH_TURN_KITH ? "kith turn" : "coturn");
    stop_server(b);
    free(b);
    return done;
}
