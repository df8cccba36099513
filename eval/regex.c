/* RegexFullMatch. ONNX asks for the syntax of RE2; PCRE2 understands that, and more. Its limits keep a pattern from running for ever. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "eval/kernels.h"
#include "eval/pieces.h"

#include <pcre2.h>
#include <string.h>

enum { MATCH_LIMIT = 10000000, HEAP_LIMIT_KIB = 1 << 18, LONGEST_PATTERN = 1 << 20 };

static oo_status compiled(const oo__call *c, pcre2_code **out) {
    const oo_attr *const a = oo__attr(c, "pattern");
    if (!a || a->type != OO_ATTR_STRING || a->s.size > LONGEST_PATTERN)
        return oo__eval_fail(c, "attribute \"pattern\" is missing or longer than %d bytes", LONGEST_PATTERN);
    const uint32_t options =
        PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C;
    int error;
    PCRE2_SIZE offset;
    *out = pcre2_compile(a->s.size ? a->s.data : (PCRE2_SPTR) "", a->s.size, options, &error, &offset, NULL);
    if (*out)
        return OO_OK;
    char text[160];
    pcre2_get_error_message(error, (PCRE2_UCHAR *)text, sizeof text);
    return oo__eval_fail(c, "the pattern \"%s\" is wrong at byte %zu: %s",
                         oo__printable((const char *)a->s.data, a->s.size), offset, text);
}

static oo_status match_all(const oo__call *c, oo_array *out, const oo_array *in, const pcre2_code *code,
                           pcre2_match_data *data, pcre2_match_context *limits) {
    for (uint64_t i = 0; i < in->count; i++) {
        const oo_bytes s = ((const oo_bytes *)in->data)[i];
        const int found = pcre2_match(code, s.size ? s.data : (PCRE2_SPTR) "", s.size, 0, 0, data, limits);
        if (found < 0 && found != PCRE2_ERROR_NOMATCH) {
            char text[160];
            pcre2_get_error_message(found, (PCRE2_UCHAR *)text, sizeof text);
            return oo__eval_fail(c, "string %llu cannot be matched: %s", (unsigned long long)i, text);
        }
        ((uint8_t *)out->data)[i] = found >= 0;
    }
    return OO_OK;
}

oo_status oo__kernel_regex_full_match(oo__call *c) {
    const oo_array *in;
    pcre2_code *code;
    if (!oo__need(c, 0, &in))
        return OO_INVALID;
    if (in->elem != OO_STRING)
        return oo__eval_fail(c, "the input is no tensor of strings");
    OO_TRY(compiled(c, &code));
    pcre2_match_data *const data = pcre2_match_data_create(1, NULL);
    pcre2_match_context *const limits = pcre2_match_context_create(NULL);
    oo_array *const out = oo__array_new(OO_BOOL, in->rank, in->dims);
    oo_status status = OO_OK;
    if (!data || !limits)
        oo__oom(sizeof limits);
    pcre2_set_match_limit(limits, MATCH_LIMIT);
    pcre2_set_heap_limit(limits, HEAP_LIMIT_KIB);
    if (out)
        status = match_all(c, out, in, code, data, limits);
    pcre2_match_data_free(data);
    pcre2_match_context_free(limits);
    pcre2_code_free(code);
    if (status == OO_OK)
        return oo__set(c, 0, out);
    oo__array_release(out);
    return status;
}
