/* Types as text, for messages. */
#include "ir/expr.h"
#include "ir/ir.h"

#include <string.h>

static const char *elem_text(int32_t elem) { return oo__elem_name(elem) ? oo__elem_name(elem) : "undefined"; }

static const char *dim_text(const oo_dim *d, oo_arena *arena) {
    if (d->kind == OO_DIM_VALUE)
        return oo__arena_printf(arena, "%lld", (long long)d->value);
    const char *const text = d->kind == OO_DIM_PARAM ? d->param : d->expr ? oo__expr_print(d->expr, arena) : NULL;
    return text && *text ? oo__printable(text, strlen(text)) : "?";
}

static const char *shape_text(const oo_type *type, oo_arena *arena) {
    enum { SHOWN = 8 };
    if (!type->has_shape)
        return "";
    const char *text = "[";
    for (uint32_t i = 0; i < type->rank && i < SHOWN; i++)
        text = oo__arena_printf(arena, "%s%s%s", text, i ? "," : "", dim_text(&type->dims[i], arena));
    return oo__arena_printf(arena, "%s%s]", text, type->rank > SHOWN ? ",..." : "");
}

static const char *type_text(const oo_type *type, oo_arena *arena, unsigned depth) {
    if (!type || depth == 0)
        return "unknown";
    const char *const inner = type->inner ? type_text(type->inner, arena, depth - 1) : "unknown";
    switch (type->kind) {
    case OO_TYPE_TENSOR: return oo__arena_printf(arena, "tensor(%s)%s", elem_text(type->elem), shape_text(type, arena));
    case OO_TYPE_SPARSE_TENSOR: return oo__arena_printf(arena, "sparse_tensor(%s)%s", elem_text(type->elem), shape_text(type, arena));
    case OO_TYPE_SEQUENCE: return oo__arena_printf(arena, "seq(%s)", inner);
    case OO_TYPE_OPTIONAL: return oo__arena_printf(arena, "optional(%s)", inner);
    case OO_TYPE_MAP: return oo__arena_printf(arena, "map(%s,%s)", elem_text(type->elem), inner);
    case OO_TYPE_OPAQUE: return "opaque";
    default: return "unknown";
    }
}

const char *oo__type_text(const oo_type *type, oo_arena *arena) { return type_text(type, arena, 8); }
