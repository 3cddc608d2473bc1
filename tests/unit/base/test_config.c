/* Structs that begin with their size: of this header, of an older one, of a newer one, of none. */
#include "../unit.h"
#include "base/config.h"

#include <string.h>

struct known {
    size_t size;
    int first, second;
};

struct newer {
    struct known known;
    char tail[16];
};

#define DEFAULTS                                              \
    {                                                         \
        .size = sizeof(struct known), .first = 1, .second = 2 \
    }

static kith_err read_config(struct known *out, const void *given)
{
    return kith_config_read(out, sizeof *out, given, "STRUCT_INIT");
}

static void expect(const struct known *config, int first, int second)
{
    ck_assert_uint_eq(config->size, sizeof *config);
    ck_assert_int_eq(config->first, first);
    ck_assert_int_eq(config->second, second);
}

START_TEST(a_struct_of_this_header_is_taken_whole)
{
    struct known config = DEFAULTS, given = {sizeof given, 3, 4};
    ck_assert_int_eq(read_config(&config, &given), KITH_OK);
    expect(&config, 3, 4);
}
END_TEST

START_TEST(what_an_older_struct_lacks_keeps_its_default)
{
    struct known config = DEFAULTS, given = {offsetof(struct known, second), 3, 4};
    ck_assert_int_eq(read_config(&config, &given), KITH_OK);
    expect(&config, 3, 2);
    given.size = sizeof given.size;
    given.first = 5;
    ck_assert_int_eq(read_config(&config, &given), KITH_OK);
    expect(&config, 3, 2);
}
END_TEST

START_TEST(a_newer_struct_may_only_set_what_is_known)
{
    struct known config = DEFAULTS;
    struct newer given = {.known = {sizeof given, 3, 4}};
    ck_assert_int_eq(read_config(&config, &given), KITH_OK);
    expect(&config, 3, 4);
    given.known.first = 5;
    given.tail[sizeof given.tail - 1] = 1;
    ck_assert_int_eq(read_config(&config, &given), KITH_ERR_NOT_SUPPORTED);
    ck_assert_ptr_nonnull(strstr(kith_last_error()->message, "STRUCT_INIT"));
    expect(&config, 3, 4);
}
END_TEST

START_TEST(a_struct_without_a_size_is_refused_by_the_name_of_its_macro)
{
    struct known config = DEFAULTS;
    static const size_t sizes[] = {0, 1, sizeof(size_t) - 1, 65537, SIZE_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct known given = {sizes[i], 3, 4};
        ck_assert_int_eq(read_config(&config, &given), KITH_ERR_TYPE);
        ck_assert_ptr_nonnull(strstr(kith_last_error()->message, "STRUCT_INIT"));
        expect(&config, 1, 2);
    }
}
END_TEST

struct dictionary {
    int first, second;
    size_t size;
    int added;
    char end[4];
};

static kith_err read_dictionary(struct dictionary *out, const void *given)
{
    return kith_config_read_sized_at(out, sizeof *out, given, offsetof(struct dictionary, size),
                                     "STRUCT_INIT");
}

START_TEST(a_size_of_0_behind_the_first_fields_is_those_alone)
{
    struct dictionary d = {.added = 5}, given = {3, 4, 0, 9, "end"};
    ck_assert_int_eq(read_dictionary(&d, &given), KITH_OK);
    ck_assert_int_eq(d.first, 3);
    ck_assert_int_eq(d.second, 4);
    ck_assert_int_eq(d.added, 5);
    ck_assert_uint_eq(d.size, sizeof d);
    given.size = sizeof given;
    ck_assert_int_eq(read_dictionary(&d, &given), KITH_OK);
    ck_assert_int_eq(d.added, 9);
    static const size_t refused[] = {1, offsetof(struct dictionary, added) - 1, 65537, SIZE_MAX};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        given.size = refused[i];
        given.first = 7;
        ck_assert_int_eq(read_dictionary(&d, &given), KITH_ERR_TYPE);
        ck_assert_int_eq(d.first, 3);
    }
}
END_TEST

UNIT_MAIN("base: config", a_struct_of_this_header_is_taken_whole,
          what_an_older_struct_lacks_keeps_its_default, a_newer_struct_may_only_set_what_is_known,
          a_struct_without_a_size_is_refused_by_the_name_of_its_macro,
          a_size_of_0_behind_the_first_fields_is_those_alone)
