/* The sections of the transport as tables: by MID, by SSRC that a=ssrc names, by payload type. */
#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "rtp/session.h"

#define NO_PLACE (-1)

void kith_rtp_places_deinit(kith_rtp_places *places)
{
    kith_free(places->list);
    kith_free(places->signalled);
    kith_free(places->fids);
    *places = (kith_rtp_places){0};
}

kith_rtp_place *kith_rtp_place_of_mid(const kith_rtp_places *places, kith_span mid)
{
    for (size_t i = 0; i < places->count; i++) {
        kith_rtp_place *place = &places->list[i];
        if (mid.len > 0 && kith_span_equal(mid, kith_span_of(place->mid, place->mid_len)))
            return place;
    }
    return NULL;
}

kith_rtp_place *kith_rtp_place_of_ssrc(const kith_rtp_places *places, uint32_t ssrc)
{
    for (size_t i = 0; i < places->signalled_count; i++)
        if (places->signalled[i].ssrc == ssrc)
            return &places->list[places->signalled[i].place];
    return NULL;
}

/* A mid that is too long for a header extension is known by no packet: it stays empty. */
static void fill_place(kith_rtp_place *place, const kith_rtp_section *section)
{
    size_t len = strlen(section->mid);
    if (len <= KITH_RTP_MAX_MID) {
        memcpy(place->mid, section->mid, len);
        place->mid_len = len;
    }
    place->kind = section->kind;
    place->is_pending = section->is_pending;
    place->reduced_size = section->reduced_size;
    place->takes_pli = section->takes_pli;
    place->takes_fir = section->takes_fir;
    place->rcvr_rtt = section->rcvr_rtt;
    place->takes_nack = section->takes_nack;
    place->is_signalled = section->ssrc_count > 0;
    place->takes_transport_cc = section->takes_transport_cc;
    place->user = section->user;
    memcpy(place->extensions, section->extensions, sizeof place->extensions);
    memset(place->apts, KITH_RTP_NO_TYPE, sizeof place->apts);
    for (size_t i = 0; i < section->payload_type_count; i++) {
        const kith_rtp_payload_type *type = &section->payload_types[i];
        assert(type->number < 128 && type->clock_rate > 0);
        place->clock_rates[type->number] = type->clock_rate;
        if (type->is_rtx)
            place->apts[type->number] = type->apt;
    }
}

/* The one section that has the payload type, among the pending ones or the others. */
static int16_t only_place(const kith_rtp_places *places, unsigned type, bool is_pending,
                          bool *is_used)
{
    int16_t only = NO_PLACE;
    *is_used = false;
    for (size_t i = 0; i < places->count; i++) {
        const kith_rtp_place *place = &places->list[i];
        if (place->is_pending != is_pending || place->clock_rates[type] == 0)
            continue;
        only = *is_used ? NO_PLACE : (int16_t)i;
        *is_used = true;
    }
    return only;
}

/* What is negotiated comes first: a pending section cannot take a number or an id from it. */
static void index_places(kith_rtp_places *places)
{
    for (unsigned type = 0; type < 128; type++) {
        bool is_used;
        places->by_payload_type[type] = only_place(places, type, false, &is_used);
        if (!is_used)
            places->by_payload_type[type] = only_place(places, type, true, &is_used);
    }
    memset(places->kind_of_id, KITH_RTP_EXTENSION_COUNT, sizeof places->kind_of_id);
    for (int pending = 1; pending >= 0; pending--)
        for (size_t i = 0; i < places->count; i++)
            for (uint8_t kind = 0; kind < KITH_RTP_EXTENSION_COUNT; kind++)
                if (places->list[i].is_pending == pending && places->list[i].extensions[kind] > 0)
                    places->kind_of_id[places->list[i].extensions[kind]] = kind;
}

