/* Attributes of sections that carry RTP: formats, feedback, streams and sources, simulcast. RFC
 * 8866, RFC 3605, RFC 4585, RFC 5576, RFC 5761, RFC 8858, RFC 5506, RFC 8830, RFC 8851, RFC 8853,
 * RFC 6236. */
#include <string.h>

#include "base/error.h"
#include "wire/sdp_attribute.h"

static bool read_payload_type(uint8_t *out, kith_span text)
{
    uint64_t number;
    if (!kith_span_u64(text, 127, &number))
        return false;
    *out = (uint8_t)number;
    return true;
}

/* ---- formats ---- */

/* "111 opus/48000/2" (RFC 8866 section 6.6). */
static kith_err parse_rtpmap(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                             kith_span value)
{
    (void)field;
    kith_sdp_rtpmap map = {0};
    uint64_t rate, channels = 0;
    kith_span format = kith_span_word(&value);
    kith_span name = kith_span_trim(value);
    if (!read_payload_type(&map.payload_type, format))
        return kith_fail_sdp(in->line, "a=%s: \"%.*s\" is no payload type (0 to 127)", row->name,
                             KITH_SPAN_ARG(format));
    kith_span encoding = kith_span_cut(&name, '/');
    kith_span clock = kith_span_cut(&name, '/');
    if (!kith_sdp_is_token(encoding))
        return kith_fail_sdp(in->line, "a=%s needs the name of an encoding", row->name);
    if (!kith_span_u64(clock, UINT32_MAX, &rate) || rate == 0)
        return kith_fail_sdp(in->line, "a=%s: \"%.*s\" is no clock rate", row->name,
                             KITH_SPAN_ARG(clock));
    if (name.len > 0 && (!kith_span_u64(name, UINT8_MAX, &channels) || channels == 0))
        return kith_fail_sdp(in->line, "a=%s: \"%.*s\" is no number of channels", row->name,
                             KITH_SPAN_ARG(name));
    map.clock_rate = (uint32_t)rate;
    map.channels = (uint8_t)channels;
    map.name = kith_sdp_copy(in->sdp, encoding);
    kith_sdp_rtpmap *place = KITH_SDP_APPEND(in->sdp, in->media->rtpmaps);
    if (place)
        *place = map;
    return KITH_OK;
}

static void write_rtpmap(kith_writer *w, const kith_sdp_row *row, const void *field)
{
    const kith_sdp_media *m = field;
    for (size_t i = 0; i < m->rtpmaps.count; i++) {
        const kith_sdp_rtpmap *map = &m->rtpmaps.items[i];
        kith_wr_print(w, "a=%s:%u %s/%lu", row->name, map->payload_type, map->name,
                      (unsigned long)map->clock_rate);
        if (map->channels > 0)
            kith_wr_print(w, "/%u", map->channels);
        kith_wr_text(w, "\r\n");
    }
}

/* "111 minptime=10;useinbandfec=1": the parameters are the format's own affair (RFC 8866
 * section 6.15). */
static kith_err parse_fmtp(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                           kith_span value)
{
    (void)field;
    uint8_t payload_type = 0;
    kith_span format = kith_span_word(&value);
    bool numbered = read_payload_type(&payload_type, format);
    if (!kith_sdp_is_token(format) || (!numbered && kith_sdp_is_rtp(in->media)))
        return kith_fail_sdp(in->line, "a=%s: \"%.*s\" is no payload type (0 to 127)", row->name,
                             KITH_SPAN_ARG(format));
    const char *format_text = kith_sdp_copy(in->sdp, format);
    const char *parameters = kith_sdp_copy(in->sdp, kith_span_trim(value));
    kith_sdp_fmtp *fmtp = KITH_SDP_APPEND(in->sdp, in->media->fmtps);
    if (fmtp)
        *fmtp = (kith_sdp_fmtp){.format = format_text,
                                .payload_type = kith_sdp_is_rtp(in->media) ? payload_type : -1,
                                .parameters = parameters};
    return KITH_OK;
}

static void write_fmtp(kith_writer *w, const kith_sdp_row *row, const void *field)
{
    const kith_sdp_media *m = field;
    for (size_t i = 0; i < m->fmtps.count; i++)
        kith_wr_print(w, "a=%s:%s %s\r\n", row->name, m->fmtps.items[i].format,
                      m->fmtps.items[i].parameters);
}

