// SPDX-License-Identifier: BSD-3-Clause
// A node of Web Audio that denoises: all that a page of your own needs, with worklet.js
// and denoiser.wasm beside it.
//
//     const context = new AudioContext({ sampleRate: WIDE_RATE }); // or RATE
//     const node = await createDenoiser(context);
//     source.connect(node).connect(context.destination);
//     node.port.postMessage({ on: true, strength: 20 }); // dB; -1 for the network's own limit

export const RATE = 16000; // what the network hears
export const WIDE_RATE = 48000; // what lies above 8 kHz is kept, with a gain that follows

/** @returns {Promise<AudioWorkletNode>} It reports `{load}`, a share of the time, on its port. */
export async function createDenoiser(context, base = import.meta.url) {
  const [answer] = await Promise.all([
    fetch(new URL('denoiser.wasm', base)),
    context.audioWorklet.addModule(new URL('worklet.js', base)),
  ]);
  if (!answer.ok) throw new Error(`denoiser.wasm: ${answer.status}`);
  return new AudioWorkletNode(context, 'denoiser', {
    numberOfInputs: 1,
    numberOfOutputs: 1,
    outputChannelCount: [1],
    channelCount: 1,
    channelCountMode: 'explicit',
    processorOptions: { wasm: await answer.arrayBuffer() },
  });
}
