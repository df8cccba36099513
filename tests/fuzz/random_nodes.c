/* How a node of an operator is made up: attributes and inputs that have a fair chance to fit, by name and by operator. */
#include "tests/fuzz/random_graph.h"

#include <stdio.h>
#include <string.h>

enum { MOST_INPUTS = 10, MOST_OUTPUTS = 10 };

typedef struct draft {
    oo_random_graph *g;
    const oo_schema *schema;
    oo_node *node;
    pooled inputs[MOST_INPUTS];
    uint32_t ninputs, noutputs;
    oo_elem elems[16];  /* chosen for each constraint, OO_UNDEFINED = not yet */
    uint32_t rank;      /* of input 0 */
    int64_t dims[8];
    uint32_t listed;    /* length of the lists of Slice, Pad ... */
    int64_t axis;       /* as the attribute has it, else 0 */
} draft;

static bool is(const draft *d, const char *op) { return strcmp(d->schema->name, op) == 0; }
static bool among(const char *word, const char *list) {
    const size_t n = strlen(word);
    for (const char *at = list; *at; at += strcspn(at, " ") + (at[strcspn(at, " ")] != 0))
        if (strcspn(at, " ") == n && memcmp(at, word, n) == 0)
            return true;
    return false;
}

static int64_t some_axis(const draft *d, uint32_t rank) {
    const int64_t axis = rank ? oo__draw(d->g, rank) : 0;
    return oo__likely(d->g, 30) ? axis - (int64_t)rank : axis;
}

/* ---- attributes ---- */
static void set_ints(draft *d, const char *name, uint32_t n, const int64_t *values) {
    oo_attr *const a = oo__random_attr(d->g, d->node, name, OO_ATTR_INTS);
    a->ints = (int64_t *)(void *)oo__arena_copy(d->g->model->arena, values, n * sizeof *values);
    a->count = n;
}

static uint32_t spatial(const draft *d) { return d->rank > 2 ? d->rank - 2 : 1; }

/* A list attribute by its name; the most common ones need one length. */
static void add_list(draft *d, const char *name) {
    int64_t values[16];
    uint32_t n = 0;
    if (among(name, "kernel_shape strides dilations output_padding")) {
        for (n = 0; n < spatial(d); n++)
            values[n] = *name == 'o' ? 0 : 1 + oo__draw(d->g, 2);
    } else if (among(name, "pads")) {
        for (n = 0; n < 2 * (d->schema->name[0] == 'P' && d->schema->name[1] == 'a' ? d->rank : spatial(d)); n++)
            values[n] = oo__draw(d->g, 2);
    } else if (among(name, "perm")) {
        for (n = 0; n < d->rank; n++)
            values[n] = n;
        for (uint32_t i = n; i-- > 1;) {
            const uint32_t k = oo__draw(d->g, i + 1);
            const int64_t x = values[i];
            values[i] = values[k];
            values[k] = x;
        }
    } else if (among(name, "axes starts ends steps")) {
        d->listed = d->listed ? d->listed : 1 + oo__draw(d->g, d->rank ? d->rank : 1);
        for (n = 0; n < d->listed; n++)
            values[n] = *name == 'a' ? (oo__likely(d->g, 20) ? n - (int64_t)d->rank : (int64_t)n) : (int64_t)oo__draw(d->g, 6) - (*name == 'e' ? 1 : 2);
    } else {
        for (n = 0; n < 1 + oo__draw(d->g, 3); n++)
            values[n] = 1 + oo__draw(d->g, 3);
    }
    set_ints(d, name, n, values);
}

static void add_string(draft *d, const oo_schema_attr *a) {
    static const char *const CHOICES[][5] = {{"auto_pad", "SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"},
                                             {"direction", "forward", "reverse", "bidirectional", "forward"},
                                             {"mode", "constant", "edge", "reflect", "linear"},
                                             {"reduction", "none", "sum", "mean", "add"},
                                             {"equation", "ij,jk->ik", "ij->ji", "...i->...", "bij,bjk->bik"}};
    for (size_t i = 0; i < sizeof CHOICES / sizeof *CHOICES; i++) {
        if (strcmp(CHOICES[i][0], a->name) != 0)
            continue;
        const char *const word = CHOICES[i][1 + oo__draw(d->g, 4)];
        oo__random_attr(d->g, d->node, a->name, OO_ATTR_STRING)->s = (oo_bytes){(const uint8_t *)word, strlen(word)};
    }
}

