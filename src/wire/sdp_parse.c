/* A description's text as a tree: lines, their order, and the lines that are no attributes (RFC
 * 8866 section 5, RFC 9429 section 5.8). The attributes are in sdp_transport.c and sdp_rtp.c.
 *
 * What kith does not need cannot refuse a description: a malformed line of that kind, or one too
 * many, is left out with a remark. What it needs must be there in its grammar, and must not say two
 * things (RFC 9429 section 5.8): else the section that it stands in cannot be used, and of the
 * session's lines those sections that have only these. A broken grammar alone refuses. Lenient
 * where peers differ without harm: LF alone ends a line; blank lines may follow the last; the lines
 * of a media section may stand in any order (applications insert b= behind the attributes); c= may
 * be missing, as ICE decides where packets go. */
#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "wire/sdp_attribute.h"

#define MAX_ROWS 64

typedef struct parser {
    kith_sdp_input in;
    /* lines to come */
    kith_span rest;
    /* by row of the table: the value that this section has, data NULL for none */
    kith_span seen[MAX_ROWS];
    /* by row: why no section can have the session's value; text NULL: each can */
    kith_sdp_remark session_faults[MAX_ROWS];
    /* by section: a bit for each row that it says itself */
    uint64_t said[KITH_SDP_MAX_MEDIA];
    /* a= lines of this section */
    uint32_t attributes;
    /* of the last session line, see `lines` */
    int rank;
} parser;

/* ---- lines ---- */

/* NUL, CR and LF may stand in no text (RFC 8866 section 9), the other control characters in none
 * that WebRTC uses; and the text is UTF-8, as a DOMString becomes. */
static kith_err check_characters(const parser *p, kith_span line)
{
    while (line.len > 0) {
        uint8_t c = line.data[0];
        if ((c < 0x20 && c != '\t') || c == 0x7F)
            return kith_fail_sdp(p->in.line, "a control character (0x%02x) in the line", c);
        size_t len = kith_span_utf8(line);
        if (len == 0)
            return kith_fail_sdp(p->in.line, "the line is not UTF-8 (0x%02x)", c);
        line = kith_span_of(line.data + len, line.len - len);
    }
    return KITH_OK;
}

/* The line at hand is left out, for the reason that was last told. */
static kith_err leave_out(parser *p)
{
    kith_sdp *sdp = p->in.sdp;
    sdp->ignored_lines++;
    if (sdp->remarks.count == KITH_SDP_MAX_REMARKS)
        return KITH_OK;
    const char *text = kith_sdp_copy(sdp, kith_span_text(kith_last_error()->message));
    kith_sdp_remark *remark = KITH_SDP_APPEND(sdp, sdp->remarks);
    if (remark)
        *remark = (kith_sdp_remark){.line = kith_last_error()->sdp_line_number, .text = text};
    return KITH_OK;
}

/* Takes the next line off the text, without its end. */
static kith_err next_line(parser *p, kith_span *line)
{
    p->in.line++;
    *line = kith_span_cut(&p->rest, '\n');
    if (line->len > 0 && line->data[line->len - 1] == '\r')
        line->len--;
    if (p->in.line > KITH_SDP_MAX_LINES)
        return kith_fail_sdp(p->in.line, "more than %d lines", KITH_SDP_MAX_LINES);
    if (line->len > KITH_SDP_MAX_LINE)
        return kith_fail_sdp(p->in.line, "the line has %zu octets; %d are allowed", line->len,
                             KITH_SDP_MAX_LINE);
    return check_characters(p, *line);
}

static bool only_line_ends(kith_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] != '\r' && text.data[i] != '\n')
            return false;
    return true;
}

/* ---- lines that are no attributes ---- */

static kith_err parse_version(parser *p, kith_span value)
{
    if (!kith_span_is(value, "0"))
        return kith_fail_sdp(p->in.line, "the version is v=0, not v=%.*s", KITH_SPAN_ARG(value));
    return KITH_OK;
}

