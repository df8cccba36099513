/* JSON that commands print. */
#ifndef CLI_JSON_H
#define CLI_JSON_H
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>

/* Prints the value and a newline, and deletes it; `pretty`: over several lines. Memory exhaustion ends the process through oo__oom. */
void oo__put_json(FILE *file, cJSON *value, bool pretty);
#endif
