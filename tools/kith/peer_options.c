/* The options of `kith peer`. */
#include "peer.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* kith_pc_config's max_channels is 256 unless it is set. */
enum { MAX_ID = 255 };

static const char help[] =
    "Usage: kith peer offer|answer [OPTION...]\n"
    "One peer connection. JSON objects, one a line, come and go on standard input and output:\n"
    "  {\"type\":\"offer\"|\"answer\",\"sdp\":…}   descriptions, both ways\n"
    "  {\"candidate\":…,\"sdpMid\":…,…}         candidates, both ways; an empty one is the last\n"
    "  {\"text\":…} {\"binary\":BASE64}         messages: in to send, out as received\n"
    "  {\"state\":…}                          out: the connection's state\n"
    "  {\"channel\":LABEL,\"open\":true|false}  out: a channel opened or closed\n"
    "  {\"room\":NAME,\"present\":true|false}  out: in a room; whether somebody else is, too\n"
    "  {\"sent\":NAME,…} {\"received\":NAME,…}  out: a file, and whether it arrived whole\n"
    "  {\"recording\":PATH,…} {\"recorded\":PATH,…}  out: a file of --record begins; is done\n"
    "  {\"close\":LABEL}                      in: close a channel\n"
    "  {\"restart\":true}                     in: restart ICE\n"
    "The end of standard input closes gracefully. Status 0 after a clean close.\n\n"
    "Options:\n"
    "  --echo                    return every message as it came\n"
    "  --no-trickle              one complete description, no candidates\n"
    "  --label L                 label of the channel to open (the offerer's default: kith)\n"
    "  --unordered               messages may overtake each other\n"
    "  --max-retransmits N       give a message up after N retransmissions\n"
    "  --max-packet-life-time MS give a message up after MS milliseconds\n"
    "  --negotiated ID           both sides open the channel with this id, 0 to 255\n"
    "  --send-file FILE          send a file over the first channel that opens\n"
    "  --receive-dir DIR         keep files that are sent to us there\n"
    "  --media FILE              send this file as audio or video: VP8 in IVF, H.264 as a stream\n"
    "                            (.h264), Opus in Ogg, G.711 in WAV; may be repeated\n"
    "  --once                    end when the longest --media has been sent, else they begin "
    "again\n"
    "  --record DIR              write audio and video that come into files there\n"
    "  --ice-server URL          stun:HOST[:PORT], turn:USERNAME:PASSWORD@HOST[:PORT], the same\n"
    "                            with ?transport=tcp, or turns:... by TLS; may be repeated\n"
    "  --tls-roots FILE          " TOOL_TLS_ROOTS_HELP "\n"
    "  --relay                   be reached through TURN servers alone\n"
    "  --max-bundle              offer all sections but the first for one transport or not at all\n"
    "  --signal stdio|ws://HOST/ROOM|wss://HOST/ROOM\n"
    "                            where descriptions and candidates travel (stdio)\n"
    "  --ca FILE                 PEM of who may vouch for a wss server (whom the system trusts)\n"
    "  --port PORT               the UDP port to use (any free one)\n"
    "  --tcp-port PORT           accept TCP too, for peers that no UDP reaches\n"
    "  --port-range BEGIN-END    the UDP ports to use where --port is not given\n"
    "  --external ADDRESS[/LOCAL]\n"
    "                            how the world sees the addresses of this machine, or that one\n"
    "                            (1:1 NAT); may be repeated\n"
    "  --external-only           do not tell the addresses behind it\n"
    "  --ip-handling all|default-route|default-route-only\n"
    "                            which addresses the other side learns of (all); the last: none\n"
    "                            but those that servers see\n"
    "  --loopback                use loopback addresses too\n"
    "  --quiet                   do not print messages\n"
    "  --verbose                 kith's log on standard error\n"
    "  --help                    this text\n";

