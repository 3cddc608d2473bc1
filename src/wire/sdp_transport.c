/* Attributes of grouping, ICE, DTLS and SCTP, of the session and of any section: RFC 5888, RFC
 * 8839, RFC 8840, RFC 8122, RFC 8842, RFC 9143, RFC 8841, RFC 8285 and the directions of RFC 8866.
 */
#include <string.h>

#include "base/error.h"
#include "wire/sdp_attribute.h"

/* ---- grouping ---- */

/* "BUNDLE 0 1 2"; a group may be empty (RFC 5888 section 5). What is no group groups nothing. */
static kith_err parse_group(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                            kith_span value)
{
    (void)row, (void)field;
    kith_span semantics = kith_span_word(&value);
    if (!kith_sdp_is_token(semantics))
        return kith_fail_sdp(in->line, "a=group needs its semantics, such as BUNDLE");
    kith_sdp_texts mids = {0};
    for (kith_span mid = kith_span_word(&value); mid.len > 0; mid = kith_span_word(&value)) {
        if (!kith_sdp_is_token(mid))
            return kith_fail_sdp(in->line, "a=group names \"%.*s\", which cannot be a mid",
                                 KITH_SPAN_ARG(mid));
        const char *text = kith_sdp_copy(in->sdp, mid);
        const char **place = KITH_SDP_APPEND(in->sdp, mids);
        if (place)
            *place = text;
    }
    const char *text = kith_sdp_copy(in->sdp, semantics);
    kith_sdp_group *group = KITH_SDP_APPEND(in->sdp, in->sdp->groups);
    if (group) {
        group->semantics = text;
        group->mids = mids;
    }
    return KITH_OK;
}

static void write_group(kith_writer *w, const kith_sdp_row *row, const void *field)
{
    const kith_sdp *sdp = field;
    for (size_t i = 0; i < sdp->groups.count; i++) {
        const kith_sdp_group *group = &sdp->groups.items[i];
        kith_wr_print(w, "a=%s:%s", row->name, group->semantics);
        for (size_t n = 0; n < group->mids.count; n++)
            kith_wr_print(w, " %s", group->mids.items[n]);
        kith_wr_text(w, "\r\n");
    }
}

/* Two sections of one name could not be told apart (RFC 5888 section 4, RFC 9429 section 5.8.3). */
static kith_err parse_mid(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                          kith_span value)
{
    const char **mid = field;
    kith_err err = kith_sdp_parse_token(in, row, field, value);
    const kith_sdp_media *first = err == KITH_OK ? kith_sdp_find_mid(in->sdp, *mid) : NULL;
    if (!first || first == in->media)
        return err;
    err = kith_fail_sdp(in->line, "a=mid:%s is already the name of the section of line %d", *mid,
                        first->line);
    *mid = NULL;
    return err;
}

/* ---- ICE ---- */

/* Contents that cannot be used are no broken grammar (webrtc-pc section 4.4.1.5:
 * InvalidAccessError, as in browsers). */
static kith_err refuse_ice_text(const kith_sdp_input *in, kith_error *error)
{
    error->sdp_line_number = in->line;
    return kith_fail_with(error);
}

static kith_err parse_ice_text(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                               kith_span value)
{
    const char **text = field;
    size_t least = strcmp(row->name, "ice-ufrag") == 0 ? 4 : 22;
    kith_error error;
    if (value.len < least || value.len > KITH_UFRAG_MAX) {
        kith_error_init(&error, KITH_ERR_INVALID_ACCESS,
                        "a=%s has %zu characters; it needs %zu to %d", row->name, value.len, least,
                        KITH_UFRAG_MAX);
        return refuse_ice_text(in, &error);
    }
    if (!kith_candidate_is_ice_text(value)) {
        kith_error_init(&error, KITH_ERR_INVALID_ACCESS,
                        "a=%s may have letters, digits, \"+\" and \"/\" and nothing else",
                        row->name);
        return refuse_ice_text(in, &error);
    }
    *text = kith_sdp_copy(in->sdp, value);
    return KITH_OK;
}

/* Separated by spaces (RFC 8839 section 5.6), or by commas as one much-used peer writes them; a
 * second line adds to the first. */
