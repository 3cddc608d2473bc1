/* STUN messages, read and written (RFC 8489 sections 5 and 14). One row of the attribute list in
 * stun.h and one small reader per kind of value; unknown attributes are collected, never guessed
 * at. */
#include "wire/stun.h"

#include <assert.h>
#include <string.h>

#define SHA1_SIZE   20
#define SHA256_SIZE 32

/* FINGERPRINT is the CRC-32 XORed with this (RFC 8489 section 14.7). */
#define FINGERPRINT_XOR 0x5354554Eu

/* CRC-32 of ISO 3309, reflected, four bits a step: messages are short and the table stays in cache.
 */
static uint32_t crc32_of(const uint8_t *data, size_t len)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
        0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
        0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C,
    };
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

/* ---- reading values; each gets a reader over exactly one value and must leave it empty ---- */

static void read_flag(kith_reader *v, const kith_stun *m, bool *out)
{
    (void)v;
    (void)m;
    *out = true;
}

static void read_u8(kith_reader *v, const kith_stun *m, uint8_t *out)
{
    (void)m;
    *out = kith_rd_u8(v);
}

static void read_u8_padded(kith_reader *v, const kith_stun *m, uint8_t *out)
{
    (void)m;
    *out = kith_rd_u8(v);
    kith_rd_skip(v, 3);
}

static void read_u16_padded(kith_reader *v, const kith_stun *m, uint16_t *out)
{
    (void)m;
    *out = kith_rd_u16(v);
    kith_rd_skip(v, 2);
}

static void read_u32(kith_reader *v, const kith_stun *m, uint32_t *out)
{
    (void)m;
    *out = kith_rd_u32(v);
}

static void read_u64(kith_reader *v, const kith_stun *m, uint64_t *out)
{
    (void)m;
    *out = kith_rd_u64(v);
}

static void read_span(kith_reader *v, const kith_stun *m, kith_span *out)
{
    (void)m;
    *out = kith_rd_rest(v);
}

static void read_hash32(kith_reader *v, const kith_stun *m, kith_span *out)
{
    (void)m;
    *out = kith_rd_span(v, KITH_STUN_USERHASH);
}

static void read_sha1(kith_reader *v, const kith_stun *m, kith_span *out)
{
    (void)m;
    *out = kith_rd_span(v, SHA1_SIZE);
}

/* May be truncated to 16 bytes or more, a multiple of 4 (RFC 8489 section 14.6). */
static void read_sha256(kith_reader *v, const kith_stun *m, kith_span *out)
{
    (void)m;
    *out = kith_rd_rest(v);
    if (out->len < 16 || out->len > SHA256_SIZE || out->len % 4 != 0)
        v->bad = true;
}

/* 0x01 IPv4, 0x02 IPv6 (RFC 8489 section 14.1). Other families are damage to us. */
static uint8_t family_from_wire(kith_reader *v, uint8_t wire)
{
    if (wire == 1)
        return KITH_IPV4;
    if (wire == 2)
        return KITH_IPV6;
    v->bad = true;
    return 0;
}

static void read_family(kith_reader *v, const kith_stun *m, uint8_t *out)
{
    (void)m;
    *out = family_from_wire(v, kith_rd_u8(v));
    kith_rd_skip(v, 3);
}

static void read_address(kith_reader *v, const kith_stun *m, kith_address *out)
{
    (void)m;
    memset(out, 0, sizeof *out);
    kith_rd_skip(v, 1);
    out->family = family_from_wire(v, kith_rd_u8(v));
    out->port = kith_rd_u16(v);
    kith_rd_copy(v, out->ip, out->family == KITH_IPV4 ? 4 : 16);
}

/* XOR with the cookie and, for IPv6, the transaction id behind it (RFC 8489 section 14.2). It is
 * its own inverse. */
static void xor_address(kith_address *address, const uint8_t id[KITH_STUN_ID])
{
    uint8_t mask[4 + KITH_STUN_ID] = {0x21, 0x12, 0xA4, 0x42};
    size_t len = address->family == KITH_IPV4 ? 4 : sizeof mask;
    memcpy(mask + 4, id, KITH_STUN_ID);
    address->port ^= 0x2112;
    for (size_t i = 0; i < sizeof mask; i++)
        address->ip[i] ^= i < len ? mask[i] : 0;
}

