/* `kith turn`: a STUN and TURN server on UDP and TCP, until a signal ends it. Reads options, prints
 * what clients need to know, and leaves the rest to kith_turn_server and its loop. */
#include "tool.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SECONDS = 30 * 24 * 3600 };

/* Lists grow by tool_resize. What they point to are arguments, or lines that live as long as the
 * process. */
struct turn_options {
    kith_address listen[KITH_TURN_SERVER_MAX_LOCALS];
    size_t listen_count;
    /* of every address, unless some are listed */
    uint16_t port;
    bool has_port, stun_only, no_tcp;
    /* of --listen; the rest, behind them, are there for --discovery */
    size_t told_count;
    /* by family, which is 0 where there is none: IPv4, IPv6 */
    kith_address external[2];
    kith_turn_user *users;
    const char **denied, **allowed;
    size_t user_count, denied_count, allowed_count;
    kith_turn_server_config config;
    char made_password[TOOL_RANDOM_TEXT];
};

/* ---- signals ---- */

static struct {
    kith_loop *loop;
    volatile sig_atomic_t ends, shows;
} signalled;

static void on_signal(int number)
{
    if (number == SIGUSR1)
        signalled.shows = 1;
    else
        signalled.ends = 1;
    kith_loop_stop(signalled.loop);
}

static void watch_signals(kith_loop *loop)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    signalled.loop = loop;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
}

