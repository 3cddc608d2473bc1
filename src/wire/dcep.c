/* DCEP messages as bytes and as structs. What a channel does with them is the business of `pc`. */
#include "wire/dcep.h"

#include "base/reader.h"

/* RFC 8832 section 8.2.1 */
enum message_type { DATA_CHANNEL_ACK = 0x02, DATA_CHANNEL_OPEN = 0x03 };

static bool channel_type_exists(uint8_t type)
{
    return (type & ~KITH_DCEP_UNORDERED) <= KITH_DCEP_PARTIAL_RELIABLE_TIMED;
}

bool kith_dcep_parse_open(kith_dcep_open *out, kith_span message)
{
    kith_reader r = kith_rd(message.data, message.len);
    uint8_t message_type = kith_rd_u8(&r);
    uint8_t channel_type = kith_rd_u8(&r);
    kith_dcep_open open = {.channel_type = (kith_dcep_channel_type)channel_type};
    open.priority = kith_rd_u16(&r);
    open.reliability = kith_rd_u32(&r);
    uint16_t label_len = kith_rd_u16(&r);
    uint16_t protocol_len = kith_rd_u16(&r);
    open.label = kith_rd_span(&r, label_len);
    open.protocol = kith_rd_span(&r, protocol_len);
    if (r.bad || message_type != DATA_CHANNEL_OPEN || !channel_type_exists(channel_type))
        return false;
    /* "MUST be ignored on the receiving side" for reliable channels (section 5.1) */
    if ((channel_type & ~KITH_DCEP_UNORDERED) == KITH_DCEP_RELIABLE)
        open.reliability = 0;
    *out = open;
    return true;
}

bool kith_dcep_is_ack(kith_span message)
{
    return message.len > 0 && message.data[0] == DATA_CHANNEL_ACK;
}

void kith_dcep_write_open(kith_writer *w, const kith_dcep_open *open)
{
    if (open->label.len > UINT16_MAX || open->protocol.len > UINT16_MAX) {
        w->bad = true;
        return;
    }
    kith_wr_u8(w, DATA_CHANNEL_OPEN);
    kith_wr_u8(w, (uint8_t)open->channel_type);
    kith_wr_u16(w, open->priority);
    kith_wr_u32(w, open->reliability);
    kith_wr_u16(w, (uint16_t)open->label.len);
    kith_wr_u16(w, (uint16_t)open->protocol.len);
    kith_wr_span(w, open->label);
    kith_wr_span(w, open->protocol);
}

void kith_dcep_write_ack(kith_writer *w)
{
    kith_wr_u8(w, DATA_CHANNEL_ACK);
}
