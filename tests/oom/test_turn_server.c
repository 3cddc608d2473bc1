/* A TURN server when memory runs out: its making, and every request of a client. A request that
 * cannot be served is answered with an error or not at all, nothing leaks, and where memory was
 * short for a moment only, it is served when it comes again. */
#include "../unit/turn_server/client.h"

#include <stdio.h>

#include "oom.h"

/* The client's own memory does not run out. */
static void spare_the_client(bool server_begins)
{
    oom.spares = !server_begins;
}

static bool make(client *c)
{
    static const char *const networks[] = {"203.0.113.128/25", "198.51.100.0/24", NULL};
    kith_turn_server_config config = config_with_user();
    kith_address local = address_of(SERVER), beside = address_of("192.0.2.1:6000");
    config.secret = "north";
    config.denied_peers = config.allowed_peers = networks;
    *c = (client){.now = KITH_SECONDS(1000), .username = USER, .password = SECRET};
    c->around = spare_the_client;
    c->path.local = local;
    c->path.remote = address_of(CLIENT);
    return kith_turn_server_new(&c->server, &config) == KITH_OK &&
           kith_turn_server_add_local(c->server, &local, NULL) == KITH_OK &&
           kith_turn_server_allow_local(c->server, &beside) == KITH_OK;
}

/* What a client asks until it is answered; without memory for ever it never is. */
enum request { ALLOCATE, PERMIT, BIND, REFRESH };

/* What was not answered, as it was. */
static int retransmit(client *c)
{
    deliver(c, &c->path, c->request, c->w.len);
    if (c->len == 0)
        return -1;
    ck_assert(kith_stun_parse(&c->answer, c->buf, c->len));
    return c->answer.class == KITH_STUN_SUCCESS ? 0 : c->answer.error_code.code;
}

static bool insist(client *c, enum request request, uint16_t number, const char *peer)
{
    for (int i = 0; i < 2; i++) {
        int code = request == ALLOCATE ? allocate(c)
                   : request == PERMIT ? permit(c, peer)
                   : request == BIND   ? bind_channel(c, number, peer)
                                       : refresh(c, 600);
        if (code == -1)
            code = retransmit(c);
        if (code == 0)
            return true;
        ck_assert_msg(code == -1 || code == 401 || code == 508, "request %d: %d", request, code);
    }
    ck_assert(oom.persistent || c->is_closed);
    return false;
}

static bool connect_to(client *c, size_t piece)
{
    c->piece = piece;
    c->path.protocol = piece > 0 ? KITH_TCP : KITH_UDP;
    return piece == 0 || kith_turn_server_handle_accepted(c->server, c->now, &c->path, false) ||
           kith_turn_server_handle_accepted(c->server, c->now, &c->path, false);
}

/* piece: 0 by UDP, else by TCP, where a message that cannot be put together closes the connection
 * and one that cannot wait is lost. */
static void life(void *arg)
{
    client c;
    size_t piece = *(const size_t *)arg;
    if (make(&c) && connect_to(&c, piece)) {
        oom.spares = true;
        c.around = NULL;
        be_challenged(&c);
        c.around = spare_the_client;
        bool goes_on = insist(&c, ALLOCATE, 0, NULL);
        for (uint16_t i = 0; goes_on && i < 5; i++) {
            char peer[32];
            snprintf(peer, sizeof peer, "203.0.113.%d:5000", i + 1);
            goes_on = insist(&c, PERMIT, 0, peer) && send_to(&c, peer, "x") &&
                      insist(&c, BIND, (uint16_t)(0x4000 + i), peer) &&
                      send_on(&c, (uint16_t)(0x4000 + i), "x") &&
                      (come_from(&c, peer, "y") || piece > 0) && insist(&c, REFRESH, 0, NULL);
            ck_assert(goes_on || oom.persistent || c.is_closed);
        }
        oom.spares = false;
        kith_free(kith_turn_server_metrics(c.server));
    }
    kith_turn_server_free(c.server);
}

START_TEST(a_server_that_lacks_memory_says_so_and_goes_on)
{
    for (size_t piece = 0; piece < 3000; piece = 40 * piece + 37)
        ck_assert_uint_gt(oom_sweep(life, &piece), 50);
}
END_TEST

UNIT_MAIN("oom: turn_server", a_server_that_lacks_memory_says_so_and_goes_on)