/* Milliseconds, or frames a second: "20", "2.5" (RFC 8866 sections 6.4, 6.5, 6.13). */
static kith_err parse_decimal(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                              kith_span value)
{
    const char **text = field;
    uint64_t number;
    kith_span fraction = value;
    kith_span whole = kith_span_cut(&fraction, '.');
    bool pointed = whole.len < value.len;
    if (!kith_span_u64(whole, UINT32_MAX, &number) ||
        (pointed && !kith_span_u64(fraction, UINT32_MAX, &number)))
        return kith_fail_sdp(in->line, "a=%s: \"%.*s\" is no number", row->name,
                             KITH_SPAN_ARG(value));
    *text = kith_sdp_copy(in->sdp, value);
    return KITH_OK;
}

/* "96 send [x=800,y=640] recv *" stays text: it is advice (RFC 6236), but not to be garbled. */
static kith_err parse_imageattr(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                                kith_span value)
{
    uint8_t payload_type;
    kith_span rest = value;
    kith_span format = kith_span_word(&rest);
    if (!kith_span_is(format, "*") && !read_payload_type(&payload_type, format))
        return kith_fail_sdp(in->line, "a=%s: \"%.*s\" is no payload type (0 to 127, or *)",
                             row->name, KITH_SPAN_ARG(format));
    return kith_sdp_parse_texts(in, row, field, value);
}

/* ---- RTCP ---- */

/* "9 IN IP4 0.0.0.0" or "9" (RFC 3605 section 2.1). */
static kith_err parse_rtcp(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                           kith_span value)
{
    kith_sdp_media *m = field;
    uint64_t port;
    if (!kith_span_u64(kith_span_word(&value), UINT16_MAX, &port))
        return kith_fail_sdp(in->line, "a=%s needs a port from 0 to 65535", row->name);
    if (kith_span_trim(value).len > 0 &&
        !kith_sdp_read_connection(in->sdp, &m->rtcp_connection, value))
        return kith_fail_sdp(in->line, "a=%s: after the port comes an address as in IN IP4 0.0.0.0",
                             row->name);
    m->has_rtcp = true;
    m->rtcp_port = (uint16_t)port;
    return KITH_OK;
}

static void write_rtcp(kith_writer *w, const kith_sdp_row *row, const void *field)
{
    const kith_sdp_media *m = field;
    if (!m->has_rtcp)
        return;
    kith_wr_print(w, "a=%s:%u", row->name, m->rtcp_port);
    if (m->rtcp_connection.address) {
        kith_wr_text(w, " ");
        kith_sdp_write_connection(w, &m->rtcp_connection);
    }
    kith_wr_text(w, "\r\n");
}

/* "a=rtcp-xr" alone says that no report is wanted (RFC 3611 section 5.1). */
static kith_err parse_rtcp_xr(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                              kith_span value)
{
    (void)row;
    const char **text = field;
    *text = kith_sdp_copy(in->sdp, value);
    return KITH_OK;
}

static void write_rtcp_xr(kith_writer *w, const kith_sdp_row *row, const void *field)
{
    const char *const *text = field;
    if (*text)
        kith_wr_print(w, "a=%s%s%s\r\n", row->name, **text ? ":" : "", *text);
}

/* "96 nack pli" (RFC 4585 section 4.2). */
static kith_err parse_rtcp_fb(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                              kith_span value)
{
    (void)field;
    uint8_t payload_type = 0;
    kith_span format = kith_span_word(&value);
    bool all = kith_span_is(format, "*");
    if (!all && !read_payload_type(&payload_type, format))
        return kith_fail_sdp(in->line, "a=%s: \"%.*s\" is no payload type (0 to 127, or *)",
                             row->name, KITH_SPAN_ARG(format));
    kith_span type = kith_span_word(&value);
    if (!kith_sdp_is_token(type))
        return kith_fail_sdp(in->line, "a=%s needs a kind of feedback, such as nack", row->name);
    kith_span parameter = kith_span_trim(value);
    const char *type_text = kith_sdp_copy(in->sdp, type);
    const char *parameter_text = parameter.len > 0 ? kith_sdp_copy(in->sdp, parameter) : NULL;
    kith_sdp_rtcp_fb *fb = KITH_SDP_APPEND(in->sdp, in->media->rtcp_fbs);
    if (fb)
        *fb = (kith_sdp_rtcp_fb){.payload_type = all ? -1 : payload_type,
                                 .type = type_text,
                                 .parameter = parameter_text};
    return KITH_OK;
}