static kith_err parse_ice_options(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                                  kith_span value)
{
    kith_sdp_texts *options = field;
    kith_span option = kith_span_word(&value);
    if (option.len == 0)
        return kith_fail_sdp(in->line, "a=%s needs a value", row->name);
    for (; option.len > 0; option = kith_span_word(&value))
        while (option.len > 0) {
            const char *text = kith_sdp_copy(in->sdp, kith_span_cut(&option, ','));
            const char **place = *text ? KITH_SDP_APPEND(in->sdp, *options) : NULL;
            if (place)
                *place = text;
        }
    return KITH_OK;
}

static void write_ice_options(kith_writer *w, const kith_sdp_row *row, const void *field)
{
    const kith_sdp_texts *options = field;
    if (options->count == 0)
        return;
    kith_wr_print(w, "a=%s:%s", row->name, options->items[0]);
    for (size_t i = 1; i < options->count; i++)
        kith_wr_print(w, " %s", options->items[i]);
    kith_wr_text(w, "\r\n");
}

static kith_err parse_ice_pacing(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                                 kith_span value)
{
    uint32_t *pacing = field;
    uint64_t ms;
    /* 1*10DIGIT (RFC 8839 section 5.5). */
    if (!kith_span_u64(value, UINT32_MAX, &ms))
        return kith_fail_sdp(in->line, "a=%s needs a number of milliseconds", row->name);
    *pacing = (uint32_t)ms;
    return KITH_OK;
}

static void write_ice_pacing(kith_writer *w, const kith_sdp_row *row, const void *field)
{
    const uint32_t *pacing = field;
    if (*pacing > 0)
        kith_wr_print(w, "a=%s:%lu\r\n", row->name, (unsigned long)*pacing);
}

/* A candidate of an unknown transport or type, or one with a damaged part, is no reason to lose the
 * others (RFC 8839 section 5.1: unknown transports and types are ignored). */
static kith_err parse_candidate(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                                kith_span value)
{
    (void)row, (void)field;
    kith_candidate candidate;
    if (in->media->candidates.count < KITH_SDP_MAX_CANDIDATES &&
        kith_candidate_parse(&candidate, value) && !candidate.is_unknown)
        kith_sdp_add_candidate(in->sdp, in->media, &candidate);
    else
        in->media->ignored_candidates++;
    return KITH_OK;
}

static void write_candidate(kith_writer *w, const kith_sdp_row *row, const void *field)
{
    (void)row;
    const kith_sdp_candidates *candidates = field;
    for (size_t i = 0; i < candidates->count; i++) {
        kith_wr_text(w, "a=");
        kith_candidate_write(w, &candidates->items[i]);
        kith_wr_text(w, "\r\n");
    }
}

/* ---- DTLS ---- */

/* Several may stand there; those whose hash is MD5 or unknown (RFC 8122 section 5) or that are
 * malformed cannot be used and are left out: one good one is enough. */
static kith_err parse_fingerprint(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                                  kith_span value)
{
    kith_sdp_fingerprints *list = field;
    kith_span name = kith_span_word(&value);
    kith_span hex = kith_span_trim(value);
    in->common->ignored_fingerprints++;
    if (!kith_sdp_is_token(name) || hex.len == 0)
        return kith_fail_sdp(in->line, "a=%s needs the name of a hash and a digest", row->name);
    kith_hash hash = kith_hash_by_name(name);
    if (hash == KITH_HASH_NONE || hash == KITH_HASH_MD5)
        return KITH_OK;
    kith_fingerprint fp;
    if (!kith_fingerprint_parse(&fp, name, hex))
        return kith_fail_sdp(in->line, "a=%s: %s has %zu octets in hexadecimal with colons between",
                             row->name, kith_hash_name(hash), kith_hash_size(hash));
    in->common->ignored_fingerprints--;
    kith_fingerprint *place = KITH_SDP_APPEND(in->sdp, *list);
    if (place)
        *place = fp;
    return KITH_OK;
}

static void write_fingerprint(kith_writer *w, const kith_sdp_row *row, const void *field)
{
    const kith_sdp_fingerprints *list = field;
    for (size_t i = 0; i < list->count; i++) {
        char hex[KITH_FINGERPRINT_TEXT];
        kith_wr_print(w, "a=%s:%s %s\r\n", row->name, kith_hash_name(list->items[i].hash),
                      kith_fingerprint_format(&list->items[i], hex));
    }
}