enum {
    OPTION_ECHO = 256,
    OPTION_NO_TRICKLE,
    OPTION_LABEL,
    OPTION_UNORDERED,
    OPTION_MAX_RETRANSMITS,
    OPTION_MAX_PACKET_LIFE_TIME,
    OPTION_NEGOTIATED,
    OPTION_SEND_FILE,
    OPTION_RECEIVE_DIR,
    OPTION_MEDIA,
    OPTION_ONCE,
    OPTION_RECORD,
    OPTION_ICE_SERVER,
    OPTION_TLS_ROOTS,
    OPTION_RELAY,
    OPTION_MAX_BUNDLE,
    OPTION_SIGNAL,
    OPTION_CA,
    OPTION_PORT,
    OPTION_TCP_PORT,
    OPTION_PORT_RANGE,
    OPTION_EXTERNAL,
    OPTION_EXTERNAL_ONLY,
    OPTION_IP_HANDLING,
    OPTION_LOOPBACK,
    OPTION_QUIET,
    OPTION_VERBOSE,
    OPTION_HELP,
};

static const struct option long_options[] = {
    {"echo", no_argument, NULL, OPTION_ECHO},
    {"no-trickle", no_argument, NULL, OPTION_NO_TRICKLE},
    {"label", required_argument, NULL, OPTION_LABEL},
    {"unordered", no_argument, NULL, OPTION_UNORDERED},
    {"max-retransmits", required_argument, NULL, OPTION_MAX_RETRANSMITS},
    {"max-packet-life-time", required_argument, NULL, OPTION_MAX_PACKET_LIFE_TIME},
    {"negotiated", required_argument, NULL, OPTION_NEGOTIATED},
    {"send-file", required_argument, NULL, OPTION_SEND_FILE},
    {"receive-dir", required_argument, NULL, OPTION_RECEIVE_DIR},
    {"media", required_argument, NULL, OPTION_MEDIA},
    {"once", no_argument, NULL, OPTION_ONCE},
    {"record", required_argument, NULL, OPTION_RECORD},
    {"ice-server", required_argument, NULL, OPTION_ICE_SERVER},
    {"tls-roots", required_argument, NULL, OPTION_TLS_ROOTS},
    {"relay", no_argument, NULL, OPTION_RELAY},
    {"max-bundle", no_argument, NULL, OPTION_MAX_BUNDLE},
    {"signal", required_argument, NULL, OPTION_SIGNAL},
    {"ca", required_argument, NULL, OPTION_CA},
    {"port", required_argument, NULL, OPTION_PORT},
    {"tcp-port", required_argument, NULL, OPTION_TCP_PORT},
    {"port-range", required_argument, NULL, OPTION_PORT_RANGE},
    {"external", required_argument, NULL, OPTION_EXTERNAL},
    {"external-only", no_argument, NULL, OPTION_EXTERNAL_ONLY},
    {"ip-handling", required_argument, NULL, OPTION_IP_HANDLING},
    {"loopback", no_argument, NULL, OPTION_LOOPBACK},
    {"quiet", no_argument, NULL, OPTION_QUIET},
    {"verbose", no_argument, NULL, OPTION_VERBOSE},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static bool read_int(int *out, const char *option, long max)
{
    long value = 0;
    if (!tool_read_number(&value, optarg, option, 0, max))
        return false;
    *out = (int)value;
    return true;
}

static bool is_directory(const char *option, const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode) && access(path, W_OK) == 0)
        return true;
    tool_error("%s %s is not a directory that can be written", option, path);
    return false;
}

static bool add_media(struct peer_options *o, const char *path)
{
    if (o->media_count == PEER_MAX_MEDIA) {
        tool_error("at most %d times --media", PEER_MAX_MEDIA);
        return false;
    }
    o->media[o->media_count++] = path;
    return true;
}

