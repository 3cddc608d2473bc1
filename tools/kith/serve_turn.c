/* `kith serve --turn`: a TURN server on the loop of the peers. Each WebSocket gets iceServers with
 * credentials of its own, so that one page cannot use up what another needs. */
#include "serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A browser allocates once for each interface, family and URL. */
enum { ALLOCATIONS_PER_PAGE = 32, SECONDS_PER_PAGE = 24 * 3600 };

struct turn {
    kith_turn_server *server;
    char secret[TOOL_RANDOM_TEXT];
    unsigned given;
};

static kith_err add_locals(struct turn *turn, kith_loop *loop, uint16_t port)
{
    const kith_address *found;
    for (size_t i = 0; i < KITH_TURN_SERVER_MAX_LOCALS && (found = kith_loop_local(loop, i)); i++) {
        kith_address local = *found;
        local.port = port;
        kith_err err = kith_loop_add_turn_server(loop, turn->server, &local, NULL);
        if (err != KITH_OK)
            return err;
        port = local.port = kith_turn_server_local(turn->server, 0)->port; /* of all the same */
        err = kith_loop_add_turn_listener(loop, turn->server, &local, false);
        if (err != KITH_OK)
            return err;
    }
    return KITH_OK;
}

struct turn *turn_new(kith_loop *loop, uint16_t port)
{
    struct turn *turn = tool_alloc(sizeof *turn);
    kith_turn_server_config config = KITH_TURN_SERVER_CONFIG_INIT;
    tool_random_text(turn->secret);
    tool_allow_many_sockets();
    config.secret = turn->secret;
    config.ntp_time_at_zero = tool_ntp_time_at_zero();
    config.max_per_user = ALLOCATIONS_PER_PAGE;
    config.max_per_address = config.max_allocations = SERVE_MAX_PAGES * ALLOCATIONS_PER_PAGE;
    kith_err err = kith_turn_server_new(&turn->server, &config);
    if (err == KITH_OK)
        err = add_locals(turn, loop, port);
    if (err != KITH_OK)
        tool_kith_error("--turn", err);
    else if (!kith_turn_server_local(turn->server, 0))
        tool_error("--turn: this machine has no network address");
    else
        return turn;
    kith_loop_remove_turn_server(loop, turn->server);
    turn_free(turn);
    return NULL;
}

void turn_free(struct turn *turn)
{
    if (!turn)
        return;
    kith_turn_server_free(turn->server);
    free(turn);
}

static void add_urls(json_t *urls, const struct turn *turn, const kith_address *ip)
{
    static const char *const transports[] = {"udp", "tcp"};
    char text[KITH_ADDRESS_TEXT], url[KITH_ADDRESS_TEXT + 24];
    kith_address address = *ip;
    address.port = kith_turn_server_local(turn->server, 0)->port;
    kith_address_format(&address, text, sizeof text);
    for (size_t i = 0; i < 2; i++) {
        snprintf(url, sizeof url, "turn:%s?transport=%s", text, transports[i]);
        json_array_append_new(urls, json_string(url));
    }
}

/* Where a page came is where it finds us; but from a loopback address a browser may not be let
 * relay, so that a page on this machine gets all. */
static json_t *urls_for(const struct turn *turn, const kith_address *host)
{
    json_t *urls = json_array();
    const kith_address *local;
    if (tool_is_loopback(host))
        for (size_t i = 0; (local = kith_turn_server_local(turn->server, i)); i++)
            add_urls(urls, turn, local);
    else
        add_urls(urls, turn, host);
    return urls;
}

json_t *turn_ice_servers(struct turn *turn, const kith_address *host)
{
    char name[32];
    snprintf(name, sizeof name, "page-%u", ++turn->given);
    char *username = NULL, *credential = NULL;
    tool_turn_credential(&username, &credential, turn->secret, name, SECONDS_PER_PAGE);
    json_t *servers = json_pack("[{s:o, s:s, s:s}]", "urls", urls_for(turn, host), "username",
                                username, "credential", credential);
    free(username);
    free(credential);
    return servers;
}
