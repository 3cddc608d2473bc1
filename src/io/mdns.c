/* Questions that wait for their answers. The first response that names an address ends a
 * question: who sends `.local` candidates has one name per address, and waiting for more would
 * delay every connection. */
#include "io/mdns.h"

#include <string.h>

#include "base/address.h"
#include "base/memory.h"
#include "io/mdns_packet.h"

/* Counted from the first; answers come within milliseconds, but multicast on Wi-Fi is often
 * lost. */
static const kith_time send_at[] = {0, KITH_MS(250), KITH_SECONDS(1), KITH_SECONDS(3)};
#define SENDS         (sizeof send_at / sizeof send_at[0])
#define GIVE_UP_AFTER KITH_SECONDS(5)
/* Two that were set off by the same packet shall not stay in step (RFC 6762 section 5.2). */
#define JITTER KITH_MS(50)

struct query {
    kith_list_node in_list;
    /* KITH_NEVER: all were sent */
    kith_time began, next_send;
    unsigned sent;
    kith_resolved result;
    /* without the closing dot */
    char name[];
};

static struct query *query_of(kith_list_node *node)
{
    return KITH_OWNER(node, struct query, in_list);
}

void kith_mdns_init(kith_mdns *mdns, uint32_t seed)
{
    *mdns = (kith_mdns){.random = seed};
    kith_list_init(&mdns->asking);
    kith_list_init(&mdns->done);
}

static void free_all(kith_list *list)
{
    kith_list_node *node;
    while ((node = kith_list_take(list)))
        kith_free(query_of(node));
}

void kith_mdns_deinit(kith_mdns *mdns)
{
    free_all(&mdns->asking);
    free_all(&mdns->done);
    mdns->count = 0;
}

static bool valid_name(const char *name)
{
    uint8_t buf[KITH_MDNS_PACKET];
    kith_writer w = kith_wr(buf, sizeof buf);
    return kith_mdns_write_question(&w, name);
}

bool kith_mdns_ask(kith_mdns *mdns, kith_time now, uint64_t id, const char *name)
{
    size_t len = strlen(name);
    if (len > 0 && name[len - 1] == '.')
        len--;
    if (mdns->count >= KITH_MDNS_QUERIES || !valid_name(name))
        return false;
    struct query *query = kith_alloc_zero(1, sizeof *query + len + 1);
    if (!query)
        return false;
    query->began = query->next_send = now;
    query->result.id = id;
    memcpy(query->name, name, len);
    kith_list_append(&mdns->asking, &query->in_list);
    mdns->count++;
    return true;
}

static void add_address(kith_resolved *result, const kith_address *address)
{
    for (size_t i = 0; i < result->count; i++)
        if (kith_address_equal(&result->addresses[i], address))
            return;
    if (result->count < KITH_RESOLVED_ADDRESSES)
        result->addresses[result->count++] = *address;
}

static void finish(kith_mdns *mdns, struct query *query)
{
    kith_list_remove(&query->in_list);
    kith_list_append(&mdns->done, &query->in_list);
}

void kith_mdns_input(kith_mdns *mdns, const void *data, size_t len, uint32_t scope_id)
{
    kith_mdns_response response;
    kith_mdns_record record;
    if (!kith_mdns_response_init(&response, data, len))
        return;
    while (kith_mdns_response_next(&response, &record)) {
        if (record.address.family == KITH_IPV6 && kith_address_is_link_local(&record.address))
            record.address.scope_id = scope_id;
        KITH_LIST_EACH(&mdns->asking, node)
            if (kith_span_is_nocase(kith_span_text(record.name), query_of(node)->name))
                add_address(&query_of(node)->result, &record.address);
    }
    KITH_LIST_EACH(&mdns->asking, node)
        if (query_of(node)->result.count > 0)
            finish(mdns, query_of(node));
}

/* A linear congruential generator: good enough to spread packets. */
static kith_time jitter(kith_mdns *mdns)
{
    mdns->random = mdns->random * 1664525u + 1013904223u;
    return (kith_time)(mdns->random >> 8) % JITTER;
}

size_t kith_mdns_output(kith_mdns *mdns, kith_time now, void *buf, size_t cap)
{
    KITH_LIST_EACH(&mdns->asking, node) {
        struct query *query = query_of(node);
        if (query->next_send > now)
            continue;
        query->sent++;
        query->next_send =
            query->sent < SENDS ? query->began + send_at[query->sent] + jitter(mdns) : KITH_NEVER;
        kith_writer w = kith_wr(buf, cap);
        if (kith_mdns_write_question(&w, query->name))
            return w.len;
    }
    return 0;
}

bool kith_mdns_event(kith_mdns *mdns, kith_time now, kith_resolved *out)
{
    KITH_LIST_EACH(&mdns->asking, node)
        if (now >= query_of(node)->began + GIVE_UP_AFTER)
            finish(mdns, query_of(node));
    kith_list_node *node = kith_list_take(&mdns->done);
    if (!node)
        return false;
    *out = query_of(node)->result;
    kith_free(query_of(node));
    mdns->count--;
    return true;
}

kith_time kith_mdns_deadline(const kith_mdns *mdns)
{
    if (!kith_list_empty(&mdns->done))
        return 0;
    kith_time first = KITH_NEVER;
    for (kith_list_node *node = kith_list_first(&mdns->asking); node;
         node = kith_list_next(&mdns->asking, node)) {
        const struct query *query = query_of(node);
        if (query->next_send < first)
            first = query->next_send;
        if (query->began + GIVE_UP_AFTER < first)
            first = query->began + GIVE_UP_AFTER;
    }
    return first;
}

bool kith_mdns_busy(const kith_mdns *mdns)
{
    return mdns->count > 0;
}
