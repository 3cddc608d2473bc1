/* What lies between this machine and its peers: asks STUN servers, waits for the verdict, prints
 * it.
 *
 *   ./doctor stun:HOST...
 *
 * Two servers on different addresses tell how a NAT maps, one with two addresses (RFC 5780; kith
 * turn --discovery is one) how it filters, too. Without any there are only the addresses. */
#include <kith/kith.h>

#include <stdio.h>
#include <stdlib.h>

static void must(kith_err err)
{
    if (err == KITH_OK)
        return;
    fprintf(stderr, "%s\n", kith_last_error()->message);
    exit(1);
}

static kith_nat_probe *new_probe(const char *const *urls, size_t count)
{
    const kith_ice_server server = {.urls = urls, .url_count = count};
    kith_nat_config config = KITH_NAT_CONFIG_INIT;
    kith_nat_probe *probe;
    config.ice_servers = &server;
    config.ice_server_count = count > 0;
    must(kith_nat_probe_new(&probe, &config));
    return probe;
}

static void print(const kith_nat_local *local)
{
    char address[KITH_ADDRESS_TEXT], mapped[KITH_ADDRESS_TEXT];
    printf("%s: %s\n", kith_address_format(&local->address, address, sizeof address),
           kith_nat_kind_name(local->kind));
    if (local->is_translated == KITH_NAT_YES)
        printf("  from outside %s, mapping %s, filtering %s\n",
               kith_address_format(&local->mapped, mapped, sizeof mapped),
               kith_nat_behavior_name(local->mapping), kith_nat_behavior_name(local->filtering));
    printf("  %s\n", kith_nat_kind_text(local->kind));
}

int main(int argc, char **argv)
{
    kith_nat_probe *probe = new_probe((const char *const *)argv + 1, (size_t)argc - 1);
    kith_loop *loop;
    must(kith_loop_new(&loop, NULL));
    must(kith_loop_add_nat_probe(loop, probe));
    while (!kith_nat_probe_report(probe)->is_complete)
        (void)kith_loop_wait(loop, 100);
    const kith_nat_report *report = kith_nat_probe_report(probe);
    for (size_t i = 0; i < report->local_count; i++)
        print(&report->locals[i]);
    kith_loop_free(loop);
    kith_nat_probe_free(probe);
    return 0;
}
