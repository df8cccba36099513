/* Time of operator types and nodes. */
#ifndef CLI_PROFILE_H
#define CLI_PROFILE_H
#include "eval/eval.h"

#include <stdio.h>

typedef struct oo_profile oo_profile;
oo_profile *oo__profile_new(const oo_model *model);
void oo__profile_free(oo_profile *profile);
/* For oo_eval_settings.watch, with the profile as `user`. */
void oo__profile_watch(void *profile, const oo_node *node, oo_datum *const *outputs, double seconds);
/* Tables by operator type and by node, the slowest first; or one JSON object. `seconds` is the time of the whole run. */
void oo__profile_print(FILE *file, const oo_profile *profile, double seconds, bool json);
#endif
