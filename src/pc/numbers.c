#include "pc/numbers.h"

#include <string.h>

#include "pc/jsep.h"
#include "pc/pc.h"

static void note_types(kith_numbers *numbers, const kith_sdp_media *m)
{
    for (size_t i = 0; i < m->rtpmaps.count; i++) {
        uint8_t type = m->rtpmaps.items[i].payload_type;
        if (type > 127 || numbers->is_used[type])
            continue;
        uint8_t apt;
        numbers->is_used[type] = true;
        numbers->is_rtx[type] = kith_codec_is_rtx(m, type, &apt);
        numbers->rows[type] =
            kith_codec_find(numbers->codecs, m, numbers->is_rtx[type] ? apt : type);
    }
}

static void note_ids(kith_numbers *numbers, const kith_sdp_media *m)
{
    for (size_t i = 0; i < m->common.extmaps.count; i++) {
        const kith_sdp_extmap *map = &m->common.extmaps.items[i];
        if (map->id < 1 || map->id > KITH_EXTENSION_ID_MAX || numbers->is_id_used[map->id])
            continue;
        numbers->is_id_used[map->id] = true;
        numbers->extensions[map->id] = kith_rtp_extension_find(kith_span_text(map->uri));
    }
}

void kith_numbers_note(kith_numbers *numbers, const kith_sdp *sdp)
{
    for (size_t i = 0; i < sdp->media.count; i++) {
        note_types(numbers, sdp->media.items[i]);
        note_ids(numbers, sdp->media.items[i]);
    }
}

/* What is written now comes before what was agreed on, and that before what once was: a peer may
 * have another number for a codec than our last offer. */
#define SOURCES 5
static void sources(const kith_draft *draft, const kith_sdp *out[SOURCES])
{
    const kith_jsep *jsep = &draft->pc->jsep;
    const kith_description *const set[] = {jsep->pending_local, jsep->current_local,
                                           jsep->pending_remote, jsep->current_remote};
    out[0] = draft->sdp;
    for (size_t i = 0; i + 1 < SOURCES; i++)
        out[i + 1] = set[i] ? set[i]->sdp : NULL;
}

/* A remote description's H.264 of another level is the same row. */
static int type_in(const kith_codec_set *set, const kith_sdp *sdp, const kith_codec *row,
                   bool is_rtx)
{
    for (size_t i = 0; i < sdp->media.count; i++) {
        const kith_sdp_media *m = sdp->media.items[i];
        for (size_t j = 0; j < m->rtpmaps.count; j++) {
            int type = m->rtpmaps.items[j].payload_type;
            if (kith_codec_find(set, m, type) != row)
                continue;
            int found = is_rtx ? kith_codec_find_rtx(m, type) : type;
            if (found >= 0)
                return found;
        }
    }
    return -1;
}

static int choose_type(const kith_draft *draft, const kith_codec *row, bool is_rtx)
{
    const kith_sdp *all[SOURCES];
    sources(draft, all);
    for (size_t s = 0; s < SOURCES; s++) {
        int type = all[s] ? type_in(&draft->pc->transceivers.codecs, all[s], row, is_rtx) : -1;
        if (type >= 0)
            return type;
    }
    kith_numbers numbers = draft->pc->transceivers.numbers;
    kith_numbers_note(&numbers, draft->sdp);
    for (int type = 0; type < 128; type++)
        if (numbers.rows[type] == row && numbers.is_rtx[type] == is_rtx)
            return type;
    /* RFC 3551 section 3, then RFC 5761 section 4's other dynamic ones. */
    for (int type = 96; type < 128; type++)
        if (!numbers.is_used[type])
            return type;
    for (int type = 35; type < 64; type++)
        if (!numbers.is_used[type])
            return type;
    return -1;
}

int kith_numbers_payload_type(const kith_draft *draft, const kith_codec *row)
{
    return row->payload_type != KITH_CODEC_DYNAMIC ? row->payload_type
                                                   : choose_type(draft, row, false);
}

int kith_numbers_rtx_type(const kith_draft *draft, const kith_codec *row)
{
    return choose_type(draft, row, true);
}

static uint16_t id_in(const kith_sdp *sdp, const char *uri)
{
    for (size_t i = 0; i < sdp->media.count; i++) {
        const kith_sdp_extmaps *maps = &sdp->media.items[i]->common.extmaps;
        for (size_t j = 0; j < maps->count; j++)
            if (maps->items[j].id <= KITH_EXTENSION_ID_MAX && strcmp(maps->items[j].uri, uri) == 0)
                return maps->items[j].id;
    }
    return 0;
}

uint16_t kith_numbers_extension_id(const kith_draft *draft, const char *uri)
{
    const kith_sdp *all[SOURCES];
    sources(draft, all);
    for (size_t s = 0; s < SOURCES; s++) {
        uint16_t id = all[s] ? id_in(all[s], uri) : 0;
        if (id > 0)
            return id;
    }
    kith_numbers numbers = draft->pc->transceivers.numbers;
    kith_numbers_note(&numbers, draft->sdp);
    kith_rtp_extension_kind kind = kith_rtp_extension_find(kith_span_text(uri));
    for (uint16_t id = 1; id <= KITH_EXTENSION_ID_MAX; id++)
        if (numbers.is_id_used[id] && numbers.extensions[id] == kind)
            return id;
    for (uint16_t id = 1; id <= KITH_EXTENSION_ID_MAX; id++)
        if (!numbers.is_id_used[id])
            return id;
    return 0;
}
