/* The version of the library that runs. */
#include "kith/base.h"

#define TEXT(number)                TEXT_OF(number)
#define TEXT_OF(number)             #number
#define DOTTED(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)

const char *kith_version(void)
{
    return DOTTED(KITH_VERSION_MAJOR, KITH_VERSION_MINOR, KITH_VERSION_PATCH);
}
