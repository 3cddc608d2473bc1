/* `kith serve`: a web page, a signalling hub and a peer to connect to, in one thread:
 * libwebsockets' poll loop with the peers' loop in it, which has the signals and the terminal. This
 * file decides what a request is for and moves WebSocket messages. */
#include "serve.h"

#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Events handled before WebSockets get their turn. */
enum { EVENTS_AT_ONCE = 256 };

static const char loop_protocol[] = "kith-loop";

/* ---- sessions ---- */

struct ws_outgoing {
    struct ws_outgoing *next;
    size_t len;
    /* LWS_PRE bytes of room, then the text */
    unsigned char data[];
};

void ws_send(ws_session *session, const char *text, size_t len)
{
    if (session->closing)
        return;
    if (session->waiting + len > SERVE_MAX_WAITING) {
        ws_close(session, CLOSE_POLICY, "you do not read what is sent to you");
        return;
    }
    struct ws_outgoing *out = tool_alloc(sizeof *out + LWS_PRE + len);
    memcpy(out->data + LWS_PRE, text, len);
    out->len = len;
    *session->last = out;
    session->last = &out->next;
    session->waiting += len;
    lws_callback_on_writable(session->wsi);
}

void ws_wants_to_write(ws_session *session)
{
    lws_callback_on_writable(session->wsi);
}

void ws_send_json(ws_session *session, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
    if (text)
        ws_send(session, text, strlen(text));
    free(text);
    json_decref(object);
}

void ws_send_welcome(ws_session *session, json_t *welcome)
{
    struct turn *turn = session->serve->turn;
    if (turn)
        json_object_set_new(welcome, "iceServers", turn_ice_servers(turn, &session->host));
    ws_send_json(session, welcome);
}

/* Cut to what a close frame holds, not within a UTF-8 sequence. */
static void set_reason(ws_session *session, const char *reason)
{
    size_t len = strlen(reason);
    if (len > sizeof session->close_reason - 1)
        for (len = sizeof session->close_reason - 1; ((unsigned char)reason[len] & 0xc0) == 0x80;)
            len--;
    memcpy(session->close_reason, reason, len);
    session->close_reason[len] = '\0';
}

void ws_close(ws_session *session, int code, const char *reason)
{
    if (session->closing)
        return;
    session->closing = true;
    session->close_code = code;
    set_reason(session, reason);
    lws_callback_on_writable(session->wsi);
}

static int write_next(ws_session *session)
{
    if (!session->first && !session->closing && session->role->more)
        session->role->more(session);
    struct ws_outgoing *out = session->first;
    if (!out && !session->closing)
        return 0;
    if (!out) {
        lws_close_reason(session->wsi, (enum lws_close_status)session->close_code,
                         (unsigned char *)session->close_reason, strlen(session->close_reason));
        return -1;
    }
    int sent = lws_write(session->wsi, out->data + LWS_PRE, out->len, LWS_WRITE_TEXT);
    session->first = out->next;
    if (!session->first)
        session->last = &session->first;
    session->waiting -= out->len;
    free(out);
    lws_callback_on_writable(session->wsi);
    return sent < 0 ? -1 : 0;
}

static void take_fragment(ws_session *session, const char *data, size_t len)
{
    if (session->closing)
        return;
    if (lws_frame_is_binary(session->wsi)) {
        ws_close(session, CLOSE_UNACCEPTABLE, "only text messages are taken");
        return;
    }
    if (session->message_len + len > SERVE_MAX_MESSAGE) {
        ws_close(session, CLOSE_TOO_BIG, "a message is longer than 256 KiB");
        return;
    }
    session->message = tool_resize(session->message, session->message_len + len + 1);
    memcpy(session->message + session->message_len, data, len);
    session->message_len += len;
    if (!lws_is_final_fragment(session->wsi) || lws_remaining_packet_payload(session->wsi) > 0)
        return;
    size_t whole = session->message_len;
    session->message[whole] = '\0';
    session->message_len = 0;
    session->role->text(session, session->message, whole);
}