static kith_err parse_setup(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                            kith_span value)
{
    kith_sdp_setup *setup = field;
    for (kith_sdp_setup s = KITH_SDP_SETUP_ACTPASS; s <= KITH_SDP_SETUP_HOLDCONN; s++)
        /* RFC 8866 section 6: tokens are compared with case unless said otherwise; browsers do not.
         */
        if (kith_span_is_nocase(value, kith_sdp_setup_text(s))) {
            *setup = s;
            return KITH_OK;
        }
    return kith_fail_sdp(in->line, "a=%s is actpass, active, passive or holdconn, not \"%.*s\"",
                         row->name, KITH_SPAN_ARG(value));
}

static void write_setup(kith_writer *w, const kith_sdp_row *row, const void *field)
{
    const kith_sdp_setup *setup = field;
    if (*setup != KITH_SDP_SETUP_NONE)
        kith_wr_print(w, "a=%s:%s\r\n", row->name, kith_sdp_setup_text(*setup));
}

/* 20*255 of letters, digits, "+", "/", "-" and "_" (RFC 8842 section 4). */
static kith_err parse_tls_id(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                             kith_span value)
{
    const char **text = field;
    if (value.len < 20 || value.len > 255 || !kith_sdp_is_alphanumeric(value, "+/-_"))
        return kith_fail_sdp(in->line, "a=%s needs 20 to 255 letters, digits, \"+/-_\"", row->name);
    *text = kith_sdp_copy(in->sdp, value);
    return KITH_OK;
}

/* ---- SCTP ---- */

static kith_err parse_sctp_port(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                                kith_span value)
{
    kith_sdp_media *m = field;
    uint64_t port;
    if (!kith_span_u64(value, UINT16_MAX, &port))
        return kith_fail_sdp(in->line, "a=%s is a number from 0 to 65535", row->name);
    m->has_sctp_port = true;
    m->sctp_port = (uint16_t)port;
    return KITH_OK;
}

static void write_sctp_port(kith_writer *w, const kith_sdp_row *row, const void *field)
{
    const kith_sdp_media *m = field;
    if (m->has_sctp_port)
        kith_wr_print(w, "a=%s:%u\r\n", row->name, m->sctp_port);
}

/* Peers that can take anything name numbers beyond 32 bits too. */
static kith_err parse_max_message_size(const kith_sdp_input *in, const kith_sdp_row *row,
                                       void *field, kith_span value)
{
    kith_sdp_media *m = field;
    uint64_t size;
    if (!kith_span_u64(value, UINT64_MAX, &size))
        return kith_fail_sdp(in->line, "a=%s is a number of octets", row->name);
    m->has_max_message_size = true;
    m->max_message_size = size;
    return KITH_OK;
}

static void write_max_message_size(kith_writer *w, const kith_sdp_row *row, const void *field)
{
    const kith_sdp_media *m = field;
    if (m->has_max_message_size)
        kith_wr_print(w, "a=%s:%llu\r\n", row->name, (unsigned long long)m->max_message_size);
}

/* "5000 webrtc-datachannel 1024" (draft-ietf-mmusic-sctp-sdp-07 section 5). */
static kith_err parse_sctpmap(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                              kith_span value)
{
    (void)field;
    uint64_t port, streams = 0;
    bool good = kith_span_u64(kith_span_word(&value), UINT16_MAX, &port);
    kith_span protocol = kith_span_word(&value);
    kith_span count = kith_span_word(&value);
    if (!good || !kith_sdp_is_token(protocol) ||
        (count.len > 0 && !kith_span_u64(count, UINT32_MAX, &streams)))
        return kith_fail_sdp(in->line, "a=%s is a port, a protocol and a number of streams",
                             row->name);
    const char *text = kith_sdp_copy(in->sdp, protocol);
    kith_sdp_sctpmap *map = KITH_SDP_APPEND(in->sdp, in->media->sctpmaps);
    if (map)
        *map = (kith_sdp_sctpmap){
            .port = (uint16_t)port, .protocol = text, .streams = (uint32_t)streams};
    return KITH_OK;
}