static int64_t int_attr(draft *d, const oo_schema_attr *a) {
    static const oo_elem TYPES[] = {OO_FLOAT, OO_INT64, OO_INT32, OO_BOOL, OO_FLOAT16, OO_DOUBLE, OO_UINT8, OO_INT8, OO_BFLOAT16, OO_INT4};
    if (among(a->name, "axis axis_w batch_axis time_axis"))
        return d->axis = some_axis(d, d->rank);
    if (among(a->name, "to dtype output_dtype output_datatype stash_type"))
        return TYPES[oo__draw(d->g, d->g->plan->common ? 4 : 10)];
    if (among(a->name, "blocksize hidden_size num_heads q_num_heads kv_num_heads output_height output_width detect_positive"))
        return 1 + oo__draw(d->g, 2);
    return (int64_t)oo__draw(d->g, (strcmp(a->name, "keepdims") == 0 || strcmp(a->name, "noop_with_empty_axes") == 0) && d->g->plan->motif ? 2 : 3);
}

static void add_attrs(draft *d) {
    for (uint32_t i = 0; i < d->schema->nattrs; i++) {
        const oo_schema_attr *const a = &d->schema->attrs[i];
        if (!a->required && oo__likely(d->g, 55))
            continue;
        if (a->type == OO_ATTR_INT)
            oo__random_attr(d->g, d->node, a->name, a->type)->i = int_attr(d, a);
        else if (a->type == OO_ATTR_FLOAT)
            oo__random_attr(d->g, d->node, a->name, a->type)->f = 0.5f * (float)oo__draw(d->g, 4);
        else if (a->type == OO_ATTR_INTS)
            add_list(d, a->name);
        else if (a->type == OO_ATTR_STRING)
            add_string(d, a);
        else if (a->type == OO_ATTR_TENSOR && oo__likely(d->g, 80)) {
            const bool one = !is(d, "Constant");
            oo_array *const t = oo__array_new((const oo_elem[]){OO_INT64, OO_FLOAT, OO_BOOL}[oo__draw(d->g, 3)], one ? 1 : oo__draw(d->g, 3),
                                              one ? (const int64_t[]){1} : (const int64_t[]){oo__draw(d->g, 4), oo__draw(d->g, 3)});
            memset(t->data, (int)oo__draw(d->g, 2), (size_t)t->count * oo__array_width(t->elem));
            if (t->elem == OO_FLOAT)
                memset(t->data, 0, (size_t)t->count * 4);
            oo__random_attr(d->g, d->node, a->name, a->type)->t = oo__tensor_of_array(d->g->model, t);
            oo__array_release(t);
        }
        if (is(d, "Constant") && d->node->nattrs)
            return;
    }
}

/* ---- types ---- */
static oo_elem elem_of(const oo_datum *v) {
    if (v->kind == OO_DATUM_TENSOR)
        return v->array->elem;
    if (v->elem != OO_UNDEFINED || !v->nitems || !v->items[0])
        return v->elem;
    return elem_of(v->items[0]);
}

static bool fits(const draft *d, const oo_schema_io *io, const oo_datum *v) {
    static const oo_type_form FORMS[] = {[OO_DATUM_TENSOR] = OO_FORM_TENSOR, [OO_DATUM_SEQUENCE] = OO_FORM_SEQ, [OO_DATUM_OPTIONAL] = OO_FORM_OPTIONAL,
                                         [OO_DATUM_NONE] = OO_FORM_COUNT, [OO_DATUM_MAP] = OO_FORM_COUNT, [OO_DATUM_SPARSE] = OO_FORM_COUNT};
    oo_type_form form = FORMS[v->kind];
    if (v->kind == OO_DATUM_MAP)
        form = v->array->elem == OO_STRING ? OO_FORM_MAP_STRING : OO_FORM_MAP_INT64;
    else if (v->kind == OO_DATUM_SEQUENCE && v->nitems && v->items[0]->kind == OO_DATUM_MAP)
        form = v->items[0]->array->elem == OO_STRING ? OO_FORM_SEQ_MAP_STRING : OO_FORM_SEQ_MAP_INT64;
    else if (v->kind == OO_DATUM_OPTIONAL && v->nitems && v->items[0]->kind == OO_DATUM_SEQUENCE)
        form = OO_FORM_OPTIONAL_SEQ;
    const oo_elem elem = elem_of(v);
    if (form == OO_FORM_COUNT || elem == OO_UNDEFINED || !(io->types->elems[form] & 1u << elem))
        return false;
    const oo_elem chosen = io->constraint >= 0 && !io->heterogeneous ? d->elems[io->constraint] : OO_UNDEFINED;
    return chosen == OO_UNDEFINED || chosen == elem;
}