static void read_xor_address(kith_reader *v, const kith_stun *m, kith_address *out)
{
    read_address(v, m, out);
    if (!v->bad)
        xor_address(out, m->id);
}

static void read_error(kith_reader *v, const kith_stun *m, kith_stun_error *out)
{
    (void)m;
    kith_rd_skip(v, 2);
    unsigned hundreds = kith_rd_u8(v) & 7u;
    unsigned number = kith_rd_u8(v);
    if (hundreds < 3 || hundreds > 6 || number > 99)
        v->bad = true;
    out->code = (int)(hundreds * 100 + number);
    out->reason = kith_rd_rest(v);
}

static void read_address_error(kith_reader *v, const kith_stun *m, kith_stun_error *out)
{
    kith_reader family = *v;
    read_error(v, m, out);
    out->family = family_from_wire(v, kith_rd_u8(&family));
}

/* The parameters of an algorithm are reserved for later ones; both known ones have none. */
static void read_algorithm(kith_reader *v, const kith_stun *m, uint16_t *out)
{
    (void)m;
    *out = kith_rd_u16(v);
    kith_rd_skip(v, kith_rd_u16(v));
    kith_rd_rest(v);
}

static void read_icmp(kith_reader *v, const kith_stun *m, kith_stun_icmp *out)
{
    (void)m;
    kith_rd_skip(v, 2);
    uint16_t type_and_code = kith_rd_u16(v); /* 7 and 9 bits */
    out->type = (uint8_t)(type_and_code >> 9);
    out->code = type_and_code & 0x1FF;
    out->error_data = kith_rd_u32(v);
}

/* ---- reading messages ---- */

/* Another attribute of a type that was read. It counts only where a message may have several: two
 * relayed addresses of a dual allocation, and peers (kith_stun_next_peer). */
static void read_again(kith_stun *m, uint16_t type, kith_reader *value)
{
    kith_address peer;
    if (type == KITH_STUN_ATTR_XOR_RELAYED_ADDRESS && m->xor_relayed_address2.family == 0)
        read_xor_address(value, m, &m->xor_relayed_address2);
    else if (type == KITH_STUN_ATTR_XOR_PEER_ADDRESS)
        read_xor_address(value, m, &peer);
    else
        kith_rd_rest(value);
}

