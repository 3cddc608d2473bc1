/* The peer inside `kith serve`: every page that opens a WebSocket at /peer gets a peer connection
 * of its own on the one loop. The page offers; what a channel does depends on its label:
 *   chat   a few commands, else an echo with a greeting; lines typed at the terminal come in here
 *   ping   every message comes back as it is
 *   file   files to us (hashed, not kept) and, asked for with {"get":BYTES}, from us; protocol:
 *          file_transfer.h
 *   speed  {"download":MS} makes us send for that long, then {"sent":BYTES}; {"upload":"begin"},
 *          binary messages and {"upload":"end"} are answered with {"uploaded":BYTES,"seconds":S}
 * Any other channel is an echo, and so is every camera and microphone. What our side goes through
 * is told over the WebSocket:
 *   {"kith":"state","name":W3C_ATTRIBUTE,"value":VALUE} and {"kith":"failed","why":TEXT}
 * First of all comes {"kith":"welcome","files":N}. Where there are files, {"kith":"play"} has them
 * offered, {"kith":"stop"} ends that, when the page has stopped their transceivers. Of two offers
 * that cross ours stands (webrtc-pc section 10.7: the page is polite). */
#include "file_transfer.h"
#include "media_player.h"
#include "serve.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAX_GENERATED ((json_int_t)256 * 1024 * 1024)
#define MAX_DOWNLOAD  KITH_SECONDS(30)

enum { MAX_CHANNELS_OF_A_PAGE = 16 };

struct page;

struct channel {
    struct channel *next;
    struct page *page;
    kith_dc *dc;
    const struct behaviour *behaviour;
    file_sender *sender;
    file_receiver *receiver;
    /* 0: none */
    kith_time download_until, upload_began;
    size_t download_chunk;
    uint64_t downloaded, uploaded;
    /* {"sent":…} is due */
    bool reports_download;
};

/* What a channel of a label does. */
struct behaviour {
    const char *label;
    void (*opened)(struct channel *channel);
    void (*message)(struct channel *channel, const kith_message *message);
    void (*writable)(struct channel *channel);
};

struct page {
    struct page *next;
    struct builtin *owner;
    ws_session *session;
    kith_pc *pc;
    kith_negotiator *negotiator;
    struct channel *channels;
    int channel_count;
    unsigned number;
    /* NULL: nothing is played to it */
    media_player *player;
};

struct builtin {
    struct builtin_config config;
    struct page *pages;
    unsigned page_count, pages_ever;
};

/* ---- helpers ---- */

/* A channel whose reader is gone or too slow loses replies rather than holding us. */
static void say(struct channel *channel, const char *text)
{
    kith_err err = kith_dc_send_text(channel->dc, text, strlen(text));
    (void)err;
}

static void say_json(struct channel *channel, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    if (text)
        say(channel, text);
    free(text);
    json_decref(object);
}

/* ---- echo and ping ---- */

static void do_nothing(struct channel *channel)
{
    (void)channel;
}

static void echo(struct channel *channel, const kith_message *message)
{
    kith_err err = message->is_text ? kith_dc_send_text(channel->dc, message->data, message->len)
                                    : kith_dc_send(channel->dc, message->data, message->len);
    if (err == KITH_ERR_AGAIN) /* 16 MiB of echoes unread */
        kith_dc_close(channel->dc);
}

/* ---- chat ---- */

static void greet(struct channel *channel)
{
    char text[160];
    snprintf(text, sizeof text,
             "Hello from a C program: kith %s. You are visitor %u. Say \"help\" for what I know.",
             kith_version(), channel->page->number);
    say(channel, text);
}

static void say_help(struct channel *channel)
{
    say(channel, "I know: help, who, path, version. Everything else I say back to you.");
}

static void say_who(struct channel *channel)
{
    char text[96];
    snprintf(text, sizeof text, "%u page%s connected, %u since I was started.",
             channel->page->owner->page_count, channel->page->owner->page_count == 1 ? "" : "s",
             channel->page->owner->pages_ever);
    say(channel, text);
}

static void say_version(struct channel *channel)
{
    char text[64];
    snprintf(text, sizeof text, "kith %s", kith_version());
    say(channel, text);
}

static const kith_stats *selected_pair(const kith_stats_report *report)
{
    for (size_t i = 0; i < kith_stats_report_size(report); i++) {
        const kith_stats *stats = kith_stats_report_at(report, i);
        if (stats->type == KITH_STATS_TRANSPORT && stats->transport.selected_candidate_pair_id)
            return kith_stats_report_get(report, stats->transport.selected_candidate_pair_id);
    }
    return NULL;
}