static void write_rtcp_fb(kith_writer *w, const kith_sdp_row *row, const void *field)
{
    const kith_sdp_media *m = field;
    for (size_t i = 0; i < m->rtcp_fbs.count; i++) {
        const kith_sdp_rtcp_fb *fb = &m->rtcp_fbs.items[i];
        if (fb->payload_type < 0)
            kith_wr_print(w, "a=%s:* %s", row->name, fb->type);
        else
            kith_wr_print(w, "a=%s:%d %s", row->name, fb->payload_type, fb->type);
        if (fb->parameter)
            kith_wr_print(w, " %s", fb->parameter);
        kith_wr_text(w, "\r\n");
    }
}

/* ---- streams and sources ---- */

/* "stream track" (RFC 8830 section 2). Deployed peers use other characters than tokens, such as
 * braces. */
static kith_err parse_msid(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                           kith_span value)
{
    (void)field;
    kith_span stream = kith_span_word(&value);
    kith_span track = kith_span_word(&value);
    if (stream.len == 0 || kith_span_trim(value).len > 0)
        return kith_fail_sdp(in->line, "a=%s is the name of a stream and that of a track",
                             row->name);
    const char *stream_text = kith_sdp_copy(in->sdp, stream);
    const char *track_text = track.len > 0 ? kith_sdp_copy(in->sdp, track) : NULL;
    kith_sdp_msid *msid = KITH_SDP_APPEND(in->sdp, in->media->msids);
    if (msid)
        *msid = (kith_sdp_msid){.stream = stream_text, .track = track_text};
    return KITH_OK;
}

static void write_msid(kith_writer *w, const kith_sdp_row *row, const void *field)
{
    const kith_sdp_media *m = field;
    for (size_t i = 0; i < m->msids.count; i++) {
        const kith_sdp_msid *msid = &m->msids.items[i];
        kith_wr_print(w, "a=%s:%s%s%s\r\n", row->name, msid->stream, msid->track ? " " : "",
                      msid->track ? msid->track : "");
    }
}

/* Source attributes that RFC 5576 section 6 defines, and "msid" of the drafts of RFC 8830, which
 * Chromium still sends. */
static const char *const source_attributes[] = {"cname", "previous-ssrc", "fmtp", "msid"};

static bool is_source_attribute(kith_span name)
{
    for (size_t i = 0; i < sizeof source_attributes / sizeof source_attributes[0]; i++)
        if (kith_span_is(name, source_attributes[i]))
            return true;
    return false;
}

/* "1784530581 cname:xFs/CejfZB+gDeWX" (RFC 5576 section 4.1). */
static kith_err parse_ssrc(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                           kith_span value)
{
    (void)field;
    uint64_t ssrc;
    kith_span id = kith_span_word(&value);
    if (!kith_span_u64(id, UINT32_MAX, &ssrc))
        return kith_fail_sdp(in->line, "a=%s: \"%.*s\" is no SSRC", row->name, KITH_SPAN_ARG(id));
    kith_span content = kith_span_trim(value);
    size_t whole = content.len;
    kith_span name = kith_span_cut(&content, ':');
    if (!kith_sdp_is_token(name))
        return kith_fail_sdp(in->line, "a=%s needs an attribute of the source", row->name);
    if (!is_source_attribute(name)) {
        in->sdp->ignored_attributes++;
        return KITH_OK;
    }
    const char *attribute = kith_sdp_copy(in->sdp, name);
    const char *text = name.len < whole ? kith_sdp_copy(in->sdp, content) : NULL;
    kith_sdp_ssrc *source = KITH_SDP_APPEND(in->sdp, in->media->ssrcs);
    if (source)
        *source = (kith_sdp_ssrc){.ssrc = (uint32_t)ssrc, .attribute = attribute, .value = text};
    return KITH_OK;
}

