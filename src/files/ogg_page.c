/* Pages of Ogg (RFC 3533 section 6), as bytes. */
#include "files/writer.h"

/* The generator 0x04c11db7, from the highest bit on, beginning with 0 and not inverted: four bits
 * at a time. */
static uint32_t add_byte(uint32_t crc, uint8_t byte)
{
    static const uint32_t table[16] = {0x00000000, 0x04c11db7, 0x09823b6e, 0x0d4326d9,
                                       0x130476dc, 0x17c56b6b, 0x1a864db2, 0x1e475005,
                                       0x2608edb8, 0x22c9f00f, 0x2f8ad6d6, 0x2b4bcb61,
                                       0x350c9b64, 0x31cd86d3, 0x3c8ea00a, 0x384fbdbd};
    crc ^= (uint32_t)byte << 24;
    crc = crc << 4 ^ table[crc >> 28];
    return crc << 4 ^ table[crc >> 28];
}

uint32_t kith_ogg_checksum(kith_span page)
{
    uint32_t crc = 0;
    for (size_t i = 0; i < page.len; i++)
        crc = add_byte(crc, i >= KITH_OGG_CRC_AT && i < KITH_OGG_CRC_AT + 4 ? 0 : page.data[i]);
    return crc;
}

void kith_ogg_write_page(kith_writer *w, const kith_ogg_page *page)
{
    size_t start = w->len;
    kith_wr_text(w, "OggS");
    kith_wr_u8(w, 0);
    kith_wr_u8(w, page->flags);
    kith_wr_le64(w, page->granule);
    kith_wr_le32(w, page->serial);
    kith_wr_le32(w, page->sequence);
    kith_wr_le32(w, 0);
    kith_wr_u8(w, (uint8_t)page->segments);
    kith_wr_bytes(w, page->lacing, page->segments);
    kith_wr_span(w, page->body);
    if (w->bad)
        return;
    kith_writer crc = kith_wr(w->data + start + KITH_OGG_CRC_AT, 4);
    kith_wr_le32(&crc, kith_ogg_checksum(kith_span_of(w->data + start, w->len - start)));
}