/* A numeric string (RFC 8866 section 5.2), of any length: those who draw more than 64 bits all have
 * the largest number here. Nothing but equality is ever asked of a peer's. */
static bool read_numeric_string(kith_span text, uint64_t *out)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    if (!kith_span_u64(text, UINT64_MAX, out))
        *out = UINT64_MAX;
    return text.len > 0;
}

/* "username sess-id sess-version IN IP4 address" (RFC 8866 section 5.2). */
static kith_err parse_origin(parser *p, kith_span value)
{
    kith_sdp *sdp = p->in.sdp;
    kith_sdp_connection place = {0};
    kith_span username = kith_span_word(&value);
    bool good = read_numeric_string(kith_span_word(&value), &sdp->origin.session_id) &&
                read_numeric_string(kith_span_word(&value), &sdp->origin.session_version) &&
                kith_sdp_read_connection(sdp, &place, value);
    if (!good)
        return kith_fail_sdp(p->in.line, "o= is a name, two numbers and an address, as in "
                                         "\"o=- 1 1 IN IP4 0.0.0.0\"");
    sdp->origin.username = kith_sdp_copy(sdp, username);
    sdp->origin.nettype = place.nettype;
    sdp->origin.addrtype = place.addrtype;
    sdp->origin.address = place.address;
    return KITH_OK;
}

/* Some peers have no name at all where RFC 8866 section 5.3 asks for one character. */
static kith_err parse_name(parser *p, kith_span value)
{
    p->in.sdp->name = value.len > 0 ? kith_sdp_copy(p->in.sdp, value) : "-";
    return KITH_OK;
}

static kith_err parse_information(parser *p, kith_span value)
{
    p->in.common->information = kith_sdp_copy(p->in.sdp, value);
    return KITH_OK;
}

static kith_err parse_uri(parser *p, kith_span value)
{
    p->in.sdp->uri = kith_sdp_copy(p->in.sdp, value);
    return KITH_OK;
}

static kith_err add_text(parser *p, kith_sdp_texts *list, kith_span value)
{
    const char *text = kith_sdp_copy(p->in.sdp, value);
    const char **place = KITH_SDP_APPEND(p->in.sdp, *list);
    if (place)
        *place = text;
    return KITH_OK;
}

static kith_err parse_email(parser *p, kith_span value)
{
    return add_text(p, &p->in.sdp->emails, value);
}

static kith_err parse_phone(parser *p, kith_span value)
{
    return add_text(p, &p->in.sdp->phones, value);
}

/* Of several c= lines in a section, which only multicast has, the first counts. */
static kith_err parse_connection(parser *p, kith_span value)
{
    kith_sdp_connection connection;
    if (!kith_sdp_read_connection(p->in.sdp, &connection, value))
        return kith_fail_sdp(p->in.line, "c= is a network, an address type and an address, as in "
                                         "\"c=IN IP4 0.0.0.0\"");
    if (!p->in.common->connection.address)
        p->in.common->connection = connection;
    return KITH_OK;
}

/* "AS:500"; types kith does not know are kept too, since RFC 8866 section 5.8 has room for more. */
static kith_err parse_bandwidth(parser *p, kith_span value)
{
    uint64_t number;
    kith_span type = kith_span_cut(&value, ':');
    if (!kith_sdp_is_token(type) || !kith_span_u64(value, UINT64_MAX, &number))
        return kith_fail_sdp(p->in.line, "b= is a type and a number, as in \"b=AS:500\"");
    const char *text = kith_sdp_copy(p->in.sdp, type);
    kith_sdp_bandwidth *place = KITH_SDP_APPEND(p->in.sdp, p->in.common->bandwidths);
    if (place)
        *place = (kith_sdp_bandwidth){.type = text, .value = number};
    return KITH_OK;
}

