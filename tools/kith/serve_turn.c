/* `kith serve --turn`: a TURN server on the loop of the peers; or, by --turn-url, one elsewhere
 * under a secret that we know. Each WebSocket gets iceServers with time-limited credentials of its
 * own (draft-uberti-behave-turn-rest-00), so that one page cannot use up what another needs. */
#include "serve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A browser allocates once for each interface, family and URL. */
enum { ALLOCATIONS_PER_PAGE = 32, SECONDS_PER_PAGE = 24 * 3600 };

struct turn {
    /* NULL: it is elsewhere, at `urls` */
    kith_turn_server *server;
    json_t *urls;
    char *secret;
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
    turn->secret = tool_alloc(TOOL_RANDOM_TEXT);
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

/* The file's first line; NULL after explaining. */
static char *read_secret(const char *path)
{
    char line[1024] = "";
    FILE *file = fopen(path, "re");
    bool read = file && fgets(line, sizeof line, file);
    size_t len = strcspn(line, "\r\n");
    if (!file)
        tool_error("--turn-secret-file %s: %s", path, strerror(errno));
    else if (!read || len == 0 || len == sizeof line - 1)
        tool_error("--turn-secret-file %s has no secret in its first line", path);
    if (file)
        fclose(file);
    line[len] = '\0';
    return read && len > 0 && len < sizeof line - 1 ? tool_copy_text(line) : NULL;
}

struct turn *turn_elsewhere(const char *const *urls, size_t count, const char *secret_file)
{
    char *secret = read_secret(secret_file);
    if (!secret)
        return NULL;
    struct turn *turn = tool_alloc(sizeof *turn);
    turn->secret = secret;
    turn->urls = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(turn->urls, json_string(urls[i]));
    return turn;
}

void turn_free(struct turn *turn)
{
    if (!turn)
        return;
    kith_turn_server_free(turn->server);
    json_decref(turn->urls);
    free(turn->secret);
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
    if (turn->urls)
        return json_incref(turn->urls);
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
