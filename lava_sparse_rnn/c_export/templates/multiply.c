/* SPDX-License-Identifier: BSD-3-Clause */
/* A stored weight: it lies `gap` rows below the one before it in its column, the first
 * one `gap` rows below the top. Longer ways lead over weights of 0. */
typedef struct {
    uint8_t gap;
    int8_t weight;
} entry;

typedef struct {
    int32_t rows, columns;
    const $count_t *counts; /* entries in each column */
    const entry *entries;   /* column by column */
    const int8_t *dense;    /* instead of both: every weight, column by column */
} matrix;

/* acc += W in. A payload that is 0 costs one look at it: no event, no operation. */
static void multiply(const matrix *W, const $wire_t *in, int32_t *acc)
{
    const entry *e = W->entries;
    int32_t i, j;

    for (j = 0; j < W->columns; ++j) {
        const int32_t payload = in[j];
        if (W->dense) {
            const int8_t *weights = W->dense + (size_t)j * (size_t)W->rows;
            if (payload != 0)
                for (i = 0; i < W->rows; ++i)
                    acc[i] += weights[i] * payload;
        } else {
            const entry *end = e + W->counts[j];
            int32_t *to = acc;
            if (payload != 0)
                for (; e != end; ++e) {
                    to += e->gap;
                    *to += e->weight * payload;
                }
            e = end;
        }
    }
}
