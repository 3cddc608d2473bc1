/* Multicast DNS: any response is read within its bounds, ends, and changes only questions that
 * it answers. */
#include "fuzz.h"

#include <assert.h>
#include <string.h>

#include "io/mdns.h"
#include "io/mdns_packet.h"

/* Every record that is read has a name and an address; a response has no more of them than it
 * says. */
static void read_all(const uint8_t *data, size_t size)
{
    kith_mdns_response response;
    kith_mdns_record record;
    if (!kith_mdns_response_init(&response, data, size))
        return;
    unsigned records = response.records;
    while (kith_mdns_response_next(&response, &record)) {
        assert(strlen(record.name) < KITH_DNS_NAME_TEXT);
        assert(record.address.family == KITH_IPV4 || record.address.family == KITH_IPV6);
        assert(records-- > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kith_mdns mdns;
    kith_resolved result;
    read_all(data, size);
    kith_mdns_init(&mdns, 1);
    bool asked = kith_mdns_ask(&mdns, 0, 1, "a.local");
    kith_mdns_input(&mdns, data, size, 1);
    if (kith_mdns_event(&mdns, 0, &result))
        assert(asked && result.id == 1 && result.count > 0 &&
               result.count <= KITH_RESOLVED_ADDRESSES);
    kith_mdns_deinit(&mdns);
    return 0;
}