static kith_err parse_time(parser *p, kith_span value)
{
    kith_sdp_time time = {0};
    if (!kith_span_u64(kith_span_word(&value), UINT64_MAX, &time.start) ||
        !kith_span_u64(kith_span_word(&value), UINT64_MAX, &time.stop) ||
        kith_span_trim(value).len > 0)
        return kith_fail_sdp(p->in.line, "t= is two numbers, as in \"t=0 0\"");
    kith_sdp_time *place = KITH_SDP_APPEND(p->in.sdp, p->in.sdp->times);
    if (place)
        *place = time;
    return KITH_OK;
}

static kith_err parse_repeat(parser *p, kith_span value)
{
    kith_sdp *sdp = p->in.sdp;
    if (sdp->times.count == 0)
        return kith_fail_sdp(p->in.line, "r= follows a t= line");
    return add_text(p, &sdp->times.items[sdp->times.count - 1].repeats, value);
}

static kith_err parse_zones(parser *p, kith_span value)
{
    if (p->in.sdp->times.count == 0)
        return kith_fail_sdp(p->in.line, "z= follows a t= line");
    p->in.sdp->zones = kith_sdp_copy(p->in.sdp, value);
    return KITH_OK;
}

/* k= must not be used, and is discarded where it comes all the same (RFC 8866 section 5.12). */
static kith_err parse_key(parser *p, kith_span value)
{
    (void)p, (void)value;
    return KITH_OK;
}

/* ---- attributes ---- */

static const kith_sdp_row *find_row(kith_span name, unsigned level, size_t *index)
{
    const kith_sdp_row *row;
    for (size_t i = 0; (row = kith_sdp_row_at(i)); i++)
        if ((row->levels & level) && kith_span_is(name, row->name)) {
            *index = i;
            return row;
        }
    return NULL;
}

static kith_err read_attribute(parser *p, const kith_sdp_row *row, size_t index, kith_span value)
{
    /* the value that the section has of an attribute that stands there once */
    kith_span *had = &p->seen[index];
    if (row->once && had->data) {
        if (kith_span_equal(*had, value))
            return KITH_OK;
        return kith_fail_sdp(p->in.line, "a=%s appears twice in its section, with two values",
                             row->name);
    }
    /* The field is in the tree, which is ours to change. */
    void *field = (void *)kith_sdp_field(row, p->in.sdp, p->in.media);
    kith_err err = row->parse(&p->in, row, field, value);
    if (err != KITH_OK)
        return err;
    *had = value;
    if (p->in.media)
        p->said[p->in.sdp->media.count - 1] |= UINT64_C(1) << index;
    return KITH_OK;
}

/* The line at hand, which was refused, is needed: the first reason counts. */
static void note_fault(parser *p, size_t index)
{
    kith_sdp_remark *fault = p->in.media ? &p->in.media->fault : &p->session_faults[index];
    if (!fault->text)
        *fault = (kith_sdp_remark){
            .line = p->in.line,
            .text = kith_sdp_copy(p->in.sdp, kith_span_text(kith_last_error()->message)),
        };
}

/* Unknown attributes, and known ones at the wrong level, are ignored (RFC 8866 section 6). */
static kith_err parse_attribute(parser *p, kith_span value)
{
    kith_span name = kith_span_cut(&value, ':');
    if (!kith_sdp_is_token(name))
        return kith_fail_sdp(p->in.line, "a= needs the name of an attribute");
    if (++p->attributes > KITH_SDP_MAX_ATTRIBUTES)
        return kith_fail_sdp(p->in.line, "more than %d attributes in a section",
                             KITH_SDP_MAX_ATTRIBUTES);
    size_t index = 0;
    const kith_sdp_row *row =
        find_row(name, p->in.media ? KITH_SDP_MEDIA : KITH_SDP_SESSION, &index);
    if (!row) {
        p->in.sdp->ignored_attributes++;
        return KITH_OK;
    }
    assert(index < MAX_ROWS);
    kith_err err = read_attribute(p, row, index, value);
    if (err == KITH_OK || err == KITH_ERR_NO_MEMORY)
        return err;
    if (row->needed)
        note_fault(p, index);
    return leave_out(p);
}