static bool set_ip_handling(struct peer_options *o, const char *text)
{
    static const char *const modes[] = {
        [KITH_IP_HANDLING_ALL] = "all",
        [KITH_IP_HANDLING_DEFAULT_ROUTE] = "default-route",
        [KITH_IP_HANDLING_DEFAULT_ROUTE_ONLY] = "default-route-only",
    };
    for (uint8_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        if (strcmp(text, modes[i]) == 0) {
            o->ip_handling = i;
            return true;
        }
    tool_error("--ip-handling is all, default-route or default-route-only, not \"%s\"", text);
    return false;
}

/* Those of the network; false after explaining what is wrong, or for none of them. */
static bool take_network_option(struct peer_options *o, int choice)
{
    switch (choice) {
    case OPTION_PORT:
        return tool_read_port(&o->port, optarg, "--port");
    case OPTION_TCP_PORT:
        return tool_read_port(&o->tcp_port, optarg, "--tcp-port");
    case OPTION_PORT_RANGE:
        return tool_read_port_range(&o->port_begin, &o->port_end, optarg, "--port-range");
    case OPTION_EXTERNAL:
        return tool_add_external(&o->externals, optarg);
    case OPTION_EXTERNAL_ONLY:
        o->externals.only = true;
        return true;
    case OPTION_IP_HANDLING:
        return set_ip_handling(o, optarg);
    default:
        return false;
    }
}

/* One option; false after explaining what is wrong with it. */
static bool take_option(struct peer_options *o, int choice)
{
    switch (choice) {
    case OPTION_ECHO:
        o->echo = true;
        return true;
    case OPTION_RELAY:
        o->relay = true;
        return true;
    case OPTION_MAX_BUNDLE:
        o->max_bundle = true;
        return true;
    case OPTION_NO_TRICKLE:
        o->no_trickle = true;
        return true;
    case OPTION_LABEL:
        o->label = optarg;
        return true;
    case OPTION_UNORDERED:
        o->init.unordered = true;
        return true;
    case OPTION_MAX_RETRANSMITS:
        return read_int(&o->init.max_retransmits, "--max-retransmits", UINT16_MAX);
    case OPTION_MAX_PACKET_LIFE_TIME:
        return read_int(&o->init.max_packet_life_time, "--max-packet-life-time", UINT16_MAX);
    case OPTION_NEGOTIATED:
        o->init.negotiated = true;
        return read_int(&o->init.id, "--negotiated", MAX_ID);
    case OPTION_SEND_FILE:
        o->send_file = optarg;
        return true;
    case OPTION_RECEIVE_DIR:
        o->receive_dir = optarg;
        return is_directory("--receive-dir", optarg);
    case OPTION_MEDIA:
        return add_media(o, optarg);
    case OPTION_ONCE:
        o->once = true;
        return true;
    case OPTION_RECORD:
        o->record = optarg;
        return is_directory("--record", optarg);
    case OPTION_ICE_SERVER:
        return tool_add_ice_server(&o->ice_servers, optarg, "--ice-server: ");
    case OPTION_TLS_ROOTS:
        return tool_read_tls_roots(&o->ice_servers, optarg);
    case OPTION_SIGNAL:
        o->signal = strcmp(optarg, "stdio") == 0 ? NULL : optarg;
        return true;
    case OPTION_CA:
        o->ca_file = optarg;
        return true;
    case OPTION_LOOPBACK:
        o->loopback = true;
        return true;
    case OPTION_QUIET:
        o->quiet = true;
        return true;
    case OPTION_VERBOSE:
        tool_log_to_stderr();
        return true;
    default:
        return take_network_option(o, choice);
    }
}

static bool check_options(const struct peer_options *o)
{
    if (o->relay && !tool_has_turn_server(&o->ice_servers)) {
        tool_error("--relay needs a TURN server: --ice-server " TOOL_TURN_URL);
        return false;
    }
    if (o->init.max_retransmits >= 0 && o->init.max_packet_life_time >= 0) {
        tool_error("--max-retransmits and --max-packet-life-time exclude each other");
        return false;
    }
    bool unreliable = o->init.max_retransmits >= 0 || o->init.max_packet_life_time >= 0;
    if (o->send_file && (o->init.unordered || unreliable)) {
        tool_error("--send-file needs an ordered, reliable channel");
        return false;
    }
    if (o->once && o->media_count == 0) {
        tool_error("--once is about --media, which is not there");
        return false;
    }
    return true;
}

int kith_tool_peer(int argc, char **argv)
{
    struct peer_options options = {.init = KITH_DC_INIT};
    int choice;
    while ((choice = tool_getopt(argc, argv, long_options)) != -1) {
        if (choice == OPTION_HELP) {
            fputs(help, stdout);
            return TOOL_OK;
        }
        if (!take_option(&options, choice))
            return TOOL_USAGE;
    }
    const char *role = optind < argc ? argv[optind] : "";
    options.is_offerer = strcmp(role, "offer") == 0;
    if ((!options.is_offerer && strcmp(role, "answer") != 0) || optind + 1 < argc) {
        tool_error("say offer or answer, and nothing else (see kith peer --help)");
        return TOOL_USAGE;
    }
    return check_options(&options) ? peer_run(&options) : TOOL_USAGE;
}
