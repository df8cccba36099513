/* What Resize and Upsample are told, made uniform: one entry for each dimension. Private to eval/. */
#ifndef EVAL_RESIZE_H
#define EVAL_RESIZE_H
#include "eval/move.h"

typedef enum oo__interpolation { OO__NEAREST, OO__LINEAR, OO__CUBIC } oo__interpolation;
/* How a coordinate of the output becomes one of the input. */
typedef enum oo__coordinates {
    OO__HALF_PIXEL,
    OO__HALF_PIXEL_SYMMETRIC,
    OO__PYTORCH_HALF_PIXEL,
    OO__HALF_PIXEL_FOR_NN,
    OO__ALIGN_CORNERS,
    OO__ASYMMETRIC,
    OO__CROP_AND_RESIZE
} oo__coordinates;
/* Which neighbour is nearest; BY_SCALE is opset 10's: the one above when the dimension shrinks, else the one below. */
typedef enum oo__nearness { OO__PREFER_FLOOR, OO__PREFER_CEIL, OO__FLOOR, OO__CEIL, OO__BY_SCALE } oo__nearness;

typedef struct oo__resize_dim {
    int64_t in, out;
    double scale;
    double start, end; /* region of interest, in [0, 1] of the input */
} oo__resize_dim;

typedef struct oo__resizing {
    oo__interpolation mode;
    oo__coordinates coordinates;
    oo__nearness nearness;
    bool antialias, exclude_outside;
    double cubic_a, extrapolation;
    oo__resize_dim dims[OO__MAX_RANK];
} oo__resizing;

/* Weights of the input's elements in each of those of the output, along one dimension. Indices outside stand for the border. */
typedef struct oo__taps {
    uint32_t count;  /* for each output element */
    int64_t *first;  /* [out] index of the first one; INT64_MIN: the extrapolation value instead */
    double *weights; /* [out, count] */
} oo__taps;

/* Where output index i lies in the input. */
double oo__resize_coordinate(const oo__resizing *r, const oo__resize_dim *d, int64_t i);
/* Whether such a coordinate takes the extrapolation value. */
bool oo__resize_is_outside(const oo__resizing *r, const oo__resize_dim *d, double x);
bool oo__resize_changes(const oo__resizing *r, const oo__resize_dim *d);
/* OO__LINEAR and OO__CUBIC; release with oo__taps_free. */
oo__taps oo__taps_new(const oo__resizing *r, const oo__resize_dim *d);
void oo__taps_free(oo__taps *taps);
#endif
