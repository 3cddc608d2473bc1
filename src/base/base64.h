/* Base64 (RFC 4648 section 4). */
#ifndef KITH_BASE_BASE64_H
#define KITH_BASE_BASE64_H

#include "base/span.h"

/* Characters of `len` bytes, padding included. */
#define KITH_BASE64_LEN(len) (((len) + 2) / 3 * 4)

/* Writes KITH_BASE64_LEN(bytes.len) characters, without a NUL. */
void kith_base64_write(char *out, kith_span bytes);
/* What a character stands for; -1: none of the alphabet. */
int kith_base64_value(uint8_t character);

#endif
