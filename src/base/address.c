/* Addresses as text and what kind they are. Only numbers: names are the resolver's. The text of
 * IPv6 is that of RFC 5952; every form of RFC 4291 section 2.2 is read. */
#include "base/address.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/writer.h"

/* ---- reading ---- */

static bool parse_port(kith_span text, uint16_t *port)
{
    uint64_t value;
    if (text.len > 5 || !kith_span_u64(text, UINT16_MAX, &value))
        return false;
    *port = (uint16_t)value;
    return true;
}

/* Four decimal numbers. A leading zero is refused: some readers take it for octal. */
static bool parse_ipv4(uint8_t ip[4], kith_span text)
{
    for (int i = 0; i < 4; i++) {
        bool last = i == 3;
        size_t before = text.len;
        kith_span number = kith_span_cut(&text, '.');
        bool had_dot = number.len < before;
        uint64_t value;
        if (had_dot == last || !kith_span_u64(number, 255, &value) ||
            (number.len > 1 && number.data[0] == '0'))
            return false;
        ip[i] = (uint8_t)value;
    }
    return true;
}

/* One to four hexadecimal digits. */
static bool parse_group(uint8_t out[2], kith_span text)
{
    unsigned value = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = kith_span_hex_digit(text.data[i]);
        if (digit < 0)
            return false;
        value = value << 4 | (unsigned)digit;
    }
    if (text.len < 1 || text.len > 4)
        return false;
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
    return true;
}

/* Colon-separated groups, the last of which may be an IPv4 address where `ends_address` says that
 * the address ends here. Gives the number of bytes, or -1. Empty text is no group. */
static int parse_groups(uint8_t out[16], kith_span text, bool ends_address)
{
    int len = 0;
    while (text.len > 0) {
        size_t before = text.len;
        kith_span group = kith_span_cut(&text, ':');
        bool last = group.len == before;
        if (!last && text.len == 0)
            return -1; /* a colon at the end */
        if (last && ends_address && len <= 12 && parse_ipv4(out + len, group))
            return len + 4;
        if (len > 14 || !parse_group(out + len, group))
            return -1;
        len += 2;
    }
    return len;
}

/* The place of "::", or the length of the text where there is none. */
static size_t find_gap(kith_span text)
{
    for (size_t i = 0; i + 1 < text.len; i++)
        if (text.data[i] == ':' && text.data[i + 1] == ':')
            return i;
    return text.len;
}

static bool parse_ipv6(uint8_t ip[16], kith_span text)
{
    uint8_t front[16] = {0}, back[16] = {0};
    size_t gap = find_gap(text);
    if (gap == text.len) {
        bool whole = parse_groups(front, text, true) == 16;
        memcpy(ip, front, 16);
        return whole;
    }
    int before = parse_groups(front, kith_span_of(text.data, gap), false);
    int after = parse_groups(back, kith_span_of(text.data + gap + 2, text.len - gap - 2), true);
    if (before < 0 || after < 0 || before + after > 14) /* "::" is at least one group */
        return false;
    memcpy(ip, front, 16);
    memcpy(ip + 16 - after, back, (size_t)after);
    return true;
}

bool kith_address_parse_ip(kith_address *out, kith_span text)
{
    kith_address address = {.family = KITH_IPV4};
    if (!parse_ipv4(address.ip, text)) {
        address = (kith_address){.family = KITH_IPV6};
        kith_span scope = text;
        kith_span ip = kith_span_cut(&scope, '%');
        uint64_t scope_id = 0;
        bool has_scope = ip.len < text.len;
        if (!parse_ipv6(address.ip, ip) ||
            (has_scope && !kith_span_u64(scope, UINT32_MAX, &scope_id)))
            return false;
        address.scope_id = (uint32_t)scope_id;
    }
    *out = address;
    return true;
}

/* "[IPv6]:port" behind its first bracket. */
static bool parse_bracketed(kith_address *out, kith_span text)
{
    kith_span ip = kith_span_cut(&text, ']');
    return kith_address_parse_ip(out, ip) && out->family == KITH_IPV6 &&
           kith_span_starts(text, ":") &&
           parse_port(kith_span_of(text.data + 1, text.len - 1), &out->port);
}

static bool parse_with_port(kith_address *out, kith_span text)
{
    if (kith_span_starts(text, "["))
        return parse_bracketed(out, kith_span_of(text.data + 1, text.len - 1));
    kith_span ip = kith_span_cut(&text, ':');
    return kith_address_parse_ip(out, ip) && out->family == KITH_IPV4 &&
           parse_port(text, &out->port);
}

kith_err kith_address_parse(kith_address *out, const char *text)
{
    kith_address address;
    if (!text)
        return kith_fail(KITH_ERR_TYPE, "no address given");
    kith_span span = kith_span_text(text);
    if (!kith_address_parse_ip(&address, span) && !parse_with_port(&address, span))
        return kith_fail(KITH_ERR_SYNTAX, "\"%.80s\" is not an IP address", text);
    *out = address;
    return KITH_OK;
}

/* ---- writing ---- */

static unsigned group_at(const uint8_t ip[16], int group)
{
    return (unsigned)ip[2 * group] << 8 | ip[2 * group + 1];
}

static bool is_mapped(const kith_address *a)
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    return a->family == KITH_IPV6 && memcmp(a->ip, prefix, sizeof prefix) == 0;
}

