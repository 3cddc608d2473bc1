/* A description's tree as text: the lines in the order of RFC 8866 section 5, and the attributes of
 * each section in the order of the table. What a tree does not hold is not written. */
#include "wire/sdp_attribute.h"

#define ULL(n) ((unsigned long long)(n))

static void write_line(kith_writer *w, const char *type, const char *text)
{
    if (text)
        kith_wr_print(w, "%s=%s\r\n", type, text);
}

static void write_lines(kith_writer *w, const char *type, const kith_sdp_texts *list)
{
    for (size_t i = 0; i < list->count; i++)
        write_line(w, type, list->items[i]);
}

/* c= and b= */
static void write_connection_and_bandwidths(kith_writer *w, const kith_sdp_common *common)
{
    if (common->connection.address) {
        kith_wr_text(w, "c=");
        kith_sdp_write_connection(w, &common->connection);
        kith_wr_text(w, "\r\n");
    }
    for (size_t i = 0; i < common->bandwidths.count; i++)
        kith_wr_print(w, "b=%s:%llu\r\n", common->bandwidths.items[i].type,
                      ULL(common->bandwidths.items[i].value));
}

static void write_times(kith_writer *w, const kith_sdp *sdp)
{
    if (sdp->times.count == 0)
        kith_wr_text(w, "t=0 0\r\n");
    for (size_t i = 0; i < sdp->times.count; i++) {
        const kith_sdp_time *time = &sdp->times.items[i];
        kith_wr_print(w, "t=%llu %llu\r\n", ULL(time->start), ULL(time->stop));
        write_lines(w, "r", &time->repeats);
    }
    write_line(w, "z", sdp->zones);
}

/* m NULL: of the session. */
static void write_attributes(kith_writer *w, const kith_sdp *sdp, const kith_sdp_media *m)
{
    const kith_sdp_row *row;
    unsigned level = m ? KITH_SDP_MEDIA : KITH_SDP_SESSION;
    for (size_t i = 0; (row = kith_sdp_row_at(i)); i++)
        if (row->levels & level)
            row->write(w, row, kith_sdp_field(row, sdp, m));
}

static void write_session(kith_writer *w, const kith_sdp *sdp)
{
    kith_wr_text(w, "v=0\r\n");
    kith_wr_print(w, "o=%s %llu %llu %s %s %s\r\n", sdp->origin.username,
                  ULL(sdp->origin.session_id), ULL(sdp->origin.session_version),
                  sdp->origin.nettype, sdp->origin.addrtype, sdp->origin.address);
    write_line(w, "s", sdp->name);
    write_line(w, "i", sdp->common.information);
    write_line(w, "u", sdp->uri);
    write_lines(w, "e", &sdp->emails);
    write_lines(w, "p", &sdp->phones);
    write_connection_and_bandwidths(w, &sdp->common);
    write_times(w, sdp);
    write_attributes(w, sdp, NULL);
}

static void write_media(kith_writer *w, const kith_sdp *sdp, const kith_sdp_media *m)
{
    kith_wr_print(w, "m=%s %u", m->kind, m->port);
    if (m->num_ports > 0)
        kith_wr_print(w, "/%u", m->num_ports);
    kith_wr_print(w, " %s", m->proto);
    for (size_t i = 0; i < m->formats.count; i++)
        kith_wr_print(w, " %s", m->formats.items[i]);
    kith_wr_text(w, "\r\n");
    write_line(w, "i", m->common.information);
    write_connection_and_bandwidths(w, &m->common);
    write_attributes(w, sdp, m);
}

char *kith_sdp_write(const kith_sdp *sdp)
{
    if (kith_sdp_bad(sdp))
        return NULL;
    kith_writer w = kith_wr_growing();
    write_session(&w, sdp);
    for (size_t i = 0; i < sdp->media.count; i++)
        write_media(&w, sdp, sdp->media.items[i]);
    return kith_wr_take_text(&w);
}
