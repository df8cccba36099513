/* Shapes and lists that suit a rule's names when it is proved: rule_hints.def. */
#include "passes/rule_prove.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct hint {
    const char *rule, *name, *text;
    bool is_list;
} HINTS[] = {
#define HINT(rule, name, shape) {rule, name, shape, false},
#define INTS(rule, name, list) {rule, name, list, true},
#include "passes/rule_hints.def"
};

static const struct hint *find(const oo__rule *rule, const char *name) {
    for (size_t i = 0; i < sizeof HINTS / sizeof *HINTS; i++)
        if (strcmp(HINTS[i].rule, rule->name) == 0 && strcmp(HINTS[i].name, name) == 0)
            return &HINTS[i];
    return NULL;
}

/* What a letter stands for in this instance. */
static int64_t size_of(oo__instance *in, char letter) {
    int64_t *const size = &in->letters[letter - 'a'];
    if (!*size)
        *size = 1 + (int64_t)oo__pick(&in->dice, 3);
    return *size;
}

/* The items of "b 2d -1"; false when there are too many. */
static bool read(oo__instance *in, const char *text, uint32_t room, uint32_t *count, int64_t *out) {
    *count = 0;
    for (const char *at = text; *at;) {
        char *end = NULL;
        const long number = strtol(at, &end, 10);
        int64_t item = end == at ? 1 : number;
        at = end;
        if (islower((unsigned char)*at))
            item *= size_of(in, *at++);
        at += strspn(at, " ");
        if (*count == room)
            return false;
        out[(*count)++] = item;
    }
    return true;
}

oo__term oo__hint_attr(oo__instance *in, uint32_t slot) {
    const struct hint *const hint = in->free ? NULL : find(in->rule, oo__arena_printf(in->run->arena, "@%s", in->rule->attrs[slot]));
    int64_t ints[8];
    uint32_t count;
    return hint && read(in, hint->text, 8, &count, ints) && count == 1 ? oo__term_int(ints[0]) : oo__unknown();
}

bool oo__hint(oo__instance *in, const oo__ast *arg, oo__shape *shape, int64_t *ints, bool *listed) {
    const bool named = arg->kind == OO__AST_VALUE;
    const struct hint *const hint = named && !in->free ? find(in->rule, in->rule->slots[arg->slot].name) : NULL;
    uint32_t count = 0;
    if (!hint)
        return false;
    *listed = hint->is_list;
    if (!hint->is_list)
        return read(in, hint->text, OO__DIMS, &shape->rank, shape->dims);
    if (!read(in, hint->text, 64, &count, ints))
        return false;
    *shape = (oo__shape){.rank = 1, .dims = {count}};
    return true;
}
