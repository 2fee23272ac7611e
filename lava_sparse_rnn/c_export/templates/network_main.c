/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An example: tokens from standard input, answers to standard output, as they lie in
 * memory: ${prefix}_in and ${prefix}_out are $in_t and $out_t.
 *
 *     cc -std=c99 -O2 ${prefix}_main.c $prefix.c -o $prefix
 *     ./$prefix <tokens >answers
 *     ./$prefix 100 <tokens >answers    sequences of 100 tokens, each from a zero state
 *
 * With -D${PREFIX}_COUNT_OVERFLOWS, counts of numbers that did not fit go to standard
 * error, in the order of the enumeration in $prefix.h.
 */
#include <stdio.h>
#include <stdlib.h>

#include "$prefix.h"

int main(int argc, char **argv)
{
    static ${prefix}_state state;
    static ${prefix}_in in[${PREFIX}_D_IN];
    static ${prefix}_out out[${PREFIX}_D_OUT];
    unsigned long length = 0, token = 0;
    size_t got;

    if (argc > 1) {
        char *end;
        length = strtoul(argv[1], &end, 10);
        if (argc > 2 || *end != '\0' || length == 0 || argv[1][0] == '-') {
            fprintf(stderr, "usage: %s [tokens of a sequence]\n", argv[0]);
            return 2;
        }
    }
    ${prefix}_init(&state);
    while ((got = fread(in, sizeof *in, ${PREFIX}_D_IN, stdin)) == ${PREFIX}_D_IN) {
        if (length != 0 && token == length) {
            ${prefix}_reset(&state);
            token = 0;
        }
        ++token;
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
