/* What a fuzz target is: one function that eats any bytes. It must return 0, leak nothing and keep
 * no state from one call to the next; it asserts what must hold of whatever was parsed. */
#ifndef KITH_TESTS_FUZZ_H
#define KITH_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* The name is libFuzzer's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