static void write_ssrc(kith_writer *w, const kith_sdp_row *row, const void *field)
{
    const kith_sdp_media *m = field;
    for (size_t i = 0; i < m->ssrcs.count; i++) {
        const kith_sdp_ssrc *source = &m->ssrcs.items[i];
        kith_wr_print(w, "a=%s:%lu %s%s%s\r\n", row->name, (unsigned long)source->ssrc,
                      source->attribute, source->value ? ":" : "",
                      source->value ? source->value : "");
    }
}

/* "FID 2397511204 50170127" (RFC 5576 section 4.2). */
static kith_err parse_ssrc_group(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                                 kith_span value)
{
    (void)field;
    kith_sdp_ssrc_group group = {0};
    kith_span semantics = kith_span_word(&value);
    if (!kith_sdp_is_token(semantics))
        return kith_fail_sdp(in->line, "a=%s needs its semantics, such as FID", row->name);
    group.semantics = kith_sdp_copy(in->sdp, semantics);
    for (kith_span word = kith_span_word(&value); word.len > 0; word = kith_span_word(&value)) {
        uint64_t ssrc;
        if (!kith_span_u64(word, UINT32_MAX, &ssrc))
            return kith_fail_sdp(in->line, "a=%s: \"%.*s\" is no SSRC", row->name,
                                 KITH_SPAN_ARG(word));
        uint32_t *place = KITH_SDP_APPEND(in->sdp, group.ssrcs);
        if (place)
            *place = (uint32_t)ssrc;
    }
    kith_sdp_ssrc_group *place = KITH_SDP_APPEND(in->sdp, in->media->ssrc_groups);
    if (place)
        *place = group;
    return KITH_OK;
}

static void write_ssrc_group(kith_writer *w, const kith_sdp_row *row, const void *field)
{
    const kith_sdp_media *m = field;
    for (size_t i = 0; i < m->ssrc_groups.count; i++) {
        const kith_sdp_ssrc_group *group = &m->ssrc_groups.items[i];
        kith_wr_print(w, "a=%s:%s", row->name, group->semantics);
        for (size_t n = 0; n < group->ssrcs.count; n++)
            kith_wr_print(w, " %lu", (unsigned long)group->ssrcs.items[n]);
        kith_wr_text(w, "\r\n");
    }
}

/* ---- rids and simulcast ---- */

/* rid-id (RFC 8851 section 10). */
static bool is_rid(kith_span text)
{
    return kith_sdp_is_alphanumeric(text, "-_");
}

/* "pt=97,98" */
static bool read_rid_formats(const kith_sdp_input *in, kith_sdp_rid *rid, kith_span list)
{
    do {
        uint8_t payload_type;
        if (!read_payload_type(&payload_type, kith_span_cut(&list, ',')))
            return false;
        uint8_t *place = KITH_SDP_APPEND(in->sdp, rid->payload_types);
        if (place)
            *place = payload_type;
    } while (list.len > 0);
    return true;
}

/* One of the parameters between semicolons: the formats, or a restriction. */
static bool read_rid_parameter(const kith_sdp_input *in, kith_sdp_rid *rid, kith_span parameter)
{
    kith_span value = kith_span_trim(parameter);
    size_t whole = value.len;
    kith_span name = kith_span_cut(&value, '=');
    if (kith_span_is(name, "pt"))
        return read_rid_formats(in, rid, value);
    if (!kith_sdp_is_token(name))
        return false;
    const char *name_text = kith_sdp_copy(in->sdp, name);
    const char *value_text = name.len < whole ? kith_sdp_copy(in->sdp, value) : NULL;
    kith_sdp_restriction *restriction = KITH_SDP_APPEND(in->sdp, rid->restrictions);
    if (restriction)
        *restriction = (kith_sdp_restriction){.name = name_text, .value = value_text};
    return true;
}

