/* A client of a TURN server by TCP, with an allocation and a channel or without: it writes anything
 * in pieces of any length, reads when it likes, and its peer sends meanwhile. Whatever it does,
 *
 *   - what is written to it are whole messages: STUN, or ChannelData that its peer sent;
 *   - no more waits for it than is promised, and no message is torn;
 *   - who has no allocation holds no more than a request, and is closed in time;
 *   - data leaves only for the peer that is permitted, and closing leaves nothing.
 *
 * An input is a list of steps of one byte with operands behind it. */
#include "fuzz.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "turn_server/server.h"

enum step { CONNECT, ALLOCATE, PIECE, FROM_PEER, READ, READ_SOME, WAIT, LEAVE, STEPS };

typedef struct game {
    kith_turn_server *server;
    kith_time now;
    kith_path path;
    bool is_connected;
    /* of the allocation; family 0: none */
    kith_address relayed;
    /* what was written to the client and is no whole message yet */
    uint8_t seen[70000];
    size_t seen_len;
} game;

static const kith_address peer = {.family = KITH_IPV4, .port = 5000, .ip = {203, 0, 113, 9}};

static void serve_requests(game *g)
{
    for (const kith_request *r; (r = kith_turn_server_poll_request(g->server));)
        if (r->type == KITH_REQUEST_OPEN) {
            g->relayed = r->local;
            bool is_kept = kith_turn_server_handle_opened(g->server, g->now, r->id, &g->relayed);
            assert(is_kept);
        } else {
            g->relayed.family = 0;
        }
}

/* All datagrams that leave. */
static void poll_packets(game *g)
{
    static uint8_t buf[70000];
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    while (kith_turn_server_poll_packet(g->server, &info, buf, sizeof buf) > 0) {
        assert(g->relayed.family != 0 && kith_address_equal(&info.path.local, &g->relayed));
        assert(kith_address_equal(&info.path.remote, &peer));
    }
    serve_requests(g);
}

static size_t length_of(const uint8_t *head)
{
    size_t len = (size_t)head[2] << 8 | head[3];
    return head[0] >= 0x40 ? 4 + (len + 3) / 4 * 4 : 20 + len;
}

/* ChannelData is the peer's: all of its bytes are the same. */
static void judge_message(const uint8_t *data, size_t len)
{
    kith_stun m;
    if (data[0] < 0x40) {
        bool is_stun = kith_stun_parse(&m, data, len);
        assert(is_stun && m.class != KITH_STUN_REQUEST);
        return;
    }
    size_t content = (size_t)data[2] << 8 | data[3];
    assert(data[0] == 0x40 && data[1] == 0);
    for (size_t i = 0; i < content; i++)
        assert(data[4 + i] == data[4]);
    for (size_t i = 4 + content; i < len; i++)
        assert(data[i] == 0);
}

static void see(game *g, const uint8_t *data, size_t len)
{
    while (len > 0) {
        size_t want = g->seen_len < 4 ? 4 : length_of(g->seen);
        size_t more = want - g->seen_len < len ? want - g->seen_len : len;
        memcpy(g->seen + g->seen_len, data, more);
        g->seen_len += more;
        data += more;
        len -= more;
        if (g->seen_len >= 4 && g->seen_len == length_of(g->seen)) {
            judge_message(g->seen, g->seen_len);
            g->seen_len = 0;
        }
    }
}

static void forget_client(game *g)
{
    g->is_connected = false;
    g->seen_len = 0;
}

/* At most `most` bytes are taken of each time. */
static void read_some(game *g, size_t most)
{
    kith_path path;
    const void *data;
    for (size_t len; kith_turn_server_poll_stream(g->server, &path, &data, &len);) {
        assert(g->is_connected && kith_path_equal(&path, &g->path));
        assert(len <= KITH_TURN_STREAM_QUEUE);
        if (len == 0) {
            forget_client(g);
            continue;
        }
        size_t taken = len < most ? len : most;
        see(g, data, taken);
        kith_turn_server_handle_written(g->server, &path, taken);
    }
    serve_requests(g);
}

static void connect_client(game *g)
{
    if (g->is_connected)
        return;
    g->is_connected = kith_turn_server_handle_accepted(g->server, g->now, &g->path, false);
    assert(g->is_connected);
}

