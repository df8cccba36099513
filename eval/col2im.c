/* Col2Im: adds up the columns of blocks that slide over an image. */
#include "eval/indices.h"
#include "eval/kernels.h"

/* One dimension of the image: the block's length along it, and where it goes. */
typedef struct sliding {
    int64_t image, block, dilation, stride, before, steps;
} sliding;

static int64_t item(const oo__list *list, uint32_t i, int64_t absent) { return list->given ? list->items[i] : absent; }

/* How often a block fits; false when the numbers make no sense. */
static bool slide(sliding *s, int64_t after) {
    const int64_t huge =
        INT64_C(1) << 40; /* far above any array, and sums of products of such numbers do not overflow */
    if (s->image < 0 || s->block < 1 || s->dilation < 1 || s->stride < 1 || s->before < 0 || after < 0)
        return false;
    if (s->image > huge || s->before > huge || after > huge || s->stride > huge ||
        oo__times(s->dilation, s->block) > huge)
        return false;
    const int64_t room = s->image + s->before + after - s->dilation * (s->block - 1) - 1;
    s->steps = room < 0 ? 0 : room / s->stride + 1;
    return true;
}

static bool read_dims(const oo__call *c, sliding *dims, uint32_t *rank) {
    oo__list image, block, dilations, pads, strides;
    if (!oo__list_of(c, 1, NULL, &image) || !oo__list_of(c, 2, NULL, &block) ||
        !oo__list_attr(c, "dilations", &dilations) || !oo__list_attr(c, "pads", &pads) ||
        !oo__list_attr(c, "strides", &strides))
        return false;
    const uint32_t r = *rank = image.count;
    bool fits = r && r + 2 <= OO__MAX_RANK && block.count == r && (!dilations.given || dilations.count == r) &&
                (!pads.given || pads.count == 2 * r) && (!strides.given || strides.count == r);
    for (uint32_t k = 0; fits && k < r; k++) {
        dims[k] = (sliding){image.items[k],       block.items[k],    item(&dilations, k, 1),
                            item(&strides, k, 1), item(&pads, k, 0), 0};
        fits = slide(&dims[k], item(&pads, r + k, 0));
    }
    if (!fits)
        oo__eval_fail(c, "image_shape, block_shape, dilations, pads and strides do not fit");
    return fits;
}

/* Adds element `place` of the block at step `step` to a plane of the image that begins at `start`. */
static void add_element(oo_array *out, uint64_t start, const oo_array *x, uint64_t from, const sliding *dims,
                        uint32_t rank, uint64_t place, uint64_t step, oo__combiner add) {
    uint64_t at = 0, scale = 1;
    for (uint32_t k = rank; k-- > 0;) {
        if (!dims[k].steps)
            return; /* then the input has no elements either */
        const int64_t i = (int64_t)(step % (uint64_t)dims[k].steps) * dims[k].stride - dims[k].before +
                          (int64_t)(place % (uint64_t)dims[k].block) * dims[k].dilation;
        if (i < 0 || i >= dims[k].image)
            return;
        at += (uint64_t)i * scale;
        scale *= (uint64_t)dims[k].image;
        step /= (uint64_t)dims[k].steps;
        place /= (uint64_t)dims[k].block;
    }
    add(out, start + at, x, from);
}

/* input [N, C * block, steps] to [N, C, image]. */
oo_status oo__kernel_col2im(oo__call *c) {
    const oo_array *x;
    sliding dims[OO__MAX_RANK];
    uint32_t rank;
    if (!oo__need(c, 0, &x) || !read_dims(c, dims, &rank))
        return OO_INVALID;
    int64_t block = 1, steps = 1, shape[OO__MAX_RANK];
    for (uint32_t k = 0; k < rank; k++) {
        block = oo__times(block, dims[k].block);
        steps = oo__times(steps, dims[k].steps);
        shape[2 + k] = dims[k].image;
    }
    if (x->rank != 3 || x->dims[1] % block != 0 || x->dims[2] != steps)
        return oo__eval_fail(c, "the input is not [N, C * %lld, %lld]", (long long)block, (long long)steps);
    const oo__combiner add = oo__combiner_of("add", x->elem);
    if (!add)
        return oo__eval_unsupported(c, "element type %s", oo__elem_name((int32_t)x->elem));
    shape[0] = x->dims[0];
    shape[1] = x->dims[1] / block;
    oo_array *const out = oo__array_new(x->elem, rank + 2, shape);
    if (!out || !out->count)
        return oo__set(c, 0, out);
    oo__fill_zero(out);
    const uint64_t plane = oo__product(shape, 2, rank + 2);
    for (uint64_t i = 0; i < x->count; i++) {
        const uint64_t row = i / (uint64_t)steps; /* of [N, C, block] */
        add_element(out, row / (uint64_t)block * plane, x, i, dims, rank, row % (uint64_t)block, i % (uint64_t)steps,
                    add);
    }
    return oo__set(c, 0, out);
}
