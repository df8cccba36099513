#include "passes/whole_numbers.h"

bool oo__whole_numbers(int64_t *out, uint32_t *count, uint32_t most, const oo_value *value) {
    const oo_tensor *const tensor = value ? oo_value_const(value) : NULL;
    if (!tensor || oo_tensor_count(tensor) > most)
        return false;
    *count = (uint32_t)oo_tensor_count(tensor);
    if (oo_tensor_elem(tensor) == OO_INT64)
        return oo_tensor_read(tensor, 0, *count, out);
    if (oo_tensor_elem(tensor) != OO_INT32)
        return false;
    for (uint32_t i = 0; i < *count; i++) {
        int32_t narrow;
        if (!oo_tensor_read(tensor, i, 1, &narrow))
            return false;
        out[i] = narrow;
    }
    return true;
}

bool oo__whole_number(int64_t *out, const oo_value *value) {
    uint32_t count;
    return oo__whole_numbers(out, &count, 1, value) && count == 1;
}
