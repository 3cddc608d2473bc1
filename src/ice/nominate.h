/* Nomination, selection and roles (RFC 8445 sections 6.1.1 and 8). */
#ifndef KITH_ICE_NOMINATE_H
#define KITH_ICE_NOMINATE_H

#include "ice/agent.h"

/* The controlling side chooses when it is time. */
void kith_ice_nominate(kith_ice *ice, kith_time now);
/* This one, in place of any that was nominated and has not answered. */
void kith_ice_nominate_pair(kith_ice_pair *pair);
/* When kith_ice_nominate would choose. */
kith_time kith_ice_nominate_due(const kith_ice *ice, kith_time now);
/* The pair is nominated and valid: selects it, unless a better one is selected and alive. */
void kith_ice_accept_nomination(kith_ice *ice, kith_ice_pair *pair, kith_time now);
/* The pair carries the data of its generation from now on. */
void kith_ice_select_pair(kith_ice *ice, kith_ice_pair *pair, kith_time now);
/* Chooses what carries data from now on. */
void kith_ice_choose_send_pair(kith_ice *ice, kith_time now);
/* By a role conflict. */
void kith_ice_switch_role(kith_ice *ice, kith_ice_role role);

#endif