/* As one of its requests would, which have a fuzzer of their own. */
static void allocate(game *g)
{
    kith_map_node *node =
        kith_map_find(&g->server->streams, kith_span_of(&g->path, sizeof g->path));
    kith_turn_stream *stream = node ? KITH_OWNER(node, kith_turn_stream, in_streams) : NULL;
    if (!stream || stream->allocation || stream->ends)
        return;
    kith_stun m = {.method = KITH_STUN_ALLOCATE};
    kith_turn_call call = {.server = g->server,
                           .now = g->now,
                           .from = {.path = &stream->path, .stream = stream},
                           .m = &m,
                           .username = kith_span_text("alice")};
    kith_request_allocate(&call);
    m.present = (uint64_t)1 << KITH_STUN_HAS_REQUESTED_TRANSPORT;
    m.requested_transport = 17;
    kith_request_allocate(&call);
    poll_packets(g);
    if (!stream->allocation)
        return;
    bool done = kith_allocation_permit(stream->allocation, &peer, g->now) &&
                kith_channel_bind(stream->allocation, 0x4000, &peer, g->now);
    assert(done);
}

/* In memory of exactly its size. */
static void piece(game *g, kith_reader *in)
{
    kith_span bytes = kith_rd_span(in, kith_rd_u8(in));
    uint8_t *exact = malloc(bytes.len + (bytes.len == 0));
    assert(exact);
    if (bytes.len > 0)
        memcpy(exact, bytes.data, bytes.len);
    kith_turn_server_handle_stream(g->server, g->now, &g->path, exact, bytes.len);
    poll_packets(g);
    free(exact);
}

static void from_peer(game *g, kith_reader *in)
{
    static uint8_t data[65535];
    size_t len = kith_rd_u16(in), count = kith_rd_u8(in);
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    info.path.local = g->relayed;
    info.path.remote = peer;
    for (size_t i = 0; i < count && g->relayed.family != 0; i++) {
        memset(data, (int)i, len);
        kith_turn_server_handle_packet(g->server, g->now, &info, data, len);
        poll_packets(g);
    }
}

static void wait_for(game *g, kith_time time)
{
    g->now += time;
    kith_turn_server_handle_timeout(g->server, g->now);
    read_some(g, SIZE_MAX);
    assert(kith_turn_server_timeout(g->server) > g->now);
}

static void leave(game *g)
{
    kith_turn_server_handle_closed(g->server, g->now, &g->path);
    serve_requests(g);
    forget_client(g);
    assert(g->relayed.family == 0 && g->server->streams.count == 0);
    assert(kith_turn_server_get_counters(g->server)->allocations == 0);
}

static void step(game *g, kith_reader *in)
{
    switch (kith_rd_u8(in) % STEPS) {
    case CONNECT:
        connect_client(g);
        break;
    case ALLOCATE:
        allocate(g);
        break;
    case PIECE:
        piece(g, in);
        break;
    case FROM_PEER:
        from_peer(g, in);
        break;
    case READ:
        kith_turn_server_handle_writable(g->server, &g->path);
        read_some(g, SIZE_MAX);
        break;
    case READ_SOME:
        kith_turn_server_handle_writable(g->server, &g->path);
        read_some(g, kith_rd_u16(in));
        break;
    case WAIT:
        wait_for(g, KITH_MS((kith_time)kith_rd_u16(in) * 2));
        break;
    default:
        leave(g);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static game g;
    g = (game){.now = KITH_SECONDS(1000)};
    kith_reader in = kith_rd(data, size);
    kith_turn_server_config config = KITH_TURN_SERVER_CONFIG_INIT;
    config.secret = "secret";
    if (kith_turn_server_new(&g.server, &config) != KITH_OK)
        return 0;
    g.path.protocol = KITH_TCP;
    g.path.local = (kith_address){.family = KITH_IPV4, .port = 3478, .ip = {192, 0, 2, 1}};
    g.path.remote = (kith_address){.family = KITH_IPV4, .port = 40000, .ip = {198, 51, 100, 7}};
    kith_err err = kith_turn_server_add_local(g.server, &g.path.local, NULL);
    assert(err == KITH_OK);
    while (kith_rd_left(&in) > 0)
        step(&g, &in);
    leave(&g);
    kith_turn_server_free(g.server);
    return 0;
}
