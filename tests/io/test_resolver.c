/* Names to addresses in other threads. Only names that no server is asked for. */
#include "../unit/unit.h"

#include <semaphore.h>
#include <string.h>

#include "io/resolver.h"

static sem_t woken;

static void wake(void *user)
{
    sem_post(user);
}

static kith_resolved next(kith_resolver *resolver)
{
    kith_resolved result;
    while (!kith_resolver_event(resolver, &result))
        sem_wait(&woken);
    return result;
}

START_TEST(addresses_and_the_name_of_this_machine_resolve)
{
    sem_init(&woken, 0, 0);
    kith_resolver *resolver = kith_resolver_new(wake, &woken);
    ck_assert(kith_resolver_ask(resolver, 1, "192.0.2.1", true));
    kith_resolved result = next(resolver);
    ck_assert_uint_eq(result.id, 1);
    ck_assert_uint_eq(result.count, 1);
    char text[KITH_ADDRESS_TEXT];
    ck_assert_str_eq(kith_address_format(&result.addresses[0], text, sizeof text), "192.0.2.1");
    ck_assert(kith_resolver_ask(resolver, 2, "localhost", true));
    result = next(resolver);
    ck_assert_uint_eq(result.id, 2);
    ck_assert_uint_ge(result.count, 1);
    ck_assert_int_eq(result.addresses[0].ip[0], 127);
    kith_resolver_free(resolver);
}
END_TEST

START_TEST(a_name_that_is_none_has_no_address)
{
    char name[400];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    sem_init(&woken, 0, 0);
    kith_resolver *resolver = kith_resolver_new(wake, &woken);
    ck_assert(kith_resolver_ask(resolver, 7, name, false));
    kith_resolved result = next(resolver);
    ck_assert_uint_eq(result.id, 7);
    ck_assert_uint_eq(result.count, 0);
    kith_resolver_free(resolver);
}
END_TEST

START_TEST(many_at_once_are_all_answered)
{
    enum { MANY = 200 };
    bool seen[MANY] = {false};
    sem_init(&woken, 0, 0);
    kith_resolver *resolver = kith_resolver_new(wake, &woken);
    for (uint64_t i = 0; i < MANY; i++)
        ck_assert(kith_resolver_ask(resolver, i, "192.0.2.1", false));
    for (int i = 0; i < MANY; i++) {
        kith_resolved result = next(resolver);
        ck_assert(!seen[result.id]);
        seen[result.id] = true;
    }
    kith_resolver_free(resolver);
}
END_TEST

START_TEST(it_may_be_freed_with_names_in_flight)
{
    sem_init(&woken, 0, 0);
    kith_resolver *resolver = kith_resolver_new(wake, &woken);
    for (uint64_t i = 0; i < KITH_RESOLVER_WAITING; i++)
        ck_assert(kith_resolver_ask(resolver, i, "192.0.2.1", false));
    ck_assert(!kith_resolver_ask(resolver, 999, "192.0.2.1", false)); /* bounded */
    kith_resolver_free(resolver);
    kith_resolver_free(NULL);
}
END_TEST

UNIT_MAIN("runtime: resolver", addresses_and_the_name_of_this_machine_resolve,
          a_name_that_is_none_has_no_address, many_at_once_are_all_answered,
          it_may_be_freed_with_names_in_flight)
