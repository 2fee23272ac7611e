/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An example: tokens from standard input, answers to standard output, as they lie in
 * memory: ${prefix}_in and ${prefix}_out are $in_t and $out_t.
 *
 *     cc -std=c99 -O2 ${prefix}_main.c $prefix.c -o $prefix
 *     ./$prefix <tokens >answers
 *     ./$prefix 100 <tokens >answers    sequences of 100 tokens, each from a zero state
 *     ./$prefix 9 7 8 <tokens >answers  one of 9, one of 7, and all others of 8
 *
 * With -D${PREFIX}_COUNT_OVERFLOWS, counts of numbers that did not fit go to standard
 * error, in the order of the enumeration in $prefix.h.
 */
#include <stdio.h>
#include <stdlib.h>

#include "$prefix.h"

/* Tokens of a sequence; 0 where the text is no such number. */
static unsigned long length_of(const char *text)
{
    char *end;
    unsigned long length = strtoul(text, &end, 10);

    return *end != '\0' || text[0] == '-' ? 0 : length;
}

int main(int argc, char **argv)
{
    static ${prefix}_state state;
    static ${prefix}_in in[${PREFIX}_D_IN];
    static ${prefix}_out out[${PREFIX}_D_OUT];
    unsigned long length, token = 0;
    size_t got;
    int which;

    for (which = 1; which < argc; ++which) {
        if (length_of(argv[which]) == 0) {
            fprintf(stderr, "usage: %s [tokens of a sequence ...]\n", argv[0]);
            return 2;
        }
    }
    which = 1;
    length = argc > 1 ? length_of(argv[which]) : 0;
    ${prefix}_init(&state);
    while ((got = fread(in, sizeof *in, ${PREFIX}_D_IN, stdin)) == ${PREFIX}_D_IN) {
        if (length != 0 && token == length) {
            ${prefix}_reset(&state);
            token = 0;
            which += which < argc - 1;
            length = length_of(argv[which]);
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