/* The longest run of two or more zero groups, the first of equal ones (RFC 5952 section 4.2). */
static void find_zeros(const uint8_t ip[16], int *start, int *len)
{
    *start = 8;
    *len = 1;
    for (int i = 0; i < 8; i++) {
        int run = 0;
        while (i + run < 8 && group_at(ip, i + run) == 0)
            run++;
        if (run > *len) {
            *start = i;
            *len = run;
        }
    }
}

static void write_ipv4(kith_writer *w, const uint8_t ip[4])
{
    kith_wr_print(w, "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
}

static void write_ipv6(kith_writer *w, const kith_address *address)
{
    const uint8_t *ip = address->ip;
    if (is_mapped(address)) {
        kith_wr_text(w, "::ffff:"); /* mixed notation: RFC 5952 section 5 */
        write_ipv4(w, ip + 12);
    } else {
        int start, len;
        find_zeros(ip, &start, &len);
        for (int i = 0; i < 8; i++) {
            if (i == start) {
                kith_wr_text(w, "::");
                i += len - 1;
            } else {
                kith_wr_print(w, i > 0 && i != start + len ? ":%x" : "%x", group_at(ip, i));
            }
        }
    }
    if (address->scope_id)
        kith_wr_print(w, "%%%u", (unsigned)address->scope_id);
}

static void write_ip(kith_writer *w, const kith_address *address)
{
    if (address->family == KITH_IPV4)
        write_ipv4(w, address->ip);
    else if (address->family == KITH_IPV6)
        write_ipv6(w, address);
}

/* What was written, cut at cap. */
static const char *finish(kith_writer *w, char *buf, size_t cap)
{
    kith_wr_u8(w, 0);
    if (cap > 0)
        snprintf(buf, cap, "%s", (const char *)w->data);
    return buf;
}

const char *kith_address_format_ip(const kith_address *address, char *buf, size_t cap)
{
    char text[KITH_ADDRESS_TEXT];
    kith_writer w = kith_wr(text, sizeof text);
    write_ip(&w, address);
    return finish(&w, buf, cap);
}

const char *kith_address_format(const kith_address *address, char *buf, size_t cap)
{
    if (address->port == 0)
        return kith_address_format_ip(address, buf, cap);
    char text[KITH_ADDRESS_TEXT];
    kith_writer w = kith_wr(text, sizeof text);
    bool brackets = address->family == KITH_IPV6;
    kith_wr_text(&w, brackets ? "[" : "");
    write_ip(&w, address);
    kith_wr_print(&w, brackets ? "]:%u" : ":%u", address->port);
    return finish(&w, buf, cap);
}

/* ---- kinds ---- */

bool kith_address_same_ip(const kith_address *a, const kith_address *b)
{
    return a->family == b->family && a->scope_id == b->scope_id &&
           memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

bool kith_address_equal(const kith_address *a, const kith_address *b)
{
    return a->port == b->port && kith_address_same_ip(a, b);
}

kith_span kith_address_site(uint8_t out[KITH_ADDRESS_SITE], const kith_address *address)
{
    size_t len = address->family == KITH_IPV4 ? 4 : 8;
    out[0] = address->family;
    memcpy(out + 1, address->ip, len);
    return kith_span_of(out, 1 + len);
}

bool kith_address_same_site(const kith_address *a, const kith_address *b)
{
    uint8_t site[KITH_ADDRESS_SITE], other[KITH_ADDRESS_SITE];
    return kith_span_equal(kith_address_site(site, a), kith_address_site(other, b));
}

bool kith_path_equal(const kith_path *a, const kith_path *b)
{
    return a->protocol == b->protocol && kith_address_equal(&a->local, &b->local) &&
           kith_address_equal(&a->remote, &b->remote);
}

bool kith_address_is_any(const kith_address *a)
{
    static const uint8_t zeros[16];
    return a->family != 0 && memcmp(a->ip, zeros, sizeof zeros) == 0;
}

bool kith_address_is_loopback(const kith_address *a)
{
    static const uint8_t one[16] = {[15] = 1};
    if (a->family == KITH_IPV4)
        return a->ip[0] == 127;
    return a->family == KITH_IPV6 &&
           (memcmp(a->ip, one, sizeof one) == 0 || (is_mapped(a) && a->ip[12] == 127));
}

bool kith_address_is_link_local(const kith_address *a)
{
    if (a->family == KITH_IPV4)
        return a->ip[0] == 169 && a->ip[1] == 254;
    return a->family == KITH_IPV6 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

bool kith_address_is_private(const kith_address *a)
{
    const uint8_t *ip = a->ip;
    if (a->family == KITH_IPV4)
        return ip[0] == 10 || (ip[0] == 172 && (ip[1] & 0xf0) == 16) ||
               (ip[0] == 192 && ip[1] == 168) || (ip[0] == 100 && (ip[1] & 0xc0) == 64);
    return a->family == KITH_IPV6 && (ip[0] & 0xfe) == 0xfc;
}

bool kith_address_is_multicast(const kith_address *a)
{
    static const uint8_t broadcast[4] = {255, 255, 255, 255};
    if (a->family == KITH_IPV4)
        return (a->ip[0] & 0xf0) == 224 || memcmp(a->ip, broadcast, sizeof broadcast) == 0;
    return a->family == KITH_IPV6 && a->ip[0] == 0xff;
}

bool kith_address_is_deprecated(const kith_address *a)
{
    static const uint8_t zeros[12];
    if (a->family != KITH_IPV6)
        return false;
    bool compatible = memcmp(a->ip, zeros, sizeof zeros) == 0 && !kith_address_is_any(a) &&
                      !kith_address_is_loopback(a);
    bool site_local = a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0xc0;
    return compatible || is_mapped(a) || site_local;
}
