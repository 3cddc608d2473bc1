/* Offer and answer: two peers without a network whose application calls whatever it likes in
 * whatever order, and whose descriptions are changed on their way. A call that fails leaves the
 * peer as it was, and what a peer holds is always one of the states of RFC 9429 section 3.2.
 *
 * An input is a list of steps of one byte, its low bits what to do and its high bit which side
 * does it, with operands behind it. */
#include "fuzz.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/reader.h"
#include "kith/kith.h"
#include "pc/pc.h"

enum step {
    CREATE_OFFER,
    CREATE_ANSWER,
    SET_LOCAL,
    SET_LOCAL_IMPLICIT,
    SET_REMOTE,
    SET_REMOTE_RAW,
    ADD_CANDIDATE,
    LOCAL_CANDIDATE,
    LOCAL_END,
    RESTART_ICE,
    CREATE_CHANNEL,
    TAKE_EVENTS,
    CONFIGURE,
    CLOSE,
    STEPS
};

/* More than this tells nothing new. */
#define MAX_STEPS 60

typedef struct pair {
    kith_endpoint *ep;
    kith_pc *pc[2];
    char *created[2]; /* what the application kept of create_offer and create_answer */
} pair;

static kith_certificate *certificate(void)
{
    static kith_certificate *made;
    if (!made && kith_certificate_generate(&made, KITH_KEY_ECDSA_P256, 1767225600, 0) != KITH_OK)
        abort();
    return made;
}

static void init(pair *p)
{
    *p = (pair){0};
    kith_certificate *own = certificate();
    kith_pc_config cfg = KITH_PC_CONFIG_INIT;
    cfg.certificates = &own;
    cfg.certificate_count = 1;
    if (kith_endpoint_new(&p->ep, NULL) != KITH_OK ||
        kith_pc_new(&p->pc[0], p->ep, &cfg) != KITH_OK ||
        kith_pc_new(&p->pc[1], p->ep, &cfg) != KITH_OK)
        abort();
}

static void deinit(pair *p)
{
    kith_endpoint_free(p->ep);
    kith_free(p->created[0]);
    kith_free(p->created[1]);
}

/* ---- what must hold ---- */

/* A description can be read, and written again as it is. */
static void check_text(const kith_session_description *d)
{
    if (!d)
        return;
    kith_sdp *sdp = NULL;
    kith_err err = kith_sdp_parse(&sdp, d->sdp, strlen(d->sdp));
    assert(err == KITH_OK);
    kith_sdp_free(sdp);
}

static bool is_type(const kith_session_description *d, kith_sdp_type type)
{
    return d && d->type == type;
}

static void check(kith_pc *pc)
{
    const kith_session_description *local = kith_pc_pending_local_description(pc);
    const kith_session_description *remote = kith_pc_pending_remote_description(pc);
    switch (kith_pc_signaling_state(pc)) {
    case KITH_SIGNALING_STATE_STABLE:
        assert(!local && !remote);
        break;
    case KITH_SIGNALING_STATE_HAVE_LOCAL_OFFER:
        assert(is_type(local, KITH_SDP_OFFER) && !remote);
        break;
    case KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER:
        assert(!local && is_type(remote, KITH_SDP_OFFER));
        break;
    case KITH_SIGNALING_STATE_HAVE_LOCAL_PRANSWER:
        assert(is_type(local, KITH_SDP_PRANSWER) && is_type(remote, KITH_SDP_OFFER));
        break;
    case KITH_SIGNALING_STATE_HAVE_REMOTE_PRANSWER:
        assert(is_type(local, KITH_SDP_OFFER) && is_type(remote, KITH_SDP_PRANSWER));
        break;
    case KITH_SIGNALING_STATE_CLOSED:
        break;
    }
    const kith_session_description *current = kith_pc_current_local_description(pc);
    assert(!current == !kith_pc_current_remote_description(pc));
    check_text(kith_pc_local_description(pc));
    check_text(kith_pc_remote_description(pc));
}

typedef struct view {
    kith_signaling_state state;
    char *local, *remote, ufrag[KITH_UFRAG_MAX + 1];
} view;

static char *copy(const kith_session_description *d)
{
    return d ? kith_strdup(d->sdp) : NULL;
}

