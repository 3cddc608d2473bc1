/* GStreamer's webrtcbin as an agent (README.md beside this file has the words):
 *
 *     webrtcbin-agent [--no-trickle]
 *
 * It knows no ICE restart. */
#define GST_USE_UNSTABLE_API
#include <gst/gst.h>
#include <gst/sdp/sdp.h>
#include <gst/webrtc/webrtc.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    GMainLoop *loop;
    GstElement *pipeline, *webrtc;
    GHashTable *channels; /* GObject by label */
    gboolean no_trickle, is_called;
} agent;

/* ---- out ---- */

/* Takes over `object`. webrtcbin calls from several threads. */
static void say(json_t *object)
{
    static GMutex lock;
    char *text = json_dumps(object, JSON_COMPACT);
    g_mutex_lock(&lock);
    puts(text);
    fflush(stdout);
    g_mutex_unlock(&lock);
    free(text);
    json_decref(object);
}

static void complain(const char *words)
{
    say(json_pack("{s:s}", "error", words));
}

static gboolean tell_description(gpointer type)
{
    GstWebRTCSessionDescription *description = NULL;
    g_object_get(agent.webrtc, "local-description", &description, NULL);
    char *sdp = gst_sdp_message_as_text(description->sdp);
    say(json_pack("{s:s, s:s}", "type", type, "sdp", sdp));
    g_free(sdp);
    gst_webrtc_session_description_free(description);
    return G_SOURCE_REMOVE;
}

static gboolean tell_description_when_gathered(gpointer type)
{
    GstWebRTCICEGatheringState state;
    g_object_get(agent.webrtc, "ice-gathering-state", &state, NULL);
    if (state != GST_WEBRTC_ICE_GATHERING_STATE_COMPLETE)
        return G_SOURCE_CONTINUE;
    return tell_description(type);
}

static void on_candidate(GstElement *webrtc, guint section, const char *candidate)
{
    (void)webrtc;
    if (!agent.no_trickle)
        say(json_pack("{s:s, s:n, s:i}", "candidate", candidate, "sdpMid", "sdpMLineIndex",
                      section));
}

static void on_connection_state(void)
{
    static const char *const names[] = {"new",          "connecting", "connected",
                                        "disconnected", "failed",     "closed"};
    GstWebRTCPeerConnectionState state;
    g_object_get(agent.webrtc, "connection-state", &state, NULL);
    say(json_pack("{s:s}", "state", names[state]));
}

/* ---- channels ---- */

static char *label_of(GObject *channel)
{
    char *label = NULL;
    g_object_get(channel, "label", &label, NULL);
    return label;
}

/* Says `members` of this channel; takes them over. */
static void say_of(GObject *channel, json_t *members)
{
    char *label = label_of(channel);
    json_object_set_new(members, "channel", json_string(label));
    g_free(label);
    say(members);
}

/* A channel may open before anybody listens to it: told once, by its signal or by its state. */
static void tell_open(GObject *channel)
{
    static GMutex lock;
    g_mutex_lock(&lock);
    gboolean is_told = !!g_object_get_data(channel, "told");
    g_object_set_data(channel, "told", channel);
    g_mutex_unlock(&lock);
    if (is_told)
        return;
    gboolean is_ordered;
    int max_retransmits, max_packet_lifetime, id;
    g_object_get(channel, "ordered", &is_ordered, "max-retransmits", &max_retransmits,
                 "max-packet-lifetime", &max_packet_lifetime, "id", &id, NULL);
    json_t *members = json_pack("{s:b, s:b, s:i}", "open", 1, "ordered", is_ordered, "id", id);
    if (max_retransmits >= 0)
        json_object_set_new(members, "maxRetransmits", json_integer(max_retransmits));
    if (max_packet_lifetime >= 0)
        json_object_set_new(members, "maxPacketLifeTime", json_integer(max_packet_lifetime));
    say_of(channel, members);
}

static void on_close(GObject *channel)
{
    say_of(channel, json_pack("{s:b}", "open", 0));
}

static void on_text(GObject *channel, const char *text)
{
    say_of(channel, json_pack("{s:s}", "text", text ? text : ""));
}

static void on_binary(GObject *channel, GBytes *bytes)
{
    gsize len = 0;
    const guchar *data = bytes ? g_bytes_get_data(bytes, &len) : NULL;
    char *base64 = g_base64_encode(data ? data : (const guchar *)"", len);
    say_of(channel, json_pack("{s:s}", "binary", base64));
    g_free(base64);
}

