/* A whole peer against one that has all the keys and obeys nothing: two peers connect in the
 * simulator, then the input speaks in the name of the right one. Whatever it says, the left one
 * neither crashes nor stores without bound, and its API goes on working.
 *
 * An input is a list of steps: a byte that says what, a byte of operand, a byte of length, and that
 * many bytes. */
#include "fuzz.h"

#include <assert.h>
#include <string.h>

#include "../sim/duo.h"
#include "base/reader.h"
#include "pc/pc.h"
#include "wire/stun.h"

enum step {
    DATAGRAM, /* these bytes as they are */
    RECORD,   /* these bytes in a DTLS record */
    CHUNKS,   /* these bytes behind a valid SCTP header */
    MESSAGE,  /* these bytes as a message on stream `operand`, the first of them its PPID */
    CHECK,    /* an authentic STUN request with these bytes as an attribute */
    WAIT,     /* `operand` times 20 ms */
    CALL,     /* the left application does something */
    STEPS,
};

#define SCTP_HEADER 12
#define MAX_STEPS   200

static void deliver(duo *d, const uint8_t *data, size_t len)
{
    host *left = d->peers[LEFT].host;
    kith_packet_info info = {
        .path = {.local = left->address, .remote = d->peers[RIGHT].host->address}};
    kith_endpoint_handle_packet(left->endpoint, virtual_now(), &info, data, len);
}

static void deliver_record(duo *d, const uint8_t *data, size_t len)
{
    uint8_t packet[KITH_MAX_PACKET];
    kith_dtls *dtls = kith_pc_transport(d->peers[RIGHT].pc)->dtls;
    if (len > 0)
        deliver(d, packet, kith_dtls_send(dtls, data, len, packet, sizeof packet));
}

/* The header of a packet that the right peer really sends; what else is in the packet is lost. */
static bool sctp_header(duo *d, uint8_t header[SCTP_HEADER])
{
    kith_sctp *sctp = kith_pc_transport(d->peers[RIGHT].pc)->sctp;
    uint8_t packet[KITH_MAX_PACKET];
    kith_sctp_send_args args = {.ppid = 53, .data = "x", .len = 1};
    if (kith_sctp_send(sctp, &args) != KITH_OK)
        return false;
    if (kith_sctp_output(sctp, virtual_now(), packet, sizeof packet) < SCTP_HEADER)
        return false;
    memcpy(header, packet, SCTP_HEADER);
    return true;
}

static void deliver_chunks(duo *d, kith_span bytes)
{
    uint8_t packet[SCTP_HEADER + 256];
    if (!sctp_header(d, packet))
        return;
    memcpy(packet + SCTP_HEADER, bytes.data, bytes.len);
    deliver_record(d, packet, SCTP_HEADER + bytes.len);
}

static void send_message(duo *d, uint8_t stream, kith_span bytes)
{
    kith_sctp *sctp = kith_pc_transport(d->peers[RIGHT].pc)->sctp;
    kith_sctp_stream params = {.priority = 256};
    if (bytes.len < 2)
        return;
    kith_err err = kith_sctp_open(sctp, stream, &params);
    kith_sctp_send_args args = {
        .stream = stream, .ppid = bytes.data[0], .data = bytes.data + 1, .len = bytes.len - 1};
    if (err == KITH_OK || err == KITH_ERR_INVALID_STATE)
        err = kith_sctp_send(sctp, &args);
    kith_endpoint_set_ready(d->peers[RIGHT].pc);
}

static void deliver_check(duo *d, uint8_t operand, kith_span bytes)
{
    kith_ice *ours = kith_pc_transport(d->peers[LEFT].pc)->ice,
             *theirs = kith_pc_transport(d->peers[RIGHT].pc)->ice;
    uint8_t packet[600], id[KITH_STUN_ID] = {operand};
    kith_writer w = kith_wr(packet, sizeof packet), name = kith_wr_growing();
    kith_wr_print(&name, "%s:%s", kith_ice_local_ufrag(ours), kith_ice_local_ufrag(theirs));
    kith_hmac *key = kith_hmac_new(KITH_HASH_SHA1, kith_span_text(kith_ice_local_pwd(ours)));
    assert(key != NULL && !name.bad);
    kith_stun_begin(&w, KITH_STUN_REQUEST, KITH_STUN_BINDING, id);
    kith_stun_put_span(&w, KITH_STUN_ATTR_USERNAME, kith_span_of(name.data, name.len));
    if (bytes.len >= 2)
        kith_stun_put_span(&w, (kith_stun_attr)(bytes.data[0] << 8 | bytes.data[1]),
                           kith_span_of(bytes.data + 2, bytes.len - 2));
    kith_stun_put_integrity(&w, key);
    kith_stun_put_fingerprint(&w);
    kith_wr_deinit(&name);
    kith_hmac_free(key);
    if (!w.bad)
        deliver(d, packet, w.len);
}

static void call(duo *d, uint8_t operand)
{
    duo_peer *left = &d->peers[LEFT];
    kith_dc *dc;
    kith_err err = KITH_OK;
    switch (operand % 8) {
    case 0:
        err = kith_pc_create_data_channel(left->pc, "more", NULL, &dc);
        break;
    case 1:
        if (left->dc != NULL)
            kith_dc_close(left->dc);
        break;
    case 2:
        if (left->dc != NULL)
            err = kith_dc_send(left->dc, "hello", 5);
        break;
    case 3:
        left->host->slow = !left->host->slow;
        break;
    case 4:
        kith_dc_free(left->dc);
        left->dc = NULL;
        break;
    case 5:
        kith_pc_restart_ice(left->pc);
        err = kith_pc_set_local_description(left->pc, NULL);
        break;
    case 6:
        kith_pc_close(left->pc);
        break;
    default:
        assert(kith_pc_why_failed(left->pc) != NULL);
        break;
    }
    assert(err != KITH_ERR_NO_MEMORY);
}

static void take_step(duo *d, kith_reader *input)
{
    enum step step = (enum step)(kith_rd_u8(input) % STEPS);
    uint8_t operand = kith_rd_u8(input);
    size_t len = kith_rd_u8(input);
    kith_span bytes = kith_rd_span(input, len < kith_rd_left(input) ? len : kith_rd_left(input));
    switch (step) {
    case DATAGRAM:
        deliver(d, bytes.data, bytes.len);
        break;
    case RECORD:
        deliver_record(d, bytes.data, bytes.len);
        break;
    case CHUNKS:
        deliver_chunks(d, bytes);
        break;
    case MESSAGE:
        send_message(d, operand, bytes);
        break;
    case CHECK:
        deliver_check(d, operand, bytes);
        break;
    case CALL:
        call(d, operand);
        break;
    case WAIT:
    case STEPS:
        break;
    }
    world_run(d->world, step == WAIT ? KITH_MS(20) * operand : KITH_MS(5), NULL, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    duo d;
    duo_options options = {.seed = 77, .link = {.delay = KITH_MS(1)}};
    if (!duo_init(&d, &options))
        return 0;
    duo_offer(&d, LEFT);
    bool opened = world_run(d.world, KITH_SECONDS(5), duo_is_open, &d);
    assert(opened);
    kith_reader input = kith_rd(data, size);
    for (int i = 0; i < MAX_STEPS && kith_rd_left(&input) >= 3; i++)
        take_step(&d, &input);
    world_run(d.world, KITH_MS(100), NULL, NULL);
    kith_stats_report *report = NULL;
    kith_err err = kith_pc_get_stats(d.peers[LEFT].pc, &report);
    assert(err == KITH_OK);
    kith_stats_report_free(report);
    duo_deinit(&d);
    return 0;
}
