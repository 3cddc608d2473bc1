/* DNS names and records of RFC 1035 section 4.1, as much as multicast DNS (RFC 6762) asks of a
 * querier. */
#include "io/mdns_packet.h"

#define TYPE_A    1
#define TYPE_AAAA 28
#define CLASS_IN  1
/* The top bit is cache-flush (RFC 6762 section 10.2) */
#define CLASS_MASK    0x7fff
#define FLAG_RESPONSE 0x8000
#define OPCODE_MASK   0x7800
#define RCODE_MASK    0x000f
#define MAX_LABEL     63
/* In the packet, with the closing zero */
#define MAX_NAME 255
/* A response that is longer than this is not about one name. */
#define MAX_RECORDS 256

/* ---- writing ---- */

/* Labels, each behind its length, and a zero. False: not a name. */
static bool write_name(kith_writer *w, const char *name)
{
    kith_span rest = kith_span_text(name);
    if (rest.len > 0 && rest.data[rest.len - 1] == '.')
        rest.len--;
    if (rest.len == 0 || rest.len + 2 > MAX_NAME)
        return false;
    bool more = true;
    while (more) {
        size_t before = rest.len;
        kith_span label = kith_span_cut(&rest, '.');
        more = label.len < before;
        if (label.len == 0 || label.len > MAX_LABEL)
            return false;
        kith_wr_u8(w, (uint8_t)label.len);
        kith_wr_span(w, label);
    }
    kith_wr_u8(w, 0);
    return true;
}

static bool write_query(kith_writer *w, const char *name, uint16_t type)
{
    if (!write_name(w, name))
        return false;
    kith_wr_u16(w, type);
    kith_wr_u16(w, CLASS_IN);
    return true;
}

bool kith_mdns_write_question(kith_writer *w, const char *name)
{
    kith_wr_u16(w, 0); /* ID: zero in multicast queries (RFC 6762 section 18.1) */
    kith_wr_u16(w, 0); /* flags: a standard query */
    kith_wr_u16(w, 2); /* questions */
    kith_wr_zeros(w, 6);
    return write_query(w, name, TYPE_A) && write_query(w, name, TYPE_AAAA) && !w->bad;
}

/* ---- reading ---- */

/* Copies one label, with a dot before it unless it is the first. */
static bool append_label(kith_writer *text, kith_span label)
{
    for (size_t i = 0; i < label.len; i++)
        if (label.data[i] == 0 || label.data[i] == '.')
            return false; /* such a label would read as something else */
    if (text->len > 0)
        kith_wr_u8(text, '.');
    kith_wr_span(text, label);
    return !text->bad;
}

/* Reads a name and leaves `r` behind it. Compression pointers (RFC 1035 section 4.1.4) must lead
 * backwards, each further than the last, so that following them ends. */
static bool read_name(kith_reader *r, kith_span packet, char out[KITH_DNS_NAME_TEXT])
{
    kith_writer text = kith_wr(out, KITH_DNS_NAME_TEXT - 1);
    kith_reader jumped = *r, *at = r;
    size_t limit = (size_t)(r->at - packet.data);
    for (;;) {
        uint8_t len = kith_rd_u8(at);
        if (at->bad)
            return false;
        if (len == 0)
            break;
        if ((len & 0xc0) == 0xc0) {
            size_t target = (size_t)(len & 0x3f) << 8 | kith_rd_u8(at);
            if (at->bad || target >= limit)
                return false;
            limit = target;
            jumped = kith_rd(packet.data, packet.len);
            kith_rd_skip(&jumped, target);
            at = &jumped;
            continue;
        }
        kith_span label = kith_rd_span(at, len);
        if (len > MAX_LABEL || at->bad || !append_label(&text, label))
            return false;
    }
    out[text.len] = '\0';
    return true;
}

static void skip_questions(kith_mdns_response *response, unsigned count)
{
    char name[KITH_DNS_NAME_TEXT];
    for (unsigned i = 0; i < count && !response->at.bad; i++) {
        if (!read_name(&response->at, response->packet, name))
            response->at.bad = true;
        kith_rd_skip(&response->at, 4);
    }
}

bool kith_mdns_response_init(kith_mdns_response *response, const void *data, size_t len)
{
    *response = (kith_mdns_response){.packet = kith_span_of(data, len), .at = kith_rd(data, len)};
    kith_rd_skip(&response->at, 2); /* the ID means nothing (RFC 6762 section 18.1) */
    uint16_t flags = kith_rd_u16(&response->at);
    unsigned questions = kith_rd_u16(&response->at);
    for (int section = 0; section < 3; section++)
        response->records += kith_rd_u16(&response->at);
    if (response->at.bad || !(flags & FLAG_RESPONSE) || (flags & (OPCODE_MASK | RCODE_MASK)) ||
        response->records > MAX_RECORDS || questions > MAX_RECORDS)
        return false;
    skip_questions(response, questions);
    return !response->at.bad;
}

/* True when the record is an address. */
static bool read_address(kith_address *out, uint16_t type, kith_reader *body)
{
    *out = (kith_address){.family = type == TYPE_A ? KITH_IPV4 : KITH_IPV6};
    size_t len = type == TYPE_A ? 4 : 16;
    kith_rd_copy(body, out->ip, len);
    return (type == TYPE_A || type == TYPE_AAAA) && !body->bad && kith_rd_left(body) == 0;
}

bool kith_mdns_response_next(kith_mdns_response *response, kith_mdns_record *record)
{
    kith_reader *at = &response->at;
    while (response->records > 0) {
        response->records--;
        if (!read_name(at, response->packet, record->name))
            return false;
        uint16_t type = kith_rd_u16(at);
        uint16_t class = kith_rd_u16(at) & CLASS_MASK;
        uint32_t ttl = kith_rd_u32(at);
        kith_reader body = kith_rd_sub(at, kith_rd_u16(at));
        if (body.bad)
            return false;
        /* A TTL of 0 takes a record back (RFC 6762 section 10.1). */
        if (class == CLASS_IN && ttl > 0 && read_address(&record->address, type, &body))
            return true;
    }
    return false;
}
