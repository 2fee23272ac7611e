/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs an exported network on a Cortex-M under qemu. Tokens and answers are files of
 * the host, reached by semihosting. Compiled with NETWORK, the name of the header, and
 * N, D_IN and D_OUT, the names of what is in it. With SOUND it runs a denoiser with its
 * front end: files of hops of int16 samples; D_IN and D_OUT are the hop then.
 *
 * Under `-icount shift=0` every instruction takes one nanosecond of the machine's
 * time, and SysTick counts that time. How many instructions a tick is, is measured
 * with a loop of a known number of them.
 */
#include <stddef.h>
#include <stdint.h>
#include NETWORK

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define LOOPS 100000 /* of two instructions each */
#define PAINT 0xA5A5A5A5u

enum { OPEN = 1, WRITE = 5, READ = 6, EXIT = 0x20, READ_BINARY = 1, WRITE_BINARY = 5 };

#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)

extern uint32_t bss_end, stack_top;

#ifdef SOUND
static JOIN(N, _sound) state;
static int16_t in[D_IN], out[D_OUT];
#define INIT JOIN(N, _sound_init)

static int step(void)
{
    JOIN(N, _sound_process_int16)(&state, in, out);
    return 0;
}
#else
static JOIN(N, _state) state;
static JOIN(N, _in) in[D_IN];
static JOIN(N, _out) out[D_OUT];
#define INIT JOIN(N, _init)

static inline int step(void)
{
    return JOIN(N, _step)(&state, in, out);
}
#endif

static uint32_t semihost(uint32_t operation, const void *arguments)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static uint32_t open_file(const char *name, uint32_t length, uint32_t mode)
{
    const uint32_t arguments[] = {(uint32_t)name, mode, length};
    return semihost(OPEN, arguments);
}

/* Bytes that were left over: 0 is success. */
static uint32_t transfer(uint32_t operation, uint32_t file, void *data, uint32_t size)
{
    const uint32_t arguments[] = {file, (uint32_t)data, size};
    return semihost(operation, arguments);
}

static void leave(uint32_t status)
{
    const uint32_t arguments[] = {0x20026 /* application exit */, status};
    semihost(EXIT, arguments);
    for (;;) {
    }
}

static uint32_t ticks_since(uint32_t begin)
{
    return (begin - SYST_CVR) & 0xFFFFFFu;
}

static uint32_t calibrate(void)
{
    uint32_t n = LOOPS;
    const uint32_t begin = SYST_CVR;
    __asm__ volatile(".syntax unified\n1: subs %0, %0, #1\n   bne 1b" : "+l"(n) : : "cc");
    return ticks_since(begin);
}

/* Bytes of stack below this call that a step uses. */
static uint32_t stack_of_a_step(void)
{
    uint32_t *const here = __builtin_frame_address(0), *p;
    for (p = &bss_end; p < here - 16; ++p)
        *(volatile uint32_t *)p = PAINT;
    step();
    for (p = &bss_end; *(volatile uint32_t *)p == PAINT; ++p) {
    }
    return (uint32_t)(here - p) * 4u;
}

void reset(void)
{
    /* loops, ticks of them, tokens, ticks of all, of the slowest, bytes of stack */
    static uint32_t result[6];
    const uint32_t tokens = open_file("tokens", 6, READ_BINARY);
    const uint32_t answers = open_file("answers", 7, WRITE_BINARY);
    const uint32_t results = open_file("results", 7, WRITE_BINARY);

#ifdef __ARM_FP
    *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* the floating point unit: on */
    __asm__ volatile("dsb\n   isb" : : : "memory");
#endif
    SYST_RVR = 0xFFFFFFu;
    SYST_CVR = 0;
    SYST_CSR = 5; /* on, with the processor's clock */
    result[0] = 2 * LOOPS;
    result[1] = calibrate();
    INIT(&state);
    while (transfer(READ, tokens, in, sizeof in) == 0) {
        const uint32_t begin = SYST_CVR;
        const int refused = step();
        const uint32_t ticks = ticks_since(begin);
        if (refused || transfer(WRITE, answers, out, sizeof out) != 0)
            leave(1);
        result[2] += 1;
        result[3] += ticks;
        if (ticks > result[4])
            result[4] = ticks;
    }
    result[5] = stack_of_a_step();
    leave(transfer(WRITE, results, result, sizeof result));
}

__attribute__((section(".vectors"), used)) static const void *const vectors[] = {
    &stack_top, (const void *)reset};
