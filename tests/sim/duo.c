/* See duo.h. Signalling is a function call at a later virtual time. */
#include "duo.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* What is still to be sent on a side, for duo_send. */
typedef struct stream_job {
    size_t left, len;
    uint32_t next;
} stream_job;

static stream_job jobs[2];

typedef struct signal {
    kith_list_node node;
    duo *d;
    enum side to;
    kith_sdp_type type;
    bool is_candidate;
    char *text; /* SDP or candidate */
    char *mid;
} signal;

static void check_call(duo *d, kith_err err)
{
    if (err != KITH_OK)
        d->failed_call = true;
}

/* do err = call(); while (shall_repeat(d, err)); */
static bool shall_repeat(duo *d, kith_err err)
{
    d->repeated = d->options.repeats && !d->repeated && err == KITH_ERR_NO_MEMORY;
    return d->repeated;
}

static void set_local(duo *d, kith_pc *pc, kith_err *err)
{
    do
        *err = kith_pc_set_local_description(pc, NULL);
    while (shall_repeat(d, *err));
    check_call(d, *err);
}

static void free_signal(signal *s)
{
    kith_list_remove(&s->node);
    free(s->text);
    free(s->mid);
    free(s);
}

static void send_description(duo *d, enum side from);

static void arrive(void *arg)
{
    signal *s = arg;
    duo *d = s->d;
    kith_pc *pc = d->peers[s->to].pc;
    if (!pc) {
        /* freed meanwhile */
    } else if (s->is_candidate) {
        kith_ice_candidate c = {
            .size = sizeof c, .candidate = s->text, .sdp_mid = s->mid, .sdp_m_line_index = -1};
        kith_err err;
        do
            err = kith_pc_add_ice_candidate(pc, &c);
        while (shall_repeat(d, err));
        check_call(d, err);
    } else {
        kith_session_description desc = {.type = s->type, .sdp = s->text};
        kith_err err;
        do
            err = kith_pc_set_remote_description(pc, &desc);
        while (shall_repeat(d, err));
        check_call(d, err);
        if (err == KITH_OK && s->type == KITH_SDP_OFFER) {
            set_local(d, pc, &err);
            if (!d->options.no_trickle)
                send_description(d, s->to);
        }
    }
    free_signal(s);
}

static void post(duo *d, enum side from, signal *s)
{
    s->d = d;
    s->to = from == LEFT ? RIGHT : LEFT;
    kith_list_append(&d->signals, &s->node);
    if (d->options.tamper)
        d->options.tamper(from, &s->text);
    world_at(d->world, virtual_now() + d->options.signalling_delay, arrive, s);
}

static void send_description(duo *d, enum side from)
{
    const kith_session_description *desc = kith_pc_local_description(d->peers[from].pc);
    if (!desc && d->options.repeats)
        desc = kith_pc_local_description(d->peers[from].pc);
    if (!desc)
        return; /* out of memory */
    signal *s = calloc(1, sizeof *s);
    s->type = desc->type;
    s->text = strdup(desc->sdp);
    d->peers[from].described = true;
    post(d, from, s);
}

static void send_candidate(duo *d, enum side from, const kith_ice_candidate *c)
{
    signal *s = calloc(1, sizeof *s);
    s->is_candidate = true;
    s->text = strdup(c->candidate);
    s->mid = c->sdp_mid ? strdup(c->sdp_mid) : NULL;
    post(d, from, s);
}

static void continue_job(duo_peer *p)
{
    stream_job *job = &jobs[p->side];
    static uint8_t message[1 << 20];
    while (job->left > 0 && p->dc) {
        for (size_t i = 0; i < 4 && i < job->len; i++)
            message[i] = (uint8_t)(job->next >> (24 - 8 * i));
        kith_err err;
        do
            err = kith_dc_send(p->dc, message, job->len);
        while (shall_repeat(p->duo, err));
        if (err != KITH_OK) {
            if (err != KITH_ERR_AGAIN)
                check_call(p->duo, err);
            return;
        }
        job->next++;
        job->left--;
    }
}