static void write_sctpmap(kith_writer *w, const kith_sdp_row *row, const void *field)
{
    const kith_sdp_media *m = field;
    for (size_t i = 0; i < m->sctpmaps.count; i++) {
        const kith_sdp_sctpmap *map = &m->sctpmaps.items[i];
        kith_wr_print(w, "a=%s:%u %s", row->name, map->port, map->protocol);
        if (map->streams > 0)
            kith_wr_print(w, " %lu", (unsigned long)map->streams);
        kith_wr_text(w, "\r\n");
    }
}

/* ---- directions and header extensions ---- */

static kith_err parse_direction(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                                kith_span value)
{
    (void)value;
    kith_sdp_direction *direction = field;
    if (kith_span_is(kith_span_text(row->name), kith_sdp_direction_text(*direction)))
        return KITH_OK;
    if (*direction != KITH_SDP_DIRECTION_NONE)
        return kith_fail_sdp(in->line, "a=%s comes after a=%s: a section has one direction",
                             row->name, kith_sdp_direction_text(*direction));
    bool known = kith_sdp_read_direction(direction, kith_span_text(row->name));
    return known ? KITH_OK : kith_fail_sdp(in->line, "a=%s is no direction", row->name);
}

static void write_direction(kith_writer *w, const kith_sdp_row *row, const void *field)
{
    const char *name = kith_sdp_direction_text(*(const kith_sdp_direction *)field);
    if (name && strcmp(name, row->name) == 0)
        kith_wr_print(w, "a=%s\r\n", name);
}

/* 1 to 255 are identifiers, 4096 to 4351 the alternatives of an offer (RFC 8285 sections 5 and 8).
 */
static bool read_extension_id(uint16_t *out, kith_span text)
{
    uint64_t id;
    if (!kith_span_u64(text, 4351, &id) || id == 0 || (id > 255 && id < 4096))
        return false;
    *out = (uint16_t)id;
    return true;
}

/* "3/recvonly URI attributes" (RFC 8285 section 8). */
static kith_err parse_extmap(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                             kith_span value)
{
    kith_sdp_extmaps *list = field;
    kith_sdp_extmap map = {0};
    kith_span direction = kith_span_word(&value);
    bool directed = direction.len > 0 && memchr(direction.data, '/', direction.len);
    kith_span id = kith_span_cut(&direction, '/');
    if (!read_extension_id(&map.id, id))
        return kith_fail_sdp(in->line, "a=%s: \"%.*s\" is no identifier (1 to 255, 4096 to 4351)",
                             row->name, KITH_SPAN_ARG(id));
    if (directed && !kith_sdp_read_direction(&map.direction, direction))
        return kith_fail_sdp(in->line, "a=%s: \"%.*s\" is no direction", row->name,
                             KITH_SPAN_ARG(direction));
    kith_span uri = kith_span_word(&value);
    if (uri.len == 0)
        return kith_fail_sdp(in->line, "a=%s needs the URI of a header extension", row->name);
    map.uri = kith_sdp_copy(in->sdp, uri);
    kith_span attributes = kith_span_trim(value);
    if (attributes.len > 0)
        map.attributes = kith_sdp_copy(in->sdp, attributes);
    kith_sdp_extmap *place = KITH_SDP_APPEND(in->sdp, *list);
    if (place)
        *place = map;
    return KITH_OK;
}

static void write_extmap(kith_writer *w, const kith_sdp_row *row, const void *field)
{
    const kith_sdp_extmaps *list = field;
    for (size_t i = 0; i < list->count; i++) {
        const kith_sdp_extmap *map = &list->items[i];
        kith_wr_print(w, "a=%s:%u", row->name, map->id);
        if (map->direction != KITH_SDP_DIRECTION_NONE)
            kith_wr_print(w, "/%s", kith_sdp_direction_text(map->direction));
        kith_wr_print(w, " %s", map->uri);
        if (map->attributes)
            kith_wr_print(w, " %s", map->attributes);
        kith_wr_text(w, "\r\n");
    }
}

/* ---- the table ---- */

#define ONCE      true
#define MANY      false
#define NEEDED    true
#define SPARE     false
#define SESSION   KITH_SDP_SESSION
#define MEDIA     KITH_SDP_MEDIA
#define BOTH      KITH_SDP_BOTH
#define IN_SDP    KITH_SDP_IN_SDP
#define IN_MEDIA  KITH_SDP_IN_MEDIA
#define IN_COMMON KITH_SDP_IN_COMMON