static void end_session(ws_session *session)
{
    if (!session->role)
        return;
    session->role->gone(session);
    while (session->first) {
        struct ws_outgoing *out = session->first;
        session->first = out->next;
        free(out);
    }
    free(session->message);
}

/* ---- requests ---- */

static void copy_uri(struct lws *wsi, char *uri, int cap)
{
    if (lws_hdr_copy(wsi, uri, cap, WSI_TOKEN_GET_URI) < 0)
        uri[0] = '\0';
}

/* /peer is the built-in peer or a program; /ws/ROOM, or /ROOM for short, a room of the hub. */
static const struct ws_role *find_role(const struct serve *serve, const char *uri,
                                       const char **room)
{
    static const char prefix[] = "/ws/";
    *room = "";
    if (strcmp(uri, "/peer") == 0)
        return serve->programs ? &program_role : &builtin_role;
    *room = strncmp(uri, prefix, sizeof prefix - 1) == 0 ? uri + sizeof prefix - 1
            : uri[0] == '/'                              ? uri + 1
                                                         : uri;
    return hub_is_room_name(*room) ? &hub_role : NULL;
}

/* Refusals before the upgrade are plain HTTP; 1 ends the request with them. */
static int confirm_upgrade(const struct serve *serve, struct lws *wsi)
{
    char uri[256];
    const char *room;
    copy_uri(wsi, uri, sizeof uri);
    if (!http_is_local_host(wsi) || !http_is_own_origin(wsi))
        return http_refuse(wsi, HTTP_STATUS_FORBIDDEN, "pages of another origin are not served") < 0
                   ? -1
                   : 1;
    if (!find_role(serve, uri, &room))
        return http_refuse(wsi, HTTP_STATUS_NOT_FOUND,
                           "rooms are at /ws/NAME, with 1 to 64 letters, digits, - or _") < 0
                   ? -1
                   : 1;
    return 0;
}

/* ?many */
static bool has_argument(struct lws *wsi, const char *argument)
{
    char text[16];
    for (int i = 0; lws_hdr_copy_fragment(wsi, text, sizeof text, WSI_TOKEN_HTTP_URI_ARGS, i) >= 0;
         i++)
        if (strcmp(text, argument) == 0)
            return true;
    return false;
}

/* 32 characters, as tool_random_text makes them, at the beginning of a text. */
static bool copy_word(char word[TOOL_RANDOM_TEXT], const char *text)
{
    size_t len = TOOL_RANDOM_TEXT - 1;
    if (strspn(text, "0123456789abcdef") != len)
        return false;
    memcpy(word, text, len);
    word[len] = '\0';
    return true;
}

/* SEAT.N: so many texts have been read in that seat, after the welcome. */
static void parse_seat(ws_session *session, const char *text)
{
    char seat[TOOL_RANDOM_TEXT], *end = NULL;
    if (!copy_word(seat, text) || text[sizeof seat - 1] != '.')
        return;
    errno = 0;
    session->taken = strtoull(text + sizeof seat, &end, 10);
    if (end != text + sizeof seat && errno == 0 && session->taken < UINT64_MAX)
        memcpy(session->seat, seat, sizeof seat);
}

/* Sec-WebSocket-Protocol: kith, epoch.E, seat.SEAT.N. A browser can set no other header, and a URL
 * would be logged. */
static void parse_protocols(ws_session *session)
{
    char text[256], *rest = text;
    if (lws_hdr_copy(session->wsi, text, sizeof text, WSI_TOKEN_PROTOCOL) <= 0)
        return;
    for (char *word; (word = strtok_r(rest, ", ", &rest));) {
        if (strncmp(word, "epoch.", 6) == 0)
            (void)copy_word(session->epoch, word + 6);
        else if (strncmp(word, "seat.", 5) == 0)
            parse_seat(session, word + 5);
    }
}

static void begin_session(struct serve *serve, ws_session *session, struct lws *wsi)
{
    char uri[256];
    const char *room;
    copy_uri(wsi, uri, sizeof uri);
    *session = (ws_session){.serve = serve, .wsi = wsi};
    session->last = &session->first;
    (void)http_read_host(wsi, &session->host);
    session->role = find_role(serve, uri, &room);
    memcpy(session->room, room, strlen(room));
    session->is_of_many = has_argument(wsi, "many");
    parse_protocols(session);
}