/* ---- sections ---- */

/* "9", "9/2" (RFC 8866 section 5.14) */
static bool read_ports(kith_sdp_media *m, kith_span text)
{
    uint64_t port, count = 0;
    kith_span ports = text;
    kith_span first = kith_span_cut(&ports, '/');
    if (!kith_span_u64(first, UINT16_MAX, &port))
        return false;
    if (first.len < text.len && (!kith_span_u64(ports, UINT16_MAX, &count) || count == 0))
        return false;
    m->port = (uint16_t)port;
    m->num_ports = (uint16_t)count;
    return true;
}

static kith_err parse_formats(parser *p, kith_sdp_media *m, kith_span list)
{
    for (kith_span word = kith_span_word(&list); word.len > 0; word = kith_span_word(&list)) {
        uint64_t payload_type;
        if (m->formats.count == KITH_SDP_MAX_FORMATS)
            return kith_fail_sdp(p->in.line, "more than %d formats", KITH_SDP_MAX_FORMATS);
        /* RFC 9429 section 5.8.2: formats of RTP are payload types. */
        if (!kith_sdp_is_token(word) ||
            (kith_sdp_is_rtp(m) && !kith_span_u64(word, 127, &payload_type)))
            return kith_fail_sdp(p->in.line, "m= has \"%.*s\" where a %s should be",
                                 KITH_SPAN_ARG(word),
                                 kith_sdp_is_rtp(m) ? "payload type (0 to 127)" : "format");
        kith_err err = add_text(p, &m->formats, word);
        if (err != KITH_OK)
            return err;
    }
    if (m->formats.count == 0)
        return kith_fail_sdp(p->in.line, "m= names no format");
    return KITH_OK;
}

/* A proto is tokens with slashes between (RFC 8866 section 9). */
static bool is_proto(kith_span proto)
{
    do {
        if (!kith_sdp_is_token(kith_span_cut(&proto, '/')))
            return false;
    } while (proto.len > 0);
    return true;
}

/* "audio 9 UDP/TLS/RTP/SAVPF 111 63": begins a section. */
static kith_err parse_media(parser *p, kith_span value)
{
    kith_sdp *sdp = p->in.sdp;
    if (sdp->media.count == KITH_SDP_MAX_MEDIA)
        return kith_fail_sdp(p->in.line, "more than %d media sections", KITH_SDP_MAX_MEDIA);
    kith_span kind = kith_span_word(&value);
    kith_span ports = kith_span_word(&value);
    kith_span proto = kith_span_word(&value);
    if (!kith_sdp_is_token(kind) || !is_proto(proto))
        return kith_fail_sdp(p->in.line, "m= is a kind, a port, a protocol and formats");
    kith_sdp_media *m = kith_sdp_add_media(sdp, "", 0, "");
    if (!m)
        return kith_fail_memory();
    m->line = p->in.line;
    m->kind = kith_sdp_copy(sdp, kind);
    m->proto = kith_sdp_copy(sdp, proto);
    p->in.media = m;
    p->in.common = &m->common;
    memset(p->seen, 0, sizeof p->seen);
    p->attributes = 0;
    if (!read_ports(m, ports))
        return kith_fail_sdp(p->in.line, "m= has \"%.*s\" where a port (0 to 65535) should be",
                             KITH_SPAN_ARG(ports));
    return parse_formats(p, m, value);
}

static kith_err check_streams(const kith_sdp_media *m, const kith_sdp_simulcast_streams *streams,
                              bool send)
{
    for (size_t i = 0; i < streams->count; i++)
        for (size_t n = 0; n < streams->items[i].count; n++) {
            const kith_sdp_rid *rid = kith_sdp_find_rid(m, streams->items[i].items[n].id);
            if (!rid || rid->send != send)
                return kith_fail_sdp(m->line, "a=simulcast names rid %s, which no a=rid has to %s",
                                     streams->items[i].items[n].id, send ? "send" : "receive");
        }
    return KITH_OK;
}

