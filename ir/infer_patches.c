/* Operators over patches of images: Col2Im, RoiAlign, MaxRoiPool, ImageDecoder; sizes of Resize that keep the aspect ratio. */
#include "ir/infer_run.h"

enum { MAX_RANK = 64 };

/* input [N, C * product(block), L], image_shape, block_shape -> [N, C, image_shape...]. */
oo_status oo__infer_col2im(oo__infer *c) {
    const oo_elem elem = oo__input_elem(c, 0);
    const oo_known *const image = oo__input_known(c, 1), *const block = oo__input_known(c, 2);
    int64_t n = 0;
    const oo_expr *const length = oo__input_dim(c, 1, 0), *const blocks = oo__input_dim(c, 2, 0);
    if (oo__input_rank(c, 0) >= 0 && oo__input_rank(c, 0) != 3)
        return oo__infer_fail(c, "the input has rank %d, not 3", oo__input_rank(c, 0));
    if (length && blocks && oo__expr_equal(c->exprs, length, blocks) == OO_NO)
        return oo__infer_fail(c, "image_shape and block_shape have different lengths");
    const oo_expr *product = block ? oo__number(c, 1) : NULL;
    for (uint32_t i = 0; block && i < block->count; i++) {
        if (block->items[i].numerator && oo__expr_high(block->items[i].numerator) < 1)
            return oo__infer_fail(c, "block_shape is not positive along axis %u", i);
        product = oo__dim_mul(c, product, block->items[i].numerator);
    }
    const bool sized = (length && oo__expr_is_int(length, &n)) || (blocks && oo__expr_is_int(blocks, &n));
    if (!sized || n < 0 || n > MAX_RANK - 2) {
        oo__set_tensor(c, 0, elem, -1, NULL);
        return OO_OK;
    }
    const oo_expr *dims[MAX_RANK] = {oo__input_dim(c, 0, 0), oo__expr_exact_div(c->exprs, oo__input_dim(c, 0, 1), product)};
    for (uint32_t i = 0; image && i < image->count && i < (uint32_t)n; i++)
        dims[i + 2] = image->items[i].numerator;
    oo__set_tensor(c, 0, elem, (int32_t)n + 2, dims);
    return OO_OK;
}

/* X [N, C, H, W], rois [R, 4], batch_indices [R] -> [R, C, output_height, output_width]. */
oo_status oo__infer_roi_align(oo__infer *c) {
    static const int32_t RANKS[] = {4, 2, 1};
    int64_t height, width;
    for (uint32_t i = 0; i < 3; i++)
        if (oo__input_rank(c, i) >= 0 && oo__input_rank(c, i) != RANKS[i])
            return oo__infer_fail(c, "input %u has rank %d, not %d", i, oo__input_rank(c, i), RANKS[i]);
    const oo_expr *const rois = oo__input_dim(c, 1, 0), *const batches = oo__input_dim(c, 2, 0);
    oo__infer_equal_sizes(c, rois, batches, "the numbers of regions and batch indices");
    const bool h = oo__infer_int(c, &height, "output_height", 1), w = oo__infer_int(c, &width, "output_width", 1);
    oo__set_tensor(c, 0, oo__input_elem(c, 0), 4,
                   (const oo_expr *const[]){rois ? rois : batches, oo__input_dim(c, 0, 1), h ? oo__number(c, height) : NULL,
                                            w ? oo__number(c, width) : NULL});
    return OO_OK;
}

/* X [N, C, H, W], rois [R, 5] -> [R, C, pooled_shape...]. */
oo_status oo__infer_max_roi_pool(oo__infer *c) {
    const int64_t *pooled;
    uint32_t n;
    const bool known = oo__infer_ints(c, &pooled, &n, "pooled_shape") && n == 2;
    oo__set_tensor(c, 0, oo__input_elem(c, 0), 4,
                   (const oo_expr *const[]){oo__input_dim(c, 1, 0), oo__input_dim(c, 0, 1), known ? oo__number(c, pooled[0]) : NULL,
                                            known ? oo__number(c, pooled[1]) : NULL});
    return OO_OK;
}

/* [height, width, channels], as the encoded image says. */
oo_status oo__infer_image_decoder(oo__infer *c) {
    const char *const format = oo__infer_string(c, "pixel_format", "RGB");
    const oo_expr *const height = oo__infer_symbol(c, "height", 0, INT64_MAX), *const width = oo__infer_symbol(c, "width", 0, INT64_MAX);
    oo__set_tensor(c, 0, OO_UINT8, 3,
                   (const oo_expr *const[]){height, width, format ? oo__number(c, format[0] == 'G' ? 1 : 3) : NULL});
    return OO_OK;
}

/* One scale, sizes[k] / dims[axes[k]] of the axis where it is least (or greatest), for all axes; results are rounded half up. Numbers only:
 * false when some size is not one. */
bool oo__resize_by_aspect(oo__infer *c, const oo_expr **dims, const int64_t *axes, const oo_known *sizes, bool not_larger) {
    int64_t numerator = 0, denominator = 0, size, dim;
    for (uint32_t k = 0; k < sizes->count; k++) {
        const oo_expr *const wanted = sizes->items[k].numerator, *const have = dims[axes[k]];
        if (!wanted || !have || !oo__expr_is_int(wanted, &size) || !oo__expr_is_int(have, &dim) || size < 0 || dim < 1 ||
            size > INT32_MAX || dim > INT32_MAX)
            return false;
        const int64_t here = size * (denominator ? denominator : 1), best = numerator * dim;
        if (!denominator || (not_larger ? here < best : here > best))
            numerator = size, denominator = dim;
    }
    for (uint32_t k = 0; k < sizes->count; k++) {
        (void)oo__expr_is_int(dims[axes[k]], &dim);
        const int64_t product = dim * numerator, whole = product / denominator, rest = product % denominator;
        dims[axes[k]] = oo__number(c, whole + (2 * rest >= denominator));
    }
    return true;
}
