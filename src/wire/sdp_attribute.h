/* Inside SDP: one row for each attribute kith understands, so that what is parsed and what is
 * written stand side by side. Not for other rooms: the tree is in wire/sdp.h. */
#ifndef KITH_WIRE_SDP_ATTRIBUTE_H
#define KITH_WIRE_SDP_ATTRIBUTE_H

#include "base/writer.h"
#include "wire/sdp.h"

/* Where the parser stands. */
typedef struct kith_sdp_input {
    kith_sdp *sdp;
    /* NULL: at session level */
    kith_sdp_media *media;
    /* of that section */
    kith_sdp_common *common;
    /* from 1 */
    int line;
} kith_sdp_input;

typedef enum kith_sdp_levels {
    KITH_SDP_SESSION = 1,
    KITH_SDP_MEDIA = 2,
    KITH_SDP_BOTH = 3,
} kith_sdp_levels;

/* The struct an attribute's field is in. */
typedef enum kith_sdp_owner {
    KITH_SDP_OWNER_SDP,
    KITH_SDP_OWNER_MEDIA,
    KITH_SDP_OWNER_COMMON,
} kith_sdp_owner;

typedef struct kith_sdp_row kith_sdp_row;
struct kith_sdp_row {
    const char *name;
    /* elsewhere it is unknown, and ignored */
    kith_sdp_levels levels;
    /* of two in a section the first counts */
    bool once;
    /* What it says decides: where one is malformed, or says another thing than the first, the
     * section cannot be used (kith_sdp_media.fault); at session level those that do not say it
     * themselves. Any such line is left out with a remark. */
    bool needed;
    kith_sdp_owner owner;
    size_t offset;
    /* Reads the value (what follows the colon) into the field. Running out of memory need not be
     * told: the parser looks at the arena after each line. */
    kith_err (*parse)(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                      kith_span value);
    /* Writes all lines of this attribute, none if the field is empty. */
    void (*write)(kith_writer *w, const kith_sdp_row *row, const void *field);
};

#define KITH_SDP_IN_SDP(member)    KITH_SDP_OWNER_SDP, offsetof(kith_sdp, member)
#define KITH_SDP_IN_MEDIA(member)  KITH_SDP_OWNER_MEDIA, offsetof(kith_sdp_media, member)
#define KITH_SDP_IN_COMMON(member) KITH_SDP_OWNER_COMMON, offsetof(kith_sdp_common, member)
/* For attributes that fill more than one field: the struct itself. */
#define KITH_SDP_ALL_OF_SDP   KITH_SDP_OWNER_SDP, 0
#define KITH_SDP_ALL_OF_MEDIA KITH_SDP_OWNER_MEDIA, 0

extern const kith_sdp_row kith_sdp_transport_rows[]; /* grouping, ICE, DTLS, SCTP */
extern const size_t kith_sdp_transport_row_count;
extern const kith_sdp_row kith_sdp_rtp_rows[];
extern const size_t kith_sdp_rtp_row_count;

/* All rows in the order in which they are written; NULL after the last. */
const kith_sdp_row *kith_sdp_row_at(size_t index);
/* The row's field in this section (m NULL: the session). */
const void *kith_sdp_field(const kith_sdp_row *row, const kith_sdp *sdp, const kith_sdp_media *m);

/* Shared by the attributes. */
/* A copy in the tree; "" when out of memory. */
const char *kith_sdp_copy(kith_sdp *sdp, kith_span span);
/* token of RFC 8866 section 9; false for the empty span. */
bool kith_sdp_is_token(kith_span span);
/* Only letters, digits and the characters of `others`; false for the empty span. */
bool kith_sdp_is_alphanumeric(kith_span span, const char *others);
/* The four directions and only them. */
bool kith_sdp_read_direction(kith_sdp_direction *out, kith_span text);
/* "IN IP4 192.0.2.1", all of the span. */
bool kith_sdp_read_connection(kith_sdp *sdp, kith_sdp_connection *out, kith_span text);
void kith_sdp_write_connection(kith_writer *w, const kith_sdp_connection *connection);

/* Fields that many attributes have in common. */
/* bool: the attribute stands there. */
kith_err kith_sdp_parse_flag(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                             kith_span value);
void kith_sdp_write_flag(kith_writer *w, const kith_sdp_row *row, const void *field);
/* const char *: any text, a token. */
kith_err kith_sdp_parse_text(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                             kith_span value);
kith_err kith_sdp_parse_token(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                              kith_span value);
void kith_sdp_write_text(kith_writer *w, const kith_sdp_row *row, const void *field);
/* kith_sdp_texts: a line for each. */
kith_err kith_sdp_parse_texts(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                              kith_span value);
void kith_sdp_write_texts(kith_writer *w, const kith_sdp_row *row, const void *field);

#endif