static void note(draft *d, const oo_schema_io *io, const oo_datum *v) {
    if (io->constraint >= 0 && !io->heterogeneous)
        d->elems[io->constraint] = elem_of(v);
}

/* An element type that the input may have: the one chosen for its constraint, else mostly a common one. */
static oo_elem choose_elem(draft *d, const oo_schema_io *io) {
    static const oo_elem COMMON[] = {OO_FLOAT, OO_INT64, OO_FLOAT, OO_INT32, OO_BOOL, OO_FLOAT16, OO_UINT8, OO_STRING};
    const oo_elem chosen = io->constraint >= 0 && !io->heterogeneous ? d->elems[io->constraint] : OO_UNDEFINED;
    const uint32_t mask = io->types->elems[OO_FORM_TENSOR];
    if (chosen != OO_UNDEFINED || !mask)
        return chosen;
    if (d->g->plan->common && (mask & 1u << OO_FLOAT))
        return OO_FLOAT;
    for (int i = 0; i < 6; i++) {
        const oo_elem e = COMMON[oo__draw(d->g, 8)];
        if (mask & 1u << e)
            return e;
    }
    const uint32_t start = oo__draw(d->g, OO_ELEM_COUNT);
    for (uint32_t i = 0; i < OO_ELEM_COUNT && !d->g->plan->common; i++)
        if (mask & 1u << (start + i) % OO_ELEM_COUNT)
            return (oo_elem)((start + i) % OO_ELEM_COUNT);
    return OO_UNDEFINED;
}

/* ---- inputs ---- */
static uint32_t least_rank(const draft *d) {
    static const char WINDOWS[] = "Conv ConvTranspose ConvInteger QLinearConv MaxPool AveragePool LpPool MaxUnpool GlobalAveragePool GlobalMaxPool "
                                  "GlobalLpPool InstanceNormalization RNN GRU LSTM LRN BatchNormalization GroupNormalization";
    static const char IMAGES[] = "DepthToSpace SpaceToDepth GridSample RoiAlign Attention MaxRoiPool Upsample Resize DeformConv";
    return among(d->schema->name, WINDOWS) ? 3 : among(d->schema->name, IMAGES) ? 4 : among(d->schema->name, "MatMul Gemm Det QLinearMatMul") ? 2 : 0;
}

static bool exact_rank(const draft *d) { return among(d->schema->name, "RNN GRU LSTM Gemm"); }

static bool data_fits(const draft *d, const oo_schema_io *io, const oo_datum *v) {
    const uint32_t least = least_rank(d);
    return fits(d, io, v) && (v->kind != OO_DATUM_TENSOR ||
                              (v->array->rank >= least && v->array->rank <= OO__RANDOM_RANK && (!exact_rank(d) || v->array->rank == least)));
}

static bool first_input(draft *d, const oo_schema_io *io) {
    const uint32_t start = oo__draw(d->g, d->g->pool.n);
    for (uint32_t i = 0; i < d->g->pool.n && !oo__likely(d->g, 10); i++) {
        const pooled *const p = &d->g->pool.data[(start + i) % d->g->pool.n];
        if (!data_fits(d, io, p->datum))
            continue;
        d->inputs[0] = *p;
        return true;
    }
    const oo_elem elem = choose_elem(d, io);
    if (elem == OO_UNDEFINED)
        return false;
    int64_t dims[OO__RANDOM_RANK];
    const uint32_t least = least_rank(d);
    const uint32_t rank = exact_rank(d) ? least : least + oo__draw(d->g, OO__RANDOM_RANK - least);
    for (uint32_t i = 0; i < rank; i++)
        dims[i] = least > 1 && !oo__likely(d->g, 10) ? 1 + oo__draw(d->g, 4) : oo__draw(d->g, 5);
    d->inputs[0] = oo__random_tensor(d->g, elem, rank, dims);
    return true;
}

