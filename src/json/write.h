/* JSON values as JSON.stringify writes them. */
#ifndef KITH_JSON_WRITE_H
#define KITH_JSON_WRITE_H

#include "base/writer.h"

/* In quotes and escaped (ECMA-262 QuoteJSONString). What is no UTF-8 becomes U+FFFD. */
void kith_json_write_string(kith_writer *w, kith_span text);
/* The shortest digits that read back as the same number; null for what JSON cannot say. */
void kith_json_write_number(kith_writer *w, double number);
/* ,"name": and without the comma behind an opening brace. */
void kith_json_write_name(kith_writer *w, const char *name);
void kith_json_write_member(kith_writer *w, const char *name, const char *value);

#endif
