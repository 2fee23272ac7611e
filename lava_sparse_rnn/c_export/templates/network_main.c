/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An example: tokens from standard input, answers to standard output, as they lie in
 * memory: ${prefix}_in and ${prefix}_out are $in_t and $out_t.
 *
 *     cc -std=c99 -O2 ${prefix}_main.c $prefix.c -o $prefix
 *     ./$prefix <tokens >answers
 *
 * With -D${PREFIX}_COUNT_OVERFLOWS, counts of numbers that did not fit go to standard
 * error, in the order of the enumeration in $prefix.h.
 */
#include <stdio.h>

#include "$prefix.h"

int main(void)
{
    static ${prefix}_state state;
    static ${prefix}_in in[${PREFIX}_D_IN];
    static ${prefix}_out out[${PREFIX}_D_OUT];
    size_t got;

    ${prefix}_init(&state);
    while ((got = fread(in, sizeof *in, ${PREFIX}_D_IN, stdin)) == ${PREFIX}_D_IN) {
        if (${prefix}_step(&state, in, out) != 0) {
            fprintf(stderr, "a number does not fit %d bits\n", ${PREFIX}_IN_BITS);
            return 1;
        }
        if (fwrite(out, sizeof *out, ${PREFIX}_D_OUT, stdout) != ${PREFIX}_D_OUT) {
            perror("standard output");
            return 1;
        }
    }
    if (got != 0) {
        fprintf(stderr, "the last token is not complete\n");
        return 1;
    }
#ifdef ${PREFIX}_COUNT_OVERFLOWS
    {
        int i;
        for (i = 0; i < ${PREFIX}_TENSORS; ++i)
            fprintf(stderr, "%lu\n", (unsigned long)state.overflows[i]);
    }
#endif
    return fflush(stdout) == 0 ? 0 : 1;
}