/* "host 192.0.2.1:5000", "prflx [2001:db8::1]:5000" */
static void format_candidate(const kith_candidate_stats *candidate, char *text, size_t cap)
{
    bool is_ipv6 = strchr(candidate->address, ':') && candidate->address[0] != '[';
    snprintf(text, cap, "%s candidate %s%s%s:%u", candidate->candidate_type, is_ipv6 ? "[" : "",
             candidate->address, is_ipv6 ? "]" : "", candidate->port);
}

static void format_path(const kith_stats_report *report, char *text, size_t cap)
{
    const kith_stats *pair = selected_pair(report);
    const kith_stats *local =
        pair ? kith_stats_report_get(report, pair->candidate_pair.local_candidate_id) : NULL;
    const kith_stats *remote =
        pair ? kith_stats_report_get(report, pair->candidate_pair.remote_candidate_id) : NULL;
    if (!local || !remote) {
        snprintf(text, cap, "I do not know which pair was chosen.");
        return;
    }
    char ours[128], yours[128];
    format_candidate(&local->candidate, ours, sizeof ours);
    format_candidate(&remote->candidate, yours, sizeof yours);
    snprintf(text, cap, "My %s talks to your %s; %.2f ms away.", ours, yours,
             pair->candidate_pair.current_round_trip_time * 1000);
}

static void say_path(struct channel *channel)
{
    char text[320];
    kith_stats_report *report = NULL;
    if (kith_pc_get_stats(channel->page->pc, &report) != KITH_OK)
        return;
    format_path(report, text, sizeof text);
    kith_stats_report_free(report);
    say(channel, text);
}

static const struct {
    const char *word;
    void (*answer)(struct channel *channel);
} chat_commands[] = {
    {"help", say_help},
    {"who", say_who},
    {"path", say_path},
    {"version", say_version},
};

static void chat(struct channel *channel, const kith_message *message)
{
    if (!message->is_text)
        return;
    for (size_t i = 0; i < sizeof chat_commands / sizeof *chat_commands; i++) {
        if (strcmp(chat_commands[i].word, message->data) == 0) {
            chat_commands[i].answer(channel);
            return;
        }
    }
    static const char prefix[] = "You said: ";
    char *text = tool_alloc(sizeof prefix + message->len);
    memcpy(text, prefix, sizeof prefix - 1);
    memcpy(text + sizeof prefix - 1, message->data, message->len);
    say(channel, text);
    free(text);
}

/* ---- file ---- */

/* A file of pseudo-random bytes (xorshift64), so that compressing on the way could not flatter us.
 */
static file_sender *generate_file(json_int_t size)
{
    FILE *file = tmpfile();
    uint64_t x = 0x9e3779b97f4a7c15u, block[1024];
    while (file && size > 0) {
        for (size_t i = 0; i < sizeof block / sizeof *block; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            block[i] = x;
        }
        size_t part = (size_t)size < sizeof block ? (size_t)size : sizeof block;
        if (fwrite(block, 1, part, file) != part)
            break;
        size -= (json_int_t)part;
    }
    if (!file || size > 0 || fflush(file) != 0) {
        tool_error("cannot make a temporary file");
        if (file)
            fclose(file);
        return NULL;
    }
    rewind(file);
    return file_sender_new(file, "from-kith.bin");
}

static void file_writable(struct channel *channel)
{
    if (channel->sender && !file_sender_pump(channel->sender, channel->dc)) {
        file_sender_free(channel->sender);
        channel->sender = NULL;
    }
}

static void get_file(struct channel *channel, json_int_t size)
{
    if (channel->sender || size < 0 || size > MAX_GENERATED) {
        say_json(channel, json_pack("{s:s}", "error",
                                    channel->sender ? "one file at a time"
                                                    : "0 to 268435456 bytes can be asked for"));
        return;
    }
    channel->sender = generate_file(size);
    file_writable(channel);
}

static void file_text(struct channel *channel, const kith_message *message)
{
    json_int_t size = 0;
    json_t *reply = NULL;
    if (file_receiver_take_text(channel->receiver, message->data, message->len, &reply)) {
        if (reply)
            say_json(channel, reply);
        return;
    }
    json_t *object = json_loadb(message->data, message->len, 0, NULL);
    if (object && json_unpack(object, "{s:I}", "get", &size) == 0) {
        get_file(channel, size);
    } else if (json_object_get(object, "received")) {
        file_sender_free(channel->sender);
        channel->sender = NULL;
    } else {
        say_json(channel, json_pack("{s:s}", "error", "neither a file's header nor {\"get\":…}"));
    }
    json_decref(object);
}

