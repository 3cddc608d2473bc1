/* A probe of the network whose memory runs out: it ends, and claims nothing that it did not see. */
#include "oom.h"

#include "../unit/nat/net.h"

static net the_net;

static void scenario(void *arg)
{
    const net_options *options = arg;
    net *n = &the_net;
    if (net_init(n, options)) {
        ck_assert(net_run(n, KITH_SECONDS(1000)));
        const kith_nat_local *local = &kith_nat_probe_report(n->probe)->locals[0];
        ck_assert(local->kind == KITH_NAT_KIND_PORT_RESTRICTED_CONE ||
                  local->kind == KITH_NAT_KIND_UNKNOWN);
        ck_assert_uint_eq(n->socket_count, 0);
    }
    net_deinit(n);
}

START_TEST(a_probe_without_memory_ends)
{
    net_options options = {.nat = {.filtering = ADDRESS_AND_PORT},
                           .urls = {TURN_URL, "stun:example.org", "stun:silent.example"},
                           .addresses = {"2001:db8::1", "198.51.100.77"},
                           .lifetime = KITH_SECONDS(20)};
    size_t runs = oom_sweep(scenario, &options);
    ck_assert_uint_gt(runs, 20);
}
END_TEST

UNIT_MAIN("oom: nat", a_probe_without_memory_ends)
