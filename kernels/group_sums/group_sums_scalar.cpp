// Sums of activation codes, without vector instructions beyond the platform's own.
#include "group_sums.h"

SINTER_DEFINE_GROUP_SUMS(scalar)
