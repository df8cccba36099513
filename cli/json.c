#include "cli/json.h"

#include "base/arena.h"

void oo__put_json(FILE *file, cJSON *value, bool pretty) {
    char *const text = pretty ? cJSON_Print(value) : cJSON_PrintUnformatted(value);
    if (!text)
        oo__oom(0);
    fprintf(file, "%s\n", text);
    cJSON_free(text);
    cJSON_Delete(value);
}