/* "1 send pt=97,98;max-width=1280" (RFC 8851 section 10). */
static kith_err parse_rid(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                          kith_span value)
{
    (void)field;
    kith_sdp_rid rid = {0};
    kith_span id = kith_span_word(&value);
    kith_span direction = kith_span_word(&value);
    rid.send = kith_span_is(direction, "send");
    if (!is_rid(id) || (!rid.send && !kith_span_is(direction, "recv")))
        return kith_fail_sdp(in->line, "a=%s is a name of letters and digits, then send or recv",
                             row->name);
    rid.id = kith_sdp_copy(in->sdp, id);
    if (in->media->rids.count == KITH_SDP_MAX_RIDS)
        return kith_fail_sdp(in->line, "more than %d a=rid in a section", KITH_SDP_MAX_RIDS);
    if (kith_sdp_find_rid(in->media, rid.id))
        return kith_fail_sdp(in->line, "a=%s:%s stands twice in its section", row->name, rid.id);
    kith_span rest = kith_span_trim(value);
    while (rest.len > 0) {
        kith_span parameter = kith_span_cut(&rest, ';');
        if (!read_rid_parameter(in, &rid, parameter))
            return kith_fail_sdp(in->line, "a=%s:%s: \"%.*s\" is no restriction", row->name, rid.id,
                                 KITH_SPAN_ARG(parameter));
    }
    kith_sdp_rid *place = KITH_SDP_APPEND(in->sdp, in->media->rids);
    if (place)
        *place = rid;
    return KITH_OK;
}

static void write_rid(kith_writer *w, const kith_sdp_row *row, const void *field)
{
    const kith_sdp_media *m = field;
    for (size_t i = 0; i < m->rids.count; i++) {
        const kith_sdp_rid *rid = &m->rids.items[i];
        kith_wr_print(w, "a=%s:%s %s", row->name, rid->id, rid->send ? "send" : "recv");
        for (size_t n = 0; n < rid->payload_types.count; n++)
            kith_wr_print(w, "%s%u", n == 0 ? " pt=" : ",", rid->payload_types.items[n]);
        bool first = rid->payload_types.count == 0;
        for (size_t n = 0; n < rid->restrictions.count; n++, first = false) {
            const kith_sdp_restriction *restriction = &rid->restrictions.items[n];
            kith_wr_print(w, "%s%s", first ? " " : ";", restriction->name);
            if (restriction->value)
                kith_wr_print(w, "=%s", restriction->value);
        }
        kith_wr_text(w, "\r\n");
    }
}

/* "1,~2": the alternatives of one stream. */
static bool read_alternatives(const kith_sdp_input *in, kith_sdp_simulcast_stream *stream,
                              kith_span list)
{
    do {
        kith_span id = kith_span_cut(&list, ',');
        bool paused = kith_span_starts(id, "~");
        if (paused)
            id = kith_span_of(id.data + 1, id.len - 1);
        if (!is_rid(id))
            return false;
        const char *text = kith_sdp_copy(in->sdp, id);
        kith_sdp_simulcast_rid *place = KITH_SDP_APPEND(in->sdp, *stream);
        if (place)
            *place = (kith_sdp_simulcast_rid){.id = text, .paused = paused};
    } while (list.len > 0);
    return true;
}

/* "1,~2;3": the streams of one direction. */
static bool read_streams(const kith_sdp_input *in, kith_sdp_simulcast_streams *streams,
                         kith_span list)
{
    do {
        kith_sdp_simulcast_stream stream = {0};
        if (!read_alternatives(in, &stream, kith_span_cut(&list, ';')))
            return false;
        kith_sdp_simulcast_stream *place = KITH_SDP_APPEND(in->sdp, *streams);
        if (place)
            *place = stream;
    } while (list.len > 0);
    return true;
}

/* "send 1,~2;3 recv 4": either direction once, in any order (RFC 8853 section 5.1). */
static kith_err parse_simulcast(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                                kith_span value)
{
    kith_sdp_media *m = field;
    kith_span direction = kith_span_word(&value);
    do {
        bool send = kith_span_is(direction, "send");
        kith_sdp_simulcast_streams *streams = send ? &m->simulcast_send : &m->simulcast_recv;
        if ((!send && !kith_span_is(direction, "recv")) || streams->count > 0)
            return kith_fail_sdp(in->line, "a=%s has send or recv or both, once each", row->name);
        kith_span list = kith_span_word(&value);
        if (!read_streams(in, streams, list))
            return kith_fail_sdp(in->line, "a=%s: \"%.*s\" is no list of rids", row->name,
                                 KITH_SPAN_ARG(list));
        direction = kith_span_word(&value);
    } while (direction.len > 0);
    return KITH_OK;
}

