/* Binding, and what a request of TURN must bring. */
#include "base/base64.h"
#include "client.h"

START_TEST(binding_is_answered_with_the_mapped_address_alone)
{
    client c;
    client_init(&c, NULL);
    begin(&c, KITH_STUN_BINDING);
    ck_assert_int_eq(ask_unsigned(&c), 0);
    ck_assert(kith_address_equal(&c.answer.xor_mapped_address, &c.path.remote));
    ck_assert_uint_eq(c.len, KITH_STUN_HEADER + 12);
    begin(&c, KITH_STUN_BINDING);
    kith_stun_put_u32(&c.w, KITH_STUN_ATTR_CHANGE_REQUEST, 0);
    ck_assert_int_eq(ask_unsigned(&c), 420);
    client_deinit(&c);
}
END_TEST

START_TEST(a_challenge_is_at_most_three_times_its_request)
{
    client c;
    client_init(&c, NULL);
    for (size_t more = 0; more < 40; more += 4) {
        begin(&c, KITH_STUN_ALLOCATE);
        if (more > 0)
            kith_stun_put_span(&c.w, KITH_STUN_ATTR_SOFTWARE,
                               kith_span_of("aaaaaaaaaaaaaaaaaaaaaaaaa"
                                            "aaaaaaaaaaaaaaaaaa",
                                            more));
        ck_assert_int_eq(ask_unsigned(&c), 401);
        ck_assert_uint_le(c.len, 3 * c.w.len);
    }
    client_deinit(&c);
}
END_TEST

/* Nobody forges a stream's address, and nobody asks again on it (RFC 8489 section 6.2.2). */
START_TEST(who_asks_on_a_stream_is_always_challenged)
{
    client c;
    client_init(&c, NULL);
    connect_by_tcp(&c, 3000);
    for (int i = 0; i < 200; i++) {
        begin(&c, KITH_STUN_ALLOCATE);
        ck_assert_int_eq(ask_unsigned(&c), 401);
    }
    ck_assert_uint_eq(counters(&c)->errors_limited, 0);
    client_deinit(&c);
}
END_TEST

START_TEST(who_has_shown_nothing_gets_fifty_challenges_and_a_user_is_not_limited)
{
    client c;
    unsigned answered = 0;
    client_init(&c, NULL);
    be_challenged(&c);
    for (int i = 0; i < 500; i++) {
        begin(&c, KITH_STUN_ALLOCATE);
        answered += ask_unsigned(&c) == 401;
    }
    ck_assert_uint_eq(answered, 49);
    ck_assert_uint_eq(counters(&c)->errors_limited, 451);
    ck_assert_int_eq(allocate(&c), 0);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(permit(&c, "127.0.0.1:1"), 403);
    client_deinit(&c);
}
END_TEST

START_TEST(a_user_with_sha_256_and_a_hidden_name_is_known)
{
    client c;
    client_init(&c, NULL);
    c.is_modern = true;
    ck_assert_int_eq(allocate(&c), 0);
    ck_assert_uint_eq(c.offered,
                      KITH_STUN_FEATURE_PASSWORD_ALGORITHMS | KITH_STUN_FEATURE_USERNAME_ANONYMITY);
    ck_assert(kith_stun_has(&c.answer, KITH_STUN_HAS_MESSAGE_INTEGRITY_SHA256));
    c.algorithms[1] = 1;
    begin(&c, KITH_STUN_REFRESH);
    sign(&c);
    ck_assert_int_eq(ask_unsigned(&c), 400);
    client_deinit(&c);
}
END_TEST

START_TEST(a_nonce_is_of_one_client_and_of_ten_minutes)
{
    client c;
    client_init(&c, NULL);
    ck_assert_int_eq(allocate(&c), 0);
    wait_for(&c, KITH_SECONDS(599));
    ck_assert_int_eq(refresh(&c, 600), 0);
    wait_for(&c, KITH_SECONDS(1));
    ck_assert_int_eq(refresh(&c, 600), 438);
    take_challenge(&c);
    ck_assert_int_eq(refresh(&c, 600), 0);
    c.path.remote.port++;
    ck_assert_int_eq(refresh(&c, 600), 438);
    c.path.remote.port--;
    c.nonce[KITH_NONCE - 1] ^= 1;
    ck_assert_int_eq(refresh(&c, 600), 438);
    client_deinit(&c);
}
END_TEST

START_TEST(a_wrong_password_and_an_unknown_user_get_401)
{
    client c;
    client_init(&c, NULL);
    c.password = "wrong";
    ck_assert_int_eq(allocate(&c), 401);
    c.password = SECRET;
    c.username = "nobody";
    ck_assert_int_eq(allocate(&c), 401);
    ck_assert_uint_eq(counters(&c)->wrong_credentials, 2);
    ck_assert_uint_eq(counters(&c)->allocations, 0);
    client_deinit(&c);
}
END_TEST