static void file(struct channel *channel, const kith_message *message)
{
    json_t *reply = NULL;
    if (message->is_text)
        file_text(channel, message);
    else if (file_receiver_take_binary(channel->receiver, message->data, message->len, &reply) &&
             reply)
        say_json(channel, reply);
}

/* ---- speed ---- */

static void speed_writable(struct channel *channel)
{
    static const uint8_t zeros[FILE_CHUNK];
    while (channel->download_until && kith_dc_buffered_amount(channel->dc) < FILE_HIGH_WATER) {
        if (kith_clock_now() >= channel->download_until ||
            kith_dc_send(channel->dc, zeros, channel->download_chunk) != KITH_OK)
            channel->download_until = 0;
        else
            channel->downloaded += channel->download_chunk;
    }
    if (!channel->download_until && channel->reports_download) {
        channel->reports_download = false;
        say_json(channel, json_pack("{s:I}", "sent", (json_int_t)channel->downloaded));
    }
}

static void begin_download(struct channel *channel, json_int_t milliseconds)
{
    kith_time duration = milliseconds > 0 && milliseconds <= MAX_DOWNLOAD / KITH_MS(1)
                             ? KITH_MS(milliseconds)
                             : MAX_DOWNLOAD;
    channel->downloaded = 0;
    channel->download_until = kith_clock_now() + duration;
    channel->reports_download = true;
    channel->download_chunk = file_chunk_size(channel->page->pc);
    kith_dc_set_buffered_amount_low_threshold(channel->dc, FILE_LOW_WATER);
    speed_writable(channel);
}

static void take_upload_word(struct channel *channel, const char *word)
{
    if (strcmp(word, "begin") == 0) {
        channel->uploaded = 0;
        channel->upload_began = kith_clock_now();
    } else if (strcmp(word, "end") == 0 && channel->upload_began) {
        double seconds = (double)(kith_clock_now() - channel->upload_began) / 1e6;
        channel->upload_began = 0;
        say_json(channel, json_pack("{s:I, s:f}", "uploaded", (json_int_t)channel->uploaded,
                                    "seconds", seconds));
    }
}

static void speed(struct channel *channel, const kith_message *message)
{
    json_int_t milliseconds = 0;
    const char *word = NULL;
    if (!message->is_text) {
        channel->uploaded += message->len;
        return;
    }
    json_t *object = json_loadb(message->data, message->len, 0, NULL);
    if (object && json_unpack(object, "{s:I}", "download", &milliseconds) == 0)
        begin_download(channel, milliseconds);
    else if (object && json_unpack(object, "{s:s}", "upload", &word) == 0)
        take_upload_word(channel, word);
    json_decref(object);
}

/* ---- channels ---- */

static const struct behaviour behaviours[] = {
    {"chat", greet, chat, do_nothing},
    {"file", do_nothing, file, file_writable},
    {"speed", do_nothing, speed, speed_writable},
    {"", do_nothing, echo, do_nothing}, /* ping and any other */
};

static const struct behaviour *find_behaviour(const char *label)
{
    const struct behaviour *behaviour = behaviours;
    while (behaviour->label[0] && strcmp(behaviour->label, label) != 0)
        behaviour++;
    return behaviour;
}

static void adopt(struct page *page, kith_dc *dc)
{
    if (page->channel_count == MAX_CHANNELS_OF_A_PAGE) {
        kith_dc_free(dc);
        return;
    }
    struct channel *channel = tool_alloc(sizeof *channel);
    channel->page = page;
    channel->dc = dc;
    channel->behaviour = find_behaviour(kith_dc_label(dc));
    channel->receiver = file_receiver_new(NULL);
    channel->next = page->channels;
    page->channels = channel;
    page->channel_count++;
    kith_dc_set_user(dc, channel);
}

static void forget(struct channel *channel)
{
    struct channel **at = &channel->page->channels;
    while (*at != channel)
        at = &(*at)->next;
    *at = channel->next;
    channel->page->channel_count--;
    file_sender_free(channel->sender);
    file_receiver_free(channel->receiver);
    kith_dc_free(channel->dc);
    free(channel);
}

static void make_all_writable(struct page *page)
{
    for (struct channel *channel = page->channels; channel; channel = channel->next)
        channel->behaviour->writable(channel);
}

/* ---- a call: what a browser sends goes back to it as it came ---- */