static void on_channel_error(GObject *channel, GError *error)
{
    (void)channel;
    complain(error->message);
}

static void use(GObject *channel)
{
    g_hash_table_insert(agent.channels, label_of(channel), g_object_ref(channel));
    g_signal_connect(channel, "on-open", G_CALLBACK(tell_open), NULL);
    g_signal_connect(channel, "on-close", G_CALLBACK(on_close), NULL);
    g_signal_connect(channel, "on-message-string", G_CALLBACK(on_text), NULL);
    g_signal_connect(channel, "on-message-data", G_CALLBACK(on_binary), NULL);
    g_signal_connect(channel, "on-error", G_CALLBACK(on_channel_error), NULL);
    GstWebRTCDataChannelState state;
    g_object_get(channel, "ready-state", &state, NULL);
    if (state == GST_WEBRTC_DATA_CHANNEL_STATE_OPEN)
        tell_open(channel);
}

static void on_channel(GstElement *webrtc, GObject *channel)
{
    (void)webrtc;
    use(channel);
}

static GstStructure *structure_of_init(const json_t *init)
{
    GstStructure *structure = gst_structure_new_empty("init");
    const json_t *ordered = json_object_get(init, "ordered");
    const json_t *max_retransmits = json_object_get(init, "maxRetransmits");
    const json_t *life_time = json_object_get(init, "maxPacketLifeTime");
    if (ordered)
        gst_structure_set(structure, "ordered", G_TYPE_BOOLEAN, json_is_true(ordered), NULL);
    if (max_retransmits)
        gst_structure_set(structure, "max-retransmits", G_TYPE_INT,
                          (int)json_integer_value(max_retransmits), NULL);
    if (life_time)
        gst_structure_set(structure, "max-packet-lifetime", G_TYPE_INT,
                          (int)json_integer_value(life_time), NULL);
    return structure;
}

static void open_channel(const char *label, const json_t *init)
{
    GObject *channel = NULL;
    GstStructure *structure = structure_of_init(init);
    g_signal_emit_by_name(agent.webrtc, "create-data-channel", label, structure, &channel);
    gst_structure_free(structure);
    if (channel)
        use(channel);
    else
        complain("no channel was made");
}

static void send_message(GObject *channel, const json_t *command)
{
    const char *text = json_string_value(json_object_get(command, "text"));
    if (text) {
        g_signal_emit_by_name(channel, "send-string", text);
        return;
    }
    gsize len = 0;
    const char *base64 = json_string_value(json_object_get(command, "binary"));
    guchar *data = g_base64_decode(base64, &len);
    GBytes *bytes = g_bytes_new_take(data, len);
    g_signal_emit_by_name(channel, "send-data", bytes);
    g_bytes_unref(bytes);
}

/* ---- a call ---- */

static void on_frame(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer kind)
{
    (void)buffer;
    (void)pad;
    int count = GPOINTER_TO_INT(g_object_get_data(G_OBJECT(sink), "count")) + 1;
    g_object_set_data(G_OBJECT(sink), "count", GINT_TO_POINTER(count));
    if (count == 20)
        say(json_pack("{s:s}", "track", kind));
}

/* What comes is decoded and counted. */
static void on_pad(GstElement *webrtc, GstPad *pad)
{
    (void)webrtc;
    if (!agent.is_called || GST_PAD_DIRECTION(pad) != GST_PAD_SRC)
        return;
    GstCaps *caps = gst_pad_get_current_caps(pad);
    const char *media = gst_structure_get_string(gst_caps_get_structure(caps, 0), "media");
    gboolean is_video = strcmp(media, "video") == 0;
    GstElement *bin = gst_parse_bin_from_description(
        is_video ? "rtpvp8depay ! vp8dec ! fakesink name=end signal-handoffs=true sync=false"
                 : "rtpopusdepay ! opusdec ! fakesink name=end signal-handoffs=true sync=false",
        TRUE, NULL);
    GstElement *end = gst_bin_get_by_name(GST_BIN(bin), "end");
    g_signal_connect(end, "handoff", G_CALLBACK(on_frame), is_video ? "video" : "audio");
    gst_object_unref(end);
    gst_caps_unref(caps);
    gst_bin_add(GST_BIN(agent.pipeline), bin);
    GstPad *sink = gst_element_get_static_pad(bin, "sink");
    gst_pad_link(pad, sink);
    gst_object_unref(sink);
    gst_element_sync_state_with_parent(bin);
}

