/* Times for people. */
#ifndef CLI_DURATION_H
#define CLI_DURATION_H
enum { OO_DURATION_SIZE = 32 };
/* "0.25 ms", "41.3 ms", "208 ms", "1.75 s", "13.4 s", "3600 s"; gives `out`. */
const char *oo__duration(char out[OO_DURATION_SIZE], double seconds);
#endif