static void write_streams(kith_writer *w, const char *direction,
                          const kith_sdp_simulcast_streams *streams)
{
    for (size_t i = 0; i < streams->count; i++) {
        const kith_sdp_simulcast_stream *stream = &streams->items[i];
        kith_wr_text(w, i == 0 ? direction : ";");
        for (size_t n = 0; n < stream->count; n++)
            kith_wr_print(w, "%s%s%s", n == 0 ? "" : ",", stream->items[n].paused ? "~" : "",
                          stream->items[n].id);
    }
}

static void write_simulcast(kith_writer *w, const kith_sdp_row *row, const void *field)
{
    const kith_sdp_media *m = field;
    if (m->simulcast_send.count == 0 && m->simulcast_recv.count == 0)
        return;
    kith_wr_print(w, "a=%s:", row->name);
    write_streams(w, "send ", &m->simulcast_send);
    write_streams(w, m->simulcast_send.count > 0 ? " recv " : "recv ", &m->simulcast_recv);
    kith_wr_text(w, "\r\n");
}

/* ---- the table ---- */

#define ONCE     true
#define MANY     false
#define SPARE    false
#define MEDIA    KITH_SDP_MEDIA
#define IN_MEDIA KITH_SDP_IN_MEDIA
#define ALL      KITH_SDP_ALL_OF_MEDIA

/* clang-format off: one row for each attribute */
const kith_sdp_row kith_sdp_rtp_rows[] = {
    {"msid", MEDIA, MANY, SPARE, ALL, parse_msid, write_msid},
    {"rtcp", MEDIA, ONCE, SPARE, ALL, parse_rtcp, write_rtcp},
    {"rtcp-mux", MEDIA, MANY, SPARE, IN_MEDIA(rtcp_mux), kith_sdp_parse_flag, kith_sdp_write_flag},
    {"rtcp-mux-only", MEDIA, MANY, SPARE, IN_MEDIA(rtcp_mux_only), kith_sdp_parse_flag,
     kith_sdp_write_flag},
    {"rtcp-rsize", MEDIA, MANY, SPARE, IN_MEDIA(rtcp_rsize), kith_sdp_parse_flag,
     kith_sdp_write_flag},
    {"rtcp-xr", MEDIA, ONCE, SPARE, IN_MEDIA(rtcp_xr), parse_rtcp_xr, write_rtcp_xr},
    {"rtpmap", MEDIA, MANY, SPARE, ALL, parse_rtpmap, write_rtpmap},
    {"rtcp-fb", MEDIA, MANY, SPARE, ALL, parse_rtcp_fb, write_rtcp_fb},
    {"fmtp", MEDIA, MANY, SPARE, ALL, parse_fmtp, write_fmtp},
    {"ptime", MEDIA, ONCE, SPARE, IN_MEDIA(ptime), parse_decimal, kith_sdp_write_text},
    {"maxptime", MEDIA, ONCE, SPARE, IN_MEDIA(maxptime), parse_decimal, kith_sdp_write_text},
    {"framerate", MEDIA, ONCE, SPARE, IN_MEDIA(framerate), parse_decimal, kith_sdp_write_text},
    {"imageattr", MEDIA, MANY, SPARE, IN_MEDIA(imageattrs), parse_imageattr, kith_sdp_write_texts},
    {"label", MEDIA, ONCE, SPARE, IN_MEDIA(label), kith_sdp_parse_token, kith_sdp_write_text},
    {"content", MEDIA, ONCE, SPARE, IN_MEDIA(content), kith_sdp_parse_text, kith_sdp_write_text},
    {"rid", MEDIA, MANY, SPARE, ALL, parse_rid, write_rid},
    {"simulcast", MEDIA, ONCE, SPARE, ALL, parse_simulcast, write_simulcast},
    {"ssrc-group", MEDIA, MANY, SPARE, ALL, parse_ssrc_group, write_ssrc_group},
    {"ssrc", MEDIA, MANY, SPARE, ALL, parse_ssrc, write_ssrc},
};
/* clang-format on */
const size_t kith_sdp_rtp_row_count = sizeof kith_sdp_rtp_rows / sizeof kith_sdp_rtp_rows[0];