/* The number that an offer gives to this encoding, or else ours. */
static int payload_of(const char *sdp, const char *encoding, int otherwise)
{
    const char *at = sdp ? strstr(sdp, encoding) : NULL;
    if (!at)
        return otherwise;
    while (at[-1] != ':')
        at--;
    return atoi(at);
}

static void send_test(const char *format, int payload)
{
    char *text = g_strdup_printf(format, payload, payload);
    GstElement *bin = gst_parse_bin_from_description(text, TRUE, NULL);
    g_free(text);
    gst_bin_add(GST_BIN(agent.pipeline), bin);
    if (!gst_element_link(bin, agent.webrtc))
        complain("webrtcbin takes no track");
    gst_element_sync_state_with_parent(bin);
}

/* Before the first description, which may be an offer that is answered: a picture and a tone. */
static void take_part(const char *offer)
{
    static gboolean is_done;
    if (is_done || !agent.is_called)
        return;
    is_done = TRUE;
    send_test("audiotestsrc is-live=true ! audio/x-raw,rate=48000,channels=2 ! opusenc ! "
              "rtpopuspay pt=%d ! "
              "application/x-rtp,media=audio,encoding-name=OPUS,payload=%d,clock-rate=48000",
              payload_of(offer, " opus/48000", 97));
    send_test("videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=25/1 ! "
              "vp8enc deadline=1 keyframe-max-dist=25 ! rtpvp8pay pt=%d ! "
              "application/x-rtp,media=video,encoding-name=VP8,payload=%d,clock-rate=90000",
              payload_of(offer, " VP8/90000", 96));
}

/* ---- descriptions ---- */

/* webrtcbin's own thread calls the next two: nothing may wait there. */
static void on_described(GstPromise *promise, gpointer type)
{
    gst_promise_unref(promise);
    if (agent.no_trickle)
        g_timeout_add(20, tell_description_when_gathered, type);
    else
        g_idle_add(tell_description, type);
}

static void on_created(GstPromise *promise, gpointer type)
{
    GstWebRTCSessionDescription *description = NULL;
    gst_structure_get(gst_promise_get_reply(promise), type, GST_TYPE_WEBRTC_SESSION_DESCRIPTION,
                      &description, NULL);
    gst_promise_unref(promise);
    if (!description) {
        complain("no description was made");
        return;
    }
    g_signal_emit_by_name(agent.webrtc, "set-local-description", description,
                          gst_promise_new_with_change_func(on_described, type, NULL));
    gst_webrtc_session_description_free(description);
}

static void create(const char *signal, const char *type)
{
    g_signal_emit_by_name(agent.webrtc, signal, NULL,
                          gst_promise_new_with_change_func(on_created, (gpointer)type, NULL));
}

/* Do we know of all that it sends what it is? An offer leaves out a track whose caps have not come
 * yet, and one that adds it before DTLS stands makes webrtcbin change its role, which ends DTLS. */
static gboolean has_all_caps(void)
{
    gboolean has_all = TRUE;
    for (GList *pad = GST_ELEMENT(agent.webrtc)->sinkpads; pad; pad = pad->next)
        has_all = has_all && gst_pad_has_current_caps(pad->data);
    return has_all;
}

static gboolean offer_when_ready(gpointer user)
{
    (void)user;
    if (!has_all_caps())
        return G_SOURCE_CONTINUE;
    create("create-offer", "offer");
    return G_SOURCE_REMOVE;
}

static void hear(const char *type, const char *sdp)
{
    gboolean is_offer = strcmp(type, "offer") == 0;
    GstSDPMessage *message = NULL;
    take_part(is_offer ? sdp : NULL);
    gst_sdp_message_new_from_text(sdp, &message);
    GstWebRTCSessionDescription *description = gst_webrtc_session_description_new(
        is_offer ? GST_WEBRTC_SDP_TYPE_OFFER : GST_WEBRTC_SDP_TYPE_ANSWER, message);
    GstPromise *promise = gst_promise_new();
    g_signal_emit_by_name(agent.webrtc, "set-remote-description", description, promise);
    gst_promise_wait(promise);
    const GstStructure *reply = gst_promise_get_reply(promise);
    GError *error = NULL;
    if (reply && gst_structure_get(reply, "error", G_TYPE_ERROR, &error, NULL)) {
        complain(error->message);
        g_error_free(error);
    }
    gst_promise_unref(promise);
    gst_webrtc_session_description_free(description);
    if (is_offer)
        create("create-answer", "answer");
}

