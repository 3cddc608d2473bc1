/* The candidate attribute between text and struct (RFC 8839 section 5.1, RFC 6544 section 4.5,
 * RFC 8838 section 4 for "ufrag").
 *
 * Reading is liberal in what RFC 8839 leaves open (order of extensions, case of keywords, unknown
 * extensions) and strict in everything that becomes a number or an address. It does not resolve
 * names and does not judge whether a candidate is worth a check: that is the ICE agent's to say. */
#include "wire/candidate.h"

#include <stdio.h>
#include <string.h>

#include "base/siphash.h"

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

bool kith_candidate_is_ice_text(kith_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == '\0' ||
            (!kith_span_is_alnum(text.data[i]) && !strchr("+/-=#_", text.data[i])))
            return false;
    return text.len > 0;
}

static bool is_visible(kith_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    return true;
}

/* A foundation is 1*32 ice-char, but peers exist that put "-" and "." in it, a UUID, or nothing at
 * all; it is only ever compared, so any visible characters will do, and a hash stands for many. */
static bool parse_foundation(kith_candidate *out, kith_span text)
{
    static const uint64_t key[2] = {0};
    if (!is_visible(text))
        return false;
    if (text.len > KITH_FOUNDATION_MAX) {
        snprintf(out->foundation, sizeof out->foundation, "%016llx",
                 (unsigned long long)kith_siphash(key, text));
        return true;
    }
    memcpy(out->foundation, text.data, text.len);
    out->foundation[text.len] = '\0';
    return true;
}

/* transport-extension (RFC 8839 section 5.1): a token that kith cannot send on. */
static bool parse_transport(kith_candidate *out, kith_span text)
{
    if (kith_span_is_nocase(text, "udp"))
        out->protocol = KITH_UDP;
    else if (kith_span_is_nocase(text, "tcp"))
        out->protocol = KITH_TCP;
    else
        out->is_unknown = true;
    return text.len > 0 && is_visible(text);
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
        if (!kith_span_is_alnum(c) && c != '-' && c != '_' && c != '.')
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

/* connection-address: an IP address or a name (RFC 8839 section 5.1). A zone of the peer, a number
 * or a name, means nothing here. */
static bool parse_address(kith_candidate *out, kith_span text)
{
    kith_span zone = text;
    if (kith_address_parse_ip(&out->address, kith_span_cut(&zone, '%')))
        return true;
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
    /* "or other candidate-types as a token" (RFC 8839 section 5.1) */
    out->is_unknown = true;
    return text.len > 0 && is_visible(text);
}

/* ---- extensions: a name and a value each; the value of the last may be missing ---- */

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
    if (parse_number(value, UINT16_MAX, &port))
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

/* One that can be nobody's names no generation: as if it were absent. */
static bool parse_ufrag(kith_candidate *out, kith_span value)
{
    if (value.len > KITH_UFRAG_MAX || !kith_candidate_is_ice_text(value))
        return true;
    memcpy(out->ufrag, value.data, value.len);
    out->ufrag[value.len] = '\0';
    return true;
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

/* Blanks and line ends around the text: applications read it from files and cut it from
 * descriptions. */
static kith_span without_line_end(kith_span text)
{
    while (text.len > 0 && strchr(" \t\r\n", text.data[text.len - 1]))
        text.len--;
    while (text.len > 0 && strchr(" \t\r\n", text.data[0]))
        text = kith_span_of(text.data + 1, text.len - 1);
    return text;
}

/* The foundation and the component id; a line whose second word is no number has no foundation. */
static bool parse_head(kith_candidate *out, kith_span *rest, uint64_t *component)
{
    kith_span foundation = kith_span_word(rest);
    kith_span behind = *rest;
    if (parse_number(kith_span_word(rest), UINT16_MAX, component))
        return parse_foundation(out, foundation);
    *rest = behind;
    return parse_number(foundation, UINT16_MAX, component);
}

bool kith_candidate_parse(kith_candidate *out, kith_span text)
{
    uint64_t component, priority, port;
    memset(out, 0, sizeof *out);
    kith_span rest = without_prefix(without_prefix(without_line_end(text), "a="), "candidate:");
    if (!parse_head(out, &rest, &component) || !parse_transport(out, kith_span_word(&rest)) ||
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

const char *kith_candidate_tcp_type_name(kith_tcp_type type)
{
    return tcp_type_names[type];
}

/* webrtc-pc section 4.8.1.4 has no word for DTLS: TLS is what it is, over UDP. */
const char *kith_server_transport_name(kith_server_transport transport)
{
    static const char *const names[] = {[KITH_SERVER_UDP] = "udp",
                                        [KITH_SERVER_DTLS] = "tls",
                                        [KITH_SERVER_TCP] = "tcp",
                                        [KITH_SERVER_TLS] = "tls"};
    return names[transport];
}