/* clang-format off: one row for each attribute */
const kith_sdp_row kith_sdp_transport_rows[] = {
    {"group", SESSION, MANY, SPARE, KITH_SDP_ALL_OF_SDP, parse_group, write_group},
    {"ice-lite", SESSION, MANY, NEEDED, IN_SDP(ice_lite), kith_sdp_parse_flag, kith_sdp_write_flag},
    {"ice-pacing", SESSION, ONCE, SPARE, IN_SDP(ice_pacing_ms), parse_ice_pacing, write_ice_pacing},
    {"identity", SESSION, ONCE, SPARE, IN_SDP(identity), kith_sdp_parse_text, kith_sdp_write_text},
    {"extmap-allow-mixed", BOTH, MANY, SPARE, IN_COMMON(extmap_allow_mixed), kith_sdp_parse_flag,
     kith_sdp_write_flag},
    {"msid-semantic", SESSION, MANY, SPARE, IN_SDP(msid_semantics), kith_sdp_parse_texts,
     kith_sdp_write_texts},
    {"candidate", MEDIA, MANY, SPARE, IN_MEDIA(candidates), parse_candidate, write_candidate},
    {"end-of-candidates", BOTH, MANY, SPARE, IN_COMMON(end_of_candidates), kith_sdp_parse_flag,
     kith_sdp_write_flag},
    {"remote-candidates", MEDIA, ONCE, SPARE, IN_MEDIA(remote_candidates), kith_sdp_parse_text,
     kith_sdp_write_text},
    {"ice-mismatch", MEDIA, MANY, SPARE, IN_MEDIA(ice_mismatch), kith_sdp_parse_flag,
     kith_sdp_write_flag},
    {"ice-ufrag", BOTH, ONCE, NEEDED, IN_COMMON(ice_ufrag), parse_ice_text, kith_sdp_write_text},
    {"ice-pwd", BOTH, ONCE, NEEDED, IN_COMMON(ice_pwd), parse_ice_text, kith_sdp_write_text},
    {"ice-options", BOTH, MANY, SPARE, IN_COMMON(ice_options), parse_ice_options,
     write_ice_options},
    {"fingerprint", BOTH, MANY, SPARE, IN_COMMON(fingerprints), parse_fingerprint,
     write_fingerprint},
    {"setup", BOTH, ONCE, NEEDED, IN_COMMON(setup), parse_setup, write_setup},
    {"tls-id", BOTH, ONCE, SPARE, IN_COMMON(tls_id), parse_tls_id, kith_sdp_write_text},
    {"mid", MEDIA, ONCE, NEEDED, IN_MEDIA(mid), parse_mid, kith_sdp_write_text},
    {"bundle-only", MEDIA, MANY, NEEDED, IN_MEDIA(bundle_only), kith_sdp_parse_flag,
     kith_sdp_write_flag},
    {"extmap", BOTH, MANY, SPARE, IN_COMMON(extmaps), parse_extmap, write_extmap},
    {"sendrecv", BOTH, MANY, SPARE, IN_COMMON(direction), parse_direction, write_direction},
    {"sendonly", BOTH, MANY, SPARE, IN_COMMON(direction), parse_direction, write_direction},
    {"recvonly", BOTH, MANY, SPARE, IN_COMMON(direction), parse_direction, write_direction},
    {"inactive", BOTH, MANY, SPARE, IN_COMMON(direction), parse_direction, write_direction},
    {"sctp-port", MEDIA, ONCE, NEEDED, KITH_SDP_ALL_OF_MEDIA, parse_sctp_port, write_sctp_port},
    {"sctpmap", MEDIA, MANY, NEEDED, KITH_SDP_ALL_OF_MEDIA, parse_sctpmap, write_sctpmap},
    {"max-message-size", MEDIA, ONCE, NEEDED, KITH_SDP_ALL_OF_MEDIA, parse_max_message_size,
     write_max_message_size},
    {"dcmap", MEDIA, MANY, SPARE, IN_MEDIA(dcmaps), kith_sdp_parse_texts, kith_sdp_write_texts},
    {"dcsa", MEDIA, MANY, SPARE, IN_MEDIA(dcsas), kith_sdp_parse_texts, kith_sdp_write_texts},
};
/* clang-format on */
const size_t kith_sdp_transport_row_count =
    sizeof kith_sdp_transport_rows / sizeof kith_sdp_transport_rows[0];
