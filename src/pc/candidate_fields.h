/* A candidate as the public API shows it (kith/candidate.h). */
#ifndef KITH_PC_CANDIDATE_FIELDS_H
#define KITH_PC_CANDIDATE_FIELDS_H

#include "kith/candidate.h"
#include "wire/candidate.h"

/* TYPE when out's size was not set; then out is unchanged. */
KITH_MUST_CHECK kith_err kith_candidate_fields_of(kith_candidate_fields *out,
                                                  const kith_candidate *candidate);

#endif
