/* Checks of a model as a whole: versions, operator sets, metadata, functions, training. */
#include "ir/check_run.h"

#include <limits.h>
#include <string.h>

enum { NEWEST_IR = 14, OPSETS_SINCE_IR = 3 };

static bool same_domain(const char *a, const char *b) {
    const char *const x = a && strcmp(a, "ai.onnx") != 0 ? a : "", *const y = b && strcmp(b, "ai.onnx") != 0 ? b : "";
    return strcmp(x, y) == 0;
}

/* ---- versions ---- */
/* What needs an IR version, as far as readers that stop at an older one would miss it. */
static void need_ir(oo__check_run *c, int version, bool used, const char *what) {
    if (used && c->model->ir_version > 0 && c->model->ir_version < version)
        oo__tell(c, DEFECT_IR_FEATURE, NULL, "%s came with IR version %d, the model says %lld", what, version, (long long)c->model->ir_version);
}

static bool any_graph(const oo_model *model, bool (*has)(const oo_graph *graph)) {
    oo_for_each_graph(graph, model) if (has(graph)) return true;
    return false;
}

static bool has_sparse(const oo_graph *graph) { return graph->sparse_initializers.n > 0; }
static bool has_metadata(const oo_graph *graph) {
    if (graph->metadata.n)
        return true;
    for (const oo_node *node = graph->first; node; node = node->next)
        if (node->extra && node->extra->metadata.n)
            return true;
    return false;
}

static bool has_overloads(const oo_graph *graph) { return graph->function && graph->function->overload && *graph->function->overload; }

void oo__check_ir_version(oo__check_run *c) {
    const oo_model *const m = c->model;
    if (m->ir_version == 0)
        oo__tell(c, DEFECT_IR_VERSION, NULL, "the model has no ir_version");
    else if (m->ir_version < 0 || m->ir_version > NEWEST_IR)
        oo__tell(c, DEFECT_IR_VERSION, NULL, "IR version %lld is unknown: versions 1 to %d are", (long long)m->ir_version, NEWEST_IR);
    if (m->ir_version >= OPSETS_SINCE_IR && !m->opsets.n)
        oo__tell(c, DEFECT_OPSET, NULL, "the model imports no operator set: since IR version %d it must", OPSETS_SINCE_IR);
    if (m->ir_version < OPSETS_SINCE_IR && m->opsets.n)
        oo__tell(c, DEFECT_IR_VERSION, NULL, "the model imports operator sets: before IR version %d there are none", OPSETS_SINCE_IR);
    need_ir(c, 5, any_graph(m, has_sparse), "sparse initializers");
    need_ir(c, 7, m->trainings.n > 0, "training graphs");
    need_ir(c, 8, m->functions.n > 0, "local functions");
    need_ir(c, 10, any_graph(m, has_overloads), "overloads of functions");
    need_ir(c, 10, any_graph(m, has_metadata), "metadata of graphs and nodes");
    need_ir(c, 11, m->configurations.n > 0, "device configurations");
}

void oo__check_elem_version(oo__check_run *c, int32_t elem, const oo_value *value) {
    static const uint8_t since[OO_ELEM_COUNT] = {
        [OO_BFLOAT16] = 4,       [OO_FLOAT8E4M3FN] = 9,  [OO_FLOAT8E4M3FNUZ] = 9, [OO_FLOAT8E5M2] = 9, [OO_FLOAT8E5M2FNUZ] = 9,
        [OO_UINT4] = 10,         [OO_INT4] = 10,         [OO_FLOAT4E2M1] = 11,    [OO_FLOAT8E8M0] = 12, [OO_UINT2] = 13,
        [OO_INT2] = 13,          [OO_FLOAT6E2M3] = 14,   [OO_FLOAT6E3M2] = 14,
    };
    if (oo__elem_name(elem) && c->model->ir_version > 0 && c->model->ir_version < since[elem])
        oo__tell(c, DEFECT_IR_FEATURE, value, "the type %s came with IR version %u, the model says %lld", oo__elem_name(elem), since[elem],
                 (long long)c->model->ir_version);
}

