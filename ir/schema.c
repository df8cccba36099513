/* The operator table and its lookup. Rows are parsed one by one, when first found. */
#include "ir/schema.h"

#include "base/diag.h"

#include <stdlib.h>
#include <string.h>

/* The traits as ops.def writes them. */
enum {
    PURE = OO_TRAIT_PURE,
    RANDOM = OO_TRAIT_RANDOM,
    TRAINING_RANDOM = OO_TRAIT_TRAINING_RANDOM,
    COMMUTATIVE = OO_TRAIT_COMMUTATIVE,
    ELEMENTWISE = OO_TRAIT_ELEMENTWISE,
    MOVEMENT = OO_TRAIT_MOVEMENT,
    CONTROL = OO_TRAIT_CONTROL,
    INVOLUTION = OO_TRAIT_INVOLUTION,
    IDEMPOTENT = OO_TRAIT_IDEMPOTENT,
    DEPRECATED = OO_TRAIT_DEPRECATED,
    EXPERIMENTAL = OO_TRAIT_EXPERIMENTAL,
    FUNCTION_BODY = OO_TRAIT_FUNCTION_BODY,
    CONTEXT_BODY = OO_TRAIT_CONTEXT_BODY,
    WIDENS = OO_TRAIT_WIDENS
};

static const struct {
    const char *name;
    int latest;
} domains[] = {
#define DOMAIN(short_name, name, latest) [OO_DOMAIN_##short_name] = {name, latest},
#include "ir/ops.def"
};

static const struct {
    const char *name, *types;
} groups[] = {
#define TYPES(name, types) {#name, types},
#include "ir/ops.def"
};

static const oo_schema_row rows[] = {
#define OP(domain, name, since, inputs, outputs, attributes, constraints, traits) \
    {OO_DOMAIN_##domain, traits, NULL, #name, since, inputs, outputs, attributes, constraints},
#include "ir/ops.def"
};

enum {
    NDOMAINS = sizeof domains / sizeof *domains,
    NGROUPS = sizeof groups / sizeof *groups,
    NROWS = sizeof rows / sizeof *rows
};

static oo_arena *arena;
static const oo_schema *parsed[NROWS];

const char *oo__schema_types(const char *name, size_t size) {
    for (size_t i = 0; i < NGROUPS; i++)
        if (strlen(groups[i].name) == size && memcmp(groups[i].name, name, size) == 0) return groups[i].types;
    return NULL;
}

static oo_domain domain_find(const char *name) {
    if (!name || strcmp(name, "ai.onnx") == 0) return OO_DOMAIN_ONNX;
    for (int i = 0; i < NDOMAINS; i++)
        if (strcmp(domains[i].name, name) == 0) return (oo_domain)i;
    return OO_DOMAIN_OTHER;
}

int oo__schema_latest_opset(const char *domain) {
    const oo_domain found = domain_find(domain);
    return found == OO_DOMAIN_OTHER ? 0 : domains[found].latest;
}

uint32_t oo__schema_count(void) { return NROWS; }

void oo__schema_free_all(void) {
    oo__arena_free(arena);
    arena = NULL;
    memset(parsed, 0, sizeof parsed);
}

const oo_schema *oo__schema_at(uint32_t index) {
    oo_require(index < NROWS, "no operator row %u", index);
    if (parsed[index]) return parsed[index];
    if (!arena) {
        static bool registered;
        if (!registered) registered = atexit(oo__schema_free_all) == 0;
        arena = oo__arena_new();
    }
    oo_schema_row row = rows[index];
    row.domain_name = domains[row.domain].name;
    const char *error = NULL;
    parsed[index] = oo__schema_parse(arena, &row, &error);
    oo_require(parsed[index], "ops.def: %s %lld: %s", row.name, (long long)row.since, error);
    return parsed[index];
}

static int row_compare(const oo_schema_row *row, oo_domain domain, const char *name, int64_t since) {
    if (row->domain != domain) return row->domain < domain ? -1 : 1;
    const int names = strcmp(row->name, name);
    return names != 0 ? names : (row->since > since) - (row->since < since);
}

/* The number of rows up to (domain, name, opset). */
static uint32_t rows_up_to(oo_domain domain, const char *name, int64_t opset) {
    uint32_t low = 0, high = NROWS;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (row_compare(&rows[middle], domain, name, opset) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const oo_schema *oo__schema_find(const char *domain, const char *name, int64_t opset) {
    const oo_domain found = domain_find(domain);
    if (found == OO_DOMAIN_OTHER || opset > domains[found].latest) return NULL;
    const uint32_t up_to = rows_up_to(found, name, opset);
    if (up_to == 0 || rows[up_to - 1].domain != found || strcmp(rows[up_to - 1].name, name) != 0) return NULL;
    return oo__schema_at(up_to - 1);
}

oo_schema_rows oo__schema_rows(const char *domain, const char *name) {
    const oo_domain found = domain_find(domain);
    if (found == OO_DOMAIN_OTHER) return (oo_schema_rows){0};
    const oo_schema_rows own = {rows_up_to(found, name, INT64_MIN), rows_up_to(found, name, INT64_MAX)};
    return own.from < own.to ? own : (oo_schema_rows){0};
}

const oo_schema *oo__schema_among(oo_schema_rows own, int64_t opset, bool newer) {
    if (own.to == 0 || (!newer && opset > domains[rows[own.from].domain].latest)) return NULL;
    for (uint32_t i = own.to; i > own.from; i--)
        if (rows[i - 1].since <= opset) return oo__schema_at(i - 1);
    return NULL;
}

bool oo__schema_means_same(const oo_schema *old, const oo_schema *now) {
    while (now && old && now != old && now->since > old->since && now->traits & OO_TRAIT_WIDENS)
        now = oo__schema_find(now->domain_name, now->name, now->since - 1);
    return now && now == old;
}

const oo_schema_attr *oo__schema_attr(const oo_schema *schema, const char *name) {
    for (uint32_t i = 0; i < schema->nattrs; i++)
        if (strcmp(schema->attrs[i].name, name) == 0) return &schema->attrs[i];
    return NULL;
}

static const oo_schema_io *io_at(const oo_schema_io *list, uint32_t count, uint32_t index) {
    if (index < count) return &list[index];
    return count > 0 && list[count - 1].variadic ? &list[count - 1] : NULL;
}

const oo_schema_io *oo__schema_input(const oo_schema *schema, uint32_t index) {
    return io_at(schema->inputs, schema->ninputs, index);
}

const oo_schema_io *oo__schema_output(const oo_schema *schema, uint32_t index) {
    return io_at(schema->outputs, schema->noutputs, index);
}