static int64_t dim_at(const draft *d, int64_t axis) {
    axis += axis < 0 ? (int64_t)d->rank : 0;
    return axis >= 0 && axis < (int64_t)d->rank ? d->dims[axis] : 1;
}

/* Numbers that say a shape, axes, counts; by the input's name. False when the name says nothing. */
static bool number_input(draft *d, uint32_t i, const oo_schema_io *io, oo_elem elem) {
    int64_t v[16];
    uint32_t n = 0, rank = 1;
    oo_random_graph *const g = d->g;
    const char *const name = io->name;
    if (among(name, "shape input_shape output_shape image_shape target_shape")) {
        if (is(d, "Reshape")) {
            const uint32_t kind = oo__draw(g, 4);
            for (n = 0; kind == 0 && n < d->rank; n++)
                v[n] = d->dims[d->rank - 1 - n];
            for (n = kind == 0 ? d->rank : 0; kind == 1 && n < 1; n++)
                v[n] = -1;
            if (kind >= 2) {
                n = 2;
                v[0] = kind == 2 ? 0 : d->rank ? d->dims[0] : 1;
                v[1] = -1;
            }
        } else {
            for (n = 0; n < 1 + oo__draw(g, 3); n++)
                v[n] = is(d, "Expand") && d->rank > n && oo__likely(g, 50) ? 1 : oo__draw(g, 4);
        }
    } else if (among(name, "axes")) {
        if (d->listed)
            n = d->listed;
        else
            n = d->listed = 1 + oo__draw(g, d->rank ? d->rank : 1);
        const uint32_t whole = is(d, "Unsqueeze") ? d->rank + n : d->rank;
        for (uint32_t k = 0; k < n; k++)
            v[k] = oo__likely(g, 25) ? (int64_t)k - (int64_t)whole : (int64_t)k;
        if (is(d, "Squeeze"))
            for (uint32_t k = n = 0; k < d->rank; k++)
                if (d->dims[k] == 1)
                    v[n++] = k;
    } else if (among(name, "starts ends steps")) {
        n = d->listed = d->listed ? d->listed : 1 + oo__draw(g, d->rank ? d->rank : 1);
        for (uint32_t k = 0; k < n; k++)
            v[k] = name[1] == 't' && name[2] == 'e' ? (const int64_t[]){1, 1, 2, -1, -2}[oo__draw(g, 5)] : (int64_t)oo__draw(g, 9) - 4;
    } else if (among(name, "pads")) {
        const uint32_t half = d->node->ninputs > 3 && d->listed ? d->listed : d->rank;
        for (n = 0; n < 2 * half && n < 16; n++)
            v[n] = oo__draw(g, 3);
    } else if (among(name, "repeats")) {
        for (n = 0; n < d->rank; n++)
            v[n] = oo__draw(g, 3);
    } else if (among(name, "split")) {
        const int64_t whole = dim_at(d, d->axis);
        int64_t left = whole;
        for (n = 0; n < d->noutputs; n++) {
            v[n] = n + 1 == d->noutputs ? left : (int64_t)oo__draw(g, (uint32_t)left + 1);
            left -= v[n];
        }
    } else if (among(name, "sizes")) {
        for (n = 0; n < d->rank; n++)
            v[n] = n < 2 ? d->dims[n] : 1 + (int64_t)oo__draw(g, 4);
    } else if (among(name, "axis position k depth max_trip_count dft_length frame_step frame_length size diagonal")) {
        rank = 0;
        n = 1;
        v[0] = name[0] == 'a' ? some_axis(d, d->rank) : (int64_t)oo__draw(g, 4);
    } else if (among(name, "K M")) {
        n = 1;
        v[0] = (int64_t)oo__draw(g, 4);
    } else if (among(name, "start limit delta num_mel_bins sample_rate")) {
        rank = 0;
        n = 1;
        v[0] = (int64_t)oo__draw(g, 9) - 3;
    } else if (among(name, "indices") && !is(d, "OneHot") && !is(d, "MaxUnpool")) {
        const int64_t most = dim_at(d, d->axis);
        n = 1 + oo__draw(g, 3);
        rank = oo__draw(g, 2);
        n = rank ? n : 1;
        for (uint32_t k = 0; k < n; k++)
            v[k] = (int64_t)oo__draw(g, (uint32_t)most + 1) - (oo__likely(g, 20) ? 1 : 0);
    } else {
        return false;
    }
    d->inputs[i] = oo__random_numbers(g, elem, rank, n, v);
    return true;
}