static view look(kith_pc *pc)
{
    view v = {.state = kith_pc_signaling_state(pc),
              .local = copy(kith_pc_local_description(pc)),
              .remote = copy(kith_pc_remote_description(pc))};
    strncpy(v.ufrag, kith_ice_local_ufrag(kith_pc_transport(pc)->ice), sizeof v.ufrag - 1);
    return v;
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void compare(kith_pc *pc, view *before, kith_err err)
{
    view now = look(pc);
    assert(err == KITH_OK || (now.state == before->state && same(now.local, before->local) &&
                              same(now.remote, before->remote) && same(now.ufrag, before->ufrag)));
    kith_free(now.local);
    kith_free(now.remote);
    kith_free(before->local);
    kith_free(before->remote);
}

/* ---- descriptions on their way ---- */

static const char *const swaps[][2] = {
    {"m=application 9", "m=application 0"},
    {"a=setup:actpass", "a=setup:passive"},
    {"a=setup:active", "a=setup:passive"},
    {"a=mid:0", "a=mid:1"},
    {"a=ice-ufrag:", "a=ice-ufrag:x"},
    {"a=sctp-port:5000", "a=sctp-port:0"},
    {"a=fingerprint:", "a=x:"},
    {"a=group:BUNDLE", "a=group:LS"},
    {"t=0 0", "t=0 0\r\na=ice-lite"},
    {" webrtc-datachannel", " 5000"},
    {"UDP/DTLS/SCTP", "UDP/TLS/RTP/SAVPF"},
    {"a=ice-options:", "a=end-of-candidates\r\na=x:"},
};

static char *swap(char *text, const char *from, const char *to)
{
    char *at = strstr(text, from);
    if (!at)
        return text;
    kith_writer w = kith_wr_growing();
    kith_wr_bytes(&w, text, (size_t)(at - text));
    kith_wr_text(&w, to);
    kith_wr_text(&w, at + strlen(from));
    kith_free(text);
    return kith_wr_take_text(&w);
}

/* Replaces a byte, or swaps a phrase, or adds a section, as the input wants. */
static char *change(char *text, kith_reader *in)
{
    uint8_t how = kith_rd_u8(in);
    size_t count = sizeof swaps / sizeof swaps[0];
    if (how < count)
        return swap(text, swaps[how][0], swaps[how][1]);
    if (how == count)
        return swap(
            text, "m=application",
            "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:v\r\nm=application");
    if (how == count + 1 && text[0] != '\0') {
        uint16_t at = kith_rd_u16(in);
        char byte = (char)kith_rd_u8(in);
        text[at % strlen(text)] = byte != '\0' ? byte : ' ';
    }
    return text;
}

static kith_err set_remote(pair *p, int side, kith_reader *in)
{
    kith_session_description d = {.type = (kith_sdp_type)(kith_rd_u8(in) % 4)};
    char *text = copy(kith_pc_local_description(p->pc[!side]));
    for (uint8_t changes = kith_rd_u8(in) % 3; text && changes > 0; changes--)
        text = change(text, in);
    d.sdp = text;
    kith_err err = kith_pc_set_remote_description(p->pc[side], &d);
    kith_free(text);
    return err;
}

/* An operand of text: its length, then the text. */
static char *read_text(kith_reader *in)
{
    size_t len = kith_rd_u16(in);
    if (len > kith_rd_left(in))
        len = kith_rd_left(in);
    kith_span span = kith_rd_span(in, len);
    return kith_strndup((const char *)span.data, span.len);
}

static kith_err set_remote_raw(pair *p, int side, kith_reader *in)
{
    kith_session_description d = {.type = (kith_sdp_type)(kith_rd_u8(in) % 4)};
    char *text = read_text(in);
    d.sdp = text;
    kith_err err = kith_pc_set_remote_description(p->pc[side], &d);
    kith_free(text);
    return err;
}

/* ---- the application ---- */

static void keep(pair *p, int side, const kith_session_description *created)
{
    kith_free(p->created[side]);
    p->created[side] = kith_strdup(created->sdp);
    check_text(created);
}

static kith_err set_local(pair *p, int side, kith_reader *in)
{
    kith_session_description d = {.type = (kith_sdp_type)(kith_rd_u8(in) % 4),
                                  .sdp = p->created[side]};
    return kith_pc_set_local_description(p->pc[side], &d);
}

static kith_err add_candidate(kith_pc *pc, kith_reader *in)
{
    uint8_t how = kith_rd_u8(in);
    if (how == 255)
        return kith_pc_add_ice_candidate(pc, NULL);
    char *text = how & 1 ? read_text(in)
                         : kith_strdup("candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host");
    const kith_ice_candidate c = {
        .size = sizeof c,
        .candidate = how & 32 ? "" : text,
        .sdp_mid = how & 2   ? "0"
                   : how & 4 ? "1"
                             : NULL,
        .sdp_m_line_index = how & 8    ? 0
                            : how & 16 ? 1
                                       : -1,
        .username_fragment = how & 64 ? kith_ice_local_ufrag(kith_pc_transport(pc)->ice) : NULL,
    };
    kith_err err = kith_pc_add_ice_candidate(pc, &c);
    kith_free(text);
    return err;
}

static void local_candidate(kith_pc *pc, uint8_t last)
{
    kith_candidate c;
    if (!kith_candidate_parse(&c, kith_span_text("candidate:1 1 udp 2122260223 192.0.2.7 50000 typ "
                                                 "host")))
        abort();
    c.address.ip[3] = last;
    if (!kith_jsep_local_candidate(pc, &c))
        abort();
}

static kith_err configure(kith_pc *pc, kith_reader *in)
{
    char *url = read_text(in);
    const kith_ice_server server = {(const char *const *)&url, 1, NULL, NULL};
    kith_pc_config cfg = *kith_pc_get_configuration(pc);
    cfg.ice_servers = &server;
    cfg.ice_server_count = 1;
    kith_err err = kith_pc_set_configuration(pc, &cfg);
    kith_free(url);
    return err;
}

static kith_err create(pair *p, int side, enum step step, kith_reader *in)
{
    const kith_session_description *created;
    const kith_offer_options options = {.size = sizeof options, .ice_restart = kith_rd_u8(in) & 1};
    kith_err err = step == CREATE_OFFER ? kith_pc_create_offer(p->pc[side], &options, &created)
                                        : kith_pc_create_answer(p->pc[side], &created);
    if (err == KITH_OK)
        keep(p, side, created);
    return err;
}

static kith_err act(pair *p, int side, enum step step, kith_reader *in)
{
    kith_pc *pc = p->pc[side];
    kith_dc *dc;
    switch (step) {
    case CREATE_OFFER:
    case CREATE_ANSWER:
        return create(p, side, step, in);
    case SET_LOCAL:
        return set_local(p, side, in);
    case SET_LOCAL_IMPLICIT:
        return kith_pc_set_local_description(pc, NULL);
    case SET_REMOTE:
        return set_remote(p, side, in);
    case SET_REMOTE_RAW:
        return set_remote_raw(p, side, in);
    case ADD_CANDIDATE:
        return add_candidate(pc, in);
    case CREATE_CHANNEL:
        return kith_pc_create_data_channel(pc, "chat", NULL, &dc);
    case CONFIGURE:
        return configure(pc, in);
    case LOCAL_CANDIDATE:
        local_candidate(pc, kith_rd_u8(in));
        break;
    case LOCAL_END:
        if (!kith_jsep_local_end(pc))
            abort();
        break;
    case RESTART_ICE:
        kith_pc_restart_ice(pc);
        break;
    case TAKE_EVENTS:
        while (kith_endpoint_poll_event(p->ep)) {
        }
        break;
    case CLOSE:
        kith_pc_close(pc);
        break;
    case STEPS:
        break;
    }
    return KITH_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pair p;
    kith_reader in = kith_rd(data, size);
    init(&p);
    for (int steps = 0; steps < MAX_STEPS && kith_rd_left(&in) > 0; steps++) {
        uint8_t byte = kith_rd_u8(&in);
        int side = byte >> 7;
        view before = look(p.pc[side]);
        kith_err err = act(&p, side, (enum step)((byte & 0x7f) % STEPS), &in);
        compare(p.pc[side], &before, err);
        check(p.pc[0]);
        check(p.pc[1]);
    }
    deinit(&p);
    return 0;
}
