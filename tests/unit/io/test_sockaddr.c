/* Addresses to the system and back. */
#include "../unit.h"

#include "io/sockaddr.h"

static void there_and_back(const char *text)
{
    kith_address in, out;
    kith_sockaddr sockaddr;
    ck_assert_int_eq(kith_address_parse(&in, text), KITH_OK);
    socklen_t len = kith_sockaddr_from(&sockaddr, &in);
    ck_assert_uint_eq(len, in.family == KITH_IPV4 ? sizeof(struct sockaddr_in)
                                                  : sizeof(struct sockaddr_in6));
    ck_assert(kith_sockaddr_to(&out, &sockaddr.any));
    ck_assert_mem_eq(&in, &out, sizeof in);
}

START_TEST(addresses_survive_the_system)
{
    there_and_back("192.0.2.1:5000");
    there_and_back("[2001:db8::1]:65535");
    there_and_back("[fe80::1%7]:1");
    there_and_back("127.0.0.1");
}
END_TEST

START_TEST(the_scope_of_a_global_address_is_dropped)
{
    kith_sockaddr sockaddr;
    kith_address address = {.family = KITH_IPV6, .scope_id = 7, .ip = {0x20, 1, [15] = 1}};
    kith_sockaddr_from(&sockaddr, &address);
    ck_assert(kith_sockaddr_to(&address, &sockaddr.any));
    ck_assert_uint_eq(address.scope_id, 0);
}
END_TEST

START_TEST(other_families_are_no_addresses)
{
    kith_address address;
    kith_sockaddr sockaddr = {.any = {.sa_family = AF_UNIX}};
    ck_assert(!kith_sockaddr_to(&address, &sockaddr.any));
}
END_TEST

UNIT_MAIN("io: sockaddr", addresses_survive_the_system, the_scope_of_a_global_address_is_dropped,
          other_families_are_no_addresses)