/* The pair is what `openssl dgst -sha1 -hmac north` and base64 make of the name. */
START_TEST(a_time_limited_credential_is_taken_until_its_time)
{
    client c;
    kith_turn_server_config config = KITH_TURN_SERVER_CONFIG_INIT;
    config.secret = "south";
    config.old_secret = "north";
    client_init(&c, &config);
    c.now = 0;
    c.username = "1767225700:alice";
    c.password = "E28kMu7UKll9rU6ACv2Nm0jxGKA=";
    ck_assert_int_eq(allocate(&c), 0);
    ck_assert_uint_eq(c.offered, KITH_STUN_FEATURE_PASSWORD_ALGORITHMS);
    wait_for(&c, KITH_SECONDS(99));
    ck_assert_int_eq(refresh(&c, 600), 0);
    wait_for(&c, KITH_SECONDS(1));
    ck_assert_int_eq(refresh(&c, 600), 401);
    client_deinit(&c);
}
END_TEST

START_TEST(another_user_does_not_get_at_an_allocation)
{
    static const kith_turn_user users[] = {{USER, SECRET}, {"other", "word"}};
    client c;
    kith_turn_server_config config = config_with_user();
    config.users = users;
    config.user_count = 2;
    client_init(&c, &config);
    ck_assert_int_eq(allocate(&c), 0);
    c.username = "other";
    c.password = "word";
    ck_assert_int_eq(refresh(&c, 0), 441);
    ck_assert_int_eq(permit(&c, PEER), 441);
    uint8_t id[KITH_STUN_ID];
    c.username = USER;
    c.password = SECRET;
    ck_assert_int_eq(refresh(&c, 0), 0);
    ck_assert_int_eq(allocate(&c), 0);
    memcpy(id, c.id, sizeof id);
    c.username = "other";
    c.password = "word";
    begin(&c, KITH_STUN_ALLOCATE);
    memcpy(c.id, id, sizeof id);
    memcpy(c.request + 8, id, sizeof id);
    ck_assert_int_eq(ask(&c), 441);
    ck_assert_uint_eq(counters(&c)->allocations, 1);
    client_deinit(&c);
}
END_TEST

/* A name of another time is another name (RFC 8656 section 5), though of the same person. */
START_TEST(a_time_limited_name_that_was_renewed_does_not_get_at_the_allocation_of_the_old_one)
{
    client c;
    char password[KITH_BASE64_LEN(20) + 1] = "";
    uint8_t mac[KITH_HASH_MAX];
    kith_span name = kith_span_text("1767999999:alice");
    kith_turn_server_config config = KITH_TURN_SERVER_CONFIG_INIT;
    config.secret = "north";
    client_init(&c, &config);
    c.now = 0;
    c.username = "1767225700:alice";
    c.password = "E28kMu7UKll9rU6ACv2Nm0jxGKA=";
    ck_assert_int_eq(allocate(&c), 0);
    kith_hmac *hmac = kith_hmac_new(KITH_HASH_SHA1, kith_span_text("north"));
    kith_hmac_sign(hmac, &name, 1, mac);
    kith_hmac_free(hmac);
    kith_base64_write(password, kith_span_of(mac, 20));
    c.username = "1767999999:alice";
    c.password = password;
    ck_assert_int_eq(refresh(&c, 600), 441);
    ck_assert_uint_eq(counters(&c)->allocations, 1);
    client_deinit(&c);
}
END_TEST

START_TEST(without_users_it_is_a_server_of_stun_alone)
{
    client c;
    kith_turn_server_config config = KITH_TURN_SERVER_CONFIG_INIT;
    client_init(&c, &config);
    begin(&c, KITH_STUN_BINDING);
    ck_assert_int_eq(ask_unsigned(&c), 0);
    begin(&c, KITH_STUN_ALLOCATE);
    ck_assert_int_eq(ask_unsigned(&c), 403);
    client_deinit(&c);
}
END_TEST

UNIT_MAIN("turn_server: receive", binding_is_answered_with_the_mapped_address_alone,
          a_challenge_is_at_most_three_times_its_request,
          who_has_shown_nothing_gets_fifty_challenges_and_a_user_is_not_limited,
          who_asks_on_a_stream_is_always_challenged, a_user_with_sha_256_and_a_hidden_name_is_known,
          a_nonce_is_of_one_client_and_of_ten_minutes, a_wrong_password_and_an_unknown_user_get_401,
          a_time_limited_credential_is_taken_until_its_time,
          another_user_does_not_get_at_an_allocation,
          a_time_limited_name_that_was_renewed_does_not_get_at_the_allocation_of_the_old_one,
          without_users_it_is_a_server_of_stun_alone)
