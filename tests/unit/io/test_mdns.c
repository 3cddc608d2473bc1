/* Who is asked for what, when again, and when it is given up: in virtual time. */
#include "../unit.h"

#include <stdio.h>

#include "io/mdns.h"
#include "mdns_kit.h"

static kith_mdns mdns;
static uint8_t packet[2048];

static void begin(void)
{
    kith_mdns_init(&mdns, 7);
}

static size_t ask_out(kith_time now)
{
    return kith_mdns_output(&mdns, now, packet, sizeof packet);
}

static void answer(const char *name)
{
    kith_mdns_input(&mdns, packet, put_response(packet, sizeof packet, name), 0);
}

START_TEST(a_name_is_asked_for_at_once_and_resolved_by_the_first_answer)
{
    kith_resolved result;
    begin();
    ck_assert(kith_mdns_ask(&mdns, 1000, 42, MDNS_NAME));
    ck_assert_int_eq(kith_mdns_deadline(&mdns), 1000);
    ck_assert_uint_gt(ask_out(1000), 12);
    ck_assert_uint_eq(ask_out(1000), 0);
    ck_assert(!kith_mdns_event(&mdns, 1000, &result));
    answer(MDNS_NAME);
    ck_assert_int_eq(kith_mdns_deadline(&mdns), 0);
    ck_assert(kith_mdns_event(&mdns, 2000, &result));
    ck_assert_uint_eq(result.id, 42);
    ck_assert_uint_eq(result.count, 1);
    char text[KITH_ADDRESS_TEXT];
    ck_assert_str_eq(kith_address_format(&result.addresses[0], text, sizeof text), "192.0.2.7");
    ck_assert(!kith_mdns_busy(&mdns));
    ck_assert(kith_mdns_deadline(&mdns) == KITH_NEVER);
    kith_mdns_deinit(&mdns);
}
END_TEST

START_TEST(it_is_asked_four_times_and_given_up_after_five_seconds)
{
    static const kith_time earliest[] = {0, KITH_MS(250), KITH_SECONDS(1), KITH_SECONDS(3)};
    kith_resolved result;
    begin();
    ck_assert(kith_mdns_ask(&mdns, 0, 1, MDNS_NAME));
    for (int i = 0; i < 4; i++) {
        kith_time at = kith_mdns_deadline(&mdns);
        ck_assert_int_ge(at, earliest[i]);
        ck_assert_int_le(at, earliest[i] + KITH_MS(50));
        ck_assert(i == 0 || ask_out(at - 1) == 0);
        ck_assert_uint_gt(ask_out(at), 0);
        ck_assert(!kith_mdns_event(&mdns, at, &result));
    }
    ck_assert_int_eq(kith_mdns_deadline(&mdns), KITH_SECONDS(5));
    ck_assert(!kith_mdns_event(&mdns, KITH_SECONDS(5) - 1, &result));
    ck_assert(kith_mdns_event(&mdns, KITH_SECONDS(5), &result));
    ck_assert_uint_eq(result.id, 1);
    ck_assert_uint_eq(result.count, 0);
    kith_mdns_deinit(&mdns);
}
END_TEST

START_TEST(two_who_ask_for_one_name_are_both_told)
{
    kith_resolved result;
    begin();
    ck_assert(kith_mdns_ask(&mdns, 0, 1, MDNS_NAME));
    ck_assert(kith_mdns_ask(&mdns, 0, 2, "B7A9C3E2-1F0D-4C58-9F6A-0123456789AB.LOCAL."));
    ck_assert(kith_mdns_ask(&mdns, 0, 3, "other.local"));
    answer(MDNS_NAME);
    ck_assert(kith_mdns_event(&mdns, 0, &result) && result.id == 1 && result.count == 1);
    ck_assert(kith_mdns_event(&mdns, 0, &result) && result.id == 2 && result.count == 1);
    ck_assert(!kith_mdns_event(&mdns, 0, &result));
    ck_assert(kith_mdns_busy(&mdns));
    kith_mdns_deinit(&mdns);
}
END_TEST

START_TEST(answers_to_other_questions_and_noise_change_nothing)
{
    kith_resolved result;
    begin();
    ck_assert(kith_mdns_ask(&mdns, 0, 1, MDNS_NAME));
    answer("x" MDNS_NAME);
    kith_mdns_input(&mdns, "noise", 5, 0);
    kith_mdns_input(&mdns, NULL, 0, 0);
    ck_assert(!kith_mdns_event(&mdns, 0, &result));
    kith_mdns_deinit(&mdns);
}
END_TEST

START_TEST(a_name_may_have_several_addresses_but_not_any_number)
{
    kith_resolved result;
    begin();
    ck_assert(kith_mdns_ask(&mdns, 0, 1, "a.local"));
    kith_writer w = kith_wr(packet, sizeof packet);
    put_header(&w, 0, 20);
    for (uint8_t i = 0; i < 20; i++) {
        uint8_t ip[4] = {192, 0, 2, i / 2}; /* each twice */
        put_name(&w, "a.local");
        put_body(&w, 1, 120, kith_span_of(ip, 4));
    }
    kith_mdns_input(&mdns, packet, w.len, 0);
    ck_assert(kith_mdns_event(&mdns, 0, &result));
    ck_assert_uint_eq(result.count, KITH_RESOLVED_ADDRESSES);
    for (uint8_t i = 0; i < KITH_RESOLVED_ADDRESSES; i++)
        ck_assert_int_eq(result.addresses[i].ip[3], i);
    kith_mdns_deinit(&mdns);
}
END_TEST

START_TEST(a_link_local_address_gets_the_scope_it_came_from)
{
    kith_resolved result;
    uint8_t ip[16] = {0xfe, 0x80, [15] = 1};
    begin();
    ck_assert(kith_mdns_ask(&mdns, 0, 1, "a.local"));
    kith_writer w = kith_wr(packet, sizeof packet);
    put_header(&w, 0, 1);
    put_name(&w, "a.local");
    put_body(&w, 28, 120, kith_span_of(ip, 16));
    kith_mdns_input(&mdns, packet, w.len, 3);
    ck_assert(kith_mdns_event(&mdns, 0, &result));
    ck_assert_uint_eq(result.addresses[0].scope_id, 3);
    kith_mdns_deinit(&mdns);
}
END_TEST

START_TEST(questions_are_bounded)
{
    char name[32];
    begin();
    for (int i = 0; i < KITH_MDNS_QUERIES; i++) {
        snprintf(name, sizeof name, "n%d.local", i);
        ck_assert(kith_mdns_ask(&mdns, 0, (uint64_t)i, name));
    }
    ck_assert(!kith_mdns_ask(&mdns, 0, 999, "one-more.local"));
    ck_assert(!kith_mdns_ask(&mdns, 0, 999, "a..local"));
    kith_mdns_deinit(&mdns);
    ck_assert(!kith_mdns_busy(&mdns));
}
END_TEST

UNIT_MAIN("io: mdns", a_name_is_asked_for_at_once_and_resolved_by_the_first_answer,
          it_is_asked_four_times_and_given_up_after_five_seconds,
          two_who_ask_for_one_name_are_both_told,
          answers_to_other_questions_and_noise_change_nothing,
          a_name_may_have_several_addresses_but_not_any_number,
          a_link_local_address_gets_the_scope_it_came_from, questions_are_bounded)