static int on_web(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t len)
{
    struct serve *serve = lws_context_user(lws_get_context(wsi));
    ws_session *session = user;
    switch ((int)reason) {
    case LWS_CALLBACK_HTTP:
        return http_serve_page(wsi, in);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return http_write_body(wsi);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return confirm_upgrade(serve, wsi);
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        begin_session(serve, session, wsi);
        return session->role ? 0 : -1;
    case LWS_CALLBACK_ESTABLISHED:
        session->role->opened(session);
        return 0;
    case LWS_CALLBACK_RECEIVE:
        take_fragment(session, in, len);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return write_next(session);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        session->took_leave = true;
        return 0;
    case LWS_CALLBACK_CLOSED:
        end_session(session);
        return 0;
    default:
        return lws_callback_http_dummy(wsi, reason, user, in, len);
    }
}

/* ---- the peers' loop, signals, the terminal ---- */

static void on_timer(kith_loop *loop, kith_watch *watch, unsigned ready, void *user)
{
    struct serve *serve = user;
    (void)loop;
    (void)watch;
    (void)ready;
    builtin_tick(serve->builtin, kith_clock_now());
}

/* What is left to do is done in libwebsockets' next turn. */
static void run_loop(struct serve *serve)
{
    const kith_event *ev = NULL;
    for (int i = 0; i < EVENTS_AT_ONCE && (ev = kith_loop_wait(serve->loop, 0)); i++)
        builtin_event(serve->builtin, ev);
    if (ev)
        lws_cancel_service(serve->context);
    kith_watch_set(serve->timer, 0, builtin_deadline(serve->builtin));
}

/* The loop's descriptor, in libwebsockets' loop. */
static int on_loop(struct lws *wsi, enum lws_callback_reasons reason, void *session, void *in,
                   size_t len)
{
    (void)session;
    (void)in;
    (void)len;
    if ((int)reason == LWS_CALLBACK_RAW_RX_FILE || (int)reason == LWS_CALLBACK_EVENT_WAIT_CANCELLED)
        run_loop(lws_context_user(lws_get_context(wsi)));
    return 0;
}

static void on_signal(kith_loop *loop, kith_watch *watch, unsigned ready, void *user)
{
    struct serve *serve = user;
    (void)loop;
    (void)ready;
    serve->done = true;
    kith_watch_set(watch, 0, KITH_NEVER);
    lws_cancel_service(serve->context);
}

static void on_typed_line(void *user, const char *text, size_t len, unsigned long number)
{
    struct serve *serve = user;
    (void)number;
    if (len > 0)
        builtin_say(serve->builtin, text, len);
}

static void on_typed_end(void *user, const char *words)
{
    (void)user;
    (void)words;
}

static bool watch(struct serve *serve)
{
    sigset_t set;
    kith_watch *signals;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    serve->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (kith_loop_watch(&signals, serve->loop, serve->signal_fd, on_signal, serve) != KITH_OK ||
        kith_loop_watch(&serve->timer, serve->loop, -1, on_timer, serve) != KITH_OK)
        return false;
    kith_watch_set(signals, KITH_READ, KITH_NEVER);
    return true;
}

/* ---- set-up ---- */

struct serve_options {
    kith_address listen;
    struct tool_ice_servers ice_servers;
    const char *media[SERVE_MAX_MEDIA];
    size_t media_count;
    bool turn;
    uint16_t turn_port;
    /* of a TURN server elsewhere; NULL: none */
    const char *turn_secret_file;
    const char *turn_urls[SERVE_MAX_TURN_URLS];
    size_t turn_url_count;
    /* 0: no TCP listener for peers */
    uint16_t tcp_port;
    struct tool_externals externals;
    /* and its arguments; NULL: none */
    char **program;
};

