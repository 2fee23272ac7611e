/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A LADSPA plugin of the denoiser in ${prefix}_sound.h, for sound of $rate Hz, and of
 * that in ${prefix}_wide.h.
 *
 *     cc -std=c99 -O2 -shared -fPIC -fvisibility=hidden ${prefix}_ladspa.c
 *        ${prefix}_wide.c ${prefix}_sound.c $prefix.c -o ${prefix}_ladspa.so
 *
 * LADSPA has no other part than a structure and the constants below, which are declared
 * here as version 1.1 of the interface describes them.
 */
#include <stdlib.h>
#include <string.h>

#include "${prefix}_wide.h"

#ifdef __GNUC__
#define EXPORTED __attribute__((visibility("default")))
#else
#define EXPORTED
#endif

enum { INPUT = 1, OUTPUT = 2, CONTROL = 4, AUDIO = 8 };
enum { BOUNDED_BELOW = 1, BOUNDED_ABOVE = 2, DEFAULT_MAXIMUM = 0x140 };
enum { HARD_RT_CAPABLE = 4 };

typedef struct {
    int hint;
    float lowest, highest;
} range;

typedef void *handle;
typedef struct descriptor {
    unsigned long unique_id;
    const char *label;
    int properties;
    const char *name, *maker, *copyright;
    unsigned long port_count;
    const int *ports;
    const char *const *port_names;
    const range *port_ranges;
    void *implementation_data;
    handle (*instantiate)(const struct descriptor *, unsigned long);
    void (*connect_port)(handle, unsigned long, float *);
    void (*activate)(handle);
    void (*run)(handle, unsigned long);
    void (*run_adding)(handle, unsigned long);
    void (*set_run_adding_gain)(handle, float);
    void (*deactivate)(handle);
    void (*cleanup)(handle);
} descriptor;

const descriptor *ladspa_descriptor(unsigned long index);

enum { IN, OUT, STRENGTH, LATENCY, PORTS };
enum { LONGEST = ${PREFIX}_WIDE_HOP };
#define OWN_LIMIT 60.0f /* dB; from here on the network's own limit, or none */

typedef struct {
    ${prefix}_wide wide; /* of which only `sound` is used at the lower rate */
    float *ports[PORTS];
    float in[LONGEST], out[LONGEST];
    int is_wide;
    int at; /* samples of the hop that have come */
} plugin;

static handle instantiate(const descriptor *self, unsigned long rate)
{
    plugin *made;
    (void)self;
    if (rate != ${PREFIX}_RATE && rate != ${PREFIX}_WIDE_RATE)
        return NULL;
    made = calloc(1, sizeof *made);
    if (made)
        made->is_wide = rate == ${PREFIX}_WIDE_RATE;
    return made;
}

/* The next hop; silence where it is no sound. */
static void denoise(plugin *self)
{
    int attempt;
    for (attempt = 0; attempt < 2; ++attempt) {
        const int refused =
            self->is_wide
                ? ${prefix}_wide_process(&self->wide, self->in, self->out)
                : ${prefix}_sound_process(&self->wide.sound, self->in, self->out);
        if (!refused)
            return;
        memset(self->in, 0, sizeof self->in);
    }
}

static void connect_port(handle instance, unsigned long port, float *data)
{
    if (port < PORTS)
        ((plugin *)instance)->ports[port] = data;
}

static void activate(handle instance)
{
    plugin *const self = instance;
    ${prefix}_wide_init(&self->wide);
    memset(self->out, 0, sizeof self->out);
    self->at = 0;
}

static void run(handle instance, unsigned long count)
{
    plugin *const self = instance;
    const float *const in = self->ports[IN];
    float *const out = self->ports[OUT];
    const float strength = self->ports[STRENGTH] ? *self->ports[STRENGTH] : OWN_LIMIT;
    const int hop = self->is_wide ? ${PREFIX}_WIDE_HOP : ${PREFIX}_HOP;
    unsigned long i;

    ${prefix}_wide_strength(&self->wide, strength < OWN_LIMIT ? strength : -1.0f);
    for (i = 0; i < count; ++i) {
        self->in[self->at] = in[i]; /* before `out`, which may be the same */
        out[i] = self->out[self->at];
        if (++self->at < hop)
            continue;
        self->at = 0;
        denoise(self);
    }
    if (self->ports[LATENCY])
        *self->ports[LATENCY] =
            self->is_wide ? ${PREFIX}_WIDE_LATENCY : ${PREFIX}_LATENCY;
}

static void cleanup(handle instance)
{
    free(instance);
}

static const int ports[PORTS] = {INPUT | AUDIO, OUTPUT | AUDIO, INPUT | CONTROL,
                                 OUTPUT | CONTROL};
static const char *const port_names[PORTS] = {
    "Input", "Output", "Largest attenuation (dB, 60: default)", "latency"};
static const range port_ranges[PORTS] = {
    {0, 0.0f, 0.0f},
    {0, 0.0f, 0.0f},
    {BOUNDED_BELOW | BOUNDED_ABOVE | DEFAULT_MAXIMUM, 0.0f, OWN_LIMIT},
    {0, 0.0f, 0.0f}};

EXPORTED const descriptor *ladspa_descriptor(unsigned long index)
{
    static const descriptor denoiser = {
        767, /* below 1000: not registered */
        "$prefix",
        HARD_RT_CAPABLE,
        "Denoiser of speech ($prefix)",
        "lava_sparse_rnn",
        "BSD-3-Clause",
        PORTS,
        ports,
        port_names,
        port_ranges,
        NULL,
        instantiate,
        connect_port,
        activate,
        run,
        NULL,
        NULL,
        NULL,
        cleanup};
    return index == 0 ? &denoiser : NULL;
}
