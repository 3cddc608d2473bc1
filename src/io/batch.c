/* Which packets travel together: the same path and the same marks, none longer than the first,
 * nothing after a shorter one (the rules of UDP_SEGMENT). */
#include "io/batch.h"

#include <assert.h>
#include <string.h>

#include "base/address.h"

void kith_batch_init(kith_batch *batch)
{
    batch->start = batch->end = batch->count = batch->segment = batch->next_len = 0;
    batch->complete = false;
}

uint8_t *kith_batch_space(kith_batch *batch)
{
    assert(batch->next_len == 0 && batch->end <= KITH_BATCH_BYTES);
    return batch->data + batch->end;
}

/* Of a stream in a row: what the kernel does not take is old when it leaves. */
#define STREAM_BYTES 16384

size_t kith_batch_room(const kith_batch *batch)
{
    return batch->end == 0 ? UINT16_MAX : KITH_MAX_PACKET;
}

static bool same_marks(const kith_packet_info *a, const kith_packet_info *b)
{
    return a->ecn == b->ecn && a->dscp == b->dscp && a->dont_fragment == b->dont_fragment &&
           a->path.protocol == b->path.protocol &&
           kith_address_equal(&a->path.remote, &b->path.remote) &&
           kith_address_equal(&a->path.local, &b->path.local);
}

/* A stream knows no packets: whatever is for it goes together. */
static bool belongs(const kith_batch *batch, const kith_packet_info *info, size_t len)
{
    if (info->path.protocol == KITH_TCP)
        return batch->end + len <= STREAM_BYTES && kith_path_equal(&batch->info.path, &info->path);
    return !batch->complete && len <= batch->segment && batch->count < KITH_BATCH_PACKETS &&
           batch->end + len <= KITH_BATCH_BYTES && same_marks(&batch->info, info);
}

static void begin(kith_batch *batch, const kith_packet_info *info, size_t len)
{
    batch->info = *info;
    batch->segment = len;
    batch->start = 0;
    batch->end = len;
    batch->count = 1;
    batch->complete = false;
}

bool kith_batch_add(kith_batch *batch, const kith_packet_info *info, size_t len)
{
    assert(len > 0 && len <= kith_batch_room(batch) && batch->next_len == 0);
    if (batch->end == 0) {
        begin(batch, info, len);
        return true;
    }
    if (!belongs(batch, info, len)) {
        batch->next_info = *info;
        batch->next_len = len;
        return false;
    }
    batch->end += len;
    batch->count++;
    batch->complete = len < batch->segment;
    return true;
}

size_t kith_batch_packets(const kith_batch *batch)
{
    size_t left = batch->end - batch->start;
    return left == 0 ? 0 : (left + batch->segment - 1) / batch->segment;
}

kith_span kith_batch_unsent(const kith_batch *batch)
{
    return kith_span_of(batch->data + batch->start, batch->end - batch->start);
}

kith_span kith_batch_first(const kith_batch *batch)
{
    kith_span unsent = kith_batch_unsent(batch);
    if (unsent.len > batch->segment)
        unsent.len = batch->segment;
    return unsent;
}

void kith_batch_sent(kith_batch *batch, size_t len)
{
    assert(len <= batch->end - batch->start);
    batch->start += len;
}

void kith_batch_next(kith_batch *batch)
{
    size_t len = batch->next_len;
    if (len == 0) {
        kith_batch_init(batch);
        return;
    }
    memmove(batch->data, batch->data + batch->end, len);
    batch->next_len = 0;
    begin(batch, &batch->next_info, len);
}