static bool set_up_peers(struct serve *serve, const struct serve_options *options)
{
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.loopback = tool_is_loopback(&options->listen); /* the browser is on this machine */
    config.tcp_port = options->tcp_port;
    tool_set_externals(&config, &options->externals);
    config.tls_roots = options->ice_servers.tls_roots;
    kith_err err = kith_loop_new(&serve->loop, &config);
    if (err != KITH_OK) {
        tool_kith_error("cannot start the peers' loop", err);
        return false;
    }
    if (options->turn && !(serve->turn = turn_new(serve->loop, options->turn_port)))
        return false;
    if (options->turn_secret_file &&
        !(serve->turn = turn_elsewhere(options->turn_urls, options->turn_url_count,
                                       options->turn_secret_file)))
        return false;
    struct builtin_config builtin = {.loop = serve->loop,
                                     .ice_servers = &options->ice_servers,
                                     .media_count = options->media_count};
    memcpy(builtin.media, options->media, sizeof builtin.media);
    serve->builtin = builtin_new(&builtin);
    serve->hub = hub_new(serve->loop);
    if (options->program)
        serve->programs = programs_new(serve->loop, options->program);
    return serve->builtin && serve->hub && watch(serve);
}

/* Pings find WebSockets whose other end is gone. */
static const lws_retry_bo_t keep_alive = {
    .secs_since_valid_ping = 30,
    .secs_since_valid_hangup = 60,
};

static struct lws_vhost *listen_on(struct serve *serve, const kith_address *listen)
{
    char iface[KITH_ADDRESS_TEXT];
    kith_address ip = *listen;
    ip.port = 0;
    kith_address_format(&ip, iface, sizeof iface);
    struct lws_context_creation_info info = {
        .port = listen->port,
        .iface = tool_is_any(listen) ? NULL : iface,
        .protocols = serve->protocols,
        .user = serve,
        .gid = -1,
        .uid = -1,
        .keepalive_timeout = 30,
        .retry_and_idle_policy = &keep_alive,
        .server_string = "kith",
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND |
                   (listen->family == KITH_IPV4 ? LWS_SERVER_OPTION_DISABLE_IPV6 : 0),
    };
    serve->context = lws_create_context(&info);
    return serve->context ? lws_create_vhost(serve->context, &info) : NULL;
}

static bool set_up_web(struct serve *serve, const kith_address *listen)
{
    lws_set_log_level(0, NULL);
    serve->protocols[0] = (struct lws_protocols){
        .name = "kith",
        .callback = on_web,
        .per_session_data_size = sizeof(ws_session),
        .rx_buffer_size = 65536,
    };
    serve->protocols[1] = (struct lws_protocols){.name = loop_protocol, .callback = on_loop};
    struct lws_vhost *vhost = listen_on(serve, listen);
    char text[KITH_ADDRESS_TEXT];
    if (!vhost) {
        tool_error("cannot listen on %s (is the port in use, or the address not of this machine?)",
                   kith_address_format(listen, text, sizeof text));
        return false;
    }
    /* The library closes what it adopted. */
    lws_sock_file_fd_type fd = {.filefd = fcntl(kith_loop_fd(serve->loop), F_DUPFD_CLOEXEC, 0)};
    if (fd.filefd < 0 ||
        !lws_adopt_descriptor_vhost(vhost, LWS_ADOPT_RAW_FILE_DESC, fd, loop_protocol, NULL)) {
        tool_error("cannot put the peers' loop into libwebsockets");
        return false;
    }
    kith_address bound = *listen;
    bound.port = (uint16_t)lws_get_vhost_listen_port(vhost);
    printf("kith serve: open http://%s/\n", kith_address_format(&bound, text, sizeof text));
    fflush(stdout);
    return true;
}

static void tear_down(struct serve *serve)
{
    if (serve->context)
        lws_context_destroy(serve->context); /* ends every session and so every page's peer */
    programs_free(serve->programs);
    serve->programs = NULL;
    hub_free(serve->hub);
    builtin_free(serve->builtin);
    kith_loop_free(serve->loop);
    turn_free(serve->turn);
}

