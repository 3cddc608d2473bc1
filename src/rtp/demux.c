/* Whose stream is it (RFC 9143 section 9.2): by MID, which binds the SSRC; by what the SSRC is
 * bound to already; by a=ssrc; by a payload type that only one section has. */
#include <string.h>

#include "base/memory.h"
#include "base/seq.h"
#include "rtp/session.h"

/* An SSRC that was not used for so long makes room when the table is full. */
#define UNUSED_TIME KITH_SECONDS(60)
/* One that said BYE is over after five intervals of RFC 3550 section 6.3.5: what comes late of it
 * has come by then. */
#define ENDED_TIME KITH_SECONDS(25)

static void write_key(uint8_t key[4], uint32_t ssrc)
{
    for (int i = 0; i < 4; i++)
        key[i] = (uint8_t)(ssrc >> (24 - 8 * i));
}

kith_rtp_in *kith_rtp_find_in(const kith_rtp_session *s, uint32_t ssrc)
{
    uint8_t key[4];
    write_key(key, ssrc);
    kith_map_node *node = kith_map_find(&s->ins, kith_span_of(key, sizeof key));
    return node ? KITH_OWNER(node, kith_rtp_in, node) : NULL;
}

kith_rtp_out *kith_rtp_find_out(const kith_rtp_session *s, uint32_t ssrc)
{
    KITH_RTP_EACH_OUT(s, out)
        if (out->ssrc == ssrc)
            return out;
    return NULL;
}

void kith_rtp_forget_in(kith_rtp_session *s, kith_rtp_in *in)
{
    kith_map_remove(&s->ins, &in->node);
    kith_rtp_nack_deinit(&in->nack);
    kith_list_remove(&in->in_all);
    kith_free(in);
}

void kith_rtp_end_in(kith_rtp_session *s, kith_rtp_in *in)
{
    kith_rtp_note_ended(s, in->ssrc);
    kith_rtp_forget_in(s, in);
}

/* The stream that was silent longest, if that is long enough; or NULL. */
static kith_rtp_in *find_unused(const kith_rtp_session *s, kith_time now)
{
    kith_rtp_in *oldest = NULL;
    KITH_RTP_EACH_IN(s, in)
        if (!oldest || in->used_at < oldest->used_at)
            oldest = in;
    return oldest && now - oldest->used_at >= UNUSED_TIME ? oldest : NULL;
}

static kith_rtp_in *newest(const kith_rtp_session *s, const kith_rtp_place *place, bool is_rtx)
{
    kith_rtp_in *newest = NULL;
    KITH_RTP_EACH_IN(s, in)
        if (in->place == place && in->info.is_rtx == is_rtx &&
            (!newest || in->used_at >= newest->used_at))
            newest = in;
    return newest;
}

kith_rtp_in *kith_rtp_newest_in(const kith_rtp_session *s, const kith_rtp_place *place)
{
    return newest(s, place, false);
}

/* The last of a section may come back: browsers say BYE when they stop sending, and go on with the
 * same SSRC. */
void kith_rtp_end_silent(kith_rtp_session *s, kith_time now)
{
    KITH_LIST_EACH(&s->all_ins, node) {
        kith_rtp_in *in = kith_rtp_in_of(node);
        if (in->info.is_ended && now - in->used_at >= ENDED_TIME &&
            newest(s, in->place, in->info.is_rtx) != in)
            kith_rtp_end_in(s, in);
    }
}

static bool has_room(const kith_rtp_session *s, kith_time now)
{
    return s->ins.count < KITH_RTP_MAX_SSRCS || find_unused(s, now);
}

kith_rtp_in *kith_rtp_bind(kith_rtp_session *s, kith_time now, uint32_t ssrc, kith_rtp_place *place)
{
    if (s->ins.count >= KITH_RTP_MAX_SSRCS) {
        kith_rtp_in *unused = find_unused(s, now);
        if (!unused)
            return NULL;
        kith_rtp_forget_in(s, unused);
    }
    kith_rtp_in *in = kith_alloc_zero(1, sizeof *in);
    if (!in)
        return NULL;
    in->ssrc = ssrc;
    in->place = place;
    in->used_at = now;
    kith_rtp_nack_init(&in->nack);
    write_key(in->key, ssrc);
    if (kith_map_add(&s->ins, &in->node, kith_span_of(in->key, sizeof in->key)) != KITH_OK) {
        kith_free(in);
        return NULL;
    }
    kith_list_append(&s->all_ins, &in->in_all);
    kith_rtp_note_used(s, ssrc);
    return in;
}

static bool names_section(const kith_rtp_session *s, const kith_rtp_header *h, kith_span datagram)
{
    kith_rtp_elements elements = kith_rtp_elements_of(h, datagram);
    for (kith_rtp_element e; kith_rtp_next_element(&elements, &e);)
        if (s->places.kind_of_id[e.id] == KITH_RTP_EXTENSION_MID)
            return kith_rtp_place_of_mid(&s->places, e.data);
    return false;
}

bool kith_rtp_admits(const kith_rtp_session *s, kith_time now, kith_span datagram)
{
    kith_rtp_header h;
    if (!kith_rtp_parse_clear(&h, datagram))
        return false;
    if (kith_rtp_find_in(s, h.ssrc))
        return true;
    return has_room(s, now) && (!kith_rtp_is_ended(s, h.ssrc) || names_section(s, &h, datagram));
}

/* A MID that came later than what bound the SSRC binds it anew. */
static bool is_newer(const kith_rtp_in *in, const kith_packet *packet)
{
    return !in->is_started ||
           kith_seq_unwrap(in->highest, packet->header.sequence_number) > in->highest;
}

static kith_rtp_place *place_of(kith_rtp_session *s, const kith_rtp_in *in,
                                const kith_packet *packet, kith_span mid)
{
    kith_rtp_places *places = &s->places;
    if (mid.len > 0) {
        kith_rtp_place *place = kith_rtp_place_of_mid(places, mid);
        if (!place)
            s->counters.unknown_mid++;
        return place && in && in->is_bound_by_mid && !is_newer(in, packet) ? in->place : place;
    }
    if (in)
        return in->place;
    kith_rtp_place *place = kith_rtp_place_of_ssrc(places, packet->header.ssrc);
    int16_t only = places->by_payload_type[packet->header.payload_type];
    if (!place && only >= 0 && !kith_rtp_is_ended(s, packet->header.ssrc))
        place = &places->list[only];
    if (!place)
        s->counters.unknown_ssrc++;
    return place;
}

kith_rtp_in *kith_rtp_demux(kith_rtp_session *s, const kith_packet *packet, kith_span mid,
                            bool *is_waiting)
{
    kith_rtp_in *in = kith_rtp_find_in(s, packet->header.ssrc);
    kith_rtp_place *place = place_of(s, in, packet, mid);
    *is_waiting = false;
    if (!place)
        return NULL;
    if (place->clock_rates[packet->header.payload_type] == 0) {
        s->counters.unknown_payload_type++;
        return NULL;
    }
    *is_waiting = place->is_pending;
    if (place->is_pending)
        return NULL;
    if (!in)
        in = kith_rtp_bind(s, packet->received_at, packet->header.ssrc, place);
    if (!in) {
        s->counters.over_limit++;
        return NULL;
    }
    in->place = place;
    in->is_bound_by_mid |= mid.len > 0;
    in->used_at = packet->received_at;
    in->info.is_rtx = place->apts[packet->header.payload_type] != KITH_RTP_NO_TYPE;
    return in;
}