/* ---- operator sets ---- */
static void check_opset(oo__check_run *c, const oo_opset *o) {
    const int latest = oo__schema_latest_opset(o->domain);
    const char *const domain = o->domain && *o->domain ? oo__shown(o->domain) : "ai.onnx";
    if (o->version < INT_MIN || o->version > INT_MAX)
        oo__tell(c, DEFECT_OPSET, NULL, "version %lld of the operator set \"%s\" is out of range", (long long)o->version, domain);
    else if (latest && o->version < 1)
        oo__tell(c, DEFECT_OPSET, NULL, "version %lld of the operator set \"%s\" does not exist: the first is 1", (long long)o->version, domain);
    else if (latest && o->version > latest)
        oo__tell(c, DEFECT_OPSET_ODD, NULL, "version %lld of the operator set \"%s\" is not known; its operators are checked as of version %d",
                 (long long)o->version, domain, latest);
}

/* Interned, and the same for both spellings of ONNX's own set. */
static const char *canonical(const oo__check_run *c, const char *domain) { return same_domain(domain, NULL) ? c->model->empty : domain; }

/* The slot of a domain holds its first import. */
static void check_opset_list(oo__check_run *c, const oo_opsets *opsets) {
    for (uint32_t i = 0; i < opsets->n; i++) {
        oo_opset *const o = &opsets->data[i];
        void **const slot = oo__str_slot(canonical(c, o->domain));
        const oo_opset *const first = *slot;
        check_opset(c, o);
        if (first)
            oo__tell(c, DEFECT_OPSET_ODD, NULL, "the operator set \"%s\" is imported twice, in versions %lld and %lld", oo__shown(o->domain),
                     (long long)first->version, (long long)o->version);
        else
            *slot = o;
    }
    for (uint32_t i = 0; i < opsets->n; i++)
        *oo__str_slot(canonical(c, opsets->data[i].domain)) = NULL;
}

void oo__check_opsets(oo__check_run *c) { check_opset_list(c, &c->model->opsets); }

/* ---- metadata ---- */
/* Names are interned: the slot of one marks that it was seen. */
static char seen;

void oo__check_props(oo__check_run *c, oo__defect defect, const oo_props *props, const oo_value *value, const char *of) {
    for (uint32_t i = 0; i < props->n; i++) {
        const char *const key = props->data[i].key ? props->data[i].key : c->model->empty;
        if (*oo__str_slot(key) == &seen)
            oo__tell(c, defect, value, "the metadata of %s have the key \"%s\" twice", of, oo__shown(key));
        *oo__str_slot(key) = &seen;
    }
    for (uint32_t i = 0; i < props->n; i++)
        *oo__str_slot(props->data[i].key ? props->data[i].key : c->model->empty) = NULL;
}

void oo__check_model_metadata(oo__check_run *c) { oo__check_props(c, DEFECT_METADATA, &c->model->metadata, NULL, "the model"); }

/* ---- functions ---- */
static void check_function_head(oo__check_run *c, const oo_function *f) {
    if (!f->name || !*f->name)
        oo__tell(c, DEFECT_FUNCTION, NULL, "the function has no name");
    if (!f->domain && c->model->ir_version >= 8)
        oo__tell(c, DEFECT_FUNCTION, NULL, "the function has no domain");
}

static void check_function_outputs(oo__check_run *c, const oo_function *f) {
    const oo_value_infos *const outputs = &f->graph->outputs;
    for (uint32_t i = 0; i < outputs->n; i++) {
        if (*oo__str_slot(outputs->data[i].name) == &seen)
            oo__tell(c, DEFECT_FUNCTION, NULL, "output \"%s\" is listed twice", oo__shown(outputs->data[i].name));
        *oo__str_slot(outputs->data[i].name) = &seen;
    }
    for (uint32_t i = 0; i < outputs->n; i++)
        *oo__str_slot(outputs->data[i].name) = NULL;
}

static void check_function_attributes(oo__check_run *c, const oo_function *f) {
    const uint32_t count = f->attributes.n + f->defaults.n;
    for (uint32_t i = 0; i < count; i++) {
        const char *const name = i < f->attributes.n ? f->attributes.data[i] : f->defaults.data[i - f->attributes.n]->name;
        if (*oo__str_slot(name) == &seen)
            oo__tell(c, DEFECT_FUNCTION, NULL, "attribute \"%s\" is declared twice", oo__shown(name));
        *oo__str_slot(name) = &seen;
    }
    for (uint32_t i = 0; i < count; i++)
        *oo__str_slot(i < f->attributes.n ? f->attributes.data[i] : f->defaults.data[i - f->attributes.n]->name) = NULL;
}

