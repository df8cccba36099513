#include "cli/json.h"
#include "cli/profile.h"

#include <stdlib.h>
#include <string.h>

typedef struct row {
    const oo_node *node;
    const oo_op *op;
    uint64_t calls;
    double seconds;
} row;

struct oo_profile {
    oo_arena *arena;
    row *rows; /* by node id */
    uint32_t count;
};

oo_profile *oo__profile_new(const oo_model *model) {
    oo_arena *const arena = oo__arena_new();
    oo_profile *const p = OO_NEW(arena, oo_profile);
    p->arena = arena;
    p->count = model->nnodes;
    p->rows = OO_NEW_ARRAY(arena, row, p->count);
    return p;
}

void oo__profile_free(oo_profile *p) {
    if (p)
        oo__arena_free(p->arena);
}

void oo__profile_watch(void *profile, const oo_node *node, oo_datum *const *outputs, double seconds) {
    (void)outputs;
    row *const r = &((oo_profile *)profile)->rows[node->id];
    r->node = node;
    r->op = node->op;
    r->calls++;
    r->seconds += seconds;
}

static int slowest_first(const void *a, const void *b) {
    const row *const x = a, *const y = b;
    if (x->seconds != y->seconds)
        return x->seconds > y->seconds ? -1 : 1;
    return x->node && y->node ? (x->node->id > y->node->id) - (x->node->id < y->node->id) : 0;
}

static row *nodes_of(const oo_profile *p, uint32_t *count) {
    row *const rows = OO_NEW_ARRAY(p->arena, row, p->count);
    *count = 0;
    for (uint32_t i = 0; i < p->count; i++)
        if (p->rows[i].calls)
            rows[(*count)++] = p->rows[i];
    qsort(rows, *count, sizeof *rows, slowest_first);
    return rows;
}

static row *operators_of(const oo_profile *p, uint32_t *count) {
    row *const rows = OO_NEW_ARRAY(p->arena, row, p->count);
    *count = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        const row *const r = &p->rows[i];
        uint32_t k = 0;
        while (k < *count && rows[k].op != r->op)
            k++;
        if (!r->calls)
            continue;
        if (k == *count)
            rows[(*count)++] = (row){.node = r->node, .op = r->op};
        rows[k].calls += r->calls;
        rows[k].seconds += r->seconds;
    }
    qsort(rows, *count, sizeof *rows, slowest_first);
    return rows;
}

/* ---- text ---- */
static const char *label(const oo_profile *p, const oo_node *node) {
    if (node->name && *node->name)
        return oo__printable(node->name, strlen(node->name));
    const oo_value *const out = node->noutputs ? node->outputs[0] : NULL;
    return oo__arena_printf(p->arena, "-> %s", out && out->name ? oo__printable(out->name, strlen(out->name)) : "");
}

static void put_table(FILE *f, const oo_profile *p, const row *rows, uint32_t count, double seconds, bool by_node) {
    fprintf(f, "%12s  %6s  %8s  %-24s%s\n", "time", "share", "calls", "operator", by_node ? "node" : "");
    for (uint32_t i = 0; i < count; i++) {
        const row *const r = &rows[i];
        const char *const domain = *r->op->domain ? oo__arena_printf(p->arena, "%s.", r->op->domain) : "";
        const char *const op = oo__arena_printf(p->arena, "%s%s", domain, r->op->name);
        fprintf(f, "%9.3f ms  %5.1f%%  %8llu  %-24s%s\n", r->seconds * 1e3, seconds > 0 ? r->seconds / seconds * 100 : 0.0,
                (unsigned long long)r->calls, oo__printable(op, strlen(op)), by_node ? label(p, r->node) : "");
    }
}

/* ---- JSON ---- */
static cJSON *row_json(const oo_profile *p, const row *r, bool by_node) {
    cJSON *const object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "op", oo__printable(r->op->name, strlen(r->op->name)));
    cJSON_AddStringToObject(object, "domain", oo__printable(r->op->domain, strlen(r->op->domain)));
    if (by_node) {
        const char *const name = r->node->name ? r->node->name : "";
        cJSON_AddStringToObject(object, "node", oo__printable(name, strlen(name)));
        cJSON_AddStringToObject(object, "graph", oo__graph_path(r->node->graph, p->arena));
    }
    cJSON_AddNumberToObject(object, "calls", (double)r->calls);
    cJSON_AddNumberToObject(object, "seconds", r->seconds);
    return object;
}

static void put_json(FILE *f, const oo_profile *p, double seconds) {
    cJSON *const all = cJSON_CreateObject();
    cJSON_AddNumberToObject(all, "v", 1);
    cJSON_AddStringToObject(all, "type", "profile");
    cJSON_AddNumberToObject(all, "seconds", seconds);
    uint32_t count;
    for (int by_node = 0; by_node < 2; by_node++) {
        const row *const rows = by_node ? nodes_of(p, &count) : operators_of(p, &count);
        cJSON *const list = cJSON_AddArrayToObject(all, by_node ? "nodes" : "operators");
        for (uint32_t i = 0; i < count; i++)
            cJSON_AddItemToArray(list, row_json(p, &rows[i], by_node != 0));
    }
    oo__put_json(f, all, false);
}

void oo__profile_print(FILE *f, const oo_profile *p, double seconds, bool json) {
    if (json) {
        put_json(f, p, seconds);
        return;
    }
    uint32_t count;
    const row *const operators = operators_of(p, &count);
    put_table(f, p, operators, count, seconds, false);
    fputc('\n', f);
    const row *const nodes = nodes_of(p, &count);
    put_table(f, p, nodes, count, seconds, true);
    fprintf(f, "%9.3f ms  in all; the time of inner graphs is in the node around them too\n", seconds * 1e3);
}