static size_t count_rid(const kith_sdp_simulcast_streams *streams, const char *id)
{
    size_t count = 0;
    for (size_t i = 0; i < streams->count; i++)
        for (size_t n = 0; n < streams->items[i].count; n++)
            count += strcmp(streams->items[i].items[n].id, id) == 0;
    return count;
}

/* No rid twice (RFC 8853 section 5.1). */
static kith_err check_rids_differ(const kith_sdp_media *m)
{
    for (size_t i = 0; i < m->rids.count; i++) {
        const char *id = m->rids.items[i].id;
        if (count_rid(&m->simulcast_send, id) + count_rid(&m->simulcast_recv, id) > 1)
            return kith_fail_sdp(m->line, "a=simulcast names rid %s twice", id);
    }
    return KITH_OK;
}

static kith_err check_simulcast(const kith_sdp_media *m)
{
    kith_err err = check_streams(m, &m->simulcast_send, true);
    if (err == KITH_OK)
        err = check_streams(m, &m->simulcast_recv, false);
    return err != KITH_OK ? err : check_rids_differ(m);
}

/* What can only be said when the section is complete (RFC 9429 section 5.8.3). */
static kith_err check_media(parser *p)
{
    kith_sdp_media *m = p->in.media;
    if (check_simulcast(m) == KITH_OK)
        return KITH_OK;
    memset(&m->simulcast_send, 0, sizeof m->simulcast_send);
    memset(&m->simulcast_recv, 0, sizeof m->simulcast_recv);
    return leave_out(p);
}

/* Does the section say all of these rows itself, or another one of its bundle, whose transport it
 * has then (RFC 9143 section 7.1.3)? */
static bool are_said(const parser *p, const kith_sdp_media *m, uint64_t rows)
{
    const kith_sdp *sdp = p->in.sdp;
    const kith_sdp_group *bundle = m->mid ? kith_sdp_find_group(sdp, "BUNDLE", m->mid) : NULL;
    for (size_t i = 0; i < sdp->media.count; i++) {
        const kith_sdp_media *other = sdp->media.items[i];
        bool shared = bundle && other->mid && kith_sdp_texts_have(&bundle->mids, other->mid);
        if ((other == m || shared) && (p->said[i] & rows) == rows)
            return true;
    }
    return false;
}

/* What the session contradicts itself in is a fault of the sections that have it from there. */
static void spread_session_faults(parser *p)
{
    const kith_sdp *sdp = p->in.sdp;
    uint64_t rows = 0;
    for (size_t row = 0; row < MAX_ROWS; row++)
        rows |= p->session_faults[row].text ? UINT64_C(1) << row : 0;
    for (size_t i = 0; rows != 0 && i < sdp->media.count; i++) {
        kith_sdp_media *m = sdp->media.items[i];
        size_t row = 0;
        while (!((rows & ~p->said[i]) >> row & 1) && row < MAX_ROWS - 1)
            row++;
        if (!are_said(p, m, rows))
            m->fault = p->session_faults[row];
    }
}

/* The lines of a description, in the order in which they stand at session level (RFC 8866 section
 * 5; RFC 9429 section 5.8.1 has it checked). Times, repeats and zones take turns. */