/* The version that the model as a whole imports: its own, else that of the first function that has one. */
static int64_t version_of_model(const oo_model *m, const char *domain) {
    const int64_t own = oo_model_opset(m, domain);
    for (uint32_t i = 0; !own && i < m->functions.n; i++) {
        const oo_opsets *const list = &m->functions.data[i]->opsets;
        for (uint32_t k = 0; k < list->n; k++)
            if (same_domain(list->data[k].domain, domain))
                return list->data[k].version;
    }
    return own;
}

typedef struct imports {
    const char *domains[OO_DOMAIN_OTHER]; /* as operators have them: interned */
    int64_t versions[OO_DOMAIN_OTHER];
} imports;

/* Searched once a domain: a model may have many functions. */
static int64_t imported(imports *known, const oo_model *m, const char *domain) {
    for (int i = 0; i < OO_DOMAIN_OTHER; i++) {
        if (!known->domains[i]) {
            known->domains[i] = domain;
            known->versions[i] = version_of_model(m, domain);
        }
        if (known->domains[i] == domain)
            return known->versions[i];
    }
    return 0;
}

/* A function may be inlined into the model only where both mean the same operators. */
static void check_function_opset(oo__check_run *c, const oo_node *node, imports *known) {
    const char *const domain = node->op->domain;
    const int64_t latest = oo__schema_latest_opset(domain);
    if (!latest)
        return;
    const int64_t outside = imported(known, c->model, domain), inside = oo_graph_opset(node->graph, domain);
    if (!outside || outside == inside)
        return;
    const oo_schema *const a = oo__schema_find(domain, node->op->name, outside > latest ? latest : outside);
    const oo_schema *const b = oo__schema_find(domain, node->op->name, inside > latest ? latest : inside);
    if (a == b)
        return;
    c->node = node;
    oo__tell(c, DEFECT_FUNCTION_OPSET, NULL, "the function imports version %lld of the operator set, the model %lld, and the operator differs",
             (long long)inside, (long long)outside);
    c->node = NULL;
}

void oo__check_functions(oo__check_run *c) {
    imports known = {0};
    for (uint32_t i = 0; i < c->model->functions.n; i++) {
        const oo_function *const f = c->model->functions.data[i];
        c->graph = f->graph;
        check_function_head(c, f);
        check_function_outputs(c, f);
        check_function_attributes(c, f);
        check_opset_list(c, &f->opsets);
        oo__check_props(c, DEFECT_METADATA_TWICE, &f->metadata, NULL, "the function");
        for (const oo_node *node = f->graph->first; node && c->model->ir_version >= 8; node = node->next)
            check_function_opset(c, node, &known);
    }
    c->graph = NULL;
}

/* ---- training ---- */
static void mark_initializers(const oo_graph *graph, void *mark) {
    for (uint32_t i = 0; graph && i < graph->initializers.n; i++)
        *oo__str_slot(graph->initializers.data[i]->name) = mark;
}

static void mark_outputs(const oo_graph *graph, void *mark) {
    for (uint32_t i = 0; graph && i < graph->outputs.n; i++)
        if (graph->outputs.data[i].name)
            *oo__str_slot(graph->outputs.data[i].name) = mark;
}

static bool is_marked(const char *name) { return name && *oo__str_slot(name) == &seen; }

/* A binding says which initializer gets which output of its graph. */
static void check_binding(oo__check_run *c, const oo_training *t, const oo_props *binding, const oo_graph *from, const char *what) {
    mark_initializers(c->model->graph, &seen);
    mark_initializers(t->algorithm, &seen);
    for (uint32_t i = 0; i < binding->n; i++)
        if (!is_marked(binding->data[i].key))
            oo__tell(c, DEFECT_TRAINING, NULL, "the %s binding sets \"%s\", which is no initializer", what, oo__shown(binding->data[i].key));
    mark_initializers(c->model->graph, NULL);
    mark_initializers(t->algorithm, NULL);
    mark_outputs(from, &seen);
    for (uint32_t i = 0; i < binding->n; i++)
        if (!is_marked(binding->data[i].value))
            oo__tell(c, DEFECT_TRAINING, NULL, "the %s binding takes \"%s\", which is no output of its graph", what,
                     oo__shown(binding->data[i].value));
    mark_outputs(from, NULL);
}

void oo__check_trainings(oo__check_run *c) {
    for (uint32_t i = 0; i < c->model->trainings.n; i++) {
        const oo_training *const t = c->model->trainings.data[i];
        check_binding(c, t, &t->initialization_binding, t->initialization, "initialization");
        check_binding(c, t, &t->update_binding, t->algorithm, "update");
    }
}
