/* The two DNS messages that one-shot multicast resolution needs (RFC 1035, RFC 6762): a question
 * for the addresses of a name, and the address records of a response. Pure. */
#ifndef KITH_IO_MDNS_PACKET_H
#define KITH_IO_MDNS_PACKET_H

#include "base/reader.h"
#include "base/writer.h"
#include "kith/address.h"

/* RFC 1035 section 2.3.4: 255 bytes in the packet; as text with dots and a NUL this is enough. */
#define KITH_DNS_NAME_TEXT 256

/* Asks for A and AAAA of `name` ("x.local"). False when it is no valid name or does not fit. */
bool kith_mdns_write_question(kith_writer *w, const char *name);

typedef struct kith_mdns_response {
    kith_span packet;
    kith_reader at;
    /* not looked at yet */
    unsigned records;
} kith_mdns_response;

/* A record that gives an address. */
typedef struct kith_mdns_record {
    /* without the closing dot */
    char name[KITH_DNS_NAME_TEXT];
    kith_address address;
} kith_mdns_record;

/* False for what is no response. */
bool kith_mdns_response_init(kith_mdns_response *response, const void *data, size_t len);
/* The next A or AAAA record of any section; false at the end or at the first damage. */
bool kith_mdns_response_next(kith_mdns_response *response, kith_mdns_record *record);

#endif
