/* The candidate attribute between text and struct (RFC 8839 section 5.1, RFC 6544 section 4.5,
 * RFC 8838 section 4 for "ufrag").
 *
 * Reading is liberal in what RFC 8839 leaves open (order of extensions, case of keywords, unknown
 * extensions) and strict in everything that becomes a number or an address. It does not resolve
 * names and does not judge whether a candidate is worth a check: that is the ICE agent's to say. */
#include "wire/candidate.h"

#include <string.h>

static const char *const type_names[] = {
    [KITH_CANDIDATE_HOST] = "host",
    [KITH_CANDIDATE_SRFLX] = "srflx",
    [KITH_CANDIDATE_PRFLX] = "prflx",
    [KITH_CANDIDATE_RELAY] = "relay",
};

static const char *const tcp_type_names[] = {
    [KITH_TCPTYPE_NONE] = NULL,
    [KITH_TCPTYPE_ACTIVE] = "active",
    [KITH_TCPTYPE_PASSIVE] = "passive",
    [KITH_TCPTYPE_SO] = "so",
};

static bool is_alnum(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* 1*`max` ice-char (RFC 8839 section 5.1), copied with a NUL. */
static bool copy_ice_chars(char *out, size_t max, kith_span text)
{
    if (text.len == 0 || text.len > max)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!is_alnum(text.data[i]) && text.data[i] != '+' && text.data[i] != '/')
            return false;
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return true;
}

/* A foundation is 1*32 ice-char, but peers exist that put "-" and "." in it; it is only ever
 * compared, so any visible character will do. */
static bool parse_foundation(kith_candidate *out, kith_span text)
{
    if (text.len == 0 || text.len > KITH_FOUNDATION_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    memcpy(out->foundation, text.data, text.len);
    out->foundation[text.len] = '\0';
    return true;
}

static bool parse_transport(kith_candidate *out, kith_span text)
{
    if (kith_span_is_nocase(text, "udp"))
        out->protocol = KITH_UDP;
    else if (kith_span_is_nocase(text, "tcp"))
        out->protocol = KITH_TCP;
    else
        return false;
    return true;
}

/* A host name of letters, digits, "-", "_" and dots. The last label is never all digits, so that a
 * damaged IPv4 address does not pass for a name (RFC 1123 section 2.1). */
static bool parse_hostname(kith_candidate *out, kith_span text)
{
    bool label_is_number = true;
    if (text.len == 0 || text.len >= sizeof out->hostname || text.data[0] == '.')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (!is_alnum(c) && c != '-' && c != '_' && c != '.')
            return false;
        if (c == '.') {
            if (text.data[i - 1] == '.')
                return false;
            if (i + 1 < text.len)
                label_is_number = true;
        } else if (c < '0' || c > '9') {
            label_is_number = false;
        }
    }
    if (label_is_number)
        return false;
    memcpy(out->hostname, text.data, text.len);
    out->hostname[text.len] = '\0';
    return true;
}

/* connection-address: an IP address or a name (RFC 8839 section 5.1). A zone index of the peer
 * means nothing here. */
static bool parse_address(kith_candidate *out, kith_span text)
{
    if (kith_address_parse_ip(&out->address, text)) {
        out->address.scope_id = 0;
        return true;
    }
    memset(&out->address, 0, sizeof out->address);
    return parse_hostname(out, text);
}

static bool parse_number(kith_span text, uint64_t max, uint64_t *out)
{
    return text.len > 0 && kith_span_u64(text, max, out);
}

static bool parse_type(kith_candidate *out, kith_span text)
{
    for (size_t i = 0; i < sizeof type_names / sizeof type_names[0]; i++)
        if (kith_span_is_nocase(text, type_names[i])) {
            out->type = (kith_candidate_type)i;
            return true;
        }
    return false;
}

/* ---- extensions: a name and a value each ---- */

/* raddr is information only; what is no address (a name, an empty value) counts as absent. */
static bool parse_raddr(kith_candidate *out, kith_span value)
{
    uint16_t port = out->related.port;
    if (!kith_address_parse_ip(&out->related, value))
        memset(&out->related, 0, sizeof out->related);
    out->related.scope_id = 0;
    out->related.port = port;
    return true;
}