static int run(const struct serve_options *options)
{
    struct serve serve = {.signal_fd = -1};
    lines_reader *terminal = NULL;
    bool ready = set_up_peers(&serve, options) && set_up_web(&serve, &options->listen);
    if (ready && !serve.programs && isatty(STDIN_FILENO)) {
        fputs("What you type here goes to every open page; Ctrl-C ends.\n", stdout);
        fflush(stdout);
        terminal = lines_reader_new(serve.loop, STDIN_FILENO, on_typed_line, on_typed_end, &serve);
    }
    while (ready && !serve.done) {
        lws_service(serve.context, 0);
        kith_watch_set(serve.timer, 0, builtin_deadline(serve.builtin));
    }
    lines_reader_free(terminal);
    tear_down(&serve);
    if (serve.signal_fd >= 0)
        close(serve.signal_fd);
    return ready ? TOOL_OK : TOOL_FAILED;
}

/* ---- options ---- */

static const char help[] =
    "Usage: kith serve [OPTION...] [-- PROGRAM [ARGUMENT...]]\n"
    "Serves a page that connects a browser to a peer in this program, and a signalling hub.\n"
    "With PROGRAM, which is started for every page, the page connects to that: it gives and takes\n"
    "descriptions and candidates as lines of JSON on standard output and input.\n"
    "  http://HOST/             the page\n"
    "  http://HOST/?room=NAME   the page, to meet another page or a program in a room\n"
    "  http://HOST/?relay       the page, connected through the TURN server alone\n"
    "  ws://HOST/ws/NAME        a room of the hub, for two; kith peer --signal takes this URL\n"
    "  ws://HOST/peer           signalling with the peer in this program or with PROGRAM\n\n"
    "Options:\n"
    "  --listen [ADDRESS:]PORT\n"
    "                         where to listen (127.0.0.1:8080); without address 127.0.0.1;\n"
    "                         port 0: any free one\n"
    "  --port PORT            the port alone\n"
    "  --ice-server URL       stun:HOST[:PORT], turn:USERNAME:PASSWORD@HOST[:PORT], the same with\n"
    "                         ?transport=tcp, or turns:... by TLS, for the peer in this program;\n"
    "                         may be repeated\n"
    "  --tls-roots FILE       " TOOL_TLS_ROOTS_HELP "\n"
    "  --turn                 a TURN server, which pages are told of, on UDP and TCP port 3478 of\n"
    "                         every address of this machine\n"
    "  --turn-port PORT       the same on another port; 0: any free one\n"
    "  --turn-url URL         turn:HOST[:PORT][?transport=udp|tcp] or turns:…, of a TURN server\n"
    "                         elsewhere that members of rooms and pages are told of; may be\n"
    "                         repeated\n"
    "  --turn-secret-file FILE\n"
    "                         the secret that it has for time-limited credentials, in the file's\n"
    "                         first line\n"
    "  --tcp-port PORT        the peer in this program accepts TCP too, for pages that no UDP\n"
    "                         leaves\n"
    "  --external ADDRESS[/LOCAL]\n"
    "                         how the world sees the addresses of this machine, or that one (1:1\n"
    "                         NAT): the page tries them too; may be repeated\n"
    "  --media FILE           what the page can have played: VP8 in IVF, H.264 as a stream, Opus "
    "in\n"
    "                         Ogg, G.711 in WAV; may be repeated\n"
    "                         (--ice-server, --turn, --tcp-port, --external and --media are "
    "not\n"
    "                         for a PROGRAM)\n"
    "  --verbose              kith's log on standard error\n"
    "  --help                 this text\n";

enum {
    OPTION_LISTEN = 256,
    OPTION_PORT,
    OPTION_ICE_SERVER,
    OPTION_TLS_ROOTS,
    OPTION_TURN,
    OPTION_TURN_PORT,
    OPTION_TURN_URL,
    OPTION_TURN_SECRET_FILE,
    OPTION_TCP_PORT,
    OPTION_EXTERNAL,
    OPTION_MEDIA,
    OPTION_VERBOSE,
    OPTION_HELP
};

