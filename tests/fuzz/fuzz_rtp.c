/* RTP: whatever is taken lies inside its packet, and comes back as it was when its parts are
 * written anew. */
#include "fuzz.h"

#include <assert.h>
#include <string.h>

#include "wire/rtp.h"
#include "wire/rtp_extension.h"

#define MOST 512

/* Values of any bytes are read, or are none. */
static void read_values(kith_span value)
{
    kith_rtp_audio_level level;
    kith_rtp_video_orientation orientation;
    kith_rtp_playout_delay delay;
    (void)kith_rtp_is_mid(value);
    if (kith_rtp_read_audio_level(&level, value))
        assert(kith_rtp_write_audio_level(&level) == value.data[0]);
    if (kith_rtp_read_video_orientation(&orientation, value))
        assert(kith_rtp_write_video_orientation(&orientation) == (value.data[0] & 15));
    if (kith_rtp_read_playout_delay(&delay, value)) {
        uint8_t back[3];
        kith_rtp_write_playout_delay(back, &delay);
        assert(memcmp(back, value.data, 3) == 0);
    }
}

static void compare(const kith_rtp_header *h, kith_span packet, const kith_writer *w,
                    const kith_rtp_element *elements, size_t count)
{
    kith_rtp_header again;
    kith_span copy = kith_span_of(w->data, w->len);
    bool is_read = kith_rtp_parse_header(&again, copy);
    assert(is_read && again.ssrc == h->ssrc && again.timestamp == h->timestamp);
    assert(again.sequence_number == h->sequence_number && again.marker == h->marker);
    assert(again.payload_type == h->payload_type && again.csrc_count == h->csrc_count);
    assert(again.padding_len == h->padding_len && again.payload_len == h->payload_len);
    assert(h->payload_len == 0 ||
           memcmp(w->data + again.payload_at, packet.data + h->payload_at, h->payload_len) == 0);
    kith_rtp_elements list = kith_rtp_elements_of(&again, copy);
    kith_rtp_element e;
    for (size_t i = 0; i < count; i++) {
        bool is_there = kith_rtp_next_element(&list, &e);
        assert(is_there && e.id == elements[i].id);
        assert(kith_span_equal(e.data, elements[i].data));
    }
    assert(!kith_rtp_next_element(&list, &e));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kith_span packet = kith_span_of(data, size);
    kith_rtp_header h;
    if (!kith_rtp_parse_header(&h, packet))
        return 0;
    assert(h.payload_at + (size_t)h.payload_len + h.padding_len == size);
    assert(!h.has_extension || h.extension_at + h.extension_len == h.payload_at);
    kith_rtp_element elements[MOST];
    size_t count = 0;
    kith_rtp_elements list = kith_rtp_elements_of(&h, packet);
    while (count < MOST && kith_rtp_next_element(&list, &elements[count])) {
        kith_span value = elements[count++].data;
        assert(value.data >= data + h.extension_at &&
               value.data + value.len <= data + h.payload_at);
        read_values(value);
    }
    uint32_t csrcs[KITH_RTP_MAX_CSRCS];
    for (unsigned i = 0; i < h.csrc_count; i++)
        csrcs[i] = kith_rtp_csrc(&h, packet, i);
    kith_rtp_start start = {.ssrc = h.ssrc,
                            .timestamp = h.timestamp,
                            .sequence_number = h.sequence_number,
                            .payload_type = h.payload_type,
                            .marker = h.marker,
                            .csrcs = csrcs,
                            .csrc_count = h.csrc_count,
                            .elements = elements,
                            .element_count = count};
    kith_writer w = kith_wr_growing();
    kith_rtp_write_start(&w, &start);
    kith_wr_bytes(&w, data + h.payload_at, h.payload_len);
    if (h.padding_len > 0)
        kith_rtp_write_padding(&w, h.padding_len);
    assert(!w.bad);
    if (w.len <= UINT16_MAX)
        compare(&h, packet, &w, elements, count);
    kith_wr_deinit(&w);
    return 0;
}