static void ignore_signals(void)
{
    struct sigaction action = {.sa_handler = SIG_IGN};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
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

static const kith_address *external_of(const struct turn_options *o, uint8_t family)
{
    const kith_address *external = &o->external[family == KITH_IPV6];
    return external->family != 0 ? external : NULL;
}

/* One address of the world is one address here. */
static bool check_external(const struct turn_options *o, const kith_turn_server *server)
{
    char text[KITH_ADDRESS_TEXT];
    for (size_t i = 0; i < 2; i++) {
        const kith_address *external = &o->external[i];
        size_t count = external->family != 0 ? count_family(server, external->family) : 1;
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

static bool add_local(kith_loop *loop, kith_turn_server *server, const struct turn_options *o,
                      const kith_address *local)
{
    size_t index = count_locals(server);
    kith_err err = kith_loop_add_turn_server(loop, server, local, external_of(o, local->family));
    if (err == KITH_OK && !o->no_tcp)
        err = kith_loop_add_turn_listener(loop, server, kith_turn_server_local(server, index));
    if (err == KITH_ERR_SYSTEM && kith_last_error()->system_errno == EADDRNOTAVAIL)
        tool_error(
            "cannot listen: %s, which this machine does not have (--external ADDRESS says how "
            "the world sees one that it has)",
            tool_error_words(err));
    else if (err != KITH_OK)
        tool_kith_error("cannot listen", err);
    return err == KITH_OK;
}

static bool add_every_address(kith_loop *loop, kith_turn_server *server,
                              const struct turn_options *o)
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

static bool listen_everywhere(kith_loop *loop, kith_turn_server *server,
                              const struct turn_options *o)
{
    for (size_t i = 0; i < o->listen_count; i++)
        if (!add_local(loop, server, o, &o->listen[i]))
            return false;
    if (o->listen_count == 0 && !add_every_address(loop, server, o))
        return false;
    return check_external(o, server);
}

/* ---- what clients need to know ---- */

static json_t *urls_of(const struct turn_options *o, const kith_turn_server *server)
{
    char text[KITH_ADDRESS_TEXT], url[KITH_ADDRESS_TEXT + 24];
    json_t *urls = json_array();
    const kith_address *local;
    for (size_t i = 0; (local = kith_turn_server_local(server, i)); i++) {
        if (o->told_count > 0 && i == o->told_count)
            break;
        const kith_address *external = external_of(o, local->family);
        kith_address seen = external ? *external : *local;
        seen.port = local->port;
        snprintf(url, sizeof url, "%s:%s", o->stun_only ? "stun" : "turn",
                 kith_address_format(&seen, text, sizeof text));
        json_array_append_new(urls, json_string(url));
        if (o->stun_only || o->no_tcp)
            continue;
        snprintf(url, sizeof url, "turn:%s?transport=tcp", text);
        json_array_append_new(urls, json_string(url));
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

static void add_text(const char ***list, size_t *count, const char *text)
{
    *list = tool_resize(*list, (*count + 2) * sizeof **list);
    (*list)[(*count)++] = text;
    (*list)[*count] = NULL;
}

static bool is_listened_on(const struct turn_options *o, const kith_address *ip)
{
    kith_address alone;
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
            add_text(&o->denied, &o->denied_count,
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

static int run(struct turn_options *o)
{
    kith_loop *loop = NULL;
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    kith_err err = kith_loop_new(&loop, &config);
    if (err != KITH_OK) {
        tool_kith_error("cannot start the loop", err);
        return TOOL_FAILED;
    }
    tool_allow_many_sockets();
    deny_other_addresses(o, loop);
    kith_turn_server *server = new_server(o);
    bool ready = server && listen_everywhere(loop, server, o);
    int failure = server ? TOOL_FAILED : TOOL_USAGE; /* nothing but options makes a server */
    if (ready) {
        watch_signals(loop);
        print_ice_servers(o, server);
    }
    while (ready && !signalled.ends) {
        (void)kith_loop_wait(loop, -1);
        if (signalled.shows) {
            signalled.shows = 0;
            show_counters(server);
        }
    }
    if (ready)
        ignore_signals();
    kith_loop_free(loop);
    kith_turn_server_free(server);
    return ready ? TOOL_OK : failure;
}

/* ---- options ---- */

static const char help[] =
    "Usage: kith turn [OPTION...]\n"
    "A STUN and TURN server on UDP and TCP, until SIGINT or SIGTERM. When it is ready it prints\n"
    "what clients put into iceServers. Without users and secret it makes one user, whose password "
    "it prints.\n\n"
    "Options:\n"
    "  --port PORT               listen on this port of every address of this machine (3478)\n"
    "  --listen ADDRESS:PORT     listen there instead; may be repeated; port 0: any free one\n"
    "  --no-tcp                  UDP alone\n"
    "  --external ADDRESS        how the world sees the address of that family (1:1 NAT)\n"
    "  --realm REALM             (kith)\n"
    "  --user NAME:PASSWORD      may be repeated\n"
    "  --users FILE              the same, a line each; what other users of this machine cannot "
    "see\n"
    "  --secret SECRET           for time-limited credentials, as coturn's static-auth-secret\n"
    "  --secret-file FILE        the same, in the file's first line\n"
    "  --old-secret SECRET       taken too, while the secret is being changed\n"
    "  --stun-only               no TURN\n"
    "  --discovery               tell clients how their NAT behaves (RFC 5780), from the two "
    "addresses\n"
    "                            that --listen says and from the next port of both, too\n"
    "  --deny-peer NETWORK       clients do not reach peers there; may be repeated\n"
    "  --allow-peer NETWORK      they do, if not denied; may be repeated. Without: the public\n"
    "                            internet and each other, but no private network and not this "
    "host\n"
    "  --port-range BEGIN-END    ports of relayed addresses (49152-65535)\n"
    "  --max-lifetime SECONDS    of an allocation between two refreshes (3600)\n"
    "  --max-allocations N       in all (1000)\n"
    "  --max-per-user N          allocations of a user (10)\n"
    "  --max-per-address N       allocations of an address of clients, IPv6: of a /64 (64)\n"
    "  --max-rate BPS            bits per second that an allocation relays each way (any)\n"
    "  --help                    this text\n"
    "SIGUSR1 prints its counters, as text for Prometheus.\n";

enum {
    OPTION_PORT = 256,
    OPTION_LISTEN,
    OPTION_NO_TCP,
    OPTION_EXTERNAL,
    OPTION_REALM,
    OPTION_USER,
    OPTION_USERS,
    OPTION_SECRET,
    OPTION_SECRET_FILE,
    OPTION_OLD_SECRET,
    OPTION_STUN_ONLY,
    OPTION_DISCOVERY,
    OPTION_DENY_PEER,
    OPTION_ALLOW_PEER,
    OPTION_PORT_RANGE,
    OPTION_MAX_LIFETIME,
    OPTION_MAX_ALLOCATIONS,
    OPTION_MAX_PER_USER,
    OPTION_MAX_PER_ADDRESS,
    OPTION_MAX_RATE,
    OPTION_HELP,
};

static const struct option long_options[] = {
    {"port", required_argument, NULL, OPTION_PORT},
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"no-tcp", no_argument, NULL, OPTION_NO_TCP},
    {"external", required_argument, NULL, OPTION_EXTERNAL},
    {"realm", required_argument, NULL, OPTION_REALM},
    {"user", required_argument, NULL, OPTION_USER},
    {"users", required_argument, NULL, OPTION_USERS},
    {"secret", required_argument, NULL, OPTION_SECRET},
    {"secret-file", required_argument, NULL, OPTION_SECRET_FILE},
    {"old-secret", required_argument, NULL, OPTION_OLD_SECRET},
    {"stun-only", no_argument, NULL, OPTION_STUN_ONLY},
    {"discovery", no_argument, NULL, OPTION_DISCOVERY},
    {"deny-peer", required_argument, NULL, OPTION_DENY_PEER},
    {"allow-peer", required_argument, NULL, OPTION_ALLOW_PEER},
    {"port-range", required_argument, NULL, OPTION_PORT_RANGE},
    {"max-lifetime", required_argument, NULL, OPTION_MAX_LIFETIME},
    {"max-allocations", required_argument, NULL, OPTION_MAX_ALLOCATIONS},
    {"max-per-user", required_argument, NULL, OPTION_MAX_PER_USER},
    {"max-per-address", required_argument, NULL, OPTION_MAX_PER_ADDRESS},
    {"max-rate", required_argument, NULL, OPTION_MAX_RATE},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static bool add_listen(struct turn_options *o, const char *text)
{
    kith_address address;
    if (!tool_parse_listen(&address, text))
        return false;
    if (tool_is_any(&address)) {
        tool_error("--listen wants one address, not %s (--port PORT listens on every one)", text);
        return false;
    }
    if (o->listen_count == KITH_TURN_SERVER_MAX_LOCALS) {
        tool_error("at most %d times --listen", KITH_TURN_SERVER_MAX_LOCALS);
        return false;
    }
    o->listen[o->listen_count++] = address;
    return true;
}

static bool set_external(struct turn_options *o, const char *text)
{
    kith_address address = {0};
    kith_err err = kith_address_parse(&address, text);
    if (err != KITH_OK || address.port != 0 || tool_is_any(&address)) {
        tool_error("--external wants an IP address without port, not \"%s\"", text);
        return false;
    }
    kith_address *external = &o->external[address.family == KITH_IPV6];
    if (external->family != 0) {
        tool_error("--external may be given once for IPv4 and once for IPv6");
        return false;
    }
    *external = address;
    return true;
}

/* The user's name may have colons, as in --ice-server; `where` is what is wrong otherwise. */
static bool add_user(struct turn_options *o, const char *text, const char *where)
{
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text || colon[1] == '\0') {
        tool_error("%s wants NAME:PASSWORD", where);
        return false;
    }
    char *name = tool_copy_text(text);
    name[colon - text] = '\0';
    o->users = tool_resize(o->users, (o->user_count + 1) * sizeof *o->users);
    o->users[o->user_count++] =
        (kith_turn_user){.username = name, .password = name + (colon - text) + 1};
    return true;
}

/* Gives each line to `take` until that is false; a line that is empty or begins with # is none. */
static bool read_lines(struct turn_options *o, const char *option, const char *path,
                       bool (*take)(struct turn_options *o, const char *line, const char *where))
{
    char *line = NULL, where[512];
    size_t cap = 0, number = 0;
    bool ok = true;
    FILE *file = fopen(path, "re");
    if (!file) {
        tool_error("%s %s cannot be read: %s", option, path, strerror(errno));
        return false;
    }
    while (ok && getline(&line, &cap, file) >= 0) {
        line[strcspn(line, "\r\n")] = '\0';
        snprintf(where, sizeof where, "line %zu of %s %s", ++number, option, path);
        if (line[0] != '\0' && line[0] != '#')
            ok = take(o, line, where);
    }
    if (ok && ferror(file)) {
        tool_error("%s %s cannot be read to its end", option, path);
        ok = false;
    }
    free(line);
    fclose(file);
    return ok;
}

static bool set_secret(struct turn_options *o, const char *text, const char *where)
{
    if (text[0] == '\0' || o->config.secret) {
        tool_error(text[0] == '\0' ? "%s is empty" : "%s: there is a secret already", where);
        return false;
    }
    o->config.secret = tool_copy_text(text);
    return true;
}

static bool read_secret(struct turn_options *o, const char *path)
{
    if (!read_lines(o, "--secret-file", path, set_secret))
        return false;
    if (!o->config.secret)
        tool_error("--secret-file %s has no secret in it", path);
    return o->config.secret;
}

/* kith itself judges the network. */
static bool add_network(const char ***list, size_t *count, const char *option, const char *text)
{
    const char *const alone[] = {text, NULL};
    kith_turn_server_config config = KITH_TURN_SERVER_CONFIG_INIT;
    kith_turn_server *server = NULL;
    config.denied_peers = alone;
    kith_err err = kith_turn_server_new(&server, &config);
    kith_turn_server_free(server);
    if (err != KITH_OK) {
        tool_kith_error(option, err);
        return false;
    }
    add_text(list, count, text);
    return true;
}

static bool set_port_range(struct turn_options *o, const char *text)
{
    unsigned begin = 0, end = 0;
    int used = 0;
    if (sscanf(text, "%5u-%5u%n", &begin, &end, &used) != 2 || text[used] != '\0' || begin == 0 ||
        begin > end || end > UINT16_MAX) {
        tool_error("--port-range wants two ports, for example 50000-50999, not \"%s\"", text);
        return false;
    }
    o->config.port_begin = (uint16_t)begin;
    o->config.port_end = (uint16_t)end;
    return true;
}

static bool read_count(uint32_t *out, const char *option)
{
    long value = 0;
    if (!tool_read_number(&value, optarg, option, 1, INT32_MAX))
        return false;
    *out = (uint32_t)value;
    return true;
}

static bool take_limit(struct turn_options *o, int choice)
{
    long value = 0;
    switch (choice) {
    case OPTION_PORT_RANGE:
        return set_port_range(o, optarg);
    case OPTION_MAX_LIFETIME:
        if (!tool_read_number(&value, optarg, "--max-lifetime", 1, MAX_SECONDS))
            return false;
        o->config.max_lifetime = KITH_SECONDS(value);
        return true;
    case OPTION_MAX_ALLOCATIONS:
        return read_count(&o->config.max_allocations, "--max-allocations");
    case OPTION_MAX_PER_USER:
        return read_count(&o->config.max_per_user, "--max-per-user");
    case OPTION_MAX_PER_ADDRESS:
        return read_count(&o->config.max_per_address, "--max-per-address");
    case OPTION_MAX_RATE:
        if (!tool_read_number(&value, optarg, "--max-rate", 1, INT64_MAX))
            return false;
        o->config.max_rate_bps = (uint64_t)value;
        return true;
    default:
        return false;
    }
}

/* One option; false after explaining what is wrong with it. */
static bool take_option(struct turn_options *o, int choice)
{
    switch (choice) {
    case OPTION_PORT:
        o->has_port = true;
        return tool_read_port(&o->port, optarg, "--port");
    case OPTION_LISTEN:
        return add_listen(o, optarg);
    case OPTION_NO_TCP:
        o->no_tcp = true;
        return true;
    case OPTION_EXTERNAL:
        return set_external(o, optarg);
    case OPTION_REALM:
        o->config.realm = optarg;
        return true;
    case OPTION_USER:
        return add_user(o, optarg, "--user");
    case OPTION_USERS:
        return read_lines(o, "--users", optarg, add_user);
    case OPTION_SECRET:
        return set_secret(o, optarg, "--secret");
    case OPTION_SECRET_FILE:
        return read_secret(o, optarg);
    case OPTION_OLD_SECRET:
        o->config.old_secret = optarg;
        return true;
    case OPTION_STUN_ONLY:
        o->stun_only = true;
        return true;
    case OPTION_DISCOVERY:
        o->config.discovery = true;
        return true;
    case OPTION_DENY_PEER:
        return add_network(&o->denied, &o->denied_count, "--deny-peer", optarg);
    case OPTION_ALLOW_PEER:
        return add_network(&o->allowed, &o->allowed_count, "--allow-peer", optarg);
    default:
        return take_limit(o, choice);
    }
}

/* Is there one other address of its family, with its port? */
static bool is_paired(const struct turn_options *o, const kith_address *address)
{
    size_t others = 0;
    for (size_t i = 0; i < o->listen_count; i++) {
        const kith_address *other = &o->listen[i];
        if (other->family != address->family || other == address)
            continue;
        if (other->port != address->port || kith_address_equal(other, address))
            return false;
        others++;
    }
    return others == 1 && address->port != 0 && address->port != UINT16_MAX;
}

/* RFC 5780 section 3: two addresses, two ports. Which of a machine's addresses clients can reach is
 * for the operator to say. */
static bool add_second_ports(struct turn_options *o)
{
    for (size_t i = 0; i < o->listen_count; i++)
        if (!is_paired(o, &o->listen[i]))
            o->told_count = SIZE_MAX;
    if (o->listen_count == 0 || o->told_count == SIZE_MAX) {
        tool_error(
            "--discovery wants --listen ADDRESS:PORT for two addresses of a family, with the "
            "same port");
        return false;
    }
    o->told_count = o->listen_count;
    for (size_t i = 0; i < o->told_count; i++) {
        o->listen[o->listen_count] = o->listen[i];
        o->listen[o->listen_count++].port++;
    }
    return true;
}

static bool check_options(struct turn_options *o)
{
    if (o->has_port && o->listen_count > 0) {
        tool_error("--port is for every address, --listen for one: they exclude each other");
        return false;
    }
    if (o->stun_only && (o->user_count > 0 || o->config.secret)) {
        tool_error("--stun-only has neither users nor a secret");
        return false;
    }
    if (o->config.old_secret && !o->config.secret) {
        tool_error("--old-secret is for while there is a --secret, too");
        return false;
    }
    return !o->config.discovery || add_second_ports(o);
}

static void make_user(struct turn_options *o)
{
    tool_random_text(o->made_password);
    o->users = tool_alloc(sizeof *o->users);
    o->users[o->user_count++] = (kith_turn_user){.username = "kith", .password = o->made_password};
}

int kith_tool_turn(int argc, char **argv)
{
    static struct turn_options options = {.port = TOOL_TURN_PORT,
                                          .config = KITH_TURN_SERVER_CONFIG_INIT};
    int choice;
    while ((choice = tool_getopt(argc, argv, long_options)) != -1) {
        if (choice == OPTION_HELP) {
            fputs(help, stdout);
            return TOOL_OK;
        }
        if (!take_option(&options, choice))
            return TOOL_USAGE;
    }
    if (optind < argc) {
        tool_error("unexpected argument %s (see kith turn --help)", argv[optind]);
        return TOOL_USAGE;
    }
    if (!check_options(&options))
        return TOOL_USAGE;
    if (!options.stun_only && options.user_count == 0 && !options.config.secret)
        make_user(&options);
    return run(&options);
}