/* Before an answer: where the browser sends, the answer shall say that we do, too. */
static kith_err send_where_received(kith_pc *pc)
{
    kith_err err = KITH_OK;
    for (size_t i = 0; err == KITH_OK && i < kith_pc_transceiver_count(pc); i++) {
        kith_transceiver *transceiver = kith_pc_transceiver_at(pc, i);
        if (kith_transceiver_direction(transceiver) == KITH_DIRECTION_RECVONLY)
            err = kith_transceiver_set_direction(transceiver, KITH_DIRECTION_SENDRECV);
    }
    return err;
}

/* What cannot be sent, while the browser does not want it, is dropped. */
static void mirror(const kith_event *ev)
{
    kith_err err = kith_sender_send_rtp(ev->sender, ev->rtp);
    (void)err;
}

/* Says what the negotiator has to say. */
static kith_err speak(struct page *page)
{
    const char *text;
    kith_err err;
    while ((err = kith_negotiator_poll(page->negotiator, &text)) == KITH_OK && text)
        ws_send(page->session, text, strlen(text));
    return err;
}

/* ---- files that are played ---- */

static void play(struct page *page)
{
    const struct builtin_config *config = &page->owner->config;
    if (page->player || config->media_count == 0)
        return;
    page->player = media_player_open(config->media, config->media_count, false);
    if (page->player && !media_player_add_tracks(page->player, page->pc))
        ws_close(page->session, CLOSE_POLICY, "no more can be played to you");
}

static void stop_playing(struct page *page)
{
    media_player_free(page->player);
    page->player = NULL;
}

/* False: it is no word of the page's. */
static bool take_word(struct page *page, const char *text, size_t len)
{
    const char *word = "";
    json_t *object = json_loadb(text, len, 0, NULL);
    bool is_word = object && json_unpack(object, "{s:s}", "kith", &word) == 0;
    if (is_word && strcmp(word, "play") == 0)
        play(page);
    else if (is_word && strcmp(word, "stop") == 0)
        stop_playing(page);
    json_decref(object);
    return is_word;
}

void builtin_tick(struct builtin *builtin, kith_time now)
{
    for (struct page *page = builtin->pages; page; page = page->next)
        if (page->player)
            media_player_tick(page->player, now);
}

kith_time builtin_deadline(const struct builtin *builtin)
{
    kith_time first = KITH_NEVER;
    for (const struct page *page = builtin->pages; page; page = page->next) {
        kith_time due = page->player ? media_player_deadline(page->player) : KITH_NEVER;
        first = due < first ? due : first;
    }
    return first;
}

/* ---- events ---- */

static void tell_state(struct page *page, const char *name, const char *value)
{
    ws_send_json(page->session,
                 json_pack("{s:s, s:s, s:s}", "kith", "state", "name", name, "value", value));
}

static void connection_state(struct page *page, kith_connection_state state)
{
    tell_state(page, "connectionState", kith_connection_state_name(state));
    if (state == KITH_CONNECTION_STATE_FAILED)
        ws_send_json(page->session, json_pack("{s:s, s:s}", "kith", "failed", "why",
                                              kith_pc_why_failed(page->pc)));
}

static void media_event(struct page *page, const kith_event *ev)
{
    const kith_rtp_codec *codec;
    if (page->player)
        media_player_event(page->player, ev);
    switch ((int)ev->type) {
    case KITH_EV_TRACK:
        tell_state(page, "track", kith_media_kind_name(kith_transceiver_kind(ev->transceiver)));
        break;
    case KITH_EV_RTP:
        mirror(ev);
        break;
    case KITH_EV_KEY_FRAME_REQUEST: /* the browser that needs one is the browser that makes it */
        kith_receiver_request_key_frame(ev->receiver);
        break;
    case KITH_EV_SENDER_STATE:
        codec = kith_sender_codec(ev->sender);
        tell_state(page, "sends", codec ? codec->mime_type : "no more");
        break;
    default:
        break;
    }
}

static void channel_event(struct page *page, const kith_event *ev)
{
    struct channel *channel = ev->dc ? kith_dc_user(ev->dc) : NULL;
    switch ((int)ev->type) {
    case KITH_EV_DATA_CHANNEL:
        adopt(page, ev->dc);
        break;
    case KITH_EV_DC_OPEN:
        channel->behaviour->opened(channel);
        break;
    case KITH_EV_DC_MESSAGE:
        channel->behaviour->message(channel, &ev->message);
        break;
    case KITH_EV_DC_BUFFERED_AMOUNT_LOW:
        channel->behaviour->writable(channel);
        break;
    case KITH_EV_WRITABLE:
        make_all_writable(page);
        break;
    case KITH_EV_DC_CLOSED:
        forget(channel);
        break;
    default:
        break;
    }
}

