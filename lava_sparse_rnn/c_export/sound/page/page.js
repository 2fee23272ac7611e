// SPDX-License-Identifier: BSD-3-Clause
import { createDenoiser } from './denoiser.js';

const RECORD_S = 5;
const OWN_LIMIT = 60; // dB, the end of the slider: what the network's file says, or no limit
const at = (id) => document.getElementById(id);
let graph = null; // made by the first source: a page may not make sound before a click
let making = null; // its promise: a source that comes meanwhile waits for the same one
let playing = null; // what stops the present source
let turn = 0; // counts sources, so that one that comes late does not start

const say = (text) => (at('says').textContent = text);

async function build() {
  const context = new AudioContext({ sampleRate: Number(at('rate').value) });
  try {
    const node = await createDenoiser(context);
    const [noisy, clean] = [0, 1].map(() => {
      const analyser = context.createAnalyser();
      analyser.fftSize = 512;
      analyser.smoothingTimeConstant = 0;
      analyser.minDecibels = -110;
      analyser.maxDecibels = -20;
      return analyser;
    });
    const input = context.createGain();
    input.connect(noisy);
    input.connect(node).connect(clean).connect(context.destination);
    node.port.onmessage = ({ data }) => 'load' in data && showLoad(data.load);
    draw(context, [[noisy, at('noisy')], [clean, at('clean')]]);
    return { context, node, input };
  } catch (error) {
    context.close();
    throw error;
  }
}

async function audio() {
  const mine = (making ??= build());
  try {
    const made = await mine;
    if (making === mine) {
      graph = made;
      tell();
    }
    await made.context.resume();
    return made;
  } catch (error) {
    if (making === mine) making = null;
    throw error;
  }
}

function unmake() {
  making?.then(({ context }) => context.close()).catch(() => {});
  making = graph = null;
}

function tell() {
  const decibels = Number(at('strength').value);
  const limited = decibels < OWN_LIMIT;
  at('decibels').textContent = limited ? `${decibels} dB` : 'default';
  graph?.node.port.postMessage({ on: at('on').checked, strength: limited ? decibels : -1 });
}

function showLoad(load) {
  at('load').value = load;
  at('percent').textContent = `${(100 * load).toFixed(1)} %`;
}

function draw(context, pairs) {
  const columns = pairs.map(([analyser, canvas]) => {
    const pen = canvas.getContext('2d', { willReadFrequently: true });
    const column = pen.createImageData(1, canvas.height);
    return { analyser, canvas, pen, column, levels: new Uint8Array(analyser.frequencyBinCount) };
  });
  const step = () => {
    if (context.state === 'closed') return;
    for (const { analyser, canvas, pen, column, levels } of columns) {
      analyser.getByteFrequencyData(levels);
      for (let y = 0; y < canvas.height; ++y) {
        const bin = Math.floor(((canvas.height - 1 - y) * levels.length) / canvas.height);
        const v = levels[bin];
        column.data.set([v, (v * v) / 255, 96 + v / 3 - (v * v) / 400, 255], 4 * y);
      }
      pen.drawImage(canvas, -1, 0);
      pen.putImageData(column, canvas.width - 1, 0);
    }
    requestAnimationFrame(step);
  };
  step();
}

function stop() {
  ++turn;
  playing?.();
  playing = null;
  at('stop').disabled = true;
}

/** Start a source: `make` gives a node, and what ends it. Errors are shown. */
async function start(name, make) {
  stop();
  const mine = turn;
  try {
    const { context, input } = await audio();
    if (mine !== turn) return; // another one has been asked for
    const [source, end] = await make(context, mine);
    if (mine !== turn) return end();
    source.connect(input);
    playing = () => {
      source.disconnect();
      end();
    };
    at('stop').disabled = false;
    say(name);
  } catch (error) {
    if (mine === turn) say(`${name}: ${error.message}`);
  }
}

async function openMicrophone() {
  // What the browser would do by itself is what the denoiser is there for.
  const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  return navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, ...plain } });
}

const close = (stream) => stream.getTracks().forEach((track) => track.stop());

async function microphone(context, mine) {
  const stream = await openMicrophone();
  if (mine !== turn) {
    close(stream);
    throw new Error('came too late');
  }
  return [context.createMediaStreamSource(stream), () => close(stream)];
}

async function sound(context, bytes) {
  const source = context.createBufferSource();
  source.buffer = await context.decodeAudioData(bytes);
  source.loop = true;
  source.start();
  return [source, () => source.stop()];
}

async function record(context, mine) {
  const stream = await openMicrophone();
  const recorder = new MediaRecorder(stream);
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const done = new Promise((resolve) => (recorder.onstop = resolve));
  recorder.start();
  for (let left = RECORD_S; left > 0 && mine === turn; --left) {
    say(`Recording: ${left} s`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  recorder.stop();
  await done;
  close(stream);
  return sound(context, await new Blob(parts).arrayBuffer());
}

const open = (file) =>
  start(file.name, async (context) => sound(context, await file.arrayBuffer()));

at('microphone').onclick = () => start('Microphone', microphone);
at('record').onclick = () => start('Recording', record);
at('stop').onclick = () => {
  stop();
  say('Stopped.');
};
at('file').onchange = ({ target }) => {
  if (target.files.length) open(target.files[0]);
  target.value = '';
};
at('rate').onchange = () => {
  stop();
  unmake();
  say('Start a source.');
};
at('on').onchange = tell;
at('strength').oninput = tell;
addEventListener('dragover', (event) => {
  event.preventDefault();
  document.body.classList.add('dropping');
});
addEventListener('dragleave', () => document.body.classList.remove('dropping'));
addEventListener('drop', (event) => {
  event.preventDefault();
  document.body.classList.remove('dropping');
  const file = event.dataTransfer.files[0];
  if (file) open(file);
});
