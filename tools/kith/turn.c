/* `kith turn`: a STUN and TURN server on UDP, TCP and TLS, until a signal ends it. Reads options,
 * prints what clients need to know, and leaves the rest to kith_turn_server and its loop. */
#include "turn_metrics.h"
#include "turn_options.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- signals ---- */

static struct {
    kith_loop *loop;
    volatile sig_atomic_t ends, shows, reloads;
} signalled;

static void on_signal(int number)
{
    if (number == SIGUSR1)
        signalled.shows = 1;
    else if (number == SIGHUP)
        signalled.reloads = 1;
    else
        signalled.ends = 1;
    kith_loop_stop(signalled.loop);
}

static void watch_signals(kith_loop *loop, bool reloads)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    signalled.loop = loop;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    if (reloads)
        sigaction(SIGHUP, &action, NULL);
}

static void ignore_signals(void)
{
    struct sigaction action = {.sa_handler = SIG_IGN};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

static void show_counters(const kith_turn_server *server)
{
    char *text = kith_turn_server_metrics(server);
    if (text) {
        fputs(text, stdout);
        fflush(stdout);
    }
    kith_free(text);
}

/* ---- the certificate ---- */

/* False after explaining; the server has what it had. */
static bool load_certificate(const struct turn_options *o, kith_turn_server *server)
{
    char *certificate = tool_read_file(o->certificate);
    char *key = certificate ? tool_read_file(o->private_key) : NULL;
    kith_err err = KITH_ERR_SYSTEM;
    if (key) {
        err = kith_turn_server_set_certificate(server, certificate, key);
        if (err != KITH_OK)
            tool_error("--cert %s, --key %s: %s", o->certificate, o->private_key,
                       tool_error_words(err));
    }
    free(certificate);
    if (key)
        explicit_bzero(key, strlen(key));
    free(key);
    return err == KITH_OK;
}

/* ---- addresses ---- */

static size_t count_family(const kith_turn_server *server, uint8_t family)
{
    size_t count = 0;
    const kith_address *local;
    for (size_t i = 0; (local = kith_turn_server_local(server, i)); i++)
        count += local->family == family;
    return count;
}

static size_t count_locals(const kith_turn_server *server)
{
    return count_family(server, KITH_IPV4) + count_family(server, KITH_IPV6);
}

static const kith_address *given(const kith_address addresses[2], uint8_t family)
{
    const kith_address *address = &addresses[family == KITH_IPV6];
    return address->family != 0 ? address : NULL;
}

/* How the world sees addresses of clients: --external is of the others where there is --relay. */
static const kith_address *external_of(const struct turn_options *o, uint8_t family)
{
    return given(o->relay, family) ? NULL : given(o->external, family);
}

static bool set_relays(const struct turn_options *o, kith_turn_server *server)
{
    for (size_t i = 0; i < 2; i++) {
        const kith_address *relay = &o->relay[i];
        if (relay->family == 0)
            continue;
        kith_err err = kith_turn_server_set_relay(server, relay, given(o->external, relay->family));
        if (err != KITH_OK) {
            tool_kith_error("--relay", err);
            return false;
        }
    }
    return true;
}

/* One address of the world is one address here. */
static bool check_external(const struct turn_options *o, const kith_turn_server *server)
{
    char text[KITH_ADDRESS_TEXT];
    for (size_t i = 0; i < 2; i++) {
        const kith_address *external = &o->external[i];
        bool is_of_all = external->family != 0 && external_of(o, external->family);
        size_t count = is_of_all ? count_family(server, external->family) : 1;
        if (count == 1)
            continue;
        kith_address_format(external, text, sizeof text);
        if (count == 0)
            tool_error("--external %s is of a family that the server does not listen on", text);
        else
            tool_error("--external %s could be any of %zu addresses: say by --listen ADDRESS:PORT "
                       "which one it is",
                       text, count);
        return false;
    }
    return true;
}

static kith_err add_tcp(kith_loop *loop, kith_turn_server *server, const kith_address *local)
{
    kith_address address = *local;
    return kith_loop_add_turn_listener(loop, server, &address, false);
}

/* On the IP of that local address, unless another one had it. All ports are the same. */
static kith_err add_tls(kith_loop *loop, kith_turn_server *server, struct turn_options *o,
                        size_t index)
{
    kith_address tls = *kith_turn_server_local(server, index), other;
    tls.port = o->tls_port;
    for (size_t i = 0; i < index; i++) {
        other = *kith_turn_server_local(server, i);
        other.port = tls.port;
        if (kith_address_equal(&other, &tls))
            return KITH_OK;
    }
    kith_err err = kith_loop_add_turn_listener(loop, server, &tls, true);
    if (err == KITH_OK)
        o->tls_port = tls.port;
    return err;
}

static bool add_local(kith_loop *loop, kith_turn_server *server, struct turn_options *o,
                      const kith_address *local)
{
    size_t index = count_locals(server);
    kith_err err = kith_loop_add_turn_server(loop, server, local, external_of(o, local->family));
    if (err == KITH_OK && !o->no_tcp)
        err = add_tcp(loop, server, kith_turn_server_local(server, index));
    if (err == KITH_OK && o->certificate)
        err = add_tls(loop, server, o, index);
    if (err == KITH_ERR_SYSTEM && kith_last_error()->system_errno == EADDRNOTAVAIL)
        tool_error(
            "cannot listen: %s, which this machine does not have (--external ADDRESS says how "
            "the world sees one that it has)",
            tool_error_words(err));
    else if (err != KITH_OK)
        tool_kith_error("cannot listen", err);
    return err == KITH_OK;
}

static bool add_every_address(kith_loop *loop, kith_turn_server *server, struct turn_options *o)
{
    const kith_address *found;
    size_t count = 0;
    for (; (found = kith_loop_local(loop, count)); count++) {
        kith_address local = *found;
        local.port = o->port;
        if (count == KITH_TURN_SERVER_MAX_LOCALS) {
            tool_error("this machine has more than %d addresses: say by --listen ADDRESS:PORT "
                       "which ones to take",
                       KITH_TURN_SERVER_MAX_LOCALS);
            return false;
        }
        if (!add_local(loop, server, o, &local))
            return false;
    }
    if (count == 0)
        tool_error("this machine has no network address (--listen 127.0.0.1:%d serves itself)",
                   TOOL_TURN_PORT);
    return count > 0;
}

static bool listen_everywhere(kith_loop *loop, kith_turn_server *server, struct turn_options *o)
{
    for (size_t i = 0; i < o->listen_count; i++)
        if (!add_local(loop, server, o, &o->listen[i]))
            return false;
    if (o->listen_count == 0 && !add_every_address(loop, server, o))
        return false;
    return check_external(o, server);
}

/* ---- what clients need to know ---- */

static void add_url(json_t *urls, const char *scheme, const kith_address *address,
                    const char *query)
{
    char text[KITH_ADDRESS_TEXT], url[KITH_ADDRESS_TEXT + 24];
    snprintf(url, sizeof url, "%s:%s%s", scheme, kith_address_format(address, text, sizeof text),
             query);
    json_array_append_new(urls, json_string(url));
}

static json_t *urls_of(const struct turn_options *o, const kith_turn_server *server)
{
    json_t *urls = json_array();
    const kith_address *local;
    for (size_t i = 0; (local = kith_turn_server_local(server, i)); i++) {
        if (o->told_count > 0 && i == o->told_count)
            break;
        const kith_address *external = external_of(o, local->family);
        kith_address seen = external ? *external : *local;
        seen.port = local->port;
        add_url(urls, o->stun_only ? "stun" : "turn", &seen, "");
        if (o->stun_only)
            continue;
        if (!o->no_tcp)
            add_url(urls, "turn", &seen, "?transport=tcp");
        seen.port = o->tls_port;
        if (o->certificate)
            add_url(urls, "turns", &seen, "?transport=tcp");
    }
    return urls;
}

/* Passwords that were given are not repeated: what a service prints is kept in a log. */
static void print_ice_servers(const struct turn_options *o, const kith_turn_server *server)
{
    json_t *entry = json_pack("{s:o}", "urls", urls_of(o, server));
    const char *username = o->user_count > 0 ? o->users[0].username : "UNIX-TIME:NAME";
    const char *credential = o->made_password[0] ? o->made_password
                             : o->user_count > 0 ? "PASSWORD"
                                                 : "BASE64(HMAC-SHA1(SECRET, USERNAME))";
    if (!o->stun_only) {
        json_object_set_new(entry, "username", tool_json_text(username, strlen(username)));
        json_object_set_new(entry, "credential", json_string(credential));
    }
    json_t *servers = json_pack("[o]", entry);
    char *text = json_dumps(servers, JSON_PRESERVE_ORDER);
    printf("kith turn: iceServers: %s\n", text ? text : "");
    fflush(stdout);
    free(text);
    json_decref(servers);
}

/* ---- the run ---- */

static bool is_listened_on(const struct turn_options *o, const kith_address *ip)
{
    kith_address alone;
    const kith_address *relay = given(o->relay, ip->family);
    if (relay && kith_address_equal(relay, ip))
        return true;
    for (size_t i = 0; i < o->listen_count; i++) {
        alone = o->listen[i];
        alone.port = 0;
        if (kith_address_equal(&alone, ip))
            return true;
    }
    return o->listen_count == 0;
}

static bool is_named(const struct turn_options *o, const kith_address *ip)
{
    kith_address named;
    for (size_t i = 0; i < o->allowed_count; i++)
        if (kith_address_parse(&named, o->allowed[i]) == KITH_OK && kith_address_equal(&named, ip))
            return true;
    return false;
}

/* The server denies this host, which it knows by the addresses that it listens on: the others are
 * denied here, where what listens may trust what comes from this host. Link-local ones are denied
 * anyway. */
static void deny_other_addresses(struct turn_options *o, const kith_loop *loop)
{
    char text[KITH_ADDRESS_TEXT];
    const kith_address *local;
    for (size_t i = 0; (local = kith_loop_local(loop, i)); i++)
        if (local->scope_id == 0 && !is_listened_on(o, local) && !is_named(o, local))
            turn_options_add(&o->denied, &o->denied_count,
                             tool_copy_text(kith_address_format(local, text, sizeof text)));
}

static kith_turn_server *new_server(struct turn_options *o)
{
    kith_turn_server *server = NULL;
    kith_turn_server_config config = o->config;
    config.users = o->users;
    config.user_count = o->user_count;
    config.denied_peers = o->denied;
    config.allowed_peers = o->allowed;
    config.ntp_time_at_zero = tool_ntp_time_at_zero();
    kith_err err = kith_turn_server_new(&server, &config);
    if (err != KITH_OK)
        tool_kith_error("cannot make the server", err);
    return server;
}

/* A server has no peers whose events there are. */
static void ignore_event(kith_loop *loop, const kith_event *ev, void *user)
{
    (void)loop;
    (void)ev;
    (void)user;
}

static void serve(struct turn_options *o, kith_loop *loop, kith_turn_server *server)
{
    while (!signalled.ends && kith_loop_run(loop) == KITH_OK) {
        if (signalled.shows) {
            signalled.shows = 0; /* first: a signal that comes now is one more */
            show_counters(server);
        }
        if (signalled.reloads) {
            signalled.reloads = 0;
            (void)load_certificate(o, server);
        }
    }
}

static int run(struct turn_options *o)
{
    kith_loop *loop = NULL;
    struct turn_metrics *metrics = NULL;
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.on_event = ignore_event;
    kith_err err = kith_loop_new(&loop, &config);
    if (err != KITH_OK) {
        tool_kith_error("cannot start the loop", err);
        return TOOL_FAILED;
    }
    tool_allow_many_sockets();
    deny_other_addresses(o, loop);
    kith_turn_server *server = new_server(o);
    bool ready =
        server && set_relays(o, server) && (!o->certificate || load_certificate(o, server)) &&
        listen_everywhere(loop, server, o) &&
        (o->metrics.family == 0 || (metrics = turn_metrics_new(loop, server, &o->metrics)));
    int failure = server ? TOOL_FAILED : TOOL_USAGE; /* nothing but options makes a server */
    if (ready) {
        watch_signals(loop, o->certificate);
        print_ice_servers(o, server);
        if (metrics)
            turn_metrics_print(metrics);
        serve(o, loop, server);
        ignore_signals();
    }
    turn_metrics_free(metrics);
    kith_loop_free(loop);
    kith_turn_server_free(server);
    return ready ? TOOL_OK : failure;
}

int kith_tool_turn(int argc, char **argv)
{
    static struct turn_options options = {.port = TOOL_TURN_PORT,
                                          .tls_port = TOOL_TURNS_PORT,
                                          .config = KITH_TURN_SERVER_CONFIG_INIT};
    int status = turn_options_read(&options, argc, argv);
    return status >= 0 ? status : run(&options);
}