void builtin_event(struct builtin *builtin, const kith_event *ev)
{
    struct page *page = kith_pc_user(ev->pc);
    (void)builtin;
    switch ((int)ev->type) {
    case KITH_EV_SIGNALING_STATE:
        tell_state(page, "signalingState", kith_signaling_state_name(ev->signaling_state));
        break;
    case KITH_EV_ICE_GATHERING_STATE:
        tell_state(page, "iceGatheringState",
                   kith_ice_gathering_state_name(ev->ice_gathering_state));
        break;
    case KITH_EV_ICE_CONNECTION_STATE:
        tell_state(page, "iceConnectionState",
                   kith_ice_connection_state_name(ev->ice_connection_state));
        break;
    case KITH_EV_CONNECTION_STATE:
        connection_state(page, ev->connection_state);
        break;
    case KITH_EV_TRACK:
    case KITH_EV_TRACK_ENDED:
    case KITH_EV_RTP:
    case KITH_EV_KEY_FRAME_REQUEST:
    case KITH_EV_SENDER_STATE:
        media_event(page, ev);
        break;
    default:
        channel_event(page, ev);
        break;
    }
    kith_err err = kith_negotiator_handle_event(page->negotiator, ev);
    if (err == KITH_OK)
        err = speak(page);
    if (err != KITH_OK)
        ws_close(page->session, CLOSE_POLICY, tool_error_words(err));
}

/* ---- pages ---- */

static void page_opened(ws_session *session)
{
    struct builtin *builtin = session->serve->builtin;
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    if (builtin->page_count == SERVE_MAX_PAGES) {
        ws_close(session, CLOSE_TOO_MANY, "there are too many pages");
        return;
    }
    struct page *page = tool_alloc(sizeof *page);
    config.ice_servers = builtin->config.ice_servers->servers;
    config.ice_server_count = builtin->config.ice_servers->count;
    config.user = page;
    kith_err err = kith_pc_new(&page->pc, kith_loop_endpoint(builtin->config.loop), &config);
    if (err == KITH_OK)
        err = kith_negotiator_new(&page->negotiator, page->pc, NULL); /* the page is polite */
    if (err != KITH_OK) {
        kith_pc_free(page->pc);
        free(page);
        ws_close(session, CLOSE_TOO_MANY, kith_err_text(err));
        return;
    }
    page->owner = builtin;
    page->session = session;
    page->number = ++builtin->pages_ever;
    page->next = builtin->pages;
    builtin->pages = page;
    builtin->page_count++;
    session->state = page;
    ws_send_welcome(session, json_pack("{s:s, s:I}", "kith", "welcome", "files",
                                       (json_int_t)builtin->config.media_count));
}

/* What the page sends is answered by sending it back. */
static kith_err take_signal(struct page *page, const char *text, size_t len)
{
    kith_err err = kith_negotiator_receive(page->negotiator, text, len);
    if (err == KITH_OK &&
        kith_pc_signaling_state(page->pc) == KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER)
        err = send_where_received(page->pc);
    return err == KITH_OK ? speak(page) : err;
}

static void page_text(ws_session *session, const char *text, size_t len)
{
    struct page *page = session->state;
    if (take_word(page, text, len))
        return;
    kith_err err = take_signal(page, text, len);
    if (err != KITH_OK)
        ws_close(session, CLOSE_POLICY, tool_error_words(err));
}

static void page_gone(ws_session *session)
{
    struct page *page = session->state;
    if (!page)
        return;
    struct page **at = &page->owner->pages;
    while (*at != page)
        at = &(*at)->next;
    *at = page->next;
    page->owner->page_count--;
    while (page->channels)
        forget(page->channels);
    stop_playing(page);
    kith_negotiator_free(page->negotiator);
    kith_pc_free(page->pc);
    free(page);
    session->state = NULL;
}

const struct ws_role builtin_role = {page_opened, page_text, page_gone, NULL};

struct builtin *builtin_new(const struct builtin_config *config)
{
    if (config->media_count > 0) {
        media_player *player = media_player_open(config->media, config->media_count, false);
        if (!player)
            return NULL;
        media_player_free(player);
    }
    struct builtin *builtin = tool_alloc(sizeof *builtin);
    builtin->config = *config;
    return builtin;
}

void builtin_free(struct builtin *builtin)
{
    free(builtin);
}

void builtin_say(struct builtin *builtin, const char *text, size_t len)
{
    for (struct page *page = builtin->pages; page; page = page->next)
        for (struct channel *channel = page->channels; channel; channel = channel->next)
            if (strcmp(channel->behaviour->label, "chat") == 0) {
                kith_err err = kith_dc_send_text(channel->dc, text, len);
                (void)err;
            }
}
