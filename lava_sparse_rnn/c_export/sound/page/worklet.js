// SPDX-License-Identifier: BSD-3-Clause
// The denoiser in the thread of sound. Samples go in and out one quantum after another;
// the module takes them hop by hop, so that sound comes out one window late, or more where the network looks ahead.
const REPORT_S = 0.5; // time between two messages about the load
const KEPT = 0.9; // of the load before: this thread has a clock of milliseconds alone

class Denoiser extends AudioWorkletProcessor {
  constructor({ processorOptions }) {
    super();
    const module = new WebAssembly.Module(processorOptions.wasm);
    const c = new WebAssembly.Instance(module, {}).exports;
    if (c.init(sampleRate) !== 0)
      throw new Error(`sound of ${sampleRate} Hz, the denoiser hears 16000 or 48000`);
    this.c = c;
    this.hop = new Float32Array(c.memory.buffer, c.hop_at(), c.hop_length());
    this.heard = new Float32Array(c.hop_length()); // of the hop that is not full yet
    this.ready = new Float32Array(c.hop_length()); // of the hop that was denoised last
    this.past = new Float32Array(c.latency()); // what comes out when it is off
    this.at = this.pastAt = this.spent = this.denoised = this.load = 0;
    this.on = true;
    this.started = false;
    this.port.onmessage = ({ data }) => {
      if ('on' in data) this.on = data.on;
      if ('strength' in data) c.strength(data.strength);
    };
  }

  process([input], [output]) {
    if (!this.started) this.port.postMessage({ start: currentFrame });
    this.started = true;
    const out = output[0];
    const noisy = input[0]; // none while nothing is connected
    for (let i = 0; i < out.length; ++i) {
      const sample = noisy ? noisy[i] : 0;
      const before = this.past[this.pastAt];
      this.past[this.pastAt] = sample;
      this.pastAt = (this.pastAt + 1) % this.past.length;
      this.heard[this.at] = sample;
      out[i] = this.on ? this.ready[this.at] : before;
      if (++this.at === this.heard.length) this.denoise();
    }
    for (let channel = 1; channel < output.length; ++channel) output[channel].set(out);
    return true;
  }

  denoise() {
    const begin = Date.now();
    this.at = 0;
    this.hop.set(this.heard);
    if (this.c.process() !== 0) {
      this.hop.fill(0); // no sound: silence
      this.c.process();
    }
    this.ready.set(this.hop);
    this.spent += Date.now() - begin;
    this.denoised += this.hop.length;
    if (this.denoised >= REPORT_S * sampleRate) {
      const load = (this.spent / 1000) * (sampleRate / this.denoised);
      this.load = KEPT * this.load + (1 - KEPT) * load;
      this.port.postMessage({ load: this.load });
      this.spent = this.denoised = 0;
    }
  }
}

registerProcessor('denoiser', Denoiser);