/* Reads one attribute's value; false if the type is unknown. */
static bool read_attribute(kith_stun *m, uint16_t type, kith_reader *value)
{
    switch (type) {
#define READ_CASE(name, code, reader, member)              \
    case code:                                             \
        if (kith_stun_has(m, KITH_STUN_HAS_##name)) {      \
            read_again(m, type, value);                    \
            return true;                                   \
        }                                                  \
        read_##reader(value, m, &m->member);               \
        m->present |= (uint64_t)1 << KITH_STUN_HAS_##name; \
        return true;
        KITH_STUN_ATTRIBUTE_LIST(READ_CASE)
#undef READ_CASE
    default:
        return false;
    }
}

/* After MESSAGE-INTEGRITY only its SHA-256 sister and FINGERPRINT count, after that one only
 * FINGERPRINT (RFC 8489 sections 14.5 and 14.6). */
static bool is_ignored(const kith_stun *m, uint16_t type)
{
    if (type == KITH_STUN_ATTR_FINGERPRINT)
        return false;
    if (kith_stun_has(m, KITH_STUN_HAS_MESSAGE_INTEGRITY_SHA256))
        return true;
    return kith_stun_has(m, KITH_STUN_HAS_MESSAGE_INTEGRITY) &&
           type != KITH_STUN_ATTR_MESSAGE_INTEGRITY_SHA256;
}

/* RFC 8489 section 14.7: the last attribute, over everything before it. */
static bool fingerprint_is_right(const kith_stun *m, const kith_reader *body)
{
    size_t covered = m->packet.len - 8;
    return kith_rd_left(body) == 0 &&
           m->fingerprint == (crc32_of(m->packet.data, covered) ^ FINGERPRINT_XOR);
}

/* RFC 8489 section 5: M11-M7 C1 M6-M4 C0 M3-M0. */
static void split_type(kith_stun *m, uint16_t type)
{
    m->class = (kith_stun_class)((type >> 7 & 2) | (type >> 4 & 1));
    m->method = (uint16_t)((type >> 2 & 0xF80) | (type >> 1 & 0x70) | (type & 0xF));
}

bool kith_stun_is(const uint8_t *data, size_t len)
{
    kith_reader r = kith_rd(data, len);
    uint16_t type = kith_rd_u16(&r);
    uint16_t length = kith_rd_u16(&r);
    uint32_t cookie = kith_rd_u32(&r);
    return !r.bad && type < 0x4000 && cookie == KITH_STUN_COOKIE && length % 4 == 0 &&
           (size_t)length + KITH_STUN_HEADER == len;
}

bool kith_stun_parse(kith_stun *out, const uint8_t *data, size_t len)
{
    memset(out, 0, sizeof *out);
    if (!kith_stun_is(data, len))
        return false;
    out->packet = kith_span_of(data, len);
    kith_reader body = kith_rd(data, len);
    split_type(out, kith_rd_u16(&body));
    kith_rd_skip(&body, 6);
    kith_rd_copy(&body, out->id, sizeof out->id);
    while (kith_rd_left(&body) > 0) {
        uint16_t type = kith_rd_u16(&body);
        uint16_t length = kith_rd_u16(&body);
        kith_reader value = kith_rd_sub(&body, length);
        kith_rd_skip(&body, (4u - length % 4u) % 4u);
        if (body.bad)
            return false;
        if (is_ignored(out, type))
            continue;
        if (!read_attribute(out, type, &value)) {
            /* below 0x8000 it must be understood (RFC 8489 section 14) */
            if (type < 0x8000 && out->unknown_count < KITH_STUN_MAX_UNKNOWN)
                out->unknown_types[out->unknown_count++] = type;
        } else if (value.bad || kith_rd_left(&value) > 0) {
            return false;
        }
        if (type == KITH_STUN_ATTR_FINGERPRINT && !fingerprint_is_right(out, &body))
            return false;
    }
    return !body.bad;
}

kith_reader kith_stun_peers(const kith_stun *m)
{
    kith_reader at = kith_rd(m->packet.data, m->packet.len);
    kith_rd_skip(&at, KITH_STUN_HEADER);
    return at;
}

bool kith_stun_next_peer(const kith_stun *m, kith_reader *at, kith_address *out)
{
    while (kith_rd_left(at) > 0) {
        uint16_t type = kith_rd_u16(at);
        uint16_t length = kith_rd_u16(at);
        kith_reader value = kith_rd_sub(at, length);
        kith_rd_skip(at, (4u - length % 4u) % 4u);
        if (at->bad || type == KITH_STUN_ATTR_MESSAGE_INTEGRITY ||
            type == KITH_STUN_ATTR_MESSAGE_INTEGRITY_SHA256)
            return false;
        if (type != KITH_STUN_ATTR_XOR_PEER_ADDRESS)
            continue;
        read_xor_address(&value, m, out);
        return !value.bad;
    }
    return false;
}

/* The MAC covers everything before its attribute, under a header whose length ends with the
 * attribute (RFC 8489 section 14.5), whatever follows it. */
static void integrity_mac(kith_span packet, size_t attr_at, size_t attr_len, kith_hmac *hmac,
                          uint8_t out[KITH_HASH_MAX])
{
    uint8_t length[2];
    kith_writer w = kith_wr(length, sizeof length);
    kith_wr_u16(&w, (uint16_t)(attr_at + attr_len - KITH_STUN_HEADER));
    const kith_span parts[] = {
        kith_span_of(packet.data, 2),
        kith_span_of(length, 2),
        kith_span_of(packet.data + 4, attr_at - 4),
    };
    kith_hmac_sign(hmac, parts, 3, out);
}

static bool check_integrity(const kith_stun *m, kith_span value, kith_hmac *hmac)
{
    uint8_t mac[KITH_HASH_MAX];
    size_t attr_at = (size_t)(value.data - m->packet.data) - 4;
    integrity_mac(m->packet, attr_at, 4 + value.len, hmac, mac);
    return kith_equal_secret(mac, value.data, value.len);
}

bool kith_stun_check_integrity(const kith_stun *m, kith_hmac *sha1)
{
    return kith_stun_has(m, KITH_STUN_HAS_MESSAGE_INTEGRITY) &&
           check_integrity(m, m->integrity, sha1);
}

bool kith_stun_check_integrity_sha256(const kith_stun *m, kith_hmac *sha256)
{
    return kith_stun_has(m, KITH_STUN_HAS_MESSAGE_INTEGRITY_SHA256) &&
           check_integrity(m, m->integrity_sha256, sha256);
}

/* ---- writing ---- */

void kith_stun_begin(kith_writer *w, kith_stun_class class, uint16_t method,
                     const uint8_t id[KITH_STUN_ID])
{
    unsigned bits = (unsigned)class, m = method;
    assert(w->len == 0 && method < 0x1000);
    kith_wr_u16(w, (uint16_t)((m & 0xF80) << 2 | (m & 0x70) << 1 | (m & 0xF) | (bits & 2) << 7 |
                              (bits & 1) << 4));
    kith_wr_u16(w, 0);
    kith_wr_u32(w, KITH_STUN_COOKIE);
    kith_wr_bytes(w, id, KITH_STUN_ID);
}

void kith_stun_end(kith_writer *w)
{
    if (!w->bad)
        kith_wr_patch_u16(w, 2, (uint16_t)(w->len - KITH_STUN_HEADER));
}

/* Type and a length to be settled by close_attr. */
static size_t open_attr(kith_writer *w, kith_stun_attr attr)
{
    kith_wr_u16(w, (uint16_t)attr);
    return kith_wr_mark_u16(w);
}

/* Zero bytes up to the next multiple of four; the length does not count them. */
static void close_attr(kith_writer *w, size_t mark)
{
    kith_wr_close_u16(w, mark);
    kith_wr_zeros(w, (4 - w->len % 4) % 4);
}

void kith_stun_put_flag(kith_writer *w, kith_stun_attr attr)
{
    close_attr(w, open_attr(w, attr));
}

void kith_stun_put_u8(kith_writer *w, kith_stun_attr attr, uint8_t v)
{
    size_t mark = open_attr(w, attr);
    kith_wr_u8(w, v);
    close_attr(w, mark);
}

void kith_stun_put_u8_padded(kith_writer *w, kith_stun_attr attr, uint8_t v)
{
    kith_stun_put_u32(w, attr, (uint32_t)v << 24);
}

void kith_stun_put_u16_padded(kith_writer *w, kith_stun_attr attr, uint16_t v)
{
    kith_stun_put_u32(w, attr, (uint32_t)v << 16);
}

void kith_stun_put_u32(kith_writer *w, kith_stun_attr attr, uint32_t v)
{
    size_t mark = open_attr(w, attr);
    kith_wr_u32(w, v);
    close_attr(w, mark);
}

void kith_stun_put_u64(kith_writer *w, kith_stun_attr attr, uint64_t v)
{
    size_t mark = open_attr(w, attr);
    kith_wr_u64(w, v);
    close_attr(w, mark);
}

void kith_stun_put_span(kith_writer *w, kith_stun_attr attr, kith_span value)
{
    size_t mark = open_attr(w, attr);
    kith_wr_span(w, value);
    close_attr(w, mark);
}

static uint8_t family_to_wire(uint8_t family)
{
    assert(family == KITH_IPV4 || family == KITH_IPV6);
    return family == KITH_IPV4 ? 1 : 2;
}

void kith_stun_put_family(kith_writer *w, kith_stun_attr attr, uint8_t family)
{
    kith_stun_put_u8_padded(w, attr, family_to_wire(family));
}

void kith_stun_put_address(kith_writer *w, kith_stun_attr attr, const kith_address *address)
{
    size_t mark = open_attr(w, attr);
    kith_wr_u8(w, 0);
    kith_wr_u8(w, family_to_wire(address->family));
    kith_wr_u16(w, address->port);
    kith_wr_bytes(w, address->ip, address->family == KITH_IPV4 ? 4 : 16);
    close_attr(w, mark);
}

void kith_stun_put_xor_address(kith_writer *w, kith_stun_attr attr, const kith_address *address)
{
    kith_address hidden = *address;
    if (w->bad)
        return;
    xor_address(&hidden, w->data + KITH_STUN_HEADER - KITH_STUN_ID);
    kith_stun_put_address(w, attr, &hidden);
}

void kith_stun_put_error(kith_writer *w, int code, const char *reason)
{
    size_t mark = open_attr(w, KITH_STUN_ATTR_ERROR_CODE);
    assert(code >= 300 && code <= 699);
    kith_wr_u16(w, 0);
    kith_wr_u8(w, (uint8_t)(code / 100));
    kith_wr_u8(w, (uint8_t)(code % 100));
    kith_wr_text(w, reason ? reason : kith_stun_reason(code));
    close_attr(w, mark);
}

void kith_stun_put_address_error(kith_writer *w, uint8_t family, int code)
{
    size_t mark = open_attr(w, KITH_STUN_ATTR_ADDRESS_ERROR_CODE);
    assert(code >= 300 && code <= 699);
    kith_wr_u8(w, family_to_wire(family));
    kith_wr_u8(w, 0);
    kith_wr_u8(w, (uint8_t)(code / 100));
    kith_wr_u8(w, (uint8_t)(code % 100));
    kith_wr_text(w, kith_stun_reason(code));
    close_attr(w, mark);
}

void kith_stun_put_unknown_attributes(kith_writer *w, const uint16_t *types, unsigned count)
{
    size_t mark = open_attr(w, KITH_STUN_ATTR_UNKNOWN_ATTRIBUTES);
    for (unsigned i = 0; i < count; i++)
        kith_wr_u16(w, types[i]);
    close_attr(w, mark);
}

void kith_stun_put_algorithm(kith_writer *w, kith_stun_algorithm algorithm)
{
    kith_stun_put_u16_padded(w, KITH_STUN_ATTR_PASSWORD_ALGORITHM, (uint16_t)algorithm);
}

void kith_stun_put_algorithms(kith_writer *w, const kith_stun_algorithm *list, unsigned count)
{
    size_t mark = open_attr(w, KITH_STUN_ATTR_PASSWORD_ALGORITHMS);
    for (unsigned i = 0; i < count; i++) {
        kith_wr_u16(w, (uint16_t)list[i]);
        kith_wr_u16(w, 0);
    }
    close_attr(w, mark);
}

void kith_stun_put_icmp(kith_writer *w, const kith_stun_icmp *icmp)
{
    size_t mark = open_attr(w, KITH_STUN_ATTR_ICMP);
    kith_wr_u16(w, 0);
    kith_wr_u16(w, (uint16_t)((icmp->type & 0x7Fu) << 9 | (icmp->code & 0x1FFu)));
    kith_wr_u32(w, icmp->error_data);
    close_attr(w, mark);
}

static void put_integrity(kith_writer *w, kith_stun_attr attr, kith_hmac *hmac, size_t size)
{
    uint8_t mac[KITH_HASH_MAX];
    if (w->bad)
        return;
    integrity_mac(kith_span_of(w->data, w->len), w->len, 4 + size, hmac, mac);
    kith_stun_put_span(w, attr, kith_span_of(mac, size));
    kith_stun_end(w);
}

void kith_stun_put_integrity(kith_writer *w, kith_hmac *sha1)
{
    put_integrity(w, KITH_STUN_ATTR_MESSAGE_INTEGRITY, sha1, SHA1_SIZE);
}

void kith_stun_put_integrity_sha256(kith_writer *w, kith_hmac *sha256)
{
    put_integrity(w, KITH_STUN_ATTR_MESSAGE_INTEGRITY_SHA256, sha256, SHA256_SIZE);
}

void kith_stun_put_fingerprint(kith_writer *w)
{
    if (w->bad)
        return;
    kith_wr_patch_u16(w, 2, (uint16_t)(w->len + 8 - KITH_STUN_HEADER));
    kith_stun_put_u32(w, KITH_STUN_ATTR_FINGERPRINT, crc32_of(w->data, w->len) ^ FINGERPRINT_XOR);
}

const char *kith_stun_reason(int code)
{
    static const struct {
        int code;
        const char *reason;
    } reasons[] = {
        {300, "Try Alternate"},
        {400, "Bad Request"},
        {401, "Unauthenticated"},
        {403, "Forbidden"},
        {420, "Unknown Attribute"},
        {437, "Allocation Mismatch"},
        {438, "Stale Nonce"},
        {440, "Address Family not Supported"},
        {441, "Wrong Credentials"},
        {442, "Unsupported Transport Protocol"},
        {443, "Peer Address Family Mismatch"},
        {446, "Connection Already Exists"},
        {447, "Connection Timeout or Failure"},
        {486, "Allocation Quota Reached"},
        {487, "Role Conflict"},
        {500, "Server Error"},
        {508, "Insufficient Capacity"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].code == code)
            return reasons[i].reason;
    return "Error";
}