static const struct line {
    char type;
    int rank;
    bool once;     /* at session level */
    bool required; /* at session level */
    bool media;    /* may stand in a media section */
    bool spare;    /* left out when it is malformed or in the wrong place: nothing here needs it */
    kith_err (*parse)(parser *p, kith_span value);
} lines[] = {
    {'v', 1, true, true, false, false, parse_version},
    {'o', 2, true, true, false, false, parse_origin},
    {'s', 3, true, true, false, false, parse_name},
    {'i', 4, true, false, true, true, parse_information},
    {'u', 5, true, false, false, true, parse_uri},
    {'e', 6, false, false, false, true, parse_email},
    {'p', 7, false, false, false, true, parse_phone},
    {'c', 8, true, false, true, true, parse_connection},
    {'b', 9, false, false, true, true, parse_bandwidth},
    {'t', 10, false, true, false, false, parse_time},
    {'r', 10, false, false, false, true, parse_repeat},
    {'z', 10, false, false, false, true, parse_zones},
    {'k', 11, false, false, true, true, parse_key},
    {'a', 12, false, false, true, false, parse_attribute},
    {'m', 13, false, false, true, false, parse_media},
};

#define LINE_COUNT (sizeof lines / sizeof lines[0])
#define END_RANK   14 /* the end of the text comes after everything */

/* Nothing required is missing before a line of this rank. */
static kith_err check_required(const parser *p, int rank)
{
    for (size_t i = 0; i < LINE_COUNT; i++)
        if (lines[i].required && lines[i].rank > p->rank && lines[i].rank < rank)
            return kith_fail_sdp(p->in.line > 0 ? p->in.line : 1,
                                 "%c= is missing before this place", lines[i].type);
    return KITH_OK;
}

static kith_err check_order(parser *p, const struct line *line)
{
    if (p->in.media)
        return line->media
                   ? KITH_OK
                   : kith_fail_sdp(p->in.line, "%c= cannot stand in a media section", line->type);
    if (line->rank < p->rank)
        return kith_fail_sdp(p->in.line, "%c= comes too late: lines have a fixed order",
                             line->type);
    if (line->rank == p->rank && line->once)
        return kith_fail_sdp(p->in.line, "%c= appears twice", line->type);
    kith_err err = check_required(p, line->rank);
    p->rank = line->rank;
    return err;
}

static kith_err parse_line(parser *p, kith_span text)
{
    if (text.len < 2 || text.data[1] != '=')
        return kith_fail_sdp(p->in.line, "the line does not begin with a letter and \"=\"");
    kith_span value = kith_span_of(text.data + 2, text.len - 2);
    for (size_t i = 0; i < LINE_COUNT; i++) {
        if (lines[i].type != (char)text.data[0])
            continue;
        kith_err err = check_order(p, &lines[i]);
        if (err == KITH_OK && lines[i].type == 'm' && p->in.media)
            err = check_media(p);
        if (err == KITH_OK)
            err = lines[i].parse(p, value);
        return err == KITH_ERR_SDP_SYNTAX && lines[i].spare ? leave_out(p) : err;
    }
    return kith_fail_sdp(p->in.line, "there is no line of type \"%c\"",
                         text.data[0] < 0x7F ? text.data[0] : '?');
}

static kith_err parse_all(parser *p)
{
    while (!only_line_ends(p->rest)) {
        kith_span text;
        kith_err err = next_line(p, &text);
        if (err == KITH_OK)
            err = parse_line(p, text);
        if (p->in.sdp->arena.bad)
            return kith_fail_memory();
        if (err != KITH_OK)
            return err;
    }
    spread_session_faults(p);
    return p->in.media ? check_media(p) : check_required(p, END_RANK);
}

kith_err kith_sdp_parse(kith_sdp **out, const char *text, size_t len)
{
    if (len > KITH_SDP_MAX_SIZE)
        return kith_fail_sdp(1, "the description has %zu octets; %d are allowed", len,
                             KITH_SDP_MAX_SIZE);
    kith_sdp *sdp = NULL;
    kith_err err = kith_sdp_new(&sdp);
    if (err != KITH_OK)
        return err;
    parser p = {.in = {.sdp = sdp, .common = &sdp->common}, .rest = kith_span_of(text, len)};
    err = parse_all(&p);
    if (err != KITH_OK) {
        kith_sdp_free(sdp);
        return err;
    }
    *out = sdp;
    return KITH_OK;
}
