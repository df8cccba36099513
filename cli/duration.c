#include "cli/duration.h"

#include <stdio.h>

const char *oo__duration(char out[OO_DURATION_SIZE], double seconds) {
    const double ms = seconds * 1e3;
    if (ms < 999.5)
        snprintf(out, OO_DURATION_SIZE, "%.*f ms", ms < 9.995 ? 2 : ms < 99.95 ? 1 : 0, ms);
    else
        snprintf(out, OO_DURATION_SIZE, "%.*f s", seconds < 9.995 ? 2 : seconds < 99.95 ? 1 : 0, seconds);
    return out;
}