static kith_err make_places(kith_rtp_places *places, const kith_rtp_section *sections, size_t count)
{
    size_t ssrcs = 0, fids = 0;
    for (size_t i = 0; i < count; i++) {
        ssrcs += sections[i].ssrc_count;
        fids += sections[i].fid_count;
    }
    *places = (kith_rtp_places){0};
    places->list = kith_alloc_zero(count, sizeof *places->list);
    places->signalled = kith_alloc_zero(ssrcs, sizeof *places->signalled);
    places->fids = kith_alloc_zero(fids, sizeof *places->fids);
    if (!places->list || !places->signalled || !places->fids) {
        kith_rtp_places_deinit(places);
        return kith_fail_memory();
    }
    places->count = count;
    for (size_t i = 0; i < count; i++) {
        fill_place(&places->list[i], &sections[i]);
        for (size_t j = 0; j < sections[i].ssrc_count; j++)
            places->signalled[places->signalled_count++] =
                (kith_rtp_signalled){.ssrc = sections[i].ssrcs[j], .place = (uint32_t)i};
        for (size_t j = 0; j < sections[i].fid_count; j++)
            places->fids[places->fid_count++] = sections[i].fids[j];
    }
    index_places(places);
    return KITH_OK;
}

/* What a=ssrc named, of a section that went or whose a=ssrc names others now. */
static void end_signalled(kith_rtp_session *s, const kith_rtp_places *places)
{
    for (size_t i = 0; i < s->places.signalled_count; i++) {
        const kith_rtp_signalled *before = &s->places.signalled[i];
        const kith_rtp_place *old = &s->places.list[before->place];
        const kith_rtp_place *place =
            kith_rtp_place_of_mid(places, kith_span_of(old->mid, old->mid_len));
        if (old->mid_len == 0 || kith_rtp_place_of_ssrc(places, before->ssrc) ||
            (place && !place->is_signalled))
            continue;
        kith_rtp_in *in = kith_rtp_find_in(s, before->ssrc);
        if (!in)
            kith_rtp_note_ended(s, before->ssrc);
        else if (!place || !in->is_bound_by_mid)
            kith_rtp_end_in(s, in);
    }
    for (size_t i = 0; i < places->signalled_count; i++)
        kith_rtp_note_used(s, places->signalled[i].ssrc);
}

/* Streams follow their mid into the new tables; one that an a=ssrc now names goes where it says,
 * unless its own packets said otherwise. */
static void move_streams(kith_rtp_session *s, const kith_rtp_places *places)
{
    KITH_LIST_EACH(&s->all_ins, node) {
        kith_rtp_in *in = kith_rtp_in_of(node);
        kith_rtp_place *named = kith_rtp_place_of_ssrc(places, in->ssrc);
        bool has_mid = in->place->mid_len > 0;
        if (!named || in->is_bound_by_mid)
            in->place =
                kith_rtp_place_of_mid(places, kith_span_of(in->place->mid, in->place->mid_len));
        else
            in->place = named;
        if (!in->place && has_mid)
            kith_rtp_end_in(s, in);
        else if (!in->place) /* of a peer without mids: its next packet finds its section */
            kith_rtp_forget_in(s, in);
    }
    KITH_RTP_EACH_OUT(s, out)
        out->place = kith_rtp_place_of_mid(places, kith_span_of(out->mid, out->mid_len));
}

/* Descriptions that name an SSRC of ours: while nobody was told of it another one is taken
 * silently. The others are changed when there is a `now` (kith_rtp_settle). */
static void avoid_collisions(kith_rtp_session *s)
{
    KITH_RTP_EACH_OUT(s, out)
        if (!out->is_announced && kith_rtp_place_of_ssrc(&s->places, out->ssrc))
            out->ssrc = kith_rtp_choose_ssrc(s);
}

kith_err kith_rtp_set_sections(kith_rtp_session *s, const kith_rtp_section *sections, size_t count)
{
    assert(count <= INT16_MAX);
    kith_rtp_places places;
    kith_err err = make_places(&places, sections, count);
    if (err != KITH_OK)
        return err;
    end_signalled(s, &places);
    move_streams(s, &places);
    kith_rtp_places_deinit(&s->places);
    s->places = places;
    avoid_collisions(s);
    s->is_resettled = true;
    return KITH_OK;
}
