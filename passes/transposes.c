/* Stores tensors in the orders that need the fewest and cheapest Transposes. */
#include "passes/layout.h"
#include "passes/veil.h"

static const char RULE[] = "transposes";

typedef struct options {
    bool exact;
} options;

static oo_status run(oo_rewriter *rw, oo_model *model, const void *opts) {
    const options *const o = opts;
    oo_layout l = {.model = model, .exact = o->exact, .veils = oo__find_veils(rw, model)};
    l.nveils = oo_model_node_ids(model);
    bool fuel = true;
    oo_for_each_graph(graph, model) {
        if (fuel)
            fuel = oo__layout_improve(&l, rw, RULE, graph);
        if (fuel)
            oo__layout_tell_rest(&l, rw, RULE, graph);
    }
    oo__layout_free(&l);
    return OO_OK;
}

static const oo_option_row rows[] = {
    OO_OPTION(options, exact, OO_OPT_BOOL, "exact", "false", "move only operators whose results have the same bits in each order of their axes"),
};

const oo_pass oo_pass_transposes = {
    .size = sizeof(oo_pass),
    .name = "transposes",
    .summary = "Store tensors in the orders that need the fewest and cheapest Transposes",
    .doc = "Operators that work in any order of their axes (elementwise ones, Concat, Split, Slice, Pad, reductions, Softmax and more) take the order that, "
           "over the whole graph, moves the fewest bytes; their axes, and constants that belong to axes, follow. The choice is a minimum cut, exact where two "
           "orders are at hand. Neither the bytes moved, nor the Transposes, nor these together with Reshapes become more.",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(options),
    .needs = OO_TYPES | OO_ORDER,
    .keeps = OO_TYPES,
    .run = run,
};