/* The shape of a further input, from input 0's. */
static uint32_t shape_of(draft *d, uint32_t i, const oo_schema_io *io, int64_t *dims) {
    oo_random_graph *const g = d->g;
    const int64_t channels = d->rank > 1 ? d->dims[1] : 1, last = d->rank ? d->dims[d->rank - 1] : 1;
    if (among(d->schema->name, "MatMul MatMulInteger QLinearMatMul") && among(io->name, "B b")) {
        dims[0] = last;
        dims[1] = oo__draw(g, 4);
        return oo__likely(g, 20) ? 1 : 2;
    }
    if (is(d, "Gemm") && i == 1) {
        const oo_attr *const ta = oo_node_attr(d->node, "transA"), *const tb = oo_node_attr(d->node, "transB");
        const int64_t k = ta && ta->i ? d->dims[0] : last, other = oo__draw(g, 4);
        dims[tb && tb->i ? 1 : 0] = k;
        dims[tb && tb->i ? 0 : 1] = other;
        return 2;
    }
    if (among(d->schema->name, "Conv ConvInteger QLinearConv ConvTranspose") && among(io->name, "W w")) {
        const oo_attr *const group = oo_node_attr(d->node, "group");
        const int64_t parts = group && group->i > 0 ? group->i : 1;
        dims[0] = is(d, "ConvTranspose") ? channels : parts * (1 + oo__draw(g, 2));
        dims[1] = is(d, "ConvTranspose") ? 1 + oo__draw(g, 2) : channels / parts;
        for (uint32_t k = 2; k < d->rank; k++)
            dims[k] = 1 + oo__draw(g, 2);
        const oo_attr *const kernel = oo_node_attr(d->node, "kernel_shape");
        for (uint32_t k = 2; kernel && k < d->rank && k - 2 < kernel->count; k++)
            dims[k] = kernel->ints[k - 2];
        return d->rank;
    }
    if (among(d->schema->name, "LSTM GRU RNN") && i <= 2) {
        const oo_attr *const hidden = oo_node_attr(d->node, "hidden_size");
        const int64_t h = hidden ? hidden->i : 1, gates = is(d, "LSTM") ? 4 : is(d, "GRU") ? 3 : 1;
        dims[0] = 1;
        dims[1] = gates * h;
        dims[2] = i == 1 ? last : h;
        return 3;
    }
    if (among(io->name, "scale bias B mean var input_mean input_var running_mean running_var Scale") &&
        among(d->schema->name, "BatchNormalization InstanceNormalization GroupNormalization LayerNormalization RMSNormalization")) {
        dims[0] = d->schema->name[0] == 'L' || d->schema->name[0] == 'R' ? last : channels;
        return 1;
    }
    if (is(d, "Concat") || is(d, "SequenceInsert")) {
        memcpy(dims, d->dims, sizeof d->dims);
        const int64_t axis = d->axis < 0 ? d->axis + (int64_t)d->rank : d->axis;
        if (axis >= 0 && axis < (int64_t)d->rank)
            dims[axis] = oo__draw(g, 4);
        return d->rank;
    }
    if (among(io->name, "x_scale y_scale x_zero_point y_zero_point a_scale b_scale a_zero_point b_zero_point w_scale w_zero_point min max ratio "
                        "training_mode constant_value keys values"))
    {
        const bool pair = is(d, "OneHot") && strcmp(io->name, "values") == 0;
        dims[0] = pair ? 2 : 1;
        return pair || (!among(io->name, "ratio training_mode") && oo__likely(g, 15)) ? 1 : 0;
    }
    /* As input 0, or what broadcasts with it. */
    const uint32_t skip = oo__likely(g, 25) ? oo__draw(g, d->rank + 1) : 0;
    for (uint32_t k = skip; k < d->rank; k++)
        dims[k - skip] = oo__likely(g, 20) ? 1 : d->dims[k] == 1 && oo__likely(g, 30) ? oo__draw(g, 4) : d->dims[k];
    return d->rank - skip;
}