static bool parse_rport(kith_candidate *out, kith_span value)
{
    uint64_t port;
    if (!parse_number(value, UINT16_MAX, &port))
        return false;
    out->related.port = (uint16_t)port;
    return true;
}

static bool parse_tcptype(kith_candidate *out, kith_span value)
{
    for (size_t i = KITH_TCPTYPE_ACTIVE; i <= KITH_TCPTYPE_SO; i++)
        if (kith_span_is_nocase(value, tcp_type_names[i])) {
            out->tcp_type = (kith_tcp_type)i;
            return true;
        }
    return false;
}

static bool parse_ufrag(kith_candidate *out, kith_span value)
{
    return copy_ice_chars(out->ufrag, KITH_UFRAG_MAX, value);
}

static const struct extension {
    const char *name;
    bool (*parse)(kith_candidate *out, kith_span value);
} extensions[] = {
    {"raddr", parse_raddr},
    {"rport", parse_rport},
    {"tcptype", parse_tcptype},
    {"ufrag", parse_ufrag},
};

static bool parse_extensions(kith_candidate *out, kith_span rest)
{
    for (;;) {
        kith_span name = kith_span_word(&rest);
        if (name.len == 0)
            return true;
        kith_span value = kith_span_word(&rest);
        for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++)
            if (kith_span_is(name, extensions[i].name) && !extensions[i].parse(out, value))
                return false;
    }
}

static kith_span without_prefix(kith_span text, const char *prefix)
{
    size_t len = strlen(prefix);
    return kith_span_starts(text, prefix) ? kith_span_of(text.data + len, text.len - len) : text;
}

bool kith_candidate_parse(kith_candidate *out, kith_span text)
{
    uint64_t component, priority, port;
    memset(out, 0, sizeof *out);
    kith_span rest = without_prefix(without_prefix(kith_span_trim(text), "a="), "candidate:");
    if (!parse_foundation(out, kith_span_word(&rest)) ||
        !parse_number(kith_span_word(&rest), UINT16_MAX, &component) ||
        !parse_transport(out, kith_span_word(&rest)) ||
        !parse_number(kith_span_word(&rest), UINT32_MAX, &priority) ||
        !parse_address(out, kith_span_word(&rest)) ||
        !parse_number(kith_span_word(&rest), UINT16_MAX, &port) ||
        !kith_span_is_nocase(kith_span_word(&rest), "typ") ||
        !parse_type(out, kith_span_word(&rest)) || !parse_extensions(out, rest))
        return false;
    out->component = (uint16_t)component;
    out->priority = (uint32_t)priority;
    out->address.port = (uint16_t)port;
    if (out->related.family == 0)
        out->related.port = 0;
    return true;
}

void kith_candidate_write(kith_writer *w, const kith_candidate *candidate)
{
    char ip[KITH_ADDRESS_TEXT];
    kith_address bare = candidate->address;
    bare.scope_id = 0; /* our interface's index says nothing to the peer */
    kith_wr_print(
        w, "candidate:%s %u %s %lu %s %u typ %s", candidate->foundation, candidate->component,
        candidate->protocol == KITH_TCP ? "tcp" : "udp", (unsigned long)candidate->priority,
        bare.family == 0 ? candidate->hostname : kith_address_format_ip(&bare, ip, sizeof ip),
        bare.port, type_names[candidate->type]);
    if (candidate->related.family != 0) {
        kith_address related = candidate->related;
        related.scope_id = 0;
        kith_wr_print(w, " raddr %s rport %u", kith_address_format_ip(&related, ip, sizeof ip),
                      related.port);
    }
    if (candidate->tcp_type != KITH_TCPTYPE_NONE)
        kith_wr_print(w, " tcptype %s", tcp_type_names[candidate->tcp_type]);
    if (candidate->ufrag[0] != '\0')
        kith_wr_print(w, " ufrag %s", candidate->ufrag);
}

const char *kith_candidate_type_name(kith_candidate_type type)
{
    return type_names[type];
}