static const struct option long_options[] = {
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"port", required_argument, NULL, OPTION_PORT},
    {"ice-server", required_argument, NULL, OPTION_ICE_SERVER},
    {"tls-roots", required_argument, NULL, OPTION_TLS_ROOTS},
    {"turn", no_argument, NULL, OPTION_TURN},
    {"turn-port", required_argument, NULL, OPTION_TURN_PORT},
    {"turn-url", required_argument, NULL, OPTION_TURN_URL},
    {"turn-secret-file", required_argument, NULL, OPTION_TURN_SECRET_FILE},
    {"tcp-port", required_argument, NULL, OPTION_TCP_PORT},
    {"external", required_argument, NULL, OPTION_EXTERNAL},
    {"media", required_argument, NULL, OPTION_MEDIA},
    {"verbose", no_argument, NULL, OPTION_VERBOSE},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static bool add_turn_url(struct serve_options *options, const char *url)
{
    bool is_turn = strncmp(url, "turn:", 5) == 0 || strncmp(url, "turns:", 6) == 0;
    bool has_room = options->turn_url_count < SERVE_MAX_TURN_URLS;
    if (!is_turn || strchr(url, '@'))
        tool_error("--turn-url %s is not turn:HOST or turns:HOST", url);
    else if (!has_room)
        tool_error("at most %d times --turn-url", SERVE_MAX_TURN_URLS);
    else
        options->turn_urls[options->turn_url_count++] = url;
    return is_turn && has_room && !strchr(url, '@');
}

static bool take_option(struct serve_options *options, int choice)
{
    switch (choice) {
    case OPTION_LISTEN:
        return tool_parse_listen(&options->listen, optarg);
    case OPTION_PORT:
        return tool_read_port(&options->listen.port, optarg, "--port");
    case OPTION_ICE_SERVER:
        return tool_add_ice_server(&options->ice_servers, optarg, "--ice-server: ");
    case OPTION_TLS_ROOTS:
        return tool_read_tls_roots(&options->ice_servers, optarg);
    case OPTION_TURN:
        options->turn = true;
        return true;
    case OPTION_TURN_PORT:
        options->turn = true;
        return tool_read_port(&options->turn_port, optarg, "--turn-port");
    case OPTION_TURN_URL:
        return add_turn_url(options, optarg);
    case OPTION_TURN_SECRET_FILE:
        options->turn_secret_file = optarg;
        return true;
    case OPTION_TCP_PORT:
        return tool_read_port(&options->tcp_port, optarg, "--tcp-port");
    case OPTION_EXTERNAL:
        return tool_add_external(&options->externals, optarg);
    case OPTION_MEDIA:
        if (options->media_count == SERVE_MAX_MEDIA) {
            tool_error("at most %d times --media", SERVE_MAX_MEDIA);
            return false;
        }
        options->media[options->media_count++] = optarg;
        return true;
    case OPTION_VERBOSE:
        tool_log_to_stderr();
        return true;
    default:
        return false;
    }
}

int kith_tool_serve(int argc, char **argv)
{
    struct serve_options options = {
        .listen = {.family = KITH_IPV4, .port = 8080, .ip = {127, 0, 0, 1}},
        .turn_port = TOOL_TURN_PORT};
    int choice;
    while ((choice = tool_getopt(argc, argv, long_options)) != -1) {
        if (choice == OPTION_HELP) {
            fputs(help, stdout);
            return TOOL_OK;
        }
        if (!take_option(&options, choice))
            return TOOL_USAGE;
    }
    if (optind < argc && strcmp(argv[optind - 1], "--") == 0)
        options.program = argv + optind;
    if (options.program && (options.media_count > 0 || options.ice_servers.count > 0 ||
                            options.turn || options.tcp_port != 0 || options.externals.count > 0)) {
        tool_error("--media, --ice-server, --turn, --tcp-port and --external are for the peer in "
                   "kith serve, "
                   "not for a program");
        return TOOL_USAGE;
    }
    if (!options.turn_secret_file != (options.turn_url_count == 0) ||
        (options.turn && options.turn_secret_file)) {
        tool_error(options.turn ? "--turn and --turn-url exclude each other"
                                : "--turn-url and --turn-secret-file belong together");
        return TOOL_USAGE;
    }
    if (optind < argc && !options.program) {
        tool_error("unexpected argument %s (see kith serve --help)", argv[optind]);
        return TOOL_USAGE;
    }
    return run(&options);
}