static bool further_input(draft *d, uint32_t i, const oo_schema_io *io) {
    oo_random_graph *const g = d->g;
    const oo_elem elem = choose_elem(d, io);
    if (elem != OO_UNDEFINED && (elem == OO_INT64 || elem == OO_INT32) && number_input(d, i, io, elem))
        return true;
    if (elem == OO_FLOAT && strcmp(io->name, "scales") == 0) {
        double v[8];
        for (uint32_t k = 0; k < d->rank; k++)
            v[k] = k < 2 ? 1 : (const double[]){0.5, 1, 2, 1.5}[oo__draw(g, 4)];
        d->inputs[i] = oo__random_reals(g, elem, d->rank, v);
        return true;
    }
    if (!io->types->elems[OO_FORM_TENSOR] || oo__likely(g, 10)) {
        const uint32_t start = oo__draw(g, g->pool.n);
        for (uint32_t k = 0; k < g->pool.n; k++) {
            const pooled *const p = &g->pool.data[(start + k) % g->pool.n];
            if (!fits(d, io, p->datum))
                continue;
            d->inputs[i] = *p;
            return true;
        }
    }
    if (elem == OO_UNDEFINED)
        return false;
    int64_t dims[8] = {0};
    const uint32_t rank = shape_of(d, i, io, dims);
    for (uint32_t k = 0; k < rank; k++)
        if (dims[k] > 64)
            return false;
    d->inputs[i] = oo__random_tensor(g, elem, rank, dims);
    return true;
}

static bool add_inputs(draft *d) {
    for (uint32_t i = d->ninputs ? 1 : 0; i < d->ninputs; i++) {
        const oo_schema_io *const io = oo__schema_input(d->schema, i);
        const bool optional = io->optional && i >= d->schema->min_inputs;
        if ((optional && oo__likely(d->g, 35)) || (io->optional && i + 1 < d->ninputs && oo__likely(d->g, 30))) {
            d->inputs[i] = (pooled){0};
            continue;
        }
        if (!further_input(d, i, io))
            return false;
        note(d, io, d->inputs[i].datum);
    }
    while (d->ninputs && !d->inputs[d->ninputs - 1].value)
        d->ninputs--;
    return d->ninputs >= d->schema->min_inputs;
}

/* ---- nodes ---- */
static uint32_t count_between(oo_random_graph *g, uint32_t least, uint32_t declared, uint32_t most, uint32_t room) {
    const uint32_t high = most == UINT32_MAX ? (declared > least ? declared : least) + 2 : most;
    const uint32_t limit = high < room ? high : room;
    return limit > least ? least + oo__draw(g, limit - least + 1) : least;
}

bool oo__random_node(oo_random_graph *g, const oo_schema *schema) {
    draft d = {.g = g, .schema = schema};
    if (schema->min_inputs > MOST_INPUTS || schema->min_outputs > MOST_OUTPUTS || schema->nconstraints > 16)
        return false;
    d.ninputs = count_between(g, schema->min_inputs, schema->ninputs, schema->max_inputs, MOST_INPUTS);
    d.noutputs = count_between(g, schema->min_outputs, schema->noutputs, schema->max_outputs, MOST_OUTPUTS);
    if (d.ninputs) {
        const oo_schema_io *const io = oo__schema_input(schema, 0);
        if (!first_input(&d, io))
            return false;
        note(&d, io, d.inputs[0].datum);
        const oo_array *const a = d.inputs[0].datum->kind == OO_DATUM_TENSOR ? d.inputs[0].datum->array : NULL;
        d.rank = a && a->rank <= 8 ? a->rank : 0;
        if (d.rank)
            memcpy(d.dims, a->dims, d.rank * sizeof *d.dims);
    }
    oo_node *const node = d.node = oo__node_new(g->graph, *schema->domain_name ? schema->domain_name : NULL, schema->name, MOST_INPUTS, d.noutputs, 0);
    add_attrs(&d);
    const bool good = add_inputs(&d);
    node->ninputs = good ? d.ninputs : 0;
    for (uint32_t i = 0; i < node->ninputs; i++)
        if (d.inputs[i].value)
            oo__use_link(node, i, d.inputs[i].value);
    for (uint32_t i = 0; i < d.noutputs; i++) {
        const oo_schema_io *const io = oo__schema_output(schema, i);
        if (io && !(io->optional && i + 1 < d.noutputs && oo__likely(g, 25)))
            oo__node_set_output(node, i, oo__value_new(g->graph, NULL));
    }
    if (!good) {
        oo__graph_unlink(node);
        return false;
    }
    return oo__random_keep(g, node, d.inputs);
}
