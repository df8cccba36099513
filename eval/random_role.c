#include "eval/random_role.h"

#include "eval/eval.h"

#include <ctype.h>
#include <string.h>

typedef struct search {
    oo__role role;
    oo__dim_of dim_of;
    void *state;
    unsigned steps; /* looked at so far: a model may be made to keep this busy */
} search;

enum { MAX_DEPTH = 24, MAX_STEPS = 4096 };

static bool is_one_of(const char *name, const char *const *list) {
    for (; *list; list++)
        if (strcmp(name, *list) == 0)
            return true;
    return false;
}

/* Operators whose output has the elements of input 0 (or their numbers in another type). */
static bool keeps_elements(const oo_node *node, uint32_t index) {
    static const char *const KEEPS[] = {"Identity",  "Cast",    "Reshape", "Squeeze",   "Unsqueeze", "Transpose",      "Flatten",
                                        "Expand",    "Slice",   "Tile",    "Dropout",   "Pad",       "OptionalGetElement", "Split",
                                        "Concat",    "Clip",    "Min",     "Max",       "Gather",    NULL};
    return is_one_of(node->op->name, KEEPS) && (index == 0 || strcmp(node->op->name, "Concat") == 0);
}

static void propose(search *s, oo__role_kind kind, int64_t limit) {
    const bool tighter = s->role.kind == kind && limit > 0 && (s->role.limit == 0 || limit < s->role.limit);
    if (s->role.kind == OO__ROLE_DATA || tighter)
        s->role = (oo__role){kind, limit};
}

/* The indexed dimension: of the data's `axis`. */
static void propose_index(search *s, const oo_node *node, int64_t fallback) {
    int64_t axis;
    if (!oo_node_int(&axis, node, "axis", fallback))
        axis = fallback;
    propose(s, OO__ROLE_INDEX, s->dim_of(s->state, node->inputs[0].value, axis));
}

/* GatherND and ScatterND index the leading dimensions: the smallest one is safe for all. */
static void propose_smallest(search *s, const oo_node *node) {
    int64_t least = 0;
    const oo_value *const data = node->inputs[0].value;
    for (int64_t axis = 0; axis < 8; axis++) {
        const int64_t dim = s->dim_of(s->state, data, axis);
        least = dim && (!least || dim < least) ? dim : least;
    }
    propose(s, OO__ROLE_INDEX, least);
}

static void propose_depth(search *s, const oo_node *node) {
    const oo_value *const depth = node->ninputs > 1 ? node->inputs[1].value : NULL;
    const oo_tensor *const t = depth ? oo_value_const(depth) : NULL;
    double number;
    propose(s, OO__ROLE_INDEX, t && t->count == 1 && oo_tensor_doubles(t, 0, 1, &number) ? oo__int_of_double(number) : 0);
}

/* What input `index` of this node means; true when the search need not go on behind the node. */
static bool classify(search *s, const oo_node *node, uint32_t index) {
    static const char *const BY_AXIS[] = {"Gather", "GatherElements", "ScatterElements", "Scatter", NULL};
    static const char *const BY_LEADING[] = {"GatherND", "ScatterND", NULL};
    static const char *const CELLS[] = {"RNN", "LSTM", "GRU", NULL};
    static const char *const COUNTS[] = {"TopK", "Tile", "Expand", "Range", "OneHot", "EyeLike", NULL};
    static const char *const ZEROS[] = {"Slice", "Pad", "Squeeze", "Unsqueeze", "ReduceSum", "CumSum", "Trilu", NULL};
    const char *const op = node->op->name;
    if (is_one_of(op, BY_AXIS) && index == 1)
        propose_index(s, node, 0);
    else if (is_one_of(op, BY_LEADING) && index == 1)
        propose_smallest(s, node);
    else if (strcmp(op, "ArrayFeatureExtractor") == 0 && index == 1)
        propose_index(s, node, -1);
    else if (strcmp(op, "OneHot") == 0 && index == 0)
        propose_depth(s, node);
    else if (is_one_of(op, CELLS) && index == 4)
        propose(s, OO__ROLE_LENGTH, s->dim_of(s->state, node->inputs[0].value, 0));
    else if (strcmp(op, "ReverseSequence") == 0 && index == 1)
        propose_index(s, node, 0), s->role.kind = OO__ROLE_LENGTH;
    else if ((strcmp(op, "Where") == 0 && index == 0) || strcmp(op, "Not") == 0 || strcmp(op, "And") == 0)
        propose(s, OO__ROLE_MASK, 0);
    else if ((is_one_of(op, COUNTS) && index > 0) || (strcmp(op, "Loop") == 0 && index == 0) || strcmp(op, "Range") == 0)
        propose(s, OO__ROLE_COUNT, 0);
    else if (is_one_of(op, ZEROS) && index > 0)
        propose(s, OO__ROLE_ZERO, 0);
    else
        return false;
    return true;
}

static void follow(search *s, const oo_value *value, unsigned depth) {
    for (const oo_use *use = value->uses; use && depth < MAX_DEPTH && s->steps < MAX_STEPS; use = use->next) {
        const oo_node *const node = use->user;
        s->steps++;
        const oo_graph *const callee = oo_model_callee(node->graph->model, node);
        if (callee) {
            if (use->index < callee->inputs.n)
                follow(s, callee->inputs.data[use->index].value, depth + 1);
        } else if (!classify(s, node, use->index) && keeps_elements(node, use->index) && node->noutputs && node->outputs[0]) {
            follow(s, node->outputs[0], depth + 1);
        }
    }
}

/* Whether a part of the name is this word: "attention_mask" has "mask". */
static bool name_has(const char *name, const char *word) {
    const size_t n = strlen(word);
    for (const char *at = name; at && *at; at++) {
        size_t i = 0;
        while (i < n && tolower((unsigned char)at[i]) == word[i])
            i++;
        if (i == n)
            return true;
    }
    return false;
}

oo__role oo__role_of(const oo_value *input, oo__dim_of dim_of, void *state) {
    search s = {.dim_of = dim_of, .state = state};
    follow(&s, input, 0);
    const char *const name = input->name ? input->name : "";
    if (name_has(name, "position") && (s.role.kind == OO__ROLE_INDEX || s.role.kind == OO__ROLE_DATA))
        s.role.kind = OO__ROLE_POSITION;
    else if (name_has(name, "mask"))
        s.role.kind = OO__ROLE_MASK;
    else if (strcmp(name, "sr") == 0 || name_has(name, "sample_rate") || name_has(name, "sampling_rate"))
        s.role.kind = OO__ROLE_RATE;
    else if (s.role.kind == OO__ROLE_DATA && (name_has(name, "length") || name_has(name, "seqlen")))
        s.role = (oo__role){OO__ROLE_LENGTH, 0};
    return s.role;
}
