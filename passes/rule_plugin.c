/* Guards that plugins add. */
#include "passes/rule_base.h"
#include "passes/rule_run.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct oo_guard_call {
    const oo__term *args;
    uint32_t nargs;
};

oo__term oo__plugin_answer(oo_guard guard, const oo__term *args, uint32_t nargs) {
    const oo_guard_call call = {args, nargs};
    return oo__term_answer(guard(&call));
}

static const oo__term *argument(const oo_guard_call *call, uint32_t index) { return index < call->nargs ? &call->args[index] : NULL; }

oo_value *oo_guard_value(const oo_guard_call *call, uint32_t index) {
    const oo__term *const t = argument(call, index);
    return t && t->sort == OO__SORT_VALUE && t->operand.kind == OO__GRAPH_VALUE ? t->operand.value : NULL;
}

bool oo_guard_int(int64_t *out, const oo_guard_call *call, uint32_t index) {
    const oo__term *const t = argument(call, index);
    return t && oo__int_of(t, out);
}

bool oo_guard_float(double *out, const oo_guard_call *call, uint32_t index) {
    const oo__term *const t = argument(call, index);
    return t && oo__real_of(t, out);
}

const char *oo_guard_string(const oo_guard_call *call, uint32_t index) {
    const oo__term *const t = argument(call, index);
    return t && t->sort == OO__SORT_STRING ? t->string : NULL;
}

/* ---- registering ---- */
static bool is_sort(const char *word, size_t n) {
    static const char *const WORDS[] = {"value", "int", "float", "string"};
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (strlen(WORDS[i]) == n && memcmp(WORDS[i], word, n) == 0)
            return true;
    return false;
}

/* "name(value, int)" to its name and "value, int -> bool". */
static bool split_signature(const char *text, char name[64], char signature[256]) {
    size_t n = 0;
    while (n < 63 && (islower((unsigned char)text[n]) || isdigit((unsigned char)text[n]) || text[n] == '_'))
        n++;
    if (!n || isdigit((unsigned char)*text) || text[n] != '(')
        return false;
    memcpy(name, text, n);
    name[n] = 0;
    const char *at = text + n + 1;
    const char *const parameters = at;
    for (uint32_t i = 0; i < OO__RULE_ARGS && *at != ')'; i++) {
        at += i ? (size_t)(*at == ',') : 0;
        at += strspn(at, " ");
        const size_t size = strcspn(at, " ,)");
        if (!is_sort(at, size))
            return false;
        at += size;
    }
    return *at == ')' && !at[1] && snprintf(signature, 256, "%.*s -> bool", (int)(at - parameters), parameters) < 256;
}

oo_status oo__rulebase_add_guard(oo_rulebase *base, const char *text, oo_guard guard, const char *help) {
    char name[64], signature[256];
    const bool ok = text && guard && split_signature(text, name, signature);
    const oo__function_row row = {.name = name, .signature = signature, .help = help ? help : "", .plugin = guard};
    if (ok && oo__rulebase_put_guard(base, &row))
        return OO_OK;
    oo__diag(oo__rulebase_context(base), (oo_diag){.severity = OO_ERROR, .code = "rule-guard", .offset = -1},
             ok ? "there is a guard or helper \"%s\" already" : "\"%s\" is no signature of a guard: name(value, int, float, string)",
             ok ? name : text ? text : "");
    return OO_INVALID;
}