static void count_message(duo_peer *p, const kith_message *m)
{
    p->messages++;
    p->bytes += m->len;
    const uint8_t *data = m->data;
    for (size_t i = 0; i < m->len; i++)
        p->digest = (p->digest ^ data[i]) * 0x100000001b3u;
    if (m->len < 4)
        return;
    uint32_t number =
        (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
    if (p->messages > 1 && number != p->last_number + 1)
        p->out_of_order = true;
    p->last_number = number;
}

static void note_channel(duo_peer *p, kith_dc *dc)
{
    p->dc = dc;
    p->opened++;
    if (p->channel_count < DUO_MAX_CHANNELS)
        p->channels[p->channel_count++] = dc;
}

static void on_event(host *h, const kith_event *ev, void *user)
{
    (void)h;
    duo_peer *p = user;
    duo *d = p->duo;
    switch (ev->type) {
    case KITH_EV_ICE_CANDIDATE:
        p->candidates++;
        if (!d->options.no_trickle)
            send_candidate(d, p->side, &ev->ice_candidate);
        break;
    case KITH_EV_ICE_GATHERING_STATE:
        p->gathering = ev->ice_gathering_state;
        if (d->options.no_trickle && p->gathering == KITH_ICE_GATHERING_STATE_COMPLETE &&
            !p->described)
            send_description(d, p->side);
        break;
    case KITH_EV_CONNECTION_STATE:
        p->state = ev->connection_state;
        if (p->state == KITH_CONNECTION_STATE_CONNECTED && p->connected_at == 0)
            p->connected_at = virtual_now() - d->began;
        break;
    case KITH_EV_DC_OPEN:
        note_channel(p, ev->dc);
        break;
    case KITH_EV_DC_MESSAGE:
        count_message(p, &ev->message);
        break;
    case KITH_EV_DC_CLOSED:
        p->closed++;
        break;
    case KITH_EV_DC_ERROR:
        p->errors++;
        break;
    case KITH_EV_DC_BUFFERED_AMOUNT_LOW:
        p->lows++;
        break;
    case KITH_EV_WRITABLE:
        p->writables++;
        continue_job(p);
        break;
    case KITH_EV_NEGOTIATION_NEEDED:
        p->needed++;
        break;
    case KITH_EV_SIGNALING_STATE:
    case KITH_EV_ICE_CONNECTION_STATE:
    case KITH_EV_ICE_CANDIDATE_ERROR:
    case KITH_EV_DATA_CHANNEL:
    case KITH_EV_DC_CLOSING:
    case KITH_EV_ICE_TRANSPORT_STATE:
    case KITH_EV_ICE_TRANSPORT_GATHERING_STATE:
    case KITH_EV_SELECTED_CANDIDATE_PAIR:
    case KITH_EV_DTLS_TRANSPORT_STATE:
    case KITH_EV_SCTP_TRANSPORT_STATE:
    case KITH_EV_TRACK:
    case KITH_EV_TRACK_ENDED:
    case KITH_EV_TRACK_MUTE:
    case KITH_EV_TRACK_UNMUTE:
    case KITH_EV_RTP:
    case KITH_EV_FRAME:
    case KITH_EV_SENDER_STATE:
    case KITH_EV_KEY_FRAME_REQUEST:
    case KITH_EV_TARGET_BITRATE:
    case KITH_EV_SIGNALER_STATE:
    case KITH_EV_SIGNALER_PEER:
    case KITH_EV_SIGNALER_LEFT:
    case KITH_EV_SIGNALER_TEXT:
    case KITH_EV_SIGNALER_ERROR:
        break;
    }
}

static bool add_peer(duo *d, enum side side, const char *ip)
{
    static const char *const names[] = {"left", "right"};
    static const char *const urls[] = {"stun:203.0.113.1"};
    static const kith_ice_server server = {.urls = urls, .url_count = 1};
    const duo_options *options = &d->options;
    duo_peer *p = &d->peers[side];
    memset(p, 0, sizeof *p);
    p->duo = d;
    p->side = side;
    link_config link = options->links[side] ? *options->links[side] : options->link;
    p->host = world_add_host(d->world, names[side], ip, options->nats[side], link);
    if (!p->host)
        return false;
    p->host->on_event = on_event;
    p->host->user = p;
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    if (options->configs[side])
        config = *options->configs[side];
    if (options->with_stun_server) {
        config.ice_servers = &server;
        config.ice_server_count = 1;
    }
    kith_err err;
    do
        err = kith_pc_new(&p->pc, p->host->endpoint, &config);
    while (shall_repeat(d, err));
    check_call(d, err);
    return err == KITH_OK;
}

bool duo_init(duo *d, const duo_options *options)
{
    memset(d, 0, sizeof *d);
    memset(jobs, 0, sizeof jobs);
    d->options = *options;
    kith_list_init(&d->signals);
    d->world = world_new(options->seed);
    d->began = virtual_now();
    if (options->with_stun_server)
        world_add_stun_server(d->world, "203.0.113.1", options->link.delay);
    return add_peer(d, LEFT, "192.0.2.1") && add_peer(d, RIGHT, "198.51.100.1");
}

host *duo_replace(duo *d, enum side side, const char *ip)
{
    host *before = d->peers[side].host;
    before->on_event = NULL;
    memset(&jobs[side], 0, sizeof jobs[side]);
    return add_peer(d, side, ip) ? before : NULL;
}

void duo_deinit(duo *d)
{
    for (int i = LEFT; i <= RIGHT; i++)
        kith_pc_free(d->peers[i].pc);
    world_free(d->world);
    KITH_LIST_EACH(&d->signals, node)
        free_signal(KITH_OWNER(node, signal, node));
}

void duo_offer(duo *d, enum side from)
{
    duo_peer *p = &d->peers[from];
    d->began = virtual_now();
    kith_dc *dc = NULL;
    kith_err err = KITH_OK;
    do
        if (!d->options.no_channel)
            err = kith_pc_create_data_channel(p->pc, "x", d->options.channel, &dc);
    while (shall_repeat(d, err));
    check_call(d, err);
    set_local(d, p->pc, &err);
    if (err == KITH_OK && !d->options.no_trickle)
        send_description(d, from);
}

void duo_connect(duo *d)
{
    duo_offer(d, LEFT);
    bool connected = world_run(d->world, KITH_SECONDS(30), duo_is_open, d);
    ck_assert_msg(connected, "seed %llu: not connected after 30 s: %s\n--- and the other side: %s",
                  (unsigned long long)world_seed(d->world), kith_pc_why_failed(d->peers[LEFT].pc),
                  kith_pc_why_failed(d->peers[RIGHT].pc));
}

void duo_send(duo *d, enum side from, size_t count, size_t len)
{
    jobs[from].left += count;
    jobs[from].len = len;
    continue_job(&d->peers[from]);
}

bool duo_is_open(void *arg)
{
    const duo *d = arg;
    return d->peers[LEFT].opened > 0 && d->peers[RIGHT].opened > 0;
}

bool duo_is_connected(void *arg)
{
    const duo *d = arg;
    return d->peers[LEFT].state == KITH_CONNECTION_STATE_CONNECTED &&
           d->peers[RIGHT].state == KITH_CONNECTION_STATE_CONNECTED;
}

bool duo_has_failed(void *arg)
{
    const duo *d = arg;
    return d->peers[LEFT].state == KITH_CONNECTION_STATE_FAILED ||
           d->peers[RIGHT].state == KITH_CONNECTION_STATE_FAILED;
}

bool duo_is_closed(void *arg)
{
    const duo *d = arg;
    return d->peers[LEFT].closed > 0 && d->peers[RIGHT].closed > 0;
}

kith_time duo_elapsed(const duo *d)
{
    return virtual_now() - d->began;
}
