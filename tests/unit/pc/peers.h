/* Peer connections without a network for the tests of offer and answer: an endpoint without
 * local addresses, descriptions carried by hand, and what a peer looked like before a call that
 * fails. */
#ifndef KITH_TESTS_UNIT_PC_PEERS_H
#define KITH_TESTS_UNIT_PC_PEERS_H

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "kith/kith.h"
#include "pc/pc.h"
#include "unit.h"

#define OK(call)           ck_assert_msg(!(call), "%s: %s", #call, kith_last_error()->message)
#define FAILS(error, call) ck_assert_str_eq(kith_err_name(call), #error)

/* Two peers on one endpoint. */
typedef struct duo {
    kith_endpoint *ep;
    kith_pc *a, *b;
} duo;

static inline kith_pc *peer_new(kith_endpoint *ep)
{
    kith_pc *pc = NULL;
    OK(kith_pc_new(&pc, ep, NULL));
    return pc;
}

static inline duo duo_new(void)
{
    duo d = {0};
    OK(kith_endpoint_new(&d.ep, NULL));
    d.a = peer_new(d.ep);
    d.b = peer_new(d.ep);
    return d;
}

static inline void duo_free(duo *d)
{
    kith_endpoint_free(d->ep);
}

static inline kith_dc *open_channel(kith_pc *pc)
{
    kith_dc *dc = NULL;
    OK(kith_pc_create_data_channel(pc, "chat", NULL, &dc));
    return dc;
}

static inline kith_sdp *parse(const char *text)
{
    kith_sdp *sdp = NULL;
    OK(kith_sdp_parse(&sdp, text, strlen(text)));
    return sdp;
}

static inline kith_err set_remote(kith_pc *pc, kith_sdp_type type, const char *sdp)
{
    return kith_pc_set_remote_description(pc, &(kith_session_description){type, sdp});
}

static inline kith_err set_local(kith_pc *pc, kith_sdp_type type, const char *sdp)
{
    return kith_pc_set_local_description(pc, &(kith_session_description){type, sdp});
}

/* from sets its offer and to takes it. */
static inline void offer(kith_pc *from, kith_pc *to)
{
    OK(kith_pc_set_local_description(from, NULL));
    OK(set_remote(to, KITH_SDP_OFFER, kith_pc_local_description(from)->sdp));
}

/* And back. */
static inline void answer(kith_pc *from, kith_pc *to)
{
    OK(kith_pc_set_local_description(from, NULL));
    OK(set_remote(to, KITH_SDP_ANSWER, kith_pc_local_description(from)->sdp));
}

static inline void negotiate(kith_pc *from, kith_pc *to)
{
    offer(from, to);
    answer(to, from);
}

/* A duo that has agreed on a data section. */
static inline duo duo_agreed(void)
{
    duo d = duo_new();
    open_channel(d.a);
    negotiate(d.a, d.b);
    return d;
}

/* The value of the first line that begins with prefix, in a buffer that lives until the next
 * call. */
static inline const char *line_of(const char *sdp, const char *prefix)
{
    static char value[1024];
    for (const char *line = sdp; line && *line; line = strchr(line, '\n'), line += !!line)
        if (strncmp(line, prefix, strlen(prefix)) == 0) {
            snprintf(value, sizeof value, "%.*s", (int)strcspn(line, "\r\n"), line);
            memmove(value, value + strlen(prefix), strlen(value) - strlen(prefix) + 1);
            return value;
        }
    return NULL;
}

static inline bool has_line(const char *sdp, const char *wanted)
{
    size_t len = strlen(wanted);
    for (const char *at = sdp; (at = strstr(at, wanted)); at++)
        if ((at == sdp || at[-1] == '\n') &&
            (at[len] == '\r' || at[len] == '\n' || at[len] == '\0'))
            return true;
    return false;
}

/* The text with every `from` replaced; the caller's. */
static inline char *with(const char *text, const char *from, const char *to)
{
    kith_writer w = kith_wr_growing();
    for (const char *at; (at = strstr(text, from)); text = at + strlen(from)) {
        kith_wr_bytes(&w, text, (size_t)(at - text));
        kith_wr_text(&w, to);
    }
    kith_wr_text(&w, text);
    char *result = kith_wr_take_text(&w);
    ck_assert_ptr_nonnull(result);
    return result;
}

static inline char *read_sdp(const char *name)
{
    char path[512];
    const char *data = getenv("KITH_TEST_DATA");
    snprintf(path, sizeof path, "%s/sdp/%s", data ? data : "tests/data", name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file, "%s", path);
    char *text = kith_alloc_zero(1, 65536);
    size_t len = fread(text, 1, 65535, file);
    ck_assert_uint_gt(len, 0);
    fclose(file);
    return text;
}

/* ---- as before ---- */

/* Everything of a peer that the application can see of its negotiation. */
typedef struct snapshot {
    kith_signaling_state state;
    char *texts[6];
    char ufrag[KITH_UFRAG_MAX + 1];
    bool negotiation_needed, has_dtls_role;
    kith_ice_role role;
} snapshot;

static inline void texts_of(kith_pc *pc, const kith_session_description *out[6])
{
    out[0] = kith_pc_local_description(pc);
    out[1] = kith_pc_current_local_description(pc);
    out[2] = kith_pc_pending_local_description(pc);
    out[3] = kith_pc_remote_description(pc);
    out[4] = kith_pc_current_remote_description(pc);
    out[5] = kith_pc_pending_remote_description(pc);
}

static inline snapshot snapshot_of(kith_pc *pc)
{
    snapshot s = {
        .state = kith_pc_signaling_state(pc),
        .negotiation_needed = pc->jsep.negotiation_needed,
        .has_dtls_role = kith_pc_transport(pc)->has_dtls_role,
        .role = kith_ice_get_role(kith_pc_transport(pc)->ice),
    };
    snprintf(s.ufrag, sizeof s.ufrag, "%s", kith_ice_local_ufrag(kith_pc_transport(pc)->ice));
    const kith_session_description *all[6];
    texts_of(pc, all);
    for (int i = 0; i < 6; i++)
        s.texts[i] = all[i] ? kith_strdup(all[i]->sdp) : NULL;
    return s;
}

/* Compares and frees. */
static inline void assert_unchanged(kith_pc *pc, snapshot *before)
{
    snapshot now = snapshot_of(pc);
    ck_assert_int_eq(now.state, before->state);
    ck_assert_str_eq(now.ufrag, before->ufrag);
    ck_assert_int_eq(now.negotiation_needed, before->negotiation_needed);
    ck_assert_int_eq(now.has_dtls_role, before->has_dtls_role);
    ck_assert_int_eq(now.role, before->role);
    for (int i = 0; i < 6; i++) {
        ck_assert_int_eq(!now.texts[i], !before->texts[i]);
        if (now.texts[i])
            ck_assert_str_eq(now.texts[i], before->texts[i]);
        kith_free(now.texts[i]);
        kith_free(before->texts[i]);
    }
}

/* How many events of a type wait; all are taken. */
static inline int take_events(kith_pc *pc, kith_event_type type)
{
    int count = 0;
    for (const kith_event *ev; (ev = kith_events_next(pc));)
        count += ev->type == type;
    return count;
}

#endif
