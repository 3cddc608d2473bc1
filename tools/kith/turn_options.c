/* The options of `kith turn`. */
#include "turn_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SECONDS = 30 * 24 * 3600 };

void turn_options_add(const char ***list, size_t *count, const char *text)
{
    *list = tool_resize(*list, (*count + 2) * sizeof **list);
    (*list)[(*count)++] = text;
    (*list)[*count] = NULL;
}

static const char help[] =
    "Usage: kith turn [OPTION...]\n"
    "A STUN and TURN server on UDP, TCP and TLS, until SIGINT or SIGTERM. When it is ready it\n"
    "prints what clients put into iceServers. Without users and secret it makes one user, whose "
    "password "
    "it prints.\n\n"
    "Options:\n"
    "  --port PORT               listen on this port of every address of this machine (3478)\n"
    "  --listen ADDRESS:PORT     listen there instead; may be repeated; port 0: any free one\n"
    "  --no-tcp                  no TCP without TLS\n"
    "  --cert FILE               certificate with its chain, as PEM, for TLS\n"
    "  --key FILE                its private key; SIGHUP has both read again\n"
    "  --tls-port PORT           of TLS (5349)\n"
    "  --external ADDRESS        how the world sees the address of that family (1:1 NAT)\n"
    "  --relay ADDRESS           relayed addresses are of this one, not of that which a client "
    "asked;\n"
    "                            --external is how the world sees it\n"
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
    "  --metrics [ADDRESS:]PORT  its counters over HTTP, for Prometheus; without address "
    "127.0.0.1\n"
    "  --help                    this text\n"
    "SIGUSR1 prints its counters, as text for Prometheus.\n";

enum {
    OPTION_PORT = 256,
    OPTION_LISTEN,
    OPTION_NO_TCP,
    OPTION_CERT,
    OPTION_KEY,
    OPTION_TLS_PORT,
    OPTION_EXTERNAL,
    OPTION_RELAY,
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
    OPTION_METRICS,
    OPTION_HELP,
};

static const struct option long_options[] = {
    {"port", required_argument, NULL, OPTION_PORT},
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"no-tcp", no_argument, NULL, OPTION_NO_TCP},
    {"cert", required_argument, NULL, OPTION_CERT},
    {"key", required_argument, NULL, OPTION_KEY},
    {"tls-port", required_argument, NULL, OPTION_TLS_PORT},
    {"external", required_argument, NULL, OPTION_EXTERNAL},
    {"relay", required_argument, NULL, OPTION_RELAY},
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
    {"metrics", required_argument, NULL, OPTION_METRICS},
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

/* One of each family. */
static bool set_ip(kith_address addresses[2], const char *option, const char *text)
{
    kith_address address = {0};
    kith_err err = kith_address_parse(&address, text);
    if (err != KITH_OK || address.port != 0 || tool_is_any(&address)) {
        tool_error("%s wants an IP address without port, not \"%s\"", option, text);
        return false;
    }
    kith_address *set = &addresses[address.family == KITH_IPV6];
    if (set->family != 0) {
        tool_error("%s may be given once for IPv4 and once for IPv6", option);
        return false;
    }
    *set = address;
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
    turn_options_add(list, count, text);
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
        return tool_read_port_range(&o->config.port_begin, &o->config.port_end, optarg,
                                    "--port-range");
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
    case OPTION_CERT:
        o->certificate = optarg;
        return true;
    case OPTION_KEY:
        o->private_key = optarg;
        return true;
    case OPTION_TLS_PORT:
        o->has_tls_port = true;
        return tool_read_port(&o->tls_port, optarg, "--tls-port");
    case OPTION_EXTERNAL:
        return set_ip(o->external, "--external", optarg);
    case OPTION_RELAY:
        return set_ip(o->relay, "--relay", optarg);
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
    case OPTION_METRICS:
        return tool_parse_listen(&o->metrics, optarg);
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
    if (!o->certificate != !o->private_key || (o->has_tls_port && !o->certificate)) {
        tool_error("TLS needs both --cert and --key");
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

int turn_options_read(struct turn_options *o, int argc, char **argv)
{
    int choice;
    while ((choice = tool_getopt(argc, argv, long_options)) != -1) {
        if (choice == OPTION_HELP) {
            fputs(help, stdout);
            return TOOL_OK;
        }
        if (!take_option(o, choice))
            return TOOL_USAGE;
    }
    if (optind < argc) {
        tool_error("unexpected argument %s (see kith turn --help)", argv[optind]);
        return TOOL_USAGE;
    }
    if (!check_options(o))
        return TOOL_USAGE;
    if (!o->stun_only && o->user_count == 0 && !o->config.secret)
        make_user(o);
    return -1;
}
