/* The rule for structs that say how long they are. What the fields mean is for their owners to
 * check. */
#include "base/config.h"

#include <string.h>

#include "base/error.h"

/* No struct of ours will ever be so long: the size was never set. */
#define MAX_SIZE 65536

static kith_err read_size(size_t *size, const void *given, const char *init_macro)
{
    memcpy(size, given, sizeof *size);
    if (*size < sizeof *size || *size > MAX_SIZE)
        return kith_fail(KITH_ERR_TYPE, "the struct does not begin with %s", init_macro);
    return KITH_OK;
}

kith_err kith_config_read_element(void *out, size_t known, const void *given, size_t size,
                                  const char *name)
{
    const uint8_t *bytes = given;
    for (size_t i = known; i < size; i++)
        if (bytes[i] != 0)
            return kith_fail(KITH_ERR_NOT_SUPPORTED,
                             "the struct of %s sets a field that this version of kith (%s) does "
                             "not know",
                             name, kith_version());
    memcpy(out, given, size < known ? size : known);
    return KITH_OK;
}

kith_err kith_config_read(void *out, size_t known, const void *given, const char *init_macro)
{
    size_t size;
    kith_err err = read_size(&size, given, init_macro);
    if (err == KITH_OK)
        err = kith_config_read_element(out, known, given, size, init_macro);
    if (err == KITH_OK)
        memcpy(out, &known, sizeof known); /* its size is that of the struct which it is in now */
    return err;
}

kith_err kith_config_read_sized_at(void *out, size_t known, const void *given, size_t at,
                                   const char *init_macro)
{
    size_t size, first = at + sizeof size;
    memcpy(&size, (const uint8_t *)given + at, sizeof size);
    if (size == 0)
        size = first;
    if (size < first || size > MAX_SIZE)
        return kith_fail(KITH_ERR_TYPE, "the struct has a size that %s does not give", init_macro);
    kith_err err = kith_config_read_element(out, known, given, size, init_macro);
    if (err == KITH_OK)
        memcpy((uint8_t *)out + at, &known, sizeof known);
    return err;
}

kith_err kith_config_write(void *out, size_t known, const void *from, const char *init_macro)
{
    size_t size;
    kith_err err = read_size(&size, out, init_macro);
    if (err != KITH_OK)
        return err;
    size_t len = size < known ? size : known;
    memset((uint8_t *)out + sizeof size, 0, size - sizeof size);
    memcpy((uint8_t *)out + sizeof size, (const uint8_t *)from + sizeof size, len - sizeof size);
    return KITH_OK;
}