static void add_media(void)
{
    static const char *const formats[] = {
        "application/x-rtp,media=audio,encoding-name=OPUS,payload=97,clock-rate=48000",
        "application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
        GstCaps *caps = gst_caps_from_string(formats[i]);
        GstWebRTCRTPTransceiver *transceiver = NULL;
        g_signal_emit_by_name(agent.webrtc, "add-transceiver",
                              GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_SENDRECV, caps, &transceiver);
        gst_caps_unref(caps);
        if (transceiver)
            gst_object_unref(transceiver);
        else
            complain("no transceiver was made");
    }
}

/* ---- in ---- */

static void obey(const json_t *command)
{
    const char *sdp = json_string_value(json_object_get(command, "sdp"));
    const char *candidate = json_string_value(json_object_get(command, "candidate"));
    const char *open = json_string_value(json_object_get(command, "open"));
    const char *close = json_string_value(json_object_get(command, "close"));
    const char *label = json_string_value(json_object_get(command, "channel"));
    GObject *channel =
        label || close ? g_hash_table_lookup(agent.channels, label ? label : close) : NULL;
    if (sdp) {
        hear(json_string_value(json_object_get(command, "type")), sdp);
    } else if (candidate && *candidate) {
        g_signal_emit_by_name(agent.webrtc, "add-ice-candidate",
                              (guint)json_integer_value(json_object_get(command, "sdpMLineIndex")),
                              candidate);
    } else if (open) {
        open_channel(open, json_object_get(command, "init"));
    } else if ((label || close) && !channel) {
        complain("there is no such channel");
    } else if (label) {
        send_message(channel, command);
    } else if (close) {
        g_signal_emit_by_name(channel, "close");
    } else if (json_object_get(command, "media")) {
        add_media();
    } else if (json_object_get(command, "call")) {
        agent.is_called = TRUE;
    } else if (json_object_get(command, "offer")) {
        take_part(NULL);
        g_timeout_add(5, offer_when_ready, NULL);
    } else if (json_object_get(command, "bye")) {
        gst_element_set_state(agent.pipeline, GST_STATE_NULL);
    }
}

static gboolean on_input(GIOChannel *input, GIOCondition condition, gpointer user)
{
    (void)condition;
    (void)user;
    char *line = NULL;
    gsize len = 0;
    if (g_io_channel_read_line(input, &line, &len, NULL, NULL) != G_IO_STATUS_NORMAL) {
        g_main_loop_quit(agent.loop);
        return G_SOURCE_REMOVE;
    }
    json_t *command = json_loadb(line, len, 0, NULL);
    obey(command);
    json_decref(command);
    g_free(line);
    return G_SOURCE_CONTINUE;
}

int main(int argc, char **argv)
{
    gst_init(&argc, &argv);
    agent.no_trickle = argc > 1 && strcmp(argv[1], "--no-trickle") == 0;
    agent.loop = g_main_loop_new(NULL, FALSE);
    agent.channels = g_hash_table_new(g_str_hash, g_str_equal);
    agent.pipeline = gst_pipeline_new(NULL);
    agent.webrtc = gst_element_factory_make("webrtcbin", NULL);
    if (!agent.webrtc) {
        complain("GStreamer has no webrtcbin");
        return 1;
    }
    gst_util_set_object_arg(G_OBJECT(agent.webrtc), "bundle-policy", "max-bundle");
    gst_bin_add(GST_BIN(agent.pipeline), agent.webrtc);
    g_signal_connect(agent.webrtc, "on-ice-candidate", G_CALLBACK(on_candidate), NULL);
    g_signal_connect(agent.webrtc, "pad-added", G_CALLBACK(on_pad), NULL);
    g_signal_connect(agent.webrtc, "on-data-channel", G_CALLBACK(on_channel), NULL);
    g_signal_connect(agent.webrtc, "notify::connection-state", G_CALLBACK(on_connection_state),
                     NULL);
    gst_element_set_state(agent.pipeline, GST_STATE_PLAYING);
    say(json_pack("{s:s}", "ready", "webrtcbin"));

    GIOChannel *input = g_io_channel_unix_new(0);
    g_io_channel_set_encoding(input, NULL, NULL);
    g_io_add_watch(input, G_IO_IN | G_IO_HUP, on_input, NULL);
    g_main_loop_run(agent.loop);
    return 0;
}
