/* The version in text is the version in numbers. */
#include "../unit.h"
#include "kith/base.h"

#include <stdio.h>

START_TEST(the_library_tells_the_version_of_its_header)
{
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", KITH_VERSION_MAJOR, KITH_VERSION_MINOR,
             KITH_VERSION_PATCH);
    ck_assert_str_eq(kith_version(), version);
}
END_TEST

UNIT_MAIN("base: version", the_library_tells_the_version_of_its_header)
