/* A plugin of rules alone: Swish, as exporters write it, becomes one operator of com.example, where the tensor is large enough to be worth it.
 * The guard `at_least` is the plugin's own. */
#include <onnxopt/plugin.h>

static const char rules[] = "# A Swish of at least 1024 elements is one operator of com.example.\n"
                            "rule example_swish {\n"
                            "    y = Mul(x, Sigmoid(x))\n"
                            "  where at_least(x, 1024)\n"
                            "  =>\n"
                            "    y = com.example.Swish(x)\n"
                            "}\n";

/* Whether the value has so many elements in all, as far as its dimensions are numbers. */
static oo_answer at_least(const oo_guard_call *call) {
    const oo_value *const value = oo_guard_value(call, 0);
    int64_t wanted, count = 1;
    if (!value || !oo_guard_int(&wanted, call, 1))
        return OO_UNKNOWN;
    const oo_type *const type = oo_value_type(value);
    const int32_t rank = oo_type_rank(type);
    for (int32_t i = 0; i < rank; i++) {
        const int64_t dim = oo_type_dim(type, (uint32_t)i);
        if (dim < 0 || (dim && count > INT64_MAX / dim))
            return OO_UNKNOWN;
        count *= dim;
    }
    return rank < 0 ? OO_UNKNOWN : count >= wanted ? OO_YES : OO_NO;
}

static int setup(oo_registry *registry) {
    if (!oo_has(register_rules))
        return OO_UNSUPPORTED; /* a program older than rules */
    const oo_status status = oo_register_guard(registry, "at_least(value, int)", at_least, "the tensor has so many elements");
    return (int)(status == OO_OK ? oo_register_rules(registry, rules, "swish.rules") : status);
}

OO_PLUGIN_SETUP(setup)
